/* A number out of a date as it stands in an event: Sigma's minute, hour, day, week, month, year.
 *
 * As written, in whatever zone that is (specification 2.1.0, "Time Modifiers": no conversion of zones). Read are
 * RFC 3339 and its relatives ("2026-11-21 18:44:24"), a web server's "21/Nov/2026:18:44:24 +0000", syslog's
 * "Nov 21 18:44:24" (which has no year and no week), and seconds, milliseconds or microseconds since 1970, which are UTC.
 * Weeks are ISO 8601's: 1 to 53. */
#ifndef TOCSIN_TIME_PART_H
#define TOCSIN_TIME_PART_H

#include "slice.h"

enum time_part { TIME_NONE, TIME_MINUTE, TIME_HOUR, TIME_DAY, TIME_WEEK, TIME_MONTH, TIME_YEAR };

/* False where the text is no date, or does not tell that part. */
bool time_part_read(struct slice text, enum time_part part, double *ret_number);

/* What the part can be at all. */
void time_part_range(enum time_part part, unsigned *ret_least, unsigned *ret_most);

#endif

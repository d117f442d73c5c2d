/* Times as lines tell them: at their start, or as the value of a field.
 *
 * The zone is an argument, in minutes east of UTC, for times that name none. No clock, no zone data. Years 1970 to 9999. */
#ifndef TOCSIN_LINE_TIME_H
#define TOCSIN_LINE_TIME_H

#include "slice.h"

/* "2026-11-21T18:44:24.123+01:00" at the start of `text`: RFC 3339, also with a blank for the "T", a comma for the dot,
 * and without a zone. ret_size is its length; a blank, a bracket or nothing follows it. */
bool line_time_prefix(struct slice text, int zone_minutes, size_t *ret_size, uint64_t *ret_time_us);

/* "Nov 21 18:44:24" or "Nov  1 18:44:24.123" at the start of `text` (RFC 3164, 4.1.2). The year is the one that gives the
 * newest time not more than a day after `reference_us`; ret_time_us is 0 for a date that no such year has. */
bool line_time_bsd(struct slice text, uint64_t reference_us, int zone_minutes, size_t *ret_size,
                   uint64_t *ret_time_us);

/* A whole value: the same as line_time_prefix, or a number since 1970, in seconds (with a fraction or without),
 * milli-, micro- or nanoseconds by its size. */
bool line_time_value(struct slice value, int zone_minutes, uint64_t *ret_time_us);

#endif

/* Times as microseconds since 1970 in UTC, and their RFC 3339 text. Proleptic Gregorian, no leap seconds, no zone data,
 * no clock: the same answer on every machine. Years 1970 to 9999. */
#ifndef TOCSIN_CALENDAR_H
#define TOCSIN_CALENDAR_H

#include "slice.h"

struct calendar_time {
    int year;
    unsigned month, day; /* from 1 */
    unsigned hour, minute, second, microsecond;
};

#define CALENDAR_TEXT_SIZE 28 /* "2026-11-21T18:44:24.123456Z" and a NUL */

unsigned calendar_month_days(int year, unsigned month); /* month from 1 */

struct calendar_time calendar_split(uint64_t time_us);
/* False for a date that does not exist. A second of 60 counts as the next minute's first. */
bool calendar_join(const struct calendar_time *time, uint64_t *ret_time_us);

void calendar_text(uint64_t time_us, char ret_text[CALENDAR_TEXT_SIZE]);
/* RFC 3339: "T", "t" or a blank between date and time, any number of fraction digits, "Z" or an offset. The whole slice. */
bool calendar_parse(struct slice text, uint64_t *ret_time_us);

#endif

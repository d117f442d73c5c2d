#include "time_part.h"

#include <math.h>

#include "calendar.h"
#include "predicate.h"

#define ABSENT UINT32_MAX

struct date {
    unsigned year, month, day, hour, minute;
};

/* Digits at *at, `least` to `most` of them. */
static bool read_digits(struct slice text, size_t *at, unsigned least, unsigned most, unsigned *ret_number) {
    unsigned number = 0, count = 0;
    for (; count < most && *at < text.size && (uint8_t)(text.data[*at] - '0') < 10; count++)
        number = number * 10 + (unsigned)(text.data[(*at)++] - '0');
    if (count < least)
        return false;
    *ret_number = number;
    return true;
}

static bool read_byte(struct slice text, size_t *at, const char *any) {
    if (*at >= text.size || !text.data[*at] || !strchr(any, text.data[*at]))
        return false;
    ++*at;
    return true;
}

static bool read_month_name(struct slice text, size_t *at, unsigned *ret_month) {
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (unsigned month = 0; month < 12; month++) {
        if (slice_equal_caseless(slice_head(slice_from(text, *at), 3), slice_make(names + 3 * month, 3))) {
            *at += 3;
            *ret_month = month + 1;
            return true;
        }
    }
    return false;
}

static bool read_clock(struct slice text, size_t *at, struct date *date) {
    return read_digits(text, at, 1, 2, &date->hour) && read_byte(text, at, ":") &&
           read_digits(text, at, 2, 2, &date->minute);
}

/* 2026-11-21, 2026/11/21, and perhaps a time behind a T or a blank */
static bool read_iso(struct slice text, struct date *date) {
    size_t at = 0;
    if (!read_digits(text, &at, 4, 4, &date->year) || !read_byte(text, &at, "-/") ||
        !read_digits(text, &at, 2, 2, &date->month) || !read_byte(text, &at, "-/") ||
        !read_digits(text, &at, 2, 2, &date->day))
        return false;
    if (at == text.size) {
        date->hour = date->minute = ABSENT;
        return true;
    }
    return read_byte(text, &at, "Tt ") && read_clock(text, &at, date);
}

/* 21/Nov/2026:18:44:24 */
static bool read_web(struct slice text, struct date *date) {
    size_t at = 0;
    return read_digits(text, &at, 1, 2, &date->day) && read_byte(text, &at, "/") &&
           read_month_name(text, &at, &date->month) && read_byte(text, &at, "/") &&
           read_digits(text, &at, 4, 4, &date->year) && read_byte(text, &at, ":") &&
           read_clock(text, &at, date);
}

/* Nov 21 18:44:24 */
static bool read_syslog(struct slice text, struct date *date) {
    size_t at = 0;
    date->year = ABSENT;
    if (!read_month_name(text, &at, &date->month) || !read_byte(text, &at, " "))
        return false;
    while (at < text.size && text.data[at] == ' ')
        at++;
    return read_digits(text, &at, 1, 2, &date->day) && read_byte(text, &at, " ") &&
           read_clock(text, &at, date);
}

static bool read_since_1970(struct slice text, struct date *date) {
    double number;
    if (!predicate_number(text, &number) || number < 1e8 || number >= 1e17)
        return false;
    double seconds = number < 1e11 ? number : number < 1e14 ? number / 1e3 : number / 1e6;
    struct calendar_time time = calendar_split((uint64_t)floor(seconds) * 1000000);
    *date = (struct date){(unsigned)time.year, time.month, time.day, time.hour, time.minute};
    return true;
}

static bool is_date(const struct date *date) {
    if (date->year != ABSENT && (date->year < 1 || date->year > 9999))
        return false;
    int year = date->year == ABSENT ? 2000 : (int)date->year;
    return date->month >= 1 && date->month <= 12 && date->day >= 1 &&
           date->day <= calendar_month_days(year, date->month) &&
           (date->hour == ABSENT || (date->hour < 24 && date->minute < 60));
}

/* Monday is 1; after Sakamoto. */
static unsigned weekday(unsigned year, unsigned month, unsigned day) {
    static const unsigned shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    year -= month < 3;
    unsigned sunday = (year + year / 4 - year / 100 + year / 400 + shift[month - 1] + day) % 7;
    return sunday ? sunday : 7;
}

static unsigned weeks_of(unsigned year) {
    bool leap = calendar_month_days((int)year, 2) == 29;
    unsigned first = weekday(year, 1, 1);
    return first == 4 || (leap && first == 3) ? 53 : 52;
}

static unsigned week_of(const struct date *date) {
    unsigned day_of_year = date->day;
    for (unsigned month = 1; month < date->month; month++)
        day_of_year += calendar_month_days((int)date->year, month);
    unsigned week = (day_of_year + 10 - weekday(date->year, date->month, date->day)) / 7;
    if (week == 0)
        return weeks_of(date->year - 1);
    return week > weeks_of(date->year) ? 1 : week;
}

bool time_part_read(struct slice text, enum time_part part, double *ret_number) {
    struct date date = {0};
    text = slice_trim(text);
    if (!(read_iso(text, &date) || read_web(text, &date) || read_syslog(text, &date) ||
          read_since_1970(text, &date)) ||
        !is_date(&date))
        return false;
    unsigned parts[] = {[TIME_NONE] = ABSENT,     [TIME_MINUTE] = date.minute,
                        [TIME_HOUR] = date.hour,  [TIME_DAY] = date.day,
                        [TIME_WEEK] = ABSENT,     [TIME_MONTH] = date.month,
                        [TIME_YEAR] = date.year};
    if (date.year != ABSENT)
        parts[TIME_WEEK] = week_of(&date);
    if (parts[part] == ABSENT)
        return false;
    *ret_number = parts[part];
    return true;
}

void time_part_range(enum time_part part, unsigned *ret_least, unsigned *ret_most) {
    static const struct {
        unsigned least, most;
    } ranges[] = {[TIME_NONE] = {0, 0},  [TIME_MINUTE] = {0, 59}, [TIME_HOUR] = {0, 23},  [TIME_DAY] = {1, 31},
                  [TIME_WEEK] = {1, 53}, [TIME_MONTH] = {1, 12},  [TIME_YEAR] = {1, 9999}};
    *ret_least = ranges[part].least;
    *ret_most = ranges[part].most;
}

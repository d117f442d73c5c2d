#include "calendar.h"

#include <stdio.h>

#define DAY_S 86400u
#define SECOND_US 1000000u

static bool leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

unsigned calendar_month_days(int year, unsigned month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year) ? 1u : 0u);
}

/* Days before 1 January of `year`, counted from 1970. */
static uint64_t days_before_year(int year) {
    uint64_t y = (uint64_t)year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

struct calendar_time calendar_split(uint64_t time_us) {
    uint64_t seconds = time_us / SECOND_US;
    uint64_t days = seconds / DAY_S;
    unsigned rest = (unsigned)(seconds % DAY_S);
    int year = (int)(1970 + days * 400 / 146097);
    while (days_before_year(year + 1) <= days)
        year++;
    while (days_before_year(year) > days)
        year--;
    unsigned day = (unsigned)(days - days_before_year(year));
    unsigned month = 1;
    for (; day >= calendar_month_days(year, month); month++)
        day -= calendar_month_days(year, month);
    return (struct calendar_time){year, month, day + 1, rest / 3600, rest / 60 % 60, rest % 60,
                                  (unsigned)(time_us % SECOND_US)};
}

bool calendar_join(const struct calendar_time *t, uint64_t *ret_time_us) {
    if (t->year < 1970 || t->year > 9999 || t->month < 1 || t->month > 12 || t->day < 1 ||
        t->day > calendar_month_days(t->year, t->month) || t->hour > 23 || t->minute > 59 || t->second > 60 ||
        t->microsecond >= SECOND_US)
        return false;
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint64_t days = days_before_year(t->year) + before[t->month - 1] + (t->month > 2 && leap(t->year)) + t->day - 1;
    *ret_time_us = (days * DAY_S + t->hour * 3600u + t->minute * 60u + t->second) * SECOND_US + t->microsecond;
    return true;
}

void calendar_text(uint64_t time_us, char ret_text[CALENDAR_TEXT_SIZE]) {
    struct calendar_time t = calendar_split(time_us);
    char text[80];
    snprintf(text, sizeof text, "%04d-%02u-%02uT%02u:%02u:%02u.%06uZ", t.year, t.month, t.day, t.hour, t.minute,
             t.second, t.microsecond);
    memcpy(ret_text, text, CALENDAR_TEXT_SIZE - 1);
    ret_text[CALENDAR_TEXT_SIZE - 1] = '\0';
}

/* `count` digits at the front of *text, which moves on. */
static bool digits(struct slice *text, size_t count, unsigned *ret_value) {
    uint64_t value;
    if (text->size < count || !slice_decimal(slice_head(*text, count), &value))
        return false;
    *ret_value = (unsigned)value;
    *text = slice_from(*text, count);
    return true;
}

static bool literal(struct slice *text, const char *any_of) {
    if (text->size == 0 || text->data[0] == 0 || !strchr(any_of, text->data[0]))
        return false;
    *text = slice_from(*text, 1);
    return true;
}

static unsigned fraction(struct slice *text) {
    unsigned value = 0;
    unsigned scale = SECOND_US / 10;
    for (; text->size && text->data[0] >= '0' && text->data[0] <= '9'; *text = slice_from(*text, 1), scale /= 10)
        value += (text->data[0] - (unsigned)'0') * scale;
    return value;
}

bool calendar_parse(struct slice text, uint64_t *ret_time_us) {
    struct calendar_time t = {0};
    unsigned year;
    if (!(digits(&text, 4, &year) && literal(&text, "-") && digits(&text, 2, &t.month) && literal(&text, "-") &&
          digits(&text, 2, &t.day) && literal(&text, "Tt ") && digits(&text, 2, &t.hour) && literal(&text, ":") &&
          digits(&text, 2, &t.minute) && literal(&text, ":") && digits(&text, 2, &t.second)))
        return false;
    t.year = (int)year;
    if (text.size && (text.data[0] == '.' || text.data[0] == ',')) {
        text = slice_from(text, 1);
        if (text.size == 0 || text.data[0] < '0' || text.data[0] > '9')
            return false;
        t.microsecond = fraction(&text);
    }
    uint64_t local;
    if (!calendar_join(&t, &local) || text.size == 0)
        return false;
    if (literal(&text, "Zz")) {
        if (text.size)
            return false;
        *ret_time_us = local;
        return true;
    }
    bool west = text.data[0] == '-';
    unsigned hours, minutes;
    if (!literal(&text, "+-") || !digits(&text, 2, &hours))
        return false;
    literal(&text, ":");
    if (!digits(&text, 2, &minutes) || text.size || hours > 23 || minutes > 59)
        return false;
    uint64_t offset = (uint64_t)(hours * 3600 + minutes * 60) * SECOND_US;
    if (!west && offset > local)
        return false;
    *ret_time_us = west ? local + offset : local - offset;
    return true;
}

#include "line_time.h"

#include "calendar.h"

#define SECOND_US UINT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US (24 * 60 * MINUTE_US)

/* The newest leap day may be eight years back (1904 and 1896, 2104 and 2096). */
#define YEARS_BACK 8

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool two_digits(const uint8_t *at, unsigned *ret_value) {
    if (!is_digit(at[0]) || !is_digit(at[1]))
        return false;
    *ret_value = (at[0] - (unsigned)'0') * 10 + at[1] - '0';
    return true;
}

/* "18:44:24". */
static bool clock_time(const uint8_t *at, struct calendar_time *time) {
    return at[2] == ':' && at[5] == ':' && two_digits(at, &time->hour) && two_digits(at + 3, &time->minute) &&
           two_digits(at + 6, &time->second);
}

/* ".123456" or ",123" at `at`; returns its length, 0 where there is none. */
static size_t fraction(struct slice text, unsigned *ret_microsecond) {
    unsigned scale = SECOND_US / 10, value = 0;
    size_t size = 1;
    if (text.size < 2 || (text.data[0] != '.' && text.data[0] != ',') || !is_digit(text.data[1]))
        return 0;
    for (; size < text.size && is_digit(text.data[size]); size++, scale /= 10)
        value += (text.data[size] - (unsigned)'0') * scale;
    *ret_microsecond = value;
    return size;
}

/* "Z", "+01:00" or "+0100"; returns its length, 0 where there is none (then *zone_minutes stays). */
static size_t zone(struct slice text, int *zone_minutes) {
    unsigned hours, minutes;
    if (text.size && (text.data[0] == 'Z' || text.data[0] == 'z')) {
        *zone_minutes = 0;
        return 1;
    }
    if (text.size < 5 || (text.data[0] != '+' && text.data[0] != '-') || !two_digits(text.data + 1, &hours))
        return 0;
    size_t colon = text.data[3] == ':' ? 1 : 0;
    if (text.size < 5 + colon || !two_digits(text.data + 3 + colon, &minutes) || hours > 23 || minutes > 59)
        return 0;
    int value = (int)(hours * 60 + minutes);
    *zone_minutes = text.data[0] == '-' ? -value : value;
    return 5 + colon;
}

static bool to_utc(uint64_t local_us, int zone_minutes, uint64_t *ret_time_us) {
    uint64_t offset = (uint64_t)(zone_minutes < 0 ? -zone_minutes : zone_minutes) * MINUTE_US;
    if (zone_minutes > 0 && offset > local_us)
        return false;
    *ret_time_us = zone_minutes < 0 ? local_us + offset : local_us - offset;
    return true;
}

bool line_time_prefix(struct slice text, int zone_minutes, size_t *ret_size, uint64_t *ret_time_us) {
    struct calendar_time time = {0};
    unsigned century, year;
    const uint8_t *at = text.data;
    if (text.size < 19 || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != 't' && at[10] != ' '))
        return false;
    if (!two_digits(at, &century) || !two_digits(at + 2, &year) || !two_digits(at + 5, &time.month) ||
        !two_digits(at + 8, &time.day) || !clock_time(at + 11, &time))
        return false;
    time.year = (int)(century * 100 + year);
    size_t size = 19;
    size += fraction(slice_from(text, size), &time.microsecond);
    size += zone(slice_from(text, size), &zone_minutes);
    if (size < text.size && !strchr(" \t\r\n]),", text.data[size]))
        return false;
    uint64_t local, utc;
    if (!calendar_join(&time, &local) || !to_utc(local, zone_minutes, &utc))
        return false;
    *ret_size = size;
    *ret_time_us = utc;
    return true;
}

static unsigned month_number(const uint8_t *at) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned month = 0; month < 12; month++)
        if (memcmp(names + month * 3, at, 3) == 0)
            return month + 1;
    return 0;
}

static uint64_t newest_year(struct calendar_time *time, uint64_t reference_us, int zone_minutes) {
    /* A little late at the end of a year, never early: the loop tries the year after it first. */
    int year = (int)(1970 + reference_us / (DAY_US * 146097 / 400));
    for (int candidate = year + 1; candidate >= year - YEARS_BACK; candidate--) {
        uint64_t local, utc;
        time->year = candidate;
        if (calendar_join(time, &local) && to_utc(local, zone_minutes, &utc) && utc <= reference_us + DAY_US)
            return utc;
    }
    return 0;
}

bool line_time_bsd(struct slice text, uint64_t reference_us, int zone_minutes, size_t *ret_size,
                   uint64_t *ret_time_us) {
    struct calendar_time time = {0};
    if (text.size < 15 || text.data[3] != ' ' || text.data[6] != ' ' || !clock_time(text.data + 7, &time))
        return false;
    time.month = month_number(text.data);
    if (text.data[4] == ' ' && is_digit(text.data[5]))
        time.day = text.data[5] - (unsigned)'0';
    else if (!two_digits(text.data + 4, &time.day))
        return false;
    if (time.month == 0 || time.day == 0 || time.day > 31 || time.hour > 23 || time.minute > 59 ||
        time.second > 60)
        return false;
    size_t size = 15;
    size += fraction(slice_from(text, size), &time.microsecond);
    *ret_size = size;
    *ret_time_us = newest_year(&time, reference_us, zone_minutes);
    return true;
}

/* Powers of ten apart enough for any time between 1971 and 5000: 1e9 to 1e11 are seconds, and so on. */
static bool since_1970(struct slice value, uint64_t *ret_time_us) {
    unsigned microsecond = 0;
    size_t whole = 0;
    while (whole < value.size && is_digit(value.data[whole]))
        whole++;
    size_t behind = fraction(slice_from(value, whole), &microsecond);
    uint64_t number;
    if (whole < 8 || whole + behind != value.size || !slice_decimal(slice_head(value, whole), &number))
        return false;
    if (number < UINT64_C(100000000000))
        *ret_time_us = number * SECOND_US + microsecond;
    else if (number < UINT64_C(100000000000000))
        *ret_time_us = number * 1000 + microsecond / 1000;
    else if (number < UINT64_C(100000000000000000))
        *ret_time_us = number;
    else
        *ret_time_us = number / 1000;
    return true;
}

bool line_time_value(struct slice value, int zone_minutes, uint64_t *ret_time_us) {
    size_t size;
    uint64_t time_us;
    if (since_1970(value, ret_time_us))
        return true;
    if (!line_time_prefix(value, zone_minutes, &size, &time_us) || size != value.size)
        return false;
    *ret_time_us = time_us;
    return true;
}

#include "der.h"

#include "calendar.h"

enum der_header_state der_header_read(struct slice from, struct der_header *ret_header) {
    if (from.size == 0)
        return DER_HEADER_SHORT;
    if ((from.data[0] & 0x1f) == 0x1f)
        return DER_HEADER_BAD; /* a tag of several bytes: nothing here has one */
    if (from.size < 2)
        return DER_HEADER_SHORT;
    uint8_t first = from.data[1];
    if (first < 0x80) {
        *ret_header = (struct der_header){from.data[0], 2, first};
        return DER_HEADER_GOOD;
    }
    size_t digits = first & 0x7f;
    if (digits == 0 || digits > DER_HEADER_MOST - 2)
        return DER_HEADER_BAD;
    if (from.size < 2 + digits)
        return from.size > 2 && from.data[2] == 0 ? DER_HEADER_BAD : DER_HEADER_SHORT;
    size_t content = 0;
    for (size_t i = 0; i < digits; i++)
        content = content << 8 | from.data[2 + i];
    if (content < 0x80 || from.data[2] == 0)
        return DER_HEADER_BAD;
    *ret_header = (struct der_header){from.data[0], 2 + digits, content};
    return DER_HEADER_GOOD;
}

static struct slice fail(struct der_reader *reader) {
    *reader = (struct der_reader){SLICE(""), true};
    return SLICE("");
}

struct der_element der_take_any(struct der_reader *reader) {
    struct der_header header;
    if (reader->failed || der_header_read(reader->rest, &header) != DER_HEADER_GOOD ||
        reader->rest.size - header.size < header.content)
        return (struct der_element){0, fail(reader), SLICE("")};
    struct der_element element = {header.tag, slice_make(reader->rest.data + header.size, header.content),
                                  slice_head(reader->rest, header.size + header.content)};
    reader->rest = slice_from(reader->rest, element.whole.size);
    return element;
}

static struct der_element take(struct der_reader *reader, uint8_t tag) {
    if (!der_is(reader, tag))
        return (struct der_element){0, fail(reader), SLICE("")};
    return der_take_any(reader);
}

struct slice der_take(struct der_reader *reader, uint8_t tag) {
    return take(reader, tag).content;
}

struct slice der_take_whole(struct der_reader *reader, uint8_t tag) {
    return take(reader, tag).whole;
}

struct der_reader der_enter(struct der_reader *reader, uint8_t tag) {
    struct slice content = der_take(reader, tag);
    return (struct der_reader){content, reader->failed};
}

bool der_take_boolean(struct der_reader *reader) {
    struct slice content = der_take(reader, DER_BOOLEAN);
    if (content.size != 1 || (content.data[0] != 0 && content.data[0] != 0xff))
        fail(reader);
    return !reader->failed && content.data[0] != 0;
}

static bool shortest(struct slice integer) {
    if (integer.size == 0)
        return false;
    if (integer.size == 1)
        return true;
    bool sign = (integer.data[1] & 0x80) != 0;
    return !(integer.data[0] == 0 && !sign) && !(integer.data[0] == 0xff && sign);
}

struct slice der_take_integer(struct der_reader *reader) {
    struct slice content = der_take(reader, DER_INTEGER);
    return shortest(content) ? content : fail(reader);
}

uint32_t der_take_small(struct der_reader *reader, uint8_t tag) {
    struct slice content = der_take(reader, tag);
    if (!shortest(content) || content.size > 4 || der_negative(content)) {
        fail(reader);
        return 0;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < content.size; i++)
        value = value << 8 | content.data[i];
    return value;
}

struct slice der_take_bits(struct der_reader *reader) {
    struct slice content = der_take(reader, DER_BIT_STRING);
    if (content.size == 0 || content.data[0] != 0)
        return fail(reader);
    return slice_from(content, 1);
}

uint16_t der_take_flags(struct der_reader *reader) {
    struct slice content = der_take(reader, DER_BIT_STRING);
    if (content.size == 0 || content.data[0] > 7 || (content.size == 1 && content.data[0] != 0)) {
        fail(reader);
        return 0;
    }
    uint16_t flags = 0;
    for (size_t bit = 0; bit < 16 && bit / 8 + 1 < content.size; bit++)
        if (content.data[bit / 8 + 1] & 0x80 >> bit % 8)
            flags |= (uint16_t)(1u << bit);
    return flags;
}

static bool pair(struct slice text, size_t at, unsigned *ret_value) {
    unsigned tens = text.data[at] - (unsigned)'0', ones = text.data[at + 1] - (unsigned)'0';
    *ret_value = 10 * tens + ones;
    return tens < 10 && ones < 10;
}

static bool read_time(struct slice text, bool four_digits, uint64_t *ret_us) {
    unsigned century = 0, year;
    size_t at = four_digits ? 2 : 0;
    struct calendar_time time = {.year = 0};
    if (text.size != at + 13 || text.data[text.size - 1] != 'Z' ||
        (four_digits && !pair(text, 0, &century)) || !pair(text, at, &year) ||
        !pair(text, at + 2, &time.month) || !pair(text, at + 4, &time.day) ||
        !pair(text, at + 6, &time.hour) || !pair(text, at + 8, &time.minute) ||
        !pair(text, at + 10, &time.second))
        return false;
    if (!four_digits)
        century = year < 50 ? 20 : 19;
    time.year = (int)(century * 100 + year);
    bool before = time.year < 1970;
    if (before)
        time.year = 1972; /* any leap year: the day must exist in some way */
    if (!calendar_join(&time, ret_us))
        return false;
    if (before)
        *ret_us = 0;
    return true;
}

uint64_t der_take_time(struct der_reader *reader) {
    struct der_element element = der_take_any(reader);
    uint64_t time_us = 0;
    bool long_form = element.tag == DER_GENERALIZED_TIME;
    if ((!long_form && element.tag != DER_UTC_TIME) || !read_time(element.content, long_form, &time_us)) {
        fail(reader);
        return 0;
    }
    return time_us;
}

uint64_t der_take_long_time(struct der_reader *reader) {
    if (!der_is(reader, DER_GENERALIZED_TIME))
        fail(reader);
    return der_take_time(reader);
}

/* The digits behind the dot, without the Z; in millionths. */
static bool read_fraction(struct slice digits, uint64_t *ret_us) {
    uint64_t fraction_us = 0, unit_us = 100000;
    for (size_t i = 0; i < digits.size; i++, unit_us /= 10) {
        unsigned digit = digits.data[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        fraction_us += digit * unit_us;
    }
    *ret_us = fraction_us;
    return true;
}

uint64_t der_take_precise_time(struct der_reader *reader, bool *ret_exact) {
    enum { WHOLE = 14 }; /* YYYYMMDDhhmmss */
    struct slice text = der_take(reader, DER_GENERALIZED_TIME), digits = SLICE("");
    uint8_t whole[WHOLE + 1];
    uint64_t time_us = 0, fraction_us = 0;
    bool dot = text.size > WHOLE + 1 && text.data[WHOLE] == '.';
    if (!dot && text.size != WHOLE + 1) {
        fail(reader);
        return 0;
    }
    if (dot)
        digits = slice_make(text.data + WHOLE + 1, text.size - WHOLE - 2);
    memcpy(whole, text.data, WHOLE);
    whole[WHOLE] = text.data[text.size - 1];
    if (!read_time(slice_make(whole, sizeof whole), true, &time_us) || !read_fraction(digits, &fraction_us)) {
        fail(reader);
        return 0;
    }
    *ret_exact = !dot || (digits.size > 0 && digits.data[digits.size - 1] != '0');
    return time_us + fraction_us;
}

struct slice der_magnitude(struct slice integer) {
    return integer.size > 1 && integer.data[0] == 0 ? slice_from(integer, 1) : integer;
}

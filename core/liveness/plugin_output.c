#include "plugin_output.h"

#include <math.h>
#include <stdlib.h>

struct plugin_output plugin_output_read(struct slice output) {
    struct plugin_output read = {.data = {SLICE(""), SLICE("")}};
    struct slice first = slice_head(output, slice_find_byte(output, '\n'));
    struct slice rest = slice_from(output, first.size + 1);
    size_t bar = slice_find_byte(first, '|');
    if (bar != SIZE_MAX)
        read.data[0] = slice_from(first, bar + 1);
    read.line = slice_trim(slice_head(first, bar));
    if (read.line.size && read.line.data[read.line.size - 1] == '\r')
        read.line.size--;
    bar = slice_find_byte(rest, '|');
    if (bar != SIZE_MAX)
        read.data[1] = slice_from(rest, bar + 1);
    return read;
}

/* The longest decimal number at the beginning: no hexadecimal, no "inf" (strtod alone takes these). */
static bool take_number(struct slice *from, double *ret_value) {
    char text[PLUGIN_NUMBER_MOST + 1], *end;
    size_t size = 0;
    while (size < from->size && size < PLUGIN_NUMBER_MOST &&
           slice_find_byte(SLICE("+-.0123456789eE"), from->data[size]) != SIZE_MAX)
        size++;
    memcpy(text, from->data, size);
    text[size] = '\0';
    double value = strtod(text, &end);
    if (end == text || !isfinite(value))
        return false;
    *from = slice_from(*from, (size_t)(end - text));
    *ret_value = value;
    return true;
}

bool plugin_range_read(struct slice text, struct plugin_range *ret_range) {
    struct plugin_range range = {.there = text.size != 0, .from = 0, .to = HUGE_VAL};
    struct slice rest = text;
    if (rest.size && rest.data[0] == '@') {
        range.inside = true;
        rest = slice_from(rest, 1);
    }
    if (!range.there) {
        *ret_range = range;
        return true;
    }
    size_t colon = slice_find_byte(rest, ':');
    if (colon != SIZE_MAX) {
        struct slice from = slice_head(rest, colon);
        rest = slice_from(rest, colon + 1);
        if (slice_equal(from, SLICE("~")))
            range.from = -HUGE_VAL;
        else if (from.size && (!take_number(&from, &range.from) || from.size))
            return false;
        if (rest.size == 0 && colon) {
            *ret_range = range;
            return true;
        }
    }
    if (!take_number(&rest, &range.to) || rest.size || range.from > range.to)
        return false;
    *ret_range = range;
    return true;
}

bool plugin_range_alerts(const struct plugin_range *range, double value) {
    bool inside = value >= range->from && value <= range->to;
    return range->there && inside == range->inside;
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Up to '=': in single quotes, two of which are one (they are left as they are), or without blanks. */
static bool take_label(struct slice *data, struct slice *ret_label) {
    size_t at = 0;
    if (data->size && data->data[0] == '\'') {
        for (at = 1; at < data->size; at++)
            if (data->data[at] == '\'') {
                if (at + 1 >= data->size || data->data[at + 1] != '\'')
                    break;
                at++;
            }
        *ret_label = slice_head(slice_from(*data, 1), at - 1);
        *data = slice_from(*data, at + 1);
        return ret_label->size && data->size && data->data[0] == '=';
    }
    while (at < data->size && data->data[at] != '=' && !is_blank(data->data[at]))
        at++;
    *ret_label = slice_head(*data, at);
    *data = slice_from(*data, at);
    return at && data->size && data->data[0] == '=';
}

static struct slice take_word(struct slice *data) {
    size_t size = 0;
    while (size < data->size && !is_blank(data->data[size]))
        size++;
    struct slice word = slice_head(*data, size);
    *data = slice_from(*data, size);
    return word;
}

/* value[unit];[warn];[critical];[least];[most] */
static bool read_fields(struct slice word, struct plugin_value *value) {
    struct slice fields[5];
    double bound;
    for (size_t i = 0; i < 5; i++) {
        fields[i] = slice_head(word, slice_find_byte(word, ';'));
        word = slice_from(word, fields[i].size + 1);
    }
    value->known = !slice_equal(fields[0], SLICE("U"));
    if (value->known && !take_number(&fields[0], &value->value))
        return false;
    value->unit = value->known ? fields[0] : SLICE("");
    for (size_t i = 0; i < value->unit.size; i++)
        if (slice_find_byte(SLICE("0123456789'\"="), value->unit.data[i]) != SIZE_MAX)
            return false;
    for (size_t i = 3; i < 5; i++)
        if (fields[i].size && (!take_number(&fields[i], &bound) || fields[i].size))
            return false;
    return word.size == 0 && plugin_range_read(fields[1], &value->warn) &&
           plugin_range_read(fields[2], &value->critical);
}

bool plugin_value_next(struct slice *data, struct plugin_value *ret_value, struct fault *fault) {
    struct plugin_value value = {.label = SLICE("")};
    while (data->size && is_blank(data->data[0]))
        *data = slice_from(*data, 1);
    if (data->size == 0)
        return false;
    struct slice whole = *data;
    bool labelled = take_label(data, &value.label);
    struct slice word = take_word(data);
    if (!labelled || !read_fields(slice_from(word, 1), &value))
        return fault_set(fault, FAULT_FORMAT, "'%.*s'",
                         SLICE_ARG(slice_head(whole, whole.size - data->size)));
    *ret_value = value;
    return true;
}

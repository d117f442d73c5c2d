#include "json_fields.h"

struct parser {
    struct slice rest;
    struct record *record;
    json_fields_keep *keep;
    struct slice names[JSON_FIELDS_DEPTH + 1]; /* of the objects around; [0] is the prefix, with its dot */
    unsigned name_count;
    unsigned depth;
};

static bool read_value(struct parser *parser);

static void skip_space(struct parser *parser) {
    struct slice *rest = &parser->rest;
    while (rest->size && (rest->data[0] == ' ' || rest->data[0] == '\t' || rest->data[0] == '\n' ||
                          rest->data[0] == '\r')) {
        rest->data++;
        rest->size--;
    }
}

static bool take(struct parser *parser, uint8_t byte) {
    skip_space(parser);
    if (parser->rest.size == 0 || parser->rest.data[0] != byte)
        return false;
    parser->rest = slice_from(parser->rest, 1);
    return true;
}

static bool hex4(struct slice text, unsigned *ret_value) {
    unsigned value = 0;
    if (text.size < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        uint8_t c = text.data[i];
        uint8_t letter = (uint8_t)((c | 0x20) - 'a');
        if (c >= '0' && c <= '9')
            value = value << 4 | (c - (unsigned)'0');
        else if (letter < 6)
            value = value << 4 | (letter + 10u);
        else
            return false;
    }
    *ret_value = value;
    return true;
}

static size_t put_utf8(uint8_t *to, unsigned code) {
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (uint8_t)(0xc0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xe0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | code >> 18);
    to[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    to[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    to[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

/* The code behind "\u"; *ret_used counts the bytes behind the u. A surrogate without its other half is U+FFFD. */
static bool unicode_escape(struct slice text, unsigned *ret_code, size_t *ret_used) {
    unsigned code, low;
    if (!hex4(text, &code))
        return false;
    *ret_used = 4;
    if (code >= 0xd800 && code < 0xdc00 && text.size >= 10 && text.data[4] == '\\' && text.data[5] == 'u' &&
        hex4(slice_from(text, 6), &low) && low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *ret_used = 10;
    }
    *ret_code = code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
    return true;
}

/* Unescapes the well-bounded inside of a string. `to` has room for text.size: no escape gets longer. */
static bool unescape(struct slice text, uint8_t *to, size_t *ret_size) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\\') {
            to[size++] = text.data[i];
            continue;
        }
        uint8_t letter = text.data[++i];
        const char *at = letter ? strchr(letters, letter) : NULL;
        if (at)
            to[size++] = (uint8_t)meanings[at - letters];
        else {
            unsigned code;
            size_t used;
            if (letter != 'u' || !unicode_escape(slice_from(text, i + 1), &code, &used))
                return false;
            size += put_utf8(to + size, code);
            i += used;
        }
    }
    *ret_size = size;
    return true;
}

static bool read_string(struct parser *parser, struct slice *ret_text) {
    if (!take(parser, '"'))
        return false;
    struct slice rest = parser->rest;
    size_t end = 0;
    bool escaped = false;
    while (end < rest.size && rest.data[end] != '"') {
        if (rest.data[end] < 0x20)
            return false;
        if (rest.data[end] == '\\') {
            escaped = true;
            end++;
        }
        end++;
    }
    if (end >= rest.size)
        return false;
    struct slice text = slice_make(rest.data, end);
    parser->rest = slice_from(rest, end + 1);
    if (escaped) {
        uint8_t *to = record_scratch(parser->record, text.size);
        /* No room: the string is still checked no further, and stands as it is written. */
        if (to) {
            if (!unescape(text, to, &text.size))
                return false;
            text.data = to;
        }
    }
    *ret_text = text;
    return true;
}

static size_t digits(struct slice text, size_t at) {
    size_t size = 0;
    while (at + size < text.size && text.data[at + size] >= '0' && text.data[at + size] <= '9')
        size++;
    return size;
}

/* Length of the number at the start, 0 where it is none. */
static size_t number_length(struct slice text) {
    size_t at = text.size && text.data[0] == '-' ? 1 : 0;
    size_t whole = digits(text, at);
    if (whole == 0 || (whole > 1 && text.data[at] == '0'))
        return 0;
    at += whole;
    if (at < text.size && text.data[at] == '.') {
        size_t behind = digits(text, at + 1);
        if (behind == 0)
            return 0;
        at += 1 + behind;
    }
    if (at < text.size && (text.data[at] | 0x20) == 'e') {
        at++;
        if (at < text.size && (text.data[at] == '+' || text.data[at] == '-'))
            at++;
        size_t exponent = digits(text, at);
        if (exponent == 0)
            return 0;
        at += exponent;
    }
    return at;
}

static size_t append(uint8_t *to, size_t at, struct slice part) {
    if (part.size)
        memcpy(to + at, part.data, part.size);
    return at + part.size;
}

/* The names around, joined; borrowed where there is one alone. */
static bool whole_name(const struct parser *parser, struct slice *ret_name, struct slice *ret_bare) {
    const struct slice *names = parser->names;
    if (parser->name_count == 2 && names[0].size == 0) {
        *ret_name = *ret_bare = names[1];
        return true;
    }
    size_t size = names[0].size + parser->name_count - 2;
    for (unsigned i = 1; i < parser->name_count; i++)
        size += names[i].size;
    uint8_t *to = record_scratch(parser->record, size);
    if (!to)
        return false;
    size_t at = append(to, 0, names[0]);
    for (unsigned i = 1; i < parser->name_count; i++) {
        if (i > 1)
            to[at++] = '.';
        at = append(to, at, names[i]);
    }
    *ret_name = slice_make(to, at);
    *ret_bare = slice_make(to + names[0].size, at - names[0].size);
    return true;
}

static void add(struct parser *parser, enum record_type type, struct slice value) {
    struct slice name, bare;
    if (whole_name(parser, &name, &bare) && (!parser->keep || parser->keep(bare)))
        record_add_named(parser->record, name, type, value);
}

static bool read_word(struct parser *parser, struct slice word, enum record_type type) {
    if (!slice_starts(parser->rest, word))
        return false;
    add(parser, type, slice_head(parser->rest, word.size));
    parser->rest = slice_from(parser->rest, word.size);
    return true;
}

static bool read_object(struct parser *parser) {
    if (take(parser, '}'))
        return true;
    unsigned own = parser->name_count++;
    do {
        if (!read_string(parser, &parser->names[own]) || !take(parser, ':') || !read_value(parser))
            return false;
    } while (take(parser, ','));
    parser->name_count = own;
    return take(parser, '}');
}

static bool read_array(struct parser *parser) {
    if (take(parser, ']'))
        return true;
    do {
        if (!read_value(parser))
            return false;
    } while (take(parser, ','));
    return take(parser, ']');
}

static bool read_nested(struct parser *parser, uint8_t open) {
    if (parser->depth == JSON_FIELDS_DEPTH)
        return false;
    parser->depth++;
    parser->rest = slice_from(parser->rest, 1);
    bool good = open == '{' ? read_object(parser) : read_array(parser);
    parser->depth--;
    return good;
}

static bool read_value(struct parser *parser) {
    skip_space(parser);
    if (parser->rest.size == 0)
        return false;
    struct slice text;
    switch (parser->rest.data[0]) {
    case '{':
    case '[':
        return read_nested(parser, parser->rest.data[0]);
    case '"':
        if (!read_string(parser, &text))
            return false;
        add(parser, RECORD_TEXT, text);
        return true;
    case 't':
        return read_word(parser, SLICE("true"), RECORD_BOOL);
    case 'f':
        return read_word(parser, SLICE("false"), RECORD_BOOL);
    case 'n':
        return read_word(parser, SLICE("null"), RECORD_NULL);
    default:
        text = slice_head(parser->rest, number_length(parser->rest));
        if (text.size == 0)
            return false;
        add(parser, RECORD_NUMBER, text);
        parser->rest = slice_from(parser->rest, text.size);
        return true;
    }
}

bool json_fields_add(struct record *record, struct slice text, struct slice prefix, json_fields_keep *keep) {
    struct parser parser = {.rest = text, .record = record, .keep = keep, .names = {prefix}, .name_count = 1};
    size_t count = record->count, scratch_used = record->scratch_used;
    bool full = record->full;
    skip_space(&parser);
    bool good = parser.rest.size && parser.rest.data[0] == '{' && read_value(&parser);
    skip_space(&parser);
    if (good && parser.rest.size == 0)
        return true;
    record->count = count;
    record->scratch_used = scratch_used;
    record->full = full;
    return false;
}

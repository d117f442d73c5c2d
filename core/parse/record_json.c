#include "record_json.h"

/* What is to be written: the caller's fields, then the record's that do not repeat them. */
struct document {
    struct buffer *to;
    const struct record_field *fields[RECORD_FIELDS_MOST + RECORD_JSON_FRONT];
    size_t count;
    bool written[RECORD_FIELDS_MOST + RECORD_JSON_FRONT];
};

/* Length of the well-formed UTF-8 sequence at the start, 0 where it is none (RFC 3629). */
static size_t sequence_length(struct slice text) {
    uint8_t first = text.data[0];
    size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4 || text.size < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    uint8_t second = text.data[1];
    bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
               (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return bad ? 0 : size;
}

static void put_escape(struct buffer *to, uint8_t c) {
    static const char from[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c ? strchr(from, c) : NULL;
    if (at) {
        char pair[2] = {'\\', letters[at - from]};
        buffer_append(to, pair, 2);
    } else
        buffer_printf(to, "\\u%04x", c);
}

bool record_json_string(struct buffer *to, struct slice text) {
    buffer_append(to, "\"", 1);
    size_t plain = 0; /* bytes not yet written that need no change */
    for (size_t i = 0; i < text.size;) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t size = c < 0x80 ? 1 : sequence_length(slice_from(text, i));
        bool control = c < 0x20 || c == 0x7f || c == '"' || c == '\\';
        bool c1 = size == 2 && c == 0xc2 && text.data[i + 1] < 0xa0;
        if (size && !control && !c1) {
            i += size;
            continue;
        }
        buffer_append(to, text.data + plain, i - plain);
        if (size == 0)
            buffer_append(to, "\xef\xbf\xbd", 3);
        else
            put_escape(to, c1 ? text.data[i + 1] : c);
        i += size ? size : 1;
        plain = i;
    }
    if (plain < text.size)
        buffer_append(to, text.data + plain, text.size - plain);
    return buffer_append(to, "\"", 1);
}

static size_t digits(struct slice text, size_t at) {
    size_t size = 0;
    while (at + size < text.size && text.data[at + size] >= '0' && text.data[at + size] <= '9')
        size++;
    return size;
}

/* RFC 8259, 6. */
static bool is_number(struct slice text) {
    size_t at = text.size && text.data[0] == '-' ? 1 : 0;
    size_t whole = digits(text, at);
    if (whole == 0 || (whole > 1 && text.data[at] == '0'))
        return false;
    at += whole;
    if (at < text.size && text.data[at] == '.') {
        size_t behind = digits(text, at + 1);
        if (behind == 0)
            return false;
        at += 1 + behind;
    }
    if (at < text.size && (text.data[at] | 0x20) == 'e') {
        at++;
        at += at < text.size && (text.data[at] == '+' || text.data[at] == '-') ? 1 : 0;
        size_t exponent = digits(text, at);
        at += exponent ? exponent : text.size + 1;
    }
    return at == text.size;
}

static void put_value(struct buffer *to, const struct record_field *field) {
    bool truth = slice_equal(field->value, SLICE("true")) || slice_equal(field->value, SLICE("false"));
    if (field->type == RECORD_NULL)
        buffer_append_string(to, "null");
    else if ((field->type == RECORD_NUMBER && is_number(field->value)) ||
             (field->type == RECORD_BOOL && truth))
        buffer_append_slice(to, field->value);
    else
        record_json_string(to, field->value);
}

/* The part of a name between byte `from` and the next dot. All of the rest where the depth is reached or where a dot has
 * nothing before or behind it. */
static struct slice segment(struct slice name, size_t from, unsigned depth) {
    struct slice rest = slice_from(name, from);
    size_t dot = slice_find_byte(rest, '.');
    bool odd = dot == 0 || (dot != SIZE_MAX && (dot + 1 == rest.size || rest.data[dot + 1] == '.'));
    return depth >= RECORD_JSON_DEPTH || dot == SIZE_MAX || odd ? rest : slice_head(rest, dot);
}

/* A comma but for the first, and the key. */
static void put_key(struct buffer *to, bool *first, struct slice key) {
    if (!*first)
        buffer_append(to, ",", 1);
    *first = false;
    record_json_string(to, key);
    buffer_append(to, ":", 1);
}

/* All values of the same name as field `index`. */
static void put_values(struct document *document, size_t index) {
    struct slice name = document->fields[index]->name;
    bool several = false;
    for (size_t i = index + 1; i < document->count && !several; i++)
        several = !document->written[i] && slice_equal(document->fields[i]->name, name);
    if (several)
        buffer_append(document->to, "[", 1);
    bool first = true;
    for (size_t i = index; i < document->count; i++) {
        if (document->written[i] || !slice_equal(document->fields[i]->name, name))
            continue;
        if (!first)
            buffer_append(document->to, ",", 1);
        first = false;
        put_value(document->to, document->fields[i]);
        document->written[i] = true;
    }
    if (several)
        buffer_append(document->to, "]", 1);
}

/* Whether some field's whole name is `path`: then names below it stay dotted beside it. */
static bool is_value(const struct document *document, struct slice path) {
    for (size_t i = 0; i < document->count; i++)
        if (slice_equal(document->fields[i]->name, path))
            return true;
    return false;
}

static bool is_below(struct slice name, struct slice path) {
    return path.size == 0 ||
           (name.size > path.size && slice_starts(name, path) && name.data[path.size] == '.');
}

/* The members of the object that stands for `path`. */
static void put_members(struct document *document, struct slice path, unsigned depth) {
    bool first = true;
    size_t from = path.size ? path.size + 1 : 0;
    for (size_t i = 0; i < document->count && !document->to->overflow; i++) {
        struct slice name = document->fields[i]->name;
        if (document->written[i] || !is_below(name, path))
            continue;
        struct slice part = segment(name, from, depth);
        struct slice below = slice_head(name, from + part.size);
        if (below.size == name.size || is_value(document, below)) {
            put_key(document->to, &first, slice_from(name, from));
            put_values(document, i);
            continue;
        }
        put_key(document->to, &first, part);
        buffer_append(document->to, "{", 1);
        put_members(document, below, depth + 1);
        buffer_append(document->to, "}", 1);
    }
}

static bool in_front(const struct record_field *front, size_t front_count, struct slice name) {
    for (size_t i = 0; i < front_count; i++)
        if (slice_equal(front[i].name, name))
            return true;
    return false;
}

bool record_json_write_with(struct buffer *to, const struct record_field *front, size_t front_count,
                            const struct record *record) {
    struct document document = {.to = to};
    if (front_count > RECORD_JSON_FRONT)
        front_count = RECORD_JSON_FRONT;
    for (size_t i = 0; i < front_count; i++)
        document.fields[document.count++] = &front[i];
    for (size_t i = 0; i < record->count; i++)
        if (!in_front(front, front_count, record->fields[i].name))
            document.fields[document.count++] = &record->fields[i];
    buffer_append(to, "{", 1);
    put_members(&document, (struct slice){NULL, 0}, 1);
    return buffer_append(to, "}", 1) && !to->overflow;
}

bool record_json_write(struct buffer *to, const struct record *record) {
    return record_json_write_with(to, NULL, 0, record);
}

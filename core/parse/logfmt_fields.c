#include "logfmt_fields.h"

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t';
}

static size_t key_length(struct slice text) {
    size_t size = 0;
    for (; size < text.size; size++) {
        uint8_t c = text.data[size];
        bool letter = (uint8_t)((c | 0x20) - 'a') < 26 || c == '_' || c == '@';
        bool inner = (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/';
        if (!letter && !(inner && size))
            break;
    }
    return size;
}

static struct slice unescape(struct record *record, struct slice text) {
    uint8_t *to = record_scratch(record, text.size);
    if (!to)
        return text;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '\\' && i + 1 < text.size) {
            c = text.data[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        to[size++] = c;
    }
    return slice_make(to, size);
}

/* A value in quotes; *rest starts with the opening one. */
static bool take_quoted(struct record *record, struct slice *rest, struct slice *ret_value) {
    bool escaped = false;
    for (size_t i = 1; i < rest->size; i++) {
        if (rest->data[i] == '\\') {
            escaped = true;
            i++;
        } else if (rest->data[i] == '"') {
            struct slice inside = slice_make(rest->data + 1, i - 1);
            *rest = slice_from(*rest, i + 1);
            *ret_value = escaped ? unescape(record, inside) : inside;
            return true;
        }
    }
    return false;
}

static bool take_bare(struct slice *rest, struct slice *ret_value) {
    size_t size = 0;
    while (size < rest->size && !is_blank(rest->data[size])) {
        if (rest->data[size] == '"' || rest->data[size] == '\n')
            return false;
        size++;
    }
    *ret_value = slice_make(rest->data, size);
    *rest = slice_from(*rest, size);
    return true;
}

static bool take_pair(struct record *record, struct slice *rest, bool (*keep)(struct slice)) {
    struct slice value, key = slice_head(*rest, key_length(*rest));
    if (key.size == 0 || key.size == rest->size || rest->data[key.size] != '=')
        return false;
    *rest = slice_make(rest->data + key.size + 1, rest->size - key.size - 1);
    bool quoted = rest->size && rest->data[0] == '"';
    if (quoted ? !take_quoted(record, rest, &value) : !take_bare(rest, &value))
        return false;
    if (!keep || keep(key))
        record_add_named(record, key, RECORD_TEXT, value);
    return true;
}

bool logfmt_fields_add(struct record *record, struct slice text, bool (*keep)(struct slice name)) {
    size_t count = record->count, scratch_used = record->scratch_used, pairs = 0;
    bool full = record->full;
    struct slice rest = slice_trim(text);
    while (rest.size && take_pair(record, &rest, keep)) {
        pairs++;
        if (rest.size && !is_blank(rest.data[0]))
            break;
        while (rest.size && is_blank(rest.data[0]))
            rest = slice_from(rest, 1);
    }
    if (rest.size == 0 && pairs >= LOGFMT_PAIRS_LEAST)
        return true;
    record->count = count;
    record->scratch_used = scratch_used;
    record->full = full;
    return false;
}

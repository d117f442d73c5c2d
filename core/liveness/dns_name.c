#include "dns_name.h"

#include <stdio.h>

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool plain(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_';
}

/* Room for it and the root behind it. */
static bool add_label(struct dns_name *name, struct slice label, struct fault *fault) {
    if (name->size + 1 + label.size + 1 > DNS_NAME_MOST)
        return fault_set(fault, FAULT_LIMIT, "a name of more than %u bytes", DNS_NAME_MOST);
    name->bytes[name->size++] = (uint8_t)label.size;
    for (size_t i = 0; i < label.size; i++)
        name->bytes[name->size++] = lower(label.data[i]);
    return true;
}

bool dns_name_parse(struct slice text, struct dns_name *ret_name, struct fault *fault) {
    struct dns_name name = {0};
    struct slice rest = text;
    if (text.size && text.data[text.size - 1] == '.')
        rest = slice_head(text, text.size - 1);
    if (text.size == 0)
        return fault_set(fault, FAULT_USAGE, "a name is empty; write one like ocsp.example.org");
    while (rest.size) {
        struct slice label = slice_head(rest, slice_find_byte(rest, '.'));
        if (label.size == 0 || label.size > DNS_LABEL_MOST || label.size == rest.size - 1)
            return fault_set(fault, FAULT_USAGE,
                             "'%.*s' is no name: a part between its dots has 1 to %u letters",
                             SLICE_ARG(slice_head(text, 100)), DNS_LABEL_MOST);
        for (size_t i = 0; i < label.size; i++)
            if (!plain(label.data[i]))
                return fault_set(fault, FAULT_USAGE, "'%.*s' is no name: letters, digits, '-' and '_' alone",
                                 SLICE_ARG(slice_head(text, 100)));
        if (!add_label(&name, label, fault))
            return false;
        rest = slice_from(rest, label.size + 1);
    }
    name.bytes[name.size++] = 0;
    *ret_name = name;
    return true;
}

const char *dns_name_text(const struct dns_name *name, char text[DNS_TEXT_SIZE]) {
    size_t to = 0;
    for (size_t at = 0; at < name->size && name->bytes[at];) {
        size_t end = at + 1 + name->bytes[at];
        if (at)
            text[to++] = '.';
        for (at++; at < end; at++)
            if (plain(name->bytes[at]))
                text[to++] = (char)name->bytes[at];
            else
                to += (size_t)snprintf(text + to, DNS_TEXT_SIZE - to, "\\%03u", name->bytes[at]);
    }
    if (to == 0)
        text[to++] = '.';
    text[to] = '\0';
    return text;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b) {
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

bool dns_name_parent(const struct dns_name *name, struct dns_name *ret_parent) {
    if (name->size <= 1)
        return false;
    size_t first = 1u + name->bytes[0];
    struct dns_name parent = {.size = (uint8_t)(name->size - first)};
    memcpy(parent.bytes, name->bytes + first, parent.size);
    *ret_parent = parent;
    return true;
}

bool dns_name_read(struct slice message, size_t *at, struct dns_name *ret_name, struct fault *fault) {
    struct dns_name name = {0};
    size_t from = *at, behind = 0, start = *at; /* `start`: of the run of labels that is read now */
    for (;;) {
        if (from >= message.size)
            return fault_set(fault, FAULT_FORMAT, "a name goes beyond the message's end");
        uint8_t length = message.data[from];
        if (length >= 0xc0) {
            if (from + 2 > message.size)
                return fault_set(fault, FAULT_FORMAT, "a name goes beyond the message's end");
            size_t to = (size_t)(length & 0x3f) << 8 | message.data[from + 1];
            if (to >= start)
                return fault_set(fault, FAULT_FORMAT,
                                 "a compressed name at %zu points to %zu, which is not before it", from, to);
            behind = behind ? behind : from + 2;
            start = from = to;
            continue;
        }
        if (length > DNS_LABEL_MOST)
            return fault_set(fault, FAULT_FORMAT, "a label of an unknown type (0x%02x)", length);
        if (length == 0)
            break;
        if (from + 1 + length > message.size)
            return fault_set(fault, FAULT_FORMAT, "a name goes beyond the message's end");
        if (!add_label(&name, slice_make(message.data + from + 1, length), fault))
            return false;
        from += 1u + length;
    }
    name.bytes[name.size++] = 0;
    *at = behind ? behind : from + 1;
    *ret_name = name;
    return true;
}

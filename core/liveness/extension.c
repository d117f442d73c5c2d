#include "extension.h"

#include <inttypes.h>
#include <stdio.h>

bool extension_next(struct der_reader *extensions, struct extension *ret_extension) {
    if (!der_more(extensions))
        return false;
    struct der_reader one = der_enter(extensions, DER_SEQUENCE);
    struct extension extension = {.oid = der_take(&one, DER_OID)};
    if (der_is(&one, DER_BOOLEAN))
        extension.critical = der_take_boolean(&one);
    extension.value = der_take(&one, DER_OCTET_STRING);
    if (!der_done(&one))
        extensions->failed = true;
    else
        *ret_extension = extension;
    return !extensions->failed;
}

bool extension_find(struct slice extensions, struct slice oid, struct extension *ret_extension) {
    struct der_reader reader = der_read(extensions);
    struct extension extension;
    while (extension_next(&reader, &extension))
        if (slice_equal(extension.oid, oid)) {
            *ret_extension = extension;
            return true;
        }
    return false;
}

bool extension_key_id(struct slice value, struct slice *ret_key_id) {
    struct der_reader outer = der_read(value), parts = der_enter(&outer, DER_SEQUENCE);
    struct slice key_id = {NULL, 0};
    if (der_is(&parts, DER_PRIMITIVE_0))
        key_id = der_take(&parts, DER_PRIMITIVE_0);
    while (der_more(&parts))
        der_take_any(&parts);
    if (!der_done(&parts) || !der_done(&outer))
        return false;
    *ret_key_id = key_id;
    return true;
}

struct slice extension_uri(struct slice general_names) {
    struct der_reader names = der_read(general_names);
    while (der_more(&names)) {
        struct der_element name = der_take_any(&names);
        if (name.tag == DER_PRIMITIVE_0 + 6)
            return name.content;
    }
    return (struct slice){NULL, 0};
}

void extension_oid_text(struct slice oid, char ret_text[EXTENSION_OID_TEXT]) {
    size_t at = 0;
    uint64_t arc = 0;
    bool first = true;
    ret_text[0] = '\0';
    for (size_t i = 0; i < oid.size && at < EXTENSION_OID_TEXT - 24; i++) {
        arc = arc << 7 | (oid.data[i] & 0x7f);
        if (oid.data[i] & 0x80)
            continue;
        uint64_t top = arc < 80 ? arc / 40 : 2;
        int size = first ? snprintf(ret_text + at, EXTENSION_OID_TEXT - at, "%" PRIu64 ".%" PRIu64, top,
                                    arc - 40 * top)
                         : snprintf(ret_text + at, EXTENSION_OID_TEXT - at, ".%" PRIu64, arc);
        at += (size_t)size;
        first = false;
        arc = 0;
    }
}

/* In base 128, the highest digits first (X.690 8.19). */
static void write_arc(struct buffer *to, uint64_t arc) {
    uint8_t digits[10];
    size_t at = sizeof digits - 1;
    digits[at] = arc & 0x7f;
    while (arc >>= 7)
        digits[--at] = (uint8_t)((arc & 0x7f) | 0x80);
    buffer_append(to, digits + at, sizeof digits - at);
}

bool extension_oid_parse(struct slice text, struct buffer *to) {
    uint64_t top = 0, arc;
    size_t count = 0;
    for (struct slice rest = text;; count++) {
        size_t dot = slice_find_byte(rest, '.');
        if (!slice_decimal(slice_head(rest, dot), &arc) || (count == 0 && arc > 2) ||
            (count == 1 && arc > (top < 2 ? 39 : UINT64_MAX - 80)))
            return false;
        if (count == 0)
            top = arc;
        else
            write_arc(to, count == 1 ? 40 * top + arc : arc);
        if (dot == SIZE_MAX)
            return count > 0 && !to->overflow;
        rest = slice_from(rest, dot + 1);
    }
}

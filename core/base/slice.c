#include "slice.h"

static uint8_t fold(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte; }

bool slice_equal_caseless(struct slice a, struct slice b) {
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (fold(a.data[i]) != fold(b.data[i]))
            return false;
    return true;
}

size_t slice_find_byte(struct slice s, uint8_t byte) {
    const uint8_t *found = s.size ? memchr(s.data, byte, s.size) : NULL;
    return found ? (size_t)(found - s.data) : SIZE_MAX;
}

size_t slice_find(struct slice s, struct slice needle) {
    if (needle.size == 0)
        return 0;
    const uint8_t *found = s.size ? memmem(s.data, s.size, needle.data, needle.size) : NULL;
    return found ? (size_t)(found - s.data) : SIZE_MAX;
}

struct slice slice_trim(struct slice s) {
    while (s.size && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_from(s, 1);
    while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
        s.size--;
    return s;
}

bool slice_decimal(struct slice s, uint64_t *ret_value) {
    uint64_t value = 0;
    if (s.size == 0)
        return false;
    for (size_t i = 0; i < s.size; i++) {
        unsigned digit = (unsigned)s.data[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

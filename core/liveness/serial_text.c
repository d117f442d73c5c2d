#include "serial_text.h"

#define SERIAL_MOST 64u

/* number = number × base + digit */
static bool push(uint8_t number[SERIAL_MOST], unsigned base, unsigned digit) {
    for (size_t i = SERIAL_MOST; i-- > 0;) {
        unsigned value = number[i] * base + digit;
        number[i] = (uint8_t)value;
        digit = value >> 8;
    }
    return digit == 0 && (number[0] & 0x80) == 0;
}

static bool digit_of(uint8_t byte, unsigned base, unsigned *ret_digit) {
    unsigned digit = byte >= '0' && byte <= '9'   ? byte - (unsigned)'0'
                     : byte >= 'a' && byte <= 'f' ? byte - (unsigned)'a' + 10
                     : byte >= 'A' && byte <= 'F' ? byte - (unsigned)'A' + 10
                                                  : 16;
    *ret_digit = digit;
    return digit < base;
}

bool serial_text_read(struct slice text, struct buffer *to) {
    uint8_t number[SERIAL_MOST] = {0};
    unsigned base = 10, digit;
    size_t first = 0;
    if (slice_starts(text, SLICE("0x")) || slice_starts(text, SLICE("0X"))) {
        base = 16;
        text = slice_from(text, 2);
    }
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            base = 16;
    if (text.size == 0 || text.data[0] == ':')
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == ':')
            continue;
        if (!digit_of(text.data[i], base, &digit) || !push(number, base, digit))
            return false;
    }
    while (first < SERIAL_MOST - 1 && number[first] == 0 && (number[first + 1] & 0x80) == 0)
        first++;
    return buffer_append(to, number + first, SERIAL_MOST - first);
}

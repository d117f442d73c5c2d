#include "ip_text.h"

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}
static bool is_letter(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26;
}
static bool is_hex(uint8_t c) {
    return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6;
}

/* Length of the decimal number 0 to 255 at the start, or 0. */
static size_t octet_length(struct slice text) {
    unsigned value = 0;
    size_t size = 0;
    while (size < text.size && size < 3 && is_digit(text.data[size]))
        value = value * 10 + text.data[size++] - '0';
    bool leading_zero = size > 1 && text.data[0] == '0';
    return value > 255 || leading_zero ? 0 : size;
}

static size_t ipv4_length(struct slice text) {
    size_t at = 0;
    for (unsigned octet = 0; octet < 4; octet++) {
        if (octet && (at >= text.size || text.data[at++] != '.'))
            return 0;
        size_t size = octet_length(slice_from(text, at));
        if (size == 0)
            return 0;
        at += size;
    }
    return at;
}

static size_t zone_length(struct slice text) {
    size_t size = 1;
    if (text.size == 0 || text.data[0] != '%')
        return 0;
    while (size < text.size && size < 17 &&
           (is_letter(text.data[size]) || is_digit(text.data[size]) || text.data[size] == '-' ||
            text.data[size] == '_' || text.data[size] == '.'))
        size++;
    return size > 1 ? size : 0;
}

static size_t ipv6_length(struct slice text) {
    unsigned groups = 0;
    bool gap = false;
    size_t at = 0;
    while (groups < 8) {
        struct slice rest = slice_from(text, at);
        if (!gap && rest.size > 1 && rest.data[0] == ':' && rest.data[1] == ':') {
            gap = true;
            at += 2;
            rest = slice_from(text, at);
            if (rest.size == 0 || !is_hex(rest.data[0]))
                break;
        } else if (groups) {
            if (rest.size < 2 || rest.data[0] != ':' || !is_hex(rest.data[1]))
                break;
            at++;
            rest = slice_from(text, at);
        }
        size_t ipv4 = groups <= 6 && (groups || gap) ? ipv4_length(rest) : 0;
        if (ipv4) {
            groups += 2;
            at += ipv4;
            break;
        }
        size_t size = 0;
        while (size < rest.size && size < 4 && is_hex(rest.data[size]))
            size++;
        if (size == 0)
            return 0;
        groups++;
        at += size;
    }
    if (gap ? groups > 7 : groups != 8)
        return 0;
    return at + zone_length(slice_from(text, at));
}

size_t ip_text_length(struct slice text) {
    size_t size = ipv4_length(text);
    if (size == 0)
        size = ipv6_length(text);
    struct slice rest = slice_from(text, size);
    if (size == 0 || rest.size == 0)
        return size;
    bool goes_on =
        is_letter(rest.data[0]) || is_digit(rest.data[0]) || rest.data[0] == '_' || rest.data[0] == '-' ||
        (rest.data[0] == '.' && rest.size > 1 && (is_letter(rest.data[1]) || is_digit(rest.data[1])));
    return goes_on ? 0 : size;
}

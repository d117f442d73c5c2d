#include "query_text.h"

#include "segment_tokens.h"

static uint8_t fold(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}
static bool is_letter(uint8_t c) {
    return c >= 'a' && c <= 'z';
}

/* How common a byte is in log lines; the lower the better to look for. */
static unsigned commonness(uint8_t c) {
    static const char letters[] = "etaoinsrhldcumfpgwybvkxjqz"; /* English, most common first */
    if (is_letter(c))
        return 200 - (unsigned)(strchr(letters, c) - letters) * 6;
    if (c >= '0' && c <= '9')
        return 120;
    return c == ' ' ? 255 : strchr(".:-=/[]", c) && c ? 130 : 10;
}

struct query_needle query_needle_make(struct slice folded) {
    struct query_needle needle = {.folded = folded};
    struct segment_tokens tokens = segment_tokens_of(folded);
    for (struct segment_token token; segment_token_next(&tokens, &token);) {
        bool digits = token.kinds & SEGMENT_DIGIT;
        if (token.start == 0) {
            needle.word_left = true;
            needle.whole_left = digits;
        }
        if (token.start + token.size == folded.size) {
            needle.word_right = true;
            needle.whole_right = digits;
        }
    }
    for (size_t i = 1; i < folded.size; i++)
        if (commonness(folded.data[i]) < commonness(folded.data[needle.anchor]))
            needle.anchor = i;
    return needle;
}

static bool fits_at(const uint8_t *text, struct slice folded) {
    for (size_t i = 0; i < folded.size; i++)
        if (fold(text[i]) != folded.data[i])
            return false;
    return true;
}

static bool is_token(uint8_t c) { return segment_kinds[c] & SEGMENT_ALNUM; }

/* Whether letters at `at` may be looked for in their token: it is no identifier. */
static bool token_is_open(struct slice text, size_t at) {
    size_t start = at, changes = 0;
    while (start > 0 && is_token(text.data[start - 1]))
        start--;
    for (size_t i = start + 1; i < text.size && is_token(text.data[i]); i++)
        changes += segment_kinds[text.data[i]] != segment_kinds[text.data[i - 1]];
    return changes < SEGMENT_IDENTIFIER_CHANGES;
}

/* What stands around a find that begins at `start`. */
static bool edges_fit(const struct query_needle *needle, struct slice text, size_t start) {
    size_t end = start + needle->folded.size;
    bool left = needle->word_left && start > 0 && is_token(text.data[start - 1]);
    bool right = needle->word_right && end < text.size && is_token(text.data[end]);
    if ((left && needle->whole_left) || (right && needle->whole_right))
        return false;
    return (!left || token_is_open(text, start)) && (!right || token_is_open(text, end - 1));
}

static const uint8_t *find(const uint8_t *from, const uint8_t *end, uint8_t byte) {
    const uint8_t *at = from < end ? memchr(from, byte, (size_t)(end - from)) : NULL;
    return at ? at : end;
}

bool query_needle_in(const struct query_needle *needle, struct slice text) {
    struct slice folded = needle->folded;
    if (folded.size == 0)
        return true;
    if (folded.size > text.size)
        return false;
    /* Where the anchor may stand. */
    const uint8_t *from = text.data + needle->anchor;
    const uint8_t *end = text.data + text.size - (folded.size - 1 - needle->anchor);
    uint8_t small = folded.data[needle->anchor];
    uint8_t large = is_letter(small) ? (uint8_t)(small & ~0x20) : small;
    const uint8_t *next_small = find(from, end, small);
    const uint8_t *next_large = small == large ? end : find(from, end, large);
    while (next_small < end || next_large < end) {
        const uint8_t *at = next_small < next_large ? next_small : next_large;
        if (fits_at(at - needle->anchor, folded) &&
            edges_fit(needle, text, (size_t)(at - needle->anchor - text.data)))
            return true;
        if (at == next_small)
            next_small = find(at + 1, end, small);
        else
            next_large = find(at + 1, end, large);
    }
    return false;
}

static bool byte_fits(uint8_t pattern, uint8_t text) {
    return pattern == fold(text);
}

bool query_text_fits(struct slice pattern, bool stars, struct slice text) {
    size_t p = 0, t = 0, star = SIZE_MAX,
           behind = 0; /* the last star, and where the text behind it goes on */
    while (t < text.size) {
        if (stars && p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            behind = t;
        } else if (p < pattern.size && byte_fits(pattern.data[p], text.data[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++behind;
        } else
            return false;
    }
    while (stars && p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

bool query_number(struct slice text, double *ret_value) {
    size_t at = text.size && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0, digits = 0;
    double value = 0, scale = 1;
    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++, digits++)
        value = value * 10 + (text.data[at] - '0');
    if (at < text.size && text.data[at] == '.')
        for (at++; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++, digits++)
            value += (text.data[at] - '0') * (scale /= 10);
    if (digits == 0 || at != text.size)
        return false;
    *ret_value = text.data[0] == '-' ? -value : value;
    return true;
}

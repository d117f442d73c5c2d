#include "pattern.h"

struct pattern pattern_parse(struct rule_memory *memory, struct slice text) {
    uint16_t *tokens = rule_memory_new(memory, (text.size + 1) * sizeof *tokens);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool more = i + 1 < text.size;
        if (byte == '\\' && more && strchr("*?\\", text.data[i + 1]) && text.data[i + 1])
            tokens[size++] = text.data[++i];
        else if (byte == '*')
            tokens[size++] = PATTERN_MANY;
        else
            tokens[size++] = byte == '?' ? (uint16_t)PATTERN_ONE : byte;
    }
    return (struct pattern){tokens, size};
}

struct pattern pattern_literal(struct rule_memory *memory, struct slice bytes) {
    uint16_t *tokens = rule_memory_new(memory, (bytes.size + 1) * sizeof *tokens);
    for (size_t i = 0; i < bytes.size; i++)
        tokens[i] = bytes.data[i];
    return (struct pattern){tokens, bytes.size};
}

bool pattern_is_literal(struct pattern pattern) {
    for (size_t i = 0; i < pattern.size; i++)
        if (pattern.tokens[i] > UINT8_MAX)
            return false;
    return true;
}

struct slice pattern_bytes(struct rule_memory *memory, struct pattern pattern, size_t from, size_t to) {
    uint8_t *bytes = rule_memory_new(memory, to - from + 1);
    for (size_t i = from; i < to; i++)
        bytes[i - from] = (uint8_t)pattern.tokens[i];
    return slice_make(bytes, to - from);
}

struct pattern pattern_open(struct rule_memory *memory, struct pattern pattern, bool front, bool behind) {
    uint16_t *tokens = rule_memory_new(memory, (pattern.size + 3) * sizeof *tokens);
    size_t size = 0;
    if (front)
        tokens[size++] = PATTERN_MANY;
    for (size_t i = 0; i < pattern.size; i++)
        tokens[size++] = pattern.tokens[i];
    if (behind)
        tokens[size++] = PATTERN_MANY;
    return (struct pattern){tokens, size};
}

static bool is_word(unsigned token) {
    return token - 'a' < 26u || token - 'A' < 26u || token - '0' < 10u || token == '_' ||
           (token >= 0x80 && token <= UINT8_MAX);
}

/* How many tokens a dash takes that stands at `at`: - or /, or three bytes of UTF-8; 0: there is none. */
static size_t dash_tokens(struct pattern pattern, size_t at) {
    const uint16_t *tokens = pattern.tokens + at;
    if (tokens[0] == '-' || tokens[0] == '/')
        return 1;
    bool wide = at + 3 <= pattern.size && tokens[0] == 0xe2 && tokens[1] == 0x80 && tokens[2] >= 0x93 &&
                tokens[2] <= 0x95;
    return wide ? 3 : 0;
}

/* As the reference implementation has it: no word before the dash, a word behind it. */
struct pattern pattern_windash(struct rule_memory *memory, struct pattern pattern) {
    uint16_t *tokens = rule_memory_new(memory, (pattern.size + 1) * sizeof *tokens);
    size_t size = 0;
    for (size_t i = 0, takes; i < pattern.size; i += takes) {
        takes = dash_tokens(pattern, i);
        bool begins = i == 0 || !is_word(pattern.tokens[i - 1]);
        bool word = i + takes < pattern.size && is_word(pattern.tokens[i + takes]);
        bool dash = takes && begins && word;
        takes = dash ? takes : 1;
        tokens[size++] = dash ? (uint16_t)PATTERN_DASH : pattern.tokens[i];
    }
    return (struct pattern){tokens, size};
}

void pattern_longest_run(struct pattern pattern, size_t *ret_from, size_t *ret_to) {
    size_t from = 0, best_from = 0, best_to = 0;
    for (size_t i = 0; i <= pattern.size; i++) {
        if (i < pattern.size && pattern.tokens[i] <= UINT8_MAX)
            continue;
        if (i - from > best_to - best_from) {
            best_from = from;
            best_to = i;
        }
        from = i + 1;
    }
    *ret_from = best_from;
    *ret_to = best_to;
}

static size_t character_size(struct slice value) {
    size_t size = 1;
    if (value.data[0] >= 0xc0)
        while (size < value.size && size < 4 && (value.data[size] & 0xc0) == 0x80)
            size++;
    return size;
}

static size_t dash_size(struct slice value) {
    if (value.data[0] == '-' || value.data[0] == '/')
        return 1;
    bool wide = value.size >= 3 && value.data[0] == 0xe2 && value.data[1] == 0x80 && value.data[2] >= 0x93 &&
                value.data[2] <= 0x95;
    return wide ? 3 : 0;
}

/* How much of the value one token takes; 0: it does not fit. */
static size_t token_takes(unsigned token, struct slice value, bool cased) {
    if (value.size == 0)
        return 0;
    if (token == PATTERN_ONE)
        return character_size(value);
    if (token == PATTERN_DASH)
        return dash_size(value);
    return token == (cased ? value.data[0] : pattern_fold(value.data[0]));
}

/* Whether a character that began before `at` is not over there. */
static bool is_inside(struct slice value, size_t at) {
    for (size_t begin = at, back = 1; back < 4 && back <= at && (value.data[begin] & 0xc0) == 0x80; back++) {
        begin = at - back;
        if (value.data[begin] >= 0xc0)
            return begin + character_size(slice_from(value, begin)) > at;
    }
    return false;
}

/* Goes back to the last `*` alone: an earlier one never has to take more once a later one was reached. */
bool pattern_match(struct pattern pattern, struct slice value, bool cased) {
    size_t at = 0, token = 0, star = SIZE_MAX, star_at = 0;
    for (;;) {
        if (token < pattern.size && pattern.tokens[token] == PATTERN_MANY) {
            star = ++token;
            star_at = at;
            continue;
        }
        if (token == pattern.size && at == value.size)
            return true;
        size_t takes =
            token < pattern.size ? token_takes(pattern.tokens[token], slice_from(value, at), cased) : 0;
        if (takes) {
            at += takes;
            token++;
            continue;
        }
        if (star == SIZE_MAX || star_at >= value.size)
            return false;
        do
            star_at++;
        while (star < pattern.size && pattern.tokens[star] == PATTERN_ONE && star_at < value.size &&
               is_inside(value, star_at));
        at = star_at;
        token = star;
    }
}

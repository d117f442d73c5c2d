#include "segment_tokens.h"

#include "bytes.h"

#define L SEGMENT_LETTER
#define D SEGMENT_DIGIT
#define J SEGMENT_JOINER
const uint8_t segment_kinds[256] = {
    ['-'] = J, ['.'] = J, [':'] = J, ['_'] = J, ['0'] = D, ['1'] = D, ['2'] = D, ['3'] = D, ['4'] = D,
    ['5'] = D, ['6'] = D, ['7'] = D, ['8'] = D, ['9'] = D, ['A'] = L, ['B'] = L, ['C'] = L, ['D'] = L,
    ['E'] = L, ['F'] = L, ['G'] = L, ['H'] = L, ['I'] = L, ['J'] = L, ['K'] = L, ['L'] = L, ['M'] = L,
    ['N'] = L, ['O'] = L, ['P'] = L, ['Q'] = L, ['R'] = L, ['S'] = L, ['T'] = L, ['U'] = L, ['V'] = L,
    ['W'] = L, ['X'] = L, ['Y'] = L, ['Z'] = L, ['a'] = L, ['b'] = L, ['c'] = L, ['d'] = L, ['e'] = L,
    ['f'] = L, ['g'] = L, ['h'] = L, ['i'] = L, ['j'] = L, ['k'] = L, ['l'] = L, ['m'] = L, ['n'] = L,
    ['o'] = L, ['p'] = L, ['q'] = L, ['r'] = L, ['s'] = L, ['t'] = L, ['u'] = L, ['v'] = L, ['w'] = L,
    ['x'] = L, ['y'] = L, ['z'] = L,
};
#undef L
#undef D
#undef J

/* In letters, digits and dots, bit 5 is what tells the cases apart: setting it folds. */
#define FOLD UINT64_C(0x2020202020202020)
#define STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t mix(uint64_t digest, uint64_t value) {
    digest = (digest ^ value) * STEP;
    return digest ^ digest >> 32;
}

/* The bytes as a number, the first the highest; fewer than 8 of them. */
static inline uint64_t few_bytes(const uint8_t *at, size_t size) {
    uint64_t value = 0;
    if (size >= 4) { /* two loads that overlap */
        size_t behind = size - 4;
        return (uint64_t)bytes_get_u32(at) << 8 * behind |
               (bytes_get_u32(at + behind) & (((uint64_t)1 << 8 * behind) - 1));
    }
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

uint64_t segment_digest(struct slice text) {
    const uint8_t *at = text.data;
    size_t left = text.size;
    uint64_t digest = (text.size + 1) * STEP;
    for (; left >= 8; left -= 8, at += 8)
        digest = mix(digest, bytes_get_u64(at) | FOLD);
    uint64_t tail = left ? few_bytes(at, left) | (FOLD >> (64 - 8 * left)) : 0;
    digest = mix(mix(digest, tail), STEP);
    return digest | !digest; /* never 0 */
}

uint64_t segment_sum(uint64_t sum, uint64_t seq, uint64_t time_us, struct slice body) {
    const uint8_t *at = body.data;
    size_t left = body.size;
    uint64_t a = seq, b = time_us, c = left, tail = 0; /* apart from each other, so that none waits for another */
    for (; left >= 24; left -= 24, at += 24) {
        a = mix(a, bytes_get_u64(at));
        b = mix(b, bytes_get_u64(at + 8));
        c = mix(c, bytes_get_u64(at + 16));
    }
    for (; left >= 8; left -= 8, at += 8)
        a = mix(a, bytes_get_u64(at));
    if (left)
        tail = few_bytes(at, left);
    return mix(mix(mix(mix(sum, a), b), c), tail);
}

bool segment_token_next(struct segment_tokens *tokens, struct segment_token *ret_token) {
    const uint8_t *data = tokens->text.data;
    size_t i = tokens->at, size = tokens->text.size;
    /* One dot, and nothing else, goes on with an address. */
    bool dotted = i && i + 1 < size && data[i] == '.' && (segment_kinds[data[i + 1]] & SEGMENT_ALNUM);
    while (i < size && !(segment_kinds[data[i]] & SEGMENT_ALNUM))
        i++;
    if (i == size)
        return false;
    struct segment_token token = {.start = i, .quad = SIZE_MAX};
    for (uint8_t kind; i < size && ((kind = segment_kinds[data[i]]) & SEGMENT_ALNUM); i++)
        token.kinds |= kind;
    if (token.kinds == SEGMENT_ALNUM)
        for (size_t j = token.start + 1; j < i; j++)
            token.changes += segment_kinds[data[j]] != segment_kinds[data[j - 1]];
    token.size = i - token.start;
    tokens->at = i;
    if (token.kinds != SEGMENT_DIGIT) {
        tokens->run = 0;
    } else {
        if (!dotted)
            tokens->run = 0;
        tokens->numbers[tokens->run++ & 3] = token.start;
        if (tokens->run >= 4)
            token.quad = tokens->numbers[tokens->run & 3];
    }
    *ret_token = token;
    return true;
}

#include "segment_terms.h"

#include <stdlib.h>

#include "memory.h"
#include "segment_index.h"
#include "segment_tokens.h"

struct segment_terms *segment_terms_create(void) {
    struct segment_terms *terms = memory_new(sizeof *terms);
    terms->filter = segment_filter_builder_create();
    terms->words = segment_texts_make(SEGMENT_WORDS_MOST, SEGMENT_WORDS_MOST * SEGMENT_WORD_MOST);
    return terms;
}

struct segment_terms *segment_terms_destroy(struct segment_terms *terms) {
    if (terms) {
        segment_filter_builder_destroy(terms->filter);
        segment_texts_release(&terms->words);
        free(terms->word_blocks);
        memory_wipe(terms->recent, sizeof terms->recent);
        free(terms);
    }
    return NULL;
}

void segment_terms_end_block(struct segment_terms *terms, uint32_t block) {
    segment_filter_end_block(terms->filter, block);
    memset(terms->recent, 0, sizeof terms->recent);
}

static bool add_word(struct segment_terms *terms, uint32_t block, const uint8_t *text, size_t size) {
    uint8_t folded[SEGMENT_WORD_MOST];
    if (size > sizeof folded)
        return false;
    for (size_t i = 0; i < size; i++)
        folded[i] = text[i] | 0x20;
    uint32_t word = segment_texts_put(&terms->words, slice_make(folded, size));
    if (word == SEGMENT_TEXTS_FULL)
        return false;
    if (word >= terms->word_room) {
        uint32_t room = terms->word_room ? terms->word_room * 2 : 256;
        terms->word_blocks = memory_resize(terms->word_blocks, room, sizeof *terms->word_blocks);
        memset(terms->word_blocks[terms->word_room], 0,
               (room - terms->word_room) * sizeof *terms->word_blocks);
        terms->word_room = room;
    }
    terms->word_blocks[word][block / 8] |= (uint8_t)(1u << block % 8);
    return true;
}

/* The letters of a token that has digits too. */
static bool add_letters(struct segment_terms *terms, uint32_t block, const uint8_t *text, size_t start,
                        size_t end) {
    bool good = true;
    for (size_t i = start; i < end;) {
        for (; i < end && segment_kinds[text[i]] != SEGMENT_LETTER; i++)
            ;
        for (start = i; i < end && segment_kinds[text[i]] == SEGMENT_LETTER; i++)
            ;
        if (i > start)
            good &= add_word(terms, block, text + start, i - start);
    }
    return good;
}

static void add_digest(struct segment_terms *terms, const uint8_t *text, size_t start, size_t end) {
    segment_filter_add(terms->filter, segment_digest(slice_make(text + start, end - start)));
}

/* A token's end and kinds. */
struct piece {
    size_t end;
    bool digits, letters;
    bool identifier;
};

static struct piece piece_at(const struct segment_scan *scan, size_t start) {
    struct piece piece = {.end = segment_bits_end(scan->alnum, start)};
    piece.digits = segment_bits_any(scan->digit, start, piece.end);
    piece.letters = segment_bits_end(scan->digit, start) < piece.end;
    piece.identifier = piece.digits && piece.letters &&
                       segment_scan_changes(scan, start, piece.end) >= SEGMENT_IDENTIFIER_CHANGES;
    return piece;
}

/* The same where it ends within 63 bytes: `alnum` and `digit` are the bits from its start on. */
static inline struct piece short_piece(uint64_t alnum, uint64_t digit, size_t start) {
    unsigned size = (unsigned)__builtin_ctzll(~alnum);
    uint64_t all = ((uint64_t)1 << size) - 1;
    digit &= all;
    uint64_t changes = (digit ^ digit >> 1) & all >> 1;
    changes &= changes - 1;
    changes &= changes - 1; /* two fewer */
    return (struct piece){start + size, digit != 0, digit != all, changes != 0};
}
_Static_assert(SEGMENT_IDENTIFIER_CHANGES == 3, "short_piece takes two away");

/* Times, addresses, processes come again and again. No variable has a zero byte in it. */
static inline bool is_recent(struct segment_terms *terms, const uint8_t *text, size_t size) {
    static const uint8_t masks[2 * SEGMENT_SHORT] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                     255, 255, 255, 255, 255, 255, 255, 255};
    segment_bytes bytes, mask;
    uint64_t halves[2];
    memcpy(&bytes, text, sizeof bytes);
    memcpy(&mask, masks + SEGMENT_SHORT - size, sizeof mask);
    bytes &= mask;
    memcpy(halves, &bytes, sizeof halves);
    uint64_t place = (halves[0] ^ (halves[1] << 29 | halves[1] >> 35)) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    segment_bytes *recent = &terms->recent[place % SEGMENT_TERMS_RECENT];
    bool again = segment_bytes_bits((segment_bytes)(*recent == bytes)) == 0xffff;
    *recent = bytes;
    return again;
}

bool segment_terms_add(struct segment_terms *terms, uint32_t block, const uint8_t *text,
                       const struct segment_scan *scan, size_t start, size_t end) {
    size_t numbers[4], run = 0, behind = 0; /* as segment_tokens has them; behind: the last token */
    bool good = true;
    if (end - start <= SEGMENT_SHORT && is_recent(terms, text + start, end - start))
        return true;
    for (size_t at = start; (at = segment_bits_next(scan->alnum, at, end)) < end; at = behind) {
        uint64_t alnum = segment_bits_from(scan->alnum, at);
        bool dotted = at == behind + 1 && at > start + 1 && text[behind] == '.';
        struct piece piece =
            ~alnum ? short_piece(alnum, segment_bits_from(scan->digit, at), at) : piece_at(scan, at);
        behind = piece.end;
        if (!piece.digits) {
            good &= add_word(terms, block, text + at, behind - at);
            run = 0;
            continue;
        }
        add_digest(terms, text, at, behind);
        if (piece.letters) {
            if (!piece.identifier)
                good &= add_letters(terms, block, text, at, behind);
            run = 0;
            continue;
        }
        run = dotted ? run : 0;
        numbers[run++ & 3] = at;
        if (run >= 4)
            add_digest(terms, text, numbers[run & 3], behind);
    }
    return good;
}

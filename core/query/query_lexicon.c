#include "query_lexicon.h"

#include <stdlib.h>

#include "memory.h"
#include "segment_tokens.h"

#define SEPARATOR '\n' /* between words: no letter, so nothing is found across two */

/* A word of templates is a number; so is one of variables, behind them. */
struct query_lexicon {
    const struct segment_index *index;
    uint8_t *text; /* the words, each with a separator behind it */
    size_t size;
    uint32_t *starts; /* of each word in the text; one more than there are */
    uint32_t template_words, words;
    uint32_t *places; /* of each template word in the templates; one more than there are */
    uint32_t *templates;
};

/* ---- making */

/* A word in a template, in the order of templates. */
struct occurrence {
    uint32_t word, template;
};

struct making {
    struct query_lexicon *lexicon;
    size_t room, start_room;
    uint32_t *slots; /* word + 1, by digest; open addressing */
    uint32_t slot_count;
    uint32_t *last; /* the last template that a word was seen in, + 1 */
    struct occurrence *occurrences;
    size_t count, occurrence_room;
};

static uint32_t add_word(struct making *making, struct slice word) {
    struct query_lexicon *lexicon = making->lexicon;
    if (lexicon->size + word.size + 1 > making->room) {
        making->room = (making->room + word.size) * 2;
        lexicon->text = memory_resize(lexicon->text, making->room, 1);
    }
    if (lexicon->words + 2 > making->start_room) {
        making->start_room *= 2;
        lexicon->starts = memory_resize(lexicon->starts, making->start_room, sizeof *lexicon->starts);
        making->last = memory_resize(making->last, making->start_room, sizeof *making->last);
    }
    for (size_t i = 0; i < word.size; i++)
        lexicon->text[lexicon->size++] = word.data[i] | 0x20; /* letters alone */
    lexicon->text[lexicon->size++] = SEPARATOR;
    lexicon->starts[++lexicon->words] = (uint32_t)lexicon->size;
    return lexicon->words - 1;
}

static struct slice word_at(const struct query_lexicon *lexicon, uint32_t number) {
    return slice_make(lexicon->text + lexicon->starts[number],
                      lexicon->starts[number + 1] - lexicon->starts[number] - 1);
}

static uint32_t *find_slot(const struct making *making, struct slice word) {
    size_t at = segment_digest(word) >> 32 & (making->slot_count - 1);
    while (making->slots[at] && !slice_equal_caseless(word_at(making->lexicon, making->slots[at] - 1), word))
        at = (at + 1) & (making->slot_count - 1);
    return &making->slots[at];
}

static void grow_slots(struct making *making) {
    uint32_t words = making->lexicon->words;
    free(making->slots);
    making->slot_count *= 2;
    making->slots = memory_new_array(making->slot_count, sizeof *making->slots);
    for (uint32_t i = 0; i < words; i++)
        *find_slot(making, word_at(making->lexicon, i)) = i + 1;
}

static void add_occurrence(struct making *making, struct slice word, uint32_t template) {
    uint32_t *slot = find_slot(making, word);
    if (!*slot) {
        if (making->lexicon->words >= making->slot_count / 2) {
            grow_slots(making);
            slot = find_slot(making, word);
        }
        *slot = add_word(making, word) + 1;
        making->last[*slot - 1] = 0;
    }
    uint32_t number = *slot - 1;
    if (making->last[number] == template + 1)
        return;
    making->last[number] = template + 1;
    if (making->count == making->occurrence_room) {
        making->occurrence_room *= 2;
        making->occurrences =
            memory_resize(making->occurrences, making->occurrence_room, sizeof *making->occurrences);
    }
    making->occurrences[making->count++] = (struct occurrence){number, template};
}

static void add_template(struct making *making, struct slice text, uint32_t number) {
    for (size_t i = 0, start; i < text.size;) {
        for (; i < text.size && segment_kinds[text.data[i]] != SEGMENT_LETTER; i++)
            ;
        for (start = i; i < text.size && segment_kinds[text.data[i]] == SEGMENT_LETTER; i++)
            ;
        if (i > start)
            add_occurrence(making, slice_make(text.data + start, i - start), number);
    }
}

/* By word; templates stay in order. */
static void sort_occurrences(const struct making *making) {
    struct query_lexicon *lexicon = making->lexicon;
    uint32_t *places = memory_new_array((size_t)lexicon->template_words + 2, sizeof *places);
    lexicon->templates = memory_new_array(making->count + 1, sizeof *lexicon->templates);
    for (size_t i = 0; i < making->count; i++)
        places[making->occurrences[i].word + 2]++;
    for (uint32_t i = 2; i < lexicon->template_words + 2; i++)
        places[i] += places[i - 1];
    for (size_t i = 0; i < making->count; i++)
        lexicon->templates[places[making->occurrences[i].word + 1]++] = making->occurrences[i].template;
    lexicon->places = places;
}

struct query_lexicon *query_lexicon_create(const struct segment_index *index) {
    struct query_lexicon *lexicon = memory_new(sizeof *lexicon);
    struct making making = {
        .lexicon = lexicon, .room = 4096, .start_room = 512, .slot_count = 1024, .occurrence_room = 1024};
    lexicon->index = index;
    lexicon->text = memory_new(making.room);
    lexicon->starts = memory_new_array(making.start_room, sizeof *lexicon->starts);
    making.last = memory_new_array(making.start_room, sizeof *making.last);
    making.slots = memory_new_array(making.slot_count, sizeof *making.slots);
    making.occurrences = memory_new_array(making.occurrence_room, sizeof *making.occurrences);
    for (uint32_t i = 1; i < index->template_count; i++)
        add_template(&making, index->templates[i], i);
    lexicon->template_words = lexicon->words;
    sort_occurrences(&making);
    for (uint32_t i = 0; i < index->word_count; i++)
        add_word(&making, index->words[i].text);
    free(making.last);
    free(making.slots);
    free(making.occurrences);
    return lexicon;
}

struct query_lexicon *query_lexicon_destroy(struct query_lexicon *lexicon) {
    if (lexicon) {
        memory_wipe(lexicon->text, lexicon->size);
        free(lexicon->text);
        free(lexicon->starts);
        free(lexicon->places);
        free(lexicon->templates);
        free(lexicon);
    }
    return NULL;
}

size_t query_lexicon_memory(const struct query_lexicon *lexicon) {
    return sizeof *lexicon + lexicon->size + ((size_t)lexicon->words + 1) * sizeof *lexicon->starts +
           ((size_t)lexicon->template_words + 2) * sizeof *lexicon->places +
           (size_t)lexicon->places[lexicon->template_words] * sizeof *lexicon->templates;
}

/* ---- looking */

static uint32_t word_of(const struct query_lexicon *lexicon, size_t offset) {
    uint32_t low = 0, high = lexicon->words;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (lexicon->starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void mark_blocks(const struct segment_index *index, uint32_t word, uint8_t *blocks) {
    for (uint32_t b = 0; b < index->block_count; b++)
        if (index->words[word].blocks[b / 8] >> b % 8 & 1)
            blocks[b] = 1;
}

bool query_lexicon_look(const struct query_lexicon *lexicon, struct slice letters, uint8_t *templates,
                        uint8_t *blocks) {
    bool any = false;
    for (size_t at = 0; at < lexicon->size;) {
        const uint8_t *hit = memmem(lexicon->text + at, lexicon->size - at, letters.data, letters.size);
        if (!hit)
            break;
        uint32_t word = word_of(lexicon, (size_t)(hit - lexicon->text));
        at = lexicon->starts[word + 1];
        if (word >= lexicon->template_words) {
            mark_blocks(lexicon->index, word - lexicon->template_words, blocks);
            continue;
        }
        any = true;
        for (uint32_t i = lexicon->places[word]; i < lexicon->places[word + 1]; i++)
            templates[lexicon->templates[i]] = 1;
    }
    return any;
}

#include "query_segment.h"

#include <stdlib.h>

#include "memory.h"
#include "query_nodes.h"
#include "segment_tokens.h"

struct question {
    const struct query_expression *expression;
    const struct segment_reader *reader;
    const struct segment_index *index;
    const struct query_lexicon *lexicon;
    uint32_t blocks;
    struct fault *fault;
    bool failed;
};

/* For each block. */
struct answer {
    uint8_t may[SEGMENT_BLOCKS_MOST];
};

/* Of a text. */
struct text_question {
    const struct query_needle *needle;
    uint8_t *
        in_template; /* for each template: 1: the text stands in it; while it is asked for: nothing is missing */
    uint8_t *has_word;                     /* for each template, of one word */
    bool in_some;                          /* of in_template */
    uint8_t variable[SEGMENT_BLOCKS_MOST]; /* a variable may hold a part of it */
    uint8_t possible[SEGMENT_BLOCKS_MOST]; /* nothing that it must hold is missing */
};

static bool whole_lines(const struct segment_block_note *block) {
    return block->template_count && block->templates[0].template == 0;
}

/* A token with a digit, or an address, must be in a variable. */
static void ask_filter(struct question *question, struct text_question *text, struct slice token,
                       bool is_part) {
    uint8_t may[SEGMENT_BLOCKS_MOST];
    if (question->failed ||
        !segment_reader_look(question->reader, segment_digest(token), may, question->fault)) {
        question->failed = true;
        return;
    }
    for (uint32_t b = 0; b < question->blocks; b++) {
        text->possible[b] &= may[b];
        text->variable[b] |= is_part && may[b];
    }
}

/* Letters are in a template's words or in a variable's. */
static void ask_words(const struct question *question, struct text_question *text, struct slice letters) {
    const struct segment_index *index = question->index;
    uint8_t may[SEGMENT_BLOCKS_MOST] = {0};
    memset(text->has_word, 0, index->template_count);
    bool some = query_lexicon_look(question->lexicon, letters, text->has_word, may);
    for (uint32_t i = 0; i < index->template_count; i++)
        text->in_template[i] &= text->has_word[i];
    text->in_some &= some;
    for (uint32_t b = 0; b < question->blocks; b++) {
        const struct segment_block_note *block = &index->blocks[b];
        may[b] |= (block->flags & SEGMENT_BLOCK_WORDS) != 0;
        text->variable[b] |= may[b];
        for (uint32_t i = 0; some && !may[b] && i < block->template_count; i++)
            may[b] = text->has_word[block->templates[i].template];
        text->possible[b] &= may[b];
    }
}

static void ask_tokens(struct question *question, struct text_question *text) {
    struct slice folded = text->needle->folded;
    struct segment_tokens tokens = segment_tokens_of(folded);
    struct segment_token token;
    bool any = false;
    while (segment_token_next(&tokens, &token)) {
        struct slice at = slice_make(folded.data + token.start, token.size);
        any = true;
        if (token.kinds & SEGMENT_DIGIT)
            ask_filter(question, text, at, true);
        else
            ask_words(question, text, at);
        if (token.quad != SIZE_MAX)
            ask_filter(question, text,
                       slice_make(folded.data + token.quad, token.start + token.size - token.quad), false);
    }
    if (any)
        return;
    /* Nothing but signs: inside a variable stands one joiner at a time, in a whole line anything. */
    bool joiner = folded.size == 1 && segment_kinds[folded.data[0]] == SEGMENT_JOINER;
    for (uint32_t b = 0; b < question->blocks; b++)
        text->variable[b] = joiner || whole_lines(&question->index->blocks[b]);
}

/* Templates that have every word may have the text; a word alone they have for sure. */
static void confirm_templates(const struct question *question, struct text_question *text) {
    const struct segment_index *index = question->index;
    struct slice folded = text->needle->folded;
    bool word = true;
    for (size_t i = 0; i < folded.size; i++)
        word &= segment_kinds[folded.data[i]] == SEGMENT_LETTER;
    text->in_template[0] = 0; /* lines kept whole: all of them are variables */
    for (uint32_t i = 1; text->in_some && !word && i < index->template_count; i++)
        if (text->in_template[i])
            text->in_template[i] = query_needle_in(text->needle, index->templates[i]);
}

/* Templates have none. */
static bool has_digit(struct slice text) {
    for (size_t i = 0; i < text.size; i++)
        if (segment_kinds[text.data[i]] == SEGMENT_DIGIT)
            return true;
    return false;
}

static void ask_text(struct question *question, const struct query_node *node, struct answer *ret_answer,
                     uint64_t *counts) {
    const struct segment_index *index = question->index;
    struct text_question text = {.needle = &node->needle, .in_some = !has_digit(node->needle.folded)};
    memset(text.possible, 1, question->blocks);
    text.in_template = memory_new(index->template_count);
    text.has_word = memory_new(index->template_count);
    memset(text.in_template, text.in_some, index->template_count);
    if (slice_find_byte(node->needle.folded, SEGMENT_SLOT) != SIZE_MAX)
        memset(text.variable, 1, question->blocks);
    else
        ask_tokens(question, &text);
    confirm_templates(question, &text);
    for (uint32_t b = 0; b < question->blocks; b++) {
        const struct segment_block_note *block = &index->blocks[b];
        bool opaque = block->flags & SEGMENT_BLOCK_OPAQUE;
        uint64_t sure = 0;
        for (uint32_t i = 0; text.in_some && i < block->template_count; i++)
            sure += text.in_template[block->templates[i].template] ? block->templates[i].events : 0;
        bool variable = text.variable[b] && text.possible[b];
        ret_answer->may[b] = sure || variable || opaque;
        if (counts)
            counts[b] = variable || opaque ? QUERY_COUNT_UNKNOWN : sure;
    }
    free(text.in_template);
    free(text.has_word);
}

/* Nothing is known of a field's value but for addresses as they stand in the line; where lines have escapes, not even that. */
static void ask_field(struct question *question, const struct query_node *node, struct answer *ret_answer) {
    static const char *const addresses[] = {"source.ip", "destination.ip", "client.ip", "server.ip"};
    struct slice value = node->needle.folded;
    struct segment_tokens tokens = segment_tokens_of(value);
    struct segment_token token, last = {.quad = SIZE_MAX};
    memset(ret_answer->may, 1, question->blocks);
    bool address = false;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        address |= slice_equal_caseless(node->name, slice_string(addresses[i]));
    if (!address || node->relation != QUERY_EQUAL)
        return;
    while (segment_token_next(&tokens, &token))
        last = token;
    if (last.quad != 0 || last.start + last.size != value.size || slice_find_byte(value, '*') != SIZE_MAX)
        return;
    uint8_t may[SEGMENT_BLOCKS_MOST];
    if (!segment_reader_look(question->reader, segment_digest(value), may, question->fault)) {
        question->failed = true;
        return;
    }
    for (uint32_t b = 0; b < question->blocks; b++)
        ret_answer->may[b] = may[b] || (question->index->blocks[b].flags & SEGMENT_BLOCK_ODD);
}

static void ask(struct question *question, size_t number, struct answer *ret_answer) {
    const struct query_node *node = &question->expression->nodes[number];
    struct answer *right;
    switch (node->kind) {
    case QUERY_TEXT:
        ask_text(question, node, ret_answer, NULL);
        return;
    case QUERY_FIELD:
        ask_field(question, node, ret_answer);
        return;
    case QUERY_NOT:
        memset(ret_answer->may, 1, question->blocks);
        return;
    case QUERY_AND:
    case QUERY_OR:
        right = memory_new(sizeof *right);
        ask(question, node->left, ret_answer);
        ask(question, node->right, right);
        for (uint32_t b = 0; b < question->blocks; b++)
            ret_answer->may[b] = node->kind == QUERY_AND ? ret_answer->may[b] & right->may[b]
                                                         : ret_answer->may[b] | right->may[b];
        free(right);
        return;
    }
}

bool query_segment_blocks(const struct query_expression *expression, const struct segment_reader *reader,
                          const struct query_lexicon *lexicon, struct query_blocks *ret_blocks,
                          struct fault *fault) {
    struct question question = {.expression = expression,
                                .reader = reader,
                                .index = segment_reader_index(reader),
                                .lexicon = lexicon,
                                .fault = fault};
    struct answer *answer = memory_new(sizeof *answer);
    question.blocks = question.index->block_count;
    for (uint32_t b = 0; b < question.blocks; b++)
        ret_blocks->counts[b] =
            expression->everything ? question.index->blocks[b].events : QUERY_COUNT_UNKNOWN;
    if (expression->everything)
        memset(answer->may, 1, question.blocks);
    else if (expression->nodes[expression->root].kind == QUERY_TEXT)
        ask_text(&question, &expression->nodes[expression->root], answer, ret_blocks->counts);
    else
        ask(&question, expression->root, answer);
    memcpy(ret_blocks->may, answer->may, question.blocks);
    free(answer);
    return !question.failed;
}

static struct slice longest_token(const struct query_expression *expression, size_t number) {
    const struct query_node *node = &expression->nodes[number];
    struct slice best = {NULL, 0}, other;
    if (node->kind == QUERY_AND) {
        best = longest_token(expression, node->left);
        other = longest_token(expression, node->right);
        return other.size > best.size ? other : best;
    }
    if (node->kind != QUERY_TEXT || slice_find_byte(node->needle.folded, SEGMENT_SLOT) != SIZE_MAX)
        return best;
    struct segment_tokens tokens = segment_tokens_of(node->needle.folded);
    for (struct segment_token token; segment_token_next(&tokens, &token);)
        if ((token.kinds & SEGMENT_DIGIT) && token.size > best.size)
            best = slice_make(node->needle.folded.data + token.start, token.size);
    return best;
}

struct slice query_segment_token(const struct query_expression *expression) {
    return expression->everything ? (struct slice){NULL, 0} : longest_token(expression, expression->root);
}

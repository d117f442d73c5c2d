#include "query_expression.h"

#include <stdlib.h>

#include "memory.h"
#include "query_nodes.h"

#define NO_NODE SIZE_MAX

struct parser {
    struct slice text;
    size_t at;
    unsigned depth;
    struct query_expression *expression;
    size_t used; /* of the expression's own text */
    struct fault *fault;
};

/* A fault at byte `at`; gives NO_NODE, so that a caller can return it at once. */
static size_t refuse(struct parser *parser, size_t at, const char *text) {
    fault_set(parser->fault, FAULT_USAGE, "%s", text);
    fault_place(parser->fault, "column %zu", at + 1);
    return NO_NODE;
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
static bool ends_word(uint8_t c) {
    return is_blank(c) || c == '(' || c == ')' || c == '"';
}

static void skip_blanks(struct parser *parser) {
    while (parser->at < parser->text.size && is_blank(parser->text.data[parser->at]))
        parser->at++;
}

static bool at_end(const struct parser *parser) {
    return parser->at >= parser->text.size;
}

static struct slice peek_word(const struct parser *parser) {
    size_t end = parser->at;
    while (end < parser->text.size && !ends_word(parser->text.data[end]))
        end++;
    return slice_make(parser->text.data + parser->at, end - parser->at);
}

/* The operator that stands next; it is taken. */
static bool take_operator(struct parser *parser, struct slice name) {
    skip_blanks(parser);
    struct slice word = peek_word(parser);
    if (!slice_equal_caseless(word, name))
        return false;
    parser->at += word.size;
    return true;
}

static bool sees_operator(struct parser *parser, struct slice name) {
    skip_blanks(parser);
    return slice_equal_caseless(peek_word(parser), name);
}

static size_t new_node(struct parser *parser, size_t at, struct query_node node) {
    struct query_expression *expression = parser->expression;
    if (expression->count == QUERY_NODES_MOST)
        return refuse(parser, at, "more words and fields than one search may have (512)");
    expression->needs_fields |= node.kind == QUERY_FIELD;
    expression->nodes[expression->count] = node;
    return expression->count++;
}

static struct slice keep(struct parser *parser, struct slice text, bool folded) {
    uint8_t *to = parser->expression->text + parser->used;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        to[i] = folded && c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    parser->used += text.size;
    return slice_make(to, text.size);
}

/* "a phrase", lower-case. */
static bool take_quoted(struct parser *parser, struct slice *ret_text) {
    size_t start = parser->at++, size = 0;
    uint8_t *to = parser->expression->text + parser->used;
    for (; !at_end(parser); parser->at++) {
        uint8_t c = parser->text.data[parser->at];
        if (c == '"') {
            parser->at++;
            *ret_text = keep(parser, slice_make(to, size), true);
            return true;
        }
        bool escape = c == '\\' && parser->at + 1 < parser->text.size &&
                      (parser->text.data[parser->at + 1] == '"' || parser->text.data[parser->at + 1] == '\\');
        to[size++] = parser->text.data[escape ? ++parser->at : parser->at];
    }
    refuse(parser, start, "a quote that is never closed; a quote inside a phrase is written \\\"");
    return false;
}

static size_t text_node(struct parser *parser, size_t at, struct slice folded) {
    return new_node(parser, at, (struct query_node){.kind = QUERY_TEXT, .needle = query_needle_make(folded)});
}

/* Length of a field's name before a colon, 0 where the word is none. */
static size_t field_length(struct slice word) {
    size_t colon = slice_find_byte(word, ':');
    if (colon == SIZE_MAX || colon == 0)
        return 0;
    for (size_t i = 0; i < colon; i++) {
        uint8_t c = word.data[i];
        bool letter = (uint8_t)((c | 0x20) - 'a') < 26 || c == '_' || c == '@';
        bool inner = (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/';
        if (!letter && !(inner && i))
            return 0;
    }
    struct slice value = slice_from(word, colon + 1);
    return slice_starts(value, SLICE(":")) || slice_starts(value, SLICE("//")) ? 0 : colon;
}

static enum query_relation take_relation(struct slice *value) {
    static const struct {
        const char *sign;
        enum query_relation relation;
    } signs[] = {{">=", QUERY_MORE_EQUAL}, {"<=", QUERY_LESS_EQUAL}, {">", QUERY_MORE}, {"<", QUERY_LESS}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (slice_starts(*value, slice_string(signs[i].sign))) {
            *value = slice_from(*value, strlen(signs[i].sign));
            return signs[i].relation;
        }
    return QUERY_EQUAL;
}

/* The value behind "field:", at `start`. */
static size_t value_node(struct parser *parser, size_t start, struct query_node node) {
    size_t at = parser->at;
    if (!at_end(parser) && parser->text.data[at] == '"')
        return take_quoted(parser, &node.needle.folded) ? new_node(parser, start, node) : NO_NODE;
    struct slice value = peek_word(parser);
    parser->at += value.size;
    if (value.size == 0)
        return refuse(parser, at,
                      "a field without a value; write field:value, field:* for any, or \"field:\" in quotes "
                      "for the text itself");
    node.relation = take_relation(&value);
    if (node.relation != QUERY_EQUAL && !query_number(value, &node.number))
        return refuse(parser, at, "<, <=, > and >= take a number, as in source.port:>=1024");
    if (node.relation == QUERY_EQUAL && slice_equal(value, SLICE("*")))
        node.relation = QUERY_EXISTS;
    node.stars = true;
    node.needle.folded = keep(parser, value, true);
    return new_node(parser, start, node);
}

static size_t parse_word(struct parser *parser) {
    size_t start = parser->at;
    struct slice word = peek_word(parser);
    size_t field = field_length(word);
    if (field) {
        parser->at += field + 1;
        return value_node(
            parser, start,
            (struct query_node){.kind = QUERY_FIELD, .name = keep(parser, slice_head(word, field), false)});
    }
    parser->at += word.size;
    return text_node(parser, start, keep(parser, word, true));
}

static size_t parse_or(struct parser *parser);

static size_t parse_group(struct parser *parser) {
    size_t start = parser->at++;
    skip_blanks(parser);
    if (!at_end(parser) && parser->text.data[parser->at] == ')')
        return refuse(parser, start, "parentheses with nothing in them");
    size_t node = parse_or(parser);
    if (node == NO_NODE)
        return NO_NODE;
    skip_blanks(parser);
    if (at_end(parser) || parser->text.data[parser->at] != ')')
        return refuse(parser, start,
                      "a parenthesis that is never closed; quote it if it belongs to the text");
    parser->at++;
    return node;
}

static size_t parse_primary(struct parser *parser) {
    struct slice phrase;
    skip_blanks(parser);
    size_t start = parser->at;
    if (at_end(parser))
        return refuse(parser, start,
                      "something must follow here; quote and, or and not to look for these words");
    switch (parser->text.data[start]) {
    case '(':
        return parse_group(parser);
    case ')':
        return refuse(parser, start,
                      "a closing parenthesis without an opening one; quote it if it belongs to the text");
    case '"':
        if (!take_quoted(parser, &phrase))
            return NO_NODE;
        return phrase.size ? text_node(parser, start, phrase)
                           : refuse(parser, start, "quotes with nothing in them");
    default:
        break;
    }
    if (sees_operator(parser, SLICE("and")) || sees_operator(parser, SLICE("or")))
        return refuse(parser, start,
                      "and, or need something on both sides; quote them to look for these words");
    return parse_word(parser);
}

static size_t parse_not(struct parser *parser) {
    skip_blanks(parser);
    size_t start = parser->at;
    if (parser->depth == QUERY_DEPTH_MOST)
        return refuse(parser, start, "parentheses and nots nested deeper than 64");
    parser->depth++;
    size_t node;
    if (take_operator(parser, SLICE("not"))) {
        node = parse_not(parser);
        if (node != NO_NODE)
            node = new_node(parser, start, (struct query_node){.kind = QUERY_NOT, .left = (uint16_t)node});
    } else
        node = parse_primary(parser);
    parser->depth--;
    return node;
}

static size_t join(struct parser *parser, enum query_kind kind, size_t left, size_t right) {
    if (right == NO_NODE)
        return NO_NODE;
    return new_node(parser, parser->at,
                    (struct query_node){.kind = kind, .left = (uint16_t)left, .right = (uint16_t)right});
}

static size_t parse_and(struct parser *parser) {
    size_t left = parse_not(parser);
    while (left != NO_NODE) {
        skip_blanks(parser);
        if (at_end(parser) || parser->text.data[parser->at] == ')' || sees_operator(parser, SLICE("or")))
            break;
        take_operator(parser, SLICE("and"));
        left = join(parser, QUERY_AND, left, parse_not(parser));
    }
    return left;
}

static size_t parse_or(struct parser *parser) {
    size_t left = parse_and(parser);
    while (left != NO_NODE && take_operator(parser, SLICE("or")))
        left = join(parser, QUERY_OR, left, parse_and(parser));
    return left;
}

static bool parse_all(struct parser *parser) {
    skip_blanks(parser);
    if (at_end(parser)) {
        parser->expression->everything = true;
        return true;
    }
    parser->expression->root = parse_or(parser);
    if (parser->expression->root == NO_NODE)
        return false;
    if (at_end(parser))
        return true;
    refuse(parser, parser->at,
           "a closing parenthesis without an opening one; quote it if it belongs to the text");
    return false;
}

struct query_expression *query_expression_parse(struct slice text, struct fault *fault) {
    if (text.size > QUERY_TEXT_MOST) {
        fault_set(fault, FAULT_LIMIT, "a search of %zu bytes; at most %u are allowed", text.size,
                  QUERY_TEXT_MOST);
        return NULL;
    }
    struct query_expression *expression = memory_new(sizeof *expression);
    /* Names and values are kept apart from each other, and no byte twice. */
    expression->text = memory_new(text.size + 1);
    struct parser parser = {.text = text, .expression = expression, .fault = fault};
    return parse_all(&parser) ? expression : query_expression_destroy(expression);
}

struct query_expression *query_expression_destroy(struct query_expression *expression) {
    if (expression) {
        free(expression->text);
        free(expression);
    }
    return NULL;
}

bool query_needs_fields(const struct query_expression *expression) {
    return expression->needs_fields;
}

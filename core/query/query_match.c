#include "query_nodes.h"

/* With the raw line alone a field is unknown: what cannot be ruled out stays. */
enum answer { NO, UNKNOWN, YES };

struct question {
    const struct query_expression *expression;
    struct slice raw;
    const struct record *record; /* NULL: fields are unknown */
};

static bool number_fits(const struct query_node *node, struct slice value) {
    double number;
    if (!query_number(value, &number))
        return false;
    switch (node->relation) {
    case QUERY_LESS:
        return number < node->number;
    case QUERY_LESS_EQUAL:
        return number <= node->number;
    case QUERY_MORE:
        return number > node->number;
    case QUERY_MORE_EQUAL:
        return number >= node->number;
    case QUERY_EQUAL:
    case QUERY_EXISTS:
        break;
    }
    return false;
}

static bool field_fits(const struct query_node *node, const struct record_field *field) {
    if (!slice_equal_caseless(field->name, node->name))
        return false;
    if (node->relation == QUERY_EXISTS)
        return true;
    return node->relation == QUERY_EQUAL ? query_text_fits(node->needle.folded, node->stars, field->value)
                                         : number_fits(node, field->value);
}

static enum answer ask_fields(const struct query_node *node, const struct record *record) {
    if (!record)
        return UNKNOWN;
    for (size_t i = 0; i < record->count; i++)
        if (field_fits(node, &record->fields[i]))
            return YES;
    return NO;
}

static enum answer ask(const struct question *question, size_t index) {
    const struct query_node *node = &question->expression->nodes[index];
    enum answer left, right;
    switch (node->kind) {
    case QUERY_TEXT:
        return query_needle_in(&node->needle, question->raw) ? YES : NO;
    case QUERY_FIELD:
        return ask_fields(node, question->record);
    case QUERY_NOT:
        left = ask(question, node->left);
        return left == UNKNOWN ? UNKNOWN : left == YES ? NO : YES;
    case QUERY_AND:
        left = ask(question, node->left);
        if (left == NO)
            return NO;
        right = ask(question, node->right);
        return right < left ? right : left;
    case QUERY_OR:
        left = ask(question, node->left);
        if (left == YES)
            return YES;
        right = ask(question, node->right);
        return right > left ? right : left;
    }
    return NO;
}

bool query_raw_may_match(const struct query_expression *expression, struct slice raw) {
    struct question question = {expression, raw, NULL};
    return expression->everything || ask(&question, expression->root) != NO;
}

bool query_matches(const struct query_expression *expression, const struct record *record) {
    struct question question = {expression, record_value(record, SLICE("event.original")), record};
    return expression->everything || ask(&question, expression->root) == YES;
}

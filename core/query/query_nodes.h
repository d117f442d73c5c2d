/* A parsed expression, for query_expression.c (builds) and query_match.c (asks) alone. */
#ifndef TOCSIN_QUERY_NODES_H
#define TOCSIN_QUERY_NODES_H

#include "query_expression.h"
#include "query_text.h"

enum query_kind { QUERY_AND, QUERY_OR, QUERY_NOT, QUERY_TEXT, QUERY_FIELD };
enum query_relation { QUERY_EQUAL, QUERY_EXISTS, QUERY_LESS, QUERY_LESS_EQUAL, QUERY_MORE, QUERY_MORE_EQUAL };

struct query_node {
    enum query_kind kind;
    enum query_relation relation; /* of a field */
    bool stars;                   /* of a field's value: '*' stands for anything */
    uint16_t left, right;         /* of and, or; left alone of not */
    struct slice name;            /* of a field */
    struct query_needle needle;   /* of a text; its `folded` is also a field's value */
    double number;
};

struct query_expression {
    struct query_node nodes[QUERY_NODES_MOST];
    size_t count;
    size_t root;
    bool everything; /* no node at all */
    bool needs_fields;
    uint8_t *text; /* what names, words and values point into */
};

#endif

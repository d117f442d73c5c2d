/* Memory that lives and dies with a ruleset: definitions, texts, expressions.
 *
 * Each piece is an allocation of its own, so that a sanitizer sees a read past its end. Nothing is freed before all is. */
#ifndef TOCSIN_RULE_MEMORY_H
#define TOCSIN_RULE_MEMORY_H

#include "slice.h"

struct rule_memory {
    struct rule_memory_piece *newest;
};

void *rule_memory_new(struct rule_memory *memory, size_t size); /* zeroed, aligned for any type */
/* A copy with a NUL behind it. */
char *rule_memory_text(struct rule_memory *memory, struct slice text);
char *rule_memory_printf(struct rule_memory *memory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rule_memory_free(struct rule_memory *memory);

#endif

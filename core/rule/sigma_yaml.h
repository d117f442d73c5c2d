/* One YAML document as a plain tree with places, out of a file that may hold several.
 *
 * libfyaml 0.7.12 reads only the first document of a text and takes invalid UTF-8 without a word, so documents are split
 * here, at `---` and `...` in the first column, and checked first. Aliases, anchors and tags are refused: a rule needs
 * none, and an alias can make a small file huge. Lines and columns count from 1, in the whole file. */
#ifndef TOCSIN_SIGMA_YAML_H
#define TOCSIN_SIGMA_YAML_H

#include "rule_memory.h"

#define SIGMA_YAML_DEPTH_MOST 24u
#define SIGMA_YAML_NODES_MOST 100000u

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    bool plain; /* a scalar without quotes: it may be a number, a truth value or null */
    uint32_t line, column;
    struct slice text; /* of a scalar; NUL behind it */
    size_t count;
    struct yaml_node *keys;   /* of a map: scalars */
    struct yaml_node *values; /* of a map or a list */
};

/* Why something was refused; texts live in the memory given. */
struct refusal {
    uint32_t line, column;
    const char *reason, *hint;
};

struct yaml_part {
    struct slice text;
    uint32_t line; /* of its first byte, from 1 */
};

/* Takes the next document off *rest, whose first byte stands in *line. False at the end. Text that holds nothing but
 * comments and blanks is no document. */
bool sigma_yaml_next(struct slice *rest, uint32_t *line, struct yaml_part *ret_part);

bool sigma_yaml_parse(struct rule_memory *memory, struct yaml_part part, struct yaml_node *ret_root,
                      struct refusal *ret_refusal);

/* The value of a key; NULL where the map has none. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);
const struct yaml_node *yaml_find_text(const struct yaml_node *map, struct slice key);
bool yaml_is_null(const struct yaml_node *node);

#endif

/* One item of a selection while it is read: a field, what its modifiers have made of it, its values. For sigma_item.c and
 * sigma_value.c alone. */
#ifndef TOCSIN_SIGMA_ITEM_H
#define TOCSIN_SIGMA_ITEM_H

#include "sigma.h"

#define ITEM_VALUES_MOST 20000u

enum item_form { FORM_TEXT, FORM_REGEX, FORM_NETWORK, FORM_NUMBER, FORM_EXISTS, FORM_OTHER };

struct item_value {
    const struct yaml_node *node;
    bool null;
    struct slice text;      /* as written, or as its placeholders made it */
    struct pattern pattern; /* of a FORM_TEXT */
};

struct item {
    struct loading *loading;
    const struct yaml_node *key;
    uint32_t field;
    enum item_form form;
    bool all, cased, negate, open_front, open_behind;
    bool changed; /* the patterns are no longer what the texts say: encoded, or with dashes that stand for others */
    uint32_t regex_flags;
    enum predicate_kind comparison; /* of a FORM_NUMBER */
    enum time_part part;            /* of a FORM_NUMBER: what of a date is compared */
    struct item_value *values;
    size_t count;
};

/* Each refuses by filling the loading's refusal. Values may become more. */
bool sigma_value_expand(struct item *item);  /* %name% becomes each of the values that it has */
bool sigma_value_windash(struct item *item); /* every dash stands for every other */
enum sigma_wide { WIDE_LITTLE, WIDE_BIG, WIDE_MARKED };
bool sigma_value_widen(struct item *item, enum sigma_wide order);
bool sigma_value_base64(struct item *item, unsigned offsets); /* 1, or 3 for wherever it begins in a longer text */

#endif

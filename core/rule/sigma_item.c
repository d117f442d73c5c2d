/* One item of a selection: a field, its modifiers, its values. Modifiers are a table; each changes the item in turn. */
#include <stdlib.h>

#include "sigma_item.h"

struct modifier {
    const char *name;
    bool (*apply)(struct item *item, const struct modifier *modifier);
    int argument;
};

static bool needs_text(struct item *item, const struct modifier *modifier) {
    if (item->form != FORM_TEXT && item->form != FORM_OTHER)
        return sigma_refuse(item->loading, item->key, "leave one of the two modifiers out",
                            "the modifier '%s' does not go with the one before it", modifier->name);
    for (size_t i = 0; i < item->count; i++)
        if (item->values[i].null)
            return sigma_refuse(item->loading, item->values[i].node, "null stands alone: field: null",
                                "null cannot go with the modifier '%s'", modifier->name);
    return true;
}

static bool needs_plain_text(struct item *item, const struct modifier *modifier) {
    if (item->form == FORM_OTHER)
        return sigma_refuse(item->loading, item->key, "leave one of the two modifiers out",
                            "the modifier '%s' does not go with fieldref", modifier->name);
    return needs_text(item, modifier);
}

static bool apply_open(struct item *item, const struct modifier *modifier) {
    if (!needs_text(item, modifier))
        return false;
    item->open_front |= (modifier->argument & 1) != 0;
    item->open_behind |= (modifier->argument & 2) != 0;
    return true;
}

static bool apply_all(struct item *item, const struct modifier *modifier) {
    (void)modifier;
    item->all = true;
    return true;
}

static bool apply_cased(struct item *item, const struct modifier *modifier) {
    item->cased = true;
    return needs_text(item, modifier);
}

static bool apply_neq(struct item *item, const struct modifier *modifier) {
    (void)modifier;
    item->negate = true;
    return true;
}

static bool set_form(struct item *item, const struct modifier *modifier, enum item_form form) {
    if (item->form != FORM_TEXT || item->changed)
        return sigma_refuse(item->loading, item->key, "leave one of the two modifiers out",
                            "the modifier '%s' does not go with the one before it", modifier->name);
    if (item->field == FIELD_KEYWORDS && form != FORM_REGEX)
        return sigma_refuse(item->loading, item->key, "name the field in front of the modifier",
                            "the modifier '%s' needs a field", modifier->name);
    if (!needs_text(item, modifier))
        return false;
    item->form = form;
    return true;
}

static bool apply_regex(struct item *item, const struct modifier *modifier) {
    return set_form(item, modifier, FORM_REGEX);
}

static bool apply_regex_flag(struct item *item, const struct modifier *modifier) {
    if (item->form != FORM_REGEX)
        return sigma_refuse(item->loading, item->key, "write it behind re, as in field|re|i",
                            "the modifier '%s' belongs behind re", modifier->name);
    item->regex_flags |= (uint32_t)modifier->argument;
    return true;
}

static bool apply_cidr(struct item *item, const struct modifier *modifier) {
    return set_form(item, modifier, FORM_NETWORK);
}

static bool apply_exists(struct item *item, const struct modifier *modifier) {
    return set_form(item, modifier, FORM_EXISTS);
}

/* A date's part and how it is compared may stand in either order: hour|gte, gte|hour. */
static bool apply_comparison(struct item *item, const struct modifier *modifier) {
    bool of_date = item->form == FORM_NUMBER && item->comparison == PREDICATE_SAME_NUMBER;
    if (!of_date && !set_form(item, modifier, FORM_NUMBER))
        return false;
    item->comparison = (enum predicate_kind)modifier->argument;
    return true;
}

static bool apply_time(struct item *item, const struct modifier *modifier) {
    bool compared = item->form == FORM_NUMBER && item->part == TIME_NONE;
    if (!compared && !set_form(item, modifier, FORM_NUMBER))
        return false;
    item->part = (enum time_part)modifier->argument;
    item->comparison = compared ? item->comparison : PREDICATE_SAME_NUMBER;
    return true;
}

static bool apply_fieldref(struct item *item, const struct modifier *modifier) {
    return set_form(item, modifier, FORM_OTHER);
}

/* Once the patterns were changed, the texts that placeholders stand in are no longer what is looked for. */
static bool apply_expand(struct item *item, const struct modifier *modifier) {
    if (item->changed || item->form == FORM_EXISTS)
        return sigma_refuse(item->loading, item->key, "write expand before it",
                            "the modifier '%s' does not go with the one before it", modifier->name);
    return sigma_value_expand(item);
}

static bool apply_windash(struct item *item, const struct modifier *modifier) {
    return needs_plain_text(item, modifier) && sigma_value_windash(item);
}

static bool apply_wide(struct item *item, const struct modifier *modifier) {
    return needs_plain_text(item, modifier) && sigma_value_widen(item, (enum sigma_wide)modifier->argument);
}

/* `argument`: how many values each value becomes, 1 or 3. */
static bool apply_base64(struct item *item, const struct modifier *modifier) {
    return needs_plain_text(item, modifier) && sigma_value_base64(item, (unsigned)modifier->argument);
}

static const struct modifier modifiers[] = {
    {"contains", apply_open, 3},
    {"startswith", apply_open, 2},
    {"endswith", apply_open, 1},
    {"all", apply_all, 0},
    {"cased", apply_cased, 0},
    {"neq", apply_neq, 0},
    {"re", apply_regex, 0},
    {"i", apply_regex_flag, REGEX_CASELESS},
    {"ignorecase", apply_regex_flag, REGEX_CASELESS},
    {"m", apply_regex_flag, REGEX_MULTILINE},
    {"multiline", apply_regex_flag, REGEX_MULTILINE},
    {"s", apply_regex_flag, REGEX_DOTALL},
    {"dotall", apply_regex_flag, REGEX_DOTALL},
    {"cidr", apply_cidr, 0},
    {"exists", apply_exists, 0},
    {"lt", apply_comparison, PREDICATE_LESS},
    {"lte", apply_comparison, PREDICATE_LESS_EQUAL},
    {"gt", apply_comparison, PREDICATE_GREATER},
    {"gte", apply_comparison, PREDICATE_GREATER_EQUAL},
    {"fieldref", apply_fieldref, 0},
    {"windash", apply_windash, 0},
    {"wide", apply_wide, WIDE_LITTLE},
    {"utf16le", apply_wide, WIDE_LITTLE},
    {"utf16be", apply_wide, WIDE_BIG},
    {"utf16", apply_wide, WIDE_MARKED},
    {"base64", apply_base64, 1},
    {"base64offset", apply_base64, 3},
    {"expand", apply_expand, 0},
    {"minute", apply_time, TIME_MINUTE},
    {"hour", apply_time, TIME_HOUR},
    {"day", apply_time, TIME_DAY},
    {"week", apply_time, TIME_WEEK},
    {"month", apply_time, TIME_MONTH},
    {"year", apply_time, TIME_YEAR},
};

static bool apply_modifiers(struct item *item, struct slice names) {
    while (names.size) {
        size_t bar = slice_find_byte(names, '|');
        struct slice name = bar == SIZE_MAX ? names : slice_head(names, bar);
        names = bar == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(names, bar + 1);
        const struct modifier *modifier = NULL;
        for (size_t i = 0; i < sizeof modifiers / sizeof *modifiers && !modifier; i++)
            if (slice_equal(name, slice_string(modifiers[i].name)))
                modifier = &modifiers[i];
        if (!modifier)
            return sigma_refuse(item->loading, item->key,
                                "see the list of modifiers in the Sigma specification",
                                "unknown modifier '%.*s'", SLICE_ARG(slice_head(name, 64)));
        if (!modifier->apply(item, modifier))
            return false;
    }
    return true;
}

static bool fill_text(struct item *item, const struct item_value *value, struct predicate *predicate) {
    struct pattern pattern = value->pattern;
    bool anywhere = item->field == FIELD_KEYWORDS;
    pattern = pattern_open(item->loading->memory, pattern, item->open_front || anywhere,
                           item->open_behind || anywhere);
    if (pattern.size > PATTERN_MOST)
        return sigma_refuse(item->loading, value->node, "shorten it", "the value is too long");
    size_t from = 0, to = pattern.size;
    while (from < to && pattern.tokens[from] == PATTERN_MANY)
        from++;
    while (to > from && pattern.tokens[to - 1] == PATTERN_MANY)
        to--;
    if (from == to && anywhere)
        return sigma_refuse(item->loading, value->node, "take it out",
                            "an empty keyword stands in every event");
    bool front = from > 0, behind = to < pattern.size;
    struct pattern core = {pattern.tokens + from, to - from};
    predicate->cased = item->cased;
    if (pattern_is_literal(core)) {
        predicate->kind = front    ? behind ? PREDICATE_CONTAINS : PREDICATE_SUFFIX
                          : behind ? PREDICATE_PREFIX
                                   : PREDICATE_EQUAL;
        uint8_t *bytes = rule_memory_new(item->loading->memory, core.size + 1);
        for (size_t i = 0; i < core.size; i++)
            bytes[i] = item->cased ? (uint8_t)core.tokens[i] : pattern_fold((uint8_t)core.tokens[i]);
        predicate->literal = slice_make(bytes, core.size);
        return true;
    }
    uint16_t *tokens = rule_memory_new(item->loading->memory, pattern.size * sizeof *tokens);
    for (size_t i = 0; i < pattern.size; i++) {
        bool letter = pattern.tokens[i] <= UINT8_MAX && !item->cased;
        tokens[i] = letter ? pattern_fold((uint8_t)pattern.tokens[i]) : pattern.tokens[i];
    }
    predicate->kind = PREDICATE_GLOB;
    predicate->pattern = (struct pattern){tokens, pattern.size};
    return true;
}

/* Whether what ends before `behind` may be repeated at will: then it is the same whether it takes bytes or characters. */
static bool is_repeated(struct slice text, size_t behind) {
    return behind < text.size && (text.data[behind] == '*' || text.data[behind] == '+');
}

/* The byte behind a class that begins at `at`, or `at` where it has no end. */
static size_t class_end(struct slice text, size_t at) {
    size_t i = at + 1 + (at + 1 < text.size && text.data[at + 1] == '^');
    for (i += i < text.size && text.data[i] == ']'; i < text.size && text.data[i] != ']'; i++)
        i += text.data[i] == '\\';
    return i < text.size ? i + 1 : at;
}

/* Characters matter only where the expression says anything about them, or counts what it does not name; otherwise bytes
 * are faster and never invalid. */
static bool regex_needs_characters(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i], next = i + 1 < text.size ? text.data[i + 1] : 0;
        if (byte >= 0x80)
            return true;
        if (byte == '\\') {
            bool any = next && strchr("WDSNHVR", next);
            if ((next && strchr("pPX", next)) || (any && !is_repeated(text, i + 2)) ||
                (next == 'x' && i + 2 < text.size && text.data[i + 2] == '{'))
                return true;
            i++;
        } else if (byte == '.' && !is_repeated(text, i + 1)) {
            return true;
        } else if (byte == '[') {
            size_t end = class_end(text, i);
            for (size_t c = i; c < end; c++)
                if (text.data[c] >= 0x80)
                    return true;
            if (next == '^' && !is_repeated(text, end))
                return true;
            i = end > i ? end - 1 : i;
        }
    }
    return false;
}

/* PCRE2 10.42's JIT misses \W, \D and \S over characters above U+007F where invalid UTF-8 is allowed; its
 * interpreter does not. */
static bool jit_is_right(const struct predicate *predicate, struct slice text) {
    for (size_t i = 0; predicate->utf && i + 1 < text.size; i++) {
        if (text.data[i] != '\\')
            continue;
        if (text.data[++i] && strchr("WDS", text.data[i]))
            return false;
    }
    return true;
}

static bool fill_regex(struct item *item, const struct item_value *value, struct predicate *predicate) {
    struct slice text = value->text;
    predicate->kind = PREDICATE_REGEX;
    predicate->literal = text;
    predicate->flags = item->regex_flags;
    predicate->utf = regex_needs_characters(text);
    uint32_t options = predicate->utf ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : PCRE2_NEVER_UTF;
    options |= PCRE2_NEVER_BACKSLASH_C;
    options |= item->regex_flags & REGEX_CASELESS ? PCRE2_CASELESS : 0;
    options |= item->regex_flags & REGEX_MULTILINE ? PCRE2_MULTILINE : 0;
    options |= item->regex_flags & REGEX_DOTALL ? PCRE2_DOTALL : 0;
    int error;
    PCRE2_SIZE offset;
    predicate->code = pcre2_compile(text.data, text.size, options, &error, &offset, NULL);
    if (!predicate->code) {
        char message[160] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof message);
        return sigma_refuse(item->loading, value->node,
                            "regular expressions are PCRE's; single quotes keep backslashes",
                            "bad regular expression at its byte %zu: %s", offset + 1, message);
    }
    if (jit_is_right(predicate, text))
        pcre2_jit_compile(predicate->code, PCRE2_JIT_COMPLETE);
    return true;
}

static bool fill_network(struct item *item, const struct item_value *value, struct predicate *predicate) {
    struct slice text = value->text;
    size_t slash = slice_find_byte(text, '/');
    struct slice address = slash == SIZE_MAX ? text : slice_head(text, slash);
    bool four = slice_find_byte(address, ':') == SIZE_MAX;
    uint64_t bits = four ? 32 : 128;
    bool good = predicate_address(address, predicate->network) &&
                (slash == SIZE_MAX || slice_decimal(slice_from(text, slash + 1), &bits)) &&
                bits <= (four ? 32u : 128u);
    if (!good)
        return sigma_refuse(item->loading, value->node, "write it as 192.0.2.0/24 or 2001:db8::/32",
                            "not a network: '%.*s'", SLICE_ARG(slice_head(text, 64)));
    predicate->kind = PREDICATE_NETWORK;
    predicate->network_bits = (unsigned)bits + (four ? 96 : 0);
    /* Bits behind the prefix do not matter; cleared, like networks are found as one. */
    for (unsigned bit = predicate->network_bits; bit < 128; bit++)
        predicate->network[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return true;
}

static bool fill_other(struct item *item, const struct item_value *value, struct predicate *predicate) {
    predicate->kind = PREDICATE_OTHER;
    predicate->cased = item->cased;
    predicate->relation = item->open_front    ? item->open_behind ? PREDICATE_CONTAINS : PREDICATE_SUFFIX
                          : item->open_behind ? PREDICATE_PREFIX
                                              : PREDICATE_EQUAL;
    predicate->other = value->text.size ? ruleset_field(item->loading->ruleset, value->text) : 0;
    return predicate->other ||
           sigma_refuse(item->loading, value->node, "name another field", "fieldref names no field");
}

static bool fill_number(struct item *item, const struct item_value *value, struct predicate *predicate) {
    predicate->kind = item->comparison;
    predicate->part = item->part;
    if (!predicate_number(value->text, &predicate->number))
        return sigma_refuse(item->loading, value->node,
                            item->part ? "minute to year compare a date's number, as in field|hour: 3"
                                       : "lt, lte, gt and gte compare numbers",
                            "not a number: '%.*s'", SLICE_ARG(slice_head(value->text, 64)));
    unsigned least, most;
    time_part_range(item->part, &least, &most);
    bool possible = predicate->number >= least && predicate->number <= most;
    return item->comparison != PREDICATE_SAME_NUMBER || possible ||
           sigma_refuse(item->loading, value->node, "minutes 0 to 59, hours 0 to 23, weeks 1 to 53",
                        "no date has this: it is a number from %u to %u", least, most);
}

static struct expression *value_expression(struct item *item, const struct item_value *value) {
    struct predicate predicate = {.field = item->field, .kind = PREDICATE_VALUED};
    bool good = true, truth = !value->null;
    if (item->form == FORM_EXISTS) {
        predicate.kind = PREDICATE_PRESENT;
        good = sigma_truth(item->loading, value->node, "exists", &truth);
    } else if (!value->null)
        good = item->form == FORM_TEXT      ? fill_text(item, value, &predicate)
               : item->form == FORM_REGEX   ? fill_regex(item, value, &predicate)
               : item->form == FORM_NETWORK ? fill_network(item, value, &predicate)
               : item->form == FORM_OTHER   ? fill_other(item, value, &predicate)
                                            : fill_number(item, value, &predicate);
    if (!good)
        return NULL;
    struct expression *test = sigma_test(item->loading, value->node, &predicate);
    return test && !truth ? sigma_not(item->loading, test) : test;
}

static bool take_value(struct item *item, const struct yaml_node *node) {
    if (node->kind != YAML_SCALAR)
        return sigma_refuse(item->loading, node, "a value is a text, a number, null, or a list of these",
                            "a %s cannot stand here", node->kind == YAML_LIST ? "list in a list" : "map");
    bool null = yaml_is_null(node) && item->field != FIELD_KEYWORDS;
    struct item_value value = {.node = node, .null = null, .text = node->text};
    if (node->text.size > PATTERN_MOST)
        return sigma_refuse(item->loading, node, "shorten it", "the value is too long");
    value.pattern = pattern_parse(item->loading->memory, node->text);
    item->values[item->count++] = value;
    return true;
}

/* What loads, and yet is probably not what its author meant. */
static void remark(const struct item *item) {
    bool null = false;
    for (size_t i = 0; i < item->count; i++)
        null |= item->values[i].null;
    if (null && item->count > 1)
        sigma_remark(item->loading, "null stands in a list of values (line %u): a selection of its own says it better",
                     item->key->line);
    if (item->all && item->count == 1)
        sigma_remark(item->loading, "'all' has one value alone (line %u)", item->key->line);
}

static bool take_values(struct item *item, const struct yaml_node *node) {
    if (node->kind != YAML_LIST) {
        item->values = rule_memory_new(item->loading->memory, sizeof *item->values);
        return take_value(item, node);
    }
    if (node->count == 0)
        return sigma_refuse(item->loading, item->key ? item->key : node, "give it a value, or take it out",
                            "an empty list of values");
    if (node->count > ITEM_VALUES_MOST)
        return sigma_refuse(item->loading, node, "split the list", "more than %u values", ITEM_VALUES_MOST);
    item->values = rule_memory_new(item->loading->memory, node->count * sizeof *item->values);
    for (size_t i = 0; i < node->count; i++)
        if (!take_value(item, &node->values[i]))
            return false;
    return true;
}

struct expression *sigma_item(struct loading *loading, const struct yaml_node *key,
                              const struct yaml_node *value) {
    struct item item = {.loading = loading, .key = key ? key : value, .field = FIELD_KEYWORDS};
    struct slice name = key ? key->text : (struct slice){NULL, 0};
    size_t bar = slice_find_byte(name, '|');
    struct slice names = bar == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(name, bar + 1);
    name = bar == SIZE_MAX ? name : slice_head(name, bar);
    if (name.size)
        item.field = ruleset_field(loading->ruleset, name);
    else if (key && !names.size) {
        sigma_refuse(loading, key, "name a field; keywords stand in a list", "an empty field name");
        return NULL;
    }
    if (!item.field) {
        sigma_refuse(loading, key, "load fewer rules", "too many different field names");
        return NULL;
    }
    if (!take_values(&item, value) || !apply_modifiers(&item, names))
        return NULL;
    remark(&item);
    struct expression **parts = rule_memory_new(loading->memory, item.count * sizeof *parts);
    for (size_t i = 0; i < item.count; i++)
        if (!(parts[i] = value_expression(&item, &item.values[i])))
            return NULL;
    struct expression *whole =
        sigma_join(loading, item.all ? EXPRESSION_AND : EXPRESSION_OR, parts, item.count);
    return item.negate ? sigma_not(loading, whole) : whole;
}

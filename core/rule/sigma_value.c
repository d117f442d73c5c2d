/* What modifiers make of values: texts out of texts. */
#include <stdlib.h>

#include "encoding.h"
#include "sigma_item.h"

#define DASHES_MOST 4u /* spelt out in one value before it is encoded: 5 ways each */

struct values {
    struct item *item;
    struct item_value *list;
    size_t count, room;
};

static bool values_add(struct values *values, const struct item_value *value) {
    if (values->count == ITEM_VALUES_MOST)
        return sigma_refuse(values->item->loading, value->node, "split the list", "more than %u values",
                            ITEM_VALUES_MOST);
    if (values->count == values->room) {
        values->room = values->room ? 2 * values->room : 16;
        struct item_value *more = rule_memory_new(values->item->loading->memory, values->room * sizeof *more);
        if (values->count)
            memcpy(more, values->list, values->count * sizeof *more);
        values->list = more;
    }
    values->list[values->count++] = *value;
    return true;
}

static void values_take(const struct values *values) {
    values->item->values = values->list;
    values->item->count = values->count;
}

/* The name between the two percent signs at the text's beginning; empty where it is none. */
static struct slice placeholder_at(struct slice text) {
    if (text.size < 3 || text.data[0] != '%')
        return SLICE("");
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] == '%')
            return slice_make(text.data + 1, i - 1);
        if (text.data[i] <= ' ' || text.data[i] == '\\')
            break;
    }
    return SLICE("");
}

static bool refuse_unset(struct item *item, const struct item_value *value, struct slice name) {
    item->loading->waits = true;
    return sigma_refuse(item->loading, value->node,
                        "give it one in a document of its own beside the rules: vars: {NAME: [value, …]}",
                        "'expand' needs a value for its placeholder '%%%.*s%%', and none is set",
                        SLICE_ARG(slice_head(name, 64)));
}

/* Goes on behind `done`, what is made already; each placeholder's values branch off. */
static bool expand_from(struct values *values, const struct item_value *value, struct slice done,
                        struct slice rest) {
    CLEANUP_BUFFER struct buffer text = BUFFER(PATTERN_MOST);
    buffer_append_slice(&text, done);
    for (size_t i = 0; i < rest.size;) {
        struct slice name = placeholder_at(slice_from(rest, i));
        if (name.size == 0) {
            bool escaped = rest.data[i] == '\\' && i + 1 < rest.size && rest.data[i + 1] == '%';
            buffer_append(&text, rest.data + i + escaped, 1);
            i += 1 + escaped;
            continue;
        }
        const struct placeholder *placeholder = ruleset_placeholder(values->item->loading->ruleset, name);
        if (!placeholder)
            return refuse_unset(values->item, value, name);
        size_t size = text.size;
        for (size_t v = 0; v < placeholder->count; v++) {
            text.size = size;
            buffer_append_string(&text, placeholder->values[v]);
            if (!expand_from(values, value, buffer_slice(&text), slice_from(rest, i + name.size + 2)))
                return false;
        }
        return true;
    }
    if (text.overflow)
        return sigma_refuse(values->item->loading, value->node, "shorten it",
                            "the value is too long with its placeholders filled in");
    struct item_value made = *value;
    made.text = slice_make(rule_memory_text(values->item->loading->memory, buffer_slice(&text)), text.size);
    made.pattern = pattern_parse(values->item->loading->memory, made.text);
    return values_add(values, &made);
}

bool sigma_value_expand(struct item *item) {
    struct values values = {.item = item};
    for (size_t i = 0; i < item->count; i++)
        if (!expand_from(&values, &item->values[i], SLICE(""), item->values[i].text))
            return false;
    values_take(&values);
    return true;
}

bool sigma_value_windash(struct item *item) {
    for (size_t i = 0; i < item->count; i++)
        item->values[i].pattern = pattern_windash(item->loading->memory, item->values[i].pattern);
    item->changed = true;
    return true;
}

/* An encoding has no dash that stands for others: each value becomes one for each way to write it. */
static bool spell_out(struct values *values, struct item_value value, unsigned dashes) {
    static const char *const spellings[] = {"-", "/", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x95"};
    struct pattern pattern = value.pattern;
    size_t at = 0;
    while (at < pattern.size && pattern.tokens[at] != PATTERN_DASH)
        at++;
    if (at == pattern.size)
        return values_add(values, &value);
    if (dashes == DASHES_MOST)
        return sigma_refuse(values->item->loading, value.node, "write the spellings out that matter",
                            "windash before an encoding takes at most %u dashes", DASHES_MOST);
    for (size_t s = 0; s < sizeof spellings / sizeof *spellings; s++) {
        size_t size = strlen(spellings[s]);
        uint16_t *tokens = rule_memory_new(values->item->loading->memory,
                                           (pattern.size + size) * sizeof *tokens);
        memcpy(tokens, pattern.tokens, at * sizeof *tokens);
        for (size_t i = 0; i < size; i++)
            tokens[at + i] = (uint8_t)spellings[s][i];
        memcpy(tokens + at + size, pattern.tokens + at + 1, (pattern.size - at - 1) * sizeof *tokens);
        value.pattern = (struct pattern){tokens, pattern.size - 1 + size};
        if (!spell_out(values, value, dashes + 1))
            return false;
    }
    return true;
}

static bool spell_out_dashes(struct item *item) {
    struct values values = {.item = item};
    for (size_t i = 0; i < item->count; i++)
        if (!spell_out(&values, item->values[i], 0))
            return false;
    values_take(&values);
    return true;
}

/* The character that begins at *at, which moves behind it. */
static uint32_t next_point(struct pattern pattern, size_t *at) {
    uint32_t point = pattern.tokens[(*at)++];
    unsigned more = point >= 0xf0 ? 3 : point >= 0xe0 ? 2 : point >= 0xc0 ? 1 : 0;
    point &= more == 3 ? 0x07u : more == 2 ? 0x0fu : more == 1 ? 0x1fu : 0xffu;
    for (; more && *at < pattern.size && pattern.tokens[*at] <= UINT8_MAX; more--)
        point = point << 6 | (pattern.tokens[(*at)++] & 0x3fu);
    return point;
}

/* UTF-8 tokens to UTF-16: a wildcard stays what it is. */
static struct pattern widened(struct rule_memory *memory, struct pattern pattern, enum sigma_wide order) {
    uint16_t *tokens = rule_memory_new(memory, (pattern.size * 4 + 3) * sizeof *tokens);
    size_t size = 0;
    if (order == WIDE_MARKED) {
        tokens[size++] = 0xff;
        tokens[size++] = 0xfe;
    }
    for (size_t i = 0; i < pattern.size;) {
        if (pattern.tokens[i] > UINT8_MAX) {
            tokens[size++] = pattern.tokens[i++];
            continue;
        }
        uint32_t point = next_point(pattern, &i), units[2] = {point, 0};
        size_t unit_count = 1;
        if (point > 0xffff) {
            units[0] = 0xd800 + ((point - 0x10000) >> 10);
            units[1] = 0xdc00 + ((point - 0x10000) & 0x3ff);
            unit_count = 2;
        }
        for (size_t u = 0; u < unit_count; u++) {
            tokens[size++] = (uint16_t)(order == WIDE_BIG ? units[u] >> 8 & 0xff : units[u] & 0xff);
            tokens[size++] = (uint16_t)(order == WIDE_BIG ? units[u] & 0xff : units[u] >> 8 & 0xff);
        }
    }
    return (struct pattern){tokens, size};
}

bool sigma_value_widen(struct item *item, enum sigma_wide order) {
    if (!spell_out_dashes(item))
        return false;
    for (size_t i = 0; i < item->count; i++)
        item->values[i].pattern = widened(item->loading->memory, item->values[i].pattern, order);
    item->changed = true;
    return true;
}

/* Base64 of the bytes when they stand `offset` bytes into a longer text: what is sure to appear there. */
static bool encode_at(struct item *item, struct slice bytes, unsigned offset, struct pattern *ret_pattern) {
    CLEANUP_BUFFER struct buffer padded = BUFFER(PATTERN_MOST);
    CLEANUP_BUFFER struct buffer text = BUFFER(2 * PATTERN_MOST);
    buffer_append(&padded, "   ", offset);
    buffer_append_slice(&padded, bytes);
    if (padded.overflow || !encoding_base64(&text, buffer_slice(&padded)))
        return false;
    static const size_t starts[3] = {0, 2, 3}, cuts[3] = {0, 3, 2};
    struct slice all = buffer_slice(&text);
    size_t end = all.size - cuts[(bytes.size + offset) % 3];
    size_t start = starts[offset % 3] < end ? starts[offset % 3] : end;
    *ret_pattern = pattern_literal(item->loading->memory, slice_make(all.data + start, end - start));
    return true;
}

static bool encode_whole(struct item *item, struct slice bytes, struct pattern *ret_pattern) {
    CLEANUP_BUFFER struct buffer text = BUFFER(2 * PATTERN_MOST);
    if (!encoding_base64(&text, bytes))
        return false;
    *ret_pattern = pattern_literal(item->loading->memory, buffer_slice(&text));
    return true;
}

static bool encode(struct values *values, const struct item_value *value, unsigned offsets) {
    struct item *item = values->item;
    if (!pattern_is_literal(value->pattern) || value->pattern.size == 0)
        return sigma_refuse(item->loading, value->node, "escape the wildcard, or take it out",
                            "base64 needs a text without wildcards");
    struct slice bytes = pattern_bytes(item->loading->memory, value->pattern, 0, value->pattern.size);
    for (unsigned offset = 0; offset < offsets; offset++) {
        struct item_value made = *value;
        if (!(offsets == 1 ? encode_whole(item, bytes, &made.pattern)
                           : encode_at(item, bytes, offset, &made.pattern)))
            return sigma_refuse(item->loading, value->node, "shorten it", "the text is too long to encode");
        if (!values_add(values, &made))
            return false;
    }
    return true;
}

bool sigma_value_base64(struct item *item, unsigned offsets) {
    struct values values = {.item = item};
    if (!spell_out_dashes(item))
        return false;
    for (size_t i = 0; i < item->count; i++)
        if (!encode(&values, &item->values[i], offsets))
            return false;
    values_take(&values);
    item->changed = true;
    return true;
}

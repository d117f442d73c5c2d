#include "sigma_yaml.h"

#include <libfyaml.h>
#include <stdio.h>

#include "encoding.h"

static struct slice line_of(struct slice text) {
    size_t end = slice_find_byte(text, '\n');
    return end == SIZE_MAX ? text : slice_head(text, end + 1);
}

static bool is_marker(struct slice line, const char *marker) {
    if (!slice_starts(line, slice_string(marker)))
        return false;
    return line.size == 3 || strchr(" \t\r\n", line.data[3]) != NULL;
}

/* Neither content nor the beginning of a document: blank, a comment, or a directive. */
static bool is_idle(struct slice line) {
    struct slice text = slice_trim(line);
    while (text.size && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
        text.size--;
    return text.size == 0 || text.data[0] == '#' || line.data[0] == '%';
}

static bool marker_is_bare(struct slice line) {
    return is_idle(slice_from(line, 3)) || line.size == 3;
}

bool sigma_yaml_next(struct slice *rest, uint32_t *line, struct yaml_part *ret_part) {
    struct yaml_part part = {slice_make(rest->data, 0), *line};
    bool content = false;
    while (rest->size) {
        struct slice next = line_of(*rest);
        bool start = is_marker(next, "---"), end = is_marker(next, "...");
        if (start && content)
            break;
        if (start || (!content && (end || is_idle(next))))
            part = (struct yaml_part){slice_make(next.data, 0), *line};
        *rest = slice_from(*rest, next.size);
        ++*line;
        if (end && content)
            break;
        if (end || (!content && !start && is_idle(next))) {
            part = (struct yaml_part){slice_make(rest->data, 0), *line};
            continue;
        }
        part.text.size += next.size;
        content |= start ? !marker_is_bare(next) : true;
    }
    if (content)
        *ret_part = part;
    return content;
}

struct reading {
    struct rule_memory *memory;
    struct yaml_part part;
    struct refusal *refusal;
    uint32_t nodes;
};

static bool refuse(struct reading *reading, uint32_t line, uint32_t column, const char *reason,
                   const char *hint) {
    *reading->refusal =
        (struct refusal){line, column, rule_memory_text(reading->memory, slice_string(reason)), hint};
    return false;
}

/* Where a node begins; a map or list has no token of its own and begins with its first scalar. */
static void place_of(struct fy_node *node, const struct reading *reading, uint32_t *ret_line,
                     uint32_t *ret_column) {
    struct fy_token *token = node ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (mark) {
        *ret_line = reading->part.line + (uint32_t)mark->line;
        bool quoted =
            fy_node_get_style(node) == FYNS_SINGLE_QUOTED || fy_node_get_style(node) == FYNS_DOUBLE_QUOTED;
        *ret_column =
            (uint32_t)mark->column + 1 - (quoted && mark->column > 0); /* the mark is behind the quote */
    }
}

static bool convert(struct reading *reading, struct fy_node *from, unsigned depth, struct yaml_node *to);

static bool convert_scalar(struct reading *reading, struct fy_node *from, struct yaml_node *to) {
    size_t size = 0;
    const char *text = from ? fy_node_get_scalar(from, &size) : NULL;
    to->kind = YAML_SCALAR;
    to->plain = !from || fy_node_get_style(from) == FYNS_PLAIN || fy_node_get_style(from) == FYNS_ANY;
    to->text =
        slice_make(rule_memory_text(reading->memory, slice_make(text, text ? size : 0)), text ? size : 0);
    return true;
}

static bool convert_list(struct reading *reading, struct fy_node *from, unsigned depth,
                         struct yaml_node *to) {
    int count = fy_node_sequence_item_count(from);
    to->kind = YAML_LIST;
    to->values = rule_memory_new(reading->memory, (size_t)count * sizeof *to->values);
    void *at = NULL;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(from, &at));) {
        struct yaml_node *value = &to->values[to->count++];
        value->line = to->line;
        value->column = to->column;
        if (!convert(reading, item, depth + 1, value))
            return false;
    }
    if (to->count) {
        to->line = to->values[0].line;
        to->column = to->values[0].column;
    }
    return true;
}

static bool convert_map(struct reading *reading, struct fy_node *from, unsigned depth, struct yaml_node *to) {
    int count = fy_node_mapping_item_count(from);
    to->kind = YAML_MAP;
    to->keys = rule_memory_new(reading->memory, (size_t)count * sizeof *to->keys);
    to->values = rule_memory_new(reading->memory, (size_t)count * sizeof *to->values);
    void *at = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(from, &at));) {
        struct yaml_node *key = &to->keys[to->count], *value = &to->values[to->count];
        key->line = to->line;
        key->column = to->column;
        if (!convert(reading, fy_node_pair_key(pair), depth + 1, key))
            return false;
        if (key->kind != YAML_SCALAR)
            return refuse(reading, key->line, key->column, "a key must be a plain word",
                          "quote it if it is meant so");
        value->line = key->line;
        value->column = key->column;
        if (!convert(reading, fy_node_pair_value(pair), depth + 1, value))
            return false;
        to->count++;
    }
    if (to->count) {
        to->line = to->keys[0].line;
        to->column = to->keys[0].column;
    }
    return true;
}

static bool convert(struct reading *reading, struct fy_node *from, unsigned depth, struct yaml_node *to) {
    place_of(from, reading, &to->line, &to->column);
    if (depth > SIGMA_YAML_DEPTH_MOST)
        return refuse(reading, to->line, to->column, "nested too deeply", "a rule needs a handful of levels");
    if (++reading->nodes > SIGMA_YAML_NODES_MOST)
        return refuse(reading, to->line, to->column, "too many values in one document", "split the rule");
    if (from && fy_node_is_alias(from))
        return refuse(reading, to->line, to->column, "aliases (*name) are not taken", "write the value out");
    if (from && (fy_node_get_anchor(from) || fy_node_get_tag_token(from)))
        return refuse(reading, to->line, to->column, "anchors (&name) and tags (!name) are not taken",
                      "leave them out; quote a text that begins with & or !");
    if (from && fy_node_is_sequence(from))
        return convert_list(reading, from, depth, to);
    if (from && fy_node_is_mapping(from))
        return convert_map(reading, from, depth, to);
    return convert_scalar(reading, from, to);
}

static bool refuse_syntax(struct reading *reading, struct fy_diag *diagnosis) {
    void *at = NULL;
    struct fy_diag_error *error = fy_diag_errors_iterate(diagnosis, &at);
    uint32_t line = reading->part.line, column = 1;
    if (error && error->line > 0)
        line += (uint32_t)error->line - 1;
    if (error && error->column > 0)
        column = (uint32_t)error->column;
    char reason[256];
    snprintf(reason, sizeof reason, "not YAML: %s", error && error->msg ? error->msg : "cannot be read");
    reason[strcspn(reason, "\r\n")] = 0;
    return refuse(reading, line, column, reason,
                  "check indentation, quotes and brackets on this line and above it");
}

/* The first line whose bytes `bad` finds fault with. */
static uint32_t bad_line(struct yaml_part part) {
    uint32_t line = part.line;
    for (struct slice rest = part.text; rest.size; line++) {
        struct slice next = line_of(rest);
        if (!encoding_is_utf8(next) || slice_find_byte(next, 0) != SIZE_MAX)
            break;
        rest = slice_from(rest, next.size);
    }
    return line;
}

static bool convert_document(struct reading *reading, struct fy_diag *diagnosis, struct yaml_node *to) {
    struct fy_parse_cfg settings = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diagnosis};
    struct fy_document *document = fy_document_build_from_string(
        &settings, (const char *)reading->part.text.data, reading->part.text.size);
    if (!document)
        return refuse_syntax(reading, diagnosis);
    bool good = convert(reading, fy_document_root(document), 0, to);
    fy_document_destroy(document);
    return good;
}

bool sigma_yaml_parse(struct rule_memory *memory, struct yaml_part part, struct yaml_node *ret_root,
                      struct refusal *ret_refusal) {
    struct reading reading = {memory, part, ret_refusal, 0};
    if (!encoding_is_utf8(part.text))
        return refuse(&reading, bad_line(part), 1, "not UTF-8", "save the file as UTF-8");
    if (slice_find_byte(part.text, 0) != SIZE_MAX)
        return refuse(&reading, bad_line(part), 1, "a NUL byte in the text",
                      "save the file as plain UTF-8 text");
    struct fy_diag_cfg settings;
    fy_diag_cfg_default(&settings);
    settings.fp = NULL;
    struct fy_diag *diagnosis = fy_diag_create(&settings);
    if (!diagnosis)
        return refuse(&reading, part.line, 1, "the YAML reader cannot be set up", "");
    fy_diag_set_collect_errors(diagnosis, true);
    struct yaml_node root = {.line = part.line, .column = 1};
    bool good = convert_document(&reading, diagnosis, &root);
    fy_diag_destroy(diagnosis);
    if (good)
        *ret_root = root;
    return good;
}

const struct yaml_node *yaml_find_text(const struct yaml_node *map, struct slice key) {
    for (size_t i = 0; map && map->kind == YAML_MAP && i < map->count; i++)
        if (slice_equal(map->keys[i].text, key))
            return &map->values[i];
    return NULL;
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key) {
    return yaml_find_text(map, slice_string(key));
}

bool yaml_is_null(const struct yaml_node *node) {
    if (node->kind != YAML_SCALAR || !node->plain)
        return false;
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_equal(node->text, slice_string(words[i])))
            return true;
    return false;
}

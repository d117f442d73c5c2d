#include "settings.h"

#include <libfyaml.h>
#include <stdlib.h>

#include "encoding.h"
#include "memory.h"
#include "settings_value.h"

#define PATH_MOST 128u /* bytes of a key with the maps around it */

/* A line and a column, from 1. */
struct place {
    int line, column;
};

/* A node of the text, and where it (or what stands for it) begins. */
struct spot {
    struct fy_node *node;
    struct place place;
};

struct reader {
    const char *name;
    struct fault *fault;
};

void settings_start(const struct settings_table *table, void *target) {
    memset(target, 0, table->size);
    for (size_t i = 0; i < table->count; i++)
        settings_value_standard(&table->rows[i], settings_member(&table->rows[i], target), NULL);
}

void settings_release(const struct settings_table *table, void *target) {
    for (size_t i = 0; i < table->count; i++)
        settings_value_release(&table->rows[i], settings_member(&table->rows[i], target));
    memset(target, 0, table->size);
}

/* Puts the place in front of the fault there is. */
static bool at(const struct reader *reader, struct place place) {
    return fault_place(reader->fault, "%s:%d:%d", reader->name, place.line, place.column);
}

static struct place place_of(struct fy_node *node, struct place otherwise) {
    if (node && fy_node_is_mapping(node)) {
        /* A map has no mark of its own: its first key stands for it. */
        void *iterator = NULL;
        node = fy_node_pair_key(fy_node_mapping_iterate(node, &iterator));
    }
    struct fy_token *token = node ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (!mark)
        return otherwise;
    /* The mark of a text in quotes, and of an alias, is behind the first character. */
    enum fy_node_style style = fy_node_get_style(node);
    bool behind = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED || style == FYNS_ALIAS;
    return (struct place){mark->line + 1, mark->column + (behind && mark->column ? 0 : 1)};
}

static struct spot spot_of(struct fy_node *node, struct place otherwise) {
    return (struct spot){node, place_of(node, otherwise)};
}

/* Nothing behind the colon. "~" and "null" are texts here as in every other file of settings. */
static bool is_nothing(struct fy_node *node) {
    size_t size = 0;
    return !node || (fy_node_is_scalar(node) && fy_node_get_style(node) == FYNS_PLAIN &&
                     (!fy_node_get_scalar(node, &size) || size == 0));
}

static struct slice scalar_text(struct fy_node *node) {
    size_t size = 0;
    const char *text = fy_node_get_scalar(node, &size);
    return slice_make(text, text ? size : 0);
}

static bool plain(const struct reader *reader, struct spot spot) {
    if (!spot.node)
        return true;
    if (fy_node_is_alias(spot.node)) {
        fault_set(reader->fault, FAULT_USAGE, "aliases are not used here: write the value out");
        return at(reader, spot.place);
    }
    if (fy_node_get_tag_token(spot.node)) {
        fault_set(reader->fault, FAULT_USAGE, "tags are not used here: leave out what begins with !");
        return at(reader, spot.place);
    }
    return true;
}

static bool wrong_kind(const struct reader *reader, const struct settings_row *row, struct spot spot) {
    CLEANUP_BUFFER struct buffer expected = BUFFER(512);
    settings_type_expected(row, &expected);
    const char *example = row->example ? row->example : row->standard;
    const char *found = is_nothing(spot.node)            ? "has no value"
                        : fy_node_is_mapping(spot.node)  ? "cannot be a map"
                        : fy_node_is_sequence(spot.node) ? "cannot be a list"
                                                         : "cannot be a single value";
    fault_set(reader->fault, FAULT_USAGE, "%s %s: expected %s%s%s", row->path, found,
              buffer_string(&expected), example ? ", for example " : "", example ? example : "");
    return at(reader, spot.place);
}

/* --- Lists and pairs --- */

static bool read_scalar(const struct reader *reader, const struct settings_row *row, struct spot spot,
                        void *member) {
    if (!plain(reader, spot))
        return false;
    if (is_nothing(spot.node) || !fy_node_is_scalar(spot.node))
        return wrong_kind(reader, row, spot);
    return settings_value_read(row, scalar_text(spot.node), member, reader->fault) || at(reader, spot.place);
}

static bool read_strings(const struct reader *reader, const struct settings_row *row, struct spot spot,
                         struct settings_strings *strings) {
    if (!strings->set)
        settings_strings_release(strings); /* the default gives way */
    strings->set = true;
    if (!fy_node_is_sequence(spot.node))
        return read_scalar(reader, row, spot, strings);
    void *iterator = NULL;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(spot.node, &iterator));)
        if (!read_scalar(reader, row, spot_of(item, spot.place), strings))
            return false;
    return true;
}

static struct settings_pair *pair_slot(struct settings_pairs *pairs, struct slice name) {
    for (size_t i = 0; i < pairs->count; i++)
        if (slice_equal(slice_string(pairs->items[i].name), name))
            return &pairs->items[i];
    if (pairs->count >= SETTINGS_ITEMS_MOST)
        return NULL;
    pairs->items = memory_resize(pairs->items, pairs->count + 1, sizeof *pairs->items);
    struct settings_pair *slot = &pairs->items[pairs->count++];
    *slot = (struct settings_pair){memory_copy(name.data, name.size), NULL};
    return slot;
}

static bool read_pair(const struct reader *reader, const struct settings_row *row, struct spot key,
                      struct spot value, struct settings_pairs *pairs) {
    /* A row for one text, so that names and values obey the same limits. */
    const struct settings_row text = {.path = row->path, .type = SETTINGS_STRING, .maximum = row->maximum};
    CLEANUP_FREE char *name = NULL;
    if (!read_scalar(reader, &text, key, &name))
        return false;
    struct settings_pair *slot = pair_slot(pairs, slice_string(name));
    if (!slot) {
        fault_set(reader->fault, FAULT_LIMIT, "%s has more than %u names", row->path, SETTINGS_ITEMS_MOST);
        return at(reader, key.place);
    }
    if (!slot->value)
        slot->value = memory_copy_string(""); /* whole, whatever comes */
    return read_scalar(reader, &text, value, &slot->value);
}

static bool read_pairs(const struct reader *reader, const struct settings_row *row, struct spot spot,
                       struct settings_pairs *pairs) {
    if (!fy_node_is_mapping(spot.node))
        return wrong_kind(reader, row, spot);
    pairs->set = true;
    void *iterator = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(spot.node, &iterator));) {
        struct spot key = spot_of(fy_node_pair_key(pair), spot.place);
        if (!read_pair(reader, row, key, spot_of(fy_node_pair_value(pair), key.place), pairs))
            return false;
    }
    return true;
}

static bool read_map(const struct reader *reader, const struct settings_table *table, const char *prefix,
                     struct spot spot, void *target);

/* Keys that must stand in the map; the outermost table's are looked at when all files are read. */
static bool required_present(const struct settings_table *table, const void *target, struct fault *fault) {
    for (size_t i = 0; i < table->count; i++) {
        const struct settings_row *row = &table->rows[i];
        const char *example = row->example ? row->example : "";
        if (row->required && !settings_value_present(row, (const uint8_t *)target + row->offset))
            return fault_set(fault, FAULT_USAGE, "%s is missing%s%s%s%s", row->path,
                             *example ? ", for example " : "", *example ? row->path : "",
                             *example ? ": " : "", example);
    }
    return true;
}

static bool read_item(const struct reader *reader, const struct settings_row *row, struct spot spot,
                      struct settings_list *list) {
    const struct settings_table *table = row->items;
    if (!plain(reader, spot))
        return false;
    if (!fy_node_is_mapping(spot.node))
        return wrong_kind(reader, row, spot);
    if (list->count >= (row->maximum ? row->maximum : SETTINGS_ITEMS_MOST)) {
        fault_set(reader->fault, FAULT_LIMIT, "%s has too many items", row->path);
        return at(reader, spot.place);
    }
    list->items = memory_resize(list->items, list->count + 1, table->size);
    void *target = (uint8_t *)list->items + list->count++ * table->size;
    settings_start(table, target);
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].type != SETTINGS_PLACE)
            continue;
        char text[FAULT_PLACE_SIZE];
        snprintf(text, sizeof text, "%s:%d:%d", reader->name, spot.place.line, spot.place.column);
        *(char **)settings_member(&table->rows[i], target) = memory_copy_string(text);
    }
    if (!read_map(reader, table, "", spot, target))
        return false;
    bool good = required_present(table, target, reader->fault) &&
                (!table->check || table->check(target, reader->fault));
    return good || at(reader, spot.place);
}

static bool read_list(const struct reader *reader, const struct settings_row *row, struct spot spot,
                      struct settings_list *list) {
    if (!fy_node_is_sequence(spot.node))
        return wrong_kind(reader, row, spot);
    list->set = true;
    void *iterator = NULL;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(spot.node, &iterator));)
        if (!read_item(reader, row, spot_of(item, spot.place), list))
            return false;
    return true;
}

/* --- Maps --- */

static const struct settings_row *row_of(const struct settings_table *table, const char *path) {
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].path && strcmp(table->rows[i].path, path) == 0)
            return &table->rows[i];
    return NULL;
}

/* Whether some row stands below `path`. */
static bool section(const struct settings_table *table, const char *path) {
    size_t size = strlen(path);
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].path && strncmp(table->rows[i].path, path, size) == 0 &&
            table->rows[i].path[size] == '.')
            return true;
    return false;
}

/* The part of a row's path that could be a key below `prefix` ("mail." → "server"); empty where it stands elsewhere. */
static struct slice key_below(const struct settings_row *row, const char *prefix) {
    size_t size = strlen(prefix);
    if (!row->path || strncmp(row->path, prefix, size) != 0)
        return slice_make(NULL, 0);
    struct slice rest = slice_string(row->path + size);
    return slice_head(rest, slice_find_byte(rest, '.'));
}

static struct slice nearest_key(const struct settings_table *table, const char *prefix, struct slice name) {
    size_t most = settings_distance_most(name);
    struct slice best = {NULL, 0};
    for (size_t i = 0; i < table->count; i++) {
        struct slice key = key_below(&table->rows[i], prefix);
        size_t distance = key.size ? settings_distance(name, key, most) : most + 1;
        if (distance <= most) {
            best = key;
            most = distance ? distance - 1 : 0;
        }
    }
    return best;
}

/* A row whose last word the name is: the key is right, the map around it is not. */
static const char *elsewhere(const struct settings_table *table, struct slice name) {
    for (size_t i = 0; i < table->count; i++) {
        const char *path = table->rows[i].path;
        const char *dot = path ? strrchr(path, '.') : NULL;
        if (path && slice_equal(slice_string(dot ? dot + 1 : path), name))
            return path;
    }
    return NULL;
}

static void keys_known(const struct settings_table *table, const char *prefix, struct buffer *to) {
    struct slice last = {NULL, 0};
    for (size_t i = 0; i < table->count && to->size < FAULT_TEXT_SIZE / 2; i++) {
        struct slice key = key_below(&table->rows[i], prefix);
        if (key.size && !slice_equal(key, last))
            buffer_printf(to, "%s%.*s", to->size ? ", " : "", SLICE_ARG(key));
        last = key.size ? key : last;
    }
}

static bool unknown(const struct reader *reader, const struct settings_table *table, const char *prefix,
                    struct slice name, struct place place) {
    char shown[SETTINGS_SHOWN_SIZE];
    settings_shown(name, shown);
    struct slice near = nearest_key(table, prefix, name);
    const char *path = near.size ? NULL : elsewhere(table, name);
    CLEANUP_BUFFER struct buffer known = BUFFER(FAULT_TEXT_SIZE);
    keys_known(table, prefix, &known);
    if (near.size)
        fault_set(reader->fault, FAULT_USAGE, "there is no setting %s%s: did you mean %s%.*s?", prefix, shown,
                  prefix, SLICE_ARG(near));
    else if (path)
        fault_set(reader->fault, FAULT_USAGE,
                  "there is no setting %s%s: did you mean %s (a map for each dot)?", prefix, shown, path);
    else
        fault_set(reader->fault, FAULT_USAGE, "there is no setting %s%s; here may stand: %s", prefix, shown,
                  buffer_string(&known));
    return at(reader, place);
}

static bool read_value(const struct reader *reader, const struct settings_row *row, struct spot spot,
                       void *member) {
    if (!plain(reader, spot))
        return false;
    if (is_nothing(spot.node))
        return wrong_kind(reader, row, spot);
    if (row->type == SETTINGS_STRINGS || row->type == SETTINGS_PATHS)
        return read_strings(reader, row, spot, member);
    if (row->type == SETTINGS_PAIRS)
        return read_pairs(reader, row, spot, member);
    if (row->type == SETTINGS_LIST)
        return read_list(reader, row, spot, member);
    return read_scalar(reader, row, spot, member);
}

static bool read_section(const struct reader *reader, const struct settings_table *table, const char *path,
                         struct spot spot, void *target) {
    if (!plain(reader, spot))
        return false;
    if (is_nothing(spot.node))
        return true; /* all of it commented out */
    if (!fy_node_is_mapping(spot.node)) {
        fault_set(reader->fault, FAULT_USAGE, "%s has settings of its own below it: write a map", path);
        return at(reader, spot.place);
    }
    char prefix[PATH_MOST + 2];
    snprintf(prefix, sizeof prefix, "%s.", path);
    return read_map(reader, table, prefix, spot, target);
}

static bool read_pair_of_map(const struct reader *reader, const struct settings_table *table,
                             const char *prefix, struct spot key, struct spot value, void *target) {
    if (!plain(reader, key))
        return false;
    if (!key.node || !fy_node_is_scalar(key.node)) {
        fault_set(reader->fault, FAULT_USAGE, "a key must be a single word");
        return at(reader, key.place);
    }
    struct slice name = scalar_text(key.node);
    char path[PATH_MOST];
    /* A dot separates maps in the table's paths and never stands in a key. */
    bool fits = name.size && strlen(prefix) + name.size < sizeof path &&
                slice_find_byte(name, '.') == SIZE_MAX && slice_find_byte(name, 0) == SIZE_MAX;
    if (!fits)
        return unknown(reader, table, prefix, name, key.place);
    snprintf(path, sizeof path, "%s%.*s", prefix, SLICE_ARG(name));
    const struct settings_row *row = row_of(table, path);
    if (row)
        return read_value(reader, row, value, settings_member(row, target));
    if (section(table, path))
        return read_section(reader, table, path, value, target);
    return unknown(reader, table, prefix, name, key.place);
}

static bool read_map(const struct reader *reader, const struct settings_table *table, const char *prefix,
                     struct spot spot, void *target) {
    void *iterator = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(spot.node, &iterator));) {
        struct spot key = spot_of(fy_node_pair_key(pair), spot.place);
        struct spot value = spot_of(fy_node_pair_value(pair), key.place);
        if (!read_pair_of_map(reader, table, prefix, key, value, target))
            return false;
    }
    return true;
}

/* --- The text --- */

/* What libfyaml lets pass or stops at in silence: bytes that are not UTF-8, control characters, NUL. */
static bool text_good(const struct reader *reader, struct slice text) {
    if (text.size > SETTINGS_TEXT_MOST) {
        fault_set(reader->fault, FAULT_LIMIT, "is larger than %u bytes", SETTINGS_TEXT_MOST);
        return fault_place(reader->fault, "%s", reader->name);
    }
    for (int line = 1; text.size; line++) {
        size_t end = slice_find_byte(text, '\n');
        struct slice one = slice_head(text, end);
        if (!encoding_is_utf8(one)) {
            fault_set(reader->fault, FAULT_FORMAT, "this line is not UTF-8");
            return at(reader, (struct place){line, 1});
        }
        for (size_t i = 0; i < one.size; i++) {
            uint8_t c = one.data[i];
            if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
                fault_set(reader->fault, FAULT_FORMAT, "there is a control character (0x%02x)", c);
                return at(reader, (struct place){line, (int)i + 1});
            }
        }
        text = end == SIZE_MAX ? slice_make(NULL, 0) : slice_from(text, end + 1);
    }
    return true;
}

static bool syntax_fault(const struct reader *reader, struct fy_diag *diag) {
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    if (!error) {
        fault_set(reader->fault, FAULT_FORMAT, "is not YAML");
        return fault_place(reader->fault, "%s", reader->name);
    }
    struct slice message = slice_string(error->msg);
    message = slice_head(message, slice_find_byte(message, '\n'));
    fault_set(reader->fault, FAULT_FORMAT, "is not YAML here: %.*s", SLICE_ARG(message));
    return at(reader, (struct place){error->line, error->column});
}

static bool read_document(const struct reader *reader, const struct settings_table *table,
                          struct fy_document *document, void *target) {
    struct spot root = spot_of(document ? fy_document_root(document) : NULL, (struct place){1, 1});
    if (!plain(reader, root))
        return false;
    if (is_nothing(root.node))
        return true;
    if (fy_node_is_mapping(root.node))
        return read_map(reader, table, "", root, target);
    fault_set(reader->fault, FAULT_USAGE, "settings are a map: write them as \"name: value\", one a line");
    return at(reader, root.place);
}

static bool read_stream(const struct reader *reader, const struct settings_table *table,
                        struct fy_parser *parser, struct fy_diag *diag, void *target) {
    struct fy_document *document = fy_parse_load_document(parser);
    bool good = (document || !fy_parser_get_stream_error(parser)) && !fy_diag_got_error(diag);
    if (!good)
        syntax_fault(reader, diag);
    /* Before anything is taken: what stands behind the first document would be passed over in silence. */
    struct fy_document *second = good ? fy_parse_load_document(parser) : NULL;
    if (second) {
        struct place place = place_of(fy_document_root(second), (struct place){1, 1});
        fault_set(reader->fault, FAULT_USAGE,
                  "a second document begins before this: leave out the line \"---\"");
        good = at(reader, place);
    } else if (good && (fy_parser_get_stream_error(parser) || fy_diag_got_error(diag))) {
        good = syntax_fault(reader, diag);
    }
    good = good && read_document(reader, table, document, target);
    fy_parse_document_destroy(parser, second);
    fy_parse_document_destroy(parser, document);
    return good;
}

bool settings_read(const struct settings_table *table, struct slice text, const char *name, void *target,
                   struct fault *fault) {
    const struct reader reader = {name, fault};
    if (!text_good(&reader, text))
        return false;
    if (text.size == 0)
        return true;
    struct fy_diag_cfg collect = {.level = FYET_ERROR, .module_mask = UINT32_MAX};
    struct fy_diag *diag = fy_diag_create(&collect);
    if (!diag)
        return fault_set(fault, FAULT_INTERNAL, "the YAML reader cannot be made");
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg configuration = {.flags = FYPCF_QUIET, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&configuration);
    bool good = parser && fy_parser_set_string(parser, (const char *)text.data, text.size) == 0;
    if (!good)
        fault_set(fault, FAULT_INTERNAL, "the YAML reader cannot be made");
    good = good && read_stream(&reader, table, parser, diag, target);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return good;
}

static void resolve(char **path, const char *folder) {
    if (!*path || **path == '/')
        return;
    CLEANUP_BUFFER struct buffer whole = BUFFER(2 * SETTINGS_STRING_MOST);
    buffer_printf(&whole, "%s/%s", folder, *path);
    free(*path);
    *path = memory_copy(whole.data, whole.size);
}

void settings_resolve(const struct settings_table *table, const char *folder, void *target) {
    for (size_t i = 0; i < table->count; i++) {
        const struct settings_row *row = &table->rows[i];
        void *member = (uint8_t *)target + row->offset;
        if (row->type == SETTINGS_PATH)
            resolve(member, folder);
        else if (row->type == SETTINGS_PATHS)
            for (size_t item = 0; item < ((struct settings_strings *)member)->count; item++)
                resolve(&((struct settings_strings *)member)->items[item], folder);
        else if (row->type == SETTINGS_LIST)
            for (size_t item = 0; item < ((struct settings_list *)member)->count; item++)
                settings_resolve(row->items, folder,
                                 (uint8_t *)((struct settings_list *)member)->items +
                                     item * row->items->size);
    }
}

bool settings_finish(const struct settings_table *table, const char *name, void *target,
                     struct fault *fault) {
    bool good = required_present(table, target, fault) && (!table->check || table->check(target, fault));
    return good || fault_place(fault, "%s", name);
}

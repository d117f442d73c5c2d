#include "settings.h"
#include "settings_value.h"

/* Text in roff: nothing in it may be taken for a request, and a hyphen stays one that can be copied. */
static void roff(struct buffer *to, const char *text) {
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            buffer_append_string(to, "\\&");
        if (*text == '\\')
            buffer_append_string(to, "\\e");
        else if (*text == '-')
            buffer_append_string(to, "\\-");
        else
            buffer_append(to, text, 1);
        line_start = *text == '\n';
    }
}

static bool has_limits(const struct settings_row *row) {
    return row->type == SETTINGS_UNSIGNED || row->type == SETTINGS_DURATION || row->type == SETTINGS_SIZE;
}

static void limit(struct buffer *to, const char *before, enum settings_type type, uint64_t value) {
    char text[32];
    settings_number_text(type, value, text, sizeof text);
    buffer_printf(to, "%s%s", before, text);
}

static void row_manual(const struct settings_row *row, struct buffer *to) {
    buffer_append_string(to, ".TP\n\\fB");
    roff(to, row->path);
    buffer_append_string(to, "\\fR: \\fI");
    roff(to, settings_type_word(row));
    buffer_append_string(to, "\\fR\n");
    roff(to, row->about);
    for (size_t i = 0; row->type == SETTINGS_WORD && row->words[i]; i++) {
        buffer_append_string(to, i ? ", " : " One of ");
        roff(to, row->words[i]);
    }
    if (row->type == SETTINGS_WORD)
        buffer_append_string(to, ".");
    if (has_limits(row) && row->minimum)
        limit(to, " At least ", row->type, row->minimum);
    if (has_limits(row) && row->maximum)
        limit(to, row->minimum ? ", at most " : " At most ", row->type, row->maximum);
    if (has_limits(row) && (row->minimum || row->maximum))
        buffer_append_string(to, ".");
    if (row->required)
        buffer_append_string(to, " Must be set.");
    if (row->standard) {
        buffer_append_string(to, " Default: \\fB");
        roff(to, row->standard);
        buffer_append_string(to, "\\fR.");
    }
    if (row->example) {
        buffer_append_string(to, " Example: \\fB");
        roff(to, row->example);
        buffer_append_string(to, "\\fR.");
    }
    buffer_append_string(to, "\n");
}

bool settings_manual(const struct settings_table *table, struct buffer *to) {
    for (size_t i = 0; i < table->count; i++) {
        const struct settings_row *row = &table->rows[i];
        if (row->type == SETTINGS_PLACE)
            continue;
        row_manual(row, to);
        if (row->type != SETTINGS_LIST)
            continue;
        buffer_append_string(to, ".RS\n");
        settings_manual(row->items, to);
        buffer_append_string(to, ".RE\n");
    }
    return !to->overflow;
}

/* How many bytes of two paths are the same whole maps: "mail.from" and "mail.to" share "mail.". */
static size_t common_maps(const char *a, const char *b) {
    size_t common = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '.')
            common = i + 1;
    return common;
}

static unsigned depth_of(const char *path, size_t size) {
    unsigned depth = 0;
    for (size_t i = 0; i < size; i++)
        depth += path[i] == '.';
    return depth;
}

static void indent(struct buffer *to, unsigned depth) {
    for (unsigned i = 0; i < depth; i++)
        buffer_append_string(to, "  ");
}

/* Opens the maps that `path` stands in and the row before it did not. */
static void open_maps(struct buffer *to, const char *previous, const char *path) {
    size_t start = common_maps(previous, path);
    for (const char *dot; (dot = strchr(path + start, '.')); start = (size_t)(dot - path) + 1) {
        buffer_append_string(to, "#");
        indent(to, depth_of(path, start));
        buffer_printf(to, "%.*s:\n", (int)(dot - (path + start)), path + start);
    }
}

/* The keys of a list's maps, as comments below the list. */
static void items_example(const struct settings_table *table, struct buffer *to, unsigned depth) {
    for (size_t i = 0; i < table->count; i++) {
        const struct settings_row *row = &table->rows[i];
        if (row->type == SETTINGS_PLACE)
            continue;
        buffer_append_string(to, "##");
        indent(to, depth);
        buffer_printf(to, " %s: %s%s%s%s\n", row->path, row->about, row->standard ? " Default: " : "",
                      row->standard ? row->standard : "", row->standard ? "." : "");
        if (row->type == SETTINGS_LIST)
            items_example(row->items, to, depth + 1);
    }
}

bool settings_example(const struct settings_table *table, struct buffer *to) {
    const char *previous = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct settings_row *row = &table->rows[i];
        if (row->type == SETTINGS_PLACE)
            continue;
        open_maps(to, previous, row->path);
        previous = row->path;
        buffer_printf(to, "## %s\n", row->about);
        if (row->type == SETTINGS_LIST)
            items_example(row->items, to, 1);
        buffer_append_string(to, "#");
        indent(to, depth_of(row->path, strlen(row->path)));
        const char *dot = strrchr(row->path, '.');
        const char *value = row->standard ? row->standard : row->example;
        buffer_printf(to, "%s: %s\n", dot ? dot + 1 : row->path, value ? value : "");
    }
    return !to->overflow;
}

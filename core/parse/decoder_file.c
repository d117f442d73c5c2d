#include "decoder_file.h"

#include <stddef.h>
#include <stdlib.h>

#include "memory.h"
#include "path_pattern.h"
#include "settings.h"

struct pattern_row {
    char *match;
    struct settings_pairs set;
    struct settings_strings examples;
    char *place;
};

struct decoder_row {
    char *name;
    struct settings_strings programs, files, services;
    char *product, *category;
    struct settings_pairs set;
    struct settings_list patterns;
};

static const struct settings_row pattern_rows[] = {
    {.path = "match",
     .type = SETTINGS_STRING,
     .offset = offsetof(struct pattern_row, match),
     .required = true,
     .maximum = MESSAGE_PATTERN_TEXT_MOST,
     .about = "What the message looks like.",
     .example =
         "'Accepted {sshd.method} for {user.name:text} from {source:address} port {source.port:int} ssh2'"},
    {.path = "set",
     .type = SETTINGS_PAIRS,
     .offset = offsetof(struct pattern_row, set),

     .about = "Fields that such a message gets.",
     .example = "{event.action: ssh_login, event.outcome: success}"},
    {.path = "examples",
     .type = SETTINGS_STRINGS,
     .offset = offsetof(struct pattern_row, examples),
     .about = "Messages that this pattern must read.",
     .example = "['Accepted password for a from 192.0.2.1 port 1 ssh2']"},
    {.path = "place", .type = SETTINGS_PLACE, .offset = offsetof(struct pattern_row, place)},
};
static const struct settings_table pattern_table = SETTINGS_TABLE(pattern_rows, struct pattern_row, NULL);

static const struct settings_row decoder_rows[] = {
    {.path = "decoder",
     .type = SETTINGS_STRING,
     .offset = offsetof(struct decoder_row, name),
     .required = true,
     .about = "The decoder's name.",
     .example = "sshd"},
    {.path = "programs",
     .type = SETTINGS_STRINGS,
     .offset = offsetof(struct decoder_row, programs),
     .required = true,
     .about = "The programs whose lines it reads; '*' for those of every program.",
     .example = "[sshd, sshd-session]"},
    {.path = "files",
     .type = SETTINGS_STRINGS,
     .offset = offsetof(struct decoder_row, files),
     .maximum = PATH_PATTERN_MOST,
     .about = "Files whose lines are its first program's, a time and the message: their last names, with "
              "stars.",
     .example = "[CommModule/logfile*.txt]"},
    {.path = "services",
     .type = SETTINGS_STRINGS,
     .offset = offsetof(struct decoder_row, services),
     .about = "tocsin.service of these lines, by which rules choose them.",
     .example = "[sshd, auth]"},
    {.path = "product",
     .type = SETTINGS_STRING,
     .offset = offsetof(struct decoder_row, product),
     .standard = "linux",
     .about = "tocsin.product of these lines."},
    {.path = "category",
     .type = SETTINGS_STRING,
     .offset = offsetof(struct decoder_row, category),
     .about = "tocsin.category of these lines.",
     .example = "authentication"},
    {.path = "set",
     .type = SETTINGS_PAIRS,
     .offset = offsetof(struct decoder_row, set),

     .about = "Fields of every message that a pattern fits.",
     .example = "{event.category: authentication}"},
    {.path = "patterns",
     .type = SETTINGS_LIST,
     .offset = offsetof(struct decoder_row, patterns),
     .items = &pattern_table,
     .about = "Tried in their order; the first that fits reads the message."},
};
static const struct settings_table decoder_table = SETTINGS_TABLE(decoder_rows, struct decoder_row, NULL);

static struct slice keep_text(struct decoder *decoder, const char *text) {
    decoder->texts = memory_resize(decoder->texts, decoder->text_count + 1, sizeof *decoder->texts);
    char *copy = memory_copy_string(text);
    decoder->texts[decoder->text_count++] = copy;
    return slice_string(copy);
}

/* Digits that JSON writes the same way. */
static bool is_number(struct slice text) {
    uint64_t value;
    return slice_decimal(text, &value) && (text.size == 1 || !slice_starts(text, SLICE("0")));
}

static bool add_field(struct decoder *decoder, struct decoder_fields *fields, struct symbols *symbols,
                      const char *name, const char *text, struct fault *fault) {
    uint32_t symbol = symbols_add(symbols, slice_string(name));
    if (symbol == 0)
        return fault_set(fault, FAULT_LIMIT, "more than %u field names in all", SYMBOLS_MOST);
    struct slice value = keep_text(decoder, text);
    bool truth = slice_equal(value, SLICE("true")) || slice_equal(value, SLICE("false"));
    enum record_type type = truth ? RECORD_BOOL : is_number(value) ? RECORD_NUMBER : RECORD_TEXT;
    fields->items = memory_resize(fields->items, fields->count + 1, sizeof *fields->items);
    fields->items[fields->count++] = (struct decoder_field){symbol, type, value};
    return true;
}

static bool has_pair(const struct settings_pairs *pairs, const char *name) {
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return true;
    return false;
}

/* The pattern's own fields, and the decoder's but for those that the pattern has itself. */
static bool add_set(struct decoder *decoder, struct decoder_fields *fields, const struct settings_pairs *own,
                    const struct settings_pairs *common, struct symbols *symbols, struct fault *fault) {
    for (size_t i = 0; i < own->count; i++)
        if (!add_field(decoder, fields, symbols, own->items[i].name, own->items[i].value, fault))
            return false;
    for (size_t i = 0; i < common->count; i++)
        if (!has_pair(own, common->items[i].name) &&
            !add_field(decoder, fields, symbols, common->items[i].name, common->items[i].value, fault))
            return false;
    if (fields->count > DECODER_SET_MOST)
        return fault_set(fault, FAULT_LIMIT, "more than %u fields set for one message", DECODER_SET_MOST);
    return true;
}

static bool check_examples(const struct decoder *decoder, size_t index,
                           const struct settings_strings *examples, struct fault *fault) {
    struct message_capture captures[MESSAGE_PATTERN_CAPTURES_MOST];
    size_t count;
    for (size_t i = 0; i < examples->count; i++) {
        struct slice example = slice_string(examples->items[i]);
        struct slice shown = slice_head(example, 160);
        size_t first = 0;
        while (first <= index &&
               !message_pattern_match(decoder->patterns[first].pattern, example, captures, &count))
            first++;
        if (first > index)
            return fault_set(fault, FAULT_FORMAT, "match does not fit its own example \"%.*s\"",
                             SLICE_ARG(shown));
        if (first < index)
            return fault_set(
                fault, FAULT_FORMAT,
                "pattern %zu of this file takes the example \"%.*s\" away from this one (pattern %zu); put "
                "the narrower one first",
                first + 1, SLICE_ARG(shown), index + 1);
    }
    return true;
}

static bool add_pattern(struct decoder *decoder, const struct pattern_row *row,
                        const struct decoder_row *file, struct symbols *symbols, struct fault *fault) {
    size_t offset;
    struct decoder_pattern *pattern = &decoder->patterns[decoder->pattern_count];
    pattern->pattern = message_pattern_compile(slice_string(row->match), symbols, &offset, fault);
    if (!pattern->pattern)
        return fault_place(fault, "match, character %zu", offset + 1);
    size_t index = decoder->pattern_count++;
    return add_set(decoder, &pattern->set, &row->set, &file->set, symbols, fault) &&
           check_examples(decoder, index, &row->examples, fault);
}

static bool add_patterns(struct decoder *decoder, const struct decoder_row *file, struct symbols *symbols,
                         struct fault *fault) {
    const struct pattern_row *rows = file->patterns.items;
    decoder->patterns = memory_new_array(file->patterns.count, sizeof *decoder->patterns);
    for (size_t i = 0; i < file->patterns.count; i++)
        if (!add_pattern(decoder, &rows[i], file, symbols, fault))
            return fault_place(fault, "%s", rows[i].place);
    return true;
}

static bool add_origin(struct decoder *decoder, const struct decoder_row *file, struct symbols *symbols,
                       struct fault *fault) {
    struct decoder_fields *origin = &decoder->origin;
    if (!add_field(decoder, origin, symbols, "tocsin.product", file->product, fault))
        return false;
    if (file->category && !add_field(decoder, origin, symbols, "tocsin.category", file->category, fault))
        return false;
    for (size_t i = 0; i < file->services.count; i++)
        if (!add_field(decoder, origin, symbols, "tocsin.service", file->services.items[i], fault))
            return false;
    return true;
}

static bool add_programs(struct decoder *decoder, const struct decoder_row *file, struct symbols *symbols,
                         struct fault *fault) {
    if (file->programs.count == 0)
        return fault_set(fault, FAULT_FORMAT,
                         "programs names none; for lines of every program write programs: ['*']");
    decoder->programs = memory_new_array(file->programs.count, sizeof *decoder->programs);
    for (size_t i = 0; i < file->programs.count; i++) {
        if (!symbols_add(symbols, slice_string(file->programs.items[i])))
            return fault_set(fault, FAULT_LIMIT, "more than %u names of fields and programs in all",
                             SYMBOLS_MOST);
        decoder->programs[decoder->program_count++] = memory_copy_string(file->programs.items[i]);
    }
    return true;
}

static bool add_files(struct decoder *decoder, const struct decoder_row *file, struct fault *fault) {
    if (file->files.count && strcmp(decoder->programs[0], "*") == 0)
        return fault_set(fault, FAULT_FORMAT,
                         "files needs a program that their lines are of, in place of '*'");
    decoder->files = memory_new_array(file->files.count, sizeof *decoder->files);
    for (size_t i = 0; i < file->files.count; i++)
        decoder->files[decoder->file_count++] = memory_copy_string(file->files.items[i]);
    return true;
}

static struct decoder *build(const struct decoder_row *row, const char *file, struct symbols *symbols,
                             struct fault *fault) {
    struct decoder *decoder = memory_new(sizeof *decoder);
    decoder->name = memory_copy_string(row->name);
    if (!add_programs(decoder, row, symbols, fault) || !add_files(decoder, row, fault) ||
        !add_origin(decoder, row, symbols, fault)) {
        fault_place(fault, "%s", file);
        return decoder_destroy(decoder);
    }
    return add_patterns(decoder, row, symbols, fault) ? decoder : decoder_destroy(decoder);
}

struct decoder *decoder_file_read(struct slice text, const char *file, struct symbols *symbols,
                                  struct fault *fault) {
    struct decoder_row row;
    struct decoder *decoder = NULL;
    settings_start(&decoder_table, &row);
    if (settings_read(&decoder_table, text, file, &row, fault) &&
        settings_finish(&decoder_table, file, &row, fault))
        decoder = build(&row, file, symbols, fault);
    settings_release(&decoder_table, &row);
    return decoder;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

struct decoder *decoder_destroy(struct decoder *decoder) {
    if (!decoder)
        return NULL;
    for (size_t i = 0; i < decoder->pattern_count; i++) {
        message_pattern_destroy(decoder->patterns[i].pattern);
        free(decoder->patterns[i].set.items);
    }
    free(decoder->patterns);
    free(decoder->origin.items);
    free_texts(decoder->programs, decoder->program_count);
    free_texts(decoder->files, decoder->file_count);
    free_texts(decoder->texts, decoder->text_count);
    free(decoder->name);
    free(decoder);
    return NULL;
}

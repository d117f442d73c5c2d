#include "settings_value.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    {"us", 1},          {"ms", 1000},        {"s", 1000000}, {"m", 60000000},
    {"h", 3600000000u}, {"d", 86400000000u}, {NULL, 0},
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"K", 1ull << 10},
    {"M", 1ull << 20},
    {"G", 1ull << 30},
    {"T", 1ull << 40},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {NULL, 0},
};

/* Digits, then one of the units and nothing else. */
static bool number_with_unit(struct slice text, const struct unit *units, uint64_t *ret_value) {
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    uint64_t number;
    if (!slice_decimal(slice_head(text, digits), &number))
        return false;
    struct slice rest = slice_from(text, digits);
    for (const struct unit *unit = units; unit->name; unit++) {
        if (!slice_equal(rest, slice_string(unit->name)))
            continue;
        if (number > UINT64_MAX / unit->factor)
            return false;
        *ret_value = number * unit->factor;
        return true;
    }
    return false;
}

bool settings_duration_parse(struct slice text, uint64_t *ret_us) {
    return number_with_unit(text, duration_units, ret_us);
}

bool settings_size_parse(struct slice text, uint64_t *ret_bytes) {
    return number_with_unit(text, size_units, ret_bytes);
}

/* Letters, digits and what else stands in host names and in IPv6 addresses with a zone. */
static bool host_good(struct slice host, bool bracketed) {
    if (host.size == 0 || host.size > 253)
        return false;
    for (size_t i = 0; i < host.size; i++) {
        uint8_t c = host.data[i];
        bool common = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
        if (!common && !(bracketed && (c == ':' || c == '%')))
            return false;
    }
    return true;
}

/* Cuts the host off the front: "[…]" or up to the only colon. */
static bool host_cut(struct slice text, struct slice *ret_host, struct slice *ret_rest) {
    bool bracketed = text.size && text.data[0] == '[';
    size_t end = slice_find_byte(text, bracketed ? ']' : ':');
    if (bracketed && end == SIZE_MAX)
        return false;
    *ret_host = bracketed ? slice_make(text.data + 1, end - 1) : slice_head(text, end);
    *ret_rest = end == SIZE_MAX ? slice_make(NULL, 0) : slice_from(text, bracketed ? end + 1 : end);
    return host_good(*ret_host, bracketed);
}

bool settings_address_parse(struct slice text, uint16_t port, struct settings_address *ret_address) {
    struct slice host, rest;
    if (!host_cut(text, &host, &rest))
        return false;
    uint64_t number = port;
    if (rest.size == 0 && port == 0)
        return false;
    if (rest.size &&
        (rest.data[0] != ':' || !slice_decimal(slice_from(rest, 1), &number) || number > UINT16_MAX))
        return false;
    ret_address->host = memory_copy(host.data, host.size);
    ret_address->port = (uint16_t)number;
    return true;
}

const char *settings_type_word(const struct settings_row *row) {
    static const char *const words[] = {
        [SETTINGS_STRING] = "text",         [SETTINGS_PATH] = "path",
        [SETTINGS_ADDRESS] = "host:port",   [SETTINGS_ENDPOINT] = "host:port or path",
        [SETTINGS_WORD] = "word",           [SETTINGS_BOOL] = "true or false",
        [SETTINGS_UNSIGNED] = "number",     [SETTINGS_DURATION] = "time",
        [SETTINGS_SIZE] = "size",           [SETTINGS_STRINGS] = "list",
        [SETTINGS_PATHS] = "list of paths", [SETTINGS_PAIRS] = "map",
        [SETTINGS_LIST] = "list of maps",   [SETTINGS_PLACE] = "",
    };
    return words[row->type];
}

bool settings_type_expected(const struct settings_row *row, struct buffer *to) {
    static const char *const phrases[] = {
        [SETTINGS_STRING] = "a text",
        [SETTINGS_PATH] = "a path",
        [SETTINGS_ADDRESS] = "HOST:PORT, an IPv6 address in brackets",
        [SETTINGS_ENDPOINT] = "HOST:PORT, or the absolute path of a local socket",
        [SETTINGS_WORD] = "one of",
        [SETTINGS_BOOL] = "true or false",
        [SETTINGS_UNSIGNED] = "a whole number",
        [SETTINGS_DURATION] = "a time such as 500ms, 10s, 5m or 24h",
        [SETTINGS_SIZE] = "a size such as 64K, 16M or 1G",
        [SETTINGS_STRINGS] = "a list of texts",
        [SETTINGS_PATHS] = "a list of paths",
        [SETTINGS_PAIRS] = "a map of names and values",
        [SETTINGS_LIST] = "a list of maps",
        [SETTINGS_PLACE] = "nothing",
    };
    buffer_append_string(to, phrases[row->type]);
    for (size_t i = 0; row->type == SETTINGS_WORD && row->words[i]; i++)
        buffer_printf(to, "%s%s", i ? ", " : " ", row->words[i]);
    return !to->overflow;
}

void settings_number_text(enum settings_type type, uint64_t value, char *text, size_t size) {
    const struct unit *units = type == SETTINGS_DURATION ? duration_units : size_units;
    const struct unit *best = NULL;
    for (const struct unit *unit = units; type != SETTINGS_UNSIGNED && unit->name; unit++)
        if (unit->factor && value % unit->factor == 0 && (!best || unit->factor > best->factor) &&
            value >= unit->factor)
            best = unit;
    snprintf(text, size, "%llu%s", (unsigned long long)(best ? value / best->factor : value),
             best ? best->name : "");
}

static bool within(const struct settings_row *row, uint64_t value, struct fault *fault) {
    char limit[32];
    if (value < row->minimum) {
        settings_number_text(row->type, row->minimum, limit, sizeof limit);
        return fault_set(fault, FAULT_USAGE, "%s is at least %s", row->path, limit);
    }
    if (row->maximum && value > row->maximum) {
        settings_number_text(row->type, row->maximum, limit, sizeof limit);
        return fault_set(fault, FAULT_USAGE, "%s is at most %s", row->path, limit);
    }
    return true;
}

static const char *nearest_word(const struct settings_row *row, struct slice text) {
    size_t best = settings_distance_most(text);
    const char *word = NULL;
    for (size_t i = 0; row->words[i]; i++) {
        size_t distance = settings_distance(text, slice_string(row->words[i]), best);
        if (distance <= best) {
            word = row->words[i];
            best = distance ? distance - 1 : 0;
        }
    }
    return word;
}

static bool refuse(const struct settings_row *row, struct slice text, struct fault *fault) {
    CLEANUP_BUFFER struct buffer expected = BUFFER(512);
    settings_type_expected(row, &expected);
    char shown[SETTINGS_SHOWN_SIZE];
    const char *word = row->type == SETTINGS_WORD ? nearest_word(row, text) : NULL;
    const char *example = row->example ? row->example : row->standard;
    if (word)
        return fault_set(fault, FAULT_USAGE, "%s cannot be \"%s\": did you mean %s? Expected %s", row->path,
                         settings_shown(text, shown), word, buffer_string(&expected));
    return fault_set(fault, FAULT_USAGE, "%s cannot be \"%s\": expected %s%s%s", row->path,
                     settings_shown(text, shown), buffer_string(&expected),
                     example && row->type != SETTINGS_WORD ? ", for example " : "",
                     example && row->type != SETTINGS_WORD ? example : "");
}

static bool word_read(const struct settings_row *row, struct slice text, unsigned *member,
                      struct fault *fault) {
    for (unsigned i = 0; row->words[i]; i++) {
        if (slice_equal(text, slice_string(row->words[i]))) {
            *member = i;
            return true;
        }
    }
    return refuse(row, text, fault);
}

static bool bool_read(const struct settings_row *row, struct slice text, bool *member, struct fault *fault) {
    bool yes = slice_equal(text, SLICE("true"));
    if (!yes && !slice_equal(text, SLICE("false")))
        return refuse(row, text, fault);
    *member = yes;
    return true;
}

static bool number_read(const struct settings_row *row, struct slice text, uint64_t *member,
                        struct fault *fault) {
    uint64_t value;
    bool good = row->type == SETTINGS_DURATION ? settings_duration_parse(text, &value)
                : row->type == SETTINGS_SIZE   ? settings_size_parse(text, &value)
                                               : slice_decimal(text, &value);
    if (!good)
        return refuse(row, text, fault);
    if (!within(row, value, fault))
        return false;
    *member = value;
    return true;
}

static bool controls_in(struct slice text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
    return false;
}

static bool address_read(const struct settings_row *row, struct slice text, struct settings_address *member,
                         struct fault *fault) {
    struct settings_address address = {0};
    if (row->type == SETTINGS_ENDPOINT && text.size && text.data[0] == '/' && !controls_in(text))
        address.host = memory_copy(text.data, text.size);
    else if (!settings_address_parse(text, (uint16_t)row->minimum, &address))
        return refuse(row, text, fault);
    free(member->host);
    *member = address;
    return true;
}

/* No NUL: the member is a C string. No control characters where they would end up in a terminal or a header. */
static bool text_good(const struct settings_row *row, struct slice text, struct fault *fault) {
    uint64_t most = row->maximum && row->type == SETTINGS_STRING ? row->maximum : SETTINGS_STRING_MOST;
    if (text.size > most)
        return fault_set(fault, FAULT_LIMIT, "%s is longer than %llu bytes", row->path,
                         (unsigned long long)most);
    if (text.size == 0)
        return fault_set(fault, FAULT_USAGE, "%s is empty: give it a value or leave it out", row->path);
    if (slice_find_byte(text, 0) != SIZE_MAX ||
        ((row->type == SETTINGS_PATH || row->type == SETTINGS_PATHS) && controls_in(text)))
        return fault_set(fault, FAULT_USAGE, "%s has a control character in it", row->path);
    return true;
}

static bool text_read(const struct settings_row *row, struct slice text, char **member, struct fault *fault) {
    if (!text_good(row, text, fault))
        return false;
    free(*member);
    *member = memory_copy(text.data, text.size);
    return true;
}

static bool strings_read(const struct settings_row *row, struct slice text, struct settings_strings *member,
                         struct fault *fault) {
    if (!text_good(row, text, fault))
        return false;
    uint64_t most = row->maximum ? row->maximum : SETTINGS_ITEMS_MOST;
    if (member->count >= most || !settings_strings_add(member, text))
        return fault_set(fault, FAULT_LIMIT, "%s has more than %llu items", row->path,
                         (unsigned long long)most);
    member->set = true;
    return true;
}

bool settings_value_read(const struct settings_row *row, struct slice text, void *member,
                         struct fault *fault) {
    switch (row->type) {
    case SETTINGS_STRING:
    case SETTINGS_PATH:
        return text_read(row, text, member, fault);
    case SETTINGS_ADDRESS:
    case SETTINGS_ENDPOINT:
        return address_read(row, text, member, fault);
    case SETTINGS_WORD:
        return word_read(row, text, member, fault);
    case SETTINGS_BOOL:
        return bool_read(row, text, member, fault);
    case SETTINGS_UNSIGNED:
    case SETTINGS_DURATION:
    case SETTINGS_SIZE:
        return number_read(row, text, member, fault);
    case SETTINGS_STRINGS:
    case SETTINGS_PATHS:
        return strings_read(row, text, member, fault);
    case SETTINGS_PAIRS:
    case SETTINGS_LIST:
    case SETTINGS_PLACE:
        break;
    }
    return refuse(row, text, fault);
}

/* "[a, b]": the defaults of lists have no quotes and no commas in their items. */
static bool strings_standard(const struct settings_row *row, struct slice text,
                             struct settings_strings *member, struct fault *fault) {
    text = slice_make(text.data + 1, text.size - 2);
    while (text.size) {
        size_t comma = slice_find_byte(text, ',');
        if (!strings_read(row, slice_trim(slice_head(text, comma)), member, fault))
            return false;
        text = comma == SIZE_MAX ? slice_make(NULL, 0) : slice_from(text, comma + 1);
    }
    member->set = false;
    return true;
}

bool settings_value_standard(const struct settings_row *row, void *member, struct fault *fault) {
    struct slice text = slice_string(row->standard);
    if (!row->standard) {
        if (row->type == SETTINGS_WORD && row->required)
            *(unsigned *)member = SETTINGS_NO_WORD;
        return true;
    }
    if ((row->type == SETTINGS_STRINGS || row->type == SETTINGS_PATHS) && text.size >= 2 &&
        text.data[0] == '[')
        return strings_standard(row, text, member, fault);
    return settings_value_read(row, text, member, fault);
}

bool settings_value_present(const struct settings_row *row, const void *member) {
    switch (row->type) {
    case SETTINGS_STRING:
    case SETTINGS_PATH:
    case SETTINGS_PLACE:
        return *(char *const *)member != NULL;
    case SETTINGS_ADDRESS:
    case SETTINGS_ENDPOINT:
        return ((const struct settings_address *)member)->host != NULL;
    case SETTINGS_STRINGS:
    case SETTINGS_PATHS:
        return ((const struct settings_strings *)member)->count != 0;
    case SETTINGS_PAIRS:
        return ((const struct settings_pairs *)member)->count != 0;
    case SETTINGS_LIST:
        return ((const struct settings_list *)member)->count != 0;
    case SETTINGS_WORD:
        return *(const unsigned *)member != SETTINGS_NO_WORD;
    case SETTINGS_BOOL:
    case SETTINGS_UNSIGNED:
    case SETTINGS_DURATION:
    case SETTINGS_SIZE:
        break;
    }
    return true;
}

bool settings_strings_add(struct settings_strings *strings, struct slice text) {
    if (strings->count >= SETTINGS_ITEMS_MOST)
        return false;
    strings->items = memory_resize(strings->items, strings->count + 1, sizeof *strings->items);
    strings->items[strings->count++] = memory_copy(text.data, text.size);
    return true;
}

void settings_strings_release(struct settings_strings *strings) {
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct settings_strings){0};
}

static void pairs_release(struct settings_pairs *pairs) {
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct settings_pairs){0};
}

static void list_release(const struct settings_row *row, struct settings_list *list) {
    for (size_t i = 0; i < list->count; i++)
        settings_release(row->items, (uint8_t *)list->items + i * row->items->size);
    free(list->items);
    *list = (struct settings_list){0};
}

void settings_value_release(const struct settings_row *row, void *member) {
    switch (row->type) {
    case SETTINGS_STRING:
    case SETTINGS_PATH:
    case SETTINGS_PLACE:
        free(*(char **)member);
        *(char **)member = NULL;
        break;
    case SETTINGS_ADDRESS:
    case SETTINGS_ENDPOINT:
        free(((struct settings_address *)member)->host);
        *(struct settings_address *)member = (struct settings_address){0};
        break;
    case SETTINGS_STRINGS:
    case SETTINGS_PATHS:
        settings_strings_release(member);
        break;
    case SETTINGS_PAIRS:
        pairs_release(member);
        break;
    case SETTINGS_LIST:
        list_release(row, member);
        break;
    case SETTINGS_WORD:
    case SETTINGS_BOOL:
    case SETTINGS_UNSIGNED:
    case SETTINGS_DURATION:
    case SETTINGS_SIZE:
        break;
    }
}

const char *settings_shown(struct slice text, char shown[SETTINGS_SHOWN_SIZE]) {
    size_t size = text.size < SETTINGS_SHOWN_SIZE - 4 ? text.size : SETTINGS_SHOWN_SIZE - 4;
    while (size < text.size && size && (text.data[size] & 0xc0) == 0x80)
        size--;
    for (size_t i = 0; i < size; i++)
        shown[i] = text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : (char)text.data[i];
    memcpy(shown + size, size < text.size ? "..." : "", size < text.size ? 4 : 1);
    return shown;
}

#define DISTANCE_MOST 64u /* longer names are compared by no one */

size_t settings_distance(struct slice a, struct slice b, size_t most) {
    if (a.size > DISTANCE_MOST || b.size > DISTANCE_MOST)
        return most + 1;
    size_t row[DISTANCE_MOST + 1];
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t change = diagonal + (a.data[i - 1] != b.data[j - 1]);
            size_t put_in = row[j - 1] + 1, left_out = row[j] + 1;
            diagonal = row[j];
            row[j] = change < put_in ? change : put_in;
            row[j] = left_out < row[j] ? left_out : row[j];
        }
    }
    return row[b.size] <= most ? row[b.size] : most + 1;
}

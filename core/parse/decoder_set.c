#include "decoder_set.h"

#include <stdlib.h>

#include "memory.h"
#include "path_pattern.h"

/* One decoder's patterns as a group asks them. */
struct member {
    const struct decoder_pattern *pattern;
    struct slice head, tail;
    const struct decoder_fields *services; /* of a decoder of every program: added where the pattern fits */
};

struct decoder_group {
    struct decoder_fields origin;
    struct member *members; /* in the order in which they are asked */
    size_t member_count;
    uint32_t *order;      /* indices of members, for each first byte those that may fit */
    uint32_t starts[257]; /* of a byte's run in `order` */
};

struct decoder_set {
    const struct symbols *symbols;
    struct decoder **decoders;
    size_t decoder_count;
    const struct decoder **file_decoders; /* those that name files */
    size_t file_decoder_count;
    size_t pattern_count;
    struct decoder_group **groups; /* by the program's symbol */
    size_t group_count;            /* room in `groups` */
    struct decoder_group every;
};

struct decoder_set *decoder_set_create(const struct symbols *symbols) {
    struct decoder_set *set = memory_new(sizeof *set);
    set->symbols = symbols;
    return set;
}

static void group_release(struct decoder_group *group) {
    free(group->origin.items);
    free(group->members);
    free(group->order);
}

struct decoder_set *decoder_set_destroy(struct decoder_set *set) {
    if (!set)
        return NULL;
    for (size_t i = 0; i < set->group_count; i++)
        if (set->groups[i]) {
            group_release(set->groups[i]);
            free(set->groups[i]);
        }
    for (size_t i = 0; i < set->decoder_count; i++)
        decoder_destroy(set->decoders[i]);
    group_release(&set->every);
    free(set->groups);
    free(set->decoders);
    free(set->file_decoders);
    free(set);
    return NULL;
}

size_t decoder_set_patterns(const struct decoder_set *set) {
    return set->pattern_count;
}

static bool fits_byte(const struct member *member, unsigned byte) {
    return message_pattern_may_start(member->pattern->pattern, (uint8_t)byte);
}

static void index_members(struct decoder_group *group) {
    size_t total = 0;
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t i = 0; i < group->member_count; i++)
            total += fits_byte(&group->members[i], byte);
    group->order = memory_resize(group->order, total + 1, sizeof *group->order);
    uint32_t at = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        group->starts[byte] = at;
        for (uint32_t i = 0; i < group->member_count; i++)
            if (fits_byte(&group->members[i], byte))
                group->order[at++] = i;
    }
    group->starts[256] = at;
}

static void put_in_front(struct decoder_group *group, const struct decoder *decoder, bool every) {
    size_t count = group->member_count + decoder->pattern_count;
    struct member *members = memory_new_array(count + 1, sizeof *members);
    for (size_t i = 0; i < decoder->pattern_count; i++) {
        const struct decoder_pattern *pattern = &decoder->patterns[i];
        members[i] = (struct member){pattern, message_pattern_head(pattern->pattern),
                                     message_pattern_tail(pattern->pattern), every ? &decoder->origin : NULL};
    }
    if (group->member_count)
        memcpy(members + decoder->pattern_count, group->members, group->member_count * sizeof *members);
    free(group->members);
    group->members = members;
    group->member_count = count;
    index_members(group);
}

static bool has_field(const struct decoder_fields *fields, const struct decoder_field *field) {
    for (size_t i = 0; i < fields->count; i++)
        if (fields->items[i].symbol == field->symbol && slice_equal(fields->items[i].value, field->value))
            return true;
    return false;
}

static void add_origin(struct decoder_group *group, const struct decoder *decoder) {
    struct decoder_fields *origin = &group->origin;
    for (size_t i = 0; i < decoder->origin.count; i++)
        if (!has_field(origin, &decoder->origin.items[i])) {
            origin->items = memory_resize(origin->items, origin->count + 1, sizeof *origin->items);
            origin->items[origin->count++] = decoder->origin.items[i];
        }
}

/* The program's name is in the table since its decoder was read. */
static struct decoder_group *group_of(struct decoder_set *set, const char *program) {
    uint32_t symbol = symbols_find(set->symbols, slice_string(program));
    if (symbol >= set->group_count) {
        size_t room = symbol + 64u;
        set->groups = memory_resize(set->groups, room, sizeof *set->groups);
        memset(set->groups + set->group_count, 0, (room - set->group_count) * sizeof *set->groups);
        set->group_count = room;
    }
    if (!set->groups[symbol])
        set->groups[symbol] = memory_new(sizeof *set->groups[symbol]);
    return set->groups[symbol];
}

static void add_to_groups(struct decoder_set *set, const struct decoder *decoder) {
    for (size_t i = 0; i < decoder->program_count; i++) {
        bool every = strcmp(decoder->programs[i], "*") == 0;
        struct decoder_group *group = every ? &set->every : group_of(set, decoder->programs[i]);
        put_in_front(group, decoder, every);
        if (!every)
            add_origin(group, decoder);
    }
}

bool decoder_set_add(struct decoder_set *set, struct decoder *decoder, size_t patterns_most,
                     struct fault *fault) {
    if (decoder->pattern_count > patterns_most - set->pattern_count) {
        decoder_destroy(decoder);
        return fault_set(fault, FAULT_LIMIT, "more than %zu patterns in all decoders", patterns_most);
    }
    set->decoders = memory_resize(set->decoders, set->decoder_count + 1, sizeof *set->decoders);
    set->decoders[set->decoder_count++] = decoder;
    set->pattern_count += decoder->pattern_count;
    if (decoder->file_count) {
        set->file_decoders =
            memory_resize(set->file_decoders, set->file_decoder_count + 1, sizeof *set->file_decoders);
        set->file_decoders[set->file_decoder_count++] = decoder;
    }
    add_to_groups(set, decoder);
    return true;
}

struct slice decoder_set_program_of(const struct decoder_set *set, struct slice path) {
    for (size_t i = set->file_decoder_count; i-- > 0;) {
        const struct decoder *decoder = set->file_decoders[i];
        for (size_t j = 0; j < decoder->file_count; j++)
            if (path_pattern_fits(slice_string(decoder->files[j]), path))
                return slice_string(decoder->programs[0]);
    }
    return (struct slice){NULL, 0};
}

const struct decoder_group *decoder_set_group(const struct decoder_set *set, struct slice program) {
    uint32_t symbol = symbols_find(set->symbols, program);
    return symbol && symbol < set->group_count ? set->groups[symbol] : NULL;
}

static void add_typed(struct record *record, uint32_t symbol, enum record_type type, struct slice value) {
    if (record_add(record, symbol, value))
        record->fields[record->count - 1].type = type;
}

static void add_fields(struct record *record, const struct decoder_fields *fields) {
    for (size_t i = 0; i < fields->count; i++)
        add_typed(record, fields->items[i].symbol, fields->items[i].type, fields->items[i].value);
}

static bool record_has(const struct record *record, const struct decoder_field *field) {
    for (size_t i = 0; i < record->count; i++)
        if (record->fields[i].symbol == field->symbol && slice_equal(record->fields[i].value, field->value))
            return true;
    return false;
}

void decoder_group_origin(const struct decoder_group *group, struct record *record) {
    add_fields(record, &group->origin);
}

static bool fields_give(const struct decoder_set *set, const struct decoder_fields *fields, const char *name,
                        struct slice value) {
    uint32_t symbol = symbols_find(set->symbols, slice_string(name));
    for (size_t i = 0; i < fields->count && value.size; i++)
        if (fields->items[i].symbol == symbol && slice_equal_caseless(fields->items[i].value, value))
            return true;
    return value.size == 0;
}

static bool origin_gives(const struct decoder_set *set, const struct decoder_fields *origin,
                         struct slice product, struct slice category, struct slice service) {
    return fields_give(set, origin, "tocsin.product", product) &&
           fields_give(set, origin, "tocsin.category", category) &&
           fields_give(set, origin, "tocsin.service", service);
}

bool decoder_set_gives(const struct decoder_set *set, struct slice product, struct slice category,
                       struct slice service) {
    for (size_t i = 0; i < set->group_count; i++)
        if (set->groups[i] && origin_gives(set, &set->groups[i]->origin, product, category, service))
            return true;
    for (size_t i = 0; i < set->every.member_count; i++)
        if (origin_gives(set, set->every.members[i].services, product, category, service))
            return true;
    return false;
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool ends_with(struct slice message, struct slice tail) {
    return tail.size == 0 || (message.size >= tail.size &&
                              memcmp(message.data + message.size - tail.size, tail.data, tail.size) == 0);
}

static bool group_decode(const struct decoder_group *group, struct slice message, struct record *record) {
    struct message_capture captures[MESSAGE_PATTERN_CAPTURES_MOST];
    size_t count;
    while (message.size && is_blank(message.data[message.size - 1]))
        message.size--;
    if (message.size == 0 || group->member_count == 0)
        return false;
    uint8_t first = message.data[0];
    for (uint32_t at = group->starts[first]; at < group->starts[first + 1]; at++) {
        const struct member *member = &group->members[group->order[at]];
        if (!slice_starts(message, member->head) || !ends_with(message, member->tail) ||
            !message_pattern_match(member->pattern->pattern, message, captures, &count))
            continue;
        add_fields(record, &member->pattern->set);
        for (size_t i = 0; i < count; i++)
            add_typed(record, captures[i].symbol, captures[i].type, captures[i].value);
        for (size_t i = 0; member->services && i < member->services->count; i++)
            if (!record_has(record, &member->services->items[i]))
                add_typed(record, member->services->items[i].symbol, RECORD_TEXT,
                          member->services->items[i].value);
        return true;
    }
    return false;
}

bool decoder_set_decode(const struct decoder_set *set, const struct decoder_group *group,
                        struct slice message, struct record *record) {
    return (group && group_decode(group, message, record)) || group_decode(&set->every, message, record);
}

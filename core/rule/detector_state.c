/* Saving and loading: every group of every correlation, by rule id.
 *
 * u32 magic, u16 version, u32 correlations; each: block id, u64 fingerprint, u32 groups; each: block key, u64 newest,
 * open, total, u32 entries (u64 time, u64 value, u32 weight, u8 reported), u32 ids (u64 time, block text). Big-endian.
 * Read whole into checks before it is believed: the bytes may be another version's, or anyone's. */
#include <math.h>

#include "bytes.h"
#include "detector_parts.h"
#include "encoding.h"

#define STATE_MAGIC 0x54435244u /* "TCRD" */
#define STATE_VERSION 1u

static void save_group(const struct group *group, struct buffer *to) {
    bytes_write_block(to, slice_make(group->key, group->key_size));
    bytes_write_u64(to, group->newest_us);
    bytes_write_u64(to, group->open_us);
    bytes_write_u64(to, group->total);
    bytes_write_u32(to, group->entry_count);
    for (uint32_t i = 0; i < group->entry_count; i++) {
        bytes_write_u64(to, group->entries[i].time_us);
        bytes_write_u64(to, group->entries[i].value);
        bytes_write_u32(to, group->entries[i].weight);
        bytes_write_u8(to, group->entries[i].reported);
    }
    bytes_write_u32(to, group->id_count);
    for (uint32_t i = 0; i < group->id_count; i++) {
        bytes_write_u64(to, group->ids[i].time_us);
        bytes_write_block(to, slice_make(group->ids[i].text, group->ids[i].size));
    }
}

bool detector_save(const struct detector *detector, struct buffer *to) {
    const struct ruleset *ruleset = detector->ruleset;
    uint32_t correlations = 0;
    for (size_t i = 0; i < ruleset->definition_count; i++)
        correlations += ruleset->definitions[i]->correlation != NULL;
    bytes_write_u32(to, STATE_MAGIC);
    bytes_write_u16(to, STATE_VERSION);
    bytes_write_u32(to, correlations);
    for (uint32_t i = 0; i < ruleset->definition_count && !to->overflow; i++) {
        const struct definition *definition = ruleset->definitions[i];
        if (!definition->correlation)
            continue;
        uint32_t groups = 0;
        for (const struct group *group = detector->groups.oldest[i]; group; group = group->newer)
            groups++;
        bytes_write_block(to, slice_string(definition->rule.id));
        bytes_write_u64(to, definition->correlation->fingerprint);
        bytes_write_u32(to, groups);
        for (const struct group *group = detector->groups.oldest[i]; group && !to->overflow;
             group = group->newer)
            save_group(group, to);
    }
    return !to->overflow;
}

/* A key must be what this correlation would have made. */
static bool key_fits(const struct correlation *correlation, struct slice key) {
    for (size_t g = 0; g < correlation->group_count; g++) {
        if (key.size < 2)
            return false;
        uint16_t size = bytes_get_u16(key.data);
        key = slice_from(key, 2);
        size_t value = size == GROUP_ABSENT ? 0 : size;
        if (value > GROUP_VALUE_MOST || value > key.size)
            return false;
        key = slice_from(key, value);
    }
    return key.size == 0;
}

static bool entry_fits(const struct correlation *correlation, const struct group_entry *entry) {
    double number;
    memcpy(&number, &entry->value, sizeof number);
    if (correlation->type >= CORRELATION_TEMPORAL)
        return entry->value < correlation->reference_count;
    return correlation->type < CORRELATION_VALUE_SUM || correlation->type == CORRELATION_VALUE_SHARE ||
           isfinite(number);
}

/* `group` and `correlation` are NULL for a rule that is gone: the bytes are only passed over. */
static bool load_entries(struct bytes_reader *reader, const struct correlation *correlation,
                         struct group *group) {
    uint32_t count = bytes_read_u32(reader);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct group_entry entry = {0};
        entry.time_us = bytes_read_u64(reader);
        entry.value = bytes_read_u64(reader);
        entry.weight = bytes_read_u32(reader);
        entry.reported = bytes_read_u8(reader) != 0;
        if (group && !reader->failed) {
            if (!entry_fits(correlation, &entry))
                return false;
            group_insert(group, &entry, correlation_keep(correlation));
        }
    }
    uint32_t ids = bytes_read_u32(reader);
    if (ids > GROUP_IDS_MOST)
        return false;
    for (uint32_t i = 0; i < ids && !reader->failed; i++) {
        uint64_t time_us = bytes_read_u64(reader);
        struct slice text = bytes_read_block(reader);
        if (text.size > DETECTOR_ID_MOST)
            return false;
        if (group && !reader->failed)
            group_remember(group, text, time_us);
    }
    return !reader->failed;
}

static bool load_group(struct detector *detector, struct bytes_reader *reader, uint32_t rule,
                       const struct correlation *correlation) {
    struct slice key = bytes_read_block(reader);
    uint64_t newest_us = bytes_read_u64(reader), open_us = bytes_read_u64(reader),
             total = bytes_read_u64(reader);
    struct group *group = NULL;
    if (reader->failed)
        return false;
    if (correlation) {
        if (!key_fits(correlation, key) || group_find(&detector->groups, rule, key))
            return false;
        if (detector->groups.count < detector->groups_most)
            group = group_add(&detector->groups, rule, key);
        else
            detector->counts.evictions++;
    }
    if (group) {
        group->newest_us = newest_us;
        group->open_us = open_us;
        group->total = total;
    }
    return load_entries(reader, correlation, group);
}

static bool load_correlation(struct detector *detector, struct bytes_reader *reader) {
    const struct ruleset *ruleset = detector->ruleset;
    struct slice id = bytes_read_block(reader);
    uint64_t fingerprint = bytes_read_u64(reader);
    uint32_t groups = bytes_read_u32(reader);
    if (reader->failed)
        return false;
    const struct rule *rule = ruleset_rule_by_id(ruleset, id);
    const struct correlation *correlation = rule ? ruleset->definitions[rule->index]->correlation : NULL;
    if (correlation && correlation->fingerprint != fingerprint)
        correlation = NULL;
    for (uint32_t i = 0; i < groups; i++)
        if (!load_group(detector, reader, correlation ? rule->index : 0, correlation))
            return false;
    return true;
}

bool detector_load(struct detector *detector, struct slice from, struct fault *fault) {
    struct bytes_reader reader = bytes_read(from);
    bool good = bytes_read_u32(&reader) == STATE_MAGIC;
    group_table_free(&detector->groups);
    group_table_make(&detector->groups, (uint32_t)detector->ruleset->definition_count);
    if (!good || bytes_read_u16(&reader) != STATE_VERSION)
        return fault_set(fault, FAULT_FORMAT,
                         "the saved detector state is of another version: windows begin empty");
    uint32_t correlations = bytes_read_u32(&reader);
    for (uint32_t i = 0; good && i < correlations && !reader.failed; i++)
        good = load_correlation(detector, &reader);
    if (good && bytes_read_done(&reader))
        return true;
    group_table_free(&detector->groups);
    group_table_make(&detector->groups, (uint32_t)detector->ruleset->definition_count);
    return fault_set(fault, FAULT_FORMAT, "the saved detector state is damaged: windows begin empty");
}

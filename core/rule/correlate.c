/* Correlations: matches gathered by entity and time until their condition holds. */
#include "bytes.h"
#include "detector_parts.h"
#include "memory.h"

uint32_t correlation_keep(const struct correlation *correlation) {
    uint32_t count = correlation->at_close ? correlation->most + 1 : correlation->least;
    if (correlation->type >= CORRELATION_TEMPORAL)
        return (uint32_t)correlation->reference_count * CORRELATION_TEMPORAL_KEEP + 1;
    return 2 * count > 128 ? 2 * count : 128;
}

/* What a group-by field is for this match: a correlation has it in its entity, an event in its fields. */
static struct slice group_value(const struct detector *detector, uint32_t field,
                                const struct detector_match *match) {
    struct slice name = detector->ruleset->fields[field].name;
    for (size_t i = 0; match->rule->correlation && i < match->entity_count; i++)
        if (slice_equal(match->entity[i].name, name))
            return match->entity[i].value;
    return detector_value(detector, field);
}

static struct slice make_key(struct detector *detector, const struct correlation *correlation,
                             uint32_t reference, const struct detector_match *match) {
    buffer_clear(&detector->key);
    for (size_t g = 0; g < correlation->group_count; g++) {
        uint32_t field = correlation->group_fields[reference * correlation->group_count + g];
        struct slice value = slice_head(group_value(detector, field, match), GROUP_VALUE_MOST);
        bytes_write_u16(&detector->key, value.data ? (uint16_t)value.size : GROUP_ABSENT);
        buffer_append_slice(&detector->key, value);
    }
    return buffer_slice(&detector->key);
}

static size_t read_entity(const struct correlation *correlation, const struct group *group,
                          struct detector_pair entity[DETECTOR_ENTITY_MOST]) {
    size_t count = 0, at = 0;
    for (size_t g = 0; g < correlation->group_count; g++) {
        uint16_t size = bytes_get_u16(group->key + at);
        at += 2;
        if (size == GROUP_ABSENT)
            continue;
        entity[count++] = (struct detector_pair){slice_string(correlation->group_names[g]),
                                                 slice_make(group->key + at, size)};
        at += size;
    }
    return count;
}

static struct group *group_of(struct detector *detector, uint32_t rule, struct slice key, bool keeps_order) {
    struct group *group = group_find(&detector->groups, rule, key);
    if (group) {
        if (!keeps_order)
            group_touch(&detector->groups, group);
        return group;
    }
    while (detector->groups.count >= detector->groups_most) {
        struct group *victim = group_oldest(&detector->groups);
        if (!victim)
            break;
        group_remove(&detector->groups, victim);
        detector->counts.evictions++;
    }
    return group_add(&detector->groups, rule, key);
}

/* The part of the entries that a match is about: [first, last]. */
struct span {
    uint32_t first, last;
};

/* The event ids within a time, oldest first, and always the one that set it off. */
static size_t gather_ids(const struct group *group, uint64_t first_us, uint64_t last_us, struct slice trigger,
                         struct slice ids[GROUP_IDS_MOST]) {
    size_t count = 0;
    bool found = trigger.size == 0;
    for (uint32_t i = 0; i < group->id_count; i++) {
        const struct group_id *id = &group->ids[i];
        if (id->time_us < first_us || id->time_us > last_us)
            continue;
        ids[count] = slice_make(id->text, id->size);
        found |= slice_equal(ids[count++], trigger);
    }
    if (!found) {
        if (count == GROUP_IDS_MOST)
            count--;
        memmove(ids + 1, ids, count * sizeof *ids);
        ids[0] = trigger;
        count++;
    }
    return count;
}

static void match_group(struct detector *detector, const struct correlation *correlation, struct group *group,
                        struct span span, uint64_t count, const struct detector_match *cause) {
    struct detector_pair entity[DETECTOR_ENTITY_MOST];
    struct slice ids[GROUP_IDS_MOST];
    struct detector_match match = {.rule = &detector->ruleset->definitions[group->rule]->rule,
                                   .entity = entity,
                                   .entity_count = read_entity(correlation, group, entity),
                                   .event_ids = ids,
                                   .count = count};
    match.first_us = group->entries[span.first].time_us;
    match.last_us = group->entries[span.last].time_us;
    for (uint32_t i = span.first; i <= span.last; i++) {
        if (!group->entries[i].reported)
            match.fresh += group->entries[i].weight;
        group->entries[i].reported = true;
    }
    if (cause) {
        match.host = cause->host;
        match.event_id = cause->event_id;
        match.time_us = cause->time_us;
    } else {
        match.time_us = match.last_us;
        if (group->id_count)
            match.event_id =
                slice_make(group->ids[group->id_count - 1].text, group->ids[group->id_count - 1].size);
    }
    match.event_id_count = gather_ids(group, match.first_us, match.last_us, match.event_id, ids);
    /* What it feeds may make groups; this one must not go to make room for them. */
    group->pinned = true;
    detector_deliver(detector, &match);
    group->pinned = false;
}

/* The fullest window that the entry at `at` belongs to. */
static struct span fullest(const struct group *group, uint32_t at, uint64_t timespan_us) {
    struct span best = {at, at};
    uint64_t time_us = group->entries[at].time_us;
    for (uint32_t last = at;
         last < group->entry_count && group->entries[last].time_us - time_us <= timespan_us; last++) {
        uint64_t end = group->entries[last].time_us;
        uint32_t first = group_lower(group, end > timespan_us ? end - timespan_us : 0);
        if (last - first > best.last - best.first)
            best = (struct span){first, last};
    }
    return best;
}

static uint64_t hash_values(const struct detector *detector, const struct correlation *correlation) {
    uint64_t hash = 0;
    for (size_t i = 0; i < correlation->value_count; i++) {
        struct slice value = detector_value(detector, correlation->value_fields[i]);
        hash = (hash ^ ruleset_hash_folded(value) ^ (value.data == NULL)) * 0x9e3779b97f4a7c15ull;
    }
    return hash;
}

/* A value that is there already only becomes newer. */
static uint32_t insert_value(struct group *group, const struct group_entry *entry, uint32_t keep) {
    struct group_entry newest = *entry;
    for (uint32_t i = 0; i < group->entry_count; i++) {
        if (group->entries[i].value != entry->value)
            continue;
        if (group->entries[i].time_us > entry->time_us)
            return i;
        newest.reported = group->entries[i].reported;
        group_remove_entry(group, i);
        break;
    }
    return group_insert(group, &newest, keep);
}

/* What a match counts in an event_count: its lines, but a correlation's match is one thing. */
static uint64_t times_of(const struct detector_match *cause) {
    return cause->rule->correlation ? 1 : cause->count;
}

static void count_now(struct detector *detector, const struct correlation *correlation, struct group *group,
                      const struct group_entry *entry, const struct detector_match *cause) {
    uint32_t keep = correlation_keep(correlation), at = 0;
    if (correlation->type == CORRELATION_VALUE_COUNT)
        at = insert_value(group, entry, keep);
    else
        for (uint64_t i = 0, times = times_of(cause); i < times; i++)
            at = group_insert(group, entry, keep);
    struct span span = fullest(group, at, correlation->timespan_us);
    uint64_t count = span.last - span.first + 1;
    if (count >= correlation->least)
        match_group(detector, correlation, group, span, count, cause);
}

/* The window is over: decide, and forget it. */
static void close_window(struct detector *detector, const struct correlation *correlation,
                         struct group *group) {
    uint64_t count = correlation->type == CORRELATION_VALUE_COUNT ? group->entry_count : group->total;
    if (group->entry_count && count >= correlation->least && count <= correlation->most)
        match_group(detector, correlation, group, (struct span){0, group->entry_count - 1}, count, NULL);
    group->entry_count = 0;
    group->id_count = 0;
    group->total = 0;
}

static void count_later(struct detector *detector, const struct correlation *correlation, struct group *group,
                        const struct group_entry *entry, const struct detector_match *cause) {
    bool over = group->total && entry->time_us > group->open_us &&
                entry->time_us - group->open_us > correlation->timespan_us;
    if (over)
        close_window(detector, correlation, group);
    if (group->total == 0) {
        group->open_us = entry->time_us;
        group_touch(&detector->groups, group);
    }
    group_remember(group, cause->event_id, entry->time_us);
    group->total += times_of(cause);
    uint32_t keep = correlation_keep(correlation);
    if (correlation->type == CORRELATION_VALUE_COUNT)
        insert_value(group, entry, keep);
    else
        group_insert(group, entry, keep);
}

static void trim_reference(struct group *group, uint64_t reference) {
    uint32_t count = 0, oldest = UINT32_MAX;
    for (uint32_t i = group->entry_count; i-- > 0;) {
        if (group->entries[i].value == reference) {
            count++;
            oldest = i;
        }
    }
    if (count >= CORRELATION_TEMPORAL_KEEP)
        group_remove_entry(group, oldest);
}

/* The tightest chain of matches in order around the entry at `at`; false where it is broken or too long. */
static bool chain(const struct correlation *correlation, const struct group *group, uint32_t at,
                  struct span *ret) {
    const struct group_entry *entries = group->entries;
    struct span span = {at, at};
    uint32_t i;
    for (uint64_t before = entries[at].value; before-- > 0; span.first = i) {
        /* Entries of one time are in no order: a log's second holds many lines. */
        for (i = group_lower(group, entries[span.first].time_us + 1); i > 0 && entries[i - 1].value != before;
             i--)
            ;
        if (i-- == 0)
            return false;
    }
    for (uint64_t after = entries[at].value + 1; after < correlation->reference_count;
         after++, span.last = i) {
        for (i = group_lower(group, entries[span.last].time_us);
             i < group->entry_count && entries[i].value != after; i++)
            ;
        if (i == group->entry_count)
            return false;
    }
    if (entries[span.last].time_us - entries[span.first].time_us > correlation->timespan_us)
        return false;
    *ret = span.first <= span.last ? span : (struct span){span.last, span.first};
    return true;
}

/* The latest window around the entry at `at` in which every rule has matched. */
static bool together(const struct correlation *correlation, const struct group *group, uint32_t at,
                     struct span *ret) {
    const struct group_entry *entries = group->entries;
    for (uint32_t first = at + 1; first-- > 0;) {
        if (entries[at].time_us - entries[first].time_us > correlation->timespan_us)
            return false;
        uint64_t seen = 0;
        uint32_t last = first, i = first;
        for (; i < group->entry_count &&
               entries[i].time_us - entries[first].time_us <= correlation->timespan_us;
             i++) {
            if (!(seen >> entries[i].value & 1))
                last = i;
            seen |= 1ull << entries[i].value;
        }
        uint64_t all =
            correlation->reference_count == 64 ? UINT64_MAX : (1ull << correlation->reference_count) - 1;
        if (seen == all) {
            *ret = (struct span){first, last > at ? last : at};
            return true;
        }
    }
    return false;
}

static void relate(struct detector *detector, const struct correlation *correlation, struct group *group,
                   const struct group_entry *entry, const struct detector_match *cause) {
    trim_reference(group, entry->value);
    uint32_t at = group_insert(group, entry, correlation_keep(correlation));
    struct span span;
    bool found = correlation->type == CORRELATION_TEMPORAL_ORDERED ? chain(correlation, group, at, &span)
                                                                   : together(correlation, group, at, &span);
    if (!found)
        return;
    /* All that lies in the window is told, not only the tightest chain. */
    uint64_t end = group->entries[span.last].time_us;
    uint32_t first = group_lower(group, end > correlation->timespan_us ? end - correlation->timespan_us : 0);
    span.first = first < span.first ? first : span.first;
    uint64_t count = 0;
    for (uint32_t i = span.first; i <= span.last; i++)
        count += group->entries[i].weight;
    match_group(detector, correlation, group, span, count, cause);
}

static void correlate(struct detector *detector, const struct feed *feed,
                      const struct detector_match *cause) {
    const struct correlation *correlation = detector->ruleset->definitions[feed->correlation]->correlation;
    struct slice key = make_key(detector, correlation, feed->reference, cause);
    struct group *group = group_of(detector, feed->correlation, key, correlation->at_close);
    struct group_entry entry = {.time_us = cause->time_us, .weight = 1};
    detector->costs[feed->correlation].evaluations++;
    detector->costs[feed->correlation].steps++;
    group->newest_us = cause->time_us > group->newest_us ? cause->time_us : group->newest_us;
    if (correlation->type == CORRELATION_VALUE_COUNT)
        entry.value = hash_values(detector, correlation);
    if (correlation->at_close) {
        count_later(detector, correlation, group, &entry, cause);
        return;
    }
    for (size_t i = 0; i < cause->event_id_count; i++)
        if (!slice_equal(cause->event_ids[i], cause->event_id))
            group_remember(group, cause->event_ids[i], cause->time_us);
    group_remember(group, cause->event_id, cause->time_us);
    if (correlation->type < CORRELATION_TEMPORAL) {
        count_now(detector, correlation, group, &entry, cause);
        return;
    }
    entry.value = feed->reference;
    entry.weight = cause->fresh < UINT32_MAX ? (uint32_t)cause->fresh : UINT32_MAX;
    relate(detector, correlation, group, &entry, cause);
}

void detector_deliver(struct detector *detector, const struct detector_match *match) {
    const struct ruleset *ruleset = detector->ruleset;
    uint32_t index = match->rule->index;
    detector->costs[index].matches++;
    if (match->rule->generates) {
        detector->counts.matches++;
        detector->reported++;
        if (detector->report)
            detector->report(detector->context, match);
    }
    const struct compiled_rule *rule = &ruleset->rules[index];
    for (uint32_t i = 0; i < rule->feed_count; i++)
        correlate(detector, &ruleset->feeds[rule->first_feed + i], match);
}

/* In rule order: what a closing window feeds stands behind it and is still open. */
void detector_close_windows(struct detector *detector, uint64_t time_us) {
    for (uint32_t rule = 0; rule < detector->ruleset->definition_count; rule++) {
        const struct correlation *correlation = detector->ruleset->definitions[rule]->correlation;
        if (!correlation)
            continue;
        for (struct group *group; (group = detector->groups.oldest[rule]);) {
            uint64_t from = correlation->at_close ? group->open_us : group->newest_us;
            uint64_t life = correlation->at_close ? correlation->timespan_us : 2 * correlation->timespan_us;
            if (time_us <= from || time_us - from <= life)
                break;
            if (correlation->at_close)
                close_window(detector, correlation, group);
            group_remove(&detector->groups, group);
        }
    }
}

/* Correlations: matches gathered by entity and time until their condition holds. */
#include <math.h>

#include "bytes.h"
#include "detector_parts.h"
#include "measure.h"

static bool measures(const struct correlation *correlation) {
    return correlation->type >= CORRELATION_VALUE_SUM && correlation->type <= CORRELATION_VALUE_SHARE;
}

uint32_t correlation_keep(const struct correlation *correlation) {
    if (measures(correlation))
        return 2 * MEASURE_ENTRIES_MOST;
    if (correlation->type >= CORRELATION_TEMPORAL)
        return (uint32_t)correlation->reference_count * CORRELATION_TEMPORAL_KEEP + 1;
    double count = correlation->least;
    if (correlation->at_close && correlation->most != INFINITY)
        count = correlation->most + 1;
    if (correlation->unequal)
        count = fmax(count, correlation->other + 1);
    return 2 * count > 128 ? (uint32_t)(2 * count) : 128;
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
    match.first_us = correlation->at_close ? group->open_us : UINT64_MAX;
    for (uint32_t i = span.first; i <= span.last; i++) {
        uint64_t time_us = group->entries[i].time_us;
        match.first_us = time_us < match.first_us ? time_us : match.first_us;
        match.last_us = time_us > match.last_us ? time_us : match.last_us;
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
    if (correlation_holds(correlation, (double)count))
        match_group(detector, correlation, group, span, count, cause);
}

/* The first window that the entry belongs to in which the sum is what the condition says. */
static void sum_now(struct detector *detector, const struct correlation *correlation, struct group *group,
                    const struct group_entry *entry, const struct detector_match *cause) {
    uint32_t at = measure_insert(group, entry, correlation->timespan_us);
    for (uint32_t last = at; last < group->entry_count &&
                             group->entries[last].time_us - entry->time_us <= correlation->timespan_us;
         last++) {
        uint64_t end = group->entries[last].time_us, span_us = correlation->timespan_us;
        uint32_t first = group_lower(group, end > span_us ? end - span_us : 0);
        if (!correlation_holds(correlation, measure_sum(group, first, last)))
            continue;
        match_group(detector, correlation, group, (struct span){first, last},
                    measure_events(group, first, last), cause);
        return;
    }
}

static uint64_t references_seen(const struct group *group) {
    uint64_t seen = 0;
    for (uint32_t i = 0; i < group->entry_count; i++)
        seen |= 1ull << group->entries[i].value;
    return seen;
}

static bool expression_holds(const struct expression *expression, uint64_t seen) {
    uint32_t found = 0;
    if (expression->kind == EXPRESSION_TEST)
        return seen >> expression->predicate & 1;
    for (size_t i = 0; i < expression->count; i++)
        found += expression_holds(expression->parts[i], seen);
    return expression->kind == EXPRESSION_AND   ? found == expression->count
           : expression->kind == EXPRESSION_OR  ? found > 0
           : expression->kind == EXPRESSION_NOT ? found == 0
                                                : found >= expression->least;
}

bool correlation_rules_hold(const struct correlation *correlation, uint64_t seen) {
    return correlation->expression ? expression_holds(correlation->expression, seen)
                                   : correlation_holds(correlation, __builtin_popcountll(seen));
}

/* Some value's part of all of them. */
static bool share_holds(const struct correlation *correlation, const struct group *group) {
    for (uint32_t i = 0; i < group->entry_count; i++)
        if (correlation_holds(correlation, 100.0 * group->entries[i].weight / (double)group->total))
            return true;
    return false;
}

static bool window_holds(const struct correlation *correlation, struct group *group) {
    uint32_t last = group->entry_count - 1;
    switch (correlation->type) {
    case CORRELATION_EVENT_COUNT:
        return correlation_holds(correlation, (double)group->total);
    case CORRELATION_VALUE_COUNT:
        return correlation_holds(correlation, group->entry_count);
    case CORRELATION_VALUE_SUM:
        return correlation_holds(correlation, measure_sum(group, 0, last));
    case CORRELATION_VALUE_AVERAGE:
        return correlation_holds(correlation,
                                 measure_sum(group, 0, last) / (double)measure_events(group, 0, last));
    case CORRELATION_VALUE_PERCENTILE:
        return correlation_holds(correlation, measure_percentile(group, correlation->percent));
    case CORRELATION_VALUE_SHARE:
        return share_holds(correlation, group);
    case CORRELATION_TEMPORAL:
    case CORRELATION_TEMPORAL_ORDERED:
        return correlation_rules_hold(correlation, references_seen(group));
    }
    return false;
}

/* The window is over: decide, and forget it. */
static void close_window(struct detector *detector, const struct correlation *correlation,
                         struct group *group) {
    uint64_t count = correlation->type == CORRELATION_VALUE_COUNT ? group->entry_count : group->total;
    if (group->entry_count && window_holds(correlation, group))
        match_group(detector, correlation, group, (struct span){0, group->entry_count - 1}, count, NULL);
    group->entry_count = 0;
    group->id_count = 0;
    group->total = 0;
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

static void keep_entry(const struct correlation *correlation, struct group *group,
                       const struct group_entry *entry) {
    switch (correlation->type) {
    case CORRELATION_VALUE_COUNT:
        insert_value(group, entry, correlation_keep(correlation));
        break;
    case CORRELATION_VALUE_SUM:
    case CORRELATION_VALUE_AVERAGE:
        measure_insert(group, entry, correlation->timespan_us);
        break;
    case CORRELATION_VALUE_PERCENTILE:
    case CORRELATION_VALUE_SHARE:
        measure_gather(group, entry, correlation->type == CORRELATION_VALUE_PERCENTILE);
        break;
    case CORRELATION_TEMPORAL:
    case CORRELATION_TEMPORAL_ORDERED:
        trim_reference(group, entry->value);
        group_insert(group, entry, correlation_keep(correlation));
        break;
    case CORRELATION_EVENT_COUNT:
        group_insert(group, entry, correlation_keep(correlation));
        break;
    }
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
    keep_entry(correlation, group, entry);
}

/* The next of the set's rules behind (or before) one; 64: there is none. */
static unsigned rule_behind(uint64_t set, uint64_t rule) {
    uint64_t rest = rule >= 63 ? 0 : set >> (rule + 1) << (rule + 1);
    return rest ? (unsigned)__builtin_ctzll(rest) : 64;
}

static unsigned rule_before(uint64_t set, uint64_t rule) {
    uint64_t rest = set & ((1ull << rule) - 1);
    return rest ? 63 - (unsigned)__builtin_clzll(rest) : 64;
}

/* The tightest chain of the set's rules in order around the entry at `at`; false where it is broken or too long. */
static bool chain(const struct correlation *correlation, const struct group *group, uint32_t at, uint64_t set,
                  struct span *ret) {
    const struct group_entry *entries = group->entries;
    struct span span = {at, at};
    uint32_t i;
    if (!(set >> entries[at].value & 1))
        return false;
    for (unsigned rule = rule_before(set, entries[at].value); rule < 64;
         rule = rule_before(set, rule), span.first = i) {
        /* Entries of one time are in no order: a log's second holds many lines. */
        for (i = group_lower(group, entries[span.first].time_us + 1); i > 0 && entries[i - 1].value != rule; i--)
            ;
        if (i-- == 0)
            return false;
    }
    for (unsigned rule = rule_behind(set, entries[at].value); rule < 64;
         rule = rule_behind(set, rule), span.last = i) {
        for (i = group_lower(group, entries[span.last].time_us);
             i < group->entry_count && entries[i].value != rule; i++)
            ;
        if (i == group->entry_count)
            return false;
    }
    if (entries[span.last].time_us - entries[span.first].time_us > correlation->timespan_us)
        return false;
    *ret = span.first <= span.last ? span : (struct span){span.last, span.first};
    return true;
}

static bool in_order(const struct correlation *correlation, const struct group *group, uint32_t at,
                     struct span *ret) {
    for (size_t way = 0; way < correlation->way_count; way++)
        if (chain(correlation, group, at, correlation->ways[way], ret))
            return true;
    return false;
}

/* The latest window around the entry at `at` in which enough of the rules have matched. */
static bool together(const struct correlation *correlation, const struct group *group, uint32_t at,
                     struct span *ret) {
    const struct group_entry *entries = group->entries;
    for (uint32_t first = at + 1; first-- > 0;) {
        if (entries[at].time_us - entries[first].time_us > correlation->timespan_us)
            return false;
        uint64_t seen = 0;
        for (uint32_t i = first; i < group->entry_count &&
                                 entries[i].time_us - entries[first].time_us <= correlation->timespan_us;
             i++) {
            bool fresh = !(seen >> entries[i].value & 1);
            seen |= 1ull << entries[i].value;
            if (fresh && correlation_rules_hold(correlation, seen)) {
                *ret = (struct span){first, i > at ? i : at};
                return true;
            }
        }
    }
    return false;
}

static void relate(struct detector *detector, const struct correlation *correlation, struct group *group,
                   const struct group_entry *entry, const struct detector_match *cause) {
    trim_reference(group, entry->value);
    uint32_t at = group_insert(group, entry, correlation_keep(correlation));
    struct span span;
    bool found = correlation->type == CORRELATION_TEMPORAL_ORDERED ? in_order(correlation, group, at, &span)
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

/* What an event is to a correlation; false where it has no number to measure. */
static bool make_entry(const struct detector *detector, const struct correlation *correlation,
                       const struct feed *feed, const struct detector_match *cause,
                       struct group_entry *ret_entry) {
    struct group_entry entry = {.time_us = cause->time_us, .weight = 1};
    uint64_t times = times_of(cause);
    double number;
    if (correlation->type == CORRELATION_VALUE_COUNT) {
        entry.value = hash_values(detector, correlation);
    } else if (correlation->type == CORRELATION_VALUE_SHARE) {
        entry.value = hash_values(detector, correlation);
        entry.weight = (uint32_t)times;
        if (!detector_value(detector, correlation->value_fields[0]).data)
            return false;
    } else if (measures(correlation)) {
        if (!predicate_number(detector_value(detector, correlation->value_fields[0]), &number))
            return false;
        bool ranks = correlation->type == CORRELATION_VALUE_PERCENTILE;
        entry = measure_entry(cause->time_us, ranks ? number : number * (double)times, times);
    } else if (correlation->type >= CORRELATION_TEMPORAL) {
        entry.value = feed->reference;
        entry.weight = cause->fresh < UINT32_MAX ? (uint32_t)cause->fresh : UINT32_MAX;
    }
    *ret_entry = entry;
    return true;
}

static void correlate(struct detector *detector, const struct feed *feed,
                      const struct detector_match *cause) {
    const struct correlation *correlation = detector->ruleset->definitions[feed->correlation]->correlation;
    struct group_entry entry;
    detector->costs[feed->correlation].evaluations++;
    detector->costs[feed->correlation].steps++;
    if (!make_entry(detector, correlation, feed, cause, &entry))
        return;
    struct slice key = make_key(detector, correlation, feed->reference, cause);
    struct group *group = group_of(detector, feed->correlation, key, correlation->at_close);
    group->newest_us = cause->time_us > group->newest_us ? cause->time_us : group->newest_us;
    if (correlation->at_close) {
        count_later(detector, correlation, group, &entry, cause);
        return;
    }
    for (size_t i = 0; i < cause->event_id_count; i++)
        if (!slice_equal(cause->event_ids[i], cause->event_id))
            group_remember(group, cause->event_ids[i], cause->time_us);
    group_remember(group, cause->event_id, cause->time_us);
    if (correlation->type >= CORRELATION_TEMPORAL)
        relate(detector, correlation, group, &entry, cause);
    else if (correlation->type == CORRELATION_VALUE_SUM)
        sum_now(detector, correlation, group, &entry, cause);
    else
        count_now(detector, correlation, group, &entry, cause);
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

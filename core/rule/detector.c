/* An event against a ruleset: fields, log sources, anchors, candidates, programs. */
#include "detector.h"

#include <stdlib.h>

#include "detector_parts.h"
#include "memory.h"

#define KEY_MOST (DETECTOR_ENTITY_MOST * (GROUP_VALUE_MOST + 2u))
#define GENERATION_MOST (UINT32_MAX / 2)

_Static_assert(CORRELATION_GROUPS_MOST <= DETECTOR_ENTITY_MOST, "an entity holds every group-by field");
_Static_assert(GROUP_IDS_MOST == DETECTOR_EVENTS_MOST, "a match shows what a group remembers");
_Static_assert(VALUE_TIME < UINT16_MAX, "fields are chained by 16 bits");

static void buckets_make(struct detector *detector) {
    size_t sources = detector->ruleset->logsource_count, scanners = detector->ruleset->scanner_count;
    for (size_t i = 0; i <= BUCKETS; i++) {
        struct bucket *bucket = &detector->buckets[i];
        bucket->active = memory_new(sources + 1);
        bucket->scan = memory_new(scanners + 1);
        bucket->loose_sources = memory_new_array(sources + 1, sizeof *bucket->loose_sources);
    }
}

static void buckets_free(struct detector *detector) {
    for (size_t i = 0; i <= BUCKETS; i++) {
        free(detector->buckets[i].active);
        free(detector->buckets[i].scan);
        free(detector->buckets[i].loose_sources);
        detector->buckets[i] = (struct bucket){0};
    }
}

/* Everything whose size hangs on the ruleset. */
static void attach(struct detector *detector, const struct ruleset *ruleset) {
    detector->ruleset = ruleset;
    detector->generation = 0;
    detector->field_seen = memory_new_array((size_t)ruleset->field_count + 1, sizeof *detector->field_seen);
    detector->field_null = memory_new_array((size_t)ruleset->field_count + 1, sizeof *detector->field_null);
    detector->field_first = memory_new_array((size_t)ruleset->field_count + 1, sizeof *detector->field_first);
    detector->memo = memory_new_array((size_t)ruleset->predicate_count + 1, sizeof *detector->memo);
    detector->spoken =
        memory_new_array((size_t)symbols_count(ruleset->troubles) + 1, sizeof *detector->spoken);
    detector->candidate_words = (uint32_t)(ruleset->definition_count + 63) / 64;
    detector->candidates =
        memory_new_array((size_t)detector->candidate_words + 1, sizeof *detector->candidates);
    detector->costs = memory_new_array(ruleset->definition_count + 1, sizeof *detector->costs);
    buckets_make(detector);
#ifdef TOCSIN_HYPERSCAN
    for (uint32_t i = 0; i < ruleset->scanner_count; i++)
        if (hs_alloc_scratch(ruleset->scanners[i].database, &detector->scratch) != HS_SUCCESS)
            abort(); /* out of memory, or a database of another machine: neither can go on */
#endif
}

static void detach(struct detector *detector) {
    free(detector->field_seen);
    free(detector->field_null);
    free(detector->field_first);
    free(detector->memo);
    free(detector->spoken);
    free(detector->candidates);
    free(detector->costs);
    buckets_free(detector);
#ifdef TOCSIN_HYPERSCAN
    hs_free_scratch(detector->scratch);
    detector->scratch = NULL;
#endif
}

struct detector *detector_create(const struct ruleset *ruleset, const struct detector_limits *limits) {
    struct detector *detector = memory_new(sizeof *detector);
    detector->groups_most = limits && limits->groups_most ? limits->groups_most : DETECTOR_GROUPS_DEFAULT;
    detector->match = pcre2_match_data_create(1, NULL);
    detector->limits = pcre2_match_context_create(NULL);
    if (!detector->match || !detector->limits)
        abort();
    pcre2_set_match_limit(detector->limits, PREDICATE_REGEX_MATCH_LIMIT);
    detector->key = BUFFER(KEY_MOST);
    attach(detector, ruleset);
    group_table_make(&detector->groups, (uint32_t)ruleset->definition_count);
    return detector;
}

struct detector *detector_destroy(struct detector *detector) {
    if (!detector)
        return NULL;
    detach(detector);
    group_table_free(&detector->groups);
    pcre2_match_data_free(detector->match);
    pcre2_match_context_free(detector->limits);
    buffer_free(&detector->key);
    free(detector);
    return NULL;
}

void detector_reload(struct detector *detector, const struct ruleset *ruleset) {
    CLEANUP_BUFFER struct buffer state = BUFFER(DETECTOR_STATE_MOST);
    bool saved = detector_save(detector, &state);
    uint64_t groups = detector->groups.count;
    detach(detector);
    group_table_free(&detector->groups);
    attach(detector, ruleset);
    group_table_make(&detector->groups, (uint32_t)ruleset->definition_count);
    if (!saved || !detector_load(detector, buffer_slice(&state), NULL))
        detector->counts.evictions += groups;
}

static struct slice value_at(const struct detector *detector, uint16_t at) {
    if (at == VALUE_TIME)
        return slice_string(detector->time_text);
    return at == VALUE_HOST ? detector->event->host : detector->record->fields[at].value;
}

static bool is_seen(const struct detector *detector, uint32_t field) {
    return detector->field_seen[field] == detector->generation;
}

struct slice detector_value(const struct detector *detector, uint32_t field) {
    if (!detector->record || !is_seen(detector, field))
        return (struct slice){NULL, 0};
    struct slice value = value_at(detector, detector->field_first[field]);
    return value.data ? value : slice_make("", 0);
}

static void see(struct detector *detector, uint32_t field, uint16_t at) {
    detector->field_next[at] = is_seen(detector, field) ? detector->field_first[field] : UINT16_MAX;
    detector->field_seen[field] = detector->generation;
    detector->field_first[field] = at;
}

/* Chains the record's values by field, the first one first. */
static void index_fields(struct detector *detector) {
    const struct ruleset *ruleset = detector->ruleset;
    const struct record *record = detector->record;
    for (size_t i = record->count; i-- > 0;) {
        const struct record_field *field = &record->fields[i];
        if (field->symbol >= ruleset->field_of_symbol_count)
            continue;
        uint32_t number = ruleset->field_of_symbol[field->symbol];
        if (number && field->type == RECORD_NULL)
            detector->field_null[number] = detector->generation;
        else if (number)
            see(detector, number, (uint16_t)i);
    }
    if (!is_seen(detector, FIELD_HOST) && detector->event->host.size)
        see(detector, FIELD_HOST, VALUE_HOST);
    if (ruleset->asks_time && !is_seen(detector, FIELD_TIME)) {
        calendar_text(detector->event->time_us, detector->time_text);
        see(detector, FIELD_TIME, VALUE_TIME);
    }
}

/* A message that lies within the original is not looked at twice. */
static void find_keywords(struct detector *detector) {
    struct slice original = detector_value(detector, FIELD_ORIGINAL),
                 message = detector_value(detector, FIELD_MESSAGE);
    detector->keyword_count = 0;
    if (original.data)
        detector->keywords[detector->keyword_count++] = original;
    bool within = original.data && (uintptr_t)message.data >= (uintptr_t)original.data &&
                  (uintptr_t)message.data + message.size <= (uintptr_t)original.data + original.size;
    if (message.data && !within && !slice_equal(message, original))
        detector->keywords[detector->keyword_count++] = message;
}

static uint32_t source_values(const struct detector *detector, uint32_t values[BUCKET_VALUES_MOST + 1]) {
    uint32_t count = 0;
    for (uint32_t kind = 0; kind < 3; kind++) {
        uint32_t field = FIELD_PRODUCT + kind;
        if (!is_seen(detector, field))
            continue;
        for (uint16_t at = detector->field_first[field]; at != UINT16_MAX; at = detector->field_next[at]) {
            struct slice value = value_at(detector, at);
            char folded[64];
            if (value.size > sizeof folded)
                continue;
            for (size_t i = 0; i < value.size; i++)
                folded[i] = (char)pattern_fold(value.data[i]);
            uint32_t name = symbols_find(detector->ruleset->source_names, slice_make(folded, value.size));
            if (name && count <= BUCKET_VALUES_MOST)
                values[count++] = kind << 16 | name;
        }
    }
    return count;
}

/* Whether one of the record's values is this name; read from the record, which may hold more than a bucket can. */
static bool source_has(const struct detector *detector, uint32_t field, uint32_t name) {
    struct slice wanted = symbols_name(detector->ruleset->source_names, name);
    if (name == 0)
        return true;
    if (!is_seen(detector, field))
        return false;
    for (uint16_t at = detector->field_first[field]; at != UINT16_MAX; at = detector->field_next[at])
        if (slice_equal_caseless(value_at(detector, at), wanted))
            return true;
    return false;
}

static void fill_bucket(struct detector *detector, struct bucket *bucket) {
    const struct ruleset *ruleset = detector->ruleset;
    bucket->any = false;
    bucket->loose_count = 0;
    memset(bucket->scan, 0, ruleset->scanner_count);
    for (uint32_t i = 0; i < ruleset->logsource_count; i++) {
        const struct logsource *source = &ruleset->logsources[i];
        bucket->active[i] = source_has(detector, FIELD_PRODUCT, source->product) &&
                            source_has(detector, FIELD_CATEGORY, source->category) &&
                            source_has(detector, FIELD_SERVICE, source->service);
        if (!bucket->active[i])
            continue;
        bucket->any = true;
        if (ruleset->loose_first[i] < ruleset->loose_first[i + 1])
            bucket->loose_sources[bucket->loose_count++] = i;
        for (uint32_t s = 0; s < ruleset->scanner_count; s++)
            bucket->scan[s] |= ruleset->logsource_scanners[(size_t)i * ruleset->scanner_count + s];
    }
}

static const struct bucket *find_bucket(struct detector *detector) {
    uint32_t values[BUCKET_VALUES_MOST + 1];
    uint32_t count = source_values(detector, values);
    if (count > BUCKET_VALUES_MOST) {
        fill_bucket(detector, &detector->buckets[BUCKETS]);
        return &detector->buckets[BUCKETS];
    }
    uint32_t hash = count;
    for (uint32_t i = 0; i < count; i++)
        hash = (hash ^ values[i]) * 16777619u;
    struct bucket *bucket = &detector->buckets[(hash ^ hash >> 15) % BUCKETS];
    if (bucket->used && bucket->value_count == count &&
        (count == 0 || memcmp(bucket->values, values, count * sizeof *values) == 0))
        return bucket;
    memcpy(bucket->values, values, count * sizeof *values);
    bucket->value_count = count;
    bucket->used = true;
    fill_bucket(detector, bucket);
    return bucket;
}

static void add_candidate(struct detector *detector, uint32_t rule) {
    detector->candidates[rule / 64] |= 1ull << rule % 64;
}

static void add_anchored(struct detector *detector, const struct bucket *bucket,
                         const struct anchor *anchor) {
    const struct ruleset *ruleset = detector->ruleset;
    for (uint32_t i = 0; i < anchor->count; i++) {
        uint32_t rule = ruleset->anchor_rules[anchor->first + i];
        if (bucket->active[ruleset->rules[rule].logsource])
            add_candidate(detector, rule);
    }
}

static bool equals_folded(struct slice value, struct slice folded) {
    if (value.size != folded.size)
        return false;
    for (size_t i = 0; i < value.size; i++)
        if (pattern_fold(value.data[i]) != folded.data[i])
            return false;
    return true;
}

static void look_up_whole(struct detector *detector, const struct bucket *bucket, uint32_t field,
                          struct slice value) {
    const struct ruleset *ruleset = detector->ruleset;
    if (value.size == 0 || value.size > ruleset->fields[field].whole_longest)
        return;
    uint32_t mask = ruleset->whole_slot_count - 1;
    for (uint32_t at = (uint32_t)(ruleset_hash_folded(value) + field * 2654435761u) & mask;
         ruleset->whole_slots[at]; at = (at + 1) & mask) {
        const struct anchor *anchor = &ruleset->anchors[ruleset->whole_slots[at] - 1];
        if (anchor->field == field && equals_folded(value, anchor->text))
            add_anchored(detector, bucket, anchor);
    }
}

#ifdef TOCSIN_HYPERSCAN
struct scan {
    struct detector *detector;
    const struct bucket *bucket;
};

static int on_hit(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags,
                  void *context) {
    (void)from, (void)to, (void)flags;
    const struct scan *scan = context;
    add_anchored(scan->detector, scan->bucket, &scan->detector->ruleset->anchors[id]);
    return 0;
}

static void scan_value(struct detector *detector, const struct bucket *bucket, uint32_t field,
                       struct slice value) {
    uint32_t scanner = detector->ruleset->fields[field].scanner;
    if (scanner == 0 || !bucket->scan[scanner - 1] || value.size == 0)
        return;
    struct scan scan = {detector, bucket};
    hs_scan(detector->ruleset->scanners[scanner - 1].database, (const char *)value.data, (unsigned)value.size,
            0, detector->scratch, on_hit, &scan);
}
#else
static void scan_value(struct detector *detector, const struct bucket *bucket, uint32_t field,
                       struct slice value) {
    (void)detector, (void)bucket, (void)field, (void)value;
}
#endif

static void find_candidates(struct detector *detector, const struct bucket *bucket) {
    const struct ruleset *ruleset = detector->ruleset;
    const struct record *record = detector->record;
    for (uint32_t i = 0; i < bucket->loose_count; i++) {
        uint32_t source = bucket->loose_sources[i];
        for (uint32_t r = ruleset->loose_first[source]; r < ruleset->loose_first[source + 1]; r++)
            add_candidate(detector, ruleset->loose[r]);
    }
    for (size_t i = 0; i < record->count; i++) {
        const struct record_field *field = &record->fields[i];
        uint32_t number = field->symbol < ruleset->field_of_symbol_count
                              ? ruleset->field_of_symbol[field->symbol]
                              : FIELD_NONE;
        if (number == FIELD_NONE || field->type == RECORD_NULL)
            continue;
        look_up_whole(detector, bucket, number, field->value);
        scan_value(detector, bucket, number, field->value);
    }
    static const struct {
        uint32_t field;
        uint16_t value;
    } own[] = {{FIELD_HOST, VALUE_HOST}, {FIELD_TIME, VALUE_TIME}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (!is_seen(detector, own[i].field) || detector->field_first[own[i].field] != own[i].value)
            continue;
        look_up_whole(detector, bucket, own[i].field, value_at(detector, own[i].value));
        scan_value(detector, bucket, own[i].field, value_at(detector, own[i].value));
    }
    for (size_t i = 0; i < detector->keyword_count; i++)
        scan_value(detector, bucket, FIELD_KEYWORDS, detector->keywords[i]);
}

static bool test_value(struct detector *detector, const struct predicate *predicate, struct slice value,
                       struct detector_cost *cost) {
    cost->steps += predicate->kind == PREDICATE_REGEX ? 1 + value.size / 64 : 1;
    return predicate_test(predicate, value, detector->match, detector->limits, &detector->counts.exhausted);
}

/* One of the field's values against one of the other field's. */
static bool test_other(struct detector *detector, const struct predicate *predicate,
                       struct detector_cost *cost) {
    if (!is_seen(detector, predicate->field) || !is_seen(detector, predicate->other))
        return false;
    for (uint16_t a = detector->field_first[predicate->field]; a != UINT16_MAX; a = detector->field_next[a]) {
        for (uint16_t b = detector->field_first[predicate->other]; b != UINT16_MAX;
             b = detector->field_next[b]) {
            cost->steps++;
            if (predicate_relates(predicate->relation, value_at(detector, a), value_at(detector, b),
                                  predicate->cased, true))
                return true;
        }
    }
    return false;
}

static bool test_keywords(struct detector *detector, const struct predicate *predicate,
                          struct detector_cost *cost) {
    for (size_t i = 0; i < detector->keyword_count; i++)
        if (test_value(detector, predicate, detector->keywords[i], cost))
            return true;
    return false;
}

static bool test(struct detector *detector, uint32_t number, struct detector_cost *cost) {
    if (detector->memo[number] >> 1 == detector->generation)
        return detector->memo[number] & 1;
    const struct predicate *predicate = &detector->ruleset->predicates[number];
    bool result = false;
    if (predicate->field == FIELD_KEYWORDS)
        result = test_keywords(detector, predicate, cost);
    else if (predicate->kind == PREDICATE_PRESENT)
        result = is_seen(detector, predicate->field) ||
                 detector->field_null[predicate->field] == detector->generation;
    else if (predicate->kind == PREDICATE_VALUED)
        result = is_seen(detector, predicate->field);
    else if (predicate->kind == PREDICATE_OTHER)
        result = test_other(detector, predicate, cost);
    else if (is_seen(detector, predicate->field))
        for (uint16_t at = detector->field_first[predicate->field]; at != UINT16_MAX && !result;
             at = detector->field_next[at])
            result = test_value(detector, predicate, value_at(detector, at), cost);
    detector->memo[number] = detector->generation << 1 | result;
    return result;
}

/* The program at `at`; depth is bounded by what was loaded. */
static bool run(struct detector *detector, uint32_t at, struct detector_cost *cost) {
    const struct program_node *nodes = detector->ruleset->nodes, *node = &nodes[at];
    uint32_t found = 0;
    switch (node->kind) {
    case EXPRESSION_TEST:
        return test(detector, node->value, cost);
    case EXPRESSION_NOT:
        return !run(detector, at + 1, cost);
    case EXPRESSION_AND:
        for (uint32_t part = at + 1; part < node->end; part = nodes[part].end)
            if (!run(detector, part, cost))
                return false;
        return true;
    case EXPRESSION_OR:
        for (uint32_t part = at + 1; part < node->end; part = nodes[part].end)
            if (run(detector, part, cost))
                return true;
        return false;
    case EXPRESSION_SOME:
        for (uint32_t part = at + 1; part < node->end; part = nodes[part].end)
            if (run(detector, part, cost) && ++found == node->value)
                return true;
        return false;
    }
    return false;
}

/* How many lines this one stands for. */
static uint64_t repeated(const struct detector *detector) {
    uint64_t times;
    if (!slice_decimal(detector_value(detector, FIELD_REPEATED), &times) || times == 0)
        return 1;
    return times < DETECTOR_REPEATED_MOST ? times : DETECTOR_REPEATED_MOST;
}

static void read_entity(const struct detector *detector, const uint32_t *fields, size_t count,
                        struct detector_match *match, struct detector_pair entity[DETECTOR_ENTITY_MOST]) {
    for (size_t i = 0; i < count; i++) {
        struct slice value = detector_value(detector, fields[i]);
        if (value.size)
            entity[match->entity_count++] =
                (struct detector_pair){detector->ruleset->fields[fields[i]].name, value};
    }
    match->entity = entity;
}

static void match_rule(struct detector *detector, const struct definition *definition) {
    static const uint32_t fields[] = {FIELD_SOURCE_IP, FIELD_USER, FIELD_HOST};
    struct detector_pair entity[DETECTOR_ENTITY_MOST];
    const struct detector_event *event = detector->event;
    struct slice id = slice_head(event->id, DETECTOR_ID_MOST);
    uint64_t times = repeated(detector);
    struct detector_match match = {.rule = &definition->rule,
                                   .host = event->host,
                                   .event_id = id,
                                   .event_ids = &id,
                                   .event_id_count = 1,
                                   .count = times,
                                   .fresh = times,
                                   .time_us = event->time_us,
                                   .first_us = event->time_us,
                                   .last_us = event->time_us};
    if (definition->entity_count)
        read_entity(detector, definition->entity_fields, definition->entity_count, &match, entity);
    else
        read_entity(detector, fields, sizeof fields / sizeof *fields, &match, entity);
    /* The host it is about: a collector's event about a silent agent names that one. */
    struct slice about = detector_value(detector, FIELD_HOST);
    if (about.size)
        match.host = about;
    detector_deliver(detector, &match);
}

/* Of a trouble's rules the first that matches speaks; the others are passed over, for this event. */
static bool may_speak(struct detector *detector, const struct definition *definition) {
    if (definition->trouble == 0)
        return true;
    bool first = detector->spoken[definition->trouble] != detector->generation;
    detector->spoken[definition->trouble] = detector->generation;
    return first;
}

static void run_candidates(struct detector *detector) {
    for (uint32_t word = 0; word < detector->candidate_words; word++) {
        while (detector->candidates[word]) {
            uint32_t rule = word * 64 + (uint32_t)__builtin_ctzll(detector->candidates[word]);
            detector->candidates[word] &= detector->candidates[word] - 1;
            struct detector_cost *cost = &detector->costs[rule];
            const struct definition *definition = detector->ruleset->definitions[rule];
            cost->evaluations++;
            detector->counts.candidates++;
            if (run(detector, detector->ruleset->rules[rule].program, cost) && may_speak(detector, definition))
                match_rule(detector, definition);
        }
    }
}

static void next_generation(struct detector *detector) {
    if (detector->generation++ < GENERATION_MOST)
        return;
    memset(detector->field_seen, 0, detector->ruleset->field_count * sizeof *detector->field_seen);
    memset(detector->field_null, 0, detector->ruleset->field_count * sizeof *detector->field_null);
    memset(detector->memo, 0, detector->ruleset->predicate_count * sizeof *detector->memo);
    memset(detector->spoken, 0, (symbols_count(detector->ruleset->troubles) + 1) * sizeof *detector->spoken);
    detector->generation = 1;
}

unsigned detector_process(struct detector *detector, const struct record *record,
                          const struct detector_event *event, detector_report *report, void *context) {
    next_generation(detector);
    detector->record = record;
    detector->event = event;
    detector->report = report;
    detector->context = context;
    detector->reported = 0;
    detector->counts.events++;
    index_fields(detector);
    const struct bucket *bucket = find_bucket(detector);
    if (bucket->any) {
        find_keywords(detector);
        find_candidates(detector, bucket);
        run_candidates(detector);
    }
    detector->record = NULL;
    return detector->reported;
}

unsigned detector_advance(struct detector *detector, uint64_t time_us, detector_report *report,
                          void *context) {
    detector->record = NULL;
    detector->report = report;
    detector->context = context;
    detector->reported = 0;
    detector_close_windows(detector, time_us);
    return detector->reported;
}

struct detector_counts detector_counts(const struct detector *detector) {
    struct detector_counts counts = detector->counts;
    counts.groups = detector->groups.count;
    return counts;
}

struct detector_cost detector_cost(const struct detector *detector, uint32_t rule_index) {
    return rule_index < detector->ruleset->definition_count ? detector->costs[rule_index]
                                                            : (struct detector_cost){0};
}

#include "row_verifier.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent_record.h"
#include "alert.h"
#include "batch_entry.h"
#include "bytes.h"
#include "event.h"
#include "memory.h"

#define FOUND_MOST 10u /* told of a family */
#define PLACE_KEY 40u  /* stream_id ‖ u64 */
#define ALERT_KEY 12u

/* What stands under a number, and whether its row has come. */
struct origin {
    uint64_t number; /* arrival, log index */
    uint64_t digest; /* of the row's key */
    bool seen;
};

struct origins {
    size_t count, room;
    struct origin *list; /* ascending */
};

struct alert_row {
    char id[ALERT_ID_SIZE];
    uint8_t key[ALERT_KEY];
    uint64_t digest; /* of what its event says */
    bool by_id;
};

/* How an alert ended by itself. */
struct end_row {
    char id[ALERT_ID_SIZE];
    uint64_t digest;
};

struct row_verifier {
    row_finding *finding;
    void *context;
    unsigned found[STORE_FAMILIES];
    struct origins runs, batches;
    bool sized;
    size_t alert_count, alert_room, said_count, said_room, agent_count;
    struct alert_row *alerts;
    struct end_row *ends;
    size_t end_count, end_room;
    bool alerts_sorted; /* by id, once rows by id come */
    uint64_t *said;     /* digests of the alerts and their ends that events say */
    struct agent_record *agents;
};

struct row_verifier *row_verifier_create(row_finding *finding, void *context) {
    struct row_verifier *verifier = memory_new(sizeof *verifier);
    verifier->finding = finding;
    verifier->context = context;
    return verifier;
}

struct row_verifier *row_verifier_destroy(struct row_verifier *verifier) {
    if (verifier) {
        free(verifier->runs.list);
        free(verifier->batches.list);
        free(verifier->alerts);
        free(verifier->ends);
        free(verifier->said);
        free(verifier->agents);
        free(verifier);
    }
    return NULL;
}

__attribute__((format(printf, 4, 5))) static void
find(struct row_verifier *verifier, enum store_family family, const char *place, const char *format, ...) {
    char text[FAULT_TEXT_SIZE];
    va_list arguments;
    if (++verifier->found[family] > FOUND_MOST)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verifier->finding(verifier->context, place, text);
}

static void *room(void *list, size_t count, size_t *ret_room, size_t size) {
    if (count < *ret_room)
        return list;
    *ret_room = *ret_room ? 2 * *ret_room : 64;
    return memory_resize(list, *ret_room, size);
}

static uint64_t digest_of(struct slice bytes) {
    struct hash hash = sha256_of(bytes);
    return bytes_get_u64(hash.bytes);
}

/* ---- places of events and batches */

static uint64_t place_digest(const uint8_t stream_id[32], uint64_t number) {
    uint8_t key[PLACE_KEY];
    memcpy(key, stream_id, HASH_SIZE);
    bytes_put_u64(key + HASH_SIZE, number);
    return digest_of(slice_make(key, sizeof key));
}

static void add(struct origins *origins, uint64_t number, uint64_t digest) {
    origins->list = room(origins->list, origins->count, &origins->room, sizeof *origins->list);
    origins->list[origins->count++] = (struct origin){number, digest, false};
}

void row_verifier_run(struct row_verifier *verifier, uint64_t arrival, const uint8_t stream_id[32],
                      uint64_t first_event_seq) {
    add(&verifier->runs, arrival, place_digest(stream_id, first_event_seq));
}

void row_verifier_sized(struct row_verifier *verifier) {
    verifier->sized = true;
}

void row_verifier_entry(struct row_verifier *verifier, uint64_t log_index, struct slice bytes) {
    struct batch_entry entry;
    if (batch_entry_read(bytes, &entry, NULL))
        add(&verifier->batches, log_index, place_digest(entry.stream_id.bytes, entry.batch_seq));
}

static struct origin *origin_at(const struct origins *origins, uint64_t number) {
    size_t low = 0, high = origins->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (origins->list[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < origins->count && origins->list[low].number == number ? &origins->list[low] : NULL;
}

static void take_place(struct row_verifier *verifier, enum store_family family, struct origins *origins,
                       struct slice key, struct slice value) {
    const char *what = family == STORE_INDEX ? "the places of events" : "the places of batches";
    const char *where = family == STORE_INDEX ? "row" : "log entry";
    uint64_t number = value.size == 8 ? bytes_get_u64(value.data) : 0;
    struct origin *origin = value.size == 8 ? origin_at(origins, number) : NULL;
    if (key.size != PLACE_KEY || value.size != 8)
        find(verifier, family, what, "a place that cannot be read");
    else if (!origin || origin->digest != digest_of(key))
        find(verifier, family, what,
             "the one for number %" PRIu64 " of a stream names %s %" PRIu64 ", which is not it",
             bytes_get_u64(key.data + HASH_SIZE), where, number);
    else
        origin->seen = true;
}

static void finish_places(struct row_verifier *verifier, enum store_family family,
                          const struct origins *origins) {
    char place[64];
    for (size_t i = 0; i < origins->count; i++) {
        if (origins->list[i].seen)
            continue;
        snprintf(place, sizeof place, "%s %" PRIu64, family == STORE_INDEX ? "row" : "log entry",
                 origins->list[i].number);
        find(verifier, family, place, "nothing leads to it any more: its place is missing");
    }
}

/* ---- alerts */

void row_verifier_own(struct row_verifier *verifier, struct slice bytes) {
    struct event_field fields[EVENT_FIELDS_MOST];
    struct event_body body;
    if (!event_body_read(bytes, fields, &body, NULL) ||
        (body.kind != EVENT_ALERT && body.kind != EVENT_DECISION))
        return;
    verifier->said = room(verifier->said, verifier->said_count, &verifier->said_room, sizeof *verifier->said);
    verifier->said[verifier->said_count++] = digest_of(body.raw);
}

static void take_alert(struct row_verifier *verifier, struct slice key, struct slice value) {
    CLEANUP_BUFFER struct buffer bare = BUFFER(ALERT_TEXT_MOST);
    struct fault fault = {0};
    struct alert_row row = {.by_id = false};
    struct alert_document *document = alert_read(value, &fault);
    if (!document || !alert_write(&bare, alert_document_alert(document), true)) {
        find(verifier, STORE_ALERT, "the alerts", "one cannot be read: %s", fault.text);
        alert_document_destroy(document);
        return;
    }
    snprintf(row.id, sizeof row.id, "%.*s", SLICE_ARG(alert_document_alert(document)->id));
    alert_document_destroy(document);
    memcpy(row.key, key.data, ALERT_KEY);
    row.digest = digest_of(buffer_slice(&bare));
    verifier->alerts =
        room(verifier->alerts, verifier->alert_count, &verifier->alert_room, sizeof *verifier->alerts);
    verifier->alerts[verifier->alert_count++] = row;
}

static int by_id(const void *a, const void *b) {
    const struct alert_row *x = a, *y = b;
    return memcmp(x->id, y->id, sizeof x->id);
}

static struct alert_row *alert_of(struct row_verifier *verifier, struct slice id) {
    struct alert_row wanted = {.by_id = false};
    if (id.size != ALERT_ID_SIZE - 1 || verifier->alert_count == 0)
        return NULL;
    memcpy(wanted.id, id.data, id.size);
    if (!verifier->alerts_sorted)
        qsort(verifier->alerts, verifier->alert_count, sizeof *verifier->alerts, by_id);
    verifier->alerts_sorted = true;
    return bsearch(&wanted, verifier->alerts, verifier->alert_count, sizeof wanted, by_id);
}

static void take_end(struct row_verifier *verifier, struct slice id, struct slice value) {
    struct end_row row = {.digest = digest_of(value)};
    snprintf(row.id, sizeof row.id, "%.*s", SLICE_ARG(id));
    verifier->ends = room(verifier->ends, verifier->end_count, &verifier->end_room, sizeof *verifier->ends);
    verifier->ends[verifier->end_count++] = row;
}

/* "i" ‖ id → where it stands; "c" ‖ id → what was counted into it; "r" ‖ id → how it ended. */
static void take_of_alert(struct row_verifier *verifier, struct slice key, struct slice value) {
    struct alert_row *row = alert_of(verifier, slice_from(key, 1));
    char place[ALERT_ID_SIZE + 16];
    snprintf(place, sizeof place, "alert %.*s", SLICE_ARG(slice_from(key, 1)));
    if (key.data[0] != 'i' && key.data[0] != 'c' && key.data[0] != 'r')
        find(verifier, STORE_ALERT, "the alerts", "a row of no known kind");
    else if (!row)
        find(verifier, STORE_ALERT, place, "MISSING: it is named, and not here");
    else if (key.data[0] == 'r')
        take_end(verifier, slice_from(key, 1), value);
    else if (key.data[0] == 'c' ? value.size != 16 : !slice_equal(value, slice_make(row->key, ALERT_KEY)))
        find(verifier, STORE_ALERT, place, "what is kept beside it is not of it");
    else if (key.data[0] == 'i')
        row->by_id = true;
}

static int by_number(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static bool is_said(const struct row_verifier *verifier, uint64_t digest) {
    return verifier->said_count &&
           bsearch(&digest, verifier->said, verifier->said_count, sizeof digest, by_number) != NULL;
}

/* Each alert, and each end of one, is what its event says, and what an event says is among them. */
static void finish_alerts(struct row_verifier *verifier, bool whole) {
    char place[ALERT_ID_SIZE + 16];
    size_t missing = 0, count = verifier->alert_count + verifier->end_count;
    uint64_t *kept = memory_new_array(count + 1, sizeof *kept);
    if (verifier->said_count)
        qsort(verifier->said, verifier->said_count, sizeof *verifier->said, by_number);
    for (size_t i = 0; i < verifier->alert_count; i++) {
        const struct alert_row *row = &verifier->alerts[i];
        kept[i] = row->digest;
        snprintf(place, sizeof place, "alert %s", row->id);
        if (whole && !is_said(verifier, row->digest))
            find(verifier, STORE_ALERT, place, "it is not what the collector's own events say");
        else if (!row->by_id)
            find(verifier, STORE_ALERT, place, "nothing leads to it by its id");
    }
    for (size_t i = 0; i < verifier->end_count; i++) {
        const struct end_row *row = &verifier->ends[i];
        kept[verifier->alert_count + i] = row->digest;
        snprintf(place, sizeof place, "alert %s", row->id);
        if (whole && !is_said(verifier, row->digest))
            find(verifier, STORE_ALERT, place, "its end is not what the collector's own events say");
    }
    if (count)
        qsort(kept, count, sizeof *kept, by_number);
    for (size_t i = 0; i < verifier->said_count; i++)
        missing += !count || !bsearch(&verifier->said[i], kept, count, sizeof *kept, by_number);
    if (missing)
        find(verifier, STORE_ALERT, "the alerts",
             "MISSING: %zu of them or of their ends that the collector's own events say", missing);
    free(kept);
}

/* ---- agents */

static void take_agent(struct row_verifier *verifier, struct slice key, struct slice value) {
    struct agent_record record;
    struct fault fault = {0};
    if (!agent_record_read(value, &record, &fault) ||
        !slice_equal(slice_from(key, 1), slice_string(record.name))) {
        find(verifier, STORE_REGISTRY, "the agents", "one cannot be read%s%s", fault.code ? ": " : "",
             fault.text);
        return;
    }
    verifier->agents = memory_resize(verifier->agents, verifier->agent_count + 1, sizeof record);
    verifier->agents[verifier->agent_count++] = record;
}

static void finish_agents(struct row_verifier *verifier, const struct agent_registry *agents) {
    char place[AGENT_NAME_SIZE + 16];
    for (size_t i = 0; agent_registry_count(agents) && i < verifier->agent_count; i++) {
        const struct agent_record *record = &verifier->agents[i];
        const struct agent_line *line =
            agent_registry_by_name(agents, slice_string(record->name), AGENT_INDEX_NEVER - 1);
        const struct agent_epoch *epoch = line ? agent_line_epoch(line, record->epoch) : NULL;
        if (!line || (epoch && memcmp(line->first_key.bytes, record->first_key, 32) == 0 &&
                      memcmp(epoch->key.bytes, record->public_key, 32) == 0))
            continue; /* one that nobody enrolled, or whose epoch has ended, is nobody's that is taken */
        snprintf(place, sizeof place, "agent %s", record->name);
        find(verifier, STORE_REGISTRY, place, "it is taken under another key than the log has enrolled");
    }
}

/* ---- */

void row_verifier_take(struct row_verifier *verifier, enum store_family family, struct slice key,
                       struct slice value) {
    if (family == STORE_INDEX)
        take_place(verifier, family, &verifier->runs, key, value);
    else if (family == STORE_BATCH)
        take_place(verifier, family, &verifier->batches, key, value);
    else if (family == STORE_ALERT && key.size == ALERT_KEY && key.data[0] != 'i' && key.data[0] != 'c')
        take_alert(verifier, key, value);
    else if (family == STORE_ALERT && key.size > 0)
        take_of_alert(verifier, key, value);
    else if (family == STORE_REGISTRY && slice_starts(key, SLICE("a")))
        take_agent(verifier, key, value);
    else if (family == STORE_SEGMENT_FILTER)
        find(verifier, family, "the segments' filters", "a row where there are none");
}

static void tell_more(struct row_verifier *verifier) {
    char text[96];
    for (unsigned family = 0; family < STORE_FAMILIES; family++)
        if (verifier->found[family] > FOUND_MOST) {
            snprintf(text, sizeof text, "%u more findings like these", verifier->found[family] - FOUND_MOST);
            verifier->finding(verifier->context, store_family_row((enum store_family)family)->name, text);
        }
}

void row_verifier_finish(struct row_verifier *verifier, const struct agent_registry *agents, bool whole) {
    finish_places(verifier, STORE_INDEX, &verifier->runs);
    if (verifier->sized)
        finish_places(verifier, STORE_BATCH, &verifier->batches);
    finish_alerts(verifier, whole);
    finish_agents(verifier, agents);
    tell_more(verifier);
}

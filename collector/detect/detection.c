#include "detection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "clock.h"
#include "detection_inside.h"
#include "detection_state.h"
#include "events.h"
#include "log.h"
#include "memory.h"
#include "recent_texts.h"
#include "report.h"
#include "row.h"

#define ROWS_A_ROUND 64u  /* rows read before what they led to is committed */
#define SAVE_US 10000000u /* state is saved so often while events come in; a large one more seldom: */
#define SAVE_BYTE_US 1u   /* so much longer for each of its bytes */
#define WAIT_US 1000000u
#define LATENESS_US (600u * UINT64_C(1000000)) /* windows wait so long for events that come late */

/* ---- events */

static void take_probe(struct detection *detection, struct slice host, uint64_t time_us) {
    pthread_mutex_lock(&detection->board_mutex);
    probe_board_take(detection->probes, detection->record, host, time_us, detection->stored_us);
    pthread_mutex_unlock(&detection->board_mutex);
}

static void read_event(struct detection *detection, const struct event *event,
                       const struct stream_name *name) {
    struct event_body body;
    struct fault fault;
    if (!event_body_read(event->body, detection->fields, &body, &fault)) {
        log_fault(LOG_LEVEL_WARNING, &fault, "%s%" PRIu64, name->label, event->seq);
        return;
    }
    if (body.kind == EVENT_ALERT || body.kind == EVENT_DECISION)
        return;
    uint64_t line_us;
    interpreter_read(detection->knowledge->interpreter, &body, event->time_us, detection->record, &line_us);
    if (body.kind != EVENT_LINE && !host_is_collector(slice_string(name->host)))
        record_replace(detection->record, SLICE("host.name"), slice_string(name->host));
    char id[sizeof name->label + 24];
    memcpy(id, name->label, name->label_size);
    int digits = snprintf(id + name->label_size, 24, "%" PRIu64, event->seq);
    struct detector_event about = {slice_make(id, name->label_size + (size_t)digits),
                                   line_us ? line_us : event->time_us, slice_string(name->host)};
    detection->raw = body.raw;
    if (body.kind == EVENT_STATE && slice_starts(body.source, SLICE("probe:")))
        take_probe(detection, about.host, event->time_us);
    detector_process(detection->detector, detection->record, &about, detection_match, detection);
    detection->events++;
}

/* Nothing is passed over in silence. */
static void tell_damage(struct detection *detection, const struct fault *fault) {
    char row[24], line[FAULT_LINE_SIZE];
    snprintf(row, sizeof row, "%" PRIu64, detection->next_row);
    const struct report_field fields[] = {
        {"store.row", row}, {"error.message", fault_line(fault, line)}, {NULL, NULL}};
    report_state(detection->change, "store_damaged", fields, "row %s of the store cannot be read: %s", row,
                 line);
    log_fault(LOG_LEVEL_ERROR, fault, "row %s of the store cannot be read", row);
}

static void read_row(struct detection *detection, struct slice value) {
    struct fault fault = {0};
    struct row row;
    struct events_message message;
    struct slice text;
    CLEANUP_FREE uint8_t *recent = NULL;
    if (!row_read(value, &row, &fault))
        goto damaged;
    if (row.kind != ROW_EVENTS)
        return;
    detection->stored_us = row.ingested_us;
    if (!events_read(row.payload, &message, &fault))
        goto damaged;
    if (detection->settings.recent)
        recent =
            recent_texts_take(detection->settings.recent, row.stream_id, message.first_event_seq, &text.size);
    if (recent)
        text.data = recent;
    else if (!events_open(detection->opener, &message, &text, &fault))
        goto damaged;
    const struct stream_name *name = stream_names_get(detection->names, row.stream_id);
    struct event event;
    for (uint64_t seq = message.first_event_seq; event_block_next(&text, &event, &fault); seq++) {
        event.seq = seq;
        read_event(detection, &event, name);
    }
    if (fault.code == FAULT_NONE)
        return;
damaged:
    tell_damage(detection, &fault);
}

/* ---- rounds */

static struct change *room_for(void *context, size_t size) {
    struct detection *detection = context;
    if (change_size(detection->change) + size > DETECTION_CHANGE_BYTES)
        detection_submit(detection);
    return detection->change;
}

static void put_state(struct detection *detection) {
    CLEANUP_BUFFER struct buffer detector = BUFFER(DETECTOR_STATE_MOST);
    CLEANUP_BUFFER struct buffer dedup = BUFFER(DEDUP_STATE_MOST);
    CLEANUP_BUFFER struct buffer probes = BUFFER(PROBE_BOARD_STATE_MOST);
    detection->save = false;
    probe_board_save(detection->probes, clock_wall_us(), &probes);
    if (!detector_save(detection->detector, &detector) || !dedup_save(detection->dedup, &dedup)) {
        log_warning("the detection's state is too large to be saved: its windows begin anew after a restart");
        buffer_clear(&detector);
        buffer_clear(&dedup);
    }
    struct detection_state state = {.next_row = detection->next_row,
                                    .generation = ++detection->generation,
                                    .detector = buffer_slice(&detector),
                                    .dedup = buffer_slice(&dedup),
                                    .probes = buffer_slice(&probes)};
    detection_state_put(&state, room_for, detection);
    detection->saved_row = detection->next_row;
    detection->save_at_us = clock_monotonic_us() + SAVE_US + SAVE_BYTE_US * (detector.size + dedup.size + probes.size);
}

/* False: the rows there are cannot be read now. */
static bool round_of_rows(struct detection *detection, uint64_t arrival) {
    uint8_t key[8];
    struct fault fault = {0};
    bytes_put_u64(key, detection->next_row);
    struct store_cursor *cursor =
        store_cursor_create(detection->settings.store, STORE_HOT, NULL, (struct slice){NULL, 0});
    unsigned rows = 0;
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, 8)); on && rows < ROWS_A_ROUND;
         on = store_cursor_next(cursor), rows++) {
        detection->next_row = bytes_get_u64(store_cursor_key(cursor).data);
        read_row(detection, store_cursor_value(cursor));
        detection->next_row++;
    }
    bool good = store_cursor_good(cursor, &fault);
    store_cursor_destroy(cursor);
    if (!good && !detection->damaged)
        tell_damage(detection, &fault);
    detection->damaged = !good;
    if (good && rows == 0)
        detection->next_row = arrival; /* what stood there is gone */
    if (detection->save || (rows && clock_monotonic_us() > detection->save_at_us))
        put_state(detection);
    detection_submit(detection);
    return good;
}

/* Windows that are over are decided, groups that are over are forgotten. */
static void advance(struct detection *detection) {
    uint64_t steady_us = clock_monotonic_us(), now_us = clock_wall_us();
    if (steady_us < detection->advanced_us + WAIT_US || now_us < LATENESS_US)
        return;
    detection->advanced_us = steady_us;
    detection->raw = (struct slice){NULL, 0};
    detection->stored_us = now_us;
    record_clear(detection->record);
    detector_advance(detection->detector, now_us - LATENESS_US, detection_match, detection);
    detection_submit(detection);
}

static void take_reload(struct detection *detection) {
    const struct knowledge *knowledge = detection->wanted;
    if (!knowledge)
        return;
    /* Another table of symbols: the state goes over by the rules' ids. */
    CLEANUP_BUFFER struct buffer state = BUFFER(DETECTOR_STATE_MOST);
    struct fault fault = {0};
    detector_save(detection->detector, &state);
    detector_destroy(detection->detector);
    record_destroy(detection->record);
    detection->knowledge = knowledge;
    detection->settings.core = detection->wanted_core;
    detection->settings.core_count = detection->wanted_core_count;
    detection->record = record_create(knowledge->symbols);
    detection->detector = detector_create(knowledge->ruleset, NULL);
    if (!detector_load(detection->detector, buffer_slice(&state), &fault))
        log_fault(LOG_LEVEL_WARNING, &fault, "windows of the rules before the reload are lost");
    detection->wanted = NULL;
    pthread_cond_broadcast(&detection->taken);
}

static bool look_at_orders(struct detection *detection) {
    pthread_mutex_lock(&detection->mutex);
    take_reload(detection);
    bool stopping = detection->stopping;
    pthread_mutex_unlock(&detection->mutex);
    return !stopping;
}

/* Before it waits, so that who asks meanwhile hears of the rows just read. */
static void tell_counts(struct detection *detection, uint64_t arrival) {
    pthread_mutex_lock(&detection->mutex);
    struct detector_counts counts = detector_counts(detection->detector);
    detection->counts.events = detection->events;
    detection->counts.alerts = detection->alerts;
    detection->counts.notices = detection->notices;
    detection->counts.matches = counts.matches;
    detection->counts.evictions = counts.evictions;
    detection->counts.behind = arrival > detection->next_row ? arrival - detection->next_row : 0;
    detection->counts.rules = ruleset_rule_count(detection->knowledge->ruleset);
    pthread_mutex_unlock(&detection->mutex);
}

static void *run(void *context) {
    struct detection *detection = context;
    uint64_t arrival = committer_arrival(detection->settings.committer);
    while (look_at_orders(detection)) {
        bool good = true;
        if (detection->next_row < arrival)
            good = round_of_rows(detection, arrival);
        else if (detection->next_row != detection->saved_row &&
                 clock_monotonic_us() > detection->save_at_us) {
            put_state(detection);
            detection_submit(detection);
        }
        advance(detection);
        tell_counts(detection, arrival);
        arrival =
            committer_wait(detection->settings.committer, good ? detection->next_row : arrival, WAIT_US);
    }
    put_state(detection);
    detection_submit(detection);
    return NULL;
}

/* ---- start and stop */

static bool load_state(struct detection *detection, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER((size_t)DETECTOR_STATE_MOST + DEDUP_STATE_MOST + PROBE_BOARD_STATE_MOST);
    struct detection_state state = {.next_row = 0};
    struct fault bad = {0};
    bool good = detection_state_get(detection->settings.store, &bytes, &state, &bad);
    if (!good && bad.code == FAULT_MISSING)
        return true;
    if (!good && bad.code != FAULT_FORMAT)
        return fault_set(fault, bad.code, "%s", bad.text);
    /* One that was too large is empty. */
    if (!good || (state.detector.size && (!detector_load(detection->detector, state.detector, &bad) ||
                                          !dedup_load(detection->dedup, state.dedup, &bad))))
        log_fault(LOG_LEVEL_WARNING, &bad,
                  "the detection's saved state cannot be read: its windows begin anew");
    if (good && !probe_board_load(detection->probes, state.probes, &bad))
        log_fault(LOG_LEVEL_WARNING, &bad, "probes are shown again with their next events");
    detection->next_row = detection->saved_row = state.next_row;
    detection->generation = state.generation;
    return true;
}

/* Alerts' keys begin with a zero byte, their other rows with a letter. */
static uint64_t newest_alert_us(const struct store *store) {
    struct store_cursor *cursor = store_cursor_create(store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    uint64_t time_us = 0;
    if (store_cursor_at_or_before(cursor, SLICE("\x01")))
        time_us = bytes_get_u64(store_cursor_key(cursor).data);
    store_cursor_destroy(cursor);
    return time_us;
}

struct detection *detection_start(const struct detection_settings *settings, struct fault *fault) {
    struct detection *detection = memory_new(sizeof *detection);
    struct dedup_settings dedup = {.window_us = settings->window_us,
                                   .repeat_us = settings->repeat_us,
                                   .acknowledged_us = settings->acknowledged_us};
    detection->settings = *settings;
    detection->knowledge = settings->knowledge;
    pthread_mutex_init(&detection->mutex, NULL);
    pthread_cond_init(&detection->taken, NULL);
    pthread_mutex_init(&detection->board_mutex, NULL);
    detection->probes = probe_board_create();
    detection->detector = detector_create(settings->knowledge->ruleset, NULL);
    detection->dedup = dedup_create(&dedup);
    detection->names = stream_names_create(settings->store);
    detection->opener = events_opener_create();
    detection->record = record_create(settings->knowledge->symbols);
    detection->fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *detection->fields);
    detection->change = change_create();
    detection->save_at_us = clock_monotonic_us() + SAVE_US;
    detection->raised_us = newest_alert_us(settings->store);
    if (load_state(detection, fault) && pthread_create(&detection->thread, NULL, run, detection) == 0)
        return detection;
    detection->thread = 0;
    return detection_stop(detection);
}

struct detection *detection_stop(struct detection *detection) {
    if (!detection)
        return NULL;
    pthread_mutex_lock(&detection->mutex);
    detection->stopping = true;
    pthread_mutex_unlock(&detection->mutex);
    committer_wake_waiters(detection->settings.committer);
    if (detection->thread)
        pthread_join(detection->thread, NULL);
    change_destroy(detection->change);
    detector_destroy(detection->detector);
    dedup_destroy(detection->dedup);
    probe_board_destroy(detection->probes);
    stream_names_destroy(detection->names);
    events_opener_destroy(detection->opener);
    record_destroy(detection->record);
    pthread_cond_destroy(&detection->taken);
    pthread_mutex_destroy(&detection->mutex);
    pthread_mutex_destroy(&detection->board_mutex);
    free(detection->fields);
    free(detection);
    return NULL;
}

void detection_reload(struct detection *detection, const struct knowledge *knowledge, char *const *core,
                      size_t core_count) {
    pthread_mutex_lock(&detection->mutex);
    detection->wanted_core = core;
    detection->wanted_core_count = core_count;
    detection->wanted = knowledge;
    committer_wake_waiters(detection->settings.committer);
    while (detection->wanted)
        pthread_cond_wait(&detection->taken, &detection->mutex);
    pthread_mutex_unlock(&detection->mutex);
}

struct detection_counts detection_counts(struct detection *detection) {
    pthread_mutex_lock(&detection->mutex);
    struct detection_counts counts = detection->counts;
    pthread_mutex_unlock(&detection->mutex);
    return counts;
}

void detection_describe_probes(struct detection *detection, uint64_t now_us, struct buffer *to) {
    pthread_mutex_lock(&detection->board_mutex);
    probe_board_describe(detection->probes, now_us, to);
    pthread_mutex_unlock(&detection->board_mutex);
}

void detection_each_probe(struct detection *detection, detection_probe *take, void *context) {
    pthread_mutex_lock(&detection->board_mutex);
    for (size_t i = 0; i < probe_board_count(detection->probes); i++)
        take(context, probe_board_at(detection->probes, i));
    pthread_mutex_unlock(&detection->board_mutex);
}

#include "query_alerts.h"

#include <stdio.h>

#include "alert.h"
#include "bytes.h"
#include "encoding.h"
#include "query_log.h"

#define FOLLOW_WAIT_US 500000u
#define DECISIONS_MOST 32u /* told of one alert */

/* What was counted into the alert since it was raised: "c" ‖ id → u64 count ‖ u64 last_us (detection.c). */
static void bring_up_to_date(const struct store *store, struct alert *alert) {
    char key[ALERT_ID_SIZE + 1];
    uint8_t value[16];
    snprintf(key, sizeof key, "c%.*s", SLICE_ARG(alert->id));
    if (!store_get_fixed(store, STORE_ALERT, slice_string(key), value, sizeof value, NULL))
        return;
    alert->count = bytes_get_u64(value);
    alert->last_us = bytes_get_u64(value + 8);
}

/* "r" ‖ id → how it ended by itself. What ended is over, whatever people decided about it since. */
static void close_what_ended(const struct store *store, struct store_value *resolution, struct alert *alert) {
    char key[ALERT_ID_SIZE + 1];
    snprintf(key, sizeof key, "r%.*s", SLICE_ARG(alert->id));
    if (!store_get(store, STORE_ALERT, slice_string(key), resolution, NULL))
        return;
    alert->resolution = resolution->slice;
    alert->status = ALERT_RESOLVED;
}

struct decided {
    struct alert_decision list[DECISIONS_MOST];
    char people[DECISIONS_MOST][2 * HASH_SIZE + 1], reasons[DECISIONS_MOST][2 * HASH_SIZE + 1],
        severities[DECISIONS_MOST][DECISION_SUBJECT_MOST + 1];
};

static enum alert_status status_of(enum decision_kind kind) {
    return kind == DECISION_ACKNOWLEDGE   ? ALERT_ACKNOWLEDGED
           : kind == DECISION_RECLASSIFY ? ALERT_RECLASSIFIED
                                         : ALERT_RESOLVED;
}

/* The last one says how it stands; of very many the last ones are told. */
static void decide(const struct past_decision *past, size_t count, struct decided *decided, struct alert *alert) {
    for (size_t i = 0; i < count; i++) {
        alert->status = status_of(past[i].kind);
        if (past[i].kind == DECISION_RECLASSIFY)
            (void)severity_by_text(slice_string(past[i].value), &alert->severity);
    }
    size_t first = count > DECISIONS_MOST ? count - DECISIONS_MOST : 0;
    for (size_t i = 0; i < count - first; i++) {
        const struct past_decision *one = &past[first + i];
        encoding_hex(one->person.bytes, HASH_SIZE, decided->people[i]);
        encoding_hex(one->reason.bytes, HASH_SIZE, decided->reasons[i]);
        memcpy(decided->severities[i], one->value, sizeof one->value);
        decided->list[i] = (struct alert_decision){one->ctl_seq,
                                                   one->time_us,
                                                   status_of(one->kind),
                                                   slice_string(decided->severities[i]),
                                                   slice_string(decided->people[i]),
                                                   slice_string(decided->reasons[i])};
    }
    alert->decisions = decided->list;
    alert->decision_count = count - first;
}

static void fold_decisions(const struct query_reader *reader, struct decided *decided, struct alert *alert) {
    struct log_state *log = reader->settings->log;
    struct fault fault = {0};
    const struct control_fold *control = log_state_control(log, &fault);
    size_t count;
    if (!control)
        return;
    const struct past_decision *past = decision_ledger_of(control->decisions, alert->id, &count);
    decide(past, count, decided, alert);
    log_state_control_release(log);
}

static bool give_alert(const struct query_reader *reader, struct slice json) {
    CLEANUP_BUFFER struct buffer text = BUFFER(FRAME_ROW_MOST);
    struct alert_document *document = alert_read(json, NULL);
    if (document) {
        struct decided decided;
        CLEANUP_STORE_VALUE struct store_value resolution = {0};
        struct alert alert = *alert_document_alert(document);
        bring_up_to_date(reader->settings->store, &alert);
        fold_decisions(reader, &decided, &alert);
        close_what_ended(reader->settings->store, &resolution, &alert);
        alert_write(&text, &alert, false);
    } else
        buffer_append_slice(&text, json);
    alert_document_destroy(document);
    Tocsin__Text message;
    tocsin__text__init(&message);
    message.json = (char *)(uintptr_t)buffer_string(&text);
    return reader->write(reader->context, FRAME_TEXT, &message.base);
}

static uint64_t give_alerts(const struct query_reader *reader, const Tocsin__AlertQuery *query,
                            uint8_t last[12], uint64_t given) {
    uint8_t key[12] = {0};
    if (bytes_get_u64(last))
        memcpy(key, last, sizeof key);
    else
        bytes_put_u64(key, query->since_us);
    struct store_cursor *cursor =
        store_cursor_create(reader->settings->store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key)); on;
         on = store_cursor_next(cursor)) {
        struct slice at = store_cursor_key(cursor);
        if (at.size != sizeof key) /* "i" and "c" rows: they stand behind, times begin with a zero byte */
            break;
        if (memcmp(at.data, last, sizeof key) == 0)
            continue;
        memcpy(last, at.data, sizeof key);
        if (!give_alert(reader, store_cursor_value(cursor)))
            break;
        if (++given == query->limit)
            break;
    }
    store_cursor_destroy(cursor);
    return given;
}

void query_alerts(const struct query_reader *reader, const Tocsin__AlertQuery *query) {
    uint8_t last[12] = {0};
    uint64_t arrival = committer_arrival(reader->settings->committer);
    uint64_t given = give_alerts(reader, query, last, 0);
    while (query->follow && !(query->limit && given >= query->limit) && !reader->stopping(reader->context)) {
        arrival = committer_wait(reader->settings->committer, arrival, FOLLOW_WAIT_US);
        given = give_alerts(reader, query, last, given);
    }
    query_end(reader, given);
}

bool query_alerts_has(const struct store *store, struct slice id) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    char key[ALERT_ID_SIZE + 1];
    return id.size == ALERT_ID_SIZE - 1 && snprintf(key, sizeof key, "i%.*s", SLICE_ARG(id)) < (int)sizeof key &&
           store_get(store, STORE_ALERT, slice_string(key), &value, NULL);
}

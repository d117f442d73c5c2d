#include "query_log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "bytes.h"
#include "change.h"
#include "clock.h"
#include "commit_wait.h"
#include "decision.h"
#include "encoding.h"
#include "note.h"
#include "query_alerts.h"
#include "report.h"
#include "rule.h"
#include "salted_text.h"
#include "statement_type.h"

#define LOOK_US 250000u            /* how soon a stop or a reader that has gone is noticed */
#define CLOSE_WAIT_US 10000000u    /* for an agent's close; then it counts as silent */
#define ORPHAN_WAIT_US 3000000u    /* for the orphan of one that is silent */

static bool commit(const struct query_reader *reader, struct change *change, struct change_outcome *ret_outcome,
                   struct fault *fault) {
    return commit_wait(reader->settings->committer, change, reader->stopping, reader->context, ret_outcome, fault);
}

/* ---- the checkpoint that covers it */

static uint64_t wait_of(uint64_t wanted_us) {
    return wanted_us == 0 ? LOG_WAIT_DEFAULT_US : wanted_us < LOG_WAIT_MOST_US ? wanted_us : LOG_WAIT_MOST_US;
}

static bool wait_for_checkpoint(const struct query_reader *reader, uint64_t size, uint64_t wait_us,
                                struct log_head *ret_head, struct buffer *note) {
    uint64_t until_us = clock_monotonic_us() + wait_us;
    for (;;) {
        if (log_state_wait(reader->settings->log, size, LOOK_US, ret_head, note))
            return true;
        if (clock_monotonic_us() >= until_us || reader->stopping(reader->context))
            return false;
    }
}

static bool give_checkpoint(const struct query_reader *reader, const struct log_head *head, const struct buffer *note) {
    uint8_t size[8];
    bytes_put_u64(size, head->size);
    return query_give_row(reader, STORE_CHECKPOINT, slice_make(size, sizeof size), buffer_slice(note));
}

/* ---- a statement */

/* Whether a decision about an alert names one that is here. Nothing else can be looked up by the store alone. */
static bool names_something(const struct query_reader *reader, struct slice bytes, struct fault *fault) {
    struct signed_statement statement;
    struct decision decision;
    enum severity severity;
    if (!signed_statement_read(bytes, &statement, NULL) || statement.statement.type != STATEMENT_DECISION ||
        !decision_read(statement.statement.payload, &decision, NULL) || !decision_of_alert(&decision))
        return true;
    if (!query_alerts_has(reader->settings->store, decision.subject))
        return fault_set(fault, FAULT_MISSING, "there is no alert %.*s here; `tocsin alerts` lists them",
                         SLICE_ARG(decision.subject));
    return decision.kind != DECISION_RECLASSIFY || severity_by_text(decision.value, &severity) ||
           fault_set(fault, FAULT_USAGE, "'%.*s' is no severity: 1, 2a, 2b, 3a, 3b and 4 are", SLICE_ARG(decision.value));
}

static struct change *change_of(const Tocsin__SubmitQuery *query, struct fault *fault) {
    if (query->statement.len == 0 || query->statement.len > LOG_STATEMENT_MOST + STATEMENT_SIGNATURES_MOST * 4096u ||
        query->n_texts > SUBMIT_TEXTS_MOST) {
        fault_set(fault, FAULT_LIMIT, "a statement of %zu bytes with %zu texts", query->statement.len, query->n_texts);
        return NULL;
    }
    struct change *change = change_create();
    change_statement(change, slice_make(query->statement.data, query->statement.len));
    for (size_t i = 0; i < query->n_texts; i++)
        if (!report_text(change, slice_make(query->texts[i].data, query->texts[i].len))) {
            fault_set(fault, FAULT_LIMIT, "a text of %zu bytes; salt and at most %u bytes are taken", query->texts[i].len,
                      SALTED_TEXT_MOST);
            return change_destroy(change);
        }
    return change;
}

static void give_entry(const struct query_reader *reader, const struct change_outcome *outcome) {
    uint8_t ctl_seq[8], log_index[8];
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    bytes_put_u64(ctl_seq, outcome->ctl_seq);
    bytes_put_u64(log_index, outcome->log_index);
    query_give_row(reader, STORE_CONTROL, slice_make(ctl_seq, 8), slice_make(log_index, 8));
    if (log_entry_get(reader->settings->store, outcome->log_index, &entry, NULL))
        query_give_row(reader, STORE_ENTRY, slice_make(log_index, 8), buffer_slice(&entry));
}

static void give_inclusion(const struct query_reader *reader, uint64_t log_index, const struct log_head *head,
                           const struct buffer *note) {
    uint8_t key[8];
    struct merkle_path path;
    struct fault fault = {0};
    bytes_put_u64(key, log_index);
    if (!log_reader_inclusion(log_state_reader(reader->settings->log), log_index, head->size, &path, &fault))
        return;
    query_give_row(reader, STORE_TILE, slice_make(key, sizeof key),
                   slice_make(path.hashes, path.count * sizeof *path.hashes));
    give_checkpoint(reader, head, note);
}

static void give_verdict(const struct query_reader *reader, const struct change_outcome *outcome) {
    char json[256], leaf[2 * HASH_SIZE + 1];
    Tocsin__Text text;
    tocsin__text__init(&text);
    encoding_hex(outcome->leaf.bytes, HASH_SIZE, leaf);
    snprintf(json, sizeof json,
             "{\"ctl_seq\":%" PRIu64 ",\"log_index\":%" PRIu64 ",\"leaf\":\"%s\",\"single_control\":%s,\"people\":%u}",
             outcome->ctl_seq, outcome->log_index, leaf, outcome->verdict.single_control ? "true" : "false",
             outcome->verdict.people);
    text.json = json;
    reader->write(reader->context, FRAME_TEXT, &text.base);
}

/* Whoever tries alone what takes two, or with a key that is nobody's, is heard. */
static void tell_refusal(const struct query_reader *reader, const struct change_outcome *outcome) {
    if (outcome->fault.code == FAULT_NONE)
        return;
    const char *type = statement_type_name(outcome->type);
    const struct report_field fields[] = {
        {"statement.type", type}, {"statement.refused", fault_word(outcome->fault.code)}, {NULL, NULL}};
    struct change *change = change_create();
    report_state(change, "statement_refused", fields, "a statement (%s) was refused: %s", type ? type : "of no type",
                 outcome->fault.text);
    committer_submit(reader->settings->committer, change);
}

void query_submit(const struct query_reader *reader, const Tocsin__SubmitQuery *query) {
    struct fault fault = {0};
    struct change_outcome outcome = {.taken = false};
    struct log_head head;
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct change *change = names_something(reader, slice_make(query->statement.data, query->statement.len), &fault)
                                ? change_of(query, &fault)
                                : NULL;
    if (!change || !commit(reader, change, &outcome, &fault)) {
        tell_refusal(reader, &outcome);
        reader->refuse(reader->context, &fault);
        return;
    }
    give_verdict(reader, &outcome);
    give_entry(reader, &outcome);
    if (wait_for_checkpoint(reader, outcome.log_index + 1, wait_of(query->wait_us), &head, &note))
        give_inclusion(reader, outcome.log_index, &head, &note);
    query_end(reader, 1);
}

/* ---- batches closed now */

/* Whoever may read may ask for this, and each time adds to the log for ever: so one gets his turn after the other. */
#define CLOSE_TURN_US 200000u
static atomic_uint_least64_t next_turn_us;

static bool wait_for_turn(const struct query_reader *reader) {
    uint64_t now_us = clock_monotonic_us();
    uint64_t next_us = atomic_load(&next_turn_us), mine_us;
    do
        mine_us = next_us > now_us ? next_us : now_us;
    while (!atomic_compare_exchange_weak(&next_turn_us, &next_us, mine_us + CLOSE_TURN_US));
    while (clock_monotonic_us() < mine_us && !reader->stopping(reader->context)) {
        struct timespec pause = {0, CLOSE_TURN_US / 4 * 1000};
        nanosleep(&pause, NULL);
    }
    return !reader->stopping(reader->context);
}

struct closing {
    struct hash stream;
    bool known, closed;
    uint64_t before; /* batches that were in the log */
};

static uint64_t count_batches(const struct store *store, const struct hash *stream) {
    struct store_cursor *cursor = store_cursor_create(store, STORE_BATCH, NULL, hash_slice(stream));
    uint64_t count = 0;
    if (store_cursor_last(cursor) && store_cursor_key(cursor).size == 40)
        count = bytes_get_u64(store_cursor_key(cursor).data + 32) + 1;
    store_cursor_destroy(cursor);
    return count;
}

static bool all_closed(const struct query_reader *reader, struct closing *closings, size_t count) {
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        closings[i].closed = closings[i].closed || !closings[i].known ||
                             count_batches(reader->settings->store, &closings[i].stream) > closings[i].before;
        all = all && closings[i].closed;
    }
    return all;
}

static bool begin(const struct query_reader *reader, const Tocsin__CloseQuery *query, struct closing *closings,
                  struct fault *fault) {
    if (query->n_stream_ids > CLOSE_STREAMS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%u streams are closed at once, no more", CLOSE_STREAMS_MOST);
    for (size_t i = 0; i < query->n_stream_ids; i++) {
        if (query->stream_ids[i].len != HASH_SIZE)
            return fault_set(fault, FAULT_FORMAT, "a stream id has %u bytes", HASH_SIZE);
        closings[i] = (struct closing){.stream = hash_from(query->stream_ids[i].data)};
        closings[i].before = count_batches(reader->settings->store, &closings[i].stream);
        closings[i].known = reader->settings->close_now(reader->settings->context, &closings[i].stream);
    }
    return true;
}

static bool mark(const struct query_reader *reader, uint64_t *ret_size, struct fault *fault) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    struct change_outcome outcome = {.taken = false};
    if (!log_signer_statement(reader->settings->signer, STATEMENT_MARK, (struct slice){NULL, 0}, clock_wall_us(),
                              &statement, fault))
        return false;
    struct change *change = change_create();
    change_statement(change, buffer_slice(&statement));
    if (!commit(reader, change, &outcome, fault))
        return false;
    *ret_size = outcome.log_index + 1;
    return true;
}

/* Which streams are still open: their agents did not answer. */
static void give_open(const struct query_reader *reader, const struct closing *closings, size_t count) {
    char digits[2 * HASH_SIZE + 1];
    const char *between = "";
    CLEANUP_BUFFER struct buffer json = BUFFER(64u * 1024);
    Tocsin__Text text;
    tocsin__text__init(&text);
    buffer_append_string(&json, "{\"open\":[");
    for (size_t i = 0; i < count; i++)
        if (!closings[i].known || !closings[i].closed) {
            encoding_hex(closings[i].stream.bytes, HASH_SIZE, digits);
            buffer_printf(&json, "%s\"%s\"", between, digits);
            between = ",";
        }
    buffer_append_string(&json, "]}");
    text.json = (char *)(uintptr_t)buffer_string(&json);
    reader->write(reader->context, FRAME_TEXT, &text.base);
}

/* Whoever has not answered for so long may be gone: asked once more, its newest part goes into the log instead. */
static void ask_again(const struct query_reader *reader, const struct closing *closings, size_t count) {
    const struct query_server_settings *settings = reader->settings;
    uint64_t before = log_state_size(settings->log), until_us = clock_monotonic_us() + ORPHAN_WAIT_US;
    for (size_t i = 0; i < count; i++)
        if (closings[i].known && !closings[i].closed)
            settings->close_now(settings->context, &closings[i].stream);
    uint64_t arrival = committer_arrival(settings->committer);
    while (log_state_size(settings->log) == before && clock_monotonic_us() < until_us &&
           !reader->stopping(reader->context))
        arrival = committer_wait(settings->committer, arrival, LOOK_US);
}

void query_close(const struct query_reader *reader, const Tocsin__CloseQuery *query) {
    struct fault fault = {0};
    struct closing closings[CLOSE_STREAMS_MOST];
    struct log_head head;
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    if (!wait_for_turn(reader))
        return;
    uint64_t arrival = committer_arrival(reader->settings->committer);
    uint64_t until_us = clock_monotonic_us() + CLOSE_WAIT_US;
    bool good = begin(reader, query, closings, &fault);
    while (good && !all_closed(reader, closings, query->n_stream_ids) && clock_monotonic_us() < until_us &&
           !reader->stopping(reader->context))
        arrival = committer_wait(reader->settings->committer, arrival, LOOK_US);
    if (good && !all_closed(reader, closings, query->n_stream_ids))
        ask_again(reader, closings, query->n_stream_ids);
    uint64_t size = log_state_size(reader->settings->log);
    if (!good || (query->mark && !mark(reader, &size, &fault))) {
        reader->refuse(reader->context, &fault);
        return;
    }
    give_open(reader, closings, query->n_stream_ids);
    if (wait_for_checkpoint(reader, size, wait_of(query->wait_us), &head, &note))
        give_checkpoint(reader, &head, &note);
    query_end(reader, size);
}

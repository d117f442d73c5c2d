#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "calendar.h"
#include "clock.h"
#include "commit_wait.h"
#include "erasure.h"
#include "memory.h"
#include "report.h"
#include "retention_alerts.h"
#include "retention_hold.h"

#define WITNESS_WAIT_US 30000000ull /* for the checkpoint over a beginning; otherwise the next pass goes on */

void retention_task_day(const struct retention_task *task, char ret_day[11]) {
    char text[CALENDAR_TEXT_SIZE];
    calendar_text(task->day.opened.time_us, text);
    snprintf(ret_day, 11, "%.10s", text);
}

/* ---- statements of the log */

bool retention_state(struct retention_task *task, struct change *change, enum statement_type type,
                     struct slice payload, struct fault *fault) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    if (!log_signer_statement(task->job->settings.signer, type, payload, clock_wall_us(), &statement, fault))
        return false;
    change_statement(change, buffer_slice(&statement));
    return true;
}

static struct change *state(struct retention_task *task, enum statement_type type, struct slice payload) {
    struct fault fault = {0};
    struct change *change = change_create();
    if (retention_state(task, change, type, payload, &fault))
        return change;
    snprintf(task->did, sizeof task->did, "%s", fault.text);
    return change_destroy(change);
}

static void tell(struct retention_task *task, struct change *change, const char *event, const char *words) {
    char day[11];
    retention_task_day(task, day);
    const struct report_field fields[] = {
        {"event.class", class_name(task->class)}, {"retention.day", day}, {NULL, NULL}};
    report_state(change, event, fields, "%s of %s: %s", class_name(task->class), day, words);
}

static bool put(struct retention_task *task, struct change *change, const char *words) {
    struct fault fault = {0};
    if (!change)
        return false;
    bool good =
        commit_wait(task->job->settings.committer, change, retention_stopping, task->job, NULL, &fault);
    snprintf(task->did, sizeof task->did, "%s", good ? words : fault.text);
    return good;
}

static struct erase_range range_of(const struct retention_task *task) {
    return (struct erase_range){
        .class = task->class, .first = task->first, .last = task->last, .key_id = task->key_id};
}

static bool all_sealed(struct retention_task *task) {
    const struct retention_job_settings *settings = &task->job->settings;
    uint64_t sealed = settings->sealed_below(settings->context);
    if (sealed > task->last)
        return true;
    snprintf(task->did, sizeof task->did, "waits until everything of that day is sealed");
    return false;
}

static bool intend(struct retention_task *task) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(256);
    const struct retention_change *policy =
        retention_ledger_policy(task->job->fold.ledger, task->job->now.log_size);
    struct erase_intent intent = {range_of(task), policy->place.ctl_seq};
    char words[160];
    if (!all_sealed(task)) /* the key that is to go must be there to be named */
        return false;
    erase_intent_write(&payload, &intent);
    snprintf(words, sizeof words, "is to be erased; board, monitor or arbitrator may veto it for %u days",
             policy->policy.veto_days);
    struct change *change = state(task, STATEMENT_ERASE_INTENT, buffer_slice(&payload));
    if (change)
        tell(task, change, "erase_intended", words);
    return put(task, change, words);
}

/* ---- erasing */

static bool take_row(void *context, const struct segment_row *row) {
    struct buffer *rows = context;
    return buffer_append(rows, row, sizeof *row);
}

bool retention_segment_rows(const struct retention_task *task, struct buffer *rows, struct fault *fault) {
    return segment_rows_each(task->job->settings.store, NULL, task->class, task->day.opened.ctl_seq, take_row,
                             rows, fault) &&
           (!rows->overflow ||
            fault_set(fault, FAULT_LIMIT, "there are more segments than can be erased at once"));
}

static bool begin(struct retention_task *task) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(256);
    struct erase_begun begun = {range_of(task), task->plan.grounds};
    const struct retention_grounds *grounds =
        retention_ledger_ground(task->job->fold.ledger, task->plan.grounds);
    if (!all_sealed(task))
        return false;
    begun.range.key_id = grounds->range.key_id; /* as it was announced */
    erase_begun_write(&payload, &begun);
    struct change *change = state(task, STATEMENT_ERASE_BEGUN, buffer_slice(&payload));
    if (change)
        tell(task, change, "erase_begun", "is being erased");
    return put(task, change, "the erasure has begun");
}

/* Rows that were sealed were deleted then, alerts are bare, notices delivered; here their bytes go: out of the log by writing
 * it out, out of the files by writing these anew. None of these families is large. */
static bool forget_bytes(struct retention_job *job, struct fault *fault) {
    static const enum store_family families[] = {STORE_HOT, STORE_ALERT, STORE_DETECTOR, STORE_OUTBOX};
    if (!store_flush(job->settings.store, fault))
        return false;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (!store_compact(job->settings.store, families[i], SLICE("\0"), SLICE("\xff\xff\xff\xff"), fault))
            return false;
    return true;
}

/* In the order in which a crash between two steps loses nothing that is to stay, and leaves nothing that opens. */
static bool destroy_bodies(struct retention_task *task, struct fault *fault) {
    const struct retention_job_settings *settings = &task->job->settings;
    CLEANUP_BUFFER struct buffer rows = BUFFER(RETENTION_SEGMENTS_MOST * sizeof(struct segment_row));
    if (!retention_segment_rows(task, &rows, fault))
        return false;
    size_t count = rows.size / sizeof(struct segment_row);
    const struct segment_row *row = (const struct segment_row *)(const void *)rows.data;
    if (!retention_strip_alerts(task, row, count, fault) ||
        !day_keys_destroy(settings->keys, task->class, task->day.opened.ctl_seq, fault))
        return false;
    settings->forget(settings->context, task->class, task->day.opened.ctl_seq);
    struct change *change = change_create();
    for (size_t i = 0; i < count; i++) {
        uint8_t key[SEGMENT_ROW_KEY];
        segment_row_key(key, &row[i]);
        change_delete(change, STORE_SEGMENT, slice_make(key, sizeof key));
    }
    if (count == 0)
        change_destroy(change);
    else if (!commit_wait(settings->committer, change, retention_stopping, task->job, NULL, fault))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!segment_files_drop(task->job->folder, &row[i], fault))
            return false;
    return forget_bytes(task->job, fault);
}

static bool finish(struct retention_task *task) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(16);
    struct fault fault = {0};
    if (!task->plan.confirmed) {
        const struct retention_erasure *erasure =
            retention_ledger_erasure(task->job->fold.ledger, task->plan.erasure);
        struct log_head head;
        snprintf(task->did, sizeof task->did, "the erasure waits for its witnesses");
        return log_state_wait(task->job->settings.log, erasure->begun.index + 1, WITNESS_WAIT_US, &head,
                              NULL);
    }
    if (!all_sealed(task))
        return false;
    if (!destroy_bodies(task, &fault)) {
        char line[FAULT_LINE_SIZE];
        snprintf(task->did, sizeof task->did, "%s", fault_line(&fault, line));
        return false;
    }
    erase_reference_write(&payload, task->plan.erasure);
    struct change *change = state(task, STATEMENT_ERASE_DONE, buffer_slice(&payload));
    if (change)
        tell(task, change, "erased", "is erased; what stays are its roots");
    return put(task, change, "erased");
}

/* What the hold takes is put aside, then the rest may go. */
static bool hold_back(struct retention_task *task) {
    const struct retention_hold *hold = retention_ledger_hold(task->job->fold.ledger, task->plan.hold);
    const struct retention_match *matches;
    struct log_head head;
    if (!task->plan.confirmed)
        return all_sealed(task) && retention_put_aside(task, hold);
    size_t count = retention_ledger_matches(task->job->fold.ledger, &matches);
    snprintf(task->did, sizeof task->did, "what hold %llu keeps waits for its witnesses",
             (unsigned long long)task->plan.hold);
    return count && log_state_wait(task->job->settings.log, matches[count - 1].place.index + 1,
                                   WITNESS_WAIT_US, &head, NULL);
}

bool retention_act(struct retention_task *task) {
    switch (task->plan.state) {
    case RETENTION_DUE:
        return intend(task);
    case RETENTION_READY:
        return begin(task);
    case RETENTION_BEGUN:
        return finish(task);
    case RETENTION_HELD:
        return hold_back(task);
    case RETENTION_OPEN:
    case RETENTION_KEPT:
    case RETENTION_FREE:
    case RETENTION_INTENDED:
    case RETENTION_VETOED:
    case RETENTION_REMINDED:
    case RETENTION_ERASED:
        break;
    }
    return false;
}

/* What people should hear of a new control entry, whenever it came: once, over restarts too. */
#include <inttypes.h>
#include <stdio.h>

#include "bytes.h"
#include "commit_wait.h"
#include "report.h"
#include "retention_days.h"
#include "retention_inside.h"

/* STORE_MARK: u64, the first ctl_seq that was not looked at. In the same commit as what was told. */
#define NEWS_MARK "retention.news"

/* ---- holds that came after the beginning of an erasure */

struct late {
    uint64_t gone, going;    /* units */
    char class[16], day[11]; /* of the first */
    uint64_t begun;          /* its beginning's ctl_seq */
};

static bool names(const struct retention_task *task, uint64_t hold) {
    for (size_t i = 0; i < task->late_count; i++)
        if (task->late[i] == hold)
            return true;
    return false;
}

static void add_unit(struct late *late, const struct retention_task *task) {
    if (late->gone + late->going == 0) {
        snprintf(late->class, sizeof late->class, "%s", class_name(task->class));
        retention_task_day(task, late->day);
        late->begun = task->plan.erasure;
    }
    late->gone += task->plan.state == RETENTION_ERASED;
    late->going += task->plan.state == RETENTION_BEGUN;
}

static bool find_late(struct retention_job *job, const struct retention_hold *hold, struct late *late,
                      struct fault *fault) {
    const struct retention_erasure *erasures;
    size_t count = retention_ledger_erasures(job->fold.ledger, &erasures);
    for (size_t i = 0; i < count; i++) {
        const struct erase_range range = erasures[i].range;
        const struct retention_day *day = retention_ledger_day(job->fold.ledger, range.first);
        struct retention_task task = {
            .job = job, .class = range.class, .first = range.first, .last = range.last};
        if (!day || !(hold->hold.classes >> range.class & 1) || erasures[i].begun.index > hold->place.index)
            continue;
        task.day = *day;
        if (!retention_task_plan(&task, fault))
            return false;
        if (task.plan.erasure == erasures[i].begun.ctl_seq && names(&task, hold->place.ctl_seq))
            add_unit(late, &task);
    }
    return true;
}

static bool tell_late(struct retention_job *job, const struct retention_hold *hold, struct change *change,
                      struct fault *fault) {
    struct late late = {.gone = 0};
    char number[24];
    if (!find_late(job, hold, &late, fault))
        return false;
    if (late.gone + late.going == 0)
        return true;
    snprintf(number, sizeof number, "%" PRIu64, hold->place.ctl_seq);
    const struct report_field fields[] = {
        {"retention.hold", number}, {"event.class", late.class}, {"retention.day", late.day}, {NULL, NULL}};
    report_state(change, "hold_late", fields,
                 "hold %s came too late for %" PRIu64 " classes and days that are gone and %" PRIu64
                 " that are being erased, the first of them %s of %s (begun by control entry %" PRIu64 ")",
                 number, late.gone, late.going, late.class, late.day, late.begun);
    return true;
}

static bool tell_holds(struct retention_job *job, struct change *change, struct fault *fault) {
    const struct retention_hold *holds;
    size_t count = retention_ledger_holds(job->fold.ledger, &holds);
    for (size_t i = 0; i < count; i++)
        if (holds[i].place.ctl_seq >= job->news && holds[i].released == RETENTION_INDEX_NEVER &&
            !tell_late(job, &holds[i], change, fault))
            return false;
    return true;
}

/* ---- days that were too long */

static void tell_days(struct retention_job *job, struct change *change) {
    const struct retention_day *days;
    size_t count = retention_ledger_days(job->fold.ledger, &days);
    for (size_t i = 0; i < count; i++) {
        if (days[i].closed.index == RETENTION_INDEX_NEVER || days[i].closed.ctl_seq < job->news)
            continue;
        struct day_length length =
            retention_day_length(job->fold.ledger, job->fold.agents, &days[i], unit_clock_for(job->clock));
        char number[24];
        snprintf(number, sizeof number, "%" PRIu64, days[i].opened.ctl_seq);
        const struct report_field fields[] = {{"retention.day", number}, {NULL, NULL}};
        if (length.verdict == DAY_PAUSED || length.verdict == DAY_UNMARKED)
            report_state(change, length.verdict == DAY_PAUSED ? "day_paused" : "day_unmarked", fields, "day %s: %s",
                         number, length.text);
    }
}

/* ---- */

bool retention_tell_news(struct retention_job *job, struct fault *fault) {
    const struct retention_job_settings *settings = &job->settings;
    uint64_t next = control_chain_count(job->fold.chain);
    uint8_t mark[8];
    if (job->news == 0 &&
        store_get_fixed(settings->store, STORE_MARK, SLICE(NEWS_MARK), mark, sizeof mark, NULL))
        job->news = bytes_get_u64(mark);
    if (next <= job->news)
        return true;
    struct change *change = change_create();
    if (!tell_holds(job, change, fault)) {
        change_destroy(change);
        return false;
    }
    tell_days(job, change);
    bytes_put_u64(mark, next);
    change_put(change, STORE_MARK, SLICE(NEWS_MARK), slice_make(mark, sizeof mark));
    if (!commit_wait(settings->committer, change, retention_stopping, job, NULL, fault))
        return false;
    job->news = next;
    return true;
}

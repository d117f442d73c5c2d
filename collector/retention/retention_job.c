#include "retention_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "calendar.h"
#include "clock.h"
#include "encoding.h"
#include "log.h"
#include "memory.h"
#include "record_json.h"
#include "report.h"
#include "retention_hold.h"

#define STEPS_MOST 8u                          /* of one unit in a pass */
#define CLOCKS_APART_US (2 * RETENTION_DAY_US) /* the collector's clock and everybody else's */
#define TELL_EVERY_US (20ull * 3600 * 1000000)

/* ---- a pass */

static const struct retention_day *closed_day(const struct retention_job *job, size_t number) {
    const struct retention_day *days;
    size_t count = retention_ledger_days(job->fold.ledger, &days);
    return number < count && days[number].closed.index != RETENTION_INDEX_NEVER ? &days[number] : NULL;
}

static bool counts_of(struct retention_job *job, size_t number, const struct retention_day *day,
                      struct fault *fault) {
    if (number >= job->count_room) {
        size_t room = number + 64;
        job->counts = memory_resize(job->counts, room, sizeof *job->counts);
        memset(job->counts + job->count_room, 0, (room - job->count_room) * sizeof *job->counts);
        job->count_room = room;
    }
    if (job->counts[number].there)
        return true;
    job->counts[number].there = unit_scan_counts(job->settings.store, day->opened.index,
                                                 day->closed.index - 1, job->counts[number].events, fault);
    return job->counts[number].there;
}

/* What there is by now: entries, time. */
static bool look(struct retention_job *job, struct fault *fault) {
    job->clock = unit_clock_destroy(job->clock);
    job->now =
        (struct retention_now){.clock_us = clock_wall_us(), .log_size = log_state_size(job->settings.log)};
    if (!control_fold_catch_up(&job->fold, job->settings.store, fault))
        return false;
    job->clock = unit_clock_create(job->settings.store, job->fold.ledger, log_state_key(job->settings.log),
                                   job->now.clock_us);
    if (retention_ledger_witnesses(job->fold.ledger, job->now.log_size) > 0)
        job->now.witnessed_us = unit_clock_witnessed_now(job->clock);
    return true;
}

/* The log index of the erasure's beginning; RETENTION_INDEX_NEVER where none counts. */
static uint64_t begun_index(const struct retention_task *task) {
    const struct retention_erasure *erasure =
        task->plan.erasure ? retention_ledger_erasure(task->job->fold.ledger, task->plan.erasure) : NULL;
    return erasure ? erasure->begun.index : RETENTION_INDEX_NEVER;
}

static bool a_hold_follows(const struct retention_task *task) {
    const struct retention_hold *holds;
    size_t count = retention_ledger_holds(task->job->fold.ledger, &holds);
    return count > 0 && holds[count - 1].place.index > begun_index(task);
}

/* Without its batches a unit says when it may go at the earliest: what is kept until then, or gone, needs no look at them. */
bool retention_task_plan(struct retention_task *task, struct fault *fault) {
    struct retention_job *job = task->job;
    struct retention_unit *unit =
        retention_unit_create(job->fold.ledger, job->fold.agents, task->class, task->first, task->last);
    retention_unit_plan(unit, unit_clock_for(job->clock), &job->now, &task->plan);
    bool plain = task->plan.state == RETENTION_OPEN || task->plan.state == RETENTION_KEPT ||
                 (task->plan.state == RETENTION_ERASED && !a_hold_follows(task));
    bool good =
        plain || unit_scan_fill(job->settings.store, unit, task->class, task->first, task->last, fault);
    if (good && !plain)
        retention_unit_plan(unit, unit_clock_for(job->clock), &job->now, &task->plan);
    task->late_count =
        good && !plain ? retention_unit_late(unit, begun_index(task), task->late, LATE_MOST) : 0;
    if (task->late_count > LATE_MOST)
        task->late_count = LATE_MOST;
    retention_unit_destroy(unit);
    return good;
}

static void find_key(struct retention_task *task) {
    uint8_t key[DAY_KEY_SIZE];
    struct hash none = {{0}};
    if (!day_keys_get(task->job->settings.keys, task->class, task->day.opened.ctl_seq, key, &task->key_id,
                      NULL))
        task->key_id = none;
    memory_wipe(key, sizeof key);
}

/* Until nothing more can be done now. */
static bool take_steps(struct retention_task *task, bool act, struct fault *fault) {
    for (unsigned step = 0; step < STEPS_MOST; step++) {
        if (!retention_task_plan(task, fault))
            return false;
        if (!act || !retention_act(task))
            return true;
        if (!look(task->job, fault))
            return false;
    }
    return true;
}

/* ---- what it says */

static void put_time(struct buffer *to, const char *name, uint64_t time_us) {
    char text[CALENDAR_TEXT_SIZE];
    if (time_us == RETENTION_NEVER)
        return;
    calendar_text(time_us, text);
    buffer_printf(to, ",\"%s\":\"%s\"", name, text);
}

static void put_text(struct buffer *to, const char *name, const char *text) {
    if (!*text)
        return;
    buffer_printf(to, ",\"%s\":", name);
    record_json_string(to, slice_string(text));
}

static bool give_task(const struct retention_task *task, retention_give *give, void *context) {
    CLEANUP_BUFFER struct buffer line = BUFFER(8192);
    const struct retention_plan *plan = &task->plan;
    char key[2 * HASH_SIZE + 1];
    encoding_hex(task->key_id.bytes, HASH_SIZE, key);
    buffer_printf(&line, "{\"class\":\"%s\",\"day\":%" PRIu64 ",\"state\":\"%s\"", class_name(task->class),
                  task->day.opened.ctl_seq, retention_state_name(plan->state));
    put_time(&line, "opened", task->day.opened.time_us);
    if (task->day.closed.index != RETENTION_INDEX_NEVER)
        put_time(&line, "closed", task->day.closed.time_us);
    buffer_printf(&line,
                  ",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"events\":%" PRIu64
                  ",\"key\":\"%s\",\"overdue\":%s",
                  task->first, task->last, task->events, key, plan->overdue ? "true" : "false");
    put_time(&line, "until", plan->until_us);
    put_time(&line, "earliest", plan->span.earliest_us);
    put_time(&line, "latest", plan->span.latest_us);
    if (plan->grounds)
        buffer_printf(&line, ",\"grounds\":%" PRIu64, plan->grounds);
    if (plan->hold)
        buffer_printf(&line, ",\"hold\":%" PRIu64, plan->hold);
    if (task->late_count) {
        buffer_append_string(&line, ",\"late_holds\":[");
        for (size_t i = 0; i < task->late_count; i++)
            buffer_printf(&line, i ? ",%" PRIu64 : "%" PRIu64, task->late[i]);
        buffer_append_string(&line, "]");
    }
    put_text(&line, "did", task->did);
    buffer_append_string(&line, "}");
    return give(context, buffer_string(&line));
}

static void add_up(struct retention_sums *sums, const struct retention_plan *plan,
                   const struct retention_now *now) {
    bool gone = plan->state == RETENTION_ERASED;
    sums->units++;
    sums->reminded += plan->state == RETENTION_REMINDED;
    sums->intended += plan->state == RETENTION_INTENDED;
    sums->overdue += !gone && plan->span.witnessed && plan->overdue && plan->state != RETENTION_HELD &&
                     now->witnessed_us >= plan->span.latest_us + RETENTION_GRACE_US;
}

static bool give_sums(const struct retention_job *job, const struct retention_sums *sums,
                      retention_give *give, void *context) {
    CLEANUP_BUFFER struct buffer line = BUFFER(1024);
    bool witnessed = retention_ledger_witnesses(job->fold.ledger, job->now.log_size) > 0;
    buffer_printf(&line,
                  "{\"kind\":\"summary\",\"units\":%" PRIu64 ",\"witnessed\":%s,\"findings\":%" PRIu64
                  ",\"reminded\":%" PRIu64 ",\"intended\":%" PRIu64,
                  sums->units, witnessed ? "true" : "false", sums->overdue, sums->reminded, sums->intended);
    if (sums->overdue)
        put_text(&line, "next", "something outlived its maximum: tocsin retention run says why it stays");
    else if (sums->reminded)
        put_text(&line, "next", "tocsin retention erase, signed by two people, for what is past its maximum");
    buffer_append_string(&line, ",\"store\":{");
    job->settings.describe_room(job->settings.context, &line);
    buffer_append_string(&line, "}}");
    return give(context, buffer_string(&line));
}

/* A clock that left everybody else's behind reaches nothing, and somebody should know. */
static void tell_clocks(struct retention_job *job) {
    uint64_t others_us = job->now.witnessed_us;
    if (!others_us)
        others_us = retention_agents_median(job->fold.ledger, job->fold.agents, unit_clock_for(job->clock),
                                            job->now.log_size);
    uint64_t steady_us = clock_monotonic_us();
    if (!others_us || job->now.clock_us < others_us + CLOCKS_APART_US ||
        (job->clock_told_us && steady_us < job->clock_told_us + TELL_EVERY_US))
        return;
    const struct report_field fields[] = {{NULL, NULL}};
    char ours[CALENDAR_TEXT_SIZE], others[CALENDAR_TEXT_SIZE];
    calendar_text(job->now.clock_us, ours);
    calendar_text(others_us, others);
    struct change *change = change_create();
    report_state(change, "retention_clock_apart", fields,
                 "the collector's clock says %s, witnesses and agents say %s: nothing is erased by it", ours,
                 others);
    committer_submit(job->settings.committer, change);
    job->clock_told_us = steady_us;
}

static void tell_overdue(struct retention_job *job, const struct retention_sums *sums) {
    const struct report_field fields[] = {{NULL, NULL}};
    if (!sums->overdue)
        return;
    struct change *change = change_create();
    report_state(change, "retention_overdue", fields,
                 "%" PRIu64 " classes and days outlived their maximum without a hold", sums->overdue);
    committer_submit(job->settings.committer, change);
}

bool retention_stopping(void *context) {
    struct retention_job *job = context;
    pthread_mutex_lock(&job->sleeping);
    bool stopping = job->stopping;
    pthread_mutex_unlock(&job->sleeping);
    return stopping;
}

/* `day` is a copy: the ledger grows while it is worked on. */
static bool pass_day(struct retention_job *job, size_t number, struct retention_day day, bool act,
                     retention_give *give, void *context, struct retention_sums *sums, struct fault *fault) {
    if (!counts_of(job, number, &day, fault))
        return false;
    for (uint8_t class = 0; class < CLASSES; class ++) {
        struct retention_task task = {.job = job,
                                      .class = class,
                                      .day = day,
                                      .first = day.opened.index,
                                      .last = day.closed.index - 1,
                                      .events = job->counts[number].events[class]};
        if (task.events == 0)
            continue;
        find_key(&task);
        if (!take_steps(&task, act, fault))
            return false;
        add_up(sums, &task.plan, &job->now);
        if (*task.did)
            log_notice("retention: %s of log indexes %" PRIu64 " to %" PRIu64 ": %s", class_name(class),
                       task.first, task.last, task.did);
        if (!give_task(&task, give, context))
            return false;
    }
    return true;
}

/* The day that goes on: nothing counts yet, and people see what is there. */
static bool pass_today(struct retention_job *job, retention_give *give, void *context, struct fault *fault) {
    const struct retention_day *days;
    size_t count = retention_ledger_days(job->fold.ledger, &days);
    uint64_t events[CLASS_NUMBERS];
    if (count == 0 || job->now.log_size == 0)
        return true;
    struct retention_task task = {.job = job,
                                  .day = days[count - 1],
                                  .first = days[count - 1].opened.index,
                                  .last = job->now.log_size - 1};
    if (!unit_scan_counts(job->settings.store, task.first, task.last, events, fault))
        return false;
    task.plan = (struct retention_plan){.state = RETENTION_OPEN, .until_us = RETENTION_NEVER};
    task.plan.span.earliest_us = task.plan.span.latest_us = RETENTION_NEVER;
    for (task.class = 0; task.class < CLASSES; task.class ++) {
        task.events = events[task.class];
        find_key(&task);
        if (task.events && !give_task(&task, give, context))
            return false;
    }
    return true;
}

static bool pass(struct retention_job *job, bool act, retention_give *give, void *context,
                 struct fault *fault) {
    struct retention_sums sums = {.units = 0};
    if (!look(job, fault))
        return false;
    if (act && (!retention_let_go(job, fault) || !retention_tell_news(job, fault)))
        return false;
    if (act)
        tell_clocks(job);
    const struct retention_day *day;
    for (size_t number = 0; (day = closed_day(job, number)); number++)
        if (retention_stopping(job) || !pass_day(job, number, *day, act, give, context, &sums, fault))
            return false;
    if (!pass_today(job, give, context, fault))
        return false;
    pthread_mutex_lock(&job->sleeping);
    job->sums = sums;
    pthread_mutex_unlock(&job->sleeping);
    if (act)
        tell_overdue(job, &sums);
    return give_sums(job, &sums, give, context);
}

bool retention_job_pass(struct retention_job *job, bool act, retention_give *give, void *context,
                        struct fault *fault) {
    pthread_mutex_lock(&job->passing);
    bool good = pass(job, act, give, context, fault);
    pthread_mutex_unlock(&job->passing);
    return good;
}

struct retention_sums retention_job_sums(struct retention_job *job) {
    if (!job)
        return (struct retention_sums){.units = 0};
    pthread_mutex_lock(&job->sleeping);
    struct retention_sums sums = job->sums;
    pthread_mutex_unlock(&job->sleeping);
    return sums;
}

bool retention_job_held(struct retention_job *job, uint64_t hold, retention_held_give *give, void *context,
                        struct fault *fault) {
    return retention_held_each(&job->settings, hold, give, context, fault);
}

/* ---- the night */

static bool give_nobody(void *context, const char *json) {
    (void)context;
    (void)json;
    return true;
}

/* Between two nights: whether the control chain has something that people should hear now. */
static bool look_for_news(struct retention_job *job, struct fault *fault) {
    pthread_mutex_lock(&job->passing);
    bool good = control_fold_catch_up(&job->fold, job->settings.store, fault);
    if (good && control_chain_count(job->fold.chain) > job->news)
        good = look(job, fault) && retention_tell_news(job, fault);
    pthread_mutex_unlock(&job->passing);
    return good;
}

static void *run(void *context) {
    struct retention_job *job = context;
    uint64_t pass_us = clock_monotonic_us() + RETENTION_FIRST_US;
    pthread_mutex_lock(&job->sleeping);
    while (!job->stopping) {
        uint64_t next_us = clock_monotonic_us() + RETENTION_NEWS_US;
        struct timespec until = {(time_t)(next_us / 1000000), (long)(next_us % 1000000) * 1000};
        pthread_cond_timedwait(&job->wake, &job->sleeping, &until);
        if (job->stopping)
            break;
        pthread_mutex_unlock(&job->sleeping);
        struct fault fault = {0};
        char line[FAULT_LINE_SIZE];
        bool night = clock_monotonic_us() >= pass_us, good;
        good = night ? retention_job_pass(job, true, give_nobody, NULL, &fault) : look_for_news(job, &fault);
        if (!good && fault.code)
            log_error("retention: %s", fault_line(&fault, line));
        if (night)
            pass_us = clock_monotonic_us() + RETENTION_EVERY_US;
        pthread_mutex_lock(&job->sleeping);
    }
    pthread_mutex_unlock(&job->sleeping);
    return NULL;
}

static void release(struct retention_job *job) {
    unit_clock_destroy(job->clock);
    control_fold_release(&job->fold);
    pthread_mutex_destroy(&job->sleeping);
    pthread_mutex_destroy(&job->passing);
    pthread_cond_destroy(&job->wake);
    free(job->counts);
    free(job->folder);
    free(job);
}

struct retention_job *retention_job_start(const struct retention_job_settings *settings,
                                          struct fault *fault) {
    struct retention_job *job = memory_new(sizeof *job);
    pthread_condattr_t monotonic;
    job->settings = *settings;
    job->folder = memory_copy_string(settings->folder);
    job->fold = control_fold_make();
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&job->sleeping, NULL);
    pthread_mutex_init(&job->passing, NULL);
    pthread_cond_init(&job->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&job->thread, NULL, run, job) == 0)
        return job;
    release(job);
    fault_set(fault, FAULT_IO, "no thread for retention");
    return NULL;
}

void retention_job_quit(struct retention_job *job) {
    if (!job)
        return;
    pthread_mutex_lock(&job->sleeping);
    job->stopping = true;
    pthread_cond_signal(&job->wake);
    pthread_mutex_unlock(&job->sleeping);
}

struct retention_job *retention_job_stop(struct retention_job *job) {
    if (!job)
        return NULL;
    retention_job_quit(job);
    pthread_join(job->thread, NULL);
    release(job);
    return NULL;
}

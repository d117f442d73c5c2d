/* The job from the inside. Private to retention. */
#ifndef TOCSIN_RETENTION_INSIDE_H
#define TOCSIN_RETENTION_INSIDE_H

#include <pthread.h>

#include "control_fold.h"
#include "retention_job.h"
#include "unit_scan.h"

struct day_counts {
    bool there;
    uint64_t events[CLASS_NUMBERS];
};

struct retention_job {
    struct retention_job_settings settings;
    char *folder;
    pthread_t thread;
    pthread_mutex_t sleeping; /* of the thread's sleep */
    pthread_cond_t wake;
    bool stopping;
    struct retention_sums sums; /* of the last pass */

    pthread_mutex_t passing; /* one pass at a time; everything below is the pass's */
    struct control_fold fold;
    size_t count_room;
    struct day_counts *counts; /* of closed days, which do not change */
    struct unit_clock *clock;
    struct retention_now now;
    uint64_t clock_told_us; /* when it was last told that the clocks are apart */
    uint64_t news;          /* control entries below this ctl_seq were looked at for news */
};

#define LATE_MOST 8u /* holds that are named for one unit */

/* One (class, day) in a pass. */
struct retention_task {
    struct retention_job *job;
    uint8_t class;
    struct retention_day day;
    uint64_t first, last, events;
    struct retention_plan plan;
    struct hash key_id;
    uint64_t late[LATE_MOST]; /* holds that came after its erasure had begun */
    size_t late_count;
    char did[FAULT_LINE_SIZE]; /* what was done, or why not; empty for nothing */
};

/* Does the next step of the plan. True: something has changed in the log, and the plan must be made anew. */
bool retention_act(struct retention_task *task);
/* Of the job. */
bool retention_stopping(void *context);
/* Makes the plan as things stand. */
bool retention_task_plan(struct retention_task *task, struct fault *fault);
/* retention_news.c: tells what people should know of new control entries. The job is locked, and has looked. */
bool retention_tell_news(struct retention_job *job, struct fault *fault);
/* For an event. */
void retention_task_day(const struct retention_task *task, char ret_day[11]);

#endif

#include "commit_wait.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "memory.h"

#define LOOK_US 250000u /* how soon a stop is noticed */

/* Held by whoever waits and by the change: the last one frees it. */
struct wait {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    unsigned holders;
    bool committed;
    struct change_outcome outcome;
};

static void release(struct wait *wait) {
    pthread_mutex_lock(&wait->mutex);
    bool last = --wait->holders == 0;
    pthread_mutex_unlock(&wait->mutex);
    if (!last)
        return;
    pthread_cond_destroy(&wait->done);
    pthread_mutex_destroy(&wait->mutex);
    free(wait);
}

static void committed(void *context, struct change *change) {
    struct wait *wait = context;
    pthread_mutex_lock(&wait->mutex);
    wait->committed = true;
    wait->outcome = *change_outcome(change);
    pthread_cond_signal(&wait->done);
    pthread_mutex_unlock(&wait->mutex);
    release(wait);
}

static struct wait *make(void) {
    struct wait *wait = memory_new(sizeof *wait);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&wait->mutex, NULL);
    pthread_cond_init(&wait->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    wait->holders = 2;
    return wait;
}

/* Whether it is committed; waits a moment for it. */
static bool wait_once(struct wait *wait) {
    uint64_t until_us = clock_monotonic_us() + LOOK_US;
    struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000) * 1000};
    pthread_mutex_lock(&wait->mutex);
    if (!wait->committed)
        pthread_cond_timedwait(&wait->done, &wait->mutex, &until);
    bool done = wait->committed;
    pthread_mutex_unlock(&wait->mutex);
    return done;
}

bool commit_wait(struct committer *committer, struct change *change, bool (*stopping)(void *context), void *context,
                 struct change_outcome *ret_outcome, struct fault *fault) {
    struct wait *wait = make();
    uint64_t until_us = clock_monotonic_us() + COMMIT_WAIT_US;
    bool stated = change_has_statement(change), done;
    change_on_committed(change, committed, wait);
    committer_submit(committer, change);
    while (!(done = wait_once(wait)) && clock_monotonic_us() < until_us && !stopping(context))
        ;
    struct change_outcome outcome = {.taken = false};
    if (done)
        outcome = wait->outcome;
    release(wait);
    if (!done)
        return fault_set(fault, FAULT_BUSY, "the collector could not commit it in time; whether it will be is not known");
    if (ret_outcome)
        *ret_outcome = outcome;
    if (stated && !outcome.taken && fault)
        *fault = outcome.fault;
    return !stated || outcome.taken;
}

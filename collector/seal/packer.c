#include "packer.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "bytes.h"
#include "commit_wait.h"
#include "entry_packing.h"
#include "log.h"
#include "memory.h"
#include "report.h"

#define LOOK_S 60

struct packer {
    struct store *store;
    struct committer *committer;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    struct packer_counts counts;
    bool told; /* the thread's own */
};

static bool is_stopping(void *context) {
    struct packer *packer = context;
    pthread_mutex_lock(&packer->mutex);
    bool stopping = packer->stopping;
    pthread_mutex_unlock(&packer->mutex);
    return stopping;
}

static void rest(struct packer *packer) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_S;
    pthread_mutex_lock(&packer->mutex);
    while (!packer->stopping && pthread_cond_timedwait(&packer->changed, &packer->mutex, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&packer->mutex);
}

static void count(struct packer *packer, const struct entry_packed *packed) {
    pthread_mutex_lock(&packer->mutex);
    packer->counts.entries += packed->end - packed->first;
    packer->counts.blocks++;
    packer->counts.bytes += packed->bytes;
    pthread_mutex_unlock(&packer->mutex);
}

static void tell(struct packer *packer, const struct fault *fault) {
    pthread_mutex_lock(&packer->mutex);
    packer->counts.failures++;
    pthread_mutex_unlock(&packer->mutex);
    if (packer->told)
        return;
    packer->told = true;
    log_fault(LOG_LEVEL_ERROR, fault,
              "the log's entries stay as they are; `tocsin verify --full` says whether they are good");
    struct change *change = change_create();
    report_state(change, "packing_failed", NULL,
                 "the log's entries of closed days are not put into columns: %s%s%s", fault->place,
                 fault->place[0] ? ": " : "", fault->text);
    committer_submit(packer->committer, change);
}

/* False when nothing is left, or with a fault. */
static bool step(struct packer *packer, uint64_t end, uint64_t *first, uint64_t *last, uint64_t *bytes,
                 struct fault *fault) {
    struct entry_packed packed;
    struct change *change = change_create();
    if (!entry_packing_step(packer->store, end, change, &packed, fault) || packed.first == packed.end) {
        change_destroy(change);
        return false;
    }
    if (!commit_wait(packer->committer, change, is_stopping, packer, NULL, fault))
        return false;
    count(packer, &packed);
    *first = packed.first < *first ? packed.first : *first;
    *last = packed.end;
    *bytes += packed.bytes;
    return !is_stopping(packer);
}

/* Deleted rows take room until their files are written anew. */
static void give_room_back(struct packer *packer, uint64_t first, uint64_t last, struct fault *fault) {
    static const enum store_family families[] = {STORE_ENTRY, STORE_CLASS_LIST};
    uint8_t from[8], to[8];
    bytes_put_u64(from, first);
    bytes_put_u64(to, last);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        store_compact(packer->store, families[i], slice_make(from, sizeof from), slice_make(to, sizeof to),
                      fault);
    malloc_trim(0); /* the next day is far */
}

static void look(struct packer *packer) {
    struct fault fault = {0};
    uint64_t end, first = UINT64_MAX, last = 0, bytes = 0;
    if (entry_packing_end(packer->store, &end, &fault))
        while (step(packer, end, &first, &last, &bytes, &fault))
            ;
    if (last)
        log_notice("log entries %" PRIu64 " to %" PRIu64 " went into columns: %.1f bytes for each", first,
                   last - 1, (double)bytes / (double)(last - first));
    if (last && !is_stopping(packer))
        give_room_back(packer, first, last, &fault);
    if (fault.code && !is_stopping(packer))
        tell(packer, &fault);
    else if (!fault.code)
        packer->told = false;
}

static void *run(void *context) {
    struct packer *packer = context;
    while (!is_stopping(packer)) {
        look(packer);
        rest(packer);
    }
    return NULL;
}

struct packer *packer_start(struct store *store, struct committer *committer, struct fault *fault) {
    struct packer *packer = memory_new(sizeof *packer);
    packer->store = store;
    packer->committer = committer;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&packer->mutex, NULL);
    pthread_cond_init(&packer->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    errno = pthread_create(&packer->thread, NULL, run, packer);
    packer->started = errno == 0;
    if (packer->started)
        return packer;
    fault_set_system(fault, "a thread for the log's entries");
    return packer_stop(packer);
}

struct packer *packer_stop(struct packer *packer) {
    if (!packer)
        return NULL;
    pthread_mutex_lock(&packer->mutex);
    packer->stopping = true;
    pthread_cond_broadcast(&packer->changed);
    pthread_mutex_unlock(&packer->mutex);
    if (packer->started)
        pthread_join(packer->thread, NULL);
    pthread_cond_destroy(&packer->changed);
    pthread_mutex_destroy(&packer->mutex);
    free(packer);
    return NULL;
}

struct packer_counts packer_counts(struct packer *packer) {
    pthread_mutex_lock(&packer->mutex);
    struct packer_counts counts = packer->counts;
    pthread_mutex_unlock(&packer->mutex);
    return counts;
}

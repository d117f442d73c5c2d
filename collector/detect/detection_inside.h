/* What detection is made of; for the files of this folder alone. */
#ifndef TOCSIN_DETECTION_INSIDE_H
#define TOCSIN_DETECTION_INSIDE_H

#include <pthread.h>

#include "dedup.h"
#include "detection.h"
#include "probe_board.h"
#include "stream_names.h"

#define DETECTION_UPDATES_MOST 64u /* alerts whose count is gathered before it is written */
/* A round that raises more than that goes in several changes. */
#define DETECTION_CHANGE_BYTES (4u * 1024 * 1024)

struct detection_update {
    char id[ALERT_ID_SIZE];
    uint64_t count, last_us;
};

struct detection {
    struct detection_settings settings;
    pthread_t thread;
    pthread_mutex_t mutex;
    bool stopping;
    const struct knowledge *wanted; /* set by reload until the thread has taken it */
    char *const *wanted_core;
    size_t wanted_core_count;
    pthread_cond_t taken;
    struct detection_counts counts;
    struct probe_board *probes; /* written by the thread, under board_mutex; read by whoever has that */
    pthread_mutex_t board_mutex;

    /* The thread's own. */
    const struct knowledge *knowledge;
    struct detector *detector;
    struct dedup *dedup;
    struct stream_names *names;
    struct events_opener *opener;
    struct record *record;
    struct event_field *fields;
    uint64_t next_row, saved_row, save_at_us, advanced_us;
    uint8_t generation; /* of the saved state */
    uint64_t events, alerts, notices;
    uint64_t raised_us;    /* when the newest alert was raised: the next one stands behind it */
    struct change *change; /* of this round */
    bool wake_outbox;      /* the change holds notices */
    bool save;             /* the round did what must not be done again after a restart */
    bool damaged;          /* rows cannot be read, and that was told */
    struct detection_update updates[DETECTION_UPDATES_MOST];
    size_t update_count;
    /* The event at hand, for the matches that it causes. */
    struct slice raw;
    uint64_t stored_us; /* by the collector's clock */
};

/* The change so far goes on its way. */
void detection_submit(struct detection *detection);
/* A detector_report: raises, counts, tells again, ends (detection_alerts.c). */
void detection_match(void *context, const struct detector_match *match);

#endif

/* The collector as a whole: what its parts share. Private to this folder.
 *
 *     main.c      the command line
 *     collector.c starts the parts, wires them, stops them: whoever feeds stops before what is fed
 *     log_wiring.c the log's keys and state, and what the log begins with
 *     backup_wiring.c backups, and what waits for them
 *     retention_wiring.c what erases, and when
 *     room.c      free space
 *     reload.c    settings and rules, and both again on SIGHUP
 *     status.c    the status page and the metrics
 */
#ifndef TOCSIN_COLLECTOR_H
#define TOCSIN_COLLECTOR_H

#include <pthread.h>

#include "backup_gate.h"
#include "backup_service.h"
#include "checkpoint_maker.h"
#include "collector_settings.h"
#include "committer.h"
#include "detection.h"
#include "ed25519.h"
#include "files.h"
#include "ingest.h"
#include "knowledge.h"
#include "log_pages.h"
#include "metrics_server.h"
#include "outbox.h"
#include "own_stream.h"
#include "packer.h"
#include "query_server.h"
#include "retention_job.h"
#include "room_forecast.h"
#include "seal.h"
#include "sealed.h"
#include "witnessing.h"

#define STATUS_MOST (8u * 1024 * 1024) /* bytes of the status page */
#define RELOADS_MOST 1024u /* in one process: what was in force before is kept, readers may still use it */

#define QUIET_US 5000000u /* at a stop, what came in has so long to be committed */
#define CLOSING_MOST 256u /* streams that are asked to close at once */

enum room_state { ROOM_GOOD, ROOM_FILLING, ROOM_LOW };

struct collector {
    const char *site;
    struct collector_settings *settings;
    char data[FILES_PATH_MOST];
    char socket[FILES_PATH_MOST];
    char listen[300];
    char origin[256];
    int lock;
    uint64_t started_us;
    struct loop *loop;
    struct store *store;
    struct signing_key *log_key, *stream_key, *registrar_key;
    struct log_signer *signer;
    struct log_state *log_state;
    struct checkpoint_maker *checkpoints;
    struct witnessing *witnesses;
    struct backup_service *backup; /* NULL where no folder is set */
    struct backup_gate *backup_gate;
    struct retention_job *retention;
    struct own_stream *own;
    struct committer *committer;
    struct outbox *outbox;
    struct recent_texts *recent;
    struct knowledge *_Atomic knowledge; /* the loop's thread sets it; readers may use an older one */
    struct knowledge *retired[RELOADS_MOST];
    struct collector_settings *retired_settings[RELOADS_MOST];
    size_t retired_count;
    struct detection *detection;
    struct day_keys *day_keys;
    struct sealed *sealed; /* segments opened for reading */
    struct seal *seal;
    struct packer *packer;
    struct log_pages *pages;
    struct http_server *page_server; /* NULL: nobody wants them */
    char store_path[FILES_PATH_MOST];
    struct tls_identity *identity;
    struct ingest *ingest;
    struct query_server *queries;
    struct metrics_server *metrics;
    struct loop_timer *room, *watchdog;
    struct loop_signal *signals[3];
    struct loop_wake *status_wanted;
    struct loop_wake *closing_wanted;
    struct room_history room_history; /* the loop's, like what is told of it below */
    _Atomic(enum room_state) room_state;
    uint64_t room_told_us; /* of that state */
    _Atomic uint64_t room_days; /* left, or ROOM_DAYS_UNKNOWN */

    /* The status is written in the loop's thread and read in others. */
    pthread_mutex_t mutex;
    pthread_cond_t status_written;
    struct buffer status;
    uint64_t statuses;
    /* Likewise: streams whose open batches somebody wants closed. */
    struct hash closing[CLOSING_MOST];
    size_t closing_count;
    bool own_closed; /* at a stop: nothing of its own stream is open any more */
};

/* ---- collector.c */

bool collector_start(struct collector *collector, struct fault *fault);
/* Also of one that did not start. */
void collector_finish(struct collector *collector);
/* An event of the collector's own. */
void collector_report(struct collector *collector, const char *event, const char *text);

/* ---- room.c */

void collector_open_room(struct collector *collector);
void collector_look_at_room(void *context); /* the room timer's callback */
/* JSON members: free_bytes, total_bytes, floor_bytes, room (good, filling, low), days_left. Any thread. */
void collector_describe_room(void *context, struct buffer *to);

/* ---- log_wiring.c */

#define COLLECTOR_HEARTBEAT_S 600u /* of agents and of the collector's own stream */

/* Registrar's key, signer, state. */
bool collector_open_log(struct collector *collector, struct fault *fault);
/* What is committed before everything else: the genesis of an empty log, the enrolment of the collector's own stream. Given
 * to the caller; NULL where there is nothing. */
bool collector_first_changes(struct collector *collector, struct change *ret_changes[COMMITTER_FIRST_MOST],
                             struct fault *fault);
/* At a stop, in the loop's thread: closes the own stream and states a mark behind everything. */
void collector_mark_end(struct collector *collector);

/* Any thread: false for a stream of nobody's. */
bool collector_close_now(void *context, const struct hash *stream_id);
void collector_close_wanted(void *context); /* the loop's thread */

/* ---- backup_wiring.c: everything is nothing where no folder is set */

bool collector_has_backup(const struct collector *collector);
/* Before the first commit; follows it all. */
bool collector_start_backup(struct collector *collector, struct fault *fault);
/* The publisher becomes one that waits for the backup. */
void collector_gate_checkpoints(struct collector *collector, struct checkpoint_publisher *publisher);
bool collector_mirror_day_keys(struct collector *collector, struct fault *fault);
bool collector_run_backup(struct collector *collector, struct fault *fault);
/* After the last commit. */
void collector_stop_backup(struct collector *collector);
/* query_server.h, `backup_now`. */
bool collector_backup_now(void *context, struct fault *fault);

/* ---- reload.c */

/* `data` is the option's, or NULL: then the setting's, below the site. */
bool collector_read_settings(struct collector *collector, const char *data, struct fault *fault);
struct knowledge *collector_load_knowledge(const struct collector_settings *settings, struct fault *fault);
/* Logs every rule that is left out. */
void collector_tell_refused(const struct knowledge *knowledge);
void collector_reload(void *context);

/* ---- status.c */

void collector_refresh_status(void *context);                 /* the loop's thread */
void collector_give_status(void *context, struct buffer *to); /* any thread: waits for a fresh one */
void collector_write_metrics(void *context, struct buffer *to);

/* ---- retention_wiring.c */

bool collector_start_retention(struct collector *collector, struct fault *fault);
/* query_server.h, `held` and `retention`. */
bool collector_give_held(void *context, uint64_t hold, bool (*give)(void *giver, uint64_t log_index, struct slice extra),
                         void *giver, struct fault *fault);
bool collector_give_retention(void *context, bool run, bool (*give)(void *giver, const char *json), void *giver,
                              struct fault *fault);

#endif

/* What is known newest of each probe, out of its events: for status and metrics, and for what an attack did.
 *
 * A probe is its host and name. `probe_result` says how a run went, `probe_changed` what is thought of it since when. Events
 * of one probe come in their order. Texts are cut to their sizes here.
 *
 * One thread. Bounded: past PROBE_BOARD_MOST probes the one that was heard of longest ago goes and is counted; one that was
 * not heard of for a week is left out when the board is saved. About 1 KiB a probe. */
#ifndef TOCSIN_PROBE_BOARD_H
#define TOCSIN_PROBE_BOARD_H

#include "buffer.h"
#include "fault.h"
#include "record.h"

#define PROBE_BOARD_MOST 4096u
#define PROBE_BOARD_STATE_MOST (8u * 1024 * 1024)
#define PROBE_BOARD_FORGET_US (7 * 86400ull * 1000000)

enum probe_board_state { PROBE_BOARD_UNKNOWN, PROBE_BOARD_OK, PROBE_BOARD_WARN, PROBE_BOARD_CRITICAL };
#define PROBE_BOARD_STATES 4u
const char *probe_board_state_name(enum probe_board_state state); /* "ok"; "unknown" */

struct probe_standing {
    char host[256], name[128], kind[32], target[256];
    char checks[256];             /* that failed, as of the last change, with blanks between them */
    enum probe_board_state state; /* what is thought of it */
    enum probe_board_state last;  /* how the last run went */
    uint64_t since_us;            /* of the state; 0: not known */
    uint64_t run_us;              /* when the last event was made, by the probing host's clock */
    uint64_t heard_us;            /* when that was stored, by the collector's clock */
    uint64_t took_us;             /* of the last run */
    uint64_t outage_us;           /* when the outage began that goes on; 0: none does */
    uint64_t used_percent;        /* of the time for recovery, as of the last change or reminder */
};

struct probe_board;
struct probe_board *probe_board_create(void);
struct probe_board *probe_board_destroy(struct probe_board *board); /* returns NULL */

/* Takes an event's record if it is a probe's. */
void probe_board_take(struct probe_board *board, const struct record *record, struct slice host, uint64_t time_us,
                      uint64_t stored_us);

size_t probe_board_count(const struct probe_board *board);
/* By host and name. */
const struct probe_standing *probe_board_at(const struct probe_board *board, size_t index);
uint64_t probe_board_evictions(const struct probe_board *board);
/* Whether one that is not ok became so at that time or later. */
bool probe_board_failed_since(const struct probe_board *board, uint64_t time_us);

/* JSON: an array of {"host","name","kind","target","state","last","since","took_ms","heard_seconds","checks","outage":
 * {"start","duration_s","used_percent"}}; those that are critical first, then those that warn. */
void probe_board_describe(const struct probe_board *board, uint64_t now_us, struct buffer *to);

bool probe_board_save(const struct probe_board *board, uint64_t now_us, struct buffer *to);
bool probe_board_load(struct probe_board *board, struct slice from, struct fault *fault); /* on failure it is empty */

#endif

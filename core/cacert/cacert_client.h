/* One exchange with CAcert's signer, as its client: bytes in, bytes out, time an argument.
 *
 *     > 02                          < 10      within 20 s
 *     > block                       < 10      within 5 s; 11: the block again
 *                                   < 02      when the work is done, within 120 s
 *     > 10                          < block   from 1 s on, in pieces
 *     > 10, or 11: the block again
 *
 * The signer knows no error answer: on any fault it dies, and is started again. An exchange that is left half done would kill
 * the one that is just coming up, so the outcome is one thing and the end another: after the outcome is decided (too late, say)
 * the exchange goes on to its end where the signer still can, finish_us at the most. For the same reason it begins
 * with listening: an answer that somebody left behind is taken and thrown away first.
 *
 * Bytes that flow are life, however slowly: it is the gaps that have a limit, and the answer as a whole.
 *
 * Whoever owns the line gives what was read (cacert_client_take), writes what is to be written (cacert_client_give,
 * cacert_client_gave), and calls cacert_client_tick at cacert_client_expiry, until cacert_client_done. Times are
 * microseconds of one clock that never steps. Limits: cacert_frame.h; CACERT_AGAIN_MOST. */
#ifndef TOCSIN_CACERT_CLIENT_H
#define TOCSIN_CACERT_CLIENT_H

#include "cacert_frame.h"

#define CACERT_AGAIN_MOST 3u /* how often a block is sent or asked for again, and a stale answer is taken */

/* How long each step may take. */
struct cacert_times {
    uint64_t quiet_us; /* listened for before it begins */
    uint64_t handshake_us, confirm_us, work_us;
    uint64_t answer_us; /* until its first byte */
    uint64_t gap_us;    /* within it */
    uint64_t whole_us;  /* all of it, asked for again or not */
    uint64_t finish_us; /* after the outcome is decided */
};
/* 1 s, 20 s, 5 s, 120 s, 5 s, 2 s, 60 s, 150 s. */
struct cacert_times cacert_times_default(void);

enum cacert_outcome {
    CACERT_RUNNING,
    CACERT_GOOD,
    CACERT_SILENT,      /* no answer to the start */
    CACERT_ODD,         /* something else than what was due */
    CACERT_UNCONFIRMED, /* the request's receipt */
    CACERT_REFUSED,     /* the request was asked for again and again */
    CACERT_HANGING,     /* it took the request, and the work does not end */
    CACERT_CUT,         /* its answer stops */
    CACERT_GARBLED,     /* its answer is no block, or another one's */
    CACERT_STOPPED,     /* cacert_client_stop */
    CACERT_OUTCOMES,
};
const char *cacert_outcome_name(enum cacert_outcome outcome);

enum cacert_step { CACERT_AT_LINE, CACERT_AT_HANDSHAKE, CACERT_AT_CONFIRM, CACERT_AT_WORK, CACERT_AT_ANSWER };

struct cacert_result {
    enum cacert_outcome outcome;
    enum cacert_step step; /* where it was decided */
    struct fault fault;    /* the sentence, for every outcome but RUNNING and GOOD */
    uint64_t handshake_us, confirm_us, work_us, answer_us; /* how long each took; 0: it did not get there */
    uint64_t gap_us;                                       /* the longest within an answer */
    unsigned stale;                                        /* answers that somebody had left behind */
    unsigned resent, asked; /* how often it asked for the request again, and was asked for its answer again */
    struct fault asked_why; /* the first time */
    enum cacert_flaw flaw;  /* of the answer; GARBLED alone */
    bool abandoned;         /* the exchange was left half done */
    struct cacert_block response; /* borrowed from the client; GOOD alone */
};

struct cacert_client;

/* `request` is a whole block and is copied; `action` is the one that the response must name. */
struct cacert_client *cacert_client_create(struct slice request, uint8_t action,
                                           const struct cacert_times *times, uint64_t now_us);
struct cacert_client *cacert_client_destroy(struct cacert_client *client); /* returns NULL */

void cacert_client_take(struct cacert_client *client, struct slice bytes, uint64_t now_us);
/* What is to be written, borrowed until the next call; then how much of it was. */
struct slice cacert_client_give(const struct cacert_client *client);
void cacert_client_gave(struct cacert_client *client, size_t size, uint64_t now_us);

uint64_t cacert_client_expiry(const struct cacert_client *client);
void cacert_client_tick(struct cacert_client *client, uint64_t now_us);

/* Nobody wants the answer any more: what is begun is brought to its end, nothing new begins. */
void cacert_client_stop(struct cacert_client *client, uint64_t now_us);

const struct cacert_result *cacert_client_result(const struct cacert_client *client);
/* The line may be left. */
bool cacert_client_done(const struct cacert_client *client);

#endif

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
 * the exchange goes on to its end where the signer still can, CACERT_FINISH_US at the most. For the same reason it begins
 * with listening: an answer that somebody left behind is taken and thrown away first.
 *
 * Whoever owns the line gives what was read (cacert_client_take), writes what is to be written (cacert_client_give,
 * cacert_client_gave), and calls cacert_client_tick at cacert_client_expiry, until cacert_client_done. Times are
 * microseconds of one clock that never steps. Limits: cacert_frame.h; CACERT_AGAIN_MOST. */
#ifndef TOCSIN_CACERT_CLIENT_H
#define TOCSIN_CACERT_CLIENT_H

#include "cacert_frame.h"

#define CACERT_QUIET_US 1000000u /* listened for before it begins */
#define CACERT_HANDSHAKE_US 20000000u
#define CACERT_CONFIRM_US 5000000u
#define CACERT_WORK_US 120000000u
#define CACERT_ANSWER_US 5000000u   /* until its first byte */
#define CACERT_GAP_US 2000000u      /* within it */
#define CACERT_FINISH_US 150000000u /* after the outcome is decided */
#define CACERT_AGAIN_MOST 3u /* how often a block is sent or asked for again, and a stale answer is taken */

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
    CACERT_OUTCOMES,
};
const char *cacert_outcome_name(enum cacert_outcome outcome);

struct cacert_result {
    enum cacert_outcome outcome;
    struct fault fault; /* the sentence, for every outcome but RUNNING and GOOD */
    uint64_t handshake_us, confirm_us, work_us, answer_us; /* how long each took; 0: it did not get there */
    unsigned stale;                                        /* answers that somebody had left behind */
    bool abandoned;                                        /* the exchange was left half done */
    struct cacert_block response;                          /* borrowed from the client; GOOD alone */
};

struct cacert_client;

/* `request` is a whole block and is copied; `action` is the one that the response must name. */
struct cacert_client *cacert_client_create(struct slice request, uint8_t action, uint64_t now_us);
struct cacert_client *cacert_client_destroy(struct cacert_client *client); /* returns NULL */

void cacert_client_take(struct cacert_client *client, struct slice bytes, uint64_t now_us);
/* What is to be written, borrowed until the next call; then how much of it was. */
struct slice cacert_client_give(const struct cacert_client *client);
void cacert_client_gave(struct cacert_client *client, size_t size, uint64_t now_us);

uint64_t cacert_client_expiry(const struct cacert_client *client);
void cacert_client_tick(struct cacert_client *client, uint64_t now_us);

const struct cacert_result *cacert_client_result(const struct cacert_client *client);
/* The line may be left. */
bool cacert_client_done(const struct cacert_client *client);

#endif

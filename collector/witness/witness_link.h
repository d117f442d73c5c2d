/* One witness as the collector talks to it: asks for a cosignature, and compares what the witness has with the log. Blocking;
 * one thread. What it needs of the log comes through callbacks.
 *
 * A proof of consistency is built for the size that the witness is known to have; a 409 says another one, and it is tried again.
 * What does not fit together is told apart by the witness's own newest note (GET <url>/<H(origin)>/checkpoint), because only a
 * note that this log's key and the witness have signed proves anything: a mere status proves nothing. */
#ifndef TOCSIN_WITNESS_LINK_H
#define TOCSIN_WITNESS_LINK_H

#include "merkle_proof.h"
#include "witness_request.h"

#define WITNESS_LINK_TIMEOUT_US 5000000u /* a stop waits for it, too */
#define WITNESS_LINK_CONNECT_US 3000000u

/* The committed log. Called in the link's thread. */
struct witness_log_view {
    void *context;
    uint64_t (*size)(void *context);
    bool (*root)(void *context, uint64_t size, struct hash *ret_root, struct fault *fault);
    bool (*proof)(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                  struct fault *fault);
};

struct witness_link_settings {
    const char *url;                /* https://host[:port][/prefix]; copied */
    const char *authorities_path;   /* PEM; NULL: the system's */
    const struct note_key *witness; /* copied */
    const struct note_key *log;     /* copied */
    struct witness_log_view view;
};

struct witness_link;

struct witness_link *witness_link_create(const struct witness_link_settings *settings, struct fault *fault);
struct witness_link *witness_link_destroy(struct witness_link *link); /* returns NULL */

enum witness_outcome {
    WITNESS_AGREES,   /* cosigned; or what it has is this log */
    WITNESS_AHEAD,    /* it has cosigned a larger tree already, a part of this log: ask with a newer one */
    WITNESS_FAILED,   /* not there, does not know the log, or answers what is none: the fault says it */
    WITNESS_ROLLBACK, /* it has a signed, cosigned checkpoint that is larger than this log */
    WITNESS_FORK,     /* it has one of another tree */
};

struct witness_answer {
    uint64_t size;       /* that was cosigned, or that the witness has; 0: nothing yet */
    uint64_t time_s;     /* of the cosignature */
    struct buffer lines; /* its signature lines, AGREES alone */
    struct buffer note;  /* the witness's newest, where it was compared: of ROLLBACK and FORK the proof */
};
struct witness_answer witness_answer_make(void);
void witness_answer_free(struct witness_answer *answer);

/* Has the checkpoint of `size` cosigned: the note as the log signed it. The fault is filled for all but AGREES. */
enum witness_outcome witness_link_ask(struct witness_link *link, uint64_t size, struct slice note,
                                      struct witness_answer *answer, struct fault *fault);

/* Holds the witness's newest note against the log. One that never cosigned anything AGREES with size 0. */
enum witness_outcome witness_link_compare(struct witness_link *link, struct witness_answer *answer,
                                          struct fault *fault);

#endif

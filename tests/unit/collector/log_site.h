/* A pipeline whose log has begun: genesis, registrar, a person who signs, and the maker of checkpoints. */
#ifndef TOCSIN_TEST_LOG_SITE_H
#define TOCSIN_TEST_LOG_SITE_H

#include "checkpoint_maker.h"
#include "log_verifier.h"
#include "pipeline.h"

struct log_site {
    struct store *store; /* borrowed */
    struct loop *loop;
    struct signing_key *stream_key, *log_key, *registrar, *person;
    struct own_stream *own;
    struct log_signer *signer;
    struct log_state *log;
    struct committer *committer;
    struct checkpoint_maker *maker;
    struct hash genesis; /* its leaf, as it was printed beforehand; of a log that began now */
};

#define LOG_SITE_ORIGIN "log.example/tocsin"

/* Starts over what the store holds, or fails the test. */
void log_site_start(struct log_site *site, struct store *store, const struct checkpoint_publisher *publisher);
/* The same, but nobody enrols the own stream. */
void log_site_start_unenrolled(struct log_site *site, struct store *store);
/* The same for a start that is to be refused: gives the sentence. */
const char *log_site_refused(struct store *store);
void log_site_stop(struct log_site *site);
/* As after a kill: nothing more is committed or signed. */
void log_site_drop(struct log_site *site);

/* Turns the loop until a checkpoint over all that is committed is published. */
void log_site_settle(struct log_site *site, struct log_head *ret_head, struct buffer *note);
/* One more batch of the own stream in the log. */
void log_site_close(struct log_site *site);
/* Submits the statement and waits; `extra` may be NULL and is a row of the registry that goes with it. */
struct change_outcome log_site_submit(struct log_site *site, struct slice signed_statement,
                                      const char *extra);
/* A signed statement by the site's person. */
void log_site_sign(const struct log_site *site, uint32_t type, struct slice payload, uint64_t expires_us,
                   struct buffer *to);

/* What `tocsin verify` finds, and the first of it. */
struct log_site_findings {
    unsigned count;
    char first[600];
    struct log_verified log;
};
struct log_site_findings log_site_verify(const struct store *store);

#endif

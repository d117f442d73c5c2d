/* A committer over a fake store, with its loop and own stream, and the whole store held against the verifier. */
#ifndef TOCSIN_TEST_PIPELINE_H
#define TOCSIN_TEST_PIPELINE_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "committer.h"
#include "ed25519.h"
#include "fake_store.h"
#include "own_stream.h"

#define PIPELINE_ORIGIN "collector.example/log"

struct pipeline {
    struct store *store; /* borrowed */
    struct loop *loop;
    struct signing_key *key;
    struct own_stream *own;
    struct log_state *log;
    struct committer *committer;
};

/* Starts over what the store holds, or fails the test. */
void pipeline_start(struct pipeline *pipeline, struct store *store);
void pipeline_stop_committer(struct pipeline *pipeline);
void pipeline_stop(struct pipeline *pipeline);

/* Turns the loop until it is done; fails the test after half a minute. */
void pipeline_until(struct pipeline *pipeline, bool (*done)(void *context), void *context);
/* Until all that was submitted has been called back. */
void pipeline_settle(struct pipeline *pipeline);

/* An event of the collector's own, in a change of its own. */
void pipeline_report(struct pipeline *pipeline, const char *name, const char *host);

/* What `tocsin verify` says of the store: findings fail the test. */
struct pipeline_verified {
    uint64_t events, batches, rows;
    size_t streams;
};
struct pipeline_verified pipeline_verify(const struct store *store);

#endif

/* A collector's parts without its doors: store, committer, and a stream for each lane of one host, whose frames go the way of
 * every frame: checked by a worker, committed, synced. Nothing here is measured or said. */
#ifndef TOCSIN_BENCH_SITE_H
#define TOCSIN_BENCH_SITE_H

#include "bench_agent.h"
#include "committer.h"
#include "day_keys.h"
#include "ingest_stream.h"

struct bench_site {
    char path[512];
    struct store *store;
    struct loop *loop;
    struct signing_key *key;
    struct own_stream *own;
    struct log_state *log;
    struct committer *committer;
    struct day_keys *keys;
    struct openers *openers;
    struct ingest_stream *streams[LANES];
};

/* In an empty folder. */
void bench_site_open(struct bench_site *site, const char *folder);
void bench_site_close(struct bench_site *site);

/* The agent's stream; frames may then be put. */
void bench_site_stream(struct bench_site *site, const struct bench_agent *agent);
/* Waits while the stream's queue is full. */
void bench_site_put(struct bench_site *site, enum lane lane, enum frame_type type, struct slice message,
                    struct slice class_list);
/* Until all that was put is committed. */
void bench_site_settle(struct bench_site *site);
/* Commits the change (give) and waits for it. */
void bench_site_commit(struct bench_site *site, struct change *change);
/* As if detection had read all there is, for ever. */
void bench_site_pass(struct bench_site *site);

#endif

#include "bench_site.h"

#include <stdio.h>

#include "bench_lines.h"
#include "bytes.h"
#include "own_stream.h"

static void refused(void *context, enum lane lane, enum check check, const struct fault *fault) {
    (void)context, (void)lane, (void)check;
    bench_give_up("a frame was refused", fault->text);
}

void bench_site_open(struct bench_site *site, const char *folder) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {5};
    struct store_options options = {.create = true};
    struct fault fault = {0};
    *site = (struct bench_site){.key = signing_key_create(seed)};
    snprintf(site->path, sizeof site->path, "%s/store", folder);
    site->store = store_open(site->path, &options, &fault);
    site->loop = site->store ? loop_create(&fault) : NULL;
    struct own_stream_settings own = {site->store, "collector.ca1", site->key};
    site->own = site->loop ? own_stream_open(&own, &fault) : NULL;
    struct log_state_settings log = {site->store, SLICE("collector.ca1/log"), signing_key_public(site->key)};
    site->log = site->own ? log_state_open(&log, &fault) : NULL;
    struct committer_settings committer = {
        .store = site->store, .loop = site->loop, .own = site->own, .log = site->log};
    site->committer = site->log ? committer_create(&committer, &fault) : NULL;
    site->keys = site->committer ? day_keys_open(folder, true, &fault) : NULL;
    if (!site->keys)
        bench_give_up(folder, fault.text);
    site->openers = openers_create(NULL);
}

void bench_site_close(struct bench_site *site) {
    site->committer = committer_destroy(site->committer);
    for (unsigned lane = 0; lane < LANES; lane++)
        ingest_stream_destroy(site->streams[lane]);
    openers_destroy(site->openers);
    day_keys_close(site->keys);
    own_stream_destroy(site->own);
    log_state_destroy(site->log);
    loop_destroy(site->loop);
    store_close(site->store);
    signing_key_destroy(site->key);
}

void bench_site_stream(struct bench_site *site, const struct bench_agent *agent) {
    static const struct ingest_stream_handlers handlers = {.refused = refused};
    struct fault fault = {0};
    struct ingest_stream *stream = ingest_stream_create(agent->lane, &agent->id, agent->name);
    ingest_stream_set_handlers(stream, &handlers);
    if (!ingest_stream_open(stream, site->store, site->openers, signing_key_public(agent->key), &fault))
        bench_give_up("a stream", fault.text);
    site->streams[agent->lane] = stream;
}

void bench_site_put(struct bench_site *site, enum lane lane, enum frame_type type, struct slice message,
                    struct slice class_list) {
    while (!ingest_stream_put(site->streams[lane], site->loop, site->committer, type, message, class_list))
        loop_turn(site->loop, true);
}

void bench_site_settle(struct bench_site *site) {
    for (unsigned lane = 0; lane < LANES; lane++)
        while (site->streams[lane] && !ingest_stream_is_quiet(site->streams[lane]))
            loop_turn(site->loop, true);
}

static void note(void *context, struct change *change) {
    (void)change;
    *(bool *)context = true;
}

void bench_site_commit(struct bench_site *site, struct change *change) {
    bool done = false;
    change_on_committed(change, note, &done);
    committer_submit(site->committer, change);
    while (!done)
        loop_turn(site->loop, true);
}

void bench_site_pass(struct bench_site *site) {
    uint8_t row[8];
    bytes_put_u64(row, UINT64_MAX);
    struct change *change = change_create();
    change_put(change, STORE_DETECTOR, SLICE("detection"), slice_make(row, sizeof row));
    bench_site_commit(site, change);
}

#include "pipeline.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "report.h"
#include "store_dump.h"
#include "store_verifier.h"

#define PATIENCE_US 30000000u

void pipeline_start(struct pipeline *pipeline, struct store *store) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {5};
    struct fault fault = {0};
    *pipeline = (struct pipeline){.store = store};
    pipeline->key = signing_key_create(seed);
    pipeline->loop = loop_create(&fault);
    assert_non_null(pipeline->loop);
    struct own_stream_settings own = {store, "collector.example", pipeline->key};
    pipeline->own = own_stream_open(&own, &fault);
    if (!pipeline->own)
        fail_msg("%s: %s", fault.place, fault.text);
    struct log_state_settings log = {store, SLICE(PIPELINE_ORIGIN), signing_key_public(pipeline->key)};
    pipeline->log = log_state_open(&log, &fault);
    if (!pipeline->log)
        fail_msg("%s: %s", fault.place, fault.text);
    struct committer_settings committer = {
        .store = store, .loop = pipeline->loop, .own = pipeline->own, .log = pipeline->log};
    pipeline->committer = committer_create(&committer, &fault);
    assert_non_null(pipeline->committer);
}

void pipeline_stop_committer(struct pipeline *pipeline) {
    pipeline->committer = committer_destroy(pipeline->committer);
}

void pipeline_stop(struct pipeline *pipeline) {
    pipeline_stop_committer(pipeline);
    own_stream_destroy(pipeline->own);
    log_state_destroy(pipeline->log);
    loop_destroy(pipeline->loop);
    signing_key_destroy(pipeline->key);
}

void pipeline_until(struct pipeline *pipeline, bool (*done)(void *context), void *context) {
    uint64_t until = clock_monotonic_us() + PATIENCE_US;
    while (!done(context)) {
        loop_turn(pipeline->loop, false);
        usleep(200);
        if (clock_monotonic_us() > until)
            fail_msg("what was waited for did not happen");
    }
}

static void note(void *context, struct change *change) {
    (void)change;
    *(bool *)context = true;
}

static bool is_set(void *context) { return *(bool *)context; }

void pipeline_settle(struct pipeline *pipeline) {
    bool done = false;
    struct change *last = change_create();
    change_on_committed(last, note, &done);
    committer_submit(pipeline->committer, last);
    pipeline_until(pipeline, is_set, &done);
}

void pipeline_report(struct pipeline *pipeline, const char *name, const char *host) {
    struct change *change = change_create();
    const struct report_field fields[] = {{"host.name", host}, {NULL, NULL}};
    report_state(change, name, fields, "%s on %s", name, host);
    committer_submit(pipeline->committer, change);
}

static void find(void *context, const char *place, const char *text) {
    (void)context;
    fail_msg("%s: %s", place, text);
}

static bool take(void *context, enum store_family family, struct slice key, struct slice value) {
    store_verifier_row(context, family, key, value);
    return true;
}

struct pipeline_verified pipeline_verify(const struct store *store) {
    struct store_verifier *verifier = store_verifier_create(find, NULL);
    struct fault fault = {0};
    uint64_t rows;
    assert_true(store_dump(store, take, verifier, &rows, &fault));
    struct store_verified verified = store_verifier_finish(verifier);
    store_verifier_destroy(verifier);
    return (struct pipeline_verified){verified.events, verified.batches, verified.rows, verified.streams};
}

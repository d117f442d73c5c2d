#include "log_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent_enrolment.h"
#include "clock.h"
#include "genesis_file.h"
#include "random.h"
#include "report.h"
#include "retention_standard.h"
#include "store_dump.h"
#include "store_verifier.h"
#include "stream_id.h"

#define PATIENCE_US 30000000u
#define OWN_HOST "collector.example"

static struct signing_key *key_of(uint8_t number) {
    uint8_t seed[ED25519_SEED_SIZE] = {number};
    return signing_key_create(seed);
}

static struct change *genesis_of(struct log_site *site) {
    char path[] = "/tmp/tocsin-genesis-XXXXXX";
    struct fault fault = {0};
    struct genesis_file file;
    struct retention_policy retention = retention_policy_shipped();
    struct genesis_plan plan = {.origin = SLICE(LOG_SITE_ORIGIN),
                                .log_key = site->log_key,
                                .person_key = site->person,
                                .registrar = signing_key_public(site->registrar),
                                .person = SLICE("alice"),
                                .retention = &retention,
                                .now_us = clock_wall_us()};
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    unlink(path);
    if (!genesis_file_make(path, &plan, &site->genesis, &fault) || !genesis_file_read(path, &file, &fault))
        fail_msg("%s", fault.text);
    unlink(path);
    assert_int_equal(file.text_count, 1);
    struct change *change = change_create();
    change_statement(change, file.statement);
    assert_true(report_text(change, file.texts[0]));
    genesis_file_release(&file);
    return change;
}

static struct change *own_of(struct log_site *site) {
    struct fault fault = {0};
    const struct verify_key *key = signing_key_public(site->stream_key);
    struct agent_enrolment enrolment = {.name = SLICE(OWN_HOST), .key = *key, .heartbeat_s = 600};
    for (unsigned lane = 0; lane < LANES; lane++) {
        char name[STREAM_NAME_SIZE];
        assert_true(stream_name_make(SLICE(OWN_HOST), (enum lane)lane, name));
        enrolment.streams[lane] = stream_id_make(slice_string(name), key);
    }
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    assert_true(agent_enrolment_write(&payload, &enrolment));
    assert_true(log_signer_statement(site->signer, STATEMENT_AGENT_ENROL, buffer_slice(&payload),
                                     clock_wall_us(), &statement, &fault));
    struct change *change = change_create();
    change_statement(change, buffer_slice(&statement));
    return change;
}

static bool open_site(struct log_site *site, struct store *store, struct fault *fault) {
    *site = (struct log_site){.store = store};
    site->stream_key = key_of(5);
    site->log_key = key_of(6);
    site->registrar = key_of(7);
    site->person = key_of(8);
    site->loop = loop_create(fault);
    assert_non_null(site->loop);
    struct own_stream_settings own = {store, OWN_HOST, site->stream_key};
    site->own = own_stream_open(&own, fault);
    assert_non_null(site->own);
    site->signer = log_signer_create(SLICE(LOG_SITE_ORIGIN), site->log_key, site->registrar, fault);
    assert_non_null(site->signer);
    struct log_state_settings log = {store, SLICE(LOG_SITE_ORIGIN), signing_key_public(site->log_key)};
    site->log = log_state_open(&log, fault);
    return site->log != NULL;
}

static void close_site(struct log_site *site) {
    own_stream_destroy(site->own);
    log_state_destroy(site->log);
    log_signer_destroy(site->signer);
    loop_destroy(site->loop);
    signing_key_destroy(site->stream_key);
    signing_key_destroy(site->log_key);
    signing_key_destroy(site->registrar);
    signing_key_destroy(site->person);
}

const char *log_site_refused(struct store *store) {
    static char text[FAULT_TEXT_SIZE];
    struct log_site site;
    struct fault fault = {0};
    bool opened = open_site(&site, store, &fault);
    close_site(&site);
    snprintf(text, sizeof text, "%s", opened ? "" : fault.text);
    return text;
}

static void start(struct log_site *site, struct store *store, const struct checkpoint_publisher *publisher, bool enrol) {
    struct fault fault = {0};
    if (!open_site(site, store, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    struct committer_settings committer = {
        .store = store, .loop = site->loop, .own = site->own, .log = site->log, .signer = site->signer};
    if (log_state_size(site->log) == 0) {
        committer.first[0] = genesis_of(site);
        committer.first[1] = enrol ? own_of(site) : NULL;
    }
    site->committer = committer_create(&committer, &fault);
    if (!site->committer)
        fail_msg("%s: %s", fault.place, fault.text);
    struct checkpoint_maker_settings maker = {.store = store,
                                              .committer = site->committer,
                                              .log = site->log,
                                              .signer = site->signer,
                                              .every_us = CHECKPOINT_EVERY_LEAST_US};
    if (publisher)
        maker.publisher = *publisher;
    site->maker = checkpoint_maker_start(&maker, &fault);
    assert_non_null(site->maker);
}

void log_site_start(struct log_site *site, struct store *store, const struct checkpoint_publisher *publisher) {
    start(site, store, publisher, true);
}

void log_site_start_unenrolled(struct log_site *site, struct store *store) {
    start(site, store, NULL, false);
}

void log_site_stop(struct log_site *site) {
    checkpoint_maker_quit(site->maker);
    site->committer = committer_destroy(site->committer);
    site->maker = checkpoint_maker_finish(site->maker);
    close_site(site);
}

void log_site_drop(struct log_site *site) {
    log_state_halt(site->log);
    log_site_stop(site);
}

static void turn(struct log_site *site, uint64_t until_us) {
    loop_turn(site->loop, false);
    usleep(100);
    if (clock_monotonic_us() > until_us)
        fail_msg("what was waited for did not happen");
}

void log_site_settle(struct log_site *site, struct log_head *ret_head, struct buffer *note) {
    uint64_t until_us = clock_monotonic_us() + PATIENCE_US;
    do {
        log_state_want(site->log, log_state_size(site->log));
        turn(site, until_us);
    } while (!log_state_newest(site->log, ret_head, note) || ret_head->size < log_state_size(site->log));
}

struct answer {
    bool came;
    struct change_outcome outcome;
};

static void note_answer(void *context, struct change *change) {
    struct answer *answer = context;
    answer->came = true;
    answer->outcome = *change_outcome(change);
}

static struct change_outcome submit(struct log_site *site, struct change *change) {
    struct answer answer = {.came = false};
    uint64_t until_us = clock_monotonic_us() + PATIENCE_US;
    change_on_committed(change, note_answer, &answer);
    committer_submit(site->committer, change);
    while (!answer.came)
        turn(site, until_us);
    return answer.outcome;
}

void log_site_close(struct log_site *site) {
    struct change *change = change_create();
    change_close_own(change);
    submit(site, change);
}

struct change_outcome log_site_submit(struct log_site *site, struct slice signed_statement,
                                      const char *extra) {
    struct change *change = change_create();
    if (extra)
        change_put(change, STORE_REGISTRY, slice_string(extra), SLICE("x"));
    change_statement(change, signed_statement);
    return submit(site, change);
}

void log_site_sign(const struct log_site *site, uint32_t type, struct slice payload, uint64_t expires_us,
                   struct buffer *to) {
    static uint8_t number;
    struct statement statement = {.log = *log_signer_log(site->signer),
                                  .nonce = {++number},
                                  .type = type,
                                  .made_us = 1,
                                  .expires_us = expires_us,
                                  .payload = payload};
    CLEANUP_BUFFER struct buffer bytes = BUFFER(LOG_STATEMENT_MOST);
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    assert_true(statement_write(&bytes, &statement));
    signing_key_sign(site->person, buffer_slice(&bytes), signature);
    struct signed_statement signed_statement = {
        .bytes = buffer_slice(&bytes), .statement = statement, .signature_count = 1};
    signed_statement.signatures[0] =
        (struct statement_signature){sha256_of(slice_make(signing_key_public(site->person)->bytes, 32)),
                                     STATEMENT_ED25519, slice_make(signature, sizeof signature)};
    buffer_clear(to);
    assert_true(signed_statement_write(to, &signed_statement));
}

static void find(void *context, const char *place, const char *text) {
    struct log_site_findings *findings = context;
    if (findings->count++ == 0)
        snprintf(findings->first, sizeof findings->first, "%s: %s", place, text);
}

static bool take(void *context, enum store_family family, struct slice key, struct slice value) {
    store_verifier_row(context, family, key, value);
    return true;
}

struct log_site_findings log_site_verify(const struct store *store) {
    struct log_site_findings findings = {.count = 0};
    struct fault fault = {0};
    struct note_key key;
    uint64_t rows;
    struct signing_key *log_key = key_of(6);
    struct store_verifier *verifier = store_verifier_create(find, &findings);
    assert_true(
        note_key_make(NOTE_KEY_LOG, SLICE(LOG_SITE_ORIGIN), signing_key_public(log_key), &key, &fault));
    store_verifier_set_key(verifier, &key);
    assert_true(store_dump(store, take, verifier, &rows, &fault));
    findings.log = store_verifier_finish(verifier).log;
    store_verifier_destroy(verifier);
    signing_key_destroy(log_key);
    return findings;
}

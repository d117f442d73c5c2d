/* A witness with a disk: what it has cosigned outlives it, nothing else is written, and its pages say what they should. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "encoding.h"
#include "files.h"
#include "keepsake.h"
#include "merkle_proof.h"
#include "scratch.h"
#include "statement.h"
#include "statement_type.h"
#include "witness_pages.h"

#define ORIGIN "log.example/tocsin"
#define LEAVES 64u
#define NOW 1800000000u

struct world {
    char folder[FILES_PATH_MOST];
    struct hash leaves[LEAVES], others[LEAVES];
    struct signing_key *log_signing, *witness_signing;
    struct note_key log, witness;
    struct keeper *keeper;
    char name[2 * HASH_SIZE + 1]; /* of the log in paths */
};

static struct note_key named(enum note_key_type type, const char *name, const struct signing_key *key) {
    struct note_key made;
    assert_true(note_key_make(type, slice_string(name), signing_key_public(key), &made, NULL));
    return made;
}

static struct keeper *open_as(const struct world *world, const struct note_key *witness,
                              struct fault *fault) {
    const struct keeper_settings settings = {.folder = world->folder,
                                             .witness = witness,
                                             .signing = world->witness_signing,
                                             .logs = &world->log,
                                             .log_count = 1};
    return keeper_open(&settings, fault);
}

static void reopen(struct world *world) {
    struct fault fault = {0};
    keeper_close(world->keeper);
    world->keeper = open_as(world, &world->witness, &fault);
    if (!world->keeper)
        fail_msg("%s: %s", fault.place, fault.text);
}

static int set_up(void **state) {
    static struct world world;
    static unsigned number;
    uint8_t log_seed[32] = {1}, witness_seed[32] = {2};
    char name[32];
    world = (struct world){.keeper = NULL};
    snprintf(name, sizeof name, "w%u", number++);
    snprintf(world.folder, sizeof world.folder, "%s", scratch_path(name));
    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t byte = (uint8_t)i, other = (uint8_t)(i + 100);
        world.leaves[i] = merkle_leaf(slice_make(&byte, 1));
        world.others[i] = merkle_leaf(slice_make(&other, 1));
    }
    world.log_signing = signing_key_create(log_seed);
    world.witness_signing = signing_key_create(witness_seed);
    world.log = named(NOTE_KEY_LOG, ORIGIN, world.log_signing);
    world.witness = named(NOTE_KEY_WITNESS, "w.example", world.witness_signing);
    struct hash hash = sha256_of(SLICE(ORIGIN));
    encoding_hex(hash.bytes, sizeof hash.bytes, world.name);
    reopen(&world);
    *state = &world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    keeper_close(world->keeper);
    signing_key_destroy(world->log_signing);
    signing_key_destroy(world->witness_signing);
    return 0;
}

static void make_request(const struct world *world, const struct hash *leaves, uint64_t old, uint64_t size,
                         struct buffer *to) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct checkpoint checkpoint = {SLICE(ORIGIN), size, merkle_root(leaves, size)};
    struct merkle_path path = {.count = 0};
    if (old > 0 && old <= size)
        merkle_proof_consistency(leaves, size, old, &path);
    assert_true(checkpoint_sign(&note, &checkpoint, &world->log, world->log_signing));
    assert_true(witness_request_write(to, old, path.hashes, path.count, buffer_slice(&note)));
}

static enum witness_status ask(struct world *world, const struct hash *leaves, uint64_t old, uint64_t size,
                               uint64_t now_s, struct buffer *answer) {
    CLEANUP_BUFFER struct buffer request = BUFFER(WITNESS_REQUEST_MOST);
    bool fork;
    make_request(world, leaves, old, size, &request);
    buffer_clear(answer);
    return keeper_add_checkpoint(world->keeper, buffer_slice(&request), now_s, answer, &fork);
}

/* The size of the newest note, which must verify with its cosignature; 0 for none. */
static uint64_t newest(struct world *world) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct witness_policy policy = {.needed = 1, .count = 1, .witnesses = {world->witness}};
    struct signed_checkpoint read;
    struct fault fault = {0};
    if (!keeper_newest(world->keeper, slice_string(world->name), &note, &fault)) {
        assert_int_equal(fault.code, FAULT_MISSING);
        return 0;
    }
    assert_true(checkpoint_read(buffer_slice(&note), &world->log, &policy, &read, NULL));
    assert_true(read.cosignatures[0].there);
    return read.checkpoint.size;
}

/* ---- what is remembered */

static void what_was_cosigned_outlives_the_witness(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer answer = BUFFER(4096);
    assert_int_equal(newest(world), 0);
    assert_int_equal(ask(world, world->leaves, 0, 10, NOW, &answer), WITNESS_COSIGNED);
    assert_int_equal(ask(world, world->leaves, 10, 33, NOW + 1, &answer), WITNESS_COSIGNED);
    assert_int_equal(newest(world), 33);
    reopen(world);
    assert_int_equal(newest(world), 33);
    assert_int_equal(ask(world, world->leaves, 10, 33, NOW + 2, &answer), WITNESS_CONFLICT);
    assert_string_equal(buffer_string(&answer), "33\n");
    assert_int_equal(ask(world, world->leaves, 0, 10, NOW + 2, &answer), WITNESS_CONFLICT);
    assert_int_equal(ask(world, world->leaves, 33, 40, NOW - 60, &answer), WITNESS_LATER);
    assert_int_equal(ask(world, world->leaves, 33, 40, NOW + 2, &answer), WITNESS_COSIGNED);
    assert_int_equal(newest(world), 40);
}

static void nobody_else_s_signatures_are_kept_in_the_note(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer request = BUFFER(WITNESS_REQUEST_MOST), answer = BUFFER(4096),
                                 note = BUFFER(NOTE_MOST);
    bool fork;
    make_request(world, world->leaves, 0, 5, &request);
    buffer_append_string(&request, "\xe2\x80\x94 somebody.example AAAAAAAA\n");
    assert_int_equal(keeper_add_checkpoint(world->keeper, buffer_slice(&request), NOW, &answer, &fork),
                     WITNESS_COSIGNED);
    assert_true(keeper_newest(world->keeper, slice_string(world->name), &note, NULL));
    assert_true(slice_find(buffer_slice(&note), SLICE("somebody")) == SIZE_MAX);
    assert_int_equal(newest(world), 5);
}

static void a_disk_that_does_not_take_it_is_503_and_nothing_is_cosigned(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer answer = BUFFER(4096);
    char place[FILES_PATH_MOST + 80], aside[FILES_PATH_MOST + 80];
    assert_int_equal(ask(world, world->leaves, 0, 10, NOW, &answer), WITNESS_COSIGNED);
    snprintf(place, sizeof place, "%s/%s", world->folder, world->name);
    snprintf(aside, sizeof aside, "%s/aside", world->folder);
    assert_int_equal(rename(place, aside), 0);
    assert_int_equal(ask(world, world->leaves, 10, 20, NOW, &answer), WITNESS_LATER);
    assert_true(slice_find(buffer_slice(&answer), SLICE("w.example")) == SIZE_MAX);
    assert_int_equal(rename(aside, place), 0);
    assert_int_equal(ask(world, world->leaves, 20, 30, NOW, &answer), WITNESS_CONFLICT);
    assert_string_equal(buffer_string(&answer), "10\n");
    assert_int_equal(ask(world, world->leaves, 10, 20, NOW, &answer), WITNESS_COSIGNED);
}

static void a_damaged_memory_stops_the_start(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer answer = BUFFER(4096), note = BUFFER(NOTE_MOST);
    char path[FILES_PATH_MOST + 80];
    struct fault fault = {0};
    assert_int_equal(ask(world, world->leaves, 0, 10, NOW, &answer), WITNESS_COSIGNED);
    snprintf(path, sizeof path, "%s/%s/checkpoint", world->folder, world->name);
    assert_true(files_read(path, &note, NULL));
    world->keeper = keeper_close(world->keeper);
    /* Every bit: the text, the log's signature, its own. */
    for (size_t i = 0; i < note.size; i++) {
        note.data[i] ^= 1;
        assert_true(files_write(path, buffer_slice(&note), 0600, NULL));
        assert_null(open_as(world, &world->witness, &fault));
        note.data[i] ^= 1;
    }
    assert_true(files_write(path, slice_head(buffer_slice(&note), note.size / 2), 0600, NULL));
    assert_null(open_as(world, &world->witness, &fault));
    assert_true(strstr(fault.place, "checkpoint") != NULL);
    assert_true(files_write(path, buffer_slice(&note), 0600, NULL));
    /* Another name is another witness. */
    struct note_key other = named(NOTE_KEY_WITNESS, "other.example", world->witness_signing);
    assert_null(open_as(world, &other, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    reopen(world);
    assert_int_equal(newest(world), 10);
}

static void logs_twice_and_the_witness_s_own_key_are_refused(void **state) {
    struct world *world = *state;
    struct fault fault = {0};
    struct note_key logs[2] = {world->log, world->log};
    struct keeper_settings settings = {world->folder, &world->witness, world->witness_signing, logs, 2};
    assert_null(keeper_open(&settings, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    logs[1] = named(NOTE_KEY_LOG, "log.example/own", world->witness_signing);
    assert_null(keeper_open(&settings, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
}

/* ---- two at once */

struct racer {
    struct world *world;
    pthread_barrier_t *barrier;
    uint64_t size;
    enum witness_status status;
};

static void *race(void *context) {
    struct racer *racer = context;
    CLEANUP_BUFFER struct buffer request = BUFFER(WITNESS_REQUEST_MOST), answer = BUFFER(4096);
    bool fork;
    make_request(racer->world, racer->world->leaves, 10, racer->size, &request);
    pthread_barrier_wait(racer->barrier);
    racer->status = keeper_add_checkpoint(racer->world->keeper, buffer_slice(&request), NOW, &answer, &fork);
    return NULL;
}

static void of_two_requests_over_one_old_size_one_is_cosigned(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer answer = BUFFER(4096);
    assert_int_equal(ask(world, world->leaves, 0, 10, NOW, &answer), WITNESS_COSIGNED);
    pthread_t threads[8];
    struct racer racers[8];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 8);
    for (size_t i = 0; i < 8; i++) {
        racers[i] = (struct racer){world, &barrier, 20 + i, WITNESS_LATER};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    unsigned cosigned = 0, conflicts = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        conflicts += racers[i].status == WITNESS_CONFLICT;
        if (racers[i].status == WITNESS_COSIGNED) {
            cosigned++;
            size = racers[i].size;
        }
    }
    pthread_barrier_destroy(&barrier);
    assert_int_equal(cosigned, 1);
    assert_int_equal(conflicts, 7);
    assert_int_equal(newest(world), size);
    reopen(world);
    assert_int_equal(newest(world), size);
}

/* ---- pages */

static unsigned page(struct world *world, const char *method, const char *path, struct slice body,
                     struct buffer *to) {
    struct witness_pages *pages = witness_pages_create(world->keeper, &world->witness);
    struct http_request request = {method, path, body, "127.0.0.1"};
    struct http_answer answer = {.body = BUFFER(HTTP_SERVER_ANSWER_MOST)};
    witness_pages_handle(pages, &request, &answer);
    buffer_clear(to);
    buffer_append_slice(to, buffer_slice(&answer.body));
    if (answer.status == 409)
        assert_string_equal(answer.type, "text/x.tlog.size");
    buffer_free(&answer.body);
    witness_pages_destroy(pages);
    return answer.status;
}

static unsigned log_page(struct world *world, const char *method, const char *rest, struct slice body,
                         struct buffer *to) {
    char path[512];
    snprintf(path, sizeof path, "/%s/%s", world->name, rest);
    return page(world, method, path, body, to);
}

static void a_fork_is_kept_with_both_notes(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer request = BUFFER(WITNESS_REQUEST_MOST), got = BUFFER(1u << 20),
                                 item = BUFFER(1u << 20);
    assert_int_equal(log_page(world, "GET", "forks", SLICE(""), &got), 200);
    assert_int_equal(got.size, 0);
    make_request(world, world->leaves, 0, 10, &request);
    assert_int_equal(page(world, "POST", "/add-checkpoint", buffer_slice(&request), &got), 200);
    buffer_clear(&request);
    make_request(world, world->others, 10, 10, &request);
    assert_int_equal(page(world, "POST", "/add-checkpoint", buffer_slice(&request), &got), 422);
    reopen(world);
    assert_int_equal(log_page(world, "GET", "forks", SLICE(""), &got), 200);
    struct slice rest = buffer_slice(&got), line;
    struct hash roots[2];
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        struct signed_checkpoint read;
        assert_true(note_line(&rest, &line));
        snprintf(path, sizeof path, "forks/%.64s", (const char *)line.data);
        assert_int_equal(log_page(world, "GET", path, SLICE(""), &item), 200);
        assert_true(checkpoint_read(buffer_slice(&item), &world->log, NULL, &read, NULL));
        assert_int_equal(read.checkpoint.size, 10);
        roots[i] = read.checkpoint.root;
    }
    assert_int_equal(rest.size, 0);
    assert_false(hash_equal(&roots[0], &roots[1]));
    assert_int_equal(newest(world), 10);
    assert_int_equal(page(world, "GET", "/", SLICE(""), &got), 200);
    assert_true(slice_find(buffer_slice(&got), SLICE("FORKED")) != SIZE_MAX);
}

static void make_statement(const struct world *world, uint8_t nonce, struct buffer *to) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(1024);
    struct statement statement = {.log = statement_log(SLICE(ORIGIN), &world->log.key),
                                  .nonce = {nonce},
                                  .type = STATEMENT_NOTE,
                                  .made_us = 1,
                                  .expires_us = 2,
                                  .payload = SLICE("x")};
    uint8_t signature[64] = {0};
    assert_true(statement_write(&bytes, &statement));
    struct signed_statement signed_statement = {
        .bytes = buffer_slice(&bytes), .statement = statement, .signature_count = 1};
    signed_statement.signatures[0] =
        (struct statement_signature){.scheme = 1, .bytes = slice_make(signature, 64)};
    assert_true(signed_statement_write(to, &signed_statement));
}

static void statements_are_kept_and_served(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer statement = BUFFER(4096), got = BUFFER(1u << 20);
    char hash[65], path[512];
    make_statement(world, 1, &statement);
    assert_int_equal(log_page(world, "POST", "statements", buffer_slice(&statement), &got), 201);
    assert_int_equal(got.size, 65);
    snprintf(hash, sizeof hash, "%.64s", buffer_string(&got));
    assert_int_equal(log_page(world, "POST", "statements", buffer_slice(&statement), &got), 201);
    reopen(world);
    assert_int_equal(log_page(world, "GET", "statements", SLICE(""), &got), 200);
    snprintf(path, sizeof path, "%s %zu\n", hash, statement.size);
    assert_string_equal(buffer_string(&got), path);
    snprintf(path, sizeof path, "statements/%s", hash);
    assert_int_equal(log_page(world, "GET", path, SLICE(""), &got), 200);
    assert_true(slice_equal(buffer_slice(&got), buffer_slice(&statement)));
}

static void what_is_no_statement_of_that_log_is_refused(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer statement = BUFFER(4096), got = BUFFER(1u << 20);
    make_statement(world, 1, &statement);
    assert_int_equal(log_page(world, "POST", "statements", SLICE(""), &got), 400);
    assert_int_equal(log_page(world, "POST", "statements", SLICE("hello"), &got), 400);
    assert_int_equal(
        log_page(world, "POST", "statements", slice_head(buffer_slice(&statement), statement.size - 1), &got),
        400);
    statement.data[30] ^= 1; /* of another log */
    assert_int_equal(log_page(world, "POST", "statements", buffer_slice(&statement), &got), 400);
    assert_int_equal(log_page(world, "GET", "statements", SLICE(""), &got), 200);
    assert_int_equal(got.size, 0);
}

static void a_full_shelf_takes_nothing_and_loses_nothing(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer statement = BUFFER(4096), got = BUFFER(1u << 20), before = BUFFER(1u << 20);
    char folder[FILES_PATH_MOST + 80];
    snprintf(folder, sizeof folder, "%s/%s/statements", world->folder, world->name);
    assert_true(files_make_folder(folder, 0700, NULL));
    for (unsigned i = 0; i < KEEPSAKE_ITEMS_MOST; i++) {
        char path[FILES_PATH_MOST + 160];
        snprintf(path, sizeof path, "%s/%064x", folder, i);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fclose(file);
    }
    reopen(world);
    assert_int_equal(log_page(world, "GET", "statements", SLICE(""), &before), 200);
    make_statement(world, 1, &statement);
    assert_int_equal(log_page(world, "POST", "statements", buffer_slice(&statement), &got), 413);
    assert_int_equal(log_page(world, "GET", "statements", SLICE(""), &got), 200);
    assert_true(slice_equal(buffer_slice(&got), buffer_slice(&before)));
}

static void paths_that_are_none_are_404(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer got = BUFFER(1u << 20);
    static const char *const paths[] = {"/x",          "//",      "/../etc/passwd", "/add-checkpoint/",
                                        "/checkpoint", "/%2e%2e/"};
    static const char *const rests[] = {
        "",        "checkpoint/", "checkpoint", "statements/",    "statements/../checkpoint",
        "forks/x", "fork",        "forksy",     "statements/0000"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(page(world, "GET", paths[i], SLICE(""), &got), 404);
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++)
        assert_int_equal(log_page(world, "GET", rests[i], SLICE(""), &got), 404);
    assert_int_equal(page(world, "POST", "/x", SLICE(""), &got), 404);
    assert_int_equal(log_page(world, "POST", "forks", SLICE(""), &got), 404);
    assert_int_equal(page(world, "GET", "/add-checkpoint", SLICE(""), &got), 405);
    assert_int_equal(page(world, "POST", "/add-checkpoint", SLICE("x"), &got), 400);
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        KEPT(what_was_cosigned_outlives_the_witness),
        KEPT(nobody_else_s_signatures_are_kept_in_the_note),
        KEPT(a_disk_that_does_not_take_it_is_503_and_nothing_is_cosigned),
        KEPT(a_damaged_memory_stops_the_start),
        KEPT(logs_twice_and_the_witness_s_own_key_are_refused),
        KEPT(of_two_requests_over_one_old_size_one_is_cosigned),
        KEPT(a_fork_is_kept_with_both_notes),
        KEPT(statements_are_kept_and_served),
        KEPT(what_is_no_statement_of_that_log_is_refused),
        KEPT(a_full_shelf_takes_nothing_and_loses_nothing),
        KEPT(paths_that_are_none_are_404),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_remove();
    return failed;
}

/* The collector's side of one witness: against a real witness's pages, and against one that answers whatever the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "encoding.h"
#include "scratch.h"
#include "witness_link.h"
#include "witness_pages.h"

#define ORIGIN "log.example/tocsin"
#define LEAVES 64u
#define SCRIPT_MOST 8u

/* What a made-up witness answers, in order; the last one again and again. */
struct scripted {
    unsigned status;
    const char *body;
};

struct world {
    struct hash leaves[LEAVES], others[LEAVES];
    const struct hash *mine; /* the log as the link sees it */
    uint64_t size;
    struct signing_key *log_signing, *witness_signing, *stranger;
    struct note_key log, witness;
    struct keeper *keeper;
    struct witness_pages *pages;
    struct http_server *server;
    struct witness_link *link;
    struct witness_answer answer;
    struct fault fault;

    struct scripted script[SCRIPT_MOST], newest;
    size_t scripts, next;
    unsigned posts;
};

static void scripted_page(void *context, const struct http_request *request, struct http_answer *answer) {
    struct world *world = context;
    bool post = strcmp(request->method, "POST") == 0;
    const struct scripted *script = post ? &world->script[world->next] : &world->newest;
    if (post && world->next + 1 < world->scripts)
        world->next++;
    world->posts += post;
    answer->status = script->status;
    buffer_append_string(&answer->body, script->body);
}

static uint64_t view_size(void *context) {
    return ((struct world *)context)->size;
}

static bool view_root(void *context, uint64_t size, struct hash *ret_root, struct fault *fault) {
    struct world *world = context;
    if (size > world->size)
        return fault_set(fault, FAULT_USAGE, "past the end");
    *ret_root = merkle_root(world->mine, size);
    return true;
}

static bool view_proof(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                       struct fault *fault) {
    struct world *world = context;
    if (size > world->size)
        return fault_set(fault, FAULT_USAGE, "past the end");
    merkle_proof_consistency(world->mine, size, old_size, ret_path);
    return true;
}

static struct note_key named(enum note_key_type type, const char *name, const struct signing_key *key) {
    struct note_key made;
    assert_true(note_key_make(type, slice_string(name), signing_key_public(key), &made, NULL));
    return made;
}

static struct signing_key *signing(uint8_t first) {
    uint8_t seed[32] = {first};
    return signing_key_create(seed);
}

static void new_link(struct world *world) {
    char url[64];
    const struct witness_link_settings settings = {.url = url,
                                                   .witness = &world->witness,
                                                   .log = &world->log,
                                                   .view = {world, view_size, view_root, view_proof}};
    /* With a slash behind it, which makes no difference. */
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(world->server));
    witness_link_destroy(world->link);
    world->link = witness_link_create(&settings, &world->fault);
    assert_non_null(world->link);
}

static void serve(struct world *world, http_server_handler *handler, void *context) {
    const struct http_server_settings settings = {
        .host = "127.0.0.1", .body_most = WITNESS_PAGES_BODY_MOST, .handler = handler, .context = context};
    http_server_stop(world->server);
    world->server = http_server_start(&settings, &world->fault);
    assert_non_null(world->server);
    new_link(world);
}

static int set_up(void **state) {
    static struct world world;
    static unsigned number;
    char name[32];
    world = (struct world){.size = LEAVES, .answer = witness_answer_make()};
    world.mine = world.leaves;
    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t byte = (uint8_t)i, other = (uint8_t)(i + 100);
        world.leaves[i] = merkle_leaf(slice_make(&byte, 1));
        world.others[i] = merkle_leaf(slice_make(&other, 1));
    }
    world.log_signing = signing(1);
    world.witness_signing = signing(2);
    world.stranger = signing(3);
    world.log = named(NOTE_KEY_LOG, ORIGIN, world.log_signing);
    world.witness = named(NOTE_KEY_WITNESS, "w.example", world.witness_signing);
    snprintf(name, sizeof name, "l%u", number++);
    const struct keeper_settings settings = {.folder = scratch_path(name),
                                             .witness = &world.witness,
                                             .signing = world.witness_signing,
                                             .logs = &world.log,
                                             .log_count = 1};
    world.keeper = keeper_open(&settings, &world.fault);
    assert_non_null(world.keeper);
    world.pages = witness_pages_create(world.keeper, &world.witness);
    serve(&world, witness_pages_handle, world.pages);
    *state = &world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    witness_link_destroy(world->link);
    http_server_stop(world->server);
    witness_pages_destroy(world->pages);
    keeper_close(world->keeper);
    witness_answer_free(&world->answer);
    signing_key_destroy(world->log_signing);
    signing_key_destroy(world->witness_signing);
    signing_key_destroy(world->stranger);
    return 0;
}

static void make_note(const struct world *world, const struct hash *leaves, uint64_t size,
                      struct buffer *to) {
    struct checkpoint checkpoint = {SLICE(ORIGIN), size, merkle_root(leaves, size)};
    assert_true(checkpoint_sign(to, &checkpoint, &world->log, world->log_signing));
}

static void clear(struct world *world) {
    witness_answer_free(&world->answer);
    world->answer = witness_answer_make();
    world->fault = (struct fault){0};
}

static enum witness_outcome ask(struct world *world, uint64_t size) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    clear(world);
    make_note(world, world->mine, size, &note);
    enum witness_outcome outcome =
        witness_link_ask(world->link, size, buffer_slice(&note), &world->answer, &world->fault);
    assert_int_equal(outcome == WITNESS_AGREES, world->fault.code == FAULT_NONE);
    assert_int_equal(outcome == WITNESS_AGREES, world->answer.lines.size > 0);
    return outcome;
}

static enum witness_outcome compare(struct world *world) {
    clear(world);
    return witness_link_compare(world->link, &world->answer, &world->fault);
}

/* ---- a real witness */

static void a_log_that_grows_is_cosigned_each_time(void **state) {
    struct world *world = *state;
    for (uint64_t size = 1; size <= LEAVES; size += size % 9 + 1) {
        assert_int_equal(ask(world, size), WITNESS_AGREES);
        assert_int_equal(world->answer.size, size);
    }
    assert_int_equal(ask(world, LEAVES), WITNESS_AGREES);
    assert_int_equal(ask(world, LEAVES), WITNESS_AGREES);
}

static void a_collector_that_forgot_the_size_learns_it(void **state) {
    struct world *world = *state;
    assert_int_equal(ask(world, 10), WITNESS_AGREES);
    new_link(world);
    assert_int_equal(ask(world, 20), WITNESS_AGREES);
    new_link(world);
    assert_int_equal(ask(world, 20), WITNESS_AGREES);
}

static void what_a_witness_has_of_this_log_agrees(void **state) {
    struct world *world = *state;
    assert_int_equal(compare(world), WITNESS_AGREES);
    assert_int_equal(world->answer.size, 0);
    assert_int_equal(ask(world, 33), WITNESS_AGREES);
    new_link(world);
    assert_int_equal(compare(world), WITNESS_AGREES);
    assert_int_equal(world->answer.size, 33);
    assert_true(world->answer.time_s > 0);
    assert_int_equal(ask(world, 20), WITNESS_AHEAD);
}

static void an_older_log_is_a_rollback_with_its_proof(void **state) {
    struct world *world = *state;
    struct signed_checkpoint read;
    assert_int_equal(ask(world, 40), WITNESS_AGREES);
    world->size = 39;
    new_link(world);
    assert_int_equal(compare(world), WITNESS_ROLLBACK);
    assert_int_equal(world->fault.code, FAULT_CONFLICT);
    assert_true(checkpoint_read(buffer_slice(&world->answer.note), &world->log, NULL, &read, NULL));
    assert_int_equal(read.checkpoint.size, 40);
    assert_int_equal(ask(world, 39), WITNESS_ROLLBACK);
}

static void another_tree_is_a_fork_whatever_its_size(void **state) {
    struct world *world = *state;
    assert_int_equal(ask(world, 40), WITNESS_AGREES);
    world->mine = world->others;
    static const uint64_t sizes[] = {40, 41, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        new_link(world);
        assert_int_equal(ask(world, sizes[i]), WITNESS_FORK);
        assert_true(world->answer.note.size > 0);
    }
    new_link(world);
    assert_int_equal(compare(world), WITNESS_FORK);
}

static void a_witness_that_is_not_there_has_failed(void **state) {
    struct world *world = *state;
    world->server = http_server_stop(world->server);
    assert_int_equal(ask(world, 10), WITNESS_FAILED);
    assert_int_equal(compare(world), WITNESS_FAILED);
}

/* ---- one that answers anything */

static enum witness_outcome ask_scripted(struct world *world, const struct scripted *script, size_t count,
                                         struct scripted newest, uint64_t size) {
    memcpy(world->script, script, count * sizeof *script);
    world->scripts = count;
    world->next = world->posts = 0;
    world->newest = newest;
    serve(world, scripted_page, world);
    return ask(world, size);
}

static const struct scripted nothing = {404, "nothing\n"};

static void answers_that_are_none_have_failed(void **state) {
    struct world *world = *state;
    static const struct scripted bad[] = {
        {200, ""},       {200, "hello\n"}, {200, "\xe2\x80\x94 w.example AAAAAAAA\n"},
        {400, "no\n"},   {403, "no\n"},    {404, "no\n"},
        {422, "no\n"},   {500, "no\n"},    {503, "no\n"},
        {409, ""},       {409, "ten\n"},   {409, "010\n"},
        {301, "away\n"}, {204, ""},        {409, "9223372036854775808\n"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ask_scripted(world, &bad[i], 1, nothing, 20), WITNESS_FAILED);
        assert_true(*world->fault.text);
    }
    assert_int_equal(ask_scripted(world, &bad[4], 1, nothing, 20), WITNESS_FAILED);
    assert_true(strstr(world->fault.text, "another key") != NULL);
    assert_int_equal(ask_scripted(world, &bad[5], 1, nothing, 20), WITNESS_FAILED);
    assert_true(strstr(world->fault.text, "does not know this log") != NULL);
}

static void a_size_that_changes_each_time_ends(void **state) {
    struct world *world = *state;
    static const struct scripted script[] = {{409, "1\n"}, {409, "2\n"}, {409, "3\n"},
                                             {409, "4\n"}, {409, "5\n"}, {409, "6\n"}};
    assert_int_equal(ask_scripted(world, script, 6, nothing, 20), WITNESS_FAILED);
    assert_int_equal(world->fault.code, FAULT_BUSY);
    assert_true(world->posts <= 4);
}

static void a_mere_claim_of_a_larger_log_stops_nothing(void **state) {
    struct world *world = *state;
    static const struct scripted claim = {409, "1000000\n"};
    assert_int_equal(ask_scripted(world, &claim, 1, nothing, 20), WITNESS_FAILED);
    assert_true(strstr(world->fault.text, "does not show it") != NULL);
}

/* A newest note of `size` over the other leaves, signed as said. */
static void forge(const struct world *world, const struct signing_key *log, const struct signing_key *witness,
                  uint64_t size, struct buffer *to) {
    struct note note;
    CLEANUP_BUFFER struct buffer line = BUFFER(1024);
    struct checkpoint checkpoint = {SLICE(ORIGIN), size, merkle_root(world->others, size)};
    assert_true(checkpoint_sign(to, &checkpoint, &world->log, log));
    assert_true(note_read(buffer_slice(to), &note, NULL));
    if (witness) {
        assert_true(note_cosign(&line, note.text, &world->witness, witness, 1800000000));
        buffer_append_slice(to, buffer_slice(&line));
    }
}

static void a_note_that_the_log_or_the_witness_has_not_signed_proves_nothing(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    static const struct scripted refuse = {422, "no\n"};
    const struct signing_key *signers[][2] = {{world->stranger, world->witness_signing},
                                              {world->log_signing, world->stranger},
                                              {world->log_signing, NULL}};
    for (size_t i = 0; i < 3; i++) {
        buffer_clear(&note);
        forge(world, signers[i][0], signers[i][1], 20, &note);
        struct scripted newest = {200, buffer_string(&note)};
        assert_int_equal(ask_scripted(world, &refuse, 1, newest, 20), WITNESS_FAILED);
        assert_int_equal(compare(world), WITNESS_FAILED);
    }
    buffer_clear(&note);
    forge(world, world->log_signing, world->witness_signing, 20, &note);
    struct scripted newest = {200, buffer_string(&note)};
    assert_int_equal(ask_scripted(world, &refuse, 1, newest, 20), WITNESS_FORK);
    assert_int_equal(compare(world), WITNESS_FORK);
}

static void a_cosignature_of_another_checkpoint_is_not_taken(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer line = BUFFER(1024), text = BUFFER(CHECKPOINT_TEXT_MOST);
    struct checkpoint checkpoint = {SLICE(ORIGIN), 19, merkle_root(world->leaves, 19)};
    assert_true(checkpoint_text_write(&text, &checkpoint));
    assert_true(note_cosign(&line, buffer_slice(&text), &world->witness, world->witness_signing, 1800000000));
    struct scripted script = {200, buffer_string(&line)};
    assert_int_equal(ask_scripted(world, &script, 1, nothing, 20), WITNESS_FAILED);
    assert_int_equal(ask_scripted(world, &script, 1, nothing, 19), WITNESS_AGREES);
}

#define LINKED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        LINKED(a_log_that_grows_is_cosigned_each_time),
        LINKED(a_collector_that_forgot_the_size_learns_it),
        LINKED(what_a_witness_has_of_this_log_agrees),
        LINKED(an_older_log_is_a_rollback_with_its_proof),
        LINKED(another_tree_is_a_fork_whatever_its_size),
        LINKED(a_witness_that_is_not_there_has_failed),
        LINKED(answers_that_are_none_have_failed),
        LINKED(a_size_that_changes_each_time_ends),
        LINKED(a_mere_claim_of_a_larger_log_stops_nothing),
        LINKED(a_note_that_the_log_or_the_witness_has_not_signed_proves_nothing),
        LINKED(a_cosignature_of_another_checkpoint_is_not_taken),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_remove();
    return failed;
}

/* What a witness is asked and what it answers: every way in which a request can be wrong has its own status, and nothing but
 * a tree that grew is cosigned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "merkle_proof.h"
#include "witness_judge.h"

#define ORIGIN "log.example/tocsin"
#define LEAVES 100u
#define NOW 1800000000u
#define DASH "\xe2\x80\x94 "

/* A log of a hundred leaves, another one whose leaves differ from the 40th on, and a witness. */
struct world {
    struct hash leaves[LEAVES], others[LEAVES];
    struct signing_key *log_signing, *witness_signing, *stranger;
    struct note_key witness;
    struct witness_log logs[2];
    struct buffer note, body;
};

static struct signing_key *signing(uint8_t first) {
    uint8_t seed[32] = {first};
    return signing_key_create(seed);
}

static struct note_key named(enum note_key_type type, const char *name, const struct signing_key *key) {
    struct note_key made;
    struct fault fault = {0};
    if (!note_key_make(type, slice_string(name), signing_key_public(key), &made, &fault))
        fail_msg("%s", fault.text);
    return made;
}

static int set_up(void **state) {
    static struct world world;
    world = (struct world){.note = BUFFER(NOTE_MOST), .body = BUFFER(WITNESS_REQUEST_MOST)};
    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t byte = (uint8_t)i, other = (uint8_t)(i < 40 ? i : i + 100);
        world.leaves[i] = merkle_leaf(slice_make(&byte, 1));
        world.others[i] = merkle_leaf(slice_make(&other, 1));
    }
    world.log_signing = signing(1);
    world.witness_signing = signing(2);
    world.stranger = signing(3);
    world.witness = named(NOTE_KEY_WITNESS, "witness.example", world.witness_signing);
    world.logs[0] = (struct witness_log){named(NOTE_KEY_LOG, "log.example/other", world.stranger),
                                         witness_memory_empty()};
    world.logs[1] =
        (struct witness_log){named(NOTE_KEY_LOG, ORIGIN, world.log_signing), witness_memory_empty()};
    *state = &world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    signing_key_destroy(world->log_signing);
    signing_key_destroy(world->witness_signing);
    signing_key_destroy(world->stranger);
    buffer_free(&world->note);
    buffer_free(&world->body);
    return 0;
}

static void make_note(struct world *world, const struct hash *leaves, uint64_t size) {
    struct checkpoint checkpoint = {SLICE(ORIGIN), size, merkle_root(leaves, size)};
    buffer_clear(&world->note);
    assert_true(checkpoint_sign(&world->note, &checkpoint, &world->logs[1].key, world->log_signing));
}

static struct witness_verdict judged;
static struct fault why;

static enum witness_status judge_at(struct world *world, uint64_t now_s) {
    struct witness_request request;
    why = (struct fault){0};
    if (!witness_request_read(buffer_slice(&world->body), &request, &why))
        return WITNESS_MALFORMED;
    bool good = witness_judge(world->logs, 2, &request, now_s, &judged, &why);
    assert_int_equal(good, judged.status == WITNESS_COSIGNED);
    assert_int_equal(good, why.code == FAULT_NONE);
    return judged.status;
}

static enum witness_status ask_path(struct world *world, uint64_t old, const struct merkle_path *path) {
    buffer_clear(&world->body);
    assert_true(
        witness_request_write(&world->body, old, path->hashes, path->count, buffer_slice(&world->note)));
    return judge_at(world, NOW);
}

/* As an honest client asks. */
static enum witness_status ask(struct world *world, const struct hash *leaves, uint64_t old, uint64_t size) {
    struct merkle_path path = {.count = 0};
    if (old > 0 && old <= size)
        merkle_proof_consistency(leaves, size, old, &path);
    make_note(world, leaves, size);
    return ask_path(world, old, &path);
}

static void remember(struct world *world) {
    world->logs[1].newest =
        (struct witness_memory){judged.checkpoint.size, judged.checkpoint.root, judged.time_s};
}

static void grow_to(struct world *world, uint64_t size) {
    assert_int_equal(ask(world, world->leaves, world->logs[1].newest.size, size), WITNESS_COSIGNED);
    remember(world);
}

/* ---- what is good */

static void a_log_that_grows_is_cosigned_at_every_size(void **state) {
    struct world *world = *state;
    grow_to(world, 0);
    for (uint64_t size = 1; size <= LEAVES; size += size % 7 + 1) {
        grow_to(world, size);
        assert_int_equal(judged.log, 1);
        assert_int_equal(judged.time_s, NOW);
        assert_false(judged.fork);
    }
}

static void the_same_checkpoint_is_cosigned_again(void **state) {
    struct world *world = *state;
    grow_to(world, 64);
    assert_int_equal(ask(world, world->leaves, 64, 64), WITNESS_COSIGNED);
}

static void foreign_signatures_beside_the_log_s_say_nothing(void **state) {
    struct world *world = *state;
    struct merkle_path none = {.count = 0};
    make_note(world, world->leaves, 5);
    buffer_append_string(&world->note, DASH "somebody.example AAAAAAAA\n");
    assert_int_equal(ask_path(world, 0, &none), WITNESS_COSIGNED);
}

/* ---- what is not */

static void an_old_checkpoint_is_not_cosigned_again(void **state) {
    struct world *world = *state;
    grow_to(world, 20);
    grow_to(world, 60);
    assert_int_equal(ask(world, world->leaves, 20, 20), WITNESS_CONFLICT);
    assert_int_equal(ask(world, world->leaves, 0, 20), WITNESS_CONFLICT);
    assert_int_equal(ask(world, world->leaves, 20, 60), WITNESS_CONFLICT);
    assert_int_equal(ask(world, world->leaves, 60, 20), WITNESS_MALFORMED);
    assert_int_equal(ask(world, world->leaves, 20, 80), WITNESS_CONFLICT);
    assert_false(judged.fork);
    assert_int_equal(ask(world, world->leaves, 61, 80), WITNESS_CONFLICT);
}

static void one_size_with_two_roots_is_a_fork(void **state) {
    struct world *world = *state;
    grow_to(world, 60);
    assert_int_equal(ask(world, world->others, 60, 60), WITNESS_INCONSISTENT);
    assert_true(judged.fork);
    /* It is one, whatever old size it comes with. */
    assert_int_equal(ask(world, world->others, 20, 60), WITNESS_CONFLICT);
    assert_true(judged.fork);
}

static void a_larger_tree_that_did_not_grow_out_of_it_is_refused(void **state) {
    struct world *world = *state;
    grow_to(world, 60);
    assert_int_equal(ask(world, world->others, 60, 80), WITNESS_INCONSISTENT);
    assert_int_equal(ask(world, world->others, 60, 61), WITNESS_INCONSISTENT);
    /* Before the 40th leaf they are one tree. */
    world->logs[1].newest = (struct witness_memory){40, merkle_root(world->leaves, 40), NOW};
    assert_int_equal(ask(world, world->others, 40, 80), WITNESS_COSIGNED);
}

static void a_proof_of_the_wrong_length_is_refused(void **state) {
    struct world *world = *state;
    grow_to(world, 33);
    struct merkle_path good, path;
    merkle_proof_consistency(world->leaves, 90, 33, &good);
    make_note(world, world->leaves, 90);
    assert_int_equal(ask_path(world, 33, &good), WITNESS_COSIGNED);
    path = good;
    path.count--;
    assert_int_equal(ask_path(world, 33, &path), WITNESS_INCONSISTENT);
    path.count = 0;
    assert_int_equal(ask_path(world, 33, &path), WITNESS_INCONSISTENT);
    path = good;
    path.hashes[path.count++] = world->leaves[0];
    assert_int_equal(ask_path(world, 33, &path), WITNESS_INCONSISTENT);
    path = good;
    memmove(path.hashes + 1, path.hashes, path.count * sizeof path.hashes[0]);
    path.hashes[0] = world->logs[1].newest.root;
    path.count++;
    assert_int_equal(ask_path(world, 33, &path), WITNESS_INCONSISTENT);
    for (size_t i = 0; i < good.count; i++) {
        path = good;
        path.hashes[i].bytes[31] ^= 1;
        assert_int_equal(ask_path(world, 33, &path), WITNESS_INCONSISTENT);
    }
}

static void a_proof_where_none_is_due_is_refused(void **state) {
    struct world *world = *state;
    struct merkle_path path = {.count = 1, .hashes = {world->leaves[0]}};
    make_note(world, world->leaves, 7);
    assert_int_equal(ask_path(world, 0, &path), WITNESS_INCONSISTENT);
    grow_to(world, 7);
    make_note(world, world->leaves, 7);
    assert_int_equal(ask_path(world, 7, &path), WITNESS_INCONSISTENT);
    assert_false(judged.fork);
}

static void an_empty_tree_with_a_root_is_refused(void **state) {
    struct world *world = *state;
    struct checkpoint checkpoint = {SLICE(ORIGIN), 0, world->leaves[0]};
    struct merkle_path none = {.count = 0};
    buffer_clear(&world->note);
    assert_true(checkpoint_sign(&world->note, &checkpoint, &world->logs[1].key, world->log_signing));
    assert_int_equal(ask_path(world, 0, &none), WITNESS_INCONSISTENT);
    assert_int_equal(ask_path(world, 1, &none), WITNESS_MALFORMED);
    grow_to(world, 3);
    buffer_clear(&world->note);
    assert_true(checkpoint_sign(&world->note, &checkpoint, &world->logs[1].key, world->log_signing));
    assert_int_equal(ask_path(world, 0, &none), WITNESS_CONFLICT);
}

static void a_log_that_is_not_known_is_404(void **state) {
    struct world *world = *state;
    struct merkle_path none = {.count = 0};
    struct note_key key = named(NOTE_KEY_LOG, "log.example/third", world->log_signing);
    struct checkpoint checkpoint = {SLICE("log.example/third"), 1, world->leaves[0]};
    buffer_clear(&world->note);
    assert_true(checkpoint_sign(&world->note, &checkpoint, &key, world->log_signing));
    assert_int_equal(ask_path(world, 0, &none), WITNESS_UNKNOWN_LOG);
}

/* The text of `size` leaves with signature lines of the caller's. */
static enum witness_status ask_lines(struct world *world, uint64_t size, const char *lines) {
    struct merkle_path none = {.count = 0};
    struct note note;
    CLEANUP_BUFFER struct buffer text = BUFFER(CHECKPOINT_TEXT_MOST);
    make_note(world, world->leaves, size);
    assert_true(note_read(buffer_slice(&world->note), &note, NULL));
    buffer_append_slice(&text, note.text);
    buffer_clear(&world->note);
    buffer_append_slice(&world->note, buffer_slice(&text));
    buffer_append_string(&world->note, "\n");
    buffer_append_string(&world->note, lines);
    return ask_path(world, 0, &none);
}

static void without_a_good_signature_of_its_log_it_is_403(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer text = BUFFER(CHECKPOINT_TEXT_MOST), lines = BUFFER(4096);
    struct checkpoint checkpoint = {SLICE(ORIGIN), 9, merkle_root(world->leaves, 9)};
    assert_true(checkpoint_text_write(&text, &checkpoint));
    struct slice signed_text = buffer_slice(&text);
    /* Nobody known at all. */
    assert_int_equal(ask_lines(world, 9, DASH "somebody.example AAAAAAAA\n"), WITNESS_FORBIDDEN);
    /* Another key under the log's name; the log's key under another name. */
    struct note_key other = named(NOTE_KEY_LOG, ORIGIN, world->stranger);
    assert_true(note_sign(&lines, signed_text, &other, world->stranger));
    assert_int_equal(ask_lines(world, 9, buffer_string(&lines)), WITNESS_FORBIDDEN);
    buffer_clear(&lines);
    other = named(NOTE_KEY_LOG, "log.example/other", world->log_signing);
    assert_true(note_sign(&lines, signed_text, &other, world->log_signing));
    assert_int_equal(ask_lines(world, 9, buffer_string(&lines)), WITNESS_FORBIDDEN);
    /* A known key id over another's signature, alone and beside a good one. */
    buffer_clear(&lines);
    assert_true(note_sign(&lines, signed_text, &world->logs[1].key, world->stranger));
    assert_int_equal(ask_lines(world, 9, buffer_string(&lines)), WITNESS_FORBIDDEN);
    assert_true(note_sign(&lines, signed_text, &world->logs[1].key, world->log_signing));
    assert_int_equal(ask_lines(world, 9, buffer_string(&lines)), WITNESS_FORBIDDEN);
    /* The log's key as a witness's: type 4 is not type 1. */
    buffer_clear(&lines);
    other = named(NOTE_KEY_WITNESS, ORIGIN, world->log_signing);
    assert_true(note_cosign(&lines, signed_text, &other, world->log_signing, NOW));
    assert_int_equal(ask_lines(world, 9, buffer_string(&lines)), WITNESS_FORBIDDEN);
    /* Cut short, and with a time before it. */
    assert_int_equal(ask_lines(world, 10, buffer_string(&lines)), WITNESS_FORBIDDEN);
    assert_int_equal(ask_lines(world, 9, DASH ORIGIN " AAAAAAAA\n"), WITNESS_FORBIDDEN);
}

static enum witness_status ask_text(struct world *world, const char *text) {
    buffer_clear(&world->body);
    buffer_append_string(&world->body, text);
    return judge_at(world, NOW);
}

#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define LINE DASH ORIGIN " AAAAAAAA\n"
#define NOTE ORIGIN "\n5\n" ROOT "\n\n" LINE

static void requests_that_are_none_are_400(void **state) {
    struct world *world = *state;
    static const char *const bad[] = {
        "",
        "\n",
        "old",
        "old 0",
        "old 0\n",
        "old 0\n" ROOT "\n",
        "old 0\n\n",
        "old 0\n\n\n",
        "old 01\n\n" NOTE,
        "old +1\n\n" NOTE,
        "old -0\n\n" NOTE,
        "old  1\n\n" NOTE,
        "old 1 \n\n" NOTE,
        "old \n\n" NOTE,
        "old 9223372036854775808\n\n" NOTE,
        "old 18446744073709551616\n\n" NOTE,
        "old 0x1\n\n" NOTE,
        "OLD 0\n\n" NOTE,
        "old\t0\n\n" NOTE,
        "old 0\r\n\r\n" NOTE,
        " old 0\n\n" NOTE,
        "\nold 0\n\n" NOTE,
        "old 0\n" NOTE,
        "old 0\n" ROOT " \n\n" NOTE,
        "old 0\n " ROOT "\n\n" NOTE,
        "old 0\n47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" NOTE,
        "old 0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n\n" NOTE,
        "old 0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n\n" NOTE,
        "old 0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFVV\n\n" NOTE,
        "old 0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n\n" NOTE,
        "old 0\n\n" ORIGIN "\n05\n" ROOT "\n\n" LINE,
        "old 0\n\n" ORIGIN "\n+5\n" ROOT "\n\n" LINE,
        "old 0\n\n" ORIGIN "\n9223372036854775808\n" ROOT "\n\n" LINE,
        "old 0\n\n" ORIGIN "\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n\n" LINE,
        "old 0\n\n" ORIGIN "\n5\n" ROOT "\nmore\n\n" LINE,
        "old 0\n\n" ORIGIN "\n5\n\n" LINE,
        "old 0\n\n" ORIGIN "\r\n5\r\n" ROOT "\r\n\r\n" LINE,
        "old 0\n\n" ORIGIN "\t\n5\n" ROOT "\n\n" LINE,
        "old 0\n\n" ORIGIN "\xff\n5\n" ROOT "\n\n" LINE,
        "old 0\n\n" ORIGIN "\n5\n" ROOT "\n\n- " ORIGIN " AAAAAAAA\n",
        "old 0\n\n" ORIGIN "\n5\n" ROOT "\n\n" DASH ORIGIN " AAAAAAAA",
        "old 0\n\n" ORIGIN "\n5\n" ROOT "\n\n" LINE "\n",
        "old 0\n\n" ORIGIN "\n5\n" ROOT "\n\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ask_text(world, bad[i]) != WITNESS_MALFORMED)
            fail_msg("not 400: %s", bad[i]);
    buffer_clear(&world->body);
    buffer_append_string(&world->body, "old 0\n\n" ORIGIN "\n5\n" ROOT "\n\n" LINE);
    world->body.data[8] = 0;
    assert_int_equal(judge_at(world, NOW), WITNESS_MALFORMED);
    assert_int_equal(ask_text(world, "old 0\n\n" NOTE), WITNESS_FORBIDDEN);
}

static void sixty_four_lines_of_proof_are_one_too_many(void **state) {
    struct world *world = *state;
    struct hash hashes[WITNESS_PROOF_MOST + 1] = {0};
    make_note(world, world->leaves, 9);
    buffer_clear(&world->body);
    struct buffer *body = &world->body;
    assert_false(witness_request_write(body, 1, hashes, WITNESS_PROOF_MOST + 1, buffer_slice(&world->note)));
    assert_int_equal(body->size, 0);
    assert_true(witness_request_write(body, 1, hashes, WITNESS_PROOF_MOST, buffer_slice(&world->note)));
    assert_int_equal(judge_at(world, NOW), WITNESS_CONFLICT);
    CLEANUP_BUFFER struct buffer longer = BUFFER(WITNESS_REQUEST_MOST);
    buffer_append_string(&longer, "old 1\n" ROOT "\n");
    buffer_append_slice(&longer, slice_from(buffer_slice(body), 6));
    struct witness_request request;
    assert_false(witness_request_read(buffer_slice(&longer), &request, &why));
    assert_false(witness_request_write(body, UINT64_MAX, hashes, 0, buffer_slice(&world->note)));
}

static void a_clock_before_the_last_cosignature_signs_nothing(void **state) {
    struct world *world = *state;
    grow_to(world, 10);
    assert_int_equal(ask(world, world->leaves, 10, 20), WITNESS_COSIGNED);
    assert_int_equal(judge_at(world, NOW - WITNESS_CLOCK_BACK_S), WITNESS_COSIGNED);
    assert_int_equal(judged.time_s, NOW);
    assert_int_equal(judge_at(world, NOW - WITNESS_CLOCK_BACK_S - 1), WITNESS_LATER);
    assert_int_equal(judge_at(world, 0), WITNESS_LATER);
    assert_int_equal(judge_at(world, (uint64_t)INT64_MAX + 1), WITNESS_LATER);
    assert_int_equal(judge_at(world, NOW + 1000), WITNESS_COSIGNED);
    assert_int_equal(judged.time_s, NOW + 1000);
}

/* ---- answers */

static bool take_answer(struct world *world, const char *body, uint64_t *ret_time_s) {
    CLEANUP_BUFFER struct buffer lines = BUFFER(4096);
    struct note note;
    make_note(world, world->leaves, 9);
    assert_true(note_read(buffer_slice(&world->note), &note, NULL));
    bool good = witness_answer_read(slice_string(body), note.text, &world->witness, &lines, ret_time_s, &why);
    assert_int_equal(good, lines.size > 0);
    return good;
}

static void an_answer_s_cosignature_is_taken_and_others_passed_over(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer body = BUFFER(4096), text = BUFFER(CHECKPOINT_TEXT_MOST),
                                 lines = BUFFER(4096);
    struct checkpoint checkpoint = {SLICE(ORIGIN), 9, merkle_root(world->leaves, 9)};
    struct note_key foreign = named(NOTE_KEY_WITNESS, "w2.example", world->stranger);
    uint64_t time_s = 0;
    assert_true(checkpoint_text_write(&text, &checkpoint));
    assert_true(note_cosign(&body, buffer_slice(&text), &foreign, world->stranger, NOW + 9));
    assert_false(take_answer(world, buffer_string(&body), &time_s));
    assert_true(note_cosign(&body, buffer_slice(&text), &world->witness, world->witness_signing, NOW));
    assert_true(take_answer(world, buffer_string(&body), &time_s));
    assert_int_equal(time_s, NOW);
    /* What was taken makes a note that verifies. */
    make_note(world, world->leaves, 9);
    assert_true(witness_answer_read(buffer_slice(&body), buffer_slice(&text), &world->witness, &lines,
                                    &time_s, NULL));
    assert_true(slice_find(buffer_slice(&lines), SLICE("w2.example")) == SIZE_MAX);
    buffer_append_slice(&world->note, buffer_slice(&lines));
    struct witness_policy policy = {.needed = 1, .count = 1, .witnesses = {world->witness}};
    struct signed_checkpoint read;
    assert_true(checkpoint_read(buffer_slice(&world->note), &world->logs[1].key, &policy, &read, NULL));
    assert_true(checkpoint_quorum(&read, &policy, NOW * 1000000ull).met);
}

static void answers_that_are_none_are_refused(void **state) {
    struct world *world = *state;
    CLEANUP_BUFFER struct buffer body = BUFFER(4096), text = BUFFER(CHECKPOINT_TEXT_MOST);
    uint64_t time_s;
    static const char *const bad[] = {"", "\n", "hello\n", "9\n", "\n" LINE, LINE "\n", LINE "\n" LINE, LINE};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(take_answer(world, bad[i], &time_s));
    /* Of another checkpoint, by another key under its key id, and as the log's. */
    struct checkpoint checkpoint = {SLICE(ORIGIN), 8, merkle_root(world->leaves, 8)};
    assert_true(checkpoint_text_write(&text, &checkpoint));
    assert_true(note_cosign(&body, buffer_slice(&text), &world->witness, world->witness_signing, NOW));
    assert_false(take_answer(world, buffer_string(&body), &time_s));
    buffer_clear(&body);
    buffer_clear(&text);
    checkpoint = (struct checkpoint){SLICE(ORIGIN), 9, merkle_root(world->leaves, 9)};
    assert_true(checkpoint_text_write(&text, &checkpoint));
    assert_true(note_cosign(&body, buffer_slice(&text), &world->witness, world->stranger, NOW));
    assert_false(take_answer(world, buffer_string(&body), &time_s));
    buffer_clear(&body);
    assert_true(note_sign(&body, buffer_slice(&text), &world->witness, world->witness_signing));
    assert_false(take_answer(world, buffer_string(&body), &time_s));
}

static void a_conflict_names_a_size_and_nothing_else(void **state) {
    (void)state;
    uint64_t size = 0;
    assert_true(witness_size_read(SLICE("20852163\n"), &size));
    assert_int_equal(size, 20852163);
    assert_true(witness_size_read(SLICE("0\n"), &size));
    static const char *const bad[] = {"",      "\n",    "1",      "01\n", " 1\n", "1 \n",
                                      "1\r\n", "1\n\n", "1\n2\n", "-0\n", "+1\n", "9223372036854775808\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(witness_size_read(slice_string(bad[i]), &size));
}

#define JUDGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        JUDGED(a_log_that_grows_is_cosigned_at_every_size),
        JUDGED(the_same_checkpoint_is_cosigned_again),
        JUDGED(foreign_signatures_beside_the_log_s_say_nothing),
        JUDGED(an_old_checkpoint_is_not_cosigned_again),
        JUDGED(one_size_with_two_roots_is_a_fork),
        JUDGED(a_larger_tree_that_did_not_grow_out_of_it_is_refused),
        JUDGED(a_proof_of_the_wrong_length_is_refused),
        JUDGED(a_proof_where_none_is_due_is_refused),
        JUDGED(an_empty_tree_with_a_root_is_refused),
        JUDGED(a_log_that_is_not_known_is_404),
        JUDGED(without_a_good_signature_of_its_log_it_is_403),
        JUDGED(requests_that_are_none_are_400),
        JUDGED(sixty_four_lines_of_proof_are_one_too_many),
        JUDGED(a_clock_before_the_last_cosignature_signs_nothing),
        JUDGED(an_answer_s_cosignature_is_taken_and_others_passed_over),
        JUDGED(answers_that_are_none_are_refused),
        JUDGED(a_conflict_names_a_size_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

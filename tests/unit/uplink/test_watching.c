/* What an agent makes of its collector's checkpoints: with a spool and files on a real disk, and a log made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"
#include "frame.h"
#include "merkle.h"
#include "watching.h"

#define ORIGIN "log.example/test"
#define HOST "signer1"
#define NOW_US 1700000000000000u
#define LOG_MOST 64u

struct world {
    char folder[64], spool[80], witnesses[80], refused[80];
    struct signing_key *key, *log_signer, *witness_signer;
    struct note_key log_key, witness_key;
    struct stream_clock now;
    struct lanes *lanes;
    struct watching *watching;
    struct hash log[LOG_MOST];
    size_t log_size;
    uint64_t index[LANES][LOG_MOST]; /* of each batch that is in it */
    uint64_t logged[LANES];
    uint64_t told_size;
    unsigned told, changed;
    char event[64];
};

static void tell(void *context, const char *event, const char *text, struct slice evidence) {
    struct world *world = context;
    assert_true(text[0] != 0);
    assert_int_equal(evidence.size > 0, strcmp(event, "log_contradiction") == 0);
    snprintf(world->event, sizeof world->event, "%s", event);
    world->told++;
}

static void changed(void *context) {
    ((struct world *)context)->changed++;
}

static void start(struct world *world) {
    struct fault fault = {0};
    const struct lanes_settings lanes = {.folder = world->spool, .host = HOST, .key = world->key, .epoch = 1};
    world->lanes = lanes_open(&lanes, &spool_files_system, &world->now, &fault);
    if (!world->lanes)
        fail_msg("%s", fault.text);
    const struct watching_settings settings = {
        ORIGIN, world->log_key.key.bytes, world->witnesses, world->refused, world, tell, changed, 0};
    world->watching = watching_create(&settings, world->lanes, &fault);
    if (!world->watching)
        fail_msg("%s", fault.text);
}

static void stop(struct world *world) {
    world->watching = watching_destroy(world->watching);
    world->lanes = lanes_destroy(world->lanes);
}

static struct signing_key *signer(uint8_t number) {
    const uint8_t seed[ED25519_SEED_SIZE] = {number};
    return signing_key_create(seed);
}

static int set_up(void **state) {
    struct world *world = calloc(1, sizeof *world);
    snprintf(world->folder, sizeof world->folder, "/tmp/watching-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->spool, sizeof world->spool, "%s/spool", world->folder);
    snprintf(world->witnesses, sizeof world->witnesses, "%s/witnesses", world->folder);
    snprintf(world->refused, sizeof world->refused, "%s/log.refused", world->folder);
    world->key = signer(1);
    world->log_signer = signer(2);
    world->witness_signer = signer(3);
    assert_true(note_key_make(NOTE_KEY_LOG, SLICE(ORIGIN), signing_key_public(world->log_signer),
                              &world->log_key, NULL));
    assert_true(note_key_make(NOTE_KEY_WITNESS, SLICE("w1.example"),
                              signing_key_public(world->witness_signer), &world->witness_key, NULL));
    world->now = (struct stream_clock){.now_us = NOW_US, .boottime_us = 60000000u, .boot_id = {1}};
    start(world);
    *state = world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    char command[128];
    stop(world);
    signing_key_destroy(world->key);
    signing_key_destroy(world->log_signer);
    signing_key_destroy(world->witness_signer);
    snprintf(command, sizeof command, "rm -rf %s", world->folder);
    assert_int_equal(system(command), 0);
    free(world);
    return 0;
}

/* ---- the host, and the log */

/* So many batches are closed, on the disk, and in the log. */
static void close_batches(struct world *world, unsigned count) {
    const struct event_body body = {.kind = EVENT_LINE, .raw = SLICE("a line")};
    for (unsigned i = 0; i < count; i++) {
        world->now.now_us += 61000000;
        world->now.boottime_us += 61000000;
        lanes_tick(world->lanes, &world->now);
        lanes_event(world->lanes, i % 2 ? CLASS_SYSTEM : CLASS_ACCESS, &body);
        lanes_close(world->lanes, i % 2 ? LANE_BULK : LANE_SECURITY, BATCH_DATA, NULL);
        assert_true(lanes_flush(world->lanes, NULL));
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct lanes_hello hello;
        lanes_hello(world->lanes, 0, (enum lane)lane, &hello);
        for (; world->logged[lane] < hello.batch_seq; world->logged[lane]++) {
            assert_true(world->log_size < LOG_MOST);
            assert_int_equal(lanes_leaf(world->lanes, (enum lane)lane, world->logged[lane],
                                        &world->log[world->log_size], NULL),
                             LANES_ITEM);
            world->index[lane][world->logged[lane]] = world->log_size++;
        }
    }
}

static void session(struct world *world) {
    uint64_t proved[LANES];
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct lanes_hello hello;
        lanes_hello(world->lanes, 0, (enum lane)lane, &hello);
        proved[lane] = hello.proved;
    }
    struct note note;
    struct checkpoint checkpoint = {.size = 0};
    if (watching_note(world->watching).size) {
        assert_true(note_read(watching_note(world->watching), &note, NULL));
        assert_true(checkpoint_text_read(note.text, &checkpoint, NULL));
    }
    world->told_size = checkpoint.size;
    watching_session(world->watching, proved);
}

struct shown {
    struct buffer message;
    bool cosigned;
};

static void begin(struct world *world, struct shown *shown, const struct hash *of) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST), text = BUFFER(NOTE_MOST);
    const struct checkpoint checkpoint = {SLICE(ORIGIN), world->log_size, merkle_root(of, world->log_size)};
    struct merkle_path path = {.count = 0};
    struct note read;
    assert_true(checkpoint_sign(&note, &checkpoint, &world->log_key, world->log_signer));
    assert_true(note_read(buffer_slice(&note), &read, NULL));
    buffer_append_slice(&text, read.text);
    if (shown->cosigned)
        assert_true(note_cosign(&note, buffer_slice(&text), &world->witness_key, world->witness_signer,
                                NOW_US / 1000000));
    if (world->told_size && world->told_size < world->log_size)
        merkle_proof_consistency(of, world->log_size, (size_t)world->told_size, &path);
    shown->message = BUFFER(FRAME_CHECKPOINT_MOST);
    assert_true(checkpoint_message_write(&shown->message, buffer_slice(&note), world->told_size,
                                         slice_make(path.hashes, path.count * HASH_SIZE)));
    world->told_size = world->log_size;
}

static void add(struct world *world, struct shown *shown, enum lane lane, uint64_t batch_seq,
                uint64_t index) {
    struct merkle_path path;
    merkle_proof_inclusion(world->log, world->log_size, (size_t)index, &path);
    const struct checkpoint_inclusion inclusion = {lane, batch_seq, index,
                                                   slice_make(path.hashes, path.count * HASH_SIZE)};
    assert_true(checkpoint_message_add(&shown->message, &inclusion));
}

static bool take(struct world *world, struct shown *shown, struct fault *fault) {
    struct checkpoint_message message;
    *fault = (struct fault){0};
    assert_true(checkpoint_message_read(buffer_slice(&shown->message), &message, fault));
    bool good = watching_take(world->watching, &message, NOW_US, fault);
    buffer_free(&shown->message);
    return good;
}

/* A checkpoint of all, with all inclusions from there on. */
static bool prove(struct world *world, bool cosigned, struct fault *fault) {
    struct shown shown = {.cosigned = cosigned};
    begin(world, &shown, world->log);
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct lanes_hello hello;
        lanes_hello(world->lanes, 0, (enum lane)lane, &hello);
        for (uint64_t batch = hello.proved; batch < world->logged[lane]; batch++)
            add(world, &shown, (enum lane)lane, batch, world->index[lane][batch]);
    }
    return take(world, &shown, fault);
}

static uint64_t proved(const struct world *world, enum lane lane) {
    return lanes_marks(world->lanes, 0, lane).proved;
}

/* ---- what is verified */

static void a_verified_checkpoint_proves_batches_and_is_remembered(void **state) {
    struct world *world = *state;
    struct fault fault;
    close_batches(world, 5);
    session(world);
    assert_true(prove(world, false, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), world->logged[0]);
    assert_int_equal(proved(world, LANE_BULK), world->logged[1]);
    assert_true(world->changed > 0 && lanes_gathered(world->lanes));
    assert_true(lanes_flush(world->lanes, NULL));
    stop(world);
    start(world);
    assert_true(watching_note(world->watching).size > 0);
    close_batches(world, 3);
    session(world);
    assert_true(world->told_size > 0);
    assert_true(prove(world, false, &fault));
    assert_int_equal(world->told, 0);
}

static void what_was_never_closed_or_comes_out_of_order_is_not_proved(void **state) {
    struct world *world = *state;
    struct fault fault;
    struct shown shown = {0};
    close_batches(world, 5);
    session(world);
    begin(world, &shown, world->log);
    for (uint64_t batch = 0; batch < world->logged[0]; batch++)
        add(world, &shown, LANE_SECURITY, batch, world->index[0][batch]);
    add(world, &shown, LANE_SECURITY, world->logged[0], 0); /* ahead of the agent */
    assert_false(take(world, &shown, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    session(world);
    begin(world, &shown, world->log);
    add(world, &shown, LANE_SECURITY, 1, world->index[0][1]); /* 0 was left out */
    assert_false(take(world, &shown, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    assert_int_equal(proved(world, LANE_SECURITY), 0);
    assert_int_equal(world->told, 0);
    assert_false(watching_is_stopped(world->watching));
    session(world);
    assert_true(prove(world, false, &fault));
}

/* ---- what contradicts it */

static void check_stopped(struct world *world) {
    struct fault fault;
    assert_string_equal(world->event, "log_contradiction");
    assert_true(watching_is_stopped(world->watching) && files_exists(world->refused));
    uint64_t before = proved(world, LANE_SECURITY);
    stop(world); /* a start is no pardon */
    start(world);
    assert_true(watching_is_stopped(world->watching));
    close_batches(world, 2);
    session(world);
    assert_true(prove(world, false, &fault)); /* nobody looks at it */
    assert_int_equal(proved(world, LANE_SECURITY), before);
    assert_int_equal(unlink(world->refused), 0);
    session(world);
    assert_string_equal(world->event, "log_accepted");
    assert_true(prove(world, false, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), world->logged[0]);
}

static void an_entry_that_is_not_in_the_log_as_it_was_signed_stops_all(void **state) {
    struct world *world = *state;
    struct fault fault;
    struct hash true_leaf;
    close_batches(world, 5);
    session(world);
    true_leaf = world->log[world->index[0][1]];
    world->log[world->index[0][1]] = merkle_leaf(SLICE("another entry"));
    assert_false(prove(world, false, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    world->log[world->index[0][1]] = true_leaf;
    assert_int_equal(proved(world, LANE_SECURITY), 0);
    assert_int_equal(watching_note(world->watching).size, 0); /* nothing of that tree is believed */
    assert_int_equal(world->told, 1);
    check_stopped(world);
}

static void a_tree_that_does_not_grow_out_of_the_last_one_stops_all(void **state) {
    struct world *world = *state;
    struct fault fault;
    struct shown shown = {0};
    struct hash other[LOG_MOST];
    close_batches(world, 5);
    session(world);
    assert_true(prove(world, false, &fault));
    assert_true(lanes_flush(world->lanes, NULL));
    close_batches(world, 1);
    memcpy(other, world->log, sizeof other);
    other[0] = merkle_leaf(SLICE("another entry"));
    begin(world, &shown, other);
    assert_false(take(world, &shown, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_int_equal(world->told, 1);
    check_stopped(world);
}

/* ---- the quorum */

static struct slice policy_bytes(const struct world *world, struct buffer *to, uint8_t needed) {
    const struct witness_policy policy = {needed, 1, {world->witness_key}};
    buffer_clear(to);
    assert_true(witness_policy_write(to, &policy));
    return buffer_slice(to);
}

static void the_first_policy_holds_against_a_weaker_one(void **state) {
    struct world *world = *state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(8192);
    close_batches(world, 3);
    session(world);
    watching_take_policy(world->watching, SLICE("no policy"));
    assert_false(files_exists(world->witnesses));
    watching_take_policy(world->watching, policy_bytes(world, &bytes, 1));
    assert_true(files_exists(world->witnesses));
    watching_take_policy(world->watching,
                         policy_bytes(world, &bytes, 0)); /* a collector that would like fewer */
    watching_take_policy(world->watching, policy_bytes(world, &bytes, 0));
    assert_int_equal(world->told, 1); /* once */
    assert_string_equal(world->event, "witness_policy_unknown");
    for (unsigned i = 0; i < 2; i++) {
        assert_true(prove(world, false, &fault)); /* no reason to end the session */
        assert_int_equal(proved(world, LANE_SECURITY), 0);
        assert_int_equal(world->told, 2); /* once */
        assert_string_equal(world->event, "checkpoint_unwitnessed");
    }
    stop(world);
    start(world);
    session(world);
    assert_true(prove(world, false, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), 0);
    session(world);
    assert_true(prove(world, true, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), world->logged[0]);
}

static void a_stricter_policy_is_followed(void **state) {
    struct world *world = *state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(8192);
    close_batches(world, 3);
    watching_take_policy(world->watching, policy_bytes(world, &bytes, 0));
    assert_true(files_exists(world->witnesses));
    watching_take_policy(world->watching, policy_bytes(world, &bytes, 1)); /* the site has witnesses now */
    assert_int_equal(world->told, 0);
    session(world);
    assert_true(prove(world, false, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), 0);
    stop(world);
    start(world); /* it is kept */
    session(world);
    assert_true(prove(world, false, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), 0);
    session(world);
    assert_true(prove(world, true, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), world->logged[0]);
}

static struct witness_policy policy_of(uint8_t needed, const char *names) {
    struct witness_policy policy = {.needed = needed};
    for (; *names; names++) {
        struct signing_key *key = signer((uint8_t)*names);
        char name[] = "w0.example";
        name[1] = *names;
        assert_true(note_key_make(NOTE_KEY_WITNESS, slice_string(name), signing_key_public(key),
                                  &policy.witnesses[policy.count++], NULL));
        signing_key_destroy(key);
    }
    return policy;
}

static void a_policy_is_stricter_when_whatever_meets_it_meets_the_other(void **state) {
    static const struct {
        uint8_t needed, other_needed;
        const char *names, *other_names;
        bool implies;
    } rows[] = {{0, 0, "", "", true},      {1, 0, "a", "", true},     {0, 1, "", "a", false},
                {1, 1, "a", "ab", true},   {1, 1, "ab", "a", false},  {2, 1, "ab", "a", true},
                {2, 2, "abc", "ab", false}, {3, 2, "abc", "ab", true}, {2, 2, "ab", "abc", true},
                {1, 1, "b", "a", false},   {2, 1, "bc", "a", false},  {0, 0, "a", "b", true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct witness_policy policy = policy_of(rows[i].needed, rows[i].names),
                              other = policy_of(rows[i].other_needed, rows[i].other_names);
        if (witness_policy_implies(&policy, &other) != rows[i].implies)
            fail_msg("row %zu", i);
    }
    struct witness_policy one = policy_of(1, "ab"), same = policy_of(1, "ba"), other = policy_of(1, "ac");
    assert_true(witness_policy_same(&one, &same));
    assert_false(witness_policy_same(&one, &other));
}

static void what_was_found_without_the_quorum_is_proved_once_a_later_one_has_it(void **state) {
    struct world *world = *state;
    struct fault fault;
    struct shown shown = {.cosigned = true};
    CLEANUP_BUFFER struct buffer bytes = BUFFER(8192);
    watching_take_policy(world->watching, policy_bytes(world, &bytes, 1));
    close_batches(world, 3);
    session(world);
    assert_true(prove(world, false, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), 0);
    uint64_t closed = world->logged[0];
    close_batches(world, 1);
    begin(world, &shown, world->log); /* without a single inclusion */
    assert_true(take(world, &shown, &fault));
    assert_int_equal(proved(world, LANE_SECURITY), closed);
}

static void a_file_of_witnesses_that_cannot_be_read_starts_nothing(void **state) {
    struct world *world = *state;
    static const char *const bad[] = {"",           "needed 1",           "needed x\n",
                                      "needed 1\n", "needed 0\nnobody\n", "needed 17\n"};
    const struct watching_settings settings = {
        ORIGIN, world->log_key.key.bytes, world->witnesses, world->refused, world, tell, changed, 0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fault fault = {0};
        assert_true(files_write(world->witnesses, slice_string(bad[i]), 0600, NULL));
        assert_null(watching_create(&settings, world->lanes, &fault));
        assert_true(fault.code != FAULT_NONE && fault.text[0]);
    }
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_verified_checkpoint_proves_batches_and_is_remembered),
        CASE(what_was_never_closed_or_comes_out_of_order_is_not_proved),
        CASE(an_entry_that_is_not_in_the_log_as_it_was_signed_stops_all),
        CASE(a_tree_that_does_not_grow_out_of_the_last_one_stops_all),
        CASE(the_first_policy_holds_against_a_weaker_one),
        CASE(a_stricter_policy_is_followed),
        CASE(a_policy_is_stricter_when_whatever_meets_it_meets_the_other),
        CASE(what_was_found_without_the_quorum_is_proved_once_a_later_one_has_it),
        CASE(a_file_of_witnesses_that_cannot_be_read_starts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An agent's stream through the workers and the committer: in order, once, bounded, and the same after a crash. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest_stream.h"
#include "memory.h"
#include "pipeline.h"
#include "sender.h"

struct receiver {
    struct pipeline *p;
    struct sender *sender;
    struct openers *openers; /* borrowed */
    struct ingest_stream *stream;
    unsigned committed, quiet, refused;
    enum check check;
};

static void on_committed(void *context, enum lane lane) {
    (void)lane;
    ((struct receiver *)context)->committed++;
}

static void on_refused(void *context, enum lane lane, enum check check, const struct fault *fault) {
    (void)lane, (void)fault;
    struct receiver *r = context;
    r->refused++;
    r->check = check;
}

static void on_quiet(void *context, enum lane lane) {
    (void)lane;
    struct receiver *r = context;
    assert_true(ingest_stream_is_quiet(r->stream));
    r->quiet++;
}

static void receiver_open(struct receiver *r, struct pipeline *p, struct sender *sender, struct openers *openers) {
    struct fault fault = {0};
    *r = (struct receiver){.p = p, .sender = sender, .openers = openers};
    r->stream = ingest_stream_create(sender->lane, &sender->id, sender->host);
    const struct ingest_stream_handlers handlers = {r, on_committed, on_refused, on_quiet};
    ingest_stream_set_handlers(r->stream, &handlers);
    if (!ingest_stream_open(r->stream, p->store, openers, signing_key_public(sender->key), &fault))
        fail_msg("%s: %s", fault.place, fault.text);
}

static bool put(struct receiver *r, enum frame_type type) {
    struct slice message = type == FRAME_EVENTS ? buffer_slice(&r->sender->message)
                           : type == FRAME_PART ? slice_make(r->sender->part, PART_SIZE)
                                                : slice_make(r->sender->close.entry, BATCH_ENTRY_SIZE);
    struct slice list = type == FRAME_CLOSE ? slice_make(r->sender->close.class_list, r->sender->close.class_list_size)
                                            : (struct slice){NULL, 0};
    return ingest_stream_put(r->stream, r->p->loop, r->p->committer, type, message, list);
}

static bool is_quiet(void *context) { return ingest_stream_is_quiet(((struct receiver *)context)->stream); }

static void settle(struct receiver *r) { pipeline_until(r->p, is_quiet, r); }

static void begin(struct receiver *r) {
    sender_close(r->sender); /* the break */
    assert_true(put(r, FRAME_CLOSE));
}

static void what_is_good_is_committed_in_order_and_the_marks_follow(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct receiver r;
    struct openers *openers = openers_create(NULL);
    pipeline_start(&p, store);
    receiver_open(&r, &p, sender_create("h1", LANE_SECURITY, 1), openers);
    begin(&r);
    for (unsigned i = 0; i < 10; i++) {
        sender_events(r.sender, 20, 100);
        assert_true(put(&r, FRAME_EVENTS));
        sender_part(r.sender);
        assert_true(put(&r, FRAME_PART));
    }
    assert_int_equal(ingest_stream_marks(r.stream).stored, 0); /* nothing before its commit */
    settle(&r);
    assert_int_equal(ingest_stream_marks(r.stream).stored, 200);
    assert_int_equal(ingest_stream_marks(r.stream).attested, 200);
    assert_int_equal(ingest_stream_marks(r.stream).closed, 1);
    sender_close(r.sender);
    assert_true(put(&r, FRAME_CLOSE));
    settle(&r);
    assert_int_equal(ingest_stream_marks(r.stream).closed, 2);
    assert_true(r.quiet >= 1 && r.committed >= r.quiet);
    assert_int_equal(ingest_stream_queued_bytes(r.stream), 0);
    assert_int_equal(r.refused, 0);
    pipeline_stop(&p);
    ingest_stream_destroy(r.stream);
    openers_destroy(openers);
    assert_int_equal(pipeline_verify(store).events, 200);
    sender_destroy(r.sender);
    fake_store_destroy(store);
}

static void a_refusal_keeps_what_was_before_it_and_drops_what_is_behind(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct receiver r;
    struct openers *openers = openers_create(NULL);
    pipeline_start(&p, store);
    receiver_open(&r, &p, sender_create("h1", LANE_BULK, 1), openers);
    begin(&r);
    sender_events(r.sender, 5, 100);
    put(&r, FRAME_EVENTS);
    settle(&r);
    sender_events(r.sender, 5, 100); /* lost on the way */
    sender_events(r.sender, 5, 100);
    put(&r, FRAME_EVENTS);
    for (unsigned i = 0; i < 5; i++) {
        sender_events(r.sender, 5, 100);
        put(&r, FRAME_EVENTS);
    }
    settle(&r);
    assert_true(r.refused >= 1);
    assert_int_equal(r.check, CHECK_SEQUENCE);
    assert_int_equal(ingest_stream_marks(r.stream).stored, 5);
    assert_int_equal(ingest_stream_queued_bytes(r.stream), 0);
    const uint8_t nonsense[] = {0xff, 0xff, 0xff};
    ingest_stream_put(r.stream, p.loop, p.committer, FRAME_EVENTS, slice_make(nonsense, 3), (struct slice){NULL, 0});
    settle(&r);
    assert_int_equal(r.check, CHECK_MALFORMED);
    pipeline_stop(&p);
    assert_int_equal(pipeline_verify(store).events, 5);
    ingest_stream_destroy(r.stream);
    openers_destroy(openers);
    sender_destroy(r.sender);
    fake_store_destroy(store);
}

/* Searches go by the message's times: whoever could lie about them could hide. */
static void times_that_are_not_the_events_are_refused(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct receiver r;
    struct openers *openers = openers_create(NULL);
    struct fault fault = {0};
    pipeline_start(&p, store);
    receiver_open(&r, &p, sender_create("h1", LANE_BULK, 1), openers);
    begin(&r);
    sender_events(r.sender, 5, 100);
    for (unsigned i = 0; i < 3; i++) {
        struct events_message message;
        CLEANUP_BUFFER struct buffer lie = BUFFER(EVENT_BLOCK_MOST);
        assert_true(events_read(buffer_slice(&r.sender->message), &message, &fault));
        message.first_time_us += i == 0;
        message.last_time_us = i == 1 ? 0 : message.last_time_us + (i == 2);
        assert_true(events_write(&lie, &message));
        assert_true(ingest_stream_put(r.stream, p.loop, p.committer, FRAME_EVENTS, buffer_slice(&lie),
                                      (struct slice){NULL, 0}));
        settle(&r);
        assert_int_equal(r.refused, i + 1);
        assert_int_equal(r.check, CHECK_MALFORMED);
    }
    assert_true(put(&r, FRAME_EVENTS)); /* the truth is taken */
    settle(&r);
    assert_int_equal(ingest_stream_marks(r.stream).stored, 5);
    pipeline_stop(&p);
    ingest_stream_destroy(r.stream);
    openers_destroy(openers);
    sender_destroy(r.sender);
    fake_store_destroy(store);
}

static void a_repeat_is_acknowledged_and_not_stored_again(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct receiver r;
    struct openers *openers = openers_create(NULL);
    pipeline_start(&p, store);
    receiver_open(&r, &p, sender_create("h1", LANE_SECURITY, 1), openers);
    begin(&r);
    sender_events(r.sender, 5, 100);
    put(&r, FRAME_EVENTS);
    settle(&r);
    unsigned committed = r.committed;
    size_t rows = fake_store_count(store, STORE_HOT);
    put(&r, FRAME_EVENTS);
    settle(&r);
    assert_int_equal(r.refused, 0);
    assert_int_equal(r.committed, committed + 1);
    assert_int_equal(fake_store_count(store, STORE_HOT), rows);
    pipeline_stop(&p);
    ingest_stream_destroy(r.stream);
    openers_destroy(openers);
    sender_destroy(r.sender);
    fake_store_destroy(store);
}

static void what_waits_for_its_commit_is_bounded(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct receiver r;
    struct openers *openers = openers_create(NULL);
    pipeline_start(&p, store);
    receiver_open(&r, &p, sender_create("h1", LANE_BULK, 1), openers);
    begin(&r);
    settle(&r);
    fake_store_set_full(store, true);
    unsigned given = 0;
    for (; given < 100; given++) {
        sender_events(r.sender, 10, 100000);
        if (!put(&r, FRAME_EVENTS))
            break;
        sender_close(r.sender); /* a batch holds only so much */
        assert_true(put(&r, FRAME_CLOSE));
        /* The workers are through with it, and it still counts. */
        for (unsigned i = 0; i < 20; i++) {
            loop_turn(p.loop, false);
            usleep(500);
        }
    }
    assert_in_range(given, 6, 9); /* of a million bytes each */
    assert_in_range(ingest_stream_queued_bytes(r.stream), INGEST_STREAM_QUEUE_MOST - 1100000, INGEST_STREAM_QUEUE_MOST);
    fake_store_set_full(store, false);
    settle(&r);
    assert_int_equal(ingest_stream_queued_bytes(r.stream), 0);
    assert_int_equal(ingest_stream_marks(r.stream).stored, given * 10);
    assert_true(put(&r, FRAME_EVENTS)); /* the one that did not fit */
    settle(&r);
    pipeline_stop(&p);
    ingest_stream_destroy(r.stream);
    openers_destroy(openers);
    sender_destroy(r.sender);
    fake_store_destroy(store);
}

#define CRASHES_MOST 64u
struct crashes {
    struct store *stores[CRASHES_MOST];
    size_t count;
};

static void remember(void *context, const struct store *store) {
    struct crashes *crashes = context;
    if (crashes->count < CRASHES_MOST)
        crashes->stores[crashes->count++] = fake_store_copy(store);
}

/* Frames of the whole life, to give again from the marks on, as an agent does. */
struct kept {
    enum frame_type type;
    struct buffer bytes, list;
    uint64_t next_seq; /* of the stream behind it */
    uint64_t next_batch;
};

#define KEPT_MOST 64u
struct life {
    struct kept frames[KEPT_MOST];
    size_t count;
};

static void keep(struct life *life, const struct sender *sender, enum frame_type type) {
    struct kept *kept = &life->frames[life->count++];
    *kept = (struct kept){.type = type, .bytes = BUFFER(EVENT_BLOCK_MOST), .list = BUFFER(EVENT_BLOCK_MOST)};
    if (type == FRAME_EVENTS)
        buffer_append_slice(&kept->bytes, buffer_slice(&sender->message));
    else if (type == FRAME_PART)
        buffer_append(&kept->bytes, sender->part, PART_SIZE);
    else {
        buffer_append(&kept->bytes, sender->close.entry, BATCH_ENTRY_SIZE);
        buffer_append(&kept->list, sender->close.class_list, sender->close.class_list_size);
    }
    kept->next_seq = stream_writer_next_seq(sender->writer);
    kept->next_batch = stream_writer_batch_seq(sender->writer);
}

static void give_again(struct receiver *r, const struct life *life) {
    struct ingest_marks marks = ingest_stream_marks(r->stream);
    for (size_t i = 0; i < life->count; i++) {
        const struct kept *kept = &life->frames[i];
        bool behind = kept->type == FRAME_CLOSE ? kept->next_batch > marks.closed
                      : kept->type == FRAME_EVENTS ? kept->next_seq > marks.stored
                                                   : kept->next_batch >= marks.closed && kept->next_seq > marks.attested;
        if (behind)
            assert_true(ingest_stream_put(r->stream, r->p->loop, r->p->committer, kept->type, buffer_slice(&kept->bytes),
                                          buffer_slice(&kept->list)));
    }
    settle(r);
}

static void after_a_crash_at_any_commit_the_agent_goes_on_from_the_marks(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct crashes crashes = {0};
    struct life life = {0};
    struct pipeline p;
    struct receiver r;
    struct openers *openers = openers_create(NULL);
    pipeline_start(&p, store);
    receiver_open(&r, &p, sender_create("h1", LANE_SECURITY, 1), openers);
    fake_store_on_commit(store, remember, &crashes);
    begin(&r);
    keep(&life, r.sender, FRAME_CLOSE);
    for (unsigned i = 0; i < 12; i++) {
        sender_events(r.sender, 3, 200);
        keep(&life, r.sender, FRAME_EVENTS);
        assert_true(put(&r, FRAME_EVENTS));
        settle(&r);
        sender_part(r.sender);
        keep(&life, r.sender, FRAME_PART);
        assert_true(put(&r, FRAME_PART));
        settle(&r);
        if (i % 4 == 3) {
            sender_close(r.sender);
            keep(&life, r.sender, FRAME_CLOSE);
            assert_true(put(&r, FRAME_CLOSE));
            settle(&r);
        }
    }
    pipeline_stop(&p);
    ingest_stream_destroy(r.stream);
    uint64_t events = pipeline_verify(store).events;
    assert_int_equal(events, 36);
    assert_in_range(crashes.count, 20, CRASHES_MOST);
    for (size_t i = 0; i < crashes.count; i++) {
        struct receiver again;
        pipeline_start(&p, crashes.stores[i]);
        receiver_open(&again, &p, r.sender, openers);
        give_again(&again, &life);
        assert_int_equal(again.refused, 0);
        assert_int_equal(ingest_stream_marks(again.stream).stored, 36);
        assert_int_equal(ingest_stream_marks(again.stream).closed, 4);
        pipeline_stop(&p);
        ingest_stream_destroy(again.stream);
        assert_int_equal(pipeline_verify(crashes.stores[i]).events, 36);
        fake_store_destroy(crashes.stores[i]);
    }
    for (size_t i = 0; i < life.count; i++) {
        buffer_free(&life.frames[i].bytes);
        buffer_free(&life.frames[i].list);
    }
    openers_destroy(openers);
    sender_destroy(r.sender);
    fake_store_destroy(store);
}

/* ---- everything at once, for ThreadSanitizer */

#define STREAMS_AT_ONCE 8u

struct onlooker {
    struct committer *committer;
    atomic_bool stop;
    pthread_t thread;
};

/* What the status, queries and detection ask, from a thread of their own. */
static void *look_on(void *context) {
    struct onlooker *onlooker = context;
    uint64_t seen = 0;
    while (!atomic_load(&onlooker->stop)) {
        seen = committer_wait(onlooker->committer, seen, 1000);
        struct committer_counts counts = committer_counts(onlooker->committer);
        assert_true(counts.changes >= counts.groups || counts.groups);
        (void)committer_queued_bytes(onlooker->committer);
        assert_true(committer_arrival(onlooker->committer) >= seen);
    }
    return NULL;
}

static bool all_quiet(void *context) {
    struct receiver *receivers = context;
    for (size_t i = 0; i < STREAMS_AT_ONCE; i++)
        if (!ingest_stream_is_quiet(receivers[i].stream))
            return false;
    return true;
}

static void many_streams_at_once_disturb_each_other_in_nothing(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct receiver receivers[STREAMS_AT_ONCE];
    struct onlooker onlooker = {0};
    struct openers *openers = openers_create(NULL);
    pipeline_start(&p, store);
    onlooker.committer = p.committer;
    assert_int_equal(pthread_create(&onlooker.thread, NULL, look_on, &onlooker), 0);
    for (uint8_t i = 0; i < STREAMS_AT_ONCE; i++) {
        char host[16];
        snprintf(host, sizeof host, "h%u", i / 2);
        receiver_open(&receivers[i], &p, sender_create(host, i % 2 ? LANE_BULK : LANE_SECURITY, i / 2), openers);
        begin(&receivers[i]);
    }
    for (unsigned round = 0; round < 30; round++) {
        for (size_t i = 0; i < STREAMS_AT_ONCE; i++) {
            sender_events(receivers[i].sender, 4, 500);
            assert_true(put(&receivers[i], FRAME_EVENTS));
            if (round % 5 == 0) {
                sender_part(receivers[i].sender);
                assert_true(put(&receivers[i], FRAME_PART));
            }
            if (round % 10 == 9) {
                sender_close(receivers[i].sender);
                assert_true(put(&receivers[i], FRAME_CLOSE));
            }
        }
        pipeline_report(&p, "round", "h0");
        loop_turn(p.loop, false);
        fake_store_set_full(store, round % 7 == 3);
    }
    fake_store_set_full(store, false);
    pipeline_until(&p, all_quiet, receivers);
    atomic_store(&onlooker.stop, true);
    pthread_join(onlooker.thread, NULL);
    pipeline_stop(&p);
    for (size_t i = 0; i < STREAMS_AT_ONCE; i++) {
        assert_int_equal(receivers[i].refused, 0);
        assert_int_equal(ingest_stream_marks(receivers[i].stream).stored, 120);
        assert_int_equal(ingest_stream_marks(receivers[i].stream).closed, 4);
        ingest_stream_destroy(receivers[i].stream);
        sender_destroy(receivers[i].sender);
    }
    openers_destroy(openers);
    assert_int_equal(pipeline_verify(store).events, STREAMS_AT_ONCE * 120 + 30);
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_good_is_committed_in_order_and_the_marks_follow),
        cmocka_unit_test(a_refusal_keeps_what_was_before_it_and_drops_what_is_behind),
        cmocka_unit_test(times_that_are_not_the_events_are_refused),
        cmocka_unit_test(a_repeat_is_acknowledged_and_not_stored_again),
        cmocka_unit_test(what_waits_for_its_commit_is_bounded),
        cmocka_unit_test(after_a_crash_at_any_commit_the_agent_goes_on_from_the_marks),
        cmocka_unit_test(many_streams_at_once_disturb_each_other_in_nothing),
    };
    return cmocka_run_group_tests_name("ingest_stream", tests, NULL, NULL);
}

/* The committing thread: groups, their order, a full disk, restarts. */
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "memory.h"
#include "pipeline.h"
#include "report.h"

#define CHANGES 200u

struct order {
    unsigned next;
    bool wrong;
};

struct ticket {
    struct order *order;
    unsigned number;
};

static void called_back(void *context, struct change *change) {
    struct ticket *ticket = context;
    assert_non_null(change);
    ticket->order->wrong |= ticket->number != ticket->order->next;
    ticket->order->next++;
    free(ticket);
}

static void submit(struct pipeline *p, struct order *order, unsigned number) {
    struct change *change = change_create();
    uint8_t key[8];
    bytes_put_u64(key, number);
    change_put(change, STORE_REGISTRY, slice_make(key, sizeof key), SLICE("value"));
    struct ticket *ticket = memory_new(sizeof *ticket);
    *ticket = (struct ticket){order, number};
    change_on_committed(change, called_back, ticket);
    committer_submit(p->committer, change);
}

static bool all_called_back(void *context) { return ((struct order *)context)->next == CHANGES; }

static bool one_waits(void *context) { return committer_queued_bytes(((struct pipeline *)context)->committer) > 0; }

static void changes_gather_into_one_commit_and_are_called_back_in_order(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct order order = {0};
    pipeline_start(&p, store);
    pipeline_report(&p, "first", "h");
    pipeline_settle(&p);
    uint64_t before = fake_store_commits(store);
    fake_store_hold(store, true);
    for (unsigned i = 0; i < CHANGES; i++)
        submit(&p, &order, i);
    pipeline_until(&p, one_waits, &p);
    assert_int_equal(order.next, 0); /* nothing is said before it is on the disk */
    fake_store_hold(store, false);
    pipeline_until(&p, all_called_back, &order);
    assert_false(order.wrong);
    assert_in_range(fake_store_commits(store) - before, 1, 4); /* what was taken before the hold, and the rest */
    assert_int_equal(fake_store_count(store, STORE_REGISTRY), CHANGES);
    pipeline_stop(&p);
    fake_store_destroy(store);
}

static void a_change_that_holds_nothing_is_called_back_too(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    pipeline_settle(&p); /* once for the stream's beginning, once for nothing at all */
    pipeline_settle(&p);
    pipeline_stop(&p);
    fake_store_destroy(store);
}

static bool is_stalled(void *context) { return committer_counts(((struct pipeline *)context)->committer).stalled; }

static bool is_retrying(void *context) { return fake_store_refusals(((struct pipeline *)context)->store) >= 2; }

static void a_full_disk_loses_nothing_and_acknowledges_nothing(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    struct order order = {0};
    pipeline_start(&p, store);
    pipeline_settle(&p);
    fake_store_set_full(store, true);
    for (unsigned i = 0; i < CHANGES; i++)
        submit(&p, &order, i);
    pipeline_until(&p, is_stalled, &p);
    pipeline_until(&p, is_retrying, &p);
    assert_int_equal(order.next, 0);
    assert_int_equal(fake_store_count(store, STORE_REGISTRY), 0);
    assert_int_equal(committer_counts(p.committer).stalls, 1);
    fake_store_set_full(store, false);
    pipeline_until(&p, all_called_back, &order);
    assert_false(order.wrong);
    assert_false(committer_counts(p.committer).stalled);
    assert_int_equal(committer_queued_bytes(p.committer), 0);
    pipeline_stop(&p);
    pipeline_verify(store);
    fake_store_destroy(store);
}

static void a_stop_while_the_disk_is_full_ends_and_calls_nobody_back(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    pipeline_report(&p, "stored", "h");
    pipeline_settle(&p);
    fake_store_set_full(store, true);
    for (unsigned i = 0; i < 20; i++)
        pipeline_report(&p, "never_stored", "h");
    pipeline_until(&p, is_stalled, &p);
    pipeline_report(&p, "never_even_taken", "h");
    uint64_t commits = fake_store_commits(store);
    pipeline_stop(&p);
    assert_int_equal(fake_store_commits(store), commits);
    assert_int_equal(pipeline_verify(store).events, 1);
    /* And there is a way on from there. */
    fake_store_set_full(store, false);
    pipeline_start(&p, store);
    pipeline_report(&p, "after", "h");
    pipeline_settle(&p);
    pipeline_stop(&p);
    assert_int_equal(pipeline_verify(store).events, 2);
    fake_store_destroy(store);
}

static void a_change_with_thousands_of_reports_is_one_commit(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    struct change *change = change_create();
    for (unsigned i = 0; i < 9000; i++)
        report_state(change, "many", NULL, "report %u", i);
    committer_submit(p.committer, change);
    pipeline_settle(&p);
    pipeline_stop(&p);
    assert_int_equal(pipeline_verify(store).events, 9000);
    fake_store_destroy(store);
}

static void arrivals_and_the_log_go_on_after_a_restart(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    uint64_t arrival = 0, log_size = 0;
    for (unsigned round = 0; round < 5; round++) {
        struct pipeline p;
        pipeline_start(&p, store);
        /* It begins at once: with the break that every start is. */
        assert_in_range(committer_arrival(p.committer), arrival, arrival + 2);
        assert_in_range(committer_counts(p.committer).log_size, log_size, log_size + 2);
        pipeline_report(&p, "round", "h");
        pipeline_settle(&p);
        assert_true(committer_arrival(p.committer) > arrival);
        pipeline_stop(&p);
        struct pipeline_verified verified = pipeline_verify(store);
        assert_int_equal(verified.events, round + 1);
        assert_int_equal(verified.streams, 1);
        assert_true(verified.batches > log_size);
        arrival = fake_store_count(store, STORE_HOT);
        log_size = verified.batches;
    }
    fake_store_destroy(store);
}

static void waiting_ends_with_an_arrival_with_a_call_and_with_the_time(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    pipeline_report(&p, "e", "h");
    pipeline_settle(&p);
    uint64_t arrival = committer_arrival(p.committer);
    assert_true(arrival > 0);
    assert_int_equal(committer_wait(p.committer, arrival - 1, 60000000), arrival);
    assert_int_equal(committer_wait(p.committer, arrival, 1000), arrival);
    pipeline_stop(&p);
    fake_store_destroy(store);
}

static void marks_that_cannot_be_read_refuse_the_start(void **state) {
    (void)state;
    static const uint8_t seed[ED25519_SEED_SIZE] = {5};
    struct store *store = fake_store_create();
    struct fault fault = {0};
    struct loop *loop = loop_create(&fault);
    struct signing_key *key = signing_key_create(seed);
    struct own_stream_settings own_settings = {store, "collector.example", key};
    struct own_stream *own = own_stream_open(&own_settings, &fault);
    struct log_state_settings log_settings = {store, SLICE(PIPELINE_ORIGIN), signing_key_public(key)};
    fake_store_put(store, STORE_MARK, SLICE("log.tree"), SLICE("12345"));
    assert_null(log_state_open(&log_settings, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    fake_store_delete(store, STORE_MARK, SLICE("log.tree"));
    struct log_state *log = log_state_open(&log_settings, &fault);
    assert_non_null(log);
    struct committer_settings settings = {.store = store, .loop = loop, .own = own, .log = log};
    fake_store_put(store, STORE_MARK, SLICE("arrival"), SLICE("1"));
    assert_null(committer_create(&settings, &fault));
    log_state_destroy(log);
    own_stream_destroy(own);
    loop_destroy(loop);
    signing_key_destroy(key);
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_gather_into_one_commit_and_are_called_back_in_order),
        cmocka_unit_test(a_change_that_holds_nothing_is_called_back_too),
        cmocka_unit_test(a_full_disk_loses_nothing_and_acknowledges_nothing),
        cmocka_unit_test(a_stop_while_the_disk_is_full_ends_and_calls_nobody_back),
        cmocka_unit_test(a_change_with_thousands_of_reports_is_one_commit),
        cmocka_unit_test(arrivals_and_the_log_go_on_after_a_restart),
        cmocka_unit_test(waiting_ends_with_an_arrival_with_a_call_and_with_the_time),
        cmocka_unit_test(marks_that_cannot_be_read_refuse_the_start),
    };
    return cmocka_run_group_tests_name("committer", tests, NULL, NULL);
}

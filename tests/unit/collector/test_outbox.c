/* Notices on their way: durable, in order, each channel for itself, until they are taken or refused for good. */
#include <stdio.h>
#include <stdlib.h>

#include "fake_delivery.h"
#include "outbox.h"
#include "pipeline.h"

struct world {
    struct pipeline p;
    struct outbox *outbox;
    struct collector_settings settings;
};

static void world_start(struct world *w, struct store *store) {
    struct fault fault = {0};
    pipeline_start(&w->p, store);
    w->outbox = outbox_start(&w->settings, store, w->p.committer, &fault);
    assert_non_null(w->outbox);
}

/* As main does it. */
static void world_stop(struct world *w) {
    outbox_stop(w->outbox);
    pipeline_stop_committer(&w->p);
    w->outbox = outbox_destroy(w->outbox);
    pipeline_stop(&w->p);
}

static void committed(void *context, struct change *change) {
    (void)change;
    outbox_wake(context);
}

static void put(struct world *w, const char *id) {
    struct change *change = change_create();
    const struct notice notice = {slice_string(id), SLICE("subject"), SLICE("text"), SLICE("{}"), 1, false};
    outbox_put(w->outbox, change, &notice);
    change_on_committed(change, committed, w->outbox);
    committer_submit(w->p.committer, change);
}

static bool is_empty(void *context) { return fake_store_count(((struct world *)context)->p.store, STORE_OUTBOX) == 0; }
static bool both_try(void *context) {
    (void)context;
    return fake_delivery_tries(0) > 0 && fake_delivery_tries(1) > 0;
}
static bool is_failing(void *context) { return outbox_counts(((struct world *)context)->outbox).failing == 1; }
static bool third_was_tried_again(void *context) {
    (void)context;
    return fake_delivery_tries(0) >= 4;
}

/* How often the collector's own stream tells of it. */
static unsigned times_told(const struct store *store, const char *event) {
    struct store_cursor *cursor = store_cursor_create(store, STORE_HOT, NULL, (struct slice){NULL, 0});
    unsigned times = 0;
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor)) {
        struct slice rest = store_cursor_value(cursor);
        for (size_t at; (at = slice_find(rest, slice_string(event))) != SIZE_MAX; times++)
            rest = slice_from(rest, at + 1);
    }
    store_cursor_destroy(cursor);
    return times;
}

static void every_channel_takes_every_notice_in_order(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    char text[4096];
    fake_delivery_reset(2);
    world_start(&w, store);
    for (unsigned i = 0; i < 5; i++) {
        char id[8];
        snprintf(id, sizeof id, "n%u", i);
        put(&w, id);
    }
    pipeline_settle(&w.p);
    pipeline_until(&w.p, is_empty, &w);
    assert_string_equal(fake_delivery_taken(0, text, sizeof text), "n0 n1 n2 n3 n4 ");
    assert_string_equal(fake_delivery_taken(1, text, sizeof text), "n0 n1 n2 n3 n4 ");
    assert_int_equal(outbox_counts(w.outbox).sent, 10);
    world_stop(&w);
    fake_store_destroy(store);
}

static void a_channel_that_fails_holds_up_itself_alone_and_tells_once(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    char text[4096];
    fake_delivery_reset(2);
    world_start(&w, store);
    put(&w, "n0");
    pipeline_settle(&w.p);
    pipeline_until(&w.p, is_empty, &w);
    fake_delivery_answer_one(0, FAKE_FAILS, "n2");
    put(&w, "n1");
    put(&w, "n2");
    put(&w, "n3");
    pipeline_until(&w.p, is_failing, &w);
    pipeline_until(&w.p, third_was_tried_again, &w); /* n0, n1, n2, n2 */
    assert_string_equal(fake_delivery_taken(0, text, sizeof text), "n0 n1 ");
    assert_string_equal(fake_delivery_taken(1, text, sizeof text), "n0 n1 n2 n3 ");
    CLEANUP_BUFFER struct buffer json = BUFFER(4096);
    outbox_describe(w.outbox, &json);
    assert_non_null(strstr(buffer_string(&json), "\"channel\":\"channel0\",\"state\":\"failing\""));
    assert_non_null(strstr(buffer_string(&json), "the test's channel says no"));
    fake_delivery_answer(0, FAKE_TAKES);
    pipeline_until(&w.p, is_empty, &w);
    assert_string_equal(fake_delivery_taken(0, text, sizeof text), "n0 n1 n2 n3 ");
    world_stop(&w);
    assert_int_equal(times_told(store, "channel_down"), 1);
    assert_int_equal(times_told(store, "channel_up"), 1);
    pipeline_verify(store);
    fake_store_destroy(store);
}

static void what_is_refused_for_good_is_dropped_and_said(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    char text[4096];
    fake_delivery_reset(1);
    fake_delivery_answer_one(0, FAKE_REFUSES, "bad");
    world_start(&w, store);
    put(&w, "n0");
    put(&w, "bad");
    put(&w, "n1");
    pipeline_settle(&w.p);
    pipeline_until(&w.p, is_empty, &w);
    assert_string_equal(fake_delivery_taken(0, text, sizeof text), "n0 n1 ");
    assert_int_equal(outbox_counts(w.outbox).dropped, 1);
    world_stop(&w);
    assert_int_equal(times_told(store, "notice_dropped"), 1);
    fake_store_destroy(store);
}

static void what_was_not_sent_is_sent_after_a_restart_and_nothing_twice(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    char text[4096];
    fake_delivery_reset(2);
    fake_delivery_answer_one(0, FAKE_FAILS, "n1");
    world_start(&w, store);
    put(&w, "n0");
    put(&w, "n1");
    put(&w, "n2");
    pipeline_until(&w.p, is_failing, &w);
    world_stop(&w);
    fake_delivery_answer(0, FAKE_TAKES);
    world_start(&w, store);
    put(&w, "n3");
    pipeline_settle(&w.p);
    pipeline_until(&w.p, is_empty, &w);
    assert_string_equal(fake_delivery_taken(0, text, sizeof text), "n0 n1 n2 n3 ");
    assert_string_equal(fake_delivery_taken(1, text, sizeof text), "n0 n1 n2 n3 ");
    world_stop(&w);
    fake_store_destroy(store);
}

static void a_reload_goes_on_where_it_was(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    char text[4096];
    struct fault fault = {0};
    fake_delivery_reset(1);
    world_start(&w, store);
    put(&w, "n0");
    pipeline_settle(&w.p);
    pipeline_until(&w.p, is_empty, &w);
    for (unsigned i = 1; i < 20; i++) {
        char id[8];
        snprintf(id, sizeof id, "n%u", i);
        put(&w, id);
        assert_true(outbox_reload(w.outbox, &w.settings, &fault)); /* what was taken may still stand in the store */
    }
    pipeline_settle(&w.p);
    pipeline_until(&w.p, is_empty, &w);
    assert_int_equal(fake_delivery_taken_count(0), 20);
    fake_delivery_taken(0, text, sizeof text);
    for (unsigned i = 0; i < 20; i++) {
        char id[8];
        snprintf(id, sizeof id, "n%u ", i);
        assert_non_null(strstr(text, id));
    }
    world_stop(&w);
    fake_store_destroy(store);
}

static bool one_is_under_way(void *context) {
    (void)context;
    return fake_delivery_tries(0) == 1;
}

static void a_reload_does_not_wait_for_a_server_that_hangs(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    struct fault fault = {0};
    char text[256];
    fake_delivery_reset(2);
    fake_delivery_answer(0, FAKE_WAITS);
    world_start(&w, store);
    put(&w, "n0");
    put(&w, "n1");
    pipeline_until(&w.p, one_is_under_way, &w);
    for (unsigned i = 0; i < 3; i++)
        assert_true(outbox_reload(w.outbox, &w.settings, &fault)); /* the server answers only afterwards */
    put(&w, "n2");
    assert_int_equal(outbox_counts(w.outbox).channels, 2);
    fake_delivery_answer(0, FAKE_TAKES);
    pipeline_settle(&w.p);
    pipeline_until(&w.p, is_empty, &w);
    assert_string_equal(fake_delivery_taken(0, text, sizeof text), "n0 n1 n2 ");
    assert_string_equal(fake_delivery_taken(1, text, sizeof text), "n0 n1 n2 ");
    world_stop(&w);
    fake_store_destroy(store);
}

static void a_channel_that_is_gone_from_the_settings_ends_and_keeps_its_notices(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    struct fault fault = {0};
    fake_delivery_reset(2);
    fake_delivery_answer(1, FAKE_FAILS);
    world_start(&w, store);
    put(&w, "n0");
    pipeline_until(&w.p, is_failing, &w);
    fake_delivery_reset(1);
    assert_true(outbox_reload(w.outbox, &w.settings, &fault));
    assert_int_equal(outbox_counts(w.outbox).channels, 1);
    assert_int_equal(outbox_counts(w.outbox).failing, 0);
    pipeline_settle(&w.p);
    assert_int_equal(fake_store_count(store, STORE_OUTBOX), 1);
    fake_delivery_reset(2); /* and back */
    assert_true(outbox_reload(w.outbox, &w.settings, &fault));
    pipeline_until(&w.p, is_empty, &w);
    assert_int_equal(fake_delivery_taken_count(1), 1);
    assert_int_equal(fake_delivery_taken_count(0), 0); /* that was before */
    world_stop(&w);
    fake_store_destroy(store);
}

static void a_notice_under_way_at_the_stop_calls_nobody_that_is_gone(void **state) {
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct world w = {0};
        struct store *store = fake_store_create();
        fake_delivery_reset(1);
        world_start(&w, store);
        put(&w, "n0"); /* its callback comes while everything is being stopped */
        world_stop(&w);
        fake_store_destroy(store);
    }
}

static void rows_that_cannot_be_read_hold_nothing_up(void **state) {
    (void)state;
    struct world w = {0};
    struct store *store = fake_store_create();
    char text[256];
    fake_store_put(store, STORE_OUTBOX, SLICE("short"), SLICE("x"));
    fake_store_put(store, STORE_OUTBOX, SLICE("\0\0\0\0\0\0\0\1"), SLICE("no row"));
    fake_delivery_reset(2);
    world_start(&w, store);
    put(&w, "n0");
    pipeline_until(&w.p, both_try, &w);
    assert_string_equal(fake_delivery_taken(0, text, sizeof text), "n0 ");
    world_stop(&w);
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_channel_takes_every_notice_in_order),
        cmocka_unit_test(a_channel_that_fails_holds_up_itself_alone_and_tells_once),
        cmocka_unit_test(what_is_refused_for_good_is_dropped_and_said),
        cmocka_unit_test(what_was_not_sent_is_sent_after_a_restart_and_nothing_twice),
        cmocka_unit_test(a_reload_goes_on_where_it_was),
        cmocka_unit_test(a_reload_does_not_wait_for_a_server_that_hangs),
        cmocka_unit_test(a_channel_that_is_gone_from_the_settings_ends_and_keeps_its_notices),
        cmocka_unit_test(a_notice_under_way_at_the_stop_calls_nobody_that_is_gone),
        cmocka_unit_test(rows_that_cannot_be_read_hold_nothing_up),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}

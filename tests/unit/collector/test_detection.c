/* Detection over committed rows: each alert once, whatever is stopped or killed in between. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "detection.h"
#include "fake_delivery.h"
#include "memory.h"
#include "pipeline.h"
#include "report.h"

#define HOSTS 4u
#define EVENTS 240u
#define CRASHES_MOST 64u

static const char rules_text[] = "title: A ping\n"
                                 "id: 11111111-1111-4111-8111-111111111111\n"
                                 "logsource: {product: tocsin, category: state}\n"
                                 "detection:\n"
                                 "    selection: {tocsin.event: ping}\n"
                                 "    condition: selection\n"
                                 "level: critical\n"
                                 "---\n"
                                 "title: A login\n"
                                 "id: 22222222-2222-4222-8222-222222222222\n"
                                 "name: a_login\n"
                                 "logsource: {product: tocsin, category: state}\n"
                                 "detection:\n"
                                 "    selection: {tocsin.event: login}\n"
                                 "    condition: selection\n"
                                 "level: informational\n"
                                 "---\n"
                                 "title: Many logins\n"
                                 "id: 33333333-3333-4333-8333-333333333333\n"
                                 "correlation:\n"
                                 "    type: event_count\n"
                                 "    rules: [a_login]\n"
                                 "    group-by: [host.name]\n"
                                 "    timespan: 1h\n"
                                 "    condition: {gte: 3}\n"
                                 "level: critical\n"
                                 "---\n"
                                 "title: Dying\n"
                                 "logsource: {product: tocsin, category: state}\n"
                                 "detection: {selection: {tocsin.event: dying}, condition: selection}\n"
                                 "level: critical\n"
                                 "tocsin: {trouble: health}\n"
                                 "---\n"
                                 "title: Ill\n"
                                 "logsource: {product: tocsin, category: state}\n"
                                 "detection: {selection: {tocsin.event: [ill, dying]}, condition: selection}\n"
                                 "level: high\n"
                                 "tocsin: {trouble: health}\n"
                                 "---\n"
                                 "title: Well\n"
                                 "logsource: {product: tocsin, category: state}\n"
                                 "detection: {selection: {tocsin.event: well}, condition: selection}\n"
                                 "tocsin: {ends: health}\n";

struct world {
    struct pipeline p;
    struct outbox *outbox;
    struct detection *detection;
    struct collector_settings settings;
};

static struct knowledge *knowledge;

static int load_knowledge(void **state) {
    (void)state;
    char path[] = "/tmp/tocsin-detection-XXXXXX.yml";
    int file = mkstemps(path, 4);
    if (file < 0 || write(file, rules_text, sizeof rules_text - 1) != (ssize_t)sizeof rules_text - 1)
        return -1;
    close(file);
    char *rules[] = {path};
    struct fault fault = {0};
    knowledge = knowledge_load(rules, 1, NULL, 0, 0, &fault);
    unlink(path);
    return knowledge && knowledge_refused(knowledge) == 0 ? 0 : -1;
}

static int drop_knowledge(void **state) {
    (void)state;
    knowledge_destroy(knowledge);
    return 0;
}

static void start_detection(struct world *w) {
    struct fault fault = {0};
    struct detection_settings settings = {
        .store = w->p.store, .committer = w->p.committer, .outbox = w->outbox, .knowledge = knowledge, .site = "test"};
    w->detection = detection_start(&settings, &fault);
    assert_non_null(w->detection);
}

static void world_start(struct world *w, struct store *store) {
    struct fault fault = {0};
    pipeline_start(&w->p, store);
    w->outbox = outbox_start(&w->settings, store, w->p.committer, &fault);
    assert_non_null(w->outbox);
    start_detection(w);
}

/* As main does it. */
static void world_stop(struct world *w) {
    w->detection = detection_stop(w->detection);
    outbox_stop(w->outbox);
    pipeline_stop_committer(&w->p);
    w->outbox = outbox_destroy(w->outbox);
    pipeline_stop(&w->p);
}

static bool has_read_all(void *context) {
    struct detection_counts counts = detection_counts(((struct world *)context)->detection);
    return counts.rules && counts.behind == 0;
}

static bool outbox_is_empty(void *context) {
    return fake_store_count(((struct world *)context)->p.store, STORE_OUTBOX) == 0;
}

static void run_to_the_end(struct store *store) {
    struct world w = {0};
    world_start(&w, store);
    pipeline_until(&w.p, has_read_all, &w);
    w.detection = detection_stop(w.detection);
    pipeline_settle(&w.p);
    pipeline_until(&w.p, outbox_is_empty, &w);
    world_stop(&w);
}

static void report_numbered(struct pipeline *p, unsigned number) {
    static const char *const names[] = {"ping", "login", "noise"};
    char host[16];
    snprintf(host, sizeof host, "h%u", number % HOSTS);
    pipeline_report(p, names[number % 3], host);
}

/* Rows of events, one each, that no detection has seen. */
static struct store *make_input(void) {
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    for (unsigned i = 0; i < EVENTS; i++) {
        report_numbered(&p, i);
        pipeline_settle(&p);
    }
    pipeline_stop(&p);
    return store;
}

/* ---- what came of it */

/* One line for each alert, by id: "ID count". */
struct outcome {
    char text[64][64];
    size_t ids, alerts;
};

static bool is_letter(struct slice key, char letter) { return key.size == 33 && key.data[0] == (uint8_t)letter; }

static struct outcome outcome_of(const struct store *store) {
    struct outcome outcome = {0};
    struct store_cursor *cursor = store_cursor_create(store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor)) {
        struct slice key = store_cursor_key(cursor);
        outcome.alerts += key.size == 12;
        if (!is_letter(key, 'i'))
            continue;
        char name[40];
        uint8_t count[16] = {0};
        snprintf(name, sizeof name, "c%.*s", SLICE_ARG(slice_from(key, 1)));
        store_get_fixed(store, STORE_ALERT, slice_string(name), count, sizeof count, NULL);
        assert_in_range(outcome.ids, 0, 63);
        snprintf(outcome.text[outcome.ids++], sizeof outcome.text[0], "%s %" PRIu64, name + 1, bytes_get_u64(count));
    }
    store_cursor_destroy(cursor);
    return outcome;
}

static unsigned times_in_log(const struct store *store, const char *what) {
    struct store_cursor *cursor = store_cursor_create(store, STORE_HOT, NULL, (struct slice){NULL, 0});
    unsigned times = 0;
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor)) {
        struct slice rest = store_cursor_value(cursor);
        for (size_t at; (at = slice_find(rest, slice_string(what))) != SIZE_MAX; times++)
            rest = slice_from(rest, at + 1);
    }
    store_cursor_destroy(cursor);
    return times;
}

static void expect_same(const struct store *store, const struct outcome *wanted, uint64_t notices) {
    struct outcome outcome = outcome_of(store);
    assert_int_equal(outcome.ids, wanted->ids);
    assert_int_equal(outcome.alerts, wanted->ids);
    for (size_t i = 0; i < outcome.ids; i++) {
        char id[64] = "\"id\":\"";
        assert_string_equal(outcome.text[i], wanted->text[i]);
        strncat(id, outcome.text[i], 32);
        assert_int_equal(times_in_log(store, id), 1); /* in the signed log exactly once */
    }
    assert_int_equal(fake_store_puts(store, STORE_OUTBOX), notices); /* told exactly once */
    pipeline_verify(store);
}

/* ---- the tests */

static void each_host_gets_its_alerts_with_what_was_counted(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *store = make_input();
    run_to_the_end(store);
    struct outcome outcome = outcome_of(store);
    assert_int_equal(outcome.ids, 2 * HOSTS);
    uint64_t counted = 0;
    for (size_t i = 0; i < outcome.ids; i++)
        counted += strtoull(strchr(outcome.text[i], ' '), NULL, 10);
    assert_int_equal(counted, EVENTS * 2 / 3); /* pings and logins */
    assert_int_equal(fake_delivery_taken_count(0), 2 * HOSTS);
    expect_same(store, &outcome, 2 * HOSTS);
    fake_store_destroy(store);
}

static void the_same_rows_give_the_same_alerts(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *input = make_input(), *first = fake_store_copy(input), *second = fake_store_copy(input);
    run_to_the_end(first);
    run_to_the_end(second);
    struct outcome outcome = outcome_of(first);
    expect_same(second, &outcome, 2 * HOSTS);
    fake_store_destroy(first);
    fake_store_destroy(second);
    fake_store_destroy(input);
}

/* What became of a host's troubles: how each alert ended, in no order that matters, and how often it was told. */
static struct store *make_troubles(void) {
    static const char *const story[] = {"ill", "ill", "noise", "dying", "dying", "well", "well", "ill", "dying", "ill", "well", "ill"};
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    for (size_t i = 0; i < sizeof story / sizeof *story; i++) {
        pipeline_report(&p, story[i], "h1");
        pipeline_report(&p, story[i], "h2");
        pipeline_settle(&p);
    }
    pipeline_stop(&p);
    return store;
}

static void expect_troubles(const struct store *store) {
    struct outcome outcome = outcome_of(store);
    assert_int_equal(outcome.ids, 2 * 6);
    assert_int_equal(outcome.alerts, 2 * 6);
    unsigned ends = 0, counted = 0;
    struct store_cursor *cursor = store_cursor_create(store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor))
        ends += is_letter(store_cursor_key(cursor), 'r');
    store_cursor_destroy(cursor);
    for (size_t i = 0; i < outcome.ids; i++)
        counted += strstr(outcome.text[i], " 2") != NULL;
    assert_int_equal(ends, 2 * 5);
    assert_int_equal(counted, 2 * 2); /* the first two */
    assert_int_equal(times_in_log(store, "\"by\":\"replaced\""), 2 * 3);
    assert_int_equal(times_in_log(store, "\"by\":\"recovery\""), 2 * 2);
    assert_int_equal(fake_store_puts(store, STORE_OUTBOX), 2 * (6 + 2)); /* each that was raised, each that is over */
    pipeline_verify(store);
}

static void a_trouble_has_one_alert_that_ends_and_both_are_told(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *store = make_troubles();
    run_to_the_end(store);
    expect_troubles(store);
    fake_store_destroy(store);
}

struct crashes {
    struct store *stores[CRASHES_MOST];
    size_t count;
};

static void remember(void *context, const struct store *store) {
    struct crashes *crashes = context;
    if (crashes->count < CRASHES_MOST)
        crashes->stores[crashes->count++] = fake_store_copy(store);
}

static void after_a_crash_at_any_commit_each_alert_is_there_once(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct crashes crashes = {0};
    struct store *store = make_input();
    fake_store_on_commit(store, remember, &crashes);
    run_to_the_end(store);
    struct outcome outcome = outcome_of(store);
    assert_in_range(crashes.count, 2, CRASHES_MOST); /* a busy machine commits in larger groups */
    for (size_t i = 0; i < crashes.count; i++) {
        run_to_the_end(crashes.stores[i]);
        expect_same(crashes.stores[i], &outcome, 2 * HOSTS);
        fake_store_destroy(crashes.stores[i]);
    }
    fake_store_destroy(store);
}

static void after_a_crash_at_any_commit_each_trouble_is_over_once(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct crashes crashes = {0};
    struct store *store = make_troubles();
    fake_store_on_commit(store, remember, &crashes);
    run_to_the_end(store);
    assert_in_range(crashes.count, 2, CRASHES_MOST);
    for (size_t i = 0; i < crashes.count; i++) {
        fake_store_put(crashes.stores[i], STORE_DETECTOR, SLICE("detection"), SLICE("\0\0\0\0\0\0\0\0nonsense"));
        run_to_the_end(crashes.stores[i]); /* from the first row on */
        expect_troubles(crashes.stores[i]);
        fake_store_destroy(crashes.stores[i]);
    }
    fake_store_destroy(store);
}

static void a_restart_at_every_row_changes_nothing(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *store = fake_store_create();
    struct world w = {0};
    world_start(&w, store);
    for (unsigned i = 0; i < 60; i++) {
        report_numbered(&w.p, i);
        pipeline_settle(&w.p);
        w.detection = detection_stop(w.detection); /* has read it, or reads it the next time */
        pipeline_settle(&w.p);                     /* as every start finds it: what was submitted is committed */
        start_detection(&w);
    }
    pipeline_until(&w.p, has_read_all, &w);
    w.detection = detection_stop(w.detection);
    pipeline_settle(&w.p);
    world_stop(&w);
    struct outcome outcome = outcome_of(store);
    uint64_t counted = 0;
    for (size_t i = 0; i < outcome.ids; i++)
        counted += strtoull(strchr(outcome.text[i], ' '), NULL, 10);
    assert_int_equal(outcome.ids, 2 * HOSTS);
    assert_int_equal(counted, 40);
    expect_same(store, &outcome, 2 * HOSTS);
    fake_store_destroy(store);
}

static void thousands_of_hosts_in_one_row_are_thousands_of_alerts(void **state) {
    (void)state;
    fake_delivery_reset(0);
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    struct change *change = change_create();
    for (unsigned i = 0; i < 6000; i++) {
        char host[16];
        snprintf(host, sizeof host, "h%u", i);
        const struct report_field fields[] = {{"host.name", host}, {NULL, NULL}};
        report_state(change, "ping", fields, "ping");
    }
    committer_submit(p.committer, change);
    pipeline_settle(&p);
    pipeline_stop(&p);
    run_to_the_end(store);
    size_t alerts = 0;
    struct store_cursor *cursor = store_cursor_create(store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor))
        alerts += store_cursor_key(cursor).size == 12;
    store_cursor_destroy(cursor);
    assert_int_equal(alerts, 6000);
    pipeline_verify(store);
    fake_store_destroy(store);
}

static void rows_that_cannot_be_read_are_told_once_and_waited_for(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *store = make_input();
    fake_store_break(store, STORE_HOT, 0);
    struct world w = {0};
    world_start(&w, store);
    for (unsigned i = 0; i < 20; i++) { /* each wakes it: still damaged, and told already */
        pipeline_report(&w.p, "noise", "h0");
        pipeline_settle(&w.p);
    }
    fake_store_break(store, STORE_HOT, SIZE_MAX);
    pipeline_until(&w.p, has_read_all, &w);
    world_stop(&w);
    assert_int_equal(times_in_log(store, "store_damaged"), 1);
    assert_int_equal(outcome_of(store).ids, 2 * HOSTS);
    fake_store_destroy(store);
}

static void a_row_that_is_nonsense_is_told_and_passed(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *store = make_input();
    uint8_t key[8];
    bytes_put_u64(key, 7);
    fake_store_put(store, STORE_HOT, slice_make(key, 8), SLICE("nonsense"));
    run_to_the_end(store);
    assert_int_equal(times_in_log(store, "row 7 of the store cannot be read"), 1);
    assert_int_equal(outcome_of(store).ids, 2 * HOSTS);
    fake_store_destroy(store);
}

static void a_state_that_cannot_be_read_begins_anew_and_raises_nothing_twice(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *store = make_input();
    run_to_the_end(store);
    struct outcome outcome = outcome_of(store);
    fake_store_put(store, STORE_DETECTOR, SLICE("detection"), SLICE("\0\0\0\0\0\0\0\0nonsense"));
    run_to_the_end(store);
    expect_same(store, &outcome, 2 * HOSTS);
    fake_store_destroy(store);
}

static void other_rules_hold_from_the_next_event_on(void **state) {
    (void)state;
    fake_delivery_reset(1);
    struct store *store = fake_store_create();
    struct world w = {0};
    world_start(&w, store);
    for (unsigned i = 0; i < 30; i++) {
        report_numbered(&w.p, i);
        if (i % 5 == 0)
            detection_reload(w.detection, knowledge, NULL, 0); /* while rows come in */
    }
    pipeline_settle(&w.p);
    pipeline_until(&w.p, has_read_all, &w);
    world_stop(&w);
    run_to_the_end(store); /* what came in between the last look and the stop */
    assert_int_equal(outcome_of(store).ids, HOSTS + 2); /* ten logins: two hosts have three, windows and all */
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_host_gets_its_alerts_with_what_was_counted),
        cmocka_unit_test(the_same_rows_give_the_same_alerts),
        cmocka_unit_test(after_a_crash_at_any_commit_each_alert_is_there_once),
        cmocka_unit_test(a_trouble_has_one_alert_that_ends_and_both_are_told),
        cmocka_unit_test(after_a_crash_at_any_commit_each_trouble_is_over_once),
        cmocka_unit_test(a_restart_at_every_row_changes_nothing),
        cmocka_unit_test(thousands_of_hosts_in_one_row_are_thousands_of_alerts),
        cmocka_unit_test(rows_that_cannot_be_read_are_told_once_and_waited_for),
        cmocka_unit_test(a_row_that_is_nonsense_is_told_and_passed),
        cmocka_unit_test(a_state_that_cannot_be_read_begins_anew_and_raises_nothing_twice),
        cmocka_unit_test(other_rules_hold_from_the_next_event_on),
    };
    return cmocka_run_group_tests_name("detection", tests, load_knowledge, drop_knowledge);
}

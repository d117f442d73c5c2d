/* What the board of probes holds after their events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "probe_board.h"

#define SECOND 1000000ull
#define NOW (1795286664 * SECOND) /* 2026-11-21T18:44:24Z */

static struct symbols *symbols;
static struct record *record;

static int make(void **state) {
    (void)state;
    symbols = symbols_create();
    record = record_create(symbols);
    return 0;
}

static int drop(void **state) {
    (void)state;
    record_destroy(record);
    symbols_destroy(symbols);
    return 0;
}

/* Names and values in turn, ended by NULL. */
static void event(struct probe_board *board, const char *host, uint64_t time_us, ...) {
    va_list fields;
    va_start(fields, time_us);
    record_clear(record);
    for (const char *name; (name = va_arg(fields, const char *));)
        record_add_named(record, slice_string(name), RECORD_TEXT, slice_string(va_arg(fields, const char *)));
    va_end(fields);
    probe_board_take(board, record, slice_string(host), time_us, time_us + SECOND);
}

static const char *described(const struct probe_board *board, uint64_t now_us) {
    static char text[4096];
    CLEANUP_BUFFER struct buffer to = BUFFER(sizeof text - 1);
    probe_board_describe(board, now_us, &to);
    snprintf(text, sizeof text, "%s", buffer_string(&to));
    return text;
}

static void fail_one(struct probe_board *board) {
    event(board, "beta", NOW, "tocsin.event", "probe_changed", "probe.name", "o", "probe.kind", "ocsp", "probe.target",
          "http://o/", "probe.change", "worse", "probe.state", "critical", "probe.since", "2026-11-21T18:44:00Z",
          "probe.outage.start", "2026-11-21T18:44:00Z", "probe.outage.duration_s", "24", "probe.outage.used_percent",
          "7", "probe.check", "ocsp.body", "probe.check", "ocsp.status", NULL);
}

static void the_newest_of_each_probe_is_told_the_worst_first(void **state) {
    (void)state;
    struct probe_board *board = probe_board_create();
    assert_string_equal(described(board, NOW), "[]");
    event(board, "alpha", NOW - 9 * SECOND, "tocsin.event", "probe_result", "probe.name", "web", "probe.kind", "http",
          "probe.target", "https://w/", "probe.state", "ok", "probe.took_ms", "12.34", NULL);
    fail_one(board);
    assert_int_equal(probe_board_count(board), 2);
    assert_string_equal(described(board, NOW + 36 * SECOND),
                        "[{\"host\":\"beta\",\"name\":\"o\",\"kind\":\"ocsp\",\"target\":\"http://o/\",\"state\":\"critical\","
                        "\"last\":\"critical\",\"since\":\"2026-11-21T18:44:00.000000Z\",\"checks\":\"ocsp.body ocsp.status\","
                        "\"outage\":{\"start\":\"2026-11-21T18:44:00.000000Z\",\"duration_s\":60,\"used_percent\":7},"
                        "\"took_ms\":0.0,\"heard_seconds\":35},"
                        "{\"host\":\"alpha\",\"name\":\"web\",\"kind\":\"http\",\"target\":\"https://w/\",\"state\":\"ok\","
                        "\"last\":\"ok\",\"took_ms\":12.3,\"heard_seconds\":44}]");
    assert_true(probe_board_failed_since(board, NOW - 60 * SECOND));
    assert_false(probe_board_failed_since(board, NOW));
    probe_board_destroy(board);
}

static void a_run_alone_changes_no_state_and_a_recovery_ends_the_outage(void **state) {
    (void)state;
    struct probe_board *board = probe_board_create();
    fail_one(board);
    event(board, "beta", NOW + SECOND, "tocsin.event", "probe_result", "probe.name", "o", "probe.state", "ok",
          "probe.took_ms", "5", NULL);
    const struct probe_standing *standing = probe_board_at(board, 0);
    assert_int_equal(standing->state, PROBE_BOARD_CRITICAL);
    assert_int_equal(standing->last, PROBE_BOARD_OK);
    assert_int_equal(standing->took_us, 5000);
    static const struct {
        const char *text;
        uint64_t us;
    } spans[] = {{"0.1", 100}, {"7.", 7000}, {"1.2345", 1234}, {"x", 0}, {"1.x", 0}, {"", 0}, {".", 0}, {"99999999999", 0}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        event(board, "beta", NOW + SECOND, "tocsin.event", "probe_result", "probe.name", "o", "probe.state", "ok",
              "probe.took_ms", spans[i].text, NULL);
        assert_int_equal(standing->took_us, spans[i].us);
    }
    event(board, "beta", NOW + 2 * SECOND, "tocsin.event", "probe_changed", "probe.name", "o", "probe.change", "recovered",
          "probe.state", "ok", "probe.outage.start", "2026-11-21T18:44:00Z", NULL);
    assert_int_equal(standing->state, PROBE_BOARD_OK);
    assert_int_equal(standing->outage_us, 0);
    assert_int_equal(standing->since_us, NOW + 2 * SECOND);
    assert_string_equal(standing->checks, "");
    event(board, "beta", NOW, "tocsin.event", "agent_silent", "probe.name", "p", NULL);
    event(board, "beta", NOW, "tocsin.event", "probe_result", NULL);
    assert_int_equal(probe_board_count(board), 1);
    probe_board_destroy(board);
}

static void it_is_bounded_and_survives_saving(void **state) {
    (void)state;
    struct probe_board *board = probe_board_create(), *again = probe_board_create();
    char name[300];
    for (unsigned i = 0; i < PROBE_BOARD_MOST + 10; i++) {
        snprintf(name, sizeof name, "p%u", i);
        event(board, "beta", NOW + i, "tocsin.event", "probe_result", "probe.name", name, "probe.state", "warn", NULL);
    }
    assert_int_equal(probe_board_count(board), PROBE_BOARD_MOST);
    assert_int_equal(probe_board_evictions(board), 10);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    event(board, name, NOW + SECOND, "tocsin.event", "probe_result", "probe.name", name, "probe.target", name, NULL);
    CLEANUP_BUFFER struct buffer saved = BUFFER(PROBE_BOARD_STATE_MOST), twice = BUFFER(PROBE_BOARD_STATE_MOST);
    struct fault fault;
    assert_true(probe_board_save(board, NOW, &saved));
    assert_true(probe_board_load(again, buffer_slice(&saved), &fault));
    assert_true(probe_board_save(again, NOW, &twice));
    assert_true(slice_equal(buffer_slice(&saved), buffer_slice(&twice)));
    for (size_t size = 0; size < 400; size++) {
        assert_false(probe_board_load(again, slice_head(buffer_slice(&saved), size), &fault));
        assert_int_equal(probe_board_count(again), 0);
    }
    buffer_clear(&twice);
    assert_true(probe_board_save(board, NOW + PROBE_BOARD_FORGET_US + SECOND + 5000, &twice)); /* all but the last one */
    assert_true(probe_board_load(again, buffer_slice(&twice), &fault));
    assert_int_equal(probe_board_count(again), 1);
    probe_board_destroy(board);
    probe_board_destroy(again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_each_probe_is_told_the_worst_first),
        cmocka_unit_test(a_run_alone_changes_no_state_and_a_recovery_ends_the_outage),
        cmocka_unit_test(it_is_bounded_and_survives_saving),
    };
    return cmocka_run_group_tests(tests, make, drop);
}

/* What a service says of itself, held against what it has to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "found.h"
#include "service_judge.h"

static struct liveness_report report;

static void judge(const struct service_expected *expected, unsigned status, const char *body) {
    const struct http_answer answer = {status, SLICE("")};
    found_begin(&report);
    service_judge(expected, &answer, slice_string(body), &report);
}

static void judge_preset(const char *name, unsigned status, const char *body) {
    const struct service_preset *preset = service_preset_find(name);
    assert_non_null(preset);
    judge(&preset->expected, status, body);
}

static void every_preset_knows_its_server_well_and_ill(void **state) {
    (void)state;
    static const struct {
        const char *preset;
        unsigned status;
        const char *body, *fired;
    } cases[] = {
        {"ejbca", 200, "ALLOK", NULL},
        {"ejbca", 200, "ALLOK\n", NULL},
        {"ejbca", 200, "MEM: Error Virtual Memory is about to run out", "http.pattern"},
        {"ejbca", 500, "ALLOK", "http.status"},
        {"ejbca", 200, "", "http.pattern"},
        {"ejbca", 200, "ALLOK and more", "http.pattern"},
        {"signserver", 200, "ALLOK", NULL},
        {"signserver", 200, "Error: worker 3 is offline", "http.pattern"},
        {"step-ca", 200, "{\"status\":\"ok\"}\n", NULL},
        {"step-ca", 200, "{\"status\":\"error\"}", "http.value"},
        {"step-ca", 200, "<html>", "http.value"},
        {"step-ca", 200, "{\"status\":{\"status\":\"ok\"}}", "http.value"},
        {"cfssl", 200, "{\"success\":true,\"result\":{\"healthy\":true},\"errors\":[],\"messages\":[]}",
         NULL},
        {"cfssl", 200, "{\"success\":true,\"result\":{\"healthy\":false},\"errors\":[]}", "http.value"},
        {"cfssl", 200, "{\"success\":false,\"result\":null,\"errors\":[{\"code\":1}]}", "http.value"},
        {"dogtag", 200, "{\"Response\":{\"State\":\"1\",\"Type\":\"CA\",\"Status\":\"running\"}}", NULL},
        {"dogtag", 200,
         "<?xml version=\"1.0\"?><XMLResponse><State>1</State><Status>running</Status></XMLResponse>", NULL},
        {"dogtag", 200, "<XMLResponse><State>0</State><Status>starting</Status></XMLResponse>",
         "http.pattern"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        judge_preset(cases[i].preset, cases[i].status, cases[i].body);
        found_expect(&report, cases[i].fired);
    }
    for (size_t i = 0; service_preset_at(i); i++) {
        const struct service_preset *preset = service_preset_at(i);
        assert_ptr_equal(service_preset_find(preset->name), preset);
        assert_true(service_statuses_good(preset->expected.statuses));
        assert_non_null(preset->expected.source);
    }
    assert_null(service_preset_find("openca"));
}

static void statuses_are_single_ones_and_hundreds(void **state) {
    (void)state;
    judge(&(struct service_expected){.statuses = "204 3xx"}, 204, "");
    found_expect(&report, NULL);
    judge(&(struct service_expected){.statuses = "204 3xx"}, 302, "");
    found_expect(&report, NULL);
    judge(&(struct service_expected){.statuses = "204 3xx"}, 200, "");
    found_expect(&report, "http.status");
    judge(&(struct service_expected){0}, 200, "");
    found_expect(&report, NULL);
    judge(&(struct service_expected){0}, 404, "");
    found_expect(&report, "http.status");
    static const char *const none[] = {"", "20", "2000", "2x", "xxx", "099", "600", "9xx", "200,204", "-20"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(service_statuses_good(none[i]));
    assert_true(service_statuses_good(" 200  2xx 599 "));
}

static void a_pattern_fits_the_whole_body(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *body;
        bool fits;
    } cases[] = {
        {"ok", "ok", true},
        {"ok", " ok\r\n", true},
        {"ok", "not ok", false},
        {"*ok*", "not ok!", true},
        {"o?", "ok", true},
        {"o?", "o", false},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "a-c-b", false},
        {"*", "", true},
        {"?*", "", false},
        {"", "", true},
        {"", "x", false},
        {"a\\*b", "a*b", true},
        {"a\\*b", "axb", false},
        {"\\?", "?", true},
        {"a\\\\b", "a\\b", true},
        {"ab\\", "ab\\", true},
        {"*aab", "aaaab", true},
        {"*aab*ab", "aaabaab", true},
        {"*x", "aaaaaaa", false},
        {"a**b", "ab", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        judge(&(struct service_expected){.body = cases[i].pattern}, 200, cases[i].body);
        if ((report.state < LIVENESS_WARN) != cases[i].fits)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].body);
    }
}

static void a_report_says_what_was_seen_and_what_is_due(void **state) {
    (void)state;
    judge_preset("cfssl", 200, "{\"success\":true,\"result\":{\"healthy\":\"perhaps\"}}");
    found_seen(&report, CHECK_HTTP_VALUE, "result.healthy: perhaps");
    assert_string_equal(liveness_finding_due(liveness_report_find(&report, CHECK_HTTP_VALUE)),
                        "result.healthy: true (CFSSL: doc/api/endpoint_health.txt)");
    judge_preset("cfssl", 200, "{\"success\":true}");
    found_seen(&report, CHECK_HTTP_VALUE, "no result.healthy");
    judge_preset("cfssl", 200, "<html><body>");
    found_seen(&report, CHECK_HTTP_VALUE, "no JSON object but HTML");
    judge_preset("ejbca", 503, "<html>\x1b[31m");
    found_seen(&report, CHECK_HTTP_STATUS, "503");
    found_seen(&report, CHECK_HTTP_PATTERN, "<html>?[31m");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_knows_its_server_well_and_ill),
        cmocka_unit_test(statuses_are_single_ones_and_hundreds),
        cmocka_unit_test(a_pattern_fits_the_whole_body),
        cmocka_unit_test(a_report_says_what_was_seen_and_what_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

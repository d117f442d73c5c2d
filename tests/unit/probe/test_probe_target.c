/* Whom a probe asks, out of what people write; and what is refused, with a hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "probe_target.h"

static void urls_and_hosts_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t given, port;
        bool url, tls, numeric;
    } cases[] = {
        {"http://ocsp.example.org", "ocsp.example.org", 0, 80, true, false, false},
        {"http://ocsp.example.org/", "ocsp.example.org", 0, 80, true, false, false},
        {"https://a/b//c?d=[x]", "a", 0, 443, true, true, false},
        {"http://a:8080?x", "a", 0, 8080, true, false, false},
        {"http://[2001:db8::1]:81/x", "2001:db8::1", 0, 81, true, false, true},
        {"https://192.0.2.7", "192.0.2.7", 0, 443, true, true, true},
        {"mail.example.org:25", "mail.example.org", 0, 25, false, false, false},
        {"mail.example.org", "mail.example.org", 25, 25, false, false, false},
        {"[::1]:443", "::1", 25, 443, false, false, true},
        {"::1", "::1", 25, 25, false, false, true},
        {"[::1]", "::1", 25, 25, false, false, true},
        {"under_score.example", "under_score.example", 7, 7, false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct probe_target target;
        struct fault fault = {0};
        if (!probe_target_parse(cases[i].text, cases[i].given, &target, &fault))
            fail_msg("%s: %s", cases[i].text, fault.text);
        assert_string_equal(target.host, cases[i].host);
        assert_int_equal(target.port, cases[i].port);
        assert_int_equal(target.url, cases[i].url);
        assert_int_equal(target.tls, cases[i].tls);
        assert_int_equal(target.numeric, cases[i].numeric);
    }
}

static void what_names_nobody_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "names no host"},
        {"http://", "names no host"},
        {"http:///x", "names no host"},
        {"http://a b/", "names no host"},
        {"http://user:word@a/", "leave user and password out"},
        {"ftp://a/", "only http:// and https://"},
        {"a", "needs a port"},
        {"a:0", "is no port"},
        {"a:65536", "is no port"},
        {"a:b", "is no port"},
        {"a:1:2", "names no host"},
        {"[::1", "names no host"},
        {"[::1]x", "names no host"},
        {"[]:1", "names no host"},
        {"[zz::1]:1", "names no host"},
        {"a\r\nb:1", "names no host"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct probe_target target;
        struct fault fault = {0};
        if (probe_target_parse(cases[i].text, 0, &target, &fault))
            fail_msg("'%s' is taken, as %s", cases[i].text, target.host);
        if (!strstr(fault.text, cases[i].says))
            fail_msg("'%s': %s", cases[i].text, fault.text);
    }
}

static void names_of_any_length_are_refused_or_taken_whole(void **state) {
    (void)state;
    char text[1024];
    for (size_t size = 1; size < sizeof text - 1; size++) {
        struct probe_target target;
        struct fault fault = {0};
        memset(text, 'a', size);
        text[size] = '\0';
        bool taken = probe_target_parse(text, 80, &target, &fault);
        assert_int_equal(taken, size < PROBE_HOST_SIZE);
        if (taken)
            assert_int_equal(strlen(target.host), size);
    }
}

static void addresses_are_written_as_people_read_them(void **state) {
    (void)state;
    char text[64];
    probe_target_address("192.0.2.7", 80, text, sizeof text);
    assert_string_equal(text, "192.0.2.7:80");
    probe_target_address("2001:db8::1", 8080, text, sizeof text);
    assert_string_equal(text, "[2001:db8::1]:8080");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_and_hosts_are_taken_apart),
        cmocka_unit_test(what_names_nobody_is_refused),
        cmocka_unit_test(names_of_any_length_are_refused_or_taken_whole),
        cmocka_unit_test(addresses_are_written_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

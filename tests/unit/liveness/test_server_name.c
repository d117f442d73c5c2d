/* Names of servers against the subjectAltNames of a certificate (RFC 9525). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "pki.h"
#include "server_name.h"

static struct certificate certificate_for(const char *names) {
    struct pki_certificate wanted = {"www.common.example", KEY_USER, NULL, KEY_USER, 1, -DAY, DAY,
                                     {{0, NULL}}};
    if (names)
        wanted.extensions[0] = (struct pki_extension){NID_subject_alt_name, names};
    return pki_read(pki_certificate(&wanted));
}

static int tear_down(void **state) {
    (void)state;
    pki_free();
    return 0;
}

static void names_match_as_rfc_9525_has_it(void **state) {
    (void)state;
    static const struct {
        const char *names, *name;
        bool matches;
    } table[] = {
        {"DNS:www.example.org", "www.example.org", true},
        {"DNS:www.example.org", "WWW.Example.ORG", true},
        {"DNS:www.example.org", "www.example.org.", true},
        {"DNS:www.example.org", "example.org", false},
        {"DNS:www.example.org", "www.example.org.evil.example", false},
        {"DNS:a.example, DNS:b.example", "b.example", true},
        {"DNS:*.example.org", "www.example.org", true},
        {"DNS:*.example.org", "WWW.EXAMPLE.org", true},
        {"DNS:*.example.org", "example.org", false},
        {"DNS:*.example.org", ".example.org", false},
        {"DNS:*.example.org", "a.b.example.org", false},
        {"DNS:*.org", "example.org", false},
        {"DNS:*", "localhost", false},
        {"DNS:w*.example.org", "www.example.org", false},
        {"DNS:*w.example.org", "www.example.org", false},
        {"DNS:www.*.org", "www.example.org", false},
        {"DNS:*.*.example.org", "a.b.example.org", false},
        {"DNS:*.example.org", "*.example.org", true},
        {"DNS:192.0.2.7", "192.0.2.7", false},
        {"IP:192.0.2.7", "192.0.2.7", true},
        {"IP:192.0.2.7", "192.0.2.8", false},
        {"IP:2001:db8::1", "2001:DB8:0::1", true},
        {"IP:2001:db8::1", "2001:db8::2", false},
        {"IP:fe80::1", "fe80::1%eth0", true},
        {"IP:192.0.2.7", "::ffff:192.0.2.7", false},
        {"email:www.example.org", "www.example.org", false},
        {"URI:https://www.example.org/", "www.example.org", false},
        {NULL, "www.common.example", false},
        {"DNS:www.example.org", "", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct certificate certificate = certificate_for(table[i].names);
        if (server_name_matches(&certificate, slice_string(table[i].name)) != table[i].matches)
            fail_msg("%s against %s", table[i].name, table[i].names);
    }
}

static void names_are_told_in_one_line(void **state) {
    (void)state;
    char text[SERVER_NAME_TEXT];
    struct certificate few = certificate_for("DNS:a.example, IP:192.0.2.7, email:x@y, IP:2001:db8::1"),
                       none = certificate_for(NULL), mail = certificate_for("email:x@y"),
                       many = certificate_for(
                           "DNS:the-first-of-many-names.example, DNS:the-second-of-many-names.example, "
                           "DNS:the-third-of-many-names.example, DNS:short.example");
    server_name_list(&few, text);
    assert_string_equal(text, "a.example, 192.0.2.7, 2001:db8::1");
    server_name_list(&none, text);
    assert_string_equal(text, "no subjectAltName (a common name does not count)");
    server_name_list(&mail, text);
    assert_string_equal(text, "neither a name nor an address");
    server_name_list(&many, text);
    assert_string_equal(text, "the-first-of-many-names.example, the-second-of-many-names.example and 2 more");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(names_match_as_rfc_9525_has_it, tear_down),
        cmocka_unit_test_teardown(names_are_told_in_one_line, tear_down),
    };
    return cmocka_run_group_tests_name("server_name", tests, NULL, NULL);
}

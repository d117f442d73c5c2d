/* Looks at TLS servers of every kind, and at what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "buffer.h"
#include "files.h"
#include "peer_process.h"
#include "scratch.h"
#include "tls_look.h"

#define SHORT_US 300000u

/* What came of one look, copied. */
struct outcome {
    unsigned done;
    struct tls_look_result result;
    char reason[FAULT_TEXT_SIZE], cipher[64], alpn[16];
    struct buffer certificate;
};

static char folder[256];

static struct outcome outcome;

static int set_up(void **state) {
    (void)state;
    struct fault fault;
    snprintf(folder, sizeof folder, "%s", scratch_path("look"));
    outcome.certificate = BUFFER(65536);
    return files_make_folder(folder, 0700, &fault) ? 0 : -1;
}
static int tear_down(void **state) {
    (void)state;
    buffer_free(&outcome.certificate);
    scratch_remove();
    return 0;
}

static void take(void *context, const struct tls_look_result *result) {
    struct outcome *to = context;
    to->done++;
    to->result = *result;
    snprintf(to->reason, sizeof to->reason, "%s", result->reason);
    snprintf(to->cipher, sizeof to->cipher, "%s", result->cipher ? result->cipher : "");
    snprintf(to->alpn, sizeof to->alpn, "%.*s", SLICE_ARG(result->alpn));
    buffer_clear(&to->certificate);
    if (result->count)
        buffer_append_slice(&to->certificate, result->certificates[0]);
}

static void look_at(unsigned port, struct tls_look_settings settings) {
    struct fault fault = {0};
    struct loop *loop = loop_create(&fault);
    struct buffer kept = outcome.certificate;
    outcome = (struct outcome){.certificate = kept};
    settings.port = (uint16_t)port;
    if (!settings.address)
        settings.address = "127.0.0.1";
    if (!tls_look_start(loop, &settings, take, &outcome, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(outcome.done, 0);
    loop_run(loop);
    assert_int_equal(outcome.done, 1);
    loop_destroy(loop);
}

static void look(const char *mode, struct tls_look_settings settings) {
    struct peer_process peer;
    if (!peer_start(&peer, "tls_peer.py", (const char *[]){mode, folder, NULL}))
        skip();
    look_at(peer.port, settings);
    peer_stop(&peer);
}
#define LOOK(mode, ...) look(mode, (struct tls_look_settings){__VA_ARGS__})

static void expect_failed(enum tls_look_step step, bool late, const char *reason) {
    if (outcome.result.step != step || outcome.result.late != late || !strstr(outcome.reason, reason))
        fail_msg("step %d, late %d, \"%s\" instead of \"%s\"", (int)outcome.result.step, outcome.result.late,
                 outcome.reason, reason);
}

static void expect_good(unsigned version) {
    CLEANUP_BUFFER struct buffer own = BUFFER(65536);
    char path[300];
    struct fault fault;
    expect_failed(TLS_LOOK_GOOD, false, "");
    assert_string_equal(outcome.reason, "");
    assert_int_equal(outcome.result.version, version);
    assert_int_equal(outcome.result.count, 1);
    assert_true(outcome.result.connect_us > 0 && outcome.result.tls_us > 0);
    snprintf(path, sizeof path, "%s/peer.der", folder);
    assert_true(files_read(path, &own, &fault));
    assert_true(slice_equal(buffer_slice(&own), buffer_slice(&outcome.certificate)));
}

/* ---- what speaks TLS */

static void every_version_is_taken_and_told(void **state) {
    (void)state;
    LOOK("today", .name = "peer.test", .alpn = "http/1.1,h2");
    expect_good(0x0304);
    assert_string_equal(outcome.alpn, "h2");
    assert_non_null(strstr(outcome.cipher, "TLS_"));
    LOOK("tls12", .name = "127.0.0.1");
    expect_good(0x0303);
    assert_string_equal(outcome.alpn, "");
    assert_non_null(strstr(outcome.cipher, "ECDHE-ECDSA-"));
    LOOK("tls11", .name = "peer.test.");
    expect_good(0x0302);
}

static void old_versions_alone_are_refused_or_taken(void **state) {
    (void)state;
    LOOK("today", .old_alone = true);
    expect_good(0x0302);
    LOOK("tls13", .old_alone = true);
    expect_failed(TLS_LOOK_HANDSHAKE, false, "protocol version");
    assert_int_equal(outcome.result.version, 0);
    assert_int_equal(outcome.result.count, 0);
}

static void who_wants_a_certificate_of_ours_has_shown_its_own(void **state) {
    (void)state;
    LOOK("wants", .name = "peer.test");
    expect_failed(TLS_LOOK_HANDSHAKE, false, "asked for a certificate of ours");
    assert_true(outcome.result.wanted);
    assert_int_equal(outcome.result.count, 1);
    assert_int_equal(outcome.result.version, 0x0303);
}

static void an_address_of_ipv6_is_looked_at(void **state) {
    (void)state;
    LOOK("today", .address = "::1");
    if (outcome.result.step == TLS_LOOK_CONNECT)
        skip(); /* a machine without it */
    expect_good(0x0304);
}

static void a_mail_server_begins_by_starttls(void **state) {
    (void)state;
    LOOK("mail", .start_with = TLS_LOOK_SMTP);
    expect_good(0x0304);
    assert_true(outcome.result.greeting_us > 0);
    static const char *const bad[][2] = {{"mail-bare", "does not offer STARTTLS"},
                                         {"mail-busy", "554 no service"},
                                         {"mail-later", "454 not now"},
                                         {"mail-injected", "text behind the reply"},
                                         {"mail-endless", "no end of it"},
                                         {"closes", "before TLS began"},
                                         {"ssh", "SSH-2.0"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        LOOK(bad[i][0], .start_with = TLS_LOOK_SMTP);
        expect_failed(TLS_LOOK_GREETING, false, bad[i][1]);
    }
    LOOK("silent", .start_with = TLS_LOOK_SMTP, .timeout_us = SHORT_US);
    expect_failed(TLS_LOOK_GREETING, true, "no answer of a mail server");
}

/* ---- what does not */

static void what_is_no_tls_is_told_by_what_it_is(void **state) {
    (void)state;
    static const char *const bad[][2] = {{"closes", "without a word"},
                                         {"resets", "reset by the server"},
                                         {"ssh", "it says \"SSH-2.0-OpenSSH_9.2\""},
                                         {"cut", "in the middle of the handshake"},
                                         {"alert", "handshake failure\" (40)"},
                                         {"rubbish", "the handshake fails"},
                                         {"flood", "the handshake fails"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        LOOK(bad[i][0], .name = "peer.test");
        expect_failed(TLS_LOOK_HANDSHAKE, false, bad[i][1]);
        assert_int_equal(outcome.result.count, 0);
    }
}

static void silence_ends_with_the_time(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"silent", "silent since"}, {"stuck", "after 6 bytes"}, {"ssh-holds", "it says \"SSH\""}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        LOOK(bad[i][0], .timeout_us = SHORT_US);
        expect_failed(TLS_LOOK_HANDSHAKE, true, bad[i][1]);
    }
}

static void nobody_listening_is_told(void **state) {
    (void)state;
    struct peer_process peer;
    if (!peer_start(&peer, "tls_peer.py", (const char *[]){"closes", folder, NULL}))
        skip();
    peer_stop(&peer);
    look_at(peer.port, (struct tls_look_settings){.address = "127.0.0.1"});
    expect_failed(TLS_LOOK_CONNECT, false, "refused");
    look_at(443, (struct tls_look_settings){.address = "255.255.255.255"});
    assert_int_equal(outcome.result.step, TLS_LOOK_CONNECT);
}

/* ---- the caller */

static void unusable_settings_are_refused(void **state) {
    (void)state;
    struct fault fault = {0};
    struct loop *loop = loop_create(&fault);
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct tls_look_settings bad[] = {{.address = "peer.test", .port = 1},
                                            {.address = "127.0.0.1", .port = 1, .alpn = "h2,,"},
                                            {.address = "127.0.0.1", .port = 1, .name = name},
                                            {.address = "127.0.0.1", .port = 1, .name = "."},
                                            {.address = "127.0.0.1", .port = 1, .alpn = name}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fault = (struct fault){0};
        assert_null(tls_look_start(loop, &bad[i], take, &outcome, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
    }
    loop_destroy(loop);
}

static void cancel_from_within(void *context, const struct tls_look_result *result) {
    struct tls_look **own = context;
    (void)result;
    tls_look_cancel(*own);
    *own = NULL;
}

static void a_look_can_be_cancelled_at_any_time(void **state) {
    (void)state;
    struct peer_process peer;
    struct fault fault = {0};
    if (!peer_start(&peer, "tls_peer.py", (const char *[]){"silent", folder, NULL}))
        skip();
    struct loop *loop = loop_create(&fault);
    outcome.done = 0;
    const struct tls_look_settings settings = {
        .address = "127.0.0.1", .port = (uint16_t)peer.port, .timeout_us = SHORT_US};
    for (int turns = 0; turns < 4; turns++) {
        struct tls_look *one = tls_look_start(loop, &settings, take, &outcome, &fault);
        for (int i = 0; i < turns; i++)
            loop_turn(loop, false);
        tls_look_cancel(one);
    }
    tls_look_cancel(NULL);
    struct tls_look *own = NULL;
    own = tls_look_start(loop, &settings, cancel_from_within, &own, &fault);
    loop_run(loop);
    assert_null(own);
    assert_int_equal(outcome.done, 0);
    loop_destroy(loop);
    peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_taken_and_told),
        cmocka_unit_test(old_versions_alone_are_refused_or_taken),
        cmocka_unit_test(who_wants_a_certificate_of_ours_has_shown_its_own),
        cmocka_unit_test(an_address_of_ipv6_is_looked_at),
        cmocka_unit_test(a_mail_server_begins_by_starttls),
        cmocka_unit_test(what_is_no_tls_is_told_by_what_it_is),
        cmocka_unit_test(silence_ends_with_the_time),
        cmocka_unit_test(nobody_listening_is_told),
        cmocka_unit_test(unusable_settings_are_refused),
        cmocka_unit_test(a_look_can_be_cancelled_at_any_time),
    };
    return cmocka_run_group_tests_name("sys_tls_look", tests, set_up, tear_down);
}

/* What a mail and a post are made of. The clients that would send them stand below, in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "delivery.h"
#include "encoding.h"
#include "http_client.h"
#include "mail_client.h"
#include "memory.h"

/* ---- the clients */

static struct {
    struct buffer message, body;
    char from[256], to[4][256], url[512], headers[8][256];
    size_t to_count, header_count;
    bool fails, permanent, refused_settings;
    enum mail_encryption encryption;
    char server[256];
    uint64_t timeout_us;
} sent = {.message = {.limit = 4u << 20}, .body = {.limit = 4u << 20}};

struct mail_client *mail_client_create(const struct mail_client_settings *settings, struct fault *fault) {
    if (sent.refused_settings) {
        fault_set(fault, FAULT_USAGE, "no");
        return NULL;
    }
    sent.encryption = settings->encryption;
    snprintf(sent.server, sizeof sent.server, "%s", settings->server);
    return memory_new(1);
}

struct mail_client *mail_client_destroy(struct mail_client *client) {
    free(client);
    return NULL;
}

static bool outcome(bool *ret_permanent, struct fault *fault) {
    if (!sent.fails)
        return true;
    *ret_permanent = sent.permanent;
    return fault_set(fault, FAULT_IO, "the server says no");
}

bool mail_client_send(struct mail_client *client, const char *from, const char *const *to, size_t to_count,
                      struct slice message, bool *ret_permanent, struct fault *fault) {
    (void)client;
    buffer_clear(&sent.message);
    buffer_append_slice(&sent.message, message);
    snprintf(sent.from, sizeof sent.from, "%s", from);
    sent.to_count = to_count;
    for (size_t i = 0; i < to_count && i < 4; i++)
        snprintf(sent.to[i], sizeof sent.to[i], "%s", to[i]);
    return outcome(ret_permanent, fault);
}

struct http_client *http_client_create(const struct http_client_settings *settings, struct fault *fault) {
    if (sent.refused_settings) {
        fault_set(fault, FAULT_USAGE, "no");
        return NULL;
    }
    sent.timeout_us = settings->timeout_us;
    return memory_new(1);
}

struct http_client *http_client_destroy(struct http_client *client) {
    free(client);
    return NULL;
}

bool http_client_post(struct http_client *client, const char *url, const char *const *headers, struct slice body,
                      struct buffer *ret_response, bool *ret_permanent, struct fault *fault) {
    (void)client, (void)ret_response;
    buffer_clear(&sent.body);
    buffer_append_slice(&sent.body, body);
    snprintf(sent.url, sizeof sent.url, "%s", url);
    for (sent.header_count = 0; headers[sent.header_count] && sent.header_count < 8; sent.header_count++)
        snprintf(sent.headers[sent.header_count], sizeof sent.headers[0], "%s", headers[sent.header_count]);
    return outcome(ret_permanent, fault);
}

/* ---- settings and notices */

/* Settings own their words. */
#define WORD(text) ((char[]){text})
static char from[] = "tocsin@example.org", server[] = "mail.example";
static char one[] = "one@example.org", two[] = "two@example.org";
static char *recipients[] = {one, two};

static struct collector_settings mail_settings(void) {
    struct collector_settings settings = {0};
    settings.mail.server = (struct settings_address){.host = server, .port = 25};
    settings.mail.from = from;
    settings.mail.to.items = recipients;
    settings.mail.to.count = 2;
    return settings;
}

static struct notice notice_of(const char *subject, const char *text) {
    return (struct notice){SLICE("0123456789abcdef"), slice_string(subject), slice_string(text), SLICE("{\"id\":1}"),
                           UINT64_C(1700000000000000), false};
}

static const char *mail_of(const struct notice *notice) {
    struct collector_settings settings = mail_settings();
    struct fault fault = {0};
    bool permanent;
    sent.fails = false;
    struct delivery *delivery = delivery_create(&settings, 0, &fault);
    assert_non_null(delivery);
    assert_string_equal(delivery_name(delivery), "mail");
    assert_true(delivery_send(delivery, notice, &permanent, &fault));
    delivery_destroy(delivery);
    return buffer_string(&sent.message);
}

/* The header's lines, unfolded. */
static const char *header_of(const char *message, const char *name) {
    static char value[4096];
    size_t size = strlen(name), used = 0;
    const char *at = message;
    while (strncmp(at, name, size) != 0 || at[size] != ':') {
        at = strstr(at, "\r\n");
        assert_non_null(at);
        at += 2;
        if (strncmp(at, "\r\n", 2) == 0)
            fail_msg("there is no header %s", name);
    }
    for (at += size + 2; !(at[0] == '\r' && at[1] == '\n' && at[2] != ' ') && used < sizeof value - 1; at++)
        if (*at != '\r' && *at != '\n')
            value[used++] = *at;
    value[used] = '\0';
    return value;
}

static const char *body_of(const char *message) {
    const char *at = strstr(message, "\r\n\r\n");
    assert_non_null(at);
    return at + 4;
}

/* No line too long, none that ends in anything but CRLF, no byte over 7 bits in a header. */
static void expect_well_formed(const char *message) {
    const char *body = body_of(message);
    for (const char *line = message; *line;) {
        size_t size = strcspn(line, "\r\n");
        assert_in_range(size, 0, 998);
        assert_memory_equal(line + size, "\r\n", 2);
        for (size_t i = 0; line < body && i < size; i++)
            assert_in_range(line[i], 0x20, 0x7e);
        line += size + 2;
    }
}

/* ---- mail */

static void a_mail_has_the_headers_that_a_mail_needs(void **state) {
    (void)state;
    struct notice notice = notice_of("a subject", "line one\nline two");
    const char *message = mail_of(&notice);
    expect_well_formed(message);
    assert_string_equal(header_of(message, "Date"), "Tue, 14 Nov 2023 22:13:20 +0000");
    assert_string_equal(header_of(message, "From"), "Tocsin <tocsin@example.org>");
    assert_string_equal(header_of(message, "To"), "one@example.org, two@example.org");
    assert_string_equal(header_of(message, "Subject"), "a subject");
    assert_string_equal(header_of(message, "MIME-Version"), "1.0");
    assert_string_equal(header_of(message, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(header_of(message, "Auto-Submitted"), "auto-generated");
    assert_string_equal(body_of(message), "line one\r\nline two\r\n");
    assert_null(strstr(message, "X-Priority"));
    assert_string_equal(sent.from, "tocsin@example.org");
    assert_int_equal(sent.to_count, 2);
    assert_string_equal(sent.server, "smtp://mail.example:25");
    notice.urgent = true;
    message = mail_of(&notice);
    assert_string_equal(header_of(message, "X-Priority"), "1");
    expect_well_formed(message);
}

static void a_mail_sent_twice_has_one_id_and_its_reminder_another(void **state) {
    (void)state;
    struct notice notice = notice_of("s", "t");
    char first[256];
    snprintf(first, sizeof first, "%s", header_of(mail_of(&notice), "Message-ID"));
    assert_non_null(strstr(first, "<0123456789abcdef"));
    assert_string_equal(header_of(mail_of(&notice), "Message-ID"), first);
    notice.time_us += 1;
    assert_string_not_equal(header_of(mail_of(&notice), "Message-ID"), first);
}

/* Undoes RFC 2047, section 4.1, as a mail program does: blanks between encoded words vanish. */
static void decode_subject(const char *subject, char *to, size_t size) {
    CLEANUP_BUFFER struct buffer text = BUFFER(4096);
    for (const char *at = subject; *at;) {
        assert_memory_equal(at, "=?UTF-8?B?", 10);
        const char *end = strstr(at + 10, "?=");
        assert_non_null(end);
        assert_in_range(end + 2 - at, 0, 75);
        assert_true(encoding_unbase64(&text, slice_make(at + 10, (size_t)(end - at - 10))));
        at = end + 2 + strspn(end + 2, " ");
    }
    assert_true(encoding_is_utf8(buffer_slice(&text)));
    snprintf(to, size, "%s", buffer_string(&text));
}

static void a_subject_that_is_not_ascii_is_encoded_in_whole_characters(void **state) {
    (void)state;
    static const char *const subjects[] = {
        "[2b] h1: Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich, immer noch (12×)",
        "é",
        "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
        "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語",
        "x🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔🔔",
        "=?UTF-8?B?AAAA?= is no word of ours",
        "two\r\nBcc: lines@example.org",
    };
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        struct notice notice = notice_of(subjects[i], "t");
        char text[512];
        const char *message = mail_of(&notice);
        expect_well_formed(message);
        decode_subject(header_of(message, "Subject"), text, sizeof text);
        assert_string_equal(text, subjects[i]);
        assert_null(strstr(message, "\r\nBcc:"));
    }
}

static void dots_and_ends_in_the_text_stay_what_they_are(void **state) {
    (void)state;
    struct notice notice = notice_of("s", ".\n..\n.a\n\nFrom x\n");
    const char *message = mail_of(&notice);
    assert_string_equal(body_of(message), ".\r\n..\r\n.a\r\n\r\nFrom x\r\n\r\n"); /* the client doubles the dots */
    expect_well_formed(message);
}

static void a_mail_that_is_too_large_is_refused_for_good(void **state) {
    (void)state;
    struct collector_settings settings = mail_settings();
    struct fault fault = {0};
    bool permanent = false;
    char *text = memory_new(MAIL_MESSAGE_MOST + 2);
    memset(text, 'x', MAIL_MESSAGE_MOST + 1);
    struct notice notice = notice_of("s", text);
    struct delivery *delivery = delivery_create(&settings, 0, &fault);
    assert_false(delivery_send(delivery, &notice, &permanent, &fault));
    assert_true(permanent);
    assert_int_equal(fault.code, FAULT_LIMIT);
    delivery_destroy(delivery);
    free(text);
}

static void what_the_server_says_comes_through(void **state) {
    (void)state;
    struct collector_settings settings = mail_settings();
    struct fault fault = {0};
    struct notice notice = notice_of("s", "t");
    struct delivery *delivery = delivery_create(&settings, 0, &fault);
    sent.fails = true;
    for (unsigned i = 0; i < 2; i++) {
        bool permanent = i == 0;
        sent.permanent = i == 1;
        assert_false(delivery_send(delivery, &notice, &permanent, &fault));
        assert_int_equal(permanent, i == 1);
    }
    sent.fails = false;
    delivery_destroy(delivery);
}

static void encryption_is_as_the_settings_say(void **state) {
    (void)state;
    static const enum mail_encryption wanted[] = {[STARTTLS_AUTOMATIC] = MAIL_STARTTLS_IF_OFFERED,
                                                  [STARTTLS_REQUIRED] = MAIL_STARTTLS,
                                                  [STARTTLS_NEVER] = MAIL_PLAIN};
    for (unsigned i = 0; i < 3; i++) {
        struct collector_settings settings = mail_settings();
        settings.mail.starttls = i;
        delivery_destroy(delivery_create(&settings, 0, NULL));
        assert_int_equal(sent.encryption, wanted[i]);
    }
}

/* ---- webhooks */

static struct collector_webhook_settings hooks[] = {
    {.url = WORD("https://hooks.example/services/SECRET?token=SECRET"), .timeout_us = 7000000},
    {.url = WORD("https://hooks.example/other")},
    {.url = WORD("http://user:SECRET@chat.example:8080/x")},
    {.url = WORD("https://hooks.example#third")},
};

static struct collector_settings hook_settings(bool mail) {
    struct collector_settings settings = mail ? mail_settings() : (struct collector_settings){0};
    settings.webhooks.items = hooks;
    settings.webhooks.count = sizeof hooks / sizeof *hooks;
    return settings;
}

static void channels_are_told_apart_by_names_without_secrets(void **state) {
    (void)state;
    static const char *const names[] = {"mail", "webhook:hooks.example", "webhook:hooks.example#2",
                                        "webhook:chat.example:8080", "webhook:hooks.example#3"};
    struct collector_settings settings = hook_settings(true);
    assert_int_equal(delivery_count(&settings), 5);
    for (size_t i = 0; i < 5; i++) {
        struct delivery *delivery = delivery_create(&settings, i, NULL);
        assert_string_equal(delivery_name(delivery), names[i]);
        delivery_destroy(delivery);
    }
    settings = hook_settings(false);
    assert_int_equal(delivery_count(&settings), 4);
    struct delivery *delivery = delivery_create(&settings, 0, NULL);
    assert_string_equal(delivery_name(delivery), "webhook:hooks.example");
    delivery_destroy(delivery);
    settings = (struct collector_settings){0};
    assert_int_equal(delivery_count(&settings), 0);
}

static void a_post_is_the_alert_with_the_headers_that_were_set(void **state) {
    (void)state;
    struct settings_pair pairs[] = {{.name = WORD("X-Token"), .value = WORD("abc")}, {.name = WORD("X-Empty"), .value = WORD("")}};
    hooks[0].headers.items = pairs;
    hooks[0].headers.count = 2;
    struct collector_settings settings = hook_settings(false);
    struct notice notice = notice_of("s", "t");
    struct fault fault = {0};
    bool permanent;
    struct delivery *delivery = delivery_create(&settings, 0, &fault);
    assert_true(delivery_send(delivery, &notice, &permanent, &fault));
    assert_string_equal(sent.url, hooks[0].url);
    assert_string_equal(buffer_string(&sent.body), "{\"id\":1}");
    assert_int_equal(sent.header_count, 3);
    assert_string_equal(sent.headers[0], "Content-Type: application/json");
    assert_string_equal(sent.headers[1], "X-Token: abc");
    assert_int_equal(sent.timeout_us, 7000000);
    sent.fails = sent.permanent = true;
    assert_false(delivery_send(delivery, &notice, &permanent, &fault));
    assert_true(permanent);
    sent.fails = false;
    delivery_destroy(delivery);
    hooks[0].headers.count = 0;
}

static void more_headers_than_fit_are_bounded(void **state) {
    (void)state;
    struct settings_pair pairs[HTTP_CLIENT_HEADERS_MOST + 8];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        pairs[i] = (struct settings_pair){.name = one, .value = two};
    hooks[0].headers.items = pairs;
    hooks[0].headers.count = sizeof pairs / sizeof *pairs;
    struct collector_settings settings = hook_settings(false);
    struct delivery *delivery = delivery_create(&settings, 0, NULL);
    assert_non_null(delivery);
    delivery_destroy(delivery);
    hooks[0].headers.count = 0;
}

static void a_channel_that_cannot_be_made_says_why(void **state) {
    (void)state;
    struct collector_settings settings = hook_settings(true);
    sent.refused_settings = true;
    for (size_t i = 0; i < 2; i++) {
        struct fault fault = {0};
        assert_null(delivery_create(&settings, i, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
    }
    sent.refused_settings = false;
    assert_null(delivery_destroy(NULL));
}

static int release(void **state) {
    (void)state;
    buffer_free(&sent.message);
    buffer_free(&sent.body);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_has_the_headers_that_a_mail_needs),
        cmocka_unit_test(a_mail_sent_twice_has_one_id_and_its_reminder_another),
        cmocka_unit_test(a_subject_that_is_not_ascii_is_encoded_in_whole_characters),
        cmocka_unit_test(dots_and_ends_in_the_text_stay_what_they_are),
        cmocka_unit_test(a_mail_that_is_too_large_is_refused_for_good),
        cmocka_unit_test(what_the_server_says_comes_through),
        cmocka_unit_test(encryption_is_as_the_settings_say),
        cmocka_unit_test(channels_are_told_apart_by_names_without_secrets),
        cmocka_unit_test(a_post_is_the_alert_with_the_headers_that_were_set),
        cmocka_unit_test(more_headers_than_fit_are_bounded),
        cmocka_unit_test(a_channel_that_cannot_be_made_says_why),
    };
    return cmocka_run_group_tests_name("delivery", tests, NULL, release);
}

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "buffer.h"
#include "clock.h"
#include "files.h"
#include "mail_client.h"
#include "peer_process.h"
#include "scratch.h"

static const char *const ann[] = {"ann@example.org"};
static unsigned runs;

struct sink {
    struct peer_process process;
    char folder[256];
    char url[64];
    char text[8192]; /* of the message last read */
};

static void start(struct sink *sink, const char *const *more) {
    struct fault fault;
    char name[32];
    snprintf(name, sizeof name, "sink%u", runs++);
    snprintf(sink->folder, sizeof sink->folder, "%s", scratch_path(name));
    assert_true(files_make_folder(sink->folder, 0700, &fault));
    const char *arguments[12] = {sink->folder};
    for (int i = 0; more && more[i]; i++)
        arguments[1 + i] = more[i];
    if (!peer_start(&sink->process, "smtp_sink.py", arguments))
        skip();
    snprintf(sink->url, sizeof sink->url, "smtp://localhost:%u", sink->process.port);
}

/* The number-th message, envelope first; NULL where there is none. */
static const char *message(struct sink *sink, unsigned number) {
    struct fault fault;
    char path[512];
    CLEANUP_BUFFER struct buffer content = BUFFER(sizeof sink->text - 1);
    snprintf(path, sizeof path, "%s/%u", sink->folder, number);
    if (!files_read(path, &content, &fault))
        return NULL;
    snprintf(sink->text, sizeof sink->text, "%s", buffer_string(&content));
    return sink->text;
}

static struct mail_client *client_of(const struct mail_client_settings *settings) {
    struct fault fault = {0};
    struct mail_client *client = mail_client_create(settings, &fault);
    if (!client)
        fail_msg("%s: %s", fault.place, fault.text);
    return client;
}

static bool send_to(struct mail_client *client, const char *const *to, size_t count, bool *ret_permanent,
                    struct fault *fault) {
    return mail_client_send(client, "tocsin@example.org", to, count, SLICE("Subject: x\n\nbody\n"),
                            ret_permanent, fault);
}

static void send_well(struct mail_client *client) {
    struct fault fault = {0};
    bool permanent;
    if (!send_to(client, ann, 1, &permanent, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
}

static void a_message_arrives_as_it_was_for_everyone_named(void **state) {
    (void)state;
    struct sink sink;
    struct fault fault = {0};
    bool permanent;
    const char *const both[] = {"ann@example.org", "bob@example.org"};
    start(&sink, NULL);
    struct mail_client *client =
        client_of(&(struct mail_client_settings){.server = sink.url, .hello_name = "alpha.test"});
    assert_true(mail_client_send(client, "tocsin@example.org", both, 2,
                                 SLICE("Subject: dots\r\n\r\n.first\n..second\n.\nlast\rone"), &permanent,
                                 &fault));
    const char *text = message(&sink, 1);
    assert_non_null(strstr(text, "hello alpha.test\n"));
    assert_non_null(strstr(text, "from tocsin@example.org\nto ann@example.org bob@example.org\n"));
    assert_non_null(strstr(text, "\n\nSubject: dots\r\n\r\n.first\r\n..second\r\n.\r\nlast\r\none\r\n"));
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

static unsigned peer_of(struct sink *sink, unsigned number) {
    const char *text = message(sink, number);
    unsigned port = 0;
    assert_non_null(text);
    assert_int_equal(sscanf(strstr(text, "peer "), "peer %u", &port), 1);
    return port;
}

static void the_next_message_uses_the_same_connection(void **state) {
    (void)state;
    struct sink sink;
    start(&sink, NULL);
    struct mail_client *client = client_of(&(struct mail_client_settings){.server = sink.url});
    send_well(client);
    send_well(client);
    assert_int_equal(peer_of(&sink, 1), peer_of(&sink, 2));
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

static void a_connection_that_the_server_closed_is_opened_again(void **state) {
    (void)state;
    struct sink sink;
    start(&sink, (const char *[]){"--idle", "0.1", NULL});
    struct mail_client *client = client_of(&(struct mail_client_settings){.server = sink.url});
    for (unsigned i = 1; i <= 3; i++) {
        send_well(client);
        assert_non_null(message(&sink, i));
        usleep(300000); /* the sink's time, not a measurement */
    }
    assert_int_not_equal(peer_of(&sink, 1), peer_of(&sink, 2));
    assert_null(message(&sink, 4)); /* none twice */
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

/* --- encryption and passwords --- */

static void make_certificate(void) {
    char command[1024];
    if (files_exists(scratch_path("mail.crt")))
        return;
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -subj "
             "/CN=localhost "
             "-addext subjectAltName=DNS:localhost -days 2 2>/dev/null",
             scratch_path("mail.key"), scratch_path("mail.crt"));
    assert_int_equal(system(command), 0);
}

static void start_with_tls(struct sink *sink) {
    make_certificate();
    start(sink, (const char *[]){"--tls", scratch_path("mail.crt"), scratch_path("mail.key"), "--user",
                                 "tocsin", "hush", NULL});
}

static struct mail_client_settings secure(const struct sink *sink, const char *password) {
    struct fault fault;
    assert_true(files_write(scratch_path("password"), slice_string(password), 0600, &fault));
    return (struct mail_client_settings){.server = sink->url,
                                         .encryption = MAIL_STARTTLS,
                                         .user = "tocsin",
                                         .password_path = scratch_path("password"),
                                         .authorities_path = scratch_path("mail.crt")};
}

static void starttls_and_a_password_are_used(void **state) {
    (void)state;
    struct sink sink;
    start_with_tls(&sink);
    struct mail_client_settings settings = secure(&sink, "hush\n");
    struct mail_client *client = client_of(&settings);
    send_well(client);
    assert_non_null(strstr(message(&sink, 1), "tls True\nuser tocsin\n"));
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

static void a_wrong_password_may_be_put_right(void **state) {
    (void)state;
    struct sink sink;
    struct fault fault = {0};
    bool permanent = true;
    start_with_tls(&sink);
    struct mail_client_settings settings = secure(&sink, "wrong\n");
    struct mail_client *client = client_of(&settings);
    assert_false(send_to(client, ann, 1, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_false(permanent);
    assert_null(strstr(fault.text, "wrong"));
    assert_true(files_write(settings.password_path, SLICE("hush\n"), 0600, &fault));
    send_well(client); /* without a restart */
    assert_int_equal(unlink(settings.password_path), 0);
    assert_false(send_to(client, ann, 1, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

static void a_server_that_nobody_vouches_for_gets_nothing(void **state) {
    (void)state;
    struct sink sink;
    struct fault fault = {0};
    bool permanent = true;
    start_with_tls(&sink);
    struct mail_client_settings settings = secure(&sink, "hush\n");
    settings.authorities_path = NULL;
    struct mail_client *client = client_of(&settings);
    assert_false(send_to(client, ann, 1, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_false(permanent);
    assert_null(message(&sink, 1));
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

static void starttls_that_is_not_offered_is_a_fault_where_it_is_needed(void **state) {
    (void)state;
    struct sink sink;
    struct fault fault = {0};
    bool permanent = true;
    start(&sink, NULL);
    struct mail_client *client =
        client_of(&(struct mail_client_settings){.server = sink.url, .encryption = MAIL_STARTTLS});
    assert_false(send_to(client, ann, 1, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_null(message(&sink, 1));
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

/* --- refusals --- */

static void a_refusal_for_good_is_told_from_one_for_now(void **state) {
    (void)state;
    static const struct {
        const char *to;
        bool permanent;
    } cases[] = {
        {"550nobody@example.org", true}, {"451later@example.org", false}, {"452full@example.org", false}};
    struct sink sink;
    start(&sink, NULL);
    struct mail_client *client = client_of(&(struct mail_client_settings){.server = sink.url});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        bool permanent = !cases[i].permanent;
        const char *const both[] = {"ann@example.org", cases[i].to};
        assert_false(send_to(client, both, 2, &permanent, &fault));
        assert_int_equal(permanent, cases[i].permanent);
        assert_non_null(strstr(fault.text, "refused on purpose"));
        assert_non_null(strstr(fault.place, sink.url));
    }
    send_well(client);
    assert_null(message(&sink, 2)); /* the good recipient did not get a message that the other refused */
    mail_client_destroy(client);
    peer_stop(&sink.process);
}

/* A socket that listens, so that connections are made by the kernel, and never says a word. */
static int listen_silently(unsigned *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(descriptor, 4), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return descriptor;
}

static void a_server_that_is_down_or_says_nothing_is_tried_again_later(void **state) {
    (void)state;
    struct fault fault = {0};
    bool permanent = true;
    unsigned port;
    char url[64];
    int silent = listen_silently(&port);
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u", port);
    struct mail_client *client = client_of(
        &(struct mail_client_settings){.server = url, .connect_timeout_us = 100000, .timeout_us = 200000});
    assert_false(send_to(client, ann, 1, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_BUSY);
    assert_false(permanent);
    close(silent);
    permanent = true;
    assert_false(send_to(client, ann, 1, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_IO);
    assert_false(permanent);
    mail_client_destroy(client);
}

static void an_address_that_could_end_its_line_is_refused(void **state) {
    (void)state;
    static const char *const addresses[] = {"", "a b@x", "a@x>\r\nRCPT TO:<b@x", "<a@x>", "a@x\n"};
    struct mail_client *client = client_of(&(struct mail_client_settings){.server = "smtp://127.0.0.1:1"});
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct fault fault = {0};
        bool permanent = false;
        assert_false(send_to(client, &addresses[i], 1, &permanent, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
        assert_true(permanent);
    }
    struct fault fault = {0};
    bool permanent = false;
    assert_false(send_to(client, ann, 0, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    static uint8_t large[MAIL_MESSAGE_MOST];
    assert_false(
        mail_client_send(client, "a@x", ann, 1, slice_make(large, sizeof large), &permanent, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    mail_client_destroy(client);
}

static void settings_that_make_no_sense_are_named(void **state) {
    (void)state;
    static const struct mail_client_settings settings[] = {
        {.server = NULL},
        {.server = ""},
        {.server = "localhost:25"},
        {.server = "http://localhost"},
        {.server = "smtp://local host"},
        {.server = "smtp://localhost", .hello_name = "a\r\nRSET"},
        {.server = "smtp://mail.example.org", .user = "u"},
        {.server = "smtp://mail.example.org", .user = "u", .encryption = MAIL_PLAIN},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct fault fault = {0};
        assert_null(mail_client_create(&settings[i], &fault));
        assert_true(fault.code == FAULT_USAGE || (fault.code == FAULT_AUTH && settings[i].user));
    }
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_as_it_was_for_everyone_named),
        cmocka_unit_test(the_next_message_uses_the_same_connection),
        cmocka_unit_test(a_connection_that_the_server_closed_is_opened_again),
        cmocka_unit_test(starttls_and_a_password_are_used),
        cmocka_unit_test(a_wrong_password_may_be_put_right),
        cmocka_unit_test(a_server_that_nobody_vouches_for_gets_nothing),
        cmocka_unit_test(starttls_that_is_not_offered_is_a_fault_where_it_is_needed),
        cmocka_unit_test(a_refusal_for_good_is_told_from_one_for_now),
        cmocka_unit_test(a_server_that_is_down_or_says_nothing_is_tried_again_later),
        cmocka_unit_test(an_address_that_could_end_its_line_is_refused),
        cmocka_unit_test(settings_that_make_no_sense_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}

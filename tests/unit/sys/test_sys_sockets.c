/* Datagrams and plain streams, against sockets of this very process. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "buffer.h"
#include "datagram.h"
#include "tcp_stream.h"

static struct loop *loop;

struct seen {
    unsigned opened, received, closed, failures;
    struct buffer bytes;
    struct fault fault;
    bool in_order, destroy;
    struct datagram *datagram;
    struct tcp_stream *stream;
};

static void destroy_if_asked(struct seen *seen) {
    if (!seen->destroy)
        return;
    seen->datagram = datagram_destroy(seen->datagram);
    seen->stream = tcp_stream_destroy(seen->stream);
}

static void on_open(void *context) {
    struct seen *seen = context;
    seen->opened++;
    destroy_if_asked(seen);
}
static void on_bytes(void *context, struct slice bytes) {
    struct seen *seen = context;
    seen->received++;
    buffer_append_slice(&seen->bytes, bytes);
    destroy_if_asked(seen);
}
static void on_closed(void *context, const struct fault *fault) {
    struct seen *seen = context;
    seen->closed++;
    seen->in_order = !fault;
    if (fault)
        seen->fault = *fault;
    destroy_if_asked(seen);
}
static void on_failed(void *context, const struct fault *fault) {
    struct seen *seen = context;
    seen->failures++;
    seen->fault = *fault;
    destroy_if_asked(seen);
}

static const struct datagram_handlers datagrams = {on_bytes, on_failed};
static const struct tcp_stream_handlers streams = {on_open, on_bytes, on_closed};

/* A socket of a family on loopback; it listens where it is a stream. */
static int peer(int family, int type, uint16_t *ret_port) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t size = family == AF_INET6 ? sizeof six : sizeof four;
    int made = socket(family, type, 0);
    assert_true(made >= 0);
    if (bind(made, address, size) != 0) {
        close(made);
        return -1;
    }
    if (type == SOCK_STREAM)
        assert_int_equal(listen(made, 8), 0);
    assert_int_equal(getsockname(made, address, &size), 0);
    *ret_port = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
    return made;
}

static void until(const unsigned *count, unsigned wanted) {
    while (*count < wanted)
        assert_true(loop_turn(loop, true) || *count >= wanted);
}

static int setup(void **state) {
    (void)state;
    loop = loop_create(NULL);
    return 0;
}
static int teardown(void **state) {
    (void)state;
    loop_destroy(loop); /* and nothing of a test is left in it, or this would not return */
    return 0;
}

static struct seen fresh(void) {
    return (struct seen){.bytes = BUFFER(1 << 22)};
}

static void datagrams_go_there_and_back_in_both_families(void **state) {
    (void)state;
    static const struct {
        int family;
        const char *address;
    } families[] = {{AF_INET, "127.0.0.1"}, {AF_INET6, "::1"}};
    for (size_t i = 0; i < 2; i++) {
        struct seen seen = fresh();
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        uint16_t port = 0;
        char got[100];
        int other = peer(families[i].family, SOCK_DGRAM, &port);
        if (other < 0)
            continue; /* a machine without IPv6 */
        seen.datagram = datagram_connect(loop, families[i].address, port, &datagrams, &seen, &seen.fault);
        assert_non_null(seen.datagram);
        assert_true(datagram_send(seen.datagram, SLICE("question"), &seen.fault));
        assert_int_equal(recvfrom(other, got, sizeof got, 0, (struct sockaddr *)&from, &size), 8);
        sendto(other, "answer", 6, 0, (struct sockaddr *)&from, size);
        sendto(other, "", 0, 0, (struct sockaddr *)&from, size); /* an empty one is one, too */
        until(&seen.received, 2);
        assert_string_equal(buffer_string(&seen.bytes), "answer");
        datagram_destroy(seen.datagram);
        buffer_free(&seen.bytes);
        close(other);
    }
}

static void what_a_stranger_sends_does_not_come(void **state) {
    (void)state;
    struct seen seen = fresh();
    uint16_t port = 0, other_port = 0;
    int other = peer(AF_INET, SOCK_DGRAM, &port), stranger = peer(AF_INET, SOCK_DGRAM, &other_port);
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    char got[100];
    seen.datagram = datagram_connect(loop, "127.0.0.1", port, &datagrams, &seen, &seen.fault);
    assert_true(datagram_send(seen.datagram, SLICE("question"), &seen.fault));
    assert_int_equal(recvfrom(other, got, sizeof got, 0, (struct sockaddr *)&from, &size), 8);
    sendto(stranger, "forged", 6, 0, (struct sockaddr *)&from, size);
    sendto(other, "answer", 6, 0, (struct sockaddr *)&from, size);
    until(&seen.received, 1);
    assert_string_equal(buffer_string(&seen.bytes), "answer");
    datagram_destroy(seen.datagram);
    buffer_free(&seen.bytes);
    close(other);
    close(stranger);
}

static void a_port_where_nobody_listens_is_told(void **state) {
    (void)state;
    struct seen seen = fresh();
    uint16_t port = 0;
    close(peer(AF_INET, SOCK_DGRAM, &port));
    seen.destroy = true;
    seen.datagram = datagram_connect(loop, "127.0.0.1", port, &datagrams, &seen, &seen.fault);
    assert_true(datagram_send(seen.datagram, SLICE("question"), &seen.fault));
    until(&seen.failures, 1);
    assert_int_equal(seen.fault.system, ECONNREFUSED);
    assert_null(seen.datagram); /* in its own callback */
    close(peer(AF_INET, SOCK_STREAM, &port));
    seen.stream = tcp_stream_connect(loop, "127.0.0.1", port, &streams, &seen, &seen.fault);
    assert_non_null(seen.stream);
    until(&seen.closed, 1);
    assert_int_equal(seen.fault.system, ECONNREFUSED);
    assert_false(seen.in_order);
    assert_int_equal(seen.opened, 0);
}

static void an_address_that_is_a_name_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"localhost", "", "127.0.0.1:5", "[::1]", "1.2.3"};
    for (size_t i = 0; i < 4; i++) {
        struct fault fault = {0};
        assert_null(datagram_connect(loop, bad[i], 5, &datagrams, NULL, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
        assert_null(tcp_stream_connect(loop, bad[i], 5, &streams, NULL, &fault));
    }
}

static void a_stream_is_written_read_and_timed(void **state) {
    (void)state;
    struct seen seen = fresh();
    uint16_t port = 0;
    char got[16] = "";
    int server = peer(AF_INET, SOCK_STREAM, &port);
    seen.stream = tcp_stream_connect(loop, "127.0.0.1", port, &streams, &seen, &seen.fault);
    assert_false(tcp_stream_write(seen.stream, SLICE("too early")));
    until(&seen.opened, 1);
    assert_true(tcp_stream_connect_us(seen.stream) > 0);
    assert_int_equal(tcp_stream_first_us(seen.stream), 0);
    int other = accept(server, NULL, NULL);
    assert_true(tcp_stream_write(seen.stream, SLICE("ques")));
    assert_true(tcp_stream_write(seen.stream, SLICE("tion")));
    loop_turn(loop, true);
    assert_int_equal(recv(other, got, 8, MSG_WAITALL), 8);
    assert_string_equal(got, "question");
    assert_int_equal(send(other, "answer", 6, 0), 6);
    until(&seen.received, 1);
    assert_true(tcp_stream_first_us(seen.stream) > 0);
    close(other);
    until(&seen.closed, 1);
    assert_true(seen.in_order);
    assert_string_equal(buffer_string(&seen.bytes), "answer");
    tcp_stream_destroy(seen.stream);
    buffer_free(&seen.bytes);
    close(server);
}

static void output_that_nobody_takes_has_a_limit(void **state) {
    (void)state;
    struct seen seen = fresh();
    uint16_t port = 0;
    static uint8_t much[TCP_STREAM_OUTPUT_MOST];
    int server = peer(AF_INET, SOCK_STREAM, &port);
    seen.stream = tcp_stream_connect(loop, "127.0.0.1", port, &streams, &seen, &seen.fault);
    until(&seen.opened, 1);
    int other = accept(server, NULL, NULL);
    assert_true(tcp_stream_write(seen.stream, slice_make(much, sizeof much)));
    assert_false(tcp_stream_write(seen.stream, SLICE("x")));
    size_t got = 0;
    static uint8_t bytes[TCP_STREAM_OUTPUT_MOST];
    while (got < sizeof much) {
        loop_turn(loop, false);
        ssize_t now = recv(other, bytes, sizeof bytes, MSG_DONTWAIT);
        got += now > 0 ? (size_t)now : 0;
    }
    assert_true(tcp_stream_write(seen.stream, SLICE("x")));
    tcp_stream_destroy(seen.stream); /* with bytes to go out */
    close(other);
    close(server);
}

static void a_stream_may_go_in_each_of_its_callbacks(void **state) {
    (void)state;
    uint16_t port = 0;
    int server = peer(AF_INET, SOCK_STREAM, &port);
    struct seen seen = fresh();
    seen.destroy = true;
    seen.stream = tcp_stream_connect(loop, "127.0.0.1", port, &streams, &seen, &seen.fault);
    until(&seen.opened, 1);
    assert_null(seen.stream);
    close(accept(server, NULL, NULL));
    struct seen second = fresh();
    second.stream = tcp_stream_connect(loop, "127.0.0.1", port, &streams, &second, &second.fault);
    until(&second.opened, 1);
    int other = accept(server, NULL, NULL);
    send(other, "bytes", 5, 0);
    close(other);
    second.destroy = true;
    until(&second.received, 1);
    assert_null(second.stream);
    while (loop_turn(loop, false))
        continue;
    assert_int_equal(second.closed, 0);
    buffer_free(&second.bytes);
    close(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(datagrams_go_there_and_back_in_both_families, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_stranger_sends_does_not_come, setup, teardown),
        cmocka_unit_test_setup_teardown(a_port_where_nobody_listens_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_that_is_a_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_is_written_read_and_timed, setup, teardown),
        cmocka_unit_test_setup_teardown(output_that_nobody_takes_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_may_go_in_each_of_its_callbacks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

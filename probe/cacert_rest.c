#include "cacert_rest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#define READ_MOST 256u
#define LINE 3 /* its descriptor in the process of its own */

/* Whatever holds a pipe or a socket open would keep others waiting for its end. */
static bool keep_line_alone(int descriptor) {
    int nothing = open("/dev/null", O_RDWR);
    for (int i = 0; i < LINE; i++)
        if (nothing < 0 || dup2(nothing, i) < 0)
            return false;
    return dup2(descriptor, LINE) == LINE && close_range(LINE + 1, ~0u, 0) == 0;
}

static bool write_all(struct cacert_client *client) {
    for (struct slice given; (given = cacert_client_give(client)).size;) {
        ssize_t wrote = write(LINE, given.data, given.size < SERIAL_PIECE ? given.size : SERIAL_PIECE);
        if (wrote < 0)
            return errno == EAGAIN || errno == EINTR;
        cacert_client_gave(client, (size_t)wrote, clock_monotonic_us());
        usleep(SERIAL_PIECE_US);
    }
    return true;
}

/* False: the line is gone. */
static bool wait_and_read(struct cacert_client *client) {
    const uint64_t us_per_ms = 1000;
    uint8_t bytes[READ_MOST];
    uint64_t now_us = clock_monotonic_us(), expiry_us = cacert_client_expiry(client);
    uint64_t wait_ms = expiry_us > now_us ? (expiry_us - now_us) / us_per_ms + 1 : 0;
    bool writing = cacert_client_give(client).size != 0;
    struct pollfd line = {.fd = LINE, .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
    if (poll(&line, 1, wait_ms < INT32_MAX ? (int)wait_ms : INT32_MAX) > 0 && !(line.revents & POLLOUT)) {
        ssize_t got = read(LINE, bytes, sizeof bytes);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (got > 0)
            cacert_client_take(client, slice_make(bytes, (size_t)got), clock_monotonic_us());
    }
    cacert_client_tick(client, clock_monotonic_us());
    return true;
}

static void finish(int descriptor, const struct termios *before, struct cacert_client *client) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_NAME, "tocsin-line"); /* as whoever finds the line taken is told */
    if (!keep_line_alone(descriptor))
        return;
    while (!cacert_client_done(client) && write_all(client))
        if (!cacert_client_done(client) && !wait_and_read(client))
            break;
    serial_put_back(LINE, before);
}

void cacert_rest_leave(struct serial *serial, struct cacert_client *client) {
    struct termios before;
    int descriptor = serial_take_out(serial, &before);
    pid_t between = fork();
    if (between == 0) {
        /* A session of its own, and nobody's child: who ends this process's group does not end it. */
        if (setsid() >= 0 && fork() == 0)
            finish(descriptor, &before, client);
        _exit(0);
    }
    if (between < 0)
        serial_put_back(descriptor, &before);
    else {
        while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
            ;
        close(descriptor);
    }
}

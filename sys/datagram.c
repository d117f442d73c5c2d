#include "datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop_private.h"
#include "memory.h"
#include "socket_private.h"

#define TURN_MOST 16u /* datagrams taken in one turn, so that a flood holds back nobody else */

struct datagram {
    struct loop *loop;
    struct datagram_handlers handlers;
    void *context;
    int socket;
    struct loop_watch *watch;
    bool busy, dead; /* destroyed while its callbacks run: its memory goes when they have returned */
};

static void failed(struct datagram *datagram) {
    struct fault fault;
    fault_set_system(&fault, "no datagram can come");
    datagram->handlers.failed(datagram->context, &fault);
}

static void ready(void *context, unsigned events) {
    struct datagram *datagram = context;
    struct loop *loop = datagram->loop;
    (void)events;
    datagram->busy = true;
    for (unsigned i = 0; i < TURN_MOST && !datagram->dead; i++) {
        ssize_t got = recv(datagram->socket, loop->received, sizeof loop->received, MSG_TRUNC);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (got < 0)
            failed(datagram);
        else if ((size_t)got <= sizeof loop->received)
            datagram->handlers.bytes(datagram->context, slice_make(loop->received, (size_t)got));
    }
    datagram->busy = false;
    if (datagram->dead)
        free(datagram);
}

struct datagram *datagram_connect(struct loop *loop, const char *address, uint16_t port,
                                  const struct datagram_handlers *handlers, void *context,
                                  struct fault *fault) {
    int made;
    if (!socket_connect(address, port, SOCK_DGRAM, &made, fault))
        return NULL;
    struct datagram *datagram = memory_new(sizeof *datagram);
    *datagram = (struct datagram){loop, *handlers, context, made, NULL, false, false};
    datagram->watch = loop_watch_create(loop, made, LOOP_READABLE, ready, datagram, fault);
    return datagram->watch ? datagram : datagram_destroy(datagram);
}

bool datagram_send(struct datagram *datagram, struct slice bytes, struct fault *fault) {
    if (send(datagram->socket, bytes.data, bytes.size, MSG_NOSIGNAL) >= 0)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS)
        return fault_set(fault, FAULT_BUSY, "the kernel's queue for datagrams is full");
    return fault_set_system(fault, "a datagram of %zu bytes cannot be sent", bytes.size);
}

struct datagram *datagram_destroy(struct datagram *datagram) {
    if (!datagram)
        return NULL;
    loop_watch_destroy(datagram->watch);
    close(datagram->socket);
    datagram->dead = true;
    if (!datagram->busy)
        free(datagram);
    return NULL;
}

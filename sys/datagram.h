/* Datagrams to one numeric address and back (UDP, connected: the kernel drops what others send, and tells when nobody
 * listens).
 *
 * Callbacks come in the loop's turns, never from datagram_connect or datagram_send. Anybody who guesses the port may send in
 * the peer's name: whether a datagram is an answer its receiver must see from what is in it. There is no time limit: the
 * caller has one. */
#ifndef TOCSIN_DATAGRAM_H
#define TOCSIN_DATAGRAM_H

#include "loop.h"
#include "slice.h"

#define DATAGRAM_MOST 65535u /* bytes */

struct datagram;
struct datagram_handlers {
    void (*bytes)(void *context,
                  struct slice bytes); /* one datagram, borrowed for the call; whole, or it is dropped */
    void (*failed)(void *context,
                   const struct fault *fault); /* refused, unreachable; others may still come */
};

struct datagram *datagram_connect(struct loop *loop, const char *address, uint16_t port,
                                  const struct datagram_handlers *handlers, void *context,
                                  struct fault *fault);
/* FAULT_BUSY: the kernel's queue is full. */
bool datagram_send(struct datagram *datagram, struct slice bytes, struct fault *fault);
/* At any time, in its own callbacks, too. NULL. */
struct datagram *datagram_destroy(struct datagram *datagram);

#endif

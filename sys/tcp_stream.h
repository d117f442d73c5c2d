/* Plain TCP to one numeric address, anywhere: for asking what others serve without TLS (SMTP, DNS, a port). Never for anything
 * of ours: that is channel.h, which refuses it.
 *
 * Callbacks come in the loop's turns: `open` once, any number of `bytes`, then `closed` once (without fault: the peer ended
 * it). Or `closed` alone, where it could not be reached. None comes from tcp_stream_connect or tcp_stream_write, and none after
 * tcp_stream_destroy or `closed`. There is no time limit: the caller has one. */
#ifndef TOCSIN_TCP_STREAM_H
#define TOCSIN_TCP_STREAM_H

#include "loop.h"
#include "slice.h"

#define TCP_STREAM_OUTPUT_MOST 65536u /* bytes that wait to go out */

struct tcp_stream;
struct tcp_stream_handlers {
    void (*open)(void *context);
    void (*bytes)(void *context, struct slice bytes); /* borrowed for the call */
    void (*closed)(void *context, const struct fault *fault);
};

/* The fault is of the address, or of a machine without sockets; refused and unreachable may come either way. */
struct tcp_stream *tcp_stream_connect(struct loop *loop, const char *address, uint16_t port,
                                      const struct tcp_stream_handlers *handlers, void *context,
                                      struct fault *fault);
/* Copies; from `open` on. False: more than TCP_STREAM_OUTPUT_MOST would wait, and nothing was taken. */
bool tcp_stream_write(struct tcp_stream *stream, struct slice bytes);
/* At any time, in its own callbacks, too: it is gone without a word of farewell. NULL. */
struct tcp_stream *tcp_stream_destroy(struct tcp_stream *stream);

/* Microseconds from tcp_stream_connect to `open`, and from the last write (or `open`) to the first bytes; 0 until then. */
uint64_t tcp_stream_connect_us(const struct tcp_stream *stream);
uint64_t tcp_stream_first_us(const struct tcp_stream *stream);

#endif

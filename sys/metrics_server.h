/* GET /metrics on a UNIX socket or a loopback port: HTTP/1.0 answers, one request a connection, nothing else.
 *
 * A request is at most METRICS_REQUEST_MOST bytes and must be there within METRICS_TIMEOUT_US;
 * METRICS_CONNECTIONS_MOST at a time. The page is written anew for each request. */
#ifndef TOCSIN_METRICS_SERVER_H
#define TOCSIN_METRICS_SERVER_H

#include "buffer.h"
#include "fault.h"
#include "loop.h"

#define METRICS_REQUEST_MOST 4096u
#define METRICS_PAGE_MOST (4u * 1024 * 1024)
#define METRICS_TIMEOUT_US 5000000u
#define METRICS_CONNECTIONS_MOST 16u

struct metrics_server;

/* `address` as in channel.h: "unix:PATH" or a loopback HOST:PORT. */
struct metrics_server *metrics_server_create(struct loop *loop, const char *address,
                                             void (*page)(void *context, struct buffer *to), void *context,
                                             struct fault *fault);
struct metrics_server *metrics_server_destroy(struct metrics_server *server); /* NULL */
const char *metrics_server_address(const struct metrics_server *server);

#endif

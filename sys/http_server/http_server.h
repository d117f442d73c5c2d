/* An HTTP/1.1 server for small requests: whole requests in, whole answers out, in threads of its own. The only user of
 * libmicrohttpd.
 *
 * Plain HTTP is for loopback alone; any other address needs a certificate.
 * Everything has a ceiling: bytes of a body and of the head, connections in all and from one peer, and the time that a
 * connection has for a whole request, from its beginning or its last answer on, and for taking an answer
 * (HTTP_SERVER_TIMEOUT_US): one that says nothing, or that drips, is closed. Over the ceilings of bytes the answer is 413 or 431.
 *
 * The handler runs in the server's threads, several at a time, and may block: it holds up its own thread's connections alone.
 * It sees each request whole and answers it before it returns. */
#ifndef TOCSIN_HTTP_SERVER_H
#define TOCSIN_HTTP_SERVER_H

#include "buffer.h"
#include "fault.h"

#define HTTP_SERVER_TIMEOUT_US 30000000u
#define HTTP_SERVER_CONNECTIONS_MOST 256u
#define HTTP_SERVER_PEER_CONNECTIONS_MOST 64u
#define HTTP_SERVER_HEAD_MOST (16u * 1024)
#define HTTP_SERVER_PATH_MOST 1024u
#define HTTP_SERVER_THREADS 2u

struct http_request {
    const char *method; /* "GET"; HEAD comes as one, and its answer goes without the body */
    const char *path;   /* as it was sent, up to a "?", percent signs decoded; starts with "/" */
    struct slice body;  /* of POST and PUT */
    const char *peer;   /* its address, without the port */
};

struct http_answer {
    unsigned status;
    const char *type;   /* of the content; NULL: text/plain; charset=utf-8 */
    struct buffer body; /* empty, HTTP_SERVER_ANSWER_MOST bytes at most; the server frees it */
};
#define HTTP_SERVER_ANSWER_MOST (17u * 1024 * 1024) /* 256 of the log's largest entries */

typedef void http_server_handler(void *context, const struct http_request *request,
                                 struct http_answer *answer);

struct http_server_settings {
    const char *host;                        /* without brackets; a name is looked up once */
    uint16_t port;                           /* 0: any; http_server_port says which */
    const char *certificate_path, *key_path; /* PEM; both or none; the certificate with its chain */
    size_t body_most;                        /* bytes; 0: no request may have a body */
    uint64_t timeout_us;                     /* 0 means HTTP_SERVER_TIMEOUT_US */
    http_server_handler *handler;
    void *context;
};

struct http_server;

struct http_server *http_server_start(const struct http_server_settings *settings, struct fault *fault);
/* Requests that the handler is at are answered first. NULL is fine; returns NULL. */
struct http_server *http_server_stop(struct http_server *server);
uint16_t http_server_port(const struct http_server *server);

struct http_server_counts {
    uint64_t requests, refused; /* refused: too large, too slow, or no request */
    size_t connections;         /* now */
};
struct http_server_counts http_server_counts(struct http_server *server);

/* A sentence and a newline for people, as the whole body. */
void http_answer_say(struct http_answer *answer, unsigned status, const char *text);

#endif

/* HTTP requests on the loop, as a probe needs them: each measures a whole connection, and many run at once.
 *
 * A fetcher serves all requests of its loop. By default every request opens a connection of its own and closes it; TLS
 * sessions are not resumed either. Redirects are not followed, proxies of the environment are not asked, and the path goes
 * out as it is written ("//" and "+" stay). TLS is 1.2 or newer.
 *
 * Ownership: what http_fetch_start takes is copied. A fetch lives until its `done` has returned, or until it is cancelled;
 * both a fetch and a fetcher may be let go of in any callback, and no callback comes after that. `done` comes once, always,
 * and never from within http_fetch_start.
 * Limits: HTTP_FETCH_MOST fetches at once; of an answer, HTTP_FETCH_HEADERS_MOST bytes of headers and trailers are held,
 * and nothing of its body. Times are in microseconds. */
#ifndef TOCSIN_HTTP_FETCH_H
#define TOCSIN_HTTP_FETCH_H

#include "fault.h"
#include "loop.h"
#include "slice.h"

#define HTTP_FETCH_MOST 16000u /* 17 KiB each while nothing comes; a descriptor each */
#define HTTP_FETCH_HEADERS_MOST (64u * 1024) /* bytes of an answer's */
#define HTTP_FETCH_LINES_MOST 32u            /* headers of a request */
#define HTTP_FETCH_TIMEOUT_US 10000000u
#define HTTP_FETCH_BODY_MOST (1u << 20)
#define HTTP_FETCH_AUTHORITIES_MOST 64u /* files of them at once */
#define HTTP_FETCH_ADDRESS_SIZE 46u     /* any numeric address */

enum http_fetch_method { HTTP_FETCH_GET, HTTP_FETCH_HEAD, HTTP_FETCH_POST };

enum http_fetch_version {
    HTTP_FETCH_1,   /* 1.1, or 1.0 where the server has no better */
    HTTP_FETCH_2,   /* over TLS, where the server has it (ALPN) */
    HTTP_FETCH_H2C, /* over TCP, without asking first (RFC 9113 3.3) */
};

/* All but the URL may be 0. */
struct http_fetch_request {
    const char *url; /* http or https */
    enum http_fetch_method method;
    const char *const *headers; /* "Name: value", ended by NULL */
    struct slice body;          /* of a POST */
    const char *address; /* numeric: connect there and ask no name server; name and Host stay the URL's */
    bool unverified;     /* any certificate will do */
    const char *authorities_path; /* PEM; NULL: the system's */
    const char *certificate_path; /* of ours, PEM; NULL: none */
    const char *key_path;         /* NULL: in the same file */
    enum http_fetch_version version;
    uint64_t timeout_us; /* of the whole; 0 means HTTP_FETCH_TIMEOUT_US */
    uint64_t body_most;  /* bytes; 0 means HTTP_FETCH_BODY_MOST */
    bool keep; /* take a connection that is there, judged when it was opened, and leave it for the next one */
};

/* What stood in the way. */
enum http_fetch_failure {
    HTTP_FETCH_GOOD,           /* a whole answer, whatever its status */
    HTTP_FETCH_FAILED_NAME,    /* the name has no address */
    HTTP_FETCH_FAILED_CONNECT, /* refused, unreachable */
    HTTP_FETCH_FAILED_TLS,     /* no session, or a certificate that is not good */
    HTTP_FETCH_FAILED_ANSWER,  /* none, no HTTP, or cut off */
    HTTP_FETCH_FAILED_TIME,    /* the time was over; the phases say how far it came */
    HTTP_FETCH_FAILED_SIZE,    /* larger than allowed */
    HTTP_FETCH_STOPPED,        /* by the body's handler */
};

/* Of each phase; 0 where it was not passed, or not needed. */
struct http_fetch_times {
    uint64_t name_us, connect_us, tls_us, first_us, body_us;
    uint64_t whole_us;
};

struct http_fetch_result {
    enum http_fetch_failure failure;
    const char *reason;    /* for people; empty where it is good */
    unsigned status;       /* 0: none came */
    struct slice headers;  /* the last answer's, its status line first, as they came */
    struct slice trailers; /* what came behind the body */
    uint64_t body_size;    /* bytes handed over */
    unsigned version;      /* 10, 11, 20; 0: unknown */
    struct http_fetch_times times;
    char address[HTTP_FETCH_ADDRESS_SIZE]; /* that was connected to; empty: none */
};

struct http_fetch_handlers {
    bool (*body)(void *context, struct slice piece); /* false stops; NULL: counted alone */
    void (*done)(void *context, const struct http_fetch_result *result); /* the result dies with the call */
};

struct http_fetcher;
struct http_fetcher *http_fetcher_create(struct loop *loop, struct fault *fault);
/* What runs is cancelled. NULL. */
struct http_fetcher *http_fetcher_destroy(struct http_fetcher *fetcher);

/* NULL with a fault: the request is none (FAULT_USAGE), authorities that cannot be read, or too many (FAULT_LIMIT). What
 * the network says comes in the result. */
struct http_fetch;
struct http_fetch *http_fetch_start(struct http_fetcher *fetcher, const struct http_fetch_request *request,
                                    const struct http_fetch_handlers *handlers, void *context,
                                    struct fault *fault);
struct http_fetch *http_fetch_cancel(struct http_fetch *fetch); /* NULL */

/* "name", "connect", "tls", "answer", "time", "size", "stopped"; "good". */
const char *http_fetch_failure_name(enum http_fetch_failure failure);

#endif

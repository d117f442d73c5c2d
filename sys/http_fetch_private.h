/* Within sys alone: a fetch, and the three things that are done with it: told to libcurl, run, read from it. */
#ifndef TOCSIN_HTTP_FETCH_PRIVATE_H
#define TOCSIN_HTTP_FETCH_PRIVATE_H

#include "buffer.h"
#include "curl_private.h"
#include "http_fetch.h"
#include "tls_authorities.h"

struct http_fetch {
    struct http_fetcher *fetcher;
    struct http_fetch *next, **previous; /* among its fetcher's */
    struct http_fetch_handlers handlers;
    void *context;
    bool added, cancelled;           /* known to libcurl; nobody waits for it any more */
    enum http_fetch_failure failure; /* ours, beside which libcurl's code says nothing */
    struct fault fault;              /* the reason, in the end */

    CURL *handle;
    struct curl_slist *headers, *connect_to;
    X509_STORE *authorities; /* of https alone, and not where any certificate will do */
    char error[CURL_ERROR_SIZE];

    struct buffer head, trailers; /* together HTTP_FETCH_HEADERS_MOST */
    bool head_ended;
    uint64_t body_size, body_most;
    bool secure; /* https */
    uint64_t timeout_us, begun_us;
    struct loop_timer *deadline;
    /* Of a clock of ours: libcurl tells the time of a connection only when its TLS session stands, too. 0: not yet. */
    uint64_t connecting_us, shaking_us;
};

/* fetch->handle is there, and new or reset; the lists and the authorities are the fetch's from here on, on failure too. */
bool http_fetch_prepare(struct http_fetch *fetch, const struct http_fetch_request *request,
                        struct tls_authorities *authorities, struct fault *fault);

/* After libcurl has said how it ended. Slices and reason point into the fetch. */
void http_fetch_conclude(struct http_fetch *fetch, CURLcode code, struct http_fetch_result *ret_result);

/* libcurl's callbacks; the context is the fetch. */
size_t http_fetch_take_head(char *data, size_t one, size_t size, void *context);
size_t http_fetch_take_body(char *data, size_t one, size_t size, void *context);

#endif

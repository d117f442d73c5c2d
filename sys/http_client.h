/* HTTP requests that block: for a delivery thread, never for the loop's. One client is one thread's.
 *
 * Connections are kept and reused; one that the server has closed meanwhile is opened again without a fault.
 * TLS 1.2 or newer, the server's name and chain are verified; redirects are not followed. */
#ifndef TOCSIN_HTTP_CLIENT_H
#define TOCSIN_HTTP_CLIENT_H

#include "buffer.h"
#include "fault.h"

struct http_client_settings {
    const char *authorities_path; /* PEM file of authorities; NULL: the system's */
    const char *unix_socket;      /* talk over this socket instead of TCP; NULL for none */
    uint64_t connect_timeout_us;  /* 0 means HTTP_CLIENT_CONNECT_TIMEOUT_US */
    uint64_t timeout_us;          /* of the whole request; 0 means HTTP_CLIENT_TIMEOUT_US */
};
#define HTTP_CLIENT_CONNECT_TIMEOUT_US 5000000u
#define HTTP_CLIENT_TIMEOUT_US 15000000u
#define HTTP_CLIENT_RESPONSE_MOST (64u * 1024) /* more is FAULT_LIMIT */
#define HTTP_CLIENT_HEADERS_MOST 32u

struct http_client;

struct http_client *http_client_create(const struct http_client_settings *settings, struct fault *fault);
struct http_client *http_client_destroy(struct http_client *client); /* NULL */

/* POSTs. Headers are "Name: value" lines, ended by NULL. Any 2xx is success. ret_permanent is written on
 * failure alone: true when trying again cannot help (a 4xx but 408, 425 and 429; a URL that is none).
 * ret_response (NULL for none) gets the body, also of a failure. */
bool http_client_post(struct http_client *client, const char *url, const char *const *headers,
                      struct slice body, struct buffer *ret_response, bool *ret_permanent,
                      struct fault *fault);
/* GETs; otherwise the same. */
bool http_client_get(struct http_client *client, const char *url, const char *const *headers,
                     struct buffer *ret_response, bool *ret_permanent, struct fault *fault);
/* Of the last answer; 0 where none came. */
unsigned http_client_status(const struct http_client *client);

#endif

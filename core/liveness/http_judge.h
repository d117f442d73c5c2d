/* How an OCSP response, a CRL or a time stamp was sent: status, headers, and what kind of body it is (RFC 9110, 9111; RFC 5019 6.2; RFC 2585). */
#ifndef TOCSIN_HTTP_JUDGE_H
#define TOCSIN_HTTP_JUDGE_H

#include "liveness_report.h"

#define HTTP_HEADERS_MOST 65536u /* bytes */

struct http_answer {
    unsigned status;
    struct slice headers; /* "Name: value" lines, CRLF or LF; what is no such line is passed over */
};

/* Of everything that came before the body, as `curl -D` writes it: the last answer of several (100, redirects). */
bool http_answer_read(struct slice text, struct http_answer *ret_answer, struct fault *fault);

/* The first value of that header, whatever the letters' case; false where there is none. */
bool http_answer_header(const struct http_answer *answer, struct slice name, struct slice *ret_value);
/* A directive of Cache-Control and what stands behind its '='. */
bool http_answer_directive(const struct http_answer *answer, struct slice name, struct slice *ret_value);

/* Adds its findings to those about the body (verdict and times are taken from there): so judge the body first.
 * `kind` is LIVENESS_OCSP, LIVENESS_CRL or LIVENESS_TSA. `body` need only be the beginning of it. */
void http_judge(const struct http_answer *answer, enum liveness_kind kind, struct slice body, uint64_t now_us,
                struct liveness_report *report);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, the only form that is written today). */
bool http_date_read(struct slice text, uint64_t *ret_us);

#endif

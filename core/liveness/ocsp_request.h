/* OCSP requests (RFC 6960 4.1, RFC 5019), and the CertID that an answer is held against. */
#ifndef TOCSIN_OCSP_REQUEST_H
#define TOCSIN_OCSP_REQUEST_H

#include "certificate.h"

#define OCSP_NONCE_SIZE 32u     /* RFC 9654: exactly so many are sent */
#define OCSP_SERIAL_MOST 64u    /* bytes of an INTEGER's content; RFC 5280 allows 20 */
#define OCSP_GET_URL_MOST 255u  /* RFC 5019 5: longer ones are posted */
#define OCSP_REQUEST_MOST 1024u /* bytes */

enum ocsp_digest { OCSP_SHA1, OCSP_SHA256 };

struct ocsp_question_id {
    const struct certificate *issuer;
    struct slice serial; /* an INTEGER's content */
    enum ocsp_digest digest;
};

/* Whether a CertID (its content) is that of this issuer, by SHA-1 or any of SHA-2. *ret_known: the digest is one of them.
 * ret_serial, ret_known may be NULL. */
bool ocsp_cert_id_names(struct slice cert_id, const struct certificate *issuer, struct slice *ret_serial,
                        bool *ret_known);

/* One request for one certificate. An empty nonce: none. */
bool ocsp_request_write(struct buffer *to, const struct ocsp_question_id *id, struct slice nonce);

/* Appends the path of a GET: '/' unless the base ends in one, then the request's base64 with every '+', '/' and '=' escaped
 * (RFC 6960 A.1). `raw` leaves '+' and '/' as they are, which must work as well: browsers and proxies do so, and "//" is
 * what breaks behind careless servers. */
bool ocsp_request_path(struct buffer *to, struct slice request, bool raw);

#endif

/* Time-stamp requests (RFC 3161 2.4.1), written and read back: what was asked decides what a good answer is. Borrows. */
#ifndef TOCSIN_TSA_REQUEST_H
#define TOCSIN_TSA_REQUEST_H

#include "buffer.h"
#include "der.h"
#include "fault.h"

#define TSA_REQUEST_MOST 1024u /* bytes */
#define TSA_NONCE_SIZE 8u
#define TSA_NONCE_MOST 64u /* bytes of an INTEGER's content that are taken in a request */

struct tsa_request {
    struct slice digest;  /* an OID's content */
    struct slice imprint; /* the hash */
    struct slice policy;  /* an OID's content; empty: any */
    struct slice nonce;   /* an INTEGER's content; empty: none */
    bool wants_certificate;
};

/* Makes of random bytes the content of an INTEGER above zero that is so long, always. */
void tsa_nonce(uint8_t random[TSA_NONCE_SIZE]);

bool tsa_request_write(struct buffer *to, const struct tsa_request *request);
bool tsa_request_read(struct slice der, struct tsa_request *ret_request, struct fault *fault);

/* A MessageImprint, taken from a request or a token alike. */
void tsa_imprint_take(struct der_reader *reader, struct slice *ret_digest, struct slice *ret_hash);

#endif

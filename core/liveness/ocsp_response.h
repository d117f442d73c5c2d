/* An OCSP response (RFC 6960 4.2), taken apart. Borrows from its bytes; nothing of what it says is believed yet. */
#ifndef TOCSIN_OCSP_RESPONSE_H
#define TOCSIN_OCSP_RESPONSE_H

#include "certificate.h"

#define OCSP_RESPONSE_MOST (1024u * 1024) /* bytes */
#define OCSP_CERTIFICATES_MOST 16u        /* sent along; more are an error */
#define OCSP_SINGLES_MOST 1024u           /* SingleResponses; more are an error */

enum ocsp_certificate_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };
enum { OCSP_SUCCESSFUL = 0, OCSP_UNAUTHORIZED = 6 };

struct ocsp_single {
    struct slice cert_id; /* content */
    enum ocsp_certificate_status status;
    uint64_t revoked_us;
    bool has_reason;
    uint32_t reason;
    uint64_t this_update_us, next_update_us; /* no nextUpdate: 0 */
    struct slice extensions;                 /* content, empty without any */
};

struct ocsp_response {
    uint32_t status;
    /* The rest where it is successful alone. */
    struct slice tbs, algorithm, signature;
    uint32_t version;             /* 0 is v1 */
    struct slice by_name, by_key; /* one of them is empty */
    uint64_t produced_us;
    struct slice singles; /* content */
    struct slice extensions;
    size_t single_count, certificate_count;
    struct certificate certificates[OCSP_CERTIFICATES_MOST];
};

/* The fault says what it is instead. */
bool ocsp_response_read(struct slice body, struct ocsp_response *ret_response, struct fault *fault);
/* The next one of `singles`; false at the end. Whole responses are read once in ocsp_response_read: it cannot fail here. */
bool ocsp_single_next(struct der_reader *singles, struct ocsp_single *ret_single);

const char *ocsp_status_name(uint32_t status);
const char *ocsp_certificate_status_name(enum ocsp_certificate_status status);
/* "keyCompromise (1)" */
const char *ocsp_reason_name(uint32_t reason);

#endif

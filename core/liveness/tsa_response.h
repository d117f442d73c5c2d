/* A time-stamp response (RFC 3161 2.4.2, RFC 5816; CMS as in RFC 5652), taken apart. Borrows from its bytes; nothing of what
 * it says is believed yet. DER alone is read: that is what a response over HTTP has to be (RFC 3161 3.4). */
#ifndef TOCSIN_TSA_RESPONSE_H
#define TOCSIN_TSA_RESPONSE_H

#include "certificate.h"

#define TSA_RESPONSE_MOST (1024u * 1024) /* bytes */
#define TSA_CERTIFICATES_MOST 16u        /* sent along; more are an error */
#define TSA_SIGNERS_MOST 16u             /* more are an error */
#define TSA_NO_FAILURE UINT32_MAX

enum { TSA_GRANTED = 0, TSA_GRANTED_WITH_MODS = 1 };

/* TSTInfo */
struct tsa_info {
    uint32_t version;
    struct slice policy;          /* an OID's content */
    struct slice digest, imprint; /* of what was hashed */
    struct slice serial;          /* an INTEGER's content */
    uint64_t time_us;
    bool time_exact;      /* written as RFC 3161 wants it: no trailing zeros, no dot before nothing */
    bool has_accuracy;    /* and: */
    uint64_t accuracy_us; /* 0 without one */
    bool ordering;
    struct slice nonce;      /* an INTEGER's content, empty without one */
    struct slice name;       /* a whole GeneralName, empty without one */
    struct slice extensions; /* content */
};

/* SignerInfo */
struct tsa_signer {
    uint32_t version;
    struct slice issuer, serial, key_id; /* either the first two, or the last */
    struct slice digest;                 /* an OID's content */
    struct slice attributes;             /* content; empty without any */
    struct slice algorithm, signature;
};

struct tsa_response {
    uint32_t status;
    uint32_t failure;         /* a bit's number, or TSA_NO_FAILURE */
    struct slice status_text; /* the first of them */
    bool has_token;
    /* The rest where there is one alone. */
    uint32_t version;          /* of SignedData */
    struct slice content_type; /* an OID's content */
    struct slice content;      /* of the OCTET STRING: what messageDigest is of */
    size_t signer_count;       /* the first one is here: */
    struct tsa_signer signer;
    bool has_info; /* the content is a TSTInfo */
    struct tsa_info info;
    size_t certificate_count;
    struct certificate certificates[TSA_CERTIFICATES_MOST];
};

/* The fault says what it is instead. */
bool tsa_response_read(struct slice body, struct tsa_response *ret_response, struct fault *fault);

/* An attribute's only value, whole; empty unless it is there once, with one value. How many values there are. */
size_t tsa_attribute_find(struct slice attributes, struct slice type, struct slice *ret_value);

/* ESSCertID of the signer, out of the value of SigningCertificateV2 (RFC 5035), or of the older SigningCertificate, whose
 * digest is SHA-1. */
struct tsa_certificate_id {
    struct slice digest; /* an OID's content */
    struct slice hash;
    struct slice issuer, serial; /* a whole Name and an INTEGER's content; empty where it does not say */
};
bool tsa_certificate_id_read(struct slice value, bool older, struct tsa_certificate_id *ret_id);

const char *tsa_status_name(uint32_t status);
const char *tsa_failure_name(uint32_t failure);

#endif

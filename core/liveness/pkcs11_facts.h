/* What tocsin-canary tells of a canary signature, as lines "key=value": written as they become known, so that a module that
 * crashes or hangs leaves behind where it did.
 *
 * A step begins with "step=", and ends with "took=" (microseconds) or with "failed=" (why). Texts are printable ASCII. */
#ifndef TOCSIN_PKCS11_FACTS_H
#define TOCSIN_PKCS11_FACTS_H

#include "fault.h"
#include "slice.h"

#define PKCS11_FACTS_MOST 8192u /* bytes of all of it */
#define PKCS11_TEXT_SIZE 160u

enum pkcs11_step {
    PKCS11_LOAD,  /* the module is there, and is initialised */
    PKCS11_OPEN,  /* the token is in a slot, and opens a session */
    PKCS11_LOGIN, /* it takes the PIN; left out where it needs none */
    PKCS11_FIND,  /* it has the key */
    PKCS11_SIGN,
    PKCS11_VERIFY, /* in software */
    PKCS11_STEPS,
};
const char *pkcs11_step_name(enum pkcs11_step step); /* "load" */

enum pkcs11_fact {
    PKCS11_FACT_STEP,
    PKCS11_FACT_TOOK,
    PKCS11_FACT_FAILED,
    PKCS11_FACT_TOKEN,     /* its label */
    PKCS11_FACT_PIN,       /* a word of its own; several may come */
    PKCS11_FACT_PIN_FILE,  /* which file it is from, and which state of it; told before it is given */
    PKCS11_FACT_KEY,       /* "RSA 'canary'" */
    PKCS11_FACT_MECHANISM, /* "CKM_ECDSA" */
    PKCS11_FACT_NONCE,     /* of ECDSA and EdDSA: the signature's first half, the beginning of its hash */
    PKCS11_FACT_AGAINST,   /* where the public key is from */
    PKCS11_FACTS,
};
const char *pkcs11_fact_name(enum pkcs11_fact fact);

/* Of the PIN; a token's own flags (CK_TOKEN_INFO), then what came of ours. Bits. */
enum {
    PKCS11_PIN_LOW = 1 << 0,     /* somebody gave a wrong one */
    PKCS11_PIN_FINAL = 1 << 1,   /* one try is left */
    PKCS11_PIN_LOCKED = 1 << 2,  /* none */
    PKCS11_PIN_CHANGE = 1 << 3,  /* it is still the one that it was delivered with */
    PKCS11_PIN_REFUSED = 1 << 4, /* ours is wrong */
    PKCS11_PIN_HELD = 1 << 5,    /* ours was not given, so that it locks nothing */
};
#define PKCS11_PIN_WORDS 6u
const char *pkcs11_pin_word(unsigned bit); /* "low" */

enum pkcs11_progress { PKCS11_NOT_BEGUN, PKCS11_BEGUN, PKCS11_DONE, PKCS11_FAILED };

struct pkcs11_facts {
    struct pkcs11_step_facts {
        enum pkcs11_progress progress;
        uint64_t took_us;              /* where it is done */
        char failed[PKCS11_TEXT_SIZE]; /* where it failed */
    } steps[PKCS11_STEPS];
    char token[PKCS11_TEXT_SIZE], pin_file[PKCS11_TEXT_SIZE], key[PKCS11_TEXT_SIZE],
        mechanism[PKCS11_TEXT_SIZE], nonce[PKCS11_TEXT_SIZE], against[PKCS11_TEXT_SIZE];
    unsigned pin;
};

/* A last line without its end was being written when it ended: it is left out. */
bool pkcs11_facts_read(struct slice text, struct pkcs11_facts *ret_facts, struct fault *fault);

#endif

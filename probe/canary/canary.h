/* One canary signature: what the steps of it share. Each step returns false with a fault that names the call and its CKR_
 * code; nothing is tried twice.
 *
 * What must not happen is that a PIN is given in vain until the token locks: see canary_login. */
#ifndef TOCSIN_CANARY_H
#define TOCSIN_CANARY_H

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "buffer.h"
#include "fault.h"
#include "pkcs11_facts.h"
#include "signature.h"

#define CANARY_PIN_MOST 256u
#define CANARY_KEY_MOST 4096u       /* bytes of a public key */
#define CANARY_SIGNATURE_MOST 2048u /* bytes: RSA of 16384 bits */
#define CANARY_MESSAGE_SIZE 32u

struct canary {
    /* from the command line */
    P11KitUri *uri;
    const char *certificate; /* a file; NULL: the public key is the token's own */
    const char *mechanism;   /* CKM_…; NULL: the first that works */
    bool careful;
    const char *refused; /* a PIN file that must not be used as it is; NULL: none */
    int facts;           /* a descriptor */

    CK_FUNCTION_LIST *functions;
    bool initialized, has_session;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE session;
    struct buffer pin; /* wiped at the end */
    CK_OBJECT_HANDLE key;
    CK_KEY_TYPE key_type;
    bool asks_each_time; /* CKA_ALWAYS_AUTHENTICATE */
    uint8_t message[CANARY_MESSAGE_SIZE];
    struct signature_algorithm algorithm;
    uint8_t signature[CANARY_SIGNATURE_MOST];
    size_t signature_size;
};

void canary_tell(const struct canary *canary, enum pkcs11_fact fact, const char *value);

/* canary_token.c. Finish whatever came of the rest. */
bool canary_load(struct canary *canary, struct fault *fault);
bool canary_open(struct canary *canary, struct fault *fault);
bool canary_needs_login(const struct canary *canary);
/* Gives the PIN once, and not at all where it might be the last try, nor from the file that is `refused`, nor where `careful`
 * and the token already counts a wrong one. */
bool canary_login(struct canary *canary, struct fault *fault);
void canary_finish(struct canary *canary);

/* canary_pin.c: out of the URI's pin-source, which nobody else may read. `ret_identity` changes whenever the file does. */
#define CANARY_IDENTITY_SIZE 96u
bool canary_pin_identity(const struct canary *canary, char ret_identity[CANARY_IDENTITY_SIZE],
                         struct fault *fault);
bool canary_pin_read(struct canary *canary, struct fault *fault);

/* canary_key.c */
bool canary_find(struct canary *canary, struct fault *fault);
/* The whole SubjectPublicKeyInfo, and where it is from. */
bool canary_public_key(struct canary *canary, struct buffer *to, const char **ret_from, struct fault *fault);

/* canary_sign.c */
bool canary_sign(struct canary *canary, struct fault *fault);
bool canary_verify(struct canary *canary, struct fault *fault);

/* canary_names.c */
const char *canary_error_name(CK_RV error); /* "CKR_PIN_INCORRECT" */
/* "C_Login: CKR_PIN_INCORRECT"; false. */
bool canary_refused(struct fault *fault, const char *call, CK_RV error);

#endif

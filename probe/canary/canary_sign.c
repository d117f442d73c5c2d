/* A signature over something random, and whether it holds: in software, since a token that signs wrongly verifies wrongly. */
#include <openssl/rand.h>

#include "canary.h"
#include "der_write.h"
#include "encoding.h"
#include "sha256.h"

#define NONCE_SIZE 16u /* bytes of the hash of a signature's first half */

enum input { INPUT_MESSAGE, INPUT_DIGEST, INPUT_DIGEST_INFO };

static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, HASH_SIZE};

static const struct mechanism {
    CK_KEY_TYPE key_type;
    CK_MECHANISM_TYPE type;
    const char *name;
    enum input input;
    bool pss;
    struct signature_algorithm algorithm;
} mechanisms[] = {
#define RSA_SHA256                                                                                           \
    { SIGNATURE_RSA, "RSA with SHA-256", "SHA256", NULL, 0, false }
#define PSS_SHA256                                                                                           \
    { SIGNATURE_RSA_PSS, "RSA-PSS with SHA-256", "SHA256", "SHA256", HASH_SIZE, false }
#define ECDSA_SHA256                                                                                         \
    { SIGNATURE_ECDSA, "ECDSA with SHA-256", "SHA256", NULL, 0, false }
    {CKK_RSA, CKM_RSA_PKCS, "CKM_RSA_PKCS", INPUT_DIGEST_INFO, false, RSA_SHA256},
    {CKK_RSA, CKM_SHA256_RSA_PKCS, "CKM_SHA256_RSA_PKCS", INPUT_MESSAGE, false, RSA_SHA256},
    {CKK_RSA, CKM_RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS", INPUT_DIGEST, true, PSS_SHA256},
    {CKK_RSA, CKM_SHA256_RSA_PKCS_PSS, "CKM_SHA256_RSA_PKCS_PSS", INPUT_MESSAGE, true, PSS_SHA256},
    {CKK_EC, CKM_ECDSA, "CKM_ECDSA", INPUT_DIGEST, false, ECDSA_SHA256},
    {CKK_EC, CKM_ECDSA_SHA256, "CKM_ECDSA_SHA256", INPUT_MESSAGE, false, ECDSA_SHA256},
    {CKK_EC_EDWARDS,
     CKM_EDDSA,
     "CKM_EDDSA",
     INPUT_MESSAGE,
     false,
     {SIGNATURE_EDDSA, "EdDSA", NULL, NULL, 0, false}},
};

/* Another mechanism may do. */
static bool is_mechanism_s(CK_RV error) {
    return error == CKR_MECHANISM_INVALID || error == CKR_MECHANISM_PARAM_INVALID ||
           error == CKR_FUNCTION_NOT_SUPPORTED || error == CKR_KEY_TYPE_INCONSISTENT ||
           error == CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static CK_RV begin(struct canary *canary, const struct mechanism *mechanism) {
    CK_MECHANISM wanted = {mechanism->type, mechanism->pss ? &pss : NULL, mechanism->pss ? sizeof pss : 0};
    return canary->functions->C_SignInit(canary->session, &wanted, canary->key);
}

static const struct mechanism *choose(struct canary *canary, struct fault *fault) {
    CK_RV error = CKR_MECHANISM_INVALID;
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        if (mechanisms[i].key_type != canary->key_type ||
            (canary->mechanism && strcmp(canary->mechanism, mechanisms[i].name) != 0))
            continue;
        error = begin(canary, &mechanisms[i]);
        if (error == CKR_OK)
            return &mechanisms[i];
        if (!is_mechanism_s(error))
            break;
    }
    canary_refused(fault, "C_SignInit", error);
    return NULL;
}

/* DigestInfo of SHA-256 (RFC 8017 9.2), or the digest, or all of it. */
static void write_input(const struct canary *canary, enum input input, struct buffer *to) {
    struct slice message = slice_make(canary->message, sizeof canary->message);
    struct hash digest = sha256_of(message);
    if (input == INPUT_DIGEST_INFO)
        buffer_append_slice(
            to, SLICE("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"));
    buffer_append_slice(to, input == INPUT_MESSAGE ? message : slice_make(digest.bytes, HASH_SIZE));
}

/* Of ECDSA and EdDSA: the first half stands for the nonce, which must never come again (FIPS 186-5 6.3). */
static void tell_nonce(const struct canary *canary) {
    char hex[2 * NONCE_SIZE + 1];
    struct hash hash = sha256_of(slice_make(canary->signature, canary->signature_size / 2));
    encoding_hex(hash.bytes, NONCE_SIZE, hex);
    canary_tell(canary, PKCS11_FACT_NONCE, hex);
}

bool canary_sign(struct canary *canary, struct fault *fault) {
    CLEANUP_BUFFER struct buffer input = BUFFER(128);
    if (RAND_bytes(canary->message, sizeof canary->message) != 1)
        return fault_set(fault, FAULT_INTERNAL, "no random bytes");
    const struct mechanism *mechanism = choose(canary, fault);
    if (!mechanism)
        return false;
    canary_tell(canary, PKCS11_FACT_MECHANISM, mechanism->name);
    canary->algorithm = mechanism->algorithm;
    CK_RV error = CKR_OK;
    if (canary->asks_each_time)
        error = canary->functions->C_Login(canary->session, CKU_CONTEXT_SPECIFIC, canary->pin.data,
                                           canary->pin.size);
    if (error != CKR_OK)
        return canary_refused(fault, "C_Login for this key", error);
    write_input(canary, mechanism->input, &input);
    CK_ULONG size = sizeof canary->signature;
    error = canary->functions->C_Sign(canary->session, input.data, input.size, canary->signature, &size);
    if (error != CKR_OK)
        return canary_refused(fault, "C_Sign", error);
    if (size > sizeof canary->signature)
        return fault_set(fault, FAULT_FORMAT, "C_Sign says %lu bytes, more than it was given room for", size);
    canary->signature_size = size;
    if (canary->key_type != CKK_RSA)
        tell_nonce(canary);
    return true;
}

static void write_half(struct buffer *to, struct slice half) {
    size_t start = to->size;
    while (half.size > 1 && half.data[0] == 0)
        half = slice_from(half, 1);
    if (half.size && half.data[0] & 0x80)
        buffer_append(to, "", 1);
    buffer_append_slice(to, half);
    der_wrap(to, start, DER_INTEGER);
}

bool canary_verify(struct canary *canary, struct fault *fault) {
    CLEANUP_BUFFER struct buffer key = BUFFER(CANARY_KEY_MOST), ecdsa = BUFFER(CANARY_SIGNATURE_MOST + 32);
    struct slice message = slice_make(canary->message, sizeof canary->message),
                 signature = slice_make(canary->signature, canary->signature_size);
    const char *from;
    if (!canary_public_key(canary, &key, &from, fault))
        return false;
    if (canary->algorithm.kind == SIGNATURE_ECDSA) { /* PKCS#11 gives r and s, one after the other */
        write_half(&ecdsa, slice_head(signature, signature.size / 2));
        write_half(&ecdsa, slice_from(signature, signature.size / 2));
        der_wrap(&ecdsa, 0, DER_SEQUENCE);
        signature = buffer_slice(&ecdsa);
    }
    if (canary->algorithm.kind == SIGNATURE_EDDSA)
        canary->algorithm.name = canary->signature_size == 64 ? "Ed25519" : "Ed448";
    canary_tell(canary, PKCS11_FACT_AGAINST, from);
    return signature_holds(&canary->algorithm, buffer_slice(&key), message, signature) ||
           fault_set(fault, FAULT_AUTH, "%s: it does not hold by %s", canary->algorithm.name, from);
}

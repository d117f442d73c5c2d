#include "webauthn.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "bytes.h"
#include "encoding.h"
#include "webauthn_client.h"

#define AUTHENTICATOR_DATA_LEAST 37u /* rpIdHash, flags, counter */
#define FLAG_PRESENT 0x01u
#define FLAG_VERIFIED 0x04u

struct assertion {
    struct slice authenticator, client, signature;
};

static bool refuse(struct fault *fault, const char *text) {
    return fault_set(fault, FAULT_AUTH, "the passkey's signature: %s", text);
}

static bool assertion_read(struct slice bytes, struct assertion *ret_assertion) {
    struct bytes_reader reader = bytes_read(bytes);
    ret_assertion->authenticator = bytes_read_raw(&reader, bytes_read_u16(&reader));
    ret_assertion->client = bytes_read_raw(&reader, bytes_read_u16(&reader));
    ret_assertion->signature = bytes_read_raw(&reader, bytes_read_u16(&reader));
    return bytes_read_done(&reader) && ret_assertion->authenticator.size >= AUTHENTICATOR_DATA_LEAST &&
           ret_assertion->client.size <= WEBAUTHN_CLIENT_DATA_MOST;
}

/* ---- what the browser says that it was asked */

/* Base64 with the URL alphabet and without padding: 43 characters for a hash. */
static void challenge_text(const struct hash *challenge, struct buffer *to) {
    encoding_base64(to, hash_slice(challenge));
    for (size_t i = 0; i < to->size; i++)
        to->data[i] = to->data[i] == '+' ? '-' : to->data[i] == '/' ? '_' : to->data[i];
    to->size--;
}

static bool check_client(struct slice text, const struct hash *challenge, const struct webauthn_page *page,
                         struct fault *fault) {
    struct webauthn_client client;
    CLEANUP_BUFFER struct buffer expected = BUFFER(64);
    challenge_text(challenge, &expected);
    if (!webauthn_client_read(text, &client))
        return refuse(fault, "its clientDataJSON cannot be read");
    if (!slice_equal(client.type, SLICE("webauthn.get")))
        return refuse(fault, "it is no assertion");
    if (!slice_equal(client.challenge, buffer_slice(&expected)))
        return refuse(fault, "it is over another statement");
    if (!slice_equal(client.origin, page->origin))
        return refuse(fault, "it was made on another page");
    /* A page in a frame of another's could be made to ask for it. */
    return !client.inside_other || refuse(fault, "it was made inside of another page");
}

/* ---- the signature itself */

/* The key as OpenSSL reads it: a SubjectPublicKeyInfo of P-256, whose last bytes are the point. NULL if it is none. */
static EVP_PKEY *p256_key(struct slice point) {
    static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    uint8_t info[sizeof head + WEBAUTHN_P256_SIZE];
    const uint8_t *at = info;
    if (point.size != WEBAUTHN_P256_SIZE || point.data[0] != 4)
        return NULL;
    memcpy(info, head, sizeof head);
    memcpy(info + sizeof head, point.data, point.size);
    ERR_set_mark();
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, sizeof info);
    ERR_pop_to_mark();
    return key;
}

bool webauthn_point_check(struct slice point, struct fault *fault) {
    EVP_PKEY *key = p256_key(point);
    bool good = key != NULL;
    EVP_PKEY_free(key);
    return good || fault_set(fault, FAULT_AUTH, "the public key is no uncompressed point of P-256");
}

static bool p256_verify(struct slice point, struct slice message, struct slice signature) {
    EVP_PKEY *key = p256_key(point);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ERR_set_mark();
    bool good = key && context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, signature.data, signature.size, message.data, message.size) == 1;
    ERR_pop_to_mark();
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

static bool ed25519_verify_slices(struct slice key, struct slice message, struct slice signature) {
    struct verify_key public;
    if (key.size != sizeof public.bytes || signature.size != ED25519_SIGNATURE_SIZE)
        return false;
    memcpy(public.bytes, key.data, sizeof public.bytes);
    return ed25519_verify(&public, message, signature.data);
}

bool webauthn_verify(struct slice signature, struct slice key, const struct hash *challenge,
                     const struct webauthn_page *page, struct fault *fault) {
    struct assertion assertion;
    if (page->origin.size == 0)
        return refuse(fault, "this log knows no page for passkeys");
    if (!assertion_read(signature, &assertion))
        return refuse(fault, "it has not its three parts");
    if (memcmp(assertion.authenticator.data, page->rp_id_hash.bytes, HASH_SIZE) != 0)
        return refuse(fault, "it was made for another relying party");
    uint8_t flags = assertion.authenticator.data[HASH_SIZE];
    if (!(flags & FLAG_PRESENT) || !(flags & FLAG_VERIFIED))
        return refuse(fault, "its user was not verified");
    if (!check_client(assertion.client, challenge, page, fault))
        return false;
    struct hash client = sha256_of(assertion.client);
    CLEANUP_BUFFER struct buffer message = BUFFER(UINT16_MAX + HASH_SIZE);
    buffer_append_slice(&message, assertion.authenticator);
    buffer_append_slice(&message, hash_slice(&client));
    bool good = key.size == WEBAUTHN_P256_SIZE
                    ? p256_verify(key, buffer_slice(&message), assertion.signature)
                    : ed25519_verify_slices(key, buffer_slice(&message), assertion.signature);
    return good || refuse(fault, "it does not verify");
}

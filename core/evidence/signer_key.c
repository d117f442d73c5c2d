#include "signer_key.h"

struct signer_key signer_key_ed25519(const struct verify_key *key) {
    struct signer_key made = {.scheme = STATEMENT_ED25519, .size = ED25519_PUBLIC_SIZE};
    memcpy(made.bytes, key->bytes, sizeof key->bytes);
    return made;
}

bool signer_key_write(struct buffer *to, const struct signer_key *key) {
    bytes_write_u8(to, key->scheme);
    bytes_write_u8(to, key->size);
    return buffer_append(to, key->bytes, key->size) && !to->overflow;
}

static bool check(const struct signer_key *key, struct fault *fault) {
    bool known = key->scheme == STATEMENT_ED25519 || key->scheme == STATEMENT_WEBAUTHN;
    if (known && key->size == ED25519_PUBLIC_SIZE) {
        struct verify_key public;
        memcpy(public.bytes, key->bytes, sizeof public.bytes);
        return verify_key_check(&public, fault);
    }
    if (key->scheme == STATEMENT_WEBAUTHN && key->size == WEBAUTHN_P256_SIZE)
        return webauthn_point_check(slice_make(key->bytes, key->size), fault);
    return fault_set(fault, FAULT_FORMAT, "a key of scheme %u with %u bytes, which is none", key->scheme,
                     key->size);
}

bool signer_key_read(struct bytes_reader *from, struct signer_key *ret_key, struct fault *fault) {
    struct signer_key key = {.scheme = bytes_read_u8(from), .size = bytes_read_u8(from)};
    if (key.size <= SIGNER_KEY_MOST)
        bytes_read_into(from, key.bytes, key.size);
    if (from->failed)
        return fault_set(fault, FAULT_FORMAT, "a key is cut short");
    if (!check(&key, fault))
        return false;
    *ret_key = key;
    return true;
}

struct hash signer_key_hash(const struct signer_key *key) {
    return sha256_of(slice_make(key->bytes, key->size));
}

bool signer_key_signed(const struct signer_key *key, struct slice statement,
                       const struct statement_signature *signature, const struct webauthn_page *page,
                       struct fault *fault) {
    struct hash name = signer_key_hash(key);
    if (signature->scheme != key->scheme || !hash_equal(&name, &signature->key))
        return fault_set(fault, FAULT_AUTH, "the signature is by another key or scheme");
    if (key->scheme == STATEMENT_WEBAUTHN) {
        struct hash challenge = sha256_of(statement);
        return webauthn_verify(signature->bytes, slice_make(key->bytes, key->size), &challenge, page, fault);
    }
    struct verify_key public;
    memcpy(public.bytes, key->bytes, sizeof public.bytes);
    return (signature->bytes.size == ED25519_SIGNATURE_SIZE &&
            ed25519_verify(&public, statement, signature->bytes.data)) ||
           fault_set(fault, FAULT_AUTH, "the signature on the statement does not verify");
}

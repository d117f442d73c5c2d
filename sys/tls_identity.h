/* Who a program is on the wire: a private key and a certificate that it signed itself.
 *
 * No authority stands behind a certificate: a peer is known by the SHA-256 of its SubjectPublicKeyInfo (the "key
 * hash"), which a renewed certificate keeps. Keys made here are P-256: a handshake costs the same as with Ed25519
 * (both sides together 900 a second and core), but every TPM, token and tool knows P-256; loading takes both. Files
 * are PEM, the key's with mode 0600 (others' access is FAULT_AUTH). Times in microseconds, UTC. A channel keeps what
 * it needs of an identity, so it may be destroyed at any time. */
#ifndef TOCSIN_TLS_IDENTITY_H
#define TOCSIN_TLS_IDENTITY_H

#include "fault.h"
#include "slice.h"

#define TLS_KEY_HASH_SIZE 32u
#define TLS_CERTIFICATE_DAYS 365u
#define TLS_NAME_MOST 64u /* X.520's bound for a common name */

struct tls_identity;

/* DIR/tls.key and DIR/tls.crt: loaded, or made if there is no key; a missing or expired certificate is made
 * again for the key that is there. `name` becomes the certificate's common name. */
struct tls_identity *tls_identity_open(const char *directory, const char *name, uint64_t now_us,
                                       struct fault *fault);

/* Never overwrites a key. */
bool tls_identity_make(const char *key_path, const char *certificate_path, const char *name, uint64_t now_us,
                       struct fault *fault);
struct tls_identity *tls_identity_load(const char *key_path, const char *certificate_path,
                                       struct fault *fault);
/* A new certificate for the same key, so the key hash stays; load it and give it to the server or the next
 * connection. */
bool tls_identity_renew(const char *key_path, const char *certificate_path, const char *name, uint64_t now_us,
                        struct fault *fault);
struct tls_identity *tls_identity_destroy(struct tls_identity *identity); /* NULL */

const uint8_t *
tls_identity_key_hash(const struct tls_identity *identity); /* TLS_KEY_HASH_SIZE bytes, borrowed */
uint64_t tls_identity_expiry_us(const struct tls_identity *identity);
/* Two thirds of its life are over. */
bool tls_identity_is_due(const struct tls_identity *identity, uint64_t now_us);

#endif

/* Within sys alone: TLS 1.3 as bytes in, bytes out.
 *
 * A pump turns ciphertext into plaintext and back; it knows no socket. For each call it is given where ciphertext comes
 * from (`input`, consumed from the front) and room where it goes (`output`); neither is kept. What it could not use of a
 * record it keeps in OpenSSL's own buffer, which is given back as soon as the record is whole. One thread at a time. */
#ifndef TOCSIN_TLS_PRIVATE_H
#define TOCSIN_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "fault.h"
#include "slice.h"
#include "tls_identity.h"

#define TLS_RECORD_MOST (16u * 1024)       /* plaintext of one record */
#define TLS_RECORD_ROOM (16u * 1024 + 256) /* its ciphertext, with everything (RFC 8446, 5.2) */

struct tls_pump;

struct tls_pump_io {
    struct slice input;
    uint8_t *output;
    size_t output_room;
    size_t output_size;
};

enum tls_pump_result {
    TLS_PUMP_GOOD,   /* went as far as input and room allowed */
    TLS_PUMP_WAITS,  /* the handshake needs more input */
    TLS_PUMP_ENDED,  /* the peer said that it is done */
    TLS_PUMP_FAILED, /* for good; the fault is filled, an alert may stand in the output */
};

/* `server_key`: the pin, for the connecting side; copied. */
struct tls_pump *tls_pump_create(SSL_CTX *context, bool server, const uint8_t *server_key);
struct tls_pump *tls_pump_destroy(struct tls_pump *pump); /* NULL */

/* Also to begin with, without input. TLS_PUMP_GOOD: open. Room for at least TLS_RECORD_ROOM. */
enum tls_pump_result tls_pump_shake(struct tls_pump *pump, struct tls_pump_io *io, struct fault *fault);
/* ret_size is written always: bytes may come together with an end. */
enum tls_pump_result tls_pump_read(struct tls_pump *pump, struct tls_pump_io *io, uint8_t *to, size_t room,
                                   size_t *ret_size, struct fault *fault);
/* As many records as there is room for; ret_taken is written always. */
enum tls_pump_result tls_pump_write(struct tls_pump *pump, struct tls_pump_io *io, struct slice plain,
                                    size_t *ret_taken, struct fault *fault);
/* Says that we are done. */
void tls_pump_end(struct tls_pump *pump, struct tls_pump_io *io);

const uint8_t *tls_pump_peer_key(const struct tls_pump *pump); /* after the handshake */
uint64_t tls_pump_peer_expiry_us(const struct tls_pump *pump);
bool tls_pump_export(const struct tls_pump *pump, const char *label, uint8_t ret_key[32]);

/* NULL where OpenSSL does not take them. */
SSL_CTX *tls_context_create(EVP_PKEY *key, X509 *certificate, bool server);
SSL_CTX *tls_identity_context(const struct tls_identity *identity, bool server); /* borrowed */
bool tls_certificate_key_hash(const X509 *certificate, uint8_t ret_hash[TLS_KEY_HASH_SIZE]);
uint64_t tls_certificate_expiry_us(const X509 *certificate);
/* `what`, and OpenSSL's newest reason; empties its queue. */
bool tls_fault(struct fault *fault, enum fault_code code, const char *what);

#endif

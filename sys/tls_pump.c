#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "encoding.h"
#include "memory.h"
#include "tls_private.h"

/* A certificate of ours has half a kilobyte; whoever needs more than this wants our memory. */
#define TLS_CERTIFICATE_MOST (8u * 1024)

struct tls_pump {
    SSL *ssl;
    struct tls_pump_io *io; /* of the call under way; NULL between calls */
    uint64_t peer_expiry_us;
    bool pinned, mismatch, failed;
    uint8_t server_key[TLS_KEY_HASH_SIZE];
    uint8_t peer_key[TLS_KEY_HASH_SIZE];
};

/* --- the BIO: reads from the call's input, writes to the call's output --- */

static int tls_bio_read(BIO *bio, char *to, size_t room, size_t *ret_size) {
    const struct tls_pump *pump = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!pump->io || !pump->io->input.size) {
        BIO_set_retry_read(bio);
        return 0;
    }
    struct slice taken = slice_head(pump->io->input, room);
    memcpy(to, taken.data, taken.size);
    pump->io->input = slice_from(pump->io->input, taken.size);
    *ret_size = taken.size;
    return 1;
}

static int tls_bio_write(BIO *bio, const char *data, size_t size, size_t *ret_size) {
    const struct tls_pump *pump = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!pump->io || size > pump->io->output_room - pump->io->output_size) {
        BIO_set_retry_write(bio);
        return 0;
    }
    memcpy(pump->io->output + pump->io->output_size, data, size);
    pump->io->output_size += size;
    *ret_size = size;
    return 1;
}

static long tls_bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int tls_bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *tls_bio_method;
static pthread_once_t tls_bio_once = PTHREAD_ONCE_INIT;

static void tls_bio_prepare(void) {
    tls_bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tocsin pump");
    if (!tls_bio_method)
        abort();
    BIO_meth_set_read_ex(tls_bio_method, tls_bio_read);
    BIO_meth_set_write_ex(tls_bio_method, tls_bio_write);
    BIO_meth_set_ctrl(tls_bio_method, tls_bio_control);
    BIO_meth_set_create(tls_bio_method, tls_bio_create);
}

/* --- contexts --- */

/* Takes any certificate, notes its key, and holds it against the pin. CertificateVerify is OpenSSL's business. */
static int tls_verify(X509_STORE_CTX *store, void *context) {
    (void)context;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_pump *pump = SSL_get_app_data(ssl);
    const X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (!certificate || !tls_certificate_key_hash(certificate, pump->peer_key))
        return 0;
    pump->peer_expiry_us = tls_certificate_expiry_us(certificate);
    pump->mismatch = pump->pinned && memcmp(pump->peer_key, pump->server_key, TLS_KEY_HASH_SIZE) != 0;
    if (pump->mismatch)
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return !pump->mismatch;
}

static bool tls_context_fill(SSL_CTX *context, EVP_PKEY *key, X509 *certificate) {
    char groups[] = "X25519:P-256"; /* OpenSSL's macros cast a const away */
    /* No RSA: a peer must not choose how long our verification takes. */
    char signatures[] = "ECDSA+SHA256:ed25519";
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, tls_verify, NULL);
    SSL_CTX_set_max_cert_list(context, TLS_CERTIFICATE_MOST);
    SSL_CTX_set_quiet_shutdown(context, 0);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(context, 0) == 1 &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
                                             "TLS_AES_256_GCM_SHA384") == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1 &&
           SSL_CTX_set1_sigalgs_list(context, signatures) == 1 &&
           SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
}

SSL_CTX *tls_context_create(EVP_PKEY *key, X509 *certificate, bool server) {
    SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (context && tls_context_fill(context, key, certificate))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/* --- the pump --- */

struct tls_pump *tls_pump_create(SSL_CTX *context, bool server, const uint8_t *server_key) {
    pthread_once(&tls_bio_once, tls_bio_prepare);
    struct tls_pump *pump = memory_new(sizeof *pump);
    pump->ssl = SSL_new(context);
    BIO *bio = BIO_new(tls_bio_method);
    if (!pump->ssl || !bio) { /* out of memory, as in memory.h */
        fputs("tocsin: OpenSSL has no memory for a connection\n", stderr);
        abort();
    }
    BIO_set_data(bio, pump);
    SSL_set_bio(pump->ssl, bio, bio);
    SSL_set_app_data(pump->ssl, pump);
    if (server_key) {
        pump->pinned = true;
        memcpy(pump->server_key, server_key, TLS_KEY_HASH_SIZE);
    }
    if (server)
        SSL_set_accept_state(pump->ssl);
    else
        SSL_set_connect_state(pump->ssl);
    return pump;
}

struct tls_pump *tls_pump_destroy(struct tls_pump *pump) {
    if (!pump)
        return NULL;
    SSL_free(pump->ssl);
    free(pump);
    return NULL;
}

static enum tls_pump_result tls_pump_fail(struct tls_pump *pump, struct fault *fault) {
    pump->failed = true;
    if (pump->mismatch) {
        char wanted[2 * TLS_KEY_HASH_SIZE + 1], seen[2 * TLS_KEY_HASH_SIZE + 1];
        encoding_hex(pump->server_key, TLS_KEY_HASH_SIZE, wanted);
        encoding_hex(pump->peer_key, TLS_KEY_HASH_SIZE, seen);
        ERR_clear_error();
        fault_set(fault, FAULT_AUTH,
                  "the server's key is %s, but %s is pinned: it is another machine or was given a new key",
                  seen, wanted);
        return TLS_PUMP_FAILED;
    }
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    static const struct {
        int reason;
        enum fault_code code;
        const char *text;
    } table[] = {
        {SSL_R_WRONG_VERSION_NUMBER, FAULT_FORMAT, "the peer does not speak TLS"},
        {SSL_R_HTTP_REQUEST, FAULT_FORMAT, "the peer speaks HTTP, not TLS"},
        {SSL_R_UNSUPPORTED_PROTOCOL, FAULT_AUTH, "the peer speaks no TLS 1.3"},
        {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, FAULT_AUTH, "the peer speaks no TLS 1.3"},
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, FAULT_AUTH, "the peer shows no certificate"},
        {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, FAULT_AUTH, "the peer wants a certificate"},
        {SSL_R_EXCESSIVE_MESSAGE_SIZE, FAULT_LIMIT, "the peer's certificate is too large"},
    };
    for (size_t i = 0; error && i < sizeof table / sizeof table[0]; i++)
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == table[i].reason) {
            ERR_clear_error();
            fault_set(fault, table[i].code, "%s", table[i].text);
            return TLS_PUMP_FAILED;
        }
    tls_fault(fault, SSL_is_init_finished(pump->ssl) ? FAULT_FORMAT : FAULT_AUTH, "TLS failed");
    return TLS_PUMP_FAILED;
}

/* What a failed SSL call means. */
static enum tls_pump_result tls_pump_after(struct tls_pump *pump, struct fault *fault) {
    switch (SSL_get_error(pump->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return TLS_PUMP_WAITS;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_PUMP_ENDED;
    case SSL_ERROR_WANT_WRITE: /* the peer makes us answer more than there is room for */
        pump->failed = true;
        fault_set(fault, FAULT_LIMIT, "the peer asks for too many answers at once");
        return TLS_PUMP_FAILED;
    default:
        return tls_pump_fail(pump, fault);
    }
}

static enum tls_pump_result tls_pump_begin(struct tls_pump *pump, struct tls_pump_io *io,
                                           struct fault *fault) {
    if (pump->failed) {
        fault_set(fault, FAULT_INTERNAL, "this connection has failed already");
        return TLS_PUMP_FAILED;
    }
    ERR_clear_error(); /* another connection's leftovers would be taken for ours */
    pump->io = io;
    return TLS_PUMP_GOOD;
}

enum tls_pump_result tls_pump_shake(struct tls_pump *pump, struct tls_pump_io *io, struct fault *fault) {
    enum tls_pump_result result = tls_pump_begin(pump, io, fault);
    if (result == TLS_PUMP_GOOD && SSL_do_handshake(pump->ssl) != 1)
        result = tls_pump_after(pump, fault);
    pump->io = NULL;
    return result;
}

enum tls_pump_result tls_pump_read(struct tls_pump *pump, struct tls_pump_io *io, uint8_t *to, size_t room,
                                   size_t *ret_size, struct fault *fault) {
    *ret_size = 0;
    enum tls_pump_result result = tls_pump_begin(pump, io, fault);
    while (result == TLS_PUMP_GOOD && *ret_size < room) {
        size_t got = 0;
        if (SSL_read_ex(pump->ssl, to + *ret_size, room - *ret_size, &got) != 1)
            result = tls_pump_after(pump, fault);
        *ret_size += got;
    }
    pump->io = NULL;
    return result == TLS_PUMP_WAITS ? TLS_PUMP_GOOD : result;
}

enum tls_pump_result tls_pump_write(struct tls_pump *pump, struct tls_pump_io *io, struct slice plain,
                                    size_t *ret_taken, struct fault *fault) {
    *ret_taken = 0;
    enum tls_pump_result result = tls_pump_begin(pump, io, fault);
    while (result == TLS_PUMP_GOOD && *ret_taken < plain.size &&
           io->output_room - io->output_size >= TLS_RECORD_ROOM) {
        struct slice part = slice_head(slice_from(plain, *ret_taken), TLS_RECORD_MOST);
        size_t taken = 0;
        if (SSL_write_ex(pump->ssl, part.data, part.size, &taken) != 1)
            result = tls_pump_after(pump, fault);
        *ret_taken += taken;
    }
    pump->io = NULL;
    if (result == TLS_PUMP_WAITS || result == TLS_PUMP_ENDED) { /* not in TLS 1.3 */
        fault_set(fault, FAULT_INTERNAL, "TLS does not take our bytes");
        result = TLS_PUMP_FAILED;
    }
    return result;
}

void tls_pump_end(struct tls_pump *pump, struct tls_pump_io *io) {
    if (tls_pump_begin(pump, io, NULL) == TLS_PUMP_GOOD && SSL_is_init_finished(pump->ssl))
        SSL_shutdown(pump->ssl);
    pump->io = NULL;
    ERR_clear_error();
}

const uint8_t *tls_pump_peer_key(const struct tls_pump *pump) {
    return pump->peer_key;
}

uint64_t tls_pump_peer_expiry_us(const struct tls_pump *pump) {
    return pump->peer_expiry_us;
}

bool tls_pump_export(const struct tls_pump *pump, const char *label, uint8_t ret_key[32]) {
    return SSL_is_init_finished(pump->ssl) &&
           SSL_export_keying_material(pump->ssl, ret_key, 32, label, strlen(label), NULL, 0, 0) == 1;
}

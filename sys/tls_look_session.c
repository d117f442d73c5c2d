#include <arpa/inet.h>
#include <openssl/err.h>
#include <stdio.h>

#include "memory.h"
#include "tls_look_private.h"
#include "tls_private.h"

/* Everything that has a certificate; what is offered first is what today's servers choose anyhow. */
#define TLS_LOOK_CIPHERS "DEFAULT:ALL:!aNULL:!eNULL:@SECLEVEL=0"
/* A certificate on a curve that was not offered is not shown. */
#define TLS_LOOK_GROUPS                                                                                      \
    "X25519:P-256:P-384:P-521:X448:secp256k1:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1"

static int tls_look_believe(X509_STORE_CTX *store, void *context) {
    (void)store, (void)context;
    return 1;
}

static int tls_look_asked(SSL *ssl, X509 **certificate, EVP_PKEY **key) {
    (void)certificate, (void)key;
    struct tls_look_session *session = SSL_get_app_data(ssl);
    session->asked = true;
    return 0; /* there is none */
}

static void tls_look_heard(const SSL *ssl, int where, int code) {
    struct tls_look_session *session = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && code >> 8 == SSL3_AL_FATAL)
        session->alert = code;
}

static bool tls_look_context_fill(SSL_CTX *context, bool old_alone) {
    char groups[] = TLS_LOOK_GROUPS; /* OpenSSL's macro casts a const away */
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_cert_verify_callback(context, tls_look_believe, NULL);
    SSL_CTX_set_client_cert_cb(context, tls_look_asked);
    SSL_CTX_set_info_callback(context, tls_look_heard);
    return SSL_CTX_set_cipher_list(context, TLS_LOOK_CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1 &&
           SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, old_alone ? TLS1_1_VERSION : 0) == 1;
}

/* "h2,http/1.1" as RFC 7301 has it; false where it is none. */
static bool tls_look_alpn(SSL *ssl, const char *text, struct fault *fault) {
    uint8_t wire[TLS_LOOK_ALPN_MOST];
    size_t used = 0;
    for (struct slice rest = slice_string(text); rest.size;) {
        struct slice one = slice_head(rest, slice_find_byte(rest, ','));
        rest = slice_from(rest, one.size + 1);
        if (one.size == 0 || used + 1 + one.size > sizeof wire)
            return fault_set(fault, FAULT_USAGE, "\"%.60s\": no protocols for ALPN: write h2,http/1.1", text);
        wire[used++] = (uint8_t)one.size;
        memcpy(wire + used, one.data, one.size);
        used += one.size;
    }
    return used == 0 || SSL_set_alpn_protos(ssl, wire, (unsigned)used) == 0 ||
           tls_fault(fault, FAULT_INTERNAL, "ALPN cannot be offered");
}

/* Without the dot at its end (RFC 6066 3). */
static bool tls_look_name(SSL *ssl, const char *name, struct fault *fault) {
    char plain[TLSEXT_MAXLEN_host_name + 1];
    size_t size = strlen(name);
    if (size && name[size - 1] == '.')
        size--;
    if (size && size < sizeof plain) {
        memcpy(plain, name, size);
        plain[size] = '\0';
        if (SSL_set_tlsext_host_name(ssl, plain) == 1)
            return true;
    }
    ERR_clear_error();
    return fault_set(fault, FAULT_USAGE, "\"%.60s\" is no name that a server can be asked for", name);
}

static bool tls_look_is_address(const char *name) {
    uint8_t address[16];
    return inet_pton(AF_INET, name, address) == 1 || strchr(name, ':');
}

bool tls_look_session_open(struct tls_look_session *session, const struct tls_look_settings *settings,
                           struct fault *fault) {
    const char *name = settings->name;
    *session = (struct tls_look_session){.context = SSL_CTX_new(TLS_client_method()), .alert = -1};
    if (!session->context || !tls_look_context_fill(session->context, settings->old_alone))
        return tls_fault(fault, FAULT_INTERNAL, "no TLS can be prepared");
    session->ssl = SSL_new(session->context);
    session->input = BIO_new(BIO_s_mem());
    session->output = BIO_new(BIO_s_mem());
    if (!session->ssl || !session->input || !session->output) {
        BIO_free(session->input);
        BIO_free(session->output);
        return tls_fault(fault, FAULT_INTERNAL, "no TLS can be prepared");
    }
    SSL_set_bio(session->ssl, session->input, session->output);
    SSL_set_app_data(session->ssl, session);
    SSL_set_connect_state(session->ssl);
    SSL_set_tlsext_status_type(session->ssl, TLSEXT_STATUSTYPE_ocsp);
    if (name && *name && !tls_look_is_address(name) && !tls_look_name(session->ssl, name, fault))
        return false;
    return !settings->alpn || tls_look_alpn(session->ssl, settings->alpn, fault);
}

void tls_look_session_close(struct tls_look_session *session) {
    SSL_free(session->ssl);
    SSL_CTX_free(session->context);
    *session = (struct tls_look_session){.alert = -1};
}

static void tls_look_flush(const struct tls_look_session *session, struct buffer *output) {
    char *data = NULL;
    long size = BIO_get_mem_data(session->output, &data);
    if (size > 0)
        buffer_append(output, data, (size_t)size);
    (void)BIO_reset(session->output);
}

/* How servers end it that want a certificate of ours and get none (RFC 5246 7.2.2, RFC 8446 6.2). */
static bool tls_look_wanted(const struct tls_look_session *session) {
    int alert = session->alert & 0xff;
    return session->alert >= 0 && session->asked &&
           (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_BAD_CERTIFICATE ||
            alert == TLS13_AD_CERTIFICATE_REQUIRED);
}

static void tls_look_fail(const struct tls_look_session *session, struct fault *fault) {
    static const struct {
        int reason;
        const char *text;
    } table[] = {
        {SSL_R_UNSUPPORTED_PROTOCOL, "it speaks an older protocol than TLS 1.0"},
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "it shows no certificate"},
        {SSL_R_EXCESSIVE_MESSAGE_SIZE, "its certificates are larger than 100 kB"},
        {SSL_R_NO_CIPHERS_AVAILABLE, "no cipher can be offered"},
    };
    unsigned long error = ERR_peek_error(); /* the first one: what follows is what came of it */
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == table[i].reason)
            reason = table[i].text;
    if (session->alert >= 0)
        fault_set(fault, FAULT_AUTH, "the server ends it with the alert \"%s\" (%d)%s",
                  SSL_alert_desc_string_long(session->alert), session->alert & 0xff,
                  session->asked ? "; it asked for a certificate of ours" : "");
    else
        fault_set(fault, FAULT_FORMAT, "the handshake fails: %s", reason ? reason : "no reason is known");
    ERR_clear_error();
}

enum tls_look_state tls_look_session_shake(struct tls_look_session *session, struct slice input,
                                           struct buffer *output, struct fault *fault) {
    ERR_clear_error();
    if (input.size && BIO_write(session->input, input.data, (int)input.size) != (int)input.size) {
        tls_fault(fault, FAULT_INTERNAL, "TLS takes no bytes");
        return TLS_LOOK_FAILED;
    }
    int done = SSL_do_handshake(session->ssl);
    tls_look_flush(session, output); /* a goodbye with its reason, too */
    if (done == 1)
        return TLS_LOOK_DONE;
    if (SSL_get_error(session->ssl, done) == SSL_ERROR_WANT_READ)
        return TLS_LOOK_WAITS;
    tls_look_fail(session, fault);
    return TLS_LOOK_FAILED;
}

void tls_look_session_end(struct tls_look_session *session, struct buffer *output) {
    SSL_shutdown(session->ssl);
    ERR_clear_error();
    tls_look_flush(session, output);
}

/* ---- what was shown */

static struct slice tls_look_copy(const void *data, size_t size) {
    return size ? slice_make(memory_copy(data, size), size) : SLICE("");
}

static void tls_look_show_certificates(const SSL *ssl, struct tls_look_shown *shown) {
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int count = chain ? sk_X509_num(chain) : 0;
    for (int i = 0; i < count && shown->count < TLS_LOOK_CERTIFICATES_MOST; i++) {
        unsigned char *der = NULL;
        int size = i2d_X509(sk_X509_value(chain, i), &der);
        if (size > 0)
            shown->certificates[shown->count++] = tls_look_copy(der, (size_t)size);
        OPENSSL_free(der);
    }
}

void tls_look_session_show(const struct tls_look_session *session, struct tls_look_shown *ret_shown) {
    const unsigned char *alpn = NULL, *staple = NULL;
    unsigned alpn_size = 0;
    *ret_shown =
        (struct tls_look_shown){.alpn = SLICE(""), .staple = SLICE(""), .wanted = tls_look_wanted(session)};
    if (!session->ssl)
        return;
    tls_look_show_certificates(session->ssl, ret_shown);
    SSL_get0_alpn_selected(session->ssl, &alpn, &alpn_size);
    ret_shown->alpn = tls_look_copy(alpn, alpn_size);
    long staple_size = SSL_get_tlsext_status_ocsp_resp(session->ssl, &staple);
    ret_shown->staple = tls_look_copy(staple, staple_size > 0 && staple ? (size_t)staple_size : 0);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(session->ssl);
    if (cipher) { /* before it, the version is what we would like it to be */
        ret_shown->version = (unsigned)SSL_version(session->ssl);
        ret_shown->cipher = SSL_CIPHER_get_name(cipher);
    }
}

static void tls_look_free(struct slice copy) {
    if (copy.size)
        free((void *)(uintptr_t)copy.data);
}

void tls_look_shown_free(struct tls_look_shown *shown) {
    for (size_t i = 0; i < shown->count; i++)
        tls_look_free(shown->certificates[i]);
    tls_look_free(shown->alpn);
    tls_look_free(shown->staple);
    shown->count = 0;
    shown->alpn = shown->staple = SLICE("");
}

/* Within sys alone: the parts of a look at a TLS server. */
#ifndef TOCSIN_TLS_LOOK_PRIVATE_H
#define TOCSIN_TLS_LOOK_PRIVATE_H

#include <openssl/ssl.h>

#include "buffer.h"
#include "tls_look.h"

/* ---- tls_look_session.c: a handshake as bytes in, bytes out */

struct tls_look_session {
    SSL_CTX *context;
    SSL *ssl;
    BIO *input, *output; /* the SSL's */
    int alert;           /* that the server ended it with, -1: none */
    bool asked;          /* for a certificate of ours */
};
bool tls_look_session_open(struct tls_look_session *session, const struct tls_look_settings *settings,
                           struct fault *fault);
void tls_look_session_close(struct tls_look_session *session); /* also one that was never opened */

enum tls_look_state { TLS_LOOK_WAITS, TLS_LOOK_DONE, TLS_LOOK_FAILED };
/* `output` gets what is to be sent; the fault says why it failed. */
enum tls_look_state tls_look_session_shake(struct tls_look_session *session, struct slice input,
                                           struct buffer *output, struct fault *fault);
void tls_look_session_end(struct tls_look_session *session, struct buffer *output);

/* Copies of what the server showed so far; free with tls_look_shown_free. */
struct tls_look_shown {
    size_t count;
    struct slice certificates[TLS_LOOK_CERTIFICATES_MOST];
    struct slice alpn, staple;
    unsigned version;
    const char *cipher;
    bool wanted; /* a certificate of ours, without which it ends */
};
void tls_look_session_show(const struct tls_look_session *session, struct tls_look_shown *ret_shown);
void tls_look_shown_free(struct tls_look_shown *shown);

/* ---- tls_look_smtp.c: what is said before STARTTLS, as bytes in, bytes out */

#define TLS_LOOK_SMTP_MOST (16u * 1024) /* of one reply */

struct tls_look_smtp {
    unsigned said; /* commands */
    bool offered;  /* STARTTLS */
    struct buffer reply;
};
void tls_look_smtp_begin(struct tls_look_smtp *smtp);
/* TLS_LOOK_DONE: TLS may begin. */
enum tls_look_state tls_look_smtp_take(struct tls_look_smtp *smtp, struct slice input, struct buffer *output,
                                       struct fault *fault);

/* The beginning of what a peer sent, up to the line's end, printable. */
#define TLS_LOOK_QUOTE_SIZE 64u
void tls_look_quote(struct slice bytes, char ret_text[TLS_LOOK_QUOTE_SIZE]);

#endif

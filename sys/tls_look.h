/* A look at a TLS server: connects to one address, shakes hands without believing anything, and tells what the server
 * showed. To judge is another's business: expired, weak and old servers are all let in (TLS 1.0 to 1.3, any key, any cipher
 * but those without a certificate), so that they can be told about.
 *
 * Ownership: what tls_look_start takes is copied. A look lives until its `done` has returned, or until it is cancelled; no
 * callback comes after that. `done` comes once, always, and never from within tls_look_start. What it gets is borrowed for
 * the call. No session is resumed, no certificate of ours is shown, and behind the handshake nothing is said but goodbye,
 * for whose answer TLS_LOOK_GOODBYE_US are waited.
 * Limits: TLS_LOOK_BYTES_MOST from the server, TLS_LOOK_CERTIFICATES_MOST certificates (more are not handed over). Times
 * are in microseconds. */
#ifndef TOCSIN_TLS_LOOK_H
#define TOCSIN_TLS_LOOK_H

#include "fault.h"
#include "loop.h"
#include "slice.h"

#define TLS_LOOK_TIMEOUT_US 10000000u
#define TLS_LOOK_GOODBYE_US 200000u
#define TLS_LOOK_BYTES_MOST (512u * 1024)
#define TLS_LOOK_CERTIFICATES_MOST 17u /* one more than anybody needs, so that more are noticed */
#define TLS_LOOK_ALPN_MOST 255u        /* bytes of all protocols, each with its length */

enum tls_look_start_with {
    TLS_LOOK_AT_ONCE,
    TLS_LOOK_SMTP, /* STARTTLS, RFC 3207 */
};

/* All but address and port may be 0. */
struct tls_look_settings {
    const char *address; /* numeric, without brackets */
    uint16_t port;
    const char *name; /* sent as server_name (RFC 6066 3), unless it is an address; NULL: none */
    const char *alpn; /* offered: "h2,http/1.1"; NULL: nothing */
    enum tls_look_start_with start_with;
    bool old_alone;      /* offers TLS 1.0 and 1.1 alone: who is up to date refuses */
    uint64_t timeout_us; /* of all of it; 0 means TLS_LOOK_TIMEOUT_US */
};

/* In the order in which they come; a look that got through everything ends with GOOD. */
enum tls_look_step { TLS_LOOK_CONNECT, TLS_LOOK_GREETING, TLS_LOOK_HANDSHAKE, TLS_LOOK_GOOD };

struct tls_look_result {
    enum tls_look_step step;                  /* in which it failed */
    bool late;                                /* since the time was over */
    bool wanted;                              /* since the server wants a certificate of ours */
    const char *reason;                       /* for people; empty where it is good */
    uint64_t connect_us, greeting_us, tls_us; /* what each step took; 0: not passed */
    /* What came of the handshake, also of one that failed later on. */
    const struct slice *certificates; /* DER, as they were sent */
    size_t count;
    unsigned version;    /* as on the wire, 0x0303 is TLS 1.2; 0: none was agreed upon */
    const char *cipher;  /* OpenSSL's name; NULL: none */
    struct slice alpn;   /* empty: none */
    struct slice staple; /* an OCSPResponse; empty: none */
};

struct tls_look;
typedef void tls_look_done(void *context, const struct tls_look_result *result);

/* NULL with a fault where the settings are wrong. */
struct tls_look *tls_look_start(struct loop *loop, const struct tls_look_settings *settings,
                                tls_look_done *done, void *context, struct fault *fault);
/* No `done` comes. NULL is fine. */
void tls_look_cancel(struct tls_look *look);

#endif

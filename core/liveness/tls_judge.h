/* What a TLS server showed in its handshake, judged: bytes, a name and a time in, findings out.
 *
 * The verdict is what a client may conclude who has the anchors: good, revoked (its own staple says so), unusable; unknown
 * where everything else holds and no anchors were given. Sources: RFC 5280 6, 9525, 8446, 8996, 9325, 7633, Baseline
 * Requirements. Left out: policies, and name constraints of other kinds than DNS and IP. */
#ifndef TOCSIN_TLS_JUDGE_H
#define TOCSIN_TLS_JUDGE_H

#include "liveness_report.h"
#include "tls_chain.h"
#include "weak_keys.h"

struct tls_shown {
    const struct slice *certificates; /* DER, as they were sent, the leaf first */
    size_t count;
    unsigned version;    /* as on the wire: 0x0303 is TLS 1.2; 0: not known */
    const char *cipher;  /* OpenSSL's name; NULL: not known */
    struct slice alpn;   /* what the server chose; empty: nothing */
    struct slice staple; /* an OCSPResponse; empty: none */
};

struct tls_question {
    struct slice name; /* host name or IP address; empty: any will do */
    struct slice alpn; /* that must be chosen; empty: any or none */
    const struct certificate *anchors;
    size_t anchor_count;               /* 0: whom to trust is not known */
    const struct weak_keys *weak_keys; /* NULL: none */
    uint64_t now_us;
};

void tls_judge(const struct tls_question *question, const struct liveness_policy *policy,
               const struct tls_shown *shown, struct liveness_report *ret_report);

/* Adds what came of asking for TLS 1.0 or 1.1 alone: the version that was taken, 0 where it was refused. */
void tls_judge_old_protocols(unsigned taken, struct liveness_report *report);

/* "TLS 1.2" */
const char *tls_version_name(unsigned version);

#endif

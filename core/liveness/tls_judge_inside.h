/* Between the files of tls_judge: what is being judged. */
#ifndef TOCSIN_TLS_JUDGE_INSIDE_H
#define TOCSIN_TLS_JUDGE_INSIDE_H

#include "tls_judge.h"

#define TLS_VERSION_1_2 0x0303u
#define TLS_VERSION_1_3 0x0304u

struct tls_judging {
    const struct tls_question *question;
    const struct tls_shown *shown;
    struct liveness_report *report;
    struct tls_chain chain;
    /* What a client relies on: the path up to the anchor, and the anchor where it was not sent itself. */
    size_t count;
    const struct certificate *certificates[TLS_CHAIN_MOST + 1];
    bool usable; /* by a client */
};

static inline uint64_t tls_judging_value(const struct tls_judging *judging,
                                         enum liveness_parameter parameter) {
    return judging->report->policy->values[parameter];
}
/* What a client cannot do without. */
static inline bool tls_judging_must(struct tls_judging *judging, bool good) {
    judging->usable &= good;
    return good;
}
bool tls_judging_encrypts_to_key(const struct tls_judging *judging); /* RSA key exchange */

/* Of tls_judge_certificates.c: names, times, purposes and signatures of what is in `certificates`. */
void tls_judge_certificates(struct tls_judging *judging);

#endif

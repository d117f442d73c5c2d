/* A time-stamp response judged: bytes, a question and a time in, findings out (RFC 3161, RFC 5816, RFC 5652).
 *
 * The question must outlive the call alone. The verdict is good where a relying party may believe the token, which takes more
 * than `openssl ts -verify` asks: that genTime is the time by its own accuracy, the attributes stand in DER's order where they
 * were signed, the extended key usage is critical and alone, and the certificate is valid now. */
#ifndef TOCSIN_TSA_JUDGE_H
#define TOCSIN_TSA_JUDGE_H

#include "liveness_report.h"
#include "tsa_request.h"
#include "tsa_response.h"

struct tsa_question {
    const struct certificate
        *issuers;        /* who is trusted: the TSA's own certificate, its CA, or the root above it */
    size_t issuer_count; /* at least 1 */
    struct tsa_request request;
    bool has_policy;              /* that has to be, whether it was asked for or not: */
    struct slice policy;          /* an OID's content */
    uint64_t asked_us, now_us;    /* when the request went, and the answer had come */
    struct slice previous_serial; /* of the token before, an INTEGER's content; empty: none is known */
};

void tsa_judge(const struct tsa_question *question, const struct liveness_policy *policy, struct slice body,
               struct liveness_report *ret_report);

#endif

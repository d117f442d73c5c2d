/* An OCSP response judged: bytes, a question and a time in, findings out.
 *
 * The question must outlive the call alone; the report keeps nothing of it but the policy. The verdict is what a relying party
 * may conclude by RFC 6960 and its own --max-age: unusable unless everything holds that it has to rely on. */
#ifndef TOCSIN_OCSP_JUDGE_H
#define TOCSIN_OCSP_JUDGE_H

#include "liveness_report.h"
#include "ocsp_request.h"
#include "ocsp_response.h"

enum ocsp_expected {
    OCSP_EXPECT_NOTHING, /* a serial of which nobody says whether it was issued */
    OCSP_EXPECT_ISSUED,  /* good or revoked */
    OCSP_EXPECT_GOOD,
    OCSP_EXPECT_REVOKED,
    OCSP_EXPECT_UNISSUED, /* anything but good */
};

struct ocsp_question {
    const struct certificate
        *issuers;        /* the CA; several where it isn't known which, or to bring a delegate along */
    size_t issuer_count; /* at least 1 */
    const struct certificate *certificate; /* who is asked about; NULL: */
    struct slice serial;                   /* an INTEGER's content */
    enum ocsp_expected expected;
    bool has_reason;
    uint32_t reason;    /* that is expected */
    struct slice nonce; /* that was sent; empty: none */
    uint64_t now_us;
    uint64_t max_age_us; /* of thisUpdate; 0: none */
};

/* Who of the issuers it is: who signed the certificate; else whom the response names; else the first. */
const struct certificate *ocsp_question_issuer(const struct ocsp_question *question,
                                               const struct ocsp_response *response);

void ocsp_judge(const struct ocsp_question *question, const struct liveness_policy *policy, struct slice body,
                struct liveness_report *ret_report);

#endif

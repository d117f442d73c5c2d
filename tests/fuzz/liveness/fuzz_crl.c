/* CRLs as they come: in pieces as the first byte says or whole, the findings are the same; and held against themselves. */
#include <stdlib.h>

#include "crl_judge.h"
#include "fuzz_ca.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US UINT64_C(1795320000000000)

static void expect(bool good) {
    if (!good)
        abort();
}

static struct crl_state *judge(struct slice body, uint32_t seed, struct crl_state *previous,
                               struct liveness_report *report) {
    static struct certificate issuer, certificate;
    static struct liveness_policy policy;
    if (issuer.whole.size == 0) {
        expect(certificate_read(slice_make(fuzz_ca, sizeof fuzz_ca), &issuer, NULL));
        expect(certificate_read(slice_make(fuzz_user, sizeof fuzz_user), &certificate, NULL));
        liveness_policy_default(&policy, PROFILE_CABF_BR);
    }
    struct crl_question question = {.issuers = &issuer,
                                    .issuer_count = 1,
                                    .certificate = &certificate,
                                    .previous = previous,
                                    .keep_entries = 16,
                                    .now_us = NOW_US};
    struct crl_judge *judge = crl_judge_create(&question, &policy);
    while (body.size) {
        seed = seed * 1664525 + 1013904223;
        struct slice piece = slice_head(body, seed == 1013904223 ? body.size : 1 + (seed >> 16) % 40);
        uint8_t *copy = memory_copy(piece.data, piece.size); /* so that nothing can be kept of it */
        crl_judge_add(judge, slice_make(copy, piece.size));
        free(copy);
        body = slice_from(body, piece.size);
    }
    crl_judge_end(judge, report);
    struct crl_state *state = crl_judge_take_state(judge);
    crl_judge_destroy(judge);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct liveness_report whole, pieces, again;
    if (size == 0)
        return 0;
    struct slice body = slice_make(data + 1, size - 1);
    struct crl_state *state = judge(body, 0, NULL, &whole);
    crl_state_destroy(judge(body, data[0] + 1u, NULL, &pieces));
    expect(whole.verdict == pieces.verdict && whole.state == pieces.state && whole.count == pieces.count);
    for (size_t i = 0; i < whole.count; i++)
        expect(whole.findings[i].check == pieces.findings[i].check &&
               strcmp(whole.findings[i].seen, pieces.findings[i].seen) == 0);
    expect((state != NULL) || whole.verdict == VERDICT_UNUSABLE);
    crl_state_destroy(judge(body, 0, state, &again));
    expect(whole.verdict == again.verdict && whole.state == again.state);
    crl_state_destroy(state);
    return 0;
}

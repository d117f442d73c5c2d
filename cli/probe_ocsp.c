/* `tocsin probe ocsp`: an OCSP response in a file, judged. */
#include "clock.h"
#include "encoding.h"
#include "memory.h"
#include "ocsp_judge.h"
#include "probe_command.h"

#define NONCE_MOST 128u

static bool read_expected(const struct probe_options *options, struct ocsp_question *question,
                          struct fault *fault) {
    static const struct {
        const char *name;
        enum ocsp_expected expected;
    } names[] = {{"issued", OCSP_EXPECT_ISSUED},
                 {"good", OCSP_EXPECT_GOOD},
                 {"revoked", OCSP_EXPECT_REVOKED},
                 {"unissued", OCSP_EXPECT_UNISSUED}};
    /* A certificate that is there was issued; of a serial nobody knows. */
    question->expected = question->certificate ? OCSP_EXPECT_ISSUED : OCSP_EXPECT_NOTHING;
    if (!options->expect)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(options->expect, names[i].name) == 0) {
            question->expected = names[i].expected;
            return true;
        }
    return fault_set(fault, FAULT_USAGE, "--expect: '%.40s' is none of issued, good, revoked, unissued",
                     options->expect);
}

static bool read_reason(const struct probe_options *options, struct ocsp_question *question,
                        struct fault *fault) {
    uint64_t reason;
    if (!options->reason)
        return true;
    if (!slice_decimal(slice_string(options->reason), &reason) || reason > 10)
        return fault_set(fault, FAULT_USAGE, "--reason: '%.40s' is no number from 0 to 10 (RFC 5280 5.3.1)",
                         options->reason);
    question->has_reason = true;
    question->reason = (uint32_t)reason;
    return true;
}

static bool read_nonce(const struct probe_options *options, uint8_t bytes[NONCE_MOST],
                       struct ocsp_question *question, struct fault *fault) {
    struct slice text = slice_string(options->nonce);
    if (!options->nonce)
        return true;
    if (text.size % 2 || text.size == 0 || text.size / 2 > NONCE_MOST ||
        !encoding_unhex(text, bytes, text.size / 2))
        return fault_set(fault, FAULT_USAGE, "--nonce takes hexadecimal digits, up to %u bytes", NONCE_MOST);
    question->nonce = slice_make(bytes, text.size / 2);
    return true;
}

/* Reads and judges; the report is the caller's. */
bool probe_ocsp_file(const struct command_context *context, const struct probe_options *options,
                     struct probe_inputs *inputs, struct liveness_report *report, uint64_t *ret_took_us,
                     struct fault *fault) {
    CLEANUP_BUFFER struct buffer body = BUFFER(OCSP_RESPONSE_MOST);
    uint8_t nonce[NONCE_MOST];
    if (!options->certificate && !options->serial)
        return fault_set(fault, FAULT_USAGE, "name whom it is about: --cert F or --serial S");
    if (!probe_inputs_read(options, inputs, fault))
        return false;
    struct ocsp_question question = {.issuers = inputs->issuers,
                                     .issuer_count = inputs->issuer_count,
                                     .certificate = inputs->has_certificate ? &inputs->certificate : NULL,
                                     .serial = inputs->serial,
                                     .now_us = context->now_us,
                                     .max_age_us = inputs->max_age_us};
    if (!read_expected(options, &question, fault) || !read_reason(options, &question, fault) ||
        !read_nonce(options, nonce, &question, fault) || !files_read(options->response, &body, fault))
        return false;
    uint64_t begun_us = clock_monotonic_us();
    ocsp_judge(&question, &inputs->policy, buffer_slice(&body), report);
    if (inputs->has_headers)
        http_judge(&inputs->answer, LIVENESS_OCSP, buffer_slice(&body), context->now_us, report);
    *ret_took_us = clock_monotonic_us() - begun_us;
    return true;
}

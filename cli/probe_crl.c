/* `tocsin probe crl`: a CRL in a file, judged; also against the one before. */
#include "clock.h"
#include "crl_judge.h"
#include "memory.h"
#include "probe_command.h"

#define FIRST 512u /* bytes that tell what kind of body it is */

static void take(void *context, struct slice piece) {
    crl_judge_add(context, piece);
}

static bool judge_file(const char *path, const struct crl_question *question,
                       const struct liveness_policy *policy, struct buffer *first,
                       struct liveness_report *report, struct crl_state **ret_state, struct fault *fault) {
    struct crl_judge *judge = crl_judge_create(question, policy);
    bool good = probe_pieces(path, take, judge, first, fault);
    if (good) {
        crl_judge_end(judge, report);
        if (ret_state)
            *ret_state = crl_judge_take_state(judge);
    }
    crl_judge_destroy(judge);
    return good;
}

/* What the one before leaves behind; every entry of it is kept, so that each that is gone is seen. */
static bool read_previous(const struct probe_options *options, const struct crl_question *now,
                          const struct liveness_policy *policy, struct liveness_report *report,
                          struct crl_state **ret_state, struct fault *fault) {
    struct crl_question before = *now;
    before.keep_entries = CRL_STATE_ENTRIES_MOST;
    if (!judge_file(options->previous, &before, policy, NULL, report, ret_state, fault))
        return false;
    if (*ret_state)
        return true;
    const struct liveness_finding *body = liveness_report_find(report, CHECK_CRL_BODY);
    fault_set(fault, FAULT_FORMAT, "%s%s",
              body && body->state >= LIVENESS_WARN ? "no CRL: " : "not signed by this issuer",
              body && body->state >= LIVENESS_WARN ? body->seen : "");
    return fault_place(fault, "%s", options->previous);
}

bool probe_crl_file(const struct command_context *context, const struct probe_options *options,
                    struct probe_inputs *inputs, struct liveness_report *report, uint64_t *ret_took_us,
                    struct fault *fault) {
    CLEANUP_BUFFER struct buffer first = BUFFER(FIRST);
    if (!probe_inputs_read(options, inputs, fault))
        return false;
    struct crl_question question = {.issuers = inputs->issuers,
                                    .issuer_count = inputs->issuer_count,
                                    .certificate = inputs->has_certificate ? &inputs->certificate : NULL,
                                    .serial = inputs->serial,
                                    .uri = slice_string(options->uri),
                                    .now_us = context->now_us,
                                    .max_age_us = inputs->max_age_us};
    struct crl_state *previous = NULL;
    uint64_t begun_us = clock_monotonic_us();
    bool good =
        !options->previous || read_previous(options, &question, &inputs->policy, report, &previous, fault);
    question.previous = previous;
    good = good && judge_file(options->response, &question, &inputs->policy, &first, report, NULL, fault);
    if (good && inputs->has_headers)
        http_judge(&inputs->answer, LIVENESS_CRL, buffer_slice(&first), context->now_us, report);
    *ret_took_us = clock_monotonic_us() - begun_us;
    crl_state_destroy(previous);
    return good;
}

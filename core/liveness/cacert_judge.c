#include "cacert_judge.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define SPAN_SIZE 32

/* In the order of enum cacert_step. */
static const struct {
    enum liveness_check check;
    size_t took; /* of struct cacert_result; SIZE_MAX: it has none */
    enum liveness_parameter within;
    const char *good;
} steps[] = {
    [CACERT_AT_LINE] = {CHECK_CACERT_LINE, SIZE_MAX, BOUND_CACERT_QUIET, "quiet"},
    [CACERT_AT_HANDSHAKE] = {CHECK_CACERT_HANDSHAKE, offsetof(struct cacert_result, handshake_us),
                             BOUND_CACERT_HANDSHAKE, "10"},
    [CACERT_AT_CONFIRM] = {CHECK_CACERT_CONFIRM, offsetof(struct cacert_result, confirm_us),
                           BOUND_CACERT_CONFIRM, "10"},
    [CACERT_AT_WORK] = {CHECK_CACERT_WORK, offsetof(struct cacert_result, work_us), BOUND_CACERT_WORK, "02"},
    [CACERT_AT_ANSWER] = {CHECK_CACERT_ANSWER, offsetof(struct cacert_result, answer_us), BOUND_CACERT_WHOLE,
                          "a block"},
};
#define STEPS (sizeof steps / sizeof *steps)

/* Of the block, in the order in which they are looked at. */
static const struct {
    enum cacert_flaw flaw;
    enum liveness_check check;
    const char *good;
} flaws[] = {
    {CACERT_FLAW_LENGTHS, CHECK_CACERT_LENGTHS, "they do"},
    {CACERT_FLAW_TRAILER, CHECK_CACERT_TRAILER, "it does"},
    {CACERT_FLAW_XOR, CHECK_CACERT_XOR, "it is"},
    {CACERT_FLAW_RESPONSE, CHECK_CACERT_RESPONSE, "it is"},
};
#define FLAWS (sizeof flaws / sizeof *flaws)

struct cacert_times cacert_judge_times(const struct liveness_policy *policy) {
    const uint64_t *values = policy->values;
    return (struct cacert_times){.quiet_us = values[BOUND_CACERT_QUIET],
                                 .handshake_us = values[BOUND_CACERT_HANDSHAKE],
                                 .confirm_us = values[BOUND_CACERT_CONFIRM],
                                 .work_us = values[BOUND_CACERT_WORK],
                                 .answer_us = values[BOUND_CACERT_ANSWER],
                                 .gap_us = values[BOUND_CACERT_GAP],
                                 .whole_us = values[BOUND_CACERT_WHOLE],
                                 .finish_us = values[BOUND_CACERT_FINISH]};
}

/* Of every way that an exchange can take: what somebody left behind comes before it, as often as it is taken, each time behind
 * a start of ours; a line may be never quiet; request and answer may be sent again. */
uint64_t cacert_judge_patience(const struct liveness_policy *policy) {
    struct cacert_times times = cacert_judge_times(policy);
    const uint64_t tries = CACERT_AGAIN_MOST + 1;
    uint64_t answer_us = times.whole_us + times.gap_us + tries * times.answer_us;
    uint64_t stale_us = times.quiet_us + times.handshake_us + answer_us;
    return CACERT_AGAIN_MOST * stale_us + times.quiet_us + 2 * times.handshake_us + tries * times.confirm_us +
           times.work_us + answer_us;
}

static const char *span(uint64_t us, char text[SPAN_SIZE]) {
    snprintf(text, SPAN_SIZE, "%" PRIu64 ".%03u s", us / 1000000, (unsigned)(us / 1000 % 1000));
    return text;
}

void cacert_judge_device(const char *device, const struct fault *fault, struct liveness_report *report) {
    char plain[LIVENESS_PLAIN_SIZE];
    liveness_check(report, CHECK_CACERT_DEVICE, !fault, "%s",
                   fault ? fault->text : liveness_plain(slice_string(device), plain));
}

static void tell_step(const struct cacert_result *result, enum cacert_step step,
                      struct liveness_report *report) {
    char text[SPAN_SIZE];
    if (steps[step].took == SIZE_MAX) {
        liveness_check(report, steps[step].check, true, "%s", steps[step].good);
        return;
    }
    uint64_t took_us = *(const uint64_t *)((const char *)result + steps[step].took);
    liveness_check(report, steps[step].check, true, "%s after %s", steps[step].good, span(took_us, text));
    liveness_due(report, steps[step].check, "%s, within %s", liveness_check_row(steps[step].check)->due,
                 span(report->policy->values[steps[step].within], text));
}

/* Every step up to the one where it was decided. */
static void tell_steps(const struct cacert_result *result, struct liveness_report *report) {
    bool good = result->outcome == CACERT_GOOD, garbled = result->outcome == CACERT_GARBLED;
    for (enum cacert_step step = CACERT_AT_LINE; step < STEPS && (good || step < result->step); step++)
        tell_step(result, step, report);
    if (!good && !garbled)
        liveness_check(report, steps[result->step].check, false, "%s", result->fault.text);
}

static void tell_block(const struct cacert_result *result, struct liveness_report *report) {
    bool good = result->outcome == CACERT_GOOD;
    for (size_t i = 0; i < FLAWS; i++) {
        bool flawed = !good && flaws[i].flaw == result->flaw;
        liveness_check(report, flaws[i].check, !flawed, "%s", flawed ? result->fault.text : flaws[i].good);
        if (flawed)
            return;
    }
}

/* What went well in the end, and not the first time. */
static void tell_odd(const struct cacert_result *result, struct liveness_report *report) {
    char text[SPAN_SIZE];
    uint64_t most_us = report->policy->values[BOUND_CACERT_GAP];
    liveness_check(report, CHECK_CACERT_STALE, result->stale == 0,
                   result->stale ? "%u taken, and thrown away" : "none", result->stale);
    if (result->step >= CACERT_AT_CONFIRM)
        liveness_check(report, CHECK_CACERT_RESENT, result->resent == 0,
                       result->resent ? "it asked for it again, %u times" : "it was", result->resent);
    if (result->step < CACERT_AT_ANSWER)
        return;
    liveness_check(report, CHECK_CACERT_ASKED, result->asked == 0,
                   result->asked ? "asked for again, %u times: %s" : "it is", result->asked,
                   result->asked_why.text);
    liveness_check(report, CHECK_CACERT_GAP, result->gap_us < most_us, "%s at the most",
                   span(result->gap_us, text));
    liveness_due(report, CHECK_CACERT_GAP, "less than %s", span(most_us, text));
}

static void tell_time(const struct cacert_result *result, struct liveness_report *report) {
    char text[SPAN_SIZE];
    uint64_t most_us = report->policy->values[BOUND_CACERT_SLOW];
    uint64_t took_us = result->handshake_us + result->confirm_us + result->work_us + result->answer_us;
    liveness_check(report, CHECK_CACERT_TIME, took_us <= most_us, "%s", span(took_us, text));
    liveness_due(report, CHECK_CACERT_TIME, "a little over 1 s, %s at the most", span(most_us, text));
}

void cacert_judge(const struct cacert_result *result, struct liveness_report *report) {
    if (result->outcome == CACERT_RUNNING || result->outcome == CACERT_STOPPED)
        return;
    report->verdict = result->outcome == CACERT_GOOD ? VERDICT_GOOD : VERDICT_UNUSABLE;
    tell_steps(result, report);
    if (result->outcome == CACERT_GOOD || result->outcome == CACERT_GARBLED)
        tell_block(result, report);
    tell_odd(result, report);
    if (result->outcome == CACERT_GOOD)
        tell_time(result, report);
}

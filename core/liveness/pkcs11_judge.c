#include "pkcs11_judge.h"

#include <inttypes.h>
#include <stdio.h>

#define MILLISECONDS_SIZE 32

static const enum liveness_check check_of[PKCS11_STEPS] = {
    [PKCS11_LOAD] = CHECK_PKCS11_MODULE, [PKCS11_OPEN] = CHECK_PKCS11_TOKEN,
    [PKCS11_LOGIN] = CHECK_PKCS11_PIN,   [PKCS11_FIND] = CHECK_PKCS11_KEY,
    [PKCS11_SIGN] = CHECK_PKCS11_SIGN,   [PKCS11_VERIFY] = CHECK_PKCS11_SIGNATURE,
};

/* "1.2 ms" */
static const char *milliseconds(uint64_t us, char text[MILLISECONDS_SIZE]) {
    snprintf(text, MILLISECONDS_SIZE, "%" PRIu64 ".%" PRIu64 " ms", us / 1000, us % 1000 / 100);
    return text;
}

/* What a step that is done has found. */
static const char *found(const struct pkcs11_facts *facts, enum pkcs11_step step) {
    switch (step) {
    case PKCS11_LOAD:
        return "loaded";
    case PKCS11_OPEN:
        return facts->token;
    case PKCS11_LOGIN:
        return "taken";
    case PKCS11_FIND:
        return facts->key;
    case PKCS11_SIGN:
        return facts->mechanism;
    case PKCS11_VERIFY:
        return facts->against;
    case PKCS11_STEPS:
        break;
    }
    return "";
}

static void judge_step(const struct pkcs11_question *question, const struct pkcs11_facts *facts,
                       enum pkcs11_step step, struct liveness_report *report) {
    const struct pkcs11_step_facts *is = &facts->steps[step];
    char took[MILLISECONDS_SIZE];
    switch (is->progress) {
    case PKCS11_NOT_BEGUN:
        liveness_skip(report, check_of[step], "%s",
                      step == PKCS11_LOGIN && facts->steps[PKCS11_FIND].progress ? "not needed"
                                                                                 : "not reached");
        break;
    case PKCS11_BEGUN:
        liveness_check(report, check_of[step], false, "%s in it",
                       question->unended ? question->unended : "ended");
        break;
    case PKCS11_DONE:
        liveness_check(report, check_of[step], true, "%s, %s", found(facts, step),
                       milliseconds(is->took_us, took));
        break;
    case PKCS11_FAILED:
        liveness_check(report, check_of[step], false, "%s", is->failed);
        break;
    }
}

static void judge_tries(const struct pkcs11_facts *facts, struct liveness_report *report) {
    static const struct {
        unsigned bit;
        const char *told;
    } flags[] = {{PKCS11_PIN_LOCKED, "it is locked"},
                 {PKCS11_PIN_FINAL, "one try is left"},
                 {PKCS11_PIN_LOW, "somebody gave a wrong one since the last good one"},
                 {PKCS11_PIN_CHANGE, "the token wants it changed"}};
    if (facts->steps[PKCS11_OPEN].progress != PKCS11_DONE)
        return;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (facts->pin & flags[i].bit) {
            liveness_check(report, CHECK_PKCS11_PIN_TRIES, false, "%s", flags[i].told);
            return;
        }
    liveness_check(report, CHECK_PKCS11_PIN_TRIES, true, "no flag of the token's");
}

static void judge_time(const struct pkcs11_facts *facts, struct liveness_report *report) {
    const struct pkcs11_step_facts *sign = &facts->steps[PKCS11_SIGN];
    uint64_t most_us = report->policy->values[BOUND_PKCS11_SIGN_MOST],
             slow_us = report->policy->values[BOUND_PKCS11_SIGN_SLOW];
    char took[MILLISECONDS_SIZE], due[MILLISECONDS_SIZE];
    if (sign->progress != PKCS11_DONE)
        return;
    milliseconds(sign->took_us, took);
    liveness_check(report, CHECK_PKCS11_TIME, sign->took_us <= most_us, "%s", took);
    liveness_due(report, CHECK_PKCS11_TIME, "within %s", milliseconds(most_us, due));
    liveness_check(report, CHECK_PKCS11_SLOW, sign->took_us <= slow_us, "%s", took);
    liveness_due(report, CHECK_PKCS11_SLOW, "within %s", milliseconds(slow_us, due));
}

static void judge_nonce(const struct pkcs11_question *question, const struct pkcs11_facts *facts,
                        struct liveness_report *report) {
    const char *before = question->previous_nonce;
    if (facts->nonce[0] == '\0')
        return;
    if (!before || before[0] == '\0') {
        liveness_skip(report, CHECK_PKCS11_NONCE, "the first one");
        return;
    }
    bool again = strcmp(before, facts->nonce) == 0;
    liveness_check(report, CHECK_PKCS11_NONCE, !again, "%s",
                   again ? "the same as for the signature before: whoever has both can compute the key"
                         : "another one");
}

void pkcs11_judge(const struct pkcs11_question *question, const struct pkcs11_facts *facts,
                  const struct liveness_policy *policy, struct liveness_report *ret_report) {
    liveness_report_begin(ret_report, policy);
    liveness_check(ret_report, CHECK_PKCS11_PROGRAM, !question->unended, "%s",
                   question->unended ? question->unended : "came to its end");
    for (unsigned step = 0; step < PKCS11_STEPS; step++)
        judge_step(question, facts, (enum pkcs11_step)step, ret_report);
    judge_tries(facts, ret_report);
    judge_time(facts, ret_report);
    judge_nonce(question, facts, ret_report);
    if (facts->steps[PKCS11_VERIFY].progress == PKCS11_DONE)
        ret_report->verdict = VERDICT_GOOD;
}

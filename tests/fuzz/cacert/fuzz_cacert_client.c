/* Whatever a signer sends and whenever, and whoever stops it: an exchange comes to its end, its outcome stands once it is decided,
 * in time, and is judged as what it is. */
#include <stdlib.h>

#include "cacert_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good) {
    if (!good)
        abort();
}

static void write_all(struct cacert_client *client, uint64_t now_us) {
    for (struct slice given; (given = cacert_client_give(client)).size;)
        cacert_client_gave(client, given.size > 7 ? 7 : given.size, now_us);
}

/* On the way every step is taken when it is due. */
static void pass_time(struct cacert_client *client, uint64_t *now_us, uint64_t until_us) {
    for (uint64_t expiry_us; (expiry_us = cacert_client_expiry(client)) <= until_us;) {
        *now_us = expiry_us > *now_us ? expiry_us : *now_us + 1;
        cacert_client_tick(client, *now_us);
        write_all(client, *now_us);
    }
    *now_us = until_us > *now_us ? until_us : *now_us;
}

static void judge(const struct cacert_client *client, const struct liveness_policy *policy) {
    static struct liveness_report report;
    const struct cacert_result *result = cacert_client_result(client);
    liveness_report_begin(&report, policy);
    cacert_judge(result, &report);
    if (result->outcome == CACERT_GOOD)
        demand(report.verdict == VERDICT_GOOD && report.state < LIVENESS_CRITICAL);
    else
        demand(report.verdict == VERDICT_UNUSABLE &&
               (result->outcome == CACERT_STOPPED || report.state == LIVENESS_CRITICAL));
}

/* Commands of one byte: 0 stops it, so many bytes that follow are received, or so many tenths of a second pass. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP_BUFFER struct buffer nul = BUFFER(100);
    cacert_nul_write(&nul);
    struct liveness_policy policy;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    struct cacert_times times = cacert_judge_times(&policy);
    uint64_t now_us = 1, patience_us = cacert_judge_patience(&policy);
    enum cacert_outcome outcome = CACERT_RUNNING;
    struct cacert_client *client =
        cacert_client_create(buffer_slice(&nul), CACERT_ACTION_NUL, &times, now_us);
    for (size_t at = 0; at < size && !cacert_client_done(client);) {
        uint8_t command = data[at++];
        if (command == 0)
            cacert_client_stop(client, now_us);
        else if (command < 128) {
            size_t count = command < size - at ? command : size - at;
            cacert_client_take(client, slice_make(data + at, count), now_us);
            at += count;
        } else
            pass_time(client, &now_us, now_us + (command - 127) * UINT64_C(100000));
        cacert_client_tick(client, now_us);
        write_all(client, now_us);
        demand(outcome == CACERT_RUNNING || cacert_client_result(client)->outcome == outcome);
        demand(outcome != CACERT_RUNNING || now_us <= patience_us + 13000000);
        outcome = cacert_client_result(client)->outcome;
    }
    if (!cacert_client_done(client))
        pass_time(client, &now_us, now_us + patience_us + times.finish_us);
    demand(cacert_client_done(client));
    judge(client, &policy);
    cacert_client_destroy(client);
    return 0;
}

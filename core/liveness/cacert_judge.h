/* An exchange with CAcert's signer, judged: which of its steps failed, what was odd on the way, how long it took. */
#ifndef TOCSIN_CACERT_JUDGE_H
#define TOCSIN_CACERT_JUDGE_H

#include "cacert_client.h"
#include "liveness_report.h"

/* How long each step may take, by the numbers in force. */
struct cacert_times cacert_judge_times(const struct liveness_policy *policy);
/* The longest until an outcome is decided. */
uint64_t cacert_judge_patience(const struct liveness_policy *policy);

/* Whether the line could be had; `fault` says why not, NULL: it could. */
void cacert_judge_device(const char *device, const struct fault *fault, struct liveness_report *report);
/* Of an exchange whose outcome is decided; it need not be at its end. One that was stopped says nothing of the signer. */
void cacert_judge(const struct cacert_result *result, struct liveness_report *report);

#endif

/* A canary signature judged: by what tocsin-canary told, and by how it ended. */
#ifndef TOCSIN_PKCS11_JUDGE_H
#define TOCSIN_PKCS11_JUDGE_H

#include "liveness_report.h"
#include "pkcs11_facts.h"

struct pkcs11_question {
    const char *unended; /* how it was ended, or ended itself before its end; NULL: it came to its end */
    const char *previous_nonce; /* of the signature before, by the same key; empty or NULL: none is known */
};

/* `facts` are those that came before its end. The verdict is good where a signature was made that holds. */
void pkcs11_judge(const struct pkcs11_question *question, const struct pkcs11_facts *facts,
                  const struct liveness_policy *policy, struct liveness_report *ret_report);

#endif

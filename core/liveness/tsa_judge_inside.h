/* Between the files of tsa_judge: what is known while a response is judged. */
#ifndef TOCSIN_TSA_JUDGE_INSIDE_H
#define TOCSIN_TSA_JUDGE_INSIDE_H

#include "tsa_judge.h"

struct tsa_judging {
    const struct tsa_question *question;
    struct liveness_report *report;
    struct tsa_response response;
    const struct certificate *signer; /* NULL: it is not there */
    bool usable;                      /* by a relying party */
};

/* What a relying party cannot do without; gives `good` back. */
bool tsa_judge_must(struct tsa_judging *judging, bool good);
/* tsa_judge_signer.c: who signed it and whether that holds; then the certificate */
void tsa_judge_signature(struct tsa_judging *judging);
void tsa_judge_certificate(struct tsa_judging *judging);

#endif

/* A CRL judged: its bytes in pieces of any size, a question and a time in, findings out. Memory is bounded whatever comes
 * (crl_reader.h, crl_state.h).
 *
 * The verdict is what a relying party may conclude by RFC 5280 about who is asked about; where nobody is, good says that the
 * CRL can be used. A certificate beyond its scope is unknown; a delta CRL alone says nothing about who is not in it. */
#ifndef TOCSIN_CRL_JUDGE_H
#define TOCSIN_CRL_JUDGE_H

#include "certificate.h"
#include "crl_reader.h"
#include "crl_state.h"
#include "liveness_report.h"

struct crl_question {
    const struct certificate *issuers;     /* the CA; several where it isn't known which */
    size_t issuer_count;                   /* at least 1 */
    const struct certificate *certificate; /* who is asked about; or NULL, and: */
    struct slice serial;                   /* an INTEGER's content; or empty */
    struct slice uri;                      /* where it was fetched; empty: those in the certificate count */
    struct crl_state *previous;            /* of the CRL before, or NULL; its entries are crossed off */
    size_t keep_entries;                   /* for crl_judge_take_state; 0: none is made */
    uint64_t now_us, max_age_us;           /* max_age_us of thisUpdate; 0: none */
};

struct crl_judge;
/* The question's parts must live until crl_judge_end. */
struct crl_judge *crl_judge_create(const struct crl_question *question, const struct liveness_policy *policy);
struct crl_judge *crl_judge_destroy(struct crl_judge *judge); /* returns NULL */

void crl_judge_add(struct crl_judge *judge, struct slice piece);
/* Once, when no more comes. */
void crl_judge_end(struct crl_judge *judge, struct liveness_report *ret_report);

/* The same list again, not sent since it has not changed (304): its times alone, `only_cas` as it was found then
 * (crl_judge_only_cas). What else was found of it stands as it did. */
void crl_judge_unchanged(const struct crl_question *question, const struct liveness_policy *policy,
                         const struct liveness_times *times, bool only_cas,
                         struct liveness_report *ret_report);
bool crl_judge_only_cas(const struct crl_judge *judge);

/* What to remember of it, for the caller to keep; NULL where it was no CRL, or the signature was not the issuer's: what
 * anybody can send must not take the place of what is known. */
struct crl_state *crl_judge_take_state(struct crl_judge *judge);

#endif

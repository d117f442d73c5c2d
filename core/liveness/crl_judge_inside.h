/* Between the files of crl_judge: what is known while a CRL is judged. */
#ifndef TOCSIN_CRL_JUDGE_INSIDE_H
#define TOCSIN_CRL_JUDGE_INSIDE_H

#include "crl_judge.h"
#include "crl_scope.h"

#define CRL_REASONS 16u /* told apart */
#define CRL_FIRST 512u  /* bytes kept, to tell what it is instead */

/* How often something was seen in the entries, and where first. */
struct crl_count {
    uint64_t count;
    uint8_t size;
    uint8_t serial[32];
};

struct crl_judge {
    struct crl_question question;
    const struct liveness_policy *policy;
    struct crl_reader *reader;
    struct crl_state *state;
    struct liveness_report *report;
    uint8_t first[CRL_FIRST];
    size_t first_size;

    /* from the entries */
    struct slice asked; /* serial, empty for nobody */
    bool listed;
    uint64_t revoked_us;
    struct crl_count reasons[CRL_REASONS], reason_critical, broken_reason, unknown_critical, other_issuer;
    char unknown_oid[EXTENSION_OID_TEXT];

    /* from the rest */
    const struct crl_list *list;
    const struct certificate *issuer;
    bool signed_by_issuer, has_scope, is_delta, usable;
    struct crl_scope scope;
    struct slice number; /* an INTEGER's content; empty for none */
};

bool crl_judge_must(struct crl_judge *judge, bool good);
/* crl_judge_entries.c: one entry looked at; and what all of them gave. */
void crl_judge_entry(void *context, const struct crl_entry *entry);
void crl_judge_entries(struct crl_judge *judge);
/* crl_judge_extensions.c: of the list */
void crl_judge_extensions(struct crl_judge *judge);
/* crl_judge_times.c: its times; and against the CRL before */
void crl_judge_times(struct crl_judge *judge);
void crl_judge_previous(struct crl_judge *judge);

#endif

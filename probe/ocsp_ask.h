/* One OCSP question over HTTP, its answer judged into a part: for the probes of responders and of CRLs alike. */
#ifndef TOCSIN_OCSP_ASK_H
#define TOCSIN_OCSP_ASK_H

#include "http_part.h"
#include "ocsp_judge.h"

struct ocsp_ask_question {
    const char *url;
    const char *address; /* NULL: whichever its name has */
    bool get;            /* posted where the URL would be too long */
    bool awkward;        /* GET: '+' and '/' as they are */
    bool nonce;
    enum ocsp_digest digest;
    const struct certificate *issuer;      /* must live until it is over, as what follows */
    const struct certificate *certificate; /* or NULL, and: */
    struct slice serial;
    enum ocsp_expected expected;
};

typedef void ocsp_ask_over(void *context);

struct ocsp_ask;
/* `over` comes once the part is over, in a later turn; NULL where it is over at once, and no `over` comes. */
struct ocsp_ask *ocsp_ask_start(const struct probe_look *look, struct probe_part *part,
                                const struct ocsp_ask_question *question, ocsp_ask_over *over, void *context);
struct ocsp_ask *ocsp_ask_cancel(struct ocsp_ask *ask); /* NULL */

/* The request's own bytes; for whoever looks for a serial whose path is awkward. */
bool ocsp_ask_request(struct buffer *to, const struct ocsp_ask_question *question, struct slice nonce);

#endif

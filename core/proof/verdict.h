/* The words of a verifier (log-format: Retention, Time). */
#ifndef TOCSIN_VERDICT_H
#define TOCSIN_VERDICT_H

/* Of an event. */
enum verdict {
    VERDICT_OPENED,          /* its body is here, and it is what was signed */
    VERDICT_ALTERED,         /* something is not what was signed; the fault says what */
    VERDICT_ERASED_LAWFULLY, /* gone, by an erasure that kept to the rules */
    VERDICT_HELD,            /* a hold keeps it, with its record */
    VERDICT_MISSING_DECLARED,
    VERDICT_MISSING,
    VERDICT_OVER_RETAINED, /* still here after its maximum, without a hold */
};
#define VERDICTS 7

/* Of a stretch of time; a lower one is the weaker. */
enum attestation {
    ATTESTATION_UNATTESTED,   /* nothing bounds it, or the chain does not cover it */
    ATTESTATION_UNWITNESSED,  /* the chain is good, and nobody but the log's keeper says when */
    ATTESTATION_SELF_CLOCKED, /* the chain is good; witnesses bound its time further than a heartbeat would */
    ATTESTATION_WITNESSED,
};
#define ATTESTATIONS 4

const char *verdict_name(enum verdict verdict);             /* "ERASED-LAWFULLY" */
const char *attestation_name(enum attestation attestation); /* "SELF-CLOCKED" */

#endif

/* What is checked, as one table: name, how bad, where it is written, in which profiles, and the numbers that go with it.
 *
 * To add a check: a word in the enum, a row in the table, and whoever judges calls liveness_check with it. To add a number:
 * the same with the parameters. Everything can be switched off and set by name (liveness_policy_set), so settings need
 * no table of their own. Times are microseconds; percentages are per cent. */
#ifndef TOCSIN_LIVENESS_CHECKS_H
#define TOCSIN_LIVENESS_CHECKS_H

#include "fault.h"
#include "slice.h"

/* LIVENESS_REACH is what all kinds share that ask over a network; it is no kind of probe. */
enum liveness_kind {
    LIVENESS_OCSP,
    LIVENESS_CRL,
    LIVENESS_HTTP,
    LIVENESS_REACH,
    LIVENESS_TLS,
    LIVENESS_TSA,
    LIVENESS_GRPC,
    LIVENESS_ACME,
    LIVENESS_DNS,
    LIVENESS_NTP,
    LIVENESS_SMTP,
    LIVENESS_TCP,
    LIVENESS_COMMAND,
    LIVENESS_QUEUE,
    LIVENESS_PKCS11,
    LIVENESS_CACERT,
    LIVENESS_KINDS,
};
enum liveness_profile { PROFILE_CABF_BR, PROFILE_RFC };

enum liveness_check {
    CHECK_OCSP_BODY,
    CHECK_OCSP_STATUS,
    CHECK_OCSP_VERSION,
    CHECK_OCSP_SIGNATURE,
    CHECK_OCSP_SIGNATURE_DIGEST,
    CHECK_OCSP_RESPONDER_ID,
    CHECK_OCSP_DELEGATE_ISSUER,
    CHECK_OCSP_DELEGATE_PURPOSE,
    CHECK_OCSP_DELEGATE_PURPOSE_ONLY,
    CHECK_OCSP_DELEGATE_NOCHECK,
    CHECK_OCSP_DELEGATE_KEY_USAGE,
    CHECK_OCSP_DELEGATE_CA,
    CHECK_OCSP_DELEGATE_LIFE,
    CHECK_OCSP_CERTIFICATE_ENDS,
    CHECK_OCSP_PRODUCED_LIFE,
    CHECK_OCSP_PRODUCED_FUTURE,
    CHECK_OCSP_CRITICAL_EXTENSION,
    CHECK_OCSP_NONCE,
    CHECK_OCSP_CERT_ID,
    CHECK_OCSP_DUPLICATE,
    CHECK_OCSP_THIS_UPDATE_FUTURE,
    CHECK_OCSP_NEXT_UPDATE,
    CHECK_OCSP_NEXT_UPDATE_PAST,
    CHECK_OCSP_UPDATE_ORDER,
    CHECK_OCSP_VALIDITY_SHORT,
    CHECK_OCSP_VALIDITY_LONG,
    CHECK_OCSP_AGE,
    CHECK_OCSP_REFRESH,
    CHECK_OCSP_MAX_AGE,
    CHECK_OCSP_AUTHORITATIVE,
    CHECK_OCSP_UNISSUED_GOOD,
    CHECK_OCSP_STATUS_EXPECTED,
    CHECK_OCSP_REASON,
    CHECK_OCSP_REASON_EXPECTED,
    CHECK_CRL_BODY,
    CHECK_CRL_SIZE,
    CHECK_CRL_VERSION,
    CHECK_CRL_ISSUER,
    CHECK_CRL_ALGORITHM,
    CHECK_CRL_SIGNATURE,
    CHECK_CRL_SIGNATURE_DIGEST,
    CHECK_CRL_ISSUER_KEY_USAGE,
    CHECK_CRL_AUTHORITY_KEY,
    CHECK_CRL_NUMBER,
    CHECK_CRL_NUMBER_CRITICAL,
    CHECK_CRL_NUMBER_RANGE,
    CHECK_CRL_CRITICAL_EXTENSION,
    CHECK_CRL_SCOPE_CRITICAL,
    CHECK_CRL_SCOPE_EMPTY,
    CHECK_CRL_SCOPE_BOTH,
    CHECK_CRL_SCOPE_URI,
    CHECK_CRL_SCOPE_REASONS,
    CHECK_CRL_INDIRECT,
    CHECK_CRL_DELTA,
    CHECK_CRL_FRESHEST,
    CHECK_CRL_EMPTY_LIST,
    CHECK_CRL_REASON_UNSPECIFIED,
    CHECK_CRL_REASON_HOLD,
    CHECK_CRL_REASON_KNOWN,
    CHECK_CRL_REASON_ALLOWED,
    CHECK_CRL_REASON_CRITICAL,
    CHECK_CRL_THIS_UPDATE_FUTURE,
    CHECK_CRL_NEXT_UPDATE,
    CHECK_CRL_NEXT_UPDATE_PAST,
    CHECK_CRL_UPDATE_ORDER,
    CHECK_CRL_VALIDITY_LONG,
    CHECK_CRL_AGE,
    CHECK_CRL_REFRESH,
    CHECK_CRL_MAX_AGE,
    CHECK_CRL_OLDER,
    CHECK_CRL_NUMBER_FALLS,
    CHECK_CRL_NUMBER_SAME,
    CHECK_CRL_SHRINKS,
    CHECK_CRL_ENTRY_GONE,
    CHECK_CRL_ENTRIES_GONE,
    CHECK_HTTP_STATUS,
    CHECK_HTTP_BODY,
    CHECK_HTTP_CONTENT_TYPE,
    CHECK_HTTP_NO_STORE,
    CHECK_HTTP_MAX_AGE,
    CHECK_HTTP_EXPIRES,
    CHECK_HTTP_LAST_MODIFIED,
    CHECK_REACH_NAME,
    CHECK_REACH_FAMILIES,
    CHECK_REACH_CONNECT,
    CHECK_REACH_TLS,
    CHECK_REACH_ANSWER,
    CHECK_REACH_TIME,
    CHECK_REACH_SLOW,
    CHECK_TSA_BODY,
    CHECK_TSA_STATUS,
    CHECK_TSA_TOKEN,
    CHECK_TSA_CONTENT_TYPE,
    CHECK_TSA_SIGNERS,
    CHECK_TSA_CMS_VERSION,
    CHECK_TSA_VERSION,
    CHECK_TSA_IMPRINT,
    CHECK_TSA_NONCE,
    CHECK_TSA_POLICY,
    CHECK_TSA_SERIAL,
    CHECK_TSA_CRITICAL_EXTENSION,
    CHECK_TSA_TIME,
    CHECK_TSA_CLOCK,
    CHECK_TSA_TIME_FORM,
    CHECK_TSA_ACCURACY,
    CHECK_TSA_CERTIFICATE,
    CHECK_TSA_SIGNATURE,
    CHECK_TSA_SIGNATURE_DIGEST,
    CHECK_TSA_ATTRIBUTE_ORDER,
    CHECK_TSA_MESSAGE_DIGEST,
    CHECK_TSA_CERTIFICATE_ID,
    CHECK_TSA_CERTIFICATE_ID_DIGEST,
    CHECK_TSA_ISSUER,
    CHECK_TSA_PURPOSE,
    CHECK_TSA_PURPOSE_CRITICAL,
    CHECK_TSA_KEY_USAGE,
    CHECK_TSA_CERTIFICATE_LIFE,
    CHECK_TSA_CERTIFICATE_ENDS,
    CHECK_TSA_NAME,
    CHECK_CACERT_DEVICE,
    CHECK_CACERT_LINE,
    CHECK_CACERT_STALE,
    CHECK_CACERT_HANDSHAKE,
    CHECK_CACERT_CONFIRM,
    CHECK_CACERT_RESENT,
    CHECK_CACERT_WORK,
    CHECK_CACERT_ANSWER,
    CHECK_CACERT_GAP,
    CHECK_CACERT_LENGTHS,
    CHECK_CACERT_TRAILER,
    CHECK_CACERT_XOR,
    CHECK_CACERT_RESPONSE,
    CHECK_CACERT_ASKED,
    CHECK_CACERT_TIME,
    CHECK_TLS_CERTIFICATE,
    CHECK_TLS_CHAIN_COMPLETE,
    CHECK_TLS_CHAIN_ORDER,
    CHECK_TLS_CHAIN_SURPLUS,
    CHECK_TLS_ANCHOR,
    CHECK_TLS_CRITICAL_EXTENSION,
    CHECK_TLS_CA,
    CHECK_TLS_PATH_LENGTH,
    CHECK_TLS_CA_KEY_USAGE,
    CHECK_TLS_SIGNATURE_DIGEST,
    CHECK_TLS_NAME,
    CHECK_TLS_NOT_YET_VALID,
    CHECK_TLS_EXPIRED,
    CHECK_TLS_ENDS_SOON,
    CHECK_TLS_ENDS_VERY_SOON,
    CHECK_TLS_LIFE,
    CHECK_TLS_PURPOSE,
    CHECK_TLS_PURPOSE_BR,
    CHECK_TLS_KEY_USAGE,
    CHECK_TLS_LEAF_CA,
    CHECK_TLS_PROTOCOL,
    CHECK_TLS_OLD_PROTOCOLS,
    CHECK_TLS_CIPHER,
    CHECK_TLS_FORWARD_SECRECY,
    CHECK_TLS_ALPN,
    CHECK_TLS_MUST_STAPLE,
    CHECK_TLS_STAPLE,
    CHECK_TLS_KEY,
    CHECK_TLS_KEY_SIZE,
    CHECK_TLS_KEY_CURVE,
    CHECK_TLS_KEY_EXPONENT,
    CHECK_TLS_KEY_FACTOR,
    CHECK_TLS_KEY_CLOSE_PRIMES,
    CHECK_TLS_KEY_ROCA,
    CHECK_TLS_KEY_LISTED,
    LIVENESS_CHECKS,
};

/* Numbers, and what they are by default. */
enum liveness_parameter {
    BOUND_CLOCK_TOLERANCE,
    BOUND_AGE_PERCENT,
    BOUND_OCSP_VALIDITY_LEAST,
    BOUND_OCSP_VALIDITY_MOST,
    BOUND_OCSP_SHORT_LIVED,
    BOUND_OCSP_REFRESH_MARGIN,
    BOUND_OCSP_REFRESH_MOST,
    BOUND_OCSP_NEW_CERTIFICATE,
    BOUND_CRL_VALIDITY_MOST,
    BOUND_CRL_CA_VALIDITY_MOST,
    BOUND_CRL_REFRESH_MOST,
    BOUND_CRL_REFRESH_NO_OCSP,
    BOUND_CRL_SIZE_PERCENT,
    BOUND_CRL_CERTIFICATE_LIFE,
    BOUND_REACH_SLOW,
    BOUND_TSA_CLOCK_WARN,
    BOUND_TSA_CLOCK_MOST,
    BOUND_TSA_ACCURACY_MOST,
    BOUND_TSA_CERTIFICATE_LEFT,
    BOUND_CACERT_QUIET,
    BOUND_CACERT_HANDSHAKE,
    BOUND_CACERT_CONFIRM,
    BOUND_CACERT_WORK,
    BOUND_CACERT_ANSWER,
    BOUND_CACERT_GAP,
    BOUND_CACERT_WHOLE,
    BOUND_CACERT_FINISH,
    BOUND_CACERT_SLOW,
    BOUND_TLS_WARN_LEFT,
    BOUND_TLS_WARN_PERCENT,
    BOUND_TLS_CRITICAL_LEFT,
    BOUND_TLS_CRITICAL_PERCENT,
    LIVENESS_PARAMETERS,
};
enum liveness_unit { UNIT_TIME, UNIT_PERCENT };

enum liveness_state { LIVENESS_SKIPPED, LIVENESS_OK, LIVENESS_WARN, LIVENESS_CRITICAL }; /* the worst last */

struct liveness_check_row {
    const char *name;
    enum liveness_kind kind;
    enum liveness_state severity; /* WARN or CRITICAL */
    bool rfc;                     /* on in the profile rfc; in cabf-br all are */
    const char *due;              /* what has to be, for people */
    const char *source;           /* where that is written */
};
const struct liveness_check_row *liveness_check_row(enum liveness_check check);
bool liveness_check_by_name(struct slice name, enum liveness_check *ret_check);

struct liveness_parameter_row {
    const char *name;
    enum liveness_unit unit;
    uint64_t value;
    const char *what;
};
const struct liveness_parameter_row *liveness_parameter_row(enum liveness_parameter parameter);

/* What is on, and the numbers in force. */
struct liveness_policy {
    bool on[LIVENESS_CHECKS];
    uint64_t values[LIVENESS_PARAMETERS];
};
void liveness_policy_default(struct liveness_policy *ret_policy, enum liveness_profile profile);
/* A check's name with "on" or "off", a parameter's with "15m", "10d", "75%". */
bool liveness_policy_set(struct liveness_policy *policy, struct slice name, struct slice value,
                         struct fault *fault);

bool liveness_profile_by_name(struct slice name, enum liveness_profile *ret_profile);
extern const char *const liveness_kind_words[]; /* NULL behind the last */
const char *liveness_kind_name(enum liveness_kind kind);
bool liveness_kind_by_name(struct slice name, enum liveness_kind *ret_kind);
const char *liveness_state_name(enum liveness_state state);

#endif

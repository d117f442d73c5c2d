#include "liveness_checks.h"

#include "settings.h"

#define MILLISECOND UINT64_C(1000)
#define SECOND (1000 * MILLISECOND)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define BR "Baseline Requirements "
#define COMM "CAcert's CommModule"
#define RFC true
#define BR_ALONE false
#define WARN LIVENESS_WARN
#define CRITICAL LIVENESS_CRITICAL

/* In the order of enum liveness_kind. */
const char *const liveness_kind_words[LIVENESS_KINDS + 1] = {
    "ocsp", "crl",  "http", "reach",   "tls",   "tsa",    "grpc",   "acme", "dns",
    "ntp",  "smtp", "tcp",  "command", "queue", "pkcs11", "cacert", NULL,
};

static const struct liveness_check_row rows[LIVENESS_CHECKS] = {
    /* the response as a whole */
    [CHECK_OCSP_BODY] = {"ocsp.body", LIVENESS_OCSP, CRITICAL, RFC, "one OCSPResponse in DER",
                         "RFC 6960 4.2.1"},
    [CHECK_OCSP_STATUS] = {"ocsp.status", LIVENESS_OCSP, CRITICAL, RFC, "successful (0)", "RFC 6960 4.2.1"},
    [CHECK_OCSP_VERSION] = {"ocsp.version", LIVENESS_OCSP, CRITICAL, RFC, "v1", "RFC 6960 4.2.1"},
    [CHECK_OCSP_SIGNATURE] = {"ocsp.signature", LIVENESS_OCSP, CRITICAL, RFC,
                              "made by the issuer's key or its delegate's", "RFC 6960 3.2"},
    [CHECK_OCSP_SIGNATURE_DIGEST] = {"ocsp.signature-digest", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                     "SHA-256 or better", BR "7.1.3.2"},
    [CHECK_OCSP_RESPONDER_ID] = {"ocsp.responder-id", LIVENESS_OCSP, CRITICAL, RFC, "names whoever signed",
                                 "RFC 6960 4.2.2.3"},
    /* who signed it */
    [CHECK_OCSP_DELEGATE_ISSUER] = {"ocsp.delegate-issuer", LIVENESS_OCSP, CRITICAL, RFC,
                                    "the delegate's certificate is signed by the same CA key",
                                    "RFC 6960 4.2.2.2"},
    [CHECK_OCSP_DELEGATE_PURPOSE] = {"ocsp.delegate-purpose", LIVENESS_OCSP, CRITICAL, RFC,
                                     "extended key usage OCSPSigning", "RFC 6960 4.2.2.2"},
    [CHECK_OCSP_DELEGATE_PURPOSE_ONLY] = {"ocsp.delegate-purpose-only", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                          "extended key usage OCSPSigning alone", BR "7.1.2.8"},
    [CHECK_OCSP_DELEGATE_NOCHECK] = {"ocsp.delegate-nocheck", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                     "id-pkix-ocsp-nocheck in the delegate's certificate",
                                     BR "4.9.9, 7.1.2.8"},
    [CHECK_OCSP_DELEGATE_KEY_USAGE] = {"ocsp.delegate-key-usage", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                       "keyUsage critical, digitalSignature alone", BR "7.1.2.8"},
    [CHECK_OCSP_DELEGATE_CA] = {"ocsp.delegate-ca", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                "the delegate is no CA", BR "7.1.2.8"},
    [CHECK_OCSP_DELEGATE_LIFE] = {"ocsp.delegate-life", LIVENESS_OCSP, CRITICAL, RFC,
                                  "the signer's certificate is valid now", "RFC 6960 4.2.2.2"},
    [CHECK_OCSP_CERTIFICATE_ENDS] = {"ocsp.certificate-ends", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                     "no certificate sent along ends before nextUpdate",
                                     "Mozilla Root Store Policy 6"},
    [CHECK_OCSP_PRODUCED_LIFE] = {"ocsp.produced-life", LIVENESS_OCSP, CRITICAL, RFC,
                                  "producedAt within the life of the signer's certificate",
                                  "RFC 6960 4.2.2.2"},
    [CHECK_OCSP_PRODUCED_FUTURE] = {"ocsp.produced-future", LIVENESS_OCSP, CRITICAL, RFC,
                                    "producedAt not in the future", "RFC 6960 2.4"},
    [CHECK_OCSP_CRITICAL_EXTENSION] = {"ocsp.critical-extension", LIVENESS_OCSP, CRITICAL, RFC,
                                       "no unknown critical extension", "RFC 6960 4.4"},
    [CHECK_OCSP_NONCE] = {"ocsp.nonce", LIVENESS_OCSP, CRITICAL, RFC, "the nonce that was sent, or none",
                          "RFC 9654 2.1"},
    /* what it says */
    [CHECK_OCSP_CERT_ID] = {"ocsp.cert-id", LIVENESS_OCSP, CRITICAL, RFC,
                            "about the certificate that was asked about", "RFC 6960 3.2"},
    [CHECK_OCSP_DUPLICATE] = {"ocsp.duplicate", LIVENESS_OCSP, CRITICAL, RFC,
                              "one SingleResponse for a certificate", "RFC 6960 4.2.2.3"},
    [CHECK_OCSP_THIS_UPDATE_FUTURE] = {"ocsp.this-update-future", LIVENESS_OCSP, CRITICAL, RFC,
                                       "thisUpdate not in the future", "RFC 6960 4.2.2.1"},
    [CHECK_OCSP_NEXT_UPDATE] = {"ocsp.next-update", LIVENESS_OCSP, CRITICAL, BR_ALONE, "a nextUpdate",
                                "RFC 5019 2.2.4"},
    [CHECK_OCSP_NEXT_UPDATE_PAST] = {"ocsp.next-update-past", LIVENESS_OCSP, CRITICAL, RFC,
                                     "nextUpdate in the future", "RFC 6960 4.2.2.1"},
    [CHECK_OCSP_UPDATE_ORDER] = {"ocsp.update-order", LIVENESS_OCSP, CRITICAL, RFC,
                                 "nextUpdate after thisUpdate", "RFC 6960 4.2.2.1"},
    [CHECK_OCSP_VALIDITY_SHORT] = {"ocsp.validity-short", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                   "valid for 8 h at least", BR "4.9.9"},
    [CHECK_OCSP_VALIDITY_LONG] = {"ocsp.validity-long", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                  "valid for 10 d at most", BR "4.9.9"},
    [CHECK_OCSP_AGE] = {"ocsp.age", LIVENESS_OCSP, WARN, RFC,
                        "refreshed before three quarters of its validity", "long before nextUpdate"},
    [CHECK_OCSP_REFRESH] = {"ocsp.refresh", LIVENESS_OCSP, WARN, BR_ALONE,
                            "refreshed 8 h before nextUpdate and within 4 d; under 16 h, before half of it",
                            BR "4.9.9"},
    [CHECK_OCSP_MAX_AGE] = {"ocsp.max-age", LIVENESS_OCSP, CRITICAL, RFC, "no older than asked for",
                            "--max-age"},
    [CHECK_OCSP_AUTHORITATIVE] = {"ocsp.authoritative", LIVENESS_OCSP, CRITICAL, RFC,
                                  "good or revoked for a certificate that was issued 15 min ago", BR "4.9.9"},
    [CHECK_OCSP_UNISSUED_GOOD] = {"ocsp.unissued-good", LIVENESS_OCSP, CRITICAL, BR_ALONE,
                                  "not good for a serial that was never issued", BR "4.9.9"},
    [CHECK_OCSP_STATUS_EXPECTED] = {"ocsp.status-expected", LIVENESS_OCSP, CRITICAL, RFC,
                                    "the status that is expected", "--expect"},
    [CHECK_OCSP_REASON] = {"ocsp.reason", LIVENESS_OCSP, CRITICAL, BR_ALONE, "reason 1, 3, 4, 5, 9 or none",
                           BR "7.2"},
    [CHECK_OCSP_REASON_EXPECTED] = {"ocsp.reason-expected", LIVENESS_OCSP, CRITICAL, RFC,
                                    "the reason that is expected", "--reason"},

    /* the list as a whole */
    [CHECK_CRL_BODY] = {"crl.body", LIVENESS_CRL, CRITICAL, RFC, "one CertificateList in DER",
                        "RFC 5280 4.2.1.13, 5.1"},
    [CHECK_CRL_SIZE] = {"crl.size", LIVENESS_CRL, CRITICAL, RFC, "at most 100 MiB", "what is read at most"},
    [CHECK_CRL_VERSION] = {"crl.version", LIVENESS_CRL, CRITICAL, RFC, "v2 (1)", "RFC 5280 5.1.2.1"},
    [CHECK_CRL_ISSUER] = {"crl.issuer", LIVENESS_CRL, CRITICAL, RFC, "byte by byte the CA's subject",
                          BR "7.2, RFC 5280 5.1.2.3"},
    [CHECK_CRL_ALGORITHM] = {"crl.algorithm", LIVENESS_CRL, CRITICAL, RFC,
                             "the same inside and outside the signed part", "RFC 5280 5.1.1.2"},
    [CHECK_CRL_SIGNATURE] = {"crl.signature", LIVENESS_CRL, CRITICAL, RFC, "made by the issuer's key",
                             "RFC 5280 6.3.3"},
    [CHECK_CRL_SIGNATURE_DIGEST] = {"crl.signature-digest", LIVENESS_CRL, CRITICAL, BR_ALONE,
                                    "SHA-256 or better", BR "7.1.3.2"},
    [CHECK_CRL_ISSUER_KEY_USAGE] = {"crl.issuer-key-usage", LIVENESS_CRL, CRITICAL, RFC,
                                    "the issuer's keyUsage has cRLSign", "RFC 5280 6.3.3 (f)"},
    [CHECK_CRL_AUTHORITY_KEY] = {"crl.authority-key", LIVENESS_CRL, CRITICAL, RFC,
                                 "authorityKeyIdentifier, and it is the issuer's", "RFC 5280 5.2.1"},
    [CHECK_CRL_NUMBER] = {"crl.number", LIVENESS_CRL, CRITICAL, RFC, "a CRLNumber", "RFC 5280 5.2.3"},
    [CHECK_CRL_NUMBER_CRITICAL] = {"crl.number-critical", LIVENESS_CRL, CRITICAL, RFC,
                                   "CRLNumber not critical", "RFC 5280 5.2.3"},
    [CHECK_CRL_NUMBER_RANGE] = {"crl.number-range", LIVENESS_CRL, CRITICAL, RFC, "0 up to 2^159 - 1",
                                BR "7.2, RFC 5280 5.2.3"},
    [CHECK_CRL_CRITICAL_EXTENSION] = {"crl.critical-extension", LIVENESS_CRL, CRITICAL, RFC,
                                      "no unknown critical extension", "RFC 5280 5.2, 5.3"},
    /* of what it is a list */
    [CHECK_CRL_SCOPE_CRITICAL] = {"crl.scope-critical", LIVENESS_CRL, CRITICAL, RFC,
                                  "issuingDistributionPoint critical", "RFC 5280 5.2.5"},
    [CHECK_CRL_SCOPE_EMPTY] = {"crl.scope-empty", LIVENESS_CRL, CRITICAL, RFC,
                               "issuingDistributionPoint not empty", "RFC 5280 5.2.5"},
    [CHECK_CRL_SCOPE_BOTH] = {"crl.scope-both", LIVENESS_CRL, CRITICAL, RFC,
                              "users' certificates alone or CAs' alone, not both, no attribute certificates",
                              "RFC 5280 5.2.5"},
    [CHECK_CRL_SCOPE_URI] = {"crl.scope-uri", LIVENESS_CRL, CRITICAL, RFC, "the URI in the certificate",
                             BR "7.2, RFC 5280 6.3.3 (b)"},
    [CHECK_CRL_SCOPE_REASONS] = {"crl.scope-reasons", LIVENESS_CRL, WARN, RFC, "all reasons",
                                 "RFC 5280 5.2.5"},
    [CHECK_CRL_INDIRECT] = {"crl.indirect", LIVENESS_CRL, CRITICAL, RFC, "no indirect CRL", BR "4.9.7, 7.2"},
    [CHECK_CRL_DELTA] = {"crl.delta", LIVENESS_CRL, CRITICAL, RFC,
                         "deltaCRLIndicator critical, its base before CRLNumber", "RFC 5280 5.2.4"},
    [CHECK_CRL_FRESHEST] = {"crl.freshest", LIVENESS_CRL, CRITICAL, RFC,
                            "freshestCRL not critical, and in no delta CRL", "RFC 5280 5.2.6"},
    /* its entries */
    [CHECK_CRL_EMPTY_LIST] = {"crl.empty-list", LIVENESS_CRL, CRITICAL, RFC,
                              "no list where nothing is revoked", "RFC 5280 5.1.2.6"},
    [CHECK_CRL_REASON_UNSPECIFIED] = {"crl.reason-unspecified", LIVENESS_CRL, CRITICAL, BR_ALONE,
                                      "reason 0 is left out", BR "7.2"},
    [CHECK_CRL_REASON_HOLD] = {"crl.reason-hold", LIVENESS_CRL, CRITICAL, BR_ALONE,
                               "no certificate on hold (6)", BR "7.2"},
    [CHECK_CRL_REASON_KNOWN] = {"crl.reason-known", LIVENESS_CRL, CRITICAL, RFC,
                                "a reason that there is; removeFromCRL in delta CRLs alone",
                                "RFC 5280 5.3.1"},
    [CHECK_CRL_REASON_ALLOWED] = {"crl.reason-allowed", LIVENESS_CRL, CRITICAL, BR_ALONE,
                                  "reason 1, 3, 4, 5, 9 or none", BR "7.2"},
    [CHECK_CRL_REASON_CRITICAL] = {"crl.reason-critical", LIVENESS_CRL, CRITICAL, RFC,
                                   "reasonCode not critical", "RFC 5280 5.3.1"},
    /* its times */
    [CHECK_CRL_THIS_UPDATE_FUTURE] = {"crl.this-update-future", LIVENESS_CRL, CRITICAL, RFC,
                                      "thisUpdate not in the future", "RFC 5280 5.1.2.4"},
    [CHECK_CRL_NEXT_UPDATE] = {"crl.next-update", LIVENESS_CRL, CRITICAL, RFC, "a nextUpdate",
                               "RFC 5280 5.1.2.5"},
    [CHECK_CRL_NEXT_UPDATE_PAST] = {"crl.next-update-past", LIVENESS_CRL, CRITICAL, RFC,
                                    "nextUpdate in the future", "RFC 5280 6.3.3 (a)"},
    [CHECK_CRL_UPDATE_ORDER] = {"crl.update-order", LIVENESS_CRL, CRITICAL, RFC,
                                "nextUpdate after thisUpdate", "RFC 5280 5.1.2.5"},
    [CHECK_CRL_VALIDITY_LONG] = {"crl.validity-long", LIVENESS_CRL, CRITICAL, BR_ALONE,
                                 "valid for 10 d at most, for CA certificates 12 months", BR "4.9.7"},
    [CHECK_CRL_AGE] = {"crl.age", LIVENESS_CRL, WARN, RFC, "refreshed before three quarters of its validity",
                       "long before nextUpdate"},
    [CHECK_CRL_REFRESH] = {"crl.refresh", LIVENESS_CRL, WARN, BR_ALONE, "a new one every 7 d", BR "4.9.7"},
    [CHECK_CRL_MAX_AGE] = {"crl.max-age", LIVENESS_CRL, CRITICAL, RFC, "no older than asked for",
                           "--max-age"},
    /* against the one before */
    [CHECK_CRL_OLDER] = {"crl.older", LIVENESS_CRL, CRITICAL, RFC, "no older than the one before",
                         "RFC 5280 5.2.3"},
    [CHECK_CRL_NUMBER_FALLS] = {"crl.number-falls", LIVENESS_CRL, CRITICAL, RFC, "CRLNumber never falls",
                                BR "7.2, RFC 5280 5.2.3"},
    [CHECK_CRL_NUMBER_SAME] = {"crl.number-same", LIVENESS_CRL, CRITICAL, RFC,
                               "other bytes have another CRLNumber", BR "7.2, RFC 5280 5.2.3"},
    [CHECK_CRL_SHRINKS] = {"crl.shrinks", LIVENESS_CRL, WARN, RFC, "more than half its former size",
                           "the CRL before"},
    [CHECK_CRL_ENTRY_GONE] = {"crl.entry-gone", LIVENESS_CRL, CRITICAL, RFC,
                              "the entry stays until its certificate's end and one CRL beyond",
                              BR "4.9.7, RFC 5280 3.3"},
    [CHECK_CRL_ENTRIES_GONE] = {"crl.entries-gone", LIVENESS_CRL, WARN, RFC,
                                "entries stay until their certificate's end and one CRL beyond",
                                BR "4.9.7, RFC 5280 3.3"},

    /* how it was sent */
    [CHECK_HTTP_STATUS] = {"http.status", LIVENESS_HTTP, CRITICAL, RFC, "200", "RFC 9110 15"},
    [CHECK_HTTP_BODY] = {"http.body", LIVENESS_HTTP, CRITICAL, RFC, "DER, neither HTML nor text nor nothing",
                         "RFC 5280 4.2.1.13, RFC 6960 A.2"},
    [CHECK_HTTP_CONTENT_TYPE] = {"http.content-type", LIVENESS_HTTP, CRITICAL, RFC,
                                 "application/ocsp-response, application/pkix-crl",
                                 "RFC 6960 A.2, RFC 2585 4, RFC 3161 3.4"},
    [CHECK_HTTP_NO_STORE] = {"http.no-store", LIVENESS_HTTP, WARN, RFC, "an authoritative answer may be kept",
                             "RFC 5019 6.2"},
    [CHECK_HTTP_MAX_AGE] = {"http.max-age", LIVENESS_HTTP, WARN, RFC, "fresh until nextUpdate at most",
                            "RFC 5019 6.2"},
    [CHECK_HTTP_EXPIRES] = {"http.expires", LIVENESS_HTTP, WARN, RFC, "Expires is nextUpdate, or before it",
                            "RFC 5019 6.2"},
    [CHECK_HTTP_LAST_MODIFIED] = {"http.last-modified", LIVENESS_HTTP, WARN, RFC,
                                  "Last-Modified is producedAt or thisUpdate", "RFC 5019 6.2"},
    /* reaching it at all */
    [CHECK_REACH_NAME] = {"reach.name", LIVENESS_REACH, CRITICAL, RFC, "the name has an address",
                          BR "4.10.2"},
    [CHECK_REACH_FAMILIES] = {"reach.families", LIVENESS_REACH, CRITICAL, RFC,
                              "an address of each family that is asked for", "the probe's settings"},
    [CHECK_REACH_CONNECT] = {"reach.connect", LIVENESS_REACH, CRITICAL, RFC, "a connection is accepted",
                             BR "4.10.2"},
    [CHECK_REACH_TLS] = {"reach.tls", LIVENESS_REACH, CRITICAL, RFC,
                         "a TLS session with a certificate of that name", "RFC 9110 4.3.4"},
    [CHECK_REACH_ANSWER] = {"reach.answer", LIVENESS_REACH, CRITICAL, RFC, "a whole answer", BR "4.10.2"},
    [CHECK_REACH_TIME] = {"reach.time", LIVENESS_REACH, CRITICAL, RFC, "the whole answer in time",
                          BR "4.10.2"},
    [CHECK_REACH_SLOW] = {"reach.slow", LIVENESS_REACH, WARN, RFC, "far from the limit", BR "4.10.2"},

    /* a time stamp: what was asked for */
    [CHECK_TSA_BODY] = {"tsa.body", LIVENESS_TSA, CRITICAL, RFC, "one TimeStampResp in DER",
                        "RFC 3161 2.4.2, 3.4"},
    [CHECK_TSA_STATUS] = {"tsa.status", LIVENESS_TSA, CRITICAL, RFC, "granted (0), or with modifications (1)",
                          "RFC 3161 2.4.2"},
    [CHECK_TSA_TOKEN] = {"tsa.token", LIVENESS_TSA, CRITICAL, RFC,
                         "a token where it was granted, and only there", "RFC 3161 2.4.2"},
    [CHECK_TSA_CONTENT_TYPE] = {"tsa.content-type", LIVENESS_TSA, CRITICAL, RFC,
                                "a TSTInfo, and the contentType attribute says so",
                                "RFC 3161 2.4.2, RFC 5652 11.1"},
    [CHECK_TSA_SIGNERS] = {"tsa.signers", LIVENESS_TSA, CRITICAL, RFC, "one signature", "RFC 3161 2.4.2"},
    [CHECK_TSA_CMS_VERSION] = {"tsa.cms-version", LIVENESS_TSA, WARN, RFC,
                               "SignedData v3; SignerInfo v1 by issuer and serial, v3 by key identifier",
                               "RFC 5652 5.1, 5.3"},
    [CHECK_TSA_VERSION] = {"tsa.version", LIVENESS_TSA, CRITICAL, RFC, "v1", "RFC 3161 2.4.2"},
    [CHECK_TSA_IMPRINT] = {"tsa.imprint", LIVENESS_TSA, CRITICAL, RFC, "the hash that was sent",
                           "RFC 3161 2.4.2"},
    [CHECK_TSA_NONCE] = {"tsa.nonce", LIVENESS_TSA, CRITICAL, RFC, "the nonce that was sent",
                         "RFC 3161 2.4.2"},
    [CHECK_TSA_POLICY] = {"tsa.policy", LIVENESS_TSA, CRITICAL, RFC, "the policy that is expected",
                          "RFC 3161 2.4.1, 2.4.2"},
    [CHECK_TSA_SERIAL] = {"tsa.serial", LIVENESS_TSA, CRITICAL, RFC,
                          "160 bits at most, and another one in each token", "RFC 3161 2.4.2"},
    [CHECK_TSA_CRITICAL_EXTENSION] = {"tsa.critical-extension", LIVENESS_TSA, CRITICAL, RFC,
                                      "no unknown critical extension", "RFC 3161 2.4.2, RFC 5280 4.2"},
    /* when */
    [CHECK_TSA_TIME] = {"tsa.time", LIVENESS_TSA, CRITICAL, RFC, "genTime is the time, by its accuracy",
                        "RFC 3161 2.4.2"},
    [CHECK_TSA_CLOCK] = {"tsa.clock", LIVENESS_TSA, WARN, RFC, "genTime is close to the time",
                         "RFC 3161 2.4.2"},
    [CHECK_TSA_TIME_FORM] = {"tsa.time-form", LIVENESS_TSA, CRITICAL, RFC, "genTime in its shortest form",
                             "RFC 3161 2.4.2"},
    [CHECK_TSA_ACCURACY] = {"tsa.accuracy", LIVENESS_TSA, WARN, BR_ALONE, "an accuracy, 1 s or better",
                            "ETSI EN 319 422 5.2"},
    /* who signed it */
    [CHECK_TSA_CERTIFICATE] = {"tsa.certificate", LIVENESS_TSA, CRITICAL, RFC,
                               "the signer's certificate is sent along", "RFC 3161 2.4.1"},
    [CHECK_TSA_SIGNATURE] = {"tsa.signature", LIVENESS_TSA, CRITICAL, RFC,
                             "made by the signer's key over the attributes in DER", "RFC 5652 5.4"},
    [CHECK_TSA_SIGNATURE_DIGEST] = {"tsa.signature-digest", LIVENESS_TSA, CRITICAL, BR_ALONE,
                                    "SHA-256 or better", "ETSI TS 119 312"},
    [CHECK_TSA_ATTRIBUTE_ORDER] = {"tsa.attribute-order", LIVENESS_TSA, WARN, RFC,
                                   "signed attributes in DER's order", "RFC 5652 5.3"},
    [CHECK_TSA_MESSAGE_DIGEST] = {"tsa.message-digest", LIVENESS_TSA, CRITICAL, RFC,
                                  "the messageDigest attribute is the TSTInfo's", "RFC 5652 11.2"},
    [CHECK_TSA_CERTIFICATE_ID] = {"tsa.certificate-id", LIVENESS_TSA, CRITICAL, RFC,
                                  "the signingCertificate attribute names the signer's certificate",
                                  "RFC 3161 2.4.2, RFC 5816 2.2.1"},
    [CHECK_TSA_CERTIFICATE_ID_DIGEST] = {"tsa.certificate-id-digest", LIVENESS_TSA, WARN, BR_ALONE,
                                         "SHA-256 or better", "RFC 5816 2.2.1"},
    [CHECK_TSA_ISSUER] = {"tsa.issuer", LIVENESS_TSA, CRITICAL, RFC,
                          "a chain up to a certificate that is trusted", "RFC 3161 2.4.2"},
    [CHECK_TSA_PURPOSE] = {"tsa.purpose", LIVENESS_TSA, CRITICAL, RFC,
                           "extended key usage timeStamping alone", "RFC 3161 2.3"},
    [CHECK_TSA_PURPOSE_CRITICAL] = {"tsa.purpose-critical", LIVENESS_TSA, CRITICAL, RFC,
                                    "the extended key usage is critical", "RFC 3161 2.3"},
    [CHECK_TSA_KEY_USAGE] = {"tsa.key-usage", LIVENESS_TSA, CRITICAL, RFC,
                             "digitalSignature, nonRepudiation or both", "RFC 5280 4.2.1.12"},
    [CHECK_TSA_CERTIFICATE_LIFE] = {"tsa.certificate-life", LIVENESS_TSA, CRITICAL, RFC,
                                    "valid now and at genTime", "RFC 5280 4.1.2.5"},
    [CHECK_TSA_CERTIFICATE_ENDS] = {"tsa.certificate-ends", LIVENESS_TSA, WARN, RFC,
                                    "renewed long before its end", "long before notAfter"},
    [CHECK_TSA_NAME] = {"tsa.name", LIVENESS_TSA, CRITICAL, RFC, "the tsa field names the signer",
                        "RFC 3161 2.4.2"},

    /* a canary signature */
    [CHECK_PKCS11_PROGRAM] = {"pkcs11.program", LIVENESS_PKCS11, CRITICAL, RFC, "the canary comes to its end",
                              "in time, and no crash of the module"},
    [CHECK_PKCS11_MODULE] = {"pkcs11.module", LIVENESS_PKCS11, CRITICAL, RFC,
                             "the module loads and initialises", "PKCS #11 v2.40 5.4"},
    [CHECK_PKCS11_TOKEN] = {"pkcs11.token", LIVENESS_PKCS11, CRITICAL, RFC,
                            "the token is there, and opens a session", "PKCS #11 v2.40 5.5, RFC 7512 2.3"},
    [CHECK_PKCS11_PIN] = {"pkcs11.pin", LIVENESS_PKCS11, CRITICAL, RFC, "the token takes the PIN",
                          "PKCS #11 v2.40 5.6"},
    [CHECK_PKCS11_PIN_TRIES] = {"pkcs11.pin-tries", LIVENESS_PKCS11, WARN, RFC,
                                "no wrong PIN was given to it", "PKCS #11 v2.40 3.2, CK_TOKEN_INFO"},
    [CHECK_PKCS11_KEY] = {"pkcs11.key", LIVENESS_PKCS11, CRITICAL, RFC, "one private key of that name",
                          "PKCS #11 v2.40 5.7, RFC 7512 2.3"},
    [CHECK_PKCS11_SIGN] = {"pkcs11.sign", LIVENESS_PKCS11, CRITICAL, RFC, "it signs", "PKCS #11 v2.40 5.11"},
    [CHECK_PKCS11_SIGNATURE] = {"pkcs11.signature", LIVENESS_PKCS11, CRITICAL, RFC,
                                "the signature holds in software", "RFC 8017 8, FIPS 186-5 6.4, 7.7"},
    [CHECK_PKCS11_TIME] = {"pkcs11.time", LIVENESS_PKCS11, CRITICAL, RFC, "signed in time",
                           "how long a signature may take"},
    [CHECK_PKCS11_SLOW] = {"pkcs11.slow", LIVENESS_PKCS11, WARN, RFC, "signed far from the limit",
                           "how long a signature may take"},
    [CHECK_PKCS11_NONCE] = {"pkcs11.nonce", LIVENESS_PKCS11, CRITICAL, RFC,
                            "a fresh nonce in every signature", "FIPS 186-5 A.3, RFC 8032 8.2"},
    /* CAcert's signer, over its line */
    [CHECK_CACERT_DEVICE] = {"cacert.device", LIVENESS_CACERT, CRITICAL, RFC,
                             "the line opens, and nobody else talks on it", "one line, one client"},
    [CHECK_CACERT_LINE] = {"cacert.line", LIVENESS_CACERT, CRITICAL, RFC, "quiet before an exchange begins",
                           COMM},
    [CHECK_CACERT_STALE] = {"cacert.stale", LIVENESS_CACERT, WARN, RFC, "no answer that somebody left behind",
                            COMM},
    [CHECK_CACERT_HANDSHAKE] = {"cacert.handshake", LIVENESS_CACERT, CRITICAL, RFC,
                                "its answer to the start, in time", COMM},
    [CHECK_CACERT_CONFIRM] = {"cacert.confirm", LIVENESS_CACERT, CRITICAL, RFC,
                              "its receipt of the request, in time", COMM},
    [CHECK_CACERT_RESENT] = {"cacert.resent", LIVENESS_CACERT, WARN, RFC,
                             "the request is taken the first time", COMM},
    [CHECK_CACERT_WORK] = {"cacert.work", LIVENESS_CACERT, CRITICAL, RFC,
                           "the request's work is done, in time", COMM},
    [CHECK_CACERT_ANSWER] = {"cacert.answer", LIVENESS_CACERT, CRITICAL, RFC, "a whole answer, in time",
                             COMM},
    [CHECK_CACERT_GAP] = {"cacert.gap", LIVENESS_CACERT, WARN, RFC, "bytes that flow within its answer",
                          COMM},
    [CHECK_CACERT_LENGTHS] = {"cacert.lengths", LIVENESS_CACERT, CRITICAL, RFC, "lengths that fit together",
                              COMM},
    [CHECK_CACERT_TRAILER] = {"cacert.trailer", LIVENESS_CACERT, CRITICAL, RFC, "\"rie4Ech7\" ends the block",
                              COMM},
    [CHECK_CACERT_XOR] = {"cacert.xor", LIVENESS_CACERT, CRITICAL, RFC,
                          "the check byte is the XOR of all before it", COMM},
    [CHECK_CACERT_RESPONSE] = {"cacert.response", LIVENESS_CACERT, CRITICAL, RFC,
                               "the response to what was asked, version 1", COMM},
    [CHECK_CACERT_ASKED] = {"cacert.asked", LIVENESS_CACERT, WARN, RFC, "its answer is right the first time",
                            COMM},
    [CHECK_CACERT_TIME] = {"cacert.time", LIVENESS_CACERT, WARN, RFC, "a little over 1 s", COMM},
    /* what a TLS server sends along */
    [CHECK_TLS_CERTIFICATE] = {"tls.certificate", LIVENESS_TLS, CRITICAL, RFC,
                               "certificates in DER, the server's own first", "RFC 8446 4.4.2"},
    [CHECK_TLS_CHAIN_COMPLETE] = {"tls.chain-complete", LIVENESS_TLS, CRITICAL, RFC,
                                  "every certificate between the server's and an anchor",
                                  "RFC 8446 4.4.2, RFC 5246 7.4.2"},
    [CHECK_TLS_CHAIN_ORDER] = {"tls.chain-order", LIVENESS_TLS, WARN, RFC,
                               "each certificate signed by the one behind it",
                               "RFC 8446 4.4.2, RFC 5246 7.4.2"},
    [CHECK_TLS_CHAIN_SURPLUS] = {"tls.chain-surplus", LIVENESS_TLS, WARN, RFC,
                                 "no certificate that is not needed", "RFC 8446 4.4.2, RFC 5246 7.4.2"},
    [CHECK_TLS_ANCHOR] = {"tls.anchor", LIVENESS_TLS, CRITICAL, RFC, "signed by somebody who is trusted",
                          "RFC 5280 6.1"},
    [CHECK_TLS_CRITICAL_EXTENSION] = {"tls.critical-extension", LIVENESS_TLS, CRITICAL, RFC,
                                      "no unknown critical extension", "RFC 5280 4.2"},
    [CHECK_TLS_CA] = {"tls.ca", LIVENESS_TLS, CRITICAL, RFC, "whoever signed a certificate is a CA",
                      "RFC 5280 4.2.1.9, 6.1.4 (k)"},
    [CHECK_TLS_PATH_LENGTH] = {"tls.path-length", LIVENESS_TLS, CRITICAL, RFC,
                               "no more CAs below one than its pathLenConstraint allows",
                               "RFC 5280 4.2.1.9, 6.1.4 (m)"},
    [CHECK_TLS_CA_KEY_USAGE] = {"tls.ca-key-usage", LIVENESS_TLS, CRITICAL, RFC,
                                "a CA's keyUsage has keyCertSign", "RFC 5280 4.2.1.3, 6.1.4 (n)"},
    [CHECK_TLS_SIGNATURE_DIGEST] = {"tls.signature-digest", LIVENESS_TLS, CRITICAL, RFC, "SHA-256 or better",
                                    BR "7.1.3.2, RFC 8446 4.4.2.4"},
    /* whom it is for, and how long */
    [CHECK_TLS_NAME] = {"tls.name", LIVENESS_TLS, CRITICAL, RFC, "a subjectAltName that is the server's",
                        "RFC 9525 6"},
    [CHECK_TLS_NOT_YET_VALID] = {"tls.not-yet-valid", LIVENESS_TLS, CRITICAL, RFC,
                                 "notBefore not in the future", "RFC 5280 4.1.2.5"},
    [CHECK_TLS_EXPIRED] = {"tls.expired", LIVENESS_TLS, CRITICAL, RFC, "notAfter not in the past",
                           "RFC 5280 4.1.2.5"},
    [CHECK_TLS_ENDS_SOON] = {"tls.ends-soon", LIVENESS_TLS, WARN, RFC,
                             "renewed 30 d before its end, or a third of its life where that is less",
                             "long before notAfter"},
    [CHECK_TLS_ENDS_VERY_SOON] = {"tls.ends-very-soon", LIVENESS_TLS, CRITICAL, RFC,
                                  "renewed 7 d before its end, or a tenth of its life where that is less",
                                  "before notAfter"},
    [CHECK_TLS_LIFE] =
        {"tls.life", LIVENESS_TLS, CRITICAL, BR_ALONE,
         "398 d at most; 200 d if issued from 2026-03-15, 100 d from 2027-03-15, 47 d from 2029-03-15",
         BR "6.3.2"},
    [CHECK_TLS_PURPOSE] = {"tls.purpose", LIVENESS_TLS, CRITICAL, RFC,
                           "extended key usage serverAuth, or none", "RFC 5280 4.2.1.12"},
    [CHECK_TLS_PURPOSE_BR] = {"tls.purpose-br", LIVENESS_TLS, CRITICAL, BR_ALONE,
                              "extended key usage serverAuth, with nothing else but clientAuth",
                              BR "7.1.2.7.10"},
    [CHECK_TLS_KEY_USAGE] = {"tls.key-usage", LIVENESS_TLS, CRITICAL, RFC,
                             "keyUsage digitalSignature; keyEncipherment where the key encrypts",
                             "RFC 8446 4.4.2.2, RFC 5246 7.4.2"},
    [CHECK_TLS_LEAF_CA] = {"tls.leaf-ca", LIVENESS_TLS, CRITICAL, BR_ALONE, "the server is no CA",
                           BR "7.1.2.7.6"},
    /* how it speaks */
    [CHECK_TLS_PROTOCOL] = {"tls.protocol", LIVENESS_TLS, CRITICAL, RFC, "TLS 1.2 or 1.3", "RFC 8996"},
    [CHECK_TLS_OLD_PROTOCOLS] = {"tls.old-protocols", LIVENESS_TLS, WARN, RFC, "TLS 1.0 and 1.1 are refused",
                                 "RFC 8996"},
    [CHECK_TLS_CIPHER] = {"tls.cipher", LIVENESS_TLS, CRITICAL, RFC,
                          "no cipher that is broken, and one that knows whom it speaks to", "RFC 9325 4.1"},
    [CHECK_TLS_FORWARD_SECRECY] = {"tls.forward-secrecy", LIVENESS_TLS, WARN, RFC,
                                   "a fresh key exchange for each connection", "RFC 9325 4.1"},
    [CHECK_TLS_ALPN] = {"tls.alpn", LIVENESS_TLS, CRITICAL, RFC, "the protocol that is expected",
                        "RFC 7301 3.2"},
    [CHECK_TLS_MUST_STAPLE] = {"tls.must-staple", LIVENESS_TLS, CRITICAL, RFC,
                               "an OCSP response, where the certificate promises one", "RFC 7633 4.2.3"},
    [CHECK_TLS_STAPLE] = {"tls.staple", LIVENESS_TLS, CRITICAL, RFC, "good, where a response is stapled",
                          "RFC 6066 8, RFC 6960"},
    /* its keys */
    [CHECK_TLS_KEY] = {"tls.key", LIVENESS_TLS, CRITICAL, RFC, "a key that can be used", "RFC 5280 4.1.2.7"},
    [CHECK_TLS_KEY_SIZE] = {"tls.key-size", LIVENESS_TLS, CRITICAL, RFC,
                            "RSA: 2,048 bits at least, whole bytes", BR "6.1.5, RFC 9325 4.5"},
    [CHECK_TLS_KEY_CURVE] = {"tls.key-curve", LIVENESS_TLS, CRITICAL, BR_ALONE,
                             "RSA, or the curve P-256, P-384 or P-521 by its name", BR "6.1.5"},
    [CHECK_TLS_KEY_EXPONENT] = {"tls.key-exponent", LIVENESS_TLS, CRITICAL, RFC,
                                "an odd public exponent of 3 or more", BR "6.1.6"},
    [CHECK_TLS_KEY_FACTOR] = {"tls.key-factor", LIVENESS_TLS, CRITICAL, RFC, "no factor below 752",
                              BR "6.1.6"},
    [CHECK_TLS_KEY_CLOSE_PRIMES] = {"tls.key-close-primes", LIVENESS_TLS, CRITICAL, RFC,
                                    "not factored by 100 rounds of Fermat's method", BR "6.1.1.3 (5)"},
    [CHECK_TLS_KEY_ROCA] = {"tls.key-roca", LIVENESS_TLS, CRITICAL, RFC,
                            "not made by RSALib (CVE-2017-15361)", BR "6.1.1.3 (5)"},
    [CHECK_TLS_KEY_LISTED] = {"tls.key-listed", LIVENESS_TLS, CRITICAL, RFC, "not on the list of weak keys",
                              BR "6.1.1.3 (5)"},
    /* name servers */
    [CHECK_DNS_ANSWER] = {"dns.answer", LIVENESS_DNS, CRITICAL, RFC, "a DNS answer to what was asked",
                          "RFC 1035 4.1, RFC 5452 9.1"},
    [CHECK_DNS_RCODE] = {"dns.rcode", LIVENESS_DNS, CRITICAL, RFC, "NOERROR (0)", "RFC 1035 4.1.1"},
    [CHECK_DNS_AUTHORITATIVE] = {"dns.authoritative", LIVENESS_DNS, CRITICAL, RFC, "an authoritative answer",
                                 "RFC 1035 4.1.1, RFC 1912 2.8"},
    [CHECK_DNS_TRUNCATED] = {"dns.truncated", LIVENESS_DNS, CRITICAL, RFC,
                             "what does not fit into a datagram is answered over TCP", "RFC 7766 5"},
    [CHECK_DNS_ADDRESS] = {"dns.address", LIVENESS_DNS, CRITICAL, RFC,
                           "the name has an address, or is an alias", "RFC 1034 3.6"},
    [CHECK_DNS_EXPECTED] = {"dns.expected", LIVENESS_DNS, CRITICAL, RFC,
                            "the addresses that are expected, and no other", "the probe's settings"},
    [CHECK_DNS_SAME] = {"dns.same", LIVENESS_DNS, WARN, RFC,
                        "the same addresses as from the other name servers", "RFC 1034 4.2"},
    [CHECK_DNS_SERIAL] = {"dns.serial", LIVENESS_DNS, WARN, RFC, "the newest SOA serial of all name servers",
                          "RFC 1034 4.3.5, RFC 1982 3.2"},
    [CHECK_DNS_TTL] = {"dns.ttl", LIVENESS_DNS, WARN, RFC,
                       "lives neither too short to be cached nor too long to be moved",
                       "RFC 1912 2.2, Security Manual"},
    [CHECK_DNS_SERVERS] = {"dns.servers", LIVENESS_DNS, WARN, RFC, "two name servers at least",
                           "RFC 1034 4.1, RFC 2182 5"},
    /* clocks */
    [CHECK_NTP_ANSWER] = {"ntp.answer", LIVENESS_NTP, CRITICAL, RFC, "a server's answer (mode 4)",
                          "RFC 5905 7.3"},
    [CHECK_NTP_ORIGIN] = {"ntp.origin", LIVENESS_NTP, CRITICAL, RFC, "the origin that was sent",
                          "RFC 5905 8"},
    [CHECK_NTP_STRATUM] = {"ntp.stratum", LIVENESS_NTP, CRITICAL, RFC, "stratum 1 to 15",
                           "RFC 5905 7.3, 7.4"},
    [CHECK_NTP_LEAP] = {"ntp.leap", LIVENESS_NTP, CRITICAL, RFC,
                        "a synchronized clock (leap indicator not 3)", "RFC 5905 7.3"},
    [CHECK_NTP_TIMES] = {"ntp.times", LIVENESS_NTP, CRITICAL, RFC, "received, then transmitted, both set",
                         "RFC 5905 8"},
    [CHECK_NTP_OFFSET] = {"ntp.offset", LIVENESS_NTP, WARN, RFC, "both clocks agree",
                          "ETSI EN 319 421 7.7.2"},
    [CHECK_NTP_OFFSET_MOST] = {"ntp.offset-most", LIVENESS_NTP, CRITICAL, RFC, "both clocks agree",
                               "far below clock-tolerance"},
    [CHECK_NTP_ROOT_DISTANCE] = {"ntp.root-distance", LIVENESS_NTP, WARN, RFC,
                                 "near enough to a reference clock (MAXDIST)", "RFC 5905 7.2, A.5.5.2"},
    /* mail servers */
    [CHECK_SMTP_REPLY] = {"smtp.reply", LIVENESS_SMTP, CRITICAL, RFC,
                          "replies of three digits and a text, in short lines", "RFC 5321 4.2, 4.5.3.1.5"},
    [CHECK_SMTP_BANNER] = {"smtp.banner", LIVENESS_SMTP, CRITICAL, RFC, "220", "RFC 5321 3.1, 4.3.2"},
    [CHECK_SMTP_EHLO] = {"smtp.ehlo", LIVENESS_SMTP, CRITICAL, RFC, "EHLO is answered with 250",
                         "RFC 5321 4.1.1.1"},
    [CHECK_SMTP_STARTTLS] = {"smtp.starttls", LIVENESS_SMTP, CRITICAL, RFC, "STARTTLS is announced",
                             "RFC 3207 4"},
    [CHECK_SMTP_QUIT] = {"smtp.quit", LIVENESS_SMTP, WARN, RFC, "QUIT is answered with 221",
                         "RFC 5321 4.1.1.10"},
    /* any port */
    [CHECK_TCP_EXPECT] = {"tcp.expect", LIVENESS_TCP, CRITICAL, RFC, "the bytes that are expected",
                          "the probe's settings"},
    /* plugins */
    [CHECK_COMMAND_START] = {"command.start", LIVENESS_COMMAND, CRITICAL, RFC, "it can be run",
                             "the probe's settings"},
    [CHECK_COMMAND_END] = {"command.end", LIVENESS_COMMAND, CRITICAL, RFC,
                           "ends by itself, within its time and output",
                           "Monitoring Plugins Guidelines, Timeout"},
    [CHECK_COMMAND_WARNING] = {"command.warning", LIVENESS_COMMAND, WARN, RFC, "no warning (status 1)",
                               "Monitoring Plugins Guidelines, Return Codes"},
    [CHECK_COMMAND_CRITICAL] = {"command.critical", LIVENESS_COMMAND, CRITICAL, RFC,
                                "not critical (status 2)", "Monitoring Plugins Guidelines, Return Codes"},
    [CHECK_COMMAND_UNKNOWN] = {"command.unknown", LIVENESS_COMMAND, CRITICAL, RFC,
                               "it knows the state (status 0, 1 or 2)",
                               "Monitoring Plugins Guidelines, Return Codes"},
    [CHECK_COMMAND_OUTPUT] = {"command.output", LIVENESS_COMMAND, WARN, RFC, "a line of text",
                              "Monitoring Plugins Guidelines, Output"},
    [CHECK_COMMAND_PERFORMANCE] = {"command.performance", LIVENESS_COMMAND, WARN, RFC,
                                   "performance data as 'label'=value[unit];warn;crit;min;max",
                                   "Monitoring Plugins Guidelines, Performance Data"},
    [CHECK_COMMAND_RANGES] = {"command.ranges", LIVENESS_COMMAND, WARN, RFC,
                              "values within the ranges that stand beside them",
                              "Monitoring Plugins Guidelines, Threshold and Ranges"},
    /* queues */
    [CHECK_QUEUE_READ] = {"queue.read", LIVENESS_QUEUE, CRITICAL, RFC, "the queue can be looked at",
                          "the probe's settings"},
    [CHECK_QUEUE_AGE] = {"queue.age", LIVENESS_QUEUE, CRITICAL, RFC, "the oldest is younger than its bound",
                         "the probe's settings"},
    [CHECK_QUEUE_AGE_RISING] = {"queue.age-rising", LIVENESS_QUEUE, WARN, RFC, "far from its bound",
                                "long before the bound"},
    [CHECK_QUEUE_AGE_HIGH] = {"queue.age-high", LIVENESS_QUEUE, WARN, RFC, "far from its bound",
                              "before the bound"},
    [CHECK_QUEUE_COUNT] = {"queue.count", LIVENESS_QUEUE, CRITICAL, RFC, "fewer than its bound",
                           "the probe's settings"},
    [CHECK_QUEUE_COUNT_RISING] = {"queue.count-rising", LIVENESS_QUEUE, WARN, RFC, "far from its bound",
                                  "long before the bound"},
    [CHECK_QUEUE_COUNT_HIGH] = {"queue.count-high", LIVENESS_QUEUE, WARN, RFC, "far from its bound",
                                "before the bound"},
    [CHECK_QUEUE_NUMBER] = {"queue.number", LIVENESS_QUEUE, CRITICAL, RFC, "less than its bound",
                            "the probe's settings"},
    [CHECK_QUEUE_NUMBER_RISING] = {"queue.number-rising", LIVENESS_QUEUE, WARN, RFC, "far from its bound",
                                   "long before the bound"},
    [CHECK_QUEUE_NUMBER_HIGH] = {"queue.number-high", LIVENESS_QUEUE, WARN, RFC, "far from its bound",
                                 "before the bound"},

    /* what a service says of itself */
    [CHECK_HTTP_PATTERN] = {"http.pattern", LIVENESS_HTTP, CRITICAL, RFC, "the body that is expected",
                            "the probe's settings"},
    [CHECK_HTTP_VALUE] = {"http.value", LIVENESS_HTTP, CRITICAL, RFC, "the values that are expected",
                          "the probe's settings"},
    [CHECK_GRPC_HTTP_STATUS] = {"grpc.http-status", LIVENESS_GRPC, CRITICAL, RFC, "200",
                                "gRPC over HTTP2, Responses"},
    [CHECK_GRPC_CONTENT_TYPE] = {"grpc.content-type", LIVENESS_GRPC, CRITICAL, RFC, "application/grpc",
                                 "gRPC over HTTP2, Responses"},
    [CHECK_GRPC_STATUS] = {"grpc.status", LIVENESS_GRPC, CRITICAL, RFC, "0, OK",
                           "gRPC over HTTP2, Responses"},
    [CHECK_GRPC_MESSAGE] = {"grpc.message", LIVENESS_GRPC, CRITICAL, RFC, "one HealthCheckResponse",
                            "gRPC over HTTP2, Responses"},
    [CHECK_GRPC_SERVING] = {"grpc.serving", LIVENESS_GRPC, CRITICAL, RFC, "SERVING",
                            "GRPC Health Checking Protocol"},
    /* an ACME server */
    [CHECK_ACME_STATUS] = {"acme.status", LIVENESS_ACME, CRITICAL, RFC, "200", "RFC 8555 7.1.1"},
    [CHECK_ACME_DIRECTORY] = {"acme.directory", LIVENESS_ACME, CRITICAL, RFC, "a JSON object",
                              "RFC 8555 7.1.1"},
    [CHECK_ACME_RESOURCES] = {"acme.resources", LIVENESS_ACME, CRITICAL, RFC,
                              "newNonce, newAccount, newOrder and revokeCert", "RFC 8555 7.1.1"},
    [CHECK_ACME_HTTPS] = {"acme.https", LIVENESS_ACME, CRITICAL, RFC, "URLs of https", "RFC 8555 6.1"},
    [CHECK_ACME_NONCE_STATUS] = {"acme.nonce-status", LIVENESS_ACME, CRITICAL, RFC, "200, to GET 204",
                                 "RFC 8555 7.2"},
    [CHECK_ACME_NONCE] = {"acme.nonce", LIVENESS_ACME, CRITICAL, RFC,
                          "a Replay-Nonce in base64url, each time another one", "RFC 8555 6.5, 6.5.1"},
    [CHECK_ACME_NONCE_KEPT] = {"acme.nonce-kept", LIVENESS_ACME, WARN, RFC, "Cache-Control: no-store",
                               "RFC 8555 7.2"},
};

static const struct liveness_parameter_row parameters[LIVENESS_PARAMETERS] = {
    [BOUND_CLOCK_TOLERANCE] = {"clock-tolerance", UNIT_TIME, MINUTE,
                               "how far ahead of the probe's clock a time may be"},
    [BOUND_AGE_PERCENT] = {"age-percent", UNIT_PERCENT, 75,
                           "of its validity, after which there should be a newer one"},
    [BOUND_OCSP_VALIDITY_LEAST] = {"ocsp.validity-least", UNIT_TIME, 8 * HOUR,
                                   "nextUpdate - thisUpdate at least"},
    [BOUND_OCSP_VALIDITY_MOST] = {"ocsp.validity-most", UNIT_TIME, 10 * DAY,
                                  "nextUpdate - thisUpdate at most"},
    [BOUND_OCSP_SHORT_LIVED] = {"ocsp.short-lived", UNIT_TIME, 16 * HOUR,
                                "a validity below which half of it counts"},
    [BOUND_OCSP_REFRESH_MARGIN] = {"ocsp.refresh-margin", UNIT_TIME, 8 * HOUR,
                                   "refreshed so long before nextUpdate"},
    [BOUND_OCSP_REFRESH_MOST] = {"ocsp.refresh-most", UNIT_TIME, 4 * DAY,
                                 "refreshed so long after thisUpdate"},
    [BOUND_OCSP_NEW_CERTIFICATE] = {"ocsp.new-certificate", UNIT_TIME, 15 * MINUTE,
                                    "after issuance, unknown is no finding"},
    [BOUND_CRL_VALIDITY_MOST] = {"crl.validity-most", UNIT_TIME, 10 * DAY, "nextUpdate - thisUpdate at most"},
    [BOUND_CRL_CA_VALIDITY_MOST] = {"crl.ca-validity-most", UNIT_TIME, 366 * DAY,
                                    "the same, for CAs' certificates alone"},
    [BOUND_CRL_REFRESH_MOST] = {"crl.refresh-most", UNIT_TIME, 7 * DAY, "a new one so long after thisUpdate"},
    [BOUND_CRL_REFRESH_NO_OCSP] = {"crl.refresh-no-ocsp", UNIT_TIME, 4 * DAY,
                                   "the same, where the certificate asked about has no OCSP"},
    [BOUND_CRL_SIZE_PERCENT] = {"crl.size-percent", UNIT_PERCENT, 50, "of the size before, at least"},
    [BOUND_CRL_CERTIFICATE_LIFE] = {"crl.certificate-life", UNIT_TIME, 398 * DAY,
                                    "the longest life of a certificate: an entry so old may go"},
    [BOUND_REACH_SLOW] = {"reach.slow-after", UNIT_TIME, 5 * SECOND, "an answer that takes longer is slow"},
    [BOUND_TSA_CLOCK_WARN] =
        {"tsa.clock-warn", UNIT_TIME, 2 * SECOND,
         "how far genTime may be from the clock, beyond its accuracy, before it is told"},
    [BOUND_TSA_CLOCK_MOST] = {"tsa.clock-most", UNIT_TIME, MINUTE,
                              "how far genTime may be from the clock, beyond its accuracy, at most"},
    [BOUND_TSA_ACCURACY_MOST] = {"tsa.accuracy-most", UNIT_TIME, SECOND, "the coarsest accuracy"},
    [BOUND_TSA_CERTIFICATE_LEFT] = {"tsa.certificate-left", UNIT_TIME, 30 * DAY,
                                    "a certificate of the chain that ends sooner should have been renewed"},
    [BOUND_PKCS11_SIGN_SLOW] = {"pkcs11.sign-slow", UNIT_TIME, 500 * MILLISECOND,
                                "a signature that takes longer is slow"},
    [BOUND_PKCS11_SIGN_MOST] = {"pkcs11.sign-most", UNIT_TIME, 5 * SECOND,
                                "a signature takes so long at most"},
    [BOUND_CACERT_QUIET] = {"cacert.quiet-first", UNIT_TIME, SECOND, "listened for before an exchange"},
    [BOUND_CACERT_HANDSHAKE] = {"cacert.handshake-within", UNIT_TIME, 20 * SECOND,
                                "from the start to its answer"},
    [BOUND_CACERT_CONFIRM] = {"cacert.confirm-within", UNIT_TIME, 5 * SECOND,
                              "from the request to its receipt"},
    [BOUND_CACERT_WORK] = {"cacert.work-within", UNIT_TIME, 120 * SECOND,
                           "from the receipt to the end of the work"},
    [BOUND_CACERT_ANSWER] = {"cacert.answer-within", UNIT_TIME, 5 * SECOND, "until its answer's first byte"},
    [BOUND_CACERT_GAP] = {"cacert.gap-most", UNIT_TIME, 2 * SECOND, "between two bytes of its answer"},
    [BOUND_CACERT_WHOLE] = {"cacert.whole-within", UNIT_TIME, MINUTE, "the whole answer, asked again or not"},
    [BOUND_CACERT_FINISH] = {"cacert.finish-within", UNIT_TIME, 150 * SECOND,
                             "how long an exchange that failed is brought to its end"},
    [BOUND_CACERT_SLOW] = {"cacert.slow-after", UNIT_TIME, 3 * SECOND,
                           "an exchange that takes longer is slow"},
    [BOUND_TLS_WARN_LEFT] = {"tls.warn-left", UNIT_TIME, 30 * DAY, "to be warned so long before notAfter"},
    [BOUND_TLS_WARN_PERCENT] = {"tls.warn-percent", UNIT_PERCENT, 33,
                                "of the certificate's life, where that is less"},
    [BOUND_TLS_CRITICAL_LEFT] = {"tls.critical-left", UNIT_TIME, 7 * DAY, "critical so long before notAfter"},
    [BOUND_TLS_CRITICAL_PERCENT] = {"tls.critical-percent", UNIT_PERCENT, 10,
                                    "of the certificate's life, where that is less"},
    /* Below it a cache helps nobody; above it a service that moves is not found again within the 27 h for recovery. */
    [BOUND_DNS_TTL_LEAST] = {"dns.ttl-least", UNIT_TIME, 30 * SECOND, "a record's time to live at least"},
    [BOUND_DNS_TTL_MOST] = {"dns.ttl-most", UNIT_TIME, DAY, "a record's time to live at most"},
    /* A second is what a time-stamping authority owes; at ten, times in logs and answers of two hosts contradict each other
     * beyond any delay of a network, and there is still time before others refuse what is dated in their future. */
    [BOUND_NTP_OFFSET] = {"ntp.offset-warn", UNIT_TIME, SECOND, "how far the clocks may differ"},
    [BOUND_NTP_OFFSET_MOST] = {"ntp.offset-critical", UNIT_TIME, 10 * SECOND,
                               "how far the clocks may differ at most"},
    [BOUND_NTP_ROOT_DISTANCE] = {"ntp.root-distance-most", UNIT_TIME, SECOND,
                                 "half the delay to the reference clock and the dispersion"},
    [BOUND_QUEUE_RISING] = {"queue.rising-percent", UNIT_PERCENT, 50,
                            "of its bound, from which a queue warns"},
    [BOUND_QUEUE_HIGH] = {"queue.high-percent", UNIT_PERCENT, 75, "of its bound, from which it warns again"},
};

const struct liveness_check_row *liveness_check_row(enum liveness_check check) {
    return &rows[check];
}
const struct liveness_parameter_row *liveness_parameter_row(enum liveness_parameter parameter) {
    return &parameters[parameter];
}

bool liveness_check_by_name(struct slice name, enum liveness_check *ret_check) {
    for (size_t i = 0; i < LIVENESS_CHECKS; i++)
        if (slice_equal(name, slice_string(rows[i].name))) {
            *ret_check = (enum liveness_check)i;
            return true;
        }
    return false;
}

void liveness_policy_default(struct liveness_policy *ret_policy, enum liveness_profile profile) {
    for (size_t i = 0; i < LIVENESS_CHECKS; i++)
        ret_policy->on[i] = rows[i].rfc || profile == PROFILE_CABF_BR;
    for (size_t i = 0; i < LIVENESS_PARAMETERS; i++)
        ret_policy->values[i] = parameters[i].value;
}

static bool read_value(enum liveness_unit unit, struct slice text, uint64_t *ret_value) {
    if (unit == UNIT_TIME)
        return settings_duration_parse(text, ret_value);
    if (text.size && text.data[text.size - 1] == '%')
        text.size--;
    return slice_decimal(text, ret_value) && *ret_value <= 100;
}

bool liveness_policy_set(struct liveness_policy *policy, struct slice name, struct slice value,
                         struct fault *fault) {
    enum liveness_check check;
    if (liveness_check_by_name(name, &check)) {
        bool on = slice_equal(value, SLICE("on"));
        if (!on && !slice_equal(value, SLICE("off")))
            return fault_set(fault, FAULT_USAGE, "the check %s is on or off", rows[check].name);
        policy->on[check] = on;
        return true;
    }
    for (size_t i = 0; i < LIVENESS_PARAMETERS; i++)
        if (slice_equal(name, slice_string(parameters[i].name)))
            return read_value(parameters[i].unit, value, &policy->values[i]) ||
                   fault_set(fault, FAULT_USAGE, "%s: '%.*s' is no %s", parameters[i].name,
                             SLICE_ARG(slice_head(value, 40)),
                             parameters[i].unit == UNIT_TIME ? "time: write 15m, 8h, 10d"
                                                             : "percentage: write 75%");
    return fault_set(fault, FAULT_USAGE, "there is no check and no number '%.*s'",
                     SLICE_ARG(slice_head(name, 40)));
}

bool liveness_profile_by_name(struct slice name, enum liveness_profile *ret_profile) {
    bool br = slice_equal(name, SLICE("cabf-br"));
    if (!br && !slice_equal(name, SLICE("rfc")))
        return false;
    *ret_profile = br ? PROFILE_CABF_BR : PROFILE_RFC;
    return true;
}

const char *liveness_kind_name(enum liveness_kind kind) {
    return liveness_kind_words[kind];
}

bool liveness_kind_by_name(struct slice name, enum liveness_kind *ret_kind) {
    for (size_t i = 0; i < LIVENESS_KINDS; i++)
        if (slice_equal(name, slice_string(liveness_kind_words[i]))) {
            *ret_kind = (enum liveness_kind)i;
            return true;
        }
    return false;
}

const char *liveness_state_name(enum liveness_state state) {
    static const char *const names[] = {"skipped", "ok", "warn", "critical"};
    return names[state];
}

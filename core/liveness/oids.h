/* Object identifiers, as the content of a DER element. Their names are the field's own. */
#ifndef TOCSIN_OIDS_H
#define TOCSIN_OIDS_H

#include "slice.h"

/* id-ce, RFC 5280 4.2.1 and 5.2 */
#define OID_SUBJECT_KEY_ID SLICE("\x55\x1d\x0e")
#define OID_KEY_USAGE SLICE("\x55\x1d\x0f")
#define OID_SUBJECT_ALT_NAME SLICE("\x55\x1d\x11")
#define OID_BASIC_CONSTRAINTS SLICE("\x55\x1d\x13")
#define OID_CRL_NUMBER SLICE("\x55\x1d\x14")
#define OID_REASON_CODE SLICE("\x55\x1d\x15")
#define OID_INVALIDITY_DATE SLICE("\x55\x1d\x18")
#define OID_DELTA_CRL SLICE("\x55\x1d\x1b")
#define OID_ISSUING_DISTRIBUTION_POINT SLICE("\x55\x1d\x1c")
#define OID_CERTIFICATE_ISSUER SLICE("\x55\x1d\x1d")
#define OID_CRL_DISTRIBUTION_POINTS SLICE("\x55\x1d\x1f")
#define OID_AUTHORITY_KEY_ID SLICE("\x55\x1d\x23")
#define OID_EXTENDED_KEY_USAGE SLICE("\x55\x1d\x25")
#define OID_FRESHEST_CRL SLICE("\x55\x1d\x2e")
#define OID_NAME_CONSTRAINTS SLICE("\x55\x1d\x1e")
#define OID_CERTIFICATE_POLICIES SLICE("\x55\x1d\x20")
#define OID_POLICY_MAPPINGS SLICE("\x55\x1d\x21")
#define OID_POLICY_CONSTRAINTS SLICE("\x55\x1d\x24")
#define OID_INHIBIT_ANY_POLICY SLICE("\x55\x1d\x36")
#define OID_ANY_PURPOSE SLICE("\x55\x1d\x25\x00")
#define OID_ISSUER_ALT_NAME SLICE("\x55\x1d\x12")
#define OID_EXPIRED_CERTS_ON_CRL SLICE("\x55\x1d\x3c") /* X.509 9.5.2.8 */

/* id-pe and id-kp, RFC 5280 */
#define OID_AUTHORITY_INFO_ACCESS SLICE("\x2b\x06\x01\x05\x05\x07\x01\x01")
#define OID_TLS_FEATURE SLICE("\x2b\x06\x01\x05\x05\x07\x01\x18") /* RFC 7633 */
#define OID_SERVER_AUTH SLICE("\x2b\x06\x01\x05\x05\x07\x03\x01")
#define OID_CLIENT_AUTH SLICE("\x2b\x06\x01\x05\x05\x07\x03\x02")
#define OID_OCSP_SIGNING SLICE("\x2b\x06\x01\x05\x05\x07\x03\x09")
#define OID_TIME_STAMPING SLICE("\x2b\x06\x01\x05\x05\x07\x03\x08")

/* id-pkix-ocsp, RFC 6960 appendix B */
#define OID_OCSP SLICE("\x2b\x06\x01\x05\x05\x07\x30\x01")
#define OID_CA_ISSUERS SLICE("\x2b\x06\x01\x05\x05\x07\x30\x02") /* RFC 5280 4.2.2.1 */
#define OID_OCSP_BASIC SLICE("\x2b\x06\x01\x05\x05\x07\x30\x01\x01")
#define OID_OCSP_NONCE SLICE("\x2b\x06\x01\x05\x05\x07\x30\x01\x02")
#define OID_OCSP_CRL SLICE("\x2b\x06\x01\x05\x05\x07\x30\x01\x03")
#define OID_OCSP_NOCHECK SLICE("\x2b\x06\x01\x05\x05\x07\x30\x01\x05")
#define OID_OCSP_ARCHIVE_CUTOFF SLICE("\x2b\x06\x01\x05\x05\x07\x30\x01\x06")
#define OID_OCSP_EXTENDED_REVOKE SLICE("\x2b\x06\x01\x05\x05\x07\x30\x01\x09")
/* RFC 6962 3.3 */
#define OID_OCSP_SCT_LIST SLICE("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x05")

/* pkcs-7 and pkcs-9: CMS, RFC 5652, 5035; RFC 3161 */
#define OID_SIGNED_DATA SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")
#define OID_CONTENT_TYPE SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03")
#define OID_MESSAGE_DIGEST SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04")
#define OID_TST_INFO SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04")
#define OID_SIGNING_CERTIFICATE SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0c")
#define OID_SIGNING_CERTIFICATE_V2 SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f")

/* keys, RFC 3279 2.3 */
#define OID_RSA_KEY SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
#define OID_EC_KEY SLICE("\x2a\x86\x48\xce\x3d\x02\x01")
#define OID_ED25519 SLICE("\x2b\x65\x70") /* RFC 8410 3 */
#define OID_ED448 SLICE("\x2b\x65\x71")

/* hashes, FIPS 180-4 */
#define OID_SHA1 SLICE("\x2b\x0e\x03\x02\x1a")
#define OID_SHA256 SLICE("\x60\x86\x48\x01\x65\x03\x04\x02\x01")
#define OID_SHA384 SLICE("\x60\x86\x48\x01\x65\x03\x04\x02\x02")
#define OID_SHA512 SLICE("\x60\x86\x48\x01\x65\x03\x04\x02\x03")
#define OID_MGF1 SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08")

#endif

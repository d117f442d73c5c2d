/* Time stamps judged: those of libcrypto's own authority, one made by hand, and for each rule one that breaks it alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "memory.h"
#include "oids.h"
#include "pki_tsa.h"
#include "tsa_judge.h"

#define NOW "20261121184404Z" /* PKI_NOW */
#define HASH "0123456789abcdef0123456789abcdef"
#define NONCE "\x41\x02\x03\x04\x05\x06\x07\x08"
#define POLICY "\x2b\x06\x01\x04\x01\x82\x37\x01" /* 1.3.6.1.4.1.311.1 */
#define POLICY_TEXT "1.3.6.1.4.1.311.1"
#define SHA256_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define SHA256_ECDSA "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define SHA1_ECDSA "\x2a\x86\x48\xce\x3d\x04\x01"
#define ED25519 "\x2b\x65\x70"

static struct world {
    X509 *ca, *other_ca, *middle, *signer;
    struct certificate issuers[2];
} world;

static struct liveness_report report;
static struct liveness_policy policy;
static struct tsa_question question;
static struct pki_tsa wanted;

#define CA_EXTENSIONS                                                                                        \
    {                                                                                                        \
        {NID_basic_constraints, "critical,CA:TRUE"}, {NID_key_usage, "critical,keyCertSign,cRLSign"},        \
            {NID_subject_key_identifier, "hash"},                                                            \
    }

static struct pki_certificate signer_template(void) {
    return (struct pki_certificate){"TSA 1",
                                    KEY_DELEGATE,
                                    world.ca,
                                    KEY_CA,
                                    77,
                                    -DAY,
                                    365 * DAY,
                                    {{NID_key_usage, "critical,digitalSignature"},
                                     {NID_ext_key_usage, "critical,timeStamping"},
                                     {NID_subject_key_identifier, "hash"}}};
}

static int set_up(void **state) {
    (void)state;
    struct pki_certificate signer,
        ca = {"Test CA", KEY_CA, NULL, KEY_CA, 1, -365 * DAY, 3650L * DAY, CA_EXTENSIONS},
        other = {"Test CA", KEY_OLD_CA, NULL, KEY_OLD_CA, 1, -365 * DAY, 3650L * DAY, CA_EXTENSIONS},
        middle = {"Middle CA", KEY_USER, NULL, KEY_CA, 2, -365 * DAY, 3650L * DAY, CA_EXTENSIONS};
    world.ca = middle.issuer = pki_certificate(&ca);
    world.other_ca = pki_certificate(&other);
    world.middle = pki_certificate(&middle);
    signer = signer_template();
    world.signer = pki_certificate(&signer);
    world.issuers[0] = pki_read(world.ca);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    pki_free();
    pki_tsa_free();
    return 0;
}

static int each(void **state) {
    (void)state;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    question = (struct tsa_question){.issuers = world.issuers,
                                     .issuer_count = 1,
                                     .request = {.digest = OID_SHA256,
                                                 .imprint = SLICE(HASH),
                                                 .nonce = SLICE(NONCE),
                                                 .wants_certificate = true},
                                     .asked_us = PKI_NOW_US - 40000,
                                     .now_us = PKI_NOW_US + 40000};
    wanted = (struct pki_tsa){.status = "\0",
                              .version = "\1",
                              .policy = SLICE(POLICY),
                              .digest = OID_SHA256,
                              .imprint = SLICE(HASH),
                              .serial = SLICE("\x12\x34"),
                              .time = NOW,
                              .accuracy = SLICE("\x02\x01\x01"),
                              .nonce = SLICE(NONCE),
                              .name = world.signer,
                              .content_type = OID_TST_INFO,
                              .signer_version = "\1",
                              .signer = world.signer,
                              .sent = {world.signer},
                              .key = KEY_DELEGATE,
                              .content_digest = OID_SHA256,
                              .signature_digest = "SHA256",
                              .signature_oid = SLICE(SHA256_ECDSA),
                              .content_type_attribute = OID_TST_INFO};
    return 0;
}

static void judge_bytes(struct slice body) {
    tsa_judge(&question, &policy, body, &report);
}
static void judge(void) {
    judge_bytes(pki_tsa(&wanted));
}

static const char *seen(enum liveness_check check) {
    const struct liveness_finding *finding = liveness_report_find(&report, check);
    return finding ? finding->seen : "nothing";
}

/* These fire, all others do not. */
static void expect(enum liveness_verdict verdict, size_t count, const enum liveness_check *checks) {
    for (size_t i = 0; i < report.count; i++) {
        const struct liveness_finding *finding = &report.findings[i];
        const struct liveness_check_row *row = liveness_check_row(finding->check);
        bool due = false;
        for (size_t j = 0; j < count; j++)
            due |= checks[j] == finding->check;
        if (due && finding->state != row->severity)
            fail_msg("%s did not fire: %s", row->name, finding->seen);
        if (!due && finding->state >= LIVENESS_WARN)
            fail_msg("%s fired: %s", row->name, finding->seen);
    }
    for (size_t j = 0; j < count; j++)
        if (!liveness_report_find(&report, checks[j]))
            fail_msg("%s was not looked at", liveness_check_row(checks[j])->name);
    if (report.verdict != verdict)
        fail_msg("the verdict is %s", liveness_verdict_name(report.verdict));
}
#define EXPECT_GOOD() expect(VERDICT_GOOD, 0, NULL)
#define EXPECT(verdict, ...)                                                                                 \
    expect(verdict, sizeof((enum liveness_check[]){__VA_ARGS__}) / sizeof(enum liveness_check),              \
           (const enum liveness_check[]){__VA_ARGS__})

static X509 *signer_with(struct pki_extension usage, struct pki_extension purpose) {
    struct pki_certificate signer = signer_template();
    signer.extensions[0] = usage;
    signer.extensions[1] = purpose;
    X509 *made = pki_certificate(&signer);
    wanted.signer = wanted.sent[0] = made;
    return made;
}
static const struct pki_extension digital_signature = {NID_key_usage, "critical,digitalSignature"},
                                  time_stamping = {NID_ext_key_usage, "critical,timeStamping"},
                                  key_id = {NID_subject_key_identifier, "hash"};

/* ---- what is good */

static void a_token_as_it_should_be_is_good(void **state) {
    (void)state;
    judge();
    EXPECT_GOOD();
    assert_int_equal(report.state, LIVENESS_OK);
    assert_int_equal(report.times.produced_us, PKI_NOW_US);
    assert_true(report.count > 25);
}

/* Our maker is no better than we are: libcrypto says that its token is one. */
static void libcrypto_believes_it_too(void **state) {
    (void)state;
    struct slice der = pki_tsa(&wanted);
    const unsigned char *at = der.data;
    TS_RESP *response = d2i_TS_RESP(NULL, &at, (long)der.size);
    X509_STORE *store = X509_STORE_new();
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), PKI_NOW);
    TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();
    X509_STORE_add_cert(store, world.ca);
    TS_VERIFY_CTX_set_store(context, store);
    TS_VERIFY_CTX_set_flags(context, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_SIGNER);
    assert_non_null(response);
    assert_int_equal(TS_RESP_verify_response(context, response), 1);
    TS_VERIFY_CTX_free(context);
    TS_RESP_free(response);
}

static struct slice libcrypto_s(unsigned flags, const EVP_MD *id_digest, bool with_chain,
                                unsigned char **ret_der);

/* Of the library's own authority, in each of its manners. */
static void what_libcrypto_stamps_is_good(void **state) {
    (void)state;
    static const struct {
        unsigned flags;
        bool sha1_id, chain;
    } manners[] = {{0, false, false},
                   {TS_TSA_NAME, false, true},
                   {TS_ORDERING | TS_TSA_NAME, false, false},
                   {TS_ESS_CERT_ID_CHAIN, false, true},
                   {0, true, false}};
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++) {
        unsigned char *der = NULL;
        judge_bytes(libcrypto_s(manners[i].flags, manners[i].sha1_id ? EVP_sha1() : EVP_sha256(),
                                manners[i].chain, &der));
        OPENSSL_free(der);
        if (manners[i].sha1_id)
            EXPECT(VERDICT_GOOD, CHECK_TSA_CERTIFICATE_ID_DIGEST);
        else
            EXPECT_GOOD();
    }
}

static ASN1_INTEGER *next_serial(TS_RESP_CTX *context, void *data) {
    (void)context;
    (void)data;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, 4711);
    return serial;
}
static int at_that_time(TS_RESP_CTX *context, void *data, long *ret_seconds, long *ret_microseconds) {
    (void)context;
    (void)data;
    *ret_seconds = PKI_NOW - 1;
    *ret_microseconds = 250000;
    return 1;
}

static struct slice libcrypto_s(unsigned flags, const EVP_MD *id_digest, bool with_chain,
                                unsigned char **ret_der) {
    CLEANUP_BUFFER struct buffer request = BUFFER(TSA_REQUEST_MOST);
    TS_RESP_CTX *context = TS_RESP_CTX_new();
    ASN1_OBJECT *tsa_policy = OBJ_txt2obj(POLICY_TEXT, 1);
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, world.ca);
    assert_true(tsa_request_write(&request, &question.request));
    BIO *bio = BIO_new_mem_buf(request.data, (int)request.size);
    assert_true(TS_RESP_CTX_set_signer_cert(context, world.signer));
    assert_true(TS_RESP_CTX_set_signer_key(context, pki_key(KEY_DELEGATE)));
    assert_true(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()));
    assert_true(TS_RESP_CTX_set_ess_cert_id_digest(context, id_digest));
    assert_true(!with_chain || TS_RESP_CTX_set_certs(context, chain));
    assert_true(TS_RESP_CTX_set_def_policy(context, tsa_policy));
    assert_true(TS_RESP_CTX_add_md(context, EVP_sha256()));
    assert_true(TS_RESP_CTX_set_accuracy(context, 0, 500, 250));
    TS_RESP_CTX_set_clock_precision_digits(context, 3);
    TS_RESP_CTX_add_flags(context, (int)flags);
    TS_RESP_CTX_set_serial_cb(context, next_serial, NULL);
    TS_RESP_CTX_set_time_cb(context, at_that_time, NULL);
    TS_RESP *response = TS_RESP_create_response(context, bio);
    assert_non_null(response);
    int size = i2d_TS_RESP(response, ret_der);
    BIO_free(bio);
    TS_RESP_free(response);
    TS_RESP_CTX_free(context);
    ASN1_OBJECT_free(tsa_policy);
    sk_X509_free(chain);
    return slice_make(*ret_der, (size_t)size);
}

static void rsa_and_ed25519_sign_as_well(void **state) {
    (void)state;
    static const struct {
        enum pki_key key;
        struct slice oid;
        const char *digest;
    } cases[] = {
        {KEY_RSA, {(const uint8_t *)SHA256_RSA, 9}, "SHA256"},
        {KEY_RSA, {(const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9}, "SHA256"}, /* the key alone */
        {KEY_DELEGATE, {(const uint8_t *)"\x2a\x86\x48\xce\x3d\x02\x01", 7}, "SHA256"},
        {KEY_ED25519, {(const uint8_t *)ED25519, 3}, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pki_certificate signer = signer_template();
        signer.key = wanted.key = cases[i].key;
        wanted.name = wanted.signer = wanted.sent[0] = pki_certificate(&signer);
        wanted.signature_oid = cases[i].oid;
        wanted.signature_digest = cases[i].digest;
        judge();
        EXPECT_GOOD();
    }
}

static void a_signer_may_be_named_by_its_key(void **state) {
    (void)state;
    wanted.by_key_id = true;
    wanted.signer_version = "\3";
    judge();
    EXPECT_GOOD();
}

static void a_chain_that_is_sent_along_is_followed(void **state) {
    (void)state;
    struct pki_certificate signer = signer_template();
    signer.issuer = world.middle;
    signer.issuer_key = KEY_USER;
    wanted.name = wanted.signer = wanted.sent[0] = pki_certificate(&signer);
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_ISSUER);
    assert_non_null(strstr(seen(CHECK_TSA_ISSUER), "Middle CA"));
    wanted.sent[1] = world.middle;
    judge();
    EXPECT_GOOD();
    struct certificate trusted = pki_read(wanted.signer);
    question.issuers = &trusted; /* the signer itself */
    judge();
    EXPECT_GOOD();
}

static void who_is_no_ca_issues_nothing(void **state) {
    (void)state;
    struct certificate trusted = pki_read(world.signer);
    struct pki_certificate signer = signer_template();
    signer.issuer = world.signer; /* a user of that CA, who plays one */
    signer.issuer_key = KEY_DELEGATE;
    signer.key = wanted.key = KEY_USER;
    wanted.name = wanted.signer = wanted.sent[0] = pki_certificate(&signer);
    wanted.sent[1] = world.signer;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_ISSUER);
    question.issuers = &trusted;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_ISSUER);
}

static void a_loop_of_certificates_ends(void **state) {
    (void)state;
    struct certificate nobody = pki_read(world.other_ca);
    struct pki_certificate signer = signer_template(), a, b;
    a = (struct pki_certificate){"A", KEY_CA, NULL, KEY_CA, 2, -DAY, DAY * 300, CA_EXTENSIONS};
    b = (struct pki_certificate){"B", KEY_USER, pki_certificate(&a), KEY_CA,
                                 3,   -DAY,     DAY * 300,           CA_EXTENSIONS};
    X509 *b_by_a = pki_certificate(&b);
    a.issuer = b_by_a;
    a.issuer_key = KEY_USER;
    wanted.sent[1] = pki_certificate(&a);
    wanted.sent[2] = b_by_a;
    signer.issuer = wanted.sent[1];
    wanted.name = wanted.signer = wanted.sent[0] = pki_certificate(&signer);
    question.issuers = &nobody;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_ISSUER);
}

static void without_a_nonce_or_a_certificate_asked_for_none_is_due(void **state) {
    (void)state;
    question.request.nonce = wanted.nonce = SLICE("");
    question.request.wants_certificate = false;
    wanted.sent[0] = NULL;
    world.issuers[1] = pki_read(world.signer); /* so it has to be known beforehand */
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_SIGNATURE);
    question.issuer_count = 2;
    judge();
    EXPECT_GOOD();
    wanted.sent[0] = world.signer;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_CERTIFICATE);
}

/* ---- the response as a whole */

static void a_body_that_is_no_response_is_told_by_what_it_is(void **state) {
    (void)state;
    static const struct {
        const char *body, *told;
    } bodies[] = {{"", "nothing"},
                  {"0", "1 byte"},
                  {"<html><body>502 Bad Gateway</body></html>", "HTML"},
                  {"Service unavailable", "text"},
                  {"\x30\x05\x30\x03\x02\x01\x02 and more", "behind"},
                  {"\x30\x05\x30\x03\x02\x01", "no DER"}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        judge_bytes(slice_string(bodies[i].body));
        EXPECT(VERDICT_UNUSABLE, CHECK_TSA_BODY);
        if (!strstr(seen(CHECK_TSA_BODY), bodies[i].told))
            fail_msg("'%s' is told as: %s", bodies[i].body, seen(CHECK_TSA_BODY));
    }
}

static void no_prefix_of_a_response_is_one(void **state) {
    (void)state;
    struct slice whole = pki_tsa(&wanted);
    for (size_t size = 0; size < whole.size; size++) {
        uint8_t *copy = memory_copy(whole.data, size); /* so that a read past the end is seen */
        judge_bytes(slice_make(copy, size));
        free(copy);
        EXPECT(VERDICT_UNUSABLE, CHECK_TSA_BODY);
    }
}

/* What nobody signs may change (a version, a digest's place beside); what is believed may not. */
static void no_flipped_bit_makes_another_token_that_is_believed(void **state) {
    (void)state;
    wanted.status_text = "well done";
    struct slice whole = pki_tsa(&wanted);
    struct tsa_response *response = memory_new(sizeof *response), *before = memory_new(sizeof *before);
    assert_true(tsa_response_read(whole, before, NULL));
    uint8_t *copy = memory_copy(whole.data, whole.size);
    size_t believed = 0;
    for (size_t bit = 0; bit < 8 * whole.size; bit += 3) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge_bytes(slice_make(copy, whole.size));
        if (report.verdict == VERDICT_GOOD) {
            assert_true(tsa_response_read(slice_make(copy, whole.size), response, NULL));
            assert_true(slice_equal(response->content, before->content));
            assert_true(slice_equal(response->signer.attributes, before->signer.attributes));
            believed++;
        }
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    if (believed > whole.size / 8)
        fail_msg("%zu of %zu changed ones are believed", believed, 8 * whole.size / 3);
    free(copy);
    free(response);
    free(before);
}

static void a_refusal_is_told_with_its_reason(void **state) {
    (void)state;
    wanted.status = "\2";
    wanted.status_text = "no clock\n";
    wanted.failure = SLICE("\x01\x00\x02"); /* bit 14 */
    wanted.no_token = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_STATUS);
    assert_string_equal(seen(CHECK_TSA_STATUS), "rejection (2): timeNotAvailable, 'no clock?'");
    wanted.no_token = false;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_STATUS, CHECK_TSA_TOKEN);
    wanted.status = "\0";
    wanted.no_token = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_TOKEN);
    wanted.status = "\1";
    wanted.no_token = false;
    judge();
    EXPECT_GOOD();
}

static void a_token_over_something_else_is_no_time_stamp(void **state) {
    (void)state;
    wanted.content_type = SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CONTENT_TYPE);
    assert_string_equal(seen(CHECK_TSA_CONTENT_TYPE), "1.2.840.113549.1.7.1");
    wanted.content_type = OID_TST_INFO;
    wanted.content_type_attribute = SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CONTENT_TYPE);
    wanted.content_type_attribute = SLICE("");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CONTENT_TYPE);
}

static void one_signature_is_due(void **state) {
    (void)state;
    wanted.twice = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_SIGNERS);
    wanted.nobody = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_SIGNERS);
}

/* ---- what was stamped */

static void another_imprint_is_refused(void **state) {
    (void)state;
    wanted.imprint = SLICE("0123456789abcdef0123456789abcdeF");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_IMPRINT);
    wanted.imprint = SLICE(HASH);
    wanted.digest = OID_SHA512;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_IMPRINT);
    assert_non_null(strstr(seen(CHECK_TSA_IMPRINT), "2.16.840.1.101.3.4.2.3"));
}

static void another_nonce_is_refused_and_so_is_none(void **state) {
    (void)state;
    wanted.nonce = SLICE("\x41\x02\x03\x04\x05\x06\x07\x09");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_NONCE);
    wanted.nonce = SLICE("");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_NONCE);
    assert_string_equal(seen(CHECK_TSA_NONCE), "none");
}

static void another_policy_than_expected_is_refused(void **state) {
    (void)state;
    question.request.policy = SLICE(POLICY);
    judge();
    EXPECT_GOOD();
    question.has_policy = true;
    question.policy = SLICE("\x2a\x03\x04");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_POLICY);
    assert_string_equal(seen(CHECK_TSA_POLICY), POLICY_TEXT);
    assert_string_equal(liveness_finding_due(liveness_report_find(&report, CHECK_TSA_POLICY)), "1.2.3.4");
}

static void a_serial_is_short_and_never_comes_again(void **state) {
    (void)state;
    question.previous_serial = SLICE("\x12\x33");
    judge();
    EXPECT_GOOD();
    question.previous_serial = SLICE("\x12\x34");
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_SERIAL);
    wanted.serial = SLICE("\x00\xff"
                          "2345678901234567890"); /* 160 bits */
    judge();
    EXPECT_GOOD();
    wanted.serial = SLICE("\x01"
                          "12345678901234567890");
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_SERIAL);
}

static void versions_and_extensions_that_are_not_known_are_refused(void **state) {
    (void)state;
    wanted.version = "\2";
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_VERSION);
    wanted.version = "\1";
    wanted.critical_extension = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CRITICAL_EXTENSION);
    wanted.critical_extension = false;
    wanted.signer_version = "\3";
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_CMS_VERSION);
}

/* ---- when */

static void the_clock_is_compared_by_the_accuracy(void **state) {
    (void)state;
    static const struct {
        const char *time;
        struct slice accuracy;
        enum liveness_state state;
        const char *told;
    } cases[] = {
        {"20261121184403.5Z", {(const uint8_t *)"\x02\x01\x01", 3}, LIVENESS_OK, "by the clock"},
        {"20261121184402.5Z", {(const uint8_t *)"\x02\x01\x01", 3}, LIVENESS_OK, "0.460 s behind the clock"},
        {"20261121184405.5Z",
         {(const uint8_t *)"\x80\x02\x01\xf4", 4},
         LIVENESS_OK,
         "0.960 s ahead of the clock"},
        {"20261121184400.96Z", {(const uint8_t *)"\x02\x01\x01", 3}, LIVENESS_OK, "2.000 s behind"},
        {"20261121184400.959Z", {(const uint8_t *)"\x02\x01\x01", 3}, LIVENESS_WARN, "2.001 s behind"},
        {"20261121184504Z", {(const uint8_t *)"\x02\x01\x01", 3}, LIVENESS_WARN, "58.960 s ahead"},
        {"20261121184507Z", {(const uint8_t *)"\x02\x01\x01", 3}, LIVENESS_CRITICAL, "1 min 1 s ahead"},
        {"20261121174404Z", {(const uint8_t *)"\x02\x01\x01", 3}, LIVENESS_CRITICAL, "59 min 58 s behind"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wanted.time = cases[i].time;
        wanted.accuracy = cases[i].accuracy;
        judge();
        if (report.state != cases[i].state || !strstr(seen(CHECK_TSA_TIME), cases[i].told))
            fail_msg("%s is %s: %s", cases[i].time, liveness_state_name(report.state), seen(CHECK_TSA_TIME));
        assert_int_equal(report.verdict == VERDICT_GOOD, cases[i].state != LIVENESS_CRITICAL);
    }
}

static void bounds_of_the_clock_can_be_set(void **state) {
    (void)state;
    wanted.time = "20261121174404Z";
    assert_true(liveness_policy_set(&policy, SLICE("tsa.clock-warn"), SLICE("2h"), NULL));
    assert_true(liveness_policy_set(&policy, SLICE("tsa.clock-most"), SLICE("3h"), NULL));
    judge();
    EXPECT_GOOD();
}

static void a_time_has_its_shortest_form(void **state) {
    (void)state;
    static const char *const longer[] = {"20261121184404.0Z", "20261121184404.50Z", "20261121184404.Z"};
    static const char *const broken[] = {"202611211844Z",
                                         "20261121184404",
                                         "20261121184404,5Z",
                                         "20261121184404.5",
                                         "20261321184404Z",
                                         "20261121184404.5xZ",
                                         "",
                                         "Z",
                                         "20261121184404+0000Z",
                                         "20261121184404.5+01"};
    for (size_t i = 0; i < 3; i++) {
        wanted.time = longer[i];
        judge();
        EXPECT(VERDICT_GOOD, CHECK_TSA_TIME_FORM);
    }
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        wanted.time = broken[i];
        judge();
        EXPECT(VERDICT_UNUSABLE, CHECK_TSA_BODY);
    }
}

static void an_accuracy_is_a_second_or_better(void **state) {
    (void)state;
    wanted.accuracy = SLICE("\x80\x01\x01\x81\x01\x01");
    judge();
    EXPECT_GOOD();
    assert_string_equal(seen(CHECK_TSA_ACCURACY), "0.001 s");
    wanted.accuracy = SLICE("\x02\x01\x02");
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_ACCURACY);
    wanted.accuracy = SLICE("");
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_ACCURACY);
    liveness_policy_default(&policy, PROFILE_RFC);
    judge();
    EXPECT_GOOD();
    wanted.accuracy = SLICE("\x80\x02\x03\xe8"); /* 1000 ms: RFC 3161 has 1 to 999 */
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_BODY);
}

/* ---- the signature */

static void a_signature_by_another_key_is_refused(void **state) {
    (void)state;
    wanted.key = KEY_USER;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_SIGNATURE);
    wanted.key = KEY_DELEGATE;
    wanted.no_attributes = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_SIGNATURE, CHECK_TSA_MESSAGE_DIGEST, CHECK_TSA_CERTIFICATE_ID,
           CHECK_TSA_CONTENT_TYPE);
}

static void attributes_are_signed_in_order(void **state) {
    (void)state;
    wanted.unordered = true;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_ATTRIBUTE_ORDER);
    wanted.signed_unordered = true; /* libcrypto takes it */
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_ATTRIBUTE_ORDER, CHECK_TSA_SIGNATURE);
}

static void a_message_digest_of_something_else_is_refused(void **state) {
    (void)state;
    wanted.other_message_digest = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_MESSAGE_DIGEST);
    wanted.other_message_digest = false;
    wanted.two_message_digests = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_MESSAGE_DIGEST);
    wanted.two_message_digests = false;
    wanted.no_message_digest = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_MESSAGE_DIGEST);
}

static void sha1_is_too_weak(void **state) {
    (void)state;
    wanted.signature_digest = "SHA1";
    wanted.signature_oid = SLICE(SHA1_ECDSA);
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_SIGNATURE_DIGEST);
    wanted.signature_digest = "SHA256";
    wanted.signature_oid = SLICE(SHA256_ECDSA);
    wanted.content_digest = OID_SHA1;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_SIGNATURE_DIGEST);
}

static void the_signing_certificate_attribute_names_the_signer(void **state) {
    (void)state;
    wanted.old_id = true;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_CERTIFICATE_ID_DIGEST);
    wanted.old_id = false;
    wanted.other_id = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE_ID);
    wanted.other_id = false;
    wanted.other_id_serial = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE_ID);
    wanted.other_id_serial = false;
    wanted.both_ids = true; /* as RFC 5816 2.2.1 lets it be */
    judge();
    EXPECT_GOOD();
    wanted.other_old_id = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE_ID);
    wanted.both_ids = false;
    wanted.two_ids = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE_ID);
    wanted.no_id = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE_ID);
}

/* ---- the certificate */

static void a_certificate_that_is_not_sent_is_missed(void **state) {
    (void)state;
    wanted.sent[0] = NULL;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE, CHECK_TSA_SIGNATURE);
    wanted.sent[0] = world.middle;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE, CHECK_TSA_SIGNATURE);
}

static void another_authority_s_signer_is_refused(void **state) {
    (void)state;
    struct pki_certificate signer = signer_template();
    signer.issuer = world.other_ca; /* of the same name */
    signer.issuer_key = KEY_OLD_CA;
    wanted.signer = wanted.sent[0] = pki_certificate(&signer);
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_ISSUER);
}

static void each_fault_of_a_signer_s_certificate_is_found(void **state) {
    (void)state;
    static const struct {
        struct pki_extension usage, purpose;
        enum liveness_check check;
    } cases[] = {
        {{NID_key_usage, "critical,digitalSignature"},
         {NID_ext_key_usage, "timeStamping"},
         CHECK_TSA_PURPOSE_CRITICAL},
        {{NID_key_usage, "critical,digitalSignature"},
         {NID_ext_key_usage, "critical,timeStamping,codeSigning"},
         CHECK_TSA_PURPOSE},
        {{NID_key_usage, "critical,digitalSignature"},
         {NID_ext_key_usage, "critical,serverAuth"},
         CHECK_TSA_PURPOSE},
        {{NID_key_usage, "critical,digitalSignature"},
         {NID_subject_key_identifier, "hash"},
         CHECK_TSA_PURPOSE},
        {{NID_key_usage, "critical,digitalSignature,keyEncipherment"},
         {NID_ext_key_usage, "critical,timeStamping"},
         CHECK_TSA_KEY_USAGE},
        {{NID_key_usage, "critical,keyAgreement"},
         {NID_ext_key_usage, "critical,timeStamping"},
         CHECK_TSA_KEY_USAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        signer_with(cases[i].usage, cases[i].purpose);
        judge();
        EXPECT(VERDICT_UNUSABLE, cases[i].check);
    }
    signer_with(key_id, time_stamping);
    judge();
    EXPECT_GOOD();
    signer_with((struct pki_extension){NID_key_usage, "nonRepudiation"}, time_stamping);
    judge();
    EXPECT_GOOD();
}

static void a_certificate_is_valid_now_and_for_some_time(void **state) {
    (void)state;
    struct pki_certificate signer = signer_template();
    signer.until = 29L * DAY;
    wanted.signer = wanted.sent[0] = pki_certificate(&signer);
    judge();
    EXPECT(VERDICT_GOOD, CHECK_TSA_CERTIFICATE_ENDS);
    assert_string_equal(seen(CHECK_TSA_CERTIFICATE_ENDS), "TSA 1 ends in 28 d 23 h");
    signer.until = -1;
    wanted.signer = wanted.sent[0] = pki_certificate(&signer);
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE_LIFE);
    signer = signer_template();
    signer.from = 1;
    wanted.signer = wanted.sent[0] = pki_certificate(&signer);
    question.now_us += 5000000; /* now it is, at genTime it was not */
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_CERTIFICATE_LIFE);
}

static void the_tsa_field_names_the_signer(void **state) {
    (void)state;
    wanted.name = world.middle;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_TSA_NAME);
    wanted.name = world.signer;
    X509 *signer = signer_with(digital_signature, time_stamping);
    judge(); /* the same subject */
    EXPECT_GOOD();
    assert_non_null(signer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_token_as_it_should_be_is_good, each),
        cmocka_unit_test_setup(libcrypto_believes_it_too, each),
        cmocka_unit_test_setup(what_libcrypto_stamps_is_good, each),
        cmocka_unit_test_setup(rsa_and_ed25519_sign_as_well, each),
        cmocka_unit_test_setup(a_signer_may_be_named_by_its_key, each),
        cmocka_unit_test_setup(a_chain_that_is_sent_along_is_followed, each),
        cmocka_unit_test_setup(who_is_no_ca_issues_nothing, each),
        cmocka_unit_test_setup(a_loop_of_certificates_ends, each),
        cmocka_unit_test_setup(without_a_nonce_or_a_certificate_asked_for_none_is_due, each),
        cmocka_unit_test_setup(a_body_that_is_no_response_is_told_by_what_it_is, each),
        cmocka_unit_test_setup(no_prefix_of_a_response_is_one, each),
        cmocka_unit_test_setup(no_flipped_bit_makes_another_token_that_is_believed, each),
        cmocka_unit_test_setup(a_refusal_is_told_with_its_reason, each),
        cmocka_unit_test_setup(a_token_over_something_else_is_no_time_stamp, each),
        cmocka_unit_test_setup(one_signature_is_due, each),
        cmocka_unit_test_setup(another_imprint_is_refused, each),
        cmocka_unit_test_setup(another_nonce_is_refused_and_so_is_none, each),
        cmocka_unit_test_setup(another_policy_than_expected_is_refused, each),
        cmocka_unit_test_setup(a_serial_is_short_and_never_comes_again, each),
        cmocka_unit_test_setup(versions_and_extensions_that_are_not_known_are_refused, each),
        cmocka_unit_test_setup(the_clock_is_compared_by_the_accuracy, each),
        cmocka_unit_test_setup(bounds_of_the_clock_can_be_set, each),
        cmocka_unit_test_setup(a_time_has_its_shortest_form, each),
        cmocka_unit_test_setup(an_accuracy_is_a_second_or_better, each),
        cmocka_unit_test_setup(a_signature_by_another_key_is_refused, each),
        cmocka_unit_test_setup(attributes_are_signed_in_order, each),
        cmocka_unit_test_setup(a_message_digest_of_something_else_is_refused, each),
        cmocka_unit_test_setup(sha1_is_too_weak, each),
        cmocka_unit_test_setup(the_signing_certificate_attribute_names_the_signer, each),
        cmocka_unit_test_setup(a_certificate_that_is_not_sent_is_missed, each),
        cmocka_unit_test_setup(another_authority_s_signer_is_refused, each),
        cmocka_unit_test_setup(each_fault_of_a_signer_s_certificate_is_found, each),
        cmocka_unit_test_setup(a_certificate_is_valid_now_and_for_some_time, each),
        cmocka_unit_test_setup(the_tsa_field_names_the_signer, each),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

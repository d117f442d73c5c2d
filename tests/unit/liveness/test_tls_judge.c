/* What TLS servers show, judged: one that is as it should be, and for each rule one that breaks it and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "pki.h"
#include "tls_judge.h"

#define LEAF_SERIAL 0x77

static struct liveness_policy policy;
static struct liveness_report report;
static struct tls_question question;
static struct tls_shown shown;
static X509 *root, *intermediate, *leaf;
static struct certificate anchors[2];
static struct slice sent[TLS_CHAIN_MOST + 1];

/* ---- who is who: a root, an intermediate with KEY_DELEGATE, a leaf with KEY_USER */

#define ROOT_EXTENSIONS                                                                                      \
    {                                                                                                        \
        {NID_basic_constraints, "critical,CA:TRUE"}, {NID_key_usage, "critical,keyCertSign,cRLSign"},        \
            {NID_subject_key_identifier, "hash"},                                                            \
    }
static struct pki_certificate root_wanted(void) {
    return (struct pki_certificate){"Root", KEY_CA,     NULL,        KEY_CA,
                                    1,      -365 * DAY, 3650L * DAY, ROOT_EXTENSIONS};
}
static struct pki_certificate intermediate_wanted(void) {
    return (struct pki_certificate){"Intermediate",
                                    KEY_DELEGATE,
                                    root,
                                    KEY_CA,
                                    2,
                                    -100 * DAY,
                                    1000L * DAY,
                                    {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                     {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                     {NID_ext_key_usage, "serverAuth,clientAuth"}}};
}
static struct pki_certificate leaf_wanted(void) {
    return (struct pki_certificate){"leaf",
                                    KEY_USER,
                                    intermediate,
                                    KEY_DELEGATE,
                                    LEAF_SERIAL,
                                    -10 * DAY,
                                    80 * DAY,
                                    {{NID_key_usage, "critical,digitalSignature"},
                                     {NID_ext_key_usage, "serverAuth"},
                                     {NID_subject_alt_name, "DNS:www.example.org,DNS:example.org"}}};
}

static void send_all(size_t count, X509 *const *list) {
    for (size_t i = 0; i < count; i++)
        sent[i] = pki_read(list[i]).whole;
    shown.count = count;
}
#define SEND(...) send_all(sizeof((X509 *[]){__VA_ARGS__}) / sizeof(X509 *), (X509 *[]){__VA_ARGS__})

static int each(void **state) {
    (void)state;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    struct pki_certificate wanted = root_wanted();
    root = pki_certificate(&wanted);
    wanted = intermediate_wanted();
    intermediate = pki_certificate(&wanted);
    wanted = leaf_wanted();
    leaf = pki_certificate(&wanted);
    anchors[0] = pki_read(root);
    question = (struct tls_question){
        .name = SLICE("www.example.org"), .anchors = anchors, .anchor_count = 1, .now_us = PKI_NOW_US};
    shown = (struct tls_shown){
        .certificates = sent, .version = 0x0304, .cipher = "TLS_AES_256_GCM_SHA384", .alpn = SLICE("h2")};
    SEND(leaf, intermediate);
    return 0;
}
static int end(void **state) {
    (void)state;
    pki_free();
    return 0;
}

/* The leaf as wanted, sent with the intermediate. */
static void send_leaf(const struct pki_certificate *wanted) {
    leaf = pki_certificate(wanted);
    SEND(leaf, intermediate);
}

static const char *seen(enum liveness_check check) {
    const struct liveness_finding *finding = liveness_report_find(&report, check);
    return finding ? finding->seen : "nothing";
}

/* These fire, all others do not. */
static void expect(enum liveness_verdict verdict, size_t count, const enum liveness_check *checks) {
    tls_judge(&question, &policy, &shown, &report);
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

/* ---- the chain */

static void a_server_as_it_should_be_is_good(void **state) {
    (void)state;
    EXPECT_GOOD();
    assert_int_equal(report.state, LIVENESS_OK);
    assert_true(report.count > 25);
}

static void the_root_may_be_sent_along(void **state) {
    (void)state;
    SEND(leaf, intermediate, root);
    EXPECT_GOOD();
}

static void a_missing_intermediate_is_named(void **state) {
    (void)state;
    SEND(leaf);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CHAIN_COMPLETE);
    assert_non_null(strstr(seen(CHECK_TLS_CHAIN_COMPLETE), "leaf was signed by Intermediate"));
    SEND(leaf, root);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CHAIN_COMPLETE, CHECK_TLS_CHAIN_SURPLUS);
}

static void certificates_out_of_order_and_twice_are_warned_of(void **state) {
    (void)state;
    SEND(leaf, root, intermediate);
    EXPECT(VERDICT_GOOD, CHECK_TLS_CHAIN_ORDER);
    assert_non_null(strstr(seen(CHECK_TLS_CHAIN_ORDER), "1, 3, 2"));
    SEND(leaf, intermediate, intermediate);
    EXPECT(VERDICT_GOOD, CHECK_TLS_CHAIN_SURPLUS);
    assert_int_equal(report.state, LIVENESS_WARN);
    assert_non_null(strstr(seen(CHECK_TLS_CHAIN_SURPLUS), "number 3"));
}

static void who_signed_itself_and_is_no_anchor_is_not_trusted(void **state) {
    (void)state;
    struct pki_certificate other = root_wanted();
    other.key = other.issuer_key = KEY_OLD_CA; /* the same name, another key */
    anchors[0] = pki_read(pki_certificate(&other));
    SEND(leaf, intermediate, root);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_ANCHOR);
    SEND(leaf, intermediate);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CHAIN_COMPLETE);
}

static void without_anchors_nobody_can_say_whom_to_trust(void **state) {
    (void)state;
    question.anchor_count = 0;
    expect(VERDICT_UNKNOWN, 0, NULL);
    assert_int_equal(liveness_report_find(&report, CHECK_TLS_ANCHOR)->state, LIVENESS_SKIPPED);
    SEND(leaf, root);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CHAIN_COMPLETE, CHECK_TLS_CHAIN_SURPLUS);
}

static void an_anchor_may_be_the_intermediate_or_the_leaf_itself(void **state) {
    (void)state;
    anchors[0] = pki_read(intermediate);
    EXPECT_GOOD();
    SEND(leaf);
    EXPECT_GOOD();
    anchors[0] = pki_read(leaf);
    EXPECT_GOOD();
}

static void of_two_anchors_with_one_key_the_valid_one_is_taken(void **state) {
    (void)state;
    struct pki_certificate old = root_wanted();
    old.until = -DAY;
    anchors[1] = anchors[0];
    anchors[0] = pki_read(pki_certificate(&old));
    question.anchor_count = 2;
    EXPECT_GOOD();
    question.anchor_count = 1;
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_EXPIRED);
    assert_non_null(strstr(seen(CHECK_TLS_EXPIRED), "Root ended"));
}

static void a_name_that_is_spelt_otherwise_is_the_anchor_s_all_the_same(void **state) {
    (void)state;
    X509_NAME *name = X509_NAME_new();
    struct pki_certificate wanted = intermediate_wanted();
    X509 *other = pki_certificate(&wanted);
    X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_PRINTABLESTRING, (const unsigned char *)"ROOT", -1, -1, 0);
    X509_set_issuer_name(other, name);
    X509_sign(other, pki_key(KEY_CA), EVP_sha256());
    X509_NAME_free(name);
    SEND(leaf, other);
    EXPECT_GOOD();
}

/* As with ISRG Root X1 under DST Root CA X3 in 2021: what stands behind the anchor matters to old clients alone. */
static void an_expired_cross_certificate_behind_the_anchor_is_a_warning(void **state) {
    (void)state;
    struct pki_certificate old = root_wanted(), cross = root_wanted();
    old.name = "Old Root";
    old.key = old.issuer_key = KEY_OLD_CA;
    cross.issuer = pki_certificate(&old);
    cross.issuer_key = KEY_OLD_CA;
    X509 *fresh = pki_certificate(&cross);
    SEND(leaf, intermediate, fresh);
    EXPECT_GOOD();
    cross.until = -DAY;
    X509 *past = pki_certificate(&cross);
    SEND(leaf, intermediate, past);
    EXPECT(VERDICT_GOOD, CHECK_TLS_CHAIN_SURPLUS);
}

static void what_is_no_certificate_is_told(void **state) {
    (void)state;
    sent[2] = SLICE("<html>");
    shown.count = 3;
    EXPECT(VERDICT_GOOD, CHECK_TLS_CERTIFICATE);
    sent[0] = slice_head(sent[0], sent[0].size - 1);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CERTIFICATE);
    shown.count = 0;
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CERTIFICATE);
    for (size_t i = 0; i <= TLS_CHAIN_MOST; i++)
        sent[i] = i == 0 ? pki_read(leaf).whole : pki_read(intermediate).whole;
    shown.count = TLS_CHAIN_MOST + 1;
    EXPECT(VERDICT_GOOD, CHECK_TLS_CERTIFICATE, CHECK_TLS_CHAIN_SURPLUS);
}

/* ---- CAs */

static void send_intermediate(const struct pki_certificate *wanted) {
    intermediate = pki_certificate(wanted);
    struct pki_certificate below = leaf_wanted();
    send_leaf(&below);
}

static void whoever_signs_must_be_a_ca_that_may(void **state) {
    (void)state;
    struct pki_certificate wanted = intermediate_wanted();
    wanted.extensions[0].value = "critical,CA:FALSE";
    send_intermediate(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CA);
    wanted = intermediate_wanted();
    wanted.extensions[1].value = "critical,cRLSign";
    send_intermediate(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CA_KEY_USAGE);
    wanted = intermediate_wanted();
    wanted.extensions[2].value = "clientAuth,OCSPSigning";
    send_intermediate(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_PURPOSE);
}

static void a_ca_signs_for_names_alone_that_it_may(void **state) {
    (void)state;
    static const struct {
        const char *constraints;
        bool good;
    } table[] = {{"critical,permitted;DNS:example.org", true},
                 {"critical,permitted;DNS:.example.org", true},
                 {"critical,permitted;DNS:example.com,permitted;DNS:org", true},
                 {"critical,permitted;DNS:www.example.org", false}, /* not for example.org */
                 {"critical,permitted;DNS:xample.org", false},
                 {"critical,permitted;email:example.com", true},
                 {"critical,excluded;DNS:example.com", true},
                 {"critical,excluded;DNS:org", false},
                 {"critical,permitted;DNS:org,excluded;DNS:www.example.org", false},
                 {"critical,permitted;IP:192.0.2.0/255.255.255.0", true},
                 {"critical,permitted;IP:198.51.100.0/255.255.255.0", false},
                 {"critical,permitted;IP:2001:db8::/ffff:ffff::", false},
                 {"critical,excluded;IP:192.0.2.0/255.255.255.252", true},
                 {"critical,excluded;IP:192.0.2.0/255.255.255.0", false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct pki_certificate wanted = intermediate_wanted();
        wanted.extensions[3] = (struct pki_extension){NID_name_constraints, table[i].constraints};
        intermediate = pki_certificate(&wanted);
        struct pki_certificate below = leaf_wanted();
        below.extensions[2].value = "DNS:www.example.org,DNS:example.org,IP:192.0.2.7,email:a@b";
        send_leaf(&below);
        if (table[i].good)
            EXPECT_GOOD();
        else
            EXPECT(VERDICT_UNUSABLE, CHECK_TLS_NAME_CONSTRAINTS);
    }
    assert_non_null(strstr(seen(CHECK_TLS_NAME_CONSTRAINTS), "Intermediate: broken by 192.0.2.7"));
}

static void a_path_longer_than_allowed_is_told(void **state) {
    (void)state;
    struct pki_certificate second = intermediate_wanted();
    second.name = "Second";
    second.key = KEY_ED25519;
    second.issuer = intermediate;
    second.issuer_key = KEY_DELEGATE;
    X509 *lower = pki_certificate(&second);
    struct pki_certificate below = leaf_wanted();
    below.issuer = lower;
    below.issuer_key = KEY_ED25519;
    X509 *end_entity = pki_certificate(&below);
    SEND(end_entity, lower, intermediate);
    policy.on[CHECK_TLS_KEY_CURVE] = false;
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_PATH_LENGTH);
    assert_non_null(strstr(seen(CHECK_TLS_PATH_LENGTH), "Intermediate: 1 below, 0 allowed"));
}

static void sha_1_is_told_but_for_the_anchor_s_own(void **state) {
    (void)state;
    struct pki_certificate wanted = intermediate_wanted();
    X509 *again = pki_certificate(&wanted);
    struct pki_certificate self = root_wanted();
    X509 *old_root = pki_certificate(&self);
    X509_sign(old_root, pki_key(KEY_CA), EVP_sha1());
    anchors[0] = pki_read(old_root);
    SEND(leaf, intermediate, old_root);
    EXPECT_GOOD();
    X509_sign(again, pki_key(KEY_CA), EVP_sha1());
    SEND(leaf, again);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_SIGNATURE_DIGEST);
    assert_non_null(strstr(seen(CHECK_TLS_SIGNATURE_DIGEST), "Intermediate: ECDSA with SHA-1"));
}

/* ---- the server's own certificate */

static void another_name_is_told_with_those_that_are_there(void **state) {
    (void)state;
    question.name = SLICE("www.example.com");
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_NAME);
    assert_string_equal(seen(CHECK_TLS_NAME), "www.example.org, example.org");
    question.name = SLICE("192.0.2.7");
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_NAME);
    question.name = SLICE("");
    EXPECT_GOOD();
}

static void the_life_of_each_certificate_is_held_against_the_time(void **state) {
    (void)state;
    struct pki_certificate wanted = leaf_wanted();
    static const struct {
        long from, until;
        enum liveness_check checks[2];
        size_t count;
    } table[] = {
        {HOUR, 80 * DAY, {CHECK_TLS_NOT_YET_VALID}, 1},
        {-80 * DAY, -1, {CHECK_TLS_EXPIRED}, 1},
        {-80 * DAY, 0, {CHECK_TLS_ENDS_SOON, CHECK_TLS_ENDS_VERY_SOON}, 2},
        {-30, 80 * DAY, {CHECK_TLS_EXPIRED}, 0},
        /* of 180 d: 30 d, 7 d */
        {-149 * DAY, 31 * DAY, {CHECK_TLS_EXPIRED}, 0},
        {-151 * DAY, 29 * DAY, {CHECK_TLS_ENDS_SOON}, 1},
        {-174 * DAY, 6 * DAY, {CHECK_TLS_ENDS_SOON, CHECK_TLS_ENDS_VERY_SOON}, 2},
        /* of 6 d: nearly 2 d, 14 h */
        {-3 * DAY, 3 * DAY, {CHECK_TLS_EXPIRED}, 0},
        {-5 * DAY, DAY, {CHECK_TLS_ENDS_SOON}, 1},
        {-5 * DAY - 12 * HOUR, 12 * HOUR, {CHECK_TLS_ENDS_SOON, CHECK_TLS_ENDS_VERY_SOON}, 2},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        wanted.from = table[i].from;
        wanted.until = table[i].until;
        send_leaf(&wanted);
        bool dead = table[i].count == 1 && table[i].checks[0] != CHECK_TLS_ENDS_SOON;
        expect(dead ? VERDICT_UNUSABLE : VERDICT_GOOD, table[i].count, table[i].checks);
    }
    wanted = intermediate_wanted();
    wanted.until = 6 * DAY;
    send_intermediate(&wanted);
    EXPECT(VERDICT_GOOD, CHECK_TLS_ENDS_SOON, CHECK_TLS_ENDS_VERY_SOON);
    assert_non_null(strstr(seen(CHECK_TLS_ENDS_VERY_SOON), "Intermediate ends"));
    wanted.until = -DAY;
    send_intermediate(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_EXPIRED);
}

static void a_life_is_as_long_as_allowed_on_the_day_of_issue(void **state) {
    (void)state;
    const long day = DAY, now = PKI_NOW;
    static const struct {
        long issued; /* seconds since 1970 */
        long days;
    } table[] = {{1773532799, 398}, {1773532800, 200}, {1805068799, 200},
                 {1805068800, 100}, {1868227199, 100}, {1868227200, 47}};
    struct pki_certificate wanted = leaf_wanted();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int over = 0; over < 2; over++) {
            wanted.from = table[i].issued - now;
            wanted.until = wanted.from + table[i].days * day - 1 + over; /* the second of notAfter counts */
            question.now_us = (uint64_t)(table[i].issued + day) * 1000000;
            X509 *one = pki_certificate(&wanted);
            struct certificate only = pki_read(one);
            anchors[0] = only;
            sent[0] = only.whole;
            shown.count = 1;
            if (over)
                EXPECT(VERDICT_GOOD, CHECK_TLS_LIFE);
            else
                EXPECT_GOOD();
            policy.on[CHECK_TLS_LIFE] = true;
        }
    assert_string_equal(seen(CHECK_TLS_LIFE), "47 d and a second");
}

static void purposes_and_usages_must_fit_a_server(void **state) {
    (void)state;
    struct pki_certificate wanted = leaf_wanted();
    wanted.extensions[1].value = "clientAuth";
    send_leaf(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_PURPOSE, CHECK_TLS_PURPOSE_BR);
    wanted.extensions[1].value = "serverAuth,clientAuth";
    send_leaf(&wanted);
    EXPECT_GOOD();
    wanted.extensions[1].value = "serverAuth,codeSigning";
    send_leaf(&wanted);
    EXPECT(VERDICT_GOOD, CHECK_TLS_PURPOSE_BR);
    wanted.extensions[1].value = "anyExtendedKeyUsage";
    send_leaf(&wanted);
    EXPECT(VERDICT_GOOD, CHECK_TLS_PURPOSE_BR);
    wanted = leaf_wanted();
    wanted.extensions[0].value = "critical,keyEncipherment";
    send_leaf(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_KEY_USAGE);
    shown.version = 0x0303;
    shown.cipher = "AES128-GCM-SHA256";
    EXPECT(VERDICT_GOOD, CHECK_TLS_FORWARD_SECRECY);
    wanted.extensions[0].value = "critical,digitalSignature";
    send_leaf(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_KEY_USAGE, CHECK_TLS_FORWARD_SECRECY);
    shown.cipher = "ECDHE-ECDSA-AES128-GCM-SHA256";
    EXPECT_GOOD();
    wanted.extensions[3] = (struct pki_extension){NID_basic_constraints, "critical,CA:TRUE"};
    send_leaf(&wanted);
    EXPECT(VERDICT_GOOD, CHECK_TLS_LEAF_CA);
}

static void an_unknown_critical_extension_is_told(void **state) {
    (void)state;
    struct pki_certificate wanted = leaf_wanted();
    wanted.extensions[3] = (struct pki_extension){NID_id_pkix_OCSP_noCheck, "critical,NULL"};
    send_leaf(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CRITICAL_EXTENSION);
    wanted.extensions[3] = (struct pki_extension){NID_name_constraints, "critical,permitted;DNS:example.org"};
    send_leaf(&wanted);
    EXPECT_GOOD();
}

/* ---- how it speaks */

static void old_protocols_and_bad_ciphers_are_told(void **state) {
    (void)state;
    shown.version = 0x0302;
    shown.cipher = "ECDHE-RSA-AES256-SHA";
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_PROTOCOL);
    assert_string_equal(seen(CHECK_TLS_PROTOCOL), "TLS 1.1");
    shown.version = 0x0303;
    static const char *const broken[] = {"ECDHE-RSA-RC4-SHA", "ECDHE-ECDSA-NULL-SHA", "DHE-RSA-DES-CBC3-SHA",
                                         "ADH-AES128-SHA", "AECDH-AES128-SHA"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        shown.cipher = broken[i];
        EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CIPHER);
    }
    static const char *const good[] = {"ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES256-GCM-SHA384"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        shown.cipher = good[i];
        EXPECT_GOOD();
    }
    tls_judge_old_protocols(0, &report);
    assert_int_equal(report.state, LIVENESS_OK);
    tls_judge_old_protocols(0x0301, &report);
    assert_int_equal(report.state, LIVENESS_WARN);
    assert_string_equal(seen(CHECK_TLS_OLD_PROTOCOLS), "TLS 1.0 was taken");
}

static void the_protocol_that_is_expected_must_be_chosen(void **state) {
    (void)state;
    question.alpn = SLICE("h2");
    EXPECT_GOOD();
    shown.alpn = SLICE("http/1.1");
    EXPECT(VERDICT_GOOD, CHECK_TLS_ALPN);
    shown.alpn = SLICE("");
    EXPECT(VERDICT_GOOD, CHECK_TLS_ALPN);
}

/* ---- staples */

static struct pki_ocsp staple_wanted(int status) {
    struct pki_ocsp wanted = {.signer = intermediate, .key = KEY_DELEGATE, .produced = -DAY, .count = 1};
    wanted.singles[0] = (struct pki_single){intermediate, LEAF_SERIAL, NULL, status, -1, -DAY, 3 * DAY, NULL};
    return wanted;
}

static void a_staple_is_judged_as_a_response_is(void **state) {
    (void)state;
    struct pki_ocsp wanted = staple_wanted(V_OCSP_CERTSTATUS_GOOD);
    shown.staple = pki_ocsp(&wanted);
    EXPECT_GOOD();
    assert_string_equal(seen(CHECK_TLS_STAPLE), "good");
    assert_int_equal(liveness_report_find(&report, CHECK_OCSP_SIGNATURE)->state, LIVENESS_OK);
    wanted = staple_wanted(V_OCSP_CERTSTATUS_REVOKED);
    shown.staple = pki_ocsp(&wanted);
    EXPECT(VERDICT_REVOKED, CHECK_TLS_STAPLE, CHECK_OCSP_STATUS_EXPECTED);
    wanted = staple_wanted(V_OCSP_CERTSTATUS_GOOD);
    wanted.singles[0].next_update = -HOUR;
    wanted.singles[0].this_update = -2 * DAY;
    shown.staple = pki_ocsp(&wanted);
    EXPECT(VERDICT_GOOD, CHECK_TLS_STAPLE, CHECK_OCSP_NEXT_UPDATE_PAST, CHECK_OCSP_AGE, CHECK_OCSP_REFRESH);
    SEND(leaf);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_CHAIN_COMPLETE);
    assert_int_equal(liveness_report_find(&report, CHECK_TLS_STAPLE)->state, LIVENESS_SKIPPED);
}

static void a_certificate_that_promises_a_staple_must_have_one(void **state) {
    (void)state;
    struct pki_certificate wanted = leaf_wanted();
    wanted.extensions[3] = (struct pki_extension){NID_tlsfeature, "status_request"};
    send_leaf(&wanted);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_MUST_STAPLE);
    struct pki_ocsp staple = staple_wanted(V_OCSP_CERTSTATUS_GOOD);
    shown.staple = pki_ocsp(&staple);
    EXPECT_GOOD();
    wanted.extensions[3].value = "status_request_v2";
    send_leaf(&wanted);
    shown.staple = SLICE("");
    EXPECT_GOOD();
}

static void keys_of_the_whole_chain_are_looked_at(void **state) {
    (void)state;
    struct pki_certificate wanted = intermediate_wanted();
    X509 *weak = pki_certificate(&wanted);
    EVP_PKEY *small = EVP_RSA_gen(1024);
    X509_set_pubkey(weak, small);
    X509_sign(weak, pki_key(KEY_CA), EVP_sha256());
    struct pki_certificate below = leaf_wanted();
    leaf = pki_certificate(&below);
    X509_sign(leaf, small, EVP_sha256());
    EVP_PKEY_free(small);
    SEND(leaf, weak);
    EXPECT(VERDICT_UNUSABLE, CHECK_TLS_KEY_SIZE);
    assert_string_equal(seen(CHECK_TLS_KEY_SIZE), "Intermediate: RSA, 1024 bits");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, each, end)
    const struct CMUnitTest tests[] = {
        TEST(a_server_as_it_should_be_is_good),
        TEST(the_root_may_be_sent_along),
        TEST(a_missing_intermediate_is_named),
        TEST(certificates_out_of_order_and_twice_are_warned_of),
        TEST(who_signed_itself_and_is_no_anchor_is_not_trusted),
        TEST(without_anchors_nobody_can_say_whom_to_trust),
        TEST(an_anchor_may_be_the_intermediate_or_the_leaf_itself),
        TEST(of_two_anchors_with_one_key_the_valid_one_is_taken),
        TEST(a_name_that_is_spelt_otherwise_is_the_anchor_s_all_the_same),
        TEST(an_expired_cross_certificate_behind_the_anchor_is_a_warning),
        TEST(what_is_no_certificate_is_told),
        TEST(whoever_signs_must_be_a_ca_that_may),
        TEST(a_ca_signs_for_names_alone_that_it_may),
        TEST(a_path_longer_than_allowed_is_told),
        TEST(sha_1_is_told_but_for_the_anchor_s_own),
        TEST(another_name_is_told_with_those_that_are_there),
        TEST(the_life_of_each_certificate_is_held_against_the_time),
        TEST(a_life_is_as_long_as_allowed_on_the_day_of_issue),
        TEST(purposes_and_usages_must_fit_a_server),
        TEST(an_unknown_critical_extension_is_told),
        TEST(old_protocols_and_bad_ciphers_are_told),
        TEST(the_protocol_that_is_expected_must_be_chosen),
        TEST(a_staple_is_judged_as_a_response_is),
        TEST(a_certificate_that_promises_a_staple_must_have_one),
        TEST(keys_of_the_whole_chain_are_looked_at),
    };
    return cmocka_run_group_tests_name("tls_judge", tests, NULL, NULL);
}

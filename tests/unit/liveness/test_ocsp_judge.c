/* OCSP responses judged: one that is as it should be, and for each rule one that breaks it and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "memory.h"
#include "ocsp_judge.h"
#include "pki.h"

#define SERIAL 0x1234

static struct world {
    X509 *ca, *renamed_ca, *old_ca, *delegate, *user;
    struct certificate issuers[2], certificate;
} world;

static struct liveness_report report;
static struct liveness_policy policy;
static struct ocsp_question question;
static struct pki_ocsp wanted;

#define CA_EXTENSIONS                                                                                        \
    {                                                                                                        \
        {NID_basic_constraints, "critical,CA:TRUE"}, {NID_key_usage, "critical,keyCertSign,cRLSign"},        \
            {NID_subject_key_identifier, "hash"},                                                            \
    }

static X509 *make_ca(const char *name, enum pki_key key) {
    struct pki_certificate ca = {name, key, NULL, key, 1, -365 * DAY, 3650L * DAY, CA_EXTENSIONS};
    return pki_certificate(&ca);
}

static struct pki_certificate delegate_template(void) {
    return (struct pki_certificate){"Responder 1",
                                    KEY_DELEGATE,
                                    world.ca,
                                    KEY_CA,
                                    77,
                                    -DAY,
                                    30 * DAY,
                                    {{NID_key_usage, "critical,digitalSignature"},
                                     {NID_ext_key_usage, "OCSPSigning"},
                                     {NID_id_pkix_OCSP_noCheck, "NULL"}}};
}

static int set_up(void **state) {
    (void)state;
    struct pki_certificate delegate,
        user = {"www.example.org", KEY_USER, NULL, KEY_CA, SERIAL, -30 * DAY, 60 * DAY, {{0}}};
    world.ca = make_ca("Test CA", KEY_CA);
    world.renamed_ca = make_ca("Test CA renamed", KEY_CA);
    world.old_ca = make_ca("Test CA", KEY_OLD_CA);
    user.issuer = world.ca;
    world.user = pki_certificate(&user);
    delegate = delegate_template();
    world.delegate = pki_certificate(&delegate);
    world.issuers[0] = pki_read(world.ca);
    world.certificate = pki_read(world.user);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    pki_free();
    return 0;
}

/* As it should be: by a delegate, a day old, for four days. */
static int each(void **state) {
    (void)state;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    question = (struct ocsp_question){.issuers = world.issuers,
                                      .issuer_count = 1,
                                      .certificate = &world.certificate,
                                      .expected = OCSP_EXPECT_ISSUED,
                                      .now_us = PKI_NOW_US};
    wanted = (struct pki_ocsp){
        .signer = world.delegate, .sent = world.delegate, .key = KEY_DELEGATE, .produced = -DAY, .count = 1};
    wanted.singles[0] =
        (struct pki_single){world.ca, SERIAL, NULL, V_OCSP_CERTSTATUS_GOOD, -1, -DAY, 3 * DAY, NULL};
    return 0;
}

static void judge_bytes(struct slice body) {
    ocsp_judge(&question, &policy, body, &report);
}
static void judge(void) {
    judge_bytes(pki_ocsp(&wanted));
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
#define EXPECT_GOOD(verdict) expect(verdict, 0, NULL)
#define EXPECT(verdict, ...)                                                                                 \
    expect(verdict, sizeof((enum liveness_check[]){__VA_ARGS__}) / sizeof(enum liveness_check),              \
           (const enum liveness_check[]){__VA_ARGS__})

/* ---- what is good */

static void a_response_as_it_should_be_is_good(void **state) {
    (void)state;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    assert_int_equal(report.state, LIVENESS_OK);
    assert_true(report.count > 25);
}

static void the_issuer_may_sign_itself_and_name_itself_by_key(void **state) {
    (void)state;
    wanted.signer = world.ca;
    wanted.key = KEY_CA;
    wanted.sent = NULL;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.flags = OCSP_RESPID_KEY;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void a_delegate_may_be_known_beforehand_instead_of_sent(void **state) {
    (void)state;
    wanted.sent = NULL;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_SIGNATURE);
    world.issuers[1] = pki_read(world.delegate);
    question.issuer_count = 2;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void the_digests_in_a_cert_id_are_understood(void **state) {
    (void)state;
    wanted.singles[0].digest = EVP_sha256();
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].digest = EVP_sha512();
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].digest = EVP_md5();
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_CERT_ID);
    assert_non_null(strstr(seen(CHECK_OCSP_CERT_ID), "another digest"));
}

static void answers_about_others_beside_it_do_no_harm(void **state) {
    (void)state;
    wanted.count = 3;
    wanted.singles[2] = wanted.singles[1] = wanted.singles[0];
    wanted.singles[0].serial = 99;
    wanted.singles[0].status = V_OCSP_CERTSTATUS_REVOKED;
    wanted.singles[2].digest = EVP_sha256(); /* the same certificate by its other CertID */
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void the_issuer_is_found_among_several(void **state) {
    (void)state;
    world.issuers[1] = world.issuers[0];
    world.issuers[0] = pki_read(world.old_ca);
    question.issuer_count = 2;
    judge();
    world.issuers[0] = world.issuers[1];
    EXPECT_GOOD(VERDICT_GOOD);
}

static void a_serial_is_enough_to_ask(void **state) {
    (void)state;
    question.certificate = NULL;
    question.serial = SLICE("\x12\x34");
    question.expected = OCSP_EXPECT_NOTHING;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].status = V_OCSP_CERTSTATUS_UNKNOWN;
    judge();
    EXPECT_GOOD(VERDICT_UNKNOWN); /* nobody says that it was issued */
}

static void rsa_and_ed25519_sign_as_well(void **state) {
    (void)state;
    static const enum pki_key keys[] = {KEY_RSA, KEY_ED25519};
    for (size_t i = 0; i < 2; i++) {
        struct pki_certificate delegate = delegate_template();
        delegate.key = wanted.key = keys[i];
        wanted.signer = wanted.sent = pki_certificate(&delegate);
        judge();
        EXPECT_GOOD(VERDICT_GOOD);
    }
}

/* ---- the response as a whole */

static void a_body_that_is_no_response_is_told_by_what_it_is(void **state) {
    (void)state;
    static const struct {
        const char *body, *told;
    } bodies[] = {{"", "nothing"},
                  {"0", "1 byte"},
                  {"<html><body>502 Bad Gateway</body></html>", "HTML"},
                  {"\r\n <!DOCTYPE html>", "HTML"},
                  {"-----BEGIN OCSP RESPONSE-----\n", "PEM"},
                  {"Service unavailable", "text"},
                  {"\x30\x03\x0a\x01\x06 and more", "behind"},
                  {"\x30\x03\x0a\x01", "no DER"}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        judge_bytes(slice_string(bodies[i].body));
        EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_BODY);
        if (!strstr(seen(CHECK_OCSP_BODY), bodies[i].told))
            fail_msg("'%s' is told as: %s", bodies[i].body, seen(CHECK_OCSP_BODY));
    }
}

static void no_prefix_of_a_response_is_one(void **state) {
    (void)state;
    struct slice whole = pki_ocsp(&wanted);
    for (size_t size = 0; size < whole.size; size++) {
        uint8_t *copy = memory_copy(whole.data, size); /* so that a read past the end is seen */
        judge_bytes(slice_make(copy, size));
        free(copy);
        EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_BODY);
    }
}

static void a_flipped_bit_is_never_good(void **state) {
    (void)state;
    struct slice whole = pki_ocsp(&wanted);
    uint8_t *copy = memory_copy(whole.data, whole.size);
    for (size_t bit = 0; bit < 8 * whole.size; bit += 3) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge_bytes(slice_make(copy, whole.size));
        if (report.verdict != VERDICT_UNUSABLE)
            fail_msg("bit %zu was flipped: %s", bit, liveness_verdict_name(report.verdict));
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(copy);
}

static void an_error_is_no_answer(void **state) {
    (void)state;
    judge_bytes(SLICE("\x30\x03\x0a\x01\x03"));
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_STATUS);
    assert_string_equal(seen(CHECK_OCSP_STATUS), "tryLater (3)");
    judge_bytes(SLICE("\x30\x03\x0a\x01\x04"));
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_STATUS);
    assert_string_equal(seen(CHECK_OCSP_STATUS), "4, which is unused");
    judge_bytes(SLICE("\x30\x03\x0a\x01\x06"));
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_STATUS, CHECK_OCSP_AUTHORITATIVE);
    question.expected = OCSP_EXPECT_UNISSUED;
    judge_bytes(SLICE("\x30\x03\x0a\x01\x06"));
    EXPECT_GOOD(VERDICT_UNUSABLE);
}

/* ---- who signed it */

static void a_signature_by_a_stranger_is_no_signature(void **state) {
    (void)state;
    wanted.signer = world.old_ca;
    wanted.key = KEY_OLD_CA;
    wanted.sent = NULL;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_SIGNATURE);
}

static void the_previous_ca_key_s_delegate_is_refused(void **state) {
    (void)state;
    struct pki_certificate delegate = delegate_template();
    delegate.issuer = world.old_ca;
    delegate.issuer_key = KEY_OLD_CA;
    wanted.signer = wanted.sent = pki_certificate(&delegate);
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_DELEGATE_ISSUER);
}

static void sha1_is_too_weak_for_the_baseline_requirements(void **state) {
    (void)state;
    wanted.digest = EVP_sha1();
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_SIGNATURE_DIGEST);
    liveness_policy_default(&policy, PROFILE_RFC);
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void a_responder_id_that_names_somebody_else_is_refused(void **state) {
    (void)state;
    wanted.signer = world.renamed_ca; /* the same key under another name */
    wanted.key = KEY_CA;
    wanted.sent = NULL;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_RESPONDER_ID);
}

static void each_fault_of_a_delegate_is_found(void **state) {
    (void)state;
    static const struct {
        struct pki_extension extensions[6];
        enum liveness_check check;
        enum liveness_verdict verdict;
    } cases[] = {
        {{{NID_key_usage, "critical,digitalSignature"},
          {NID_ext_key_usage, "OCSPSigning,serverAuth"},
          {NID_id_pkix_OCSP_noCheck, "NULL"}},
         CHECK_OCSP_DELEGATE_PURPOSE_ONLY,
         VERDICT_GOOD},
        {{{NID_key_usage, "critical,digitalSignature"}, {NID_ext_key_usage, "OCSPSigning"}},
         CHECK_OCSP_DELEGATE_NOCHECK,
         VERDICT_GOOD},
        {{{NID_key_usage, "digitalSignature"},
          {NID_ext_key_usage, "OCSPSigning"},
          {NID_id_pkix_OCSP_noCheck, "NULL"}},
         CHECK_OCSP_DELEGATE_KEY_USAGE,
         VERDICT_GOOD},
        {{{NID_key_usage, "critical,digitalSignature,keyEncipherment"},
          {NID_ext_key_usage, "OCSPSigning"},
          {NID_id_pkix_OCSP_noCheck, "NULL"}},
         CHECK_OCSP_DELEGATE_KEY_USAGE,
         VERDICT_GOOD},
        {{{NID_id_pkix_OCSP_noCheck, "NULL"}, {NID_ext_key_usage, "OCSPSigning"}},
         CHECK_OCSP_DELEGATE_KEY_USAGE,
         VERDICT_GOOD},
        {{{NID_key_usage, "critical,digitalSignature"},
          {NID_ext_key_usage, "OCSPSigning"},
          {NID_id_pkix_OCSP_noCheck, "NULL"},
          {NID_basic_constraints, "CA:TRUE"}},
         CHECK_OCSP_DELEGATE_CA,
         VERDICT_GOOD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pki_certificate delegate = delegate_template();
        memcpy(delegate.extensions, cases[i].extensions, sizeof delegate.extensions);
        wanted.signer = wanted.sent = pki_certificate(&delegate);
        judge();
        EXPECT(cases[i].verdict, cases[i].check);
    }
}

static void a_delegate_without_the_purpose_is_none(void **state) {
    (void)state;
    struct pki_certificate delegate = delegate_template();
    delegate.extensions[1].value = "serverAuth";
    wanted.signer = wanted.sent = pki_certificate(&delegate);
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_DELEGATE_PURPOSE, CHECK_OCSP_DELEGATE_PURPOSE_ONLY);
    assert_string_equal(seen(CHECK_OCSP_DELEGATE_PURPOSE), "other purposes alone");
}

static void a_delegate_whose_time_is_over_signs_no_more(void **state) {
    (void)state;
    struct pki_certificate delegate = delegate_template();
    delegate.from = -30 * DAY;
    delegate.until = -HOUR;
    wanted.signer = wanted.sent = pki_certificate(&delegate);
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_DELEGATE_LIFE, CHECK_OCSP_CERTIFICATE_ENDS);
}

static void a_delegate_that_ends_before_the_next_update_is_found(void **state) {
    (void)state;
    struct pki_certificate delegate = delegate_template();
    delegate.until = 3 * DAY - 1;
    wanted.signer = wanted.sent = pki_certificate(&delegate);
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_CERTIFICATE_ENDS);
    delegate.until = 3 * DAY;
    wanted.signer = wanted.sent = pki_certificate(&delegate);
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void what_was_produced_outside_the_signer_s_life_is_refused(void **state) {
    (void)state;
    wanted.produced = -2 * DAY;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_PRODUCED_LIFE);
}

/* ---- extensions */

static void an_unknown_critical_extension_is_refused_wherever_it_stands(void **state) {
    (void)state;
    wanted.critical_oid = "1.2.3.4";
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_CRITICAL_EXTENSION);
    assert_string_equal(seen(CHECK_OCSP_CRITICAL_EXTENSION), "1.2.3.4");
    wanted.critical_oid = NULL;
    wanted.singles[0].critical_oid = "1.2.3.5";
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_CRITICAL_EXTENSION);
    wanted.singles[0].critical_oid = "1.3.6.1.5.5.7.48.1.6"; /* archive cutoff */
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void a_nonce_is_echoed_or_left_out(void **state) {
    (void)state;
    question.nonce = SLICE("0123456789abcdef0123456789abcdef");
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.nonce = question.nonce;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    assert_string_equal(seen(CHECK_OCSP_NONCE), "echoed");
    wanted.nonce = SLICE("0123456789abcdef0123456789abcdeF");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_NONCE);
}

/* ---- what it says */

static void an_answer_about_another_certificate_is_none(void **state) {
    (void)state;
    wanted.singles[0].serial = SERIAL + 1;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_CERT_ID);
    assert_string_equal(seen(CHECK_OCSP_CERT_ID), "serial 1235 of this issuer");
    wanted.singles[0].serial = SERIAL;
    wanted.singles[0].issuer = world.renamed_ca;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_CERT_ID);
    wanted.count = 0;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_CERT_ID);
}

static void two_answers_about_one_certificate_are_refused(void **state) {
    (void)state;
    wanted.count = 2;
    wanted.singles[1] = wanted.singles[0];
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_DUPLICATE);
    wanted.singles[1].digest = EVP_sha256();
    wanted.singles[1].status = V_OCSP_CERTSTATUS_REVOKED;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_DUPLICATE);
}

static void times_in_the_future_are_refused_beyond_a_minute(void **state) {
    (void)state;
    wanted.singles[0].this_update = wanted.produced = 60;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].this_update = 61;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_THIS_UPDATE_FUTURE);
    wanted.singles[0].this_update = 0;
    wanted.produced = 61;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_PRODUCED_FUTURE);
}

static void past_its_next_update_it_is_worth_nothing(void **state) {
    (void)state;
    wanted.singles[0].next_update = -HOUR;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_NEXT_UPDATE_PAST, CHECK_OCSP_REFRESH, CHECK_OCSP_AGE);
    assert_non_null(strstr(seen(CHECK_OCSP_NEXT_UPDATE_PAST), "1 h ago"));
}

static void without_a_next_update_it_is_against_rfc_5019(void **state) {
    (void)state;
    wanted.singles[0].next_update = 0;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_NEXT_UPDATE);
    liveness_policy_default(&policy, PROFILE_RFC);
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void the_next_update_comes_after_this_one(void **state) {
    (void)state;
    wanted.singles[0].next_update = -DAY;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_UPDATE_ORDER, CHECK_OCSP_NEXT_UPDATE_PAST);
}

static void a_validity_is_between_8_hours_and_10_days(void **state) {
    (void)state;
    wanted.produced = wanted.singles[0].this_update = -60;
    wanted.singles[0].next_update = 8 * HOUR - 60;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].next_update = 8 * HOUR - 61;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_VALIDITY_SHORT);
    wanted.singles[0].next_update = 10 * DAY - 60;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].next_update = 10 * DAY - 59;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_VALIDITY_LONG);
}

/* The delegate must have been there already. */
static void make_old_delegate(void) {
    struct pki_certificate delegate = delegate_template();
    delegate.from = -30 * DAY;
    wanted.signer = wanted.sent = pki_certificate(&delegate);
}

static void a_rising_age_warns_long_before_the_end(void **state) {
    (void)state;
    make_old_delegate();
    wanted.produced = wanted.singles[0].this_update = -4 * DAY;
    wanted.singles[0].next_update = 6 * DAY;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].this_update = -4 * DAY - 1; /* still valid, but older than 4 days */
    wanted.singles[0].next_update = 5 * DAY;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_REFRESH);
    assert_int_equal(report.state, LIVENESS_WARN);
    wanted.singles[0].this_update = -16 * HOUR; /* a day's validity: 8 h before its end */
    wanted.singles[0].next_update = 8 * HOUR;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.singles[0].this_update = -16 * HOUR - 1;
    wanted.singles[0].next_update = 8 * HOUR - 1;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_REFRESH);
    wanted.singles[0].this_update = -5 * HOUR - 1; /* ten hours: half of it */
    wanted.singles[0].next_update = 5 * HOUR - 1;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_REFRESH);
    wanted.singles[0].this_update = -76 * HOUR;
    wanted.singles[0].next_update = 24 * HOUR;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_AGE);
}

static void a_relying_party_s_own_bound_counts(void **state) {
    (void)state;
    question.max_age_us = (uint64_t)DAY * 1000000;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    question.max_age_us--;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_OCSP_MAX_AGE);
}

static void unknown_for_a_certificate_that_was_issued_is_found_after_15_minutes(void **state) {
    (void)state;
    wanted.singles[0].status = V_OCSP_CERTSTATUS_UNKNOWN;
    judge();
    EXPECT(VERDICT_UNKNOWN, CHECK_OCSP_AUTHORITATIVE);
    question.certificate = NULL;
    question.serial = SLICE("\x12\x34");
    judge();
    EXPECT(VERDICT_UNKNOWN, CHECK_OCSP_AUTHORITATIVE);
    struct pki_certificate fresh = {"fresh", KEY_USER, world.ca, KEY_CA, SERIAL, -14 * 60, 60 * DAY, {{0}}};
    struct certificate certificate = pki_read(pki_certificate(&fresh));
    question.certificate = &certificate;
    judge();
    EXPECT_GOOD(VERDICT_UNKNOWN);
}

static void good_for_a_serial_that_was_never_issued_is_found(void **state) {
    (void)state;
    question.expected = OCSP_EXPECT_UNISSUED;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_UNISSUED_GOOD);
    wanted.singles[0].status = V_OCSP_CERTSTATUS_UNKNOWN;
    judge();
    EXPECT_GOOD(VERDICT_UNKNOWN);
    wanted.singles[0].status = V_OCSP_CERTSTATUS_REVOKED; /* RFC 6960 2.2 */
    wanted.singles[0].reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
}

static void the_expected_status_is_held_against_what_is_said(void **state) {
    (void)state;
    question.expected = OCSP_EXPECT_GOOD;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    question.expected = OCSP_EXPECT_REVOKED;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_OCSP_STATUS_EXPECTED);
    wanted.singles[0].status = V_OCSP_CERTSTATUS_REVOKED;
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
    question.expected = OCSP_EXPECT_GOOD;
    judge();
    EXPECT(VERDICT_REVOKED, CHECK_OCSP_STATUS_EXPECTED);
}

static void a_reason_is_one_that_may_be_given_and_the_expected_one(void **state) {
    (void)state;
    wanted.singles[0].status = V_OCSP_CERTSTATUS_REVOKED;
    for (int reason = -1; reason <= 10; reason++) {
        wanted.singles[0].reason = reason;
        judge();
        if (reason == -1 || reason == 1 || reason == 3 || reason == 4 || reason == 5 || reason == 9)
            EXPECT_GOOD(VERDICT_REVOKED);
        else
            EXPECT(VERDICT_REVOKED, CHECK_OCSP_REASON);
    }
    question.has_reason = true;
    question.reason = 1;
    wanted.singles[0].reason = 4;
    judge();
    EXPECT(VERDICT_REVOKED, CHECK_OCSP_REASON_EXPECTED);
    wanted.singles[0].reason = 1;
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
}

static void a_check_can_be_switched_off_by_name(void **state) {
    (void)state;
    struct fault fault = {0};
    wanted.singles[0].next_update = 20 * DAY;
    assert_true(liveness_policy_set(&policy, SLICE("ocsp.validity-long"), SLICE("off"), &fault));
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    assert_null(liveness_report_find(&report, CHECK_OCSP_VALIDITY_LONG));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, each)
    const struct CMUnitTest tests[] = {
        TEST(a_response_as_it_should_be_is_good),
        TEST(the_issuer_may_sign_itself_and_name_itself_by_key),
        TEST(a_delegate_may_be_known_beforehand_instead_of_sent),
        TEST(the_digests_in_a_cert_id_are_understood),
        TEST(answers_about_others_beside_it_do_no_harm),
        TEST(the_issuer_is_found_among_several),
        TEST(a_serial_is_enough_to_ask),
        TEST(rsa_and_ed25519_sign_as_well),
        TEST(a_body_that_is_no_response_is_told_by_what_it_is),
        TEST(no_prefix_of_a_response_is_one),
        TEST(a_flipped_bit_is_never_good),
        TEST(an_error_is_no_answer),
        TEST(a_signature_by_a_stranger_is_no_signature),
        TEST(the_previous_ca_key_s_delegate_is_refused),
        TEST(sha1_is_too_weak_for_the_baseline_requirements),
        TEST(a_responder_id_that_names_somebody_else_is_refused),
        TEST(each_fault_of_a_delegate_is_found),
        TEST(a_delegate_without_the_purpose_is_none),
        TEST(a_delegate_whose_time_is_over_signs_no_more),
        TEST(a_delegate_that_ends_before_the_next_update_is_found),
        TEST(what_was_produced_outside_the_signer_s_life_is_refused),
        TEST(an_unknown_critical_extension_is_refused_wherever_it_stands),
        TEST(a_nonce_is_echoed_or_left_out),
        TEST(an_answer_about_another_certificate_is_none),
        TEST(two_answers_about_one_certificate_are_refused),
        TEST(times_in_the_future_are_refused_beyond_a_minute),
        TEST(past_its_next_update_it_is_worth_nothing),
        TEST(without_a_next_update_it_is_against_rfc_5019),
        TEST(the_next_update_comes_after_this_one),
        TEST(a_validity_is_between_8_hours_and_10_days),
        TEST(a_rising_age_warns_long_before_the_end),
        TEST(a_relying_party_s_own_bound_counts),
        TEST(unknown_for_a_certificate_that_was_issued_is_found_after_15_minutes),
        TEST(good_for_a_serial_that_was_never_issued_is_found),
        TEST(the_expected_status_is_held_against_what_is_said),
        TEST(a_reason_is_one_that_may_be_given_and_the_expected_one),
        TEST(a_check_can_be_switched_off_by_name),
    };
    return cmocka_run_group_tests_name("ocsp_judge", tests, set_up, tear_down);
}

/* CRLs judged: one that is as it should be, and for each rule one that breaks it and nothing else; in pieces of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "crl_judge.h"
#include "der_write.h"
#include "memory.h"
#include "pki.h"

#define URI "http://crl.example.org/7.crl"

static struct world {
    X509 *ca, *renamed_ca, *old_ca, *user;
    struct certificate issuers[2], certificate;
} world;

static struct liveness_report report;
static struct liveness_policy policy;
static struct crl_question question;
static struct pki_crl wanted;
static struct crl_state *before, *kept;
static struct pki_entry entries[32];

static X509 *make_ca(const char *name, enum pki_key key, const char *usage) {
    struct pki_certificate ca = {name,
                                 key,
                                 NULL,
                                 key,
                                 1,
                                 -365 * DAY,
                                 3650L * DAY,
                                 {{NID_basic_constraints, "critical,CA:TRUE"},
                                  {NID_key_usage, usage},
                                  {NID_subject_key_identifier, "hash"}}};
    return pki_certificate(&ca);
}

static int set_up(void **state) {
    (void)state;
    world.ca = make_ca("Test CA", KEY_CA, "critical,keyCertSign,cRLSign");
    world.renamed_ca = make_ca("Test CA renamed", KEY_CA, "critical,keyCertSign,cRLSign");
    world.old_ca = make_ca("Test CA", KEY_OLD_CA, "critical,keyCertSign,cRLSign");
    struct pki_certificate user = {"www.example.org",
                                   KEY_USER,
                                   world.ca,
                                   KEY_CA,
                                   0x1234,
                                   -30 * DAY,
                                   60 * DAY,
                                   {{NID_crl_distribution_points, "URI:" URI}}};
    world.user = pki_certificate(&user);
    world.issuers[0] = pki_read(world.ca);
    world.certificate = pki_read(world.user);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    pki_free();
    return 0;
}

/* As it should be: a day old, for a week, with two entries. */
static int each(void **state) {
    (void)state;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    question = (struct crl_question){
        .issuers = world.issuers, .issuer_count = 1, .now_us = PKI_NOW_US, .keep_entries = 1000};
    for (size_t i = 0; i < 32; i++) {
        static char serials[32][8];
        snprintf(serials[i], sizeof serials[i], "%zX", 0x4000 + i);
        entries[i] = (struct pki_entry){.serial = serials[i], .revoked = -2 * DAY, .reason = i % 2 ? 1 : -1};
    }
    wanted = (struct pki_crl){.issuer = world.ca,
                              .key = KEY_CA,
                              .version = 1,
                              .this_update = -DAY,
                              .next_update = 6 * DAY,
                              .number = "0100",
                              .count = 2,
                              .entries = entries};
    return 0;
}

static int after_each(void **state) {
    (void)state;
    before = crl_state_destroy(before);
    kept = crl_state_destroy(kept);
    return 0;
}

static void judge_pieces(struct slice body, size_t piece) {
    question.previous = before;
    struct crl_judge *judge = crl_judge_create(&question, &policy);
    for (size_t at = 0; at < body.size; at += piece) {
        struct slice part = slice_head(slice_from(body, at), piece);
        uint8_t *copy = memory_copy(part.data, part.size); /* gone as soon as it was given */
        crl_judge_add(judge, slice_make(copy, part.size));
        free(copy);
    }
    crl_judge_end(judge, &report);
    crl_state_destroy(kept);
    kept = crl_judge_take_state(judge);
    crl_judge_destroy(judge);
}
static void judge_bytes(struct slice body) {
    judge_pieces(body, body.size ? body.size : 1);
}
static void judge(void) {
    judge_bytes(pki_crl(&wanted));
}

/* What was judged last is the one before from now on. */
static void remember(void) {
    assert_non_null(kept);
    crl_state_destroy(before);
    before = kept;
    kept = NULL;
}

static const char *seen(enum liveness_check check) {
    const struct liveness_finding *finding = liveness_report_find(&report, check);
    return finding ? finding->seen : "nothing";
}

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

static void a_crl_as_it_should_be_is_good(void **state) {
    (void)state;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    assert_int_equal(report.state, LIVENESS_OK);
    assert_true(report.count > 25);
    wanted.count = 0;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void who_is_listed_is_revoked(void **state) {
    (void)state;
    question.serial = SLICE("\x40\x01");
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
    question.serial = SLICE("\x40\x02");
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    question.certificate = &world.certificate;
    entries[1].serial = "1234";
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
}

static void pieces_of_any_size_give_the_same(void **state) {
    (void)state;
    wanted.count = 20;
    wanted.scope = "fullname:URI:" URI;
    question.uri = SLICE(URI);
    struct slice body = pki_crl(&wanted);
    struct liveness_report whole;
    judge_bytes(body);
    whole = report;
    for (size_t piece = 1; piece < 200; piece++) {
        judge_pieces(body, piece);
        assert_int_equal(report.count, whole.count);
        assert_int_equal(report.verdict, VERDICT_GOOD);
        for (size_t i = 0; i < report.count; i++)
            assert_string_equal(report.findings[i].seen, whole.findings[i].seen);
    }
}

static void rsa_and_ed25519_sign_as_well(void **state) {
    (void)state;
    static const enum pki_key keys[] = {KEY_RSA, KEY_ED25519};
    struct certificate mine = world.issuers[0];
    for (size_t i = 0; i < 2; i++) {
        wanted.issuer = make_ca("Test CA", keys[i], "critical,keyCertSign,cRLSign");
        wanted.key = keys[i];
        world.issuers[0] = pki_read(wanted.issuer);
        judge_pieces(pki_crl(&wanted), 100);
        EXPECT_GOOD(VERDICT_GOOD);
    }
    world.issuers[0] = mine;
}

/* ---- the list as a whole */

static void a_body_that_is_no_crl_is_told_by_what_it_is(void **state) {
    (void)state;
    static const struct {
        const char *body, *told;
    } bodies[] = {{"", "nothing"},
                  {"0", "1 byte"},
                  {"<html><body>404</body></html>", "HTML"},
                  {"-----BEGIN X509 CRL-----\n", "PEM"},
                  {"Not found", "text"},
                  {"\x30\x82\x01", "in the middle"}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        judge_bytes(slice_string(bodies[i].body));
        EXPECT(VERDICT_UNUSABLE, CHECK_CRL_BODY);
        if (!strstr(seen(CHECK_CRL_BODY), bodies[i].told))
            fail_msg("'%s' is told as: %s", bodies[i].body, seen(CHECK_CRL_BODY));
    }
}

static void no_prefix_of_a_crl_is_one_and_nothing_stands_behind_it(void **state) {
    (void)state;
    struct slice whole = pki_crl(&wanted);
    for (size_t size = 0; size < whole.size; size++) {
        judge_bytes(slice_head(whole, size));
        EXPECT(VERDICT_UNUSABLE, CHECK_CRL_BODY);
    }
    CLEANUP_BUFFER struct buffer more = BUFFER(65536);
    buffer_append_slice(&more, whole);
    buffer_append_string(&more, "\n");
    judge_pieces(buffer_slice(&more), whole.size);
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_BODY);
}

static void a_flipped_bit_is_never_good(void **state) {
    (void)state;
    struct slice whole = pki_crl(&wanted);
    uint8_t *copy = memory_copy(whole.data, whole.size);
    for (size_t bit = 0; bit < 8 * whole.size; bit++) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge_bytes(slice_make(copy, whole.size));
        if (report.verdict != VERDICT_UNUSABLE)
            fail_msg("bit %zu was flipped: %s", bit, liveness_verdict_name(report.verdict));
        assert_null(kept); /* and it takes no other's place */
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(copy);
}

static void a_crl_beyond_100_mib_is_refused_and_none_of_it_kept(void **state) {
    (void)state;
    uint8_t *zeros = memory_new(1 << 20);
    struct crl_judge *judging = crl_judge_create(&question, &policy);
    crl_judge_add(judging, SLICE("\x30\x84\x10\x00\x00\x00"));
    for (size_t i = 0; i < 100; i++)
        crl_judge_add(judging, slice_make(zeros, 1 << 20));
    crl_judge_end(judging, &report);
    crl_judge_destroy(judging);
    free(zeros);
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_SIZE);
}

static void a_crl_is_of_version_2(void **state) {
    (void)state;
    wanted.version = 0; /* and then it has no extensions */
    entries[1].reason = -1;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_VERSION, CHECK_CRL_AUTHORITY_KEY, CHECK_CRL_NUMBER);
    wanted.version = 2;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_VERSION, CHECK_CRL_AUTHORITY_KEY, CHECK_CRL_NUMBER);
}

static void another_ca_s_crl_is_found(void **state) {
    (void)state;
    wanted.issuer = world.renamed_ca;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_ISSUER);
}

static void an_issuer_in_other_bytes_is_found_though_a_relying_party_may_take_it(void **state) {
    (void)state;
    wanted.issuer = make_ca("TEST  ca", KEY_CA, "critical,keyCertSign,cRLSign");
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_ISSUER);
}

static void a_crl_signed_with_the_previous_key_is_found(void **state) {
    (void)state;
    wanted.issuer = world.old_ca;
    wanted.key = KEY_OLD_CA;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_SIGNATURE, CHECK_CRL_AUTHORITY_KEY);
    world.issuers[1] = pki_read(world.old_ca);
    question.issuer_count = 2;
    question.certificate = &world.certificate; /* which the other key signed */
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_SIGNATURE, CHECK_CRL_AUTHORITY_KEY);
    assert_non_null(strstr(seen(CHECK_CRL_SIGNATURE), "another key"));
    question.certificate = NULL; /* who has both keys takes either */
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void both_algorithms_are_the_same(void **state) {
    (void)state;
    /* The outer one is not signed: ecdsa-with-SHA256 becomes SHA384. */
    struct slice whole = pki_crl(&wanted);
    uint8_t *copy = memory_copy(whole.data, whole.size);
    struct slice oid = SLICE("\x2a\x86\x48\xce\x3d\x04\x03\x02");
    size_t first = slice_find(whole, oid), second = first + 1 + slice_find(slice_from(whole, first + 1), oid);
    copy[second + 7] = 3;
    judge_bytes(slice_make(copy, whole.size));
    free(copy);
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_ALGORITHM);
}

static void sha1_is_too_weak_for_the_baseline_requirements(void **state) {
    (void)state;
    wanted.digest = EVP_sha1();
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_SIGNATURE_DIGEST);
}

static void an_issuer_that_may_not_sign_crls_is_found(void **state) {
    (void)state;
    struct certificate mine = world.issuers[0];
    wanted.issuer = make_ca("Test CA", KEY_CA, "critical,keyCertSign");
    world.issuers[0] = pki_read(wanted.issuer);
    judge();
    world.issuers[0] = mine;
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_ISSUER_KEY_USAGE);
}

static void the_authority_key_identifier_is_there_and_the_issuer_s(void **state) {
    (void)state;
    wanted.no_authority_key = true;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_AUTHORITY_KEY);
    wanted.no_authority_key = false;
    wanted.authority = world.old_ca;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_AUTHORITY_KEY);
}

static void a_number_is_there_not_critical_and_below_2_159(void **state) {
    (void)state;
    wanted.number = NULL;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_NUMBER);
    wanted.number = "01";
    wanted.number_critical = true;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_NUMBER_CRITICAL);
    wanted.number_critical = false;
    wanted.number = "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.number = "8000000000000000000000000000000000000000";
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_NUMBER_RANGE);
    wanted.number = "-1";
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_NUMBER_RANGE);
}

static void an_unknown_critical_extension_is_refused_wherever_it_stands(void **state) {
    (void)state;
    wanted.extra_oid = "1.2.3.4";
    wanted.extra_value = SLICE("\x05\x00");
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.extra_critical = true;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_CRITICAL_EXTENSION);
    wanted.extra_oid = NULL;
    entries[1].critical_oid = "1.2.3.5";
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_CRITICAL_EXTENSION);
    assert_string_equal(seen(CHECK_CRL_CRITICAL_EXTENSION), "1.2.3.5: 1 of 2 entries, serial 4001 first");
}

/* ---- scope */

static void a_shard_names_where_it_is(void **state) {
    (void)state;
    wanted.scope = "fullname:URI:" URI;
    question.uri = SLICE(URI);
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    question.uri = SLICE("");
    question.certificate = &world.certificate; /* its own says the same */
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.scope = "fullname:URI:http://crl.example.org/8.crl";
    judge();
    EXPECT(VERDICT_UNKNOWN, CHECK_CRL_SCOPE_URI);
    wanted.scope = "fullname:URI:" URI;
    wanted.scope_uncritical = true;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_SCOPE_CRITICAL);
}

static void a_list_of_cas_alone_says_nothing_about_a_user(void **state) {
    (void)state;
    wanted.scope = "onlyCA:TRUE";
    question.certificate = &world.certificate;
    judge();
    EXPECT_GOOD(VERDICT_UNKNOWN);
    wanted.scope = "onlyuser:TRUE";
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void a_scope_that_makes_no_sense_is_found(void **state) {
    (void)state;
    wanted.scope = "onlyCA:TRUE,onlyuser:TRUE";
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_SCOPE_BOTH);
    wanted.scope = "onlyAA:TRUE";
    judge();
    EXPECT(VERDICT_UNKNOWN, CHECK_CRL_SCOPE_BOTH);
    wanted.scope = "onlysomereasons:keyCompromise";
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_SCOPE_REASONS);
    wanted.scope = NULL;
    wanted.extra_oid = "2.5.29.28";
    wanted.extra_critical = true;
    wanted.extra_value = SLICE("\x30\x00");
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_SCOPE_EMPTY);
    wanted.extra_value = SLICE("\x30\x03\x84\x01\xff");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_INDIRECT);
    wanted.extra_value = SLICE("\x30\x01");
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_CRITICAL_EXTENSION);
}

static void an_entry_of_another_issuer_makes_it_indirect(void **state) {
    (void)state;
    entries[0].critical_oid = "2.5.29.29";
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_INDIRECT);
}

static void a_delta_says_nothing_about_who_is_not_in_it(void **state) {
    (void)state;
    question.serial = SLICE("\x40\x01");
    wanted.extra_oid = "2.5.29.27";
    wanted.extra_critical = true;
    wanted.extra_value = SLICE("\x02\x01\x7f");
    entries[0].reason = 8;
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
    question.serial = SLICE("\x40\x02");
    judge();
    EXPECT_GOOD(VERDICT_UNKNOWN);
    wanted.extra_critical = false;
    judge();
    EXPECT(VERDICT_UNKNOWN, CHECK_CRL_DELTA);
    wanted.extra_critical = true;
    wanted.extra_value = SLICE("\x02\x02\x01\x01"); /* behind its own number */
    judge();
    EXPECT(VERDICT_UNKNOWN, CHECK_CRL_DELTA);
}

static void freshest_crl_is_never_critical(void **state) {
    (void)state;
    wanted.extra_oid = "2.5.29.46";
    wanted.extra_value = SLICE("\x30\x00");
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.extra_critical = true;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_FRESHEST);
}

/* ---- entries */

/* The library writes no empty list: it is put in, and all is signed again. */
static void an_empty_list_is_found(void **state) {
    (void)state;
    wanted.count = 0;
    struct slice whole = pki_crl(&wanted);
    struct der_reader outer = der_read(whole), list = der_enter(&outer, DER_SEQUENCE),
                      tbs = der_enter(&list, DER_SEQUENCE);
    CLEANUP_BUFFER struct buffer made = BUFFER(65536);
    for (int i = 0; i < 5; i++)
        buffer_append_slice(&made, der_take_any(&tbs).whole);
    der_write(&made, DER_SEQUENCE, SLICE(""));
    buffer_append_slice(&made, tbs.rest);
    der_wrap(&made, 0, DER_SEQUENCE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t signature[128] = {0}; /* the first byte: no unused bits */
    size_t size = sizeof signature - 1;
    EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pki_key(KEY_CA));
    assert_true(EVP_DigestSign(context, signature + 1, &size, made.data, made.size) > 0);
    EVP_MD_CTX_free(context);
    buffer_append_slice(&made, der_take_whole(&list, DER_SEQUENCE));
    der_write(&made, DER_BIT_STRING, slice_make(signature, size + 1));
    der_wrap(&made, 0, DER_SEQUENCE);
    judge_bytes(buffer_slice(&made));
    EXPECT(VERDICT_GOOD, CHECK_CRL_EMPTY_LIST);
}

static void a_reason_is_one_that_may_be_given(void **state) {
    (void)state;
    for (int reason = 0; reason <= 12; reason++) {
        entries[0].reason = reason;
        judge();
        if (reason == 1 || reason == 3 || reason == 4 || reason == 5 || reason == 9)
            EXPECT_GOOD(VERDICT_GOOD);
        else
            EXPECT(VERDICT_GOOD, reason == 0                   ? CHECK_CRL_REASON_UNSPECIFIED
                                 : reason == 6                 ? CHECK_CRL_REASON_HOLD
                                 : reason == 2 || reason == 10 ? CHECK_CRL_REASON_ALLOWED
                                                               : CHECK_CRL_REASON_KNOWN);
    }
    entries[0].reason = 1;
    entries[0].reason_critical = true;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_REASON_CRITICAL);
}

/* ---- times */

static void times_in_the_future_are_refused_beyond_a_minute(void **state) {
    (void)state;
    wanted.this_update = 60;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.this_update = 61;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_THIS_UPDATE_FUTURE);
}

static void past_its_next_update_it_is_worth_nothing(void **state) {
    (void)state;
    wanted.this_update = -6 * DAY;
    wanted.next_update = -1;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_NEXT_UPDATE_PAST, CHECK_CRL_AGE);
    wanted.next_update = -7 * DAY;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_NEXT_UPDATE_PAST, CHECK_CRL_UPDATE_ORDER);
    wanted.next_update = 0;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_NEXT_UPDATE);
}

static void a_validity_is_10_days_at_most_and_a_year_for_cas(void **state) {
    (void)state;
    wanted.next_update = 9 * DAY;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.next_update = 9 * DAY + 1;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_VALIDITY_LONG);
    liveness_policy_default(&policy, PROFILE_RFC);
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    wanted.scope = "onlyCA:TRUE";
    wanted.next_update = 364 * DAY;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void a_rising_age_warns_long_before_the_end(void **state) {
    (void)state;
    wanted.this_update = -7 * DAY;
    wanted.next_update = 3 * DAY;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    wanted.this_update = -7 * DAY - 1;
    wanted.next_update = 3 * DAY - 1;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_REFRESH);
    wanted.this_update = -3 * DAY - 60;
    wanted.next_update = DAY;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_AGE);
    assert_int_equal(report.state, LIVENESS_WARN);
}

static void without_ocsp_a_new_one_is_due_every_4_days(void **state) {
    (void)state;
    wanted.this_update = -4 * DAY - 1;
    wanted.next_update = 5 * DAY;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    question.certificate = &world.certificate;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_REFRESH);
}

static void a_relying_party_s_own_bound_counts(void **state) {
    (void)state;
    question.max_age_us = (uint64_t)DAY * 1000000;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    question.max_age_us--;
    judge();
    EXPECT(VERDICT_UNUSABLE, CHECK_CRL_MAX_AGE);
}

/* ---- against the one before */

static void make_before(void) {
    wanted.count = 16;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
    remember();
}

static void the_same_crl_again_and_a_newer_one_are_good(void **state) {
    (void)state;
    make_before();
    struct slice again = pki_crl(&wanted);
    judge_bytes(again);
    remember();
    judge_bytes(again);
    EXPECT_GOOD(VERDICT_GOOD);
    assert_string_equal(seen(CHECK_CRL_NUMBER_SAME), "0100 after 0100, the same bytes");
    wanted.number = "0101";
    wanted.this_update = 0;
    wanted.count = 17;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void a_number_that_falls_and_one_used_twice_are_found(void **state) {
    (void)state;
    make_before();
    wanted.number = "FF";
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_NUMBER_FALLS);
    wanted.number = "0100";
    wanted.this_update = 0;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_NUMBER_SAME);
    wanted.number = "0101";
    wanted.this_update = -DAY - 1; /* a copy from an older place */
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_OLDER);
}

static void half_its_former_size_and_entries_gone_are_found(void **state) {
    (void)state;
    make_before();
    wanted.number = "0101";
    wanted.count = 15;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_ENTRIES_GONE);
    assert_non_null(
        strstr(seen(CHECK_CRL_ENTRIES_GONE), "1 whose certificates may be valid still, such as serial 400f"));
    before = crl_state_destroy(before);
    make_before();
    wanted.number = "0102";
    wanted.count = 8;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_ENTRIES_GONE, CHECK_CRL_SHRINKS);
}

static void an_entry_so_old_that_its_certificate_has_ended_may_go(void **state) {
    (void)state;
    entries[15].revoked = -400 * DAY;
    make_before();
    wanted.number = "0101";
    wanted.count = 15;
    judge();
    EXPECT_GOOD(VERDICT_GOOD);
}

static void the_asked_certificate_s_entry_stays_until_its_end(void **state) {
    (void)state;
    question.certificate = &world.certificate;
    entries[15].serial = "1234";
    entries[15].revoked = -400 * DAY; /* so that the guess alone would let it go */
    wanted.count = 16;
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
    remember();
    wanted.number = "0101";
    wanted.count = 15;
    judge();
    EXPECT(VERDICT_GOOD, CHECK_CRL_ENTRY_GONE);
    wanted.count = 16;
    judge();
    EXPECT_GOOD(VERDICT_REVOKED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(a_crl_as_it_should_be_is_good),
        TEST(who_is_listed_is_revoked),
        TEST(pieces_of_any_size_give_the_same),
        TEST(rsa_and_ed25519_sign_as_well),
        TEST(a_body_that_is_no_crl_is_told_by_what_it_is),
        TEST(no_prefix_of_a_crl_is_one_and_nothing_stands_behind_it),
        TEST(a_flipped_bit_is_never_good),
        TEST(a_crl_beyond_100_mib_is_refused_and_none_of_it_kept),
        TEST(a_crl_is_of_version_2),
        TEST(another_ca_s_crl_is_found),
        TEST(an_issuer_in_other_bytes_is_found_though_a_relying_party_may_take_it),
        TEST(a_crl_signed_with_the_previous_key_is_found),
        TEST(both_algorithms_are_the_same),
        TEST(sha1_is_too_weak_for_the_baseline_requirements),
        TEST(an_issuer_that_may_not_sign_crls_is_found),
        TEST(the_authority_key_identifier_is_there_and_the_issuer_s),
        TEST(a_number_is_there_not_critical_and_below_2_159),
        TEST(an_unknown_critical_extension_is_refused_wherever_it_stands),
        TEST(a_shard_names_where_it_is),
        TEST(a_list_of_cas_alone_says_nothing_about_a_user),
        TEST(a_scope_that_makes_no_sense_is_found),
        TEST(an_entry_of_another_issuer_makes_it_indirect),
        TEST(a_delta_says_nothing_about_who_is_not_in_it),
        TEST(freshest_crl_is_never_critical),
        TEST(an_empty_list_is_found),
        TEST(a_reason_is_one_that_may_be_given),
        TEST(times_in_the_future_are_refused_beyond_a_minute),
        TEST(past_its_next_update_it_is_worth_nothing),
        TEST(a_validity_is_10_days_at_most_and_a_year_for_cas),
        TEST(a_rising_age_warns_long_before_the_end),
        TEST(without_ocsp_a_new_one_is_due_every_4_days),
        TEST(a_relying_party_s_own_bound_counts),
        TEST(the_same_crl_again_and_a_newer_one_are_good),
        TEST(a_number_that_falls_and_one_used_twice_are_found),
        TEST(half_its_former_size_and_entries_gone_are_found),
        TEST(an_entry_so_old_that_its_certificate_has_ended_may_go),
        TEST(the_asked_certificate_s_entry_stays_until_its_end),
    };
    return cmocka_run_group_tests_name("crl_judge", tests, set_up, tear_down);
}

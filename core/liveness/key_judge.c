#include "key_judge.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "rsa_weakness.h"

#define RSA_BITS_LEAST 2048u /* Baseline Requirements 6.1.5 */

enum key_kind { KEY_KIND_RSA, KEY_KIND_EC, KEY_KIND_OTHER };

struct key {
    enum key_kind kind;
    char kind_name[EXTENSION_OID_TEXT];
    bool known_curve;
    struct slice modulus, exponent; /* magnitudes of an RSA key */
    unsigned bits;
};

struct judging {
    const struct certificate *certificate;
    const struct weak_keys *list;
    struct liveness_report *report;
    char name[CERTIFICATE_NAME_TEXT];
    struct key key;
};

#define OID_RSA SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
#define OID_RSA_PSS SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")
#define OID_EC SLICE("\x2a\x86\x48\xce\x3d\x02\x01")

/* ---- reading */

static unsigned count_bits(struct slice magnitude) {
    unsigned bits = 8 * (unsigned)magnitude.size;
    for (uint8_t top = magnitude.size ? magnitude.data[0] : 0xff; bits && !(top & 0x80);
         top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static bool read_rsa(struct slice bits, struct key *key) {
    struct der_reader outer = der_read(bits), parts = der_enter(&outer, DER_SEQUENCE);
    struct slice modulus = der_take_integer(&parts), exponent = der_take_integer(&parts);
    if (!der_done(&parts) || !der_done(&outer) || der_negative(modulus) || der_negative(exponent))
        return false;
    key->kind = KEY_KIND_RSA;
    key->modulus = der_magnitude(modulus);
    key->exponent = der_magnitude(exponent);
    key->bits = count_bits(key->modulus);
    snprintf(key->kind_name, sizeof key->kind_name, "RSA");
    return true;
}

static bool read_ec(struct der_reader *parameters, struct slice bits, struct key *key) {
    const struct {
        struct slice oid;
        const char *name;
        unsigned bits;
    } curves[] = {{SLICE("\x2a\x86\x48\xce\x3d\x03\x01\x07"), "P-256", 256},
                  {SLICE("\x2b\x81\x04\x00\x22"), "P-384", 384},
                  {SLICE("\x2b\x81\x04\x00\x23"), "P-521", 521}};
    key->kind = KEY_KIND_EC;
    snprintf(key->kind_name, sizeof key->kind_name, "a curve of its own");
    if (!der_is(parameters, DER_OID))
        return true;
    struct slice oid = der_take(parameters, DER_OID);
    extension_oid_text(oid, key->kind_name);
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (slice_equal(oid, curves[i].oid)) {
            key->known_curve = true;
            key->bits = curves[i].bits;
            snprintf(key->kind_name, sizeof key->kind_name, "%s", curves[i].name);
        }
    return bits.size > 1; /* one byte: the point at infinity */
}

static void name_other(struct slice oid, struct key *key) {
    const struct {
        struct slice oid;
        const char *name;
    } names[] = {{SLICE("\x2b\x65\x70"), "Ed25519"}, {SLICE("\x2b\x65\x71"), "Ed448"}};
    key->kind = KEY_KIND_OTHER;
    extension_oid_text(oid, key->kind_name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_equal(oid, names[i].oid))
            snprintf(key->kind_name, sizeof key->kind_name, "%s", names[i].name);
}

/* Whether libcrypto can do anything with it: an EC key's point lies on its curve, say. */
static bool is_usable(struct slice key) {
    const unsigned char *at = key.data;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)key.size);
    bool usable = public != NULL;
    EVP_PKEY_free(public);
    ERR_clear_error();
    return usable;
}

static bool read_key(struct slice whole, struct key *key) {
    struct der_reader outer = der_read(whole), parts = der_enter(&outer, DER_SEQUENCE),
                      algorithm = der_enter(&parts, DER_SEQUENCE);
    struct slice oid = der_take(&algorithm, DER_OID), bits = der_take_bits(&parts);
    if (!der_done(&parts) || !der_done(&outer) || algorithm.failed)
        return false;
    if (slice_equal(oid, OID_RSA) || slice_equal(oid, OID_RSA_PSS))
        return read_rsa(bits, key);
    if (slice_equal(oid, OID_EC))
        return read_ec(&algorithm, bits, key);
    name_other(oid, key);
    return true;
}

/* ---- judging */

static void skip_factoring(struct judging *judging, const char *why) {
    static const enum liveness_check checks[] = {CHECK_TLS_KEY_EXPONENT, CHECK_TLS_KEY_FACTOR,
                                                 CHECK_TLS_KEY_CLOSE_PRIMES, CHECK_TLS_KEY_ROCA};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        liveness_skip(judging->report, checks[i], "%s: %s", judging->name, why);
}

static bool judge_exponent(struct judging *judging) {
    struct slice exponent = judging->key.exponent;
    bool odd = exponent.size && (exponent.data[exponent.size - 1] & 1);
    bool good = odd && (exponent.size > 1 || exponent.data[0] >= 3);
    char hex[LIVENESS_HEX_SIZE];
    return liveness_check(judging->report, CHECK_TLS_KEY_EXPONENT, good, "%s: 0x%s", judging->name,
                          liveness_hex(exponent, hex));
}

static bool judge_factors(struct judging *judging) {
    const struct key *key = &judging->key;
    const char *name = judging->name;
    unsigned factor = rsa_small_factor(key->modulus);
    bool close = rsa_has_close_primes(key->modulus, KEY_FERMAT_ROUNDS), roca = rsa_is_roca(key->modulus);
    liveness_check(judging->report, CHECK_TLS_KEY_FACTOR, factor == 0,
                   factor ? "%s: divisible by %u" : "%s: none", name, factor);
    liveness_check(judging->report, CHECK_TLS_KEY_CLOSE_PRIMES, !close,
                   close ? "%s: anybody can factor it" : "%s: not within %u rounds", name, KEY_FERMAT_ROUNDS);
    liveness_check(judging->report, CHECK_TLS_KEY_ROCA, !roca,
                   roca ? "%s: a power of 65537 modulo the first primes" : "%s: no power", name);
    return factor == 0 && !close && !roca;
}

static bool judge_rsa(struct judging *judging) {
    unsigned bits = judging->key.bits;
    bool sized = liveness_check(judging->report, CHECK_TLS_KEY_SIZE, bits >= RSA_BITS_LEAST && bits % 8 == 0,
                                "%s: RSA, %u bits", judging->name, bits);
    liveness_check(judging->report, CHECK_TLS_KEY_CURVE, true, "%s: RSA", judging->name);
    bool odd = judge_exponent(judging);
    return judge_factors(judging) && sized && odd;
}

static bool judge_other(struct judging *judging) {
    const struct key *key = &judging->key;
    liveness_skip(judging->report, CHECK_TLS_KEY_SIZE, "%s: %s", judging->name, key->kind_name);
    liveness_check(judging->report, CHECK_TLS_KEY_CURVE, key->known_curve, "%s: %s", judging->name,
                   key->kind_name);
    skip_factoring(judging, "not RSA");
    return true;
}

static bool judge_listed(struct judging *judging) {
    if (!judging->list) {
        liveness_skip(judging->report, CHECK_TLS_KEY_LISTED, "no list of weak keys");
        return true;
    }
    bool listed = weak_keys_have(judging->list, judging->certificate->key, judging->key.modulus);
    return liveness_check(judging->report, CHECK_TLS_KEY_LISTED, !listed,
                          listed ? "%s: it is, among %zu keys" : "%s: not among %zu keys", judging->name,
                          weak_keys_count(judging->list));
}

bool key_judge(const struct certificate *certificate, const struct weak_keys *list,
               struct liveness_report *report) {
    struct judging judging = {.certificate = certificate, .list = list, .report = report};
    certificate_name_text(certificate->subject, judging.name);
    bool read = read_key(certificate->key, &judging.key),
         small = read && judging.key.bits <= RSA_WEAKNESS_BITS_MOST,
         usable = small && is_usable(certificate->key);
    liveness_check(report, CHECK_TLS_KEY, usable, "%s: %s%s", judging.name,
                   read ? judging.key.kind_name : "no key in DER",
                   usable           ? ""
                   : !read || small ? ", which cannot be used"
                                    : ", of more than 16,384 bits");
    if (!usable)
        return false;
    bool listed = judge_listed(&judging);
    return (judging.key.kind == KEY_KIND_RSA ? judge_rsa(&judging) : judge_other(&judging)) && listed;
}

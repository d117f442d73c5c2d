#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "encoding.h"
#include "files.h"
#include "scratch.h"
#include "tls_identity.h"

#define NOW 1763751600000000u /* 2025-11-21 */
#define DAY 86400000000u

static const char *folder(const char *name) {
    struct fault fault;
    const char *path = scratch_path(name);
    assert_true(files_make_folder(path, 0700, &fault));
    return path;
}

/* `$P` in the command is the path. */
static bool shell(const char *command, const char *path) {
    setenv("P", path, 1);
    return system(command) == 0;
}

static void an_identity_is_made_once_and_found_again(void **state) {
    (void)state;
    struct fault fault;
    const char *path = folder("once");
    struct tls_identity *made = tls_identity_open(path, "alpha", NOW, &fault);
    assert_non_null(made);
    struct tls_identity *found = tls_identity_open(path, "alpha", NOW + DAY, &fault);
    assert_non_null(found);
    assert_memory_equal(tls_identity_key_hash(made), tls_identity_key_hash(found), TLS_KEY_HASH_SIZE);
    assert_int_equal(tls_identity_expiry_us(found), NOW + TLS_CERTIFICATE_DAYS * DAY);
    struct stat status;
    assert_int_equal(stat(scratch_path("once/tls.key"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    tls_identity_destroy(made);
    tls_identity_destroy(found);
}

static void openssl_agrees_on_the_key_hash_and_the_certificate(void **state) {
    (void)state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer text = BUFFER(100);
    struct tls_identity *identity = tls_identity_open(folder("peer"), "alpha.example", NOW, &fault);
    assert_non_null(identity);
    assert_true(shell(
        "cd $P && openssl x509 -in tls.crt -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst "
        "-sha256 -r | cut -c1-64 > hash",
        scratch_path("peer")));
    assert_true(files_read_secret(scratch_path("peer/hash"), &text, &fault));
    char hash[65];
    encoding_hex(tls_identity_key_hash(identity), TLS_KEY_HASH_SIZE, hash);
    assert_string_equal(buffer_string(&text), hash);
    assert_true(shell("openssl x509 -in $P -noout -subject | grep -q 'CN *= *alpha.example$'",
                      scratch_path("peer/tls.crt")));
    assert_true(
        shell("openssl verify -x509_strict -attime 1763751600 -trusted $P -partial_chain $P >/dev/null",
              scratch_path("peer/tls.crt")));
    tls_identity_destroy(identity);
}

static void a_renewed_certificate_keeps_the_key_hash(void **state) {
    (void)state;
    struct fault fault;
    struct tls_identity *old = tls_identity_open(folder("renew"), "alpha", NOW, &fault);
    assert_false(tls_identity_is_due(old, NOW + 200 * DAY));
    assert_true(tls_identity_is_due(old, NOW + 300 * DAY));
    assert_true(tls_identity_renew(scratch_path("renew/tls.key"), scratch_path("renew/tls.crt"), "alpha",
                                   NOW + 300 * DAY, &fault));
    struct tls_identity *new =
        tls_identity_load(scratch_path("renew/tls.key"), scratch_path("renew/tls.crt"), &fault);
    assert_memory_equal(tls_identity_key_hash(old), tls_identity_key_hash(new), TLS_KEY_HASH_SIZE);
    assert_int_equal(tls_identity_expiry_us(new), NOW + (300 + TLS_CERTIFICATE_DAYS) * DAY);
    tls_identity_destroy(old);
    tls_identity_destroy(new);
}

static void an_expired_or_missing_certificate_is_made_again_for_the_same_key(void **state) {
    (void)state;
    struct fault fault;
    uint8_t hash[TLS_KEY_HASH_SIZE];
    struct tls_identity *identity = tls_identity_open(folder("expired"), "alpha", NOW, &fault);
    memcpy(hash, tls_identity_key_hash(identity), sizeof hash);
    tls_identity_destroy(identity);
    identity = tls_identity_open(scratch_path("expired"), "alpha", NOW + 400 * DAY, &fault);
    assert_memory_equal(hash, tls_identity_key_hash(identity), sizeof hash);
    assert_true(tls_identity_expiry_us(identity) > NOW + 400 * DAY);
    tls_identity_destroy(identity);
    assert_int_equal(unlink(scratch_path("expired/tls.crt")), 0);
    identity = tls_identity_open(scratch_path("expired"), "alpha", NOW, &fault);
    assert_memory_equal(hash, tls_identity_key_hash(identity), sizeof hash);
    tls_identity_destroy(identity);
}

static void a_key_that_others_can_read_is_refused(void **state) {
    (void)state;
    struct fault fault;
    tls_identity_destroy(tls_identity_open(folder("open"), "alpha", NOW, &fault));
    assert_int_equal(chmod(scratch_path("open/tls.key"), 0640), 0);
    assert_null(tls_identity_open(scratch_path("open"), "alpha", NOW, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_non_null(strstr(fault.place, "tls.key"));
    assert_non_null(strstr(fault.text, "chmod 600"));
}

static void a_key_is_never_overwritten(void **state) {
    (void)state;
    struct fault fault;
    tls_identity_destroy(tls_identity_open(folder("kept"), "alpha", NOW, &fault));
    assert_false(
        tls_identity_make(scratch_path("kept/tls.key"), scratch_path("kept/tls.crt"), "alpha", NOW, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
}

static void anothers_certificate_is_refused(void **state) {
    (void)state;
    struct fault fault;
    tls_identity_destroy(tls_identity_open(folder("one"), "alpha", NOW, &fault));
    tls_identity_destroy(tls_identity_open(folder("two"), "beta", NOW, &fault));
    assert_null(tls_identity_load(scratch_path("one/tls.key"), scratch_path("two/tls.crt"), &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
}

static void what_is_no_key_or_of_another_kind_is_named(void **state) {
    (void)state;
    struct fault fault;
    tls_identity_destroy(tls_identity_open(folder("bad"), "alpha", NOW, &fault));
    assert_true(files_write(scratch_path("bad/tls.key"), SLICE("-----BEGIN nonsense"), 0600, &fault));
    assert_null(tls_identity_open(scratch_path("bad"), "alpha", NOW, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    assert_true(shell("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $P 2>/dev/null",
                      scratch_path("bad/tls.key")));
    assert_null(tls_identity_open(scratch_path("bad"), "alpha", NOW, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_non_null(strstr(fault.text, "RSA"));
    assert_true(
        shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x -out $P",
              scratch_path("bad/tls.key")));
    assert_null(
        tls_identity_open(scratch_path("bad"), "alpha", NOW, &fault)); /* and asks nobody for a passphrase */
    assert_int_equal(fault.code, FAULT_FORMAT);
}

static void an_ed25519_key_is_taken_as_well(void **state) {
    (void)state;
    struct fault fault;
    folder("ed");
    assert_true(shell("openssl genpkey -algorithm ed25519 -out $P", scratch_path("ed/tls.key")));
    struct tls_identity *identity = tls_identity_open(scratch_path("ed"), "alpha", NOW, &fault);
    assert_non_null(identity);
    tls_identity_destroy(identity);
}

static void a_name_without_or_with_too_many_bytes_is_refused(void **state) {
    (void)state;
    struct fault fault;
    char name[TLS_NAME_MOST + 2];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_null(tls_identity_open(folder("long"), name, NOW, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_null(tls_identity_open(folder("empty"), "", NOW, &fault));
    assert_null(tls_identity_open(scratch_path("no/such/folder"), "alpha", NOW, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_is_made_once_and_found_again),
        cmocka_unit_test(openssl_agrees_on_the_key_hash_and_the_certificate),
        cmocka_unit_test(a_renewed_certificate_keeps_the_key_hash),
        cmocka_unit_test(an_expired_or_missing_certificate_is_made_again_for_the_same_key),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(a_key_is_never_overwritten),
        cmocka_unit_test(anothers_certificate_is_refused),
        cmocka_unit_test(what_is_no_key_or_of_another_kind_is_named),
        cmocka_unit_test(an_ed25519_key_is_taken_as_well),
        cmocka_unit_test(a_name_without_or_with_too_many_bytes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}

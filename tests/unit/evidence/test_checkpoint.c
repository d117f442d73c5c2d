/* Signed notes, verifier keys, checkpoints and quorums: published vectors pass, and every other spelling is refused. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "encoding.h"

static json_t *vectors;

static struct slice vector(const char *name) {
    return slice_string(json_string_value(json_object_get(vectors, name)));
}

static struct note_key key_read(const char *vkey) {
    struct note_key key;
    struct fault fault = {0};
    if (!note_key_read(slice_string(vkey), &key, &fault))
        fail_msg("%s: %s", vkey, fault.text);
    return key;
}

static bool key_is_read(const char *text, size_t size) {
    struct note_key key;
    return note_key_read(slice_make(text, size), &key, NULL);
}

/* ---- verifier keys */

/* Keys of the tests of Go's x/mod sumdb/note, of the C2SP signed-note specification, and of public witnesses. */
#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define ENOCH "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define FOO "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define ARCHE "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
#define REMORA "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
#define STAGEMOLE "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"
#define GARDEN                                                                                               \
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM"
#define SMARTIT "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO"

static void verifier_keys_are_read_and_written_again(void **state) {
    (void)state;
    static const char *const keys[] = {
        PETER,  ENOCH,   FOO,
        ARCHE,  REMORA,  STAGEMOLE,
        GARDEN, SMARTIT, "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct note_key key = key_read(keys[i]);
        CLEANUP_BUFFER struct buffer text = BUFFER(NOTE_VKEY_MOST);
        assert_true(note_key_write(&text, &key));
        assert_string_equal(buffer_string(&text), keys[i]);
        assert_int_equal(key.type, i >= 4 && i < 8 ? NOTE_KEY_WITNESS : NOTE_KEY_LOG);
    }
    struct note_key log = key_read(json_string_value(json_object_get(vectors, "log_vkey")));
    struct note_key witness = key_read(json_string_value(json_object_get(vectors, "witness_vkey")));
    assert_int_equal(log.type, NOTE_KEY_LOG);
    assert_int_equal(witness.type, NOTE_KEY_WITNESS);
}

/* As Go's tests mangle it: every part of it, and every byte one higher. */
static void no_mangled_verifier_key_is_taken(void **state) {
    (void)state;
    char text[] = PETER;
    size_t size = sizeof text - 1;
    for (size_t from = 0; from <= size; from++)
        for (size_t to = from; to <= size; to++)
            if (from != 0 || to != size)
                assert_false(key_is_read(text + from, to - from));
    for (size_t i = 0; i < size; i++) {
        text[i]++;
        assert_false(key_is_read(text, size));
        text[i]--;
    }
    assert_true(key_is_read(text, size));
    static const char *const bad[] = {
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq_LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        "example.com/foo+00000000+++++++++++++++++++++++++++++++++++++++++++++",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(key_is_read(bad[i], strlen(bad[i])));
}

static void a_key_of_small_order_is_no_verifier_key(void **state) {
    (void)state;
    struct verify_key neutral = {{1}};
    struct note_key key;
    struct fault fault = {0};
    assert_false(note_key_make(NOTE_KEY_LOG, SLICE("log.example"), &neutral, &key, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
}

static void names_are_without_space_plus_and_control(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",          "a b",           "a+b",          "a\tb",          "a\nb",
        "a\xc2\xa0", "a\xe2\x80\x83", "\xe3\x80\x80", "\xe1\x9a\x80x", "a\xff",
        "a\x01",     "\xe2\x80\xa8",  "\xe2\x80\xaf", "\xe2\x81\x9f",  "\xc2\x85"};
    static const char *const good[] = {
        "a", "ca.example/tocsin/log1", "\xc3\xbc", "\xe2\x80\x8b", "\xf0\x9f\x94\x94", "~"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(note_name_good(slice_string(bad[i])));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(note_name_good(slice_string(good[i])));
    char text[NOTE_NAME_MOST + 1];
    memset(text, 'a', sizeof text);
    assert_true(note_name_good(slice_make(text, NOTE_NAME_MOST)));
    assert_false(note_name_good(slice_make(text, NOTE_NAME_MOST + 1)));
}

/* ---- notes */

#define TEXT                                                                                                 \
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define DASH "\xe2\x80\x94 "
#define PETER_SIGNATURE                                                                                      \
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
#define ENOCH_SIGNATURE                                                                                      \
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
#define PETER_LINE DASH "PeterNeumann " PETER_SIGNATURE "\n"
#define ENOCH_LINE DASH "EnochRoot " ENOCH_SIGNATURE "\n"

static bool note_signed_by(const char *text, const char *vkey) {
    struct note note;
    struct note_key key = key_read(vkey);
    struct fault fault = {0};
    if (!note_read(slice_string(text), &note, &fault))
        fail_msg("%s", fault.text);
    uint64_t time_s = 77;
    for (size_t i = 0; i < note.signature_count; i++)
        if (note_signature_names(&note.signatures[i], &key))
            return note_signature_check(note.text, &note.signatures[i], &key, &time_s) && time_s == 0;
    return false;
}

static void published_notes_verify(void **state) {
    (void)state;
    assert_true(note_signed_by(TEXT "\n" PETER_LINE ENOCH_LINE, PETER));
    assert_true(note_signed_by(TEXT "\n" PETER_LINE ENOCH_LINE, ENOCH));
    assert_false(note_signed_by(TEXT "\n" PETER_LINE, ENOCH));
    assert_true(
        note_signed_by("This is an example message.\n\n" DASH "example.com/foo "
                       "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72"
                       "IneyaQM=\n",
                       FOO));
    /* A signature under another name, or another key id, is nobody's that is known. */
    assert_false(note_signed_by(TEXT "\n" DASH "CarmenSandiego " PETER_SIGNATURE "\n", PETER));
    struct note note;
    assert_true(note_read(SLICE("a\n\nb\n\n" PETER_LINE), &note, NULL));
    assert_true(slice_equal(note.text, SLICE("a\n\nb\n")));
    assert_true(note_read(SLICE("\n\n" PETER_LINE), &note, NULL));
    assert_true(slice_equal(note.text, SLICE("\n")));
}

static void the_same_signature_is_made_again(void **state) {
    (void)state;
    /* "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz" of the same tests. */
    CLEANUP_BUFFER struct buffer seed = BUFFER(33), line = BUFFER(1024);
    assert_true(encoding_unbase64(&seed, SLICE("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")));
    struct signing_key *signing = signing_key_create(seed.data + 1);
    struct note_key key = key_read(PETER);
    assert_memory_equal(signing_key_public(signing)->bytes, key.key.bytes, 32);
    assert_true(note_sign(&line, SLICE(TEXT), &key, signing));
    assert_string_equal(buffer_string(&line), PETER_LINE);
    signing_key_destroy(signing);
}

static void malformed_notes_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT "\n",
        TEXT "\n\n",
        TEXT PETER_LINE,
        TEXT "\n" DASH "PeterNeumann " PETER_SIGNATURE,
        "\x01" TEXT "\n" PETER_LINE,
        "\xff" TEXT "\n" PETER_LINE,
        TEXT "\r\n" PETER_LINE,
        "a\tb\n\n" PETER_LINE,
        TEXT "\n" DASH "Bad Name " PETER_SIGNATURE "\n",
        TEXT "\n" PETER_LINE "Unexpected line.\n",
        TEXT "\n- PeterNeumann " PETER_SIGNATURE "\n",
        TEXT "\n\xe2\x80\x93 PeterNeumann " PETER_SIGNATURE "\n",
        TEXT "\n" DASH "PeterNeumann  " PETER_SIGNATURE "\n",
        TEXT "\n" DASH "PeterNeumann " PETER_SIGNATURE " \n",
        TEXT "\n " DASH "PeterNeumann " PETER_SIGNATURE "\n",
        TEXT "\n" DASH " " PETER_SIGNATURE "\n",
        TEXT "\n" DASH "PeterNeumann\n",
        TEXT "\n" DASH "PeterNeumann \n",
        TEXT "\n" DASH "PeterNeumann AAAA\n",
        TEXT "\n" DASH "PeterNeumann AAAAAA==\n",
        TEXT "\n" DASH "PeterNeumann AAAAAAB=\n",
        TEXT "\n" DASH "PeterNeumann AAAAAAA\n",
        TEXT "\n" DASH "PeterNeumann AAAA_AA=\n",
        TEXT "\n" DASH "PeterNeumann QUJDQUJD=\n",
        TEXT "\n" DASH "Peter+Neumann " PETER_SIGNATURE "\n",
        TEXT "\n" PETER_LINE "\n",
        TEXT "\n" DASH "PeterNeumann " PETER_SIGNATURE "\r\n",
        TEXT "\n\xe2\x80\x94PeterNeumann " PETER_SIGNATURE "\n",
    };
    struct note note;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fault fault = {0};
        if (note_read(slice_string(bad[i]), &note, &fault))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
    assert_false(note_read(SLICE("a\0b\n\n" PETER_LINE), &note, NULL));
    assert_true(note_read(SLICE("a b\n\n" PETER_LINE), &note, NULL));
}

static void at_least_sixteen_signatures_are_taken_and_not_without_end(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer text = BUFFER(1u << 20);
    struct note note;
    struct fault fault = {0};
    buffer_append_string(&text, TEXT "\n");
    for (unsigned i = 1; i <= NOTE_SIGNATURES_MOST; i++) {
        buffer_append_string(&text, ENOCH_LINE);
        assert_true(note_read(buffer_slice(&text), &note, NULL));
        assert_int_equal(note.signature_count, i);
    }
    buffer_append_string(&text, ENOCH_LINE);
    assert_false(note_read(buffer_slice(&text), &note, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    /* Sixteen of the size that the new kinds of signature have. */
    CLEANUP_BUFFER struct buffer large = BUFFER(1u << 20), payload = BUFFER(5000);
    while (payload.size < 5000)
        buffer_append(&payload, "x", 1);
    buffer_append_string(&large, TEXT "\n");
    for (unsigned i = 0; i < 16; i++) {
        buffer_append_string(&large, DASH "somebody.example/new ");
        encoding_base64(&large, buffer_slice(&payload));
        buffer_append_string(&large, "\n");
    }
    buffer_append_string(&large, PETER_LINE);
    assert_true(note_read(buffer_slice(&large), &note, NULL));
    while (large.size <= NOTE_MOST)
        buffer_append_string(&large, ENOCH_LINE);
    assert_false(note_read(buffer_slice(&large), &note, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
}

static void decimals_have_one_spelling(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "01",
                                      "00",
                                      "+1",
                                      "-0",
                                      "-1",
                                      " 1",
                                      "1 ",
                                      "1\n",
                                      "0x1",
                                      "1e3",
                                      "1.0",
                                      "1_000",
                                      "\xd9\xa1",
                                      "9223372036854775808",
                                      "18446744073709551616",
                                      "18446744073709551615"};
    uint64_t number = 5;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(note_decimal(slice_string(bad[i]), &number));
    assert_int_equal(number, 5);
    assert_true(note_decimal(SLICE("0"), &number) && number == 0);
    assert_true(note_decimal(SLICE("9223372036854775807"), &number) && number == INT64_MAX);
}

/* ---- checkpoints */

/* One of 2026 of a public log, with cosignatures of the public witness network; its first signature is of a kind (RFC 6962)
 * that is not known here. */
#define ARCHE_TEXT                                                                                           \
    "arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
#define ARCHE_NOTE                                                                                           \
    ARCHE_TEXT                                                                                               \
    "\n" DASH "arche2025h1.staging.ct.transparency.dev "                                                     \
    "zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MN" \
    "L5zRNZ55"                                                                                               \
    "lvGt0=\n" DASH "arche2025h1.staging.ct.transparency.dev "                                               \
    "ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n" DASH    \
    "transparency.dev/DEV:witness-little-garden "                                                            \
    "2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/"                                                               \
    "KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ=="                                       \
    "\n" DASH "witness1.smartit.nu/witness1 "                                                                \
    "pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/"                                              \
    "iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ=="                                                        \
    "\n" DASH "remora.n621.de "                                                                              \
    "2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/"                  \
    "zZ0WBxtqB0DrAWfBw=="                                                                                    \
    "\n" DASH "witness.stagemole.eu "                                                                        \
    "Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/"        \
    "TmN9DAg==\n"
#define ARCHE_TIME_S 1779573024ull

static struct witness_policy policy_of(uint8_t needed, size_t count, const char *const *vkeys) {
    struct witness_policy policy = {.needed = needed, .count = (uint8_t)count};
    for (size_t i = 0; i < count; i++)
        policy.witnesses[i] = key_read(vkeys[i]);
    return policy;
}

static void a_checkpoint_of_the_public_witness_network_verifies(void **state) {
    (void)state;
    static const char *const vkeys[] = {REMORA, STAGEMOLE, GARDEN, SMARTIT, FOO};
    struct witness_policy policy = policy_of(4, 4, vkeys);
    struct note_key log = key_read(ARCHE);
    struct signed_checkpoint read;
    struct fault fault = {0};
    if (!checkpoint_read(SLICE(ARCHE_NOTE), &log, &policy, &read, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(read.checkpoint.size, 1432088532);
    assert_true(slice_equal(read.text, SLICE(ARCHE_TEXT)));
    struct quorum quorum = checkpoint_quorum(&read, &policy, ARCHE_TIME_S * 1000000);
    assert_true(quorum.met);
    assert_int_equal(quorum.counted, 4);
    assert_int_equal(quorum.earliest_us, ARCHE_TIME_S * 1000000);
    assert_int_equal(quorum.latest_us, ARCHE_TIME_S * 1000000);
    /* Half an hour before they signed. */
    quorum = checkpoint_quorum(&read, &policy, (ARCHE_TIME_S - 1800) * 1000000);
    assert_false(quorum.met);
    assert_int_equal(quorum.ahead, 4);
    assert_int_equal(quorum.counted, 0);
}

struct world {
    struct note_key log, witness;
    struct witness_policy policy;
    struct buffer note;
};

static bool reads(const struct world *w, struct fault *fault) {
    struct signed_checkpoint read;
    return checkpoint_read(slice_make(w->note.data, w->note.size), &w->log, &w->policy, &read, fault);
}

static int world_make(void **state) {
    static struct world w;
    w = (struct world){.note = BUFFER(1u << 20)};
    const char *witness = json_string_value(json_object_get(vectors, "witness_vkey"));
    w.log = key_read(json_string_value(json_object_get(vectors, "log_vkey")));
    w.witness = key_read(witness);
    w.policy = policy_of(1, 1, &witness);
    buffer_append_slice(&w.note, vector("checkpoint"));
    *state = &w;
    return 0;
}

static int world_drop(void **state) {
    buffer_free(&((struct world *)*state)->note);
    return 0;
}

static void the_vector_is_read_and_its_quorum_is_met(void **state) {
    struct world *w = *state;
    struct signed_checkpoint read;
    assert_true(checkpoint_read(buffer_slice(&w->note), &w->log, &w->policy, &read, NULL));
    assert_true(slice_equal(read.checkpoint.origin, SLICE("ca.example/tocsin/log1")));
    assert_int_equal(read.checkpoint.size, 4);
    char root[65];
    encoding_hex(read.checkpoint.root.bytes, HASH_SIZE, root);
    assert_string_equal(root, json_string_value(json_object_get(vectors, "log_root")));
    assert_true(read.cosignatures[0].there);
    uint64_t at_us = read.cosignatures[0].earliest_s * 1000000;
    assert_true(checkpoint_quorum(&read, &w->policy, at_us).met);
    assert_true(checkpoint_quorum(&read, &w->policy, at_us - COSIGNATURE_AHEAD_US).met);
    assert_false(checkpoint_quorum(&read, &w->policy, at_us - COSIGNATURE_AHEAD_US - 1).met);
    assert_true(checkpoint_quorum(&read, &w->policy, UINT64_MAX).met);
}

static struct signing_key *seeded(const char *text) {
    struct hash seed = sha256_of(slice_string(text));
    return signing_key_create(seed.bytes);
}

static void the_vector_is_made_again(void **state) {
    struct world *w = *state;
    struct signing_key *log = seeded("tocsin test log key"), *witness = seeded("tocsin test witness key");
    assert_memory_equal(signing_key_public(log)->bytes, w->log.key.bytes, 32);
    assert_memory_equal(signing_key_public(witness)->bytes, w->witness.key.bytes, 32);
    struct signed_checkpoint read;
    assert_true(checkpoint_read(buffer_slice(&w->note), &w->log, &w->policy, &read, NULL));
    CLEANUP_BUFFER struct buffer note = BUFFER(4096);
    assert_true(checkpoint_sign(&note, &read.checkpoint, &w->log, log));
    assert_true(note_cosign(&note, read.text, &w->witness, witness, read.cosignatures[0].earliest_s));
    assert_true(slice_equal(buffer_slice(&note), buffer_slice(&w->note)));
    /* Nothing is signed under another log's name, or at no time. */
    struct checkpoint other = read.checkpoint;
    other.origin = SLICE("ca.example/tocsin/log2");
    assert_false(checkpoint_sign(&note, &other, &w->log, log));
    assert_false(note_cosign(&note, read.text, &w->witness, witness, 0));
    assert_false(note_cosign(&note, read.text, &w->witness, witness, 1ull << 63));
    signing_key_destroy(log);
    signing_key_destroy(witness);
}

static void no_bit_of_a_checkpoint_may_change(void **state) {
    struct world *w = *state;
    size_t witness_line = w->note.size;
    for (size_t i = 0; i + 4 < w->note.size; i++)
        if (memcmp(w->note.data + i, "\n" DASH "b", 6) == 0)
            witness_line = i + 1;
    for (size_t bit = 0; bit < w->note.size * 8; bit++) {
        struct signed_checkpoint read;
        w->note.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bool good = checkpoint_read(buffer_slice(&w->note), &w->log, &w->policy, &read, NULL);
        /* A witness's changed name or key id is an unknown key's, and does not count. */
        if (good) {
            assert_true(bit / 8 > witness_line);
            assert_false(checkpoint_quorum(&read, &w->policy, UINT64_MAX).met);
        }
        w->note.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(reads(w, NULL));
}

static void unknown_keys_are_ignored_and_a_known_one_must_be_good(void **state) {
    struct world *w = *state;
    struct fault fault = {0};
    size_t size = w->note.size;
    buffer_append_string(&w->note, PETER_LINE ENOCH_LINE);
    assert_true(reads(w, NULL));
    /* The log's name with a forged key id, and its key id under another name. */
    buffer_append_string(&w->note, DASH "ca.example/tocsin/log1 AAAAAAAAAAAA\n" DASH
                                        "ca.example/tocsin/log2 RdlVxAAA\n");
    assert_true(reads(w, NULL));
    /* The log's name and key id, and not its signature: the whole is refused, whatever else it signed. */
    buffer_append_string(&w->note, DASH "ca.example/tocsin/log1 RdlVxAAA\n");
    assert_false(reads(w, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    /* The witness's, likewise; but not for whoever does not know the witness. */
    w->note.size = size;
    buffer_append_string(&w->note, DASH "board.example/witness1 hADiigAA\n");
    assert_false(reads(w, &fault));
    w->policy.count = w->policy.needed = 0;
    assert_true(reads(w, NULL));
}

static void without_the_logs_own_signature_it_is_none(void **state) {
    struct world *w = *state;
    struct fault fault = {0};
    size_t from = slice_find(buffer_slice(&w->note), SLICE(DASH "ca")),
           to = slice_find(buffer_slice(&w->note), SLICE(DASH "b"));
    memmove(w->note.data + from, w->note.data + to, w->note.size - to);
    w->note.size -= to - from;
    assert_false(reads(w, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
}

static void a_key_counts_once_however_often_it_signed(void **state) {
    struct world *w = *state;
    struct signing_key *witness = seeded("tocsin test witness key");
    struct signed_checkpoint read;
    w->policy.count = 2; /* of two that are needed, one signs three times */
    w->policy.witnesses[1] = key_read(REMORA);
    w->policy.needed = 2;
    assert_true(checkpoint_read(buffer_slice(&w->note), &w->log, &w->policy, &read, NULL));
    uint64_t first_s = read.cosignatures[0].earliest_s;
    CLEANUP_BUFFER struct buffer text = BUFFER(CHECKPOINT_TEXT_MOST);
    buffer_append_slice(&text, read.text);
    assert_true(note_cosign(&w->note, buffer_slice(&text), &w->witness, witness, first_s + 60));
    assert_true(note_cosign(&w->note, buffer_slice(&text), &w->witness, witness, first_s - 60));
    assert_true(checkpoint_read(buffer_slice(&w->note), &w->log, &w->policy, &read, NULL));
    struct quorum quorum = checkpoint_quorum(&read, &w->policy, UINT64_MAX);
    assert_int_equal(quorum.counted, 1);
    assert_false(quorum.met);
    assert_int_equal(quorum.earliest_us, (first_s - 60) * 1000000);
    assert_int_equal(quorum.latest_us, (first_s + 60) * 1000000);
    signing_key_destroy(witness);
}

static void cosignatures_dated_at_zero_or_past_2_to_the_63_are_bad(void **state) {
    struct world *w = *state;
    static const uint64_t times[] = {0, 1ull << 63, UINT64_MAX};
    struct signing_key *witness = seeded("tocsin test witness key");
    size_t size = w->note.size;
    struct slice text =
        slice_head(buffer_slice(&w->note), slice_find(buffer_slice(&w->note), SLICE("\n\n")) + 1);
    for (size_t i = 0; i < 3; i++) {
        CLEANUP_BUFFER struct buffer message = BUFFER(1024), payload = BUFFER(1024), line = BUFFER(1024);
        uint8_t signature[ED25519_SIGNATURE_SIZE], time[8];
        buffer_printf(&message, "cosignature/v1\ntime %llu\n%.*s", (unsigned long long)times[i],
                      SLICE_ARG(text));
        signing_key_sign(witness, buffer_slice(&message), signature);
        for (unsigned byte = 0; byte < 8; byte++)
            time[byte] = (uint8_t)(times[i] >> (56 - 8 * byte));
        buffer_append(&payload, w->witness.id, 4);
        buffer_append(&payload, time, 8);
        buffer_append(&payload, signature, sizeof signature);
        buffer_append_string(&line, DASH "board.example/witness1 ");
        encoding_base64(&line, buffer_slice(&payload));
        buffer_append_string(&line, "\n");
        buffer_append_slice(&w->note, buffer_slice(&line));
        text.data = w->note.data;
        assert_false(reads(w, NULL));
        w->note.size = size;
    }
    assert_true(reads(w, NULL));
    signing_key_destroy(witness);
}

static void a_log_key_is_no_witness_and_a_witness_is_no_log(void **state) {
    struct world *w = *state;
    struct fault fault = {0};
    struct signed_checkpoint read;
    /* Type 1 in the policy. */
    struct note_key kept = w->policy.witnesses[0];
    w->policy.witnesses[0] = key_read(FOO);
    assert_false(reads(w, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    /* The log's own key, made a witness's. */
    assert_true(
        note_key_make(NOTE_KEY_WITNESS, SLICE("other.example"), &w->log.key, &w->policy.witnesses[0], NULL));
    assert_false(reads(w, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    w->policy.witnesses[0] = kept;
    /* Type 4 where the log's is due. */
    assert_false(checkpoint_read(buffer_slice(&w->note), &w->witness, NULL, &read, &fault));
    /* The witness's key with type 1: its cosignature is then an unknown key's. */
    struct note_key as_log;
    assert_true(note_key_make(NOTE_KEY_LOG, note_key_name(&w->witness), &w->witness.key, &as_log, NULL));
    struct note note;
    assert_true(note_read(buffer_slice(&w->note), &note, NULL));
    assert_false(note_signature_names(&note.signatures[1], &as_log));
    uint64_t time_s;
    assert_false(note_signature_check(note.text, &note.signatures[1], &as_log, &time_s));
    /* Another log's key. */
    struct note_key foo = key_read(FOO);
    assert_false(checkpoint_read(buffer_slice(&w->note), &foo, NULL, &read, &fault));
}

static void a_policy_names_each_witness_once(void **state) {
    (void)state;
    static const char *const vkeys[] = {REMORA, STAGEMOLE, REMORA};
    struct witness_policy policy = policy_of(2, 3, vkeys);
    struct fault fault = {0};
    assert_false(witness_policy_check(&policy, NULL, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    /* The same key under another name, another key under the same name. */
    assert_true(note_key_make(NOTE_KEY_WITNESS, SLICE("b.example"), &policy.witnesses[0].key,
                              &policy.witnesses[2], NULL));
    assert_false(witness_policy_check(&policy, NULL, NULL));
    struct note_key foo = key_read(FOO);
    assert_true(note_key_make(NOTE_KEY_WITNESS, note_key_name(&policy.witnesses[0]), &foo.key,
                              &policy.witnesses[2], NULL));
    assert_false(witness_policy_check(&policy, NULL, NULL));
    policy.count = 2;
    assert_true(witness_policy_check(&policy, NULL, NULL));
    policy.needed = 3;
    assert_false(witness_policy_check(&policy, NULL, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
}

static void a_policy_is_read_as_it_was_written(void **state) {
    (void)state;
    static const char *const vkeys[] = {REMORA, STAGEMOLE, GARDEN};
    struct witness_policy policy = policy_of(2, 3, vkeys), read;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(8192);
    assert_true(witness_policy_write(&bytes, &policy));
    for (size_t size = 0; size < bytes.size; size++) {
        struct bytes_reader cut = bytes_read(slice_make(bytes.data, size));
        assert_false(witness_policy_read(&cut, &read, NULL));
    }
    struct bytes_reader reader = bytes_read(buffer_slice(&bytes));
    assert_true(witness_policy_read(&reader, &read, NULL));
    assert_true(bytes_read_done(&reader));
    assert_int_equal(read.needed, 2);
    for (size_t i = 0; i < 3; i++)
        assert_true(note_key_equal(&read.witnesses[i], &policy.witnesses[i]));
    bytes.data[1] = WITNESSES_MOST + 1;
    reader = bytes_read(buffer_slice(&bytes));
    assert_false(witness_policy_read(&reader, &read, NULL));
}

static void checkpoints_have_three_lines_and_one_spelling(void **state) {
    (void)state;
#define ROOT "LSnof1GzLTgHha2q8j+AJLVhm+NCGvugY7L25BsRcOQ="
    static const char *const bad[] = {
        "",
        "o\n",
        "o\n4\n",
        "o\n4\n" ROOT,
        "o\n4\n" ROOT "\nextension\n",
        "o\n4\n" ROOT "\n\n",
        "\n4\n" ROOT "\n",
        "\no\n4\n" ROOT "\n",
        "o o\n4\n" ROOT "\n",
        "o+o\n4\n" ROOT "\n",
        "o\n\n" ROOT "\n",
        "o\n01\n" ROOT "\n",
        "o\n+1\n" ROOT "\n",
        "o\n-0\n" ROOT "\n",
        "o\n 1\n" ROOT "\n",
        "o\n1 \n" ROOT "\n",
        "o\n9223372036854775808\n" ROOT "\n",
        "o\n18446744073709551616\n" ROOT "\n",
        "o\n0\n" ROOT "\n",
        "o\n4\n" ROOT " \n",
        "o\n4\nLSnof1GzLTgHha2q8j-AJLVhm-NCGvugY7L25BsRcOQ=\n",
        "o\n4\nLSnof1GzLTgHha2q8j+AJLVhm+NCGvugY7L25BsRcOR=\n",
        "o\n4\nLSnof1GzLTgHha2q8j+AJLVhm+NCGvugY7L25BsRcA==\n",
        "o\n4\nLSnof1GzLTgHha2q8j+AJLVhm+NCGvugY7L25BsRcOQA\n",
        "o\n4\n\n",
        "o\r\n4\n" ROOT "\n",
    };
    struct checkpoint checkpoint;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (checkpoint_text_read(slice_string(bad[i]), &checkpoint, NULL))
            fail_msg("taken: %s", bad[i]);
    assert_true(checkpoint_text_read(SLICE("o\n4\n" ROOT "\n"), &checkpoint, NULL));
    assert_true(checkpoint_text_read(SLICE("o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"),
                                     &checkpoint, NULL));
    assert_true(checkpoint_text_read(SLICE("o\n9223372036854775807\n" ROOT "\n"), &checkpoint, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_drop)

int main(void) {
    json_error_t error;
    vectors = json_load_file("tests/transcript/log-format.json", 0, &error);
    if (!vectors) {
        fprintf(stderr, "tests/transcript/log-format.json:%d: %s\n", error.line, error.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifier_keys_are_read_and_written_again),
        cmocka_unit_test(no_mangled_verifier_key_is_taken),
        cmocka_unit_test(a_key_of_small_order_is_no_verifier_key),
        cmocka_unit_test(names_are_without_space_plus_and_control),
        cmocka_unit_test(published_notes_verify),
        cmocka_unit_test(the_same_signature_is_made_again),
        cmocka_unit_test(malformed_notes_are_refused),
        cmocka_unit_test(at_least_sixteen_signatures_are_taken_and_not_without_end),
        cmocka_unit_test(decimals_have_one_spelling),
        cmocka_unit_test(a_checkpoint_of_the_public_witness_network_verifies),
        TEST(the_vector_is_read_and_its_quorum_is_met),
        TEST(the_vector_is_made_again),
        TEST(no_bit_of_a_checkpoint_may_change),
        TEST(unknown_keys_are_ignored_and_a_known_one_must_be_good),
        TEST(without_the_logs_own_signature_it_is_none),
        TEST(a_key_counts_once_however_often_it_signed),
        TEST(cosignatures_dated_at_zero_or_past_2_to_the_63_are_bad),
        TEST(a_log_key_is_no_witness_and_a_witness_is_no_log),
        cmocka_unit_test(a_policy_names_each_witness_once),
        cmocka_unit_test(a_policy_is_read_as_it_was_written),
        cmocka_unit_test(checkpoints_have_three_lines_and_one_spelling),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}

/* Payloads of holds, erasures, decisions and notes, and the files that statements travel in: vectors that were made
 * independently, what is refused, and what is shown to whoever signs. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control_entry.h"
#include "decision.h"
#include "encoding.h"
#include "erasure.h"
#include "hold_match.h"
#include "person.h"
#include "retention_policy.h"
#include "statement_payload.h"
#include "statement_type.h"
#include "statement_words.h"

static json_t *vectors;

static struct buffer unhexed(json_t *value) {
    struct slice text = slice_string(json_string_value(value));
    struct buffer bytes = BUFFER(1u << 16);
    assert_true(buffer_reserve(&bytes, text.size / 2 + 1) && encoding_unhex(text, bytes.data, text.size / 2));
    bytes.size = text.size / 2;
    return bytes;
}

/* Reads by the type's codec and writes again. */
static bool again(uint32_t type, struct slice payload, struct buffer *to) {
    union {
        struct hold hold;
        struct hold_matched matched;
        struct hold_release release;
        struct erase_intent intent;
        struct early_erasure early;
        struct erase_begun begun;
        struct decommission decommission;
        struct decision decision;
        struct person_note note;
        uint64_t reference;
    } u;
    switch (type) {
    case STATEMENT_HOLD_PLACE:
        return hold_read(payload, &u.hold, NULL) && hold_write(to, &u.hold);
    case STATEMENT_HOLD_MATCHED:
        return hold_matched_read(payload, &u.matched, NULL) && hold_matched_write(to, &u.matched);
    case STATEMENT_HOLD_RELEASE:
        return hold_release_read(payload, &u.release, NULL) && hold_release_write(to, &u.release);
    case STATEMENT_ERASE_INTENT:
        return erase_intent_read(payload, &u.intent, NULL) && erase_intent_write(to, &u.intent);
    case STATEMENT_EARLY_ERASURE:
        return early_erasure_read(payload, &u.early, NULL) && early_erasure_write(to, &u.early);
    case STATEMENT_ERASE_BEGUN:
        return erase_begun_read(payload, &u.begun, NULL) && erase_begun_write(to, &u.begun);
    case STATEMENT_ERASE_VETO:
    case STATEMENT_ERASE_DONE:
        return erase_reference_read(payload, &u.reference, NULL) && erase_reference_write(to, u.reference);
    case STATEMENT_DECOMMISSION:
        return decommission_read(payload, &u.decommission, NULL) && decommission_write(to, &u.decommission);
    case STATEMENT_DECISION:
        return decision_read(payload, &u.decision, NULL) && decision_write(to, &u.decision);
    case STATEMENT_NOTE:
        return person_note_read(payload, &u.note, NULL) && person_note_write(to, &u.note);
    default:
        return false;
    }
}

static void payloads_are_read_and_written_again(void **state) {
    (void)state;
    const char *name;
    json_t *row;
    json_object_foreach(json_object_get(vectors, "payloads"), name, row) {
        uint32_t type = (uint32_t)json_integer_value(json_object_get(row, "type"));
        CLEANUP_BUFFER struct buffer payload = unhexed(json_object_get(row, "payload")),
                                     written = BUFFER(1u << 16);
        if (!statement_payload_check(type, buffer_slice(&payload), NULL) ||
            !again(type, buffer_slice(&payload), &written) ||
            !slice_equal(buffer_slice(&payload), buffer_slice(&written)))
            fail_msg("%s", name);
        /* Of no other length. */
        for (size_t size = 0; size < payload.size; size++)
            assert_false(statement_payload_check(type, slice_make(payload.data, size), NULL));
        buffer_append(&payload, "", 1);
        assert_false(statement_payload_check(type, buffer_slice(&payload), NULL));
    }
}

static void bad_payloads_are_refused(void **state) {
    (void)state;
    const char *name;
    json_t *row;
    json_object_foreach(json_object_get(vectors, "refused"), name, row) {
        struct fault fault = {0};
        CLEANUP_BUFFER struct buffer payload = unhexed(json_object_get(row, "payload"));
        uint32_t type = (uint32_t)json_integer_value(json_object_get(row, "type"));
        if (statement_payload_check(type, buffer_slice(&payload), &fault) || fault.code == FAULT_NONE)
            fail_msg("%s", name);
    }
    assert_int_equal(json_object_size(json_object_get(vectors, "refused")), 22);
}

static void the_values_of_a_hold_are_those_of_the_vector(void **state) {
    (void)state;
    struct hold hold;
    CLEANUP_BUFFER struct buffer payload = unhexed(
        json_object_get(json_object_get(json_object_get(vectors, "payloads"), "hold place"), "payload"));
    assert_true(hold_read(buffer_slice(&payload), &hold, NULL));
    assert_true(slice_equal(hold.host, SLICE("signer1.example")));
    assert_int_equal(hold.classes, 1u << 3 | 1u << 5);
    assert_int_equal(hold.from_us, 1000);
    assert_int_equal(hold.until_us, 2000);
}

static void the_root_of_what_a_hold_took_is_the_vectors(void **state) {
    (void)state;
    static struct hold_root root;
    size_t i;
    json_t *row;
    hold_root_begin(&root);
    json_array_foreach(json_object_get(vectors, "took"), i, row) {
        struct hash leaf;
        assert_true(encoding_unhex(slice_string(json_string_value(json_object_get(row, "leaf"))), leaf.bytes,
                                   HASH_SIZE));
        assert_true(hold_root_add(&root, (uint64_t)json_integer_value(json_object_get(row, "index")),
                                  (uint8_t)json_integer_value(json_object_get(row, "class")),
                                  (uint32_t)json_integer_value(json_object_get(row, "position")), &leaf));
    }
    struct hash end = hold_root_end(&root);
    char hex[2 * HASH_SIZE + 1];
    encoding_hex(end.bytes, HASH_SIZE, hex);
    assert_string_equal(hex, json_string_value(json_object_get(vectors, "root")));
}

/* ---- files */

static bool read_text(const char *text, struct buffer *content, struct statement_file *file,
                      struct fault *fault) {
    return statement_file_read(slice_string(text), content, file, fault);
}

static void the_file_of_the_vectors_is_read_and_written_again(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer content = BUFFER(STATEMENT_FILE_MOST), out = BUFFER(STATEMENT_FILE_MOST);
    json_t *row = json_object_get(vectors, "file");
    const char *text = json_string_value(json_object_get(row, "text"));
    struct statement_file file;
    CLEANUP_BUFFER struct buffer statement = unhexed(json_object_get(row, "statement"));
    assert_true(read_text(text, &content, &file, NULL));
    assert_true(slice_equal(file.origin, slice_string(json_string_value(json_object_get(row, "origin")))));
    assert_true(slice_equal(file.statement.bytes, buffer_slice(&statement)));
    assert_int_equal(file.statement.signature_count, 1);
    assert_int_equal(file.text_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(slice_equal(file.texts[i].text, slice_string(json_string_value(
                                                        json_array_get(json_object_get(row, "texts"), i)))));
    assert_true(statement_file_write(&out, &file));
    assert_string_equal(buffer_string(&out), text);
}

static void a_file_may_come_in_a_mail_and_without_texts(void **state) {
    (void)state;
    const char *name;
    json_t *row;
    json_object_foreach(json_object_get(vectors, "files taken"), name, row) {
        CLEANUP_BUFFER struct buffer content = BUFFER(STATEMENT_FILE_MOST);
        struct statement_file file;
        struct fault fault = {0};
        if (!read_text(json_string_value(row), &content, &file, &fault))
            fail_msg("%s: %s", name, fault.text);
    }
}

static void bad_files_are_refused(void **state) {
    (void)state;
    const char *name;
    json_t *row;
    json_object_foreach(json_object_get(vectors, "files refused"), name, row) {
        CLEANUP_BUFFER struct buffer content = BUFFER(STATEMENT_FILE_MOST);
        struct statement_file file;
        struct fault fault = {0};
        if (read_text(json_string_value(row), &content, &file, &fault) || fault.code == FAULT_NONE)
            fail_msg("%s", name);
    }
    CLEANUP_BUFFER struct buffer large = BUFFER(1u << 20), content = BUFFER(STATEMENT_FILE_MOST);
    struct statement_file file;
    struct fault fault = {0};
    for (size_t i = 0; i < STATEMENT_FILE_MOST; i++)
        buffer_append(&large, "\n", 1);
    assert_false(statement_file_read(buffer_slice(&large), &content, &file, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    buffer_append(&large, "\n", 1);
    assert_false(statement_file_read(buffer_slice(&large), &content, &file, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
}

static void no_character_of_the_base64_may_change(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer content = BUFFER(STATEMENT_FILE_MOST), out = BUFFER(STATEMENT_FILE_MOST);
    CLEANUP_BUFFER struct buffer text = BUFFER(STATEMENT_FILE_MOST);
    struct statement_file file;
    const char *good = json_string_value(json_object_get(json_object_get(vectors, "file"), "text"));
    for (size_t at = 33; good[at + 32]; at += 5) {
        buffer_clear(&text);
        buffer_append_string(&text, good);
        text.data[at] = text.data[at] == 'A' ? 'B' : 'A';
        if (!statement_file_read(buffer_slice(&text), &content, &file, NULL))
            continue;
        /* What is still read is another statement, or other signatures; never the same. */
        buffer_clear(&out);
        assert_true(statement_file_write(&out, &file));
        assert_string_not_equal(buffer_string(&out), good);
    }
}

static void texts_show_what_they_are(void **state) {
    (void)state;
    assert_true(statement_text_good(SLICE("Grüße, 東京\nzweite Zeile")));
    static const char *const bad[] = {"",
                                      "\r",
                                      "tab\t",
                                      "\x1b[31m",
                                      "\x7f",
                                      "\xc2\x9b"
                                      "31m",
                                      "\xe2\x80\xae"
                                      "abc",
                                      "\xe2\x81\xa6",
                                      "\xff",
                                      "\xc0\xaf",
                                      "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (statement_text_good(slice_string(bad[i])))
            fail_msg("text %zu", i);
    assert_false(statement_text_good(slice_make("a\0b", 3)));
    static uint8_t large[SALTED_TEXT_MOST + 1];
    memset(large, 'a', sizeof large);
    assert_true(statement_text_good(slice_make(large, SALTED_TEXT_MOST)));
    assert_false(statement_text_good(slice_make(large, SALTED_TEXT_MOST + 1)));
}

/* ---- words */

/* The words of a statement of that payload with those texts; NULL where it is refused. */
static const char *words_of(uint32_t type, struct slice payload, const struct statement_text *texts,
                            size_t count) {
    static struct buffer words;
    static char text[STATEMENT_WORDS_MOST + 1];
    struct statement_file file = {.origin = SLICE("ca.example/log"), .text_count = count};
    struct fault fault = {0};
    words = BUFFER(STATEMENT_WORDS_MOST);
    if (count)
        memcpy(file.texts, texts, count * sizeof *texts);
    file.statement.statement = (struct statement){.type = type,
                                                  .made_us = 1735689600000000ull,
                                                  .expires_us = STATEMENT_EXPIRES_NEVER,
                                                  .payload = payload};
    bool good = statement_words(&words, &file, NULL, &fault);
    assert_true(good == (fault.code == FAULT_NONE));
    snprintf(text, sizeof text, "%s", buffer_string(&words));
    buffer_free(&words);
    return good ? text : NULL;
}

static void what_is_signed_is_said(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = BUFFER(4096);
    struct statement_text reason = {.salt = {7}, .text = SLICE("case 12\n  host       all")};
    struct hold hold = {.host = SLICE("signer1"), .classes = 1u << 3, .until_us = UINT64_MAX};
    hold.reason = salted_text(reason.salt, reason.text);
    assert_true(hold_write(&payload, &hold));
    const char *words = words_of(STATEMENT_HOLD_PLACE, buffer_slice(&payload), &reason, 1);
    assert_non_null(words);
    assert_non_null(strstr(words, "\n  log        ca.example/log "));
    assert_non_null(strstr(words, "\n  host       signer1\n"));
    assert_non_null(strstr(words, "\n  class      access\n"));
    assert_non_null(strstr(words, "\n  until      no end\n"));
    assert_non_null(strstr(words, "\n  made       2025-01-01T00:00:00.000000Z\n"));
    assert_non_null(strstr(words, "one person; 0 signatures so far\n"));
    /* A text cannot pass for one of the lines. */
    assert_non_null(strstr(words, "\"case 12\n                host       all\"\n"));
    assert_null(strstr(words, "\n  host       all"));
}

static void what_cannot_be_explained_is_refused(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = BUFFER(4096);
    struct statement_text reason = {.salt = {7}, .text = SLICE("case 12")};
    struct hold hold = {.classes = 1, .until_us = 1};
    hold.reason = salted_text(reason.salt, reason.text);
    assert_true(hold_write(&payload, &hold));
    assert_null(
        words_of(STATEMENT_HOLD_PLACE, buffer_slice(&payload), NULL, 0)); /* the reason is not there */
    reason.salt[0]++;
    assert_null(words_of(STATEMENT_HOLD_PLACE, buffer_slice(&payload), &reason, 1)); /* another one is */
    payload.size--;
    assert_null(words_of(STATEMENT_HOLD_PLACE, buffer_slice(&payload), NULL, 0));
    /* A person without a name. */
    struct person_revocation revocation = {.person = sha256_of(SLICE("Bob"))};
    buffer_clear(&payload);
    assert_true(person_revocation_write(&payload, &revocation));
    assert_null(words_of(STATEMENT_PERSON_REVOKE, buffer_slice(&payload), NULL, 0));
    /* What no person signs alone, or at all. */
    static const uint32_t types[] = {STATEMENT_GENESIS,      STATEMENT_DAY_MARK,     STATEMENT_AGENT_ENROL,
                                     STATEMENT_AGENT_ROTATE, STATEMENT_HOLD_MATCHED, STATEMENT_ERASE_INTENT,
                                     STATEMENT_ERASE_BEGUN,  STATEMENT_ERASE_DONE,   STATEMENT_ORPHAN,
                                     STATEMENT_FORK,         STATEMENT_MARK,         99};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        assert_null(words_of(types[i], SLICE(""), NULL, 0));
}

/* Every payload of the vectors that people sign has its words. */
static void each_type_of_people_has_words(void **state) {
    (void)state;
    const char *name;
    json_t *row;
    static const char *const known[] = {"case 12 of the board", "user.name:mallory",
                                        "visited the rack\nwith Bob"};
    struct statement_text texts[3];
    for (size_t i = 0; i < 3; i++) {
        struct sha256 running;
        sha256_begin(&running);
        sha256_add(&running, "salt of ", 8);
        sha256_add(&running, known[i], strlen(known[i]));
        struct hash salt = sha256_end(&running);
        memcpy(texts[i].salt, salt.bytes, sizeof texts[i].salt);
        texts[i].text = slice_string(known[i]);
    }
    json_object_foreach(json_object_get(vectors, "payloads"), name, row) {
        uint32_t type = (uint32_t)json_integer_value(json_object_get(row, "type"));
        CLEANUP_BUFFER struct buffer payload = unhexed(json_object_get(row, "payload"));
        bool people = statement_type_signers(type) != SIGNERS_LOG && strcmp(name, "note") != 0;
        assert_int_equal(words_of(type, buffer_slice(&payload), texts, 3) != NULL, people);
    }
}

/* Who signs that a log takes another's place sees all of what it begins with. */
static void a_new_origin_is_said_whole(void **state) {
    (void)state;
    json_t *origins = json_load_file("tests/transcript/new-origin.json", 0, NULL);
    assert_non_null(origins);
    CLEANUP_BUFFER struct buffer payload = unhexed(json_object_get(origins, "payload")),
                                 entry = unhexed(json_object_get(json_object_get(origins, "other"),
                                                                 "keys single that are not"));
    struct hash salt = sha256_of(SLICE("salt")), alices = sha256_of(SLICE("salt of Alice"));
    struct statement_text texts[2] = {{.text = SLICE("ten entries")}, {.text = SLICE("Alice")}};
    memcpy(texts[0].salt, salt.bytes, sizeof texts[0].salt);
    memcpy(texts[1].salt, alices.bytes, sizeof texts[1].salt);
    const char *words = words_of(STATEMENT_NEW_ORIGIN, buffer_slice(&payload), texts, 2);
    assert_non_null(words);
    static const char *const said[] = {"ca.example/tocsin/log1, which does not go on",
                                       "30 entries, 11 of them statements",
                                       "a checkpoint of 40 entries",
                                       "\"ten entries\"",
                                       "person     Alice (",
                                       "), admin",
                                       "whose name is not known here (",
                                       "), monitor",
                                       "), board",
                                       "at least 9 months, at most 18 months",
                                       "0 of 0 witnesses",
                                       "the log and two people of different roles"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(words, said[i]))
            fail_msg("not said: %s, in\n%s", said[i], words);
    assert_null(strstr(words, "SINGLE-CONTROL"));
    assert_null(words_of(STATEMENT_NEW_ORIGIN, buffer_slice(&payload), texts + 1, 1)); /* what was lost is not there */
    payload.size--;
    assert_null(words_of(STATEMENT_NEW_ORIGIN, buffer_slice(&payload), texts, 2));
    struct control_entry single;
    assert_true(control_entry_read(buffer_slice(&entry), &single, NULL));
    words = words_of(STATEMENT_NEW_ORIGIN, single.statement.statement.payload, texts, 2);
    assert_true(words && strstr(words, "which one person alone enrolled: SINGLE-CONTROL"));
    json_decref(origins);
}

int main(void) {
    vectors = json_load_file("tests/transcript/retention.json", 0, NULL);
    if (!vectors)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_read_and_written_again),
        cmocka_unit_test(bad_payloads_are_refused),
        cmocka_unit_test(the_values_of_a_hold_are_those_of_the_vector),
        cmocka_unit_test(the_root_of_what_a_hold_took_is_the_vectors),
        cmocka_unit_test(the_file_of_the_vectors_is_read_and_written_again),
        cmocka_unit_test(a_file_may_come_in_a_mail_and_without_texts),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(no_character_of_the_base64_may_change),
        cmocka_unit_test(texts_show_what_they_are),
        cmocka_unit_test(what_is_signed_is_said),
        cmocka_unit_test(what_cannot_be_explained_is_refused),
        cmocka_unit_test(each_type_of_people_has_words),
        cmocka_unit_test(a_new_origin_is_said_whole),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}

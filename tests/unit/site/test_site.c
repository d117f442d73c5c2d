/* A site's files: tokens, membership, settings, keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_settings.h"
#include "class.h"
#include "collector_settings.h"
#include "files.h"
#include "key_file.h"
#include "membership.h"
#include "scratch.h"
#include "settings_file.h"
#include "site.h"
#include "site_template.h"
#include "token.h"

#define NOW UINT64_C(1700000000000000)

static int remove_scratch(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

static void write_file(const char *path, const char *text) {
    struct fault fault = {0};
    assert_true(files_write(path, slice_string(text), 0600, &fault));
}

static unsigned count_files(const char *folder) {
    char command[512];
    snprintf(command, sizeof command, "ls -A '%s' 2>/dev/null | wc -l", folder);
    FILE *pipe = popen(command, "r");
    unsigned count = 999;
    assert_int_equal(fscanf(pipe, "%u", &count), 1);
    pclose(pipe);
    return count;
}

/* ---- tokens */

static const uint8_t pin[TOKEN_PIN_SIZE] = {9, 8, 7};

static struct token issue(const char *folder, const char *host, uint64_t expires_us, unsigned uses) {
    char text[TOKEN_TEXT_SIZE];
    struct token token;
    struct fault fault = {0};
    assert_true(token_issue(folder, host, expires_us, uses, pin, text, &fault));
    assert_int_equal(strlen(text), TOKEN_TEXT_SIZE - 1);
    assert_true(token_parse(slice_string(text), &token, &fault));
    return token;
}

static void a_token_names_its_host_and_its_collector_and_is_good_once(void **state) {
    (void)state;
    const char *folder = scratch_path("tokens");
    struct token token = issue(folder, "h1.example", NOW + 10, 1);
    struct fault fault = {0};
    char host[256];
    assert_memory_equal(token.pin, pin, sizeof pin);
    assert_true(token_redeem(folder, token.secret, NOW, host, &fault));
    assert_string_equal(host, "h1.example");
    assert_false(token_redeem(folder, token.secret, NOW, host, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_int_equal(count_files(folder), 0);
}

static void a_token_for_any_host_names_none(void **state) {
    (void)state;
    const char *folder = scratch_path("tokens");
    struct token token = issue(folder, NULL, NOW + 10, 1);
    char host[256] = "x";
    assert_true(token_redeem(folder, token.secret, NOW, host, NULL));
    assert_string_equal(host, "");
}

static void a_token_past_its_time_is_refused_and_gone(void **state) {
    (void)state;
    const char *folder = scratch_path("tokens");
    struct token token = issue(folder, "h1", NOW, 5);
    struct fault fault = {0};
    char host[256] = "untouched";
    assert_false(token_redeem(folder, token.secret, NOW + 1, host, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_non_null(strstr(fault.text, "expired"));
    assert_string_equal(host, "untouched");
    assert_false(token_redeem(folder, token.secret, NOW - 5, host, &fault)); /* not even by another clock */
    struct token just = issue(folder, "h1", NOW, 1);
    assert_true(token_redeem(folder, just.secret, NOW, host, &fault));
}

static void a_token_of_several_uses_is_good_so_often(void **state) {
    (void)state;
    const char *folder = scratch_path("tokens");
    struct token token = issue(folder, NULL, NOW + 10, 3);
    char host[256];
    for (unsigned i = 0; i < 3; i++)
        assert_true(token_redeem(folder, token.secret, NOW, host, NULL));
    assert_false(token_redeem(folder, token.secret, NOW, host, NULL));
}

static void an_unknown_secret_is_refused(void **state) {
    (void)state;
    const char *folder = scratch_path("tokens");
    struct token token = issue(folder, "h1", NOW + 10, 1), other = token;
    struct fault fault = {0};
    char host[256];
    other.secret[15] ^= 1;
    assert_false(token_redeem(folder, other.secret, NOW, host, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_false(token_redeem(scratch_path("nowhere"), token.secret, NOW, host, &fault));
    assert_true(token_redeem(folder, token.secret, NOW, host, &fault)); /* that cost it nothing */
}

static void the_secret_itself_is_not_on_the_disk(void **state) {
    (void)state;
    const char *folder = scratch_path("secret-tokens");
    char text[TOKEN_TEXT_SIZE], command[600];
    struct fault fault = {0};
    assert_true(token_issue(folder, "h1", NOW + 10, 1, pin, text, &fault));
    struct token token;
    assert_true(token_parse(slice_string(text), &token, &fault));
    char hex[33];
    for (unsigned i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", token.secret[i]);
    snprintf(command, sizeof command, "ls '%s' | grep -q %s || grep -rq '%s' '%s'", folder, hex, hex, folder);
    assert_int_not_equal(system(command), 0);
    struct stat status;
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void what_is_no_token_is_refused_with_what_to_do(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "abc",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!",
        " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct token token;
        struct fault fault = {0};
        assert_false(token_parse(slice_string(bad[i]), &token, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
        assert_non_null(strstr(fault.text, "join-token"));
    }
}

/* The file that holds the only token of a folder. */
static void only_file(const char *folder, char ret_path[512]) {
    char command[512];
    snprintf(command, sizeof command, "ls -d '%s'/*", folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(fgets(ret_path, 512, pipe));
    ret_path[strcspn(ret_path, "\n")] = '\0';
    pclose(pipe);
}

static void a_tokens_file_that_was_changed_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "h1",
                                      "h1 123",
                                      "h1 123 x\n",
                                      "h1 x 1\n",
                                      "h1 -5 1\n",
                                      "h1 99999999999999999999999 1\n",
                                      "h1 1 1 1\n",
                                      " 1 1\n",
                                      "h1 1 0\n",
                                      "h1 1 4294967296\n"};
    const char *folder = scratch_path("changed-tokens");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct token token = issue(folder, "h1", NOW + 10, 1);
        char path[512], host[256];
        struct fault fault = {0};
        only_file(folder, path);
        write_file(path, bad[i]);
        if (token_redeem(folder, token.secret, NOW, host, &fault))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(fault.code, FAULT_FORMAT);
        scratch_remove();
        folder = scratch_path("changed-tokens");
    }
}

static void a_name_that_does_not_fit_is_refused(void **state) {
    (void)state;
    char host[400], text[TOKEN_TEXT_SIZE];
    struct fault fault = {0};
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_false(token_issue(scratch_path("tokens"), host, NOW, 1, pin, text, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
}

/* ---- membership */

static struct membership sample(void) {
    struct membership membership = {.host = "h1.example",
                                    .count = 2,
                                    .collectors = {{.address = "collector.example:4711",
                                                    .origin = "log.example/one",
                                                    .pin = {1, 2, 3},
                                                    .log_key = {4, 5, 6},
                                                    .heartbeat_s = 600},
                                                   {.number = 2,
                                                    .address = "second.example:7514",
                                                    .origin = "log.example/two",
                                                    .pin = {7},
                                                    .log_key = {8},
                                                    .heartbeat_s = 60}}};
    return membership;
}

static void a_membership_is_read_as_it_was_written(void **state) {
    (void)state;
    const char *path = scratch_path("collector");
    struct membership written = sample(), read;
    struct fault fault = {0};
    assert_true(membership_write(path, &written, &fault));
    assert_true(membership_read(path, &read, &fault));
    assert_string_equal(read.host, written.host);
    assert_int_equal(read.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct membership_collector *is = &read.collectors[i], *was = &written.collectors[i];
        assert_int_equal(is->number, was->number);
        assert_string_equal(is->address, was->address);
        assert_string_equal(is->origin, was->origin);
        assert_memory_equal(is->pin, was->pin, 32);
        assert_memory_equal(is->log_key, was->log_key, 32);
        assert_int_equal(is->heartbeat_s, was->heartbeat_s);
    }
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_membership_cut_anywhere_is_refused(void **state) {
    (void)state;
    const char *path = scratch_path("collector");
    struct membership membership = sample();
    CLEANUP_BUFFER struct buffer text = BUFFER(4096);
    assert_true(membership_write(path, &membership, NULL));
    assert_true(files_read(path, &text, NULL));
    struct membership read;
    assert_true(membership_parse(buffer_slice(&text), path, &read, NULL));
    for (size_t size = 0; size < text.size; size++) {
        struct fault fault = {0};
        if (membership_parse(slice_head(buffer_slice(&text), size), path, &read, &fault))
            fail_msg("taken when cut to %zu of %zu bytes", size, text.size);
        assert_int_equal(fault.code, FAULT_FORMAT);
        assert_non_null(strstr(fault.text, path));
    }
}

static void a_membership_with_a_bad_line_names_the_line(void **state) {
    (void)state;
    static const char *const bad[] = {
        "host\n",    "host \n",           "key zz\n",         "epoch x\n", "collectors x\n", "something new\n",
        "pin 00\n",  "heartbeat_s 600\n", "collector 4\n",    "collector\n", "collector x\n", "\n",
    };
    static const char *const bad_of_one[] = {
        "pin 00\n",        "pin zz\n",      "heartbeat_s 0\n", "heartbeat_s 86401\n", "heartbeat_s x\n",
        "log_key 0011zz\n", "collector 1\n", "collector 0\n",   "host h2\n",
    };
    struct membership read;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        struct fault fault = {0};
        snprintf(text, sizeof text, "host h1\n%s", bad[i]);
        assert_false(membership_parse(slice_string(text), "FILE", &read, &fault));
        assert_non_null(strstr(fault.text, "FILE:2"));
    }
    for (size_t i = 0; i < sizeof bad_of_one / sizeof *bad_of_one; i++) {
        char text[256];
        struct fault fault = {0};
        snprintf(text, sizeof text, "collector 1\n%s", bad_of_one[i]);
        assert_false(membership_parse(slice_string(text), "FILE", &read, &fault));
        assert_non_null(strstr(fault.text, "FILE:2"));
    }
    char text[600] = "collector 0\norigin ";
    memset(text + strlen(text), 'x', 300);
    strcat(text, "\n");
    struct fault fault = {0};
    assert_false(membership_parse(slice_string(text), "FILE", &read, &fault));
    assert_false(membership_read(scratch_path("nowhere"), &read, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
}

static void collectors_get_numbers_that_stay_theirs(void **state) {
    (void)state;
    struct membership membership = sample();
    struct membership_collector more = {.address = "third.example:1"};
    struct fault fault = {0};
    assert_true(membership_add(&membership, &more, &fault)); /* 0 and 2 are there */
    assert_int_equal(more.number, 1);
    assert_int_equal(membership.collectors[1].number, 1);
    assert_string_equal(membership.collectors[2].address, "second.example:7514");
    assert_true(membership_add(&membership, &more, &fault));
    assert_int_equal(more.number, 3);
    assert_false(membership_add(&membership, &more, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    membership_remove(&membership, 0);
    membership_remove(&membership, 0);
    assert_int_equal(membership.count, 3);
    assert_int_equal(membership.collectors[0].number, 1);
    static const uint8_t second[32] = {7};
    assert_int_equal(membership_find(&membership, second, "nobody")->number, 2);
    assert_int_equal(membership_find(&membership, NULL, "third.example:1")->number, 1);
    assert_null(membership_find(&membership, NULL, "collector.example:4711"));
}

static void the_settings_say_who_is_left_and_who_has_moved(void **state) {
    (void)state;
    static const char *const one = "collector.example:4711", *const two = "second.example:7514", *const new = "new:1",
                            *const other = "other:1";
    const struct {
        const char *settings[3];
        size_t count;
        const char *of[2], *stranger;
        bool bad;
    } cases[] = {
        {{two, one}, 2, {one, two}, NULL, false},   {{two}, 1, {NULL, two}, NULL, false},
        {{one, two, new}, 3, {one, two}, new, false}, {{one, new}, 2, {one, new}, NULL, false},
        {{new}, 1, {NULL, NULL}, NULL, true},       {{one, new, other}, 3, {NULL, NULL}, NULL, true},
    };
    const struct membership membership = sample();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *of[MEMBERSHIP_COLLECTORS_MOST], *stranger;
        struct fault fault = {0};
        bool good = membership_match(&membership, cases[i].settings, cases[i].count, of, &stranger, &fault);
        assert_int_equal(good, !cases[i].bad);
        if (!good) {
            assert_int_equal(fault.code, FAULT_USAGE);
            continue;
        }
        for (size_t which = 0; which < 2; which++)
            assert_ptr_equal(of[which], cases[i].of[which]);
        assert_ptr_equal(stranger, cases[i].stranger);
    }
    struct membership alone = sample();
    membership_remove(&alone, 2);
    const char *of[MEMBERSHIP_COLLECTORS_MOST], *stranger;
    assert_true(membership_match(&alone, &new, 1, of, &stranger, NULL)); /* with one, the setting wins */
    assert_ptr_equal(of[0], new);
}

/* ---- settings */

static void a_new_site_runs_as_it_is(void **state) {
    (void)state;
    char site[256], path[512];
    struct fault fault = {0};
    snprintf(site, sizeof site, "%s", scratch_path("site"));
    assert_true(files_make_folder(site, 0700, &fault));
    assert_true(site_template_agent(site, "collector.example:4711", &fault));
    assert_true(site_template_collector(site, "127.0.0.1:4711", &fault));
    struct collector_settings collector;
    struct agent_settings agent;
    if (!settings_file_read(collector_settings_table(), site, "collector", &collector, &fault) ||
        !settings_file_read(agent_settings_table(), site, "agent", &agent, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    assert_string_equal(collector.listen.host, "127.0.0.1");
    assert_string_equal(agent.collectors.items[0], "collector.example:4711");
    settings_release(collector_settings_table(), &collector);
    settings_release(agent_settings_table(), &agent);
    /* What is there stays as it is. */
    snprintf(path, sizeof path, "%s/collector.yaml", site);
    write_file(path, "listen: 127.0.0.1:99\n");
    assert_true(site_template_collector(site, "127.0.0.1:4711", &fault));
    assert_true(settings_file_read(collector_settings_table(), site, "collector", &collector, &fault));
    assert_int_equal(collector.listen.port, 99);
    settings_release(collector_settings_table(), &collector);
}

static void files_of_the_folder_are_merged_in_the_order_of_their_names(void **state) {
    (void)state;
    char site[256], path[512];
    struct fault fault = {0};
    struct collector_settings settings;
    snprintf(site, sizeof site, "%s/collector.d", scratch_path("merged"));
    assert_true(files_make_folder(site, 0700, &fault));
    snprintf(path, sizeof path, "%s/20.yaml", site);
    write_file(path, "listen: 127.0.0.1:20\n");
    snprintf(path, sizeof path, "%s/10.yaml", site);
    write_file(path, "listen: 127.0.0.1:10\n");
    snprintf(path, sizeof path, "%s/30.yaml.off", site);
    write_file(path, "listen: 127.0.0.1:30\n");
    snprintf(path, sizeof path, "%s/.40.yaml", site);
    write_file(path, "nonsense: [\n");
    snprintf(site, sizeof site, "%s", scratch_path("merged"));
    snprintf(path, sizeof path, "%s/collector.yaml", site);
    write_file(path, "listen: 127.0.0.1:1\n");
    if (!settings_file_read(collector_settings_table(), site, "collector", &settings, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    assert_int_equal(settings.listen.port, 20);
    settings_release(collector_settings_table(), &settings);
    /* One that is wrong is named. */
    snprintf(path, sizeof path, "%s/collector.d/15.yaml", site);
    write_file(path, "listen: 127.0.0.1:15\nlisten_to: everything\n");
    assert_false(settings_file_read(collector_settings_table(), site, "collector", &settings, &fault));
    assert_non_null(strstr(fault.place, "15.yaml:2"));
}

static void relative_paths_of_settings_are_below_the_site(void **state) {
    (void)state;
    char site[256], path[512], expected[512];
    struct fault fault = {0};
    struct collector_settings settings;
    snprintf(site, sizeof site, "%s", scratch_path("below"));
    assert_true(files_make_folder(site, 0700, &fault));
    snprintf(path, sizeof path, "%s/collector.yaml", site);
    write_file(path,
               "mail: {server: mail.example.org, from: a@example.org, to: [b@example.org], ca: mail-ca.pem}\n"
               "rules: [own-rules]\n");
    assert_true(settings_file_read(collector_settings_table(), site, "collector", &settings, &fault));
    snprintf(expected, sizeof expected, "%s/mail-ca.pem", site);
    assert_string_equal(settings.mail.ca, expected);
    snprintf(expected, sizeof expected, "%s/own-rules", site);
    assert_string_equal(settings.rules.items[0], expected);
    settings_release(collector_settings_table(), &settings);
    /* However they are written, day keys are not below what is copied away. */
    snprintf(expected, sizeof expected, "backup: {folder: %s/backup, keys: backup/keys}\n", site);
    write_file(path, expected);
    assert_false(settings_file_read(collector_settings_table(), site, "collector", &settings, &fault));
    assert_non_null(strstr(fault.text, "backup.keys must not be in backup.folder"));
}

static void a_path_is_below_the_site_unless_it_is_absolute(void **state) {
    (void)state;
    char whole[FILES_PATH_MOST];
    static char longest[FILES_PATH_MOST + 1];
    assert_true(site_below(whole, "/site", "data"));
    assert_string_equal(whole, "/site/data");
    assert_true(site_below(whole, "/site", "/srv/data"));
    assert_string_equal(whole, "/srv/data");
    memset(longest, 'x', FILES_PATH_MOST);
    assert_false(site_below(whole, "/site", longest));
    longest[0] = '/';
    assert_false(site_below(whole, "/site", longest));
}

static void a_site_that_is_not_there_says_what_to_do(void **state) {
    (void)state;
    struct fault fault = {0};
    struct collector_settings settings;
    assert_false(settings_file_read(collector_settings_table(), scratch_path("no-site"), "collector",
                                    &settings, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_non_null(strstr(fault.text, "tocsin init"));
    char site[8000];
    memset(site, 'x', sizeof site - 1);
    site[sizeof site - 1] = '\0';
    assert_false(settings_file_read(collector_settings_table(), site, "collector", &settings, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
}

static void a_settings_folder_that_cannot_be_read_is_not_passed_over(void **state) {
    (void)state;
    char site[256], path[512];
    struct fault fault = {0};
    struct collector_settings settings;
    snprintf(site, sizeof site, "%s", scratch_path("odd"));
    assert_true(files_make_folder(site, 0700, &fault));
    snprintf(path, sizeof path, "%s/collector.yaml", site);
    write_file(path, "listen: 127.0.0.1:1\n");
    snprintf(path, sizeof path, "%s/collector.d", site);
    write_file(path, "a file where a folder is wanted");
    assert_false(settings_file_read(collector_settings_table(), site, "collector", &settings, &fault));
    assert_non_null(strstr(fault.text, "collector.d"));
}

/* ---- keys */

static void a_key_is_made_once_and_is_the_same_ever_after(void **state) {
    (void)state;
    const char *path = scratch_path("sign.key");
    struct fault fault = {0};
    assert_null(key_file_open(path, false, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    struct signing_key *made = key_file_open(path, true, &fault);
    assert_non_null(made);
    struct signing_key *again = key_file_open(path, true, &fault);
    assert_non_null(again);
    assert_memory_equal(signing_key_public(made)->bytes, signing_key_public(again)->bytes,
                        ED25519_PUBLIC_SIZE);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    signing_key_destroy(made);
    signing_key_destroy(again);
}

static void a_file_that_holds_no_key_is_refused_and_kept(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "00",
                                      "zz",
                                      "0011\n",
                                      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg\n",
                                      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00\n"};
    const char *path = scratch_path("bad.key");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fault fault = {0};
        write_file(path, bad[i]);
        assert_null(key_file_open(path, true, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
        CLEANUP_BUFFER struct buffer text = BUFFER(256);
        assert_true(files_read(path, &text, &fault));
        assert_string_equal(buffer_string(&text), bad[i]);
    }
}

/* ---- paths and names */

static void every_file_of_a_site_has_its_place_below_the_data(void **state) {
    (void)state;
    for (int file = SITE_AGENT_FOLDER; file <= (int)SITE_COLLECTOR_LOCK; file++) {
        char path[FILES_PATH_MOST];
        assert_true(site_path(path, "/data", (enum site_file)file));
        assert_true(slice_starts(slice_string(path), SLICE("/data/")));
    }
    char name[256];
    site_host_name(name);
    assert_true(host_name_good(slice_string(name)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_token_names_its_host_and_its_collector_and_is_good_once, remove_scratch),
        cmocka_unit_test_teardown(a_token_for_any_host_names_none, remove_scratch),
        cmocka_unit_test_teardown(a_token_past_its_time_is_refused_and_gone, remove_scratch),
        cmocka_unit_test_teardown(a_token_of_several_uses_is_good_so_often, remove_scratch),
        cmocka_unit_test_teardown(an_unknown_secret_is_refused, remove_scratch),
        cmocka_unit_test_teardown(the_secret_itself_is_not_on_the_disk, remove_scratch),
        cmocka_unit_test_teardown(what_is_no_token_is_refused_with_what_to_do, remove_scratch),
        cmocka_unit_test_teardown(a_tokens_file_that_was_changed_is_refused, remove_scratch),
        cmocka_unit_test_teardown(a_name_that_does_not_fit_is_refused, remove_scratch),
        cmocka_unit_test_teardown(a_membership_is_read_as_it_was_written, remove_scratch),
        cmocka_unit_test_teardown(a_membership_cut_anywhere_is_refused, remove_scratch),
        cmocka_unit_test_teardown(a_membership_with_a_bad_line_names_the_line, remove_scratch),
        cmocka_unit_test(collectors_get_numbers_that_stay_theirs),
        cmocka_unit_test(the_settings_say_who_is_left_and_who_has_moved),
        cmocka_unit_test_teardown(a_new_site_runs_as_it_is, remove_scratch),
        cmocka_unit_test_teardown(files_of_the_folder_are_merged_in_the_order_of_their_names, remove_scratch),
        cmocka_unit_test_teardown(relative_paths_of_settings_are_below_the_site, remove_scratch),
        cmocka_unit_test(a_path_is_below_the_site_unless_it_is_absolute),
        cmocka_unit_test_teardown(a_site_that_is_not_there_says_what_to_do, remove_scratch),
        cmocka_unit_test_teardown(a_settings_folder_that_cannot_be_read_is_not_passed_over, remove_scratch),
        cmocka_unit_test_teardown(a_key_is_made_once_and_is_the_same_ever_after, remove_scratch),
        cmocka_unit_test_teardown(a_file_that_holds_no_key_is_refused_and_kept, remove_scratch),
        cmocka_unit_test_teardown(every_file_of_a_site_has_its_place_below_the_data, remove_scratch),
    };
    return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}

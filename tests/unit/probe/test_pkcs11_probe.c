/* What the pkcs11 probe remembers from run to run: a PIN that was refused, a login without an end, the nonce before. The
 * canary is a script that tells what a test wants it to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"
#include "probe.h"

#define OPENED "step=load\ntook=1\nstep=open\ntoken=CA\ntook=1\nstep=login\npin-file=12 7 1700000000.5\n"
#define REFUSED OPENED "pin=refused\nfailed=C_Login: CKR_PIN_INCORRECT\n"
#define HELD OPENED "pin=held\nfailed=the PIN was not given\n"
#define SIGNED(nonce)                                                                                        \
    OPENED "took=1\nstep=find\nkey=EC\ntook=1\nstep=sign\nnonce=" nonce "\ntook=1\nstep=verify\ntook=1\n"

static char folder[] = "/tmp/test_pkcs11_probe.XXXXXX", memory[64];
static struct loop *loop;
static struct prober *prober;
static struct probe *probe;
static struct probe_settings settings;
static char fired[256];
static bool over;

static void path_of(char path[128], const char *name) {
    snprintf(path, 128, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *content) {
    char path[128];
    path_of(path, name);
    assert_true(files_write(path, slice_string(content), 0600, NULL));
}

static void remove_file(const char *name) {
    char path[128];
    path_of(path, name);
    unlink(path);
}

/* How the canary was called last, but for its own name and the key's. */
static const char *called(void) {
    static char line[1024];
    char path[128];
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 16);
    path_of(path, "called");
    assert_true(files_read(path, &text, NULL));
    const char *all = buffer_string(&text);
    size_t end = text.size - 1;
    while (end > 0 && all[end - 1] != '\n')
        end--;
    snprintf(line, sizeof line, "%.*s", (int)(text.size - 1 - end), all + end);
    return line;
}

static void done(void *context, const struct probe_result *result) {
    (void)context;
    const struct liveness_report *report = &result->parts[0]->report;
    fired[0] = '\0';
    for (size_t i = 0; i < report->count; i++)
        if (report->findings[i].state >= LIVENESS_WARN)
            snprintf(fired + strlen(fired), sizeof fired - strlen(fired), "%s ",
                     liveness_check_row(report->findings[i].check)->name);
    over = true;
}

static void make(void) {
    char yaml[600];
    struct fault fault = {0};
    snprintf(yaml, sizeof yaml,
             "kind: pkcs11\ntarget: 'pkcs11:object=x'\ntimeout: 10s\nenvironment: ['FOLDER=%s']\n", folder);
    settings_start(probe_settings_table(), &settings);
    loop = loop_create(&fault);
    if (!settings_read(probe_settings_table(), slice_string(yaml), "test", &settings, &fault) ||
        !settings_finish(probe_settings_table(), "test", &settings, &fault) ||
        !(prober = prober_create(loop, memory, &fault)) || !(probe = probe_create(prober, &settings, &fault)))
        fail_msg("%s", fault.text);
}

/* As when the program ends. */
static void unmake(void) {
    probe = probe_destroy(probe);
    prober = prober_destroy(prober);
    loop = loop_destroy(loop);
    settings_release(probe_settings_table(), &settings);
}

static int each(void **state) {
    (void)state;
    strcpy(strrchr(folder, '.'), ".XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(memory, sizeof memory, "%s/memory", folder);
    make();
    return 0;
}

static int after(void **state) {
    (void)state;
    char command[128];
    unmake();
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c): a folder of this test's */
}

/* One run in which the canary tells that. */
static const char *run(const char *tells) {
    write_file("tells", tells);
    over = false;
    probe_run(probe, done, NULL);
    while (!over)
        loop_turn(loop, true);
    return fired;
}

static void a_refused_pin_is_named_to_the_canary_until_one_was_taken(void **state) {
    (void)state;
    assert_string_equal(run(REFUSED), "pkcs11.pin ");
    assert_string_equal(called(), "-- pkcs11:object=x");
    assert_string_equal(run(HELD), "pkcs11.pin ");
    assert_string_equal(called(), "--refused 12 7 1700000000.5 -- pkcs11:object=x");
    run(HELD);
    assert_string_equal(called(), "--refused 12 7 1700000000.5 -- pkcs11:object=x");
    assert_string_equal(run(SIGNED("01")), "");
    run(SIGNED("02"));
    assert_string_equal(called(), "-- pkcs11:object=x");
}

static void it_is_remembered_over_a_restart(void **state) {
    (void)state;
    run(REFUSED);
    unmake();
    make();
    run(HELD);
    assert_string_equal(called(), "--refused 12 7 1700000000.5 -- pkcs11:object=x");
    run(SIGNED("01"));
    unmake();
    make();
    run(SIGNED("02"));
    assert_string_equal(called(), "-- pkcs11:object=x");
}

static void a_login_without_an_end_makes_the_next_one_careful(void **state) {
    (void)state;
    assert_string_equal(run(OPENED), "pkcs11.program pkcs11.pin "); /* it ended with 0 in the middle of it */
    run(HELD);
    assert_string_equal(called(), "--careful -- pkcs11:object=x");
    run(SIGNED("01")); /* held says nothing new: still careful */
    assert_string_equal(called(), "--careful -- pkcs11:object=x");
    run(SIGNED("02"));
    assert_string_equal(called(), "-- pkcs11:object=x");
}

static void so_does_a_run_that_was_given_up(void **state) {
    (void)state;
    char path[128];
    path_of(path, "called");
    write_file("tells", OPENED);
    write_file("hangs", "");
    probe_run(probe, done, NULL);
    while (!files_exists(path)) {
        loop_turn(loop, false);
        usleep(1000);
    }
    probe_cancel(probe);
    remove_file("hangs");
    run(SIGNED("01"));
    assert_string_equal(called(), "--careful -- pkcs11:object=x");
}

static void a_nonce_that_comes_again_is_found(void **state) {
    (void)state;
    assert_string_equal(run(SIGNED("01")), "");
    assert_string_equal(run(SIGNED("02")), "");
    assert_string_equal(run(SIGNED("02")), "pkcs11.nonce ");
}

static void what_tells_nonsense_is_no_canary(void **state) {
    (void)state;
    assert_string_equal(run("hello\n"), "pkcs11.program ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refused_pin_is_named_to_the_canary_until_one_was_taken, each,
                                        after),
        cmocka_unit_test_setup_teardown(it_is_remembered_over_a_restart, each, after),
        cmocka_unit_test_setup_teardown(a_login_without_an_end_makes_the_next_one_careful, each, after),
        cmocka_unit_test_setup_teardown(so_does_a_run_that_was_given_up, each, after),
        cmocka_unit_test_setup_teardown(a_nonce_that_comes_again_is_found, each, after),
        cmocka_unit_test_setup_teardown(what_tells_nonsense_is_no_canary, each, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

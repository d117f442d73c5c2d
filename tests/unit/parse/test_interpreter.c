/* Whole events to records: what the rules rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "calendar.h"
#include "shipped_decoders.h"

struct fixture {
    struct symbols *symbols;
    struct interpreter *interpreter;
    struct record *record;
    uint64_t time_us;
};

#define REFERENCE_US UINT64_C(1795286700000000) /* 2026-11-21T18:45:00Z */

static int set_up(void **state) {
    static struct fixture fixture;
    fixture.symbols = symbols_create();
    fixture.interpreter = interpreter_create(fixture.symbols);
    shipped_decoders_add(fixture.interpreter);
    fixture.record = record_create(fixture.symbols);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    record_destroy(fixture->record);
    interpreter_destroy(fixture->interpreter);
    symbols_destroy(fixture->symbols);
    return 0;
}

static void read_line(struct fixture *fixture, const char *line) {
    struct event_body body = {
        .kind = EVENT_LINE, .source = SLICE("/var/log/auth.log"), .raw = slice_string(line)};
    interpreter_read(fixture->interpreter, &body, REFERENCE_US, fixture->record, &fixture->time_us);
}

/* "name=value" is one of the record's fields; "!name" stands nowhere in it. */
static void expect(const struct fixture *fixture, const char *wanted) {
    const struct record *record = fixture->record;
    size_t name = strcspn(wanted, "=");
    bool absent = wanted[0] == '!', found = false;
    for (size_t i = 0; i < record->count && !found; i++) {
        struct record_field field = record->fields[i];
        if (absent)
            found = slice_equal(field.name, slice_string(wanted + 1));
        else
            found = slice_equal(field.name, slice_make(wanted, name)) &&
                    slice_equal(field.value, slice_string(wanted + name + 1));
    }
    if (found != absent)
        return;
    for (size_t i = 0; i < record->count; i++)
        print_message("  %.*s=%.*s\n", SLICE_ARG(record->fields[i].name), SLICE_ARG(record->fields[i].value));
    fail_msg("expected %s", wanted);
}

#define WANTED_MOST 12
struct sample {
    const char *line;
    const char *wanted[WANTED_MOST];
};

static void check(struct fixture *fixture, const struct sample *samples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char original[1200];
        read_line(fixture, samples[i].line);
        snprintf(original, sizeof original, "event.original=%s", samples[i].line);
        expect(fixture, original);
        for (size_t j = 0; j < WANTED_MOST && samples[i].wanted[j]; j++)
            expect(fixture, samples[i].wanted[j]);
    }
}
#define CHECK(samples) check(*state, samples, sizeof(samples) / sizeof *(samples))

static void logins_say_who_came_from_where(void **state) {
    static const struct sample samples[] = {
        {"Nov 21 18:44:24 main sshd[712]: Accepted publickey for alice from 192.0.2.7 port 51234 ssh2: "
         "ED25519 SHA256:abc",
         {"host.hostname=main", "process.name=sshd", "process.pid=712", "event.action=ssh_login",
          "event.outcome=success", "user.name=alice", "source.ip=192.0.2.7", "source.port=51234",
          "sshd.method=publickey", "tocsin.service=sshd", "tocsin.service=auth", "tocsin.product=linux"}},
        {"2026-11-21T18:44:24.123456+01:00 main sshd-session[712]: Failed password for invalid user admin "
         "from 2001:db8::9 port 1 ssh2",
         {"process.name=sshd-session", "event.action=ssh_login", "event.outcome=failure",
          "sshd.invalid_user=true", "user.name=admin", "source.ip=2001:db8::9", "sshd.method=password",
          "tocsin.service=sshd"}},
        {"Nov 21 18:44:24 main sshd[712]: Failed password for root from client.example.org port 7 ssh2",
         {"source.domain=client.example.org", "!source.ip", "!sshd.invalid_user", "user.name=root"}},
        {"Nov 21 18:44:24 main sshd[712]: message repeated 3 times: [ Failed password for root from "
         "203.0.113.9 port 7 ssh2]",
         {"event.action=ssh_login", "user.name=root", "source.ip=203.0.113.9", "tocsin.repeated=3",
          "source.port=7"}},
        {"Nov 21 18:44:24 main sshd[712]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 "
         "tty=ssh ruser= "
         "rhost=203.0.113.9  user=root",
         {"event.action=authentication_failure", "pam.service=sshd", "user.name=root",
          "source.ip=203.0.113.9", "tocsin.service=auth", "event.outcome=failure"}},
    };
    CHECK(samples);
}

static void a_chosen_user_name_cannot_pass_for_an_address(void **state) {
    static const struct sample samples[] = {
        {"Nov 21 18:44:24 main sshd[712]: Failed password for invalid user x from 192.0.2.1 port 22 ssh2 "
         "from 203.0.113.9 "
         "port 40022 ssh2",
         {"source.ip=203.0.113.9", "source.port=40022", "user.name=x from 192.0.2.1 port 22 ssh2"}},
        {"Nov 21 18:44:24 main sshd[712]: Invalid user root from 192.0.2.1 port 22 from 203.0.113.9 port "
         "40022",
         {"source.ip=203.0.113.9", "user.name=root from 192.0.2.1 port 22"}},
        {"Nov 21 18:44:24 main sshd[712]: Connection closed by invalid user a 192.0.2.1 port 22 [preauth] "
         "203.0.113.9 port 4 "
         "[preauth]",
         {"source.ip=203.0.113.9", "user.name=a 192.0.2.1 port 22 [preauth]"}},
    };
    CHECK(samples);
}

static void commands_and_sessions_say_who_became_whom(void **state) {
    static const struct sample samples[] = {
        {"Nov 21 18:44:24 main sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; "
         "COMMAND=/usr/bin/apt update",
         {"event.action=sudo_command", "event.outcome=success", "user.name=alice", "sudo.target_user=root",
          "sudo.tty=pts/0", "process.command_line=/usr/bin/apt update", "working_directory=/home/alice",
          "tocsin.service=sudo"}},
        {"Nov 21 18:44:24 main sudo: mallory : user NOT in sudoers ; TTY=pts/3 ; PWD=/tmp ; USER=root ; "
         "COMMAND=/bin/bash",
         {"event.action=sudo_command", "event.outcome=failure", "user.name=mallory",
          "event.reason=user NOT in sudoers"}},
        {"Nov 21 18:44:24 main su[99]: FAILED SU (to root) mallory on pts/3",
         {"event.action=su_session", "event.outcome=failure", "user.name=mallory", "su.target_user=root"}},
        {"Nov 21 18:44:24 main sudo: pam_unix(sudo:session): session opened for user root(uid=0) by "
         "alice(uid=1000)",
         {"event.action=session_opened", "user.name=root", "pam.by=alice", "pam.service=sudo", "user.id=0"}},
        {"Nov 21 18:44:24 main CRON[9]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
         {"event.action=cron_command", "user.name=root", "tocsin.service=cron",
          "process.command_line=cd / && run-parts --report /etc/cron.hourly"}},
        {"Nov 21 18:44:24 main useradd[9]: new user: name=eve, UID=0, GID=0, home=/root, shell=/bin/sh, "
         "from=/dev/pts/1",
         {"event.action=user_added", "user.name=eve", "user.id=0"}},
        {"Nov 21 18:44:24 main passwd[9]: pam_unix(passwd:chauthtok): password changed for alice",
         {"event.action=password_changed", "user.name=alice"}},
    };
    CHECK(samples);
}

static void machines_say_what_broke(void **state) {
    static const struct sample samples[] = {
        {"Nov 21 18:44:24 main kernel: [ 1234.567890] blk_update_request: I/O error, dev sda, sector 123 op "
         "0x0:(READ)",
         {"event.action=disk_error", "kernel.device=sda", "kernel.uptime=1234.567890",
          "tocsin.service=kernel",
          "message=blk_update_request: I/O error, dev sda, sector 123 op 0x0:(READ)"}},
        {"Nov 21 18:44:24 main kernel: EXT4-fs (sda1): Remounting filesystem read-only",
         {"event.action=filesystem_readonly", "kernel.device=sda1"}},
        {"Nov 21 18:44:24 main kernel: Out of memory: Killed process 4711 (java) total-vm:123456kB, "
         "anon-rss:1kB",
         {"event.action=oom_kill", "oom.process=java", "oom.pid=4711"}},
        {"Nov 21 18:44:24 main kernel: EDAC MC0: 1 UE memory scrubbing error on "
         "CPU_SrcID#0_MC#0_Chan#1_DIMM#0",
         {"event.action=memory_error", "kernel.corrected=false"}},
        {"Nov 21 18:44:24 main systemd[1]: nginx.service: Failed with result 'exit-code'.",
         {"event.action=unit_failed", "systemd.unit=nginx.service", "systemd.result=exit-code"}},
        {"Nov 21 18:44:24 main systemd[1]: Started ssh.service - OpenBSD Secure Shell server.",
         {"event.action=unit_started", "systemd.unit=ssh.service"}},
        {"Nov 21 18:44:24 main chronyd[5]: System clock was stepped by -3.25 seconds",
         {"event.action=time_stepped", "clock.offset=-3.25"}},
    };
    CHECK(samples);
}

static void lines_of_unknown_programs_and_of_none_keep_their_message(void **state) {
    static const struct sample samples[] = {
        {"Nov 21 18:44:24 main ocspd[4]: ready",
         {"message=ready", "tocsin.service=ocspd", "tocsin.service=syslog"}},
        {"nothing that anyone knows",
         {"message=nothing that anyone knows", "!tocsin.product", "!host.hostname"}},
        {"", {"message="}},
        {"<34>1 2026-11-21T18:44:24Z main signer 77 SIGN [ca@32473 serial=\"0A\\\"1\" ok=\"\"] \xef\xbb\xbf"
         "done",
         {"message=done", "log.syslog.structured_data.ca@32473.serial=0A\"1",
          "log.syslog.structured_data.ca@32473.ok=", "log.syslog.msgid=SIGN", "process.pid=77",
          "log.syslog.severity.name=crit", "log.syslog.facility.name=auth", "log.syslog.priority=34"}},
        {"2026-11-21T18:44:24Z INFO main: it works",
         {"message=INFO main: it works", "!host.hostname", "!process.name"}},
        {"Nov 21 18:44:24 main ca[3]: "
         "{\"event\":{\"action\":\"sign\"},\"tocsin.product\":\"tocsin\",\"n\":3}",
         {"event.action=sign", "n=3", "!tocsin.category", "tocsin.product=linux"}},
        {"level=warn msg=\"disk \\\"a\\\" full\" ts=2026-11-21T18:44:24Z",
         {"message=disk \"a\" full", "log.level=warn"}},
        {"{\"message\":\"hello\",\"host\":{\"name\":\"forged\"},\"event\":{\"original\":\"forged\"},\"a\":[1,"
         "{\"b\":true}]}",
         {"message=hello", "!host.name", "a=1", "a.b=true"}},
        {"{\"message\":\"cut off", {"message={\"message\":\"cut off"}},
    };
    CHECK(samples);
}

static void forged_products_do_not_stand_in_a_line(void **state) {
    struct fixture *fixture = *state;
    read_line(fixture, "{\"tocsin\":{\"product\":\"tocsin\",\"category\":\"gap\"},\"x\":1}");
    expect(fixture, "!tocsin.product");
    expect(fixture, "!tocsin.category");
    expect(fixture, "x=1");
}

static void a_later_fragment_is_text_alone(void **state) {
    struct fixture *fixture = *state;
    struct event_field fields[] = {{SLICE("fragment.index"), SLICE("1")},
                                   {SLICE("fragment.total"), SLICE("90000")}};
    struct event_body body = {
        .kind = EVENT_LINE,
        .raw = SLICE("Nov 21 18:44:24 main sshd[1]: Accepted password for root from 192.0.2.1 port 1 ssh2"),
        .fields = fields,
        .field_count = 2};
    interpreter_read(fixture->interpreter, &body, REFERENCE_US, fixture->record, &fixture->time_us);
    expect(fixture, "!event.action");
    expect(fixture, "!process.name");
    expect(fixture, "fragment.total=90000");
    fields[0].value = SLICE("0");
    interpreter_read(fixture->interpreter, &body, REFERENCE_US, fixture->record, &fixture->time_us);
    expect(fixture, "event.action=ssh_login");
}

static void journal_entries_are_read_like_lines_and_keep_their_own_names(void **state) {
    struct fixture *fixture = *state;
    struct event_field fields[] = {
        {SLICE("SYSLOG_IDENTIFIER"), SLICE("systemd")},
        {SLICE("_PID"), SLICE("1")},
        {SLICE("PRIORITY"), SLICE("4")},
        {SLICE("SYSLOG_FACILITY"), SLICE("3")},
        {SLICE("_HOSTNAME"), SLICE("main")},
        {SLICE("_SYSTEMD_UNIT"), SLICE("init.scope")},
        {SLICE("UNIT"), SLICE("nginx.service")},
        {SLICE("_UID"), SLICE("0")},
        {SLICE("host.name"), SLICE("forged")},
    };
    struct event_body body = {.kind = EVENT_JOURNAL,
                              .source = SLICE("journal"),
                              .raw = SLICE("nginx.service: Failed with result 'exit-code'."),
                              .source_time_us = 1795286664123456,
                              .fields = fields,
                              .field_count = 9};
    interpreter_read(fixture->interpreter, &body, REFERENCE_US, fixture->record, &fixture->time_us);
    static const char *const wanted[] = {"event.action=unit_failed",
                                         "systemd.unit=nginx.service",
                                         "process.name=systemd",
                                         "process.pid=1",
                                         "log.syslog.severity.code=4",
                                         "log.syslog.facility.name=daemon",
                                         "host.hostname=main",
                                         "_SYSTEMD_UNIT=init.scope",
                                         "UNIT=nginx.service",
                                         "process.user.id=0",
                                         "tocsin.service=systemd",
                                         "!log.file.path",
                                         "!host.name"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        expect(fixture, wanted[i]);
    assert_int_equal(fixture->time_us, 1795286664123456);
}

static void tocsins_own_events_say_so(void **state) {
    struct fixture *fixture = *state;
    struct event_field fields[] = {{SLICE("gap.unit"), SLICE("bytes")}, {SLICE("gap.count"), SLICE("17")}};
    struct event_body body = {.kind = EVENT_GAP,
                              .source = SLICE("agent"),
                              .raw = SLICE("17 bytes lost"),
                              .fields = fields,
                              .field_count = 2};
    interpreter_read(fixture->interpreter, &body, REFERENCE_US, fixture->record, &fixture->time_us);
    expect(fixture, "tocsin.product=tocsin");
    expect(fixture, "tocsin.category=gap");
    expect(fixture, "tocsin.service=agent");
    expect(fixture, "gap.count=17");
    body = (struct event_body){
        .kind = EVENT_ALERT,
        .source = SLICE("collector"),
        .raw = SLICE("{\"id\":\"a1\",\"rule\":{\"id\":\"r\",\"title\":\"T\"},\"events\":[1,2],"
                     "\"entity\":{\"source\":{\"ip\":\"192.0.2.1\"}}}")};
    interpreter_read(fixture->interpreter, &body, REFERENCE_US, fixture->record, &fixture->time_us);
    expect(fixture, "tocsin.category=alert");
    expect(fixture, "tocsin.alert.rule.title=T");
    expect(fixture, "tocsin.alert.entity.source.ip=192.0.2.1");
    expect(fixture, "!tocsin.alert.events");
}

static uint64_t time_of(const char *text) {
    uint64_t time = 0;
    assert_true(calendar_parse(slice_string(text), &time));
    return time;
}

static void a_lines_own_time_is_told_and_its_zone_is_a_setting(void **state) {
    struct fixture *fixture = *state;
    struct fault fault;
    read_line(fixture, "Nov 21 18:44:24 main a: b");
    assert_int_equal(fixture->time_us, time_of("2026-11-21T18:44:24Z"));
    read_line(fixture, "2026-11-21T18:44:24.5+01:00 main a: b");
    assert_int_equal(fixture->time_us, time_of("2026-11-21T17:44:24.5Z"));
    read_line(fixture, "2026-11-21 18:44:24,123 ERROR [main] it broke");
    assert_int_equal(fixture->time_us, time_of("2026-11-21T18:44:24.123Z"));
    read_line(fixture, "{\"ts\":1795286664.25,\"msg\":\"x\"}");
    assert_int_equal(fixture->time_us, UINT64_C(1795286664250000));
    read_line(fixture, "no time");
    assert_int_equal(fixture->time_us, 0);
    assert_true(interpreter_set_zone(fixture->interpreter, 60, &fault));
    read_line(fixture, "Nov 21 18:44:24 main a: b");
    assert_int_equal(fixture->time_us, time_of("2026-11-21T17:44:24Z"));
    assert_true(interpreter_set_zone(fixture->interpreter, 0, &fault));
    assert_false(interpreter_set_zone(fixture->interpreter, 2000, &fault));
}

static void a_trusted_object_keeps_every_name(void **state) {
    struct fixture *fixture = *state;
    enum line_format format;
    assert_true(line_format_by_name(SLICE("jsonl"), &format));
    interpreter_set_format(fixture->interpreter, format);
    read_line(fixture,
              "{\"tocsin\":{\"product\":\"linux\",\"service\":\"sshd\"},\"host\":{\"name\":\"main\"},"
              "\"event\":{\"original\":\"the line\"},\"@timestamp\":\"2026-11-21T18:44:24Z\"}");
    interpreter_set_format(fixture->interpreter, LINE_AUTO);
    expect(fixture, "tocsin.service=sshd");
    expect(fixture, "host.name=main");
    assert_true(slice_equal(record_value(fixture->record, SLICE("event.original")), SLICE("the line")));
    assert_int_equal(fixture->time_us, time_of("2026-11-21T18:44:24Z"));
    assert_false(line_format_by_name(SLICE("xml"), &format));
}

static void a_full_record_says_so_and_serves_again(void **state) {
    struct fixture *fixture = *state;
    static char line[8192] = "{";
    size_t size = 1;
    for (unsigned i = 0; i < 400; i++)
        size += (size_t)snprintf(line + size, sizeof line - size, "%s\"k%u\":%u", i ? "," : "", i, i);
    line[size++] = '}';
    line[size] = '\0';
    read_line(fixture, line);
    assert_true(fixture->record->full);
    assert_int_equal(fixture->record->count, RECORD_FIELDS_MOST);
    read_line(fixture, "Nov 21 18:44:24 main a: b");
    assert_false(fixture->record->full);
}

static void which_log_sources_there_can_be_is_known(void **state) {
    const struct interpreter *interpreter = ((struct fixture *)*state)->interpreter;
    static const struct {
        const char *product, *category, *service;
        bool given;
    } cases[] = {
        {"linux", "", "sshd", true},      {"Linux", "", "", true},        {"", "", "auth", true},
        {"linux", "", "anything", true},  {"windows", "", "", false},     {"", "registry_set", "", false},
        {"tocsin", "state", "", true},    {"", "gap", "agent", true},     {"tocsin", "webserver", "", false},
        {"windows", "", "sshd", false},   {"", "", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (interpreter_gives(interpreter, slice_string(cases[i].product), slice_string(cases[i].category),
                              slice_string(cases[i].service)) != cases[i].given)
            fail_msg("%s %s %s", cases[i].product, cases[i].category, cases[i].service);
}

static void a_decoders_own_log_source_is_one(void **state) {
    struct interpreter *interpreter = ((struct fixture *)*state)->interpreter;
    struct fault fault;
    assert_false(interpreter_gives(interpreter, SLICE("apache"), SLICE("webserver"), SLICE("access")));
    assert_true(interpreter_add_decoders(
        interpreter,
        SLICE("decoder: web\nprograms: [apache2]\nproduct: apache\ncategory: webserver\nservices: [access]\n"
              "patterns:\n  - match: 'GET {url.path:rest}'\n    examples: ['GET /x']\n"),
        "web.yaml", &fault));
    assert_true(interpreter_gives(interpreter, SLICE("apache"), SLICE("webserver"), SLICE("access")));
    assert_true(interpreter_gives(interpreter, SLICE(""), SLICE("WebServer"), SLICE("")));
    assert_false(interpreter_gives(interpreter, SLICE("apache"), SLICE("webserver"), SLICE("error")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_say_who_came_from_where),
        cmocka_unit_test(a_chosen_user_name_cannot_pass_for_an_address),
        cmocka_unit_test(commands_and_sessions_say_who_became_whom),
        cmocka_unit_test(machines_say_what_broke),
        cmocka_unit_test(lines_of_unknown_programs_and_of_none_keep_their_message),
        cmocka_unit_test(forged_products_do_not_stand_in_a_line),
        cmocka_unit_test(a_later_fragment_is_text_alone),
        cmocka_unit_test(journal_entries_are_read_like_lines_and_keep_their_own_names),
        cmocka_unit_test(tocsins_own_events_say_so),
        cmocka_unit_test(a_lines_own_time_is_told_and_its_zone_is_a_setting),
        cmocka_unit_test(a_trusted_object_keeps_every_name),
        cmocka_unit_test(which_log_sources_there_can_be_is_known),
        cmocka_unit_test(a_decoders_own_log_source_is_one),
        cmocka_unit_test(a_full_record_says_so_and_serves_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

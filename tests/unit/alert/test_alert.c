#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "alert_mail.h"
#include "dedup.h"

#define SECOND 1000000ull
#define HOUR (3600 * SECOND)

static struct rule rule_with(enum rule_level level, const char *const *tags, size_t tag_count) {
    return (struct rule){.id = "11111111-2222-3333-4444-555555555555",
                         .title = "Logins that failed",
                         .level = level,
                         .tags = tags,
                         .tag_count = tag_count};
}

static struct classification class_of(enum rule_level level, const char *tag,
                                      const struct classify_context *context) {
    struct rule rule = rule_with(level, &tag, tag ? 1 : 0);
    struct classification class;
    classify_rule(&rule, context, &class);
    return class;
}

static void the_table_gives_the_class(void **state) {
    (void)state;
    static const struct {
        const char *tag;
        const char *classes; /* low, medium, high, critical */
    } rows[] = {
        {NULL, "1 1 1 1"},
        {"attack.reconnaissance", "2a 2a 2b 2b"},
        {"attack.resource_development", "2a 2a 2b 2b"},
        {"attack.initial-access", "2a 2a 2b 2b"},
        {"attack.credential-access", "2a 2b 3a 3b"},
        {"attack.discovery", "1 2b 3a 3a"},
        {"attack.execution", "1 2b 3a 3b"},
        {"attack.persistence", "1 2b 3a 3b"},
        {"attack.privilege_escalation", "1 2b 3a 3b"},
        {"attack.defense-evasion", "1 2b 3a 3b"},
        {"attack.stealth", "1 2b 3a 3b"},
        {"attack.defense-impairment", "1 2b 3a 3b"},
        {"attack.lateral-movement", "2b 3a 3b 3b"},
        {"attack.collection", "2b 3a 3b 3b"},
        {"attack.command-and-control", "2b 3a 3b 3b"},
        {"attack.exfiltration", "2b 3b 3b 3b"},
        {"attack.impact", "1 3a 3b 3b"},
        {"attack.t1110", "1 1 1 1"},
        {"detection.threat-hunting", "1 1 1 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char classes[64] = "";
        for (unsigned level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++)
            snprintf(classes + strlen(classes), sizeof classes - strlen(classes), "%s%s",
                     level > LEVEL_LOW ? " " : "",
                     severity_text(class_of((enum rule_level)level, rows[i].tag, NULL).severity));
        assert_string_equal(classes, rows[i].classes);
    }
}

static void what_is_known_beside_the_rule_changes_it_and_is_told(void **state) {
    (void)state;
    struct classify_context succeeded = {.succeeded = true}, down = {.service_failed = true};
    struct classification class = class_of(LEVEL_CRITICAL, "attack.initial-access", &succeeded);
    assert_int_equal(class.severity, SEVERITY_3A);
    assert_string_equal(class.why,
                        "Class 3a (exploit without loss): tactic initial-access at level critical; the "
                        "attempt succeeded.");
    static const char *const flood[] = {"attack.impact", "attack.t1498.001"};
    struct rule rule = rule_with(LEVEL_CRITICAL, flood, 2);
    classify_rule(&rule, NULL, &class);
    assert_int_equal(class.severity, SEVERITY_2B);
    classify_rule(&rule, &down, &class);
    assert_int_equal(class.severity, SEVERITY_4);
    assert_int_equal(class.priority, PRIORITY_PAGE);
}

static void the_tactic_that_is_told_first_wins_and_the_rules_own_word_most_of_all(void **state) {
    (void)state;
    static const char *const tags[] = {"attack.discovery", "attack.exfiltration", "attack.reconnaissance"};
    struct rule rule = rule_with(LEVEL_MEDIUM, tags, 3);
    struct classification class;
    classify_rule(&rule, NULL, &class);
    assert_int_equal(class.severity, SEVERITY_3B);
    rule.severity = SEVERITY_2A;
    classify_rule(&rule, NULL, &class);
    assert_int_equal(class.severity, SEVERITY_2A);
    assert_string_equal(class.why, "Class 2a (automated probe): the rule says so.");
    rule.because = "somebody knocked.";
    classify_rule(&rule, NULL, &class);
    assert_string_equal(class.why, "Class 2a (automated probe): somebody knocked.");
}

static void nothing_automatic_gives_a_breach(void **state) {
    (void)state;
    static const char *const tags[] = {"attack.exfiltration", "attack.impact", "attack.initial-access"};
    for (unsigned bits = 0; bits < 8; bits++) {
        struct classify_context context = {bits & 1, bits & 2, bits & 4};
        for (unsigned level = 0; level < RULE_LEVELS; level++) {
            struct rule rule = rule_with((enum rule_level)level, tags, 3);
            struct classification class;
            classify_rule(&rule, &context, &class);
            assert_int_not_equal(class.severity, SEVERITY_3C);
        }
    }
}

static void the_order_of_notice_is_not_the_order_of_the_classes(void **state) {
    (void)state;
    static const char *const order[] = {"3c", "3b", "4", "3a", "2b", "2a", "1"};
    for (unsigned i = 0; i < 7; i++) {
        enum severity severity;
        assert_true(severity_by_text(slice_string(order[i]), &severity));
        assert_int_equal(severity_notice_rank(severity), 7 - i);
    }
}

static void priority_says_how_soon(void **state) {
    (void)state;
    struct classify_context core = {.core_service = true};
    assert_int_equal(class_of(LEVEL_HIGH, "attack.persistence", NULL).priority, PRIORITY_PAGE);
    assert_int_equal(class_of(LEVEL_CRITICAL, NULL, NULL).priority, PRIORITY_TODAY);
    assert_int_equal(class_of(LEVEL_CRITICAL, NULL, &core).priority, PRIORITY_PAGE);
    assert_non_null(strstr(class_of(LEVEL_CRITICAL, NULL, &core).why, "core service"));
    assert_int_equal(class_of(LEVEL_HIGH, NULL, &core).priority, PRIORITY_TODAY);
    assert_int_equal(class_of(LEVEL_MEDIUM, NULL, NULL).priority, PRIORITY_REVIEW);
    assert_int_equal(class_of(LEVEL_MEDIUM, "attack.credential-access", NULL).priority, PRIORITY_TODAY);
}

/* A match to play with. */
static struct rule played_rule = {.id = "11111111-2222-3333-4444-555555555555",
                                  .title = "Logins that failed",
                                  .level = LEVEL_MEDIUM,
                                  .what_to_do = "Block the address.\nTell the team."};
static struct detector_pair played_entity[2];
static struct slice played_ids[2];

static struct detector_match play(const char *address, uint64_t time_us, uint64_t fresh) {
    played_entity[0] = (struct detector_pair){SLICE("source.ip"), slice_string(address)};
    played_entity[1] = (struct detector_pair){SLICE("user.name"), SLICE("ev\"e\x1b")};
    played_ids[0] = SLICE("alpha~00c0ffee/1");
    played_ids[1] = SLICE("alpha~00c0ffee/2");
    return (struct detector_match){.rule = &played_rule,
                                   .entity = played_entity,
                                   .entity_count = 2,
                                   .host = SLICE("alpha"),
                                   .event_id = played_ids[1],
                                   .event_ids = played_ids,
                                   .event_id_count = 2,
                                   .count = fresh,
                                   .fresh = fresh,
                                   .time_us = time_us,
                                   .first_us = time_us,
                                   .last_us = time_us};
}

static struct alert played_alert(const char *id) {
    static struct detector_match match;
    static struct classification class;
    match = play("192.0.2.1", 1700000000 * SECOND, 2);
    classify_rule(&played_rule, NULL, &class);
    return alert_of_match(&match, &class, id);
}

static void an_alert_is_written_as_promised_and_read_back(void **state) {
    (void)state;
    struct alert alert = played_alert("0123456789abcdef0123456789abcdef");
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST), again = BUFFER(ALERT_TEXT_MOST);
    assert_true(alert_write(&json, &alert, false));
    assert_string_equal(
        buffer_string(&json),
        "{\"id\":\"0123456789abcdef0123456789abcdef\",\"@timestamp\":\"2023-11-14T22:13:20.000000Z\","
        "\"rule\":{\"id\":"
        "\"11111111-2222-3333-4444-555555555555\",\"title\":\"Logins that "
        "failed\",\"level\":\"medium\"},\"severity\":"
        "\"1\",\"severity_name\":\"undirected failure\",\"priority\":\"review\",\"why\":\"Class 1 "
        "(undirected failure): "
        "level medium, and the rule names no attack "
        "tactic.\",\"entity\":{\"source\":{\"ip\":\"192.0.2.1\"},\"user\":"
        "{\"name\":\"ev\\\"e\\u001b\"}},\"host\":{\"name\":\"alpha\"},\"events\":[\"alpha~00c0ffee/1\","
        "\"alpha~00c0ffee/2\"],\"count\":2,\"status\":\"open\"}");
    struct fault fault;
    struct alert_document *document = alert_read(buffer_slice(&json), &fault);
    assert_non_null(document);
    assert_true(alert_write(&again, alert_document_alert(document), false));
    assert_true(slice_equal(buffer_slice(&json), buffer_slice(&again)));
    alert_document_destroy(document);
}

static void an_alert_says_who_decided_what_about_it_and_is_read_back_without(void **state) {
    (void)state;
    struct alert alert = played_alert("0123456789abcdef0123456789abcdef");
    const struct alert_decision decisions[] = {
        {7, 1700000001 * SECOND, ALERT_ACKNOWLEDGED, SLICE(""), SLICE("ab"), SLICE("cd")},
        {9, 1700000002 * SECOND, ALERT_RECLASSIFIED, SLICE("2b"), SLICE("ab"), SLICE("ef")}};
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST);
    alert.status = ALERT_RECLASSIFIED;
    alert.decisions = decisions;
    alert.decision_count = 2;
    assert_true(alert_write(&json, &alert, false));
    assert_non_null(strstr(
        buffer_string(&json),
        ",\"status\":\"reclassified\",\"decisions\":[{\"ctl_seq\":7,\"@timestamp\":\"2023-11-14T22:13:21.000000Z\","
        "\"status\":\"acknowledged\",\"user\":{\"id\":\"ab\"},\"reason\":{\"hash\":\"cd\"}},{\"ctl_seq\":9,"
        "\"@timestamp\":\"2023-11-14T22:13:22.000000Z\",\"status\":\"reclassified\",\"severity\":\"2b\","
        "\"user\":{\"id\":\"ab\"},\"reason\":{\"hash\":\"ef\"}}]}"));
    struct fault fault;
    struct alert_document *document = alert_read(buffer_slice(&json), &fault);
    assert_non_null(document);
    assert_int_equal(alert_document_alert(document)->status, ALERT_RECLASSIFIED);
    assert_int_equal(alert_document_alert(document)->decision_count, 0);
    alert_document_destroy(document);
}

static void a_bare_alert_tells_neither_who_nor_why(void **state) {
    (void)state;
    struct alert alert = played_alert("0123456789abcdef0123456789abcdef");
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST);
    assert_true(alert_write(&json, &alert, true));
    assert_null(strstr(buffer_string(&json), "192.0.2.1"));
    assert_null(strstr(buffer_string(&json), "\"why\""));
    struct fault fault;
    struct alert_document *document = alert_read(buffer_slice(&json), &fault);
    assert_non_null(document);
    assert_int_equal(alert_document_alert(document)->entity_count, 0);
    assert_null(alert_document_destroy(document));
}

static void what_is_no_alert_is_refused(void **state) {
    (void)state;
    struct alert alert = played_alert("0123456789abcdef0123456789abcdef");
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST);
    assert_true(alert_write(&json, &alert, false));
    struct fault fault;
    for (size_t size = 0; size < json.size; size++)
        assert_null(alert_read(slice_head(buffer_slice(&json), size), &fault));
    assert_null(alert_read(SLICE("{}"), &fault));
    assert_string_equal(fault.text, "not an alert: 'id' is missing or is not what it must be");
    assert_null(alert_read(SLICE("[]"), &fault));
}

static void an_id_depends_on_rule_entity_and_event_alone(void **state) {
    (void)state;
    char ids[4][ALERT_ID_SIZE];
    struct detector_pair one = {SLICE("a"), SLICE("bc")}, other = {SLICE("ab"), SLICE("c")};
    alert_id_make(SLICE("r"), &one, 1, SLICE("e"), ids[0]);
    alert_id_make(SLICE("r"), &one, 1, SLICE("e"), ids[1]);
    alert_id_make(SLICE("r"), &other, 1, SLICE("e"), ids[2]);
    alert_id_make(SLICE("r"), &one, 1, SLICE("f"), ids[3]);
    assert_string_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[0], ids[2]);
    assert_string_not_equal(ids[0], ids[3]);
    assert_int_equal(strlen(ids[0]), ALERT_ID_SIZE - 1);
}

static enum dedup_verdict offer(struct dedup *dedup, const char *address, uint64_t time_us,
                                struct dedup_entry *entry) {
    struct detector_match match = play(address, time_us, 1);
    return dedup_offer(dedup, &match, 0, entry);
}

static void one_thing_is_one_alert_and_comes_back_if_it_goes_on(void **state) {
    (void)state;
    struct dedup_settings settings = {.window_us = HOUR, .repeat_us = 3 * HOUR};
    struct dedup *dedup = dedup_create(&settings);
    struct dedup_entry first, entry;
    assert_int_equal(offer(dedup, "a", 100 * HOUR, &first), DEDUP_NEW);
    assert_int_equal(offer(dedup, "b", 100 * HOUR, &entry), DEDUP_NEW);
    assert_string_not_equal(first.alert_id, entry.alert_id);
    assert_int_equal(offer(dedup, "a", 101 * HOUR, &entry), DEDUP_COUNTED);
    assert_string_equal(first.alert_id, entry.alert_id);
    assert_int_equal(entry.count, 2);
    assert_int_equal(offer(dedup, "a", 100 * HOUR - 5 * SECOND, &entry), DEDUP_COUNTED); /* late */
    assert_int_equal(entry.first_us, 100 * HOUR - 5 * SECOND);
    assert_int_equal(offer(dedup, "a", 102 * HOUR, &entry), DEDUP_COUNTED);
    assert_int_equal(offer(dedup, "a", 103 * HOUR, &entry), DEDUP_REPEAT);
    assert_int_equal(offer(dedup, "a", 103 * HOUR + SECOND, &entry), DEDUP_COUNTED);
    assert_int_equal(entry.count, 6);
    assert_int_equal(offer(dedup, "a", 105 * HOUR, &entry), DEDUP_NEW); /* quiet for longer than the window */
    assert_int_equal(entry.count, 1);
    dedup_destroy(dedup);
}

static void a_resolved_alert_opens_anew_and_an_acknowledged_one_is_told_more_seldom(void **state) {
    (void)state;
    struct dedup_settings settings = {.window_us = 9 * HOUR, .repeat_us = 2 * HOUR, .acknowledged_us = 5 * HOUR};
    struct dedup *dedup = dedup_create(&settings);
    struct dedup_entry first, entry;
    struct detector_match match = play("a", 100 * HOUR, 1);
    assert_null(dedup_find(dedup, &match));
    assert_int_equal(offer(dedup, "a", 100 * HOUR, &first), DEDUP_NEW);
    assert_string_equal(dedup_find(dedup, &match)->alert_id, first.alert_id);
    match = play("a", 103 * HOUR, 1);
    assert_int_equal(dedup_offer(dedup, &match, 101 * HOUR, &entry), DEDUP_COUNTED);
    match = play("a", 106 * HOUR, 1);
    assert_int_equal(dedup_offer(dedup, &match, 101 * HOUR, &entry), DEDUP_REPEAT);
    match = play("a", 110 * HOUR, 1);
    assert_int_equal(dedup_offer(dedup, &match, 101 * HOUR, &entry), DEDUP_COUNTED); /* since it was told again */
    assert_true(dedup_close(dedup, &match, &entry));
    assert_string_equal(entry.alert_id, first.alert_id);
    assert_false(dedup_close(dedup, &match, &entry));
    assert_int_equal(offer(dedup, "a", 110 * HOUR, &entry), DEDUP_NEW);
    dedup_destroy(dedup);
}

static void of_a_trouble_one_alert_is_open_until_it_ends_and_another_rule_takes_its_place(void **state) {
    (void)state;
    struct rule rules[] = {
        {.id = "1", .title = "bad", .trouble = "t"}, {.id = "2", .title = "worse", .trouble = "t", .repeat_us = HOUR},
        {.id = "3", .title = "good", .trouble = "t", .ends = true}, {.id = "4", .title = "other"}};
    struct dedup_settings settings = {.window_us = HOUR, .repeat_us = 50 * HOUR};
    struct dedup *dedup = dedup_create(&settings), *again = dedup_create(&settings);
    struct dedup_entry bad, worse, entry;
    struct detector_match match = play("a", 100 * HOUR, 1);
    match.rule = &rules[0];
    assert_int_equal(dedup_offer(dedup, &match, 0, &bad), DEDUP_NEW);
    assert_string_equal(bad.replaced, "");
    match.time_us = match.first_us = match.last_us = 120 * HOUR; /* no window ends it */
    assert_int_equal(dedup_offer(dedup, &match, 0, &entry), DEDUP_COUNTED);
    assert_string_equal(entry.alert_id, bad.alert_id);
    CLEANUP_BUFFER struct buffer saved = BUFFER(DEDUP_STATE_MOST);
    struct fault fault;
    assert_true(dedup_save(dedup, &saved) && dedup_load(again, buffer_slice(&saved), &fault));
    match.rule = &rules[1];
    assert_int_equal(dedup_offer(again, &match, 0, &worse), DEDUP_NEW);
    assert_string_equal(worse.replaced, bad.alert_id);
    match.time_us += HOUR;
    assert_int_equal(dedup_offer(again, &match, 0, &entry), DEDUP_REPEAT); /* the rule's own time */
    assert_string_equal(entry.replaced, "");
    match.rule = &rules[3];
    assert_int_equal(dedup_offer(again, &match, 0, &entry), DEDUP_NEW);
    match.rule = &rules[2];
    assert_true(dedup_close(again, &match, &entry));
    assert_string_equal(entry.alert_id, worse.alert_id);
    assert_int_equal(entry.rule, dedup_rule_number(&rules[1]));
    assert_int_equal(dedup_count(again), 1);
    dedup_destroy(dedup);
    dedup_destroy(again);
}

static void open_alerts_are_bounded_and_survive_saving(void **state) {
    (void)state;
    struct dedup_settings settings = {.most = 300};
    struct dedup *one = dedup_create(&settings), *two = dedup_create(&settings);
    struct dedup_entry entry;
    char address[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(address, sizeof address, "%u", i);
        assert_int_equal(offer(one, address, 100 * HOUR, &entry), DEDUP_NEW);
    }
    assert_int_equal(dedup_count(one), 300);
    assert_int_equal(dedup_evictions(one), 700);
    CLEANUP_BUFFER struct buffer saved = BUFFER(DEDUP_STATE_MOST), again = BUFFER(DEDUP_STATE_MOST);
    struct fault fault;
    assert_true(dedup_save(one, &saved));
    assert_true(dedup_load(two, buffer_slice(&saved), &fault));
    assert_true(dedup_save(two, &again));
    assert_true(slice_equal(buffer_slice(&saved), buffer_slice(&again)));
    assert_int_equal(offer(two, "999", 100 * HOUR, &entry), DEDUP_COUNTED);
    assert_int_equal(offer(two, "699", 100 * HOUR, &entry), DEDUP_NEW);
    for (size_t size = 0; size < 200; size++) {
        assert_false(dedup_load(two, slice_head(buffer_slice(&saved), size), &fault));
        assert_int_equal(dedup_count(two), 0);
    }
    dedup_destroy(one);
    dedup_destroy(two);
}

static void a_mail_says_class_and_host_first_and_then_what_to_do(void **state) {
    (void)state;
    struct alert alert = played_alert("0123456789abcdef0123456789abcdef");
    alert.first_us -= 60 * SECOND;
    const struct slice lines[] = {SLICE("sshd[1]: \x1b[31mFailed \xff password\x07")};
    struct alert_mail mail = {.alert = &alert, .lines = lines, .line_count = 1, .site = "example"};
    CLEANUP_BUFFER struct buffer subject = BUFFER(4096), body = BUFFER(65536);
    assert_true(alert_mail_subject(&subject, &mail));
    assert_string_equal(buffer_string(&subject), "[1] alpha: Logins that failed (2×), 192.0.2.1, ev\"e?");
    assert_true(alert_mail_body(&body, &mail));
    assert_string_equal(
        buffer_string(&body),
        "1, undirected failure: look at the weekly review\n"
        "Host alpha\n\n"
        "Logins that failed\n"
        "source.ip 192.0.2.1\n"
        "user.name ev\"e?\n"
        "2 times, from 2023-11-14 22:12:20 UTC to 2023-11-14 22:13:20 UTC\n\n"
        "Lines (the last 1):\n"
        "  sshd[1]: ?[31mFailed ? password?\n\n"
        "What to do:\nBlock the address.\nTell the team.\n\n"
        "Why this class: Class 1 (undirected failure): level medium, and the rule names no attack "
        "tactic.\n"
        "To acknowledge: tocsin alert ack 0123456789abcdef0123456789abcdef --reason TEXT\n"
        "Alert 0123456789abcdef0123456789abcdef, rule 11111111-2222-3333-4444-555555555555, site "
        "example\n");
}

static void an_outage_and_its_end_are_written_read_and_told(void **state) {
    (void)state;
    struct alert alert = played_alert("0123456789abcdef0123456789abcdef");
    alert.outage = (struct alert_outage){1700000000 * SECOND, 0, 3 * 3600 + 1200, 12};
    alert.priority = PRIORITY_PAGE;
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST), again = BUFFER(ALERT_TEXT_MOST),
                                 text = BUFFER(ALERT_TEXT_MOST);
    assert_true(alert_write(&json, &alert, true));
    assert_non_null(strstr(buffer_string(&json), ",\"outage\":{\"start\":\"2023-11-14T22:13:20.000000Z\","
                                                 "\"duration_s\":12000,\"used_percent\":12},\"status\":\"open\"}"));
    struct fault fault;
    struct alert_document *document = alert_read(buffer_slice(&json), &fault);
    assert_non_null(document);
    assert_true(alert_write(&again, alert_document_alert(document), true));
    assert_true(slice_equal(buffer_slice(&json), buffer_slice(&again)));
    alert_document_destroy(document);
    struct alert_mail mail = {.alert = &alert, .kind = ALERT_MAIL_AGAIN_ACKNOWLEDGED};
    assert_true(alert_mail_subject(&text, &mail));
    assert_string_equal(buffer_string(&text), "! [1] alpha: Logins that failed (2×), 192.0.2.1, ev\"e?, acknowledged, and "
                                              "still going on, for 3 h 20 min");
    alert.outage.end_us = alert.outage.start_us + 12000 * SECOND;
    mail = (struct alert_mail){.alert = &alert, .kind = ALERT_MAIL_OVER, .over_us = alert.outage.end_us};
    buffer_clear(&text);
    assert_true(alert_mail_subject(&text, &mail));
    assert_string_equal(buffer_string(&text), "over: [1] alpha: Logins that failed (2×), 192.0.2.1, ev\"e?, after 3 h 20 min");
    buffer_clear(&text);
    assert_true(alert_mail_body(&text, &mail));
    assert_non_null(strstr(buffer_string(&text), "Out from 2023-11-14 22:13:20 UTC to 2023-11-15 01:33:20 UTC, for 3 h "
                                                 "20 min: 12 % of the time for recovery\n"));
    assert_null(strstr(buffer_string(&text), "acknowledge"));
    struct alert_end end = {alert.id, alert.outage.end_us, SLICE("r"), SLICE("Good \"again\""), SLICE("beta~0/7"),
                            SLICE(""), alert.outage};
    buffer_clear(&json);
    assert_true(alert_end_write(&json, &end));
    assert_string_equal(buffer_string(&json),
                        "{\"id\":\"0123456789abcdef0123456789abcdef\",\"@timestamp\":\"2023-11-15T01:33:20.000000Z\","
                        "\"status\":\"resolved\",\"by\":\"recovery\",\"rule\":{\"id\":\"r\",\"title\":\"Good "
                        "\\\"again\\\"\"},\"events\":[\"beta~0/7\"],\"outage\":{\"start\":\"2023-11-14T22:13:20.000000Z\","
                        "\"end\":\"2023-11-15T01:33:20.000000Z\",\"duration_s\":12000,\"used_percent\":12}}");
}

static void a_subject_is_one_short_line_whatever_the_entity(void **state) {
    (void)state;
    struct alert alert = played_alert("0123456789abcdef0123456789abcdef");
    char name[2000];
    memset(name, 'x', sizeof name);
    name[5] = '\n';
    struct detector_pair entity = {SLICE("user.name"), slice_make(name, sizeof name)};
    alert.entity = &entity;
    alert.entity_count = 1;
    alert.host = alert.rule_title = entity.value;
    struct alert_mail mail = {.alert = &alert, .kind = ALERT_MAIL_AGAIN};
    CLEANUP_BUFFER struct buffer subject = BUFFER(4096);
    assert_true(alert_mail_subject(&subject, &mail));
    assert_true(subject.size <= 160);
    assert_null(strchr(buffer_string(&subject), '\n'));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_gives_the_class),
        cmocka_unit_test(what_is_known_beside_the_rule_changes_it_and_is_told),
        cmocka_unit_test(the_tactic_that_is_told_first_wins_and_the_rules_own_word_most_of_all),
        cmocka_unit_test(nothing_automatic_gives_a_breach),
        cmocka_unit_test(the_order_of_notice_is_not_the_order_of_the_classes),
        cmocka_unit_test(priority_says_how_soon),
        cmocka_unit_test(an_alert_is_written_as_promised_and_read_back),
        cmocka_unit_test(an_alert_says_who_decided_what_about_it_and_is_read_back_without),
        cmocka_unit_test(a_bare_alert_tells_neither_who_nor_why),
        cmocka_unit_test(what_is_no_alert_is_refused),
        cmocka_unit_test(an_id_depends_on_rule_entity_and_event_alone),
        cmocka_unit_test(one_thing_is_one_alert_and_comes_back_if_it_goes_on),
        cmocka_unit_test(a_resolved_alert_opens_anew_and_an_acknowledged_one_is_told_more_seldom),
        cmocka_unit_test(of_a_trouble_one_alert_is_open_until_it_ends_and_another_rule_takes_its_place),
        cmocka_unit_test(an_outage_and_its_end_are_written_read_and_told),
        cmocka_unit_test(open_alerts_are_bounded_and_survive_saving),
        cmocka_unit_test(a_mail_says_class_and_host_first_and_then_what_to_do),
        cmocka_unit_test(a_subject_is_one_short_line_whatever_the_entity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

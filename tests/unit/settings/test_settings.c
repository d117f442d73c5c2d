#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent_settings.h"
#include "collector_settings.h"
#include "settings.h"
#include "witness_settings.h"

/* --- A table of every type --- */

struct inner {
    char *place;
    char *file;
    uint64_t every_us;
};

struct outer {
    char *name, *folder;
    struct settings_address server, bare;
    struct settings_address metrics;
    unsigned color;
    bool loud;
    uint64_t count, wait_us, room;
    struct settings_strings to, places;
    struct settings_pairs headers;
    struct settings_list sources;
};

static bool inner_check(const void *target, struct fault *fault) {
    const struct inner *inner = target;
    return inner->every_us != 13000000 || fault_set(fault, FAULT_USAGE, "thirteen brings bad luck");
}

static const struct settings_row inner_rows[] = {
    {.type = SETTINGS_PLACE, .offset = offsetof(struct inner, place)},
    {.path = "file",
     .type = SETTINGS_PATH,
     .offset = offsetof(struct inner, file),
     .required = true,
     .about = "A file."},
    {.path = "every",
     .type = SETTINGS_DURATION,
     .offset = offsetof(struct inner, every_us),
     .standard = "1m",
     .about = "How often."},
};
static const struct settings_table inner_table = SETTINGS_TABLE(inner_rows, struct inner, inner_check);

static const char *const colors[] = {"red", "green", "blue", NULL};

#define OUTER(member) offsetof(struct outer, member)
static const struct settings_row outer_rows[] = {
    {.path = "name", .type = SETTINGS_STRING, .offset = OUTER(name), .maximum = 10, .about = "A name."},
    {.path = "folder",
     .type = SETTINGS_PATH,
     .offset = OUTER(folder),
     .standard = "data",
     .about = ".A folder - \\x."},
    {.path = "mail.server",
     .type = SETTINGS_ADDRESS,
     .offset = OUTER(server),
     .minimum = 25,
     .about = "A server.",
     .example = "mail.example.org:587"},
    {.path = "mail.to",
     .type = SETTINGS_STRINGS,
     .offset = OUTER(to),
     .maximum = 3,
     .about = "People.",
     .example = "[a]"},
    {.path = "mail.deep.bare",
     .type = SETTINGS_ADDRESS,
     .offset = OUTER(bare),
     .about = "No port by itself."},
    {.path = "metrics", .type = SETTINGS_ENDPOINT, .offset = OUTER(metrics), .about = "A socket."},
    {.path = "color",
     .type = SETTINGS_WORD,
     .offset = OUTER(color),
     .standard = "green",
     .words = colors,
     .about = "A color."},
    {.path = "loud", .type = SETTINGS_BOOL, .offset = OUTER(loud), .standard = "true", .about = "Loudness."},
    {.path = "count",
     .type = SETTINGS_UNSIGNED,
     .offset = OUTER(count),
     .minimum = 2,
     .maximum = 9,
     .about = "A number."},
    {.path = "wait",
     .type = SETTINGS_DURATION,
     .offset = OUTER(wait_us),
     .standard = "10s",
     .minimum = 1000000,
     .maximum = 3600000000,
     .about = "A time."},
    {.path = "room", .type = SETTINGS_SIZE, .offset = OUTER(room), .standard = "64M", .about = "A size."},
    {.path = "places",
     .type = SETTINGS_PATHS,
     .offset = OUTER(places),
     .standard = "[/a, /b]",
     .about = "Places."},
    {.path = "headers", .type = SETTINGS_PAIRS, .offset = OUTER(headers), .about = "Headers."},
    {.path = "sources",
     .type = SETTINGS_LIST,
     .offset = OUTER(sources),
     .items = &inner_table,
     .about = "Sources."},
};
static const struct settings_table outer_table = SETTINGS_TABLE(outer_rows, struct outer, NULL);

static const struct inner *source(const struct outer *o, size_t i) {
    return (const struct inner *)o->sources.items + i;
}

static void read_good(struct outer *o, const char *text, const char *name) {
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    if (!settings_read(&outer_table, slice_string(text), name, o, &fault))
        fail_msg("%s", fault_line(&fault, line));
    assert_int_equal(fault.code, FAULT_NONE);
}

/* The fault of a text that must be refused, as "place: sentence". */
static const char *fault_of(const struct settings_table *table, void *target, struct slice text) {
    static char line[FAULT_LINE_SIZE];
    struct fault fault = {0};
    settings_start(table, target);
    bool good = settings_read(table, text, "x.yaml", target, &fault) &&
                settings_finish(table, "x.yaml", target, &fault);
    settings_release(table, target);
    return good ? "accepted" : fault_line(&fault, line);
}

static bool starts(const char *line, const char *expected) {
    bool good = strncmp(line, expected, strlen(expected)) == 0;
    if (!good)
        print_error("expected: %s\n   found: %s\n", expected, line);
    return good;
}

static void assert_starts(const char *line, const char *expected) {
    assert_true(starts(line, expected));
}

struct bad {
    const char *text, *fault;
};

static void assert_refused(const struct settings_table *table, void *target, const struct bad *bad,
                           size_t count) {
    bool good = true;
    for (size_t i = 0; i < count; i++)
        good = starts(fault_of(table, target, slice_string(bad[i].text)), bad[i].fault) && good;
    assert_true(good);
}
#define REFUSED(table, target, list) assert_refused(table, target, list, sizeof(list) / sizeof *(list))

/* --- Reading --- */

static void defaults_stand_without_any_file(void **state) {
    (void)state;
    struct outer o;
    settings_start(&outer_table, &o);
    assert_null(o.name);
    assert_string_equal(o.folder, "data");
    assert_int_equal(o.color, 1);
    assert_true(o.loud);
    assert_int_equal(o.wait_us, 10000000);
    assert_int_equal(o.room, 64 << 20);
    assert_int_equal(o.places.count, 2);
    assert_string_equal(o.places.items[1], "/b");
    assert_false(o.places.set);
    assert_true(settings_finish(&outer_table, "x.yaml", &o, NULL));
    settings_release(&outer_table, &o);
}

static void relative_paths_are_below_the_folder_wherever_they_stand(void **state) {
    (void)state;
    struct outer o;
    settings_start(&outer_table, &o);
    read_good(&o, "name: not/a/path\nplaces: [own, /whole]\nsources: [{file: a.log}, {file: /b.log}]\n",
              "x.yaml");
    settings_resolve(&outer_table, "/site", &o);
    assert_string_equal(o.name, "not/a/path");
    assert_string_equal(o.folder, "/site/data");
    assert_string_equal(o.places.items[0], "/site/own");
    assert_string_equal(o.places.items[1], "/whole");
    assert_string_equal(source(&o, 0)->file, "/site/a.log");
    assert_string_equal(source(&o, 1)->file, "/b.log");
    settings_release(&outer_table, &o);
}

static void every_type_is_read(void **state) {
    (void)state;
    struct outer o;
    settings_start(&outer_table, &o);
    read_good(&o,
              "# a comment\n"
              "name: \"tab\\tin\"\nfolder: /var/lib\n"
              "mail:\n  server: mail.example.org\n  to: [a@b, 'c d']\n  deep: {bare: \"[::1]:99\"}\n"
              "metrics: /run/m.socket\ncolor: blue\nloud: false\ncount: 9\nwait: 5m\nroom: 3K\n"
              "places: /only\nheaders: {X-A: one, X-B: 'two: 2'}\n"
              "sources:\n  - file: /a.log\n    every: 2h\n  - {file: /b.log}\n",
              "x.yaml");
    assert_string_equal(o.name, "tab\tin");
    assert_string_equal(o.folder, "/var/lib");
    assert_string_equal(o.server.host, "mail.example.org");
    assert_int_equal(o.server.port, 25);
    assert_string_equal(o.bare.host, "::1");
    assert_int_equal(o.bare.port, 99);
    assert_string_equal(o.metrics.host, "/run/m.socket");
    assert_int_equal(o.to.count, 2);
    assert_string_equal(o.to.items[1], "c d");
    assert_int_equal(o.color, 2);
    assert_false(o.loud);
    assert_int_equal(o.count, 9);
    assert_int_equal(o.wait_us, 300000000);
    assert_int_equal(o.room, 3072);
    assert_int_equal(o.places.count, 1);
    assert_int_equal(o.headers.count, 2);
    assert_string_equal(o.headers.items[1].name, "X-B");
    assert_string_equal(o.headers.items[1].value, "two: 2");
    assert_int_equal(o.sources.count, 2);
    assert_string_equal(source(&o, 0)->file, "/a.log");
    assert_int_equal(source(&o, 0)->every_us, 7200000000u);
    assert_string_equal(source(&o, 0)->place, "x.yaml:17:5");
    assert_int_equal(source(&o, 1)->every_us, 60000000);
    assert_string_equal(source(&o, 1)->place, "x.yaml:19:6");
    settings_release(&outer_table, &o);
    assert_null(o.sources.items);
}

static void of_several_files_single_values_replace_and_lists_append(void **state) {
    (void)state;
    struct outer o;
    settings_start(&outer_table, &o);
    read_good(
        &o, "name: one\nmail: {server: a, to: x}\nplaces: [/1]\nheaders: {A: 1, B: 2}\nsources: [{file: /a}]",
        "x");
    read_good(&o, "", "empty");
    read_good(&o, "# nothing\n---\n", "almost");
    read_good(
        &o,
        "name: two\nmail:\n  server: b:1\n  to: [y, z]\nplaces: [/2]\nheaders: {B: 3}\nsources: [{file: /b}]",
        "y");
    read_good(&o, "mail:\n  # all of it commented out\n", "z");
    assert_string_equal(o.name, "two");
    assert_string_equal(o.server.host, "b");
    assert_int_equal(o.server.port, 1);
    assert_int_equal(o.to.count, 3);
    assert_int_equal(o.places.count, 2);
    assert_string_equal(o.places.items[0], "/1");
    assert_int_equal(o.headers.count, 2);
    assert_string_equal(o.headers.items[1].value, "3");
    assert_int_equal(o.sources.count, 2);
    assert_string_equal(source(&o, 1)->place, "y:7:12");
    settings_release(&outer_table, &o);
}

static void an_empty_list_takes_the_default_away(void **state) {
    (void)state;
    struct outer o;
    settings_start(&outer_table, &o);
    read_good(&o, "places: []", "x");
    assert_int_equal(o.places.count, 0);
    assert_true(o.places.set);
    settings_release(&outer_table, &o);
}

static void a_mistake_is_named_with_its_place_and_a_hint(void **state) {
    (void)state;
    static const struct bad bad[] = {
        {"nmae: x", "x.yaml:1:1: there is no setting nmae: did you mean name?"},
        {"mail:\n  servre: x", "x.yaml:2:3: there is no setting mail.servre: did you mean mail.server?"},
        {"server: x",
         "x.yaml:1:1: there is no setting server: did you mean mail.server (a map for each dot)?"},
        {"mail.server: x", "x.yaml:1:1: there is no setting mail.server"},
        {"zzzzzz: x",
         "x.yaml:1:1: there is no setting zzzzzz; here may stand: name, folder, mail, metrics, color"},
        {"mail: {zzzzzz: x}",
         "x.yaml:1:8: there is no setting mail.zzzzzz; here may stand: server, to, deep"},
        {"? [a]\n: b", "x.yaml:1:"},
        {"name:", "x.yaml:1:1: name has no value: expected a text"},
        {"name: ''", "x.yaml:1:7: name is empty"},
        {"name: 12345678901", "x.yaml:1:7: name is longer than 10 bytes"},
        {"name: [a]", "x.yaml:1:1: name cannot be a list: expected a text"},
        {"name: {a: b}", "x.yaml:1:8: name cannot be a map: expected a text"},
        {"name: \"a\\0b\"", "x.yaml:1:7: name has a control character"},
        {"folder: \"a\\nb\"", "x.yaml:1:9: folder has a control character"},
        {"mail: x", "x.yaml:1:7: mail has settings of its own below it: write a map"},
        {"mail: [x]", "x.yaml:1:1: mail has settings of its own below it: write a map"},
        {"mail: {server: 'a b'}", "x.yaml:1:16: mail.server cannot be \"a b\": expected HOST:PORT, an IPv6 "
                                  "address in brackets, for example "
                                  "mail.example.org:587"},
        {"mail: {server: 'a:65536'}", "x.yaml:1:16: mail.server cannot be \"a:65536\""},
        {"mail: {server: ':1'}", "x.yaml:1:16: mail.server cannot be"},
        {"mail: {server: '::1'}", "x.yaml:1:16: mail.server cannot be"},
        {"mail: {server: '[::1'}", "x.yaml:1:16: mail.server cannot be"},
        {"mail: {server: 'a:'}", "x.yaml:1:16: mail.server cannot be"},
        {"mail: {server: /a}", "x.yaml:1:16: mail.server cannot be"},
        {"mail: {deep: {bare: host}}", "x.yaml:1:21: mail.deep.bare cannot be \"host\": expected HOST:PORT"},
        {"mail: {to: [a, b, c, d]}", "x.yaml:1:22: mail.to has more than 3 items"},
        {"mail: {to: [a, [b]]}", "x.yaml:1:8: mail.to cannot be a list"},
        {"mail: {to: {a: b}}", "x.yaml:1:13: mail.to cannot be a map"},
        {"color: gren",
         "x.yaml:1:8: color cannot be \"gren\": did you mean green? Expected one of red, green, blue"},
        {"color: Zebra", "x.yaml:1:8: color cannot be \"Zebra\": expected one of red, green, blue"},
        {"loud: yes", "x.yaml:1:7: loud cannot be \"yes\": expected true or false, for example true"},
        {"count: 1", "x.yaml:1:8: count is at least 2"},
        {"count: 10", "x.yaml:1:8: count is at most 9"},
        {"count: -3", "x.yaml:1:8: count cannot be \"-3\": expected a whole number"},
        {"count: 18446744073709551616", "x.yaml:1:8: count cannot be"},
        {"wait: 10",
         "x.yaml:1:7: wait cannot be \"10\": expected a time such as 500ms, 10s, 5m or 24h, for example 10s"},
        {"wait: 1 s", "x.yaml:1:7: wait cannot be \"1 s\""},
        {"wait: 500ms", "x.yaml:1:7: wait is at least 1s"},
        {"wait: 2h", "x.yaml:1:7: wait is at most 1h"},
        {"wait: 300000000000000d", "x.yaml:1:7: wait cannot be"},
        {"room: 64m", "x.yaml:1:7: room cannot be \"64m\": expected a size such as 64K, 16M or 1G"},
        {"headers: [a]", "x.yaml:1:1: headers cannot be a list: expected a map of names and values"},
        {"headers: {a: [b]}", "x.yaml:1:11: headers cannot be a list"},
        {"headers: {a: }", "x.yaml:1:11: headers has no value"},
        {"sources: x", "x.yaml:1:10: sources cannot be a single value: expected a list of maps"},
        {"sources: [x]", "x.yaml:1:11: sources cannot be a single value: expected a list of maps"},
        {"sources:\n  - file: /a\n  - every: 1s", "x.yaml:3:5: file is missing"},
        {"sources:\n  - {file: /a, every: 13s}", "x.yaml:2:6: thirteen brings bad luck"},
        {"sources: [{fiel: /a}]", "x.yaml:1:12: there is no setting fiel: did you mean file?"},
        {"- a", "x.yaml:1:1: settings are a map"},
        {"text", "x.yaml:1:1: settings are a map"},
    };
    struct outer o;
    REFUSED(&outer_table, &o, bad);
}

static void what_yaml_would_let_pass_is_refused(void **state) {
    (void)state;
    static const struct bad bad[] = {
        {"name: a\nname: b", "x.yaml:2:1: is not YAML here: duplicate key"},
        {"sources: [{file: /a, file: /b}]", "x.yaml:1:22: is not YAML here: duplicate key"},
        {"headers: {a: b, a: c}", "x.yaml:1:17: is not YAML here: duplicate key"},
        {"name: &n a\nfolder: *n", "x.yaml:2:9: aliases are not used here"},
        {"mail: &m {server: a}\nheaders: *m", "x.yaml:2:10: aliases are not used here"},
        {"name: !!str a", "x.yaml:1:13: tags are not used here"},
        {"name: a\n---\nname: b", "x.yaml:3:1: a second document begins before this"},
        {"name: a\n---\n[", "x.yaml:"},
        {"name: \xff\xfe", "x.yaml:1:1: this line is not UTF-8"},
        {"name: a\nfolder: \xc3", "x.yaml:2:1: this line is not UTF-8"},
        {"name: \"a", "x.yaml:"},
        {"sources: [{file: /a}", "x.yaml:"},
        {"a: b: c", "x.yaml:1:"},
        {"name: a\n\tfolder: b", "x.yaml:"},
        {"name: a\x1b[31m", "x.yaml:1:8: there is a control character (0x1b)"},
    };
    struct outer o;
    REFUSED(&outer_table, &o, bad);
    assert_starts(fault_of(&outer_table, &o, SLICE("name: a\n\0folder: b")),
                  "x.yaml:2:1: there is a control character (0x00)");
}

static void depth_and_size_have_ends(void **state) {
    (void)state;
    struct outer o;
    CLEANUP_BUFFER struct buffer text = BUFFER(4u << 20);
    for (unsigned i = 0; i < 100000; i++)
        buffer_append_string(&text, "[");
    assert_starts(fault_of(&outer_table, &o, buffer_slice(&text)), "x.yaml:1:");
    buffer_clear(&text);
    for (unsigned i = 0; i < SETTINGS_TEXT_MOST; i++)
        buffer_append_string(&text, "# ");
    assert_starts(fault_of(&outer_table, &o, buffer_slice(&text)), "x.yaml: is larger than 1048576 bytes");
    buffer_clear(&text);
    buffer_append_string(&text, "places:\n");
    for (unsigned i = 0; i <= SETTINGS_ITEMS_MOST; i++)
        buffer_append_string(&text, "- /a\n");
    assert_starts(fault_of(&outer_table, &o, buffer_slice(&text)),
                  "x.yaml:10002:3: places has more than 10000 items");
    buffer_clear(&text);
    for (unsigned i = 0; i < 500; i++)
        buffer_append_string(&text, "k");
    buffer_append_string(&text, ": x");
    assert_starts(fault_of(&outer_table, &o, buffer_slice(&text)), "x.yaml:1:1: there is no setting kkkk");
}

static void single_values_have_one_spelling(void **state) {
    (void)state;
    uint64_t value = 7;
    assert_true(settings_duration_parse(SLICE("7d"), &value));
    assert_int_equal(value, 604800000000u);
    assert_false(settings_duration_parse(SLICE("s"), &value));
    assert_false(settings_duration_parse(SLICE(""), &value));
    assert_false(settings_duration_parse(SLICE("1.5s"), &value));
    assert_int_equal(value, 604800000000u);
    assert_true(settings_size_parse(SLICE("2T"), &value));
    assert_int_equal(value, 2ull << 40);
    assert_true(settings_size_parse(SLICE("17"), &value));
    assert_int_equal(value, 17);
    assert_false(settings_size_parse(SLICE("1k"), &value));
    assert_false(settings_size_parse(SLICE("99999999T"), &value));
    struct settings_address address;
    assert_true(settings_address_parse(SLICE("[fe80::1%eth0]:0"), 0, &address));
    assert_string_equal(address.host, "fe80::1%eth0");
    assert_int_equal(address.port, 0);
    free(address.host);
    assert_false(settings_address_parse(SLICE("a"), 0, &address));
    assert_false(settings_address_parse(SLICE("[a]b:1"), 0, &address));
}

/* --- The manual and the example --- */

static void the_manual_names_every_key_and_cannot_be_taken_for_requests(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer page = BUFFER(1u << 20);
    assert_true(settings_manual(&outer_table, &page));
    const char *text = buffer_string(&page);
    assert_non_null(strstr(
        text, ".TP\n\\fBmail.server\\fR: \\fIhost:port\\fR\nA server. Example: \\fBmail.example.org:587"));
    assert_non_null(strstr(text, "\n\\&.A folder \\- \\ex. Default: \\fBdata\\fR."));
    assert_non_null(strstr(text, "A time. At least 1s, at most 1h. Default: \\fB10s\\fR."));
    assert_non_null(strstr(text, "A color. One of red, green, blue. Default"));
    assert_non_null(strstr(text, "Sources.\n.RS\n.TP\n\\fBfile\\fR: \\fIpath\\fR\nA file. Must be set.\n"));
}

/* "#key: value" becomes "key: value"; "## sentence" stays. */
static void uncomment(struct slice text, struct buffer *to) {
    while (text.size) {
        size_t end = slice_find_byte(text, '\n');
        struct slice line = slice_head(text, end);
        bool setting = line.size > 1 && line.data[0] == '#' && line.data[1] != '#';
        buffer_append_slice(to, setting ? slice_from(line, 1) : line);
        buffer_append_string(to, "\n");
        text = slice_from(text, end + 1);
    }
}

static void the_example_is_read_as_it_stands_and_uncommented(const struct settings_table *table,
                                                             void *target) {
    CLEANUP_BUFFER struct buffer example = BUFFER(1u << 20), open = BUFFER(1u << 20);
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    assert_true(settings_example(table, &example));
    settings_start(table, target);
    assert_true(settings_read(table, buffer_slice(&example), "example", target, &fault));
    settings_release(table, target);
    uncomment(buffer_slice(&example), &open);
    settings_start(table, target);
    if (!settings_read(table, buffer_slice(&open), "example", target, &fault) ||
        !settings_finish(table, "example", target, &fault))
        fail_msg("%s\n%s", fault_line(&fault, line), buffer_string(&open));
    settings_release(table, target);
}

static void the_daemons_examples_are_good_settings(void **state) {
    (void)state;
    struct agent_settings agent;
    the_example_is_read_as_it_stands_and_uncommented(agent_settings_table(), &agent);
    struct collector_settings collector;
    the_example_is_read_as_it_stands_and_uncommented(collector_settings_table(), &collector);
    struct witness_settings witness;
    the_example_is_read_as_it_stands_and_uncommented(witness_settings_table(), &witness);
}

static void every_default_of_the_daemons_is_taken(void **state) {
    (void)state;
    struct agent_settings agent;
    settings_start(agent_settings_table(), &agent);
    assert_string_equal(agent.data, "data");
    assert_int_equal(agent.spool.limit, 1ull << 30);
    assert_int_equal(agent.heartbeat_us, 600000000);
    assert_int_equal(agent.batch.close_after_us, 60000000);
    settings_release(agent_settings_table(), &agent);
    struct collector_settings c;
    settings_start(collector_settings_table(), &c);
    assert_string_equal(c.listen.host, "0.0.0.0");
    assert_int_equal(c.listen.port, 7514);
    assert_int_equal(c.mail.starttls, STARTTLS_AUTOMATIC);
    assert_int_equal(c.rules.count, 1);
    assert_null(c.query.socket);
    assert_int_equal(c.silence.after_us, 15000000);
    assert_int_equal(c.pace.minimum_us, 1000000);
    assert_int_equal(c.alerts.repeat_us, 3600000000u);
    assert_int_equal(c.witnesses.needed, 1);
    assert_int_equal(c.witnesses.patience_us, 600000000);
    settings_release(collector_settings_table(), &c);
    struct witness_settings w;
    settings_start(witness_settings_table(), &w);
    assert_string_equal(w.listen.host, "127.0.0.1");
    assert_int_equal(w.listen.port, 7516);
    settings_release(witness_settings_table(), &w);
}

static void an_agents_sources_are_read(void **state) {
    (void)state;
    static const char text[] =
        "collector: logs.example.org\nname: signer1\nsources:\n"
        "  - {file: /var/log/auth.log, class: access, multiline: {start: '^\\d', timeout: 5s}}\n"
        "  - {journal: true, unless: [/var/log/auth.log]}\n"
        "  - {command: [df, -P], every: 60s, class: system}\n";
    struct agent_settings agent;
    struct fault fault = {0};
    settings_start(agent_settings_table(), &agent);
    assert_true(settings_read(agent_settings_table(), slice_string(text), "agent.yaml", &agent, &fault));
    assert_true(settings_finish(agent_settings_table(), "agent.yaml", &agent, &fault));
    char address[AGENT_ADDRESS_SIZE];
    assert_int_equal(agent.collectors.count, 1);
    assert_true(agent_settings_address(agent.collectors.items[0], address, &fault));
    assert_string_equal(address, "logs.example.org:7514");
    const struct agent_source_settings *s = agent.sources.items;
    assert_int_equal(agent.sources.count, 3);
    assert_int_equal(s[0].class, CLASS_ACCESS);
    assert_string_equal(s[0].multiline.start, "^\\d");
    assert_int_equal(s[0].multiline.timeout_us, 5000000);
    assert_true(s[1].journal);
    assert_int_equal(s[1].class, AGENT_CLASS_AUTOMATIC);
    assert_string_equal(s[1].unless.items[0], "/var/log/auth.log");
    assert_string_equal(s[2].command.items[1], "-P");
    assert_int_equal(s[2].class, CLASS_SYSTEM);
    settings_release(agent_settings_table(), &agent);
}

static void the_class_words_are_the_classes_own(void **state) {
    (void)state;
    for (unsigned class = 1; class < CLASSES; class ++) {
        char text[256];
        snprintf(text, sizeof text, "collector: a\nsources: [{file: /a, class: %s}]", class_name(class));
        struct agent_settings agent;
        settings_start(agent_settings_table(), &agent);
        assert_true(settings_read(agent_settings_table(), slice_string(text), "a", &agent, NULL));
        assert_int_equal(((const struct agent_source_settings *)agent.sources.items)->class, class);
        settings_release(agent_settings_table(), &agent);
    }
}

static void an_agents_mistakes_are_refused(void **state) {
    (void)state;
    static const struct bad bad[] = {
        {"sources: []", "x.yaml: collector is missing, for example collector: logs.example.org:7514"},
        {"collector: a:0", "x.yaml: collector \"a:0\" is no address"},
        {"collector: [a, b, \"[::1]:9\", c, d]", "x.yaml:1:33: collector has more than 4 items"},
        {"collector: [a, \"a:7514\"]", "x.yaml: collector a:7514 stands there twice"},
        {"collector: []", "x.yaml: collector is missing"},
        {"collector: a\nname: UPPER", "x.yaml: name \"UPPER\" must be of lower-case letters"},
        {"collector: a\nsources: [{class: access}]",
         "x.yaml:2:12: a source has one of file, journal: true and command"},
        {"sources: [{file: /a, journal: true, class: access}]", "x.yaml:1:12: a source has one of file"},
        {"sources: [{file: /a}]", "x.yaml:1:12: this source needs a class, for example class: access"},
        {"sources: [{file: a, class: access}]", "x.yaml:1:12: file \"a\" must begin with /"},
        {"sources: [{file: /a, class: journal}]",
         "x.yaml:1:12: the class journal is kept for Tocsin's own events"},
        {"sources: [{file: /a, class: acess}]",
         "x.yaml:1:29: class cannot be \"acess\": did you mean access?"},
        {"sources: [{command: df -P, class: system}]", "x.yaml:1:12: there is no shell"},
        {"sources: [{file: /a, class: access, unless: [/b]}]", "x.yaml:1:12: unless belongs to journal"},
        {"sources: [{journal: true, multiline: {start: a}}]",
         "x.yaml:1:12: exclude, from_end and multiline belong"},
        {"sources: [{command: [a], class: system, every: 10ms}]", "x.yaml:1:48: every is at least 1s"},
        {"spool: {limit: 1K}", "x.yaml:1:16: spool.limit is at least 16M"},
        {"collector: a\nsources: [{file: /a, class: access}, {file: /a, class: system}]",
         "x.yaml: /a stands in two sources (x.yaml:2:12, x.yaml:2:39): take one out"},
        {"probes: [{target: a}]", "x.yaml:1:11: kind is missing"},
        {"probes: [{kind: oscp}]", "x.yaml:1:17: kind cannot be \"oscp\": did you mean ocsp?"},
        {"probes: [{kind: reach}]", "x.yaml:1:11: kind: reach is what all kinds check"},
        {"probes: [{kind: ocsp, every: 10ms}]", "x.yaml:1:30: every is at least 1s"},
        {"probes: [{kind: ocsp, families: [ipv5]}]", "x.yaml:1:11: families: 'ipv5' is neither ipv4 nor ipv6"},
        {"probes: [{kind: ocsp, methods: [put]}]", "x.yaml:1:11: methods: 'put' is neither get nor post"},
        {"probes: [{kind: ocsp, addresses: [localhost]}]", "x.yaml:1:11: addresses: 'localhost' is no address"},
        {"probes: [{kind: ocsp, checks: {ocsp.none: off}}]", "x.yaml:1:11: there is no check and no number 'ocsp.none'"},
        {"probes: [{kind: ocsp, checks: {ocsp.nonce: maybe}}]", "x.yaml:1:11: the check ocsp.nonce is on or off"},
        {"collector: a\nprobes: [{kind: tcp, target: a}, {kind: ocsp, name: b}, {kind: tcp, target: a}]",
         "x.yaml: two probes are called \"tcp a\" (x.yaml:2:"},
    };
    struct agent_settings agent;
    REFUSED(agent_settings_table(), &agent, bad);
}

static void a_collectors_mistakes_are_refused(void **state) {
    (void)state;
    static const struct bad bad[] = {
        {"mail: {server: a}", "x.yaml: mail.server needs mail.from and mail.to with it"},
        {"mail: {to: a}", "x.yaml: mail.from and mail.to need mail.server"},
        {"mail: {server: a, from: b, to: c, user: d}",
         "x.yaml: mail.user and mail.password_file stand together"},
        {"mail: {server: a, from: b, to: c, user: d, password_file: e, starttls: never}",
         "x.yaml: mail.starttls: never would send the password in clear"},
        {"backup: {folder: /b}", "x.yaml: backup.folder and backup.keys stand together"},
        {"backup: {keys: /b}", "x.yaml: backup.folder and backup.keys stand together"},
        {"backup: {folder: /b, keys: /b}", "x.yaml: backup.keys must not be in backup.folder"},
        {"backup: {folder: /b/, keys: /b/keys}", "x.yaml: backup.keys must not be in backup.folder"},
        {"backup: {folder: /b, keys: /bk, every: 30s}", "x.yaml:1:40: backup.every is at least 1m"},
        {"webhooks: [{headers: {a: b}}]", "x.yaml:1:13: url is missing, for example url: https://"},
        {"webhooks: [{url: ftp://a}]", "x.yaml:1:13: url must begin with https://"},
        {"webhooks: [{url: \"http://a\\r\\nb\"}]", "x.yaml:1:13: url has a blank or a control character"},
        {"webhooks: [{url: http://a, headers: {A: \"b\\nC: d\"}}]",
         "x.yaml:1:13: headers: this is no header's name"},
        {"silence: {after: 1s}", "x.yaml:1:18: silence.after is at least 6s"},
        {"witnesses: {list: [{key: k}]}", "x.yaml:1:21: url is missing"},
        {"witnesses: {list: [{url: http://a}]}", "x.yaml:1:21: key is missing"},
        {"witnesses: {list: [{url: ftp://a, key: k}]}", "x.yaml:1:21: url must begin with https://"},
        {"witnesses: {needed: 2, list: [{url: http://a, key: k}]}",
         "x.yaml: witnesses.needed is more than there are in witnesses.list"},
        {"witnesses: {needed: 17}", "x.yaml:1:21: witnesses.needed is at most 16"},
        {"witnesses: {patience: 0s}", "x.yaml:1:23: witnesses.patience is at least 1s"},
    };
    struct collector_settings collector;
    REFUSED(collector_settings_table(), &collector, bad);
}

static void a_witness_s_mistakes_are_refused(void **state) {
    (void)state;
    static const struct bad bad[] = {
        {"name: w", "x.yaml: logs names no log"},
        {"logs: [{}]", "x.yaml:1:1: key is missing"},
        {"logs: [{origin: a}]", "x.yaml:1:9: there is no setting origin"},
        {"logs: [{key: k}]\ntls: {key: k.pem}", "x.yaml: tls.certificate and tls.key stand together"},
        {"logs: [{key: k}]\nlisten: nowhere:99999", "x.yaml:2:9: listen"},
    };
    struct witness_settings witness;
    REFUSED(witness_settings_table(), &witness, bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_without_any_file),
        cmocka_unit_test(relative_paths_are_below_the_folder_wherever_they_stand),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(of_several_files_single_values_replace_and_lists_append),
        cmocka_unit_test(an_empty_list_takes_the_default_away),
        cmocka_unit_test(a_mistake_is_named_with_its_place_and_a_hint),
        cmocka_unit_test(what_yaml_would_let_pass_is_refused),
        cmocka_unit_test(depth_and_size_have_ends),
        cmocka_unit_test(single_values_have_one_spelling),
        cmocka_unit_test(the_manual_names_every_key_and_cannot_be_taken_for_requests),
        cmocka_unit_test(the_daemons_examples_are_good_settings),
        cmocka_unit_test(every_default_of_the_daemons_is_taken),
        cmocka_unit_test(an_agents_sources_are_read),
        cmocka_unit_test(the_class_words_are_the_classes_own),
        cmocka_unit_test(an_agents_mistakes_are_refused),
        cmocka_unit_test(a_collectors_mistakes_are_refused),
        cmocka_unit_test(a_witness_s_mistakes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The prefilter changes the speed and nothing else: the same alerts with it and without it, on generated rules and
 * events out of few letters, so that everything is hit often. */
#include <stdlib.h>
#include <string.h>

#include "workbench.h"

#define RULES 60u
#define EVENTS 400u

static uint64_t seed;

static unsigned pick(unsigned most) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % most;
}

static void add_text(struct buffer *to, unsigned most) {
    static const char *const letters[] = {"a", "b", "A", "B", "1", "-", "/"};
    for (unsigned i = 0, count = 1 + pick(most); i < count; i++)
        buffer_append_string(to, letters[pick(7)]);
}

static void add_item(struct buffer *to) {
    static const char *const modifiers[] = {"",
                                            "|contains",
                                            "|startswith",
                                            "|endswith",
                                            "|contains|all",
                                            "|re",
                                            "|re|i",
                                            "|cased",
                                            "|neq",
                                            "|exists",
                                            "|windash|contains",
                                            "|lt",
                                            "|fieldref",
                                            "|base64offset|contains"};
    static const char *const expressions[] = {"a+b", "^[ab]{2}", "(a|b)\\1", "b$",  "a(?=1)",
                                              ".",   "^$",       "\\ba",     "[^a]"};
    static const char *const fields[] = {"f", "g", "h"};
    unsigned modifier = pick(14);
    buffer_printf(to, "      %s%s: ", fields[pick(3)], modifiers[modifier]);
    if (modifier == 9) {
        buffer_append_string(to, pick(2) ? "true\n" : "false\n");
        return;
    }
    if (modifier == 11 || modifier == 12) {
        buffer_append_string(to, modifier == 11 ? "5\n" : "g\n");
        return;
    }
    buffer_append_string(to, "[");
    for (unsigned i = 0, count = 1 + pick(3); i < count; i++) {
        buffer_append_string(to, i ? ", '" : "'");
        if (modifier == 5 || modifier == 6)
            buffer_append_string(to, expressions[pick(9)]);
        else {
            add_text(to, 3);
            if (modifier != 13 && pick(3) == 0) {
                buffer_append_string(to, pick(2) ? "*" : "?");
                add_text(to, 2);
            }
        }
        buffer_append_string(to, "'");
    }
    buffer_append_string(to, "]\n");
}

static void add_rule(struct buffer *to, unsigned number) {
    static const char *const sources[] = {"{}", "{product: x}", "{product: x, service: y}", "{category: z}"};
    static const char *const conditions[] = {"s and t",        "s or t",    "s and not t",
                                             "1 of them",      "2 of them", "not s",
                                             "s or (t and k)", "all of *",  "k"};
    buffer_printf(to, "---\ntitle: r%u\nname: r%u\nlogsource: %s\ndetection:\n", number, number,
                  sources[pick(4)]);
    static const char *const names[] = {"s", "t"};
    for (unsigned i = 0; i < 2; i++) {
        buffer_printf(to, "  %s:\n", names[i]);
        if (pick(2)) { /* a list of two maps */
            buffer_append_string(to, "    -\n");
            add_item(to);
            buffer_append_string(to, "    -\n");
        }
        add_item(to);
    }
    buffer_append_string(to, "  k: ['");
    add_text(to, 4);
    buffer_printf(to, "']\n  condition: %s\n", conditions[pick(9)]);
    if (pick(6) == 0)
        buffer_printf(
            to,
            "---\ntitle: c%u\ncorrelation: {type: event_count, rules: r%u, group-by: [g], timespan: 10s, "
            "condition: {gte: 3}, generate: true}\n",
            number, number);
}

/* The rules' own selections may repeat a key: each is given once. */
static char *generate_rules(void) {
    struct buffer rules = BUFFER(1 << 20);
    for (unsigned i = 0; i < RULES; i++)
        add_rule(&rules, i);
    char *text = strdup(buffer_string(&rules));
    buffer_free(&rules);
    return text;
}

static struct workbench *open_quietly(const char *rules, bool without) {
    struct workbench *bench = workbench_open_with(rules, without, 0);
    assert_true(ruleset_rule_count(bench->ruleset) >= RULES);
    return bench;
}

static const char *event(struct workbench *bench, uint64_t at) {
    char texts[5][64];
    static const char *const names[] = {"f", "g", "h", "f", "message"};
    CLEANUP_BUFFER struct buffer text = BUFFER(64);
    for (unsigned i = 0; i < 5; i++) {
        buffer_clear(&text);
        if (pick(5))
            add_text(&text, i == 4 ? 12 : 4);
        snprintf(texts[i], sizeof texts[i], "%s", buffer_string(&text));
    }
    return workbench_event(bench, at * SECOND, "tocsin.product", pick(3) ? "x" : "q", "tocsin.service",
                           pick(2) ? "y" : "q", "tocsin.category", pick(2) ? "z" : "q", names[0], texts[0],
                           names[4], texts[4], pick(2) ? names[1] : "unused", texts[1],
                           pick(2) ? names[2] : "unused", texts[2], pick(3) ? "unused" : names[3], texts[3],
                           NULL);
}

static void the_same_alerts_with_and_without_the_prefilter(void **state) {
    (void)state;
    uint64_t matches = 0, with_candidates = 0, without_candidates = 0;
    for (uint64_t round = 1; round <= 6; round++) {
        seed = round * 7919;
        char *rules = generate_rules();
        struct workbench *with = open_quietly(rules, false), *without = open_quietly(rules, true);
        for (uint64_t i = 0; i < EVENTS; i++) {
            uint64_t here = seed;
            const char *one = event(with, i);
            seed = here;
            const char *other = event(without, i);
            if (strcmp(one, other) != 0)
                fail_msg("round %d event %d\nwith:\n%swithout:\n%s%s", (int)round, (int)i, one, other, rules);
        }
        matches += detector_counts(with->detector).matches;
        with_candidates += detector_counts(with->detector).candidates;
        without_candidates += detector_counts(without->detector).candidates;
        workbench_close(with);
        workbench_close(without);
        free(rules);
    }
    /* Otherwise it proves nothing. */
    assert_true(matches > 1000);
    assert_true(with_candidates < without_candidates);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_alerts_with_and_without_the_prefilter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

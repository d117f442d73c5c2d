#include "knowledge.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "knowledge_walk.h"
#include "memory.h"

static bool take_decoder(void *context, const char *path, struct slice text, struct fault *fault) {
    return interpreter_add_decoders(context, text, path, fault);
}

static bool take_rule(void *context, const char *path, struct slice text, struct fault *fault) {
    (void)fault;
    ruleset_add(context, path, text);
    return true;
}

static bool is_yaml(const char *name) {
    return (knowledge_name_ends(name, ".yml") || knowledge_name_ends(name, ".yaml")) &&
           !knowledge_name_ends(name, ".samples.yml") && !knowledge_name_ends(name, ".samples.yaml");
}

/* The shipped rules/ holds other data too, in folders of these names. */
static bool may_hold_rules(const char *name) { return strcmp(name, "decoders") != 0 && strcmp(name, "ports") != 0; }

static bool load(struct knowledge *knowledge, char *const *rules, size_t rule_count, char *const *decoders,
                 size_t decoder_count, struct fault *fault) {
    struct knowledge_walk decoder_walk = {.wanted = is_yaml, .take = take_decoder, .context = knowledge->interpreter};
    for (size_t i = 0; i < decoder_count; i++)
        if (!knowledge_walk(&decoder_walk, decoders[i], fault))
            return false;
    struct knowledge_walk rule_walk = {
        .wanted = is_yaml, .enters = may_hold_rules, .take = take_rule, .context = knowledge->ruleset};
    for (size_t i = 0; i < rule_count; i++)
        if (!knowledge_walk(&rule_walk, rules[i], fault))
            return false;
    return ruleset_compile(knowledge->ruleset, NULL, fault);
}

struct knowledge *knowledge_load(char *const *rules, size_t rule_count, char *const *decoders, size_t decoder_count,
                                 int zone_minutes, struct fault *fault) {
    struct knowledge *knowledge = memory_new(sizeof *knowledge);
    knowledge->symbols = symbols_create();
    knowledge->interpreter = interpreter_create(knowledge->symbols);
    knowledge->ruleset = ruleset_create(knowledge->symbols);
    if (interpreter_set_zone(knowledge->interpreter, zone_minutes, fault) &&
        load(knowledge, rules, rule_count, decoders, decoder_count, fault))
        return knowledge;
    return knowledge_destroy(knowledge);
}

struct knowledge *knowledge_destroy(struct knowledge *knowledge) {
    if (knowledge) {
        ruleset_destroy(knowledge->ruleset);
        interpreter_destroy(knowledge->interpreter);
        symbols_destroy(knowledge->symbols);
        free(knowledge);
    }
    return NULL;
}

size_t knowledge_refused(const struct knowledge *knowledge) {
    size_t refused = 0;
    for (size_t i = 0; i < ruleset_outcome_count(knowledge->ruleset); i++)
        refused += !ruleset_outcome(knowledge->ruleset, i).loaded;
    return refused;
}

#ifndef TOCSIN_SHARE_SOURCE
#define TOCSIN_SHARE_SOURCE NULL /* a release names no folder of the machine that built it */
#endif
#define PROGRAM_PATH_MOST 4000

/* PROGRAM/../share/tocsin: installed it is there, and the build makes it for programs that run where they were built. */
static const char *share_beside(char ret_path[4096]) {
    char program[PROGRAM_PATH_MOST], joined[PROGRAM_PATH_MOST + 32];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program);
    while (size > 0 && program[size - 1] != '/')
        size--;
    if (size <= 0)
        return NULL;
    snprintf(joined, sizeof joined, "%.*s../share/tocsin", (int)size, program);
    return realpath(joined, ret_path); /* PATH_MAX is 4096 */
}

static bool below_share(char ret_path[4096], const char *name) {
    char beside[4096];
    const char *places[] = {getenv("TOCSIN_SHARE"), share_beside(beside), TOCSIN_SHARE_INSTALLED, TOCSIN_SHARE_SOURCE};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!places[i])
            continue;
        snprintf(ret_path, 4096, "%s/%s", places[i], name);
        if (files_exists(ret_path))
            return true;
    }
    return false;
}

bool knowledge_default_rules(char ret_path[4096]) { return below_share(ret_path, "rules"); }
/* Beside the rules once installed, below them in the source tree. */
bool knowledge_default_decoders(char ret_path[4096]) {
    return below_share(ret_path, "decoders") || below_share(ret_path, "rules/decoders");
}

#include "knowledge.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "memory.h"

struct walk {
    bool (*take)(void *context, const char *path, struct slice text, struct fault *fault);
    void *context;
    size_t files;
};

static bool take_decoder(void *context, const char *path, struct slice text, struct fault *fault) {
    return interpreter_add_decoders(context, text, path, fault);
}

static bool take_rule(void *context, const char *path, struct slice text, struct fault *fault) {
    (void)fault;
    ruleset_add(context, path, text);
    return true;
}

static bool walk(struct walk *state, const char *path, unsigned depth, struct fault *fault);

static bool ends(const char *name, const char *end) {
    size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static bool wanted(const char *name) {
    return (ends(name, ".yml") || ends(name, ".yaml")) && !ends(name, ".samples.yml") && !ends(name, ".samples.yaml");
}

static bool walk_file(struct walk *state, const char *path, struct fault *fault) {
    if (++state->files > KNOWLEDGE_FILES_MOST)
        return fault_set(fault, FAULT_LIMIT, "more than %u files below one folder", KNOWLEDGE_FILES_MOST);
    CLEANUP_BUFFER struct buffer text = BUFFER(RULESET_FILE_MOST);
    return files_read(path, &text, fault) && state->take(state->context, path, buffer_slice(&text), fault);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* The shipped rules/ holds other data too, in folders of these names. */
static bool holds_no_rules(const struct walk *state, const char *name) {
    return state->take == take_rule && (strcmp(name, "decoders") == 0 || strcmp(name, "ports") == 0);
}

static bool walk_folder(struct walk *state, const char *path, unsigned depth, struct fault *fault) {
    if (depth > KNOWLEDGE_DEPTH_MOST)
        return fault_set(fault, FAULT_LIMIT, "folders more than %u deep: a loop of links?", KNOWLEDGE_DEPTH_MOST);
    struct dirent **names;
    int count = scandir(path, &names, NULL, by_name);
    if (count < 0)
        return fault_set_system(fault, "%s cannot be read", path);
    bool good = true;
    for (int i = 0; i < count; i++) {
        char below[FILES_PATH_MOST];
        struct stat status;
        const char *name = names[i]->d_name;
        if (good && name[0] != '.' && !holds_no_rules(state, name) && files_path(below, path, name) && stat(below, &status) == 0 &&
            (S_ISDIR(status.st_mode) || wanted(name)))
            good = walk(state, below, depth + 1, fault);
        free(names[i]);
    }
    free(names);
    return good;
}

static bool walk(struct walk *state, const char *path, unsigned depth, struct fault *fault) {
    struct stat status;
    if (stat(path, &status) != 0)
        return fault_set_system(fault, "%s", path);
    return S_ISDIR(status.st_mode) ? walk_folder(state, path, depth, fault) : walk_file(state, path, fault);
}

static bool load(struct knowledge *knowledge, char *const *rules, size_t rule_count, char *const *decoders,
                 size_t decoder_count, struct fault *fault) {
    struct walk decoder_walk = {take_decoder, knowledge->interpreter, 0};
    for (size_t i = 0; i < decoder_count; i++)
        if (!walk(&decoder_walk, decoders[i], 0, fault))
            return false;
    struct walk rule_walk = {take_rule, knowledge->ruleset, 0};
    for (size_t i = 0; i < rule_count; i++)
        if (!walk(&rule_walk, rules[i], 0, fault))
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

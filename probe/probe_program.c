#include "probe_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "memory.h"

struct probe_program {
    char **argv, **environment; /* each ends with NULL */
    struct child_user *user;
};

struct probe_program_run {
    struct child *child; /* NULL: it could not be begun */
    struct loop_later *failing;
    struct fault fault;
    probe_program_over *over;
    void *context;
};

static void free_words(char **words) {
    for (char **word = words; *word; word++)
        free(*word);
    free(words);
}

/* `first` in the place of the first one, where it is not NULL; ends with NULL. */
static char **copy_words(const struct settings_strings *words, char *first) {
    char **copy = memory_new_array(words->count + 2, sizeof *copy);
    for (size_t i = 0; i < words->count; i++)
        copy[i] = i == 0 && first ? NULL : memory_copy_string(words->items[i]);
    if (first)
        copy[0] = first;
    return copy;
}

struct probe_program *probe_program_destroy(struct probe_program *program) {
    if (!program)
        return NULL;
    free_words(program->argv);
    free_words(program->environment);
    child_user_destroy(program->user);
    free(program);
    return NULL;
}

/* A plugin's bare name is its file among the plugins, if it is there. */
static char *find_plugin(const char *name) {
    char path[sizeof PROBE_PROGRAM_PLUGINS + 256];
    int size = snprintf(path, sizeof path, "%s/%s", PROBE_PROGRAM_PLUGINS, name);
    bool there = !strchr(name, '/') && size < (int)sizeof path && access(path, X_OK) == 0;
    return memory_copy_string(there ? path : name);
}

static bool find_user(struct probe_program *program, const char *name, struct fault *fault) {
    if (!name && geteuid() == 0)
        return fault_set(fault, FAULT_USAGE,
                         "name whom the command runs as: user: nobody (or root, if it has to be)");
    if (name)
        program->user = child_user_create(name, fault);
    return !name || program->user;
}

struct probe_program *probe_program_create(const struct probe_settings *settings, bool target_too,
                                           struct fault *fault) {
    const struct settings_strings *command = &settings->command;
    const char *first = command->count ? command->items[0] : target_too ? settings->target : NULL;
    if (!first || !first[0]) {
        fault_set(fault, FAULT_USAGE, "name a program: command: [check_load, -w, 4, -c, 8]");
        return NULL;
    }
    struct probe_program *program = memory_new(sizeof *program);
    program->argv = copy_words(command, find_plugin(first));
    program->environment = copy_words(&settings->environment, NULL);
    return find_user(program, settings->user, fault) ? program : probe_program_destroy(program);
}

const char *probe_program_name(const struct probe_program *program) {
    const char *slash = strrchr(program->argv[0], '/');
    return slash ? slash + 1 : program->argv[0];
}

static void ended(void *context, const struct child_end *end) {
    static const enum command_how hows[] = {[CHILD_EXITED] = COMMAND_EXITED,
                                            [CHILD_SIGNALLED] = COMMAND_SIGNALLED,
                                            [CHILD_LATE] = COMMAND_LATE,
                                            [CHILD_FLOODED] = COMMAND_FLOODED,
                                            [CHILD_NOT_STARTED] = COMMAND_NOT_STARTED};
    struct probe_program_run *run = context;
    char reason[FAULT_LINE_SIZE];
    struct command_end told = {.how = hows[end->how],
                               .number = end->number,
                               .reason = end->fault ? fault_line(end->fault, reason) : NULL,
                               .took_us = end->wall_us,
                               .output = end->output,
                               .error = end->error};
    run->over(run->context, &told); /* the run may be gone after this */
}

static void not_begun(void *context) {
    const struct probe_program_run *run = context;
    const struct fault fault = run->fault;
    ended(context, &(struct child_end){
                       .how = CHILD_NOT_STARTED, .fault = &fault, .output = SLICE(""), .error = SLICE("")});
}

struct probe_program_run *probe_program_run(const struct probe_program *program,
                                            const struct probe_look *look, probe_program_over *over,
                                            void *context) {
    struct child_settings settings = {.argv = (const char *const *)program->argv,
                                      .environment = (const char *const *)program->environment,
                                      .user = program->user,
                                      .timeout_us = look->settings->timeout_us};
    struct probe_program_run *run = memory_new(sizeof *run);
    *run = (struct probe_program_run){.over = over, .context = context};
    run->failing = loop_later_create(look->loop, not_begun, run);
    run->child = child_start(look->loop, &settings, ended, run, &run->fault);
    if (!run->child)
        loop_later_schedule(run->failing);
    return run;
}

struct probe_program_run *probe_program_stop(struct probe_program_run *run) {
    if (!run)
        return NULL;
    child_destroy(run->child);
    loop_later_destroy(run->failing);
    free(run);
    return NULL;
}

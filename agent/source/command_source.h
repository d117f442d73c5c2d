/* A command's output: run every so often, or kept running. No shell.
 *
 * Each line of its output is an event of kind LINE with source "command:NAME"; lines of its standard error have the field
 * stream=stderr. An exit other than 0, a signal, a time or output limit that was passed and a failed start are a STATE of
 * class 0: tocsin.event=command_failed, command.exit, command.signal or command.reason. Output past the limit is a GAP.
 *
 * The command runs in a process group of its own, with standard input from /dev/null; the group is killed at its time
 * limit and when the source is destroyed. When the spool is full its pipe fills and it waits: its output is kept, its time
 * limit goes on. Output has no position: what a crash of the agent cuts off is not asked for again. One that is kept
 * running is started again COMMAND_RESTART_US after its end, later and later (up to 64 times that) while it fails. One run at a time. One thread. */
#ifndef TOCSIN_COMMAND_SOURCE_H
#define TOCSIN_COMMAND_SOURCE_H

#include "source.h"

#define COMMAND_ARGUMENTS_MOST 64u
#define COMMAND_NAME_MOST 64u
#define COMMAND_OUTPUT_MOST (16u * 1024 * 1024) /* bytes of one run, unless set; none for one kept running */
#define COMMAND_TIMEOUT_US 60000000u
#define COMMAND_RESTART_US 5000000u

struct command_source_settings {
    const char *name;        /* NULL: the program's, without its folder */
    const char *const *argv; /* copied; argv[0] is looked for in PATH */
    size_t argument_count;
    enum event_class class;
    uint64_t every_us;    /* from start to start; 0: kept running */
    uint64_t timeout_us;  /* of one run; 0: COMMAND_TIMEOUT_US; none for one kept running */
    uint64_t output_most; /* 0: COMMAND_OUTPUT_MOST */
};

struct source *command_source_create(const struct command_source_settings *settings,
                                     const struct source_output *output, struct fault *fault);

#endif

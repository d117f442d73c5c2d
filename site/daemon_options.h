/* The command line of a daemon: one table gives what is read, what is checked and what --help prints.
 *
 * Every daemon has --site, --data, --check, --verbose, --help and --version; its table adds the rest, each row either a
 * flag or a value. What is read is borrowed from argv. Run it before the first thread: it also starts the daemon's log.
 *
 * Limits: DAEMON_OPTIONS_MOST rows of the daemon's own. */
#ifndef TOCSIN_DAEMON_OPTIONS_H
#define TOCSIN_DAEMON_OPTIONS_H

#include "fault.h"

#define DAEMON_OPTIONS_MOST 16u

/* The table ends with a row without a name. */
struct daemon_option {
    const char *name;
    const char *argument; /* what stands for the value in --help; NULL: a flag */
    const char *help;     /* lines are broken at '\n' and indented */
    const char **value;   /* where the value goes */
    bool *flag;           /* or that it was given */
};

struct daemon_words {
    const char *name;    /* "tocsin-agent" */
    const char *forms;   /* after the name; several are separated by '\n' */
    const char *purpose; /* a sentence or two */
    const char *data;    /* what --data is about */
    const char *check;   /* what --check does */
    const char *example;
};

struct daemon_options {
    const char *site; /* --site, TOCSIN_SITE, or the default */
    const char *data; /* NULL: the setting's */
    bool check;
};

/* True: go on. False: end with *ret_exit; what was asked for, or what is wrong, is printed. */
bool daemon_options_read(const struct daemon_words *words, const struct daemon_option *own, int argc,
                         char **argv, struct daemon_options *ret_options, int *ret_exit);

/* What a daemon ends with when it cannot start: 2 for settings and usage, so that the unit does not try again; else 3. */
int daemon_exit_code(const struct fault *fault);

#endif

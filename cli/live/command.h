/* `tocsin`: a table of subcommands, each a file with one function.
 *
 * Exit: 0 good, 1 a finding (what was checked is bad), 2 usage or settings, 3 couldn't be done. To add a command: a file,
 * a declaration here, a row in main.c's table; the manual page and the completion are made from that table. */
#ifndef TOCSIN_COMMAND_H
#define TOCSIN_COMMAND_H

#include "fault.h"
#include "files.h"

enum { EXIT_GOOD = 0, EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_CANNOT = 3 };

/* What every command gets: the options that all of them have. */
struct command_context {
    const char *site;
    const char *data;   /* NULL: the setting's, below the site */
    bool json;
    bool color;         /* standard output is a terminal */
    uint64_t now_us;    /* --now, or the clock at the start */
    bool now_given;     /* --now */
};

struct command {
    const char *name;
    const char *arguments; /* "[EXPR] [--since TIME] …" */
    const char *summary;   /* one line */
    const char *help;      /* more, with examples */
    /* argv[0] is the command's name. */
    int (*run)(const struct command_context *context, int argc, char **argv);
};

int command_init(const struct command_context *context, int argc, char **argv);
int command_join_token(const struct command_context *context, int argc, char **argv);
int command_deploy(const struct command_context *context, int argc, char **argv);
int command_status(const struct command_context *context, int argc, char **argv);
int command_query(const struct command_context *context, int argc, char **argv);
int command_alert(const struct command_context *context, int argc, char **argv);
int command_alerts(const struct command_context *context, int argc, char **argv);
int command_excerpt(const struct command_context *context, int argc, char **argv);
int command_absence(const struct command_context *context, int argc, char **argv);
int command_trust(const struct command_context *context, int argc, char **argv);
int command_verify(const struct command_context *context, int argc, char **argv);
int command_detect(const struct command_context *context, int argc, char **argv);
int command_decode(const struct command_context *context, int argc, char **argv);
int command_rules(const struct command_context *context, int argc, char **argv);
int command_people(const struct command_context *context, int argc, char **argv);
int command_revoke(const struct command_context *context, int argc, char **argv);
int command_sign(const struct command_context *context, int argc, char **argv);
int command_submit(const struct command_context *context, int argc, char **argv);
int command_retention(const struct command_context *context, int argc, char **argv);
int command_witnesses(const struct command_context *context, int argc, char **argv);
int command_hold(const struct command_context *context, int argc, char **argv);
int command_backup(const struct command_context *context, int argc, char **argv);
int command_restore(const struct command_context *context, int argc, char **argv);
int command_origin(const struct command_context *context, int argc, char **argv);
int command_probe(const struct command_context *context, int argc, char **argv);
int command_test_alert(const struct command_context *context, int argc, char **argv);

/* Takes the options that every command has out of argv, wherever they stand before a "--", and fills the context with them and
 * what they default to. ret_help is set where --help stands there. */
bool command_take_options(struct command_context *context, int *argc, char **argv, bool *ret_help,
                          struct fault *fault);

/* Prints "tocsin NAME: place: text" on standard error and returns the exit code that the fault's kind asks for. */
int command_fail(const char *name, const struct fault *fault);
/* Prints the command's usage and returns EXIT_USAGE. */
int command_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The data folder: --data, else the collector's (or the agent's) setting, below the site. */
bool command_data(const struct command_context *context, char ret_path[FILES_PATH_MOST], struct fault *fault);

/* --now, or the clock as it stands: for what was made meanwhile, which may be seconds later than the start. */
uint64_t command_now_us(const struct command_context *context);

/* "2026-11-21T18:00:00Z", "2026-11-21", "18:00", "15m" or "2h" ago, "now". */
bool command_time(struct slice text, uint64_t now_us, uint64_t *ret_time_us, struct fault *fault);

#endif

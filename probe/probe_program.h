/* A program that a probe's settings name, run once for a look. */
#ifndef TOCSIN_PROBE_PROGRAM_H
#define TOCSIN_PROBE_PROGRAM_H

#include "command_judge.h"
#include "probe_kind.h"

/* Where plugins are looked for as well when no folder is named. */
#define PROBE_PROGRAM_PLUGINS "/usr/lib/nagios/plugins"

/* The program, its arguments and its user, of settings->command, or of the target where `target_too` and there is none.
 * Refused: no program, a user that is none or that this process cannot become, and root without having been named. */
struct probe_program;
struct probe_program *probe_program_create(const struct probe_settings *settings, bool target_too,
                                           struct fault *fault);
struct probe_program *probe_program_destroy(struct probe_program *program); /* NULL */

const char *probe_program_name(const struct probe_program *program); /* without its folder */

/* `over` comes once, in a later turn, also where it could not be started; the run is still to be stopped. */
struct probe_program_run;
typedef void probe_program_over(void *context, const struct command_end *end);
struct probe_program_run *probe_program_run(const struct probe_program *program,
                                            const struct probe_look *look, probe_program_over *over,
                                            void *context);
/* Kills it if it runs; no `over` comes. NULL. */
struct probe_program_run *probe_program_stop(struct probe_program_run *run);

#endif

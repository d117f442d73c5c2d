/* The parts of `tocsin retention` that ask the collector. Private to its files. */
#ifndef TOCSIN_RETENTION_COMMAND_H
#define TOCSIN_RETENTION_COMMAND_H

#include "command.h"

int retention_status(const struct command_context *context, int argc, char **argv);
int retention_run(const struct command_context *context, int argc, char **argv);
int retention_erase(const struct command_context *context, int argc, char **argv);

#endif

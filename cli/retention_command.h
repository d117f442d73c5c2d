/* The parts of `tocsin retention` that ask the collector. */
#ifndef TOCSIN_RETENTION_COMMAND_H
#define TOCSIN_RETENTION_COMMAND_H

#include <stdint.h>

#include "command.h"

int retention_status(const struct command_context *context, int argc, char **argv);
int retention_run(const struct command_context *context, int argc, char **argv);
int retention_erase(const struct command_context *context, int argc, char **argv);

/* For each hold and each class and day that began to be erased before it was placed; `opened` is that day's beginning. */
typedef void retention_late(void *context, uint64_t hold, const char *class, const char *opened, bool gone);
bool retention_each_late(const struct command_context *context, retention_late *give, void *giver,
                         struct fault *fault);

#endif

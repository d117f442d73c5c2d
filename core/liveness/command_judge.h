/* A monitoring plugin's end and output, judged (Monitoring Plugins Development Guidelines). */
#ifndef TOCSIN_COMMAND_JUDGE_H
#define TOCSIN_COMMAND_JUDGE_H

#include "liveness_report.h"

enum command_how { COMMAND_EXITED, COMMAND_SIGNALLED, COMMAND_LATE, COMMAND_FLOODED, COMMAND_NOT_STARTED };

struct command_end {
    enum command_how how;
    int number;         /* status or signal */
    const char *reason; /* COMMAND_NOT_STARTED: why */
    uint64_t took_us;
    struct slice output, error;
};

/* Whether it ran and ended by itself, whatever its status; the first two checks. */
bool command_judge_end(const struct command_end *end, struct liveness_report *report);

/* As a plugin: that, its status, its line, its numbers. */
void command_judge(const struct command_end *end, struct liveness_report *report);

#endif

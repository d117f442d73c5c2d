/* Within sys alone: child.c watches what child_exec.c has started. */
#ifndef TOCSIN_CHILD_PRIVATE_H
#define TOCSIN_CHILD_PRIVATE_H

#include <sys/types.h>

#include "child.h"

/* What is left of a start: all descriptors are ours, non-blocking and closed on exec. */
struct child_process {
    pid_t pid;
    int handle;        /* its pidfd: readable when it has ended */
    int output, error; /* the ends to read */
    int status;        /* a child_failure, where the program could not be run; nothing otherwise */
};

bool child_exec(const struct child_settings *settings, struct child_process *ret_process,
                struct fault *fault);
/* Reads `status` of a process that has ended. False with the fault: it never became the program. */
bool child_exec_succeeded(const struct child_process *process, const char *program, struct fault *fault);

/* Lets go of all that were destroyed and have not died yet; for loop_destroy. */
void child_drop_dying(struct loop *loop);

#endif

/* A program that a source has started: in a process group of its own, watched by the source's epoll set, and ended with its
 * group. Signals are as a program expects them; it inherits nothing but the descriptors that it is given. Sources know of no
 * loop, so this is not sys/child, which gathers the output of one run there.
 *
 * Owner: whoever declared the struct, begun with SOURCE_PROCESS_NONE; source_process_reap leaves it usable again. One thread: the one that
 * starts it is the one whose death the program may ask to be told of (PR_SET_PDEATHSIG). */
#ifndef TOCSIN_SOURCE_PROCESS_H
#define TOCSIN_SOURCE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SOURCE_PROCESS_LOOK_US 100000u /* between looks for an end, where the kernel has no pidfd */

struct source_process {
    pid_t id;   /* 0: none */
    int handle; /* its pidfd, in the epoll set; -1: none */
    bool ended; /* but not reaped yet */
    int exit_status, exit_signal;
};
#define SOURCE_PROCESS_NONE ((struct source_process){.handle = -1})

/* argv[0] without a slash is looked for in PATH. It gets `descriptors` as 0, 1, 2 and so on; -1 is /dev/null. Returns 0, or
 * the errno of what failed; then there is none. */
int source_process_start(struct source_process *process, char *const argv[], const int *descriptors,
                         size_t count, int epoll);
/* Sees that it has ended, and leaves it there: as long as it is not reaped, its group's number is its own and the group can
 * be killed. */
void source_process_look(struct source_process *process);
void source_process_kill(const struct source_process *process);
/* Kills what is left of the group, waits for the program's end, lets go of it. */
void source_process_reap(struct source_process *process);

#endif

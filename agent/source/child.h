/* A program that a source has started: in a process group of its own, watched by the source's epoll set, and ended with its
 * group. Signals are as a program expects them; it inherits nothing but the descriptors that it is given.
 *
 * Owner: whoever declared the struct, begun with CHILD_NONE; child_reap leaves it usable again. One thread: the one that
 * starts it is the one whose death the program may ask to be told of (PR_SET_PDEATHSIG). */
#ifndef TOCSIN_CHILD_H
#define TOCSIN_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_REAP_US 100000u /* between looks for an end, where the kernel has no pidfd */

struct child {
    pid_t process; /* 0: none */
    int handle;    /* its pidfd, in the epoll set; -1: none */
    bool ended;    /* but not reaped yet */
    int exit_status, exit_signal;
};
#define CHILD_NONE ((struct child){.handle = -1})

/* argv[0] without a slash is looked for in PATH. It gets `descriptors` as 0, 1, 2 and so on; -1 is /dev/null. Returns 0, or
 * the errno of what failed; then there is no child. */
int child_start(struct child *child, char *const argv[], const int *descriptors, size_t count, int epoll);
/* Sees that it has ended, and leaves it there: as long as it is not reaped, its group's number is its own and the group can
 * be killed. */
void child_look(struct child *child);
void child_kill(const struct child *child);
/* Kills what is left of the group, waits for the program's end, lets go of it. */
void child_reap(struct child *child);

#endif

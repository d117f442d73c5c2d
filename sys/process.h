/* This process: privileges, limits, and what it uses. */
#ifndef TOCSIN_PROCESS_H
#define TOCSIN_PROCESS_H

#include "fault.h"

/* Becomes that user with its groups, for good; a process that is it already is fine. */
bool process_become_user(const char *user, struct fault *fault);
/* root becomes whoever owns that folder, for good, so that what it writes there is readable by its owner; anyone else, and
 * root where the folder is root's own or not there yet, stays who it is. */
bool process_become_owner(const char *folder, struct fault *fault);
/* Nothing that is run from here gains privileges (PR_SET_NO_NEW_PRIVS), and nobody dumps or traces its
 * memory. */
bool process_harden(struct fault *fault);
/* Where memory runs out this process goes before those that it inherited their protection from (OOMScoreAdjust in the unit).
 * Before process_harden, which takes the file away from its owner. What can't be done is left. */
void process_be_expendable(void);
/* The kernel kills this process when the thread that started it ends. Behind a change of user, which undoes it. */
bool process_end_with_parent(struct fault *fault);
/* Where a program of Tocsin's own is that belongs to this one: beside it, as they are built, or in ../libexec/tocsin, as
 * they are installed. False where the path is too long; whether it is there, whoever starts it finds out. */
#define PROCESS_PATH_MOST 4096u
bool process_beside(const char *name, char ret_path[PROCESS_PATH_MOST]);
/* Raises the soft limit of open descriptors as far as `count`, or to the hard limit. Returns what it is now.
 */
uint64_t process_descriptors_raise(uint64_t count);

struct process_usage {
    uint64_t cpu_us; /* user and system, all threads */
    uint64_t resident_bytes;
    uint64_t descriptors; /* open now */
};
struct process_usage process_usage(void);

/* The host's name, NUL-terminated. */
#define PROCESS_HOST_SIZE 256u
void process_host_name(char ret_name[PROCESS_HOST_SIZE]);

#endif

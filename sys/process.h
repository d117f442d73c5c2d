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

/* A server for a test: a Python script beside it, which prints its port. */
#ifndef TOCSIN_TEST_PEER_PROCESS_H
#define TOCSIN_TEST_PEER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct peer_process {
    pid_t pid;
    unsigned port;
};

/* Arguments end with NULL. False: it cannot run here (no Python, a module that is missing). */
bool peer_start(struct peer_process *peer, const char *script, const char *const *arguments);
void peer_stop(struct peer_process *peer);

#endif

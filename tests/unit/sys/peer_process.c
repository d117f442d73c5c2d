#include "peer_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MOST 16

bool peer_start(struct peer_process *peer, const char *script, const char *const *arguments) {
    int ends[2];
    char path[512];
    const char *command[ARGUMENTS_MOST + 3] = {"/usr/bin/python3", path};
    snprintf(path, sizeof path, "%s/%s", PEER_FOLDER, script);
    for (int i = 0; arguments[i] && i < ARGUMENTS_MOST; i++)
        command[2 + i] = arguments[i];
    if (pipe(ends))
        abort();
    peer->pid = fork();
    if (peer->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(command[0], (char *const *)(unsigned long)command);
        _exit(127);
    }
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    bool good = fscanf(output, "%u", &peer->port) == 1;
    fclose(output);
    if (!good)
        peer_stop(peer);
    return good;
}

void peer_stop(struct peer_process *peer) {
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
}

#include "source_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void hand_over(posix_spawn_file_actions_t *actions, const int *descriptors, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] < 0)
            posix_spawn_file_actions_addopen(actions, (int)i, "/dev/null", O_RDWR, 0);
        else
            posix_spawn_file_actions_adddup2(actions, descriptors[i], (int)i);
    }
    posix_spawn_file_actions_addclosefrom_np(actions, (int)count);
}

static void be_a_group(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

int source_process_start(struct source_process *process, char *const argv[], const int *descriptors,
                         size_t count, int epoll) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    *process = SOURCE_PROCESS_NONE;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    hand_over(&actions, descriptors, count);
    be_a_group(&attributes);
    int error = posix_spawnp(&process->id, argv[0], &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error) {
        process->id = 0;
        return error;
    }
    process->handle = pidfd_open(process->id, 0);
    if (process->handle >= 0) {
        struct epoll_event wanted = {.events = EPOLLIN, .data = {.fd = process->handle}};
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, process->handle, &wanted);
    }
    return 0;
}

void source_process_look(struct source_process *process) {
    if (process->id <= 0 || process->ended)
        return;
    siginfo_t how = {0};
    if (waitid(P_PID, (id_t)process->id, &how, WEXITED | WNOHANG | WNOWAIT) != 0)
        how = (siginfo_t){.si_signo = SIGCHLD, .si_code = CLD_EXITED}; /* somebody else has reaped it */
    if (how.si_signo == 0)
        return;
    process->ended = true;
    process->exit_status = how.si_code == CLD_EXITED ? how.si_status : 0;
    process->exit_signal = how.si_code == CLD_EXITED ? 0 : how.si_status;
}

void source_process_kill(const struct source_process *process) {
    if (process->id > 0)
        (void)kill(-process->id, SIGKILL);
}

void source_process_reap(struct source_process *process) {
    source_process_kill(process);
    if (process->id > 0)
        (void)waitpid(process->id, NULL, 0); /* ended or killed: it does not last */
    if (process->handle >= 0)
        close(process->handle); /* and leaves the epoll set by that */
    *process = SOURCE_PROCESS_NONE;
}

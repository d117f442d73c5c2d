#include "child.h"

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

int child_start(struct child *child, char *const argv[], const int *descriptors, size_t count, int epoll) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    *child = CHILD_NONE;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    hand_over(&actions, descriptors, count);
    be_a_group(&attributes);
    int error = posix_spawnp(&child->process, argv[0], &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error) {
        child->process = 0;
        return error;
    }
    child->handle = pidfd_open(child->process, 0);
    if (child->handle >= 0) {
        struct epoll_event wanted = {.events = EPOLLIN, .data = {.fd = child->handle}};
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, child->handle, &wanted);
    }
    return 0;
}

void child_look(struct child *child) {
    if (child->process <= 0 || child->ended)
        return;
    siginfo_t how = {0};
    if (waitid(P_PID, (id_t)child->process, &how, WEXITED | WNOHANG | WNOWAIT) != 0)
        how = (siginfo_t){.si_signo = SIGCHLD, .si_code = CLD_EXITED}; /* somebody else has reaped it */
    if (how.si_signo == 0)
        return;
    child->ended = true;
    child->exit_status = how.si_code == CLD_EXITED ? how.si_status : 0;
    child->exit_signal = how.si_code == CLD_EXITED ? 0 : how.si_status;
}

void child_kill(const struct child *child) {
    if (child->process > 0)
        (void)kill(-child->process, SIGKILL);
}

void child_reap(struct child *child) {
    child_kill(child);
    if (child->process > 0)
        (void)waitpid(child->process, NULL, 0); /* ended or killed: it does not last */
    if (child->handle >= 0)
        close(child->handle); /* and leaves the epoll set by that */
    *child = CHILD_NONE;
}

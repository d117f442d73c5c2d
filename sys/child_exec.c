/* From settings to a running program. Between fork and exec only system calls are made: other threads of this process may
 * hold any lock. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child_private.h"
#include "memory.h"

#define DESCRIPTORS_SOFT 1024u /* ours may be far above; programs that use select() expect this */
#define GROUPS_FIRST 32

/* ---- users */

struct child_user {
    char *name, *home;
    uid_t id;
    gid_t group;
    bool other; /* than who we are */
    gid_t *groups;
    int group_count;
};

struct child_user *child_user_destroy(struct child_user *user) {
    if (!user)
        return NULL;
    free(user->name);
    free(user->home);
    free(user->groups);
    free(user);
    return NULL;
}

static void find_groups(struct child_user *user) {
    user->group_count = GROUPS_FIRST;
    user->groups = memory_new_array(GROUPS_FIRST, sizeof *user->groups);
    while (getgrouplist(user->name, user->group, user->groups, &user->group_count) < 0)
        user->groups = memory_resize(user->groups, (size_t)user->group_count, sizeof *user->groups);
}

struct child_user *child_user_create(const char *name, struct fault *fault) {
    errno = 0;
    const struct passwd *entry = getpwnam(name); /* NOLINT(concurrency-mt-unsafe): settings are read by one */
    if (!entry) {
        if (errno)
            fault_set_system(fault, "cannot look up the user \"%.60s\"", name);
        else
            fault_set(fault, FAULT_MISSING,
                      "there is no user \"%.60s\"; create it (adduser --system), or name another", name);
        return NULL;
    }
    if (geteuid() != 0 && entry->pw_uid != geteuid()) {
        fault_set(
            fault, FAULT_USAGE,
            "only root can run a program as \"%.60s\"; run this as root or as that user, or name no user",
            name);
        return NULL;
    }
    struct child_user *user = memory_new(sizeof *user);
    user->name = memory_copy_string(name);
    user->home = memory_copy_string(entry->pw_dir);
    user->id = entry->pw_uid;
    user->group = entry->pw_gid;
    user->other = geteuid() == 0;
    find_groups(user);
    return user;
}

/* ---- what the program gets, made ready before the fork */

struct launch {
    char program[PATH_MAX];
    const char *const *argv;
    const char *environment[CHILD_ENVIRONMENT_MOST + 6]; /* five of ours, NULL */
    char own[3][PATH_MAX + 16];
    const struct child_user *user;
    pid_t parent;
    int input, output[2], error[2], status[2];
};

static bool find_program(const char *name, char ret_path[PATH_MAX], struct fault *fault) {
    if (!name || !name[0])
        return fault_set(fault, FAULT_USAGE, "a program is needed");
    if (strlen(name) >= PATH_MAX)
        return fault_set(fault, FAULT_LIMIT, "a program's path has at most %d bytes", PATH_MAX - 1);
    if (name[0] == '/') {
        strcpy(ret_path, name);
        return true;
    }
    if (strchr(name, '/'))
        return fault_set(fault, FAULT_USAGE, "%.100s: a program's path begins with a slash", name);
    for (struct slice rest = SLICE(CHILD_PATH); rest.size;) {
        struct slice folder = slice_head(rest, slice_find_byte(rest, ':'));
        rest = slice_from(rest, folder.size + 1);
        int size = snprintf(ret_path, PATH_MAX, "%.*s/%s", SLICE_ARG(folder), name);
        if (size < PATH_MAX && access(ret_path, X_OK) == 0)
            return true;
    }
    return fault_set(fault, FAULT_MISSING,
                     "there is no program %.100s in " CHILD_PATH "; write its whole path", name);
}

/* Where the variable's name stands already, or at the end. */
static void set_variable(struct launch *launch, const char *variable) {
    size_t name = slice_find_byte(slice_string(variable), '=') + 1;
    const char **place = launch->environment;
    while (*place && strncmp(*place, variable, name) != 0)
        place++;
    *place = variable;
}

static bool make_environment(struct launch *launch, const struct child_settings *settings,
                             struct fault *fault) {
    const char *user = settings->user ? settings->user->name : NULL;
    set_variable(launch, "PATH=" CHILD_PATH);
    set_variable(launch, "LANG=C.UTF-8"); /* what it prints is read by programs */
    snprintf(launch->own[0], sizeof *launch->own, "HOME=%s", user ? settings->user->home : "/");
    set_variable(launch, launch->own[0]);
    for (size_t i = 0; user && i < 2; i++) {
        snprintf(launch->own[i + 1], sizeof *launch->own, "%s=%s", i ? "LOGNAME" : "USER", user);
        set_variable(launch, launch->own[i + 1]);
    }
    for (size_t i = 0; settings->environment && settings->environment[i]; i++) {
        if (i == CHILD_ENVIRONMENT_MOST)
            return fault_set(fault, FAULT_LIMIT, "at most %u variables can be added to the environment",
                             CHILD_ENVIRONMENT_MOST);
        if (!strchr(settings->environment[i], '='))
            return fault_set(fault, FAULT_USAGE, "%.60s: a variable is written NAME=value",
                             settings->environment[i]);
        set_variable(launch, settings->environment[i]);
    }
    return true;
}

/* Bytes in a file without a name: nothing has to be written while it runs, and nobody blocks who does not read them. */
static bool open_input(struct slice bytes, int *ret_input, struct fault *fault) {
    if (bytes.size > CHILD_INPUT_MOST)
        return fault_set(fault, FAULT_LIMIT, "a program gets at most %u bytes of input", CHILD_INPUT_MOST);
    int file = bytes.size ? memfd_create("input", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fault_set_system(fault, "no input for a program");
    if (bytes.size && pwrite(file, bytes.data, bytes.size, 0) != (ssize_t)bytes.size) {
        close(file);
        return fault_set_system(fault, "no room for a program's input");
    }
    *ret_input = file;
    return true;
}

static void close_pair(int pair[2]) {
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
    pair[0] = pair[1] = -1;
}

static void launch_close(struct launch *launch) {
    if (launch->input >= 0)
        close(launch->input);
    launch->input = -1;
    close_pair(launch->output);
    close_pair(launch->error);
    close_pair(launch->status);
}

static bool launch_open(struct launch *launch, const struct child_settings *settings, struct fault *fault) {
    int *const pairs[] = {launch->output, launch->error, launch->status};
    if (!open_input(settings->input, &launch->input, fault))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (pipe2(pairs[i], O_CLOEXEC) != 0 || fcntl(pairs[i][0], F_SETFL, O_NONBLOCK) != 0)
            return fault_set_system(fault, "no pipe for a program");
    return true;
}

/* ---- in the new process */

/* What was tried when it failed, in the words of a fault. */
enum child_step { STEP_PRIVILEGES, STEP_USER, STEP_DESCRIPTORS, STEP_PARENT, STEP_EXEC };
static const char *const step_words[] = {
    [STEP_PRIVILEGES] = "it cannot be kept from gaining privileges",
    [STEP_USER] = "cannot become its user",
    [STEP_DESCRIPTORS] = "its descriptors cannot be set up",
    [STEP_PARENT] = "whoever wanted it is gone",
    [STEP_EXEC] = "cannot be run",
};
struct child_failure {
    enum child_step step;
    int error;
};

_Noreturn static void give_up(const struct launch *launch, enum child_step step) {
    struct child_failure failure = {step, errno};
    (void)!write(launch->status[1], &failure, sizeof failure);
    _exit(127);
}

static void reset_signals(void) {
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &usual, NULL); /* some cannot be set, and have nothing to be reset */
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct launch *launch) {
    const struct child_user *user = launch->user;
    if (!user)
        return;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
        give_up(launch, STEP_USER);
    if (user->other &&
        (setgroups((size_t)user->group_count, user->groups) ||
         setresgid(user->group, user->group, user->group) || setresuid(user->id, user->id, user->id)))
        give_up(launch, STEP_USER);
}

/* Above 2, so that none is overwritten before it is in its place. */
static int lift(const struct launch *launch, int file) {
    int lifted = fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (lifted < 0)
        give_up(launch, STEP_DESCRIPTORS);
    return lifted;
}

_Noreturn static void run(struct launch *launch) {
    launch->status[1] = lift(launch, launch->status[1]);
    int input = lift(launch, launch->input);
    int output = lift(launch, launch->output[1]), error = lift(launch, launch->error[1]);
    (void)setsid(); /* never a leader yet: it is new */
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(error, STDERR_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0 || chdir("/") != 0)
        give_up(launch, STEP_DESCRIPTORS);
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur > DESCRIPTORS_SOFT) {
        most.rlim_cur = DESCRIPTORS_SOFT;
        (void)setrlimit(RLIMIT_NOFILE, &most);
    }
    become(launch);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
        give_up(launch, STEP_PRIVILEGES);
    if (getppid() != launch->parent)
        give_up(launch, STEP_PARENT);
    reset_signals();
    execve(launch->program, (char *const *)(uintptr_t)launch->argv,
           (char *const *)(uintptr_t)launch->environment);
    give_up(launch, STEP_EXEC);
}

/* ---- */

/* All signals wait: a handler of ours must not run over there, where it would write into descriptors that we share. */
static pid_t fork_quietly(struct launch *launch) {
    sigset_t all, before;
    sigfillset(&all);
    struct sigaction on_end;
    if (sigaction(SIGCHLD, NULL, &on_end) == 0 && on_end.sa_handler == SIG_IGN)
        (void)signal(SIGCHLD,
                     SIG_DFL); /* as whoever started us left it: nobody could tell how a program ended */
    launch->parent = getpid();
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        run(launch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static bool start(struct launch *launch, struct child_process *ret_process, struct fault *fault) {
    pid_t pid = fork_quietly(launch);
    if (pid < 0)
        return fault_set_system(fault, "no process for a program");
    int handle = pidfd_open(pid, 0);
    if (handle < 0) {
        fault_set_system(fault, "a program cannot be watched");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return false;
    }
    *ret_process =
        (struct child_process){pid, handle, launch->output[0], launch->error[0], launch->status[0]};
    launch->output[0] = launch->error[0] = launch->status[0] = -1; /* the process's from here on */
    return true;
}

bool child_exec(const struct child_settings *settings, struct child_process *ret_process,
                struct fault *fault) {
    CLEANUP_FREE struct launch *launch = memory_new(sizeof *launch);
    *launch = (struct launch){.argv = settings->argv,
                              .user = settings->user,
                              .input = -1,
                              .output = {-1, -1},
                              .error = {-1, -1},
                              .status = {-1, -1}};
    bool good = find_program(settings->argv[0], launch->program, fault) &&
                make_environment(launch, settings, fault) && launch_open(launch, settings, fault) &&
                start(launch, ret_process, fault);
    launch_close(launch);
    return good;
}

bool child_exec_succeeded(const struct child_process *process, const char *program, struct fault *fault) {
    struct child_failure failure;
    if (read(process->status, &failure, sizeof failure) != (ssize_t)sizeof failure)
        return true;
    errno = failure.error;
    fault_set_system(fault, "%s", step_words[failure.step]);
    return fault_place(fault, "%.150s", program);
}

/* A program run on the loop: started, watched, ended, with everything that it left behind in its group.
 *
 * No shell. What it gets: its arguments; an environment of PATH, LANG=C.UTF-8, HOME, USER, LOGNAME and what the settings
 * add; the folder "/"; standard input from bytes or from /dev/null; no other descriptor of this process; signals as they
 * are by default; a session of its own, so neither a terminal nor somebody else's group; no new privileges (a setuid
 * program stays who started it). It dies with the thread that started it.
 *
 * As another user: with its groups and without a capability of ours. Only root can become somebody else; the user is
 * looked up beforehand (child_user_create), since that may ask a server.
 *
 * Limits: at its time limit, and when standard output or error pass theirs, the whole group is killed at once; what came until
 * then is kept. Its end is the end of the program itself: whoever it left behind in its group is killed then and does not
 * hold up the end by an open pipe. Who leaves the session (setsid) is not followed.
 *
 * `done` is called once, in a turn, never from child_start; after it the child is still the caller's until child_destroy,
 * which may be called at any time, from `done` too: it kills the group if it runs, and no callback comes. Nothing here
 * waits: what does not die at once (a disk that hangs) is told CHILD_GRACE_US after the kill, and reaped when it dies.
 *
 * Linux 5.11 or newer (pidfd, close_range). */
#ifndef TOCSIN_CHILD_H
#define TOCSIN_CHILD_H

#include "loop.h"
#include "slice.h"

#define CHILD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CHILD_ARGUMENTS_MOST 256u
#define CHILD_ENVIRONMENT_MOST 64u          /* what the settings add */
#define CHILD_INPUT_MOST (1024u * 1024)     /* bytes */
#define CHILD_OUTPUT_MOST (64u * 1024)      /* of each of both, unless set */
#define CHILD_TIMEOUT_US UINT64_C(60000000) /* unless set */
#define CHILD_GRACE_US 1000000u             /* from the kill to `done`, for what cannot be killed */

/* Who a program runs as. Refused: a user that does not exist, and one that this process is not and cannot become. */
struct child_user;
struct child_user *child_user_create(const char *name, struct fault *fault);
struct child_user *
child_user_destroy(struct child_user *user); /* NULL; children that run keep nothing of it */

struct child_settings {
    const char *const *argv; /* ends with NULL; argv[0] with a slash, or looked for in CHILD_PATH */
    const char *const
        *environment; /* "NAME=value", ends with NULL; NULL: nothing to add. A name of ours is replaced */
    const struct child_user *user;  /* NULL: as this process */
    struct slice input;             /* empty: /dev/null */
    size_t output_most, error_most; /* bytes; 0: CHILD_OUTPUT_MOST */
    uint64_t timeout_us;            /* 0: CHILD_TIMEOUT_US */
};

enum child_how {
    CHILD_EXITED,      /* number: its status */
    CHILD_SIGNALLED,   /* number: the signal, that was none of ours */
    CHILD_LATE,        /* killed at its time limit */
    CHILD_FLOODED,     /* killed because it wrote too much */
    CHILD_NOT_STARTED, /* see the fault */
};

struct child_end {
    enum child_how how;
    int number;
    const struct fault *fault;  /* CHILD_NOT_STARTED: why; otherwise NULL */
    struct slice output, error; /* borrowed until child_destroy */
    uint64_t wall_us;
    uint64_t
        cpu_us; /* user and system, its own and of its children that it waited for; 0 if it could not be reaped */
};

struct child;
typedef void child_callback(void *context, const struct child_end *end);

/* Settings are copied. The fault is of the settings, or of a machine without room for another process; a program that is
 * there and cannot be run comes as CHILD_NOT_STARTED. */
struct child *child_start(struct loop *loop, const struct child_settings *settings, child_callback *done,
                          void *context, struct fault *fault);
struct child *child_destroy(struct child *child); /* NULL */

#endif

#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buffer.h"
#include "child_private.h"
#include "clock.h"
#include "loop_private.h"
#include "memory.h"

#define READ_SIZE (16u * 1024)

enum { PIPE_OUTPUT, PIPE_ERROR, PIPES };

struct child_pipe {
    struct child *child;
    int file; /* -1: closed */
    struct loop_watch *watch;
    struct buffer bytes;
};

struct child {
    struct loop *loop;
    char *program;
    child_callback *done;
    void *context;
    struct child_process process;
    struct loop_watch *end;   /* NULL: it is reaped */
    struct loop_timer *limit; /* of its time, then of its death */
    struct child_pipe pipes[PIPES];
    enum child_how killed; /* why; CHILD_EXITED: it was not */
    uint64_t start_us;
    struct child *next, **previous; /* among the loop's dying; NULL while it has an owner */
};

static void pipe_close(struct child_pipe *pipe) {
    pipe->watch = loop_watch_destroy(pipe->watch);
    if (pipe->file >= 0)
        close(pipe->file);
    pipe->file = -1;
}

static void kill_group(struct child *child) {
    /* As long as its leader is not reaped the group's number is nobody else's. Before the program has its own session, it
     * is one process: that one is meant, too. */
    (void)kill(-child->process.pid, SIGKILL);
    (void)kill(child->process.pid, SIGKILL);
}

static struct child *child_free(struct child *child) {
    for (unsigned i = 0; i < PIPES; i++) {
        pipe_close(&child->pipes[i]);
        buffer_free(&child->pipes[i].bytes);
    }
    child->limit = loop_timer_destroy(child->limit);
    child->end = loop_watch_destroy(child->end);
    close(child->process.handle);
    close(child->process.status);
    free(child->program);
    free(child);
    return NULL;
}

/* ---- its end */

static void tell(struct child *child, enum child_how how, int number, uint64_t cpu_us) {
    struct fault fault;
    struct child_end end = {.how = how, .number = number, .cpu_us = cpu_us};
    if (!child_exec_succeeded(&child->process, child->program, &fault)) {
        end.how = CHILD_NOT_STARTED;
        end.fault = &fault;
    }
    for (unsigned i = 0; i < PIPES; i++)
        pipe_close(&child->pipes[i]);
    loop_timer_stop(child->limit);
    end.output = buffer_slice(&child->pipes[PIPE_OUTPUT].bytes);
    end.error = buffer_slice(&child->pipes[PIPE_ERROR].bytes);
    end.wall_us = clock_monotonic_us() - child->start_us;
    child_callback *done = child->done;
    child->done = NULL;
    done(child->context, &end); /* the child may be gone after this */
}

static void end_it(struct child *child, enum child_how why) {
    if (child->killed != CHILD_EXITED)
        return;
    child->killed = why;
    kill_group(child);
    loop_timer_after(child->limit, CHILD_GRACE_US);
}

static void limit_reached(void *context) {
    struct child *child = context;
    if (child->killed == CHILD_EXITED)
        end_it(child, CHILD_LATE);
    else
        tell(child, child->killed, 0, 0);
}

/* ---- its output */

/* True while there may be more. */
static bool pipe_read(struct child_pipe *pipe) {
    uint8_t bytes[READ_SIZE];
    ssize_t got = read(pipe->file, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR)
        return true;
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0) {
        pipe_close(pipe);
        return false;
    }
    size_t room = pipe->bytes.limit - pipe->bytes.size;
    buffer_append(&pipe->bytes, bytes, (size_t)got < room ? (size_t)got : room);
    if ((size_t)got <= room)
        return true;
    pipe_close(pipe);
    end_it(pipe->child, CHILD_FLOODED);
    return false;
}

static void pipe_ready(void *context, unsigned events) {
    (void)events;
    pipe_read(context);
}

static bool reap(struct child *child, int *ret_status, uint64_t *ret_cpu_us) {
    struct rusage usage = {0};
    int status = SIGKILL; /* where somebody else has reaped it: at least no success */
    kill_group(child);    /* who is left of it, before its number can be another's */
    if (wait4(child->process.pid, &status, WNOHANG, &usage) == 0)
        return false;
    child->end = loop_watch_destroy(child->end);
    *ret_status = status;
    *ret_cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return true;
}

static void ended(void *context, unsigned events) {
    (void)events;
    struct child *child = context;
    int status;
    uint64_t cpu_us;
    if (child->done)
        for (unsigned i = 0; i < PIPES; i++) /* what it wrote last; its limit ends this */
            while (child->pipes[i].file >= 0 && pipe_read(&child->pipes[i]))
                continue;
    if (!reap(child, &status, &cpu_us))
        return;
    if (child->previous) { /* nobody waits for it any more */
        *child->previous = child->next;
        if (child->next)
            child->next->previous = child->previous;
        child_free(child);
        return;
    }
    if (!child->done)
        return;
    if (child->killed != CHILD_EXITED)
        tell(child, child->killed, 0, cpu_us);
    else if (WIFSIGNALED(status))
        tell(child, CHILD_SIGNALLED, WTERMSIG(status), cpu_us);
    else
        tell(child, CHILD_EXITED, WEXITSTATUS(status), cpu_us);
}

/* ---- beginning, destroying */

static bool settings_check(const struct child_settings *settings, struct fault *fault) {
    size_t count = 0;
    while (settings->argv[count])
        count++;
    return count <= CHILD_ARGUMENTS_MOST ||
           fault_set(fault, FAULT_LIMIT, "a program gets at most %u arguments, not %zu", CHILD_ARGUMENTS_MOST,
                     count);
}

static bool watch_all(struct child *child, struct fault *fault) {
    child->limit = loop_timer_create(child->loop, limit_reached, child);
    child->end = loop_watch_create(child->loop, child->process.handle, LOOP_READABLE, ended, child, fault);
    for (unsigned i = 0; i < PIPES && child->end; i++) {
        struct child_pipe *pipe = &child->pipes[i];
        pipe->watch = loop_watch_create(child->loop, pipe->file, LOOP_READABLE, pipe_ready, pipe, fault);
        if (!pipe->watch)
            return false;
    }
    return child->end != NULL;
}

struct child *child_start(struct loop *loop, const struct child_settings *settings, child_callback *done,
                          void *context, struct fault *fault) {
    struct child_process process;
    uint64_t start_us = clock_monotonic_us();
    if (!settings_check(settings, fault) || !child_exec(settings, &process, fault))
        return NULL;
    struct child *child = memory_new(sizeof *child);
    *child = (struct child){.loop = loop, .process = process, .start_us = start_us};
    child->program = memory_copy_string(settings->argv[0]);
    size_t output_most = settings->output_most ? settings->output_most : CHILD_OUTPUT_MOST;
    size_t error_most = settings->error_most ? settings->error_most : CHILD_OUTPUT_MOST;
    child->pipes[PIPE_OUTPUT] = (struct child_pipe){child, process.output, NULL, BUFFER(output_most)};
    child->pipes[PIPE_ERROR] = (struct child_pipe){child, process.error, NULL, BUFFER(error_most)};
    if (!watch_all(child, fault))
        return child_destroy(child);
    child->done = done;
    child->context = context;
    loop_timer_after(child->limit, settings->timeout_us ? settings->timeout_us : CHILD_TIMEOUT_US);
    return child;
}

struct child *child_destroy(struct child *child) {
    int status;
    uint64_t cpu_us;
    if (!child)
        return NULL;
    child->done = NULL;
    if (!child->end || reap(child, &status, &cpu_us))
        return child_free(child);
    for (unsigned i = 0; i < PIPES; i++)
        pipe_close(&child->pipes[i]);
    loop_timer_stop(child->limit);
    child->next = child->loop->dying;
    if (child->next)
        child->next->previous = &child->next;
    child->loop->dying = child;
    child->previous = &child->loop->dying;
    return NULL;
}

void child_drop_dying(struct loop *loop) {
    while (loop->dying) {
        struct child *child = loop->dying;
        loop->dying = child->next;
        child_free(child);
    }
}

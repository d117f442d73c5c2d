#include "loop.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child_private.h"
#include "loop_private.h"
#include "memory.h"

bool loop_fault(struct fault *fault, int error, const char *format, ...) {
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    enum fault_code code = error == UV_EADDRINUSE ? FAULT_BUSY
                           : error == UV_ENOENT   ? FAULT_MISSING
                           : error == UV_ENOSPC   ? FAULT_SPACE
                                                  : FAULT_IO;
    fault_set(fault, code, "%s: %s", what, uv_strerror(error));
    if (fault)
        fault->system = -error; /* libuv's codes are errno's, negative; those of getaddrinfo lie beyond */
    return false;
}

/* What is queued now is run; what that queues waits for the next phase, kept from blocking by the idle
 * handle. */
static void loop_run_later(struct loop *loop) {
    if (!loop->later)
        return;
    loop->running = loop->later;
    loop->running->previous = &loop->running;
    loop->later = NULL;
    loop->later_end = &loop->later;
    while (loop->running) {
        struct loop_later *later = loop->running;
        loop_later_cancel(later);
        later->run(later->context);
    }
    if (!loop->later)
        uv_idle_stop(&loop->idle);
}

static void loop_prepare(uv_prepare_t *handle) {
    loop_run_later(handle->data);
}
static void loop_check(uv_check_t *handle) {
    loop_run_later(handle->data);
}
static void loop_idle(uv_idle_t *handle) {
    (void)handle;
}

struct loop *loop_create(struct fault *fault) {
    /* A peer that has gone must be an error code, not the end of the daemon. */
    signal(SIGPIPE, SIG_IGN);
    struct loop *loop = memory_new(sizeof *loop);
    int error = uv_loop_init(&loop->uv);
    if (error) {
        loop_fault(fault, error, "no event loop can be made");
        free(loop);
        return NULL;
    }
    loop->later_end = &loop->later;
    loop->uv.data = loop;
    loop->prepare.data = loop->check.data = loop;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->idle);
    uv_prepare_start(&loop->prepare, loop_prepare);
    uv_check_start(&loop->check, loop_check);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    return loop;
}

/* Channels that are being finished get a little time: the last words of a daemon that stops. So do programs that were
 * killed, to be reaped. */
static void loop_finish(struct loop *loop) {
    uint64_t deadline = uv_hrtime() + LOOP_FINISH_US * 1000u;
    while ((loop->finishing || loop->dying) && uv_hrtime() < deadline) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        if (loop->finishing || loop->dying)
            usleep(1000); /* a timer of ours would do, but this is the end of it all */
    }
    channel_drop_finishing(loop);
    child_drop_dying(loop);
}

struct loop *loop_destroy(struct loop *loop) {
    if (!loop)
        return NULL;
    loop_finish(loop);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    /* Close callbacks and work under way; a handle that its owner forgot would hang here, and is a bug to be
     * seen. */
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) == UV_EBUSY) {
        fputs("tocsin: a loop was destroyed before what runs in it\n", stderr);
        abort();
    }
    free(loop);
    return NULL;
}

void loop_run(struct loop *loop) {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop) {
    uv_stop(&loop->uv);
}

bool loop_turn(struct loop *loop, bool wait) {
    return uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT) != 0;
}

static void loop_free_handle(uv_handle_t *handle) {
    free(handle->data);
}

/* --- timers --- */

struct loop_timer {
    uv_timer_t uv;
    loop_callback *due;
    void *context;
};

static void loop_timer_due(uv_timer_t *handle) {
    struct loop_timer *timer = handle->data;
    timer->due(timer->context);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_callback *due, void *context) {
    struct loop_timer *timer = memory_new(sizeof *timer);
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    timer->due = due;
    timer->context = context;
    return timer;
}

struct loop_timer *loop_timer_destroy(struct loop_timer *timer) {
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, loop_free_handle);
    return NULL;
}

void loop_timer_after(struct loop_timer *timer, uint64_t delay_us) {
    /* The loop's time is of the turn's beginning and whole milliseconds: one more, so as never to be early.
     */
    uint64_t milliseconds = delay_us ? delay_us / 1000u + (delay_us % 1000u != 0) + 1 : 0;
    uv_update_time(timer->uv.loop);
    uv_timer_start(&timer->uv, loop_timer_due, milliseconds, 0);
}

void loop_timer_at(struct loop_timer *timer, uint64_t deadline_us, uint64_t now_us) {
    if (deadline_us == UINT64_MAX)
        loop_timer_stop(timer);
    else
        loop_timer_after(timer, deadline_us > now_us ? deadline_us - now_us : 0);
}

void loop_timer_stop(struct loop_timer *timer) {
    uv_timer_stop(&timer->uv);
}

bool loop_timer_is_set(const struct loop_timer *timer) {
    return uv_is_active((const uv_handle_t *)&timer->uv);
}

/* --- calls from other threads --- */

struct loop_wake {
    uv_async_t uv;
    loop_callback *woken;
    void *context;
};

static void loop_wake_woken(uv_async_t *handle) {
    struct loop_wake *wake = handle->data;
    wake->woken(wake->context);
}

struct loop_wake *loop_wake_create(struct loop *loop, loop_callback *woken, void *context) {
    struct loop_wake *wake = memory_new(sizeof *wake);
    int error = uv_async_init(&loop->uv, &wake->uv, loop_wake_woken);
    if (error) { /* no eventfd to be had: nothing could run */
        fprintf(stderr, "tocsin: no wake-up can be made: %s\n", uv_strerror(error));
        abort();
    }
    wake->uv.data = wake;
    wake->woken = woken;
    wake->context = context;
    return wake;
}

struct loop_wake *loop_wake_destroy(struct loop_wake *wake) {
    if (wake)
        uv_close((uv_handle_t *)&wake->uv, loop_free_handle);
    return NULL;
}

void loop_wake_send(struct loop_wake *wake) {
    uv_async_send(&wake->uv);
}

/* --- descriptors --- */

struct loop_watch {
    uv_poll_t uv;
    loop_watch_callback *ready;
    void *context;
    unsigned events;
};

static void loop_watch_ready(uv_poll_t *handle, int status, int events) {
    struct loop_watch *watch = handle->data;
    unsigned ready = (events & UV_READABLE ? LOOP_READABLE : 0) | (events & UV_WRITABLE ? LOOP_WRITABLE : 0);
    watch->ready(watch->context, status < 0 || !ready ? watch->events : ready);
}

struct loop_watch *loop_watch_create(struct loop *loop, int descriptor, unsigned events,
                                     loop_watch_callback *ready, void *context, struct fault *fault) {
    struct loop_watch *watch = memory_new(sizeof *watch);
    int error = uv_poll_init(&loop->uv, &watch->uv, descriptor);
    if (error) {
        loop_fault(fault, error, "descriptor %d cannot be watched", descriptor);
        free(watch);
        return NULL;
    }
    watch->uv.data = watch;
    watch->ready = ready;
    watch->context = context;
    loop_watch_set(watch, events);
    return watch;
}

struct loop_watch *loop_watch_destroy(struct loop_watch *watch) {
    if (watch)
        uv_close((uv_handle_t *)&watch->uv, loop_free_handle);
    return NULL;
}

void loop_watch_set(struct loop_watch *watch, unsigned events) {
    watch->events = events;
    if (!events)
        uv_poll_stop(&watch->uv);
    else
        uv_poll_start(&watch->uv,
                      (events & LOOP_READABLE ? UV_READABLE : 0) | (events & LOOP_WRITABLE ? UV_WRITABLE : 0),
                      loop_watch_ready);
}

/* --- signals --- */

struct loop_signal {
    uv_signal_t uv;
    loop_callback *caught;
    void *context;
};

static void loop_signal_caught(uv_signal_t *handle, int number) {
    (void)number;
    struct loop_signal *caught = handle->data;
    caught->caught(caught->context);
}

struct loop_signal *loop_signal_create(struct loop *loop, int number, loop_callback *caught, void *context,
                                       struct fault *fault) {
    struct loop_signal *made = memory_new(sizeof *made);
    int error = uv_signal_init(&loop->uv, &made->uv);
    if (error) {
        loop_fault(fault, error, "no signal handler can be made");
        free(made);
        return NULL;
    }
    made->uv.data = made;
    made->caught = caught;
    made->context = context;
    error = uv_signal_start(&made->uv, loop_signal_caught, number);
    if (error) {
        loop_fault(fault, error, "signal %d cannot be caught", number);
        return loop_signal_destroy(made);
    }
    uv_unref((uv_handle_t *)&made->uv); /* waiting for a signal alone is no reason to go on */
    return made;
}

struct loop_signal *loop_signal_destroy(struct loop_signal *caught) {
    if (caught)
        uv_close((uv_handle_t *)&caught->uv, loop_free_handle);
    return NULL;
}

/* --- later in this turn --- */

void loop_later_init(struct loop_later *later, struct loop *loop, loop_callback *run, void *context) {
    *later = (struct loop_later){.loop = loop, .run = run, .context = context};
}

void loop_later_cancel(struct loop_later *later) {
    if (!later->previous)
        return;
    *later->previous = later->next;
    if (later->next)
        later->next->previous = later->previous;
    else if (later->loop->later_end == &later->next)
        later->loop->later_end = later->previous;
    later->next = NULL;
    later->previous = NULL;
}

struct loop_later *loop_later_create(struct loop *loop, loop_callback *run, void *context) {
    struct loop_later *later = memory_new(sizeof *later);
    loop_later_init(later, loop, run, context);
    return later;
}

struct loop_later *loop_later_destroy(struct loop_later *later) {
    if (later)
        loop_later_cancel(later);
    free(later);
    return NULL;
}

void loop_later_schedule(struct loop_later *later) {
    if (later->previous)
        return;
    struct loop *loop = later->loop;
    later->next = NULL;
    later->previous = loop->later_end;
    *loop->later_end = later;
    loop->later_end = &later->next;
    uv_idle_start(&loop->idle, loop_idle);
}

/* --- work --- */

struct loop_job {
    uv_work_t uv;
    loop_callback *work, *done;
    void *context;
};

static void loop_job_work(uv_work_t *request) {
    struct loop_job *job = request->data;
    job->work(job->context);
}

static void loop_job_done(uv_work_t *request, int status) {
    (void)status; /* nobody cancels */
    struct loop_job *job = request->data;
    loop_callback *done = job->done;
    void *context = job->context;
    free(job);
    done(context);
}

void loop_work(struct loop *loop, loop_callback *work, loop_callback *done, void *context) {
    struct loop_job *job = memory_new(sizeof *job);
    *job = (struct loop_job){.uv.data = job, .work = work, .done = done, .context = context};
    uv_queue_work(&loop->uv, &job->uv, loop_job_work, loop_job_done);
}

void loop_workers_set(unsigned count) {
    char text[16];
    snprintf(text, sizeof text, "%u", count < 1 ? 1 : count > LOOP_WORKERS_MOST ? LOOP_WORKERS_MOST : count);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread, see loop.h */
    setenv("UV_THREADPOOL_SIZE", text, 1);
}

/* The event loop: one a thread, everything runs in its turns. The only door to libuv.
 *
 * Ownership: what xxx_create gives is the caller's until xxx_destroy, which may be called from any callback
 * of the same loop, its own included; after it no callback comes. The memory goes when the loop has let go of
 * it. Destroy everything before loop_destroy. All functions belong to the loop's thread, but loop_wake_send,
 * which may be called from any thread and from a signal handler. Callbacks must not block. */
#ifndef TOCSIN_LOOP_H
#define TOCSIN_LOOP_H

#include "fault.h"

#include <stddef.h>

struct loop;

typedef void loop_callback(void *context);

/* Ignores SIGPIPE for the process: a program run from here sets it back before exec. */
struct loop *loop_create(struct fault *fault);
/* Channels that are still being finished get LOOP_FINISH_US to send what waits, killed programs to die. NULL. */
struct loop *loop_destroy(struct loop *loop);
#define LOOP_FINISH_US 500000u

/* Until loop_stop, or until nothing is left that could call back. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* One turn. `wait`: blocks until something happens. False: nothing is left that could call back. */
bool loop_turn(struct loop *loop, bool wait);

/* Timers. Called once, not before the time; up to a millisecond and a turn later. */
struct loop_timer;
struct loop_timer *loop_timer_create(struct loop *loop, loop_callback *due, void *context);
struct loop_timer *loop_timer_destroy(struct loop_timer *timer); /* NULL */
void loop_timer_after(struct loop_timer *timer,
                      uint64_t delay_us); /* 0: in the next turn; replaces what was set */
/* At a time of any clock that reads `now_us` now; UINT64_MAX stops it. */
void loop_timer_at(struct loop_timer *timer, uint64_t deadline_us, uint64_t now_us);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_set(const struct loop_timer *timer);

/* Calls from other threads. Several sends before the loop's turn are one call. */
struct loop_wake;
struct loop_wake *loop_wake_create(struct loop *loop, loop_callback *woken, void *context);
struct loop_wake *loop_wake_destroy(struct loop_wake *wake); /* NULL */
void loop_wake_send(struct loop_wake *wake);

/* A descriptor of someone else's (inotify, the journal's, a pipe). Level-triggered; regular files are
 * refused. Destroy the watch before the descriptor is closed. libuv makes the descriptor non-blocking. */
#define LOOP_READABLE 1u
#define LOOP_WRITABLE 2u
struct loop_watch;
typedef void loop_watch_callback(void *context, unsigned events); /* also on errors, as what was asked for */
struct loop_watch *loop_watch_create(struct loop *loop, int descriptor, unsigned events,
                                     loop_watch_callback *ready, void *context, struct fault *fault);
struct loop_watch *loop_watch_destroy(struct loop_watch *watch); /* NULL */
void loop_watch_set(struct loop_watch *watch, unsigned events);  /* 0 pauses */

/* A signal, delivered in a turn. Waiting for signals alone does not keep a loop running. */
struct loop_signal;
struct loop_signal *loop_signal_create(struct loop *loop, int number, loop_callback *caught, void *context,
                                       struct fault *fault);
struct loop_signal *loop_signal_destroy(struct loop_signal *caught); /* NULL */

/* Something to do once at the end of the turn, before the loop waits again: gather in callbacks, act here.
 * Scheduling it again before it ran changes nothing; scheduling it while it runs means the next turn, without
 * waiting. */
struct loop_later;
struct loop_later *loop_later_create(struct loop *loop, loop_callback *run, void *context);
struct loop_later *loop_later_destroy(struct loop_later *later); /* NULL */
void loop_later_schedule(struct loop_later *later);

/* Work on the process's worker threads (shared by all loops; name look-ups use them, too); then `done` in the
 * loop. The context is the caller's until `done`, which always comes; loop_destroy waits for it. */
void loop_work(struct loop *loop, loop_callback *work, loop_callback *done, void *context);
/* How many workers; only before the first loop_work or connection of the process. 1 to LOOP_WORKERS_MOST. */
#define LOOP_WORKERS_MOST 64u
void loop_workers_set(unsigned count);

#endif

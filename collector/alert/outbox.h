/* Notices on their way to people: durable before anything is sent, one thread for each channel, each retrying on its own.
 *
 * A notice is put into the change that commits its alert, one row a channel; the row goes when the channel has taken it.
 * A channel that fails is tried again, from 1 s doubling to a minute, for as long as it takes; its failing and its
 * recovery are events. A notice that a channel refuses for good is dropped with an event that says so. */
#ifndef TOCSIN_OUTBOX_H
#define TOCSIN_OUTBOX_H

#include "committer.h"
#include "delivery.h"

struct outbox;

/* Starts the threads. Settings, store and committer are borrowed for its life. */
struct outbox *outbox_start(const struct collector_settings *settings, struct store *store,
                            struct committer *committer, struct fault *fault);
/* Ends the threads; a notice under way is sent to its end first. Notices may still be put, and wait for the next start. */
void outbox_stop(struct outbox *outbox);
/* Only without a committer: changes that hold notices call back. */
struct outbox *outbox_destroy(struct outbox *outbox);

/* Other channels from now on. Notices for channels that are gone stay until one of that name is back. False: one of the
 * new channels cannot be made, and the old ones stay. Waits for nothing: what is being sent is sent to its end, by the old
 * channel, whose settings must live as long as the outbox. */
bool outbox_reload(struct outbox *outbox, const struct collector_settings *settings, struct fault *fault);

/* Adds a notice for every channel to the change. One thread alone (detection): rows are numbered in the order of commit. */
void outbox_put(struct outbox *outbox, struct change *change, const struct notice *notice);
/* Something was committed: look. Any thread. */
void outbox_wake(struct outbox *outbox);

struct outbox_counts {
    uint64_t sent, failed, dropped;
    size_t channels, failing; /* now */
};
struct outbox_counts outbox_counts(struct outbox *outbox);
/* JSON: an array of {"channel","state","sent","last_error"}. */
void outbox_describe(struct outbox *outbox, struct buffer *to);

#endif

/* A source that runs in a program of Tocsin's own beside the agent (helper.h is the program's side).
 *
 * The agent has one thread, may read every log, and must not parse what strangers answer; a source that does runs in a
 * process of its own. The program is started with one end of a socket as descriptor 3 and is told its settings and the
 * positions of its source: after a crash those on disk, after its own end the newest that came. What it gives comes in
 * groups, and a group goes into one turn as a whole, so into one record of the spool, or not at all: every event exactly
 * once, whoever was killed when. While the output has no room the source does not read, the socket fills, and the program
 * waits.
 *
 * The program is not trusted: a group is checked before anything of it is used, all that it gives is in its own name, and it
 * must answer a ping. One that ends by itself, does not answer or writes nonsense is killed with its group, and told by an
 * event of class 0: tocsin.event=helper_failed, helper.name, helper.reason (start, exit, signal, silent, nonsense, closed,
 * refused) and helper.exit or helper.signal. It is started again after HELPER_RESTART_US, later and later (up to 64 times
 * that) while it fails within HELPER_SETTLED_US. It never outlives the source: destroying kills its group, and when the
 * agent is killed the kernel kills it.
 *
 * `finish` is the one call that waits: HELPER_FINISH_US at most, for the program to give what it has gathered; where it says
 * that something has to be brought to its end first (an exchange that would leave a signer half way), HELPER_REST_US more. */
#ifndef TOCSIN_HELPER_SOURCE_H
#define TOCSIN_HELPER_SOURCE_H

#include "source.h"

#define HELPER_DESCRIPTOR 3
#define HELPER_RESTART_US 1000000u
#define HELPER_SETTLED_US 60000000u
#define HELPER_PING_US 5000000u /* from an answer to the next ping */
#define HELPER_ANSWER_US                                                                                     \
    10000000u /* from a ping to its answer, and from a closed socket to the program's end */
#define HELPER_FINISH_US 2000000u
#define HELPER_REST_US 12000000u    /* together less than systemd leaves for the agent's stop */
#define HELPER_SETTINGS_MOST 16384u /* messages of settings */

struct helper_source_settings {
    const char
        *name; /* "probe": sources of its events and keys of its positions are that, or begin with "probe:" */
    const char *program;          /* its path */
    const char *user;             /* whom it becomes where the agent is root's; NULL: it stays */
    const char *about;            /* what it does, for people: "12 probes"; NULL: nothing is said */
    const struct slice *settings; /* copied; opaque, each less than HELPER_MESSAGE_MOST bytes */
    size_t setting_count;
};

/* Nothing is started before the first turn. */
struct source *helper_source_create(const struct helper_source_settings *settings,
                                    const struct source_output *output, struct fault *fault);

#endif

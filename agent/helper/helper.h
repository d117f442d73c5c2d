/* A program that runs one source for the agent, which starts it (helper_source.h): the whole of its main.
 *
 *     int main(void) {
 *         static const struct helper_program program = {"tocsin-prober", create};
 *         return helper_main(&program);
 *     }
 *
 * The socket to the agent is descriptor 3. Settings and positions are taken from it; then the program becomes the user that
 * the agent names, if it is root, gives up gaining privileges, being looked into and the agent's protection where memory runs
 * out, asks the kernel to be killed with the agent, and makes its source. From then on the source lives as in the agent
 * (source.h): its descriptor is watched, it gets its turns, and each turn is a group. Pings are answered by the loop, so
 * whoever blocks it is killed after a while. SIGTERM and SIGINT are ignored: the agent, which gets them too, says when to
 * end. */
#ifndef TOCSIN_HELPER_H
#define TOCSIN_HELPER_H

#include "loop.h"
#include "source.h"

struct helper;

struct helper_program {
    const char *name; /* its own, for people */
    /* Makes the source, from what the functions below give. NULL and a fault: the agent tells it, and tries again later. */
    struct source *(*create)(struct helper *helper, struct fault *fault);
    /* What has to be brought to its end after `finish` (a sentence: what, and how long), or NULL: nothing. Asked again and
     * again while the loop goes on, for HELPER_REST_US at most. May be NULL. */
    const char *(*rest)(const struct source *source);
};

/* Returns the program's exit status. One that was started by hand says who starts it. */
int helper_main(const struct helper_program *program);

/* All borrowed, as long as the source lives. */
size_t helper_setting_count(const struct helper *helper);
struct slice helper_setting(const struct helper *helper,
                            size_t index); /* as the agent's side gave them, in that order */
const struct source_output *helper_source_output(struct helper *helper);
/* For sources that do not do with one descriptor: their own watches, timers and connections on the program's loop. They
 * gather, and ask for a turn; what they give, they give in their turn. */
struct loop *helper_loop(struct helper *helper);
void helper_turn_soon(struct helper *helper);
/* What `turn` counts by: microseconds, the wall clock of the start, gone on without a step. */
uint64_t helper_clock_us(const struct helper *helper);

#endif

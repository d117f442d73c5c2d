/* How long a collector has shown no checkpoint with what this host closed: a value, looked at now and then. Time is an
 * argument, of a clock that never steps. */
#ifndef TOCSIN_PROOF_WAIT_H
#define TOCSIN_PROOF_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#define PROOF_WAIT_MOST_US 600000000u /* then it is told */

struct proof_wait {
    uint64_t proved; /* batches, when it was last looked */
    uint64_t since_us;
    bool begun, told;
};

enum proof_wait_news {
    PROOF_WAIT_NOTHING,
    PROOF_WAIT_OVERDUE, /* batches wait, and none was proved for PROOF_WAIT_MOST_US; said once */
    PROOF_WAIT_OVER,    /* one was proved since it was said, or none waits any more */
};
/* `proved` and `closed` batches so far, of all lanes together. */
enum proof_wait_news proof_wait_look(struct proof_wait *wait, uint64_t proved, uint64_t closed,
                                     uint64_t now_us);

#endif

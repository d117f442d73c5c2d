#include "proof_wait.h"

enum proof_wait_news proof_wait_look(struct proof_wait *wait, uint64_t proved, uint64_t closed,
                                     uint64_t now_us) {
    bool moves = !wait->begun || proved != wait->proved || proved >= closed;
    bool told = wait->told;
    wait->begun = true;
    wait->proved = proved;
    if (moves) {
        wait->since_us = now_us;
        wait->told = false;
        return told ? PROOF_WAIT_OVER : PROOF_WAIT_NOTHING;
    }
    if (told || now_us - wait->since_us < PROOF_WAIT_MOST_US)
        return PROOF_WAIT_NOTHING;
    wait->told = true;
    return PROOF_WAIT_OVERDUE;
}

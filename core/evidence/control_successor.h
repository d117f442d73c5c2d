/* From one log to the next: what a log begins with that takes the place of another, and whether one does (new_origin.h). Pure;
 * the chain is that of the log before, folded up to what was restored. */
#ifndef TOCSIN_CONTROL_SUCCESSOR_H
#define TOCSIN_CONTROL_SUCCESSOR_H

#include "control_chain.h"
#include "new_origin.h"

/* Everything that the chain says: the log before, people, single keys, registrar and policies in force. Left to the caller:
 * size, root, note, lost, and the new log's own origin and key. Borrows from the chain. FAULT_LIMIT where more people or keys
 * are live than a genesis takes. */
bool control_successor_of(const struct control_chain *before, struct new_origin *ret_origin,
                          struct fault *fault);

/* Whether the statement, a new origin with all of its signatures, goes on from this chain: it says of it what is so, and the
 * people that the chain names have signed it. The verdict is that of the new log's first entry. */
bool control_successor_check(const struct control_chain *before, const struct signed_statement *statement,
                             struct control_verdict *ret_verdict, struct fault *fault);

#endif

/* What the collector states when a batch was never closed, and when an agent contradicts itself: the payloads of statements
 * of types 17 and 21 (log-format: Parts).
 *
 *     orphan = part: 224 ‖ class list                        the newest part of the batch, and the list that it was signed over
 *     fork   = 2 × (u16 size ‖ entry: 416 or part: 224)      both signed messages
 *
 * Reading is strict about the form: a class list that has the part's root and number of events; two messages of one stream
 * that are not the same. Signatures of agents are for whoever knows their keys. What is read borrows from the payload. */
#ifndef TOCSIN_SIGNED_CONFLICT_H
#define TOCSIN_SIGNED_CONFLICT_H

#include "batch_entry.h"
#include "class_list.h"
#include "part.h"

struct orphan {
    struct slice part_bytes, list_bytes;
    struct part part;
    struct class_list list;
};

struct fork_statement {
    struct hash stream_id;
    struct slice messages[2];
};

bool orphan_write(struct buffer *to, struct slice part, struct slice class_list);
bool orphan_read(struct slice payload, struct orphan *ret_orphan, struct fault *fault);
bool fork_statement_write(struct buffer *to, struct slice first, struct slice second);
bool fork_statement_read(struct slice payload, struct fork_statement *ret_fork, struct fault *fault);

#endif

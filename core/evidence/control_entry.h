/* Control entries: a signed statement with its place in the log's chain of decisions (log-format: Statements and control
 * entries).
 *
 *     control entry = "tocsin/ctrl/v1" ‖ u64 ctl_seq ‖ u64 time_us ‖ H(previous control entry) ‖ signed statement
 *
 * Reading is strict about the form; what is read borrows from the bytes. Its leaf in the log is merkle_leaf(entry). Whether
 * it follows and who signed it is control_chain.h. */
#ifndef TOCSIN_CONTROL_ENTRY_H
#define TOCSIN_CONTROL_ENTRY_H

#include "statement.h"

#define CONTROL_ENTRY_HEAD 64u /* bytes before the signed statement */
#define CONTROL_ENTRY_MOST 65535u

struct control_entry {
    uint64_t ctl_seq; /* from 0, contiguous */
    uint64_t time_us;
    struct hash prev; /* zeros at ctl_seq 0 and there alone */
    struct signed_statement statement;
};

bool control_entry_write(struct buffer *to, const struct control_entry *entry);
bool control_entry_read(struct slice bytes, struct control_entry *ret_entry, struct fault *fault);

#endif

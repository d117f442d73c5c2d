/* The control chain as the committing thread keeps it: judges what is submitted, gives it its place, and marks the days.
 * Private to this folder; one thread. What it gave counts at once, so it must be committed before anything else is asked
 * of it, or never be asked again. */
#ifndef TOCSIN_CONTROL_LOG_H
#define TOCSIN_CONTROL_LOG_H

#include "agent_registry.h"
#include "change.h"
#include "log_signer.h"
#include "store.h"

struct control_log;

/* Folds what is in the store. `signer` is borrowed. */
struct control_log *control_log_open(const struct store *store, struct log_signer *signer,
                                     struct fault *fault);
struct control_log *control_log_destroy(struct control_log *control); /* returns NULL */

/* Whether there is a genesis. Without one nothing but a genesis is taken, and that only as the log's first entry. */
bool control_log_begun(const struct control_log *control);

/* Judges the signed statement and appends the entry that stands at `log_index` to `to`, which is emptied first. False, and
 * nothing changed, where it is refused. The outcome is filled either way. */
bool control_log_take(struct control_log *control, struct slice signed_statement, uint64_t log_index,
                      uint64_t now_us, struct buffer *to, struct change_outcome *ret_outcome);

/* Whether the UTC date of `now_us` is another than the last day mark's. */
bool control_log_day_due(const struct control_log *control, uint64_t now_us);
/* The same for a day mark, which is made and signed here. */
bool control_log_mark_day(struct control_log *control, uint64_t log_index, uint64_t now_us, struct buffer *to,
                          struct change_outcome *ret_outcome);

#endif

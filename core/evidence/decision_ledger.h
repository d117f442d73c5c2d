/* What people have decided about each alert (decision.h), folded from the control entries: whoever asks for one gets all that
 * was decided about it, in the order of the log. Its state is the last one; its severity what the last reclassification says.
 *
 * One thread. Memory: about 200 bytes a decision; silences and signed-off weeks are about no alert and not kept here. */
#ifndef TOCSIN_DECISION_LEDGER_H
#define TOCSIN_DECISION_LEDGER_H

#include "control_chain.h"
#include "decision.h"

struct past_decision {
    uint64_t ctl_seq, time_us; /* of its entry in the log */
    enum decision_kind kind;
    char value[DECISION_SUBJECT_MOST + 1]; /* the severity, of a reclassification */
    struct hash person;                    /* id of who signed it */
    struct hash reason;                    /* salted_text.h */
};

struct decision_ledger;

struct decision_ledger *decision_ledger_create(void);
struct decision_ledger *decision_ledger_destroy(struct decision_ledger *ledger); /* returns NULL */

/* Takes the entry if it is a decision about an alert. `people` as of that entry. */
void decision_ledger_add(struct decision_ledger *ledger, const struct control_entry *entry,
                         const struct control_people *people);

/* NULL and 0 where nobody has decided anything. Borrowed until the next one is added. */
const struct past_decision *decision_ledger_of(const struct decision_ledger *ledger, struct slice alert_id,
                                               size_t *ret_count);

#endif

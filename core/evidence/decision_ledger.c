#include "decision_ledger.h"

#include <stdlib.h>

#include "memory.h"
#include "statement_type.h"

#define SLOTS_FIRST 64u /* a power of two */

struct subject {
    char id[DECISION_SUBJECT_MOST + 1];
    size_t count, room;
    struct past_decision *decisions;
};

/* Open addressing over H(id), at most half full. */
struct decision_ledger {
    size_t count, slot_count;
    struct subject **slots;
};

struct decision_ledger *decision_ledger_create(void) {
    struct decision_ledger *ledger = memory_new(sizeof *ledger);
    ledger->slot_count = SLOTS_FIRST;
    ledger->slots = memory_new_array(ledger->slot_count, sizeof *ledger->slots);
    return ledger;
}

struct decision_ledger *decision_ledger_destroy(struct decision_ledger *ledger) {
    if (ledger) {
        for (size_t i = 0; i < ledger->slot_count; i++)
            if (ledger->slots[i]) {
                free(ledger->slots[i]->decisions);
                free(ledger->slots[i]);
            }
        free(ledger->slots);
        free(ledger);
    }
    return NULL;
}

static struct subject **slot_of(const struct decision_ledger *ledger, struct slice id) {
    struct hash hash = sha256_of(id);
    size_t at;
    memcpy(&at, hash.bytes, sizeof at);
    for (at &= ledger->slot_count - 1;; at = (at + 1) & (ledger->slot_count - 1)) {
        struct subject *subject = ledger->slots[at];
        if (!subject || slice_equal(slice_string(subject->id), id))
            return &ledger->slots[at];
    }
}

static void grow(struct decision_ledger *ledger) {
    struct subject **old = ledger->slots;
    size_t old_count = ledger->slot_count;
    ledger->slot_count *= 2;
    ledger->slots = memory_new_array(ledger->slot_count, sizeof *ledger->slots);
    for (size_t i = 0; i < old_count; i++)
        if (old[i])
            *slot_of(ledger, slice_string(old[i]->id)) = old[i];
    free(old);
}

static struct subject *subject_of(struct decision_ledger *ledger, struct slice id) {
    struct subject **slot = slot_of(ledger, id);
    if (*slot)
        return *slot;
    if (2 * ++ledger->count > ledger->slot_count) {
        grow(ledger);
        slot = slot_of(ledger, id);
    }
    struct subject *subject = memory_new(sizeof *subject);
    memcpy(subject->id, id.data, id.size); /* decision_read holds its length */
    *slot = subject;
    return subject;
}

static struct hash person_of(const struct control_entry *entry, const struct control_people *people) {
    const struct signed_statement *statement = &entry->statement;
    for (size_t i = 0; i < statement->signature_count; i++) {
        const struct control_signer *signer = control_people_find(people, &statement->signatures[i].key);
        if (signer && signer->kind == SIGNER_PERSON)
            return signer->person;
    }
    return (struct hash){{0}};
}

void decision_ledger_add(struct decision_ledger *ledger, const struct control_entry *entry,
                         const struct control_people *people) {
    struct decision decision;
    if (entry->statement.statement.type != STATEMENT_DECISION ||
        !decision_read(entry->statement.statement.payload, &decision, NULL) || !decision_of_alert(&decision))
        return;
    struct subject *subject = subject_of(ledger, decision.subject);
    if (subject->count == subject->room) {
        subject->room = subject->room ? 2 * subject->room : 1;
        subject->decisions = memory_resize(subject->decisions, subject->room, sizeof *subject->decisions);
    }
    struct past_decision *past = &subject->decisions[subject->count++];
    *past = (struct past_decision){.ctl_seq = entry->ctl_seq,
                                   .time_us = entry->time_us,
                                   .kind = decision.kind,
                                   .person = person_of(entry, people),
                                   .reason = decision.reason};
    if (decision.value.size)
        memcpy(past->value, decision.value.data, decision.value.size);
}

const struct past_decision *decision_ledger_of(const struct decision_ledger *ledger, struct slice alert_id,
                                               size_t *ret_count) {
    const struct subject *subject = *slot_of(ledger, alert_id);
    *ret_count = subject ? subject->count : 0;
    return subject ? subject->decisions : NULL;
}

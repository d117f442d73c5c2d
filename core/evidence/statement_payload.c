#include "statement_payload.h"

#include "decision.h"
#include "erasure.h"
#include "hold.h"
#include "statement_type.h"

bool statement_payload_check(uint32_t type, struct slice payload, struct fault *fault) {
    union {
        struct hold hold;
        struct hold_matched matched;
        struct hold_release release;
        struct erase_intent intent;
        struct early_erasure early;
        struct erase_begun begun;
        struct decommission decommission;
        struct decision decision;
        struct person_note note;
        uint64_t reference;
    } read;
    switch (type) {
    case STATEMENT_HOLD_PLACE:
        return hold_read(payload, &read.hold, fault);
    case STATEMENT_HOLD_MATCHED:
        return hold_matched_read(payload, &read.matched, fault);
    case STATEMENT_HOLD_RELEASE:
        return hold_release_read(payload, &read.release, fault);
    case STATEMENT_ERASE_INTENT:
        return erase_intent_read(payload, &read.intent, fault);
    case STATEMENT_EARLY_ERASURE:
        return early_erasure_read(payload, &read.early, fault);
    case STATEMENT_ERASE_BEGUN:
        return erase_begun_read(payload, &read.begun, fault);
    case STATEMENT_ERASE_VETO:
    case STATEMENT_ERASE_DONE:
        return erase_reference_read(payload, &read.reference, fault);
    case STATEMENT_DECOMMISSION:
        return decommission_read(payload, &read.decommission, fault);
    case STATEMENT_DECISION:
        return decision_read(payload, &read.decision, fault);
    case STATEMENT_NOTE:
        return person_note_read(payload, &read.note, fault);
    default:
        return true;
    }
}

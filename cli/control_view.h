/* The control chain of the site's log, folded: from the running collector, else from its store, else, before its first start,
 * the genesis that waits for it. */
#ifndef TOCSIN_CONTROL_VIEW_H
#define TOCSIN_CONTROL_VIEW_H

#include "agent_registry.h"
#include "command.h"
#include "control_chain.h"
#include "retention_ledger.h"

struct view_person {
    struct person person;             /* its keys as of its first enrolment; later ones are added */
    uint64_t enrolled_us, revoked_us; /* 0: not revoked */
};

struct control_view {
    bool live; /* a collector answered */
    struct control_chain *chain;
    struct retention_ledger *ledger;
    struct agent_registry *registry;
    size_t person_count;
    struct view_person *people;
    size_t name_count;
    struct view_name *names;
};

/* Every entry is verified on the way. Close it in any case. */
bool control_view_open(const struct command_context *context, struct control_view *ret_view,
                       struct fault *fault);
void control_view_close(struct control_view *view);

/* The text behind a salted hash, where its event is still there. NULL slice for none. */
struct slice control_view_text(const struct command_context *context, struct control_view *view,
                               const struct hash *hash, uint8_t ret_salt[32]);

#endif

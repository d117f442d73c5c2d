/* One connection of an agent (proto/FORMATS.md, The wire): JOIN and done, or HELLO, WELCOME, then frames and
 * acknowledgements. Private to ingest. */
#ifndef TOCSIN_SESSION_H
#define TOCSIN_SESSION_H

#include "ingest.h"
#include "log_seen.h"
#include "log_state.h"

struct session;

/* What sessions share. */
struct ingest_common {
    const struct ingest_settings *settings;
    struct agents *agents;
    struct openers *openers;
    struct loop_later *acknowledge; /* runs session_acknowledge on those marked */
    struct session *sessions;       /* a list of the open ones */
    struct ingest_counts counts;
    /* Strangers may not fill the log with their refusals: so many are told in a minute, the rest as one number. */
    unsigned strangers_told;
    uint64_t strangers_untold;
    /* Checkpoints: the newest one and its note; the message that is being made. */
    struct loop_later *prove; /* runs session_prove_some */
    struct log_head head;
    struct buffer note, message;
    struct log_seen seen;
    bool halted; /* the log contradicts itself: nothing is acknowledged (log_claims.h) */
    char halted_why[768];
};

void session_start(struct ingest_common *common, struct channel *channel);
void session_acknowledge_all(struct ingest_common *common);
void session_close_all(struct ingest_common *common);
/* Pace for the present number of agents, in milliseconds. */
uint32_t session_pace_ms(const struct ingest_common *common);

/* The rotation that the agent asked for is committed; not `good`: it has to ask again. */
void session_tell_rotated(struct session *session, uint32_t epoch, bool good);

/* Once a second: who gets the newest checkpoint. Then, as often as the loop says, some of them. */
void session_look_at_checkpoints(struct ingest_common *common);
void session_prove_some(struct ingest_common *common);

/* Asks for the lane's open batch to be closed; false before the agent was greeted. */
bool session_close_batch(struct session *session, enum lane lane);

/* Once a minute: tells how many refusals of strangers were not told one by one. */
void session_tell_strangers(struct ingest_common *common);

/* Writes the agent's record in a change that also says why. */
void agent_put_record(struct change *change, const struct agent_record *record);

#endif

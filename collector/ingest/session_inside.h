/* What a session is made of; for the files of this folder alone. session.c has the connection and what comes over it,
 * session_greet.c HELLO and WELCOME, session_checkpoint.c CHECKPOINT, session_join.c JOIN, RENEW and ROTATE. */
#ifndef TOCSIN_SESSION_INSIDE_H
#define TOCSIN_SESSION_INSIDE_H

#include "frame.h"
#include "session.h"
#include "wire.pb-c.h"

#define SESSION_VERSION 1u

enum session_state { SESSION_NEW, SESSION_GREETING, SESSION_READY, SESSION_JOINING };

struct session {
    struct session *previous, *next;
    struct ingest_common *common;
    struct channel *channel;
    struct frame_reader reader;
    struct agent *agent; /* NULL for one that is not enrolled */
    enum session_state state;
    struct buffer hello; /* a HELLO that waits for what came over an earlier connection to be committed */
    bool acknowledge;
    bool prove;               /* is to get a checkpoint */
    uint64_t told_size;       /* of the last checkpoint that it has, 0 for none */
    uint64_t proved[LANES];   /* its batches before these are proved */
    uint64_t next_index[LANES]; /* where the next one stands in the log */
};
#define SESSION_INDEX_UNKNOWN UINT64_MAX

void session_write(struct session *session, enum frame_type type, const ProtobufCMessage *message);
/* Forgets the session; its channel is closed already, or being finished. */
void session_end(struct session *session);
/* Says why and hangs up. The session is gone afterwards. */
void session_refuse(struct session *session, Tocsin__Refusal code, unsigned lane, const char *text);
/* A refusal that the administrators should know of: an event as well, and with it an alert. */
void session_refuse_and_report(struct session *session, Tocsin__Refusal code, const char *event,
                               unsigned lane, const char *reason, const char *text);
/* The event of session_refuse_and_report without the refusal. */
void session_report(const struct session *session, const char *event, const char *reason, const char *text);
uint64_t session_credit(const struct ingest_common *common);
/* The witness policy as JOINED and WELCOME bring it; empty where nobody is needed. */
#define SESSION_POLICY_MOST 8192u
void session_policy(const struct ingest_common *common, struct buffer *to);
/* Commits the agent's record as it stands, unless a join that is under way will replace it. */
void session_commit_record(struct ingest_common *common, const struct agent *agent);

/* What may come over a connection; false: the session is gone. */
bool session_take_hello(struct session *session, struct slice message);
bool session_take_join(struct session *session, struct slice message);
bool session_take_renew(struct session *session, struct slice message);
bool session_take_nack(struct session *session, struct slice message);
/* What HELLO says of the log. */
bool session_take_claim(struct session *session, const Tocsin__Hello *hello);
/* The same of a host that is not enrolled here: one that joined after this store was copied has a good note, too. */
bool session_take_strangers_claim(struct session *session, struct slice hello);
bool session_take_rotate(struct session *session, struct slice message);

#endif

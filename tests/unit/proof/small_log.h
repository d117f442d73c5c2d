/* A whole log in memory: genesis with people, registrar and witnesses; agents that write real batches; control entries,
 * marks, checkpoints with cosignatures; and the proof_source over all of it. Time and randomness are made up, so every run is
 * the same. All that is asked of it must succeed, unless it says otherwise; what it holds is open, so that tests can tamper.
 *
 * Link with evidence, proof; add ../proof/small_log.c to the sources. */
#ifndef TOCSIN_SMALL_LOG_H
#define TOCSIN_SMALL_LOG_H

#include "absence.h"
#include "agent_enrolment.h"
#include "batch_proofs.h"
#include "excerpt.h"
#include "rotation.h"
#include "statement_type.h"
#include "stream_id.h"
#include "stream_writer.h"

#define SMALL_LOG_START_US 1735689600000000ull /* 2025-01-01T00:00:00Z */
#define SMALL_LOG_AGENTS_MOST 8u
#define SMALL_LOG_BATCHES_MOST 4096u
#define SECONDS 1000000ull
#define MINUTES (60 * SECONDS)
#define HOURS (60 * MINUTES)

struct small_entry {
    struct buffer bytes;
    struct buffer class_list;       /* of batches */
    struct buffer block;            /* the batch's events, one run */
    struct class_key keys[CLASSES]; /* of it */
    size_t key_count;
    uint32_t event_count;
};

struct small_checkpoint {
    uint64_t size, time_s;
    struct buffer note;
};

struct small_log;

struct small_agent {
    struct small_log *log;
    char host[64];
    unsigned key_number; /* the next key's */
    struct signing_key *key, *old_key;
    struct verify_key first_key;
    struct hash streams[LANES];
    uint32_t epoch, heartbeat_s;
    struct stream_clock clock;
    struct stream_writer *writers[LANES];
    struct small_entry open[LANES];                  /* what gathers */
    uint64_t batches[LANES][SMALL_LOG_BATCHES_MOST]; /* log index by batch_seq */
    struct seen_checkpoint seen;
};

struct small_log {
    struct slice origin;
    struct signing_key *log_key, *registrar;
    struct signing_key *admin, *board, *monitor; /* alice, bob, carol */
    unsigned witness_count;
    struct signing_key *witnesses[WITNESSES_MOST];
    uint64_t now_us;
    struct control_chain *chain;
    struct trust trust;
    size_t entry_count, entry_room;
    struct small_entry *entries;
    struct hash *leaves; /* what the tree is made of */
    size_t control_count;
    uint64_t controls[SMALL_LOG_BATCHES_MOST]; /* log index by ctl_seq */
    size_t checkpoint_count;
    struct small_checkpoint checkpoints[SMALL_LOG_BATCHES_MOST];
    size_t agent_count;
    struct small_agent *agents[SMALL_LOG_AGENTS_MOST];
    uint8_t nonce;
    struct proof_source source;
};

/* `witnesses` of them, of which `needed` must cosign; the trust has the same policy. */
struct small_log *small_log_create(unsigned witnesses, unsigned needed);
/* The same, but the log's own policy asks for none of them: the trust alone does. */
struct small_log *small_log_create_asking_nobody(unsigned witnesses, unsigned needed);
struct small_log *small_log_destroy(struct small_log *log); /* returns NULL */

struct signing_key *small_key(const char *name);

/* Both clocks of all agents, and the log's, go on. */
void small_log_pass(struct small_log *log, uint64_t time_us);

/* Logs a statement as the signers sign it; false with the fault where the chain refuses it. */
bool small_log_try(struct small_log *log, uint32_t type, struct slice payload, size_t signer_count,
                   struct signing_key *const *signers, struct fault *fault);
void small_log_statement(struct small_log *log, uint32_t type, struct slice payload, size_t signer_count,
                         struct signing_key *const *signers);
void small_log_by_log(struct small_log *log, uint32_t type, struct slice payload); /* signed by the log key */
void small_log_mark(struct small_log *log);

/* Signed by the log, cosigned now by all witnesses; the newest one. */
void small_log_checkpoint(struct small_log *log);
struct small_checkpoint *small_log_newest(struct small_log *log);
/* The same by the first `cosigned` witnesses alone, at a time of its own, over a tree of the caller's. */
void small_log_checkpoint_of(struct small_log *log, uint64_t size, const struct hash *root, unsigned cosigned,
                             uint64_t time_s, struct buffer *to);

/* Enrolled by the registrar, and by a person where `person` is one. Its streams begin with a break each, in the log. */
struct small_agent *small_log_enrol(struct small_log *log, const char *host, uint32_t heartbeat_s,
                                    struct signing_key *person);
void small_agent_event(struct small_agent *agent, enum event_class class, const char *text);
/* Closes what is open: data, or a heartbeat where nothing came. Returns the log index. */
uint64_t small_agent_close(struct small_agent *agent, enum lane lane);
/* A restart: a break in each lane, under another boot_id. */
void small_agent_restart(struct small_agent *agent);
/* The agent verifies the newest checkpoint: it stands in its next entries as seen. */
void small_agent_sees(struct small_agent *agent);
/* The statement of type 6, then the last batch of each lane, then the next epoch. */
void small_agent_rotate(struct small_agent *agent);
void small_agent_revoke(struct small_agent *agent, uint32_t epoch);
uint64_t small_agent_last_seq(const struct small_agent *agent, enum lane lane);

/* `minutes` times: a minute passes, each agent closes its security lane, a checkpoint is made and seen. */
void small_log_run(struct small_log *log, unsigned minutes);

/* Appends an entry to the log as it is, and returns its index. */
uint64_t small_log_append(struct small_log *log, struct slice bytes, struct slice class_list);

/* What a malicious agent signs: `modify` changes its entry at that index, and everything behind it (prev, seen roots, leaves,
 * checkpoints) is made to fit again, signed by those whose it is. */
typedef void small_log_modify(struct batch_entry *entry);
void small_log_forge(struct small_log *log, uint64_t index, small_log_modify *modify);

/* ---- proofs */

/* Of the events of one batch that stand at these places in it, on the newest checkpoint. */
void small_log_excerpt(struct small_log *log, uint64_t index, size_t count, const uint32_t *places,
                       struct buffer *to);
/* Of the agent's security lane, on the newest checkpoint. */
void small_log_absence(struct small_log *log, struct small_agent *agent, uint8_t class, uint64_t from_us,
                       uint64_t to_us, struct buffer *to);

#endif

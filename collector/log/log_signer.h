/* What the collector signs: as the log (checkpoints, day marks, erase intents and whatever else it states itself) and as the
 * registrar (enrolments of agents). Any thread; a signature costs about 50 µs. */
#ifndef TOCSIN_LOG_SIGNER_H
#define TOCSIN_LOG_SIGNER_H

#include "checkpoint.h"
#include "statement.h"
#include "statement_type.h"

#define LOG_STATEMENT_MOST                                                                                   \
    (STATEMENT_HEAD + STATEMENT_PAYLOAD_MOST + 4u + 1u + 99u) /* bytes, with one signature */

struct log_signer;

/* Keys are borrowed. `registrar` may be NULL: then no agent can be enrolled. */
struct log_signer *log_signer_create(struct slice origin, const struct signing_key *log_key,
                                     const struct signing_key *registrar, struct fault *fault);
struct log_signer *log_signer_destroy(struct log_signer *signer); /* returns NULL */

const struct note_key *log_signer_key(const struct log_signer *signer);
const struct hash *log_signer_log(const struct log_signer *signer); /* statement_log */
bool log_signer_can_enrol(const struct log_signer *signer);

/* Appends the signed note. */
bool log_signer_checkpoint(struct log_signer *signer, uint64_t size, const struct hash *root,
                           struct buffer *to, struct fault *fault);
/* Appends a signed statement (signed_statement_write) that never expires: signed by the log key, of type 5 by the
 * registrar's. */
bool log_signer_statement(struct log_signer *signer, enum statement_type type, struct slice payload,
                          uint64_t now_us, struct buffer *to, struct fault *fault);

#endif

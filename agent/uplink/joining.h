/* Joining a collector, once, by hand or at the first start: shows the token to the collector that it pins, proves the
 * signing key, and gives back what it learns. Blocks, with a loop of its own, for JOINING_TIMEOUT_US at most. */
#ifndef TOCSIN_JOINING_H
#define TOCSIN_JOINING_H

#include "buffer.h"
#include "ed25519.h"
#include "lanes.h"
#include "membership.h"
#include "tls_identity.h"
#include "token.h"

#define JOINING_TIMEOUT_US 30000000u

/* Streams that there are already, at other collectors: the log of this one begins in their middle. */
struct joining_streams {
    uint8_t first_key[32];
    uint32_t epoch;
    struct lanes_begin begin[LANES];
};

struct joining_request {
    const char *address;
    const struct token *token;
    const char *name; /* the host's own, for a token that is bound to none */
    const struct tls_identity *identity;
    const struct signing_key *key;         /* in force */
    const struct joining_streams *streams; /* NULL for a host that begins */
};

struct joining_result {
    char host[256];
    struct membership_collector collector; /* all but its number */
    struct lanes_begin begin[LANES]; /* where its log wants the streams to go on; zeros where they begin */
};

/* `policy` gets the witness policy, empty for none. */
bool joining_run(const struct joining_request *request, struct joining_result *ret_result,
                 struct buffer *policy, struct fault *fault);

#endif

/* The payload of the first control entry: what a log begins with (log-format: Statements, type 1; FORMATS.md, Genesis).
 *
 *     genesis = u8 size ‖ origin ‖ log public key[32] ‖ registrar's public key[32]
 *               ‖ rpIdHash[32] ‖ u8 size ‖ page origin
 *               ‖ u8 n ‖ n × person ‖ retention policy ‖ witness policy
 *
 * Reading is strict: at least one person, no person and no key twice, the log's and the registrar's among no one else's. What
 * is read borrows origin and page from the bytes. About a millisecond a key. */
#ifndef TOCSIN_GENESIS_H
#define TOCSIN_GENESIS_H

#include "person.h"
#include "retention_policy.h"
#include "witness_policy.h"

#define GENESIS_PEOPLE_MOST (STATEMENT_SIGNATURES_MOST - 1) /* each signs, and the log key does */
#define GENESIS_MOST STATEMENT_PAYLOAD_MOST

struct genesis {
    struct slice origin;
    struct verify_key log_key, registrar;
    struct webauthn_page page; /* for passkeys; zeros and empty where there are none */
    uint8_t person_count;
    struct person people[GENESIS_PEOPLE_MOST];
    struct retention_policy retention;
    struct witness_policy witnesses;
};

bool genesis_write(struct buffer *to, const struct genesis *genesis);
bool genesis_read(struct slice payload, struct genesis *ret_genesis, struct fault *fault);

#endif

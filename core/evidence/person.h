/* A person as the log knows one: who signs statements, in which role (log-format: Statements; FORMATS.md, People).
 *
 *     person = id[32] ‖ u8 role ‖ u8 n ‖ n × key          id = H(salt[32] ‖ name)
 *     revoke = id[32] ‖ H(public key)[32], zeros for all of the person's keys
 *
 * The name and its salt are a class 0 event and erasable; the id stays. A value; reading is strict. */
#ifndef TOCSIN_PERSON_H
#define TOCSIN_PERSON_H

#include "signer_key.h"

#define PERSON_KEYS_MOST 4u

enum role {
    ROLE_ADMINISTRATOR = 1,
    ROLE_MONITOR = 2,
    ROLE_BOARD = 3,
    ROLE_ARBITRATOR = 4,
};
#define ROLES 4u

struct person {
    struct hash id;
    enum role role;
    uint8_t key_count; /* 1 to 4 */
    struct signer_key keys[PERSON_KEYS_MOST];
};

struct person_revocation {
    struct hash person;
    struct hash key; /* zeros: all */
};

const char *role_name(unsigned role); /* "board"; NULL for a number that is none */
bool role_by_name(struct slice name, enum role *ret_role);

struct hash person_id(const uint8_t salt[32], struct slice name);
bool person_write(struct buffer *to, const struct person *person);
bool person_read(struct bytes_reader *from, struct person *ret_person, struct fault *fault);
bool person_revocation_write(struct buffer *to, const struct person_revocation *revocation);
bool person_revocation_read(struct slice payload, struct person_revocation *ret_revocation,
                            struct fault *fault);

#endif

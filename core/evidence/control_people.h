/* Who may sign for a log at one point of its control chain: its people with their live keys, its registrar, its log key.
 *
 * A person or registrar that one person alone enrolled is marked `single`: what rests on such a key is SINGLE-CONTROL,
 * unless the verifier's trust names that key. No key ever comes back: a key that was once enrolled as anything is refused.
 * Part of control_chain. Owner: whoever created it. */
#ifndef TOCSIN_CONTROL_PEOPLE_H
#define TOCSIN_CONTROL_PEOPLE_H

#include "genesis.h"

#define PEOPLE_KEYS_MOST 2048u /* ever enrolled, of all people and registrars */

/* What the verifier knows beforehand. */
struct control_trust {
    const struct hash *genesis_leaf; /* merkle_leaf(entry 0); NULL: any genesis is taken */
    const struct hash *keys;         /* H(public key) of those that count as enrolled by two */
    size_t key_count;
};

enum signer_kind { SIGNER_LOG, SIGNER_REGISTRAR, SIGNER_PERSON };

struct control_signer {
    enum signer_kind kind;
    bool live, single;
    struct signer_key key;
    struct hash person; /* of a person */
    enum role role;
};

struct control_people;

/* Borrows nothing. */
struct control_people *control_people_create(const struct genesis *genesis,
                                             const struct control_trust *trust);
struct control_people *control_people_destroy(struct control_people *people); /* returns NULL */

/* By H(public key); NULL for a key that was never enrolled. Borrowed until the next change. */
const struct control_signer *control_people_find(const struct control_people *people, const struct hash *key);
/* All that were ever enrolled, in that order. */
size_t control_people_count(const struct control_people *people);
const struct control_signer *control_people_at(const struct control_people *people, size_t position);
/* Bit r: a live person of role r. */
unsigned control_people_roles(const struct control_people *people);

/* Whether the change could be made; nothing is changed. */
bool control_people_may_enrol(const struct control_people *people, const struct person *person,
                              struct fault *fault);
bool control_people_may_revoke(const struct control_people *people,
                               const struct person_revocation *revocation, struct fault *fault);
bool control_people_may_register(const struct control_people *people, const struct verify_key *registrar,
                                 struct fault *fault);
/* Make it; only after control_people_may_… said so. */
void control_people_enrol(struct control_people *people, const struct person *person, bool single);
void control_people_revoke(struct control_people *people, const struct person_revocation *revocation);
void control_people_register(struct control_people *people, const struct verify_key *registrar, bool single);
/* The key with that hash is single from the beginning, unless it is trusted. */
void control_people_set_single(struct control_people *people, const struct hash *key);

#endif

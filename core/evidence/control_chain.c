#include "control_chain.h"

#include <stdlib.h>

#include "agent_enrolment.h"
#include "memory.h"
#include "merkle.h"
#include "new_origin.h"
#include "rotation.h"
#include "statement_payload.h"
#include "statement_type.h"

#define STATEMENTS_FIRST 64u /* places of the set of statements at first; a power of two */

/* H(statement) of all that were logged: open addressing, at most half full. The hashes are their own hash values. */
struct statements {
    size_t count, room;
    struct hash *places;
};

struct control_chain {
    uint64_t count;
    struct hash head;
    struct statements statements;
    bool pinned;
    struct hash genesis_leaf;
    struct control_trust trust; /* its keys are owned here */
    struct hash *trusted;
    struct hash log;
    struct buffer genesis_payload; /* what the two below borrow from */
    struct genesis genesis;
    struct new_origin *origin; /* NULL for a log that takes no other's place */
    struct control_people *people;
    struct retention_policy retention;
    struct witness_policy witnesses;
    uint64_t retention_seq, witnesses_seq;
};

/* ---- the set of statements */

static struct hash *place_of(const struct statements *set, const struct hash *hash) {
    static const struct hash free_place;
    size_t at;
    memcpy(&at, hash->bytes, sizeof at);
    for (at &= set->room - 1;; at = (at + 1) & (set->room - 1))
        if (hash_equal(&set->places[at], hash) || hash_equal(&set->places[at], &free_place))
            return &set->places[at];
}

static bool statements_have(const struct statements *set, const struct hash *hash) {
    return set->room > 0 && hash_equal(place_of(set, hash), hash);
}

static void statements_grow(struct statements *set) {
    static const struct hash free_place;
    struct statements larger = {.count = set->count, .room = set->room ? 2 * set->room : STATEMENTS_FIRST};
    larger.places = memory_new_array(larger.room, sizeof *larger.places);
    for (size_t i = 0; i < set->room; i++)
        if (!hash_equal(&set->places[i], &free_place))
            *place_of(&larger, &set->places[i]) = set->places[i];
    free(set->places);
    *set = larger;
}

static void statements_add(struct statements *set, const struct hash *hash) {
    if (2 * set->count >= set->room)
        statements_grow(set);
    *place_of(set, hash) = *hash;
    set->count++;
}

/* ---- who signed */

struct tally {
    unsigned logs, registrars, people;
    unsigned roles,
        clean_roles; /* bit r: a person of role r; of clean ones, those by a key that is not single */
    bool clean_registrar;
    struct hash persons[STATEMENT_SIGNATURES_MOST];
    struct hash keys[STATEMENT_SIGNATURES_MOST];
};

static void tally_person(struct tally *tally, const struct control_signer *signer) {
    bool counted = false;
    for (unsigned i = 0; i < tally->people; i++)
        counted = counted || hash_equal(&tally->persons[i], &signer->person);
    if (!counted)
        tally->persons[tally->people++] = signer->person;
    tally->roles |= 1u << signer->role;
    if (!signer->single)
        tally->clean_roles |= 1u << signer->role;
}

static bool tally_one(const struct control_people *people, const struct webauthn_page *page,
                      const struct signed_statement *statement, size_t place, struct tally *tally,
                      struct fault *fault) {
    const struct statement_signature *signature = &statement->signatures[place];
    const struct control_signer *signer = control_people_find(people, &signature->key);
    for (size_t i = 0; i < place; i++)
        if (hash_equal(&tally->keys[i], &signature->key))
            return fault_set(fault, FAULT_CONFLICT, "one key has signed the statement twice");
    tally->keys[place] = signature->key;
    if (!signer)
        return fault_set(fault, FAULT_AUTH, "the statement is signed by a key that nobody has here");
    if (!signer->live)
        return fault_set(fault, FAULT_AUTH, "the statement is signed by a key that was revoked");
    if (!signer_key_signed(&signer->key, statement->bytes, signature, page, fault))
        return false;
    if (signer->kind == SIGNER_LOG)
        tally->logs++;
    if (signer->kind == SIGNER_REGISTRAR)
        tally->registrars++, tally->clean_registrar = !signer->single;
    if (signer->kind == SIGNER_PERSON)
        tally_person(tally, signer);
    return true;
}

static bool tally_all(const struct control_people *people, const struct webauthn_page *page,
                      const struct signed_statement *statement, struct tally *ret_tally,
                      struct fault *fault) {
    *ret_tally = (struct tally){.logs = 0};
    for (size_t i = 0; i < statement->signature_count; i++)
        if (!tally_one(people, page, statement, i, ret_tally, fault))
            return false;
    return true;
}

/* Two roles are two people: a person has one. */
static bool two_roles(unsigned roles) {
    return (roles & (roles - 1)) != 0;
}

static bool unfit(const struct statement *statement, const char *due, struct fault *fault) {
    return fault_set(fault, FAULT_AUTH, "a statement of type %u (%s) must be signed by %s", statement->type,
                     statement_type_name(statement->type), due);
}

static bool judge_two(const struct control_chain *chain, const struct statement *statement,
                      const struct tally *tally, struct control_verdict *verdict, struct fault *fault) {
    /* Where there are too few people, one signs. */
    bool enough = two_roles(control_people_roles(chain->people));
    if (tally->logs || tally->registrars || !tally->people || (enough && !two_roles(tally->roles)))
        return unfit(statement, "two people of different roles", fault);
    verdict->single_control = !two_roles(tally->clean_roles);
    return true;
}

static bool judge_person(const struct statement *statement, const struct tally *tally, const char *due,
                         unsigned roles, struct control_verdict *verdict, struct fault *fault) {
    if (tally->logs || tally->registrars || !tally->people || (tally->roles & ~roles))
        return unfit(statement, due, fault);
    verdict->single_control = tally->clean_roles == 0;
    return true;
}

static bool judge_registrar(const struct statement *statement, const struct tally *tally,
                            struct control_verdict *verdict, struct fault *fault) {
    if (tally->logs || tally->registrars != 1)
        return unfit(statement, "the registrar", fault);
    verdict->confirmed = tally->people > 0;
    verdict->single_control = !tally->clean_registrar;
    return true;
}

/* Both keys stand in the statement itself; whether they are the agent's is for its registry. */
static bool judge_rotation(const struct signed_statement *statement, struct fault *fault) {
    struct rotation rotation;
    return rotation_of(statement, &rotation, fault) && check_good(rotation_check_signed(&rotation, fault));
}

static bool judge_signers(const struct control_chain *chain, const struct signed_statement *signed_statement,
                          struct control_verdict *verdict, struct fault *fault) {
    const unsigned any = ~0u, veto = 1u << ROLE_BOARD | 1u << ROLE_MONITOR | 1u << ROLE_ARBITRATOR;
    const struct statement *statement = &signed_statement->statement;
    enum statement_signers signers = statement_type_signers(statement->type);
    if (signers == SIGNERS_BOTH_KEYS)
        return judge_rotation(signed_statement, fault);
    struct tally tally;
    if (!tally_all(chain->people, &chain->genesis.page, signed_statement, &tally, fault))
        return false;
    verdict->people = tally.people;
    switch (signers) {
    case SIGNERS_LOG:
        return (tally.logs == 1 && !tally.registrars && !tally.people) ||
               unfit(statement, "the log key", fault);
    case SIGNERS_TWO_PEOPLE:
        return judge_two(chain, statement, &tally, verdict, fault);
    case SIGNERS_REGISTRAR:
        return judge_registrar(statement, &tally, verdict, fault);
    case SIGNERS_PERSON:
        return judge_person(statement, &tally, "a person", any, verdict, fault);
    case SIGNERS_VETO:
        return judge_person(statement, &tally, "board, monitor or arbitrator", veto, verdict, fault);
    case SIGNERS_GENESIS:
    case SIGNERS_ORIGIN:
    case SIGNERS_BOTH_KEYS:
    case SIGNERS_NONE:
        break;
    }
    return fault_set(fault, FAULT_CONFLICT, "a genesis or new origin stands at the beginning of a log, and there alone");
}

/* ---- what a statement changes */

struct change {
    struct person person;
    struct person_revocation revocation;
    struct verify_key registrar;
    struct agent_enrolment enrolment; /* of agents the form alone is looked at here */
    struct agent_revocation agent_revocation;
    struct retention_policy retention;
    struct witness_policy witnesses;
};

static bool change_read(const struct control_chain *chain, const struct statement *statement,
                        struct change *change, struct fault *fault) {
    struct bytes_reader reader = bytes_read(statement->payload);
    bool good = true;
    switch (statement->type) {
    case STATEMENT_PERSON_ENROL:
        good = person_read(&reader, &change->person, fault) &&
               control_people_may_enrol(chain->people, &change->person, fault);
        break;
    case STATEMENT_PERSON_REVOKE:
        return person_revocation_read(statement->payload, &change->revocation, fault) &&
               control_people_may_revoke(chain->people, &change->revocation, fault);
    case STATEMENT_REGISTRAR:
        bytes_read_into(&reader, change->registrar.bytes, sizeof change->registrar.bytes);
        good = control_people_may_register(chain->people, &change->registrar, fault);
        break;
    case STATEMENT_DAY_MARK:
    case STATEMENT_MARK:
        break; /* without a payload */
    case STATEMENT_AGENT_ENROL:
        return agent_enrolment_read(statement->payload, &change->enrolment, fault);
    case STATEMENT_AGENT_REVOKE:
        return agent_revocation_read(statement->payload, &change->agent_revocation, fault);
    case STATEMENT_RETENTION_POLICY:
        good = retention_policy_read(&reader, &change->retention, fault);
        break;
    case STATEMENT_WITNESS_POLICY:
        good = witness_policy_read(&reader, &change->witnesses, fault) &&
               witness_policy_check(&change->witnesses, &chain->genesis.log_key, fault);
        break;
    default:
        return statement_payload_check(statement->type, statement->payload, fault);
    }
    return good && (bytes_read_done(&reader) ||
                    fault_set(fault, FAULT_FORMAT, "the payload of a statement of type %u has not its length",
                              statement->type));
}

static void change_make(struct control_chain *chain, uint32_t type, const struct change *change,
                        bool single) {
    if (type == STATEMENT_PERSON_ENROL)
        control_people_enrol(chain->people, &change->person, single);
    if (type == STATEMENT_PERSON_REVOKE)
        control_people_revoke(chain->people, &change->revocation);
    if (type == STATEMENT_REGISTRAR)
        control_people_register(chain->people, &change->registrar, single);
    if (type == STATEMENT_RETENTION_POLICY)
        chain->retention = change->retention, chain->retention_seq = chain->count;
    if (type == STATEMENT_WITNESS_POLICY)
        chain->witnesses = change->witnesses, chain->witnesses_seq = chain->count;
}

/* ---- the first entry */

static bool genesis_signed(const struct genesis *genesis, const struct signed_statement *statement,
                           struct control_verdict *verdict, struct fault *fault) {
    struct control_people *people = control_people_create(genesis, NULL);
    struct tally tally;
    bool good = tally_all(people, &genesis->page, statement, &tally, fault);
    control_people_destroy(people);
    if (!good)
        return false;
    verdict->people = tally.people;
    return (tally.logs == 1 && tally.registrars == 0 && tally.people == genesis->person_count) ||
           fault_set(fault, FAULT_AUTH, "a genesis is signed by the log key and every person that it names");
}

static struct control_people *people_of(const struct new_origin *origin, const struct control_trust *trust) {
    struct control_people *people = control_people_create(&origin->genesis, trust);
    for (size_t i = 0; i < origin->single_count; i++)
        control_people_set_single(people, &origin->singles[i]);
    return people;
}

/* Two people where two are due, as the log before it had them. */
static bool origin_signed(const struct new_origin *origin, const struct control_trust *trust,
                          const struct signed_statement *statement, struct control_verdict *verdict,
                          struct fault *fault) {
    struct control_people *people = people_of(origin, trust);
    struct tally tally;
    bool enough = two_roles(control_people_roles(people));
    bool good = tally_all(people, &origin->genesis.page, statement, &tally, fault);
    control_people_destroy(people);
    if (!good)
        return false;
    verdict->people = tally.people;
    verdict->single_control = !two_roles(tally.clean_roles);
    return (tally.logs == 1 && !tally.registrars && tally.people && (!enough || two_roles(tally.roles))) ||
           unfit(&statement->statement, "the log key and two people of different roles", fault);
}

static bool genesis_check(const struct control_chain *chain, const struct signed_statement *statement,
                          struct control_verdict *verdict, struct fault *fault) {
    uint32_t type = statement->statement.type;
    struct slice payload = statement->statement.payload;
    struct new_origin origin;
    if (type != STATEMENT_GENESIS && type != STATEMENT_NEW_ORIGIN)
        return fault_set(fault, FAULT_CONFLICT,
                         "a log begins with its genesis or a new origin, this one with a statement of type %u", type);
    if (!(type == STATEMENT_GENESIS ? genesis_read(payload, &origin.genesis, fault)
                                    : new_origin_read(payload, &origin, fault)))
        return false;
    struct hash log = statement_log(origin.genesis.origin, &origin.genesis.log_key);
    if (!hash_equal(&log, &statement->statement.log))
        return fault_set(fault, FAULT_AUTH, "the %s names another log than it was signed for",
                         statement_type_name(type));
    return type == STATEMENT_GENESIS ? genesis_signed(&origin.genesis, statement, verdict, fault)
                                     : origin_signed(&origin, &chain->trust, statement, verdict, fault);
}

static void genesis_take(struct control_chain *chain, const struct signed_statement *statement) {
    buffer_append_slice(&chain->genesis_payload, statement->statement.payload);
    struct slice payload = buffer_slice(&chain->genesis_payload);
    if (statement->statement.type == STATEMENT_NEW_ORIGIN) {
        chain->origin = memory_new(sizeof *chain->origin);
        new_origin_read(payload, chain->origin, NULL);
        chain->genesis = chain->origin->genesis;
        chain->people = people_of(chain->origin, &chain->trust);
    } else {
        genesis_read(payload, &chain->genesis, NULL);
        chain->people = control_people_create(&chain->genesis, &chain->trust);
    }
    chain->log = statement->statement.log;
    chain->retention = chain->genesis.retention;
    chain->witnesses = chain->genesis.witnesses;
}

/* ---- entries */

static bool judge(const struct control_chain *chain, const struct signed_statement *statement,
                  uint64_t time_us, struct control_verdict *verdict, struct change *change,
                  struct fault *fault) {
    struct hash hash = sha256_of(statement->bytes);
    *verdict = (struct control_verdict){.single_control = false};
    if (time_us > statement->statement.expires_us)
        return fault_set(fault, FAULT_CONFLICT, "the statement had expired when it was logged");
    if (chain->count == 0)
        return genesis_check(chain, statement, verdict, fault);
    if (!hash_equal(&statement->statement.log, &chain->log))
        return fault_set(fault, FAULT_CONFLICT, "the statement was signed for another log");
    if (statements_have(&chain->statements, &hash))
        return fault_set(fault, FAULT_CONFLICT, "the statement was logged before, and any is logged once");
    return judge_signers(chain, statement, verdict, fault) &&
           change_read(chain, &statement->statement, change, fault);
}

bool control_chain_judge(const struct control_chain *chain, const struct signed_statement *statement,
                         uint64_t time_us, struct control_verdict *ret_verdict, struct fault *fault) {
    struct change change;
    struct control_verdict verdict;
    if (!judge(chain, statement, time_us, &verdict, &change, fault))
        return false;
    *ret_verdict = verdict;
    return true;
}

static bool check_place(const struct control_chain *chain, struct slice bytes,
                        const struct control_entry *entry, struct fault *fault) {
    if (entry->ctl_seq != chain->count)
        return fault_set(fault, FAULT_CONFLICT, "control entry %llu stands where %llu is due",
                         (unsigned long long)entry->ctl_seq, (unsigned long long)chain->count);
    if (!hash_equal(&entry->prev, &chain->head))
        return fault_set(fault, FAULT_CONFLICT, "control entry %llu does not follow the one before it",
                         (unsigned long long)entry->ctl_seq);
    struct hash leaf = merkle_leaf(bytes);
    if (chain->count == 0 && chain->pinned && !hash_equal(&leaf, &chain->genesis_leaf))
        return fault_set(fault, FAULT_AUTH, "the log does not begin with the genesis that is trusted");
    return true;
}

bool control_chain_add(struct control_chain *chain, struct slice bytes, struct control_entry *ret_entry,
                       struct control_verdict *ret_verdict, struct fault *fault) {
    struct control_entry entry;
    struct control_verdict verdict;
    struct change change;
    if (!control_entry_read(bytes, &entry, fault) || !check_place(chain, bytes, &entry, fault) ||
        !judge(chain, &entry.statement, entry.time_us, &verdict, &change, fault))
        return false;
    struct hash hash = sha256_of(entry.statement.bytes);
    if (chain->count == 0)
        genesis_take(chain, &entry.statement);
    else
        change_make(chain, entry.statement.statement.type, &change, verdict.single_control);
    statements_add(&chain->statements, &hash);
    chain->head = sha256_of(bytes);
    chain->count++;
    if (ret_entry)
        *ret_entry = entry;
    if (ret_verdict)
        *ret_verdict = verdict;
    return true;
}

bool control_chain_write_next(const struct control_chain *chain, const struct signed_statement *statement,
                              uint64_t time_us, struct buffer *to) {
    struct control_entry entry = {
        .ctl_seq = chain->count, .time_us = time_us, .prev = chain->head, .statement = *statement};
    return control_entry_write(to, &entry);
}

/* ---- */

struct control_chain *control_chain_create(const struct control_trust *trust) {
    struct control_chain *chain = memory_new(sizeof *chain);
    chain->genesis_payload = BUFFER(GENESIS_MOST);
    if (trust && trust->genesis_leaf) {
        chain->pinned = true;
        chain->genesis_leaf = *trust->genesis_leaf;
    }
    if (trust && trust->key_count > 0) {
        chain->trusted = memory_copy(trust->keys, trust->key_count * sizeof *trust->keys);
        chain->trust = (struct control_trust){.keys = chain->trusted, .key_count = trust->key_count};
    }
    return chain;
}

struct control_chain *control_chain_destroy(struct control_chain *chain) {
    if (chain) {
        control_people_destroy(chain->people);
        buffer_free(&chain->genesis_payload);
        free(chain->origin);
        free(chain->statements.places);
        free(chain->trusted);
    }
    free(chain);
    return NULL;
}

uint64_t control_chain_count(const struct control_chain *chain) {
    return chain->count;
}

struct hash control_chain_head(const struct control_chain *chain) {
    return chain->head;
}

const struct genesis *control_chain_genesis(const struct control_chain *chain) {
    return &chain->genesis;
}

const struct new_origin *control_chain_new_origin(const struct control_chain *chain) {
    return chain->origin;
}

const struct hash *control_chain_log(const struct control_chain *chain) {
    return &chain->log;
}

const struct control_people *control_chain_people(const struct control_chain *chain) {
    return chain->people;
}

const struct retention_policy *control_chain_retention(const struct control_chain *chain,
                                                       uint64_t *ret_ctl_seq) {
    *ret_ctl_seq = chain->retention_seq;
    return &chain->retention;
}

const struct witness_policy *control_chain_witnesses(const struct control_chain *chain,
                                                     uint64_t *ret_ctl_seq) {
    *ret_ctl_seq = chain->witnesses_seq;
    return &chain->witnesses;
}

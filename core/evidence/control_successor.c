#include "control_successor.h"

#include <stdlib.h>

#include "statement_type.h"

static struct person *person_of(struct genesis *genesis, const struct control_signer *signer) {
    for (size_t i = 0; i < genesis->person_count; i++)
        if (hash_equal(&genesis->people[i].id, &signer->person))
            return &genesis->people[i];
    if (genesis->person_count == GENESIS_PEOPLE_MOST)
        return NULL;
    struct person *person = &genesis->people[genesis->person_count++];
    *person = (struct person){.id = signer->person, .role = signer->role};
    return person;
}

static bool add_person(struct genesis *genesis, const struct control_signer *signer, struct fault *fault) {
    struct person *person = person_of(genesis, signer);
    if (!person || person->key_count == PERSON_KEYS_MOST)
        return fault_set(fault, FAULT_LIMIT,
                         "a log begins with at most %u people of %u keys each, and more are live here",
                         GENESIS_PEOPLE_MOST, PERSON_KEYS_MOST);
    person->keys[person->key_count++] = signer->key;
    return true;
}

static bool add_signer(struct new_origin *origin, const struct control_signer *signer, struct fault *fault) {
    if (!signer->live || signer->kind == SIGNER_LOG)
        return true;
    if (signer->single)
        origin->singles[origin->single_count++] = signer_key_hash(&signer->key);
    if (signer->kind == SIGNER_PERSON)
        return add_person(&origin->genesis, signer, fault);
    memcpy(origin->genesis.registrar.bytes, signer->key.bytes, sizeof origin->genesis.registrar.bytes);
    return true;
}

static int by_bytes(const void *a, const void *b) {
    return memcmp(a, b, HASH_SIZE);
}

bool control_successor_of(const struct control_chain *before, struct new_origin *ret_origin,
                          struct fault *fault) {
    const struct control_people *people = control_chain_people(before);
    const struct genesis *genesis = control_chain_genesis(before);
    struct new_origin origin = {.before = genesis->origin,
                                .before_key = genesis->log_key,
                                .control_count = control_chain_count(before),
                                .control_head = control_chain_head(before)};
    uint64_t ctl_seq;
    origin.genesis.page = genesis->page;
    origin.genesis.retention = *control_chain_retention(before, &ctl_seq);
    origin.genesis.witnesses = *control_chain_witnesses(before, &ctl_seq);
    for (size_t i = 0; i < control_people_count(people); i++) {
        if (origin.single_count == NEW_ORIGIN_SINGLES_MOST)
            return fault_set(fault, FAULT_LIMIT, "more than %u live keys are single",
                             NEW_ORIGIN_SINGLES_MOST);
        if (!add_signer(&origin, control_people_at(people, i), fault))
            return false;
    }
    qsort(origin.singles, origin.single_count, sizeof *origin.singles, by_bytes);
    *ret_origin = origin;
    return true;
}

/* What the chain says and what the statement says of it are the same bytes. */
static bool says_what_is_so(const struct control_chain *before, const struct new_origin *said,
                            struct fault *fault) {
    struct new_origin due;
    CLEANUP_BUFFER struct buffer a = BUFFER(STATEMENT_PAYLOAD_MOST), b = BUFFER(STATEMENT_PAYLOAD_MOST);
    if (!control_successor_of(before, &due, fault))
        return false;
    if (said->control_count != due.control_count || !hash_equal(&said->control_head, &due.control_head))
        return fault_set(
            fault, FAULT_CONFLICT,
            "the new origin goes on from %llu control entries, and this chain has %llu, or others",
            (unsigned long long)said->control_count, (unsigned long long)due.control_count);
    due.size = said->size;
    due.root = said->root;
    due.note = said->note;
    due.lost = said->lost;
    due.genesis.origin = said->genesis.origin;
    due.genesis.log_key = said->genesis.log_key;
    return (new_origin_write(&a, said) && new_origin_write(&b, &due) &&
            slice_equal(buffer_slice(&a), buffer_slice(&b))) ||
           fault_set(
               fault, FAULT_CONFLICT,
               "the new origin names other people, keys or policies than the log before it has in force");
}

bool control_successor_check(const struct control_chain *before, const struct signed_statement *statement,
                             struct control_verdict *ret_verdict, struct fault *fault) {
    struct new_origin said;
    if (statement->statement.type != STATEMENT_NEW_ORIGIN)
        return fault_set(fault, FAULT_CONFLICT, "this is no new origin");
    if (!new_origin_read(statement->statement.payload, &said, fault) ||
        !says_what_is_so(before, &said, fault))
        return false;
    struct control_chain *fresh = control_chain_create(NULL);
    bool good = control_chain_judge(fresh, statement, statement->statement.made_us, ret_verdict, fault);
    control_chain_destroy(fresh);
    return good;
}

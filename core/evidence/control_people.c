#include "control_people.h"

#include <stdlib.h>

#include "memory.h"

struct entry {
    struct hash name; /* H(public key) */
    struct control_signer signer;
};

struct control_people {
    size_t count, room;
    struct entry *entries;
    size_t trusted_count;
    struct hash *trusted;
};

/* ---- finding */

static struct entry *find(const struct control_people *people, const struct hash *key) {
    for (size_t i = 0; i < people->count; i++)
        if (hash_equal(&people->entries[i].name, key))
            return &people->entries[i];
    return NULL;
}

const struct control_signer *control_people_find(const struct control_people *people,
                                                 const struct hash *key) {
    const struct entry *entry = find(people, key);
    return entry ? &entry->signer : NULL;
}

size_t control_people_count(const struct control_people *people) {
    return people->count;
}

const struct control_signer *control_people_at(const struct control_people *people, size_t position) {
    return &people->entries[position].signer;
}

static bool is_live_person(const struct entry *entry) {
    return entry->signer.kind == SIGNER_PERSON && entry->signer.live;
}

unsigned control_people_roles(const struct control_people *people) {
    unsigned roles = 0;
    for (size_t i = 0; i < people->count; i++)
        if (is_live_person(&people->entries[i]))
            roles |= 1u << people->entries[i].signer.role;
    return roles;
}

static bool is_trusted(const struct control_people *people, const struct hash *key) {
    for (size_t i = 0; i < people->trusted_count; i++)
        if (hash_equal(&people->trusted[i], key))
            return true;
    return false;
}

/* ---- changing */

static void add(struct control_people *people, struct control_signer signer) {
    struct hash name = signer_key_hash(&signer.key);
    if (people->count == people->room) {
        people->room = people->room ? 2 * people->room : 8;
        people->entries = memory_resize(people->entries, people->room, sizeof *people->entries);
    }
    signer.live = true;
    signer.single = signer.single && !is_trusted(people, &name);
    people->entries[people->count++] = (struct entry){name, signer};
}

static bool may_add(const struct control_people *people, const struct signer_key *key, struct fault *fault) {
    struct hash name = signer_key_hash(key);
    if (people->count >= PEOPLE_KEYS_MOST)
        return fault_set(fault, FAULT_LIMIT, "this log has enrolled %u keys, no more are taken",
                         PEOPLE_KEYS_MOST);
    return !find(people, &name) ||
           fault_set(fault, FAULT_CONFLICT, "this key was enrolled before, and a key is enrolled once");
}

bool control_people_may_enrol(const struct control_people *people, const struct person *person,
                              struct fault *fault) {
    for (size_t i = 0; i < person->key_count; i++) {
        struct hash name = signer_key_hash(&person->keys[i]);
        if (!may_add(people, &person->keys[i], fault))
            return false;
        for (size_t other = 0; other < i; other++) {
            struct hash earlier = signer_key_hash(&person->keys[other]);
            if (hash_equal(&earlier, &name))
                return fault_set(fault, FAULT_CONFLICT, "the enrolment names a key twice");
        }
    }
    for (size_t i = 0; i < people->count; i++) {
        const struct entry *known = &people->entries[i];
        if (is_live_person(known) && hash_equal(&known->signer.person, &person->id) &&
            known->signer.role != person->role)
            return fault_set(fault, FAULT_CONFLICT, "this person is enrolled as %s; a person has one role",
                             role_name(known->signer.role));
    }
    return true;
}

void control_people_enrol(struct control_people *people, const struct person *person, bool single) {
    for (size_t i = 0; i < person->key_count; i++)
        add(people, (struct control_signer){.kind = SIGNER_PERSON,
                                            .single = single,
                                            .key = person->keys[i],
                                            .person = person->id,
                                            .role = person->role});
}

static bool revokes(const struct person_revocation *revocation, const struct entry *entry) {
    static const struct hash all;
    return is_live_person(entry) && hash_equal(&entry->signer.person, &revocation->person) &&
           (hash_equal(&revocation->key, &all) || hash_equal(&revocation->key, &entry->name));
}

bool control_people_may_revoke(const struct control_people *people,
                               const struct person_revocation *revocation, struct fault *fault) {
    size_t gone = 0, left = 0;
    for (size_t i = 0; i < people->count; i++) {
        gone += revokes(revocation, &people->entries[i]);
        left += is_live_person(&people->entries[i]) && !revokes(revocation, &people->entries[i]);
    }
    if (gone == 0)
        return fault_set(fault, FAULT_MISSING, "no live key of that person is there to be revoked");
    return left > 0 || fault_set(fault, FAULT_CONFLICT,
                                 "nobody would be left to sign for this log: enrol somebody first");
}

void control_people_revoke(struct control_people *people, const struct person_revocation *revocation) {
    for (size_t i = 0; i < people->count; i++)
        if (revokes(revocation, &people->entries[i]))
            people->entries[i].signer.live = false;
}

bool control_people_may_register(const struct control_people *people, const struct verify_key *registrar,
                                 struct fault *fault) {
    struct signer_key key = signer_key_ed25519(registrar);
    return verify_key_check(registrar, fault) && may_add(people, &key, fault);
}

void control_people_register(struct control_people *people, const struct verify_key *registrar, bool single) {
    for (size_t i = 0; i < people->count; i++)
        if (people->entries[i].signer.kind == SIGNER_REGISTRAR)
            people->entries[i].signer.live = false;
    add(people, (struct control_signer){
                    .kind = SIGNER_REGISTRAR, .single = single, .key = signer_key_ed25519(registrar)});
}

void control_people_set_single(struct control_people *people, const struct hash *key) {
    struct entry *entry = find(people, key);
    if (entry)
        entry->signer.single = !is_trusted(people, key);
}

/* ---- */

struct control_people *control_people_create(const struct genesis *genesis,
                                             const struct control_trust *trust) {
    struct control_people *people = memory_new(sizeof *people);
    if (trust && trust->key_count > 0) {
        people->trusted = memory_copy(trust->keys, trust->key_count * sizeof *trust->keys);
        people->trusted_count = trust->key_count;
    }
    add(people, (struct control_signer){.kind = SIGNER_LOG, .key = signer_key_ed25519(&genesis->log_key)});
    control_people_register(people, &genesis->registrar, false);
    for (size_t i = 0; i < genesis->person_count; i++)
        control_people_enrol(people, &genesis->people[i], false);
    return people;
}

struct control_people *control_people_destroy(struct control_people *people) {
    if (people) {
        free(people->entries);
        free(people->trusted);
    }
    free(people);
    return NULL;
}

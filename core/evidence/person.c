#include "person.h"

static const char *const role_names[ROLES + 1] = {
    [ROLE_ADMINISTRATOR] = "admin",
    [ROLE_MONITOR] = "monitor",
    [ROLE_BOARD] = "board",
    [ROLE_ARBITRATOR] = "arbitrator",
};

const char *role_name(unsigned role) {
    return role <= ROLES ? role_names[role] : NULL;
}

bool role_by_name(struct slice name, enum role *ret_role) {
    for (unsigned role = 1; role <= ROLES; role++) {
        if (slice_equal(name, slice_string(role_names[role]))) {
            *ret_role = (enum role)role;
            return true;
        }
    }
    return false;
}

struct hash person_id(const uint8_t salt[32], struct slice name) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, salt, 32);
    sha256_add(&running, name.data, name.size);
    return sha256_end(&running);
}

bool person_write(struct buffer *to, const struct person *person) {
    buffer_append_slice(to, hash_slice(&person->id));
    bytes_write_u8(to, (uint8_t)person->role);
    bool good = bytes_write_u8(to, person->key_count);
    for (size_t i = 0; i < person->key_count; i++)
        good = signer_key_write(to, &person->keys[i]);
    return good && !to->overflow;
}

bool person_read(struct bytes_reader *from, struct person *ret_person, struct fault *fault) {
    struct person person;
    bytes_read_into(from, person.id.bytes, HASH_SIZE);
    unsigned role = bytes_read_u8(from);
    person.key_count = bytes_read_u8(from);
    if (from->failed)
        return fault_set(fault, FAULT_FORMAT, "a person is cut short");
    if (!role_name(role))
        return fault_set(fault, FAULT_FORMAT, "a person of role %u, which is none", role);
    if (person.key_count == 0 || person.key_count > PERSON_KEYS_MOST)
        return fault_set(fault, FAULT_LIMIT, "a person with %u keys; 1 to %u are taken", person.key_count,
                         PERSON_KEYS_MOST);
    for (size_t i = 0; i < person.key_count; i++)
        if (!signer_key_read(from, &person.keys[i], fault))
            return false;
    person.role = (enum role)role;
    *ret_person = person;
    return true;
}

bool person_revocation_write(struct buffer *to, const struct person_revocation *revocation) {
    buffer_append_slice(to, hash_slice(&revocation->person));
    return buffer_append_slice(to, hash_slice(&revocation->key));
}

bool person_revocation_read(struct slice payload, struct person_revocation *ret_revocation,
                            struct fault *fault) {
    if (payload.size != 2 * HASH_SIZE)
        return fault_set(fault, FAULT_FORMAT, "a revocation names a person and a key, 64 bytes");
    ret_revocation->person = hash_from(payload.data);
    ret_revocation->key = hash_from(payload.data + HASH_SIZE);
    return true;
}

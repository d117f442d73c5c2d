#include "genesis.h"

bool genesis_write(struct buffer *to, const struct genesis *genesis) {
    if (!note_name_good(genesis->origin) || genesis->page.origin.size > UINT8_MAX)
        return false;
    bytes_write_u8(to, (uint8_t)genesis->origin.size);
    buffer_append_slice(to, genesis->origin);
    buffer_append(to, genesis->log_key.bytes, sizeof genesis->log_key.bytes);
    buffer_append(to, genesis->registrar.bytes, sizeof genesis->registrar.bytes);
    buffer_append_slice(to, hash_slice(&genesis->page.rp_id_hash));
    bytes_write_u8(to, (uint8_t)genesis->page.origin.size);
    buffer_append_slice(to, genesis->page.origin);
    bytes_write_u8(to, genesis->person_count);
    for (size_t i = 0; i < genesis->person_count; i++)
        person_write(to, &genesis->people[i]);
    return retention_policy_write(to, &genesis->retention) && witness_policy_write(to, &genesis->witnesses);
}

/* ---- reading */

/* All keys that sign here, as the hashes that signatures name. */
struct key_names {
    size_t count;
    struct hash names[2 + GENESIS_PEOPLE_MOST * PERSON_KEYS_MOST];
};

static bool add_distinct(struct key_names *names, const struct signer_key *key) {
    struct hash name = signer_key_hash(key);
    for (size_t i = 0; i < names->count; i++)
        if (hash_equal(&names->names[i], &name))
            return false;
    names->names[names->count++] = name;
    return true;
}

static bool keys_distinct(const struct genesis *genesis) {
    struct key_names names = {.count = 0};
    struct signer_key log_key = signer_key_ed25519(&genesis->log_key);
    struct signer_key registrar = signer_key_ed25519(&genesis->registrar);
    if (!add_distinct(&names, &log_key) || !add_distinct(&names, &registrar))
        return false;
    for (size_t i = 0; i < genesis->person_count; i++)
        for (size_t key = 0; key < genesis->people[i].key_count; key++)
            if (!add_distinct(&names, &genesis->people[i].keys[key]))
                return false;
    return true;
}

static bool people_read(struct bytes_reader *from, struct genesis *genesis, struct fault *fault) {
    genesis->person_count = bytes_read_u8(from);
    if (genesis->person_count == 0 || genesis->person_count > GENESIS_PEOPLE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a genesis with %u people; 1 to %u are taken",
                         genesis->person_count, GENESIS_PEOPLE_MOST);
    for (size_t i = 0; i < genesis->person_count; i++) {
        if (!person_read(from, &genesis->people[i], fault))
            return false;
        for (size_t other = 0; other < i; other++)
            if (hash_equal(&genesis->people[other].id, &genesis->people[i].id))
                return fault_set(fault, FAULT_CONFLICT, "the genesis names a person twice");
    }
    return true;
}

static bool names_read(struct bytes_reader *from, struct genesis *genesis, struct fault *fault) {
    static const struct hash none;
    genesis->origin = bytes_read_raw(from, bytes_read_u8(from));
    bytes_read_into(from, genesis->log_key.bytes, sizeof genesis->log_key.bytes);
    bytes_read_into(from, genesis->registrar.bytes, sizeof genesis->registrar.bytes);
    bytes_read_into(from, genesis->page.rp_id_hash.bytes, HASH_SIZE);
    genesis->page.origin = bytes_read_raw(from, bytes_read_u8(from));
    if (from->failed)
        return fault_set(fault, FAULT_FORMAT, "the genesis is cut short");
    if (!note_name_good(genesis->origin))
        return fault_set(fault, FAULT_FORMAT, "the genesis has no good origin");
    if ((genesis->page.origin.size == 0) != hash_equal(&genesis->page.rp_id_hash, &none))
        return fault_set(fault, FAULT_FORMAT, "the genesis names half of a page for passkeys");
    return verify_key_check(&genesis->log_key, fault) && verify_key_check(&genesis->registrar, fault);
}

bool genesis_read(struct slice payload, struct genesis *ret_genesis, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct genesis genesis;
    if (!names_read(&reader, &genesis, fault) || !people_read(&reader, &genesis, fault) ||
        !retention_policy_read(&reader, &genesis.retention, fault) ||
        !witness_policy_read(&reader, &genesis.witnesses, fault) ||
        !witness_policy_check(&genesis.witnesses, &genesis.log_key, fault))
        return false;
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the genesis has not its length");
    if (!keys_distinct(&genesis))
        return fault_set(fault, FAULT_CONFLICT, "the genesis names a key twice");
    *ret_genesis = genesis;
    return true;
}

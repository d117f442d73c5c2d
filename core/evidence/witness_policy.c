#include "witness_policy.h"

static bool keys_equal(const struct verify_key *a, const struct verify_key *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* One key under two names would be two votes; two keys under one name are one witness. */
static bool check_distinct(const struct witness_policy *policy, size_t place, struct fault *fault) {
    const struct note_key *one = &policy->witnesses[place];
    for (size_t i = 0; i < place; i++) {
        const struct note_key *other = &policy->witnesses[i];
        if (keys_equal(&one->key, &other->key) || slice_equal(note_key_name(one), note_key_name(other)))
            return fault_set(fault, FAULT_CONFLICT, "witness %.*s is named twice, by name or by key",
                             SLICE_ARG(note_key_name(one)));
    }
    return true;
}

bool witness_policy_check(const struct witness_policy *policy, const struct verify_key *log_key,
                          struct fault *fault) {
    if (policy->count > WITNESSES_MOST || policy->needed > policy->count)
        return fault_set(fault, FAULT_FORMAT, "a witness policy that needs %u of %u witnesses",
                         policy->needed, policy->count);
    for (size_t i = 0; i < policy->count; i++) {
        const struct note_key *witness = &policy->witnesses[i];
        if (witness->type != NOTE_KEY_WITNESS)
            return fault_set(fault, FAULT_AUTH, "%.*s is the key of a log, not of a witness",
                             SLICE_ARG(note_key_name(witness)));
        if (log_key && keys_equal(&witness->key, log_key))
            return fault_set(fault, FAULT_AUTH, "witness %.*s has the key of the log itself",
                             SLICE_ARG(note_key_name(witness)));
        if (!check_distinct(policy, i, fault))
            return false;
    }
    return true;
}

static unsigned shared(const struct witness_policy *a, const struct witness_policy *b) {
    unsigned count = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            count += keys_equal(&a->witnesses[i].key, &b->witnesses[j].key) &&
                     slice_equal(note_key_name(&a->witnesses[i]), note_key_name(&b->witnesses[j]));
    return count;
}

bool witness_policy_implies(const struct witness_policy *policy, const struct witness_policy *other) {
    unsigned strangers = policy->count - shared(policy, other);
    return policy->needed >= other->needed + (other->needed ? strangers : 0);
}

bool witness_policy_same(const struct witness_policy *a, const struct witness_policy *b) {
    return a->needed == b->needed && a->count == b->count && shared(a, b) == a->count;
}

bool witness_policy_write(struct buffer *to, const struct witness_policy *policy) {
    bytes_write_u8(to, policy->needed);
    bool good = bytes_write_u8(to, policy->count);
    for (size_t i = 0; i < policy->count; i++) {
        const struct note_key *witness = &policy->witnesses[i];
        bytes_write_u8(to, witness->name_size);
        buffer_append_slice(to, note_key_name(witness));
        good = buffer_append(to, witness->key.bytes, sizeof witness->key.bytes);
    }
    return good && !to->overflow;
}

bool witness_policy_read(struct bytes_reader *from, struct witness_policy *ret_policy, struct fault *fault) {
    struct witness_policy policy = {.needed = bytes_read_u8(from), .count = bytes_read_u8(from)};
    if (policy.count > WITNESSES_MOST)
        return fault_set(fault, FAULT_LIMIT, "a policy of %u witnesses; %u is the most", policy.count,
                         WITNESSES_MOST);
    for (size_t i = 0; i < policy.count; i++) {
        struct verify_key key;
        struct slice name = bytes_read_raw(from, bytes_read_u8(from));
        bytes_read_into(from, key.bytes, sizeof key.bytes);
        if (from->failed)
            break;
        if (!note_key_make(NOTE_KEY_WITNESS, name, &key, &policy.witnesses[i], fault))
            return false;
    }
    if (from->failed)
        return fault_set(fault, FAULT_FORMAT, "the witness policy is cut short");
    if (!witness_policy_check(&policy, NULL, fault))
        return false;
    *ret_policy = policy;
    return true;
}

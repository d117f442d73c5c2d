#include "witnessing_inside.h"

static bool read_one(const struct collector_witness_settings *one, struct note_key *ret_key,
                     struct fault *fault) {
    if (!note_key_read(slice_string(one->key), ret_key, fault))
        return fault_place(fault, "%s: key", one->place);
    if (ret_key->type == NOTE_KEY_WITNESS)
        return true;
    fault_set(fault, FAULT_USAGE,
              "this is the key of a log, not of a witness (`tocsin-witness --print-key`)");
    return fault_place(fault, "%s: key", one->place);
}

bool witnessing_read_settings(const struct collector_settings *settings, struct witness_policy *ret_policy,
                              struct fault *fault) {
    const struct collector_witness_settings *list = settings->witnesses.list.items;
    struct witness_policy policy = {.count = (uint8_t)settings->witnesses.list.count};
    policy.needed = policy.count ? (uint8_t)settings->witnesses.needed : 0;
    for (size_t i = 0; i < policy.count; i++)
        if (!read_one(&list[i], &policy.witnesses[i], fault))
            return false;
    if (!witness_policy_check(&policy, NULL, fault))
        return fault_place(fault, "witnesses");
    *ret_policy = policy;
    return true;
}

bool witnessing_check_settings(const struct collector_settings *settings, struct fault *fault) {
    struct witness_policy policy;
    return witnessing_read_settings(settings, &policy, fault);
}

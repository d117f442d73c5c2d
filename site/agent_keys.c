#include "agent_keys.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key_file.h"
#include "site.h"

static bool is_key(const struct signing_key *key, const uint8_t public_key[32]) {
    return key && memcmp(signing_key_public(key)->bytes, public_key, 32) == 0;
}

/* Step 3. */
static bool put_in_force(struct agent_keys *keys, const char *data, struct fault *fault) {
    char path[FILES_PATH_MOST], next_path[FILES_PATH_MOST];
    site_path(path, data, SITE_AGENT_KEY);
    site_path(next_path, data, SITE_AGENT_NEXT_KEY);
    if (!files_rename(next_path, path, fault))
        return false;
    signing_key_destroy(keys->key);
    *keys = (struct agent_keys){.key = keys->next};
    return true;
}

bool agent_keys_look(struct agent_keys *keys, const char *data, struct fault *fault) {
    char path[FILES_PATH_MOST];
    site_path(path, data, SITE_AGENT_NEXT_KEY);
    keys->next = signing_key_destroy(keys->next);
    if (!files_exists(path))
        return true;
    keys->next = key_file_open(path, false, fault);
    return keys->next != NULL;
}

bool agent_keys_stand(const struct agent_keys *keys, const char *data, struct fault *fault) {
    char path[FILES_PATH_MOST];
    site_path(path, data, SITE_AGENT_NEXT_KEY);
    struct signing_key *key = key_file_open(path, false, fault);
    bool same = key && is_key(keys->next, signing_key_public(key)->bytes);
    if (key && !same)
        fault_set(fault, FAULT_CONFLICT, "%s is another key now", path);
    signing_key_destroy(key);
    return same;
}

static bool match(struct agent_keys *keys, const char *data, struct membership *membership,
                  struct fault *fault) {
    if (!membership->has_keys && membership->epoch)
        return fault_set(fault, FAULT_FORMAT,
                         "the membership names a key epoch and not all of its keys; join again");
    if (!membership->has_keys)
        membership_set_keys(membership, signing_key_public(keys->key)->bytes);
    if (is_key(keys->key, membership->key))
        return true;
    if (is_key(keys->next, membership->key))
        return put_in_force(keys, data, fault);
    return fault_set(
        fault, FAULT_CONFLICT,
        "the signing key is not the one that the collector knows: bring back sign.key, or join again");
}

bool agent_keys_open(struct agent_keys *ret_keys, const char *data, struct membership *membership,
                     struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct fault unread = {0};
    site_path(path, data, SITE_AGENT_KEY);
    struct agent_keys keys = {.key = key_file_open(path, false, fault)};
    if (!keys.key)
        return false;
    /* A next key that cannot be read is no reason to stand still, unless it is the one that is needed. */
    bool looked = agent_keys_look(&keys, data, &unread);
    if (!match(&keys, data, membership, fault)) {
        agent_keys_close(&keys);
        return looked ? false : fault_set(fault, unread.code, "%s: %s", unread.place, unread.text);
    }
    *ret_keys = keys;
    return true;
}

void agent_keys_close(struct agent_keys *keys) {
    signing_key_destroy(keys->key);
    signing_key_destroy(keys->next);
    *keys = (struct agent_keys){NULL, NULL};
}

bool agent_keys_advance(struct agent_keys *keys, const char *data, struct membership *membership,
                        struct fault *fault) {
    char path[FILES_PATH_MOST];
    site_path(path, data, SITE_AGENT_COLLECTOR);
    if (!keys->next)
        return fault_set(fault, FAULT_USAGE, "there is no next key");
    if (!is_key(keys->next, membership->key)) {
        struct membership after = *membership;
        memcpy(after.key, signing_key_public(keys->next)->bytes, 32);
        after.epoch++;
        if (!membership_write(path, &after, fault))
            return false;
        *membership = after;
    }
    return put_in_force(keys, data, fault);
}

/* Whoever asks may be root; the agent is not, and has to read it. */
static bool give_to_owner(const char *path, const char *next_path, struct fault *fault) {
    struct stat present, next;
    if (stat(path, &present) || stat(next_path, &next))
        return fault_set_system(fault, "%s", next_path);
    bool same = present.st_uid == next.st_uid && present.st_gid == next.st_gid;
    return same || chown(next_path, present.st_uid, present.st_gid) == 0 ||
           fault_set_system(fault, "%s cannot be given to the agent's user", next_path);
}

bool agent_keys_make_next(const char *data, bool *ret_made, struct fault *fault) {
    char path[FILES_PATH_MOST], next_path[FILES_PATH_MOST];
    site_path(path, data, SITE_AGENT_KEY);
    site_path(next_path, data, SITE_AGENT_NEXT_KEY);
    if (!files_exists(path))
        return fault_set(fault, FAULT_USAGE, "there is no %s: this host has not joined a collector yet",
                         path);
    bool made = !files_exists(next_path);
    struct signing_key *key = key_file_open(next_path, true, fault);
    signing_key_destroy(key);
    if (!key || !give_to_owner(path, next_path, fault))
        return false;
    *ret_made = made;
    return true;
}

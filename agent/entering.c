/* Joining a site, and what was learnt by it. */
#include <stdio.h>
#include <stdlib.h>

#include "agent.h"
#include "anew.h"
#include "clock.h"
#include "joining.h"
#include "key_file.h"
#include "log.h"
#include "site.h"
#include "watching.h"

#define POLICY_MOST 8192u

static bool open_identity(struct agent *agent, const char *folder, const char *name, struct fault *fault) {
    struct tls_identity *identity = tls_identity_open(folder, name, clock_wall_us(), fault);
    if (!identity)
        return false;
    tls_identity_destroy(agent->identity);
    agent->identity = identity;
    return true;
}

bool agent_open_identity(struct agent *agent, const char *name, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    site_path(folder, agent->data, SITE_AGENT_FOLDER);
    return open_identity(agent, folder, name, fault);
}

/* What was refused of a log is of the one that this host joined before. */
static bool keep_what_was_learnt(const struct agent *agent, struct slice policy, struct fault *fault) {
    char witnesses[FILES_PATH_MOST], refused[FILES_PATH_MOST];
    struct verify_key log_key;
    memcpy(log_key.bytes, agent->membership.log_key, sizeof log_key.bytes);
    site_path(witnesses, agent->data, SITE_AGENT_WITNESSES);
    site_path(refused, agent->data, SITE_AGENT_LOG_REFUSED);
    return watching_keep_policy(witnesses, policy, &log_key, fault) && files_remove(refused, fault);
}

bool agent_join(struct agent *agent, const char *address, const char *token_text, const char *name,
                struct fault *fault) {
    struct token token;
    char folder[FILES_PATH_MOST], key_path[FILES_PATH_MOST], path[FILES_PATH_MOST];
    site_path(path, agent->data, SITE_AGENT_COLLECTOR);
    /* Who joins again begins new streams, under keys that signed nothing yet. */
    bool again = files_exists(path);
    site_path(folder, agent->data, again ? SITE_AGENT_NEW_FOLDER : SITE_AGENT_FOLDER);
    site_path(key_path, agent->data, again ? SITE_AGENT_NEW_KEY : SITE_AGENT_KEY);
    if (again && !anew_prepare(agent->data, fault))
        return false;
    if (!token_parse(slice_string(token_text), &token, fault) || !files_make_folder(folder, 0700, fault) ||
        !open_identity(agent, folder, name, fault))
        return false;
    struct signing_key *key = key_file_open(key_path, true, fault);
    CLEANUP_BUFFER struct buffer policy = BUFFER(POLICY_MOST);
    bool good = key && joining_run(address, &token, name, agent->identity, key, &agent->membership, &policy, fault) &&
                keep_what_was_learnt(agent, buffer_slice(&policy), fault);
    if (good && again)
        good = anew_begin(agent->data, fault);
    if (good) {
        membership_set_keys(&agent->membership, signing_key_public(key)->bytes);
        good = membership_write(path, &agent->membership, fault);
    }
    signing_key_destroy(key);
    return good;
}

/* A join that `tocsin init` left to be done at the first start. */
static bool join_when_pending(struct agent *agent, const char *name, struct fault *fault) {
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer text = BUFFER(1024);
    site_path(path, agent->data, SITE_AGENT_JOIN);
    if (!files_exists(path))
        return fault_set(fault, FAULT_USAGE,
                         "this host has not joined a collector yet: run `tocsin join-token %s` there, then "
                         "`tocsin-agent --join ADDRESS --token TOKEN --site %s` here",
                         name, agent->site);
    char address[300], token[TOKEN_TEXT_SIZE];
    if (!files_read(path, &text, fault))
        return false;
    if (sscanf(buffer_string(&text), "%299s %64s", address, token) != 2)
        return fault_set(fault, FAULT_FORMAT, "%s cannot be read: an address and a token were expected",
                         path);
    return agent_join(agent, address, token, name, fault) && files_remove(path, fault);
}

bool agent_ensure_membership(struct agent *agent, struct fault *fault) {
    char path[FILES_PATH_MOST], name[256];
    struct fault local = {0};
    if (agent->settings.name)
        snprintf(name, sizeof name, "%s", agent->settings.name);
    else
        site_host_name(name);
    site_path(path, agent->data, SITE_AGENT_COLLECTOR);
    if (!membership_read(path, &agent->membership, &local)) {
        if (local.code != FAULT_MISSING)
            return fault_set(fault, local.code, "%s", local.text);
        if (!join_when_pending(agent, name, fault))
            return false;
        log_notice("joined %s as %s", agent->membership.origin, agent->membership.host);
    }
    const struct key_rotation_settings rotation = {agent->data, &agent->membership, agent,
                                                   agent_tell_rotation};
    agent->rotation = key_rotation_create(&rotation, fault);
    return agent->rotation && agent_open_identity(agent, agent->membership.host, fault);
}

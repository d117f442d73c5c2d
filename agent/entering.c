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
#define ADVICE_MOST 4096u

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

/* ---- joining */

bool agent_entering(struct agent *agent, const char *address, const char *token_text, bool anew,
                    enum entering *ret_entering, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct token token;
    site_path(path, agent->data, SITE_AGENT_COLLECTOR);
    *ret_entering = ENTERING_FIRST;
    if (!token_parse(slice_string(token_text), &token, fault))
        return false;
    if (!files_exists(path))
        return true;
    struct fault unreadable = {0};
    bool known = !membership_read(path, &agent->membership, &unreadable) ||
                 membership_find(&agent->membership, token.pin, address);
    *ret_entering = known || anew ? ENTERING_AGAIN : ENTERING_ANOTHER;
    return true;
}

/* What was refused of a log is of the one that this host joined before. */
static bool keep_what_was_learnt(const struct agent *agent, const struct membership_collector *collector,
                                 struct slice policy, struct fault *fault) {
    char witnesses[FILES_PATH_MOST];
    struct verify_key log_key;
    memcpy(log_key.bytes, collector->log_key, sizeof log_key.bytes);
    return collectors_forget(agent->data, collector->number, fault) &&
           site_path_numbered(witnesses, agent->data, SITE_AGENT_WITNESSES, collector->number) &&
           watching_keep_policy(witnesses, policy, &log_key, fault);
}

static bool write_membership(const struct agent *agent, const struct membership *membership,
                             struct fault *fault) {
    char path[FILES_PATH_MOST];
    site_path(path, agent->data, SITE_AGENT_COLLECTOR);
    return membership_write(path, membership, fault);
}

/* The first one, or one anew: the streams begin, and who was joined before knows nothing of them. */
static bool join_alone(struct agent *agent, const char *address, const struct token *token, const char *name,
                       bool again, struct buffer *advice, struct fault *fault) {
    char folder[FILES_PATH_MOST], key_path[FILES_PATH_MOST];
    const struct membership before = agent->membership;
    /* Who joins again begins new streams, under keys that signed nothing yet. */
    site_path(folder, agent->data, again ? SITE_AGENT_NEW_FOLDER : SITE_AGENT_FOLDER);
    site_path(key_path, agent->data, again ? SITE_AGENT_NEW_KEY : SITE_AGENT_KEY);
    if ((again && !anew_prepare(agent->data, fault)) || !files_make_folder(folder, 0700, fault) ||
        !open_identity(agent, folder, name, fault))
        return false;
    struct signing_key *key = key_file_open(key_path, true, fault);
    CLEANUP_BUFFER struct buffer policy = BUFFER(POLICY_MOST);
    struct joining_result result;
    const struct joining_request request = {address, token, name, agent->identity, key, NULL};
    struct membership *membership = &agent->membership;
    *membership = (struct membership){0};
    bool good = key && joining_run(&request, &result, &policy, fault) &&
                membership_add(membership, &result.collector, fault) &&
                keep_what_was_learnt(agent, &result.collector, buffer_slice(&policy), fault) &&
                (!again || anew_begin(agent->data, fault));
    if (good) {
        snprintf(membership->host, sizeof membership->host, "%s", result.host);
        membership_set_keys(membership, signing_key_public(key)->bytes);
        good = write_membership(agent, membership, fault);
    }
    signing_key_destroy(key);
    for (size_t i = 0; good && i < before.count; i++)
        if (memcmp(before.collectors[i].pin, token->pin, sizeof token->pin) != 0 &&
            strcmp(before.collectors[i].address, address) != 0)
            buffer_printf(advice,
                          "This host has new keys, which %s does not know: join it again, too "
                          "(`tocsin join-token %s` there).\n",
                          before.collectors[i].address, membership->host);
    return good;
}

/* Where the streams go on: with the break that opening the spool has made. */
static bool name_streams(struct agent *agent, struct joining_streams *ret_streams, struct fault *fault) {
    const struct membership *membership = &agent->membership;
    if (!agent_open_lanes(agent, fault) || !lanes_flush(agent->lanes, fault))
        return false;
    if (lanes_epoch_number(agent->lanes) != membership->epoch)
        return fault_set(
            fault, FAULT_BUSY,
            "a rotation of the signing key was cut short: start the agent once, stop it, and join then");
    memcpy(ret_streams->first_key, membership->first_key, sizeof ret_streams->first_key);
    ret_streams->epoch = membership->epoch;
    for (unsigned lane = 0; lane < LANES; lane++)
        if (!lanes_break(agent->lanes, (enum lane)lane, &ret_streams->begin[lane]))
            return fault_set(fault, FAULT_INTERNAL, "the spool was opened without a break");
    return true;
}

/* One more collector. What it may need is kept in the spool before the membership says that it is one. */
static bool join_another(struct agent *agent, const char *address, const struct token *token,
                         struct fault *fault) {
    struct joining_streams streams;
    struct joining_result result;
    CLEANUP_BUFFER struct buffer policy = BUFFER(POLICY_MOST);
    if (!agent_ensure_membership(agent, fault) || !name_streams(agent, &streams, fault))
        return false;
    struct membership membership = agent->membership;
    const struct joining_request request = {
        address, token, membership.host, agent->identity, key_rotation_key(agent->rotation), &streams};
    if (!joining_run(&request, &result, &policy, fault))
        return false;
    if (strcmp(result.host, membership.host) != 0)
        return fault_set(fault, FAULT_CONFLICT, "the token is for %s, and this host's streams are named %s",
                         result.host, membership.host);
    if (!membership_add(&membership, &result.collector, fault) ||
        !keep_what_was_learnt(agent, &result.collector, buffer_slice(&policy), fault))
        return false;
    if (!lanes_join(agent->lanes, result.collector.number, result.begin, fault)) {
        if (fault->code == FAULT_MISSING)
            fault_set(fault, FAULT_MISSING, "%s; --anew begins new streams under new keys, at all collectors",
                      fault->text);
        return false;
    }
    if (!lanes_flush(agent->lanes, fault) || !write_membership(agent, &membership, fault))
        return false;
    agent->membership = membership;
    return true;
}

bool agent_join(struct agent *agent, const char *address, const char *token_text, const char *name, bool anew,
                struct buffer *advice, struct fault *fault) {
    struct token token;
    enum entering entering;
    if (!agent_entering(agent, address, token_text, anew, &entering, fault) ||
        !token_parse(slice_string(token_text), &token, fault))
        return false;
    return entering == ENTERING_ANOTHER
               ? join_another(agent, address, &token, fault)
               : join_alone(agent, address, &token, name, entering == ENTERING_AGAIN, advice, fault);
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
    CLEANUP_BUFFER struct buffer advice = BUFFER(ADVICE_MOST);
    char normal[AGENT_ADDRESS_SIZE];
    return agent_settings_address(address, normal, fault) &&
           agent_join(agent, normal, token, name, false, &advice, fault) && files_remove(path, fault);
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
        log_notice("joined %s as %s", agent->membership.collectors[0].origin, agent->membership.host);
    }
    const struct key_rotation_settings rotation = {agent->data, &agent->membership, agent,
                                                   agent_tell_rotation};
    agent->rotation = key_rotation_create(&rotation, fault);
    return agent->rotation && agent_open_identity(agent, agent->membership.host, fault);
}

/* ---- the membership and the settings */

static bool leave(struct agent *agent, const struct membership_collector *collector, struct fault *fault) {
    char text[400];
    struct membership after = agent->membership;
    membership_remove(&after, collector->number);
    if (!write_membership(agent, &after, fault) || !collectors_forget(agent->data, collector->number, fault))
        return false;
    snprintf(text, sizeof text, "the settings do not name the collector %s any more: it is left",
             collector->address);
    log_notice("%s", text);
    if (agent->collectors.count) {
        collectors_leave(&agent->collectors, collector->number);
        agent_tell(agent, "collector_left", text);
    }
    agent->membership = after;
    return true;
}

bool agent_match_settings(struct agent *agent, const struct agent_settings *settings,
                          struct kept_addresses *kept, const char *ret_addresses[MEMBERSHIP_COLLECTORS_MOST],
                          struct fault *fault) {
    const char *addresses[MEMBERSHIP_COLLECTORS_MOST], *of[MEMBERSHIP_COLLECTORS_MOST], *stranger;
    const struct membership before = agent->membership;
    size_t count = 0;
    for (size_t i = 0; i < settings->collectors.count; i++) {
        if (!agent_settings_address(settings->collectors.items[i], kept->text[i], fault))
            return false;
        addresses[i] = kept->text[i];
    }
    if (!membership_match(&before, addresses, settings->collectors.count, of, &stranger, fault))
        return false;
    if (stranger)
        log_warning("the settings name the collector %s, which this host has not joined: it gets nothing. "
                    "Run `tocsin "
                    "join-token %s` there, then `tocsin-agent --join %s --token TOKEN` here",
                    stranger, before.host, stranger);
    for (size_t i = 0; i < before.count; i++) {
        if (of[i])
            ret_addresses[count++] = of[i];
        else if (!leave(agent, &before.collectors[i], fault))
            return false;
    }
    return true;
}

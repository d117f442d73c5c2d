/* Settings and rules, and both again on SIGHUP. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "collector.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "settings_file.h"
#include "site.h"

bool collector_read_settings(struct collector *collector, const char *data, struct fault *fault) {
    collector->settings = memory_new(sizeof *collector->settings);
    if (!settings_file_read(collector_settings_table(), collector->site, "collector", collector->settings,
                            fault))
        return false;
    if (!site_below(collector->data, collector->site, data ? data : collector->settings->data))
        return fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
    const struct settings_address *address = &collector->settings->listen;
    bool v6 = strchr(address->host, ':') != NULL;
    snprintf(collector->listen, sizeof collector->listen, v6 ? "[%s]:%u" : "%s:%u", address->host,
             address->port);
    if (!(collector->settings->query.socket
              ? site_below(collector->socket, collector->site, collector->settings->query.socket)
              : site_path(collector->socket, collector->data, SITE_COLLECTOR_SOCKET)))
        return fault_set(fault, FAULT_LIMIT, "the path of the query socket is too long");
    return true;
}

struct knowledge *collector_load_knowledge(const struct collector_settings *settings, struct fault *fault) {
    char rules[FILES_PATH_MOST], decoders[FILES_PATH_MOST];
    char *rule_default[] = {rules}, *decoder_default[] = {decoders};
    bool own_rules = !settings->rules.set && knowledge_default_rules(rules);
    bool own_decoders = !settings->decoders.set && knowledge_default_decoders(decoders);
    return knowledge_load(
        own_rules ? rule_default : settings->rules.items, own_rules ? 1 : settings->rules.count,
        own_decoders ? decoder_default : settings->decoders.items,
        own_decoders ? 1 : settings->decoders.count, clock_zone_minutes(clock_wall_us()), fault);
}

void collector_tell_refused(const struct knowledge *knowledge) {
    for (size_t i = 0; i < ruleset_outcome_count(knowledge->ruleset); i++) {
        struct ruleset_outcome outcome = ruleset_outcome(knowledge->ruleset, i);
        if (!outcome.loaded)
            log_warning("%s:%u:%u: this rule is left out: %s", outcome.file, outcome.line, outcome.column,
                        outcome.reason);
    }
}

static bool same_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_witnesses(const struct collector_settings *old, const struct collector_settings *fresh) {
    const struct collector_witness_settings *a = old->witnesses.list.items, *b = fresh->witnesses.list.items;
    if (old->witnesses.needed != fresh->witnesses.needed ||
        old->witnesses.list.count != fresh->witnesses.list.count ||
        old->witnesses.patience_us != fresh->witnesses.patience_us)
        return false;
    for (size_t i = 0; i < old->witnesses.list.count; i++)
        if (!same_text(a[i].url, b[i].url) || !same_text(a[i].key, b[i].key) || !same_text(a[i].ca, b[i].ca))
            return false;
    return true;
}

static bool same_backup(const struct collector_settings *old, const struct collector_settings *fresh) {
    return same_text(old->backup.folder, fresh->backup.folder) &&
           same_text(old->backup.keys, fresh->backup.keys) && same_text(old->backup.key, fresh->backup.key) &&
           old->backup.every_us == fresh->backup.every_us;
}

/* What is bound at the start stays as it is until a restart. */
static bool needs_restart(const struct collector_settings *old, const struct collector_settings *fresh) {
    return strcmp(old->listen.host, fresh->listen.host) != 0 || old->listen.port != fresh->listen.port ||
           strcmp(old->data, fresh->data) != 0 || old->silence.after_us != fresh->silence.after_us ||
           !same_backup(old, fresh);
}

static void use_knowledge(struct collector *collector, struct knowledge *fresh) {
    const struct settings_strings *core = &collector->settings->core;
    detection_reload(collector->detection, fresh, core->items, core->count);
    query_server_reload(collector->queries, fresh);
    collector->retired[collector->retired_count++] = collector->knowledge;
    collector->knowledge = fresh;
}

/* All of it or nothing: settings that cannot be read, rules that cannot be loaded and channels that cannot be made leave
 * everything as it was. */
static bool reload_all(struct collector *collector, struct fault *fault) {
    if (collector->retired_count == RELOADS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%u reloads in one process: restart it", RELOADS_MOST);
    struct collector_settings *settings = memory_new(sizeof *settings);
    if (!settings_file_read(collector_settings_table(), collector->site, "collector", settings, fault)) {
        free(settings);
        return false;
    }
    struct knowledge *fresh = collector_load_knowledge(settings, fault);
    bool others = !same_witnesses(collector->settings, settings);
    struct witnessing_set *witnesses = others && fresh ? witnessing_prepare(collector->witnesses, settings, fault) : NULL;
    if (!fresh || (others && !witnesses) || !outbox_reload(collector->outbox, settings, fault)) {
        knowledge_destroy(fresh);
        witnessing_set_destroy(witnesses);
        settings_release(collector_settings_table(), settings);
        free(settings);
        return false;
    }
    if (needs_restart(collector->settings, settings))
        log_warning("listen, data, silence or backup have changed: that takes a restart");
    if (witnesses)
        witnessing_use(collector->witnesses, witnesses);
    collector->retired_settings[collector->retired_count] = collector->settings;
    collector->settings = settings;
    use_knowledge(collector, fresh);
    collector_tell_refused(fresh);
    return true;
}

void collector_reload(void *context) {
    struct collector *collector = context;
    struct fault fault = {0};
    char text[FAULT_LINE_SIZE];
    if (!collector->queries)
        return; /* a signal while everything is being stopped */
    notify_reloading();
    if (reload_all(collector, &fault)) {
        snprintf(text, sizeof text,
                 "settings and rules read anew: %zu rules in force, %zu left out, %zu channels",
                 ruleset_rule_count(collector->knowledge->ruleset), knowledge_refused(collector->knowledge),
                 outbox_counts(collector->outbox).channels);
        log_notice("%s", text);
        collector_report(collector, "reloaded", text);
    } else {
        log_fault(LOG_LEVEL_ERROR, &fault, "settings and rules stay as they were");
        collector_report(collector, "reload_failed", fault_line(&fault, text));
    }
    notify_ready();
}

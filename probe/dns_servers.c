#include "dns_servers.h"

#include <stdio.h>
#include <stdlib.h>

#include "dns_ask.h"
#include "files.h"
#include "memory.h"
#include "prober.h"

#define RESOLVERS_FILE "/etc/resolv.conf"
#define RESOLVERS_FILE_MOST 65536u
#define RESOLVERS_MOST 3u /* as resolv.conf(5) has it */

struct resolver {
    char address[PROBE_ADDRESS_SIZE];
    uint16_t port;
};

/* A name whose addresses are being looked for. */
struct naming {
    struct dns_finding *finding;
    struct probe_question *question;
    struct probe_target target;
};

struct dns_finding {
    struct loop *loop;
    struct prober *prober;
    uint64_t timeout_us;
    dns_servers_told *told;
    void *context;
    struct loop_later *ending;
    struct loop_timer *deadline;
    struct dns_servers servers;
    char error[FAULT_LINE_SIZE];
    /* the zone's names */
    struct resolver resolvers[RESOLVERS_MOST];
    size_t resolver_count, resolver;
    struct dns_name name; /* that was asked for; the question goes up from it */
    struct dns_question question;
    struct dns_name hosts[DNS_SERVERS_MOST];
    size_t host_count;
    bool refused; /* the resolver has answered, with an error of its own */
    struct dns_ask *ask;
    /* their addresses */
    struct naming namings[DNS_SERVERS_MOST];
    size_t naming_count, naming_open;
};

struct dns_finding *dns_servers_stop(struct dns_finding *finding) {
    if (!finding)
        return NULL;
    dns_ask_stop(finding->ask);
    for (size_t i = 0; i < finding->naming_count; i++)
        if (finding->namings[i].question)
            probe_names_forget(finding->namings[i].question);
    loop_later_destroy(finding->ending);
    loop_timer_destroy(finding->deadline);
    free(finding);
    return NULL;
}

static void tell(void *context) {
    struct dns_finding *finding = context;
    dns_servers_told *told = finding->told;
    void *whose = finding->context;
    struct dns_servers *servers = memory_copy(&finding->servers, sizeof finding->servers);
    char error[sizeof finding->error];
    memcpy(error, finding->error, sizeof error);
    if (!servers->count)
        servers->error = error;
    dns_servers_stop(finding);
    told(whose, servers);
    free(servers);
}

/* ---- addresses */

static void add(struct dns_finding *finding, const struct probe_target *target, const char *address,
                const char *error) {
    struct dns_servers *servers = &finding->servers;
    if (servers->count == DNS_SERVER_ADDRESSES_MOST)
        return;
    struct dns_server *server = &servers->items[servers->count++];
    *server = (struct dns_server){.port = target->port};
    if (!target->numeric)
        memcpy(server->host, target->host, sizeof server->host);
    snprintf(server->address, sizeof server->address, "%s", address);
    snprintf(server->error, sizeof server->error, "%s", error);
}

static void named(void *context, const struct probe_addresses *addresses) {
    struct naming *naming = context;
    struct dns_finding *finding = naming->finding;
    naming->question = NULL;
    for (size_t i = 0; i < addresses->count; i++)
        add(finding, &naming->target, addresses->items[i], "");
    if (addresses->count == 0)
        add(finding, &naming->target, "", addresses->error);
    if (--finding->naming_open == 0)
        loop_later_schedule(finding->ending);
}

static void name(struct dns_finding *finding, const struct probe_target *target) {
    if (target->numeric) {
        add(finding, target, target->host, "");
        return;
    }
    struct naming *naming = &finding->namings[finding->naming_count++];
    *naming = (struct naming){finding, NULL, *target};
    finding->naming_open++;
    naming->question = probe_names_ask(finding->prober->names, target->host, named, naming);
}

static void too_late(void *context) {
    struct dns_finding *finding = context;
    for (size_t i = 0; i < finding->naming_count; i++) {
        struct naming *naming = &finding->namings[i];
        if (!naming->question)
            continue;
        probe_names_forget(naming->question);
        naming->question = NULL;
        add(finding, &naming->target, "", "the resolver has not answered in time");
    }
    loop_later_schedule(finding->ending);
}

/* ---- the zone's name servers */

static void ask_resolver(struct dns_finding *finding);

static void give_up(struct dns_finding *finding, const char *why) {
    char text[DNS_TEXT_SIZE];
    snprintf(finding->error, sizeof finding->error, "no name servers found for %.200s: %.100s",
             dns_name_text(&finding->name, text), why);
    loop_later_schedule(finding->ending);
}

static void take_names(struct dns_finding *finding, const struct dns_message *message) {
    struct dns_walk walk = {0};
    struct dns_record record;
    while (finding->host_count < DNS_SERVERS_MOST && dns_message_next(message, &walk, &record))
        if (record.section == DNS_IN_ANSWER && record.type == DNS_NS &&
            dns_name_equal(&record.name, &finding->question.name) &&
            dns_record_target(message, &record, &finding->hosts[finding->host_count]))
            finding->host_count++;
}

static enum dns_judged resolver_heard(void *context, bool tcp, struct slice bytes) {
    struct dns_finding *finding = context;
    struct dns_message message;
    if (!dns_message_read(bytes, &message, NULL) || !message.response || message.id != finding->question.id ||
        !message.has_question || !dns_name_equal(&message.name, &finding->question.name) ||
        message.type != DNS_NS)
        return DNS_FOREIGN;
    if (message.truncated && !tcp)
        return DNS_AGAIN;
    finding->refused = message.rcode != DNS_NOERROR && message.rcode != DNS_NXDOMAIN;
    take_names(finding, &message);
    return DNS_JUDGED;
}

static void next_resolver(struct dns_finding *finding, const char *why) {
    if (++finding->resolver == finding->resolver_count)
        give_up(finding, why);
    else
        ask_resolver(finding);
}

static void resolver_over(void *context, const struct dns_ask_end *end) {
    struct dns_finding *finding = context;
    char text[DNS_TEXT_SIZE];
    finding->ask = NULL;
    if (!end->answered || finding->refused) {
        next_resolver(finding, end->answered ? "the resolver answers with an error" : end->why);
        return;
    }
    if (finding->host_count == 0) { /* no zone begins here: above it, perhaps */
        if (dns_name_parent(&finding->question.name, &finding->question.name) &&
            finding->question.name.size > 1)
            ask_resolver(finding);
        else
            give_up(finding, "the resolver knows of none in any zone above it");
        return;
    }
    finding->servers.found = true;
    finding->servers.zone = finding->question.name;
    finding->servers.named = finding->host_count;
    for (size_t i = 0; i < finding->host_count; i++) {
        struct probe_target target = {.port = DNS_PORT};
        snprintf(target.host, sizeof target.host, "%.255s", dns_name_text(&finding->hosts[i], text));
        name(finding, &target);
    }
}

/* All resolvers, at every name on the way up, share its time: one that is dead takes its part of it once. */
static void ask_resolver(struct dns_finding *finding) {
    static const struct dns_ask_handlers handlers = {resolver_heard, resolver_over};
    const struct resolver *resolver = &finding->resolvers[finding->resolver];
    finding->refused = false;
    finding->ask = dns_ask_start(finding->loop, resolver->address, resolver->port, &finding->question,
                                 finding->timeout_us / (finding->resolver_count + 1), &handlers, finding);
}

static bool read_target(const char *text, const char *key, bool numeric, struct probe_target *ret_target,
                        struct fault *fault) {
    if (!probe_target_parse(text, DNS_PORT, ret_target, fault) || ret_target->url)
        return fault_set(fault, FAULT_USAGE, "%s: '%.60s' is none: write 192.0.2.53 or 192.0.2.53:53%s", key,
                         text, numeric ? "" : " or ns1.example.org");
    return !numeric || ret_target->numeric ||
           fault_set(fault, FAULT_USAGE, "%s: '%.60s' must be an address: nobody could look up its name", key,
                     text);
}

static void add_resolver(struct dns_finding *finding, const struct probe_target *target) {
    struct resolver *resolver = &finding->resolvers[finding->resolver_count++];
    snprintf(resolver->address, sizeof resolver->address, "%.63s", target->host);
    resolver->port = target->port;
}

/* "nameserver ADDRESS" lines; a small local file. */
static void read_resolvers(struct dns_finding *finding) {
    CLEANUP_BUFFER struct buffer text = BUFFER(RESOLVERS_FILE_MOST);
    if (!files_read(RESOLVERS_FILE, &text, NULL))
        return;
    for (struct slice rest = buffer_slice(&text); rest.size && finding->resolver_count < RESOLVERS_MOST;) {
        static const struct slice word = {(const uint8_t *)"nameserver", 10};
        struct slice line = slice_head(rest, slice_find_byte(rest, '\n'));
        char host[PROBE_ADDRESS_SIZE];
        struct probe_target target;
        rest = slice_from(rest, line.size + 1);
        if (!slice_starts(line, word))
            continue;
        struct slice address = slice_trim(slice_from(line, word.size));
        snprintf(host, sizeof host, "%.*s", SLICE_ARG(slice_head(address, slice_find_byte(address, '%'))));
        if (read_target(host, "nameserver", true, &target, NULL))
            add_resolver(finding, &target);
    }
}

bool dns_servers_check(const struct probe_settings *settings, struct fault *fault) {
    struct probe_target target;
    for (size_t i = 0; i < settings->servers.count; i++)
        if (!read_target(settings->servers.items[i], "servers", false, &target, fault))
            return false;
    return !settings->resolver || read_target(settings->resolver, "resolver", true, &target, fault);
}

static void begin_asking(struct dns_finding *finding, const struct probe_settings *settings) {
    struct probe_target target;
    if (settings->resolver && read_target(settings->resolver, "resolver", true, &target, NULL))
        add_resolver(finding, &target);
    else
        read_resolvers(finding);
    if (finding->resolver_count)
        ask_resolver(finding);
    else
        give_up(finding, RESOLVERS_FILE " names no resolver; write servers or resolver");
}

struct dns_finding *dns_servers_find(const struct probe_look *look, const struct dns_name *name_asked,
                                     dns_servers_told *told, void *context) {
    const struct probe_settings *settings = look->settings;
    struct dns_finding *finding = memory_new(sizeof *finding);
    finding->loop = look->loop;
    finding->prober = look->prober;
    finding->timeout_us = settings->timeout_us;
    finding->told = told;
    finding->context = context;
    finding->name = *name_asked;
    finding->question = (struct dns_question){.name = *name_asked, .type = DNS_NS, .recursion = true};
    finding->ending = loop_later_create(look->loop, tell, finding);
    finding->deadline = loop_timer_create(look->loop, too_late, finding);
    snprintf(finding->error, sizeof finding->error, "not found within the time");
    loop_timer_after(finding->deadline, settings->timeout_us);
    for (size_t i = 0; i < settings->servers.count; i++) {
        struct probe_target target;
        if (read_target(settings->servers.items[i], "servers", false, &target, NULL))
            name(finding, &target);
    }
    finding->servers.named = settings->servers.count;
    if (!settings->servers.count)
        begin_asking(finding, settings);
    else if (finding->naming_open == 0)
        loop_later_schedule(finding->ending);
    return finding;
}

/* A name's name servers: every address of each is asked on its own, then all answers are held against each other. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "dns_ask.h"
#include "dns_servers.h"
#include "memory.h"
#include "probe_kinds.h"

enum { ASK_SOA, ASK_A, ASK_AAAA, ASKS };
static const uint16_t types[ASKS] = {DNS_SOA, DNS_A, DNS_AAAA};

struct prepared {
    struct dns_name name;
    struct dns_addresses expected;
};

/* One question to one of them. */
struct asked {
    struct server *server;
    struct dns_question question;
    struct dns_ask *ask;
};

struct server {
    struct asking *asking;
    struct probe_part *part;
    struct dns_view *view;
    struct asked asks[ASKS];
    unsigned open, answered;
    bool late;
    char why[LIVENESS_TEXT_SIZE]; /* of one that was not answered */
};

struct asking {
    struct probe_look *look;
    struct dns_finding *finding;
    size_t count, open;
    struct server *servers;
    struct dns_view *views;
};

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    struct prepared *prepared = memory_new(sizeof *prepared);
    bool good = settings->target
                    ? dns_name_parse(slice_string(settings->target), &prepared->name, fault)
                    : fault_set(fault, FAULT_USAGE, "name what is looked up: target: ocsp.example.org");
    good = good && dns_servers_check(settings, fault);
    for (size_t i = 0; good && i < settings->expected_addresses.count; i++) {
        struct dns_address address;
        const char *text = settings->expected_addresses.items[i];
        good =
            dns_address_parse(text, &address) ||
            fault_set(fault, FAULT_USAGE, "expected_addresses: '%.60s' is no address of IPv4 or IPv6", text);
        if (good)
            dns_addresses_add(&prepared->expected, &address);
    }
    *ret_prepared = prepared;
    if (!good)
        free(prepared);
    return good;
}

static void release(void *prepared) {
    free(prepared);
}

/* ---- the end */

static void asking_free(struct asking *asking) {
    dns_servers_stop(asking->finding);
    for (size_t i = 0; i < asking->count; i++)
        for (size_t j = 0; j < ASKS; j++)
            dns_ask_stop(asking->servers[i].asks[j].ask);
    free(asking->servers);
    free(asking->views);
    free(asking);
}

static void end(struct asking *asking) {
    struct probe_look *look = asking->look;
    const struct prepared *prepared = look->prepared;
    for (size_t i = 0; i < asking->count; i++)
        if (asking->servers[i].answered)
            dns_judge_view(asking->servers[i].view, asking->views, asking->count, &prepared->expected,
                           &asking->servers[i].part->report);
    asking_free(asking);
    probe_look_done(look);
}

/* Its time is over before all others have answered. */
static void server_over(struct server *server) {
    struct liveness_report *report = &server->part->report;
    bool all = server->answered == ASKS;
    liveness_check(report, all || !server->late ? CHECK_REACH_ANSWER : CHECK_REACH_TIME, all, "%s",
                   all ? "came" : server->why);
    probe_part_over(server->part, server->asking->look->settings);
    if (--server->asking->open == 0)
        end(server->asking);
}

/* ---- asking */

static enum dns_judged heard(void *context, bool tcp, struct slice bytes) {
    struct asked *asked = context;
    return dns_judge(&asked->question, tcp, bytes, &asked->server->part->report, asked->server->view);
}

static void ask_over(void *context, const struct dns_ask_end *ended) {
    struct asked *asked = context;
    struct server *server = asked->server;
    struct probe_part *part = server->part;
    char type[16];
    asked->ask = NULL;
    if (ended->connect_us > part->phases_us[PHASE_CONNECT])
        part->phases_us[PHASE_CONNECT] = ended->connect_us;
    if (ended->first_us > part->phases_us[PHASE_FIRST])
        part->phases_us[PHASE_FIRST] = ended->first_us;
    if (ended->answered) {
        server->answered++;
    } else if (ended->tcp) { /* it has answered, but nobody gets the whole of it */
        server->answered++;
        liveness_check(&part->report, CHECK_DNS_TRUNCATED, false, "%s: %s",
                       dns_type_name(asked->question.type, type), ended->why);
    } else {
        server->late = ended->late;
        snprintf(server->why, sizeof server->why, "%s: %.150s", dns_type_name(asked->question.type, type),
                 ended->why);
    }
    if (--server->open == 0)
        server_over(server);
}

static void ask(struct server *server, const struct dns_server *to, const struct dns_servers *all) {
    static const struct dns_ask_handlers handlers = {heard, ask_over};
    const struct probe_look *look = server->asking->look;
    const struct prepared *prepared = look->prepared;
    for (size_t i = 0; i < ASKS; i++) {
        struct asked *asked = &server->asks[i];
        asked->server = server;
        asked->question = (struct dns_question){.name = prepared->name, .type = types[i]};
        if (types[i] == DNS_SOA && all->found)
            asked->question.name = all->zone;
        server->open++;
        asked->ask = dns_ask_start(look->loop, to->address, to->port, &asked->question,
                                   look->settings->timeout_us, &handlers, asked);
    }
}

static void begin_server(struct asking *asking, const struct dns_servers *all, size_t which) {
    const struct dns_server *to = &all->items[which];
    struct server *server = &asking->servers[which];
    *server = (struct server){.asking = asking, .view = &asking->views[which]};
    server->part = probe_look_part(asking->look, "%.90s", to->host);
    if (to->address[0])
        probe_target_address(to->address, to->port, server->part->address, sizeof server->part->address);
    snprintf(server->view->server, sizeof server->view->server, "%s", server->part->address);
    if (all->found && which == 0)
        liveness_check(&server->part->report, CHECK_DNS_SERVERS, all->named >= 2, "%zu", all->named);
    if (to->address[0]) {
        ask(server, to, all);
        return;
    }
    liveness_check(&server->part->report, CHECK_REACH_NAME, false, "%.90s: %s", to->host, to->error);
    server->part->over = true;
    asking->open--; /* the others are begun in this turn and end in a later one */
}

static void found(void *context, const struct dns_servers *servers) {
    struct asking *asking = context;
    asking->finding = NULL;
    if (servers->count == 0) {
        struct probe_part *part = probe_look_part(asking->look, "%s", "");
        liveness_check(&part->report, CHECK_REACH_NAME, false, "%s", servers->error);
        part->over = true;
        end(asking);
        return;
    }
    asking->count = asking->open = servers->count;
    asking->servers = memory_new_array(servers->count, sizeof *asking->servers);
    asking->views = memory_new_array(servers->count, sizeof *asking->views);
    for (size_t i = 0; i < servers->count; i++)
        begin_server(asking, servers, i);
    if (asking->open == 0)
        end(asking);
}

static void begin(struct probe_look *look) {
    const struct prepared *prepared = look->prepared;
    struct asking *asking = memory_new(sizeof *asking);
    look->own = asking;
    asking->look = look;
    asking->finding = dns_servers_find(look, &prepared->name, found, asking);
}

static void cancel(struct probe_look *look) {
    asking_free(look->own);
}

static uint64_t patience(const struct probe_settings *settings, const struct liveness_policy *policy) {
    (void)policy;
    return 2 * settings->timeout_us; /* to find them, then to ask them */
}

const struct probe_kind probe_kind_dns = {
    .kind = LIVENESS_DNS,
    .about = "a name's name servers, each on its own",
    .target = "ocsp.example.org",
    .patience_us = patience,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

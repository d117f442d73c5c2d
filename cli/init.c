/* tocsin init: a new site. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "encoding.h"
#include "genesis_file.h"
#include "key_file.h"
#include "retention_standard.h"
#include "site.h"
#include "site_template.h"
#include "tls_identity.h"
#include "token.h"

#define LISTEN_DEFAULT "0.0.0.0:7514"
#define LOCAL_TOKEN_LIFE_US (10ull * 365 * 86400 * 1000000) /* it never leaves this disk */

struct plan {
    const char *site;
    char data[FILES_PATH_MOST];
    char origin[256];
    const char *listen;
    bool agent;
    bool brief; /* whoever calls starts it */
    const char *person;
    char person_key[FILES_PATH_MOST];
    struct hash genesis; /* the leaf of log index 0 */
};

static struct signing_key *make_key(const struct plan *plan, enum site_file file, struct fault *fault) {
    char path[FILES_PATH_MOST];
    site_path(path, plan->data, file);
    return key_file_open(path, true, fault);
}

/* Keys of log, registrar, own stream and the first person, and what the log begins with. */
static bool make_log(struct plan *plan, struct fault *fault) {
    char people[FILES_PATH_MOST], path[FILES_PATH_MOST];
    site_path(people, plan->data, SITE_PEOPLE_FOLDER);
    site_path(path, plan->data, SITE_COLLECTOR_GENESIS);
    struct signing_key *log_key = make_key(plan, SITE_COLLECTOR_LOG_KEY, fault);
    struct signing_key *stream = log_key ? make_key(plan, SITE_COLLECTOR_STREAM_KEY, fault) : NULL;
    struct signing_key *registrar = stream ? make_key(plan, SITE_COLLECTOR_REGISTRAR_KEY, fault) : NULL;
    struct signing_key *person = registrar && files_make_folder(people, 0700, fault)
                                     ? key_file_open(plan->person_key, true, fault)
                                     : NULL;
    struct retention_policy retention = retention_policy_shipped();
    bool good = false;
    if (person) {
        const struct genesis_plan genesis = {.origin = slice_string(plan->origin),
                                             .log_key = log_key,
                                             .person_key = person,
                                             .registrar = signing_key_public(registrar),
                                             .person = slice_string(plan->person),
                                             .retention = &retention,
                                             .now_us = clock_wall_us()};
        good = genesis_file_make(path, &genesis, &plan->genesis, fault);
    }
    signing_key_destroy(log_key);
    signing_key_destroy(stream);
    signing_key_destroy(registrar);
    signing_key_destroy(person);
    return good;
}

static bool write_origin(const struct plan *plan, struct fault *fault) {
    char path[FILES_PATH_MOST], line[300];
    site_path(path, plan->data, SITE_COLLECTOR_ORIGIN);
    int size = snprintf(line, sizeof line, "%s\n", plan->origin);
    return files_write_new(path, slice_make(line, (size_t)size), 0644, fault);
}

/* Where this host's agent finds the collector: the port it listens on, over loopback. */
static void local_address(const struct plan *plan, char ret_address[64]) {
    const char *port = strrchr(plan->listen, ':');
    snprintf(ret_address, 64, "127.0.0.1%s", port ? port : ":7514");
}

/* The agent joins by itself at its first start, with a token that lies ready for it. */
static bool prepare_agent(const struct plan *plan, const uint8_t pin[32], struct fault *fault) {
    char address[64], token[TOKEN_TEXT_SIZE], tokens[FILES_PATH_MOST], path[FILES_PATH_MOST],
        folder[FILES_PATH_MOST];
    char host[256], text[512];
    local_address(plan, address);
    site_host_name(host);
    site_path(tokens, plan->data, SITE_COLLECTOR_TOKENS);
    site_path(folder, plan->data, SITE_AGENT_FOLDER);
    site_path(path, plan->data, SITE_AGENT_JOIN);
    if (!token_issue(tokens, host, clock_wall_us() + LOCAL_TOKEN_LIFE_US, 1, pin, token, fault) ||
        !files_make_folder(folder, 0700, fault))
        return false;
    int size = snprintf(text, sizeof text, "%s\n%s\n", address, token);
    return files_write(path, slice_make(text, (size_t)size), 0600, fault) &&
           site_template_agent(plan->site, address, fault);
}

static bool make_site(struct plan *plan, struct fault *fault) {
    char folder[FILES_PATH_MOST], host[256];
    site_path(folder, plan->data, SITE_COLLECTOR_FOLDER);
    site_host_name(host);
    if (!files_make_folder(plan->site, 0755, fault) || !files_make_folder(plan->data, 0711, fault) ||
        !files_make_folder(folder, 0700, fault) || !write_origin(plan, fault) || !make_log(plan, fault) ||
        !site_template_collector(plan->site, plan->listen, fault))
        return false;
    struct tls_identity *identity = tls_identity_open(folder, host, clock_wall_us(), fault);
    if (!identity)
        return false;
    bool good = !plan->agent || prepare_agent(plan, tls_identity_key_hash(identity), fault);
    tls_identity_destroy(identity);
    return good;
}

static bool origin_good(const char *origin) {
    size_t size = strlen(origin);
    if (size == 0 || size > 200)
        return false;
    for (const char *at = origin; *at; at++)
        if (*at <= ' ' || *at > '~' || *at == '+')
            return false;
    return true;
}

/* Whoever is logged in, also behind sudo; the first administrator. */
static const char *login_name(const char *data) {
    char path[FILES_PATH_MOST];
    /* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread */
    const struct passwd *user = getpwuid(getuid());
    const char *names[] = {getenv("SUDO_USER"), getenv("LOGNAME"), user ? user->pw_name : NULL};
    /* NOLINTEND(concurrency-mt-unsafe) */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] && site_person_key(path, data, names[i]))
            return names[i];
    return "admin";
}

static void print_site(const struct command_context *context, const struct plan *plan) {
    char leaf[2 * HASH_SIZE + 1];
    encoding_hex(plan->genesis.bytes, HASH_SIZE, leaf);
    if (context->json) {
        printf("{\"site\":\"%s\",\"origin\":\"%s\",\"listen\":\"%s\",\"person\":\"%s\",\"person_key\":\"%s\","
               "\"genesis\":\"%s\"}\n",
               plan->site, plan->origin, plan->listen, plan->person, plan->person_key, leaf);
        return;
    }
    printf("The site %s is in %s.\n\n", plan->origin, plan->site);
    if (!plan->brief)
        printf("Start it:   tocsin-collector --site %s &\n"
               "            tocsin-agent --site %s &\n"
               "or by systemd, for %s: systemctl enable --now tocsin-collector tocsin-agent\n"
               "Then:       tocsin --site %s status\n\n",
               plan->site, plan->site, SITE_DEFAULT, plan->site);
    printf("Its log begins with %s as administrator (key: %s) and with this hash,\n"
           "which whoever wants to check the log one day should have on paper:\n"
           "  %.16s %.16s %.16s %.16s\n",
           plan->person, plan->person_key, leaf, leaf + 16, leaf + 32, leaf + 48);
}

int command_init(const struct command_context *context, int argc, char **argv) {
    struct plan plan = {.listen = LISTEN_DEFAULT, .agent = true};
    const char *origin = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--name") == 0 && i + 1 < argc)
            origin = argv[++i];
        else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
            plan.listen = argv[++i];
        else if (strcmp(argv[i], "--person") == 0 && i + 1 < argc)
            plan.person = argv[++i];
        else if (strcmp(argv[i], "--no-agent") == 0)
            plan.agent = false;
        else if (strcmp(argv[i], "--brief") == 0)
            plan.brief = true;
        else if (argv[i][0] == '-' || plan.site)
            return command_usage("init", "'%s' is not expected", argv[i]);
        else
            plan.site = argv[i];
    }
    if (!plan.site)
        return command_usage("init", "the site's folder is missing");
    char host[256], file[FILES_PATH_MOST];
    site_host_name(host);
    snprintf(plan.origin, sizeof plan.origin, "%s", origin ? origin : host);
    if (!origin)
        strncat(plan.origin, "/tocsin", sizeof plan.origin - strlen(plan.origin) - 1);
    if (!origin_good(plan.origin))
        return command_usage(
            "init", "the name '%s' must be 1 to 200 printable characters without blanks or '+'", plan.origin);
    if (!strrchr(plan.listen, ':'))
        return command_usage("init", "--listen takes HOST:PORT, for example %s", LISTEN_DEFAULT);
    if (!site_below(plan.data, plan.site, context->data ? context->data : "data"))
        return command_usage("init", "the data folder's path is too long");
    if (!plan.person)
        plan.person = login_name(plan.data);
    if (!site_person_key(plan.person_key, plan.data, plan.person))
        return command_usage(
            "init", "the person's name '%s' must be 1 to %u letters, digits, hyphens, underscores or dots",
            plan.person, PERSON_NAME_MOST);
    struct fault fault = {0};
    site_path(file, plan.data, SITE_COLLECTOR_ORIGIN);
    if (files_exists(file)) {
        fault_set(&fault, FAULT_USAGE, "%s is a site already; nothing was changed", plan.site);
        return command_fail("init", &fault);
    }
    if (!make_site(&plan, &fault))
        return command_fail("init", &fault);
    print_site(context, &plan);
    return EXIT_GOOD;
}

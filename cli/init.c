/* tocsin init: a new site. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "key_file.h"
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
};

static bool make_key(const struct plan *plan, enum site_file file, struct fault *fault) {
    char path[FILES_PATH_MOST];
    site_path(path, plan->data, file);
    struct signing_key *key = key_file_open(path, true, fault);
    signing_key_destroy(key);
    return key != NULL;
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
    char address[64], token[TOKEN_TEXT_SIZE], tokens[FILES_PATH_MOST], path[FILES_PATH_MOST], folder[FILES_PATH_MOST];
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

static bool make_site(const struct plan *plan, struct fault *fault) {
    char folder[FILES_PATH_MOST], host[256];
    site_path(folder, plan->data, SITE_COLLECTOR_FOLDER);
    site_host_name(host);
    if (!files_make_folder(plan->site, 0755, fault) || !files_make_folder(plan->data, 0711, fault) ||
        !files_make_folder(folder, 0700, fault) || !write_origin(plan, fault) ||
        !make_key(plan, SITE_COLLECTOR_LOG_KEY, fault) || !make_key(plan, SITE_COLLECTOR_STREAM_KEY, fault) ||
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

int command_init(const struct command_context *context, int argc, char **argv) {
    struct plan plan = {.listen = LISTEN_DEFAULT, .agent = true};
    const char *origin = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--name") == 0 && i + 1 < argc)
            origin = argv[++i];
        else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
            plan.listen = argv[++i];
        else if (strcmp(argv[i], "--no-agent") == 0)
            plan.agent = false;
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
        return command_usage("init", "the name '%s' must be 1 to 200 printable characters without blanks or '+'",
                             plan.origin);
    if (!strrchr(plan.listen, ':'))
        return command_usage("init", "--listen takes HOST:PORT, for example %s", LISTEN_DEFAULT);
    const char *data = context->data ? context->data : "data";
    snprintf(plan.data, sizeof plan.data, "%s%s%s", data[0] == '/' ? "" : plan.site, data[0] == '/' ? "" : "/", data);
    struct fault fault = {0};
    site_path(file, plan.data, SITE_COLLECTOR_ORIGIN);
    if (files_exists(file)) {
        fault_set(&fault, FAULT_USAGE, "%s is a site already; nothing was changed", plan.site);
        return command_fail("init", &fault);
    }
    if (!make_site(&plan, &fault))
        return command_fail("init", &fault);
    if (context->json)
        printf("{\"site\":\"%s\",\"origin\":\"%s\",\"listen\":\"%s\"}\n", plan.site, plan.origin, plan.listen);
    else
        printf("The site %s is in %s.\n\n"
               "Start it:   tocsin-collector --site %s &\n"
               "            tocsin-agent --site %s &\n"
               "or by systemd, for %s: systemctl enable --now tocsin-collector tocsin-agent\n"
               "Then:       tocsin --site %s status\n",
               plan.origin, plan.site, plan.site, plan.site, SITE_DEFAULT, plan.site);
    return EXIT_GOOD;
}

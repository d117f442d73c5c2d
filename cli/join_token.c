/* tocsin join-token, tocsin deploy: how further hosts come in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "class.h"
#include "collector_settings.h"
#include "command.h"
#include "settings_file.h"
#include "site.h"
#include "tls_identity.h"
#include "token.h"

struct issuer {
    char tokens[FILES_PATH_MOST];
    uint8_t pin[TOKEN_PIN_SIZE];
    uint64_t expires_us;
    unsigned uses;
};

static bool open_issuer(const struct command_context *context, struct issuer *issuer, struct fault *fault) {
    char data[FILES_PATH_MOST], folder[FILES_PATH_MOST], key[FILES_PATH_MOST], certificate[FILES_PATH_MOST];
    if (!command_data(context, data, fault))
        return false;
    site_path(issuer->tokens, data, SITE_COLLECTOR_TOKENS);
    site_path(folder, data, SITE_COLLECTOR_FOLDER);
    files_path(key, folder, "tls.key");
    files_path(certificate, folder, "tls.crt");
    struct tls_identity *identity = tls_identity_load(key, certificate, fault);
    if (!identity)
        return fault_place(fault, "the collector's key (run this where the collector runs, as its user)");
    memcpy(issuer->pin, tls_identity_key_hash(identity), TOKEN_PIN_SIZE);
    tls_identity_destroy(identity);
    return true;
}

static int issue(const struct command_context *context, const struct issuer *issuer, const char *host) {
    char token[TOKEN_TEXT_SIZE];
    struct fault fault = {0};
    if (host_is_collector(slice_string(host)))
        return command_usage("join-token", "names that begin with " HOST_COLLECTOR_PREFIX " are the collector's own");
    if (!host_name_good(slice_string(host)))
        return command_usage("join-token", "'%s' is no host name: lower-case letters, digits, hyphens and dots", host);
    if (!token_issue(issuer->tokens, host, issuer->expires_us, issuer->uses, issuer->pin, token, &fault))
        return command_fail("join-token", &fault);
    if (context->json)
        printf("{\"host\":{\"name\":\"%s\"},\"token\":\"%s\"}\n", host, token);
    else
        printf("%s\n", token);
    return EXIT_GOOD;
}

/* A host a line; empty lines and # comments are passed over. Prints "HOST TOKEN". */
static int issue_for_file(const struct command_context *context, const struct issuer *issuer, const char *path) {
    FILE *file = fopen(path, "r");
    struct fault fault = {0};
    if (!file) {
        fault_set_system(&fault, "%s", path);
        return command_fail("join-token", &fault);
    }
    char line[512];
    int result = EXIT_GOOD;
    while (result == EXIT_GOOD && fgets(line, sizeof line, file)) {
        line[strcspn(line, " \t\r\n#")] = '\0';
        if (!*line)
            continue;
        if (!context->json)
            printf("%s ", line);
        result = issue(context, issuer, line);
    }
    fclose(file);
    return result;
}

int command_join_token(const struct command_context *context, int argc, char **argv) {
    const char *host = NULL, *hosts = NULL;
    uint64_t life_us = TOKEN_LIFE_US, uses = 1;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--hosts") == 0 && more)
            hosts = argv[++i];
        else if (strcmp(argv[i], "--ttl") == 0 && more) {
            if (!settings_duration_parse(slice_string(argv[++i]), &life_us) || life_us == 0)
                return command_usage("join-token", "--ttl takes a time such as 15m or 7d");
        } else if (strcmp(argv[i], "--uses") == 0 && more) {
            if (!slice_decimal(slice_string(argv[++i]), &uses) || uses < 1 || uses > 100000)
                return command_usage("join-token", "--uses takes a number from 1 to 100000");
        } else if (argv[i][0] == '-' || host)
            return command_usage("join-token", "'%s' is not expected", argv[i]);
        else
            host = argv[i];
    }
    if ((host == NULL) == (hosts == NULL))
        return command_usage("join-token", "name one host, or a file of them with --hosts");
    struct issuer issuer = {.expires_us = context->now_us + life_us, .uses = (unsigned)uses};
    struct fault fault = {0};
    if (!open_issuer(context, &issuer, &fault))
        return command_fail("join-token", &fault);
    return host ? issue(context, &issuer, host) : issue_for_file(context, &issuer, hosts);
}

int command_deploy(const struct command_context *context, int argc, char **argv) {
    const char *host = NULL, *address = NULL;
    bool print = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--print") == 0)
            print = true;
        else if (strcmp(argv[i], "--address") == 0 && i + 1 < argc)
            address = argv[++i];
        else if (argv[i][0] == '-' || host)
            return command_usage("deploy", "'%s' is not expected", argv[i]);
        else
            host = argv[i];
    }
    if (!host || !print)
        return command_usage("deploy", "name the host, with --print");
    if (!host_name_good(slice_string(host)))
        return command_usage("deploy", "'%s' is no host name: lower-case letters, digits, hyphens and dots", host);
    struct issuer issuer = {.expires_us = context->now_us + TOKEN_LIFE_US, .uses = 1};
    struct collector_settings settings;
    struct fault fault = {0};
    char token[TOKEN_TEXT_SIZE], own[300], name[256];
    if (!settings_file_read(collector_settings_table(), context->site, "collector", &settings, &fault))
        return command_fail("deploy", &fault);
    site_host_name(name);
    snprintf(own, sizeof own, "%s:%u", name, settings.listen.port);
    settings_release(collector_settings_table(), &settings);
    if (!open_issuer(context, &issuer, &fault) ||
        !token_issue(issuer.tokens, host, issuer.expires_us, 1, issuer.pin, token, &fault))
        return command_fail("deploy", &fault);
    printf("apt-get install -y ./tocsin-agent_" TOCSIN_VERSION "_$(dpkg --print-architecture).deb\n"
           "tocsin-agent --join %s --token %s && systemctl enable --now tocsin-agent\n",
           address ? address : own, token);
    return EXIT_GOOD;
}

/* A webhook: the alert as JSON, POSTed. */
#include <stdio.h>
#include <stdlib.h>

#include "delivery_kinds.h"
#include "http_client.h"
#include "memory.h"

struct webhook {
    const struct collector_webhook_settings *settings;
    struct http_client *client;
    char *headers[HTTP_CLIENT_HEADERS_MOST + 1];
};

static void destroy(void *state) {
    struct webhook *webhook = state;
    http_client_destroy(webhook->client);
    for (size_t i = 0; webhook->headers[i]; i++)
        free(webhook->headers[i]);
    free(webhook);
}

static void add_header(struct webhook *webhook, size_t *count, const char *name, const char *value) {
    if (*count == HTTP_CLIENT_HEADERS_MOST)
        return;
    size_t size = strlen(name) + strlen(value) + 3;
    char *line = memory_new(size);
    snprintf(line, size, "%s: %s", name, value);
    webhook->headers[(*count)++] = line;
}

/* The URL's host, without what may be secret beside it: who logs in, path and query. */
static struct slice host_of(const char *url) {
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    struct slice authority = slice_make(host, strcspn(host, "/?#\\"));
    for (size_t at; (at = slice_find_byte(authority, '@')) != SIZE_MAX;)
        authority = slice_from(authority, at + 1);
    return authority;
}

/* Names tell channels apart in the outbox: a further one to the same host has a number. */
static void make_name(const struct collector_webhook_settings *all, size_t number, char *ret_name, size_t name_size) {
    struct slice host = host_of(all[number].url);
    unsigned same = 1;
    for (size_t i = 0; i < number; i++)
        same += slice_equal(host_of(all[i].url), host);
    if (same == 1)
        snprintf(ret_name, name_size, "webhook:%.*s", SLICE_ARG(host));
    else
        snprintf(ret_name, name_size, "webhook:%.*s#%u", SLICE_ARG(slice_head(host, 200)), same);
}

static void *create(const struct collector_settings *settings, size_t number, char *ret_name, size_t name_size,
                    struct fault *fault) {
    const struct collector_webhook_settings *all = settings->webhooks.items;
    struct webhook *webhook = memory_new(sizeof *webhook);
    webhook->settings = &all[number];
    size_t count = 0;
    add_header(webhook, &count, "Content-Type", "application/json");
    for (size_t i = 0; i < webhook->settings->headers.count; i++)
        add_header(webhook, &count, webhook->settings->headers.items[i].name, webhook->settings->headers.items[i].value);
    struct http_client_settings client = {.authorities_path = webhook->settings->ca,
                                          .timeout_us = webhook->settings->timeout_us};
    webhook->client = http_client_create(&client, fault);
    make_name(all, number, ret_name, name_size);
    if (webhook->client)
        return webhook;
    destroy(webhook);
    return NULL;
}

static bool post(void *state, const struct notice *notice, bool *ret_permanent, struct fault *fault) {
    struct webhook *webhook = state;
    return http_client_post(webhook->client, webhook->settings->url, (const char *const *)webhook->headers,
                            notice->json, NULL, ret_permanent, fault);
}

const struct delivery_kind delivery_webhook = {create, post, destroy};

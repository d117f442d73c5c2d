/* tocsin test-alert: one notice through every channel, now. */
#include <inttypes.h>
#include <stdio.h>

#include "collector_settings.h"
#include "command.h"
#include "delivery.h"
#include "settings_file.h"
#include "site.h"

static bool send_one(const struct command_context *context, const struct collector_settings *settings, size_t number) {
    char host[256], id[64], json[512];
    struct fault fault = {0};
    bool permanent;
    site_host_name(host);
    snprintf(id, sizeof id, "test-%" PRIu64, context->now_us);
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"rule\":{\"title\":\"A test alert\"},\"severity\":\"1\",\"priority\":\"review\","
             "\"host\":{\"name\":\"%s\"},\"why\":\"tocsin test-alert\"}",
             id, host);
    struct notice notice = {slice_string(id), SLICE("Tocsin: a test alert"),
                            SLICE("This is a test of Tocsin's alerts. If you can read it, the channel works.\n"),
                            slice_string(json), context->now_us, false};
    struct delivery *delivery = delivery_create(settings, number, &fault);
    bool good = delivery && delivery_send(delivery, &notice, &permanent, &fault);
    char line[FAULT_LINE_SIZE];
    if (context->json)
        printf("{\"channel\":\"%s\",\"delivered\":%s}\n", delivery ? delivery_name(delivery) : "", good ? "true" : "false");
    else
        printf("%s: %s\n", delivery ? delivery_name(delivery) : "a channel", good ? "delivered" : fault_line(&fault, line));
    delivery_destroy(delivery);
    return good;
}

int command_test_alert(const struct command_context *context, int argc, char **argv) {
    struct collector_settings settings;
    struct fault fault = {0};
    if (argc > 1)
        return command_usage("test-alert", "'%s' is not expected", argv[1]);
    if (!settings_file_read(collector_settings_table(), context->site, "collector", &settings, &fault))
        return command_fail("test-alert", &fault);
    size_t count = delivery_count(&settings), failed = 0;
    for (size_t i = 0; i < count; i++)
        failed += !send_one(context, &settings, i);
    settings_release(collector_settings_table(), &settings);
    if (count == 0) {
        fault_set(&fault, FAULT_USAGE, "%s/collector.yaml names no channel yet: set mail or webhooks", context->site);
        return command_fail("test-alert", &fault);
    }
    return failed ? EXIT_FINDING : EXIT_GOOD;
}

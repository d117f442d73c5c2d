#include "delivery.h"

#include <stdio.h>
#include <stdlib.h>

#include "delivery_kinds.h"
#include "memory.h"

struct delivery {
    const struct delivery_kind *kind;
    void *state;
    char name[256];
};

size_t delivery_count(const struct collector_settings *settings) {
    return (settings->mail.server.host ? 1u : 0u) + settings->webhooks.count;
}

struct delivery *delivery_create(const struct collector_settings *settings, size_t number, struct fault *fault) {
    bool mail = settings->mail.server.host != NULL;
    struct delivery *delivery = memory_new(sizeof *delivery);
    delivery->kind = mail && number == 0 ? &delivery_mail : &delivery_webhook;
    delivery->state = delivery->kind->create(settings, number - (mail ? 1 : 0), delivery->name,
                                             sizeof delivery->name, fault);
    if (delivery->state)
        return delivery;
    free(delivery);
    return NULL;
}

struct delivery *delivery_destroy(struct delivery *delivery) {
    if (delivery) {
        delivery->kind->destroy(delivery->state);
        free(delivery);
    }
    return NULL;
}

const char *delivery_name(const struct delivery *delivery) { return delivery->name; }

bool delivery_send(struct delivery *delivery, const struct notice *notice, bool *ret_permanent, struct fault *fault) {
    return delivery->kind->send(delivery->state, notice, ret_permanent, fault);
}

/* What a channel is made of. Private to delivery. */
#ifndef TOCSIN_DELIVERY_KINDS_H
#define TOCSIN_DELIVERY_KINDS_H

#include "delivery.h"

struct delivery_kind {
    /* `number` counts within the kind. */
    void *(*create)(const struct collector_settings *settings, size_t number, char *ret_name, size_t name_size,
                    struct fault *fault);
    bool (*send)(void *state, const struct notice *notice, bool *ret_permanent, struct fault *fault);
    void (*destroy)(void *state);
};

extern const struct delivery_kind delivery_mail, delivery_webhook;

#endif

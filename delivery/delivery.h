/* Handing a notice to people: the channels (mail, webhook) behind one call. The collector's outbox and `tocsin test-alert`
 * use the same.
 *
 * A delivery blocks: it belongs to one thread. To add a channel: a file with its two functions and a row in the table. */
#ifndef TOCSIN_DELIVERY_H
#define TOCSIN_DELIVERY_H

#include "collector_settings.h"
#include "fault.h"
#include "slice.h"

struct notice {
    struct slice id;      /* the alert's: makes the message's id, so that one sent twice is known by it */
    struct slice subject; /* one line, UTF-8 */
    struct slice text;    /* for people */
    struct slice json;    /* the alert, for machines */
    uint64_t time_us;
    bool urgent;          /* priority page */
};

struct delivery;

/* How many channels the settings name: mail counts as one, each webhook as one. */
size_t delivery_count(const struct collector_settings *settings);
/* The channel of that number. Settings are borrowed. */
struct delivery *delivery_create(const struct collector_settings *settings, size_t number, struct fault *fault);
struct delivery *delivery_destroy(struct delivery *delivery); /* returns NULL */

/* "mail", "webhook:HOST", "webhook:HOST#2": stands in the outbox, so it stays the same over restarts. */
const char *delivery_name(const struct delivery *delivery);
/* ret_permanent on failure alone: trying again cannot help. */
bool delivery_send(struct delivery *delivery, const struct notice *notice, bool *ret_permanent, struct fault *fault);

#endif

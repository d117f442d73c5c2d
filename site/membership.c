#include "membership.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "encoding.h"
#include "files.h"

#define TEXT_MOST 8192u

/* ---- who is in it */

void membership_set_keys(struct membership *membership, const uint8_t public_key[32]) {
    memcpy(membership->key, public_key, 32);
    memcpy(membership->first_key, public_key, 32);
    membership->epoch = 0;
    membership->has_keys = true;
}

const struct membership_collector *membership_find(const struct membership *membership, const uint8_t pin[32],
                                                   const char *address) {
    for (size_t i = 0; i < membership->count; i++) {
        const struct membership_collector *collector = &membership->collectors[i];
        if ((pin && memcmp(collector->pin, pin, 32) == 0) || strcmp(collector->address, address) == 0)
            return collector;
    }
    return NULL;
}

bool membership_add(struct membership *membership, struct membership_collector *collector,
                    struct fault *fault) {
    size_t at = 0;
    while (at < membership->count && membership->collectors[at].number == at)
        at++;
    if (at == MEMBERSHIP_COLLECTORS_MOST)
        return fault_set(fault, FAULT_LIMIT,
                         "this host has joined %u collectors, which is the most it may have",
                         MEMBERSHIP_COLLECTORS_MOST);
    memmove(membership->collectors + at + 1, membership->collectors + at,
            (membership->count - at) * sizeof *membership->collectors);
    collector->number = (unsigned)at;
    membership->collectors[at] = *collector;
    membership->count++;
    return true;
}

void membership_remove(struct membership *membership, unsigned number) {
    for (size_t i = 0; i < membership->count; i++) {
        if (membership->collectors[i].number != number)
            continue;
        membership->count--;
        memmove(membership->collectors + i, membership->collectors + i + 1,
                (membership->count - i) * sizeof *membership->collectors);
        return;
    }
}

/* The address that the settings have for it, in the same words. */
static const char *find_address(const char *const *addresses, size_t count, const char *address) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(addresses[i], address) == 0)
            return addresses[i];
    return NULL;
}

bool membership_match(const struct membership *membership, const char *const *addresses, size_t count,
                      const char *ret_of[MEMBERSHIP_COLLECTORS_MOST], const char **ret_not_joined,
                      struct fault *fault) {
    size_t moved = 0, strangers = 0, which = 0;
    *ret_not_joined = NULL;
    for (size_t i = 0; i < membership->count; i++) {
        ret_of[i] = find_address(addresses, count, membership->collectors[i].address);
        if (ret_of[i])
            continue;
        moved++;
        which = i;
    }
    for (size_t i = 0; i < count; i++)
        if (!membership_find(membership, NULL, addresses[i])) {
            *ret_not_joined = addresses[i];
            strangers++;
        }
    if (!moved || !strangers)
        return true;
    if (moved > 1 || strangers > 1)
        return fault_set(
            fault, FAULT_USAGE,
            "several addresses in the setting collector are others than those that this host has joined "
            "(%s was one): change one at a time, or join the new ones",
            membership->collectors[which].address);
    ret_of[which] = *ret_not_joined;
    *ret_not_joined = NULL;
    return true;
}

/* ---- its text */

bool membership_write(const char *path, const struct membership *membership, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(TEXT_MOST);
    char hex[65], hex_too[65];
    buffer_printf(&text, "host %s\ncollectors %zu\n", membership->host, membership->count);
    if (membership->has_keys) {
        encoding_hex(membership->key, 32, hex);
        encoding_hex(membership->first_key, 32, hex_too);
        buffer_printf(&text, "epoch %" PRIu32 "\nkey %s\nfirst_key %s\n", membership->epoch, hex, hex_too);
    }
    for (size_t i = 0; i < membership->count; i++) {
        const struct membership_collector *collector = &membership->collectors[i];
        encoding_hex(collector->pin, 32, hex);
        encoding_hex(collector->log_key, 32, hex_too);
        buffer_printf(&text, "collector %u\naddress %s\norigin %s\npin %s\nlog_key %s\nheartbeat_s %u\n",
                      collector->number, collector->address, collector->origin, hex, hex_too,
                      collector->heartbeat_s);
    }
    return files_write(path, buffer_slice(&text), 0600, fault);
}

static bool take_text(struct slice value, char *to, size_t size) {
    return value.size && (size_t)snprintf(to, size, "%.*s", SLICE_ARG(value)) < size;
}

/* "collector N": numbers ascend. */
static bool begin_collector(struct membership *membership, struct slice value) {
    uint64_t number;
    size_t count = membership->count;
    if (!slice_decimal(value, &number) || number >= MEMBERSHIP_COLLECTORS_MOST ||
        (count && number <= membership->collectors[count - 1].number))
        return false;
    membership->collectors[count] = (struct membership_collector){.number = (unsigned)number};
    membership->count++;
    return true;
}

static bool take_collectors_line(struct membership_collector *collector, struct slice name,
                                 struct slice value) {
    uint64_t number;
    if (slice_equal(name, SLICE("address")))
        return take_text(value, collector->address, sizeof collector->address);
    if (slice_equal(name, SLICE("origin")))
        return take_text(value, collector->origin, sizeof collector->origin);
    if (slice_equal(name, SLICE("pin")))
        return encoding_unhex(value, collector->pin, 32);
    if (slice_equal(name, SLICE("log_key")))
        return encoding_unhex(value, collector->log_key, 32);
    if (!slice_equal(name, SLICE("heartbeat_s")) || !slice_decimal(value, &number) || !number ||
        number > 86400)
        return false;
    collector->heartbeat_s = (unsigned)number;
    return true;
}

static bool take_line(struct membership *membership, uint64_t *expected, struct slice name,
                      struct slice value) {
    uint64_t number;
    if (slice_equal(name, SLICE("collector")))
        return begin_collector(membership, value);
    if (membership->count)
        return take_collectors_line(&membership->collectors[membership->count - 1], name, value);
    if (slice_equal(name, SLICE("collectors")) && slice_decimal(value, &number)) {
        *expected = number;
        return true;
    }
    if (slice_equal(name, SLICE("host")))
        return take_text(value, membership->host, sizeof membership->host);
    if (slice_equal(name, SLICE("key")))
        return encoding_unhex(value, membership->key, 32);
    if (slice_equal(name, SLICE("first_key")))
        return membership->has_keys = encoding_unhex(value, membership->first_key, 32);
    if (!slice_equal(name, SLICE("epoch")) || !slice_decimal(value, &number) || number >= UINT32_MAX)
        return false;
    membership->epoch = (uint32_t)number;
    return true;
}

/* A file that was cut is no membership: without the pin the agent would not know whom it talks to. */
static bool is_complete(const struct membership *membership) {
    static const uint8_t none[32];
    bool whole = membership->host[0] && membership->count &&
                 (!membership->has_keys || memcmp(membership->key, none, 32) != 0);
    for (size_t i = 0; i < membership->count; i++) {
        const struct membership_collector *collector = &membership->collectors[i];
        whole = whole && collector->address[0] && collector->origin[0] && collector->heartbeat_s &&
                memcmp(collector->pin, none, 32) != 0 && memcmp(collector->log_key, none, 32) != 0;
    }
    return whole;
}

bool membership_read(const char *path, struct membership *ret_membership, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(TEXT_MOST);
    return files_read(path, &text, fault) &&
           membership_parse(buffer_slice(&text), path, ret_membership, fault);
}

bool membership_parse(struct slice text, const char *path, struct membership *ret_membership,
                      struct fault *fault) {
    struct membership membership = {0};
    struct slice rest = text;
    uint64_t expected = 0;
    for (unsigned line = 1; rest.size; line++) {
        size_t end = slice_find_byte(rest, '\n');
        struct slice this = slice_head(rest, end);
        size_t blank = slice_find_byte(this, ' ');
        if (end == SIZE_MAX || blank == SIZE_MAX ||
            !take_line(&membership, &expected, slice_head(this, blank), slice_from(this, blank + 1)))
            return fault_set(fault, FAULT_FORMAT, "%s:%u cannot be read; join again to write it anew", path,
                             line);
        rest = slice_from(rest, end + 1);
    }
    if (!is_complete(&membership) || membership.count != expected)
        return fault_set(fault, FAULT_FORMAT, "%s is incomplete; join again to write it anew", path);
    *ret_membership = membership;
    return true;
}

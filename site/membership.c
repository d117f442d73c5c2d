#include "membership.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "encoding.h"
#include "files.h"

bool membership_write(const char *path, const struct membership *membership, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(4096);
    char pin[65], log_key[65];
    encoding_hex(membership->pin, 32, pin);
    encoding_hex(membership->log_key, 32, log_key);
    buffer_printf(&text, "host %s\naddress %s\norigin %s\npin %s\nlog_key %s\nheartbeat_s %u\n", membership->host,
                  membership->address, membership->origin, pin, log_key, membership->heartbeat_s);
    if (membership->has_keys) {
        char key[65], first_key[65];
        encoding_hex(membership->key, 32, key);
        encoding_hex(membership->first_key, 32, first_key);
        buffer_printf(&text, "epoch %" PRIu32 "\nkey %s\nfirst_key %s\n", membership->epoch, key, first_key);
    }
    return files_write(path, buffer_slice(&text), 0600, fault);
}

void membership_set_keys(struct membership *membership, const uint8_t public_key[32]) {
    memcpy(membership->key, public_key, 32);
    memcpy(membership->first_key, public_key, 32);
    membership->epoch = 0;
    membership->has_keys = true;
}

static bool take_line(struct membership *membership, struct slice name, struct slice value) {
    struct {
        const char *name;
        char *to;
        size_t size;
    } texts[] = {{"host", membership->host, sizeof membership->host},
                 {"address", membership->address, sizeof membership->address},
                 {"origin", membership->origin, sizeof membership->origin}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (slice_equal(name, slice_string(texts[i].name)))
            return value.size && (size_t)snprintf(texts[i].to, texts[i].size, "%.*s", SLICE_ARG(value)) < texts[i].size;
    if (slice_equal(name, SLICE("pin")))
        return encoding_unhex(value, membership->pin, 32);
    if (slice_equal(name, SLICE("log_key")))
        return encoding_unhex(value, membership->log_key, 32);
    if (slice_equal(name, SLICE("key")))
        return encoding_unhex(value, membership->key, 32);
    if (slice_equal(name, SLICE("first_key")))
        return membership->has_keys = encoding_unhex(value, membership->first_key, 32);
    uint64_t number;
    if (slice_equal(name, SLICE("epoch")) && slice_decimal(value, &number) && number < UINT32_MAX) {
        membership->epoch = (uint32_t)number;
        return true;
    }
    if (slice_equal(name, SLICE("heartbeat_s")) && slice_decimal(value, &number) && number && number <= 86400) {
        membership->heartbeat_s = (unsigned)number;
        return true;
    }
    return false;
}

/* A file that was cut is no membership: without the pin the agent would not know whom it talks to. */
static bool is_complete(const struct membership *membership) {
    static const uint8_t none[32];
    return membership->host[0] && membership->address[0] && membership->origin[0] && membership->heartbeat_s &&
           memcmp(membership->pin, none, 32) != 0 && memcmp(membership->log_key, none, 32) != 0 &&
           (!membership->has_keys || memcmp(membership->key, none, 32) != 0);
}

bool membership_read(const char *path, struct membership *ret_membership, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(4096);
    return files_read(path, &text, fault) && membership_parse(buffer_slice(&text), path, ret_membership, fault);
}

bool membership_parse(struct slice text, const char *path, struct membership *ret_membership, struct fault *fault) {
    struct membership membership = {0};
    struct slice rest = text;
    for (unsigned line = 1; rest.size; line++) {
        size_t end = slice_find_byte(rest, '\n');
        struct slice this = slice_head(rest, end);
        size_t blank = slice_find_byte(this, ' ');
        if (end == SIZE_MAX || blank == SIZE_MAX ||
            !take_line(&membership, slice_head(this, blank), slice_from(this, blank + 1)))
            return fault_set(fault, FAULT_FORMAT, "%s:%u cannot be read; join again to write it anew", path, line);
        rest = slice_from(rest, end + 1);
    }
    if (!is_complete(&membership))
        return fault_set(fault, FAULT_FORMAT, "%s is incomplete; join again to write it anew", path);
    *ret_membership = membership;
    return true;
}

#include "probe_target.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "slice.h"

static const struct {
    const char *scheme;
    uint16_t port;
    bool tls;
} schemes[] = {{"http://", 80, false}, {"https://", 443, true}};

static bool is_numeric(const char *host) {
    uint8_t bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* A host name is letters, digits, '-', '_' and '.'; an address of IPv6 has colons besides. */
static bool host_good(const char *host) {
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:%";
    return *host && strspn(host, good) == strlen(host) && (!strchr(host, ':') || is_numeric(host));
}

static bool split(struct slice authority, struct probe_target *target, struct slice *ret_port) {
    struct slice host = authority, port = SLICE("");
    if (authority.size && authority.data[0] == '[') {
        size_t close = slice_find_byte(authority, ']');
        if (close == SIZE_MAX)
            return false;
        host = slice_head(slice_from(authority, 1), close - 1);
        struct slice rest = slice_from(authority, close + 1);
        if (rest.size && rest.data[0] != ':')
            return false;
        port = slice_from(rest, 1);
    } else {
        size_t colon = slice_find_byte(authority, ':');
        if (colon != SIZE_MAX) {
            host = slice_head(authority, colon);
            port = slice_from(authority, colon + 1);
            if (slice_find_byte(port, ':') != SIZE_MAX) { /* an address of IPv6 alone */
                host = authority;
                port = SLICE("");
            }
        }
    }
    *ret_port = port;
    return host.size < sizeof target->host &&
           snprintf(target->host, sizeof target->host, "%.*s", SLICE_ARG(host)) == (int)host.size &&
           host_good(target->host);
}

bool probe_target_parse(const char *text, uint16_t port, struct probe_target *ret_target,
                        struct fault *fault) {
    struct probe_target target = {.port = port};
    struct slice authority = slice_string(text), digits;
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (slice_starts(authority, slice_string(schemes[i].scheme))) {
            authority = slice_from(authority, strlen(schemes[i].scheme));
            authority = slice_head(authority, strcspn((const char *)authority.data, "/?#"));
            target.url = true;
            target.tls = schemes[i].tls;
            target.port = schemes[i].port;
        }
    if (!target.url && strstr(text, "://"))
        return fault_set(fault, FAULT_USAGE, "target '%.100s': only http:// and https:// are asked", text);
    if (slice_find_byte(authority, '@') != SIZE_MAX)
        return fault_set(fault, FAULT_USAGE, "target '%.100s': leave user and password out", text);
    if (!split(authority, &target, &digits))
        return fault_set(
            fault, FAULT_USAGE,
            "target '%.100s' names no host: write http://ocsp.example.org/, mail.example.org:25 or "
            "[2001:db8::1]:443",
            text);
    if (digits.size && (!slice_decimal(digits, &number) || number == 0 || number > UINT16_MAX))
        return fault_set(fault, FAULT_USAGE, "target '%.100s': '%.*s' is no port", text, SLICE_ARG(digits));
    if (digits.size)
        target.port = (uint16_t)number;
    if (target.port == 0)
        return fault_set(fault, FAULT_USAGE, "target '%.100s' needs a port: write %.100s:PORT", text, text);
    target.numeric = is_numeric(target.host);
    *ret_target = target;
    return true;
}

void probe_target_address(const char *address, uint16_t port, char *ret_text, size_t size) {
    snprintf(ret_text, size, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, port);
}

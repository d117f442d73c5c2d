#include <arpa/inet.h>
#include <stdio.h>

#include "channel_private.h"

static bool channel_address_wrong(const char *text, const char *what, struct fault *fault) {
    fault_set(fault, FAULT_USAGE, "%s; an address is HOST:PORT, [IPV6]:PORT or unix:PATH", what);
    return fault_place(fault, "\"%.100s\"", text);
}

static bool channel_address_unix(const char *text, struct channel_address *address, struct fault *fault) {
    const char *path = text + strlen("unix:");
    if (!*path)
        return channel_address_wrong(text, "the socket's path is missing", fault);
    if (strlen(path) >= sizeof address->path.sun_path) {
        fault_set(fault, FAULT_LIMIT, "a socket's path has at most %zu bytes",
                  sizeof address->path.sun_path - 1);
        return fault_place(fault, "\"%.120s\"", text);
    }
    address->is_unix = true;
    address->path.sun_family = AF_UNIX;
    strcpy(address->path.sun_path, path);
    return true;
}

bool channel_address_parse(const char *text, struct channel_address *ret_address, struct fault *fault) {
    struct channel_address address = {0};
    if (!text)
        return fault_set(fault, FAULT_USAGE, "an address is missing");
    if (strncmp(text, "unix:", 5) == 0) {
        if (!channel_address_unix(text, &address, fault))
            return false;
        *ret_address = address;
        return true;
    }
    const char *colon = strrchr(text, ':');
    if (!colon)
        return channel_address_wrong(text, "the port is missing", fault);
    uint64_t port;
    if (!slice_decimal(slice_string(colon + 1), &port) || port > 65535)
        return channel_address_wrong(text, "the port is not a number from 0 to 65535", fault);
    struct slice host = slice_make(text, (size_t)(colon - text));
    bool bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (bracketed)
        host = slice_make(host.data + 1, host.size - 2);
    else if (slice_find_byte(host, ':') != SIZE_MAX)
        return channel_address_wrong(text, "an IPv6 address stands in brackets", fault);
    if (host.size >= sizeof address.host || slice_find_byte(host, '[') != SIZE_MAX)
        return channel_address_wrong(text, "the host's name is none", fault);
    snprintf(address.port, sizeof address.port, "%u", (unsigned)port);
    if (!slice_equal(host, SLICE("*")))
        snprintf(address.host, sizeof address.host, "%.*s", SLICE_ARG(host));
    *ret_address = address;
    return true;
}

void channel_address_text(const struct sockaddr *address, char ret_text[CHANNEL_ADDRESS_SIZE]) {
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
        uint16_t port = ntohs(six->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(
                &six->sin6_addr)) { /* who came over a socket of both kinds is still an IPv4 peer */
            inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, host, sizeof host);
            snprintf(ret_text, CHANNEL_ADDRESS_SIZE, "%s:%u", host, port);
        } else {
            inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
            snprintf(ret_text, CHANNEL_ADDRESS_SIZE, "[%s]:%u", host, port);
        }
    } else if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(ret_text, CHANNEL_ADDRESS_SIZE, "%s:%u", host, ntohs(four->sin_port));
    } else {
        snprintf(ret_text, CHANNEL_ADDRESS_SIZE, "?");
    }
}

bool channel_address_is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    }
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

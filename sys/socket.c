#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket_private.h"

bool socket_connect(const char *address, uint16_t port, int type, int *ret_socket, struct fault *fault) {
    const struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &found) != 0)
        return fault_set(fault, FAULT_USAGE, "'%.64s' is no numeric address", address);
    int made = socket(found->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool good = made >= 0 && (connect(made, found->ai_addr, found->ai_addrlen) == 0 || errno == EINPROGRESS);
    if (!good)
        fault_set_system(fault, made < 0 ? "no socket can be made" : "cannot connect");
    if (!good && made >= 0)
        close(made);
    freeaddrinfo(found);
    if (good)
        *ret_socket = made;
    return good;
}

/* Within sys alone: sockets to numeric addresses, for what probes ask. */
#ifndef TOCSIN_SOCKET_PRIVATE_H
#define TOCSIN_SOCKET_PRIVATE_H

#include "fault.h"

/* Connected, or on the way there (then it will be writable); non-blocking, closed on exec. `type`: SOCK_STREAM or
 * SOCK_DGRAM. `address`: "192.0.2.7", "2001:db8::1", "fe80::1%eth0". */
bool socket_connect(const char *address, uint16_t port, int type, int *ret_socket, struct fault *fault);

#endif

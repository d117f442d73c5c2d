/* The rest of an exchange with a signer, by a process of its own, where the one that began it ends before. */
#ifndef TOCSIN_CACERT_REST_H
#define TOCSIN_CACERT_REST_H

#include "cacert_client.h"
#include "serial.h"

/* Takes the line. The process outlives this one and its group, holds nothing but the line, and ends with the exchange, at the
 * client's bound at the latest. Where none can be made the exchange is broken off. The client stays the caller's. */
void cacert_rest_leave(struct serial *serial, struct cacert_client *client);

#endif

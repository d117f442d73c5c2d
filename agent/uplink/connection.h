/* The connection to a collector: connects, greets, sends what the spool holds, acknowledges into it, and does it all
 * again when the connection breaks. The protocol itself is core/wire/uplink.h; this gives it a channel and the spool.
 *
 * Waits between attempts: from 200 ms doubling to 30 s, a little different each time so that a thousand agents do not
 * come back at once; or as long as the collector says. */
#ifndef TOCSIN_CONNECTION_H
#define TOCSIN_CONNECTION_H

#include "channel.h"
#include "lanes.h"
#include "uplink.h"
#include "watching.h"

struct connection;

struct connection_settings {
    struct loop *loop;
    struct lanes *lanes;
    unsigned collector;        /* its number there */
    struct watching *watching; /* what it makes of checkpoints */
    const char *address; /* HOST:PORT */
    const struct tls_identity *identity;
    const uint8_t *pin; /* the collector's TLS key hash, 32 bytes */
    uint8_t boot_id[16];
    void *context;
    uint64_t (*lag)(void *context);  /* bytes that sources have not read yet; asked every second */
    void (*answered)(void *context); /* to connection_rotate */
};

/* Settings are borrowed for its life. */
struct connection *connection_start(const struct connection_settings *settings);
struct connection *connection_stop(struct connection *connection);

/* Something new is in the spool. */
void connection_flushed(struct connection *connection);
/* For connections from now on, and told to the collector first over the present one. */
void connection_set_identity(struct connection *connection, const struct tls_identity *identity);

/* The next signing key, told over this connection and every later one until there is an answer. Its statement is copied.
 * `answered` is called when there is one; after it, and before the next one, the key is forgotten. */
void connection_rotate(struct connection *connection, const struct uplink_next_key *next);
/* The answer, told once: TAKEN or REFUSED; NONE while there is none. */
enum uplink_rotation connection_rotation(struct connection *connection);

/* How often a part may be signed; UINT64_MAX while not connected. */
uint64_t connection_pace_us(const struct connection *connection);
/* The lane whose batch the collector wants closed now; false for none. Each is told once. */
bool connection_wants_close(struct connection *connection, enum lane *ret_lane);
bool connection_is_ready(const struct connection *connection);
/* "connected to ADDRESS", or why not. */
const char *connection_describe(const struct connection *connection);

#endif

/* A stream of bytes to a peer: mutual TLS 1.3 over TCP, or plain over a UNIX socket (or TCP on loopback, for
 * metrics).
 *
 * Addresses: "HOST:PORT", "[IPV6]:PORT", "unix:PATH". With an identity the channel is TLS; without one it is
 * plain, which is refused for TCP addresses that are not loopback.
 *
 * Who the peer is: with TLS both sides must show a certificate. The connecting side pins the server's key
 * hash; another one closes the channel with FAULT_AUTH that names both. The listening side takes any key and
 * its caller decides, with channel_peer_key in `open`. Nothing of a certificate but its key is looked at.
 *
 * Callbacks run in the loop's turns: `open` once, then any number of `bytes` and `drain`, then `closed` once.
 * Any of them may be NULL but `closed`. A channel that never opens gets `closed` alone. Without fault (NULL)
 * the peer ended it in order. During `closed` the channel may still be asked for its address and key; after
 * it, the pointer is dead. After channel_close no callback comes and the pointer is dead at once. None is
 * called from inside channel_connect or channel_write.
 *
 * Writing: channel_write copies into the output queue, at most `output_most` bytes; over that it takes
 * nothing and returns false. What was written in one turn goes out at its end, together, in records of at
 * most 16 KiB; a turn that writes nothing costs nothing. `drain` comes when the queue, once over half of its
 * limit, has fallen under a quarter of it. An idle channel owns no buffers: about 20 kB with TLS, most of
 * them OpenSSL's. */
#ifndef TOCSIN_CHANNEL_H
#define TOCSIN_CHANNEL_H

#include "loop.h"
#include "slice.h"
#include "tls_identity.h"

struct channel;
struct channel_server;

#define CHANNEL_ADDRESS_SIZE 128u      /* of a text with its NUL */
#define CHANNEL_READ_MOST (64u * 1024) /* bytes handed over at a time */

struct channel_handlers {
    void (*open)(void *context, struct channel *channel);
    /* All bytes are taken; borrowed for the call. */
    void (*bytes)(void *context, struct channel *channel, struct slice bytes);
    void (*drain)(void *context, struct channel *channel);
    void (*closed)(void *context, struct channel *channel, const struct fault *fault);
};

/* Zero means the default. */
struct channel_limits {
    size_t output_most; /* bytes waiting to go out; CHANNEL_OUTPUT_MOST */
    uint64_t
        handshake_timeout_us;  /* look-up, connection and handshake together; CHANNEL_HANDSHAKE_TIMEOUT_US */
    uint64_t idle_timeout_us;  /* not a byte came in; UINT64_MAX for never, the default */
    uint64_t stall_timeout_us; /* output waits and the peer takes none of it; CHANNEL_STALL_TIMEOUT_US */
};
#define CHANNEL_OUTPUT_MOST (4u * 1024 * 1024)
#define CHANNEL_HANDSHAKE_TIMEOUT_US 10000000u
#define CHANNEL_STALL_TIMEOUT_US 60000000u

struct channel_settings {
    const char *address;
    const struct tls_identity *identity; /* NULL: plain */
    const uint8_t *server_key;           /* TLS_KEY_HASH_SIZE bytes; needed with an identity */
    struct channel_limits limits;
};

/* All settings are copied. The fault is for settings alone; a peer that isn't there comes as `closed`. */
struct channel *channel_connect(struct loop *loop, const struct channel_settings *settings,
                                const struct channel_handlers *handlers, void *context, struct fault *fault);
/* For what a server accepted, in its `open`, and whenever a channel changes hands. */
void channel_set_handlers(struct channel *channel, const struct channel_handlers *handlers, void *context);

bool channel_write(struct channel *channel, struct slice bytes);
size_t channel_pending_bytes(const struct channel *channel); /* written, not yet in the kernel's hands */
void channel_pause(
    struct channel *channel); /* no `bytes` from now on; at most CHANNEL_READ_MOST are held back */
void channel_resume(struct channel *channel); /* goes on in a later turn */

void channel_close(struct channel *channel); /* now; what waits is dropped. NULL is fine */
/* Sends what waits and ends in order, or gives up after the stall timeout; no callback comes, the pointer is
 * dead. */
void channel_finish(struct channel *channel);

/* "192.0.2.7:51234", "[2001:db8::1]:443", "unix:/run/x". Borrowed, lives as long as the channel. */
const char *channel_peer_address(const struct channel *channel);
const uint8_t *
channel_peer_key(const struct channel *channel); /* the key hash; NULL when plain or not open */
uint64_t channel_peer_expiry_us(const struct channel *channel); /* of its certificate; 0 when plain */
bool channel_peer_user(const struct channel *channel, uint32_t *ret_user); /* UNIX sockets alone */
/* Keying material of this very connection (RFC 8446, 7.5), the same on both sides. False when plain or not
 * open. */
bool channel_export_key(const struct channel *channel, const char *label, uint8_t ret_key[32]);
void *channel_context(const struct channel *channel);

struct channel_server_settings {
    const char *address; /* port 0: any; channel_server_address says which */
    const struct tls_identity *identity;
    unsigned mode; /* of a UNIX socket; 0 means 0600 */
    struct channel_limits limits;
    size_t connections_most; /* 0 means CHANNEL_CONNECTIONS_MOST; one more is closed at once */
    size_t handshakes_most;  /* 0 means CHANNEL_HANDSHAKES_MOST; more wait in the kernel's queue */
};
#define CHANNEL_CONNECTIONS_MOST 10000u
#define CHANNEL_HANDSHAKES_MOST 512u

struct channel_server_handlers {
    /* A peer is there and has shown its key: channel_set_handlers, or channel_close, before returning. */
    void (*open)(void *context, struct channel *channel);
    /* One that didn't get so far: not TLS, wrong version, no certificate, too slow, one too many. May be
     * NULL. */
    void (*failed)(void *context, const char *peer_address, const struct fault *fault);
};

/* A stale UNIX socket is replaced, one that answers is FAULT_BUSY. */
struct channel_server *channel_listen(struct loop *loop, const struct channel_server_settings *settings,
                                      const struct channel_server_handlers *handlers, void *context,
                                      struct fault *fault);
/* Stops listening; channels that are open go on. Those still shaking hands are closed. NULL. */
struct channel_server *channel_server_destroy(struct channel_server *server);
/* For connections from now on. */
void channel_server_set_identity(struct channel_server *server, const struct tls_identity *identity);
const char *channel_server_address(const struct channel_server *server);

struct channel_server_counts {
    size_t open;        /* now */
    size_t handshaking; /* now */
    uint64_t accepted, refused, failed;
};
struct channel_server_counts channel_server_counts(const struct channel_server *server);

#endif

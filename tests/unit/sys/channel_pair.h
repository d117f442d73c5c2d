/* A server and a client in one loop, and what each of them has seen. */
#ifndef TOCSIN_TEST_CHANNEL_PAIR_H
#define TOCSIN_TEST_CHANNEL_PAIR_H

#include "buffer.h"
#include "channel.h"

struct channel_end {
    struct channel *channel; /* NULL before and after its life */
    unsigned opened, closed, drains;
    struct buffer got;
    struct fault fault; /* FAULT_NONE: ended in order, if closed */
    bool echo;
    void (*on_bytes)(struct channel_end *end, struct slice bytes); /* instead of gathering */
};

struct channel_pair {
    struct loop *loop;
    struct tls_identity *server_identity, *client_identity;
    struct channel_server *listener;
    struct channel_end server, client;
    unsigned failed; /* connections that never opened at the server */
    struct fault failure;
    struct loop_timer *alarm;
    bool late;
};

#define PAIR_BYTES_MOST (64u << 20)

/* With both identities. `settings` without address and identity: 127.0.0.1, any port; NULL for all defaults. */
void pair_start(struct channel_pair *pair, struct channel_server_settings *settings);
/* The same over a UNIX socket, plain. */
void pair_start_unix(struct channel_pair *pair, const char *path);
/* The client, with the right pin and these limits (NULL: defaults). */
void pair_connect(struct channel_pair *pair, const struct channel_limits *limits);
void pair_connect_pinned(struct channel_pair *pair, const uint8_t *server_key);
/* Turns the loop until `done` says so; false after ten seconds. */
bool pair_run(struct channel_pair *pair, bool (*done)(const struct channel_pair *pair));
void pair_end(struct channel_pair *pair);

bool pair_both_open(const struct channel_pair *pair);
bool pair_both_closed(const struct channel_pair *pair);
bool pair_client_closed(const struct channel_pair *pair);
bool pair_server_closed(const struct channel_pair *pair);
bool pair_failed(const struct channel_pair *pair);

void end_attach(struct channel_end *end, struct channel *channel);
extern const struct channel_handlers end_handlers;

#endif

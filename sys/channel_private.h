/* Within sys alone: a channel's insides. channel.c moves bytes, channel_dial.c reaches a server, channel_server.c accepts,
 * channel_address.c reads addresses. */
#ifndef TOCSIN_CHANNEL_PRIVATE_H
#define TOCSIN_CHANNEL_PRIVATE_H

#include <sys/un.h>

#include "buffer.h"
#include "channel.h"
#include "loop_private.h"
#include "tls_private.h"

enum channel_state {
    CHANNEL_DIALLING, /* looking up, connecting */
    CHANNEL_SHAKING,  /* TLS handshake */
    CHANNEL_OPEN,
    CHANNEL_FINISHING, /* the caller has let go; output goes out */
    CHANNEL_LINGERING, /* all is out; waits for the peer's end, so that a reset does not eat what it has not read yet */
    CHANNEL_DEAD, /* handles are closing */
};

#define CHANNEL_LINGER_US 2000000u
#define CHANNEL_KEEPALIVE_SECONDS 60u

struct channel {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_timer_t timer;
    uv_write_t write; /* of `unsent` */
    struct loop_later later;
    struct loop *loop;
    struct channel_handlers handlers;
    void *context;
    struct tls_pump *tls;           /* NULL: plain */
    struct channel_dial *dial;      /* of the connecting side, until it is connected */
    struct channel_dial *abandoned; /* its requests are libuv's until the stream is closed */
    struct channel_server *server;
    struct channel *next, *previous; /* in one of the server's lists */
    struct channel *next_finishing, **previous_finishing;
    struct channel_limits limits;
    struct buffer queue; /* plaintext to go out, from queue_start on */
    size_t queue_start;
    struct buffer held; /* what was read but is not to be handed over yet */
    uint8_t *unsent;    /* what the kernel did not take at once; NULL when there is none */
    size_t unsent_size;
    struct fault *doom;                          /* a fault to be told in a later turn */
    uint64_t since_ms, received_ms, progress_ms; /* by the loop's clock */
    enum channel_state state;
    unsigned handles; /* not closed yet */
    bool stream_made, reading, paused, unfinished, was_high, is_unix, ended, was_open;
    char *peer_address;
};

struct channel_address {
    bool is_unix;
    char host[256]; /* empty: any */
    char port[8];
    struct sockaddr_un path;
};
bool channel_address_parse(const char *text, struct channel_address *ret_address, struct fault *fault);
void channel_address_text(const struct sockaddr *address, char ret_text[CHANNEL_ADDRESS_SIZE]);
bool channel_address_is_loopback(const struct sockaddr *address);

/* With a timer and no stream yet. */
struct channel *channel_new(struct loop *loop, const struct channel_limits *limits);
/* The stream is connected: TLS, or open at once. */
void channel_begin(struct channel *channel, SSL_CTX *context, bool server, const uint8_t *server_key);
/* Tells `closed`, or the server's `failed`, and lets go of all. NULL: an end in order. */
void channel_fail(struct channel *channel, const struct fault *fault);
void channel_timer_set(struct channel *channel);
void channel_stream_closed(uv_handle_t *handle);
uint64_t channel_now_ms(const struct channel *channel);

void channel_dial_start(struct channel *channel);  /* in a turn */
void channel_dial_again(struct channel *channel);  /* the stream of the last attempt is closed */
void channel_dial_forget(struct channel *channel); /* the channel dies */
void channel_dial_abandoned_free(struct channel *channel);
/* When the attempt under way is given up for the next address; UINT64_MAX for never. */
uint64_t channel_dial_deadline_ms(const struct channel *channel);
void channel_dial_late(struct channel *channel);

void channel_server_opened(struct channel *channel); /* tells the server's owner */
void channel_server_forget(struct channel *channel, const struct fault *fault);

#endif

/* Accepting: bounded in connections and in handshakes under way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel_private.h"
#include "memory.h"

#define CHANNEL_BACKLOG 4096 /* agents that come back all at once after a restart */

/* With no room for another handshake, one that is older than this makes room: an honest one takes milliseconds. Younger
 * ones are waited for, which a thousand agents coming back at once need. */
#define CHANNEL_HANDSHAKE_PATIENCE_MS 2000u

struct channel_server {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_timer_t timer; /* while one waits at the door */
    struct loop *loop;
    SSL_CTX *context;
    struct channel_limits limits;
    struct channel_server_handlers handlers;
    void *owner;
    size_t connections_most, handshakes_most;
    struct channel *oldest, *newest; /* shaking hands */
    struct channel *opened;          /* open, newest first */
    struct channel_server_counts counts;
    unsigned handles;
    bool waiting, dead;
    char address[CHANNEL_ADDRESS_SIZE];
};

/* --- the lists --- */

static void channel_server_add_shaking(struct channel_server *server, struct channel *channel) {
    channel->previous = server->newest;
    channel->next = NULL;
    if (server->newest)
        server->newest->next = channel;
    else
        server->oldest = channel;
    server->newest = channel;
    server->counts.handshaking++;
}

static void channel_server_add_open(struct channel_server *server, struct channel *channel) {
    channel->previous = NULL;
    channel->next = server->opened;
    if (server->opened)
        server->opened->previous = channel;
    server->opened = channel;
    server->counts.open++;
}

static void channel_server_unlink(struct channel_server *server, struct channel *channel) {
    if (channel->next)
        channel->next->previous = channel->previous;
    else if (server->newest == channel)
        server->newest = channel->previous;
    if (channel->previous)
        channel->previous->next = channel->next;
    else if (server->oldest == channel)
        server->oldest = channel->next;
    else
        server->opened = channel->next;
    channel->next = channel->previous = NULL;
    if (channel->was_open)
        server->counts.open--;
    else
        server->counts.handshaking--;
}

/* --- accepting --- */

static int channel_server_stream(struct channel_server *server, struct channel *channel) {
    int error = server->uv.handle.type == UV_NAMED_PIPE
                    ? uv_pipe_init(&server->loop->uv, &channel->uv.pipe, 0)
                    : uv_tcp_init(&server->loop->uv, &channel->uv.tcp);
    if (error)
        return error;
    channel->stream_made = true;
    channel->uv.handle.data = channel;
    return uv_accept(&server->uv.stream, &channel->uv.stream);
}

static char *channel_server_peer(const struct channel_server *server, struct channel *channel) {
    char text[CHANNEL_ADDRESS_SIZE];
    struct sockaddr_storage peer = {0};
    int size = sizeof peer;
    if (server->uv.handle.type == UV_NAMED_PIPE) {
        channel->is_unix = true;
        return memory_copy_string(server->address);
    }
    uv_tcp_nodelay(&channel->uv.tcp, 1);
    uv_tcp_keepalive(&channel->uv.tcp, 1, CHANNEL_KEEPALIVE_SECONDS);
    uv_tcp_getpeername(&channel->uv.tcp, (struct sockaddr *)&peer, &size);
    channel_address_text((const struct sockaddr *)&peer, text);
    return memory_copy_string(text);
}

static void channel_server_accept(struct channel_server *server) {
    struct channel *channel = channel_new(server->loop, &server->limits);
    channel->peer_address = memory_copy_string("?");
    if (channel_server_stream(server, channel)) { /* it has gone again */
        channel_close(channel);
        return;
    }
    free(channel->peer_address);
    channel->peer_address = channel_server_peer(server, channel);
    channel->state = CHANNEL_SHAKING;
    channel->server = server;
    channel_server_add_shaking(server, channel);
    server->counts.accepted++;
    if (server->counts.open + server->counts.handshaking > server->connections_most) {
        struct fault fault;
        server->counts.refused++;
        fault_set(&fault, FAULT_LIMIT, "%zu connections are open, and no more are allowed",
                  server->connections_most);
        channel_fail(channel, &fault);
        return;
    }
    channel_begin(channel, server->context, true, NULL);
}

static void channel_server_timer_due(uv_timer_t *timer);

/* Whether one more handshake may begin; if not, it waits in libuv until the oldest has had its time. */
static bool channel_server_has_room(struct channel_server *server) {
    if (server->counts.handshaking < server->handshakes_most)
        return true;
    uint64_t now = uv_now(&server->loop->uv);
    uint64_t patience = server->oldest->since_ms + CHANNEL_HANDSHAKE_PATIENCE_MS;
    if (now < patience) {
        server->waiting = true;
        uv_timer_start(&server->timer, channel_server_timer_due, patience - now, 0);
        return false;
    }
    struct fault fault;
    fault_set(&fault, FAULT_BUSY, "a slow handshake made room for another");
    fault_place(&fault, "%s", server->oldest->peer_address);
    channel_fail(server->oldest, &fault);
    return !server->dead;
}

static void channel_server_try(struct channel_server *server) {
    server->waiting = false;
    if (!server->dead && channel_server_has_room(server))
        channel_server_accept(server);
}

static void channel_server_timer_due(uv_timer_t *timer) {
    struct channel_server *server = timer->data;
    if (server->waiting)
        channel_server_try(server);
}

static void channel_server_connection(uv_stream_t *stream, int status) {
    struct channel_server *server = stream->data;
    if (status == 0)
        channel_server_try(server);
    else
        server->counts.refused++; /* out of descriptors, mostly */
}

/* One handshake less: whoever waits comes in, in a turn of its own, as we may be deep in someone's callback. */
static void channel_server_made_room(struct channel_server *server) {
    if (!server->dead && server->waiting)
        uv_timer_start(&server->timer, channel_server_timer_due, 0, 0);
}

void channel_server_opened(struct channel *channel) {
    struct channel_server *server = channel->server;
    channel->was_open = false;
    channel_server_unlink(server, channel);
    channel->was_open = true;
    channel_server_add_open(server, channel);
    channel_server_made_room(server);
    server->handlers.open(server->owner, channel);
    if (channel->state == CHANNEL_OPEN && !channel->handlers.closed)
        channel_close(channel); /* nobody wants it */
}

void channel_server_forget(struct channel *channel, const struct fault *fault) {
    struct channel_server *server = channel->server;
    if (!server)
        return;
    channel->server = NULL;
    channel_server_unlink(server, channel);
    if (!channel->was_open && fault) {
        server->counts.failed++;
        if (server->handlers.failed)
            server->handlers.failed(server->owner, channel->peer_address, fault);
    }
    channel_server_made_room(server);
}

/* --- listening --- */

/* False: someone answers there, or it is no socket. */
static bool channel_server_remove_stale(const struct channel_address *address, struct fault *fault) {
    struct stat status;
    if (lstat(address->path.sun_path, &status))
        return true;
    if (!S_ISSOCK(status.st_mode))
        return fault_set(fault, FAULT_CONFLICT, "something is there that is no socket");
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return fault_set_system(fault, "no socket can be made");
    int result = connect(descriptor, (const struct sockaddr *)&address->path, sizeof address->path);
    bool stale = result && (errno == ECONNREFUSED || errno == ENOENT);
    close(descriptor);
    if (!stale)
        return fault_set(fault, FAULT_BUSY, "another process listens there");
    unlink(address->path.sun_path);
    return true;
}

static bool channel_server_bind_unix(struct channel_server *server, const struct channel_address *address,
                                     unsigned mode, struct fault *fault) {
    uv_pipe_init(&server->loop->uv, &server->uv.pipe, 0);
    server->handles++;
    if (!channel_server_remove_stale(address, fault))
        return false;
    int error = uv_pipe_bind(&server->uv.pipe, address->path.sun_path);
    if (error)
        return loop_fault(fault, error, "the socket cannot be made");
    /* Nobody can connect before listen, so the mode is right from the first moment on. */
    if (chmod(address->path.sun_path, mode ? mode : 0600))
        return fault_set_system(fault, "the socket's mode cannot be set");
    return true;
}

static int channel_server_lookup(const struct channel_address *address, struct addrinfo **ret_found) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    const char *host = *address->host ? address->host : "::"; /* takes IPv4 as well */
    int error = getaddrinfo(host, address->port, &hints, ret_found);
    return error;
}

static int channel_server_bind_any4(struct channel_server *server, in_port_t port) {
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_ANY)};
    return uv_tcp_bind(&server->uv.tcp, (const struct sockaddr *)&any, 0);
}

static bool channel_server_bind_tcp(struct channel_server *server, const struct channel_address *address,
                                    struct fault *fault) {
    struct addrinfo *found;
    int error = channel_server_lookup(address, &found);
    if (error)
        return fault_set(fault, FAULT_USAGE, "the address to listen on cannot be found: %s",
                         gai_strerror(error));
    uv_tcp_init(&server->loop->uv, &server->uv.tcp);
    server->handles++;
    bool allowed = server->context || channel_address_is_loopback(found->ai_addr);
    error = allowed ? uv_tcp_bind(&server->uv.tcp, found->ai_addr, 0) : 0;
    struct sockaddr_in6 first = {0}; /* the port stands at the same place in both families */
    memcpy(&first, found->ai_addr, found->ai_addrlen < sizeof first ? found->ai_addrlen : sizeof first);
    freeaddrinfo(found);
    if (!allowed)
        return fault_set(fault, FAULT_USAGE, "without TLS it listens on loopback alone");
    if ((error == UV_EAFNOSUPPORT || error == UV_EADDRNOTAVAIL) && !*address->host)
        error = channel_server_bind_any4(server, first.sin6_port); /* a kernel without IPv6 */
    return !error || loop_fault(fault, error, "cannot listen there");
}

static bool channel_server_listen(struct channel_server *server, const struct channel_address *address,
                                  struct fault *fault) {
    server->uv.handle.data = server;
    int error = uv_listen(&server->uv.stream, CHANNEL_BACKLOG, channel_server_connection);
    if (error)
        return loop_fault(fault, error, "cannot listen there");
    struct sockaddr_storage own = {0};
    int size = sizeof own;
    if (!address->is_unix && uv_tcp_getsockname(&server->uv.tcp, (struct sockaddr *)&own, &size) == 0)
        channel_address_text((const struct sockaddr *)&own, server->address);
    else
        snprintf(server->address, sizeof server->address, "unix:%s", address->path.sun_path);
    return true;
}

static bool channel_server_start(struct channel_server *server,
                                 const struct channel_server_settings *settings, struct fault *fault) {
    struct channel_address address;
    if (!channel_address_parse(settings->address, &address, fault))
        return false;
    bool good = address.is_unix ? channel_server_bind_unix(server, &address, settings->mode, fault)
                                : channel_server_bind_tcp(server, &address, fault);
    return (good && channel_server_listen(server, &address, fault)) ||
           fault_place(fault, "%s", settings->address);
}

struct channel_server *channel_listen(struct loop *loop, const struct channel_server_settings *settings,
                                      const struct channel_server_handlers *handlers, void *context,
                                      struct fault *fault) {
    struct channel_server *server = memory_new(sizeof *server);
    server->loop = loop;
    server->limits = settings->limits;
    server->handlers = *handlers;
    server->owner = context;
    server->connections_most =
        settings->connections_most ? settings->connections_most : CHANNEL_CONNECTIONS_MOST;
    server->handshakes_most = settings->handshakes_most ? settings->handshakes_most : CHANNEL_HANDSHAKES_MOST;
    uv_timer_init(&loop->uv, &server->timer);
    uv_unref((uv_handle_t *)&server->timer);
    server->timer.data = server;
    server->handles = 1;
    if (settings->identity)
        channel_server_set_identity(server, settings->identity);
    if (channel_server_start(server, settings, fault))
        return server;
    return channel_server_destroy(server);
}

void channel_server_set_identity(struct channel_server *server, const struct tls_identity *identity) {
    SSL_CTX_free(server->context);
    server->context = tls_identity_context(identity, true);
    SSL_CTX_up_ref(server->context);
}

static void channel_server_closed(uv_handle_t *handle) {
    struct channel_server *server = handle->data;
    if (--server->handles)
        return;
    SSL_CTX_free(server->context);
    free(server);
}

struct channel_server *channel_server_destroy(struct channel_server *server) {
    if (!server)
        return NULL;
    server->dead = true;
    while (server->oldest)
        channel_close(server->oldest);
    while (server->opened) {
        struct channel *channel = server->opened;
        channel_server_unlink(server, channel);
        channel->server = NULL;
    }
    server->uv.handle.data = server;
    if (server->handles > 1)
        uv_close(&server->uv.handle, channel_server_closed);
    uv_close((uv_handle_t *)&server->timer, channel_server_closed);
    return NULL;
}

const char *channel_server_address(const struct channel_server *server) {
    return server->address;
}

struct channel_server_counts channel_server_counts(const struct channel_server *server) {
    return server->counts;
}

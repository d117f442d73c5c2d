#include "http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "memory.h"

#define BACKLOG 128
#define PEM_MOST (1024u * 1024)
#define SWEEP_US 1000000u
#define PEER_SIZE 64u
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* A connection, as long as the library has it. */
struct visit {
    struct visit *next, **previous;
    int descriptor;
    uint64_t since_us; /* its begin or its last answer; UINT64_MAX while the handler is at it */
};

struct http_server {
    struct MHD_Daemon *daemon;
    http_server_handler *handler;
    void *context;
    size_t body_most;
    uint64_t timeout_us;
    uint16_t port;
    atomic_ullong requests, refused;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t stopped;
    pthread_t sweeper;
    bool sweeping, stopping;
    struct visit *visits;
    size_t visit_count;
};

/* A request while it comes in. */
struct coming {
    struct buffer body;
    bool too_large;
};

/* ---- connections: whoever takes too long is shown out */

static void visit_begin(struct http_server *server, struct MHD_Connection *connection, void **place) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct visit *visit = memory_new(sizeof *visit);
    visit->descriptor = info ? info->connect_fd : -1;
    visit->since_us = clock_monotonic_us();
    pthread_mutex_lock(&server->mutex);
    visit->next = server->visits;
    visit->previous = &server->visits;
    if (visit->next)
        visit->next->previous = &visit->next;
    server->visits = visit;
    server->visit_count++;
    pthread_mutex_unlock(&server->mutex);
    *place = visit;
}

/* The library closes the descriptor after this call, so the sweeper never meets another's. */
static void visit_end(struct http_server *server, void **place) {
    struct visit *visit = *place;
    if (!visit)
        return;
    pthread_mutex_lock(&server->mutex);
    *visit->previous = visit->next;
    if (visit->next)
        visit->next->previous = visit->previous;
    server->visit_count--;
    pthread_mutex_unlock(&server->mutex);
    free(visit);
    *place = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        visit_begin(context, connection, place);
    else
        visit_end(context, place);
}

static void set_since(struct http_server *server, struct MHD_Connection *connection, uint64_t since_us) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct visit *visit = info ? info->socket_context : NULL;
    if (!visit)
        return;
    pthread_mutex_lock(&server->mutex);
    visit->since_us = since_us;
    pthread_mutex_unlock(&server->mutex);
}

static void sweep(struct http_server *server, uint64_t now_us) {
    for (struct visit *visit = server->visits; visit; visit = visit->next)
        if (visit->since_us < now_us && now_us - visit->since_us > server->timeout_us &&
            visit->descriptor >= 0) {
            shutdown(visit->descriptor, SHUT_RDWR);
            visit->since_us = now_us;
            atomic_fetch_add(&server->refused, 1);
        }
}

static void *sweep_until_stopped(void *context) {
    struct http_server *server = context;
    pthread_mutex_lock(&server->mutex);
    while (!server->stopping) {
        uint64_t until_us = clock_monotonic_us() + SWEEP_US;
        struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000 * 1000)};
        pthread_cond_timedwait(&server->stopped, &server->mutex, &until);
        sweep(server, clock_monotonic_us());
    }
    pthread_mutex_unlock(&server->mutex);
    return NULL;
}

/* ---- requests */

void http_answer_say(struct http_answer *answer, unsigned status, const char *text) {
    answer->status = status;
    answer->type = NULL;
    buffer_clear(&answer->body);
    buffer_append_string(&answer->body, text);
    buffer_append_string(&answer->body, "\n");
}

static void peer_text(struct MHD_Connection *connection, char ret_text[PEER_SIZE]) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    socklen_t size =
        address && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (!address || getnameinfo(address, size, ret_text, PEER_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(ret_text, PEER_SIZE, "?");
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct http_answer *answer) {
    if (answer->body.overflow)
        http_answer_say(answer, 500, "the answer is too large");
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body.size, answer->body.data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            answer->type ? answer->type : "text/plain; charset=utf-8");
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST");
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_request(struct http_server *server, struct MHD_Connection *connection,
                                      const char *method, const char *path, struct coming *coming) {
    char peer[PEER_SIZE];
    struct http_answer answer = {.status = 500, .body = BUFFER(HTTP_SERVER_ANSWER_MOST)};
    bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    bool known =
        head || strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    if (coming->too_large || !known || strlen(path) > HTTP_SERVER_PATH_MOST) {
        atomic_fetch_add(&server->refused, 1);
        http_answer_say(&answer,
                        coming->too_large ? 413u
                        : known           ? 414u
                                          : 405u,
                        coming->too_large ? "the request is too large"
                        : known           ? "the path is too long"
                                          : "only GET, HEAD and POST are known here");
    } else {
        struct http_request request = {head ? MHD_HTTP_METHOD_GET : method, path, buffer_slice(&coming->body),
                                       peer};
        peer_text(connection, peer);
        atomic_fetch_add(&server->requests, 1);
        set_since(server, connection, UINT64_MAX);
        server->handler(server->context, &request, &answer);
    }
    set_since(server, connection, clock_monotonic_us());
    enum MHD_Result result = send_answer(connection, &answer);
    buffer_free(&answer.body);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **place) {
    (void)version;
    struct http_server *server = context;
    struct coming *coming = *place;
    if (!coming) {
        coming = memory_new(sizeof *coming);
        coming->body = BUFFER(server->body_most);
        *place = coming;
        return MHD_YES;
    }
    if (*size == 0)
        return answer_request(server, connection, method, path, coming);
    /* What is too large is taken and dropped, within the time that a request has, so that the peer reads why. */
    if (!coming->too_large && !buffer_append(&coming->body, data, *size)) {
        coming->too_large = true;
        buffer_free(&coming->body);
    }
    *size = 0;
    return MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **place,
                         enum MHD_RequestTerminationCode code) {
    (void)code;
    struct coming *coming = *place;
    set_since(context, connection, clock_monotonic_us());
    if (!coming)
        return;
    buffer_free(&coming->body);
    free(coming);
    *place = NULL;
}

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list arguments) {
    (void)context;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '\n')
        text[--size] = '\0';
    log_debug("http: %s", text);
}

/* ---- start and stop */

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof four);
        return ntohl(four.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 six;
    memcpy(&six, address, sizeof six);
    return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
}

static int listen_at(const struct addrinfo *place, struct fault *fault) {
    const int on = 1;
    int descriptor = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        fault_set_system(fault, "no socket");
        return -1;
    }
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, place->ai_addr, place->ai_addrlen) == 0 && listen(descriptor, BACKLOG) == 0)
        return descriptor;
    fault_set_system(fault, "cannot listen there");
    close(descriptor);
    return -1;
}

static int open_socket(const struct http_server_settings *settings, struct fault *fault) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[8];
    int descriptor = -1;
    snprintf(port, sizeof port, "%u", settings->port);
    int error = getaddrinfo(settings->host, port, &hints, &found);
    if (error != 0)
        fault_set(fault, FAULT_USAGE, "%s is no address of this machine: %s", settings->host,
                  gai_strerror(error));
    else if (!settings->certificate_path && !is_loopback(found->ai_addr))
        fault_set(
            fault, FAULT_USAGE,
            "%s is not loopback: without a certificate only loopback is served (tls.certificate, tls.key)",
            settings->host);
    else
        descriptor = listen_at(found, fault);
    if (found)
        freeaddrinfo(found);
    return descriptor;
}

static uint16_t bound_port(int descriptor) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    getsockname(descriptor, (struct sockaddr *)&address, &size);
    struct sockaddr_in6 six;
    struct sockaddr_in four;
    memcpy(&six, &address, sizeof six);
    memcpy(&four, &address, sizeof four);
    return ntohs(address.ss_family == AF_INET6 ? six.sin6_port : four.sin_port);
}

/* As a string, for the library; empty without TLS. */
static bool read_pem(const char *path, struct buffer *to, struct fault *fault) {
    if (path && !files_read(path, to, fault))
        return false;
    return !path || slice_find(buffer_slice(to), SLICE("-----BEGIN ")) != SIZE_MAX ||
           (fault_set(fault, FAULT_FORMAT, "this is no PEM file"), fault_place(fault, "%s", path));
}

static bool start_daemon(struct http_server *server, int descriptor, const char *certificate, const char *key,
                         struct fault *fault) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, memory_copy_string(certificate)},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, memory_copy_string(key)},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, memory_copy_string(PRIORITIES)},
                                   {MHD_OPTION_END, 0, NULL}};
    bool secure = *certificate != '\0';
    server->daemon = MHD_start_daemon(
        secure ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, NULL, MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_THREAD_POOL_SIZE, HTTP_SERVER_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, HTTP_SERVER_CONNECTIONS_MOST, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        HTTP_SERVER_PEER_CONNECTIONS_MOST, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_SERVER_HEAD_MOST,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(server->timeout_us / 1000000) + 1,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, secure ? tls : none, MHD_OPTION_END);
    for (size_t i = 0; i < 3; i++) {
        memory_wipe(tls[i].ptr_value, strlen(tls[i].ptr_value));
        free(tls[i].ptr_value);
    }
    if (server->daemon)
        return true;
    close(descriptor);
    return fault_set(fault, secure ? FAULT_USAGE : FAULT_INTERNAL,
                     secure ? "no TLS server with this certificate and key"
                            : "the HTTP server does not start");
}

static bool open_daemon(struct http_server *server, const struct http_server_settings *settings,
                        struct fault *fault) {
    CLEANUP_BUFFER struct buffer certificate = BUFFER(PEM_MOST), key = BUFFER(PEM_MOST);
    if (!read_pem(settings->certificate_path, &certificate, fault) ||
        !read_pem(settings->key_path, &key, fault))
        return false;
    int descriptor = open_socket(settings, fault);
    if (descriptor < 0)
        return fault_place(fault, "%s:%u", settings->host, settings->port);
    server->port = bound_port(descriptor);
    bool good = start_daemon(server, descriptor, buffer_string(&certificate), buffer_string(&key), fault);
    memory_wipe(key.data, key.size);
    return good || fault_place(fault, "%s:%u", settings->host, settings->port);
}

struct http_server *http_server_start(const struct http_server_settings *settings, struct fault *fault) {
    struct http_server *server = memory_new(sizeof *server);
    pthread_condattr_t monotonic;
    server->handler = settings->handler;
    server->context = settings->context;
    server->body_most = settings->body_most;
    server->timeout_us = settings->timeout_us ? settings->timeout_us : HTTP_SERVER_TIMEOUT_US;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!open_daemon(server, settings, fault))
        return http_server_stop(server);
    server->sweeping = pthread_create(&server->sweeper, NULL, sweep_until_stopped, server) == 0;
    if (!server->sweeping) {
        fault_set(fault, FAULT_IO, "no thread for the HTTP server");
        return http_server_stop(server);
    }
    return server;
}

struct http_server *http_server_stop(struct http_server *server) {
    if (!server)
        return NULL;
    if (server->sweeping) {
        pthread_mutex_lock(&server->mutex);
        server->stopping = true;
        pthread_cond_signal(&server->stopped);
        pthread_mutex_unlock(&server->mutex);
        pthread_join(server->sweeper, NULL);
    }
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    pthread_cond_destroy(&server->stopped);
    pthread_mutex_destroy(&server->mutex);
    free(server);
    return NULL;
}

uint16_t http_server_port(const struct http_server *server) {
    return server->port;
}

struct http_server_counts http_server_counts(struct http_server *server) {
    pthread_mutex_lock(&server->mutex);
    struct http_server_counts counts = {.connections = server->visit_count};
    pthread_mutex_unlock(&server->mutex);
    counts.requests = atomic_load(&server->requests);
    counts.refused = atomic_load(&server->refused);
    return counts;
}

/* What an HTTP request of a probe costs: bench_fetch [COUNT [AT_ONCE [URL [AUTHORITIES]]]]
 *
 * CPU of this process for each request, a new connection every time, beside bare sockets that do the same blocking (what no
 * program could do without) and a loop of blocking libcurl calls with one handle. Without URL against a responder of its
 * own, which is another process and not counted. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_fetch.h"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nALLOK";

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "bench_fetch: %s\n", what);
    exit(3);
}

static double cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec) * 1e6 +
           (double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec;
}

/* One request after the other: answers come long before a client could feel the queue. */
static pid_t serve(struct sockaddr_in *ret_address) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    socklen_t size = sizeof *ret_address;
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)(void *)ret_address, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)(void *)ret_address, &size))
        give_up("no port to listen on");
    pid_t pid = fork();
    if (pid) {
        close(listener);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        char request[4096];
        int connection = accept(listener, NULL, NULL);
        if (recv(connection, request, sizeof request, 0) > 0)
            send(connection, answer, sizeof answer - 1, MSG_NOSIGNAL);
        close(connection);
    }
}

/* ---- what it is held against */

static void with_sockets(const struct sockaddr_in *address, unsigned count) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n";
    for (unsigned i = 0; i < count; i++) {
        char text[4096];
        int yes = 1, peer = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (connect(peer, (const struct sockaddr *)(const void *)address, sizeof *address) ||
            send(peer, request, sizeof request - 1, MSG_NOSIGNAL) < 0 ||
            recv(peer, text, sizeof text, 0) <= 0)
            give_up("the responder did not answer a socket");
        close(peer);
    }
}

static size_t pass_over(char *data, size_t one, size_t size, void *context) {
    (void)data, (void)context;
    return one * size;
}

static void with_curl(const char *url, const char *authorities, unsigned count) {
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, pass_over);
    if (authorities)
        curl_easy_setopt(handle, CURLOPT_CAINFO, authorities);
    for (unsigned i = 0; i < count; i++)
        if (curl_easy_perform(handle) != CURLE_OK)
            give_up("the responder did not answer curl");
    curl_easy_cleanup(handle);
}

/* ---- what is measured */

struct run {
    struct http_fetcher *fetcher;
    struct http_fetch_request request;
    unsigned left, under_way, failed;
};

static void begin(struct run *run);

static void done(void *context, const struct http_fetch_result *result) {
    struct run *run = context;
    run->under_way--;
    run->failed += result->failure != HTTP_FETCH_GOOD;
    if (result->failure && run->failed == 1)
        fprintf(stderr, "bench_fetch: %s\n", result->reason);
    begin(run);
}

static void begin(struct run *run) {
    static const struct http_fetch_handlers handlers = {NULL, done};
    struct fault fault;
    if (run->left == 0)
        return;
    run->left--;
    run->under_way++;
    if (!http_fetch_start(run->fetcher, &run->request, &handlers, run, &fault))
        give_up(fault.text);
}

static void with_fetch(const char *url, const char *authorities, unsigned count, unsigned at_once) {
    struct fault fault;
    struct loop *loop = loop_create(&fault);
    struct run run = {.fetcher = http_fetcher_create(loop, &fault),
                      .request = {.url = url, .authorities_path = authorities},
                      .left = count};
    for (unsigned i = 0; i < at_once; i++)
        begin(&run);
    while (run.under_way)
        loop_turn(loop, true);
    http_fetcher_destroy(run.fetcher);
    loop_destroy(loop);
    if (run.failed)
        give_up("requests failed");
}

int main(int count, char **arguments) {
    unsigned requests = count > 1 ? (unsigned)atoi(arguments[1]) : 5000;
    unsigned at_once = count > 2 ? (unsigned)atoi(arguments[2]) : 200;
    const char *url = count > 3 ? arguments[3] : NULL, *authorities = count > 4 ? arguments[4] : NULL;
    char own[64];
    struct sockaddr_in address;
    double sockets = 0, curl = 0, fetch = 0;
    pid_t server = url ? 0 : serve(&address);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    snprintf(own, sizeof own, "http://127.0.0.1:%u/", server ? ntohs(address.sin_port) : 0);
    for (unsigned round = 0; round < 4; round++) { /* in turn, so that a busy machine is so to all */
        double begun = cpu_us();
        if (server)
            with_sockets(&address, requests / 4);
        sockets += cpu_us() - begun;
        begun = cpu_us();
        with_curl(server ? own : url, authorities, requests / 4);
        curl += cpu_us() - begun;
        begun = cpu_us();
        with_fetch(server ? own : url, authorities, requests / 4, at_once);
        fetch += cpu_us() - begun;
    }
    requests = requests / 4 * 4;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (server)
        printf("with bare sockets: %.0f us a request\n", sockets / requests);
    printf("with curl: %.0f us a request\nwith http_fetch: %.0f us a request, %u at once\n", curl / requests,
           fetch / requests, at_once);
    printf("2,000 every 10 s: %.1f %% of a core; %ld KiB at most\n", fetch / requests * 2000 / 10e6 * 100,
           usage.ru_maxrss);
    if (server) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    return 0;
}

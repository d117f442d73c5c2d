/* A request, told to libcurl. */
#include <arpa/inet.h>
#include <stdio.h>

#include "clock.h"
#include "http_fetch_private.h"
#include "tls_private.h"

/* Whether it is a URL that is fetched here. */
static bool http_fetch_read_url(const char *text, bool *ret_secure, struct fault *fault) {
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool good = text && curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
    bool secure = good && strcmp(scheme, "https") == 0;
    good = secure || (good && strcmp(scheme, "http") == 0);
    curl_free(scheme);
    curl_url_cleanup(url);
    if (good)
        *ret_secure = secure;
    return good || fault_set(fault, FAULT_USAGE, "this is no URL of HTTP; write http://HOST[:PORT]/PATH");
}

/* "::ADDRESS:": whatever host and port are meant, that address and the same port. */
static bool http_fetch_direct(struct http_fetch *fetch, const char *address, struct fault *fault) {
    char to[HTTP_FETCH_ADDRESS_SIZE + 8];
    uint8_t any[sizeof(struct in6_addr)];
    bool six = inet_pton(AF_INET6, address, any) == 1;
    if (!six && inet_pton(AF_INET, address, any) != 1)
        return fault_set(fault, FAULT_USAGE, "'%.60s' is no numeric address", address);
    snprintf(to, sizeof to, six ? "::[%s]:" : "::%s:", address);
    fetch->connect_to = curl_slist_append(NULL, to);
    curl_easy_setopt(fetch->handle, CURLOPT_CONNECT_TO, fetch->connect_to);
    return true;
}

static int http_fetch_connecting(void *context, curl_socket_t descriptor, curlsocktype purpose) {
    (void)descriptor, (void)purpose;
    struct http_fetch *fetch = context;
    fetch->connecting_us = clock_monotonic_us();
    return CURL_SOCKOPT_OK;
}

static CURLcode http_fetch_shaking(CURL *handle, void *ssl_context, void *context) {
    (void)handle;
    struct http_fetch *fetch = context;
    fetch->shaking_us = clock_monotonic_us();
    if (fetch->authorities)
        SSL_CTX_set1_cert_store(ssl_context, fetch->authorities);
    return CURLE_OK;
}

static bool http_fetch_secure(struct http_fetch *fetch, const struct http_fetch_request *request,
                              struct tls_authorities *authorities, struct fault *fault) {
    CURL *handle = fetch->handle;
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, request->unverified ? 0L : 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, request->unverified ? 0L : 2L);
    curl_easy_setopt(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    /* libcurl is to load nothing, and to keep nothing: its own cache takes whatever store it finds in a connection's
     * context, ours as well, for every connection that names no file. */
    curl_easy_setopt(handle, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (request->certificate_path) {
        curl_easy_setopt(handle, CURLOPT_SSLCERT, request->certificate_path);
        curl_easy_setopt(handle, CURLOPT_SSLKEY,
                         request->key_path ? request->key_path : request->certificate_path);
    }
    curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, http_fetch_connecting);
    curl_easy_setopt(handle, CURLOPT_SOCKOPTDATA, fetch);
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, http_fetch_shaking);
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, fetch);
    if (!request->unverified)
        fetch->authorities = tls_authorities_find(authorities, request->authorities_path, fault);
    return request->unverified || fetch->authorities;
}

static void http_fetch_set_method(CURL *handle, const struct http_fetch_request *request) {
    if (request->method == HTTP_FETCH_HEAD)
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    if (request->method != HTTP_FETCH_POST)
        return;
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS,
                     request->body.size ? (const char *)request->body.data : "");
}

static void http_fetch_set_version(CURL *handle, enum http_fetch_version version, bool secure) {
    static const long versions[] = {CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2TLS,
                                    CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE};
    /* Over TLS it is ALPN that decides. */
    if (secure && version == HTTP_FETCH_H2C)
        version = HTTP_FETCH_2;
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, versions[version]);
}

bool http_fetch_prepare(struct http_fetch *fetch, const struct http_fetch_request *request,
                        struct tls_authorities *authorities, struct fault *fault) {
    CURL *handle = fetch->handle;
    fetch->body_most = request->body_most ? request->body_most : HTTP_FETCH_BODY_MOST;
    fetch->timeout_us = request->timeout_us ? request->timeout_us : HTTP_FETCH_TIMEOUT_US;
    if (!http_fetch_read_url(request->url, &fetch->secure, fault) ||
        (request->address && !http_fetch_direct(fetch, request->address, fault)) ||
        (fetch->secure && !http_fetch_secure(fetch, request, authorities, fault)))
        return false;
    fetch->headers = curl_headers_create(request->headers, HTTP_FETCH_LINES_MOST, fault);
    if (!fetch->headers)
        return false;
    curl_handle_begin(handle, fetch->error);
    curl_handle_speak_http(handle);
    /* The deadline is ours (http_fetch.c); libcurl's own must only not come before it. */
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)(2 * fetch->timeout_us / 1000u + 1));
    curl_easy_setopt(handle, CURLOPT_URL, request->url);
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, ""); /* also none of the environment's */
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fetch->headers);
    curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT,
                     1L); /* a resolver that hangs is left behind, not waited for */
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, request->keep ? 0L : 1L);
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, request->keep ? 0L : 1L);
    curl_easy_setopt(handle, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, http_fetch_take_head);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, http_fetch_take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, fetch);
    http_fetch_set_method(handle, request);
    http_fetch_set_version(handle, request->version, fetch->secure);
    return true;
}

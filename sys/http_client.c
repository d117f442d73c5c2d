#include "http_client.h"

#include <stdlib.h>

#include "curl_private.h"
#include "memory.h"

struct http_client {
    CURL *handle;
    uint64_t connect_timeout_us, timeout_us;
    struct buffer response;
    long status; /* of the last answer; 0: none */
    char error[CURL_ERROR_SIZE];
};

static size_t http_client_receive(char *data, size_t one, size_t size, void *context) {
    (void)one; /* always 1 */
    struct http_client *client = context;
    return buffer_append(&client->response, data, size) ? size : 0;
}

struct http_client *http_client_create(const struct http_client_settings *settings, struct fault *fault) {
    struct http_client *client = memory_new(sizeof *client);
    client->response = BUFFER(HTTP_CLIENT_RESPONSE_MOST);
    client->connect_timeout_us =
        settings->connect_timeout_us ? settings->connect_timeout_us : HTTP_CLIENT_CONNECT_TIMEOUT_US;
    client->timeout_us = settings->timeout_us ? settings->timeout_us : HTTP_CLIENT_TIMEOUT_US;
    client->handle = curl_handle_create(client->error, fault);
    if (!client->handle)
        return http_client_destroy(client);
    curl_handle_speak_http(client->handle);
    curl_easy_setopt(client->handle, CURLOPT_WRITEFUNCTION, http_client_receive);
    curl_easy_setopt(client->handle, CURLOPT_WRITEDATA, client);
    if (settings->authorities_path)
        curl_easy_setopt(client->handle, CURLOPT_CAINFO, settings->authorities_path);
    if (settings->unix_socket)
        curl_easy_setopt(client->handle, CURLOPT_UNIX_SOCKET_PATH, settings->unix_socket);
    return client;
}

struct http_client *http_client_destroy(struct http_client *client) {
    if (!client)
        return NULL;
    curl_easy_cleanup(client->handle);
    buffer_free(&client->response);
    free(client);
    return NULL;
}

/* Whether trying again cannot help. */
static bool http_client_refused(long status, struct slice response, struct fault *fault) {
    char text[160];
    curl_text_printable(response.data, response.size, text, sizeof text);
    if (status >= 300 && status < 400)
        fault_set(fault, FAULT_USAGE, "the server redirects (%ld); name the new address in the settings",
                  status);
    else
        fault_set(fault, status == 401 || status == 403 ? FAULT_AUTH : FAULT_IO,
                  "the server answered %ld%s%s", status, *text ? ": " : "", text);
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

static bool http_client_perform(struct http_client *client, bool *ret_permanent, struct fault *fault) {
    buffer_clear(&client->response);
    client->error[0] = '\0';
    client->status = 0;
    curl_handle_set_times(client->handle, client->connect_timeout_us, client->timeout_us);
    CURLcode code = curl_easy_perform(client->handle);
    if (code == CURLE_WRITE_ERROR && client->response.overflow) {
        *ret_permanent = false;
        return fault_set(fault, FAULT_LIMIT, "the server's answer is larger than %u bytes",
                         HTTP_CLIENT_RESPONSE_MOST);
    }
    if (code != CURLE_OK) {
        *ret_permanent = curl_handle_fault(code, client->error, fault);
        return false;
    }
    curl_easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &client->status);
    if (client->status >= 200 && client->status < 300)
        return true;
    *ret_permanent = http_client_refused(client->status, buffer_slice(&client->response), fault);
    return false;
}

/* The method, and a body, are set. */
static bool http_client_call(struct http_client *client, const char *url, const char *const *headers,
                             struct buffer *ret_response, bool *ret_permanent, struct fault *fault) {
    client->status = 0;
    struct curl_slist *list = curl_headers_create(headers, HTTP_CLIENT_HEADERS_MOST, fault);
    if (!list) {
        *ret_permanent = true;
        return fault_place(fault, "%.120s", url);
    }
    curl_easy_setopt(client->handle, CURLOPT_URL, url);
    curl_easy_setopt(client->handle, CURLOPT_HTTPHEADER, list);
    bool good = http_client_perform(client, ret_permanent, fault);
    curl_easy_setopt(client->handle, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(list);
    if (ret_response) {
        buffer_clear(ret_response);
        buffer_append_slice(ret_response, buffer_slice(&client->response));
    }
    return good || fault_place(fault, "%.120s", url);
}

bool http_client_post(struct http_client *client, const char *url, const char *const *headers,
                      struct slice body, struct buffer *ret_response, bool *ret_permanent,
                      struct fault *fault) {
    curl_easy_setopt(client->handle, CURLOPT_POST, 1L);
    curl_easy_setopt(client->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(client->handle, CURLOPT_POSTFIELDS, body.size ? (const char *)body.data : "");
    bool good = http_client_call(client, url, headers, ret_response, ret_permanent, fault);
    curl_easy_setopt(client->handle, CURLOPT_POSTFIELDS, NULL);
    return good;
}

bool http_client_get(struct http_client *client, const char *url, const char *const *headers,
                     struct buffer *ret_response, bool *ret_permanent, struct fault *fault) {
    curl_easy_setopt(client->handle, CURLOPT_HTTPGET, 1L);
    return http_client_call(client, url, headers, ret_response, ret_permanent, fault);
}

unsigned http_client_status(const struct http_client *client) {
    return (unsigned)client->status;
}

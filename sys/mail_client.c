#include "mail_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "buffer.h"
#include "curl_private.h"
#include "files.h"
#include "memory.h"

#define MAIL_ADDRESS_MOST 254u /* RFC 5321, 4.5.3.1.3, without the brackets */
#define MAIL_PASSWORD_MOST 1024u

struct mail_client {
    CURL *handle;
    char *server, *user, *password_path;
    uint64_t connect_timeout_us, timeout_us;
    struct slice left; /* of the message under way */
    unsigned replies;  /* of the server in this attempt */
    bool closing;      /* its last one was 421 */
    char refusal[160]; /* its last reply, if that was a no */
    char error[CURL_ERROR_SIZE];
};

/* --- settings --- */

static bool mail_is_loopback(const char *host) {
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

static bool mail_word_is_plain(const char *word) {
    return *word &&
           strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(word);
}

/* Checks the server's URL and appends the name we say hello with: libcurl takes it from the path. */
static bool mail_client_url(CURLU *url, const struct mail_client_settings *settings, struct fault *fault) {
    char *scheme = NULL, *host = NULL;
    bool good = settings->server && curl_url_set(url, CURLUPART_URL, settings->server, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    bool secure = good && strcmp(scheme, "smtps") == 0;
    if (!good || (!secure && strcmp(scheme, "smtp") != 0))
        good = fault_set(fault, FAULT_USAGE, "a mail server is smtp://HOST:PORT or smtps://HOST:PORT");
    else if (settings->user && !secure && settings->encryption != MAIL_STARTTLS && !mail_is_loopback(host))
        good =
            fault_set(fault, FAULT_AUTH,
                      "a password goes over a verified connection alone: require STARTTLS, or use smtps://");
    else if (settings->hello_name && !mail_word_is_plain(settings->hello_name))
        good =
            fault_set(fault, FAULT_USAGE, "the name to say hello with has letters, digits, dots and hyphens");
    if (good && settings->hello_name)
        curl_url_set(url, CURLUPART_PATH, settings->hello_name, 0);
    curl_free(scheme);
    curl_free(host);
    return good;
}

static size_t mail_client_give(char *to, size_t one, size_t room, void *context) {
    struct mail_client *client = context;
    struct slice part = slice_head(client->left, one * room);
    memcpy(to, part.data, part.size);
    client->left = slice_from(client->left, part.size);
    return part.size;
}

/* The server's replies come as "headers". */
static size_t mail_client_reply(char *line, size_t one, size_t size, void *context) {
    struct mail_client *client = context;
    client->replies++;
    client->closing = size >= 3 && memcmp(line, "421", 3) == 0;
    /* The answer to libcurl's QUIT must not hide why it quits. */
    bool is_bye = size >= 3 && memcmp(line, "221", 3) == 0;
    if (size && (*line == '4' || *line == '5'))
        curl_text_printable(line, one * size, client->refusal, sizeof client->refusal);
    else if (!is_bye)
        client->refusal[0] = '\0';
    return one * size;
}

static void mail_client_encryption(CURL *handle, enum mail_encryption encryption) {
    static const long levels[] = {[MAIL_STARTTLS_IF_OFFERED] = CURLUSESSL_TRY,
                                  [MAIL_STARTTLS] = CURLUSESSL_ALL,
                                  [MAIL_PLAIN] = CURLUSESSL_NONE};
    curl_easy_setopt(handle, CURLOPT_USE_SSL, levels[encryption]);
}

static bool mail_client_set(struct mail_client *client, const struct mail_client_settings *settings,
                            struct fault *fault) {
    CURLU *url = curl_url();
    char *whole = NULL, *scheme = NULL;
    bool good = mail_client_url(url, settings, fault) &&
                curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
    if (good) {
        CURL *handle = client->handle;
        bool verified = strcmp(scheme, "smtps") == 0 || settings->encryption == MAIL_STARTTLS;
        curl_easy_setopt(handle, CURLOPT_URL, whole);
        mail_client_encryption(handle, settings->encryption);
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, verified ? 1L : 0L);
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, verified ? 2L : 0L);
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(handle, CURLOPT_READFUNCTION, mail_client_give);
        curl_easy_setopt(handle, CURLOPT_READDATA, client);
        curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, mail_client_reply);
        curl_easy_setopt(handle, CURLOPT_HEADERDATA, client);
        if (settings->authorities_path)
            curl_easy_setopt(handle, CURLOPT_CAINFO, settings->authorities_path);
        if (settings->user)
            curl_easy_setopt(handle, CURLOPT_USERNAME, settings->user);
    }
    curl_free(whole);
    curl_free(scheme);
    curl_url_cleanup(url);
    return good;
}

struct mail_client *mail_client_create(const struct mail_client_settings *settings, struct fault *fault) {
    struct mail_client *client = memory_new(sizeof *client);
    client->server = memory_copy_string(settings->server ? settings->server : "");
    client->user = memory_copy_string(settings->user);
    client->password_path = memory_copy_string(settings->password_path);
    client->connect_timeout_us =
        settings->connect_timeout_us ? settings->connect_timeout_us : MAIL_CONNECT_TIMEOUT_US;
    client->timeout_us = settings->timeout_us ? settings->timeout_us : MAIL_TIMEOUT_US;
    client->handle = curl_handle_create(client->error, fault);
    if (client->handle && mail_client_set(client, settings, fault))
        return client;
    fault_place(fault, "%.120s", client->server);
    return mail_client_destroy(client);
}

struct mail_client *mail_client_destroy(struct mail_client *client) {
    if (!client)
        return NULL;
    curl_easy_cleanup(client->handle);
    free(client->server);
    free(client->user);
    free(client->password_path);
    free(client);
    return NULL;
}

/* --- sending --- */

/* An address stands between brackets on a line of its own: nothing in it may end either. */
static bool mail_address_check(const char *address, bool may_be_empty, struct fault *fault) {
    size_t size = strlen(address);
    bool good = size <= MAIL_ADDRESS_MOST && (size > 0 || may_be_empty);
    for (size_t i = 0; good && i < size; i++)
        good =
            (unsigned char)address[i] > 0x20 && address[i] != 0x7f && address[i] != '<' && address[i] != '>';
    return good || fault_set(fault, FAULT_USAGE, "\"%.100s\" is no mail address", address);
}

static bool mail_addresses_check(const char *from, const char *const *to, size_t to_count,
                                 struct fault *fault) {
    if (to_count == 0 || to_count > MAIL_RECIPIENTS_MOST)
        return fault_set(fault, FAULT_USAGE, "a message goes to 1 to %u addresses", MAIL_RECIPIENTS_MOST);
    if (!mail_address_check(from, true, fault))
        return false;
    for (size_t i = 0; i < to_count; i++)
        if (!mail_address_check(to[i], false, fault))
            return false;
    return true;
}

/* Every line ends in CRLF, also after a lone CR or LF, which some servers take for an end and some do not. */
static bool mail_message_lines(struct slice message, struct buffer *to, struct fault *fault) {
    while (message.size) {
        size_t end = 0;
        while (end < message.size && message.data[end] != '\r' && message.data[end] != '\n')
            end++;
        buffer_append(to, message.data, end);
        buffer_append_string(to, "\r\n");
        message = slice_from(message, end);
        message = slice_from(message, slice_starts(message, SLICE("\r\n")) ? 2 : 1);
    }
    return !to->overflow ||
           fault_set(fault, FAULT_LIMIT, "a message has at most %u bytes", MAIL_MESSAGE_MOST);
}

static bool mail_client_password(struct mail_client *client, struct fault *fault) {
    if (!client->user || !client->password_path)
        return true;
    CLEANUP_BUFFER struct buffer password = BUFFER(MAIL_PASSWORD_MOST);
    if (!files_read_secret(client->password_path, &password, fault))
        return false;
    curl_easy_setopt(client->handle, CURLOPT_PASSWORD, buffer_string(&password)); /* copied */
    memory_wipe(password.data, password.size);
    return true;
}

static CURLcode mail_client_attempt(struct mail_client *client, struct slice message, bool fresh) {
    client->left = message;
    client->replies = 0;
    client->closing = false;
    client->refusal[0] = client->error[0] = '\0';
    curl_handle_set_times(client->handle, client->connect_timeout_us, client->timeout_us);
    curl_easy_setopt(client->handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)message.size);
    curl_easy_setopt(client->handle, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    return curl_easy_perform(client->handle);
}

/* A kept connection that the server gave up in the very moment we used it: nothing was handed over, so it is safe to do it
 * again. libcurl does that itself for HTTP alone. */
static bool mail_client_was_stale(const struct mail_client *client, CURLcode code) {
    long connections = 0;
    curl_easy_getinfo(client->handle, CURLINFO_NUM_CONNECTS, &connections);
    return code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT && connections == 0 &&
           (client->replies == 0 || (client->replies == 1 && client->closing));
}

static bool mail_client_failed(const struct mail_client *client, CURLcode code, bool *ret_permanent,
                               struct fault *fault) {
    struct fault curl;
    *ret_permanent = curl_handle_fault(code, client->error, &curl);
    uint64_t status;
    if (!slice_decimal(slice_head(slice_string(client->refusal), 3), &status))
        return fault_set(fault, curl.code, "%s", curl.text);
    bool login =
        code == CURLE_LOGIN_DENIED || status == 530 || status == 534 || status == 535 || status == 538;
    *ret_permanent = status >= 500 && !login;
    return fault_set(fault,
                     login          ? FAULT_AUTH
                     : status < 500 ? FAULT_BUSY
                                    : FAULT_IO,
                     "the server answered \"%s\" (%s)", client->refusal, curl.text);
}

static bool mail_client_hand_over(struct mail_client *client, const char *from, struct curl_slist *recipients,
                                  struct slice message, bool *ret_permanent, struct fault *fault) {
    char sender[MAIL_ADDRESS_MOST + 3];
    snprintf(sender, sizeof sender, "<%s>", from);
    curl_easy_setopt(client->handle, CURLOPT_MAIL_FROM, *from ? sender : "");
    curl_easy_setopt(client->handle, CURLOPT_MAIL_RCPT, recipients);
    CURLcode code = mail_client_attempt(client, message, false);
    if (mail_client_was_stale(client, code))
        code = mail_client_attempt(client, message, true);
    curl_easy_setopt(client->handle, CURLOPT_MAIL_RCPT, NULL);
    return code == CURLE_OK || mail_client_failed(client, code, ret_permanent, fault);
}

bool mail_client_send(struct mail_client *client, const char *from, const char *const *to, size_t to_count,
                      struct slice message, bool *ret_permanent, struct fault *fault) {
    CLEANUP_BUFFER struct buffer lines = BUFFER(MAIL_MESSAGE_MOST);
    if (!mail_addresses_check(from, to, to_count, fault) || !mail_message_lines(message, &lines, fault)) {
        *ret_permanent = true;
        return false;
    }
    if (!mail_client_password(client, fault)) {
        *ret_permanent = false;
        return false;
    }
    struct curl_slist *recipients = NULL;
    for (size_t i = 0; i < to_count; i++) {
        char recipient[MAIL_ADDRESS_MOST + 3];
        snprintf(recipient, sizeof recipient, "<%s>", to[i]);
        recipients = curl_slist_append(recipients, recipient);
    }
    bool good = mail_client_hand_over(client, from, recipients, buffer_slice(&lines), ret_permanent, fault);
    curl_slist_free_all(recipients);
    return good || fault_place(fault, "%.120s", client->server);
}

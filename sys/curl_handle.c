#include <pthread.h>
#include <string.h>

#include "curl_private.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_prepare(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void curl_begin(void) {
    pthread_once(&curl_once, curl_prepare);
}

void curl_handle_begin(CURL *handle, char error[CURL_ERROR_SIZE]) {
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

CURL *curl_handle_create(char error[CURL_ERROR_SIZE], struct fault *fault) {
    curl_begin();
    CURL *handle = curl_easy_init();
    if (!handle) {
        fault_set(fault, FAULT_INTERNAL, "libcurl gives no handle");
        return NULL;
    }
    curl_handle_begin(handle, error);
    return handle;
}

void curl_handle_speak_http(CURL *handle) {
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "tocsin/" TOCSIN_VERSION);
}

struct curl_slist *curl_headers_create(const char *const *headers, size_t most, struct fault *fault) {
    /* Waiting for "100 Continue" would cost a second with servers that do not know it. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; headers && headers[i]; i++) {
        bool good = i < most && !strpbrk(headers[i], "\r\n") && strchr(headers[i], ':');
        struct curl_slist *more = good ? curl_slist_append(list, headers[i]) : NULL;
        if (!more) {
            curl_slist_free_all(list);
            fault_set(fault, FAULT_USAGE, "header %zu is none, or there are more than %zu", i + 1,
                      most);
            return NULL;
        }
        list = more;
    }
    return list;
}

void curl_handle_set_times(CURL *handle, uint64_t connect_us, uint64_t whole_us) {
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_us / 1000u + 1));
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(whole_us / 1000u + 1));
}

bool curl_handle_fault(CURLcode code, const char *error, struct fault *fault) {
    static const struct {
        int curl;
        enum fault_code code;
        bool permanent;
    } table[] = {
        {CURLE_URL_MALFORMAT, FAULT_USAGE, true},      {CURLE_UNSUPPORTED_PROTOCOL, FAULT_USAGE, true},
        {CURLE_OPERATION_TIMEDOUT, FAULT_BUSY, false}, {CURLE_PEER_FAILED_VERIFICATION, FAULT_AUTH, false},
        {CURLE_LOGIN_DENIED, FAULT_AUTH, false},       {CURLE_SSL_CACERT_BADFILE, FAULT_USAGE, false},
        {CURLE_USE_SSL_FAILED, FAULT_AUTH, false},     {CURLE_FILESIZE_EXCEEDED, FAULT_LIMIT, false},
    };
    const char *text = error && *error ? error : curl_easy_strerror(code);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].curl == (int)code) {
            fault_set(fault, table[i].code, "%s", text);
            return table[i].permanent;
        }
    fault_set(fault, FAULT_IO, "%s", text);
    return false;
}

void curl_text_printable(const void *data, size_t data_size, char *ret_text, size_t size) {
    const unsigned char *from = data;
    size_t used = 0;
    while (data_size && (from[data_size - 1] == '\n' || from[data_size - 1] == '\r'))
        data_size--;
    for (; used < data_size && used + 1 < size; used++)
        ret_text[used] = from[used] >= 0x20 && from[used] < 0x7f ? (char)from[used] : ' ';
    ret_text[used] = '\0';
}

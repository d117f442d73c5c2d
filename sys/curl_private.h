/* Within sys alone: what the HTTP and the mail client share. */
#ifndef TOCSIN_CURL_PRIVATE_H
#define TOCSIN_CURL_PRIVATE_H

#include <curl/curl.h>

#include "fault.h"

/* A handle with what all of them want: no signals, TLS 1.2 or newer, no waiting for more bytes (TCP_NODELAY). NULL with a
 * fault. `error` gets libcurl's words and lives as long as the handle. */
CURL *curl_handle_create(char error[CURL_ERROR_SIZE], struct fault *fault);
/* The same for a handle that there is, new or reset. */
void curl_handle_begin(CURL *handle, char error[CURL_ERROR_SIZE]);
/* Once a process, before anything else of libcurl; the above do so themselves. */
void curl_begin(void);

/* HTTP and HTTPS alone, no redirects, our name. */
void curl_handle_speak_http(CURL *handle);
/* "Name: value" lines, ended by NULL (which may be all). NULL with a fault where there are too many, or one would be two. */
struct curl_slist *curl_headers_create(const char *const *headers, size_t most, struct fault *fault);

/* Timeouts of a call. */
void curl_handle_set_times(CURL *handle, uint64_t connect_us, uint64_t whole_us);

/* A failed call as a fault. Returns whether trying again cannot help. */
bool curl_handle_fault(CURLcode code, const char *error, struct fault *fault);

/* Bytes from outside within a sentence of ours: printable ASCII, at most size - 1. */
void curl_text_printable(const void *data, size_t data_size, char *ret_text, size_t size);

#endif

/* The log for other people's monitors, over HTTP (C2SP tlog-tiles): GET and HEAD, and nothing else.
 *
 *     /checkpoint                       the newest published note
 *     /tile/<level>/<index>[.p/<width>] hashes of the tree, each 32 bytes
 *     /tile/entries/<index>[.p/<width>] n × (u16 size ‖ entry)
 *
 * Only what the published checkpoint covers is given, any width of it: other paths are 404. Entries name hosts, boot times and
 * counts of events, and no text of one.
 *
 * The handler runs in several threads at once. The log is borrowed. */
#ifndef TOCSIN_LOG_PAGES_H
#define TOCSIN_LOG_PAGES_H

#include "http_server.h"
#include "log_state.h"

struct log_pages;

struct log_pages *log_pages_create(struct log_state *log);
struct log_pages *log_pages_destroy(struct log_pages *pages); /* returns NULL */
void log_pages_handle(void *context, const struct http_request *request, struct http_answer *answer);

#endif

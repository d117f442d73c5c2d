/* A part whose answer came by HTTP: how far it came, as checks, and how long each step took. */
#ifndef TOCSIN_HTTP_PART_H
#define TOCSIN_HTTP_PART_H

#include "http_fetch.h"
#include "probe_kind.h"

/* Ends the part. Judge its body first: a judge begins the report anew. */
void http_part_over(struct probe_part *part, const struct probe_look *look,
                    const struct http_fetch_result *result);

/* Starts a request to the look's address; where it can't be started, the part is over and says why. */
struct http_fetch *http_part_start(struct probe_part *part, const struct probe_look *look,
                                   const struct http_fetch_request *request,
                                   const struct http_fetch_handlers *handlers, void *context);

#endif

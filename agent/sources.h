/* The agent's sources, out of its settings: made, watched, given their turns. */
#ifndef TOCSIN_SOURCES_H
#define TOCSIN_SOURCES_H

#include "agent_settings.h"
#include "loop.h"
#include "source.h"

struct sources;

/* `ready` is called when some source has something to read. Everything is borrowed for the call, but the output and the loop.
 * `site` and `data` are the folders; the prober reads its settings there, and keeps below the other what it remembers. */
struct sources *sources_create(const struct agent_settings *settings, const char *site, const char *data,
                               const struct source_output *output, struct loop *loop, loop_callback *ready,
                               void *context, struct fault *fault);
struct sources *sources_destroy(struct sources *sources); /* returns NULL */

/* A turn for each source that is readable or due. True: some have more to read at once. */
bool sources_turn(struct sources *sources, uint64_t now_us);
/* When the next is due by itself. */
uint64_t sources_due(const struct sources *sources);
/* What is gathered but not given, before a stop. */
void sources_finish(struct sources *sources, uint64_t now_us);
size_t sources_count(const struct sources *sources);
/* One line of each, with a newline; the lag of all in bytes. */
uint64_t sources_describe(const struct sources *sources, struct buffer *to);

#endif

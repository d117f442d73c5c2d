/* `tocsin verify SEGMENT…`: sealed segments by themselves, with no collector at hand: every event against the class root that
 * its agent signed. The day key comes from the site's folder or from a file (64 hexadecimal digits). */
#ifndef TOCSIN_VERIFY_SEGMENT_H
#define TOCSIN_VERIFY_SEGMENT_H

#include "command.h"

/* Whether the file begins as a segment. */
bool verify_is_segment(const char *path);
/* `key_path` NULL: the site's day keys. Exit as `verify` does. */
int verify_segments(const struct command_context *context, const char *key_path, size_t count,
                    char *const *files);

#endif

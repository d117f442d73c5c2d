/* A daemon's settings out of the site: DIR/NAME.yaml, then DIR/NAME.d/(files).yaml in the order of their names. Relative paths
 * in them are below DIR. */
#ifndef TOCSIN_SETTINGS_FILE_H
#define TOCSIN_SETTINGS_FILE_H

#include "settings.h"

/* `name`: "agent". Starts, reads and finishes `target`; on failure it has been released. */
bool settings_file_read(const struct settings_table *table, const char *site, const char *name, void *target,
                        struct fault *fault);

#endif

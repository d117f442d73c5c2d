/* Which files a decoder reads, by their names: "CommModule/logfile*.txt" fits every path that ends so, whatever folder
 * CommModule stands in. A star is any run of characters within a name, also none. */
#ifndef TOCSIN_PATH_PATTERN_H
#define TOCSIN_PATH_PATTERN_H

#include "slice.h"

#define PATH_PATTERN_MOST 256u /* bytes */

bool path_pattern_fits(struct slice pattern, struct slice path);

#endif

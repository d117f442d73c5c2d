/* A data folder's collector makes room for the log that takes its log's place: what is there goes to DATA/before-N whole, keys
 * that stay go to the new one.
 *
 * Everything new is made beside it first, then two renames: a crash between them is mended by the next call. */
#ifndef TOCSIN_ORIGIN_MOVE_H
#define TOCSIN_ORIGIN_MOVE_H

#include "files.h"

#define ORIGINS_MOST 100u /* folders of logs before */

/* `genesis` is the file that the new log begins with (genesis_file.h). FAULT_BUSY while a collector runs. ret_before: the data
 * folder of the log before, as --data takes it. */
bool origin_move(const char *data, struct slice origin, struct slice genesis,
                 char ret_before[FILES_PATH_MOST], struct fault *fault);

/* What a crash left between the renames; true where there was nothing to mend, too. */
bool origin_move_mend(const char *data, bool *ret_mended, struct fault *fault);

#endif

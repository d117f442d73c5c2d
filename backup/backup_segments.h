/* Sealed segments in a folder of backups: copied once, byte by byte, since they are encrypted already under keys that stand
 * in no ordinary backup. FOLDER/segments/CLASS/DAY/FIRST-LAST.segment, as in the store's folder. */
#ifndef TOCSIN_BACKUP_SEGMENTS_H
#define TOCSIN_BACKUP_SEGMENTS_H

#include "segment_files.h"

/* From one folder that holds segments/ into another; one of its size that is there already is left alone. FAULT_FORMAT when
 * the bytes are not those that the row names: nothing is put in place then. */
bool backup_segment_copy(const char *from, const char *to, const struct segment_row *row,
                         struct fault *fault);
/* Reads it whole: FAULT_MISSING, or FAULT_FORMAT for other bytes than the row's. */
bool backup_segment_check(const char *folder, const struct segment_row *row, struct fault *fault);

#endif

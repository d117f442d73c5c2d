/* Files that grow: logs, by name or glob, through rotation, truncation, links and restarts.
 *
 * Which file it is: device, inode, birth time and inode generation where the file system has them; a hash of its first
 * FILE_HEAD_MOST bytes (fewer while it is shorter) and one of the FILE_TAIL_MOST bytes before the offset. The last is
 * looked at before every read, so a file that was cut and has grown past the old offset is noticed.
 *
 * What is given
 * - LINE: source = the name under which the file was first found, offset = of the line's first byte, generation counts the
 *   files seen behind that name. Every byte but the final '\n' is in raw. Fields where they apply: fragment.index,
 *   fragment.last, and on the last one fragment.total and fragment.sha256 (of the whole line; left out when a restart came
 *   between and the line is over FILE_REHASH_MOST); line.unfinished=true when no newline came within the time;
 *   line.continued=true for what came after such a one.
 * - GAP: gap.unit=bytes, gap.first, gap.count ("unknown" where it is), gap.reason: truncated, vanished, compressed,
 *   rotated, zeros (a hole: see line_cut.h). In the class of the file.
 * - STATE, class 0, by tocsin.event: source_caught_up (once after each start), file_truncated, file_unreadable,
 *   file_refused (a link where none is followed, not a regular file, a name too long).
 *
 * Order: files of one name are read oldest first; a new one waits until the one before it is read to its end. Between
 * names, each has a share of FILE_SHARE bytes in turn.
 *
 * Rotation: a file that left its name is read on until it has not grown for FILE_LINGER_US (a deleted one:
 * FILE_LINGER_DELETED_US). After a restart it is looked for in its folder, first by inode, then by content. Files that
 * came and went between two looks are found by their rotated names (NAME.1, NAME-20260101) and birth times; so are those
 * of a name that was never found, if they were born since it was last looked for (what was rotated before the very first
 * look is history, and not read). Without birth times such a file is a gap, rotated, if it was written to since. What
 * copytruncate cut off before it was read is read from the copy. What was compressed before it was read is a gap, whose
 * length the .gz file tells.
 *
 * Links: a name given literally may be a link, resolved anew at each look; a link that a glob matched is followed only
 * with `follow_links`. Only regular files are opened, so a FIFO or a device never blocks. Names with the ending of a
 * compressor are passed over by globs.
 *
 * A glob should not match the copies that copytruncate makes: each is a new file, and read as one.
 *
 * Limits: FILE_PATH_MOST bytes of a name; descriptors as set (files that are read to their end are closed first); where
 * no inotify watch is to be had, folders and files are looked at every FILE_POLL_US. The same name may be in one source
 * only. One thread. */
#ifndef TOCSIN_FILE_SOURCE_H
#define TOCSIN_FILE_SOURCE_H

#include "multiline.h"

#define FILE_HEAD_MOST 256u
#define FILE_TAIL_MOST 1024u
#define FILE_PATH_MOST 700u
#define FILE_SHARE (256u * 1024)             /* bytes of a file in one go */
#define FILE_TURN_MOST (4u * 1024 * 1024)    /* bytes of all files in one turn */
#define FILE_OPEN_MOST 2048u                 /* descriptors, unless set */
#define FILE_WATCH_MOST 65536u               /* inotify watches, unless set */
#define FILE_REHASH_MOST (64u * 1024 * 1024) /* of an over-long line, after a restart */
#define FILE_RESCAN_US 10000000u             /* a look at everything, although nothing was reported */
#define FILE_POLL_US 1000000u                /* the same where a watch is missing */
#define FILE_UNFINISHED_US 30000000u         /* a line without newline is given so long after its last byte */
#define FILE_UNFINISHED_LEFT_US 5000000u     /* the same for a file that left its name */
#define FILE_LINGER_US 3600000000u
#define FILE_LINGER_DELETED_US 60000000u

struct file_source_settings {
    const char *const *patterns; /* absolute paths or globs; copied */
    size_t pattern_count;
    const char *const *exclude; /* globs over the whole path; '*' does not match '/' */
    size_t exclude_count;
    enum event_class class;
    bool from_end;     /* files that are there at the very first start are read from their end */
    bool follow_links; /* also links that a glob matched */
    struct multiline_settings multiline;
    uint32_t open_most;  /* 0: FILE_OPEN_MOST */
    uint32_t watch_most; /* 0: FILE_WATCH_MOST */
};

/* NULL: the settings are wrong, or there is no inotify. Files that are missing or unreadable are no failure. */
struct source *file_source_create(const struct file_source_settings *settings,
                                  const struct source_output *output, struct fault *fault);

#endif

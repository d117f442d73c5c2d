/* Inside the file source: its names, its files, and the steps that its parts take on them. Nobody else includes this. */
#ifndef TOCSIN_FILE_STATE_H
#define TOCSIN_FILE_STATE_H

#include "file_look.h"
#include "file_siblings.h"
#include "file_watch.h"
#include "sha256.h"

#define FILE_BUCKETS 1024u

/* A name under which files are found, and its files, oldest first. */
struct log_path {
    struct log_path *next;       /* in its bucket */
    struct log_path *next_ready; /* in the queue of those with something to read */
    bool ready;
    bool literal;
    struct log_file *oldest;
    uint64_t generation;       /* of the next file found here */
    struct file_position last; /* when there is no file: what is known of the last one */
    enum file_found told;      /* the trouble that was last reported */
    uint64_t told_ns;          /* what was compressed up to then (its time of writing) is accounted for */
    uint32_t seen;             /* the scan that last found it */
    size_t size;
    char name[];
};

struct log_file {
    struct log_path *path;
    struct log_file *younger;       /* of the same path */
    struct log_file *next_inode;    /* in its bucket */
    struct log_file *next_unsaved;  /* in the list of those whose position must be given */
    struct log_file *newer, *older; /* among the open ones, by last use */
    struct file_position at;
    char *name;    /* what it is called now, as far as known; NULL: as its path */
    int file;      /* -1: closed */
    int watch;     /* WATCH_NONE: none */
    bool restored; /* out of a position, and not yet found again */
    bool current;  /* stands under a name that is asked for */
    bool unsaved;
    bool dirty;   /* something was reported since the last read */
    bool waiting; /* the bytes at the offset are no whole line yet */
    bool head_checked;
    bool followed;     /* gone from its name, and its successors were looked for */
    uint64_t looked;   /* the turn in which its folder was last looked through for what came before it */
    uint64_t grown_us; /* when it was last seen to have grown or to have left its name */
    uint32_t seen;
    struct multiline_state joined;
    struct sha256 *long_line; /* of the fragments given; NULL where none, or unknown */
};

struct file_pattern {
    char *text;
    bool literal;
    bool ran_before; /* its first scan ever is over: what is found now came since */
    bool unsaved;    /* what follows was changed */
    /* The youngest change of its folders when the last whole scan began, by the file system's clock: what was born later
     * no scan has seen, what was rotated by then is history. 0: unknown. Then the same of the scan that is under way. */
    uint64_t looked_ns, looking_ns;
    uint64_t told_ns; /* the last writing to any file that was let go */
    char *parts;      /* a copy, cut at the slashes; part 0 is what follows the first */
    const char **part;
    size_t part_count;
};

struct watched_folder {
    struct watched_folder *next;
    int watch;
    uint32_t seen;
    struct {
        uint16_t pattern, part;
    } * expects; /* which part of which pattern its names are held against */
    size_t expect_count;
    char name[];
};

struct file_source {
    struct source source;
    struct file_pattern *patterns;
    size_t pattern_count;
    char **exclude;
    size_t exclude_count;
    enum event_class class;
    bool from_end, follow_links;
    struct multiline *multiline;
    uint32_t open_most;

    struct watches *watches;
    struct watched_folder *folders;
    struct log_path *paths[FILE_BUCKETS];
    struct log_file *inodes[FILE_BUCKETS];
    size_t path_count, file_count, open_count, restored_count;
    struct log_path *ready_first, *ready_last;
    struct log_file *unsaved;
    struct log_file *newest_open, *oldest_open;

    uint64_t now_us;
    uint64_t turn; /* its number */
    bool full;     /* the output took no more in this turn, or it has lasted long enough */
    unsigned looks; /* through whole folders in this turn */
    bool restored; /* positions are read */
    bool scanned;  /* the first scan of this start is over */
    bool scan_wanted;
    bool blind;             /* some folder or file has no watch */
    bool orphans_wanted;    /* names may have come and gone without being reported */
    bool caught_up;         /* said */
    uint32_t damaged;       /* positions that could not be read, not yet reported */
    uint32_t scan;          /* number of the scan */
    uint64_t scan_us;       /* of the last one */
    uint64_t due_us;        /* when some file wants to be looked at for its age */
    struct buffer position; /* scratch */
    uint8_t *chunk;         /* FILE_TAIL_MOST + FILE_SHARE bytes */
};

/* file_set.c: the tables */
struct log_path *file_path_find(struct file_source *source, const char *name);
struct log_path *file_path_get(struct file_source *source, const char *name, bool literal);
void file_path_drop(struct file_source *source, struct log_path *path); /* it has no files */
void file_path_ready(struct file_source *source, struct log_path *path);
struct log_path *file_path_take_ready(struct file_source *source); /* NULL where none is */
/* Puts a file among those of its path by generation; before one of the same generation. */
struct log_file *file_add(struct file_source *source, struct log_path *path, const struct file_position *at);
void file_reorder(struct log_file *file); /* its generation was changed */
struct log_file *file_by_identity(struct file_source *source, const struct file_identity *identity);
struct log_file *file_youngest(struct log_path *path);
void file_unsaved(struct file_source *source, struct log_file *file);
void file_rename(struct log_file *file, const char *name);
const char *file_name(const struct log_file *file);
/* Keeps the descriptor (closing another's if there are too many) and watches the file. */
void file_opened(struct file_source *source, struct log_file *file, int descriptor);
void file_used(struct file_source *source, struct log_file *file); /* the open file was read */
/* Forgets its key in the spool, then takes up another identity: the same file after a restart, or its copy. */
void file_set_identity(struct file_source *source, struct log_file *file,
                       const struct file_identity *identity);
/* Closes and frees it, and forgets its position. */
void file_drop(struct file_source *source, struct log_file *file);
/* Writes the position as it is now to the output. */
void file_give_position(struct file_source *source, const struct file_position *at,
                        const struct log_path *path);
void file_free_all(struct file_source *source);
void file_wake_at(struct file_source *source, uint64_t time_us);

/* file_tell.c: events. False (and source->full) where the output takes no more; nothing was given then. */
bool file_tell_line(struct file_source *source, struct log_file *file, const struct line_piece *piece);
/* `count` UINT64_MAX: unknown. */
bool file_tell_gap(struct file_source *source, const char *name, uint64_t generation, uint64_t first,
                   uint64_t count, const char *reason, const char *sentence);
bool file_tell_state(struct file_source *source, const char *name, const char *state, const char *sentence);
/* Once for each kind of trouble; FILE_FOUND ends it. */
bool file_tell_trouble(struct file_source *source, struct log_path *path, enum file_found trouble);

/* file_read.c */
enum file_read {
    FILE_READ_END,  /* read to its end */
    FILE_READ_MORE, /* its share is used up */
    FILE_READ_FULL, /* the output takes no more */
    FILE_READ_GONE, /* the file is settled and dropped */
    FILE_READ_WAIT, /* cannot be read now */
};
enum file_read file_read_share(struct file_source *source, struct log_file *file);
/* Opens a closed file, wherever it is now; FILE_READ_END where it is open. */
enum file_read file_open_again(struct file_source *source, struct log_file *file);

/* file_lost.c: what to do about files that are no longer what they were */
/* Its content is another: from the copy that was made, or a gap, then from the start. */
enum file_read file_rewritten(struct file_source *source, struct log_file *file, uint64_t size,
                              const char *how);
/* Nothing of it is read yet: was there something before what it holds now? FILE_READ_END: no. */
enum file_read file_unread_copies(struct file_source *source, struct log_file *file);
/* It is nowhere to be found. */
enum file_read file_vanished(struct file_source *source, struct log_file *file);
/* Files that came and went under the path's name between `before` and `now`. False: full. ret_later: there are rotated
 * files that are younger than `now`, perhaps copies of it. */
bool file_between(struct file_source *source, struct log_path *path, const struct file_position *before,
                  const struct file_look *now, bool *ret_later);
/* A rotated file that is to be read under the path's name. */
void file_add_unseen(struct file_source *source, struct log_path *path, const struct sibling *one);
/* A rotated file that was compressed before it was read. False: full. */
bool file_tell_packed(struct file_source *source, struct log_path *path, const struct sibling *one);

/* file_unseen.c: logs that came and were rotated away before their name was ever found */
extern const struct file_look file_nothing_yet;                              /* younger than any file */
void file_look_write(const struct file_pattern *pattern, struct buffer *to); /* for the next start */
void file_look_read(struct slice bytes, struct file_pattern *pattern);
void file_look_over(struct file_source *source); /* a whole scan is done */
/* A file of that name was let go; what of it comes to light compressed is accounted for. */
void file_look_told(struct file_source *source, const char *name, uint64_t written_ns);
/* As file_between, where nothing is known of what was there before: what was born since the last look. */
bool file_unseen(struct file_source *source, struct log_path *path, const struct file_look *now,
                 bool *ret_later);
/* The same for a name that is not there. False: full. */
bool file_unseen_absent(struct file_source *source, const char *name, bool literal);
/* The same for all names of a glob that are known by their rotated files alone. False: full. */
bool file_orphans(struct file_source *source, const struct file_pattern *pattern);

/* file_scan.c: names */
bool file_pattern_parse(struct file_pattern *pattern, const char *text, struct fault *fault);
void file_pattern_free(struct file_pattern *pattern);
bool file_pattern_matches(const struct file_pattern *pattern, const char *name);
bool file_asked_for(const struct file_source *source, const char *name); /* by a pattern, and not excluded */
void file_watch_drain(struct file_source *source);
/* Looks at everything. False: full, to be done again. */
bool file_scan(struct file_source *source);
void file_folders_free(struct file_source *source);

#endif

/* How far a file has been read, as bytes in the spool. Reading them is pure and takes anything.
 *
 * Layout, big-endian: u8 version (1) ‖ u8 flags ‖ u64 device ‖ u64 inode ‖ u64 birth_ns ‖ u32 inode generation ‖
 * u64 generation ‖ u64 offset ‖ u64 size ‖ u64 modified_ns ‖ u64 since_ns ‖ u16 + 32 head ‖ u16 + 32 tail ‖ u64 hole ‖ u64 given ‖
 * u32 fragment ‖ u32 length ‖ path. */
#ifndef TOCSIN_FILE_POSITION_H
#define TOCSIN_FILE_POSITION_H

#include "file_source.h"
#include "sha256.h"

struct file_identity {
    uint64_t device, inode;
    uint64_t birth_ns;         /* 0: the file system has none */
    uint32_t inode_generation; /* 0: none */
};

/* Some bytes of a file, by their hash. */
struct file_print {
    uint16_t size;
    struct hash hash;
};

enum {
    FILE_FLAG_GONE = 1, /* no file: remembers the name's generation, and the last file's identity and times */
    FILE_FLAG_COPY = 2, /* a copy that is read only because its original was truncated */
    FILE_FLAG_CONTINUED = 4, /* the line at the offset began in an event already given as unfinished */
    FILE_FLAG_LEFT =
        8, /* it had left its name: what was not seen to be there was most likely never written */
    FILE_FLAGS = 15,
};

struct file_position {
    uint8_t flags;
    struct file_identity identity;
    uint64_t generation;
    uint64_t offset;
    uint64_t size; /* as last seen: at least so much was there to be read */
    uint64_t modified_ns;
    uint64_t since_ns; /* rotated files born up to then are accounted for; 0: up to its own birth */
    struct file_print head, tail;
    struct line_state line;
};

#define FILE_KEY_MOST (FILE_PATH_MOST + 64)

/* False: the path is longer than FILE_PATH_MOST. */
bool file_position_write(const struct file_position *position, struct slice path, struct buffer *to);
/* ret_path borrows from the bytes. */
bool file_position_read(struct slice bytes, struct file_position *ret_position, struct slice *ret_path,
                        struct fault *fault);

/* "file:<path>:<device>:<inode>", of a GONE one "file:<path>". */
struct slice file_position_key(const struct file_position *position, struct slice path,
                               char ret_key[FILE_KEY_MOST]);

/* The same file, as far as the inode tells. A device number may change with a restart of the machine, so it counts only
 * where neither a birth time nor a generation is known. */
bool file_identity_same(const struct file_identity *a, const struct file_identity *b);

#endif

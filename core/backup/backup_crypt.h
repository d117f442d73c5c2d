/* The bytes of a backup's files: a clear header, then chunks, each compressed and encrypted by itself (FORMATS.md, Backups).
 *
 *     header = "tocsin/backup/v1" ‖ u32 kind ‖ u32 0 ‖ u64 made_us ‖ salt[32] ‖ key id[32] ‖ log[32] ‖ u64 set ‖ u64 number
 *     chunk  = u32 size ‖ u8 last ‖ AES-256-GCM of a zstd frame, its tag behind it; size counts both
 *
 *     key    = HKDF-SHA256(backup key, salt: the header's 32 random bytes, info: "tocsin/backup/v1")
 *     nonce  = u96 number of the chunk; AAD = H(header) ‖ u64 number ‖ u8 last
 *     key id = H("tocsin/backkey/1" ‖ backup key)
 *
 * So a chunk that is altered, left out, repeated, put elsewhere or taken from another file does not open, and a file whose
 * last chunk is not marked so was cut off. A sealer goes from a fresh header to its end, once: no nonce is used twice.
 *
 * Errors: FAULT_AUTH for another key, FAULT_FORMAT with the chunk's number for what does not open, FAULT_LIMIT. */
#ifndef TOCSIN_BACKUP_CRYPT_H
#define TOCSIN_BACKUP_CRYPT_H

#include "buffer.h"
#include "fault.h"
#include "sha256.h"

#define BACKUP_KEY_SIZE 32u
#define BACKUP_SALT_SIZE 32u
#define BACKUP_HEADER_SIZE 144u
#define BACKUP_CHUNK_HEAD 5u
#define BACKUP_RAW_MOST (24u * 1024 * 1024)   /* bytes of records in a chunk */
#define BACKUP_CHUNK_MOST (25u * 1024 * 1024) /* what they may take in the file */

enum backup_kind {
    BACKUP_BASE = 1,   /* the store at one moment, without the log; keys and settings */
    BACKUP_LOG = 2,    /* entries of the log, from `set` up to, without, `number` */
    BACKUP_FOLLOW = 3, /* what was committed since, the number-th file of its set */
};

struct backup_header {
    enum backup_kind kind;
    uint64_t made_us;
    uint8_t salt[BACKUP_SALT_SIZE]; /* secret random bytes would do no harm; they must be fresh */
    struct hash key_id;             /* filled by the sealer */
    struct hash log;                /* statement_log: whose backup this is */
    uint64_t set;                   /* of base and follow: made_us of the base; of log: the first index */
    uint64_t number;                /* of follow: its place; of log: the index behind the last; of base: 0 */
};

struct hash backup_key_id(const uint8_t key[BACKUP_KEY_SIZE]);
bool backup_header_read(struct slice bytes, struct backup_header *ret_header, struct fault *fault);

struct backup_sealer;
struct backup_sealer *backup_sealer_create(const uint8_t key[BACKUP_KEY_SIZE],
                                           const struct backup_header *header);
struct backup_sealer *backup_sealer_destroy(struct backup_sealer *sealer); /* wipes; returns NULL */

/* What the file begins with; as long as the sealer lives. */
struct slice backup_sealer_header(const struct backup_sealer *sealer);
/* Appends a chunk. After the last one there is no other: FAULT_USAGE. */
bool backup_sealer_chunk(struct backup_sealer *sealer, struct slice raw, bool last, struct buffer *to,
                         struct fault *fault);

struct backup_opener;
/* `header` is the file's first BACKUP_HEADER_SIZE bytes. */
struct backup_opener *backup_opener_create(const uint8_t key[BACKUP_KEY_SIZE], struct slice header,
                                           struct backup_header *ret_header, struct fault *fault);
struct backup_opener *backup_opener_destroy(struct backup_opener *opener); /* wipes; returns NULL */

/* How many bytes follow a chunk's head. */
bool backup_opener_size(const struct backup_opener *opener, const uint8_t head[BACKUP_CHUNK_HEAD],
                        size_t *ret_size, struct fault *fault);
/* Puts the chunk's records into `raw`, emptied first. `body` is what follows the head. */
bool backup_opener_chunk(struct backup_opener *opener, const uint8_t head[BACKUP_CHUNK_HEAD],
                         struct slice body, struct buffer *raw, struct fault *fault);
/* Whether the chunk marked as the last one was opened. */
bool backup_opener_ended(const struct backup_opener *opener);
uint64_t backup_opener_number(const struct backup_opener *opener); /* of the next chunk */

#endif

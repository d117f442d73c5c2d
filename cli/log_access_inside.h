/* What the files of log_access share. Private to them. */
#ifndef TOCSIN_LOG_ACCESS_INSIDE_H
#define TOCSIN_LOG_ACCESS_INSIDE_H

#include "log_access.h"
#include "log_history.h"
#include "log_reader.h"
#include "reader.h"
#include "site_store.h"

struct control_place {
    uint64_t index;
    struct buffer entry;
};

/* The log indexes of one stream's batches, from batch `first` on. */
struct batch_table {
    struct hash stream;
    bool known;
    uint64_t first;
    size_t count, room;
    uint64_t *indexes;
};

struct known_path {
    uint64_t index;
    struct merkle_path path;
};

struct log_access {
    struct reader *reader;   /* of a live collector; NULL at rest */
    struct site_store store; /* at rest */
    struct log_reader *log;
    struct entry_block *block; /* log_cursor_share */
    size_t control_count;
    struct control_place *controls;
    struct log_history *history;
    struct witness_policy settings_policy; /* of collector.yaml */
    struct batch_table table;
    /* What will be asked for, ascending, and the window of it that is here. */
    uint64_t *planned, planned_size;
    size_t planned_count, planned_next, path_count, path_at;
    struct known_path *paths;
    struct proof_source source;
};

/* Asks the collector and takes each row of the answer. */
bool log_access_ask(struct log_access *access, Tocsin__Request *request, log_access_take *take, void *context,
                    struct fault *fault);
/* Appends the row of that number. */
bool log_access_numbered(struct log_access *access, enum store_family family, uint64_t number, struct buffer *to,
                         struct fault *fault);

/* The functions of the proof_source. */
bool log_access_batch_index(void *context, const struct hash *stream_id, uint64_t batch_seq, uint64_t *ret_index,
                            struct fault *fault);
bool log_access_inclusion(void *context, uint64_t index, uint64_t size, struct merkle_path *ret_path,
                          struct fault *fault);
bool log_access_consistency(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                            struct fault *fault);
bool log_access_checkpoint(void *context, uint64_t size, uint64_t *ret_size, struct buffer *to, struct fault *fault);

#endif

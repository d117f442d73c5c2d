#include "log_pages.h"

#include <pthread.h>
#include <stdlib.h>

#include "bytes.h"
#include "entry_block.h"
#include "log.h"
#include "log_cursor.h"
#include "memory.h"
#include "merkle_tile.h"

#define BINARY "application/octet-stream"
#define ENTRY_MOST 65535u

struct log_pages {
    struct log_state *log;
    pthread_mutex_t mutex;
    struct entry_block *block; /* the last one, under the mutex: a monitor reads one entry after the other */
};

struct log_pages *log_pages_create(struct log_state *log) {
    struct log_pages *pages = memory_new(sizeof *pages);
    pages->log = log;
    pthread_mutex_init(&pages->mutex, NULL);
    return pages;
}

struct log_pages *log_pages_destroy(struct log_pages *pages) {
    if (pages) {
        entry_block_close(pages->block);
        pthread_mutex_destroy(&pages->mutex);
        free(pages);
    }
    return NULL;
}

static struct entry_block *swap_block(struct log_pages *pages, struct entry_block *block) {
    pthread_mutex_lock(&pages->mutex);
    struct entry_block *before = pages->block;
    pages->block = block;
    pthread_mutex_unlock(&pages->mutex);
    return before;
}

/* ---- pages */

static bool give_hashes(struct log_pages *pages, const struct merkle_tile *tile, struct buffer *to,
                        struct fault *fault) {
    struct hash hashes[MERKLE_TILE_WIDTH];
    return log_reader_tile(log_state_reader(pages->log), tile->level, tile->index, tile->width, hashes,
                           fault) &&
           buffer_append(to, hashes, tile->width * sizeof *hashes);
}

static bool give_entry(const struct log_cursor *cursor, uint64_t index, struct buffer *to,
                       struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, index);
    struct slice entry = log_cursor_value(cursor);
    if (!slice_equal(log_cursor_key(cursor), slice_make(key, sizeof key)) || entry.size > ENTRY_MOST)
        return fault_set(fault, FAULT_MISSING, "log entry %llu is not there", (unsigned long long)index);
    return bytes_write_u16(to, (uint16_t)entry.size) && buffer_append_slice(to, entry);
}

static bool give_entries(struct log_pages *pages, const struct merkle_tile *tile, struct buffer *to,
                         struct fault *fault) {
    uint8_t first[8];
    uint64_t index = tile->index * MERKLE_TILE_WIDTH, end = index + tile->width;
    struct entry_block *block = swap_block(pages, NULL);
    struct log_cursor *cursor = log_cursor_create(log_state_store(pages->log), STORE_ENTRY, NULL);
    log_cursor_share(cursor, &block);
    bytes_put_u64(first, index);
    bool good = true;
    for (bool on = log_cursor_at_or_after(cursor, slice_make(first, sizeof first)); good && on && index < end;
         on = ++index < end && log_cursor_next(cursor))
        good = give_entry(cursor, index, to, fault);
    if (good && index < end && log_cursor_good(cursor, fault))
        fault_set(fault, FAULT_MISSING, "log entry %llu is not there", (unsigned long long)index);
    log_cursor_destroy(cursor);
    entry_block_close(swap_block(pages, block));
    return good && index == end;
}

static void give_tile(struct log_pages *pages, const struct merkle_tile *tile, struct http_answer *answer) {
    struct fault fault = {0};
    answer->status = 200;
    answer->type = BINARY;
    if (tile->kind == MERKLE_TILE_ENTRIES ? give_entries(pages, tile, &answer->body, &fault)
                                          : give_hashes(pages, tile, &answer->body, &fault))
        return;
    log_fault(LOG_LEVEL_ERROR, &fault, "a page of the log");
    http_answer_say(answer, 500, "the collector cannot read this part of its log");
}

static void give_checkpoint(struct log_pages *pages, struct http_answer *answer) {
    struct log_head head;
    answer->status = 200;
    if (!log_state_newest(pages->log, &head, &answer->body))
        http_answer_say(answer, 404, "no checkpoint was published yet");
}

/* As far as what was published goes. */
static bool is_there(struct log_pages *pages, const struct merkle_tile *tile) {
    struct log_head head;
    return log_state_newest(pages->log, &head, NULL) &&
           tile->width <= merkle_tile_width(head.size, tile->level, tile->index);
}

void log_pages_handle(void *context, const struct http_request *request, struct http_answer *answer) {
    struct log_pages *pages = context;
    struct merkle_tile tile;
    if (strcmp(request->method, "GET") != 0)
        http_answer_say(answer, 405, "pages are read here, with GET");
    else if (strcmp(request->path, "/checkpoint") == 0)
        give_checkpoint(pages, answer);
    else if (merkle_tile_path_read(slice_string(request->path + 1), &tile) && is_there(pages, &tile))
        give_tile(pages, &tile, answer);
    else
        http_answer_say(
            answer, 404,
            "there are /checkpoint, /tile/<level>/<index> and /tile/entries/<index>, .p/<width> behind it "
            "where a tile is not full, up to the published checkpoint");
}

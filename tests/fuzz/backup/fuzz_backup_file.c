/* A backup's file from somewhere: the first byte says whether the rest is a file, or the records of a chunk that opened. */
#include "backup_crypt.h"
#include "backup_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void records(struct slice rest) {
    struct backup_record record;
    struct backup_about about;
    char name[BACKUP_NAME_MOST];
    uint32_t mode;
    struct backup_commit commit;
    struct slice content;
    while (backup_record_next(&rest, &record, NULL)) {
        backup_commit_read(&record, &commit, NULL);
        backup_about_read(&record, &about, NULL);
        backup_file_read(&record, name, &mode, &content, NULL);
    }
}

static void file(struct slice bytes) {
    static const uint8_t key[BACKUP_KEY_SIZE] = {1};
    CLEANUP_BUFFER struct buffer raw = BUFFER(BACKUP_RAW_MOST + 1);
    struct backup_header header;
    size_t body;
    struct backup_opener *opener = backup_opener_create(key, bytes, &header, NULL);
    struct slice rest = slice_from(bytes, BACKUP_HEADER_SIZE);
    while (opener && rest.size >= BACKUP_CHUNK_HEAD && backup_opener_size(opener, rest.data, &body, NULL) &&
           backup_opener_chunk(opener, rest.data, slice_head(slice_from(rest, BACKUP_CHUNK_HEAD), body), &raw,
                               NULL)) {
        records(buffer_slice(&raw));
        rest = slice_from(rest, BACKUP_CHUNK_HEAD + body);
    }
    backup_opener_destroy(opener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    if (data[0])
        records(slice_make(data + 1, size - 1));
    else
        file(slice_make(data + 1, size - 1));
    return 0;
}

#include "backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "random.h"

#define RAW_WANTED (1u << 20) /* bytes of records that make a chunk */
#define FILE_MODE 0600

struct backup_writer {
    char path[FILES_PATH_MOST];
    int file;
    struct backup_sealer *sealer;
    struct buffer raw, out;
    struct sha256 running;
    struct backup_sums sums;
    bool failed;
};

struct backup_reader {
    char path[FILES_PATH_MOST];
    int file;
    struct backup_opener *opener;
    struct buffer body, raw;
    struct slice rest; /* of raw */
    struct sha256 running;
    struct backup_sums sums;
    uint64_t size, at;
    bool cut;
};

/* ---- writing */

static bool write_all(struct backup_writer *writer, struct slice bytes, struct fault *fault) {
    for (size_t done = 0; done < bytes.size;) {
        ssize_t put = write(writer->file, bytes.data + done, bytes.size - done);
        if (put < 0 && errno != EINTR) {
            writer->failed = true;
            fault_set_system(fault, "the backup cannot be written");
            return fault_place(fault, "%s", writer->path);
        }
        done += put > 0 ? (size_t)put : 0;
    }
    writer->sums.bytes += bytes.size;
    return true;
}

struct backup_writer *backup_writer_create(const char *path, const uint8_t key[BACKUP_KEY_SIZE],
                                           struct backup_header *header, struct fault *fault) {
    struct random_source source = random_source_system();
    struct backup_writer *writer = memory_new(sizeof *writer);
    *writer = (struct backup_writer){
        .file = -1, .raw = BUFFER(BACKUP_RAW_MOST), .out = BUFFER(BACKUP_CHUNK_MOST + BACKUP_CHUNK_HEAD)};
    sha256_begin(&writer->running);
    size_t size = strlen(path);
    bool good = (size < sizeof writer->path || fault_set(fault, FAULT_LIMIT, "the path is too long")) &&
                random_fill(&source, header->salt, sizeof header->salt, fault);
    if (good) {
        memcpy(writer->path, path, size + 1);
        writer->file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
        if (writer->file < 0) {
            int error = errno;
            fault_set_system(fault, "the backup's file cannot be made");
            if (fault && error == EEXIST)
                fault->code = FAULT_CONFLICT;
            good = fault_place(fault, "%s", path);
        }
    }
    if (good) {
        writer->sealer = backup_sealer_create(key, header);
        good = write_all(writer, backup_sealer_header(writer->sealer), fault);
    }
    return good ? writer : backup_writer_destroy(writer);
}

struct backup_writer *backup_writer_destroy(struct backup_writer *writer) {
    if (!writer)
        return NULL;
    if (writer->file >= 0)
        close(writer->file);
    backup_sealer_destroy(writer->sealer);
    buffer_free(&writer->raw);
    buffer_free(&writer->out);
    free(writer);
    return NULL;
}

static bool flush(struct backup_writer *writer, bool last, struct fault *fault) {
    if (writer->failed)
        return fault_set(fault, FAULT_IO, "this backup's file failed before");
    if (writer->raw.size == 0 && !last)
        return true;
    buffer_clear(&writer->out);
    sha256_add(&writer->running, writer->raw.data, writer->raw.size);
    if (!backup_sealer_chunk(writer->sealer, buffer_slice(&writer->raw), last, &writer->out, fault)) {
        writer->failed = true; /* a chunk's number is spent */
        return fault_place(fault, "%s", writer->path);
    }
    buffer_clear(&writer->raw);
    return write_all(writer, buffer_slice(&writer->out), fault);
}

bool backup_writer_put(struct backup_writer *writer, const struct backup_record *record,
                       struct fault *fault) {
    size_t size = BACKUP_RECORD_HEAD + record->key.size + record->value.size;
    if (writer->raw.size && writer->raw.size + size > RAW_WANTED && !flush(writer, false, fault))
        return false;
    if (!backup_record_write(&writer->raw, record)) {
        writer->failed = true;
        fault_set(fault, FAULT_LIMIT, "a record of %zu bytes is too large for a backup", size);
        return fault_place(fault, "%s", writer->path);
    }
    writer->sums.records++;
    return true;
}

bool backup_writer_put_all(struct backup_writer *writer, struct slice records, struct fault *fault) {
    struct backup_record record;
    struct fault local = {0};
    while (backup_record_next(&records, &record, &local))
        if (!backup_writer_put(writer, &record, fault))
            return false;
    if (local.code && fault)
        *fault = local;
    return local.code == FAULT_NONE;
}

static bool sync_file(struct backup_writer *writer, struct fault *fault) {
    if (fdatasync(writer->file) == 0)
        return true;
    writer->failed = true; /* what was written before may be lost: the kernel says so once */
    fault_set_system(fault, "the backup is not on the disk");
    return fault_place(fault, "%s", writer->path);
}

bool backup_writer_sync(struct backup_writer *writer, struct fault *fault) {
    return flush(writer, false, fault) && sync_file(writer, fault);
}

bool backup_writer_end(struct backup_writer *writer, struct fault *fault) {
    return flush(writer, true, fault) && sync_file(writer, fault);
}

struct backup_sums backup_writer_sums(const struct backup_writer *writer) {
    struct backup_sums sums = writer->sums;
    struct sha256 running = writer->running;
    sums.hash = sha256_end(&running);
    return sums;
}

/* ---- reading */

/* As many bytes as there are, up to `size`. */
static bool read_some(struct backup_reader *reader, uint8_t *to, size_t size, size_t *ret_got,
                      struct fault *fault) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(reader->file, to + done, size - done);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR) {
            fault_set_system(fault, "the backup cannot be read");
            return fault_place(fault, "%s", reader->path);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    reader->at += done;
    *ret_got = done;
    return true;
}

static bool open_file(struct backup_reader *reader, struct fault *fault) {
    struct stat status;
    reader->file = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reader->file < 0) {
        int error = errno;
        fault_set_system(fault, "the backup's file cannot be opened");
        if (fault && error == ENOENT)
            fault->code = FAULT_MISSING;
        return false;
    }
    if (fstat(reader->file, &status) != 0 || !S_ISREG(status.st_mode))
        return fault_set(fault, FAULT_FORMAT, "this is no file");
    reader->size = (uint64_t)status.st_size;
    return true;
}

struct backup_reader *backup_reader_open(const char *path, const uint8_t key[BACKUP_KEY_SIZE],
                                         struct backup_header *ret_header, struct fault *fault) {
    uint8_t header[BACKUP_HEADER_SIZE];
    size_t got = 0;
    struct backup_reader *reader = memory_new(sizeof *reader);
    *reader = (struct backup_reader){
        .file = -1, .body = BUFFER(BACKUP_CHUNK_MOST), .raw = BUFFER(BACKUP_RAW_MOST + 1), .rest = SLICE("")};
    sha256_begin(&reader->running);
    if (strlen(path) >= sizeof reader->path) {
        fault_set(fault, FAULT_LIMIT, "the path is too long");
        return backup_reader_close(reader);
    }
    memcpy(reader->path, path, strlen(path) + 1);
    if (open_file(reader, fault) && read_some(reader, header, sizeof header, &got, fault))
        reader->opener = backup_opener_create(key, slice_make(header, got), ret_header, fault);
    if (reader->opener)
        return reader;
    fault_place(fault, "%s", path);
    return backup_reader_close(reader);
}

struct backup_reader *backup_reader_close(struct backup_reader *reader) {
    if (!reader)
        return NULL;
    if (reader->file >= 0)
        close(reader->file);
    backup_opener_destroy(reader->opener);
    buffer_free(&reader->body);
    buffer_free(&reader->raw);
    free(reader);
    return NULL;
}

static bool cut_off(struct backup_reader *reader, struct fault *fault) {
    reader->cut = true;
    return fault_set(fault, FAULT_FORMAT, "it is cut off in chunk %llu, at byte %llu",
                     (unsigned long long)backup_opener_number(reader->opener),
                     (unsigned long long)reader->at);
}

/* False at the end and with a fault. */
static bool read_chunk(struct backup_reader *reader, struct fault *fault) {
    uint8_t head[BACKUP_CHUNK_HEAD];
    size_t got, size;
    if (!read_some(reader, head, sizeof head, &got, fault))
        return false;
    if (got == 0 && backup_opener_ended(reader->opener))
        return false;
    if (got < sizeof head)
        return cut_off(reader, fault);
    if (!backup_opener_size(reader->opener, head, &size, fault))
        return false;
    buffer_clear(&reader->body);
    buffer_reserve(&reader->body, size);
    if (!read_some(reader, reader->body.data, size, &got, fault))
        return false;
    if (got < size)
        return cut_off(reader, fault);
    if (!backup_opener_chunk(reader->opener, head, slice_make(reader->body.data, size), &reader->raw,
                             fault)) {
        reader->cut = reader->at == reader->size;
        return false;
    }
    sha256_add(&reader->running, reader->raw.data, reader->raw.size);
    reader->rest = buffer_slice(&reader->raw);
    return true;
}

bool backup_reader_next(struct backup_reader *reader, struct backup_record *ret_record, struct fault *fault) {
    struct fault local = {0};
    while (reader->rest.size == 0)
        if (!read_chunk(reader, &local)) {
            if (local.code) {
                fault_place(&local, "%s", reader->path);
                if (fault)
                    *fault = local;
            }
            return false;
        }
    if (!backup_record_next(&reader->rest, ret_record, fault))
        return fault_place(fault, "%s", reader->path);
    reader->sums.records++;
    return true;
}

bool backup_reader_cut(const struct backup_reader *reader) {
    return reader->cut;
}

struct backup_sums backup_reader_sums(const struct backup_reader *reader) {
    struct backup_sums sums = reader->sums;
    struct sha256 running = reader->running;
    sums.bytes = reader->at;
    sums.hash = sha256_end(&running);
    return sums;
}

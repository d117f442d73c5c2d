/* Not a test: what sealing costs beside its floor on this machine, how large it is, how fast it is searched.
 *
 *     bench_segment FILE FOLDER [WORD...]
 *
 * FILE's lines become events of one class in signed batches of 4,096, rows of 200, and these segments. The floor is the
 * same bytes through leaf and node hashes, zstd -3 in 2 MiB blocks, AES-GCM, and one synced write. One thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "bench_lines.h"
#include "body_time.h"
#include "event_leaf.h"
#include "memory.h"
#include "merkle.h"
#include "open_batch.h"
#include "query_text.h"
#include "segment_reader.h"
#include "segment_tokens.h"
#include "segment_verify.h"
#include "segment_writer.h"
#include "stream_id.h"

#define ROW_EVENTS 200u
#define CLASS CLASS_ACCESS

static const uint8_t day_key[SEGMENT_KEY_SIZE] = {1, 2, 3};

static void write_body(struct buffer *to, const struct lines *lines, size_t i) {
    struct event_body body = {.kind = EVENT_LINE,
                              .source = SLICE("/var/log/bench.log"),
                              .raw = bench_line(lines, i),
                              .offset = lines->starts[i],
                              .generation = 1};
    buffer_clear(to);
    event_body_write(to, &body);
}

struct sealer {
    const struct lines *lines;
    const char *folder;
    struct signing_key *key;
    struct hash id;
    struct segment_writer *writer;
    uint32_t stream;
    uint64_t first_index, index;
    struct hash prev;
    char names[256][32];
    unsigned files;
    uint64_t bytes;
    double cpu; /* of the writer alone */
};

static bool line_time(void *context, const struct event_body *body, uint64_t read_us, uint64_t *ret_time_us) {
    bool zoneless;
    (void)context;
    return body_time(body, read_us, 0, ret_time_us, &zoneless);
}

static void begin(struct sealer *sealer) {
    static const struct segment_line_clock clock = {line_time, NULL, 0};
    sealer->writer = segment_writer_create(CLASS, 1);
    segment_writer_set_clock(sealer->writer, &clock);
    sealer->first_index = sealer->index;
    sealer->stream = segment_writer_stream(sealer->writer, &sealer->id, SLICE("ca1"),
                                           signing_key_public(sealer->key), NULL);
}

static void finish(struct sealer *sealer) {
    struct hash key_id = {{7}};
    struct random_source random = random_source_system();
    struct buffer file = BUFFER(SEGMENT_FILE_MOST);
    struct fault fault = {0};
    if (!segment_writer_finish(sealer->writer, sealer->first_index, sealer->index - 1, day_key, &key_id,
                               &random, &file, NULL, &fault))
        bench_give_up("sealing", fault.text);
    segment_writer_destroy(sealer->writer);
    snprintf(sealer->names[sealer->files], 32, "%u.segment", sealer->files);
    bench_write_synced(sealer->folder, sealer->names[sealer->files++], buffer_slice(&file));
    sealer->bytes += file.size;
    buffer_free(&file);
}

/* Entries and class roots are made outside the time that is measured: the commit has them already. */
static void seal_batch(struct sealer *sealer, size_t first, size_t count) {
    struct open_batch *open = open_batch_create();
    uint8_t class_key[CLASS_KEY_SIZE] = {(uint8_t)first, (uint8_t)(first >> 8), (uint8_t)(first >> 16)};
    struct buffer body = BUFFER(EVENT_BODY_MOST);
    struct class_list list;
    uint8_t list_bytes[CLASS_LIST_MOST], entry_bytes[BATCH_ENTRY_SIZE];
    open_batch_set_key(open, CLASS, class_key);
    for (size_t i = first; i < first + count; i++) {
        write_body(&body, sealer->lines, i);
        struct event event = {i, 1000000 + i * 50000, CLASS, buffer_slice(&body)};
        open_batch_add(open, &event);
    }
    open_batch_class_list(open, &list);
    size_t list_size = class_list_write(&list, list_bytes);
    struct batch_entry entry = {.stream_id = sealer->id,
                                .kind = BATCH_DATA,
                                .batch_seq = sealer->index,
                                .first_event_seq = first,
                                .event_count = (uint32_t)count,
                                .open_us = 1000000,
                                .close_us = 2000000 + (first + count) * 50000,
                                .prev = sealer->prev,
                                .seen = seen_none()};
    entry.event_root = class_list_event_root(slice_make(list_bytes, list_size));
    batch_entry_sign(&entry, sealer->key, entry_bytes);
    sealer->prev = batch_entry_hash(slice_make(entry_bytes, sizeof entry_bytes));
    open_batch_destroy(open);
    uint32_t batch = segment_writer_batch(sealer->writer, sealer->stream, sealer->index++,
                                          slice_make(entry_bytes, sizeof entry_bytes),
                                          slice_make(list_bytes, list_size), class_key, NULL);
    double begun = bench_cpu();
    for (size_t i = first; i < first + count; i++) {
        if ((i - first) % ROW_EVENTS == 0)
            segment_writer_row(sealer->writer, batch, i / ROW_EVENTS, 1000500 + i * 50000);
        write_body(&body, sealer->lines, i);
        struct event event = {i, 1000000 + i * 50000, CLASS, buffer_slice(&body)};
        segment_writer_event(sealer->writer, &event, NULL);
    }
    sealer->cpu += bench_cpu() - begun;
    buffer_free(&body);
}

static void seal_all(struct sealer *sealer) {
    begin(sealer);
    for (size_t i = 0; i < sealer->lines->count; i += BATCH_EVENTS_MOST) {
        size_t left = sealer->lines->count - i;
        seal_batch(sealer, i, left < BATCH_EVENTS_MOST ? left : BATCH_EVENTS_MOST);
        if (segment_writer_text(sealer->writer) > SEGMENT_TEXT_MOST || left <= BATCH_EVENTS_MOST) {
            double begun = bench_cpu();
            finish(sealer);
            sealer->cpu += bench_cpu() - begun;
            if (left > BATCH_EVENTS_MOST)
                begin(sealer);
        }
    }
    printf("sealing: %.2f CPU-s/M, %.1f bytes an event, %u segments\n",
           sealer->cpu * 1e6 / (double)sealer->lines->count,
           (double)sealer->bytes / (double)sealer->lines->count, sealer->files);
}

static bool read_file(void *context, uint64_t offset, void *to, size_t size, struct fault *fault) {
    int fd = *(const int *)context;
    return pread(fd, to, size, (off_t)offset) == (ssize_t)size || fault_set_system(fault, "read");
}

static void print_finding(void *context, const char *place, const char *text) {
    (void)context;
    printf("BAD %s: %s\n", place, text);
}

static struct segment_reader *open_reader(const struct sealer *sealer, unsigned file, int *ret_fd) {
    char path[512];
    struct fault fault = {0};
    snprintf(path, sizeof path, "%s/%s", sealer->folder, sealer->names[file]);
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    struct segment_source source = {ret_fd, read_file};
    struct segment_reader *reader = segment_reader_open(&source, &fault);
    if (!reader || !segment_reader_unlock(reader, day_key, &fault))
        bench_give_up("sealing", fault.text);
    return reader;
}

static void read_all(const struct sealer *sealer) {
    double begun = bench_cpu(), opened = 0, verified = 0;
    struct segment_block *block = segment_block_create();
    size_t n = 0;
    for (unsigned i = 0; i < sealer->files; i++) {
        int fd;
        double start = bench_cpu();
        struct segment_reader *reader = open_reader(sealer, i, &fd);
        const struct segment_index *index = segment_reader_index(reader);
        opened += bench_cpu() - start;
        for (uint32_t b = 0; b < index->block_count; b++) {
            if (!segment_block_open(block, reader, b, NULL) || !segment_block_values(block, NULL))
                bench_give_up("a block", NULL);
            for (uint32_t e = 0; e < segment_block_count(block); e++, n++)
                if (!slice_equal(segment_block_raw(block, e), bench_line(sealer->lines, n)))
                    bench_give_up("a line came back as another", NULL);
        }
        start = bench_cpu();
        struct segment_verify verify = {NULL, print_finding, NULL, NULL};
        segment_verify(reader, &verify);
        verified += bench_cpu() - start;
        if (i == 0)
            printf(
                "segment 0: %u blocks, %u pages, %u templates, %u shapes, %u words, index %u bytes sealed\n",
                index->block_count, segment_reader_head(reader)->pages, index->template_count,
                index->shape_count, index->word_count, segment_reader_head(reader)->index_size);
        segment_reader_close(reader);
        close(fd);
    }
    double ended = bench_cpu();
    segment_block_destroy(block);
    printf("reading every line: %.2f CPU-s/M (opening %.1f ms a segment); verifying: %.2f CPU-s/M\n",
           (ended - begun - verified) * 1e6 / (double)sealer->lines->count, opened * 1e3 / sealer->files,
           verified * 1e6 / (double)sealer->lines->count);
}

static void look_for(const struct sealer *sealer, const char *word, bool warm_up) {
    struct segment_reader *readers[256];
    int fds[256];
    for (unsigned i = 0; i < sealer->files; i++)
        readers[i] = open_reader(sealer, i, &fds[i]);
    struct segment_block *block = segment_block_create();
    struct query_needle needle = query_needle_make(slice_string(word));
    double begun = bench_wall();
    size_t blocks = 0, found = 0;
    for (unsigned i = 0; i < sealer->files; i++) {
        uint8_t in[SEGMENT_BLOCKS_MOST];
        uint32_t count = segment_reader_index(readers[i])->block_count;
        if (!segment_reader_look(readers[i], segment_digest(slice_string(word)), in, NULL))
            bench_give_up("the filter", NULL);
        for (uint32_t b = 0; b < count; b++) {
            if (!in[b])
                continue;
            blocks++;
            if (!segment_block_open(block, readers[i], b, NULL) || !segment_block_values(block, NULL))
                bench_give_up("a block", NULL);
            for (uint32_t e = 0; e < segment_block_count(block); e++)
                found += query_needle_in(&needle, segment_block_raw(block, e));
        }
    }
    if (!warm_up)
        printf("'%s': %zu lines in %zu blocks, %.2f ms\n", word, found, blocks, (bench_wall() - begun) * 1e3);
    segment_block_destroy(block);
    for (unsigned i = 0; i < sealer->files; i++) {
        segment_reader_close(readers[i]);
        close(fds[i]);
    }
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    static const uint8_t seed[ED25519_SEED_SIZE] = {9};
    struct lines lines = bench_lines_open(argv[1]);
    struct sealer sealer = {.lines = &lines, .folder = argv[2], .key = signing_key_create(seed)};
    sealer.id = stream_id_make(SLICE("ca1"), signing_key_public(sealer.key));
    printf("%zu lines of %.1f bytes\n", lines.count, (double)lines.size / (double)lines.count);
    bench_floor_of(&lines, argv[2]);
    seal_all(&sealer);
    read_all(&sealer);
    for (int i = 3; i < argc; i++) {
        look_for(&sealer, argv[i], true);
        look_for(&sealer, argv[i], false);
    }
    signing_key_destroy(sealer.key);
    return 0;
}

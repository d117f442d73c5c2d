#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "encoding.h"
#include "file_state.h"
#include "memory.h"

#define NUMBER_SIZE 24

static bool give(struct file_source *source, enum event_class class, const struct event_body *body) {
    const struct source_output *output = source->source.output;
    if (!source->full && !output->event(output->context, class, body))
        source->full = true; /* and nothing more in this turn, small as it may be: order is kept */
    return !source->full;
}

static struct slice number(char text[NUMBER_SIZE], uint64_t value) {
    return slice_make(text, (size_t)snprintf(text, NUMBER_SIZE, "%" PRIu64, value));
}

bool file_tell_gap(struct file_source *source, const char *name, uint64_t generation, uint64_t first,
                   uint64_t count, const char *reason, const char *sentence) {
    char first_text[NUMBER_SIZE], count_text[NUMBER_SIZE];
    struct event_field fields[] = {
        {SLICE("gap.unit"), SLICE("bytes")},
        {SLICE("gap.first"), number(first_text, first)},
        {SLICE("gap.count"), count == UINT64_MAX ? SLICE("unknown") : number(count_text, count)},
        {SLICE("gap.reason"), slice_string(reason)},
    };
    struct event_body body = {
        .kind = EVENT_GAP,
        .source = slice_string(name),
        .raw = slice_string(sentence),
        .offset = first,
        .generation = generation,
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
    };
    return give(source, source->class, &body);
}

bool file_tell_state(struct file_source *source, const char *name, const char *state, const char *sentence) {
    struct event_field fields[] = {{SLICE("tocsin.event"), slice_string(state)}};
    struct event_body body = {.kind = EVENT_STATE,
                              .source = slice_string(name),
                              .raw = slice_string(sentence),
                              .fields = fields,
                              .field_count = 1};
    return give(source, CLASS_JOURNAL, &body);
}

bool file_tell_trouble(struct file_source *source, struct log_path *path, enum file_found trouble) {
    if (path->told == trouble)
        return true;
    char sentence[FILE_PATH_MOST + 160];
    bool said = true;
    if (trouble == FILE_DENIED) {
        snprintf(sentence, sizeof sentence, "%s may not be read by this agent; it is read as soon as it may",
                 path->name);
        said = file_tell_state(source, path->name, "file_unreadable", sentence);
    } else if (trouble == FILE_REFUSED) {
        snprintf(sentence, sizeof sentence,
                 "%s is not read: it is no regular file, or a link where none is followed", path->name);
        said = file_tell_state(source, path->name, "file_refused", sentence);
    } else if (trouble == FILE_LATER) {
        return true; /* no descriptor, a medium's error: tried again, and the lag shows it */
    }
    if (said)
        path->told = trouble;
    return said;
}

/* Takes the running hash of an over-long line up again after a restart, from the file. */
static struct sha256 *rehash(const struct log_file *file) {
    uint64_t given = file->at.line.given;
    if (given > FILE_REHASH_MOST)
        return NULL;
    struct sha256 *running = memory_new(sizeof *running);
    sha256_begin(running);
    CLEANUP_FREE uint8_t *bytes = memory_new(SOURCE_LINE_MOST);
    for (uint64_t done = 0; done < given;) {
        size_t size = given - done < SOURCE_LINE_MOST ? (size_t)(given - done) : SOURCE_LINE_MOST;
        if (pread(file->file, bytes, size, (off_t)(file->at.offset - given + done)) != (ssize_t)size) {
            free(running);
            return NULL;
        }
        sha256_add(running, bytes, size);
        done += size;
    }
    return running;
}

static struct sha256 *running_hash(struct log_file *file, const struct line_piece *piece) {
    if (!file->long_line && piece->index == 0) {
        file->long_line = memory_new(sizeof *file->long_line);
        sha256_begin(file->long_line);
    } else if (!file->long_line) {
        file->long_line = rehash(file);
    }
    return file->long_line;
}

static bool tell_fragment(struct file_source *source, struct log_file *file, const struct line_piece *piece,
                          struct event_body *body, struct event_field *fields) {
    char index[NUMBER_SIZE], total[NUMBER_SIZE], hex[2 * HASH_SIZE + 1];
    fields[body->field_count++] = (struct event_field){SLICE("fragment.index"), number(index, piece->index)};
    fields[body->field_count++] =
        (struct event_field){SLICE("fragment.last"), piece->last ? SLICE("true") : SLICE("false")};
    struct sha256 *running = running_hash(file, piece);
    if (piece->last) {
        fields[body->field_count++] =
            (struct event_field){SLICE("fragment.total"), number(total, piece->total)};
        if (running) {
            struct sha256 end =
                *running; /* should the event be refused, the next turn begins from here again */
            sha256_add(&end, piece->text.data, piece->text.size);
            struct hash hash = sha256_end(&end);
            encoding_hex(hash.bytes, HASH_SIZE, hex);
            fields[body->field_count++] =
                (struct event_field){SLICE("fragment.sha256"), slice_make(hex, 2 * HASH_SIZE)};
        }
    }
    if (!give(source, source->class, body))
        return false;
    if (piece->last) {
        free(file->long_line);
        file->long_line = NULL;
    } else if (running) {
        sha256_add(running, piece->text.data, piece->text.size);
    }
    return true;
}

static bool tell_hole(struct file_source *source, const struct log_file *file,
                      const struct line_piece *piece) {
    char sentence[FILE_PATH_MOST + 160];
    uint64_t first = file->at.offset + piece->consumed - piece->hole;
    snprintf(sentence, sizeof sentence,
             "%s holds nothing but NUL bytes from byte %" PRIu64 " on, %" PRIu64
             " of them: a writer's crash, or a truncation under it",
             file_name(file), first, piece->hole);
    return file_tell_gap(source, file->path->name, file->at.generation, first, piece->hole, "zeros",
                         sentence);
}

bool file_tell_line(struct file_source *source, struct log_file *file, const struct line_piece *piece) {
    if (piece->kind == LINE_PIECE_HOLE)
        return tell_hole(source, file, piece);
    struct event_field fields[6];
    struct event_body body = {
        .kind = EVENT_LINE,
        .source = slice_make(file->path->name, file->path->size),
        .raw = piece->text,
        .offset = file->at.offset,
        .generation = file->at.generation,
        .fields = fields,
    };
    if (piece->unfinished)
        fields[body.field_count++] = (struct event_field){SLICE("line.unfinished"), SLICE("true")};
    if (file->at.flags & FILE_FLAG_CONTINUED)
        fields[body.field_count++] = (struct event_field){SLICE("line.continued"), SLICE("true")};
    if (piece->kind == LINE_PIECE_FRAGMENT)
        return tell_fragment(source, file, piece, &body, fields);
    return give(source, source->class, &body);
}

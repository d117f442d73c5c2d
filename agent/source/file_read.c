#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "file_siblings.h"
#include "file_state.h"

static enum file_read take_opened(struct file_source *source, struct log_file *file, int descriptor,
                                  const struct file_look *look) {
    if (file->at.identity.device != look->identity.device)
        file_set_identity(source, file, &look->identity);
    file->at.identity = look->identity;
    file_opened(source, file, descriptor);
    if (file->at.offset > 0 && !file->head_checked && !file_head_same(descriptor, &file->at))
        return file_rewritten(source, file, look->size, "rewritten");
    file->head_checked = true;
    return FILE_READ_END;
}

enum file_read file_open_again(struct file_source *source, struct log_file *file) {
    if (file->file >= 0)
        return FILE_READ_END;
    int descriptor = -1;
    struct file_look look;
    bool own_name = !file->name;
    enum file_found found = file_look_open(
        file_name(file), own_name && (file->path->literal || source->follow_links), &descriptor, &look);
    if (found == FILE_FOUND && !file_identity_same(&look.identity, &file->at.identity)) {
        close(descriptor);
        found = FILE_ABSENT;
    }
    if (found == FILE_ABSENT || found == FILE_REFUSED) {
        char *name = NULL;
        found = siblings_find(file->path->name, &file->at.identity, &descriptor, &name, &look);
        if (found == FILE_FOUND) {
            file_rename(file, name);
            file->current = false;
            file->grown_us = source->now_us;
            file_wake_at(source, source->now_us);
        }
        free(name);
    }
    switch (found) {
    case FILE_FOUND:
        (void)file_tell_trouble(source, file->path, FILE_FOUND);
        return take_opened(source, file, descriptor, &look);
    case FILE_ABSENT:
        return file_vanished(source, file);
    case FILE_DENIED:
    case FILE_REFUSED:
        return file_tell_trouble(source, file->path, found) ? FILE_READ_WAIT : FILE_READ_FULL;
    case FILE_LATER:
        break;
    }
    return FILE_READ_WAIT;
}

/* The prints of what now lies before the offset; it is all in the chunk, which began `before` bytes ahead of where this
 * read did. */
static void take_prints(struct file_source *source, struct log_file *file, size_t before, size_t consumed) {
    size_t known = before + consumed;
    size_t tail = known < FILE_TAIL_MOST ? known : FILE_TAIL_MOST;
    file->at.tail =
        (struct file_print){(uint16_t)tail, sha256_of(slice_make(source->chunk + known - tail, tail))};
    bool from_start = file->at.offset == known;
    if (from_start && file->at.head.size < FILE_HEAD_MOST) {
        size_t head = known < FILE_HEAD_MOST ? known : FILE_HEAD_MOST;
        file->at.head = (struct file_print){(uint16_t)head, sha256_of(slice_make(source->chunk, head))};
    }
    file_unsaved(source, file);
}

/* A sparse file's hole need not be read: the system says where it ends. What lies before is NULs as well. */
static void skip_hole(struct log_file *file) {
    off_t data = lseek(file->file, (off_t)file->at.offset, SEEK_DATA);
    if (data < 0 && errno != ENXIO)
        return;
    uint64_t next = data >= 0 ? (uint64_t)data : file->at.size; /* ENXIO: nothing but hole up to the end */
    if (next <= file->at.offset || next > file->at.size)
        return;
    static const uint8_t zeros[FILE_TAIL_MOST];
    file->at.line.hole += next - file->at.offset;
    file->at.offset = next;
    file->at.tail = (struct file_print){FILE_TAIL_MOST, sha256_of(slice_make(zeros, sizeof zeros))};
}

static void take_piece(struct log_file *file, const struct line_piece *piece, bool by_time) {
    line_cut_take(&file->at.line, piece);
    file->at.offset += piece->consumed;
    if (piece->last) {
        file->at.flags &= (uint8_t)~FILE_FLAG_CONTINUED;
        if (by_time && piece->unfinished && !(file->at.flags & FILE_FLAG_COPY))
            file->at.flags |= FILE_FLAG_CONTINUED;
    }
}

static void next_piece(const struct file_source *source, struct log_file *file, struct slice rest, bool flush,
                       bool final, struct line_piece *piece) {
    if (source->multiline)
        multiline_next(source->multiline, &file->at.line, &file->joined, rest, flush, final, piece);
    else
        line_cut_next(&file->at.line, rest, final, piece);
}

/* Gives what is whole in `data`. Returns the bytes that were consumed. */
static size_t give_pieces(struct file_source *source, struct log_file *file, struct slice data, bool flush,
                          bool final) {
    size_t consumed = 0;
    for (;;) {
        struct slice rest = slice_from(data, consumed);
        struct line_piece piece;
        next_piece(source, file, rest, flush, final, &piece);
        if (piece.kind == LINE_PIECE_MORE) {
            file->waiting = rest.size || file->at.line.hole || file->at.line.fragment;
            return consumed;
        }
        if (piece.kind != LINE_PIECE_PASSED && !file_tell_line(source, file, &piece))
            return consumed;
        take_piece(file, &piece, final);
        consumed += piece.consumed;
    }
}

static uint64_t patience_us(const struct file_source *source, const struct log_file *file) {
    if (source->multiline && file->joined.lines)
        return multiline_timeout_us(source->multiline);
    return file->current ? FILE_UNFINISHED_US : FILE_UNFINISHED_LEFT_US;
}

static enum file_read settle(struct file_source *source, struct log_file *file) {
    if (file->waiting)
        file_wake_at(source, file->grown_us + patience_us(source, file));
    if (!(file->at.flags & FILE_FLAG_COPY) || file->waiting)
        return FILE_READ_END;
    file_drop(source, file);
    return FILE_READ_GONE;
}

/* What is at the offset and, before it, what must still be the same. ret_data is what was read behind the offset. */
static enum file_read read_chunk(struct file_source *source, struct log_file *file,
                                 const struct file_look *look, struct slice *ret_data) {
    size_t before = file->at.tail.size;
    ssize_t got = pread(file->file, source->chunk, before + FILE_SHARE, (off_t)(file->at.offset - before));
    if (got < 0)
        return FILE_READ_WAIT;
    if ((size_t)got < before)
        return FILE_READ_MORE; /* cut this very moment: the next look sees its size */
    if (before) {
        struct hash hash = sha256_of(slice_make(source->chunk, before));
        if (!hash_equal(&hash, &file->at.tail.hash))
            return file_rewritten(source, file, look->size, "rewritten");
    }
    *ret_data = slice_make(source->chunk + before, (size_t)got - before);
    return FILE_READ_END;
}

/* Bytes that were there to be read are cut off, those before the offset are still the same. */
static bool tell_shortened(struct file_source *source, struct log_file *file, uint64_t size) {
    if (size >= file->at.size)
        return true;
    if (!file_tell_gap(source, file->path->name, file->at.generation, size, file->at.size - size, "truncated",
                       "the end of the file was cut off before it was read"))
        return false;
    file->at.size = size;
    return true;
}

enum file_read file_read_share(struct file_source *source, struct log_file *file) {
    enum file_read opened = file_open_again(source, file);
    if (opened != FILE_READ_END)
        return opened;
    struct file_look look;
    if (!file_look_descriptor(file->file, &look))
        return FILE_READ_WAIT;
    file_used(source, file);
    file->dirty = false;
    if (look.size < file->at.offset || (look.size < file->at.size && file->at.offset == 0))
        return file_rewritten(source, file, look.size, "truncated");
    bool changed = look.size != file->at.size || look.modified_ns != file->at.modified_ns;
    if (!changed && look.size == file->at.offset && !file->waiting)
        return settle(source, file);
    if (file->at.offset == 0 && !file->at.line.hole && file_unread_copies(source, file) != FILE_READ_END)
        return FILE_READ_MORE;
    struct slice data = {0};
    size_t before = file->at.tail.size;
    enum file_read read = read_chunk(source, file, &look, &data);
    if (read != FILE_READ_END)
        return read;
    if (!tell_shortened(source, file, look.size))
        return FILE_READ_FULL;
    if (changed)
        file->grown_us = source->now_us;
    file->at.size = look.size;
    file->at.modified_ns = look.modified_ns;
    bool at_end = file->at.offset + data.size >= look.size && data.size < FILE_SHARE;
    uint64_t age_us = source->now_us - file->grown_us;
    bool flush = at_end && source->multiline && age_us >= multiline_timeout_us(source->multiline);
    bool final = at_end && (file->at.flags & FILE_FLAG_COPY ||
                            age_us >= (file->current ? FILE_UNFINISHED_US : FILE_UNFINISHED_LEFT_US));
    file->waiting = false;
    size_t consumed = give_pieces(source, file, data, flush, final);
    if (consumed)
        take_prints(source, file, before, consumed);
    if (source->full)
        return FILE_READ_FULL;
    if (file->at.line.hole && consumed == data.size)
        skip_hole(file);
    return at_end ? settle(source, file) : FILE_READ_MORE;
}

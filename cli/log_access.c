#include "log_access.h"

#include <stdlib.h>

#include "bytes.h"
#include "collector_settings.h"
#include "control_chain.h"
#include "encoding.h"
#include "log_history.h"
#include "log_reader.h"
#include "memory.h"
#include "merkle.h"
#include "note.h"
#include "reader.h"
#include "settings_file.h"
#include "signed_conflict.h"
#include "site.h"
#include "statement_type.h"

#define PATHS_AT_ONCE 512u
#define STREAMS_AT_ONCE 64u
#define CHECKPOINTS_LOOKED_AT 32u /* for one that enough witnesses have cosigned */

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
    struct reader *reader; /* of a live collector; NULL at rest */
    struct store *store;
    struct log_reader *log;
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

/* ---- rows */

static bool ask(struct log_access *access, Tocsin__Request *request, struct fault *fault) {
    return reader_ask(access->reader, request, fault);
}

static bool take_rows(struct log_access *access, Tocsin__Request *request, log_access_take *take,
                      void *context, struct fault *fault) {
    struct frame frame;
    uint64_t count;
    bool wanted = true;
    struct fault inner = {0};
    if (!ask(access, request, fault))
        return false;
    while (reader_next(access->reader, &frame, &count, &inner)) {
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (row && wanted)
            wanted = take(context, slice_make(row->key.data, row->key.len),
                          slice_make(row->value.data, row->value.len));
        if (row)
            tocsin__store_row__free_unpacked(row, NULL);
    }
    if (inner.code)
        *fault = inner;
    return !inner.code;
}

static bool rows_live(struct log_access *access, enum store_family family, struct slice from, struct slice to,
                      uint64_t limit, log_access_take *take, void *context, struct fault *fault) {
    Tocsin__RowsQuery query = TOCSIN__ROWS_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.family = family;
    query.from = (ProtobufCBinaryData){from.size, (uint8_t *)(uintptr_t)from.data};
    query.to = (ProtobufCBinaryData){to.size, (uint8_t *)(uintptr_t)to.data};
    query.limit = limit;
    request.of_case = TOCSIN__REQUEST__OF_ROWS;
    request.rows = &query;
    return take_rows(access, &request, take, context, fault);
}

bool log_access_bodies(struct log_access *access, uint64_t log_index, uint8_t class, log_access_take *take,
                       void *context, struct fault *fault) {
    Tocsin__BodiesQuery query = TOCSIN__BODIES_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.log_index = log_index;
    query.class_ = class;
    request.of_case = TOCSIN__REQUEST__OF_BODIES;
    request.bodies = &query;
    return !access->reader || take_rows(access, &request, take, context, fault);
}

static bool before(struct slice key, struct slice to) {
    size_t shared = key.size < to.size ? key.size : to.size;
    int order = memcmp(key.data, to.data, shared);
    return order < 0 || (order == 0 && key.size < to.size);
}

static bool rows_at_rest(const struct log_access *access, enum store_family family, struct slice from,
                         struct slice to, uint64_t limit, log_access_take *take, void *context,
                         struct fault *fault) {
    struct store_cursor *cursor = store_cursor_create(access->store, family, NULL, (struct slice){NULL, 0});
    uint64_t rows = 0;
    bool on = from.size ? store_cursor_at_or_after(cursor, from) : store_cursor_first(cursor);
    for (; on && !(limit && rows >= limit); on = store_cursor_next(cursor), rows++)
        if ((to.size && !before(store_cursor_key(cursor), to)) ||
            !take(context, store_cursor_key(cursor), store_cursor_value(cursor)))
            break;
    bool good = store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

bool log_access_rows(struct log_access *access, enum store_family family, struct slice from, struct slice to,
                     uint64_t limit, log_access_take *take, void *context, struct fault *fault) {
    return access->reader ? rows_live(access, family, from, to, limit, take, context, fault)
                          : rows_at_rest(access, family, from, to, limit, take, context, fault);
}

/* ---- one row by its number */

struct wanted_row {
    uint64_t number;
    bool found;
    struct buffer *to;
};

static bool take_row(void *context, struct slice key, struct slice value) {
    struct wanted_row *wanted = context;
    if (key.size == 8 && bytes_get_u64(key.data) == wanted->number)
        wanted->found = buffer_append_slice(wanted->to, value);
    return false;
}

static bool numbered(struct log_access *access, enum store_family family, uint64_t number, struct buffer *to,
                     struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, number);
    struct wanted_row wanted = {number, false, to};
    if (!log_access_rows(access, family, slice_make(key, sizeof key), (struct slice){NULL, 0}, 1, take_row,
                         &wanted, fault))
        return false;
    return wanted.found || fault_set(fault, FAULT_MISSING, "there is no %s %llu here",
                                     store_family_row(family)->name, (unsigned long long)number);
}

static bool source_entry(void *context, uint64_t index, struct buffer *to, struct fault *fault) {
    return numbered(context, STORE_ENTRY, index, to, fault);
}

static bool source_class_list(void *context, uint64_t index, struct buffer *to, struct fault *fault) {
    return numbered(context, STORE_CLASS_LIST, index, to, fault);
}

/* ---- the control chain, read once */

static void add_control(struct log_access *access, uint64_t index, struct slice entry) {
    access->controls = memory_resize(access->controls, access->control_count + 1, sizeof *access->controls);
    struct control_place *place = &access->controls[access->control_count++];
    *place = (struct control_place){index, BUFFER(CONTROL_ENTRY_MOST)};
    buffer_append_slice(&place->entry, entry);
}

static bool take_control(void *context, uint64_t index, struct slice entry, struct fault *fault) {
    (void)fault;
    add_control(context, index, entry);
    return true;
}

static bool controls_live(struct log_access *access, struct fault *fault) {
    Tocsin__ControlQuery query = TOCSIN__CONTROL_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.first_ctl_seq = access->control_count;
    request.of_case = TOCSIN__REQUEST__OF_CONTROL;
    request.control = &query;
    struct frame frame;
    uint64_t count;
    struct fault inner = {0};
    if (!ask(access, &request, fault))
        return false;
    while (reader_next(access->reader, &frame, &count, &inner)) {
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (row && row->key.len == 8)
            add_control(access, bytes_get_u64(row->key.data), slice_make(row->value.data, row->value.len));
        if (row)
            tocsin__store_row__free_unpacked(row, NULL);
    }
    if (inner.code)
        *fault = inner;
    return !inner.code;
}

/* What was added since. */
static bool read_controls(struct log_access *access, struct fault *fault) {
    return access->reader
               ? controls_live(access, fault)
               : log_control_walk(access->store, access->control_count, take_control, access, fault);
}

static bool source_control(void *context, uint64_t ctl_seq, uint64_t *ret_index, struct buffer *to,
                           struct fault *fault) {
    const struct log_access *access = context;
    if (ctl_seq >= access->control_count)
        return fault_set(fault, FAULT_MISSING, "no mark stands behind what is to be proved");
    *ret_index = access->controls[ctl_seq].index;
    return buffer_append_slice(to, buffer_slice(&access->controls[ctl_seq].entry));
}

static bool fold(struct log_access *access, struct fault *fault) {
    if (!read_controls(access, fault))
        return false;
    if (access->control_count == 0)
        return fault_set(fault, FAULT_MISSING, "this log has no genesis yet: start the collector once");
    log_history_destroy(access->history);
    access->history = log_history_create(NULL);
    for (size_t i = 0; i < access->control_count; i++)
        if (!log_history_add(access->history, buffer_slice(&access->controls[i].entry),
                             access->controls[i].index, NULL, fault))
            return fault_place(fault, "control entry %zu", i);
    return true;
}

bool log_access_trust(struct log_access *access, struct trust *ret_trust, struct fault *fault) {
    if (!access->history && !fold(access, fault))
        return false;
    uint64_t ctl_seq;
    const struct control_chain *chain = log_history_chain(access->history);
    const struct genesis *genesis = control_chain_genesis(chain);
    struct trust trust = {.genesis_leaf = merkle_leaf(buffer_slice(&access->controls[0].entry)),
                          .witnesses = *control_chain_witnesses(chain, &ctl_seq)};
    if (trust.witnesses.needed == 0)
        trust.witnesses = access->settings_policy;
    if (!note_key_make(NOTE_KEY_LOG, genesis->origin, &genesis->log_key, &trust.log, fault))
        return false;
    *ret_trust = trust;
    return true;
}

/* ---- batches of a stream */

static bool take_batch(void *context, struct slice key, struct slice value) {
    struct batch_table *table = context;
    if (key.size != HASH_SIZE + 8 || value.size != 8)
        return true;
    uint64_t batch_seq = bytes_get_u64(key.data + HASH_SIZE);
    if (table->count == 0)
        table->first = batch_seq;
    if (batch_seq != table->first + table->count)
        return true; /* a hole: what lies behind it is found to be missing */
    if (table->count == table->room) {
        table->room = table->room ? 2 * table->room : 256;
        table->indexes = memory_resize(table->indexes, table->room, sizeof *table->indexes);
    }
    table->indexes[table->count++] = bytes_get_u64(value.data);
    return true;
}

static bool know_batches(struct log_access *access, const struct hash *stream_id, struct fault *fault) {
    struct batch_table *table = &access->table;
    uint8_t from[HASH_SIZE + 8], to[HASH_SIZE + 8];
    if (table->known && hash_equal(&table->stream, stream_id))
        return true;
    memcpy(from, stream_id->bytes, HASH_SIZE);
    memcpy(to, stream_id->bytes, HASH_SIZE);
    bytes_put_u64(from + HASH_SIZE, 0);
    bytes_put_u64(to + HASH_SIZE, UINT64_MAX);
    table->stream = *stream_id;
    table->count = 0;
    table->known = log_access_rows(access, STORE_BATCH, slice_make(from, sizeof from),
                                   slice_make(to, sizeof to), 0, take_batch, table, fault);
    return table->known;
}

static bool source_batch_index(void *context, const struct hash *stream_id, uint64_t batch_seq,
                               uint64_t *ret_index, struct fault *fault) {
    struct log_access *access = context;
    const struct batch_table *table = &access->table;
    if (!know_batches(access, stream_id, fault))
        return false;
    if (batch_seq < table->first || batch_seq - table->first >= table->count)
        return fault_set(fault, FAULT_MISSING, "batch %llu is not in the log", (unsigned long long)batch_seq);
    *ret_index = table->indexes[batch_seq - table->first];
    return true;
}

bool log_access_batches(struct log_access *access, const struct hash *stream_id, uint64_t *ret_first,
                        uint64_t *ret_last, struct fault *fault) {
    if (!know_batches(access, stream_id, fault))
        return false;
    if (access->table.count == 0)
        return fault_set(fault, FAULT_MISSING, "no batch of that stream is in the log");
    *ret_first = access->table.first;
    *ret_last = access->table.first + access->table.count - 1;
    return true;
}

bool log_access_orphan(struct log_access *access, const struct hash *stream_id, uint64_t event_seq,
                       uint64_t *ret_index, struct slice *ret_entry, struct fault *fault) {
    for (size_t i = access->control_count; i-- > 0;) {
        struct slice bytes = buffer_slice(&access->controls[i].entry);
        struct control_entry entry;
        struct orphan orphan;
        if (!control_entry_read(bytes, &entry, NULL) || entry.statement.statement.type != STATEMENT_ORPHAN ||
            !orphan_read(entry.statement.statement.payload, &orphan, NULL) ||
            !hash_equal(&orphan.part.stream_id, stream_id) || event_seq < orphan.part.first_event_seq ||
            event_seq - orphan.part.first_event_seq >= orphan.part.event_count)
            continue;
        *ret_index = access->controls[i].index;
        *ret_entry = bytes;
        return true;
    }
    return fault_set(
        fault, FAULT_MISSING,
        "event %llu stands in no closed batch, and no part of its agent covers it: its agent is silent",
        (unsigned long long)event_seq);
}

/* ---- paths */

/* Into the window; `count` of them, in the order in which they are asked for. */
static bool paths_live(struct log_access *access, uint64_t *indexes, size_t count, uint64_t *old_sizes,
                       size_t old_count, uint64_t size, struct known_path *ret_paths, struct fault *fault) {
    Tocsin__PathsQuery query = TOCSIN__PATHS_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.size = size;
    query.n_indexes = count;
    query.indexes = indexes;
    query.n_old_sizes = old_count;
    query.old_sizes = old_sizes;
    request.of_case = TOCSIN__REQUEST__OF_PATHS;
    request.paths = &query;
    struct frame frame;
    uint64_t end;
    size_t got = 0;
    struct fault inner = {0};
    if (!ask(access, &request, fault))
        return false;
    while (reader_next(access->reader, &frame, &end, &inner)) {
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (row && got < count + old_count && row->key.len == 8 && row->value.len % HASH_SIZE == 0 &&
            row->value.len / HASH_SIZE <= MERKLE_PATH_MOST) {
            struct known_path *path = &ret_paths[got++];
            path->index = bytes_get_u64(row->key.data);
            path->path.count = row->value.len / HASH_SIZE;
            if (row->value.len)
                memcpy(path->path.hashes, row->value.data, row->value.len);
        }
        if (row)
            tocsin__store_row__free_unpacked(row, NULL);
    }
    if (inner.code) {
        *fault = inner;
        return false;
    }
    return got == count + old_count ||
           fault_set(fault, FAULT_IO, "the collector gave fewer paths than were asked for");
}

bool log_access_prefetch(struct log_access *access, const struct hash *stream_id, uint64_t first,
                         uint64_t last, uint64_t size, struct fault *fault) {
    if (!access->reader)
        return true;
    free(access->planned);
    access->planned = memory_new_array((size_t)(last - first + 1), sizeof *access->planned);
    access->planned_count = access->planned_next = access->path_count = access->path_at = 0;
    access->planned_size = size;
    for (uint64_t seq = first; seq <= last; seq++) {
        uint64_t index;
        if (!source_batch_index(access, stream_id, seq, &index, fault))
            return false;
        access->planned[access->planned_count++] = index;
    }
    return true;
}

/* The next path of the plan, if it is that one. */
static bool planned(struct log_access *access, uint64_t index, uint64_t size, struct merkle_path *ret_path,
                    bool *ret_planned, struct fault *fault) {
    *ret_planned = false;
    if (size != access->planned_size)
        return true;
    if (access->path_at == access->path_count && access->planned_next < access->planned_count &&
        access->planned[access->planned_next] == index) {
        size_t count = access->planned_count - access->planned_next;
        if (count > PATHS_AT_ONCE)
            count = PATHS_AT_ONCE;
        if (!access->paths)
            access->paths = memory_new_array(PATHS_AT_ONCE, sizeof *access->paths);
        if (!paths_live(access, access->planned + access->planned_next, count, NULL, 0, size, access->paths,
                        fault))
            return false;
        access->planned_next += count;
        access->path_count = count;
        access->path_at = 0;
    }
    if (access->path_at < access->path_count && access->paths[access->path_at].index == index) {
        *ret_path = access->paths[access->path_at++].path;
        *ret_planned = true;
    }
    return true;
}

static bool source_inclusion(void *context, uint64_t index, uint64_t size, struct merkle_path *ret_path,
                             struct fault *fault) {
    struct log_access *access = context;
    struct known_path path;
    bool found;
    if (!access->reader)
        return log_reader_inclusion(access->log, index, size, ret_path, fault);
    if (!planned(access, index, size, ret_path, &found, fault))
        return false;
    if (found)
        return true;
    if (!paths_live(access, &index, 1, NULL, 0, size, &path, fault))
        return false;
    *ret_path = path.path;
    return true;
}

static bool source_consistency(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                               struct fault *fault) {
    struct log_access *access = context;
    struct known_path path;
    if (!access->reader)
        return log_reader_consistency(access->log, old_size, size, ret_path, fault);
    if (!paths_live(access, NULL, 0, &old_size, 1, size, &path, fault))
        return false;
    *ret_path = path.path;
    return true;
}

/* ---- checkpoints */

struct wanted_checkpoint {
    size_t needed; /* signatures, the log's included */
    bool found;
    uint64_t size;
    struct buffer *to;
};

static bool take_checkpoint(void *context, struct slice key, struct slice value) {
    struct wanted_checkpoint *wanted = context;
    struct note note;
    if (key.size != 8 || !note_read(value, &note, NULL))
        return true;
    bool enough = note.signature_count >= wanted->needed;
    if (enough || !wanted->found) {
        buffer_clear(wanted->to);
        buffer_append_slice(wanted->to, value);
        wanted->size = bytes_get_u64(key.data);
        wanted->found = true;
    }
    return !enough;
}

static bool source_checkpoint(void *context, uint64_t size, uint64_t *ret_size, struct buffer *to,
                              struct fault *fault) {
    struct log_access *access = context;
    uint8_t key[8];
    uint64_t ctl_seq;
    bytes_put_u64(key, size);
    unsigned logged =
        access->history ? control_chain_witnesses(log_history_chain(access->history), &ctl_seq)->needed : 0;
    struct wanted_checkpoint wanted = {.needed = 1u + (logged ? logged : access->settings_policy.needed),
                                       .to = to};
    if (!log_access_rows(access, STORE_CHECKPOINT, slice_make(key, sizeof key), (struct slice){NULL, 0},
                         CHECKPOINTS_LOOKED_AT, take_checkpoint, &wanted, fault))
        return false;
    *ret_size = wanted.size;
    return wanted.found ||
           fault_set(fault, FAULT_MISSING, "no checkpoint covers %llu entries", (unsigned long long)size);
}

/* `mark`: the last of several questions. */
static bool close_streams(struct log_access *access, const struct hash *streams, size_t stream_count,
                          bool mark, uint64_t wait_us, uint64_t *ret_size, struct buffer *note,
                          struct fault *fault) {
    Tocsin__CloseQuery query = TOCSIN__CLOSE_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    ProtobufCBinaryData *ids = memory_new_array(stream_count + 1, sizeof *ids);
    for (size_t i = 0; i < stream_count; i++)
        ids[i] = (ProtobufCBinaryData){HASH_SIZE, (uint8_t *)(uintptr_t)streams[i].bytes};
    query.n_stream_ids = stream_count;
    query.stream_ids = ids;
    query.mark = mark;
    query.wait_us = wait_us;
    request.of_case = TOCSIN__REQUEST__OF_CLOSE;
    request.close = &query;
    struct frame frame;
    uint64_t count;
    bool found = false;
    struct fault inner = {0};
    bool good = ask(access, &request, fault);
    free(ids);
    while (good && reader_next(access->reader, &frame, &count, &inner)) {
        if (frame.type != FRAME_STORE_ROW)
            continue;
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (row && row->key.len == 8) {
            buffer_clear(note);
            found = buffer_append_slice(note, slice_make(row->value.data, row->value.len));
            *ret_size = bytes_get_u64(row->key.data);
        }
        if (row)
            tocsin__store_row__free_unpacked(row, NULL);
    }
    if (inner.code)
        *fault = inner;
    if (!good || inner.code)
        return false;
    return found || !mark ||
           fault_set(
               fault, FAULT_BUSY,
               "no checkpoint that covers it was cosigned in time: look at the witnesses, then try again");
}

static bool finish_live(struct log_access *access, const struct hash *streams, size_t stream_count,
                        uint64_t wait_us, uint64_t *ret_size, struct buffer *note, struct fault *fault) {
    for (; stream_count > STREAMS_AT_ONCE; streams += STREAMS_AT_ONCE, stream_count -= STREAMS_AT_ONCE)
        if (!close_streams(access, streams, STREAMS_AT_ONCE, false, 1, ret_size, note, fault))
            return false;
    return close_streams(access, streams, stream_count, true, wait_us, ret_size, note, fault);
}

bool log_access_finish(struct log_access *access, const struct hash *streams, size_t stream_count,
                       uint64_t wait_us, uint64_t *ret_size, struct buffer *note, struct fault *fault) {
    buffer_clear(note);
    if (!(access->reader ? finish_live(access, streams, stream_count, wait_us, ret_size, note, fault)
                         : log_checkpoint_newest(access->store, ret_size, note, fault)))
        return false;
    access->table.known = false; /* batches were closed since */
    return fold(access, fault);
}

/* ---- streams */

bool log_access_stream(struct log_access *access, struct slice name, struct hash *ret_stream,
                       struct fault *fault) {
    if (!access->history && !fold(access, fault))
        return false;
    size_t tilde = slice_find_byte(name, '~');
    struct slice digits = tilde == SIZE_MAX ? SLICE("") : slice_from(name, tilde + 1);
    struct slice stream = slice_head(name, tilde), bulk = SLICE("/bulk");
    bool is_bulk = stream.size > bulk.size && slice_equal(slice_from(stream, stream.size - bulk.size), bulk);
    enum lane lane = is_bulk ? LANE_BULK : LANE_SECURITY;
    struct slice host = is_bulk ? slice_head(stream, stream.size - bulk.size) : stream;
    const struct agent_registry *agents = log_history_agents(access->history);
    const struct agent_line *found = NULL;
    for (size_t i = 0; i < agent_registry_count(agents); i++) {
        const struct agent_line *line = agent_registry_at(agents, i);
        char hex[2 * HASH_SIZE + 1];
        encoding_hex(line->streams[lane].bytes, HASH_SIZE, hex);
        if (slice_equal(line->name, host) && (digits.size == 0 || slice_equal(slice_make(hex, 8), digits)))
            found = line; /* the last one that was enrolled */
    }
    if (!found)
        return fault_set(fault, FAULT_USAGE, "no stream %.*s was ever enrolled in this log", SLICE_ARG(name));
    *ret_stream = found->streams[lane];
    return true;
}

/* ---- */

/* The settings' witnesses; nobody's where they cannot be read. */
static void read_settings_policy(const struct command_context *context, struct witness_policy *policy) {
    struct collector_settings settings;
    if (!settings_file_read(collector_settings_table(), context->site, "collector", &settings, NULL))
        return;
    const struct collector_witness_settings *list = settings.witnesses.list.items;
    struct witness_policy read = {.needed = (uint8_t)settings.witnesses.needed};
    bool good = settings.witnesses.list.count > 0 && settings.witnesses.list.count <= WITNESSES_MOST;
    for (; good && read.count < settings.witnesses.list.count; read.count++)
        good = note_key_read(slice_string(list[read.count].key), &read.witnesses[read.count], NULL);
    settings_release(collector_settings_table(), &settings);
    if (good && witness_policy_check(&read, NULL, NULL))
        *policy = read;
}

static bool open_live(const struct command_context *context, struct log_access *access, struct fault *fault) {
    /* The control chain is wanted in any case. */
    Tocsin__ControlQuery query = TOCSIN__CONTROL_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_CONTROL;
    request.control = &query;
    access->reader = reader_open(context, &request, fault);
    if (!access->reader)
        return false;
    struct frame frame;
    uint64_t count;
    struct fault inner = {0};
    while (reader_next(access->reader, &frame, &count, &inner)) {
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (row && row->key.len == 8)
            add_control(access, bytes_get_u64(row->key.data), slice_make(row->value.data, row->value.len));
        if (row)
            tocsin__store_row__free_unpacked(row, NULL);
    }
    if (inner.code)
        *fault = inner;
    return !inner.code;
}

static bool open_at_rest(const struct command_context *context, struct log_access *access,
                         struct fault *fault) {
    char data[FILES_PATH_MOST], path[FILES_PATH_MOST];
    struct store_options options = {.read_only = true};
    if (!command_data(context, data, fault) || !site_path(path, data, SITE_COLLECTOR_STORE))
        return false;
    access->store = store_open(path, &options, fault);
    access->log = access->store ? log_reader_open(access->store, fault) : NULL;
    return access->log && read_controls(access, fault);
}

struct log_access *log_access_open(const struct command_context *context, struct fault *fault) {
    struct log_access *access = memory_new(sizeof *access);
    access->source = (struct proof_source){
        access,           source_entry,       source_class_list, source_control, source_batch_index,
        source_inclusion, source_consistency, source_checkpoint};
    read_settings_policy(context, &access->settings_policy);
    bool good = open_live(context, access, fault);
    if (!good && !access->reader && fault->code == FAULT_MISSING) {
        struct fault live = *fault;
        *fault = (struct fault){0};
        good = open_at_rest(context, access, fault);
        if (!good && fault->code == FAULT_MISSING)
            *fault = live;
    }
    return good ? access : log_access_close(access);
}

struct log_access *log_access_close(struct log_access *access) {
    if (access) {
        reader_close(access->reader);
        log_reader_destroy(access->log);
        store_close(access->store);
        for (size_t i = 0; i < access->control_count; i++)
            buffer_free(&access->controls[i].entry);
        free(access->controls);
        log_history_destroy(access->history);
        free(access->table.indexes);
        free(access->planned);
        free(access->paths);
    }
    free(access);
    return NULL;
}

bool log_access_live(const struct log_access *access) {
    return access->reader != NULL;
}

const struct proof_source *log_access_source(struct log_access *access) {
    return &access->source;
}

#include "log_access.h"

#include <stdlib.h>

#include "bytes.h"
#include "collector_settings.h"
#include "control_chain.h"
#include "encoding.h"
#include "entry_block.h"
#include "log_access_inside.h"
#include "memory.h"
#include "merkle.h"
#include "note.h"
#include "settings_file.h"
#include "signed_conflict.h"
#include "statement_type.h"

#define STREAMS_AT_ONCE 64u
#define CHECKPOINTS_LOOKED_AT 32u /* for one that enough witnesses have cosigned */

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

static bool take_control_row(void *context, struct slice key, struct slice value) {
    if (key.size == 8)
        add_control(context, bytes_get_u64(key.data), value);
    return true;
}

static bool controls_live(struct log_access *access, struct fault *fault) {
    Tocsin__ControlQuery query = TOCSIN__CONTROL_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.first_ctl_seq = access->control_count;
    request.of_case = TOCSIN__REQUEST__OF_CONTROL;
    request.control = &query;
    return log_access_ask(access, &request, take_control_row, access, fault);
}

/* What was added since. */
static bool read_controls(struct log_access *access, struct fault *fault) {
    return access->reader
               ? controls_live(access, fault)
               : log_control_walk(access->store.store, access->control_count, take_control, access, fault);
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
    return fault_set(fault, FAULT_MISSING, "event %llu stands in no closed batch: %s",
                     (unsigned long long)event_seq,
                     access->reader ? "its agent is silent, and no part that it signed covers it"
                                    : "start the collector, then try again");
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

/* The log's own, and those that the policy in force asks for. */
static size_t signatures_needed(const struct log_access *access) {
    uint64_t ctl_seq;
    unsigned logged =
        access->history ? control_chain_witnesses(log_history_chain(access->history), &ctl_seq)->needed : 0;
    return 1u + (logged ? logged : access->settings_policy.needed);
}

bool log_access_checkpoint(void *context, uint64_t size, uint64_t *ret_size, struct buffer *to,
                           struct fault *fault) {
    struct log_access *access = context;
    uint8_t key[8];
    bytes_put_u64(key, size);
    struct wanted_checkpoint wanted = {.needed = signatures_needed(access), .to = to};
    if (!log_access_rows(access, STORE_CHECKPOINT, slice_make(key, sizeof key), (struct slice){NULL, 0},
                         CHECKPOINTS_LOOKED_AT, take_checkpoint, &wanted, fault))
        return false;
    *ret_size = wanted.size;
    return wanted.found ||
           fault_set(fault, FAULT_MISSING, "no checkpoint covers %llu entries", (unsigned long long)size);
}

struct closed {
    uint64_t *ret_size;
    struct buffer *note;
    bool found;
};

static bool take_closed(void *context, struct slice key, struct slice value) {
    struct closed *closed = context;
    if (key.size != 8)
        return true;
    buffer_clear(closed->note);
    closed->found = buffer_append_slice(closed->note, value);
    *closed->ret_size = bytes_get_u64(key.data);
    return true;
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
    uint64_t size = 0;
    struct closed closed = {&size, note, false};
    reader_wait_for(access->reader, "a cosigned checkpoint over it", 0);
    bool good = log_access_ask(access, &request, take_closed, &closed, fault);
    free(ids);
    if (good && closed.found)
        *ret_size = size;
    return good &&
           (closed.found || !mark ||
            fault_set(
                fault, FAULT_BUSY,
                "no checkpoint that covers it was cosigned in time: look at the witnesses, then try again"));
}

static bool finish_live(struct log_access *access, const struct hash *streams, size_t stream_count,
                        uint64_t wait_us, uint64_t *ret_size, struct buffer *note, struct fault *fault) {
    for (; stream_count > STREAMS_AT_ONCE; streams += STREAMS_AT_ONCE, stream_count -= STREAMS_AT_ONCE)
        if (!close_streams(access, streams, STREAMS_AT_ONCE, false, 1, ret_size, note, fault))
            return false;
    return close_streams(access, streams, stream_count, true, wait_us, ret_size, note, fault);
}

/* The newest checkpoint that enough witnesses have cosigned; of those without, the newest. */
static bool finish_at_rest(struct log_access *access, uint64_t *ret_size, struct buffer *note,
                           struct fault *fault) {
    struct wanted_checkpoint wanted = {.needed = signatures_needed(access), .to = note};
    struct store_cursor *cursor =
        store_cursor_create(access->store.store, STORE_CHECKPOINT, NULL, (struct slice){NULL, 0});
    unsigned looked = 0;
    for (bool on = store_cursor_last(cursor); on && looked++ < CHECKPOINTS_LOOKED_AT;
         on = store_cursor_previous(cursor))
        if (!take_checkpoint(&wanted, store_cursor_key(cursor), store_cursor_value(cursor)))
            break;
    bool good = store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    *ret_size = wanted.size;
    return good && (wanted.found || fault_set(fault, FAULT_MISSING,
                                              "this log has no checkpoint yet: start the "
                                              "collector once"));
}

bool log_access_finish(struct log_access *access, const struct hash *streams, size_t stream_count,
                       uint64_t wait_us, uint64_t *ret_size, struct buffer *note, struct fault *fault) {
    buffer_clear(note);
    if (!(access->reader ? finish_live(access, streams, stream_count, wait_us, ret_size, note, fault)
                         : fold(access, fault) && finish_at_rest(access, ret_size, note, fault)))
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

static bool source_entry(void *context, uint64_t index, struct buffer *to, struct fault *fault) {
    return log_access_numbered(context, STORE_ENTRY, index, to, fault);
}

static bool source_class_list(void *context, uint64_t index, struct buffer *to, struct fault *fault) {
    return log_access_numbered(context, STORE_CLASS_LIST, index, to, fault);
}

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

static void take_first_control(void *context, const Tocsin__StoreRow *row) {
    take_control_row(context, slice_make(row->key.data, row->key.len),
                     slice_make(row->value.data, row->value.len));
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
    reader_wait_for(access->reader, "the log", 0);
    return reader_rows(access->reader, take_first_control, access, fault);
}

static bool open_at_rest(const struct command_context *context, struct log_access *access,
                         struct fault *fault) {
    if (!site_store_open(context, &access->store, fault))
        return false;
    access->log = log_reader_open(access->store.store, fault);
    return access->log && read_controls(access, fault);
}

struct log_access *log_access_open(const struct command_context *context, struct fault *fault) {
    struct log_access *access = memory_new(sizeof *access);
    access->source = (struct proof_source){access,
                                           source_entry,
                                           source_class_list,
                                           source_control,
                                           log_access_batch_index,
                                           log_access_inclusion,
                                           log_access_consistency,
                                           log_access_checkpoint};
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
        entry_block_close(access->block);
        site_store_close(&access->store);
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

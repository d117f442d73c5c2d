#include "event_proof.h"

#include "bytes.h"
#include "control_entry.h"
#include "merkle_proof.h"
#include "signed_conflict.h"
#include "statement_type.h"

static const uint8_t label[16] = "tocsin/event/v1", orphan_label[16] = "tocsin/orphn/v1";

bool event_proof_orphan(struct slice bytes, struct event_proof *proof, struct fault *fault) {
    struct control_entry control;
    struct orphan orphan;
    if (!control_entry_read(bytes, &control, fault))
        return false;
    if (control.statement.statement.type != STATEMENT_ORPHAN)
        return fault_set(fault, FAULT_FORMAT, "the event's control entry is no orphan");
    if (!orphan_read(control.statement.statement.payload, &orphan, fault))
        return false;
    proof->entry_bytes = bytes;
    proof->orphaned = true;
    proof->part = orphan.part_bytes;
    proof->class_list = orphan.list_bytes;
    proof->entry = (struct batch_entry){.stream_id = orphan.part.stream_id,
                                        .epoch = orphan.part.epoch,
                                        .batch_seq = orphan.part.batch_seq,
                                        .first_event_seq = orphan.part.first_event_seq,
                                        .event_count = orphan.part.event_count,
                                        .open_us = orphan.part.open_us,
                                        .close_us = orphan.part.time_us,
                                        .event_root = orphan.part.event_root,
                                        .prev = orphan.part.prev};
    return true;
}

bool event_proof_write(struct buffer *to, const struct event_proof *proof) {
    if ((!proof->orphaned && proof->entry_bytes.size != BATCH_ENTRY_SIZE) ||
        proof->class_list.size > CLASS_LIST_MOST || proof->path_count > EVENT_PROOF_PATH_MOST)
        return false;
    if (proof->orphaned) {
        buffer_append(to, orphan_label, sizeof orphan_label);
        bytes_write_block(to, proof->entry_bytes);
    } else {
        buffer_append(to, label, sizeof label);
        buffer_append_slice(to, proof->entry_bytes);
        bytes_write_u16(to, (uint16_t)proof->class_list.size);
        buffer_append_slice(to, proof->class_list);
    }
    bytes_write_u32(to, proof->position);
    bytes_write_u8(to, proof->path_count);
    for (size_t i = 0; i < proof->path_count; i++)
        buffer_append_slice(to, hash_slice(&proof->path[i]));
    buffer_append(to, proof->salt, sizeof proof->salt);
    bytes_write_u64(to, proof->event.seq);
    bytes_write_u64(to, proof->event.time_us);
    bytes_write_u8(to, proof->event.class);
    return bytes_write_block(to, proof->event.body) && !to->overflow;
}

bool event_proof_read(struct slice extra, struct event_proof *ret_proof, struct fault *fault) {
    struct bytes_reader reader = bytes_read(extra);
    struct event_proof proof = {.orphaned = false};
    struct slice first = bytes_read_raw(&reader, sizeof label);
    bool orphaned = slice_equal(first, slice_make(orphan_label, sizeof orphan_label));
    if (!orphaned && !slice_equal(first, slice_make(label, sizeof label)))
        return fault_set(fault, FAULT_FORMAT, "the proof's extra data holds no event of version 1");
    if (orphaned && !event_proof_orphan(bytes_read_block(&reader), &proof, fault))
        return false;
    if (!orphaned) {
        proof.entry_bytes = bytes_read_raw(&reader, BATCH_ENTRY_SIZE);
        proof.class_list = bytes_read_raw(&reader, bytes_read_u16(&reader));
    }
    proof.position = bytes_read_u32(&reader);
    proof.path_count = bytes_read_u8(&reader);
    if (proof.path_count > EVENT_PROOF_PATH_MOST)
        return fault_set(fault, FAULT_FORMAT, "a batch of so many events that %u hashes lead to one",
                         proof.path_count);
    for (size_t i = 0; i < proof.path_count; i++)
        bytes_read_into(&reader, proof.path[i].bytes, HASH_SIZE);
    bytes_read_into(&reader, proof.salt, sizeof proof.salt);
    proof.event.seq = bytes_read_u64(&reader);
    proof.event.time_us = bytes_read_u64(&reader);
    proof.event.class = bytes_read_u8(&reader);
    proof.event.body = bytes_read_block(&reader);
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the proof's event has not its length");
    if (!orphaned && !batch_entry_read(proof.entry_bytes, &proof.entry, fault))
        return false;
    *ret_proof = proof;
    return true;
}

/* ---- checking */

static const struct class_list_item *item_of(const struct class_list *list, uint8_t class) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].class == class)
            return &list->items[i];
    return NULL;
}

static bool refuse(const struct event_proof *proof, struct fault *fault, const char *text) {
    return fault_set(fault, FAULT_AUTH, "event %llu: %s", (unsigned long long)proof->event.seq, text);
}

bool event_proof_check(const struct event_proof *proof, struct fault *fault) {
    struct class_list list;
    const struct batch_entry *entry = &proof->entry;
    const struct event *event = &proof->event;
    if (!class_list_read(proof->class_list, &list, fault))
        return false;
    struct hash event_root = class_list_event_root(proof->class_list);
    if (!hash_equal(&event_root, &entry->event_root) || class_list_events(&list) != entry->event_count)
        return refuse(proof, fault, "the class list is not its batch's");
    const struct class_list_item *item = item_of(&list, event->class);
    if (!item)
        return refuse(proof, fault, "its batch has no events of its class");
    struct hash leaf = event_leaf(proof->salt, event);
    if (!merkle_proof_included(&leaf, proof->position, item->count, proof->path, proof->path_count,
                               &item->root))
        return refuse(proof, fault, "it is not the one that the batch's signature covers");
    if (event->seq < entry->first_event_seq || event->seq - entry->first_event_seq >= entry->event_count)
        return refuse(proof, fault, "its number is not one of its batch's");
    if (event->time_us < entry->open_us || event->time_us > entry->close_us)
        return refuse(proof, fault, "its time is outside of its batch's");
    return true;
}

#include "batch_proofs.h"

#include <stdlib.h>

#include "memory.h"
#include "merkle_proof.h"

struct of_class {
    bool has_key;
    uint8_t key[CLASS_KEY_SIZE];
    size_t count;
    uint32_t events[BATCH_EVENTS_MOST]; /* places in the batch */
};

struct batch_proofs {
    struct event_proof of; /* without the event */
    struct batch_entry entry;
    struct class_list list;
    uint64_t next_seq; /* of the next run */
    bool here[BATCH_EVENTS_MOST];
    struct event events[BATCH_EVENTS_MOST];
    struct of_class classes[CLASSES];
};

static struct batch_proofs *begin(struct batch_proofs *proofs, struct fault *fault) {
    if (!class_list_read(proofs->of.class_list, &proofs->list, fault))
        return batch_proofs_destroy(proofs);
    proofs->entry = proofs->of.entry;
    proofs->next_seq = proofs->entry.first_event_seq;
    return proofs;
}

struct batch_proofs *batch_proofs_create(struct slice entry, struct slice class_list, struct fault *fault) {
    struct batch_proofs *proofs = memory_new(sizeof *proofs);
    proofs->of.entry_bytes = entry;
    proofs->of.class_list = class_list;
    return batch_entry_read(entry, &proofs->of.entry, fault) ? begin(proofs, fault)
                                                             : batch_proofs_destroy(proofs);
}

struct batch_proofs *batch_proofs_create_orphan(struct slice control_entry, struct fault *fault) {
    struct batch_proofs *proofs = memory_new(sizeof *proofs);
    return event_proof_orphan(control_entry, &proofs->of, fault) ? begin(proofs, fault)
                                                                 : batch_proofs_destroy(proofs);
}

struct batch_proofs *batch_proofs_destroy(struct batch_proofs *proofs) {
    for (unsigned class = 0; proofs && class < CLASSES; class ++)
        memory_wipe(proofs->classes[class].key, CLASS_KEY_SIZE);
    free(proofs);
    return NULL;
}

bool batch_proofs_set_key(struct batch_proofs *proofs, uint8_t class, const uint8_t key[CLASS_KEY_SIZE],
                          struct fault *fault) {
    if (class >= CLASSES)
        return fault_set(fault, FAULT_FORMAT, "a key of class %u, which is none", class);
    proofs->classes[class].has_key = true;
    memcpy(proofs->classes[class].key, key, CLASS_KEY_SIZE);
    return true;
}

bool batch_proofs_add_event(struct batch_proofs *proofs, const struct event *event, struct fault *fault) {
    uint64_t place = event->seq - proofs->entry.first_event_seq;
    if (proofs->of.orphaned && event->seq >= proofs->entry.first_event_seq &&
        place >= proofs->entry.event_count)
        return true; /* behind what the part covers: nobody signed it */
    if (event->seq < proofs->entry.first_event_seq || place >= proofs->entry.event_count ||
        event->class >= CLASSES)
        return fault_set(fault, FAULT_FORMAT, "event %llu is none of the batch's",
                         (unsigned long long)event->seq);
    struct of_class *of = &proofs->classes[event->class];
    if (proofs->here[place] || (of->count && of->events[of->count - 1] >= place))
        return fault_set(fault, FAULT_FORMAT, "event %llu is not behind the one before it",
                         (unsigned long long)event->seq);
    proofs->here[place] = true;
    proofs->events[place] = *event;
    of->events[of->count++] = (uint32_t)place;
    return true;
}

size_t batch_proofs_count(const struct batch_proofs *proofs, uint8_t class) {
    return class < CLASSES ? proofs->classes[class].count : 0;
}

bool batch_proofs_add(struct batch_proofs *proofs, const struct batch_events *run, struct fault *fault) {
    struct slice rest = run->block;
    struct event event;
    if (run->first_event_seq != proofs->next_seq)
        return fault_set(fault, FAULT_MISSING, "events %llu and on are not here",
                         (unsigned long long)proofs->next_seq);
    for (size_t i = 0; i < run->key_count; i++)
        if (!batch_proofs_set_key(proofs, run->keys[i].class, run->keys[i].key, fault))
            return false;
    struct fault malformed = {0};
    while (event_block_next(&rest, &event, &malformed)) {
        event.seq = proofs->next_seq++;
        if (!batch_proofs_add_event(proofs, &event, fault))
            return false;
    }
    if (malformed.code && fault)
        *fault = malformed;
    return !malformed.code;
}

static const struct class_list_item *listed(const struct batch_proofs *proofs, uint8_t class) {
    for (size_t i = 0; i < proofs->list.count; i++)
        if (proofs->list.items[i].class == class)
            return &proofs->list.items[i];
    return NULL;
}

static bool prove(const struct batch_proofs *proofs, const struct of_class *of, uint32_t position,
                  struct event_proof *proof, struct fault *fault) {
    struct hash *leaves = memory_new_array(of->count, sizeof *leaves);
    struct keystream *salts = keystream_create(of->key);
    struct merkle_path path;
    for (size_t i = 0; i < of->count; i++) {
        const uint8_t *salt = keystream_next(salts);
        leaves[i] = event_leaf(salt, &proofs->events[of->events[i]]);
        if (i == position)
            memcpy(proof->salt, salt, SALT_SIZE);
    }
    keystream_destroy(salts);
    merkle_proof_inclusion(leaves, of->count, position, &path);
    free(leaves);
    proof->position = position;
    proof->path_count = (uint8_t)path.count;
    memcpy(proof->path, path.hashes, path.count * sizeof *path.hashes);
    return event_proof_check(proof, fault);
}

bool batch_proofs_make(const struct batch_proofs *proofs, uint64_t event_seq, struct event_proof *ret_proof,
                       struct fault *fault) {
    uint64_t place = event_seq - proofs->entry.first_event_seq;
    if (event_seq < proofs->entry.first_event_seq || place >= proofs->entry.event_count ||
        !proofs->here[place])
        return fault_set(fault, FAULT_MISSING, "event %llu is not here", (unsigned long long)event_seq);
    struct event_proof proof = proofs->of;
    proof.event = proofs->events[place];
    const struct of_class *of = &proofs->classes[proof.event.class];
    const struct class_list_item *item = listed(proofs, proof.event.class);
    if (!of->has_key || !item || item->count != of->count)
        return fault_set(fault, FAULT_MISSING, "class %u of the batch is not whole here", proof.event.class);
    uint32_t position = 0;
    while (of->events[position] != place)
        position++;
    if (!prove(proofs, of, position, &proof, fault))
        return false;
    *ret_proof = proof;
    return true;
}

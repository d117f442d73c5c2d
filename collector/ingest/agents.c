#include "agents.h"

#include <stdlib.h>

#include "memory.h"
#include "stream_id.h"

/* Agents are never forgotten while the collector runs, so a growing array and two open-addressing indexes do. */
struct agents {
    struct agent **all;
    size_t count, capacity;
    size_t *by_name, *by_key; /* position + 1; 0 is free */
    size_t slots;             /* a power of two, at least four times the count */
    struct ingest_stream **retired; /* of agents that joined anew: a worker or a commit may still hold them */
    size_t retired_count;
};

struct agents *agents_create(void) { return memory_new(sizeof(struct agents)); }

static void retire_streams(struct agents *agents, struct agent *agent) {
    static const struct ingest_stream_handlers nobody;
    agents->retired = memory_resize(agents->retired, agents->retired_count + LANES, sizeof *agents->retired);
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!agent->streams[lane])
            continue;
        ingest_stream_set_handlers(agent->streams[lane], &nobody);
        agents->retired[agents->retired_count++] = agent->streams[lane];
    }
}

struct agents *agents_destroy(struct agents *agents) {
    if (!agents)
        return NULL;
    for (size_t i = 0; i < agents->count; i++) {
        retire_streams(agents, agents->all[i]);
        free(agents->all[i]);
    }
    while (agents->retired_count)
        ingest_stream_destroy(agents->retired[--agents->retired_count]);
    free(agents->retired);
    free(agents->all);
    free(agents->by_name);
    free(agents->by_key);
    free(agents);
    return NULL;
}

static size_t hash_bytes(struct slice bytes) {
    uint64_t value = 14695981039346656037u;
    for (size_t i = 0; i < bytes.size; i++)
        value = (value ^ bytes.data[i]) * 1099511628211u;
    return (size_t)(value ^ value >> 32);
}

static struct slice name_of(const struct agent_record *record) {
    return slice_make(record->name, strlen(record->name));
}

static void index_add(const struct agents *agents, size_t *slots, struct slice key, size_t position) {
    size_t mask = agents->slots - 1;
    size_t slot = hash_bytes(key) & mask;
    while (slots[slot])
        slot = (slot + 1) & mask;
    slots[slot] = position + 1;
}

static bool no_key(const uint8_t key[32]) {
    static const uint8_t none[32];
    return memcmp(key, none, 32) == 0;
}

static void index_agent(const struct agents *agents, size_t position) {
    const struct agent_record *record = &agents->all[position]->record;
    index_add(agents, agents->by_name, name_of(record), position);
    index_add(agents, agents->by_key, slice_make(record->tls_key, 32), position);
    if (!no_key(record->next_tls_key))
        index_add(agents, agents->by_key, slice_make(record->next_tls_key, 32), position);
}

void agents_index(struct agents *agents) {
    free(agents->by_name);
    free(agents->by_key);
    agents->slots = 64;
    while (agents->slots < agents->count * 8)
        agents->slots *= 2;
    agents->by_name = memory_new_array(agents->slots, sizeof *agents->by_name);
    agents->by_key = memory_new_array(agents->slots, sizeof *agents->by_key);
    for (size_t i = 0; i < agents->count; i++)
        index_agent(agents, i);
}

struct agent *agents_by_name(const struct agents *agents, struct slice name) {
    for (size_t slot = hash_bytes(name); agents->slots; slot++) {
        size_t position = agents->by_name[slot & (agents->slots - 1)];
        if (position == 0)
            break;
        struct agent *agent = agents->all[position - 1];
        if (slice_equal(name_of(&agent->record), name))
            return agent;
    }
    return NULL;
}

struct agent *agents_by_tls_key(const struct agents *agents, const uint8_t key[32]) {
    if (no_key(key))
        return NULL; /* every record without an announced key would answer to it */
    for (size_t slot = hash_bytes(slice_make(key, 32)); agents->slots; slot++) {
        size_t position = agents->by_key[slot & (agents->slots - 1)];
        if (position == 0)
            break;
        struct agent *agent = agents->all[position - 1];
        if (memcmp(agent->record.tls_key, key, 32) == 0 || memcmp(agent->record.next_tls_key, key, 32) == 0)
            return agent;
    }
    return NULL;
}

static void make_streams(struct agent *agent) {
    struct verify_key first;
    memcpy(first.bytes, agent->record.first_key, 32);
    for (unsigned lane = 0; lane < LANES; lane++) {
        char name[STREAM_NAME_SIZE];
        if (!stream_name_make(name_of(&agent->record), (enum lane)lane, name))
            continue;
        struct hash id = stream_id_make(slice_string(name), &first);
        agent->streams[lane] = ingest_stream_create((enum lane)lane, &id, agent->record.name);
    }
}

struct agent *agents_put(struct agents *agents, const struct agent_record *record, uint64_t heard_us) {
    struct agent *agent = agents_by_name(agents, name_of(record));
    if (!agent) {
        if (agents->count == agents->capacity) {
            agents->capacity = agents->capacity ? agents->capacity * 2 : 16;
            agents->all = memory_resize(agents->all, agents->capacity, sizeof *agents->all);
        }
        agent = memory_new(sizeof *agent);
        agents->all[agents->count++] = agent;
        agent->heard_us = heard_us;
    }
    bool new_streams = memcmp(agent->record.first_key, record->first_key, 32) != 0;
    agent->record = *record;
    agent->announcing = agent->joining = false;
    if (new_streams) {
        retire_streams(agents, agent);
        make_streams(agent);
    }
    agents_index(agents);
    return agent;
}

size_t agents_count(const struct agents *agents) { return agents->count; }
struct agent *agents_at(const struct agents *agents, size_t position) { return agents->all[position]; }

#include "crl_state.h"

#include <stdlib.h>

#include "bytes.h"
#include "memory.h"

#define LABEL "tocsin/crlstat/1"
#define MINUTE_US UINT64_C(60000000)
#define NO_NUMBER 0xff
#define LEVEL_MOST 40u

/* Entries stand in one run of bytes: u8 size | crossed off, the serial, u32 minutes since 1970. */
#define CROSSED_OFF 0x80u
#define MARK_MOST (1 + CRL_SERIAL_MOST + 4)

struct crl_state {
    struct crl_facts facts;
    size_t most, count, slot_count;
    unsigned level; /* so many bits of a digest are zero in what is kept */
    struct buffer marks;
    uint32_t *slots; /* open addressing, at most half full: a mark's place + 1 */
};

struct crl_state *crl_state_create(size_t entries_most) {
    struct crl_state *state = memory_new(sizeof *state);
    state->most = entries_most < CRL_STATE_ENTRIES_MOST ? entries_most : CRL_STATE_ENTRIES_MOST;
    state->marks = BUFFER(UINT32_MAX - 1);
    return state;
}

struct crl_state *crl_state_destroy(struct crl_state *state) {
    if (state) {
        buffer_free(&state->marks);
        free(state->slots);
        free(state);
    }
    return NULL;
}

struct crl_facts *crl_state_facts(struct crl_state *state) {
    return &state->facts;
}
const struct crl_facts *crl_state_facts_of(const struct crl_state *state) {
    return &state->facts;
}

/* FNV-1a, then mixed so that every bit depends on all. */
static uint64_t digest_of(struct slice serial) {
    uint64_t digest = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < serial.size; i++)
        digest = (digest ^ serial.data[i]) * UINT64_C(1099511628211);
    digest = (digest ^ digest >> 33) * UINT64_C(0xff51afd7ed558ccd);
    digest = (digest ^ digest >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return digest ^ digest >> 33;
}

static bool kept_at(uint64_t digest, unsigned level) {
    return level == 0 || digest >> (64 - level) == 0;
}

struct mark {
    struct slice serial;
    uint64_t revoked_us;
    bool crossed_off;
    size_t size;
};

static struct mark mark_at(const struct crl_state *state, size_t place) {
    const uint8_t *at = state->marks.data + place;
    size_t size = *at & ~CROSSED_OFF & 0xff;
    return (struct mark){slice_make(at + 1, size), bytes_get_u32(at + 1 + size) * MINUTE_US,
                         (*at & CROSSED_OFF) != 0, 1 + size + 4};
}

/* The serial's slot, or the empty one where it would stand. */
static uint32_t *slot_of(const struct crl_state *state, struct slice serial, uint64_t digest) {
    for (size_t i = (size_t)digest & (state->slot_count - 1);; i = (i + 1) & (state->slot_count - 1)) {
        uint32_t place = state->slots[i];
        if (place == 0 || slice_equal(mark_at(state, place - 1).serial, serial))
            return &state->slots[i];
    }
}

static void fill_slots(struct crl_state *state) {
    for (size_t at = 0; at < state->marks.size;) {
        struct mark mark = mark_at(state, at);
        *slot_of(state, mark.serial, digest_of(mark.serial)) = (uint32_t)at + 1;
        at += mark.size;
    }
}

static void grow(struct crl_state *state) {
    state->slot_count = state->slot_count ? 2 * state->slot_count : 1024;
    free(state->slots);
    state->slots = memory_new_array(state->slot_count, sizeof *state->slots);
    fill_slots(state);
}

/* Half of what is kept goes. */
static void thin_out(struct crl_state *state) {
    size_t to = 0;
    state->level++;
    state->count = 0;
    for (size_t at = 0; at < state->marks.size;) {
        struct mark mark = mark_at(state, at);
        if (kept_at(digest_of(mark.serial), state->level)) {
            memmove(state->marks.data + to, state->marks.data + at, mark.size);
            to += mark.size;
            state->count++;
        }
        at += mark.size;
    }
    state->marks.size = to;
    memset(state->slots, 0, state->slot_count * sizeof *state->slots);
    fill_slots(state);
}

bool crl_state_follows(const struct crl_state *state, const struct crl_state *before) {
    const struct crl_facts *now = crl_state_facts_of(state), *then = crl_state_facts_of(before);
    if (now->this_update_us < then->this_update_us)
        return false;
    if (!now->has_number || !then->has_number || now->number_size > then->number_size)
        return true;
    return now->number_size == then->number_size && memcmp(now->number, then->number, now->number_size) >= 0;
}

void crl_state_add(struct crl_state *state, struct slice serial, uint64_t revoked_us) {
    uint64_t digest, minutes = revoked_us / MINUTE_US;
    uint8_t mark[MARK_MOST];
    if (state->most == 0 || serial.size == 0 || serial.size > CRL_SERIAL_MOST)
        return;
    digest = digest_of(serial);
    if (!kept_at(digest, state->level))
        return;
    if (2 * (state->count + 1) > state->slot_count)
        grow(state);
    uint32_t *slot = slot_of(state, serial, digest);
    if (*slot)
        return;
    mark[0] = (uint8_t)serial.size;
    memcpy(mark + 1, serial.data, serial.size);
    bytes_put_u32(mark + 1 + serial.size, minutes < UINT32_MAX ? (uint32_t)minutes : UINT32_MAX);
    *slot = (uint32_t)state->marks.size + 1;
    buffer_append(&state->marks, mark, 1 + serial.size + 4);
    state->count++;
    while (state->count > state->most && state->level < LEVEL_MOST)
        thin_out(state);
}

static uint32_t find(const struct crl_state *state, struct slice serial, bool *ret_kept) {
    uint64_t digest = digest_of(serial);
    *ret_kept = serial.size > 0 && serial.size <= CRL_SERIAL_MOST && kept_at(digest, state->level);
    return *ret_kept && state->slot_count ? *slot_of(state, serial, digest) : 0;
}

void crl_state_cross_off(struct crl_state *state, struct slice serial) {
    bool kept;
    uint32_t place = find(state, serial, &kept);
    if (place)
        state->marks.data[place - 1] |= CROSSED_OFF;
}

bool crl_state_has(const struct crl_state *state, struct slice serial, bool *ret_kept) {
    return find(state, serial, ret_kept) != 0;
}

struct crl_gone crl_state_gone(const struct crl_state *state, uint64_t since_us) {
    struct crl_gone gone = {.exact = state->level == 0};
    for (size_t at = 0; at < state->marks.size;) {
        struct mark mark = mark_at(state, at);
        if (!mark.crossed_off && mark.revoked_us >= since_us) {
            gone.count += UINT64_C(1) << state->level;
            if (gone.serial.size == 0 || mark.revoked_us > gone.revoked_us) {
                gone.serial = mark.serial;
                gone.revoked_us = mark.revoked_us;
            }
        }
        at += mark.size;
    }
    return gone;
}

size_t crl_state_pick(const struct crl_state *state, size_t wanted, uint64_t turn,
                      struct slice *ret_serials) {
    if (wanted > state->count)
        wanted = state->count;
    if (wanted == 0)
        return 0;
    size_t stride = state->count / wanted, number = 0, picked = 0;
    size_t first = (size_t)(turn % (state->count - (wanted - 1) * stride)); /* up to the last one */
    for (size_t at = 0; at < state->marks.size && picked < wanted; number++) {
        struct mark mark = mark_at(state, at);
        if (number == first + picked * stride)
            ret_serials[picked++] = mark.serial;
        at += mark.size;
    }
    return picked;
}

/* ---- bytes */

bool crl_state_write(const struct crl_state *state, struct buffer *to) {
    const struct crl_facts *facts = &state->facts;
    size_t begun = to->size;
    buffer_append_slice(to, SLICE(LABEL));
    bytes_write_u8(to, facts->has_number ? facts->number_size : NO_NUMBER);
    if (facts->has_number)
        buffer_append(to, facts->number, facts->number_size);
    buffer_append_slice(to, hash_slice(&facts->hash));
    bytes_write_u64(to, facts->this_update_us);
    bytes_write_u64(to, facts->entry_count);
    bytes_write_u64(to, facts->size);
    bytes_write_u8(to, (uint8_t)state->level);
    bytes_write_u32(to, (uint32_t)state->count);
    for (size_t at = 0; at < state->marks.size;) {
        struct mark mark = mark_at(state, at);
        bytes_write_u8(to, (uint8_t)mark.serial.size);
        buffer_append(to, mark.serial.data, mark.size - 1);
        at += mark.size;
    }
    struct hash hash = sha256_of(slice_from(buffer_slice(to), begun));
    return buffer_append_slice(to, hash_slice(&hash)) && !to->overflow;
}

static bool read_facts(struct bytes_reader *reader, struct crl_facts *facts) {
    uint8_t size = bytes_read_u8(reader);
    facts->has_number = size != NO_NUMBER;
    if (facts->has_number) {
        if (size > CRL_NUMBER_MOST)
            return false;
        facts->number_size = size;
        bytes_read_into(reader, facts->number, size);
    }
    bytes_read_into(reader, facts->hash.bytes, HASH_SIZE);
    facts->this_update_us = bytes_read_u64(reader);
    facts->entry_count = bytes_read_u64(reader);
    facts->size = bytes_read_u64(reader);
    return !reader->failed;
}

static bool read_all(struct crl_state *state, struct slice from) {
    if (from.size < HASH_SIZE)
        return false;
    struct slice text = slice_head(from, from.size - HASH_SIZE);
    struct hash hash = sha256_of(text);
    struct bytes_reader reader = bytes_read(text);
    if (!slice_equal(slice_from(from, text.size), hash_slice(&hash)) ||
        !slice_equal(bytes_read_raw(&reader, sizeof LABEL - 1), SLICE(LABEL)) ||
        !read_facts(&reader, &state->facts))
        return false;
    unsigned level = bytes_read_u8(&reader);
    uint32_t count = bytes_read_u32(&reader);
    if (level > LEVEL_MOST)
        return false;
    state->level = level;
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        struct slice serial = bytes_read_raw(&reader, bytes_read_u8(&reader));
        uint32_t minutes = bytes_read_u32(&reader);
        if (!reader.failed &&
            (serial.size == 0 || serial.size > CRL_SERIAL_MOST || !kept_at(digest_of(serial), level)))
            return false;
        if (!reader.failed)
            crl_state_add(state, serial, minutes * MINUTE_US);
    }
    return bytes_read_done(&reader);
}

struct crl_state *crl_state_read(struct slice from, size_t entries_most, struct fault *fault) {
    struct crl_state *state = crl_state_create(entries_most);
    if (read_all(state, from))
        return state;
    fault_set(fault, FAULT_FORMAT, "this is no CRL state; remove it, and the next CRL begins a new one");
    return crl_state_destroy(state);
}

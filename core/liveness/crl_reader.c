#include "crl_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "buffer.h"
#include "memory.h"

enum step {
    STEP_OUTER,
    STEP_TBS,
    STEP_VERSION,
    STEP_INNER_ALGORITHM,
    STEP_ISSUER,
    STEP_THIS_UPDATE,
    STEP_NEXT_UPDATE,
    STEP_LIST,
    STEP_ENTRY,
    STEP_EXTENSIONS,
    STEP_ALGORITHM,
    STEP_SIGNATURE,
    STEP_END,
};

struct crl_reader {
    crl_reader_entry *entry;
    void *context;
    struct crl_list list;
    enum step step;
    struct fault broken;
    uint64_t at, outer_end, tbs_start, tbs_end, list_end; /* counted from the first byte */
    struct buffer pending;                                /* an element of which a part has come */
    bool pending_used;
    struct buffer early; /* everything until the algorithm is known */
    bool algorithm_known;
    struct signature_running *signing;
    void *kept[STEP_END]; /* copies, by the step that made them */
};

struct crl_reader *crl_reader_create(crl_reader_entry *entry, void *context) {
    struct crl_reader *reader = memory_new(sizeof *reader);
    reader->entry = entry;
    reader->context = context;
    reader->pending = BUFFER(CRL_EXTENSIONS_MOST + DER_HEADER_MOST);
    reader->early = BUFFER(4 * CRL_ELEMENT_MOST);
    return reader;
}

struct crl_reader *crl_reader_destroy(struct crl_reader *reader) {
    if (reader) {
        for (size_t i = 0; i < STEP_END; i++)
            free(reader->kept[i]);
        buffer_free(&reader->pending);
        buffer_free(&reader->early);
        signature_destroy(reader->signing);
        free(reader);
    }
    return NULL;
}

const struct crl_list *crl_reader_list(const struct crl_reader *reader) {
    return &reader->list;
}

const struct signature_running *crl_reader_signed(const struct crl_reader *reader) {
    return reader->signing;
}

static bool broken(const struct crl_reader *reader) {
    return reader->broken.code != FAULT_NONE;
}

/* ---- one element in one piece */

static size_t most_of(enum step step) {
    return step == STEP_EXTENSIONS ? CRL_EXTENSIONS_MOST : CRL_ELEMENT_MOST;
}

static uint64_t end_of(const struct crl_reader *reader) {
    if (reader->step == STEP_OUTER)
        return UINT64_MAX;
    if (reader->step == STEP_ENTRY)
        return reader->list_end;
    bool inside = reader->step > STEP_TBS && reader->step < STEP_ALGORITHM;
    return inside ? reader->tbs_end : reader->outer_end;
}

/* How many bytes are needed of an element of which these are there; 0 where it cannot be one. */
static size_t needed(struct crl_reader *reader, struct slice have, bool header_alone,
                     struct der_header *ret_header) {
    enum der_header_state state = der_header_read(have, ret_header);
    if (state == DER_HEADER_SHORT)
        return have.size + 1;
    if (state == DER_HEADER_BAD) {
        fault_set(&reader->broken, FAULT_FORMAT, "no DER at byte %" PRIu64, reader->at);
        return 0;
    }
    if (reader->at + ret_header->size + ret_header->content > end_of(reader)) {
        fault_set(&reader->broken, FAULT_FORMAT,
                  "at byte %" PRIu64 " an element longer than what it stands in", reader->at);
        return 0;
    }
    if (!header_alone && ret_header->content > most_of(reader->step)) {
        fault_set(&reader->broken, FAULT_LIMIT, "at byte %" PRIu64 " an element of %zu bytes", reader->at,
                  ret_header->content);
        return 0;
    }
    return ret_header->size + (header_alone ? 0 : ret_header->content);
}

/* The next element, or its header: in place where the piece holds all of it, else gathered. */
static bool gather(struct crl_reader *reader, struct slice *piece, bool header_alone, struct slice *ret_whole,
                   struct der_header *ret_header) {
    if (reader->pending_used)
        buffer_clear(&reader->pending);
    reader->pending_used = false;
    for (;;) {
        bool waiting = reader->pending.size > 0;
        struct slice have = waiting ? buffer_slice(&reader->pending) : *piece;
        size_t need = needed(reader, have, header_alone, ret_header);
        if (need == 0)
            return false;
        if (have.size >= need) {
            *ret_whole = slice_head(have, need);
            if (!waiting)
                *piece = slice_from(*piece, need);
            reader->pending_used = waiting;
            reader->at += need;
            return true;
        }
        struct slice more = slice_head(*piece, need - (waiting ? have.size : 0));
        if (more.size == 0)
            return false;
        buffer_append_slice(&reader->pending, more);
        *piece = slice_from(*piece, more.size);
    }
}

/* ---- what the elements are */

static struct slice keep(struct crl_reader *reader, struct slice bytes) {
    reader->kept[reader->step] = memory_copy(bytes.data, bytes.size);
    return slice_make(reader->kept[reader->step], bytes.size);
}

static bool take_entry(struct crl_reader *reader, struct slice whole) {
    struct der_reader outer = der_read(whole), parts = der_enter(&outer, DER_SEQUENCE);
    struct crl_entry entry = {.serial = der_take_integer(&parts)};
    entry.revoked_us = der_take_time(&parts);
    if (der_is(&parts, DER_SEQUENCE))
        entry.extensions = der_take(&parts, DER_SEQUENCE);
    if (!der_done(&parts))
        return false;
    reader->list.entry_count++;
    reader->entry(reader->context, &entry);
    return true;
}

static bool take_extensions(struct crl_reader *reader, struct slice whole) {
    struct der_reader outer = der_read(keep(reader, whole)), explicit = der_enter(&outer, DER_CONTEXT_0);
    reader->list.extensions = der_take(&explicit, DER_SEQUENCE);
    struct der_reader extensions = der_read(reader->list.extensions);
    struct extension extension;
    while (extension_next(&extensions, &extension)) {
    }
    return der_done(&explicit) && der_done(&extensions);
}

static void begin_hashing(struct crl_reader *reader) {
    struct signature_algorithm algorithm;
    reader->algorithm_known = true;
    if (signature_algorithm_read(reader->list.inner_algorithm, &algorithm))
        reader->signing = signature_create(&algorithm);
}

/* False where it is not what this step asks for. */
static bool take(struct crl_reader *reader, struct slice whole, const struct der_header *header) {
    struct crl_list *list = &reader->list;
    struct der_reader element = der_read(whole);
    uint64_t begun = reader->at - whole.size, content_end = reader->at + header->content;
    bool sequence = header->tag == DER_SEQUENCE;
    switch (reader->step) {
    case STEP_OUTER:
        reader->outer_end = content_end;
        return sequence;
    case STEP_TBS:
        reader->tbs_start = begun;
        reader->tbs_end = content_end;
        return sequence;
    case STEP_VERSION:
        list->version = der_take_small(&element, DER_INTEGER);
        return der_done(&element);
    case STEP_INNER_ALGORITHM:
        list->inner_algorithm = keep(reader, whole);
        begin_hashing(reader);
        return sequence;
    case STEP_ISSUER:
        list->issuer = keep(reader, whole);
        return sequence;
    case STEP_THIS_UPDATE:
        list->this_update_us = der_take_time(&element);
        return der_done(&element);
    case STEP_NEXT_UPDATE:
        list->next_update_us = der_take_time(&element);
        return der_done(&element);
    case STEP_LIST:
        reader->list_end = content_end;
        list->has_entries = true;
        return sequence;
    case STEP_ENTRY:
        return take_entry(reader, whole);
    case STEP_EXTENSIONS:
        return take_extensions(reader, whole);
    case STEP_ALGORITHM:
        list->algorithm = keep(reader, whole);
        return sequence;
    case STEP_SIGNATURE:
        element = der_read(keep(reader, whole));
        list->signature = der_take_bits(&element);
        return der_done(&element);
    case STEP_END:
        break;
    }
    return false;
}

/* ---- one after the other */

/* Passes over what is not there, by the tag that comes next. */
static void skip_optional(struct crl_reader *reader, uint8_t tag) {
    if (reader->step == STEP_VERSION && tag != DER_INTEGER)
        reader->step = STEP_INNER_ALGORITHM;
    if (reader->step == STEP_NEXT_UPDATE && tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME)
        reader->step = STEP_LIST;
    if (reader->step == STEP_LIST && tag != DER_SEQUENCE)
        reader->step = STEP_EXTENSIONS;
}

static void pass_ends(struct crl_reader *reader) {
    if (reader->step == STEP_ENTRY && reader->at == reader->list_end)
        reader->step = STEP_EXTENSIONS;
    if (reader->step >= STEP_NEXT_UPDATE && reader->step <= STEP_EXTENSIONS && reader->step != STEP_ENTRY &&
        reader->at == reader->tbs_end)
        reader->step = STEP_ALGORITHM;
}

/* Where the elements of a container end must be where it ends. */
static bool ends_here(const struct crl_reader *reader) {
    return reader->step == STEP_EXTENSIONS  ? reader->at == reader->tbs_end
           : reader->step == STEP_SIGNATURE ? reader->at == reader->outer_end
                                            : true;
}

static bool advance(struct crl_reader *reader, struct slice *piece) {
    struct slice whole;
    struct der_header header;
    pass_ends(reader);
    if (reader->step == STEP_END)
        return piece->size > 0 &&
               fault_set(&reader->broken, FAULT_FORMAT, "bytes behind the list, which ends at byte %" PRIu64,
                         reader->outer_end);
    bool waiting = reader->pending.size > 0 && !reader->pending_used;
    if (!waiting && piece->size == 0)
        return false;
    skip_optional(reader, waiting ? reader->pending.data[0] : piece->data[0]);
    bool header_alone = reader->step == STEP_OUTER || reader->step == STEP_TBS || reader->step == STEP_LIST;
    if (!gather(reader, piece, header_alone, &whole, &header))
        return false;
    if (!take(reader, whole, &header) || !ends_here(reader))
        return fault_set(&reader->broken, FAULT_FORMAT, "what ends at byte %" PRIu64 " belongs to no CRL",
                         reader->at);
    if (reader->step != STEP_ENTRY)
        reader->step++;
    return true;
}

/* The part of these bytes that is signed; the first of them stands at `start`. */
static void hash(struct crl_reader *reader, uint64_t start, struct slice bytes) {
    uint64_t from = start > reader->tbs_start ? start : reader->tbs_start;
    uint64_t until = start + bytes.size < reader->tbs_end ? start + bytes.size : reader->tbs_end;
    if (reader->signing && from < until)
        signature_add(reader->signing, slice_make(bytes.data + (from - start), (size_t)(until - from)));
}

void crl_reader_add(struct crl_reader *reader, struct slice piece) {
    struct slice rest = piece;
    uint64_t start = reader->list.size;
    reader->list.size += piece.size;
    if (broken(reader))
        return;
    if (reader->list.size > CRL_BYTES_MOST) {
        fault_set(&reader->broken, FAULT_LIMIT, "more than %u MiB", CRL_BYTES_MOST >> 20);
        return;
    }
    while (!broken(reader) && advance(reader, &rest)) {
    }
    if (!reader->algorithm_known) {
        buffer_append_slice(&reader->early, piece);
        return;
    }
    hash(reader, 0, buffer_slice(&reader->early));
    buffer_clear(&reader->early);
    hash(reader, start, piece);
}

bool crl_reader_end(struct crl_reader *reader, struct fault *fault) {
    pass_ends(reader);
    if (!broken(reader) && reader->step != STEP_END)
        fault_set(&reader->broken, FAULT_FORMAT, "it ends at byte %" PRIu64 ", in the middle",
                  reader->list.size);
    if (broken(reader)) {
        if (fault)
            *fault = reader->broken;
        return false;
    }
    if (reader->signing)
        signature_end(reader->signing);
    return true;
}

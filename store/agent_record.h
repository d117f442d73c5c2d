/* An enrolled agent as the registry keeps it (STORE_REGISTRY, key "a" ‖ name). */
#ifndef TOCSIN_AGENT_RECORD_H
#define TOCSIN_AGENT_RECORD_H

#include "buffer.h"
#include "fault.h"

#define AGENT_RECORD_MOST 512u
#define AGENT_NAME_SIZE 256u

struct agent_record {
    char name[AGENT_NAME_SIZE];
    uint8_t public_key[32];       /* of the present epoch */
    uint8_t first_key[32];        /* of epoch 0: it is in the stream_ids */
    uint8_t tls_key[32];          /* H(TLS SPKI) */
    uint8_t next_tls_key[32];     /* announced by RENEW, zeros for none */
    uint8_t next_public_key[32];  /* of epoch + 1: announced by ROTATE, zeros for none */
    uint32_t epoch;
    uint32_t heartbeat_s;
    uint64_t enrolled_us;
    uint64_t heard_us;            /* when it was last seen before a stop of the collector; 0 for never */
    bool forked;                  /* has told two different stories: refused until it joins again */
};

bool agent_record_write(struct buffer *to, const struct agent_record *record);
bool agent_record_read(struct slice value, struct agent_record *ret_record, struct fault *fault);

#endif

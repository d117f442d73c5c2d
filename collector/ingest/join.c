#include "join.h"

#include <stdio.h>

#include "class.h"
#include "ed25519.h"
#include "token.h"
#include "wire.pb-c.h"

#define VERSION 1u
#define PROOF_SIZE (16u + 32u + 32u)

static bool refuse(struct join_answer *answer, Tocsin__Refusal refusal, const char *reason) {
    *answer = (struct join_answer){(int)refusal, reason};
    return false;
}

#define NUMBER_MOST (UINT64_MAX / 2) /* of a batch or an event: no stream gets there */

/* Streams that began elsewhere: their first key, and where they go on. */
static bool read_begin(const Tocsin__Join *join, struct agent_record *record, struct join_begin *ret_begin,
                       struct fault *fault) {
    struct verify_key first_key;
    *ret_begin = (struct join_begin){.given = join->n_streams > 0};
    if (!ret_begin->given)
        return (join->first_key.len == 0 && join->epoch == 0) ||
               fault_set(fault, FAULT_FORMAT, "a JOIN that names an epoch and no streams");
    bool good = join->n_streams == LANES && join->first_key.len == sizeof first_key.bytes;
    for (size_t i = 0; good && i < LANES; i++) {
        good = join->streams[i]->lane == i && join->streams[i]->batch_seq < NUMBER_MOST &&
               join->streams[i]->event_seq < NUMBER_MOST;
        ret_begin->batch_seq[i] = join->streams[i]->batch_seq;
        ret_begin->event_seq[i] = join->streams[i]->event_seq;
    }
    if (good)
        memcpy(first_key.bytes, join->first_key.data, sizeof first_key.bytes);
    if (!good || (memcmp(first_key.bytes, join->public_key.data, 32) == 0) != (join->epoch == 0))
        return fault_set(fault, FAULT_FORMAT, "a JOIN whose streams cannot be read");
    memcpy(record->first_key, first_key.bytes, sizeof record->first_key);
    record->epoch = join->epoch;
    return verify_key_check(&first_key, fault);
}

static bool check(const Tocsin__Join *join, const char *tokens, const uint8_t binding[32], uint64_t now_us,
                  struct agent_record *record, struct join_begin *begin, struct join_answer *answer,
                  struct fault *fault) {
    if (join->version != VERSION) {
        fault_set(fault, FAULT_USAGE, "no version of the protocol in common: install the same release on both sides");
        return refuse(answer, TOCSIN__REFUSAL__VERSION, "version");
    }
    if (join->secret.len != TOKEN_SECRET_SIZE || join->public_key.len != 32 || join->proof.len != 64) {
        fault_set(fault, FAULT_FORMAT, "a JOIN whose token, key or proof is of the wrong size");
        return refuse(answer, TOCSIN__REFUSAL__MALFORMED, "malformed");
    }
    struct verify_key key;
    memcpy(key.bytes, join->public_key.data, 32);
    uint8_t proof[PROOF_SIZE] = "tocsin/join/v1";
    memcpy(proof + 16, binding, 32);
    memcpy(proof + 48, key.bytes, 32);
    if (!verify_key_check(&key, fault))
        return refuse(answer, TOCSIN__REFUSAL__SIGNATURE, "key");
    if (!ed25519_verify(&key, slice_make(proof, sizeof proof), join->proof.data)) {
        fault_set(fault, FAULT_AUTH, "the JOIN's proof does not verify: the agent does not hold the key it shows");
        return refuse(answer, TOCSIN__REFUSAL__SIGNATURE, "signature");
    }
    memcpy(record->first_key, key.bytes, 32);
    if (!read_begin(join, record, begin, fault))
        return refuse(answer, TOCSIN__REFUSAL__MALFORMED, "malformed");
    struct slice wanted = slice_string(join->host);
    if (wanted.size && (!host_name_good(wanted) || host_is_collector(wanted))) {
        fault_set(fault, FAULT_USAGE, "'%.64s' is no host name: lower-case letters, digits, hyphens and dots",
                  join->host);
        return refuse(answer, TOCSIN__REFUSAL__MALFORMED, "name");
    }
    char bound[256];
    if (!token_redeem(tokens, join->secret.data, now_us, bound, fault))
        return refuse(answer, TOCSIN__REFUSAL__TOKEN, "token");
    const char *name = bound[0] ? bound : join->host;
    if (!host_name_good(slice_string(name))) {
        fault_set(fault, FAULT_USAGE, "the token names no host and the agent gave none");
        return refuse(answer, TOCSIN__REFUSAL__MALFORMED, "name");
    }
    snprintf(record->name, sizeof record->name, "%s", name);
    if (begin->given && !slice_equal(slice_string(name), wanted)) {
        fault_set(fault, FAULT_USAGE, "the token is for %.64s, and this host's streams are named %.64s at its other collector",
                  name, join->host);
        return refuse(answer, TOCSIN__REFUSAL__STREAM, "name");
    }
    memcpy(record->public_key, key.bytes, 32);
    return true;
}

bool join_check(const char *tokens, struct slice message, const uint8_t binding[32], uint64_t now_us,
                struct agent_record *record, struct join_begin *ret_begin, struct join_answer *ret_answer,
                struct fault *fault) {
    Tocsin__Join *join = tocsin__join__unpack(NULL, message.size, message.data);
    if (!join) {
        fault_set(fault, FAULT_FORMAT, "a JOIN that cannot be read");
        return refuse(ret_answer, TOCSIN__REFUSAL__MALFORMED, "malformed");
    }
    bool good = check(join, tokens, binding, now_us, record, ret_begin, ret_answer, fault);
    tocsin__join__free_unpacked(join, NULL);
    return good;
}

#include "log_signer.h"

#include <pthread.h>
#include <stdlib.h>

#include "memory.h"
#include "random.h"

struct log_signer {
    pthread_mutex_t mutex; /* a signing key is one thread's at a time */
    const struct signing_key *log_key, *registrar;
    struct note_key key;
    struct hash log;
};

struct log_signer *log_signer_create(struct slice origin, const struct signing_key *log_key,
                                     const struct signing_key *registrar, struct fault *fault) {
    struct note_key key;
    if (!note_key_make(NOTE_KEY_LOG, origin, signing_key_public(log_key), &key, fault))
        return NULL;
    struct log_signer *signer = memory_new(sizeof *signer);
    pthread_mutex_init(&signer->mutex, NULL);
    signer->log_key = log_key;
    signer->registrar = registrar;
    signer->key = key;
    signer->log = statement_log(origin, signing_key_public(log_key));
    return signer;
}

struct log_signer *log_signer_destroy(struct log_signer *signer) {
    if (signer)
        pthread_mutex_destroy(&signer->mutex);
    free(signer);
    return NULL;
}

const struct note_key *log_signer_key(const struct log_signer *signer) {
    return &signer->key;
}
const struct hash *log_signer_log(const struct log_signer *signer) {
    return &signer->log;
}
bool log_signer_can_enrol(const struct log_signer *signer) {
    return signer->registrar != NULL;
}

bool log_signer_checkpoint(struct log_signer *signer, uint64_t size, const struct hash *root,
                           struct buffer *to, struct fault *fault) {
    const struct checkpoint checkpoint = {note_key_name(&signer->key), size, *root};
    pthread_mutex_lock(&signer->mutex);
    bool good = checkpoint_sign(to, &checkpoint, &signer->key, signer->log_key);
    pthread_mutex_unlock(&signer->mutex);
    return good || fault_set(fault, FAULT_INTERNAL, "the checkpoint could not be written");
}

bool log_signer_statement(struct log_signer *signer, enum statement_type type, struct slice payload,
                          uint64_t now_us, struct buffer *to, struct fault *fault) {
    const struct signing_key *key = type == STATEMENT_AGENT_ENROL ? signer->registrar : signer->log_key;
    if (!key)
        return fault_set(fault, FAULT_MISSING,
                         "there is no registrar's key here, so no agent can be enrolled in the log");
    struct statement statement = {.log = signer->log,
                                  .type = (uint32_t)type,
                                  .made_us = now_us,
                                  .expires_us = STATEMENT_EXPIRES_NEVER,
                                  .payload = payload};
    const struct random_source source = random_source_system();
    if (!random_fill(&source, statement.nonce, sizeof statement.nonce, fault))
        return false;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(STATEMENT_HEAD + STATEMENT_PAYLOAD_MOST);
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    if (!statement_write(&bytes, &statement))
        return fault_set(fault, FAULT_LIMIT, "a statement's payload of %zu bytes", payload.size);
    pthread_mutex_lock(&signer->mutex);
    signing_key_sign(key, buffer_slice(&bytes), signature);
    pthread_mutex_unlock(&signer->mutex);
    struct signed_statement signed_statement = {
        .bytes = buffer_slice(&bytes), .statement = statement, .signature_count = 1};
    signed_statement.signatures[0].key =
        sha256_of(slice_make(signing_key_public(key)->bytes, ED25519_PUBLIC_SIZE));
    signed_statement.signatures[0].scheme = STATEMENT_ED25519;
    signed_statement.signatures[0].bytes = slice_make(signature, sizeof signature);
    return signed_statement_write(to, &signed_statement) ||
           fault_set(fault, FAULT_LIMIT, "a signed statement of %zu bytes", bytes.size);
}

#include "backup_crypt.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "memory.h"

#define MAGIC "tocsin/backup/v1"
#define MAGIC_SIZE 16u
#define KEY_LABEL "tocsin/backkey/1"
#define NONCE_SIZE 12u
#define TAG_SIZE 16u
#define AAD_SIZE (HASH_SIZE + 9u)
#define LEVEL 1 /* bodies are compressed already; the rest is small */

/* What sealer and opener share: one key, one file, the next chunk's number. */
struct crypt {
    EVP_CIPHER_CTX *context;
    uint8_t key[BACKUP_KEY_SIZE];
    struct hash header;
    uint64_t number;
    bool ended;
};

struct backup_sealer {
    struct crypt crypt;
    uint8_t header[BACKUP_HEADER_SIZE];
    ZSTD_CCtx *packer;
    struct buffer packed;
};

struct backup_opener {
    struct crypt crypt;
    ZSTD_DCtx *unpacker;
    struct buffer packed;
};

/* ---- keys and headers */

struct hash backup_key_id(const uint8_t key[BACKUP_KEY_SIZE]) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, KEY_LABEL, sizeof KEY_LABEL - 1);
    sha256_add(&running, key, BACKUP_KEY_SIZE);
    return sha256_end(&running);
}

static void derive(const uint8_t key[BACKUP_KEY_SIZE], const uint8_t salt[BACKUP_SALT_SIZE],
                   uint8_t ret_key[BACKUP_KEY_SIZE]) {
    char digest[] = "SHA256", info[] = MAGIC; /* libcrypto takes no const */
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, BACKUP_KEY_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, BACKUP_SALT_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, MAGIC_SIZE),
        OSSL_PARAM_construct_end(),
    };
    if (!context || EVP_KDF_derive(context, ret_key, BACKUP_KEY_SIZE, parameters) != 1)
        abort(); /* libcrypto itself is out of order: no key is better than a wrong one */
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static void header_write(uint8_t to[BACKUP_HEADER_SIZE], const struct backup_header *header) {
    const struct slice magic = SLICE(MAGIC);
    memcpy(to, magic.data, magic.size);
    bytes_put_u32(to + 16, (uint32_t)header->kind);
    bytes_put_u32(to + 20, 0);
    bytes_put_u64(to + 24, header->made_us);
    memcpy(to + 32, header->salt, BACKUP_SALT_SIZE);
    memcpy(to + 64, header->key_id.bytes, HASH_SIZE);
    memcpy(to + 96, header->log.bytes, HASH_SIZE);
    bytes_put_u64(to + 128, header->set);
    bytes_put_u64(to + 136, header->number);
}

bool backup_header_read(struct slice bytes, struct backup_header *ret_header, struct fault *fault) {
    if (bytes.size < BACKUP_HEADER_SIZE)
        return fault_set(fault, FAULT_FORMAT, "this is no backup: it ends before its header does");
    const uint8_t *at = bytes.data;
    uint32_t kind = bytes_get_u32(at + 16);
    if (memcmp(at, MAGIC, MAGIC_SIZE) != 0)
        return fault_set(fault, FAULT_FORMAT, "this is no backup: it does not begin with " MAGIC);
    if (kind < BACKUP_BASE || kind > BACKUP_FOLLOW || bytes_get_u32(at + 20) != 0)
        return fault_set(fault, FAULT_FORMAT, "a backup of a kind that is not known (%" PRIu32 ")", kind);
    *ret_header = (struct backup_header){.kind = (enum backup_kind)kind,
                                         .made_us = bytes_get_u64(at + 24),
                                         .key_id = hash_from(at + 64),
                                         .log = hash_from(at + 96),
                                         .set = bytes_get_u64(at + 128),
                                         .number = bytes_get_u64(at + 136)};
    memcpy(ret_header->salt, at + 32, BACKUP_SALT_SIZE);
    return true;
}

/* ---- AES-256-GCM */

static void crypt_start(struct crypt *crypt, const uint8_t key[BACKUP_KEY_SIZE], struct slice header,
                        const uint8_t salt[BACKUP_SALT_SIZE]) {
    derive(key, salt, crypt->key);
    crypt->header = sha256_of(header);
    crypt->context = EVP_CIPHER_CTX_new();
    if (!crypt->context ||
        EVP_CipherInit_ex(crypt->context, EVP_aes_256_gcm(), NULL, crypt->key, NULL, 1) != 1)
        abort();
}

static void crypt_begin(struct crypt *crypt, int seal, bool last) {
    uint8_t nonce[NONCE_SIZE] = {0}, aad[AAD_SIZE];
    int size;
    bytes_put_u64(nonce + NONCE_SIZE - 8, crypt->number);
    memcpy(aad, crypt->header.bytes, HASH_SIZE);
    bytes_put_u64(aad + HASH_SIZE, crypt->number);
    aad[AAD_SIZE - 1] = last;
    if (EVP_CipherInit_ex(crypt->context, NULL, NULL, crypt->key, nonce, seal) != 1 ||
        EVP_CipherUpdate(crypt->context, NULL, &size, aad, AAD_SIZE) != 1)
        abort();
}

static void crypt_seal(struct crypt *crypt, bool last, struct slice plain, uint8_t *to) {
    int size, end;
    crypt_begin(crypt, 1, last);
    if (EVP_CipherUpdate(crypt->context, to, &size, plain.data, (int)plain.size) != 1 ||
        EVP_CipherFinal_ex(crypt->context, to + size, &end) != 1 ||
        EVP_CIPHER_CTX_ctrl(crypt->context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, to + plain.size) != 1)
        abort();
}

static bool crypt_open(struct crypt *crypt, bool last, struct slice body, uint8_t *to) {
    int size, end;
    size_t plain = body.size - TAG_SIZE;
    uint8_t tag[TAG_SIZE];
    memcpy(tag, body.data + plain, TAG_SIZE);
    crypt_begin(crypt, 0, last);
    return EVP_CipherUpdate(crypt->context, to, &size, body.data, (int)plain) == 1 &&
           EVP_CIPHER_CTX_ctrl(crypt->context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
           EVP_CipherFinal_ex(crypt->context, to + size, &end) == 1;
}

static void crypt_stop(struct crypt *crypt) {
    EVP_CIPHER_CTX_free(crypt->context);
    memory_wipe(crypt, sizeof *crypt);
}

/* ---- sealing */

struct backup_sealer *backup_sealer_create(const uint8_t key[BACKUP_KEY_SIZE],
                                           const struct backup_header *header) {
    struct backup_sealer *sealer = memory_new(sizeof *sealer);
    struct backup_header own = *header;
    own.key_id = backup_key_id(key);
    header_write(sealer->header, &own);
    crypt_start(&sealer->crypt, key, backup_sealer_header(sealer), own.salt);
    sealer->packer = ZSTD_createCCtx();
    sealer->packed = BUFFER(ZSTD_COMPRESSBOUND(BACKUP_RAW_MOST));
    if (!sealer->packer ||
        ZSTD_isError(ZSTD_CCtx_setParameter(sealer->packer, ZSTD_c_compressionLevel, LEVEL)))
        abort();
    return sealer;
}

struct backup_sealer *backup_sealer_destroy(struct backup_sealer *sealer) {
    if (!sealer)
        return NULL;
    ZSTD_freeCCtx(sealer->packer);
    crypt_stop(&sealer->crypt);
    buffer_free(&sealer->packed);
    free(sealer);
    return NULL;
}

struct slice backup_sealer_header(const struct backup_sealer *sealer) {
    return slice_make(sealer->header, BACKUP_HEADER_SIZE);
}

bool backup_sealer_chunk(struct backup_sealer *sealer, struct slice raw, bool last, struct buffer *to,
                         struct fault *fault) {
    if (sealer->crypt.ended)
        return fault_set(fault, FAULT_USAGE, "a backup's file goes on behind its end");
    if (raw.size > BACKUP_RAW_MOST)
        return fault_set(fault, FAULT_LIMIT, "a chunk of %zu bytes (at most %u)", raw.size, BACKUP_RAW_MOST);
    buffer_clear(&sealer->packed);
    size_t room = ZSTD_compressBound(raw.size);
    if (!buffer_reserve(&sealer->packed, room))
        return fault_set(fault, FAULT_LIMIT, "a chunk of %zu bytes", raw.size);
    size_t size = ZSTD_compress2(sealer->packer, sealer->packed.data, room, raw.data, raw.size);
    if (ZSTD_isError(size))
        return fault_set(fault, FAULT_INTERNAL, "zstd: %s", ZSTD_getErrorName(size));
    if (!buffer_reserve(to, BACKUP_CHUNK_HEAD + size + TAG_SIZE))
        return fault_set(fault, FAULT_LIMIT, "a chunk of %zu bytes finds no room", size);
    uint8_t *at = to->data + to->size;
    bytes_put_u32(at, (uint32_t)(size + TAG_SIZE));
    at[4] = last;
    crypt_seal(&sealer->crypt, last, slice_make(sealer->packed.data, size), at + BACKUP_CHUNK_HEAD);
    to->size += BACKUP_CHUNK_HEAD + size + TAG_SIZE;
    sealer->crypt.number++;
    sealer->crypt.ended = last;
    return true;
}

/* ---- opening */

struct backup_opener *backup_opener_create(const uint8_t key[BACKUP_KEY_SIZE], struct slice header,
                                           struct backup_header *ret_header, struct fault *fault) {
    struct backup_header read;
    struct hash id = backup_key_id(key);
    if (!backup_header_read(header, &read, fault))
        return NULL;
    if (!hash_equal(&read.key_id, &id)) {
        fault_set(fault, FAULT_AUTH, "this backup was made under another key");
        return NULL;
    }
    struct backup_opener *opener = memory_new(sizeof *opener);
    crypt_start(&opener->crypt, key, slice_head(header, BACKUP_HEADER_SIZE), read.salt);
    opener->unpacker = ZSTD_createDCtx();
    if (!opener->unpacker)
        abort();
    opener->packed = BUFFER(BACKUP_CHUNK_MOST);
    *ret_header = read;
    return opener;
}

struct backup_opener *backup_opener_destroy(struct backup_opener *opener) {
    if (!opener)
        return NULL;
    ZSTD_freeDCtx(opener->unpacker);
    crypt_stop(&opener->crypt);
    buffer_free(&opener->packed);
    free(opener);
    return NULL;
}

bool backup_opener_size(const struct backup_opener *opener, const uint8_t head[BACKUP_CHUNK_HEAD],
                        size_t *ret_size, struct fault *fault) {
    size_t size = bytes_get_u32(head);
    if (opener->crypt.ended)
        return fault_set(fault, FAULT_FORMAT, "something stands behind the end, chunk %" PRIu64,
                         opener->crypt.number - 1);
    if (size <= TAG_SIZE || size > BACKUP_CHUNK_MOST || head[4] > 1)
        return fault_set(fault, FAULT_FORMAT, "chunk %" PRIu64 " does not begin as one does",
                         opener->crypt.number);
    *ret_size = size;
    return true;
}

static bool unpack(struct backup_opener *opener, struct buffer *raw, struct fault *fault) {
    struct slice packed = buffer_slice(&opener->packed);
    unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.size);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > BACKUP_RAW_MOST ||
        !buffer_reserve(raw, (size_t)size + 1))
        return fault_set(fault, FAULT_FORMAT, "chunk %" PRIu64 " does not say its size",
                         opener->crypt.number);
    size_t got = ZSTD_decompressDCtx(opener->unpacker, raw->data, (size_t)size, packed.data, packed.size);
    if (ZSTD_isError(got) || got != size)
        return fault_set(fault, FAULT_FORMAT, "chunk %" PRIu64 " cannot be unpacked", opener->crypt.number);
    raw->size = got;
    return true;
}

bool backup_opener_chunk(struct backup_opener *opener, const uint8_t head[BACKUP_CHUNK_HEAD],
                         struct slice body, struct buffer *raw, struct fault *fault) {
    size_t size = 0;
    buffer_clear(raw);
    if (!backup_opener_size(opener, head, &size, fault))
        return false;
    if (body.size != size)
        return fault_set(fault, FAULT_FORMAT, "chunk %" PRIu64 " is cut off", opener->crypt.number);
    buffer_clear(&opener->packed);
    buffer_reserve(&opener->packed, size);
    if (!crypt_open(&opener->crypt, head[4] == 1, body, opener->packed.data))
        return fault_set(fault, FAULT_FORMAT,
                         "chunk %" PRIu64 " was altered, or stands where it does not belong",
                         opener->crypt.number);
    opener->packed.size = size - TAG_SIZE;
    if (!unpack(opener, raw, fault))
        return false;
    opener->crypt.number++;
    opener->crypt.ended = head[4] == 1;
    return true;
}

bool backup_opener_ended(const struct backup_opener *opener) {
    return opener->crypt.ended;
}

uint64_t backup_opener_number(const struct backup_opener *opener) {
    return opener->crypt.number;
}

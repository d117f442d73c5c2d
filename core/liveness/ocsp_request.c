#include "ocsp_request.h"

#include <openssl/evp.h>

#include "der_write.h"
#include "encoding.h"
#include "oids.h"

static const EVP_MD *digest_by_oid(struct slice oid) {
    const struct {
        struct slice oid;
        const EVP_MD *digest;
    } known[] = {{OID_SHA1, EVP_sha1()},
                 {OID_SHA256, EVP_sha256()},
                 {OID_SHA384, EVP_sha384()},
                 {OID_SHA512, EVP_sha512()}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_equal(oid, known[i].oid))
            return known[i].digest;
    return NULL;
}

static struct slice hash(const EVP_MD *digest, struct slice data, uint8_t ret_hash[EVP_MAX_MD_SIZE]) {
    unsigned size = 0;
    if (!EVP_Digest(data.data, data.size, ret_hash, &size, digest, NULL))
        size = 0;
    return slice_make(ret_hash, size);
}

bool ocsp_cert_id_names(struct slice cert_id, const struct certificate *issuer, struct slice *ret_serial,
                        bool *ret_known) {
    struct der_reader id = der_read(cert_id), algorithm = der_enter(&id, DER_SEQUENCE);
    const EVP_MD *digest = digest_by_oid(der_take(&algorithm, DER_OID));
    struct slice name = der_take(&id, DER_OCTET_STRING), key = der_take(&id, DER_OCTET_STRING);
    struct slice serial = der_take_integer(&id);
    uint8_t hashes[2][EVP_MAX_MD_SIZE];
    if (ret_known)
        *ret_known = digest != NULL;
    if (ret_serial)
        *ret_serial = serial;
    return digest && der_done(&id) && name.size > 0 &&
           slice_equal(name, hash(digest, issuer->subject, hashes[0])) &&
           slice_equal(key, hash(digest, issuer->key_bits, hashes[1]));
}

static void write_cert_id(struct buffer *to, const struct ocsp_question_id *id) {
    uint8_t bytes[EVP_MAX_MD_SIZE];
    size_t start = to->size;
    const EVP_MD *digest = id->digest == OCSP_SHA1 ? EVP_sha1() : EVP_sha256();
    der_write(to, DER_OID, id->digest == OCSP_SHA1 ? OID_SHA1 : OID_SHA256);
    der_write(to, DER_NULL, SLICE(""));
    der_wrap(to, start, DER_SEQUENCE);
    der_write(to, DER_OCTET_STRING, hash(digest, id->issuer->subject, bytes));
    der_write(to, DER_OCTET_STRING, hash(digest, id->issuer->key_bits, bytes));
    der_write(to, DER_INTEGER, id->serial);
    der_wrap(to, start, DER_SEQUENCE);
}

static void write_nonce(struct buffer *to, struct slice nonce) {
    size_t start = to->size, value;
    der_write(to, DER_OID, OID_OCSP_NONCE);
    value = to->size;
    der_write(to, DER_OCTET_STRING, nonce);
    der_wrap(to, value, DER_OCTET_STRING);
    der_wrap(to, start, DER_SEQUENCE); /* Extension */
    der_wrap(to, start, DER_SEQUENCE); /* Extensions */
    der_wrap(to, start, DER_CONTEXT_0 + 2);
}

bool ocsp_request_write(struct buffer *to, const struct ocsp_question_id *id, struct slice nonce) {
    size_t start = to->size;
    if (id->serial.size == 0 || id->serial.size > OCSP_SERIAL_MOST)
        return false;
    write_cert_id(to, id);
    der_wrap(to, start, DER_SEQUENCE); /* Request */
    der_wrap(to, start, DER_SEQUENCE); /* requestList */
    if (nonce.size)
        write_nonce(to, nonce);
    der_wrap(to, start, DER_SEQUENCE); /* TBSRequest */
    der_wrap(to, start, DER_SEQUENCE); /* OCSPRequest */
    return !to->overflow;
}

bool ocsp_request_path(struct buffer *to, struct slice request, bool raw) {
    CLEANUP_BUFFER struct buffer base64 = BUFFER(2 * OCSP_REQUEST_MOST);
    if (!encoding_base64(&base64, request))
        return false;
    if (to->size == 0 || to->data[to->size - 1] != '/')
        buffer_append_string(to, "/");
    for (size_t i = 0; i < base64.size; i++) {
        uint8_t byte = base64.data[i];
        if (byte == '=' || (!raw && (byte == '+' || byte == '/')))
            buffer_printf(to, "%%%02X", byte);
        else
            buffer_append(to, &byte, 1);
    }
    return !to->overflow;
}

#include "ocsp_request.h"

#include "der_write.h"
#include "encoding.h"
#include "oids.h"
#include "signature.h"

bool ocsp_cert_id_names(struct slice cert_id, const struct certificate *issuer, struct slice *ret_serial,
                        bool *ret_known) {
    struct der_reader id = der_read(cert_id), algorithm = der_enter(&id, DER_SEQUENCE);
    struct slice digest = der_take(&algorithm, DER_OID);
    bool known = signature_digest_name(digest) != NULL;
    struct slice name = der_take(&id, DER_OCTET_STRING), key = der_take(&id, DER_OCTET_STRING);
    struct slice serial = der_take_integer(&id);
    uint8_t hashes[2][SIGNATURE_DIGEST_MOST];
    if (ret_known)
        *ret_known = known;
    if (ret_serial)
        *ret_serial = serial;
    return known && der_done(&id) && name.size > 0 &&
           slice_equal(name, signature_digest(digest, issuer->subject, hashes[0])) &&
           slice_equal(key, signature_digest(digest, issuer->key_bits, hashes[1]));
}

static void write_cert_id(struct buffer *to, const struct ocsp_question_id *id) {
    uint8_t bytes[SIGNATURE_DIGEST_MOST];
    size_t start = to->size;
    struct slice digest = id->digest == OCSP_SHA1 ? OID_SHA1 : OID_SHA256;
    der_write(to, DER_OID, digest);
    der_write(to, DER_NULL, SLICE(""));
    der_wrap(to, start, DER_SEQUENCE);
    der_write(to, DER_OCTET_STRING, signature_digest(digest, id->issuer->subject, bytes));
    der_write(to, DER_OCTET_STRING, signature_digest(digest, id->issuer->key_bits, bytes));
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

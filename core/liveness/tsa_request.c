#include "tsa_request.h"

#include "der_write.h"

void tsa_nonce(uint8_t random[TSA_NONCE_SIZE]) {
    random[0] = (uint8_t)((random[0] & 0x7f) | 0x40);
}

bool tsa_request_write(struct buffer *to, const struct tsa_request *request) {
    size_t start = to->size, imprint;
    der_write(to, DER_INTEGER, SLICE("\x01"));
    imprint = to->size;
    der_write(to, DER_OID, request->digest);
    der_write(to, DER_NULL, SLICE("")); /* RFC 5754 2 takes both; servers are used to this one */
    der_wrap(to, imprint, DER_SEQUENCE);
    der_write(to, DER_OCTET_STRING, request->imprint);
    der_wrap(to, imprint, DER_SEQUENCE);
    if (request->policy.size)
        der_write(to, DER_OID, request->policy);
    if (request->nonce.size)
        der_write(to, DER_INTEGER, request->nonce);
    if (request->wants_certificate)
        der_write(to, DER_BOOLEAN, SLICE("\xff"));
    der_wrap(to, start, DER_SEQUENCE);
    return !to->overflow;
}

void tsa_imprint_take(struct der_reader *reader, struct slice *ret_digest, struct slice *ret_hash) {
    struct der_reader imprint = der_enter(reader, DER_SEQUENCE),
                      algorithm = der_enter(&imprint, DER_SEQUENCE);
    *ret_digest = der_take(&algorithm, DER_OID);
    if (der_is(&algorithm, DER_NULL))
        der_take(&algorithm, DER_NULL);
    *ret_hash = der_take(&imprint, DER_OCTET_STRING);
    reader->failed |= !der_done(&algorithm) || !der_done(&imprint);
}

bool tsa_request_read(struct slice der, struct tsa_request *ret_request, struct fault *fault) {
    struct der_reader outer = der_read(der), parts = der_enter(&outer, DER_SEQUENCE);
    struct tsa_request request = {.wants_certificate = false};
    uint32_t version = der_take_small(&parts, DER_INTEGER);
    tsa_imprint_take(&parts, &request.digest, &request.imprint);
    if (der_is(&parts, DER_OID))
        request.policy = der_take(&parts, DER_OID);
    if (der_is(&parts, DER_INTEGER))
        request.nonce = der_take_integer(&parts);
    if (der_is(&parts, DER_BOOLEAN))
        request.wants_certificate = der_take_boolean(&parts);
    if (der_is(&parts, DER_CONTEXT_0))
        der_take(&parts, DER_CONTEXT_0);
    if (!der_done(&parts) || !der_done(&outer) || request.imprint.size == 0)
        return fault_set(fault, FAULT_FORMAT, "this is no TimeStampReq in DER (openssl ts -query makes one)");
    if (version != 1)
        return fault_set(fault, FAULT_FORMAT, "a TimeStampReq of version %u, not 1", version);
    if (request.nonce.size > TSA_NONCE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a nonce of %zu bytes; %u are the most", request.nonce.size,
                         TSA_NONCE_MOST);
    *ret_request = request;
    return true;
}

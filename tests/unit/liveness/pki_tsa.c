#include "pki_tsa.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "der_write.h"
#include "oids.h"
#include "signature.h"

#define ATTRIBUTES 5u

static struct buffer made = {.limit = 1 << 20};

void pki_tsa_free(void) {
    buffer_free(&made);
}

static void write_digest(struct buffer *to, struct slice oid) {
    size_t start = to->size;
    der_write(to, DER_OID, oid);
    der_write(to, DER_NULL, SLICE(""));
    der_wrap(to, start, DER_SEQUENCE);
}

static void write_status(struct buffer *to, const struct pki_tsa *wanted) {
    size_t start = to->size;
    der_write(to, DER_INTEGER, slice_make(wanted->status, 1));
    if (wanted->status_text) {
        size_t texts = to->size;
        der_write(to, DER_UTF8_STRING, slice_string(wanted->status_text));
        der_wrap(to, texts, DER_SEQUENCE);
    }
    if (wanted->failure.size)
        der_write(to, DER_BIT_STRING, wanted->failure);
    der_wrap(to, start, DER_SEQUENCE);
}

static void write_info(struct buffer *to, const struct pki_tsa *wanted) {
    size_t start = to->size;
    der_write(to, DER_INTEGER, slice_make(wanted->version, 1));
    der_write(to, DER_OID, wanted->policy);
    size_t imprint = to->size;
    write_digest(to, wanted->digest);
    der_write(to, DER_OCTET_STRING, wanted->imprint);
    der_wrap(to, imprint, DER_SEQUENCE);
    der_write(to, DER_INTEGER, wanted->serial);
    der_write(to, DER_GENERALIZED_TIME, slice_string(wanted->time));
    if (wanted->accuracy.size)
        der_write(to, DER_SEQUENCE, wanted->accuracy);
    if (wanted->nonce.size)
        der_write(to, DER_INTEGER, wanted->nonce);
    if (wanted->name) {
        size_t name = to->size;
        struct certificate certificate = pki_read(wanted->name);
        der_write(to, DER_CONTEXT_0 + 4, certificate.subject);
        der_wrap(to, name, DER_CONTEXT_0);
    }
    if (wanted->critical_extension)
        der_write(to, DER_CONTEXT_0 + 1, SLICE("\x30\x0b\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x01\x00"));
    der_wrap(to, start, DER_SEQUENCE);
}

/* ---- attributes */

static void end_attribute(struct buffer *to, size_t start, size_t values) {
    der_wrap(to, values, DER_SET);
    der_wrap(to, start, DER_SEQUENCE);
}

static void write_message_digest(struct buffer *to, const struct pki_tsa *wanted, struct slice content) {
    uint8_t hash[SIGNATURE_DIGEST_MOST];
    size_t start = to->size;
    if (wanted->other_message_digest)
        content = SLICE("something else");
    struct slice digest = signature_digest(wanted->content_digest, content, hash);
    der_write(to, DER_OID, OID_MESSAGE_DIGEST);
    size_t values = to->size;
    for (int i = 0; i <= wanted->two_message_digests; i++)
        der_write(to, DER_OCTET_STRING, digest);
    end_attribute(to, start, values);
}

static void write_id(struct buffer *to, const struct pki_tsa *wanted, bool older, bool other) {
    struct certificate signer = pki_read(wanted->signer);
    uint8_t hash[SIGNATURE_DIGEST_MOST];
    size_t start = to->size;
    struct slice named = other ? signer.tbs : signer.whole;
    der_write(to, DER_OID, older ? OID_SIGNING_CERTIFICATE : OID_SIGNING_CERTIFICATE_V2);
    size_t values = to->size;
    der_write(to, DER_OCTET_STRING, signature_digest(older ? OID_SHA1 : OID_SHA256, named, hash));
    size_t issuer = to->size;
    der_write(to, DER_CONTEXT_0 + 4, signer.issuer);
    der_wrap(to, issuer, DER_SEQUENCE);
    der_write(to, DER_INTEGER, wanted->other_id_serial ? SLICE("\x7f") : signer.serial);
    der_wrap(to, issuer, DER_SEQUENCE);
    der_wrap(to, values, DER_SEQUENCE); /* ESSCertID */
    der_wrap(to, values, DER_SEQUENCE); /* certs */
    der_wrap(to, values, DER_SEQUENCE); /* SigningCertificate */
    end_attribute(to, start, values);
}

/* In DER's order: these attributes differ in their lengths, and a longer one sorts behind. */
static int shorter(const void *a, const void *b) {
    size_t x = ((const struct buffer *)a)->size, y = ((const struct buffer *)b)->size;
    return (x > y) - (x < y);
}

static void write_attributes(const struct pki_tsa *wanted, struct slice content, struct buffer *sent,
                             struct buffer *to_sign) {
    struct buffer list[ATTRIBUTES];
    size_t count = 0;
    for (size_t i = 0; i < ATTRIBUTES; i++)
        list[i] = BUFFER(4096);
    if (wanted->content_type_attribute.size) {
        der_write(&list[count], DER_OID, OID_CONTENT_TYPE);
        size_t values = list[count].size;
        der_write(&list[count], DER_OID, wanted->content_type_attribute);
        end_attribute(&list[count++], 0, values);
    }
    if (!wanted->no_message_digest)
        write_message_digest(&list[count++], wanted, content);
    for (int i = 0; i <= wanted->two_ids && !wanted->no_id; i++)
        write_id(&list[count++], wanted, wanted->old_id, wanted->other_id);
    if (wanted->both_ids)
        write_id(&list[count++], wanted, true, wanted->other_old_id);
    qsort(list, count, sizeof *list, shorter);
    for (size_t i = 0; i < count && !wanted->no_attributes; i++) {
        buffer_append_slice(sent, buffer_slice(&list[wanted->unordered ? count - 1 - i : i]));
        buffer_append_slice(to_sign, buffer_slice(&list[wanted->signed_unordered ? count - 1 - i : i]));
    }
    for (size_t i = 0; i < ATTRIBUTES; i++)
        buffer_free(&list[i]);
    if (wanted->no_attributes)
        buffer_append_slice(to_sign, content);
    else
        der_wrap(to_sign, 0, DER_SET);
}

/* ---- SignedData */

static void sign(struct buffer *to, const struct pki_tsa *wanted, struct slice data) {
    unsigned char *signature;
    size_t size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = wanted->signature_digest ? EVP_get_digestbyname(wanted->signature_digest) : NULL;
    assert_int_equal(EVP_DigestSignInit(context, NULL, digest, NULL, pki_key(wanted->key)), 1);
    assert_int_equal(EVP_DigestSign(context, NULL, &size, data.data, data.size), 1);
    signature = OPENSSL_malloc(size);
    assert_int_equal(EVP_DigestSign(context, signature, &size, data.data, data.size), 1);
    der_write(to, DER_OCTET_STRING, slice_make(signature, size));
    OPENSSL_free(signature);
    EVP_MD_CTX_free(context);
}

static void write_signer(struct buffer *to, const struct pki_tsa *wanted, struct slice content) {
    CLEANUP_BUFFER struct buffer attributes = BUFFER(8192), to_sign = BUFFER(8192);
    struct certificate signer = pki_read(wanted->signer);
    size_t start = to->size;
    write_attributes(wanted, content, &attributes, &to_sign);
    der_write(to, DER_INTEGER, slice_make(wanted->signer_version, 1));
    if (wanted->by_key_id)
        der_write(to, DER_PRIMITIVE_0, signer.subject_key_id);
    else {
        size_t id = to->size;
        buffer_append_slice(to, signer.issuer);
        der_write(to, DER_INTEGER, signer.serial);
        der_wrap(to, id, DER_SEQUENCE);
    }
    write_digest(to, wanted->content_digest);
    if (!wanted->no_attributes)
        der_write(to, DER_CONTEXT_0, buffer_slice(&attributes));
    size_t algorithm = to->size;
    der_write(to, DER_OID, wanted->signature_oid);
    der_wrap(to, algorithm, DER_SEQUENCE);
    sign(to, wanted, buffer_slice(&to_sign));
    der_wrap(to, start, DER_SEQUENCE);
}

static void write_token(struct buffer *to, const struct pki_tsa *wanted) {
    CLEANUP_BUFFER struct buffer info = BUFFER(8192);
    size_t start = to->size;
    write_info(&info, wanted);
    der_write(to, DER_OID, OID_SIGNED_DATA);
    size_t data = to->size;
    der_write(to, DER_INTEGER, SLICE("\x03"));
    size_t digests = to->size;
    write_digest(to, wanted->content_digest);
    der_wrap(to, digests, DER_SET);
    size_t content = to->size;
    der_write(to, DER_OID, wanted->content_type);
    size_t bytes = to->size;
    der_write(to, DER_OCTET_STRING, buffer_slice(&info));
    der_wrap(to, bytes, DER_CONTEXT_0);
    der_wrap(to, content, DER_SEQUENCE);
    size_t certificates = to->size;
    for (size_t i = 0; i < 3 && wanted->sent[i]; i++)
        buffer_append_slice(to, pki_read(wanted->sent[i]).whole);
    if (to->size > certificates)
        der_wrap(to, certificates, DER_CONTEXT_0);
    size_t signers = to->size;
    for (int i = 0; i <= wanted->twice && !wanted->nobody; i++)
        write_signer(to, wanted, buffer_slice(&info));
    der_wrap(to, signers, DER_SET);
    der_wrap(to, data, DER_SEQUENCE);
    der_wrap(to, data, DER_CONTEXT_0);
    der_wrap(to, start, DER_SEQUENCE);
}

struct slice pki_tsa(const struct pki_tsa *wanted) {
    buffer_clear(&made);
    write_status(&made, wanted);
    if (!wanted->no_token)
        write_token(&made, wanted);
    der_wrap(&made, 0, DER_SEQUENCE);
    assert_false(made.overflow);
    return buffer_slice(&made);
}

/* Not a test: a CA and a CRL of so many entries: make_crl FOLDER COUNT writes ca.pem and crl.der there, valid for a week from
 * now. Serials are 16 random bytes, every other entry has a reason. */
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "calendar.h"
#include "der_write.h"
#include "memory.h"
#include "oids.h"

#define DAY_S 86400
#define CRL_MOST (1024u * 1024 * 1024)
#define ECDSA_SHA256 SLICE("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
/* reasonCode keyCompromise; CRLNumber 1 */
#define REASON SLICE("\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01")
#define NUMBER SLICE("\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x01")

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "make_crl: %s\n", what);
    exit(3);
}

static FILE *open_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file)
        give_up(path);
    return file;
}

static X509 *make_ca(EVP_PKEY *key) {
    X509 *ca = X509_new();
    X509_NAME *name = X509_get_subject_name(ca);
    X509V3_CTX context;
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {{NID_basic_constraints, "critical,CA:TRUE"},
                      {NID_key_usage, "critical,keyCertSign,cRLSign"},
                      {NID_subject_key_identifier, "hash"}};
    X509_set_version(ca, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(ca), 1);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"Bench CA", -1, -1, 0);
    X509_set_issuer_name(ca, name);
    X509_gmtime_adj(X509_getm_notBefore(ca), -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(ca), 3650l * DAY_S);
    X509_set_pubkey(ca, key);
    X509V3_set_ctx(&context, ca, ca, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        X509_add_ext(ca, extension, -1);
        X509_EXTENSION_free(extension);
    }
    if (!X509_sign(ca, key, EVP_sha256()))
        give_up("signing");
    return ca;
}

static void write_time(struct buffer *to, time_t when) {
    struct calendar_time t = calendar_split((uint64_t)when * 1000000);
    char text[64];
    int size = snprintf(text, sizeof text, "%02d%02u%02u%02u%02u%02uZ", t.year % 100, t.month, t.day, t.hour,
                        t.minute, t.second);
    der_write(to, DER_UTC_TIME, slice_make(text, (size_t)size));
}

static void write_entries(struct buffer *to, size_t count, time_t now) {
    size_t list = to->size;
    for (size_t i = 0; i < count; i++) {
        uint8_t serial[16];
        size_t start = to->size;
        RAND_bytes(serial, sizeof serial);
        serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
        der_write(to, DER_INTEGER, slice_make(serial, sizeof serial));
        write_time(to, now - (time_t)(i % (300 * DAY_S)));
        if (i % 2)
            buffer_append_slice(to, REASON);
        der_wrap(to, start, DER_SEQUENCE);
    }
    der_wrap(to, list, DER_SEQUENCE);
}

static void write_extensions(struct buffer *to, X509 *ca) {
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca);
    size_t start = to->size, value;
    der_write(to, DER_OID, OID_AUTHORITY_KEY_ID);
    value = to->size;
    der_write(to, DER_PRIMITIVE_0, slice_make(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)));
    der_wrap(to, value, DER_SEQUENCE);
    der_wrap(to, value, DER_OCTET_STRING);
    der_wrap(to, start, DER_SEQUENCE);
    buffer_append_slice(to, NUMBER);
    der_wrap(to, start, DER_SEQUENCE);
    der_wrap(to, start, DER_CONTEXT_0);
}

static void sign(struct buffer *crl, EVP_PKEY *key) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t bits[256] = {0};
    size_t size = sizeof bits - 1;
    if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) <= 0 ||
        EVP_DigestSign(context, bits + 1, &size, crl->data, crl->size) <= 0)
        give_up("signing");
    EVP_MD_CTX_free(context);
    buffer_append_slice(crl, ECDSA_SHA256);
    der_write(crl, DER_BIT_STRING, slice_make(bits, size + 1));
    der_wrap(crl, 0, DER_SEQUENCE);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = make_ca(key);
    struct buffer crl = BUFFER(CRL_MOST);
    unsigned char *name = NULL;
    time_t now = time(NULL);
    buffer_append_slice(&crl, SLICE("\x02\x01\x01"));
    buffer_append_slice(&crl, ECDSA_SHA256);
    int name_size = i2d_X509_NAME(X509_get_subject_name(ca), &name);
    buffer_append(&crl, name, (size_t)name_size);
    write_time(&crl, now - 60);
    write_time(&crl, now + 7 * DAY_S);
    write_entries(&crl, strtoul(argv[2], NULL, 10), now);
    write_extensions(&crl, ca);
    der_wrap(&crl, 0, DER_SEQUENCE);
    sign(&crl, key);
    FILE *file = open_file(argv[1], "ca.pem");
    PEM_write_X509(file, ca);
    fclose(file);
    file = open_file(argv[1], "crl.der");
    if (fwrite(crl.data, 1, crl.size, file) != crl.size || fclose(file) != 0)
        give_up("writing");
    buffer_free(&crl);
    OPENSSL_free(name);
    X509_free(ca);
    EVP_PKEY_free(key);
    return 0;
}

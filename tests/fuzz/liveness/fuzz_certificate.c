/* Certificates, one in DER or several in PEM: what is read borrows from the bytes alone. */
#include <stdlib.h>

#include "certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP_BUFFER struct buffer der = BUFFER(1 << 20);
    struct certificate certificate;
    char name[CERTIFICATE_NAME_TEXT];
    if (!certificate_bytes(slice_make(data, size), SLICE("CERTIFICATE"), &der, NULL) ||
        !certificate_read(buffer_slice(&der), &certificate, NULL))
        return 0;
    certificate_name_text(certificate.subject, name);
    if (certificate.serial.size == 0 || certificate.key.size == 0 || strlen(name) >= sizeof name)
        abort();
    for (size_t i = 0; i < 3; i++)
        if (certificate_crl_uri(&certificate, i).size > size ||
            certificate_ocsp_uri(&certificate, i).size > size)
            abort();
    certificate_issued_by(&certificate, &certificate);
    return 0;
}

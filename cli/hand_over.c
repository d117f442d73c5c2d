#include "hand_over.h"

#include <stdio.h>

#include "encoding.h"
#include "http_client.h"
#include "sha256.h"

bool hand_over(const char *url, const char *authorities_path, const struct statement_file *file,
               char ret_place[HAND_OVER_PLACE_SIZE], struct fault *fault) {
    static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
    const struct http_client_settings settings = {.authorities_path = authorities_path};
    CLEANUP_BUFFER struct buffer statement = BUFFER(STATEMENT_FILE_MOST),
                                 answer = BUFFER(HTTP_CLIENT_RESPONSE_MOST);
    char page[HAND_OVER_PLACE_SIZE - 70], log[2 * HASH_SIZE + 1], name[2 * HASH_SIZE + 1];
    bool permanent;
    if (!signed_statement_write(&statement, &file->statement))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    struct hash origin = sha256_of(file->origin), hash = sha256_of(buffer_slice(&statement));
    encoding_hex(origin.bytes, sizeof origin.bytes, log);
    encoding_hex(hash.bytes, sizeof hash.bytes, name);
    size_t size = strlen(url);
    while (size > 0 && url[size - 1] == '/')
        size--;
    if (snprintf(page, sizeof page, "%.*s/%s/statements", (int)size, url, log) >= (int)sizeof page)
        return fault_set(fault, FAULT_USAGE, "the witness's address is too long");
    struct http_client *client = http_client_create(&settings, fault);
    bool good = client &&
                http_client_post(client, page, headers, buffer_slice(&statement), &answer, &permanent, fault);
    http_client_destroy(client);
    if (!good)
        return false;
    if (!slice_starts(buffer_slice(&answer), slice_string(name)))
        return fault_set(fault, FAULT_FORMAT, "%s does not say that it has this statement", page);
    snprintf(ret_place, HAND_OVER_PLACE_SIZE, "%s/%s", page, name);
    return true;
}

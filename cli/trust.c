/* tocsin trust export: what a verifier must know beforehand. */
#include <stdio.h>
#include <string.h>

#include "encoding.h"
#include "log_access.h"
#include "proof_print.h"

int command_trust(const struct command_context *context, int argc, char **argv) {
    const char *path = NULL;
    bool export = argc > 1 && strcmp(argv[1], "export") == 0;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            path = argv[++i];
        else
            return command_usage("trust", "'%s' is not expected", argv[i]);
    if (!export || !path)
        return command_usage("trust", "export -o F is what it does");
    CLEANUP_BUFFER struct buffer text = BUFFER(TRUST_FILE_MOST);
    struct trust trust;
    struct fault fault = {0};
    char leaf[2 * HASH_SIZE + 1];
    if (!proof_trust(context, NULL, &trust, &fault))
        return command_fail("trust", &fault);
    if (!trust_write(&text, &trust) || !files_write(path, buffer_slice(&text), 0644, &fault))
        return command_fail("trust", &fault);
    encoding_hex(trust.genesis_leaf.bytes, HASH_SIZE, leaf);
    if (context->json)
        printf("{\"file\":\"%s\",\"origin\":\"%.*s\",\"genesis\":\"%s\",\"witnesses\":%u,\"needed\":%u}\n",
               path, SLICE_ARG(note_key_name(&trust.log)), leaf, trust.witnesses.count,
               trust.witnesses.needed);
    else
        printf("%s: log %.*s, genesis %s, %u of %u witnesses must cosign%s\n"
               "Hand it over on another way than the proofs, and compare the genesis with what the board has "
               "in print.\n",
               path, SLICE_ARG(note_key_name(&trust.log)), leaf, trust.witnesses.needed,
               trust.witnesses.count, trust.witnesses.needed ? "" : " (UNWITNESSED)");
    return EXIT_GOOD;
}

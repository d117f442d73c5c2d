/* tocsin sign: a person's signature under a statement, after it was shown in words. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "option_words.h"
#include "paper.h"
#include "signing.h"
#include "statement_words.h"

/* On a terminal a person says yes. */
static bool confirmed(bool yes) {
    if (yes || !isatty(STDIN_FILENO))
        return true;
    char answer[16] = "";
    printf("Sign this? [yes/no] ");
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0;
}

static bool sign_file(const struct command_context *context, struct paper_file *paper, const char *path,
                      const char *key_path, struct fault *fault) {
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    CLEANUP_BUFFER struct buffer out = BUFFER(STATEMENT_FILE_MOST);
    struct signing_key *key = signing_key_of(context, key_path, fault);
    bool good = key && signing_add(&paper->file.statement, key, signature, fault);
    signing_key_destroy(key);
    if (!good)
        return false;
    if (!statement_file_write(&out, &paper->file))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    return files_write(path, buffer_slice(&out), 0644, fault);
}

/* A name that the statement only names by its id, from whoever has the site at hand. */
struct sign_names {
    const struct command_context *context;
    struct control_view view;
    bool tried, open;
};

static struct slice name_of(void *context, const struct hash *id) {
    struct sign_names *names = context;
    struct fault fault = {0};
    if (!names->tried)
        names->open = control_view_open(names->context, &names->view, &fault);
    names->tried = true;
    return names->open ? control_view_text(names->context, &names->view, id, NULL) : slice_make(NULL, 0);
}

int command_sign(const struct command_context *context, int argc, char **argv) {
    const char *key = NULL;
    bool yes = false;
    struct option_words words;
    const struct option_word options[] = {{.name = "--key", .value = &key}, {.name = "--yes", .flag = &yes}};
    if (!option_words_parse("sign", argc, argv, 1, options, 2, &words))
        return EXIT_USAGE;
    if (words.count != 1)
        return command_usage("sign", "name one statement's file");
    struct fault fault = {0};
    struct paper_file paper;
    struct sign_names names = {.context = context};
    const struct statement_names by_site = {&names, name_of};
    CLEANUP_BUFFER struct buffer text = BUFFER(STATEMENT_WORDS_MOST);
    bool good =
        paper_read(words.values[0], &paper, &fault) && statement_words(&text, &paper.file, &by_site, &fault);
    if (good && paper.file.statement.statement.expires_us < context->now_us)
        good = fault_set(&fault, FAULT_CONFLICT, "the statement has expired: make another one");
    if (good) {
        fputs(buffer_string(&text), stdout);
        if (!confirmed(yes))
            good = fault_set(&fault, FAULT_USAGE, "not signed");
        good = good && sign_file(context, &paper, words.values[0], key, &fault);
    }
    if (good)
        printf("Signed; it has %zu signature%s now. Next: tocsin %s %s\n",
               paper.file.statement.signature_count, paper.file.statement.signature_count == 1 ? "" : "s",
               paper_next(paper.file.statement.statement.type), words.values[0]);
    paper_release(&paper);
    if (names.tried)
        control_view_close(&names.view);
    return good ? EXIT_GOOD : command_fail("sign", &fault);
}

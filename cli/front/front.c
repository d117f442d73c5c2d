/* tocsin: asks the running collector itself, and hands everything else to tocsin-commands beside it, with the same words.
 *
 * Loading the libraries of a store and of HTTP takes several times as long as most searches do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "query_ask.h"

#define COMMANDS "tocsin-commands"

/* Returns only where it cannot be started. */
static int run_commands(char **argv) {
    char path[FILES_PATH_MOST];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    while (size > 0 && path[size - 1] != '/')
        size--;
    if (size > 0 && (size_t)size + sizeof COMMANDS <= sizeof path) {
        memcpy(path + size, COMMANDS, sizeof COMMANDS);
        execv(path, argv);
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    const char *why = strerror(errno);
    fprintf(stderr,
            "tocsin: " COMMANDS
            ", which belongs beside it, cannot be started: %s; install the package tocsin again\n",
            why);
    return EXIT_CANNOT;
}

/* Where no collector answers nothing was printed yet: the store at rest is asked instead. */
static bool find(void *finder, const struct command_context *context, const Tocsin__EventQuery *query,
                 struct event_printer *printer, live_events_take *take, void *taker, uint64_t *ret_count,
                 struct fault *fault) {
    (void)printer;
    if (live_events(context, query, take, taker, ret_count, fault))
        return true;
    if (fault->code == FAULT_MISSING)
        run_commands(finder);
    return false;
}

int main(int argc, char **argv) {
    struct command_context context;
    struct fault fault = {0};
    bool help = false;
    int count = argc;
    umask(077);
    CLEANUP_FREE char **words = memory_copy(argv, ((size_t)argc + 1) * sizeof *argv);
    if (command_take_options(&context, &count, words, &help, &fault) && !help && count > 1 &&
        strcmp(words[1], "query") == 0)
        return query_ask(&context, count - 1, words + 1, find, argv);
    return run_commands(argv);
}

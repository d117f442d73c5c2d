/* tocsin revoke: a statement that ends a host's signing key, for one that was stolen or a host that was broken into. */
#include "agent_enrolment.h"
#include "agent_registry.h"
#include "command.h"
#include "control_view.h"
#include "option_words.h"
#include "paper.h"
#include "statement_type.h"

static bool revocation_of(const struct control_view *view, struct slice host,
                          struct agent_revocation *ret_revocation, struct fault *fault) {
    const struct agent_line *line = agent_registry_by_name(view->registry, host, UINT64_MAX - 1);
    const struct agent_epoch *epoch = line ? agent_line_open(line) : NULL;
    if (!epoch)
        return fault_set(fault, FAULT_USAGE,
                         "no host of the name %.*s has a key that could end; `tocsin status` lists them",
                         SLICE_ARG(host));
    *ret_revocation = (struct agent_revocation){host, line->streams[LANE_SECURITY], epoch->epoch};
    return true;
}

int command_revoke(const struct command_context *context, int argc, char **argv) {
    const char *out = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "-o", .value = &out}};
    if (!option_words_parse("revoke", argc, argv, 1, options, 1, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !out)
        return command_usage("revoke", "say which host, and -o FILE");
    struct agent_revocation revocation;
    struct control_view view = {.live = false};
    struct paper paper;
    struct fault fault = {0};
    paper_begin(&paper);
    bool good = control_view_open(context, &view, &fault) &&
                revocation_of(&view, slice_string(words.values[0]), &revocation, &fault) &&
                agent_revocation_write(&paper.payload, &revocation) &&
                paper_write(context, &view, &paper, STATEMENT_AGENT_REVOKE, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("revoke", &fault);
}

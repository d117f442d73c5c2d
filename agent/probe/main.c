/* tocsin-prober: runs the probes of agent.yaml for the agent, which starts it. Strangers' answers are parsed here, and not
 * where every log can be read.
 *
 *     tocsin-prober --check SITE     reads settings and files, asks nobody; what `tocsin-agent --check` runs */
#include <string.h>

#include "helper.h"
#include "log.h"
#include "loop.h"
#include "probe_source.h"

static int check(const char *site) {
    struct fault fault = {0};
    if (probe_source_check(site, &fault))
        return 0;
    log_fault(LOG_LEVEL_ERROR, &fault, "the probes are not good");
    return 1;
}

int main(int argc, char **argv) {
    static const struct helper_program program = {"tocsin-prober", probe_source_create, probe_source_rest};
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check(argv[2]);
    loop_workers_set(LOOP_WORKERS_MOST); /* look-ups of names hang as long as the resolver does */
    return helper_main(&program);
}

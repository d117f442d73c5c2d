/* tocsin-collector: takes what agents send, keeps it, watches it. The command line. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "collector.h"
#include "daemon_options.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "process.h"
#include "site.h"

static int run(struct collector *collector, const char *data, bool check) {
    struct fault fault = {0};
    bool good = collector_read_settings(collector, data, &fault);
    if (good)
        collector->knowledge = collector_load_knowledge(collector->settings, &fault);
    good = good && collector->knowledge && witnessing_check_settings(collector->settings, &fault);
    if (good)
        collector_tell_refused(collector->knowledge);
    if (good && check) {
        printf("%s/collector.yaml: good; %zu rules in force, %zu left out\n", collector->site,
               ruleset_rule_count(collector->knowledge->ruleset), knowledge_refused(collector->knowledge));
        return 0;
    }
    bool started = good && collector_start(collector, &fault);
    if (started) {
        log_notice("%s is ready on %s; %zu rules", collector->origin, ingest_address(collector->ingest),
                   ruleset_rule_count(collector->knowledge->ruleset));
        notify_ready();
        loop_run(collector->loop);
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "tocsin-collector cannot start");
    /* Another log than the one that was published is a finding, and no restart helps. */
    if (fault.code == FAULT_CONFLICT)
        return 1;
    /* What cannot be read is a mistake of whoever wrote the settings; anywhere else it is damage. */
    return good && fault.code == FAULT_FORMAT ? 3 : daemon_exit_code(&fault);
}

static const struct daemon_words words = {
    .name = "tocsin-collector",
    .forms = "[--site DIR] [--data DIR] [--check]",
    .purpose = "Takes what agents send, keeps it append-only, runs the rules over it and tells people.\n"
               "`tocsin init DIR` makes a site for it.",
    .data = "where keys and the store are, instead of the setting `data`",
    .check = "reads settings, rules and decoders, says what is wrong with them, and ends",
    .example = "tocsin-collector --site /etc/tocsin",
};

int main(int argc, char **argv) {
    struct daemon_options options;
    int result;
    if (!daemon_options_read(&words, NULL, argc, argv, &options, &result))
        return result;
    struct collector *collector = memory_new(sizeof *collector);
    collector->site = options.site;
    collector->lock = -1;
    collector->status = BUFFER(STATUS_MOST);
    process_harden(NULL);
    process_descriptors_raise(65536);
    umask(077);
    result = run(collector, options.data, options.check);
    collector_finish(collector);
    free(collector);
    return result;
}

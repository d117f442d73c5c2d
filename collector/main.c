/* tocsin-collector: takes what agents send, keeps it, watches it. The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "collector.h"
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
    return fault.code == FAULT_USAGE || (!good && fault.code == FAULT_FORMAT) ? 2 : 3;
}

static const char usage[] =
    "Usage: tocsin-collector [--site DIR] [--data DIR] [--check]\n"
    "\n"
    "Takes what agents send, keeps it append-only, runs the rules over it and tells people.\n"
    "\n"
    "  --site DIR   the site's folder (TOCSIN_SITE, else " SITE_DEFAULT "); `tocsin init DIR` makes one\n"
    "  --data DIR   where keys and the store are, instead of the setting `data`\n"
    "  --check      reads settings, rules and decoders, says what is wrong with them, and ends\n"
    "  --verbose    tells more\n"
    "  --version\n"
    "\n"
    "Example: tocsin-collector --site /etc/tocsin\n";

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"site", required_argument, NULL, 's'},
        {"data", required_argument, NULL, 'd'},
        {"check", no_argument, NULL, 'c'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *site = getenv("TOCSIN_SITE"), *data = NULL;
    bool check = false;
    log_start(LOG_LEVEL_INFO);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread */
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 's':
            site = optarg;
            break;
        case 'd':
            data = optarg;
            break;
        case 'c':
            check = true;
            break;
        case 'v':
            log_start(LOG_LEVEL_DEBUG);
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'V':
            puts("tocsin-collector " TOCSIN_VERSION);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    struct collector *collector = memory_new(sizeof *collector);
    collector->site = site ? site : SITE_DEFAULT;
    collector->lock = -1;
    collector->status = BUFFER(STATUS_MOST);
    process_harden(NULL);
    process_descriptors_raise(65536);
    umask(077);
    int result = run(collector, data, check);
    collector_finish(collector);
    free(collector);
    return result;
}

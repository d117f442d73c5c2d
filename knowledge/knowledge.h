/* What Tocsin knows: rules and decoders out of files and folders, ready to read events with. The collector and the command
 * line load the same, so that a rule tried by hand does what it will do at the collector.
 *
 * Every *.yml and *.yaml below a folder is loaded, in the order of the names; *.samples (a rule's test data) is not: trial.h runs those.
 * A rule that is refused is told in its outcome and the others go on (ruleset.h); a decoder file that is refused fails
 * the whole, since rules rest on its fields. Immutable once loaded; shared by threads. */
#ifndef TOCSIN_KNOWLEDGE_H
#define TOCSIN_KNOWLEDGE_H

#include "interpreter.h"
#include "ruleset.h"

#define KNOWLEDGE_DEPTH_MOST 16u  /* folders in each other */
#define KNOWLEDGE_FILES_MOST 50000u

struct knowledge {
    struct symbols *symbols;
    struct interpreter *interpreter;
    struct ruleset *ruleset;
};

/* Files or folders; one that is not there is a fault. */
struct knowledge *knowledge_load(char *const *rules, size_t rule_count, char *const *decoders, size_t decoder_count,
                                 int zone_minutes, struct fault *fault);
struct knowledge *knowledge_destroy(struct knowledge *knowledge); /* returns NULL */

size_t knowledge_refused(const struct knowledge *knowledge); /* rules */

/* Where this program's own rules and decoders are: TOCSIN_SHARE, else ../share/tocsin as seen from the program, else
 * the installed folder, else (not in a release) the source tree's; the first that exists. */
bool knowledge_default_rules(char ret_path[4096]);
bool knowledge_default_decoders(char ret_path[4096]);

#endif

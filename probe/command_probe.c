/* A monitoring plugin: run as a user, with limits; its status, its line and its numbers are the answer. */
#include <stdlib.h>

#include "memory.h"
#include "probe_kinds.h"
#include "probe_program.h"

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct probe_program_run *run;
};

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    *ret_prepared = probe_program_create(settings, true, fault);
    return *ret_prepared != NULL;
}

static void release(void *prepared) {
    probe_program_destroy(prepared);
}

static void over(void *context, const struct command_end *end) {
    struct asking *asking = context;
    struct probe_look *look = asking->look;
    command_judge(end, &asking->part->report);
    probe_part_over(asking->part, look->settings);
    probe_program_stop(asking->run);
    free(asking);
    probe_look_done(look);
}

static void begin(struct probe_look *look) {
    struct asking *asking = memory_new(sizeof *asking);
    look->own = asking;
    asking->look = look;
    asking->part = probe_look_part(look, "%s", probe_program_name(look->prepared));
    asking->run = probe_program_run(look->prepared, look, over, asking);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    probe_program_stop(asking->run);
    free(asking);
}

const struct probe_kind probe_kind_command = {
    .kind = LIVENESS_COMMAND,
    .about = "a monitoring plugin",
    .target = "/usr/lib/nagios/plugins/check_load",
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

/* The job that erases what has come due. */
#include "collector.h"
#include "site.h"

static uint64_t sealed_below(void *context) {
    struct collector *collector = context;
    return seal_counts(collector->seal).next_index;
}

static void forget(void *context, uint8_t class, uint64_t day) {
    struct collector *collector = context;
    sealed_forget(collector->sealed, class, day);
}

static const struct knowledge *knowledge(void *context) {
    struct collector *collector = context;
    return collector->knowledge;
}

bool collector_start_retention(struct collector *collector, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    site_path(folder, collector->data, SITE_COLLECTOR_STORE);
    const struct retention_job_settings settings = {.store = collector->store,
                                                    .folder = folder,
                                                    .committer = collector->committer,
                                                    .log = collector->log_state,
                                                    .signer = collector->signer,
                                                    .keys = collector->day_keys,
                                                    .sealed = collector->sealed,
                                                    .sealed_below = sealed_below,
                                                    .forget = forget,
                                                    .knowledge = knowledge,
                                                    .describe_room = collector_describe_room,
                                                    .context = collector};
    collector->retention = retention_job_start(&settings, fault);
    return collector->retention != NULL;
}

bool collector_give_retention(void *context, bool run, bool (*give)(void *giver, const char *json),
                              void *giver, struct fault *fault) {
    struct collector *collector = context;
    return retention_job_pass(collector->retention, run, give, giver, fault);
}

bool collector_give_held(void *context, uint64_t hold,
                         bool (*give)(void *giver, uint64_t log_index, struct slice extra), void *giver,
                         struct fault *fault) {
    struct collector *collector = context;
    return retention_job_held(collector->retention, hold, give, giver, fault);
}

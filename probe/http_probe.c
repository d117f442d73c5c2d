/* What a service says of itself over HTTP: presets for known servers, or a status, a body and values of one's own. */
#include <stdio.h>
#include <stdlib.h>

#include "http_ask.h"
#include "memory.h"
#include "probe_kinds.h"
#include "service_judge.h"

#define URL_MOST 4096u

struct prepared {
    struct service_expected expected;
    struct buffer url, statuses;
    struct service_value values[SERVICE_VALUES_MOST];
    char *texts[SERVICE_VALUES_MOST]; /* names and values, cut at their '=' */
};

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct http_ask *ask;
};

/* ---- settings */

static bool find_preset(struct prepared *prepared, const char *name, const struct service_preset **ret_preset,
                        struct fault *fault) {
    CLEANUP_BUFFER struct buffer known = BUFFER(FAULT_TEXT_SIZE);
    const struct service_preset *preset = service_preset_find(name);
    if (preset) {
        prepared->expected = preset->expected;
        *ret_preset = preset;
        return true;
    }
    for (size_t i = 0; service_preset_at(i); i++)
        buffer_printf(&known, "%s%s", i ? ", " : "", service_preset_at(i)->name);
    return fault_set(fault, FAULT_USAGE, "preset: there is no '%.40s'; there are %s", name,
                     buffer_string(&known));
}

/* What stands in the settings takes the place of what a preset says. */
static bool read_status(struct prepared *prepared, const struct settings_strings *status,
                        struct fault *fault) {
    if (!status->count)
        return true;
    for (size_t i = 0; i < status->count; i++)
        buffer_printf(&prepared->statuses, "%s%s", i ? " " : "", status->items[i]);
    prepared->expected.statuses = buffer_string(&prepared->statuses);
    prepared->expected.source = NULL;
    return service_statuses_good(prepared->expected.statuses) ||
           fault_set(fault, FAULT_USAGE, "status: '%.60s' is none: write 200, 204 or 2xx",
                     prepared->expected.statuses);
}

static bool read_values(struct prepared *prepared, const struct settings_strings *values,
                        struct fault *fault) {
    if (values->count > SERVICE_VALUES_MOST)
        return fault_set(fault, FAULT_USAGE, "values: more than %u", SERVICE_VALUES_MOST);
    for (size_t i = 0; i < values->count; i++) {
        char *text = prepared->texts[i] = memory_copy_string(values->items[i]);
        char *equals = strchr(text, '=');
        if (!equals || equals == text)
            return fault_set(fault, FAULT_USAGE,
                             "values: '%.60s' is no NAME=VALUE, such as result.healthy=true",
                             values->items[i]);
        *equals = '\0';
        prepared->values[i] = (struct service_value){text, equals + 1};
    }
    if (values->count) {
        prepared->expected.values = prepared->values;
        prepared->expected.value_count = values->count;
        prepared->expected.source = NULL;
    }
    return true;
}

/* The preset's path, where the target has none of its own. */
static bool write_url(struct prepared *prepared, const char *target, const struct service_preset *preset,
                      struct fault *fault) {
    const char *host = target ? strstr(target, "://") : NULL;
    if (!host)
        return fault_set(fault, FAULT_USAGE, "target: '%.80s' is no URL: write http://HOST[:PORT]/PATH",
                         target ? target : "");
    const char *path = host + 3 + strcspn(host + 3, "/?#");
    bool bare = *path == '\0' || strcmp(path, "/") == 0;
    buffer_printf(&prepared->url, "%.*s%s", (int)(path - target), target,
                  bare && preset ? preset->path : path);
    return !prepared->url.overflow ||
           fault_set(fault, FAULT_LIMIT, "target: a URL of more than %u bytes", URL_MOST);
}

static void release(void *context) {
    struct prepared *prepared = context;
    for (size_t i = 0; i < SERVICE_VALUES_MOST; i++)
        free(prepared->texts[i]);
    buffer_free(&prepared->url);
    buffer_free(&prepared->statuses);
    free(prepared);
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    struct prepared *prepared = memory_new(sizeof *prepared);
    const struct service_preset *preset = NULL;
    prepared->url = BUFFER(URL_MOST);
    prepared->statuses = BUFFER(URL_MOST);
    bool good = (!settings->preset || find_preset(prepared, settings->preset, &preset, fault)) &&
                read_status(prepared, &settings->status, fault) &&
                read_values(prepared, &settings->values, fault) &&
                write_url(prepared, settings->target, preset, fault);
    if (!good) {
        release(prepared);
        return false;
    }
    if (settings->body) {
        prepared->expected.body = settings->body;
        prepared->expected.source = NULL;
    }
    *ret_prepared = prepared;
    return true;
}

/* ---- asking */

static void judge(void *context, const struct http_ask_answer *answer) {
    struct asking *asking = context;
    const struct prepared *prepared = asking->look->prepared;
    service_judge(&prepared->expected, &answer->http, answer->body, &asking->part->report);
}

static void over(void *context) {
    struct asking *asking = context;
    struct probe_look *look = asking->look;
    free(asking);
    probe_look_done(look);
}

static void begin(struct probe_look *look) {
    static const struct http_ask_handlers handlers = {judge, over};
    struct prepared *prepared = look->prepared;
    struct asking *asking = memory_new(sizeof *asking);
    *asking = (struct asking){.look = look, .part = probe_look_part(look, "%s", "")};
    look->own = asking;
    const struct http_fetch_request request = {.url = buffer_string(&prepared->url),
                                               .address = look->address};
    asking->ask = http_ask_start(asking->part, look, &request, &handlers, asking);
    if (!asking->ask)
        over(asking);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    http_ask_cancel(asking->ask);
    free(asking);
}

const struct probe_kind probe_kind_http = {
    .kind = LIVENESS_HTTP,
    .about = "a service says of itself that it is well: status, body, values",
    .target = "https://ca.example.org:8443/health",
    .addressed = true,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

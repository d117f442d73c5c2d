#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool lines_read(const char *path, bool (*take)(void *context, const struct lines_item *item), void *context,
                uint64_t *ret_cut, struct fault *fault) {
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file)
        return fault_set_system(fault, "%s", path);
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    struct lines_item item = {.path = standard ? "standard input" : path};
    *ret_cut = 0;
    bool going = true;
    while (going && (size = getline(&line, &room, file)) >= 0) {
        if (size && line[size - 1] == '\n')
            size--;
        *ret_cut += (size_t)size > LINES_LINE_MOST;
        item.number++;
        item.line = slice_head(slice_make(line, (size_t)size), LINES_LINE_MOST);
        going = take(context, &item);
    }
    bool good = !ferror(file);
    if (!good)
        fault_set_system(fault, "%s", path);
    free(line);
    if (!standard)
        fclose(file);
    return good;
}

void lines_event(const struct lines_item *item, struct event_body *ret_body) {
    *ret_body = (struct event_body){.kind = EVENT_LINE, .source = slice_string(item->path), .raw = item->line};
}

#include "json_document.h"

#include <stdlib.h>

#include "json_fields.h"
#include "memory.h"

struct json_document {
    struct symbols *symbols; /* none: a record wants a table to look names up in */
    struct record *record;
};

struct json_document *json_document_read(struct slice text) {
    struct json_document *document = memory_new(sizeof *document);
    document->symbols = symbols_create();
    document->record = record_create(document->symbols);
    return json_fields_add(document->record, text, SLICE(""), NULL) ? document
                                                                    : json_document_destroy(document);
}

struct json_document *json_document_destroy(struct json_document *document) {
    if (!document)
        return NULL;
    record_destroy(document->record);
    symbols_destroy(document->symbols);
    free(document);
    return NULL;
}

static const struct record_field *find(const struct json_document *document, struct slice name) {
    for (size_t i = 0; i < document->record->count; i++)
        if (slice_equal(document->record->fields[i].name, name))
            return &document->record->fields[i];
    return NULL;
}

bool json_document_find(const struct json_document *document, struct slice name, struct slice *ret_value) {
    const struct record_field *field = find(document, name);
    if (field)
        *ret_value = field->value;
    return field != NULL;
}

bool json_document_find_text(const struct json_document *document, struct slice name,
                             struct slice *ret_text) {
    const struct record_field *field = find(document, name);
    if (!field || field->type != RECORD_TEXT)
        return false;
    *ret_text = field->value;
    return true;
}

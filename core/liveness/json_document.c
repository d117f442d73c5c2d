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

bool json_document_find(const struct json_document *document, struct slice name, struct slice *ret_value) {
    struct slice value = record_value(document->record, name);
    if (!value.data)
        return false;
    *ret_value = value;
    return true;
}

/* Backups: the collector's own made now, or every row that one needs, for whoever makes another (backup_walk.h). */
#include "query_backup.h"

#include "backup_walk.h"
#include "query_log.h"


struct giving {
    const struct query_reader *reader;
    uint64_t rows;
};

static bool give(void *context, enum store_family family, struct slice key, struct slice value,
                 struct fault *fault) {
    struct giving *giving = context;
    Tocsin__StoreRow row;
    tocsin__store_row__init(&row);
    row.family = family;
    row.key = (ProtobufCBinaryData){key.size, (uint8_t *)(uintptr_t)key.data};
    row.value = (ProtobufCBinaryData){value.size, (uint8_t *)(uintptr_t)value.data};
    giving->rows++;
    return giving->reader->write(giving->reader->context, FRAME_STORE_ROW, &row.base) ||
           fault_set(fault, FAULT_IO, "the reader has gone");
}

static bool give_rows(const struct query_reader *reader, uint64_t log_first, uint64_t *ret_rows,
                      struct fault *fault) {
    struct giving giving = {reader, 0};
    const struct store *store = reader->settings->store;
    struct store_snapshot *snapshot = store_snapshot_create(store);
    bool good = backup_walk(store, snapshot, log_first, give, &giving, fault);
    store_snapshot_destroy(snapshot);
    *ret_rows = giving.rows;
    return good;
}

/* Its rows hold what the other requests never give: tokens, mail, the keys of events' salts. */
void query_backup(const struct query_reader *reader, const Tocsin__BackupQuery *query) {
    struct fault fault = {0};
    uint64_t rows = 0;
    bool good = reader->is_owner(reader->context) ||
                fault_set(&fault, FAULT_AUTH, "backups are for root and for the collector's own user");
    if (good)
        good = query->rows ? give_rows(reader, query->log_first, &rows, &fault)
               : reader->settings->backup_now
                   ? reader->settings->backup_now(reader->settings->context, &fault)
                   : fault_set(&fault, FAULT_USAGE, "no backups are made here");
    if (good)
        query_end(reader, rows);
    else
        reader->refuse(reader->context, &fault);
}

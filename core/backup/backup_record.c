#include "backup_record.h"

#include "bytes.h"

#define MODE_SIZE 4u

static bool head(struct buffer *to, const struct backup_record *record, size_t value) {
    bytes_write_u8(to, (uint8_t)record->kind);
    bytes_write_u8(to, record->family);
    bytes_write_block(to, record->key);
    return bytes_write_u32(to, (uint32_t)value);
}

bool backup_record_write(struct buffer *to, const struct backup_record *record) {
    return backup_record_write_parts(to, record, &record->value, 1);
}

bool backup_record_write_parts(struct buffer *to, const struct backup_record *record,
                               const struct slice *parts, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    bool good = head(to, record, size);
    for (size_t i = 0; i < count; i++)
        good = buffer_append_slice(to, parts[i]) && good;
    return good;
}

bool backup_commit_write(struct buffer *to, const struct backup_commit *commit) {
    uint8_t key[BACKUP_COMMIT_SIZE];
    bytes_put_u64(key, commit->before);
    bytes_put_u64(key + 8, commit->after);
    bytes_put_u64(key + 16, commit->time_us);
    return backup_record_write(to, &(struct backup_record){.kind = BACKUP_COMMIT,
                                                           .key = slice_make(key, sizeof key),
                                                           .value = SLICE("")});
}

bool backup_about_write(struct buffer *to, struct slice origin, const struct backup_about *about) {
    uint8_t value[BACKUP_ABOUT_SIZE];
    bytes_put_u64(value, about->log_size);
    bytes_put_u64(value + 8, about->bodies_from);
    bytes_put_u64(value + 16, about->sequence);
    return backup_record_write(to, &(struct backup_record){.kind = BACKUP_ABOUT,
                                                           .key = origin,
                                                           .value = slice_make(value, sizeof value)});
}

bool backup_record_next(struct slice *rest, struct backup_record *ret_record, struct fault *fault) {
    if (rest->size == 0)
        return false;
    struct bytes_reader reader = bytes_read(*rest);
    uint8_t kind = bytes_read_u8(&reader);
    struct backup_record record = {.family = bytes_read_u8(&reader)};
    record.key = bytes_read_block(&reader);
    record.value = bytes_read_block(&reader);
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "a record goes on behind the end of its chunk");
    if (kind < BACKUP_PUT || kind > BACKUP_ABOUT)
        return fault_set(fault, FAULT_FORMAT, "a record of a kind that is not known (%u)", kind);
    record.kind = (enum backup_record_kind)kind;
    *ret_record = record;
    *rest = reader.rest;
    return true;
}

bool backup_commit_read(const struct backup_record *record, struct backup_commit *ret_commit,
                        struct fault *fault) {
    if (record->kind != BACKUP_COMMIT || record->key.size != BACKUP_COMMIT_SIZE || record->value.size != 0)
        return fault_set(fault, FAULT_FORMAT, "a commit that cannot be read");
    const uint8_t *at = record->key.data;
    *ret_commit = (struct backup_commit){bytes_get_u64(at), bytes_get_u64(at + 8), bytes_get_u64(at + 16)};
    return true;
}

bool backup_about_read(const struct backup_record *record, struct backup_about *ret_about,
                       struct fault *fault) {
    if (record->kind != BACKUP_ABOUT || record->value.size != BACKUP_ABOUT_SIZE)
        return fault_set(fault, FAULT_FORMAT, "what this is a backup of cannot be read");
    const uint8_t *at = record->value.data;
    *ret_about = (struct backup_about){bytes_get_u64(at), bytes_get_u64(at + 8), bytes_get_u64(at + 16)};
    return true;
}

/* Every part of the way, the last one too, is a name and not a direction. */
static bool name_good(struct slice name) {
    size_t start = 0;
    if (name.size == 0 || name.size >= BACKUP_NAME_MOST)
        return false;
    for (size_t i = 0; i <= name.size; i++) {
        uint8_t c = i < name.size ? name.data[i] : '/';
        if (c != '/') {
            bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         c == '.' || c == '-' || c == '_';
            if (!plain)
                return false;
            continue;
        }
        struct slice part = slice_make(name.data + start, i - start);
        if (part.size == 0 || slice_equal(part, SLICE(".")) || slice_equal(part, SLICE("..")))
            return false;
        start = i + 1;
    }
    return true;
}

bool backup_file_read(const struct backup_record *record, char ret_name[BACKUP_NAME_MOST], uint32_t *ret_mode,
                      struct slice *ret_content, struct fault *fault) {
    if (record->kind != BACKUP_FILE || record->family > BACKUP_DATA || record->value.size < MODE_SIZE)
        return fault_set(fault, FAULT_FORMAT, "a file that cannot be read");
    uint32_t mode = bytes_get_u32(record->value.data);
    if (!name_good(record->key) || mode > 0777)
        return fault_set(fault, FAULT_FORMAT, "a file with a name or mode that none has");
    memcpy(ret_name, record->key.data, record->key.size);
    ret_name[record->key.size] = '\0';
    *ret_mode = mode;
    *ret_content = slice_from(record->value, MODE_SIZE);
    return true;
}

#include "class_list.h"

#include "bytes.h"

size_t class_list_write(const struct class_list *list, uint8_t ret_bytes[CLASS_LIST_MOST]) {
    uint8_t *at = ret_bytes;
    *at++ = (uint8_t)list->count;
    for (size_t i = 0; i < list->count; i++) {
        *at++ = list->items[i].class;
        bytes_put_u32(at, list->items[i].count);
        memcpy(at + 4, list->items[i].root.bytes, HASH_SIZE);
        at += 4 + HASH_SIZE;
    }
    return (size_t)(at - ret_bytes);
}

static bool read_item(struct bytes_reader *reader, struct class_list *list, struct fault *fault) {
    struct class_list_item item = {.class = bytes_read_u8(reader), .count = bytes_read_u32(reader)};
    bytes_read_into(reader, item.root.bytes, HASH_SIZE);
    if (reader->failed)
        return fault_set(fault, FAULT_FORMAT, "the class list is cut short");
    if (!class_name(item.class))
        return fault_set(fault, FAULT_FORMAT, "the class list names class %u, which is none", item.class);
    if (list->count && list->items[list->count - 1].class >= item.class)
        return fault_set(fault, FAULT_FORMAT, "the class list does not ascend at class %u", item.class);
    if (item.count == 0)
        return fault_set(fault, FAULT_FORMAT, "the class list names class %u without events", item.class);
    list->items[list->count++] = item;
    return true;
}

bool class_list_read(struct slice bytes, struct class_list *ret_list, struct fault *fault) {
    struct bytes_reader reader = bytes_read(bytes);
    struct class_list list = {0};
    unsigned count = bytes_read_u8(&reader);
    if (count > CLASSES)
        return fault_set(fault, FAULT_FORMAT, "the class list names %u classes, there are %d", count,
                         CLASSES);
    for (unsigned i = 0; i < count; i++)
        if (!read_item(&reader, &list, fault))
            return false;
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the class list has %zu bytes, not its length", bytes.size);
    *ret_list = list;
    return true;
}

struct hash class_list_event_root(struct slice bytes) {
    static const uint8_t label[16] = "tocsin/roots/v1";
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, label, sizeof label);
    sha256_add(&running, bytes.data, bytes.size);
    return sha256_end(&running);
}

uint64_t class_list_events(const struct class_list *list) {
    uint64_t sum = 0;
    for (size_t i = 0; i < list->count; i++)
        sum += list->items[i].count;
    return sum;
}

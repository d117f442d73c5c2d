/* Notes, checkpoints and verifier keys: whatever is read has one spelling, and is written back as it was. */
#include <stdlib.h>

#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

static void key_comes_back(struct slice bytes) {
    struct note_key key;
    CLEANUP_BUFFER struct buffer again = BUFFER(NOTE_VKEY_MOST);
    if (note_key_read(bytes, &key, NULL))
        expect(note_key_write(&again, &key) && slice_equal(buffer_slice(&again), bytes));
}

static void note_comes_back(const struct note *note, struct slice bytes) {
    CLEANUP_BUFFER struct buffer again = BUFFER(NOTE_MOST);
    buffer_append_slice(&again, note->text);
    buffer_append_string(&again, "\n");
    for (size_t i = 0; i < note->signature_count; i++) {
        buffer_append_string(&again, "\xe2\x80\x94 ");
        buffer_append_slice(&again, note->signatures[i].name);
        buffer_append_string(&again, " ");
        buffer_append_slice(&again, note->signatures[i].base64);
        buffer_append_string(&again, "\n");
    }
    expect(slice_equal(buffer_slice(&again), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_make(data, size);
    struct fault fault = {0};
    struct note note;
    struct checkpoint checkpoint;
    key_comes_back(bytes);
    if (!note_read(bytes, &note, &fault)) {
        expect(fault.code != FAULT_NONE);
        return 0;
    }
    note_comes_back(&note, bytes);
    if (!checkpoint_text_read(note.text, &checkpoint, NULL))
        return 0;
    CLEANUP_BUFFER struct buffer text = BUFFER(CHECKPOINT_TEXT_MOST);
    expect(checkpoint_text_write(&text, &checkpoint) && slice_equal(buffer_slice(&text), note.text));
    return 0;
}

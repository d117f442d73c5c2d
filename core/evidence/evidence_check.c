#include "evidence_check.h"

const char *check_word(enum check check) {
    static const char *const words[CHECKS] = {
        [CHECK_ACCEPTED] = "accepted", [CHECK_OWED] = "owed",           [CHECK_REPEATED] = "repeated",
        [CHECK_BELOW] = "below",       [CHECK_MALFORMED] = "malformed", [CHECK_STREAM] = "stream",
        [CHECK_EPOCH] = "epoch",       [CHECK_SIGNATURE] = "signature", [CHECK_SEQUENCE] = "sequence",
        [CHECK_FORK] = "fork",         [CHECK_CHAIN] = "chain",         [CHECK_KEY] = "key",
        [CHECK_CLASS] = "class",       [CHECK_TIME] = "time",           [CHECK_BOOT] = "boot",
        [CHECK_COUNT] = "count",       [CHECK_ROOT] = "root",           [CHECK_SEEN] = "seen",
        [CHECK_LIMIT] = "limit",       [CHECK_ENDED] = "ended",
    };
    return words[check];
}

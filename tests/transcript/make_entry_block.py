#!/usr/bin/env python3
"""Makes entry-block.json: log entries of closed days in columns, the entries that they are, and the roots that they have seen.

Written from proto/FORMATS.md alone, sharing nothing with the code it tests. Deterministic but for the version of zstd.

    python3 tests/transcript/make_entry_block.py > tests/transcript/entry-block.json
"""
import ctypes
import hashlib
import json
import struct

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_compress.restype = ctypes.c_size_t
FIRST = 500
CUM_AT = 120
NUMBERS = [(48, 4), (56, 8), (64, 8), (72, 4), (52, 4), (76, 4), (80, 8), (88, 8), (96, 8), (312, 8)]
EPOCH, SEQ, EVENTS_FROM, COUNT, KIND, KEY, OPEN, CLOSE, BOOT, SEEN = range(10)
GIVEN = [(104, 16), (248, 32), (280, 32), (320, 32)]


def H(*parts): return hashlib.sha256(b"".join(parts)).digest()
def u8(n): return struct.pack(">B", n)
def u32(n): return struct.pack(">I", n)
def u64(n): return struct.pack(">Q", n)
def label(text): return text.encode().ljust(16, b"\0")


def n(value):
    out = b""
    while value >= 0x80:
        out += u8(value & 0x7f | 0x80)
        value >>= 7
    return out + u8(value)


def folded(difference):
    """Of 64 bits."""
    difference &= 2**64 - 1
    return 2 * difference if difference < 2**63 else 2 * (2**64 - difference) - 1


def class_list(classes):
    return u8(len(classes)) + b"".join(u8(c) + u32(k) + H(b"root", u8(c), u32(k)) for c, k in classes)


def event_root(listed): return H(label("tocsin/roots/v1"), listed)


def entry(stream, epoch, kind, seq, first, count, key, opened, closed, boot, boot_id, cum, root, prev, seen, seen_root):
    signed = (label("tocsin/batch/v1") + stream + u32(epoch) + u32(kind) + u64(seq) + u64(first) + u32(count) + key
              + u64(opened) + u64(closed) + u64(boot) + boot_id + b"".join(map(u64, cum)) + root + prev + u64(seen) + seen_root)
    assert len(signed) == 352
    return signed + H(b"signature", signed) + H(signed)


ROOTS = {503: H(b"the tree of 503")}
A, B = H(b"stream a"), H(b"stream b")
BOOT_A, BOOT_B = H(b"boot a")[:16], H(b"boot b")[:16]
KEY_ID = b"\1\2\3\4"
NONE, NO_KEY, EMPTY = bytes(32), bytes(4), H(b"")
T = 1_800_000_000_000_000
cum = [0] * 16
a0 = entry(A, 0, 2, 0, 0, 0, NO_KEY, T, T + 5, 77, BOOT_A, cum, event_root(b"\0"), NONE, 0, EMPTY)
data = class_list([(3, 4), (5, 1)])
cum_a = [0, 0, 0, 4, 0, 1] + [0] * 10
a1 = entry(A, 0, 0, 1, 0, 5, KEY_ID, T + 5, T + 60_000_005, 60_000_079, BOOT_A, cum_a, event_root(data), H(a0), 503, ROOTS[503])
a2 = entry(A, 0, 1, 2, 5, 0, KEY_ID, T + 60_000_005, T + 120_000_000, 120_000_070, BOOT_A, cum_a, event_root(b"\0"), H(a1), 504,
           H(b"a root that no checkpoint here has"))
b7 = entry(B, 1, 1, 7, 900, 0, KEY_ID, T, T + 9, 1, BOOT_B, [0, 0, 900] + [0] * 13, event_root(b"\0"), H(b"its last"), 503, ROOTS[503])
b8 = entry(B, 1, 1, 9, 900, 0, KEY_ID, T + 8, T + 20, 12, BOOT_B, [0, 0, 899] + [0] * 13, event_root(b"\0"), H(b7), 503, ROOTS[503])
control = label("tocsin/ctrl/v1") + b"whatever a statement says"
items = [(a0, b"\0"), (b7, b"\0"), (control, None), (a1, data), (a2, b"\0"), (b8, b"a list of no such form"), (control, None)]


def number(bytes_, which):
    at, size = NUMBERS[which]
    return int.from_bytes(bytes_[at:at + size], "big")


def block():
    columns = {name: b"" for name in ("stream", "size", "text", "list", "class", "class count", "given", "cum", *range(10))}
    signatures, given = b"", b""
    ids = []
    for bytes_, _ in items:
        if bytes_ is control:
            columns["stream"] += n(0)
            continue
        if bytes_[16:48] not in ids:
            ids.append(bytes_[16:48])
        columns["stream"] += n(1 + ids.index(bytes_[16:48]))
    for stream in [None, *ids]:
        before, before_index = bytes(416), FIRST - 1
        for place, (bytes_, listed) in enumerate(items):
            if (bytes_ is control) != (stream is None) or (stream and bytes_[16:48] != stream):
                continue
            counts = {}
            if listed is None:
                columns["list"] += n(0)
            elif listed[0] * 37 + 1 != len(listed):
                columns["list"] += n(1)
                columns["size"] += n(len(listed))
                columns["text"] += listed
            else:
                columns["list"] += n(2 + listed[0])
                for i in range(listed[0]):
                    item = listed[1 + 37 * i:38 + 37 * i]
                    counts[item[0]] = int.from_bytes(item[1:5], "big")
                    columns["class"] += item[:1]
                    columns["class count"] += n(counts[item[0]])
                    given += item[5:]
            if stream is None:
                columns["size"] += n(len(bytes_))
                columns["text"] += bytes_
                continue
            expected = {
                EPOCH: number(before, EPOCH), SEQ: number(before, SEQ) + 1,
                EVENTS_FROM: number(before, EVENTS_FROM) + number(before, COUNT), COUNT: sum(counts.values()),
                KIND: 0 if number(bytes_, COUNT) else 1, KEY: number(before, KEY), OPEN: number(before, CLOSE),
                CLOSE: number(bytes_, OPEN) + number(before, CLOSE) - number(before, OPEN),
                BOOT: number(before, BOOT) + number(bytes_, CLOSE) - number(before, CLOSE), SEEN: before_index + 1}
            for which, (_, size) in enumerate(NUMBERS):
                difference = (number(bytes_, which) - expected[which]) % 2**(8 * size)
                if size == 4 and difference >= 2**31:
                    difference -= 2**32
                columns[which] += n(folded(difference))
            unexpected, differences = 0, b""
            for c in range(16):
                at = CUM_AT + 8 * c
                difference = int.from_bytes(bytes_[at:at + 8], "big") - int.from_bytes(before[at:at + 8], "big") - counts.get(c, 0)
                if difference:
                    unexpected |= 1 << c
                    differences += n(folded(difference))
            columns["cum"] += n(unexpected) + differences
            seen = number(bytes_, SEEN)
            known = [before[104:120], event_root(listed), H(before) if any(before) else NONE,
                     EMPTY if seen == 0 else ROOTS.get(seen)]
            bits = 0
            for bit, (at, size) in enumerate(GIVEN):
                if bytes_[at:at + size] != known[bit]:
                    bits |= 1 << bit
                    given += bytes_[at:at + size]
            columns["given"] += u8(bits)
            signatures += bytes_[352:]
            before, before_index = bytes_, FIRST + place
    plain = b"".join(u32(len(column)) + column for column in columns.values())
    room = ctypes.create_string_buffer(len(plain) + 1000)
    size = ZSTD.ZSTD_compress(room, ctypes.c_size_t(len(room)), plain, ctypes.c_size_t(len(plain)), 3)
    packed = room.raw[:size]
    return (label("tocsin/entry/v1") + u64(FIRST) + u32(len(items)) + u32(len(ids)) + u32(len(packed)) + packed
            + b"".join(ids) + signatures + given)


print(json.dumps({
    "first": FIRST, "roots": {str(size): root.hex() for size, root in ROOTS.items()}, "block": block().hex(),
    "entries": [{"entry": bytes_.hex(), **({} if listed is None else {"class_list": listed.hex()})} for bytes_, listed in items],
}, indent=1))

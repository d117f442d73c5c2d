#!/usr/bin/env python3
"""Reads and checks excerpts and proofs of absence, written from proto/FORMATS.md alone and sharing nothing with the code that it
is held against: `evidence_reader.py TRUST FILE` prints what the file proves, as JSON lines, and fails where it proves nothing.

What it leaves out: WebAuthn signatures, changes of people and policies after the genesis, and orphans.
"""
import base64
import hashlib
import json
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

DELTA, PUBLISH = 5_000000, 1_000000
LEVELS = ["UNATTESTED", "UNWITNESSED", "SELF-CLOCKED", "WITNESSED"]
MARKS = (2, 23)
UNPLACED = (2, 3, 4, 18, 19, 23, 25)


class Bad(Exception):
    """Why the file proves nothing."""


def need(condition, text):
    if not condition:
        raise Bad(text)


def H(*parts): return hashlib.sha256(b"".join(parts)).digest()
def leaf(data): return H(b"\0", data)
def node(left, right): return H(b"\1", left, right)


def signed(key, message, signature):
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except InvalidSignature:
        return False


class Reader:
    def __init__(self, data): self.data, self.at = data, 0

    def raw(self, size):
        need(self.at + size <= len(self.data), "cut short")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size): return int.from_bytes(self.raw(size), "big")
    def block(self): return self.raw(self.number(4))
    def path(self): return [self.raw(32) for _ in range(self.number(1))]
    def done(self): return self.at == len(self.data)


# ---- trees (RFC 9162, 2.1.3.2 and 2.1.4.2)

def root_of_inclusion(leaf_hash, index, size, path):
    need(index < size, "an index past the size")
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        need(sn > 0, "a path that is too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "a path that is too short")
    return r


def consistent(old, old_root, size, root, path):
    if old == size:
        return not path and old_root == root
    if old & (old - 1) == 0:
        path = [old_root] + path
    if not path:
        return False
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root


# ---- notes

def key_of(vkey):
    name, key_id, rest = vkey.split("+", 2)
    raw = base64.b64decode(rest, validate=True)
    need(H(name.encode(), b"\n", raw)[:4].hex() == key_id, "a key id that is not its key's")
    return {"name": name, "type": raw[0], "id": bytes.fromhex(key_id), "key": raw[1:]}


class Trust:
    def __init__(self, text):
        lines = text.splitlines()
        need(lines[0] == "tocsin-trust@v1", "no trust file")
        words = [line.split(" ", 1) for line in lines[1:]]
        self.log = key_of(words[0][1])
        self.genesis = bytes.fromhex(words[1][1])
        self.needed = int(words[2][1])
        self.witnesses = [key_of(value) for word, value in words[3:] if word == "witness"]


class Checkpoint:
    def __init__(self, note, log, witnesses, needed):
        text, signatures = note.decode().rsplit("\n\n", 1)
        text += "\n"
        origin, size, root = text.splitlines()
        need(origin == log["name"], "another log's checkpoint")
        self.size, self.root = int(size), base64.b64decode(root, validate=True)
        lines = [line.split(" ")[1:] for line in signatures.splitlines()]
        def of(key):
            for name, value in lines:
                raw = base64.b64decode(value, validate=True)
                if name == key["name"] and raw[:4] == key["id"]:
                    yield raw[4:]
        own = list(of(log))
        need(own and all(signed(log["key"], text.encode(), s) for s in own), "not signed by its log")
        times = []
        for witness in witnesses:
            for raw in of(witness):
                (t,) = struct.unpack(">Q", raw[:8])
                need(signed(witness["key"], f"cosignature/v1\ntime {t}\n{text}".encode(), raw[8:]), "a bad cosignature")
                times.append((witness["name"], t * 1_000000))
        self.met = len({name for name, _ in times}) >= needed
        self.earliest = min((t for _, t in times), default=None)
        self.latest = max((t for _, t in times), default=None)
        self.bounds = self.met and bool(times)


# ---- the ground

def policy_in(reader):
    needed, count = reader.number(1), reader.number(1)
    witnesses = []
    for _ in range(count):
        name = reader.raw(reader.number(1))
        key = reader.raw(32)
        witnesses.append({"name": name.decode(), "type": 4, "id": H(name, b"\n\4", key)[:4], "key": key})
    return needed, witnesses


class Ground:
    def __init__(self, reader, trust):
        self.trust = trust
        need(reader.raw(16) == b"tocsin/ground/1\0", "no ground")
        self.note = reader.block()
        self.checkpoint = Checkpoint(self.note, trust.log, trust.witnesses, trust.needed)
        need(self.checkpoint.met, "no quorum")
        self.epochs = {}  # (stream, epoch): [key, from, until, heartbeat_us, lane, host]
        previous, last, self.whole_to = bytes(32), -1, None
        for number in range(reader.number(4)):
            entry, placed = reader.block(), reader.number(1)
            index = reader.number(8) if placed else None
            if placed:
                self.at(entry, index, reader.path())
                need(index > last, "places do not ascend")
                last = index
            previous = self.control(entry, number, index, previous)
        need(self.whole_to is not None, "no mark at the end")

    def at(self, entry, index, path):
        root = root_of_inclusion(leaf(entry), index, self.checkpoint.size, path)
        need(root == self.checkpoint.root, f"what should stand at index {index} does not")

    def control(self, entry, number, index, previous):
        r = Reader(entry)
        need(r.raw(16) == b"tocsin/ctrl/v1\0\0" and r.number(8) == number, "control entries out of order")
        r.raw(8)
        need(r.raw(32) == previous, "a control entry that does not follow")
        statement = r.block()
        signatures = [(r.raw(32), r.number(1), r.raw(r.number(2))) for _ in range(r.number(1))]
        need(r.done(), "something behind a control entry")
        s = Reader(statement)
        need(s.raw(16) == b"tocsin/stmt/v1\0\0", "no statement")
        need(s.raw(32) == H(self.trust.log["name"].encode(), b"\n", self.trust.log["key"]), "a statement for another log")
        s.raw(32)
        kind = s.number(4)
        s.raw(16)
        payload = Reader(s.block())
        need(index is not None or kind in UNPLACED, f"a statement of type {kind} without its place")
        if number == 0:
            need(kind == 1 and leaf(entry) == self.trust.genesis and index == 0, "another genesis")
            self.genesis(payload)
        by = [key for key, scheme, signature in signatures if scheme == 1 and key in self.keys and
              signed(self.keys[key], statement, signature)]
        if kind in (2, 23, 17, 21):
            need(by == [H(self.trust.log["key"])], "a mark that the log has not signed")
        if kind == 5:
            need(H(self.registrar) in by, "an enrolment without the registrar")
            self.enrol(payload, index)
        if kind == 6:
            self.rotate(payload, statement, signatures, index)
        if kind == 7:
            self.revoke(payload, index)
        self.whole_to = index if kind in MARKS else None
        return H(entry)

    def genesis(self, r):
        need(r.raw(r.number(1)).decode() == self.trust.log["name"] and r.raw(32) == self.trust.log["key"], "another log")
        self.registrar = r.raw(32)
        r.raw(32)
        r.raw(r.number(1))
        self.keys = {H(self.trust.log["key"]): self.trust.log["key"], H(self.registrar): self.registrar}
        for _ in range(r.number(1)):
            r.raw(33)
            for _ in range(r.number(1)):
                scheme, key = r.number(1), r.raw(r.number(1))
                if scheme == 1:
                    self.keys[H(key)] = key
        r.raw(2)
        for _ in range(r.number(1)):
            r.raw(7)
        self.policy = policy_in(r)

    def enrol(self, r, index):
        host, key = r.raw(r.number(1)).decode(), r.raw(32)
        streams, epoch = [r.raw(32), r.raw(32)], r.number(4)
        r.raw(16)
        heartbeat = r.number(4) * 1_000000
        for epoch_of in self.epochs.values():
            if epoch_of[5] == host and epoch_of[2] is None:
                epoch_of[2] = index
        for lane, stream in enumerate(streams):
            self.epochs[stream, epoch] = [key, index, None, heartbeat, lane, host]

    def rotate(self, r, statement, signatures, index):
        r.raw(r.number(1))
        streams, old, new, epoch = [r.raw(32), r.raw(32)], r.raw(32), r.raw(32), r.number(4)
        need(signed(old, statement, signatures[0][2]) and signed(new, statement, signatures[1][2]), "a forged rotation")
        for stream in streams:
            before = self.epochs[stream, epoch - 1]
            need(before[0] == old and before[2] is None, "a rotation that does not fit")
            self.epochs[stream, epoch] = [new, index, None, before[3], before[4], before[5]]

    def revoke(self, r, index):
        host, stream, epoch = r.raw(r.number(1)).decode(), r.raw(32), r.number(4)
        need((stream, epoch) in self.epochs, "a revocation of nothing")
        for (_, number), epoch_of in self.epochs.items():
            if epoch_of[5] == host and number >= epoch and epoch_of[2] is None:
                epoch_of[2] = index

    def live(self, epoch_of, index): return index > epoch_of[1] and (epoch_of[2] is None or index < epoch_of[2])


class Entry:
    def __init__(self, data):
        r = Reader(data)
        need(r.raw(16) == b"tocsin/batch/v1\0", "no entry")
        self.bytes, self.stream = data, r.raw(32)
        self.epoch, self.kind = r.number(4), r.number(4)
        self.seq, self.first, self.count = r.number(8), r.number(8), r.number(4)
        self.seen_key = r.raw(4)
        self.open, self.close, self.boottime, self.boot = r.number(8), r.number(8), r.number(8), r.raw(16)
        self.cum = [r.number(8) for _ in range(16)]
        self.root, self.prev, self.seen_size, self.seen_root = r.raw(32), r.raw(32), r.number(8), r.raw(32)

    def signed_by(self, key): return signed(key, self.bytes[:352], self.bytes[352:])


def class_list(data, entry):
    r = Reader(data)
    items = {r.number(1): (r.number(4), r.raw(32)) for _ in range(r.number(1))}
    need(r.done() and H(b"tocsin/roots/v1\0", data) == entry.root, "another class list")
    need(sum(count for count, _ in items.values()) == entry.count, "a class list of another count")
    return items


# ---- excerpts

def excerpt(data, trust):
    head, ground, count, rest = data.split(b"\n", 3)
    need(head == b"tocsin-excerpt@v1", "no excerpt")
    reader = Reader(base64.b64decode(ground.removeprefix(b"ground "), validate=True))
    on = Ground(reader, trust)
    need(reader.done(), "something behind the ground")
    for _ in range(int(count.removeprefix(b"events "))):
        line, rest = rest.split(b"\n", 1)
        size = int(line.removeprefix(b"proof "))
        yield event(rest[:size], on)
        rest = rest[size:]
    need(not rest, "something behind the last event")


def event(text, on):
    head, note = text.split(b"\n\n", 1)
    lines = head.split(b"\n")
    need(lines[0] == b"c2sp.org/tlog-proof@v1" and note == on.note, "another checkpoint")
    r = Reader(base64.b64decode(lines[1].removeprefix(b"extra "), validate=True))
    index = int(lines[2].removeprefix(b"index "))
    need(r.raw(16) == b"tocsin/event/v1\0", "no event")
    entry = Entry(r.raw(416))
    items = class_list(r.raw(r.number(2)), entry)
    position, path, salt = r.number(4), r.path(), r.raw(32)
    seq, time, kind, body = r.raw(8), r.raw(8), r.raw(1), r.block()
    need(r.done(), "something behind the event")
    total, class_root = items[kind[0]]
    need(root_of_inclusion(leaf(salt + seq + time + kind + body), position, total, path) == class_root, "another event")
    need(entry.open <= int.from_bytes(time, "big") <= entry.close, "outside of its batch's times")
    need(0 <= int.from_bytes(seq, "big") - entry.first < entry.count, "a number outside of its batch")
    on.at(entry.bytes, index, [base64.b64decode(h, validate=True) for h in lines[3:]])
    need(index < on.whole_to, "behind the last mark")
    epoch_of = on.epochs[entry.stream, entry.epoch]
    need(entry.signed_by(epoch_of[0]) and index > epoch_of[1], "not signed by its agent")
    return {"verdict": "OPENED", "host": epoch_of[5], "seq": int.from_bytes(seq, "big"), "class": kind[0],
            "live": on.live(epoch_of, index)}


# ---- absence

def absence(data, trust):
    r = Reader(data)
    need(r.raw(16) == b"tocsin/absence1\0", "no proof of absence")
    stream, kind, t1, t2 = r.raw(r.number(1)).decode(), r.number(1), r.number(8), r.number(8)
    on = Ground(r, trust)
    needed, witnesses = on.policy if on.policy[0] else (trust.needed, trust.witnesses)
    marks = []
    for _ in range(r.number(4)):
        mark = Checkpoint(r.block(), trust.log, witnesses, needed)
        need(consistent(mark.size, mark.root, on.checkpoint.size, on.checkpoint.root, r.path()), "an inconsistent checkpoint")
        need(not marks or mark.size > marks[-1].size, "checkpoints do not ascend")
        marks.append(mark)
    found, last = [], None

    def add(begin, end, level, events, tied=True):
        begin, end = max(begin, t1), min(end, t2)
        if end < begin or (end == begin and not events):
            return
        if not trust.needed:
            level = min(level, 1)
        if found and found[-1][1] == begin and found[-1][2] == level and not events and not found[-1][3] and tied:
            found[-1][1] = end
        else:
            found.append([begin, end, level, events])

    for _ in range(r.number(4)):
        index, path = r.number(8), r.path()
        entry = Entry(r.raw(416))
        items = class_list(r.raw(r.number(2)), entry)
        on.at(entry.bytes, index, path)
        need(index < on.whole_to, "behind the last mark")
        epoch_of = on.epochs[entry.stream, entry.epoch]
        need(epoch_of[5] + ("/bulk" if epoch_of[4] else "") == stream, "another stream")
        need(entry.signed_by(epoch_of[0]), "not signed by its agent")
        events = items.get(kind, (0, None))[0]
        reach = 2 * epoch_of[3] + DELTA
        level = standing(entry, index, marks, trust.log["id"], needed, reach)
        if not on.live(epoch_of, index):
            level = 0
        if last is None:
            add(0, entry.open if entry.seq == 0 else entry.close, 0, 0)
            if entry.seq == 0:
                add(entry.open, entry.close, level, events)
        else:
            before, before_index, before_level = last
            need(index > before_index and entry.seq == before.seq + 1 and entry.prev == H(before.bytes), "a chain that breaks")
            need(entry.first == before.first + before.count, "events that do not follow")
            need(all(entry.cum[c] == before.cum[c] + items.get(c, (0, None))[0] for c in range(16)), "cum is wrong")
            if entry.kind == 2:
                add(before.close, entry.open, 0, 0)
                add(entry.open, entry.close, level, events)
            else:
                need(entry.boot == before.boot and entry.open == before.close, "a break that is none")
                drift = (entry.close - before.close) - (entry.boottime - before.boottime)
                need(abs(drift) <= 1_000000, "the clock was set")
                between = min(level, before_level)
                add(before.close, entry.close, 0 if entry.close - before.close > reach else between, events)
        last = (entry, index, level)
    need(r.done(), "something behind the last entry")
    add(last[0].close if last else 0, 1 << 63, 0, 0)
    return [{"from": a, "to": b, "verdict": LEVELS[level], "events": n} for a, b, level, n in found]


def standing(entry, index, marks, log_id, needed, reach):
    seen = None
    if entry.seen_size and entry.seen_key == log_id:
        if entry.seen_size > index:
            return 0
        for mark in marks:
            if mark.size == entry.seen_size:
                need(mark.root == entry.seen_root, "the agent has seen another tree")
                seen = mark if mark.bounds else None
    if not needed:
        return 1
    holds = next((mark for mark in marks if mark.size > index and mark.bounds), None)
    if seen and entry.close + DELTA < seen.earliest or holds and entry.close > holds.latest + PUBLISH + DELTA:
        return 0
    near = seen and holds and entry.close <= seen.earliest + reach and holds.latest <= entry.close + reach
    return 3 if near else 2


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trust = Trust(file.read())
    with open(sys.argv[2], "rb") as file:
        data = file.read()
    for line in (absence if data.startswith(b"tocsin/absence1") else excerpt)(data, trust):
        print(json.dumps(line))


if __name__ == "__main__":
    try:
        main()
    except (Bad, KeyError, ValueError) as error:
        sys.exit(f"it proves nothing: {error}")

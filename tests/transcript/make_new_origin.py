#!/usr/bin/env python3
"""Makes new-origin.json: the first control entry of a log that takes the place of the one in control-chain.json.

Written from proto/FORMATS.md alone, sharing nothing with the code it tests. Deterministic.

    python3 tests/transcript/make_new_origin.py > tests/transcript/new-origin.json
"""
import base64
import contextlib
import io
import json
import os

with contextlib.redirect_stdout(io.StringIO()):
    import make_control_chain as c
from make_control_chain import H, label, leaf, u8, u16, u64

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "control-chain.json"), encoding="utf-8") as file:
    before = json.load(file)

ORIGIN = "ca.example/tocsin/log2"
LOG = H(ORIGIN.encode(), b"\n", c.log.public)
MADE = c.START + 40 * c.DAY
KNOWN, RESTORED = 40, 30


def note(size, key=c.log, name=c.ORIGIN):
    text = f"{name}\n{size}\n{base64.b64encode(H(b'a root')).decode()}\n"
    payload = c.key_id(name, 1, c.log.public) + key.sign(text.encode())
    return (text + f"\n\u2014 {name} {base64.b64encode(payload).decode()}\n").encode()


# Who is live at the end of that chain, in the order of enrolment: Bob is gone, the second registrar is in force.
PEOPLE = [c.person("Alice", c.ADMIN, c.alice, c.alice2), c.person("Carol", c.MONITOR, c.carol),
          c.person("Dora", c.BOARD, c.dora)]
RETENTION = c.retention(14, {**c.SHIPPED, 1: (c.MONTHS, 9, c.MONTHS, 18)})


def genesis(origin=ORIGIN, people=PEOPLE, retention=RETENTION):
    return (u8(len(origin)) + origin.encode() + c.log.public + c.registrar2.public + H(c.RP_ID.encode()) + u8(len(c.PAGE)) +
            c.PAGE.encode() + u8(len(people)) + b"".join(people) + retention + c.witnesses(0))


def payload(count=len(before["entries"]), head=bytes.fromhex(before["head"]), size=RESTORED, of=note(KNOWN), singles=(), begin=None):
    return (u8(len(c.ORIGIN)) + c.ORIGIN.encode() + c.log.public + u64(count) + head + u64(size) + H(b"restored") + u16(len(of)) +
            of + H(H(b"salt"), b"ten entries") + u8(len(singles)) + b"".join(singles) + (begin or genesis()))


def statement(of): return c.statement(20, of, "new origin", MADE, MADE + 30 * c.DAY, LOG)


def entry(of, *keys):
    return label("tocsin/ctrl/v1") + u64(0) + u64(MADE) + bytes(32) + c.signed(statement(of), *keys)


ENTRY = entry(payload(), c.log, c.alice, c.dora)
names = sorted(H(k.public) for k in (c.alice, c.dora))
# Bytes that no reader takes.
malformed = {
    "cut short": payload()[:-1],
    "one byte more": payload() + b"\0",
    "no control entry before it": payload(count=0, size=0),
    "fewer entries than control entries": payload(size=len(before["entries"]) - 1),
    "the same origin": payload(begin=genesis(origin=c.ORIGIN)),
    "a note of another key": payload(of=note(KNOWN, key=c.alice)),
    "a note of another log": payload(of=note(KNOWN, name="other.example/log")),
    "no note": payload(of=b"something"),
    "single keys that descend": payload(singles=names[::-1]),
    "a single key twice": payload(singles=[names[0], names[0]]),
    "a single key of nobody": payload(singles=[H(b"nobody")]),
    "the log's key as a single one": payload(singles=[H(c.log.public)]),
    "nobody": payload(begin=genesis(people=[])),
}
# Good, and signed by people of the chain, but not what it has in force.
other = {
    "one control entry less": payload(count=len(before["entries"]) - 1),
    "another chain": payload(head=H(b"another")),
    "the policy of the beginning": payload(begin=genesis(retention=c.retention(7, c.SHIPPED))),
    "Bob still there": payload(begin=genesis(people=[*PEOPLE, c.person("Bob", c.BOARD, c.bob)])),
    "Carol left out": payload(begin=genesis(people=[PEOPLE[0], PEOPLE[2]])),
    "Dora as an administrator": payload(begin=genesis(people=[*PEOPLE[:2], c.person("Dora", c.ADMIN, c.dora)])),
    "keys single that are not": payload(singles=names),
}

print(json.dumps({
    "origin": ORIGIN,
    "payload": payload().hex(),
    "payload_without_note": payload(of=b"").hex(),
    "entry": ENTRY.hex(),
    "leaf": leaf(ENTRY).hex(),
    "restored": RESTORED,
    "known": KNOWN,
    "malformed": {name: value.hex() for name, value in malformed.items()},
    "other": {name: entry(value, c.log, c.alice, c.carol).hex() for name, value in other.items()},
}, indent=1, ensure_ascii=False))

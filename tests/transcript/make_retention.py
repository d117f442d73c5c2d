#!/usr/bin/env python3
"""Makes retention.json: payloads of holds, erasures, decisions and notes, the root of what a hold took, a statement's file.

Written from proto/FORMATS.md alone, sharing nothing with the code it tests. Deterministic.

    python3 tests/transcript/make_retention.py > tests/transcript/retention.json
"""
import base64
import hashlib
import json
import struct

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
NEVER = 2**64 - 1


def H(*parts): return hashlib.sha256(b"".join(parts)).digest()
def u8(n): return struct.pack(">B", n)
def u16(n): return struct.pack(">H", n)
def u32(n): return struct.pack(">I", n)
def u64(n): return struct.pack(">Q", n)
def label(text): return text.encode().ljust(16, b"\0")
def name(text): return u8(len(text)) + text.encode()
def leaf(data): return H(b"\0", data)


def mth(leaves):
    if not leaves:
        return H(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return H(b"\1", mth(leaves[:k]), mth(leaves[k:]))


class Text:
    def __init__(self, text):
        self.text = text.encode()
        self.salt = H(b"salt of ", self.text)
        self.hash = H(self.salt, self.text)


reason, query, note_text = Text("case 12 of the board"), Text("user.name:mallory"), Text("visited the rack\nwith Bob")
ZERO = bytes(32)


def span(kind, first, last, key): return u8(kind) + u64(first) + u64(last) + key


KEY_ID = H(b"a day key")
TOOK = [(7, 3, 2), (7, 3, 5), (7, 4, 0), (9, 3, 1), (300, 3, 4095)]
took = [(place, H(b"leaf", bytes(place[1:2]), u64(place[0]))) for place in TOOK]
ROOT = mth([leaf(u64(i) + u8(c) + u32(p) + l) for (i, c, p), l in took])

payloads = {
    "hold place": (10, name("signer1.example") + u16(1 << 3 | 1 << 5) + u64(1000) + u64(2000) + query.hash + reason.hash),
    "hold place, everything": (10, name("") + u16(0x3ff) + u64(0) + u64(NEVER) + ZERO + ZERO),
    "hold matched": (11, u64(17) + u8(3) + u64(7) + u64(400) + u64(len(TOOK)) + ROOT),
    "hold release": (12, u64(17) + reason.hash),
    "erase intent": (13, span(3, 7, 400, KEY_ID) + u64(5)),
    "erase veto": (14, u64(21)),
    "erase done": (15, u64(23)),
    "decommission": (16, name("signer1.example") + reason.hash),
    "acknowledge": (18, u8(1) + name("0123456789abcdef0123456789abcdef") + name("") + u64(0) + reason.hash),
    "reclassify": (18, u8(2) + name("0123456789abcdef0123456789abcdef") + name("2b") + u64(0) + ZERO),
    "sign off": (18, u8(4) + name("2026-W47") + name("") + u64(0) + reason.hash),
    "silence": (18, u8(5) + name("e42c49d7-2085-427c-9cf3-ffad6bd34cd9") + name("") + u64(3000) + reason.hash),
    "note": (19, u8(1) + u8(2) + b"".join(sorted([H(b"Bob"), H(b"Carol")])) + note_text.hash),
    "erase begun": (22, span(3, 7, 400, KEY_ID) + u64(21)),
    "early erasure": (24, span(3, 7, 400, ZERO) + reason.hash),
}

refused = {
    "hold of no class": (10, name("") + u16(0) + u64(0) + u64(1) + ZERO + ZERO),
    "hold of an unknown class": (10, name("") + u16(1 << 10) + u64(0) + u64(1) + ZERO + ZERO),
    "hold that ends before it begins": (10, name("") + u16(1) + u64(2) + u64(1) + ZERO + ZERO),
    "hold of no good host": (10, name("Signer1") + u16(1) + u64(0) + u64(1) + ZERO + ZERO),
    "matched, an unknown class": (11, u64(17) + u8(10) + u64(7) + u64(400) + u64(0) + H(b"")),
    "matched, an empty range": (11, u64(17) + u8(3) + u64(8) + u64(7) + u64(0) + H(b"")),
    "intent, an empty range": (13, span(3, 8, 7, KEY_ID) + u64(5)),
    "intent, an unknown class": (13, span(16, 7, 8, KEY_ID) + u64(5)),
    "decommission of nobody": (16, name("") + reason.hash),
    "decision of no kind": (18, u8(0) + name("a") + name("") + u64(0) + ZERO),
    "decision of an unknown kind": (18, u8(6) + name("a") + name("") + u64(0) + ZERO),
    "decision about nothing": (18, u8(1) + name("") + name("") + u64(0) + ZERO),
    "decision with a blank": (18, u8(1) + name("a b") + name("") + u64(0) + ZERO),
    "acknowledged with a value": (18, u8(1) + name("a") + name("2b") + u64(0) + ZERO),
    "reclassified as nothing": (18, u8(2) + name("a") + name("") + u64(0) + ZERO),
    "silence without end": (18, u8(5) + name("a") + name("") + u64(0) + ZERO),
    "sign-off with an end": (18, u8(4) + name("2026-W47") + name("") + u64(1) + ZERO),
    "note of an unknown kind": (19, u8(5) + u8(0) + note_text.hash),
    "note without text": (19, u8(0) + u8(0) + ZERO),
    "note with people out of order": (19, u8(1) + u8(2) + b"".join(sorted([H(b"Bob"), H(b"Carol")])[::-1]) + note_text.hash),
    "note with one person twice": (19, u8(1) + u8(2) + H(b"Bob") * 2 + note_text.hash),
    "note with 17 people": (19, u8(1) + u8(17) + b"".join(sorted(H(u8(i)) for i in range(17))) + note_text.hash),
}

# ---- a statement's file

log, alice = (ed25519.Ed25519PrivateKey.from_private_bytes(H(n)) for n in (b"paper log", b"paper alice"))
ORIGIN = "ca.example/tocsin/log1"
public = log.public_key().public_bytes(*RAW)
payload = payloads["hold place"][1]
statement = (label("tocsin/stmt/v1") + H(ORIGIN.encode(), b"\n", public) + H(b"paper nonce") + u32(10) +
             u64(1735689600_000000) + u64(1738281600_000000) + u32(len(payload)) + payload)
signature = alice.sign(statement)
signed = (u32(len(statement)) + statement + u8(1) + H(alice.public_key().public_bytes(*RAW)) + u8(1) + u16(64) + signature)


def armour(content, width=76):
    text = base64.b64encode(content).decode()
    return ("-----BEGIN TOCSIN STATEMENT-----\n" + "".join(text[i:i + width] + "\n" for i in range(0, len(text), width)) +
            "-----END TOCSIN STATEMENT-----\n")


def content(*texts, origin=ORIGIN, key=public, head="tocsin/paper/v1", body=signed):
    return (label(head) + name(origin) + key + u32(len(body)) + body + u8(len(texts)) +
            b"".join(t.salt + u16(len(t.text)) + t.text for t in texts))


good = armour(content(query, reason))
lines = good.split("\n")
raw = base64.b64encode(content(query, reason)).decode()
print(json.dumps({
    "payloads": {k: {"type": t, "payload": p.hex()} for k, (t, p) in payloads.items()},
    "refused": {k: {"type": t, "payload": p.hex()} for k, (t, p) in refused.items()},
    "took": [{"index": i, "class": c, "position": p, "leaf": l.hex()} for (i, c, p), l in took],
    "root": ROOT.hex(),
    "file": {"text": good, "origin": ORIGIN, "log": public.hex(), "statement": statement.hex(),
             "texts": [t.text.decode() for t in (query, reason)]},
    "files taken": {
        "without texts": armour(content()),
        "in a mail": "Dear Bob,\nplease sign:\n\n" + good.replace("\n", "\r\n") + "\r\nyours\r\n",
        "without its last newline": good[:-1],
    },
    "files refused": {
        "empty": "",
        "no end": "\n".join(lines[:-2]) + "\n",
        "no beginning": "\n".join(lines[1:]),
        "two": good + good,
        "one inside the other": lines[0] + "\n" + good,
        "a short line before the last": armour(content(query, reason), 40),
        "long lines": armour(content(query, reason), 80),
        "an empty line": good.replace("\n", "\n\n", 2),
        "blanks": good.replace(lines[1], " " + lines[1][:-1]),
        "URL base64": good.replace("+", "-").replace("/", "_", 3) if "/" in raw else "",
        "cut short": armour(content(query, reason)[:-1]),
        "one byte more": armour(content(query, reason) + b"\0"),
        "another label": armour(content(query, head="tocsin/paper/v2")),
        "another log": armour(content(query, origin="ca.example/tocsin/log2")),
        "another log key": armour(content(query, key=alice.public_key().public_bytes(*RAW))),
        "no origin": armour(content(query, origin="")),
        "a text that is not named": armour(content(query, Text("something else"))),
        "an altered text": armour(content(query).replace(b"mallory", b"malLory")),
        "an empty text": armour(content(Text(""))),
        "17 texts": armour(content(*[query] * 17)),
        "no statement": armour(content(query, body=signed[:-1])),
    },
}, indent=1, ensure_ascii=False))

#!/usr/bin/env python3
"""Makes control-chain.json: a genesis, the control chain that follows it, a passkey's statement and an exported proof.

Written from proto/FORMATS.md alone, with python3-cryptography, and sharing nothing with the code it tests. Deterministic but
for the ES256 signatures, whose nonces are random: run it only when a format changes, and say so.

    python3 tests/transcript/make_control_chain.py > tests/transcript/control-chain.json
"""
import base64
import hashlib
import json
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
START = 1735689600_000000
DAY = 86400_000000


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u8(n): return struct.pack(">B", n)
def u16(n): return struct.pack(">H", n)
def u32(n): return struct.pack(">I", n)
def u64(n): return struct.pack(">Q", n)
def block(b): return u32(len(b)) + b
def label(text): return text.encode().ljust(16, b"\0")


class Ed:
    scheme = 1

    def __init__(self, name):
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(H(name.encode()))
        self.public = self.private.public_key().public_bytes(*RAW)

    def sign(self, message):
        return self.private.sign(message)


RP_ID, PAGE = "tocsin.ca.example", "https://tocsin.ca.example"


def client_data(over, **changes):
    text = base64.urlsafe_b64encode(over).rstrip(b"=").decode()
    data = {"type": "webauthn.get", "challenge": text, "origin": PAGE, "crossOrigin": False}
    data.update(changes)
    return json.dumps({k: v for k, v in data.items() if v is not None}, separators=(",", ":")).encode()


def assertion(sign, challenge, flags=0x05, rp_id=RP_ID, client=None):
    authenticator = H(rp_id.encode()) + u8(flags) + u32(7)
    client = client if client is not None else client_data(challenge)
    signature = sign(authenticator + H(client))
    return b"".join(u16(len(part)) + part for part in (authenticator, client, signature))


class PasskeyP256:
    scheme = 2

    def __init__(self, name):
        self.private = ec.derive_private_key(int.from_bytes(H(name.encode()), "big") >> 1, ec.SECP256R1())
        self.public = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)

    def raw(self, message):
        return self.private.sign(message, ec.ECDSA(hashes.SHA256()))

    def sign(self, message, **how):
        return assertion(self.raw, H(message), **how)


class PasskeyEd(Ed):
    scheme = 2

    def raw(self, message):
        return self.private.sign(message)

    def sign(self, message, **how):
        return assertion(self.raw, H(message), **how)


ORIGIN = "ca.example/tocsin/log1"
log, registrar, registrar2 = Ed("control log"), Ed("control registrar"), Ed("control registrar 2")
alice, alice2 = Ed("control alice"), PasskeyP256("control alice passkey")
bob, carol, dora = Ed("control bob"), PasskeyEd("control carol passkey"), Ed("control dora")
witness = Ed("control witness")
ADMIN, MONITOR, BOARD, ARBITRATOR = 1, 2, 3, 4
LOG = H(ORIGIN.encode(), b"\n", log.public)


def key(k): return u8(k.scheme) + u8(len(k.public)) + k.public


def person_id(name): return H(H(b"salt of " + name.encode()), name.encode())


def person(name, role, *keys): return person_id(name) + u8(role) + u8(len(keys)) + b"".join(map(key, keys))


MONTHS, LIFE, FOREVER = 0, 1, 2


def retention(days, terms):
    out = u16(days) + u8(len(terms))
    for number, (low, low_months, high, high_months) in sorted(terms.items()):
        out += u8(number) + u8(low) + u16(low_months) + u8(high) + u16(high_months)
    return out


SHIPPED = {
    0: (MONTHS, 24, LIFE, 12), 1: (MONTHS, 6, MONTHS, 12), 2: (MONTHS, 6, MONTHS, 12), 3: (MONTHS, 6, MONTHS, 12),
    4: (MONTHS, 6, MONTHS, 12), 5: (MONTHS, 24, MONTHS, 36), 6: (LIFE, 0, LIFE, 12), 7: (FOREVER, 0, FOREVER, 0),
    8: (MONTHS, 24, MONTHS, 36), 9: (MONTHS, 24, MONTHS, 36),
}


def witnesses(needed, *list_of):
    out = u8(needed) + u8(len(list_of))
    for name, k in list_of:
        out += u8(len(name)) + name.encode() + k.public
    return out


WITNESSES = witnesses(1, ("board.example/witness1", witness))


def genesis(people):
    return (u8(len(ORIGIN)) + ORIGIN.encode() + log.public + registrar.public + H(RP_ID.encode()) + u8(len(PAGE)) +
            PAGE.encode() + u8(len(people)) + b"".join(people) + retention(7, SHIPPED) + WITNESSES)


def statement(kind, payload, nonce, made=START, expires=START + 30 * DAY, of=LOG):
    return (label("tocsin/stmt/v1") + of + H(nonce.encode()) + u32(kind) + u64(made) + u64(expires) + block(payload))


def signed(text, *keys):
    out = block(text) + u8(len(keys))
    for k in keys:
        signature = k.sign(text)
        out += H(k.public) + u8(k.scheme) + u16(len(signature)) + signature
    return out


def stream_id(name, k): return H(label("tocsin/stream/v1"), name.encode(), b"\n", k.public)


agent = Ed("control agent")


def enrolment(name, k, heartbeat):
    return (u8(len(name)) + name.encode() + k.public + stream_id(name, k) + stream_id(name + "/bulk", k) + u32(0) +
            u64(0) + u64(0) + u32(heartbeat) + H(b"an SPKI"))


class Chain:
    def __init__(self):
        self.entries, self.prev = [], bytes(32)

    def add(self, text, *keys, time=None):
        entry = (label("tocsin/ctrl/v1") + u64(len(self.entries)) +
                 u64(START + len(self.entries) * 1000 if time is None else time) + self.prev + signed(text, *keys))
        self.entries.append(entry)
        self.prev = H(entry)


GENESIS = genesis([person("Alice", ADMIN, alice, alice2), person("Bob", BOARD, bob)])
chain = Chain()
chain.add(statement(1, GENESIS, "genesis"), log, alice, bob)
chain.add(statement(2, b"", "day mark", START, START + DAY), log)
chain.add(statement(3, person("Carol", MONITOR, carol), "enrol carol"), alice2, bob)
chain.add(statement(8, retention(14, {**SHIPPED, 1: (MONTHS, 9, MONTHS, 18)}), "retention"), carol, alice)
chain.add(statement(9, witnesses(0), "witnesses"), bob, carol)
chain.add(statement(25, registrar2.public, "registrar"), alice, bob)
chain.add(statement(5, enrolment("signer1.ca.example", agent, 60), "agent enrol"), registrar2)
chain.add(statement(5, enrolment("signer1.ca.example", agent, 600), "agent enrol again"), registrar2, alice)
chain.add(statement(14, u64(1), "veto"), carol)
chain.add(statement(4, person_id("Bob") + bytes(32), "revoke bob"), alice, carol)
chain.add(statement(3, person("Dora", BOARD, dora), "enrol dora"), alice, carol)

# ---- one statement, signed by passkeys in every wrong way

TEXT = statement(19, H(b"salt", b"a note"), "note")


def wrong(k):
    challenge = H(TEXT)
    return {
        "user not verified": k.sign(TEXT, flags=0x01),
        "user not present": k.sign(TEXT, flags=0x04),
        "other relying party": k.sign(TEXT, rp_id="evil.example"),
        "other statement": k.sign(TEXT + b"x"),
        "other origin": k.sign(TEXT, client=client_data(challenge, origin="https://evil.example")),
        "creation": k.sign(TEXT, client=client_data(challenge, type="webauthn.create")),
        "in a frame": k.sign(TEXT, client=client_data(challenge, crossOrigin=True)),
        "in a frame, by name": k.sign(TEXT, client=client_data(challenge, topOrigin="https://evil.example")),
        "padded challenge": k.sign(TEXT, client=client_data(
            challenge, challenge=base64.urlsafe_b64encode(challenge).decode())),
        "no challenge": k.sign(TEXT, client=client_data(challenge, challenge=None)),
        "challenge twice": k.sign(TEXT, client=client_data(challenge)[:-1] + b',"challenge":"AA"}'),
        "escaped name": k.sign(TEXT, client=client_data(challenge)[:-1] + b',"\\u006frigin":"https://evil.example"}'),
        "something behind": k.sign(TEXT, client=client_data(challenge) + b"{}"),
        "no object": k.sign(TEXT, client=b'"' + base64.b64encode(challenge) + b'"'),
        "cut short": k.sign(TEXT)[:-1],
        "one byte more": k.sign(TEXT) + b"\0",
    }


def right(k):
    challenge = H(TEXT)
    return {
        "plain": k.sign(TEXT),
        "backed up": k.sign(TEXT, flags=0x1d),
        "blanks": k.sign(TEXT, client=client_data(challenge).replace(b",", b" ,\n ")),
        "without crossOrigin": k.sign(TEXT, client=client_data(challenge, crossOrigin=None)),
        "other members": k.sign(TEXT, client=client_data(challenge)[:-1] +
                                b',"tokenBinding":{"status":"supported","x":["]}",1,null]},"other":"\\"}"}'),
    }


def hexes(table): return {name: value.hex() for name, value in table.items()}


# ---- an exported proof: one event in a batch, the batch in a log of five leaves

def leaf(data): return H(b"\0", data)
def node(l, r): return H(b"\1", l, r)


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node(root(leaves[:k]), root(leaves[k:]))


def path(leaves, index):
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if index < k:
        return path(leaves[:k], index) + [root(leaves[k:])]
    return path(leaves[k:], index - k) + [root(leaves[:k])]


STREAM = stream_id("signer1.ca.example", agent)
EVENTS = [(5, b"a request"), (3, b"a login"), (5, b"another request"), (5, b"a third")]
salts = [H(b"salt", u8(i)) for i in range(len(EVENTS))]
leaves = [leaf(salts[i] + u64(10 + i) + u64(START + i) + u8(c) + body) for i, (c, body) in enumerate(EVENTS)]
of_class = {c: [leaves[i] for i in range(len(EVENTS)) if EVENTS[i][0] == c] for c in (3, 5)}
CLASS_LIST = u8(2) + b"".join(u8(c) + u32(len(l)) + root(l) for c, l in sorted(of_class.items()))
cum = [0] * 16
cum[3], cum[5] = 4, 10
ENTRY = (label("tocsin/batch/v1") + STREAM + u32(0) + u32(0) + u64(7) + u64(10) + u32(4) + bytes(4) + u64(START) +
         u64(START + 60_000000) + u64(60_000000) + H(b"boot")[:16] + b"".join(map(u64, cum)) +
         H(label("tocsin/roots/v1"), CLASS_LIST) + H(b"the entry before") + u64(0) + H(b""))
assert len(ENTRY) == 352
ENTRY += agent.sign(ENTRY)
class_path = path(of_class[5], 1)
EXTRA = (label("tocsin/event/v1") + ENTRY + u16(len(CLASS_LIST)) + CLASS_LIST + u32(1) + u8(len(class_path)) +
         b"".join(class_path) + salts[2] + u64(12) + u64(START + 2) + u8(5) + block(EVENTS[2][1]))
log_leaves = [leaf(e) for e in chain.entries[:3]] + [leaf(ENTRY)] + [leaf(chain.entries[3])]


def key_id(name, kind, public): return H(name.encode(), b"\n", u8(kind), public)[:4]


def vkey(name, kind, k):
    return f"{name}+{key_id(name, kind, k.public).hex()}+{base64.b64encode(u8(kind) + k.public).decode()}"


note = f"{ORIGIN}\n5\n{base64.b64encode(root(log_leaves)).decode()}\n"
seconds = 1735689700
checkpoint = note + "\n\u2014 " + ORIGIN + " " + base64.b64encode(
    key_id(ORIGIN, 1, log.public) + log.sign(note.encode())).decode() + "\n"
checkpoint += "\u2014 board.example/witness1 " + base64.b64encode(
    key_id("board.example/witness1", 4, witness.public) + u64(seconds) +
    witness.sign(f"cosignature/v1\ntime {seconds}\n{note}".encode())).decode() + "\n"
PROOF = ("c2sp.org/tlog-proof@v1\nextra " + base64.b64encode(EXTRA).decode() + "\nindex 3\n" +
         "".join(base64.b64encode(h).decode() + "\n" for h in path(log_leaves, 3)) + "\n" + checkpoint)

print(json.dumps({
    "origin": ORIGIN,
    "log": LOG.hex(),
    "genesis_payload": GENESIS.hex(),
    "genesis_leaf": leaf(chain.entries[0]).hex(),
    "entries": [e.hex() for e in chain.entries],
    "head": chain.prev.hex(),
    "passkeys": {
        "statement": TEXT.hex(),
        "rp_id_hash": H(RP_ID.encode()).hex(),
        "origin": PAGE,
        "keys": [
            {"key": k.public.hex(), "right": hexes(right(k)), "wrong": hexes(wrong(k))} for k in (alice2, carol)],
    },
    "log_vkey": vkey(ORIGIN, 1, log),
    "witness_vkey": vkey("board.example/witness1", 4, witness),
    "agent_public_key": agent.public.hex(),
    "proof": PROOF,
    "proof_extra": EXTRA.hex(),
}, indent=1, ensure_ascii=False))

"""An agent in Python, for what a good agent never does: the wire, the log format and keys, from proto/FORMATS.md alone.

    host = Host("evil1")                          # keys of its own
    host.join(site)                               # with a token, as tocsin-agent --join does
    host = Host.of_agent(agent)                   # or the keys of a real agent
    with Connection(site.port, host) as wire:
        wire.greet()
        wire.send(EVENTS, host.streams[0].events([(ACCESS, line("text"))]))
        wire.expect(ACK)

Shares no code with the product: where both agree, FORMATS.md says it well enough.
"""

import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct
import tempfile
import time
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tocsin_site import PATIENCE_S, Failure, check

HELLO, WELCOME, EVENTS, PART, CLOSE, ACK, NACK, CREDIT, CHECKPOINT, PING, CLOSE_NOW = range(1, 12)
JOIN, JOINED, RENEW, RENEWED, ROTATE, ROTATED = range(12, 18)
REFUSALS = ["UNSPECIFIED", "MALFORMED", "VERSION", "UNKNOWN_AGENT", "TOKEN", "SIGNATURE", "SEQUENCE", "FORK", "LIMIT",
            "STREAM", "FULL", "BUSY", "REPLACED", "ROTATION", "LOG"]
JOURNAL, NETWORK, SYSTEM, ACCESS, APPLICATION = range(5)
DATA, HEARTBEAT, BREAK = range(3)
PLAIN, ZSTD = 0, 1


# ---- protobuf, as much as is needed

def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(*fields):
    """(number, int | str | bytes) …; zeros and empties too, since a liar writes what he wants."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def decode(message):
    """{number: [value …]}"""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = number()
        if tag & 7 == 0:
            value = number()
        else:
            check(tag & 7 == 2, f"wire type {tag & 7}")
            size = number()
            value, at = message[at:at + size], at + size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def one(fields, number, default=0):
    return fields.get(number, [default])[-1]


# ---- the log format

def sha256(data):
    return hashlib.sha256(data).digest()


def label(text):
    return text.encode().ljust(16, b"\0")


def tree(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\1" + tree(leaves[:half]) + tree(leaves[half:]))


def salts(class_key, count):
    return Cipher(algorithms.AES(class_key), modes.CTR(bytes(16))).encryptor().update(bytes(32 * count))


def line(text, source="/var/log/auth.log"):
    """The body of an event: one line of a file."""
    return encode((2, source), (3, text))


def state(source, text, fields):
    """The body of an event: what an agent itself says."""
    return encode((1, 2), (2, source), (3, text), *((7, encode((1, name), (2, value))) for name, value in fields))


def rle_bomb(size):
    """A zstd frame of a few bytes that stands for `size` zeros, without saying how many."""
    block = 128 * 1024
    out = b"\x28\xb5\x2f\xfd" + b"\x00" + b"\x38"
    for at in range(0, size, block):
        this = min(block, size - at)
        out += (this << 3 | 1 << 1 | (at + block >= size)).to_bytes(3, "little") + b"\0"
    return out


class Stream:
    """Writes one lane's stream: runs of events, parts, entries."""

    def __init__(self, lane, host, key):
        self.lane, self.key, self.epoch = lane, key, 0
        self.ahead_us = 0  # its clock is
        self.public = key.public_key().public_bytes_raw() if hasattr(key.public_key(), "public_bytes_raw") else \
            key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        name = host + ("/bulk" if lane else "")
        self.id = sha256(label("tocsin/stream/v1") + name.encode() + b"\n" + self.public)
        self.batch_seq = self.first_seq = self.part_number = 0
        self.prev = bytes(32)
        self.last_entry = b""
        self.cum = [0] * 16
        self.boot_id = os.urandom(16)
        self.boot_us = time.time_ns() // 1000 - 1_000_000
        self.closed_us = 0
        self.begin()

    def begin(self):
        self.open_us = self.closed_us or self.now()
        self.events_of = []  # (time, class, body)
        self.keys = {}
        self.part_bytes = b""

    def now(self):
        return time.time_ns() // 1000 + self.ahead_us

    next_seq = property(lambda self: self.first_seq + len(self.events_of))

    def events(self, events, codec=PLAIN, data=None, **changes):
        """An EVENTS message; `changes` lie about fields by their name in wire.proto."""
        first, block, keys = self.next_seq, b"", []
        for class_number, body in events:
            now = self.now()
            if class_number not in self.keys:
                self.keys[class_number] = os.urandom(32)
                keys.append((5, encode((1, class_number), (2, self.keys[class_number]))))
            self.events_of.append((now, class_number, body))
            block += struct.pack(">QBI", now, class_number, len(body)) + body
        times = [event[0] for event in self.events_of[-len(events):]] or [0]
        fields = {"lane": self.lane, "batch_seq": self.batch_seq, "first_event_seq": first, "count": len(events),
                  "codec": codec, "text_size": len(block), "data": block if data is None else data,
                  "first_time_us": times[0], "last_time_us": times[-1]} | changes
        numbers = {"lane": 1, "batch_seq": 2, "first_event_seq": 3, "count": 4, "codec": 6, "text_size": 7, "data": 8,
                   "first_time_us": 9, "last_time_us": 10}
        return encode(*((numbers[name], value) for name, value in fields.items()), *keys)

    def class_list(self):
        out, seen = b"", {}
        for index, (when, number, body) in enumerate(self.events_of):
            seen.setdefault(number, []).append((self.first_seq + index, when, body))
        for number in sorted(seen):
            salt = salts(self.keys[number], len(seen[number]))
            leaves = [sha256(b"\0" + salt[32 * i:32 * i + 32] + struct.pack(">QQB", seq, when, number) + body)
                      for i, (seq, when, body) in enumerate(seen[number])]
            out += struct.pack(">BI", number, len(leaves)) + tree(leaves)
        return bytes([len(seen)]) + out, {number: len(found) for number, found in seen.items()}

    def part(self, sign=None):
        listed, _ = self.class_list()
        head = (label("tocsin/part/v1") + self.id + struct.pack(">IIQQIIQQ", self.epoch, self.part_number, self.batch_seq,
                self.first_seq, len(self.events_of), 0, self.open_us, self.now())
                + sha256(label("tocsin/roots/v1") + listed) + self.prev)
        self.part_number += 1
        self.part_bytes = head + (sign or self.key.sign)(head)
        return encode((1, self.lane), (2, self.part_bytes))

    def close(self, kind=None, sign=None, seen=None):
        """`seen`: (key id, size, root) of the newest checkpoint that was verified."""
        key_id, seen_size, seen_root = seen or (bytes(4), 0, sha256(b""))
        listed, counts = self.class_list()
        kind = kind if kind is not None else BREAK if self.batch_seq == 0 else DATA if self.events_of else HEARTBEAT
        for number, count in counts.items():
            self.cum[number] += count
        now = self.now()
        head = (label("tocsin/batch/v1") + self.id + struct.pack(">IIQQII", self.epoch, kind, self.batch_seq, self.first_seq,
                len(self.events_of), int.from_bytes(key_id, "big")) + struct.pack(">QQQ", self.open_us, now, now - self.boot_us) + self.boot_id
                + struct.pack(">16Q", *self.cum) + sha256(label("tocsin/roots/v1") + listed) + self.prev
                + struct.pack(">Q", seen_size) + seen_root)
        check(len(head) == 352, f"an entry of {len(head)} bytes")
        self.last_entry = head + (sign or self.key.sign)(head)
        self.prev = sha256(self.last_entry)
        self.first_seq = self.next_seq
        self.batch_seq += 1
        self.part_number = 0
        self.closed_us = now
        self.begin()
        return encode((1, self.lane), (2, self.last_entry), (3, listed))

    def hello(self, **changes):
        fields = {"stream_id": self.id, "epoch": self.epoch, "batch_seq": self.batch_seq, "next_event_seq": self.next_seq,
                  "last_entry_hash": self.prev if self.last_entry else b"", "newest_part": self.part_bytes} | changes
        numbers = {"stream_id": 2, "epoch": 3, "batch_seq": 4, "next_event_seq": 5, "last_entry_hash": 6, "newest_part": 7}
        return encode((1, self.lane), *((numbers[name], value) for name, value in fields.items()))


# ---- the log's own part: notes, paths

def included(leaf, index, size, path):
    """The root that a path leads to (RFC 9162, 2.1.3.2); None where it has the wrong length."""
    node, last, at = leaf, size - 1, index
    for other in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            node = sha256(b"\1" + other + node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + other)
        at, last = at >> 1, last >> 1
    return node if last == 0 else None


def note_parts(note):
    """(origin, size, root, [(name, key id, signature)])"""
    text, signatures = note.decode().split("\n\n", 1)
    origin, size, root = text.split("\n")
    lines = [line.split(" ") for line in signatures.splitlines()]
    decoded = [(name, base64.b64decode(data)) for _, name, data in lines]
    return origin, int(size), base64.b64decode(root), [(name, data[:4], data[4:]) for name, data in decoded]


def note_make(origin, size, root, sign, key_id):
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return f"{text}\n\u2014 {origin} {base64.b64encode(key_id + sign(text.encode())).decode()}\n".encode()


def note_key_id(name, public, kind=1):
    return sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


# ---- keys, and the connection

def make_certificate(folder, name="peer", key=None, days=(-1, 30)):
    """A P-256 key and a certificate that it signed itself, as files; valid from and until so many days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now + timedelta(days=days[0]))
                   .not_valid_after(now + timedelta(days=days[1]))
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
                   .sign(key, hashes.SHA256()))
    os.makedirs(folder, exist_ok=True)
    paths = os.path.join(folder, "tls.key"), os.path.join(folder, "tls.crt")
    with open(paths[0], "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()))
    os.chmod(paths[0], 0o600)
    with open(paths[1], "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    return paths


def load_key(path):
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


def certificate_days(path):
    """How many days a certificate is still valid."""
    with open(path, "rb") as file:
        end = x509.load_pem_x509_certificate(file.read()).not_valid_after
    return (end.replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)).days


def spki_hash(key_path):
    key = load_key(key_path)
    return sha256(key.public_key().public_bytes(serialization.Encoding.DER,
                                                serialization.PublicFormat.SubjectPublicKeyInfo))


class Host:
    """A name, a signing key, a TLS key and both streams."""

    def __init__(self, name, key=None, tls=None):
        self.name = name
        self.key = key or Ed25519PrivateKey.generate()
        self.tls = tls or make_certificate(tempfile.mkdtemp(prefix="host-", dir=os.environ.get("TOCSIN_SCRATCH")), name)
        self.streams = [Stream(lane, name, self.key) for lane in (0, 1)]

    @staticmethod
    def of_agent(agent):
        """The keys of a real agent; its streams begin anew, as a clone's would."""
        folder = os.path.join(agent.data, "agent")
        with open(os.path.join(folder, "sign.key"), encoding="ascii") as file:
            key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read().strip()))
        return Host(agent.name, key, (os.path.join(folder, "tls.key"), os.path.join(folder, "tls.crt")))

    def hello(self, version=1, streams=None, note=b""):
        streams = streams if streams is not None else [stream.hello() for stream in self.streams]
        return encode((1, version), (2, "tests"), *((3, stream) for stream in streams), (4, self.streams[0].boot_id),
                      *([(5, note)] if note else []))

    def join(self, site, token=None):
        """Enrols; gives the JOINED."""
        with Connection(site.port, self) as wire:
            wire.send(JOIN, self.join_message(wire, token or site.token(self.name)))
            return wire.expect(JOINED)

    def join_message(self, wire, token, version=1, public=None, sign=None, host=None):
        secret = base64.b64decode(token)[:16]
        public = public or self.streams[0].public
        proof = (sign or self.key.sign)(label("tocsin/join/v1") + wire.exporter("EXPORTER-tocsin-join") + public)
        return encode((1, version), (2, secret), (3, public), (4, proof), (5, self.name if host is None else host))


class Connection:
    """TLS 1.3 with the host's certificate; frames. The server's key is not looked at."""

    def __init__(self, port, host=None, certificate=None, timeout=PATIENCE_S):
        self.host = host
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        certificate = certificate or (host.tls if host else None)
        if certificate:
            context.load_cert_chain(certificate[1], certificate[0])
        with tempfile.NamedTemporaryFile() as secrets:
            context.keylog_filename = secrets.name
            raw = socket.create_connection(("127.0.0.1", port), timeout)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = context.wrap_socket(raw)
            secrets.seek(0)
            found = re.search(rb"^EXPORTER_SECRET \w+ (\w+)$", secrets.read(), re.MULTILINE)
        self.exporter_secret = bytes.fromhex(found[1].decode()) if found else b""
        self.kept = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def exporter(self, name):
        """RFC 8446, 7.5, without a context."""
        digest = {32: "sha256", 48: "sha384"}[len(self.exporter_secret)]

        def expand_label(secret, text, context, size):
            info = struct.pack(">H", size) + bytes([6 + len(text)]) + b"tls13 " + text + bytes([len(context)]) + context
            return hmac.new(secret, info + b"\1", digest).digest()[:size]

        empty = hashlib.new(digest, b"").digest()
        derived = expand_label(self.exporter_secret, name.encode(), empty, len(empty))
        return expand_label(derived, b"exporter", empty, 32)

    # ---- frames

    @staticmethod
    def frame(kind, message=b"", size=None):
        return struct.pack(">IB", len(message) + 1 if size is None else size, kind) + message

    def send(self, kind, message=b"", size=None):
        self.send_raw(self.frame(kind, message, size))

    def send_raw(self, data):
        self.socket.sendall(data)

    def receive(self, timeout=PATIENCE_S):
        """(type, fields); None when the other side has ended the connection."""
        self.socket.settimeout(timeout)
        try:
            while len(self.kept) < 5 or len(self.kept) < 4 + int.from_bytes(self.kept[:4], "big"):
                more = self.socket.recv(65536)
                if not more:
                    return None
                self.kept += more
        except (ConnectionError, ssl.SSLError):
            return None
        except TimeoutError:
            raise Failure(f"nothing came within {timeout} s") from None
        size, kind = struct.unpack_from(">IB", self.kept)
        message, self.kept = self.kept[5:4 + size], self.kept[4 + size:]
        return kind, decode(message)

    def expect(self, kind):
        """The next frame of this type; others but a NACK are passed over."""
        while True:
            got = self.receive()
            check(got is not None, f"the connection ended where frame {kind} was expected")
            if got[0] == kind:
                return got[1]
            check(got[0] != NACK, got[0] == NACK and f"refused: {self.refusal(got[1])}")

    @staticmethod
    def refusal(fields):
        return f"{REFUSALS[one(fields, 1)]}: {one(fields, 3, b'').decode()}"

    def expect_refusal(self, code):
        """A NACK with this code, after which the connection ends. Gives its sentence."""
        while True:
            got = self.receive()
            check(got is not None, f"the connection ended without a NACK {code}")
            if got[0] == NACK:
                break
        text = self.refusal(got[1])
        check(text.startswith(code + ": "), f"NACK {code} was expected, not {text}")
        check(self.receive() is None, "the connection goes on after a NACK")
        return text

    def expect_end(self):
        """The connection ends; what comes before does not matter."""
        while self.receive() is not None:
            pass

    def greet(self, note=b""):
        """HELLO and WELCOME; gives {lane: fields of StreamWelcome}."""
        self.send(HELLO, self.host.hello(note=note))
        welcome = self.expect(WELCOME)
        return {one(stream, 1): stream for stream in map(decode, welcome[3])}

    def expect_marks(self, lane, **marks):
        """Waits for the acknowledgement that has these marks: stored, attested, closed."""
        numbers = {"stored": 2, "attested": 3, "closed": 4}
        while True:
            ack = self.expect(ACK)
            for stream in map(decode, ack[1]):
                if one(stream, 1) == lane and all(one(stream, numbers[name]) >= mark for name, mark in marks.items()):
                    for name, mark in marks.items():
                        check(one(stream, numbers[name]) == mark, f"{name} is {one(stream, numbers[name])}, not {mark}")
                    return

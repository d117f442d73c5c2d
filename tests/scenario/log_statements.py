#!/usr/bin/python3
"""What people and the collector state in the log: submitted with a signature, answered with a proof; agents that contradict
themselves, batches that nobody closed."""

import base64
import json
import os
import socket
import struct
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tocsin_office import Office
from tocsin_site import Failure, Site, check, run, scenario, wait_until
from tocsin_wire import ACCESS, CLOSE, EVENTS, PART, Connection, Host, decode, encode, label, line, one, sha256

REQUEST, STORE_ROW, TEXT, END, REFUSED = 32, 34, 35, 36, 37
SUBMIT, CLOSE_QUERY, CONTROL = 6, 7, 9
ENTRY_FAMILY, CONTROL_FAMILY, TILE_FAMILY, CHECKPOINT_FAMILY = 0, 2, 3, 4
GENESIS, DAY_MARK, AGENT_ENROL, ORPHAN, NOTE, FORK, MARK = 1, 2, 5, 17, 19, 21, 23
NEVER = 2**64 - 1


# ---- the query socket

def ask(site, field, message):
    """[(frame type, fields)] up to END; raises what was refused."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(60)
        wire.connect(os.path.join(site.data, "collector", "query.sock"))
        request = encode((field, message))
        wire.sendall(struct.pack(">IB", len(request) + 1, REQUEST) + request)
        kept, frames = b"", []
        while True:
            while len(kept) >= 4 and len(kept) >= 4 + struct.unpack(">I", kept[:4])[0]:
                size = struct.unpack(">I", kept[:4])[0]
                kind, fields, kept = kept[4], decode(kept[5:4 + size]), kept[4 + size:]
                if kind == REFUSED:
                    raise Failure(one(fields, 1, b"").decode())
                frames.append((kind, fields))
                if kind == END:
                    return frames
            got = wire.recv(65536)
            check(got, "the collector ended the connection")
            kept += got


def refused(site, field, message):
    try:
        ask(site, field, message)
    except Failure as why:
        return str(why)
    raise Failure("it was taken")


def rows(frames, family):
    return [(one(f, 2, b""), one(f, 3, b"")) for kind, f in frames if kind == STORE_ROW and one(f, 1) == family]


def control(site):
    """[(log index, type, payload)] of all control entries."""
    out = []
    for key, entry in rows(ask(site, CONTROL, b""), ENTRY_FAMILY):
        check(entry.startswith(b"tocsin/ctrl/v1"), f"{entry[:16]} is no control entry")
        number, = struct.unpack(">I", entry[148:152])
        size, = struct.unpack(">I", entry[168:172])
        out.append((struct.unpack(">Q", key)[0], number, entry[172:172 + size]))
    return out


# ---- statements

class Person:
    """Signs with the key that `tocsin init` made."""

    def __init__(self, site):
        folder = os.path.join(site.data, "people")
        name = os.listdir(folder)[0]
        with open(os.path.join(folder, name), encoding="ascii") as file:
            self.key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read().strip()))
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        with open(os.path.join(site.data, "collector", "log.key"), encoding="ascii") as file:
            log = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read().strip())).public_key()
        self.log_key = log.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.log = sha256(b"test.example/tocsin\n" + self.log_key)

    def sign(self, number, payload, lasts=None, log=None):
        now = time.time_ns() // 1000
        expires = NEVER if lasts is None else now + lasts
        statement = (label("tocsin/stmt/v1") + (log or self.log) + os.urandom(32)
                     + struct.pack(">IQQI", number, now, expires, len(payload)) + payload)
        return (struct.pack(">I", len(statement)) + statement + b"\1" + sha256(self.public) + b"\1" + struct.pack(">H", 64)
                + self.key.sign(statement))


def note(text, salt):
    """A note by hand (FORMATS.md, Decisions and notes): kind, nobody else, the text's salted hash."""
    return bytes([0, 0]) + sha256(salt + text.encode())


def root_of(leaf, index, size, path):
    """RFC 9162, 2.1.3.2."""
    node, last, at = leaf, size - 1, index
    for other in path:
        check(last, "the path is too long")
        if at % 2 or at == last:
            node = sha256(b"\1" + other + node)
            while not at % 2 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + other)
        at, last = at >> 1, last >> 1
    check(last == 0, "the path is too short")
    return node


def proven(site, frames):
    """The answer to a submit, checked with nothing of the product: its entry and the size that covers it."""
    (_, index), = rows(frames, CONTROL_FAMILY)
    (_, entry), = rows(frames, ENTRY_FAMILY)
    (_, path), = rows(frames, TILE_FAMILY)
    (_, checkpoint), = rows(frames, CHECKPOINT_FAMILY)
    text, _ = checkpoint.decode().split("\n\n")
    origin, size, root = text.split("\n")
    check(origin == "test.example/tocsin", f"a checkpoint of {origin}")
    path = [path[at:at + 32] for at in range(0, len(path), 32)]
    found = root_of(sha256(b"\0" + entry), struct.unpack(">Q", index)[0], int(size), path)
    check(found == base64.b64decode(root), "the inclusion proof does not lead to the checkpoint's root")
    signature = base64.b64decode(checkpoint.decode().split(" ")[-1])
    Person(site).key.public_key()  # the key's form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    Ed25519PublicKey.from_public_bytes(Person(site).log_key).verify(signature[4:], text.encode() + b"\n")
    return entry, int(size)


@scenario("a statement is submitted, placed and proved under a checkpoint; what the log must not take is refused")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        person = Person(site)
        salt = os.urandom(32)
        signed = person.sign(NOTE, note("the auditor was here", salt))
        frames = ask(site, SUBMIT, encode((1, signed), (2, salt + b"the auditor was here")))
        entry, _ = proven(site, frames)
        check(entry.endswith(signed), "the entry is not the statement that was submitted")
        said = json.loads(next(one(fields, 1) for kind, fields in frames if kind == TEXT))
        check(said["single_control"] is False and said["people"] == 1, f"the collector says {said}")
        wait_until(lambda: site.count("auditor") == 1, "the text as an event")
        check("logged before" in refused(site, SUBMIT, encode((1, signed))), "a replay")
        check("expired" in refused(site, SUBMIT, encode((1, person.sign(NOTE, note("x", salt), lasts=0)))), "an old one")
        for what, message in [("another log", person.sign(NOTE, note("x", salt), log=bytes(32))),
                              ("a type for the log key", person.sign(MARK, b"")),
                              ("a veto by an administrator", person.sign(14, bytes(40))),
                              ("a type that is none", person.sign(77, b"")),
                              ("a second genesis", person.sign(GENESIS, b"x")),
                              ("nonsense", b"\0" * 300),
                              ("a flipped bit", signed[:30] + bytes([signed[30] ^ 1]) + signed[31:]),
                              ("nothing", b"")]:
            why = refused(site, SUBMIT, encode((1, message)))
            check(len(why) > 10, f"{what}: refused with {why!r}")
        kinds = [number for _, number, _ in control(site)]
        check(kinds == [GENESIS, DAY_MARK, AGENT_ENROL, NOTE], f"the control chain has {kinds}")
        site.collector.kill()
        site.check_verified()
        site.start_collector()
        check("logged before" in refused(site, SUBMIT, encode((1, signed))), "a replay after a restart")
        site.check_verified()


@scenario("batches are closed and marked on demand, under a checkpoint that is waited for")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write([f"line {n}" for n in range(20)])
        site.wait_for_lines(log.written)
        before = site.status()["log"]["size"]
        ids = [key for key, _ in rows(ask(site, 5, encode((1, 6))), 6)]  # stream rows
        check(len(ids) == 3, f"{len(ids)} streams")
        begun = time.monotonic()
        frames = ask(site, CLOSE_QUERY, encode(*((1, key) for key in ids), (2, 1)))
        check(time.monotonic() - begun < 9, "it waited for what was there")
        said = json.loads(next(one(fields, 1) for kind, fields in frames if kind == TEXT))
        check(said["open"] == [], f"still open: {said}")
        size = one(frames[-1][1], 1)
        check(size >= before + 4, f"three batches and a mark, from {before} to {size}")
        (key, _), = rows(frames, CHECKPOINT_FAMILY)
        check(struct.unpack(">Q", key)[0] >= size, "a checkpoint that does not cover the mark")
        check(control(site)[-1][1] == MARK, "no mark")
        check("32 bytes" in refused(site, CLOSE_QUERY, encode((1, b"short"))), "a short stream id")
        site.check_verified()


@scenario("both messages of a fork stand in the log, and so does what a host left open when it joins anew")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        host = Host("twofaced")
        host.join(site)
        stream = host.streams[0]
        with Connection(site.port, host) as wire:
            wire.greet()
            wire.send(CLOSE, stream.close())
            wire.expect_marks(0, closed=1)
            saved = stream.__dict__.copy()
            wire.send(EVENTS, stream.events([(ACCESS, line("one story"))]))
            wire.send(CLOSE, stream.close())
            first = stream.last_entry
            wire.expect_marks(0, closed=2)
            stream.__dict__.update(saved)
            stream.begin()
            wire.send(EVENTS, stream.events([(ACCESS, line("another story"))]))
            stream.events_of = stream.events_of[-1:]
            wire.send(CLOSE, stream.close())
            second = stream.last_entry
            wire.expect_refusal("FORK")
        wait_until(lambda: site.agent_status("twofaced")["state"] == "forked", "the fork")
        found = [payload for _, number, payload in control(site) if number == FORK]
        expected = struct.pack(">H", 416) + first + struct.pack(">H", 416) + second
        check(found == [expected], f"{len(found)} forks are stated, or another one")
        # A host whose newest part is all that is left.
        left = Host("left")
        left.join(site)
        stream = left.streams[0]
        with Connection(site.port, left) as wire:
            wire.greet()
            wire.send(CLOSE, stream.close())
            wire.send(EVENTS, stream.events([(ACCESS, line(f"open {n}")) for n in range(3)]))
            wire.send(PART, stream.part())
            wire.expect_marks(0, stored=3, attested=3)
            listed, _ = stream.class_list()
            part = stream.part_bytes
            wire.send(EVENTS, stream.events([(ACCESS, line("not under the part"))]))
            wire.expect_marks(0, stored=4)
        Host("left").join(site)
        entries = control(site)
        orphans = [(index, payload) for index, number, payload in entries if number == ORPHAN]
        check([payload for _, payload in orphans] == [part + listed], f"{len(orphans)} orphans, or another one")
        enrolled = [index for index, number, payload in entries if number == AGENT_ENROL and payload.startswith(b"\4left")]
        check(enrolled[0] < orphans[0][0] < enrolled[1], f"orphan at {orphans[0][0]}, enrolments at {enrolled}")
        site.check_verified()


@scenario("what an agent signs after its key was revoked is taken in, and counts as UNATTESTED everywhere")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        host = Host("signer1")
        host.join(site)
        stream = host.streams[0]
        with Connection(site.port, host) as wire:
            wire.greet()
            wire.send(EVENTS, stream.events([(ACCESS, line("before"))]))
            wire.send(CLOSE, stream.close())
            wire.expect_marks(0, closed=1)
            check(site.verify()[1]["unattested"] == 0, "unattested without a revocation")
            signed = site.verify()[1]["signed"]
            office, paper = Office(site), os.path.join(folder, "revoke.txt")
            site.tocsin("revoke", "signer2", "-o", paper, expect=(2,))
            site.tocsin("revoke", "signer1", "-o", paper)
            office.sign(paper, office.admin)
            index = site._objects("submit", paper)[0]["log_index"]
            site.tocsin("revoke", "signer1", "-o", paper + "2", expect=(2,))
            check("no host of the name signer1 has a key" in site.errors, f"a second revocation: {site.errors}")
            wire.send(EVENTS, stream.events([(ACCESS, line(f"after {n}")) for n in range(3)]))
            wire.send(CLOSE, stream.close())
            wire.expect_marks(0, closed=2)
        for _ in ("while it runs", "at rest"):
            summary = site.check_verified()
            check(summary["unattested"] == 3 and summary["signed"] >= signed, f"{summary}")
            notices = [item for item in site._objects("verify") if item.get("verdict") == "UNATTESTED"]
            check(len(notices) == 1 and notices[0]["place"] == "signer1", f"{notices}")
            check(f"behind log entry {index}" in notices[0]["reason"] and "1 batch with 3 events" in notices[0]["reason"], f"{notices}")
            check("NOTE  signer1: UNATTESTED" in site.tocsin("verify"), "no word of it in the text")
            excerpt = os.path.join(folder, "case.excerpt")
            site.tocsin("excerpt", "before or after", "--class", "access", "-o", excerpt)
            said = {event["event"]["original"]: event["restrictions"] for event in site._objects("verify", excerpt)[:-1]}
            check("UNATTESTED" in said["after 1"] and "UNATTESTED" not in said["before"], f"{said}")
            site.collector.stop()


@scenario("what a person decides about an alert stands in the log, and the alert says who, when and why")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write([f"Nov 21 20:08:29 ca1 sshd[4901]: Accepted password for root from 203.0.113.7 port {port} ssh2" for port in (1, 2)])
        def raised():
            return next((alert for alert in site.alerts("root logged in")), None)
        alert = wait_until(raised, "an alert", every=0.3)
        check(alert["status"] == "open" and "decisions" not in alert, f"{alert}")
        short = alert["id"][:8]
        check(f"#{short}" in site.tocsin("alerts"), "its id is not shown")
        site.tocsin("alert", "ack", short, expect=(2,))
        site.tocsin("alert", "ack", "feedfeed", "--reason", "x", expect=(2,))
        check("`tocsin alerts` shows" in site.errors, site.errors)
        site.tocsin("alert", "reclassify", short, "--reason", "x", expect=(2,))
        site.tocsin("alert", "reclassify", short, "--as", "9z", "--reason", "x", expect=(2,))
        site.tocsin("alert", "nod", short, "--reason", "x", expect=(2,))
        said = site.tocsin("alert", "ack", short, "--reason", "somebody looks at it")
        check(said.startswith("Acknowledged: ") and "UNWITNESSED" in said, said)
        check(raised()["status"] == "acknowledged", f"{raised()}")
        site.tocsin("alert", "reclassify", short, "--as", "2b", "--reason", "a scanner")
        check(raised()["severity"] == "2b" and raised()["severity_name"] == "directed probe", f"{raised()}")
        site.tocsin("alert", "resolve", alert["id"], "--reason", "the address is blocked now")
        person = os.listdir(os.path.join(site.data, "people"))[0].removesuffix(".key")
        # A key that is nobody's, and none at all.
        stranger = os.path.join(folder, "stranger.key")
        with open(stranger, "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex() + "\n")
        os.chmod(stranger, 0o600)
        site.tocsin("alert", "ack", short, "--reason", "x", "--key", stranger, expect=(2, 3))
        os.rename(os.path.join(site.data, "people"), os.path.join(folder, "people"))
        site.tocsin("alert", "ack", short, "--reason", "x", expect=(2,))
        check("--key" in site.errors, site.errors)
        os.rename(os.path.join(folder, "people"), os.path.join(site.data, "people"))
        # Straight to the socket: a decision about what is not there.
        about = b"0" * 32
        forged = Person(site).sign(18, b"\1" + bytes([len(about)]) + about + b"\0" + bytes(8) + bytes(32))
        check("there is no alert" in refused(site, SUBMIT, encode((1, forged))), "a decision about nothing")

        def check_decided():
            found = raised()
            check(found["status"] == "resolved" and found["severity"] == "2b", f"{found}")
            told = [(one["status"], one.get("severity"), one["user"]["name"], one["reason"]) for one in found["decisions"]]
            check(told == [("acknowledged", None, person, "somebody looks at it"), ("reclassified", "2b", person, "a scanner"),
                           ("resolved", None, person, "the address is blocked now")], f"{told}")
            times = [one["@timestamp"] for one in found["decisions"]]
            check(times == sorted(times), f"{times}")
        check_decided()
        shown = site.tocsin("alerts").splitlines()
        at = next(number for number, text in enumerate(shown) if f"#{short}" in text)
        check(f"resolved by {person}: the address is blocked now" in shown[at + 3], f"{shown[at:at + 4]}")
        entries = [payload for _, number, payload in control(site) if number == 18]
        check(len(entries) == 3 and not any(b"scanner" in payload for payload in entries), "a reason stands in the log itself")
        site.collector.kill()
        site.start_collector()
        check_decided()
        site.check_verified()


run()

#!/usr/bin/python3
"""Every agent is a witness of the log: batches stay until a checkpoint proves them, and a log that contradicts what was
signed is found out, by an agent or by the collector, and says what to do.

tocsin-test: timeout=600
"""

import os
import re
import shutil
import socket
import ssl
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tocsin_site import BIN, Daemon, Site, check, free_port, run, scenario, wait_until
from tocsin_wire import (ACCESS, CHECKPOINT, CLOSE, EVENTS, HELLO, NACK, PING, WELCOME, Connection, Host, REFUSALS,
                         decode, encode, included, line, note_key_id, note_make, note_parts, one, sha256)
from tocsin_witness import settings, witnesses

ORIGIN = "test.example/tocsin"
CLOSE_SOON = "batch: {close_after: 1s}\n"
CHECKPOINT_SOON = "checkpoint: {every: 1s}\n"
CONTRADICTS = r"THE LOG CONTRADICTS ITSELF: .*(older copy|another tree).*Stop this collector"
REFUSED = r"the collector refuses: .*(older copy|another tree)"
ALERT = "The log was rolled back or forked"


def store_of(site):
    return os.path.join(site.data, "collector")


def copy(source, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))


def segments(agent):
    folder = os.path.join(agent.data, "agent", "spool")
    return sorted(name for name in os.listdir(folder) if name.endswith(".spool"))


def seen_size(agent):
    """Of the newest checkpoint that stands in the agent's spool; 0 for none."""
    folder = os.path.join(agent.data, "agent", "spool")
    sizes = [0]
    for name in segments(agent):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                sizes += [int(size) for size in re.findall(ORIGIN.encode() + rb"\n(\d+)\n", file.read())]
        except FileNotFoundError:
            pass  # released
    return max(sizes)


def settled(site, agent):
    """The agent has verified a checkpoint of everything that is in the log; gives its size."""
    def done():
        size = site.status()["log"]["size"]
        return seen_size(agent) >= size - 2 and seen_size(agent)
    return wait_until(done, lambda: f"{agent.name} has seen the log, of {site.status()['log']}", every=0.2)


def grow(site, agent, log, times=2):
    """Each line is a batch of its own; gives the size that the agent has seen at last."""
    for _ in range(times):
        before = seen_size(agent)
        log.write([f"line {len(log.written)} of {agent.name}"])
        site.wait_for_lines(log.written, host=agent.name)
        wait_until(lambda before=before: seen_size(agent) > before, "a newer checkpoint is verified", every=0.1)
    return seen_size(agent)


def new_agent(site, name):
    agent = site.new_agent(name)
    agent.more = CLOSE_SOON
    return agent, agent.log("auth.log")


# ---- the spool

@scenario("a batch leaves the spool only once a verified checkpoint holds it")
def _(folder):
    with Site(folder) as site:
        witness, = witnesses(site, "w1.example")
        witness.stop()
        site.write_settings(settings(1, witness))
        site.start_collector()
        agent, log = new_agent(site, "signer1")
        for turn in range(3):  # every start begins a segment
            agent.start()
            log.write([f"line {turn}"])
            site.wait_for_lines(log.written, host="signer1")
            site.wait_for_signed("signer1")
            agent.stop()
        agent.start()
        closed = lambda: min(lane["closed"] for lane in site.agent_status("signer1")["lanes"])
        wait_until(lambda: closed() >= 4, "all of it is closed and acknowledged")
        check(len(segments(agent)) >= 4 and seen_size(agent) == 0, f"released without a checkpoint: {segments(agent)}")
        witness.start()
        wait_until(lambda: seen_size(agent) > 0, "a checkpoint is published and verified")
        wait_until(lambda: len(segments(agent)) == 1, lambda: f"what it holds leaves the spool: {segments(agent)}")
        # What was verified survives the agent.
        agent.kill()
        before = seen_size(agent)
        agent.start()
        log.write(["and on"])
        site.wait_for_lines(log.written, host="signer1")
        wait_until(lambda: seen_size(agent) > before, "it goes on from there")
        site.check_verified()


# ---- the collector is another one than it was

@scenario("a collector brought back from an older copy refuses, says what to do, and goes on with the newest one")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        agent, log = new_agent(site, "signer1")
        agent.start()
        grow(site, agent, log)
        site.collector.stop()
        older, newest = os.path.join(folder, "older"), os.path.join(folder, "newest")
        copy(store_of(site), older)
        site.start_collector()
        size = grow(site, agent, log, 3)
        site.collector.stop()
        copy(store_of(site), newest)
        copy(older, store_of(site))
        log.write(["while it was away"])
        for _ in range(2):  # a restart is no pardon
            site.start_collector()
            site.collector.wait_for_log(CONTRADICTS)
            agent.daemon.wait_for_log(REFUSED)
            wait_until(lambda: site.alerts(ALERT), "it is an alert")
            check(site.alerts(ALERT)[0]["priority"] == "page", "nobody is paged")
            states = site.states("log_conflict")
            check(len(states) == 1 and ORIGIN in states[0]["log"]["evidence"], f"told more than once, or without it: {states}")
            check(site.count("\"while it was away\"") == 0, "something is taken all the same")
            site.collector.stop()
        check(seen_size(agent) >= size, "the agent has forgotten what it saw")
        copy(newest, store_of(site))
        site.start_collector()
        agent.stop()
        agent.start()  # not to wait until it tries again by itself
        grow(site, agent, log, 1)
        check(not site.states("log_conflict"), "the right store knows of a conflict")
        site.check_verified()


@scenario("what a copy of the store lacks and no checkpoint held comes again from the spools, once")
def _(folder):
    with Site(folder) as site:
        witness, = witnesses(site, "w1.example")
        witness.stop()
        site.write_settings(settings(1, witness))
        site.start_collector()
        agent, log = new_agent(site, "signer1")
        agent.start()
        log.write(["before the copy"])
        site.wait_for_lines(log.written, host="signer1")
        site.wait_for_signed("signer1")
        site.collector.stop()
        copy(store_of(site), os.path.join(folder, "older"))
        site.start_collector()
        for n in range(4):
            log.write([f"acknowledged and then lost {n}"])
            site.wait_for_lines(log.written, host="signer1")
            site.wait_for_signed("signer1")
            if n == 1:  # over several segments of the spool
                agent.stop()
                agent.start()
        site.collector.stop()
        copy(os.path.join(folder, "older"), store_of(site))
        witness.start()
        site.start_collector()
        site.wait_for_lines(log.written, host="signer1")
        log.write(["and on"])
        site.wait_for_lines(log.written, host="signer1")
        wait_until(lambda: seen_size(agent) > 0, "a checkpoint holds it")
        check(not site.states("log_conflict"), "a conflict, though nothing that was signed is missing")
        site.check_verified()


@scenario("a host that joined after the copy was made finds it, too")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        site.collector.stop()
        copy(store_of(site), os.path.join(folder, "older"))
        site.start_collector()
        agent, log = new_agent(site, "signer1")
        agent.start()
        grow(site, agent, log)
        site.collector.stop()
        copy(os.path.join(folder, "older"), store_of(site))
        site.start_collector()
        site.collector.wait_for_log(CONTRADICTS)
        agent.daemon.wait_for_log(REFUSED)
        wait_until(lambda: site.alerts(ALERT), "it is an alert")
        time.sleep(20)  # longer than silence.after
        check(not site.states("agent_silent"), "who is refused is said to be silent")
        check(re.search("older copy|another tree", site.status()["next"]), f"the status says {site.status()}")


@scenario("two collectors with one key: whoever sees both finds it, and the second takes nothing")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        agent, log = new_agent(site, "signer1")
        other, other_log = new_agent(site, "signer2")
        agent.start()
        grow(site, agent, log)
        site.collector.stop()
        twin_folder = os.path.join(folder, "twin")
        copy(site.folder, twin_folder)
        site.start_collector()
        grow(site, agent, log, 2)
        port = free_port()
        with open(os.path.join(twin_folder, "collector.yaml"), "w", encoding="utf-8") as file:
            file.write(f"listen: 127.0.0.1:{port}\n{CHECKPOINT_SOON}")
        twin = Daemon("twin", [os.path.join(BIN, "tocsin-collector"), "--site", twin_folder],
                      os.path.join(folder, "twin.log"))
        twin.start()
        try:
            twin.wait_for_log(r"is ready on")
            other.port = port  # this one has never seen the first: the twin is good enough for it
            other.start()
            other_log.write(["to the twin"])
            wait_until(lambda: seen_size(other) > 0, "the twin's checkpoint is verified by one who knows no other")
            agent.stop()
            agent.port = port
            agent.start(connected=False)
            twin.wait_for_log(CONTRADICTS)
            agent.daemon.wait_for_log(REFUSED)
            other.daemon.wait_for_log(REFUSED)
            # And the other way round: the first is shown what the twin has signed.
            other.stop()
            agent.stop()
            other.port = agent.port = site.port
            agent.start()
            other.start(connected=False)
            site.collector.wait_for_log(CONTRADICTS)
            wait_until(lambda: site.alerts(ALERT), "it is an alert")
        finally:
            twin.stop()
            twin.check_clean()


# ---- a collector that lies to one agent

class Liar(threading.Thread):
    """A collector that holds the real one's TLS key, greets as the agent likes it, and then shows it a note."""

    def __init__(self, site, notes):
        super().__init__(daemon=True)
        self.notes, self.refusals = list(notes), []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(os.path.join(store_of(site), "tls.crt"), os.path.join(store_of(site), "tls.key"))
        self.context.verify_mode = ssl.CERT_NONE
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            try:
                raw, _ = self.listener.accept()
                raw.settimeout(30)
                self.serve(self.context.wrap_socket(raw, server_side=True))
            except (OSError, ssl.SSLError):
                if self.listener.fileno() < 0:
                    return

    def stop(self):
        self.listener.close()

    def serve(self, stream):
        wire = Connection.__new__(Connection)
        wire.socket, wire.kept, wire.host = stream, b"", None
        while got := wire.receive(30):
            if got[0] == HELLO:
                self.greet(wire, got[1])
            elif got[0] == NACK:
                self.refusals.append(f"{REFUSALS[one(got[1], 1)]}: {one(got[1], 3, b'').decode()}")

    def greet(self, wire, hello):
        streams = [decode(stream) for stream in hello[3]]
        wire.send(WELCOME, encode((1, 1), (2, "signer1"), (4, 0), (5, 1000), *(
            (3, encode((1, one(stream, 1)), (2, one(stream, 4)), (3, one(stream, 5)))) for stream in streams)))
        note = one(hello, 5, b"")
        for make in self.notes[:1]:
            wire.send(CHECKPOINT, encode((1, make(note)), (2, note_parts(note)[1]), (3, b"")))
        self.notes = self.notes[1:]


def log_key(site):
    with open(os.path.join(store_of(site), "log.key"), encoding="ascii") as file:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read().strip()))


def forged(note):
    """Larger, and signed by somebody else under the log's name and key id."""
    origin, size, _, signatures = note_parts(note)
    return note_make(origin, size + 5, sha256(b"other"), Ed25519PrivateKey.generate().sign, signatures[0][1])


def play_lie(folder, make_of, says):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        agent, log = new_agent(site, "signer1")
        agent.start()
        grow(site, agent, log)
        agent.stop()
        before = seen_size(agent)
        liar = Liar(site, [make_of(site)])
        liar.start()
        agent.port = liar.port
        agent.start()
        found = agent.daemon.wait_for_log(r"THE COLLECTOR'S LOG CONTRADICTS ITSELF: (.*)\. Nothing leaves the spool")
        check(re.search(says, found[1]), f"it says: {found[1]}")
        wait_until(lambda: liar.refusals, "the liar is told")
        check(liar.refusals[0].startswith("LOG: ") and re.search(says, liar.refusals[0]), f"told: {liar.refusals}")
        refused = os.path.join(agent.data, "agent", "log.refused")
        with open(refused, encoding="utf-8") as file:
            text = file.read()
        check(ORIGIN in text.split("verified before:")[1] and ORIGIN in text.split("refused:")[1], f"kept: {text}")
        liar.stop()
        agent.stop()
        # The real one is told by an event; until a person has acted nothing leaves the spool and nothing is verified.
        agent.port = site.port
        agent.start()
        wait_until(lambda: site.alerts("A host found that the collector's log contradicts itself"), "it is an alert")
        told = site.states("log_contradiction")
        check(told[0]["log"]["evidence"].count(ORIGIN) >= 2, f"the event does not hold both notes: {told}")
        held = segments(agent)
        for n in range(2):
            log.write([f"held {n}"])
            site.wait_for_lines(log.written, host="signer1")
            site.wait_for_signed("signer1")
            agent.stop()
            agent.start()
        check(len(segments(agent)) >= len(held) + 2, f"released: {held}, then {segments(agent)}")
        check(seen_size(agent) == before, "a checkpoint was verified all the same")
        os.remove(refused)
        log.write(["somebody has looked"])
        wait_until(lambda: len(segments(agent)) == 1, "what was held is released")
        check(seen_size(agent) > before, "nothing newer was verified")
        wait_until(lambda: site.states("log_accepted"), "it is told that somebody acted")
        site.check_verified()


@scenario("a forged checkpoint stops an agent's releases until a person has looked, and is told to the real collector")
def _(folder):
    play_lie(folder, lambda site: forged, "signature")


@scenario("a tree of the same size with another root, signed by the log, is a fork")
def _(folder):
    def fork(site):
        key = log_key(site)

        def make(note):
            origin, size, _, signatures = note_parts(note)
            return note_make(origin, size, sha256(b"other"), key.sign, signatures[0][1])
        return make
    play_lie(folder, fork, "forked")


@scenario("an older checkpoint shown as the newest is a rollback")
def _(folder):
    def rollback(site):
        key = log_key(site)

        def make(note):
            origin, size, _, signatures = note_parts(note)
            return note_make(origin, size - 1, sha256(b"other"), key.sign, signatures[0][1])
        return make
    play_lie(folder, rollback, "rolled back")


# ---- an agent that lies

def take_checkpoint(wire, host, key, before=0):
    """A CHECKPOINT, checked with nothing of the product: signature, and the entry of each batch that it proves."""
    while True:
        got = wire.expect(CHECKPOINT)
        origin, size, root, signatures = note_parts(one(got, 1))
        text = one(got, 1).decode().split("\n\n", 1)[0] + "\n"
        key.verify(signatures[0][2], text.encode())
        check(origin == ORIGIN and one(got, 2) == before, f"a path from {one(got, 2)}, not from {before}")
        for inclusion in map(decode, got.get(4, [])):
            path = one(inclusion, 4, b"")
            entry = host.entries[one(inclusion, 1), one(inclusion, 2)]
            at = included(sha256(b"\0" + entry), one(inclusion, 3), size, [path[i:i + 32] for i in range(0, len(path), 32)])
            check(at == root, f"batch {one(inclusion, 2)} is not entry {one(inclusion, 3)} of {size}")
        return signatures[0][1], size, root, one(got, 1)


def close(wire, host, lane=0, events=(), **more):
    stream = host.streams[lane]
    if events:
        wire.send(EVENTS, stream.events([(ACCESS, line(text)) for text in events]))
    wire.send(CLOSE, stream.close(**more))
    host.entries[lane, stream.batch_seq - 1] = stream.last_entry


def join(site, name):
    host = Host(name)
    joined = host.join(site)
    host.entries = {}
    return host, Ed25519PublicKey.from_public_bytes(one(joined, 3))


@scenario("what an agent has seen is proved by Python alone, and may stand in its entries")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        host, key = join(site, "good1")
        with Connection(site.port, host) as wire:
            wire.greet()
            close(wire, host)
            key_id, size, root, note = take_checkpoint(wire, host, key)
            check(key_id == note_key_id(ORIGIN, key.public_bytes_raw() if hasattr(key, "public_bytes_raw") else raw(key)),
                  "another key id")
            close(wire, host, events=["one"], seen=(key_id, size, root))
            close(wire, host, lane=1)
            key_id, later, root, note = take_checkpoint(wire, host, key, size)
            check(later > size, "the log has not grown")
        with Connection(site.port, host) as wire:  # and in the next session it goes on from there
            wire.greet(note)
            close(wire, host, events=["two"], seen=(key_id, later, root))
            take_checkpoint(wire, host, key, later)
        site.check_verified()


def raw(key):
    from cryptography.hazmat.primitives import serialization
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def play_invented(folder, invent, says):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        host, key = join(site, "evil1")
        with Connection(site.port, host) as wire:
            wire.greet()
            close(wire, host)
            first = take_checkpoint(wire, host, key)
            close(wire, host, events=["one"], seen=first[:3])
            second = take_checkpoint(wire, host, key, first[1])
            close(wire, host, events=["two"], seen=second[:3])
            wire.expect_marks(0, closed=3)
            close(wire, host, events=["lie"], seen=invent(first[:3], second[:3]))
            text = wire.expect_refusal("SEQUENCE")
            check(re.search(says, text), f"refused: {text}")
        alert = wait_until(lambda: site.alerts("An agent signed for a checkpoint that was never published"), "an alert")
        check(len(alert) == 1 and alert[0]["priority"] == "page", f"{alert}")
        site.check_verified()


@scenario("an invented seen_size is refused and alarmed")
def _(folder):
    play_invented(folder, lambda first, second: (second[0], second[1] + 1000, second[2]), "never published")


@scenario("an invented seen_root is refused and alarmed")
def _(folder):
    play_invented(folder, lambda first, second: (second[0], second[1], sha256(b"other")), "another tree|another one")


@scenario("a seen_size that falls is refused and alarmed")
def _(folder):
    play_invented(folder, lambda first, second: first, "fell")


@scenario("a checkpoint that was seen does not become none")
def _(folder):
    play_invented(folder, lambda first, second: None, "none any more")


@scenario("a mere claim that the log is behind is told and stops nothing")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        host, key = join(site, "evil1")
        honest, log = new_agent(site, "good1")
        honest.start()
        liar = Ed25519PrivateKey.generate()
        key_id = note_key_id(ORIGIN, raw(key))
        for note in (note_make(ORIGIN, 10 ** 6, sha256(b"x"), liar.sign, key_id), b"no note at all",
                     note_make("other.example/log", 1, sha256(b"x"), liar.sign, key_id)):
            with Connection(site.port, host) as wire:
                wire.greet(note)
                wire.send(PING, encode((1, 1)))
                wire.expect(PING)
        wait_until(lambda: len(site.states("log_claim_forged")) == 3, "each is told")
        with Connection(site.port, host) as wire:  # it says that it was shown a forged checkpoint
            wire.greet()
            wire.send(NACK, encode((1, REFUSALS.index("LOG")), (3, "the log was forked, I say")))
            wire.expect_end()
        said = wait_until(lambda: site.states("log_disputed"), "that is told, too")
        check("I say" in said[0]["error"]["message"], f"{said}")
        wait_until(lambda: site.alerts("An agent says without proof"), "it is an alert")
        grow(site, honest, log, 1)
        check(not site.states("log_conflict"), "a claim was believed")
        site.check_verified()


run()

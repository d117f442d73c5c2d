#!/usr/bin/python3
"""An agent's signing key is rotated while it works: without a restart, without losing a line, whoever is killed when."""
# tocsin-test: timeout=900

import os
import re
import shutil
import struct
import subprocess
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from load_lines import Rotating, Writer, check_numbers, no_gap, numbered, seeded, wait_for_numbers
from tocsin_site import BIN, PATIENCE_S, SOAK, Site, check, run, scenario, wait_until
from tocsin_wire import (ACCESS, CLOSE, EVENTS, HELLO, ROTATE, ROTATED, WELCOME, Connection, Host, encode, label, line,
                         one, sha256)

ROUNDS = 100 if SOAK else 10
RATE = 500
NEVER = 2**64 - 1
ROTATE_KIND = 3  # of a batch


def rotate_key(agent, expect=0):
    """`tocsin-agent --rotate-key`; gives what it says."""
    done = subprocess.run([os.path.join(BIN, "tocsin-agent"), "--site", agent.folder, "--rotate-key"],
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    check(done.returncode == expect, f"--rotate-key ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout or done.stderr


def path(agent, name):
    return os.path.join(agent.data, "agent", name)


def read(agent, name):
    with open(path(agent, name), encoding="ascii") as file:
        return file.read()


def epoch(agent):
    found = re.search(r"^epoch (\d+)$", read(agent, "collector"), re.MULTILINE)
    return int(found[1])


def rotated(site, agent, number):
    """Waits until agent and collector are in that epoch, with one event for each."""
    def epochs():
        return [int(event["key"]["epoch"]) for event in site.states("agent_key_rotated")
                if event["event"]["original"].startswith(agent.name + " ")]
    wait_until(lambda: number in epochs(), lambda: f"{agent.name} signs in epoch {number} ({epochs()})")
    check(epochs().count(number) == 1, f"told more than once: {epochs()}")
    wait_until(lambda: epoch(agent) == number and not os.path.exists(path(agent, "sign.key.next")), "files are settled")


def numbered_logs(site, folder):
    """Two logs, a lane each; the function that writes lines to both in turn."""
    logs = [Rotating(os.path.join(folder, name)) for name in ("auth.log", "app.log")]
    site.agent.follow(logs[0].path, "access")
    site.agent.follow(logs[1].path, "application")

    def write(lines):
        for which, log in enumerate(logs):
            log.write("".join(text for number, text in enumerate(lines) if number % 2 == which))
    return write


@scenario("two rotations in a row under load, without a restart")
def _(folder):
    with Site(folder) as site:
        write = numbered_logs(site, folder)
        site.start()
        first_key = read(site.agent, "sign.key")
        writer = Writer(RATE * 8, RATE, write)
        writer.start()
        for number in (1, 2):
            said = rotate_key(site.agent)
            check(str(site.agent.daemon.pid) in said, f"it says: {said}")
            rotated(site, site.agent, number)
        writer.finish()
        wait_for_numbers(site, writer.total)
        check_numbers(site, writer.total)
        no_gap(site)
        check(read(site.agent, "sign.key") != first_key, "the key is the old one")
        check(os.stat(path(site.agent, "sign.key")).st_mode & 0o777 == 0o600, "others can read the key")
        check(site.agent.daemon.starts == 1, "the agent was restarted")
        site.wait_for_signed()
        site.check_verified()
        titles = [alert["rule"]["title"] for alert in site.alerts()]
        check("A host signs with a new key" in titles, f"nobody is told: {titles}")
        # Both daemons know it after a restart, too.
        site.agent.stop()
        site.collector.stop()
        site.start_collector()
        site.agent.start()
        write([numbered(writer.total) + "\n"])
        wait_for_numbers(site, writer.total + 1)
        site.wait_for_signed()
        site.check_verified()


@scenario("while the agent is down: at its next start; and nobody to rotate is told so")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.agent.write_settings()
        check("has not joined" in rotate_key(site.agent, expect=2), "a host without a key rotates it")
        site.start()
        log.write(["before"])
        site.wait_for_lines(log.written)
        site.agent.stop()
        check("No agent runs" in rotate_key(site.agent), "it says that an agent runs")
        check("was made before" in rotate_key(site.agent), "a second next key is made")
        log.write(["while it is down"])
        site.agent.start()
        rotated(site, site.agent, 1)
        log.write(["after"])
        site.wait_for_lines(log.written)
        site.wait_for_signed()
        site.check_verified()


@scenario("while the collector is away: once it is back")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["before"])
        site.wait_for_lines(log.written)
        site.collector.stop()
        rotate_key(site.agent)
        log.write(["while it is away"])
        time.sleep(1)
        check(epoch(site.agent) == 0, "the agent rotates on its own")
        site.start_collector()
        rotated(site, site.agent, 1)
        log.write(["after"])
        site.wait_for_lines(log.written)
        site.wait_for_signed()
        site.check_verified()


@scenario("a next key that the collector refuses: the present one stays, and a good one is taken afterwards")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        shutil.copy(path(site.agent, "sign.key"), path(site.agent, "sign.key.next"))
        check("was made before" in rotate_key(site.agent), "another next key is made")
        site.agent.daemon.wait_for_log("the collector refuses the next signing key")
        log.write(["all the same"])
        site.wait_for_lines(log.written)
        wait_until(lambda: site.states("key_rotation_refused"), "the agent tells it")
        check(len(site.states("agent_rotation_refused")) == 1, "the agent insists")
        os.remove(path(site.agent, "sign.key.next"))
        rotate_key(site.agent)
        rotated(site, site.agent, 1)
        site.wait_for_signed()
        site.check_verified()


@scenario(f"kill -9 of agent or collector in {ROUNDS} rotations under load")
def _(folder):
    chance = seeded("rotation")
    with Site(folder) as site:
        write = numbered_logs(site, folder)
        site.start()
        written = 0
        for number in range(1, ROUNDS + 1):
            writer = Writer(RATE, RATE, lambda lines: write(lines),
                            lambda n, base=written: numbered(base + n))
            writer.start()
            rotate_key(site.agent)
            for _ in range(chance.randrange(1, 4)):
                # Most of a rotation takes a few milliseconds; the wait before it up to half a second.
                time.sleep(chance.choice([0.02, 0.1, 0.6]) * chance.random())
                victims = chance.choice([["agent"], ["collector"], ["agent", "collector"]])
                for victim in victims:
                    (site.agent.daemon if victim == "agent" else site.collector).kill()
                if "collector" in victims:
                    site.collector.start()
                if "agent" in victims:
                    site.agent.daemon.start()
            writer.finish()
            written += writer.total
            site.collector.wait_for_log("is ready on")
            rotated(site, site.agent, number)
        wait_for_numbers(site, written)
        check_numbers(site, written)
        no_gap(site)
        site.wait_for_signed()
        site.check_verified()
        for event in ("agent_rotation_refused", "agent_refused", "fork"):
            found = site.states(event)
            check(not found, f"{event}: {[each['event']['original'] for each in found[:3]]}")


# ---- an agent that lies

def raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Rotator(Host):
    """A host that joins and rotates, well or badly."""

    def __init__(self, site, name="forger"):
        super().__init__(name)
        joined = self.join(site)
        self.origin, self.log_key = joined[2][0].decode(), joined[3][0]
        self.next = Ed25519PrivateKey.generate()

    def statement(self, **changes):
        chosen = {"name": self.name, "ids": [stream.id for stream in self.streams], "old": self.key, "new": self.next,
                  "epoch": self.streams[0].epoch + 1, "kind": 6, "expires": NEVER, "origin": self.origin,
                  "signers": None} | changes
        public = [raw(chosen["old"]), raw(chosen["new"])]
        name = chosen["name"].encode()
        payload = (bytes([len(name)]) + name + b"".join(chosen["ids"]) + b"".join(public)
                   + struct.pack(">I", chosen["epoch"]))
        text = (label("tocsin/stmt/v1") + sha256(chosen["origin"].encode() + b"\n" + self.log_key) + os.urandom(32)
                + struct.pack(">IQQI", chosen["kind"], time.time_ns() // 1000, chosen["expires"], len(payload)) + payload)
        signers = chosen["signers"] or (chosen["old"], chosen["new"])
        signatures = b"".join(sha256(key) + b"\1" + struct.pack(">H", 64) + signer.sign(text)
                              for key, signer in zip(public, signers))
        return struct.pack(">I", len(text)) + text + bytes([len(signers)]) + signatures

    def rotate(self, statement=None, new=None, number=None):
        """A ROTATE; a good one without arguments."""
        return encode((1, self.streams[0].epoch + 1 if number is None else number), (2, raw(new or self.next)),
                      (3, self.statement() if statement is None else statement))

    def end_epoch(self, wire):
        for stream in self.streams:
            wire.send(CLOSE, stream.close(ROTATE_KIND))
            stream.key, stream.epoch = self.next, stream.epoch + 1

    def begin_streams(self, wire):
        for stream in self.streams:
            wire.send(CLOSE, stream.close())


@scenario("a forged ROTATE is refused and alarmed, and the key in force stays")
def _(folder):
    with Site(folder) as site:
        site.start()
        host = Rotator(site)
        other = Ed25519PrivateKey.generate()
        good = host.statement()
        forged = {
            "rubbish": host.rotate(b"rubbish"),
            "cut": host.rotate(good[:-1]),
            "a bit of the statement": host.rotate(good[:90] + bytes([good[90] ^ 1]) + good[91:]),
            "a bit of a signature": host.rotate(good[:-1] + bytes([good[-1] ^ 1])),
            "not by the old key": host.rotate(host.statement(signers=(other, host.next))),
            "not by the new key": host.rotate(host.statement(signers=(host.key, other))),
            "without the old key": host.rotate(host.statement(old=other)),
            "another host's name": host.rotate(host.statement(name=site.agent.name)),
            "other streams": host.rotate(host.statement(ids=[bytes(32), bytes(32)])),
            "another log": host.rotate(host.statement(origin="other.example/tocsin")),
            "an epoch left out": host.rotate(host.statement(epoch=2), number=2),
            "the epoch again": host.rotate(host.statement(epoch=0), number=0),
            "another type": host.rotate(host.statement(kind=7)),
            "one that expires": host.rotate(host.statement(expires=2**62)),
            "the same key": host.rotate(host.statement(new=host.key), new=host.key),
            "another key beside the statement": host.rotate(good, new=other),
            "another epoch beside the statement": host.rotate(good, number=7),
        }
        for number, (name, message) in enumerate(forged.items(), 1):
            with Connection(site.port, host) as wire:
                wire.greet()
                wire.send(ROTATE, message)
                wire.expect_refusal("ROTATION")
            wait_until(lambda: len(site.states("agent_rotation_refused")) == number, f"{name} is reported")
        wait_until(lambda: site.alerts("A new signing key was refused"), "an alert")
        check(not site.states("agent_key_rotating"), "one of them was taken")
        # A good one is answered as often as it is asked; after it comes no other for this epoch.
        with Connection(site.port, host) as wire:
            wire.greet()
            for _ in range(2):
                wire.send(ROTATE, host.rotate())
                check(one(wire.expect(ROTATED), 1) == 1, "another epoch is answered")
            wire.send(ROTATE, host.rotate(host.statement(new=other), new=other))
            wire.expect_refusal("ROTATION")
        check(len(site.states("agent_key_rotating")) == 1, "announced more than once")
        site.check_verified()


@scenario("an epoch that nobody announced is refused; once it is announced it begins")
def _(folder):
    with Site(folder) as site:
        site.start()
        host = Rotator(site)
        announcement, first = host.rotate(), host.streams[0]
        with Connection(site.port, host) as wire:
            wire.greet()
            host.begin_streams(wire)
            host.end_epoch(wire)
            wire.expect_marks(1, closed=2)
            wire.send(EVENTS, first.events([(ACCESS, line("too early"))]))
            wire.expect_refusal("SEQUENCE")
            first.begin()
        with Connection(site.port, host) as wire:
            wire.send(HELLO, host.hello())
            wire.expect_refusal("SEQUENCE")
        check(site.count('"too early"') == 0, "an event of an unknown epoch is stored")
        check(not site.states("agent_key_rotated"), "the epoch has begun")
        with Connection(site.port, host) as wire:
            wire.send(HELLO, host.hello(streams=[stream.hello(epoch=0) for stream in host.streams]))
            wire.expect(WELCOME)
            wire.send(ROTATE, announcement)
            wire.expect(ROTATED)
            wire.send(EVENTS, first.events([(ACCESS, line("in time"))]))
            wire.send(CLOSE, first.close())
            wire.expect_marks(0, stored=1, closed=3)
        wait_until(lambda: site.states("agent_key_rotated"), "the epoch has begun")
        with Connection(site.port, host) as wire:
            welcome = wire.greet()
            check([one(stream, 6) for stream in welcome.values()] == [1, 1], "another epoch is welcomed")
        check(site.count('"in time"') == 1, "the event is not there")
        site.check_verified()
        # The old key is of no use any more.
        first.key, first.epoch = host.key, 1
        with Connection(site.port, host) as wire:
            wire.greet()
            wire.send(EVENTS, first.events([(ACCESS, line("by the old key"))]))
            wire.send(CLOSE, first.close())
            wire.expect_refusal("SIGNATURE")
        site.check_verified()


run()

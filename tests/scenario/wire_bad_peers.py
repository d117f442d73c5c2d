#!/usr/bin/python3
"""Peers that are not what an agent should be: each is refused with a reason, told about, and costs the others nothing.

tocsin-test: timeout=400
"""

import socket
import ssl
import time

from tocsin_site import Failure, Site, check, run, scenario, wait_until
from tocsin_wire import (ACCESS, ACK, APPLICATION, CLOSE, EVENTS, HELLO, JOIN, JOINED, PART, PING, RENEW, RENEWED, WELCOME,
                         ZSTD, Connection, Host, encode, line, make_certificate, one, rle_bomb, sha256, spki_hash)

SMALL_ORDER_KEYS = [bytes(32), b"\1" + bytes(31),
                    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
GREW_MOST_KIB = 150 * 1024  # sanitizers keep freed memory back for a while


def collector(folder):
    """A collector alone: the agents are made here."""
    site = Site(folder)
    site.agents.clear()
    site.start_collector()
    return site


def joined(site, name):
    host = Host(name)
    host.join(site)
    return host


def check_told(site, event, reason=None, host=None):
    """The collector's own stream says so."""
    expression = f"tocsin.event:{event}" + (f" and error.code:{reason}" if reason else "") + \
        (f" and host.name:{host}" if host else "")
    return wait_until(lambda: site.query(expression), expression, 20, every=0.2)


def check_still_works(site):
    """A good agent comes in, sends, and is acknowledged; the store holds."""
    host = joined(site, f"good{time.monotonic_ns()}")
    with Connection(site.port, host) as wire:
        wire.greet()
        wire.send(EVENTS, host.streams[0].events([(ACCESS, line("still here"))]))
        wire.send(CLOSE, host.streams[0].close())
        wire.expect_marks(0, stored=1, attested=1, closed=1)
    check(site.count("\"still here\"", "--host", host.name) == 1, "the event of a good agent is not found")
    site.check_verified()


def refused_after_greeting(site, name, code, reason, send):
    """What `send` does with a greeted connection is refused; nothing of it is stored."""
    host = joined(site, name)
    with Connection(site.port, host) as wire:
        wire.greet()
        send(host, wire)
        wire.expect_refusal(code)
    check_told(site, "agent_refused", reason, host=name)
    check(site.count("", "--host", name) == 0, "something of what was refused is stored")
    return host


@scenario("garbage before TLS, another TLS and no certificate end without harm")
def _(folder):
    with collector(folder) as site:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(4096), b"\x16\x03\x01\xff\xff" + bytes(70000), b"\x16\x03\x01"):
            with socket.create_connection(("127.0.0.1", site.port), 30) as raw:
                try:
                    raw.sendall(garbage)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(4096):
                        pass
                except OSError:  # hung up already: refused early is refused
                    pass
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode, old.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
        try:
            with socket.create_connection(("127.0.0.1", site.port), 30) as raw, old.wrap_socket(raw):
                raise Failure("TLS 1.2 was accepted")
        except (ssl.SSLError, ConnectionError):
            pass
        try:
            with Connection(site.port) as wire:  # TLS 1.3, but nobody
                wire.send(HELLO, Host("nobody").hello())
                wire.expect_end()
        except (ssl.SSLError, ConnectionError):
            pass
        check_still_works(site)


@scenario("an agent that never joined is told to join")
def _(folder):
    with collector(folder) as site:
        stranger = Host("stranger")
        with Connection(site.port, stranger) as wire:
            wire.send(HELLO, stranger.hello())
            check("join" in wire.expect_refusal("UNKNOWN_AGENT"), "the refusal does not say what to do")
        check_told(site, "agent_refused", "unknown")
        wait_until(lambda: site.alerts("An agent was refused"), "an alert about the stranger")
        check_still_works(site)


@scenario("a used, an expired, an unknown and another host's token let nobody in")
def _(folder):
    with collector(folder) as site:
        used = site.token("twice")
        Host("twice").join(site, used)
        short = site.token("late", "--ttl", "1s")
        unknown = "A" * len(used)
        time.sleep(1.1)
        for host, token in ((Host("twice"), used), (Host("late"), short), (Host("anyone"), unknown)):
            with Connection(site.port, host) as wire:
                wire.send(JOIN, host.join_message(wire, token))
                text = wire.expect_refusal("TOKEN")
                check("join-token" in text, f"the refusal does not say what to do: {text}")
        check_told(site, "join_refused", "token")
        bound = Host("other")  # a token is for one name, whatever the agent calls itself
        check(one(bound.join(site, site.token("bound")), 1) == b"bound", "a token's name was not the one given")
        check(len(site.states("agent_joined")) == 2, "not two have joined")
        check(site.agent_status("late") is None and site.agent_status("other") is None, "somebody came in")


@scenario("a JOIN with a forged proof, a small-order key, a bad name or another version keeps its token")
def _(folder):
    with collector(folder) as site:
        host, other = Host("honest"), Host("other")
        token = site.token("honest", "--uses", "1")
        tries = [("SIGNATURE", "signature", {"sign": other.key.sign}), ("VERSION", "version", {"version": 2}),
                 ("MALFORMED", "name", {"host": "Not A Name"})]
        tries += [("SIGNATURE", "key", {"public": key}) for key in SMALL_ORDER_KEYS]
        for code, reason, lie in tries:
            with Connection(site.port, host) as wire:
                wire.send(JOIN, host.join_message(wire, token, **lie))
                wire.expect_refusal(code)
            check_told(site, "join_refused", reason)
        with Connection(site.port, host) as first, Connection(site.port, host) as second:
            first.send(JOIN, host.join_message(second, token))  # a proof made for another connection
            first.expect_refusal("SIGNATURE")
        with Connection(site.port, host) as wire:
            wire.send(JOIN, b"\xff" * 40)
            wire.expect_refusal("MALFORMED")
        host.join(site, token)
        check_still_works(site)


@scenario("a HELLO of another version, another stream or another host is refused")
def _(folder):
    with collector(folder) as site:
        victim, thief = joined(site, "victim"), joined(site, "thief")
        tries = [("VERSION", "version", thief.hello(version=2)),
                 ("STREAM", "stream", thief.hello(streams=[stream.hello() for stream in victim.streams])),
                 ("STREAM", "stream", thief.hello(streams=[stream.hello() for stream in thief.streams[::-1]])),
                 ("SEQUENCE", "epoch", thief.hello(streams=[stream.hello(epoch=7) for stream in thief.streams])),
                 ("MALFORMED", "malformed", thief.hello(streams=[])),
                 ("MALFORMED", "malformed", b"\x0a\xff")]
        for code, reason, hello in tries:
            with Connection(site.port, thief) as wire:
                wire.send(HELLO, hello)
                wire.expect_refusal(code)
            check_told(site, "agent_refused", reason, host="thief")
        check_still_works(site)


@scenario("oversized, lying, unknown and untimely frames are refused before they cost memory")
def _(folder):
    with collector(folder) as site:
        host = joined(site, "liar")
        before = site.collector.memory_kib()
        heads = [(HELLO, 0xffffffff), (HELLO, 0), (HELLO, 64 * 1024 + 2), (EVENTS, 3 * 1024 * 1024 + 2), (0, 10), (99, 10),
                 (200, 1), (32, 10)]
        for kind, size in heads:
            with Connection(site.port, host) as wire:
                wire.send(kind, b"", size=size)
                wire.expect_refusal("MALFORMED")
        for kind in (EVENTS, PART, CLOSE, RENEW, ACK, WELCOME, JOINED):
            with Connection(site.port, host) as wire:
                wire.send(kind, b"")
                wire.expect_refusal("MALFORMED")
        with Connection(site.port, host) as wire:
            wire.greet()
            wire.send(HELLO, host.hello())
            wire.expect_refusal("MALFORMED")
        # A length that is allowed and never comes keeps nothing but what has come.
        waiting = [Connection(site.port, host) for _ in range(20)]
        for wire in waiting:
            wire.send_raw(wire.frame(EVENTS, b"x" * 100, size=3 * 1024 * 1024))
        check_still_works(site)
        grew = site.collector.memory_kib() - before
        check(grew < GREW_MOST_KIB, f"lying frames cost {grew} KiB")
        for wire in waiting:
            wire.close()


@scenario("a decompression bomb is refused at the cost of what it announced")
def _(folder):
    with collector(folder) as site:
        before = site.collector.memory_kib("VmHWM")
        bomb = rle_bomb(1 << 30)
        sizes = [1000, 2 * 1024 * 1024, 2 * 1024 * 1024 + 1, 0xffffffff]
        for number, size in enumerate(sizes):
            refused_after_greeting(
                site, f"bomber{number}", "MALFORMED", "malformed",
                lambda host, wire, size=size: wire.send(
                    EVENTS, host.streams[0].events([(ACCESS, line("x"))], codec=ZSTD, data=bomb, text_size=size)))
        refused_after_greeting(site, "shorter", "MALFORMED", "malformed", lambda host, wire: wire.send(
            EVENTS, host.streams[0].events([(ACCESS, line("x"))], codec=ZSTD, data=rle_bomb(1000), text_size=5000)))
        check_still_works(site)
        grew = site.collector.memory_kib("VmHWM") - before
        check(grew < GREW_MOST_KIB, f"the bombs cost {grew} KiB")


@scenario("EVENTS that contradict themselves are refused whole")
def _(folder):
    lies = [
        ("count-more", "MALFORMED", "malformed", {"count": 2}), ("count-less", "MALFORMED", "malformed", {"count": 1}),
        ("count-zero", "MALFORMED", "malformed", {"count": 0}), ("count-most", "MALFORMED", "malformed", {"count": 4097}),
        ("size", "MALFORMED", "malformed", {"text_size": 7}), ("codec", "MALFORMED", "malformed", {"codec": 2}),
        ("lane", "MALFORMED", "malformed", {"lane": 7}), ("other-lane", "SEQUENCE", None, {"lane": 1}),
        ("gap", "SEQUENCE", "sequence", {"first_event_seq": 5}), ("batch", "SEQUENCE", "sequence", {"batch_seq": 9}),
        ("numbers", "MALFORMED", "malformed", {"first_event_seq": 2**64 - 1}),
    ]
    with collector(folder) as site:
        for name, code, reason, lie in lies:
            count = 3 if name == "count-more" or name == "count-less" else 1
            if name == "count-more":
                lie = {"count": count + 1}
            if name == "count-less":
                lie = {"count": count - 1}
            if name == "other-lane":  # a class that lane 1 does not take
                code, reason = "LIMIT", "class"
            refused_after_greeting(site, name, code, reason, lambda host, wire, lie=lie, count=count: wire.send(
                EVENTS, host.streams[0].events([(ACCESS, line("lie"))] * count, **lie)))
        refused_after_greeting(site, "class", "LIMIT", "class", lambda host, wire: wire.send(
            EVENTS, host.streams[0].events([(APPLICATION, line("lie"))])))
        refused_after_greeting(site, "no-class", "MALFORMED", None, lambda host, wire: wire.send(
            EVENTS, host.streams[0].events([(15, line("lie"))])))

        def without_key(host, wire):
            host.streams[0].keys[ACCESS] = bytes(32)
            wire.send(EVENTS, host.streams[0].events([(ACCESS, line("lie"))]))

        refused_after_greeting(site, "no-key", "SIGNATURE", "key", without_key)
        check_still_works(site)


@scenario("a forged signature is refused, and what it covered stays unsigned")
def _(folder):
    with collector(folder) as site:
        other = Host("other").key
        for name, forge in (("part", lambda stream: (PART, stream.part(sign=other.sign))),
                            ("entry", lambda stream: (CLOSE, stream.close(sign=other.sign))),
                            ("zeros", lambda stream: (PART, stream.part(sign=lambda _: bytes(64)))),
                            ("high-s", lambda stream: (PART, stream.part(sign=lambda d: b"\1" * 32 + b"\xff" * 32)))):
            host = joined(site, f"forger-{name}")
            with Connection(site.port, host) as wire:
                wire.greet()
                stream = host.streams[0]
                wire.send(EVENTS, stream.events([(ACCESS, line("unsigned"))]))
                wire.expect_marks(0, stored=1)
                wire.send(*forge(stream))
                wire.expect_refusal("SIGNATURE")
            check_told(site, "agent_refused", "signature", host=host.name)
            lane = site.agent_status(host.name)["lanes"][0]
            check((lane["stored"], lane["attested"], lane["closed"]) == (1, 0, 0), f"marks after a forgery: {lane}")
        wait_until(lambda: site.alerts("An agent was refused"), "an alert about the forger")
        check_still_works(site)


@scenario("what one agent signed is worth nothing from another")
def _(folder):
    with collector(folder) as site:
        victim, thief = joined(site, "victim"), joined(site, "thief")
        events = [(ACCESS, line("mine"))]
        with Connection(site.port, victim) as wire:
            wire.greet()
            stream = victim.streams[0]
            wire.send(EVENTS, stream.events(events))
            part = stream.part()
            wire.send(PART, part)
            entry = stream.close()
            wire.send(CLOSE, entry)
            wire.expect_marks(0, stored=1, attested=1, closed=1)
        for kind, message in ((PART, part), (CLOSE, entry)):
            with Connection(site.port, thief) as wire:
                wire.send(HELLO, thief.hello())
                wire.expect(WELCOME)
                wire.send(kind, message)
                wire.expect_refusal("STREAM")
            check_told(site, "agent_refused", "stream", host="thief")
        check(site.count("mine") == 1, "the replayed event is stored twice")
        check_still_works(site)


@scenario("two messages that contradict each other are a fork: alarmed, and refused until the host joins again")
def _(folder):
    with collector(folder) as site:
        host = joined(site, "twofaced")
        stream = host.streams[0]
        with Connection(site.port, host) as wire:
            wire.greet()
            wire.send(EVENTS, stream.events([(ACCESS, line("first story"))]))
            wire.send(PART, stream.part())
            wire.expect_marks(0, stored=1, attested=1)
            stream.events_of.clear()
            wire.send(EVENTS, stream.events([(ACCESS, line("other story"))]))
            wire.expect_refusal("FORK")
        check_told(site, "fork", None, host="twofaced")
        wait_until(lambda: site.alerts("two different stories"), "an alert about the fork")
        check(site.agent_status("twofaced")["state"] == "forked", "the status does not say so")
        with Connection(site.port, host) as wire:  # even if it now tells the first story again
            wire.send(HELLO, host.hello())
            wire.expect_refusal("FORK")
        site.collector.stop()
        site.start_collector()
        with Connection(site.port, host) as wire:
            wire.send(HELLO, host.hello())
            wire.expect_refusal("FORK")
        again = Host("twofaced")
        again.join(site)
        with Connection(site.port, again) as wire:
            wire.greet()
            wire.send(EVENTS, again.streams[0].events([(ACCESS, line("a new start"))]))
            wire.send(CLOSE, again.streams[0].close())
            wire.expect_marks(0, stored=1, attested=1, closed=1)
        check(site.count("story", "--class", "access") == 1, "the other story is stored")
        site.check_verified()


@scenario("what was sent before is acknowledged again, and stored once")
def _(folder):
    with collector(folder) as site:
        host = joined(site, "repeater")
        stream = host.streams[0]
        sent = []
        with Connection(site.port, host) as wire:
            wire.greet()
            for number in range(5):
                sent.append((EVENTS, stream.events([(ACCESS, line(f"once {number}"))] * 3)))
            sent.append((PART, stream.part()))
            hello = host.hello()
            for kind, message in sent:
                wire.send(kind, message)
            wire.expect_marks(0, stored=15, attested=15)
        with Connection(site.port, host) as wire:
            wire.send(HELLO, hello)
            wire.expect(WELCOME)
            for kind, message in sent * 2:
                wire.send(kind, message)
            sent.append((CLOSE, stream.close()))
            wire.send(*sent[-1])
            wire.expect_marks(0, stored=15, attested=15, closed=1)
            wire.send(*sent[-1])  # the close again
            wire.send(EVENTS, stream.events([(ACCESS, line("once more"))]))
            wire.expect_marks(0, stored=16)
        check(site.count("once", "--class", "access") == 16, "not every event once")
        site.check_verified()


@scenario("a new TLS key that was announced takes over without a restart")
def _(folder):
    with collector(folder) as site:
        host = joined(site, "renewed")
        old, new = host.tls, make_certificate(folder + "/new", "renewed")
        with Connection(site.port, host, certificate=new) as wire:
            wire.send(HELLO, host.hello())
            wire.expect_refusal("UNKNOWN_AGENT")
        with Connection(site.port, host) as wire:
            wire.greet()
            wire.send(RENEW, encode((1, spki_hash(new[0]))))
            check(one(wire.expect(RENEWED), 1) == spki_hash(new[0]), "the announced key was not confirmed")
            wire.send(EVENTS, host.streams[0].events([(ACCESS, line("with the old key"))]))
            wire.expect_marks(0, stored=1)
        site.collector.kill()  # what was confirmed must hold
        site.start_collector()
        host.tls = new
        with Connection(site.port, host) as wire:
            wire.greet()
            wire.send(EVENTS, host.streams[0].events([(ACCESS, line("with the new key"))]))
            wire.send(CLOSE, host.streams[0].close())
            wire.expect_marks(0, stored=2, attested=2, closed=1)
        host.tls = old
        with Connection(site.port, host) as wire:
            wire.send(HELLO, host.hello())
            wire.expect_refusal("UNKNOWN_AGENT")
        site.check_verified()


@scenario("a newer connection of the same host replaces the older one")
def _(folder):
    with collector(folder) as site:
        host = joined(site, "double")
        with Connection(site.port, host) as first:
            first.greet()
            first.send(EVENTS, host.streams[0].events([(ACCESS, line("over the first"))]))
            first.expect_marks(0, stored=1)
            with Connection(site.port, host) as second:
                welcome = second.greet()
                check(one(welcome[0], 3) == 1, "the new connection is not told what is stored")
                first.expect_refusal("REPLACED")
                second.send(PING, encode((1, 77)))
                check(one(second.expect(PING), 1) == 77, "a ping was not answered with the same")
                second.send(EVENTS, host.streams[0].events([(ACCESS, line("over the second"))]))
                second.expect_marks(0, stored=2)
        site.check_verified()


@scenario("more than the credit that was given is refused")
def _(folder):
    with collector(folder) as site:
        host = joined(site, "greedy")
        with Connection(site.port, host) as wire:
            wire.send(HELLO, host.hello())
            credit = one(wire.expect(WELCOME), 4)
            check(64 * 1024 <= credit <= 64 * 1024 * 1024, f"a credit of {credit} bytes")
            stream = host.streams[0]
            # Noise, so that the collector has work; far more than the credit before a single acknowledgement is read.
            block = line(sha256(b"x").hex() * 4000)
            sent = 0
            try:
                while sent < 16 * credit:
                    message = stream.events([(ACCESS, block)] * 3)
                    sent += len(message)
                    wire.send(EVENTS, message)
                    if len(stream.events_of) >= 4:
                        wire.send(CLOSE, stream.close())
            except (ConnectionError, ssl.SSLError):
                pass  # refused while it was still writing
        check(site.collector.alive(), "the collector has died")
        check_still_works(site)


@scenario("many idle and half-open connections keep nobody out")
def _(folder):
    with collector(folder) as site:
        idle = [socket.create_connection(("127.0.0.1", site.port), 30) for _ in range(200)]
        for each in idle[::2]:
            each.sendall(b"\x16\x03\x01\x02")
        stranger = Host("stranger")
        greeters = [Connection(site.port, stranger) for _ in range(20)]  # TLS done, and then nothing
        check_still_works(site)
        for each in idle + greeters:
            each.close()


run()

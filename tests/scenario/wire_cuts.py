#!/usr/bin/python3
"""Connections that break anywhere: everything arrives once, and in order.

tocsin-test: timeout=400
"""

import random
import threading
import time

from tocsin_proxy import DOWN, UP, Proxy
from tocsin_site import SOAK, Log, Site, check, run, scenario, wait_until
from tocsin_wire import ACCESS, CLOSE, EVENTS, HELLO, PART, Connection, Host, line

SEED = 20261121


class Writer(threading.Thread):
    """Writes numbered lines into a log, a few every few milliseconds, until it is stopped."""

    def __init__(self, log: Log, random_source, every=0.01):
        super().__init__(daemon=True)
        self.log, self.random, self.every = log, random_source, every
        self.stopping = threading.Event()
        self.start()

    def run(self):
        number = 0
        while not self.stopping.is_set():
            lines = [f"line {number + i} {'x' * self.random.randrange(300)}" for i in range(self.random.randrange(1, 6))]
            number += len(lines)
            self.log.write(lines)
            self.stopping.wait(self.every)

    def stop(self):
        self.stopping.set()
        self.join()


def agent_behind(site, proxy):
    """This host's agent, connected through the proxy."""
    site.agent.port = proxy.port
    return site.agent


@scenario("a session cut at every frame boundary and inside every frame goes on where it was")
def _(folder):
    chance = random.Random(SEED)
    with Site(folder) as site:
        site.agents.clear()
        site.start_collector()
        host = Host("cut")
        host.join(site)
        stream = host.streams[0]
        sent = rounds = 0
        places = None
        inside = 400 if SOAK else 40
        while places is None or places:
            rounds += 1
            before = host.hello()
            messages = [(EVENTS, stream.events([(ACCESS, line(f"cut {sent + i}")) for i in range(3)])), (PART, stream.part()),
                        (EVENTS, stream.events([(ACCESS, line(f"cut {sent + 3 + i}")) for i in range(2)])),
                        (CLOSE, stream.close())]
            sent += 5
            frames = [Connection.frame(HELLO, before)] + [Connection.frame(*message) for message in messages]
            if rounds == 1:
                # Sizes stay the same from round to round but for a few bytes of numbers.
                ends = [sum(map(len, frames[:n + 1])) for n in range(len(frames))]
                places = sorted({end + step for end in ends for step in (-1, 0, 1, 4, 5)} | {0, 1, 4, 5}
                                | {chance.randrange(ends[-1]) for _ in range(inside)})
                places = [place for place in places if place < ends[-1]]
            place = places.pop(chance.randrange(len(places)))
            with Connection(site.port, host) as wire:
                wire.send_raw(b"".join(frames)[:place])
                if chance.random() < 0.5:
                    time.sleep(chance.random() * 0.05)  # some of it may be committed, some not
            with Connection(site.port, host) as wire:
                wire.send(HELLO, host.hello())
                welcome = wire.receive()
                check(welcome[0] == 2, f"cut after {place} bytes, the next HELLO got {welcome}")
                for kind, message in messages:
                    wire.send(kind, message)
                wire.expect_marks(0, stored=sent, attested=sent, closed=rounds)
        site.check_lines([f"cut {i}" for i in range(sent)])
        numbers = [int(text.split()[1]) for text in site.lines()]
        check(numbers == sorted(numbers), "the events are not in order")
        site.check_verified()


@scenario("an agent whose connections break after any number of bytes loses nothing and doubles nothing")
def _(folder):
    chance = random.Random(SEED)
    with Site(folder) as site, Proxy(site.port) as proxy:
        agent = agent_behind(site, proxy)
        log = site.log("auth.log")
        # A cut in the handshake makes the agent wait longer each time; one after the WELCOME resets that.
        cuts = []
        for _ in range(200 if SOAK else 14):
            cuts.append({chance.choice((UP, DOWN)): chance.randrange(1, 2500)})
            cuts += [{chance.choice((UP, DOWN)): chance.randrange(1200, 6000)} for _ in range(3)]
        proxy.cuts = iter(cuts)
        site.start_collector()
        agent.start(connected=False)
        writer = Writer(log, chance)
        wait_until(lambda: proxy.connections > len(cuts), lambda: f"{len(cuts)} cuts, {proxy.connections} connections",
                   1800 if SOAK else 120)
        writer.stop()
        site.wait_for_lines(log.written)
        check(site.lines() == log.written, "the lines are not in order")
        site.wait_for_signed()
        site.check_verified()
        check(proxy.was_cut > len(cuts) // 2, f"only {proxy.was_cut} connections were cut")


@scenario("an acknowledgement that is lost after the commit doubles nothing")
def _(folder):
    with Site(folder) as site, Proxy(site.port) as proxy:
        agent = agent_behind(site, proxy)
        log = site.log("auth.log")
        site.start()
        log.write(["before"])
        site.wait_for_lines(log.written)
        for round_number in range(3):
            proxy.black_hole = {DOWN}
            log.write([f"unacknowledged {round_number}.{i}" for i in range(50)])
            site.wait_for_count(len(log.written))  # committed, and the agent does not know
            if round_number == 1:
                site.collector.kill()
                proxy.black_hole = set()
                site.start_collector()
            elif round_number == 2:
                agent.kill()
                proxy.black_hole = set()
                agent.start()
            proxy.black_hole = set()
            proxy.cut_all()
            log.write([f"after {round_number}"])
            site.wait_for_count(len(log.written))
        site.wait_for_lines(log.written)
        check(site.lines() == log.written, "the lines are not in order")
        site.wait_for_signed()
        site.check_verified()


@scenario("a collector killed at random times while lines come in keeps each once")
def _(folder):
    chance = random.Random(SEED)
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        writer = Writer(log, chance)
        for _ in range(60 if SOAK else 6):
            time.sleep(chance.random() * 1.5)
            site.collector.kill()
            site.start_collector()
        time.sleep(0.5)
        writer.stop()
        site.wait_for_lines(log.written)
        site.wait_for_signed()
        site.check_verified()


@scenario("both ends killed at random times, and connections cut besides, keep each line once")
def _(folder):
    chance = random.Random(SEED + 1)
    with Site(folder) as site, Proxy(site.port) as proxy:
        agent = agent_behind(site, proxy)
        log = site.log("auth.log")
        bulk = site.agent.log("app.log", "application")
        site.start()
        writers = [Writer(log, chance), Writer(bulk, chance)]
        for _ in range(60 if SOAK else 6):
            time.sleep(chance.random())
            what = chance.randrange(4)
            if what == 0:
                site.collector.kill()
                site.start_collector()
            elif what == 1:
                agent.kill()
                agent.start(connected=False)
            elif what == 2:
                proxy.cut_all()
            else:
                proxy.cut_after = {chance.choice((UP, DOWN)): chance.randrange(1, 20000)}
                proxy.cut_all()
                time.sleep(0.5)
                proxy.cut_after = {}
        for writer in writers:
            writer.stop()
        site.wait_for_lines(log.written)
        site.wait_for_lines(bulk.written, access_class="application")
        site.wait_for_signed()
        site.check_verified()


@scenario("a collector that is not there, or refuses for a while, is tried again")
def _(folder):
    with Site(folder) as site, Proxy(site.port) as proxy:
        agent = agent_behind(site, proxy)
        log = site.log("auth.log")
        # It has not joined yet: a first start that finds nobody says so and ends; its unit starts it again.
        agent.write_settings()
        agent.daemon.start()
        check(agent.daemon.wait() == 3, f"an agent that cannot join ended with {agent.daemon.process.returncode}")
        check("joining 127.0.0.1" in agent.daemon.log(), f"it does not say why: {agent.daemon.log()}")
        site.start()
        log.write(["joined"])
        site.wait_for_lines(log.written)
        proxy.refusing = True
        proxy.cut_all()
        log.write(["while nobody answers"])
        agent.daemon.wait_for_log("trying again")
        proxy.refusing = False
        site.wait_for_lines(log.written)


run()

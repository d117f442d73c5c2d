#!/usr/bin/python3
"""Collectors that are slow or stand still: the memory of an agent stays bounded, and nothing is lost.

tocsin-test: timeout=400
"""

import os
import random
import signal
import time

from tocsin_proxy import Proxy
from tocsin_site import SOAK, Site, check, run, scenario, wait_until

# Sanitizers keep freed memory back by default, up to 256 MiB: here memory is measured.
LEAN = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4:malloc_context_size=2"}
STALL_MIB = 200 if SOAK else 40
GROWTH_MOST_KIB = 64 * 1024  # with a sanitizer's shadow; unsent bytes alone would be several times that


def write_mib(log, mib, start):
    chance = random.Random(start)  # noise: a line that compresses well would hardly fill a spool
    lines = [f"{start + i} {chance.randbytes(200).hex()}" for i in range(mib * 2500)]
    log.write(lines)
    return len(lines)


@scenario("a collector whose window stays closed costs the agent no memory, and gets all when it opens")
def _(folder):
    with Site(folder) as site, Proxy(site.port) as proxy:
        agent = site.agent
        agent.port = proxy.port
        agent.daemon.environment = LEAN
        log = agent.log("app.log", "application")
        site.start()
        log.write(["first"])
        site.wait_for_count(1, access_class="application")
        before = agent.daemon.memory_kib()
        proxy.passing.clear()
        write_mib(log, STALL_MIB, 0)
        wait_until(lambda: spooled(agent) > STALL_MIB * 1024 * 1024 // 3, "the agent reads on into its spool")
        time.sleep(3)
        grew = agent.daemon.memory_kib() - before
        check(grew < GROWTH_MOST_KIB, f"a stalled collector costs the agent {grew} KiB")
        # No byte from the collector for 20 s: given up, and tried anew.
        wait_until(lambda: "silent for 20 s" in agent.daemon.log(), "the agent gives the connection up", 40)
        wait_until(lambda: site.states("agent_silent"), "the collector tells of the silence")
        proxy.passing.set()
        site.wait_for_lines(log.written, access_class="application", timeout=300)
        wait_until(lambda: site.states("agent_back"), "the collector tells that the agent is back")
        grew = agent.daemon.memory_kib() - before
        check(grew < GROWTH_MOST_KIB, f"catching up costs the agent {grew} KiB")
        site.wait_for_signed()
        site.check_verified()


def spooled(agent):
    folder = os.path.join(agent.data, "agent", "spool")
    return sum(entry.stat().st_size for entry in os.scandir(folder))


@scenario("a collector that stands still for a while loses nothing")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        for round_number in range(3):
            site.collector.signal(signal.SIGSTOP)
            log.write([f"{round_number} {i}" for i in range(2000)])
            time.sleep(1)
            site.collector.signal(signal.SIGCONT)
        site.wait_for_lines(log.written)
        check(site.lines() == log.written, "the lines are not in order")
        site.check_verified()


run()

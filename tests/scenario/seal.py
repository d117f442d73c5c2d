#!/usr/bin/python3
"""Sealed segments: what was found hot is found sealed, in the same order; a kill leaves nothing out and nothing twice."""
# tocsin-test: timeout=900

import os
import time

from load_lines import Writer, check_numbers, numbered, seeded, wait_for_numbers
from tocsin_site import SOAK, Site, check, run, scenario, wait_until

SOON = "seal:\n  after: 1s\n"
NEVER = "seal:\n  after: 24h\n"

LINES = [
    "Nov 21 10:00:00 signer1 sshd[100]: Accepted publickey for alice from 192.0.2.1 port 40001 ssh2",
    "Nov 21 10:00:01 signer1 sshd[101]: Failed password for root from 198.51.100.7 port 40002 ssh2",
    "Nov 21 10:00:02 signer1 sshd[102]: Failed password for invalid user oracle from 198.51.100.17 port 40003 ssh2",
    "Nov 21 10:00:03 signer1 sshd[103]: Failed password for bob from 2001:db8::7 port 40004 ssh2",
    "Nov 21 10:00:04 signer1 sudo:   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id",
    "a plain line with \"quotes\", a back\\slash, \\u0041nd ünïcode \U0001f514",
    "another and or not (in parentheses) 7f3ab2c9 host12 \x11 tab\there",
    "x" * 5000 + " long",
    " ".join(f"n{i}" for i in range(200)),
    "",
]
SEARCHES = ["", "failed", "FAILED password", '"Failed password for root"', "failed not invalid", "oracle or bob",
            "198.51.100.7", "51.100", "40003", "4000", "ssh", "ssh2", "host", "host12", "ab", "7f3ab2c9", "x", "long", "n17",
            "not failed", "source.ip:198.51.100.7", "source.ip:198.51.*", "user.name:ROOT", "::", "=", ":", '"] "', "[100]",
            "ünïcode", "\\\\", "tocsin.class:access", "source.port:>40002", "nothing-has-this", "collector", "sign"]


def sealed_segments(site):
    found = []
    for folder, _, names in os.walk(os.path.join(site.data, "collector", "store", "segments")):
        found += [os.path.join(folder, name) for name in names]
    return found


def answers(site, *options):
    return {search: [(event["id"], event["event"]["original"]) for event in site.query(search, *options)]
            for search in SEARCHES}


@scenario("what is sealed is found as it was, in its order, whole and counted")
def _(folder):
    with Site(folder, settings=NEVER) as site:
        access, bulk = site.log("auth.log"), site.log("app.log", "application")
        site.start()
        access.write(LINES)
        bulk.write([line + " bulk" for line in LINES] * 20)
        site.wait_for_count(len([line for line in LINES if line]))
        site.wait_for_count(20 * len(LINES), access_class="application")
        site.agent.stop()
        wait_until(lambda: site.status()["detection"]["behind"] == 0, "detection is done", 60, 0.2)
        site.collector.stop()
        site.start_collector()
        before = {options: answers(site, *options) for options in ((), ("--class", "application", "--limit", "3"), ("--class", "access"))}
        check(not sealed_segments(site), "something is sealed before its time")
        site.write_settings(SOON)
        site.collector.stop()
        site.start_collector()
        wait_until(lambda: len(sealed_segments(site)) >= 2, "segments", 60, 0.2)
        time.sleep(2)
        for options, answer in before.items():
            now = answers(site, *options)
            for search in SEARCHES:
                mine, sealed = answer[search], now[search]
                if not options:  # what the collector itself says goes on
                    known = {event for event, _ in mine}
                    sealed = [event for event in sealed if event[0] in known]
                check(mine == sealed, f"{search!r} {options}: {mine[:3]}… became {sealed[:3]}… ({len(mine)}, {len(sealed)})")
                if options == ("--class", "access"):
                    check(site.count(search, *options) == len(now[search]), f"{search!r}: --count")
        site.check_verified()


def kill_while_sealing(folder, lines, kills):
    chance = seeded("seals")
    with Site(folder, settings="seal:\n  after: 1s\n  size: 1M\n") as site:
        log = site.log("app.log", "application")
        site.start()
        rate = 2500
        writer = Writer(lines, rate, lambda more: open(log.path, "a", encoding="utf-8").write("".join(more)), numbered)
        begun = time.monotonic()
        writer.start()
        for kill in range(kills):
            pause = max(0.0, lines / rate * kill / kills - (time.monotonic() - begun))
            time.sleep(pause * chance.random() + chance.random() * 2)
            site.collector.kill()
            site.start_collector()
        writer.finish()
        wait_for_numbers(site, lines, 300)
        check_numbers(site, lines)
        wait_until(lambda: len(sealed_segments(site)) >= 2, "segments", 60, 0.5)
        check_numbers(site, lines)
        print(f"# {len(sealed_segments(site))} segments", flush=True)
        site.check_verified()


@scenario("kill -9 while sealing")
def _(folder):
    kill_while_sealing(folder, 1_000_000 if SOAK else 60_000, 200 if SOAK else 20)


run()

#!/usr/bin/python3
"""Sealed segments: what was found hot is found sealed, in the same order; a kill leaves nothing out and nothing twice."""
# tocsin-test: timeout=900

import json
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


@scenario("a segment stands alone, and whatever is done to it is found")
def _(folder):
    with Site(folder, settings=SOON) as site:
        access = site.log("auth.log")
        site.start()
        access.write([numbered(i) for i in range(3000)])
        site.wait_for_count(3000)
        # The batch closes a minute after its first event.
        wait_until(lambda: any("/access/" in path for path in sealed_segments(site)), "segments", 120, 0.2)
        time.sleep(2)
        site.collector.stop()
        path = max((path for path in sealed_segments(site) if "/access/" in path), key=os.path.getsize)
        alone = os.path.join(folder, "alone.segment")
        with open(path, "rb") as file:
            good = file.read()
        with open(alone, "wb") as file:
            file.write(good)
        summary = json.loads(site.tocsin("--json", "verify", alone).splitlines()[-1])
        check(summary["events"] == 3000 and summary["findings"] == 0, f"{summary}")
        site.check_verified()

        key = os.path.join(folder, "key")
        with open(key, "w", encoding="ascii") as file:
            file.write("00" * 32 + "\n")
        site.tocsin("verify", "--key", key, alone, expect=(1,))
        size = len(good)
        for place, altered in {"header": good[:60] + b"\1" + good[61:], "index": good[:300] + bytes([good[300] ^ 1]) + good[301:],
                               "block": good[:-100] + bytes([good[-100] ^ 1]) + good[-99:], "cut": good[:size // 2],
                               "empty": b"", "longer": good + b"more"}.items():
            with open(alone, "wb") as file:
                file.write(altered)
            with open(path, "wb") as file:
                file.write(altered)
            if place not in ("empty", "longer"):
                text = site.tocsin("verify", alone, expect=(1,))
                check(text.startswith("BAD"), f"{place}: {text}")
            findings, _ = site.verify()
            if place != "longer":
                check(any("segment access/" in finding["place"] for finding in findings), f"{place}: {findings}")
        os.remove(path)
        check(any("segment access/" in finding["place"] for finding in site.verify()[0]), "a file that is gone")
        # One that was never sealed here takes no other's place.
        other = [other for other in sealed_segments(site) if "/access/" not in other][0]
        with open(other, "rb") as file:
            foreign = file.read()
        with open(path, "wb") as file:
            file.write(foreign)
        check(any("segment access/" in finding["place"] for finding in site.verify()[0]), "another segment in its place")
        with open(path, "wb") as file:
            file.write(good)
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

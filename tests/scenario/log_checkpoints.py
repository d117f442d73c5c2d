#!/usr/bin/python3
"""The log's checkpoints: soon there, still there after a kill, and what is changed below them is found."""

import os
import random
import shutil
import time

from tocsin_site import Site, check, run, scenario, wait_until
from tocsin_store import StoreEditor
from tocsin_wire import ACCESS, CLOSE, EVENTS, Connection, Host, line

CLOSES = 300  # more entries than a tile holds
KILLS = 12


def log_of(site):
    return site.status()["log"]


def covered(site):
    log = log_of(site)
    return log.get("checkpoint", {}).get("size") == log["size"] and log["size"]


@scenario("a new log begins with its genesis, and says in one word what stands behind it")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        size = wait_until(lambda: covered(site), "a checkpoint over the first entries", 10)
        check(size >= 4, f"genesis, day mark, own stream, its first batch: {size} entries")
        check(log_of(site)["control"] == "SINGLE-CONTROL", f"status says {log_of(site)}")
        text = site.tocsin("status")
        check("SINGLE-CONTROL" in text and "UNWITNESSED" in text, f"status says {text}")
        summary = site.check_verified()
        check(summary["log"]["statements"] == 3, f"verify says {summary}")


@scenario("a site from before there was a genesis gets one at its first start, and not later")
def _(folder):
    with Site(folder) as site:
        old = os.path.join(site.data, "collector", "genesis")
        os.remove(old)
        os.remove(os.path.join(site.data, "collector", "registrar.key"))
        shutil.rmtree(os.path.join(site.data, "people"))
        site.start()
        wait_until(lambda: covered(site), "a checkpoint", 10)
        check(os.listdir(os.path.join(site.data, "people")) == ["admin.key"], "no key of an administrator")
        wait_until(lambda: site.agent_status() is not None, "the agent")
        check(log_of(site)["statements"] == 4, f"genesis, day mark and two enrolments: {log_of(site)}")
        site.collector.stop()
        os.remove(old)  # the log has begun: nothing asks for it any more
        site.start_collector()
        check(not os.path.exists(old), "another genesis was made")
        site.check_verified()


@scenario("a checkpoint over what came in is there within 10 s, also after the collector was killed")
def _(folder):
    with Site(folder, settings="checkpoint: {every: 10s}\n") as site:
        log = site.log("auth.log")
        site.start()
        for number in range(3):
            log.write([f"round {number} line {n}" for n in range(50)])
            site.wait_for_count(50 * (number + 1))
            begun = time.monotonic()
            wait_until(lambda: covered(site), "a checkpoint over everything", 12, 0.1)
            check(time.monotonic() - begun < 11, "it took longer than 10 s")
            site.collector.kill()
            summary = site.check_verified()
            check(summary["log"]["covered"] > 0, f"no checkpoint is left: {summary}")
            site.start_collector()
        site.wait_for_lines(log.written)
        site.agent.stop()
        site.collector.stop()
        summary = site.check_verified()
        check(summary["log"]["covered"] == summary["log"]["entries"], f"a stop leaves entries uncovered: {summary}")


@scenario("a collector that is killed again and again keeps a log that verifies, and no checkpoint contradicts another")
def _(folder):
    with Site(folder, settings="checkpoint: {every: 100ms}\n") as site:
        log = site.log("auth.log")
        site.start()
        chance = random.Random(7)
        sizes = []
        for number in range(KILLS):
            log.write([f"kill {number} line {n}" for n in range(200)])
            time.sleep(chance.uniform(0.0, 0.6))
            site.collector.kill()
            summary = site.check_verified()
            sizes.append(summary["log"]["entries"])
            site.start_collector()
        check(sizes == sorted(sizes), f"the log shrank: {sizes}")
        site.wait_for_lines(log.written)
        site.wait_for_signed()
        site.check_verified()


def filled(folder):
    """A stopped site whose log has a full tile."""
    site = Site(folder)
    site.start_collector()
    host = Host("signer1")
    host.join(site)
    with Connection(site.port, host) as wire:
        wire.greet()
        stream = host.streams[0]
        for number in range(CLOSES):
            if number % 50 == 0:
                wire.send(EVENTS, stream.events([(ACCESS, line(f"request {number}"))]))
            wire.send(CLOSE, stream.close())
        wire.expect_marks(0, closed=CLOSES)
    wait_until(lambda: covered(site), "a checkpoint over everything", 10)
    site.collector.stop()
    return site


@scenario("a flipped byte in a tile, a checkpoint or a statement and a dropped entry are found, and their place named")
def _(folder):
    site = filled(folder)
    with site:
        summary = site.check_verified()
        check(summary["log"]["entries"] > CLOSES, f"the summary says {summary}")
        StoreEditor(site).check_found([
            ("a byte of a tile", ["tile", "flip", "", "4000"], ["tile 0/0", "log entry 125"]),
            ("a tile", ["tile", "delete", ""], ["tile"]),
            ("a byte of a checkpoint's signature", ["checkpoint", "flip", "", "-10"], ["the checkpoint of size"]),
            ("a digit of a checkpoint's size", ["checkpoint", "flip", "tocsin", "20"], ["the checkpoint of size"]),
            ("a byte of the genesis", ["entry", "flip", "tocsin/ctrl/v1", "200"], ["control entry 0, log entry 0"]),
            ("a place of a control entry", ["control", "flip", "", "-1"], ["control entry 0"]),
            ("the genesis", ["entry", "delete", "tocsin/ctrl/v1"], ["log entry 0"]),
            ("an entry", ["entry", "delete", "tocsin/batch/v1"], ["missing"]),
        ])
        site.start_collector()
        site.check_verified()


run()

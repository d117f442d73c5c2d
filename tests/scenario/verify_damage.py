#!/usr/bin/python3
"""Somebody with the disk in hand changes what is stored: `tocsin verify` finds it and names the place."""

import os
import shutil

from tocsin_site import Site, check, run, scenario, wait_until
from tocsin_store import StoreEditor
from tocsin_wire import ACCESS, CLOSE, EVENTS, PART, Connection, Host, line


def filled(folder):
    """A stopped site with two hosts: closed batches, and one batch that is still open, under a part."""
    site = Site(folder)
    log = site.log("auth.log")
    site.start()
    log.write([f"login number {n} of somebody" for n in range(200)])
    site.wait_for_lines(log.written)
    host = Host("signer1")
    host.join(site)
    with Connection(site.port, host) as wire:
        wire.greet()
        stream = host.streams[0]
        for number in range(3):
            wire.send(EVENTS, stream.events([(ACCESS, line(f"signed request {number}.{n}")) for n in range(3)]))
            wire.send(CLOSE, stream.close())
        wire.send(EVENTS, stream.events([(ACCESS, line("still open and signed"))]))
        wire.send(PART, stream.part())
        wire.expect_marks(0, stored=10, attested=10, closed=3)
        wire.send(EVENTS, stream.events([(ACCESS, line("still open and not signed"))]))
        wire.expect_marks(0, stored=11)
    site.wait_for_signed(site.agent.name)
    site.agent.stop()
    site.collector.stop()
    return site


@scenario("a changed, missing or forged piece of the store is found, and its place named")
def _(folder):
    site = filled(folder)
    with site:
        summary = site.check_verified()
        check(summary["events"] > 211 and summary["streams"] >= 3, f"the summary says {summary}")
        entry_of_signer = "tocsin/batch/v1"
        StoreEditor(site).check_found([
            ("a bit of a body", ["hot", "flip", "signed request 1.1"], ["signer1", "batch 1"]),
            ("a bit of an open, signed body", ["hot", "flip", "still open and signed"], ["signer1"]),
            ("a row of bodies", ["hot", "delete", "signed request 1.1"], ["row"]),
            ("a bit of an entry's time", ["entry", "flip", entry_of_signer, "90"], ["batch"]),
            ("a bit of an entry's signature", ["entry", "flip", entry_of_signer, "-1"], ["batch"]),
            ("an entry", ["entry", "delete", ""], ["entry 0"]),
            ("a bit of a class list", ["class_list", "flip", "", "-1"], ["batch"]),
            ("a class list", ["class_list", "delete", ""], ["batch"]),
            ("the place of events", ["index", "delete", ""], ["row", "its place is missing"]),
            ("the place of events, another one", ["index", "flip", "", "7"], ["the places of events"]),
            ("the place of a batch", ["batch", "delete", ""], ["log entry", "its place is missing"]),
            ("the place of a batch, another one", ["batch", "flip", "", "7"], ["the places of batches"]),
            ("an alert", ["alert", "delete", "A host has joined"], ["the alerts", "MISSING"]),
            ("what an alert says", ["alert", "flip", "A host has joined"], ["alert", "own events say"]),
            ("where an alert stands by its id", ["alert", "put", "69" + "30" * 32, "00" * 12], ["alert 000", "MISSING"]),
            ("the key of an agent", ["registry", "flip", "signer1", "12"], ["agent signer1", "another key"]),
            ("a row where none belongs", ["segment_filter", "put", "00", "00"], ["filters"]),
        ], lambda what: check("BAD" in site.tocsin("verify", expect=(1,)), f"{what}: no word of it in the text"))
        site.start_collector()
        site.check_verified()


@scenario("what was sealed and then changed, taken away or forged is found, with its verdict and place")
def _(folder):
    with Site(folder, settings="seal:\n  after: 1s\n") as site:
        site.agent.more = "batch: {close_after: 1s}\n"
        log, other = site.log("auth.log"), site.log("ca.log", "signing")
        site.start()
        log.write([f"login number {n} of somebody" for n in range(50)])
        other.write([f"request number {n}" for n in range(5)])
        site.wait_for_lines(log.written)
        site.wait_for_count(5, access_class="signing")
        segments = os.path.join(site.data, "collector", "store", "segments")
        wait_until(lambda: all(os.path.isdir(os.path.join(segments, name)) for name in ("access", "signing")), "segments",
                   every=0.3)
        site.agent.stop()
        site.collector.stop()
        day_keys = os.path.join(site.data, "collector", "day.keys")

        def file_of(name):
            return next(os.path.join(place, file) for place, _, files in os.walk(os.path.join(segments, name)) for file in files)

        def flip(name, place):
            with open(file_of(name), "r+b") as file:
                file.seek(place, os.SEEK_END)
                byte = file.read(1)[0] ^ 1
                file.seek(place, os.SEEK_END)
                file.write(bytes([byte]))

        def put_keys_back(_):
            if os.path.exists(day_keys + ".away"):
                os.rename(day_keys + ".away", day_keys)

        StoreEditor(site).check_found([
            ("a segment's row", ["segment", "delete", ""], ["MISSING", "class"]),
            ("a segment's file", lambda: os.remove(file_of("signing")), ["segment signing"]),
            ("another file in its place", lambda: shutil.copy(file_of("access"), file_of("signing")), ["segment signing"]),
            ("a bit of its last block", lambda: flip("access", -40), ["segment access"]),
            ("a bit of its middle", lambda: flip("signing", -400), ["segment signing"]),
            ("its last byte", lambda: os.truncate(file_of("access"), os.path.getsize(file_of("access")) - 1), ["segment access"]),
            ("the day keys", lambda: os.rename(day_keys, day_keys + ".away"), ["segment access"]),
        ], put_keys_back)


run()

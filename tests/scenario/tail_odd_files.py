#!/usr/bin/python3
"""Files and lines that are not as they should be: late, unreadable, linked, huge, torn, full of NULs or of no text at all."""

import hashlib
import os
import time

from load_lines import check_numbers, no_gap, numbered, wait_for_numbers
from tocsin_site import SOAK, Site, Skipped, check, run, scenario, wait_until

MIB = 1 << 20
HOLE = (500 if SOAK else 100) * MIB
MEMORY_MIB = 60  # an agent's growth over such a hole; the sanitizer's own needs are in it
PIECE = 64 * 1024  # of a line in one event (source.h)
WITHOUT_ROOT = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search")


def append(path, data):
    with open(path, "ab") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def text_of(*numbers):
    return "".join(numbered(number) + "\n" for number in numbers)


def finished(site, total):
    wait_for_numbers(site, total)
    check_numbers(site, total)
    site.wait_for_signed()
    site.check_verified()


@scenario("folders and files that come late, and a glob whose files come and go")
def _(folder):
    with Site(folder) as site:
        late = os.path.join(folder, "late", "deep", "app.log")
        site.agent.follow(late, "application")
        site.agent.follow(os.path.join(folder, "some", "*", "*.log"), "application")
        site.start()
        os.makedirs(os.path.dirname(late))
        append(late, text_of(0, 1))
        wait_for_numbers(site, 2)
        total = 2
        for turn in range(10):
            path = os.path.join(folder, "some", f"unit-{turn}")
            os.makedirs(path)
            append(os.path.join(path, "out.log"), text_of(total))
            append(os.path.join(path, "out.log.gz"), b"never read as text\n")
            total += 1
            if turn % 2:
                wait_for_numbers(site, total)
                os.remove(os.path.join(path, "out.log"))
        finished(site, total)
        no_gap(site)
        check(site.count('"never read"') == 0, "a compressed file was read as text")


@scenario("a log that may not be read, and then may")
def _(folder):
    with Site(folder) as site:
        log = site.log("app.log", "application")
        append(log.path, text_of(*range(100)))
        os.chmod(log.path, 0)
        site.start_collector()
        site.agent.write_settings()
        site.agent.daemon.start(wrapper=WITHOUT_ROOT if os.geteuid() == 0 else ())
        site.agent.daemon.wait_for_log("connected to")
        wait_until(lambda: site.states("file_unreadable"), "an event says that the log cannot be read")
        wait_until(lambda: site.alerts("cannot be read"), "an alert that the log cannot be read")
        check(site.count("n=") == 0, "what may not be read was read")
        os.chmod(log.path, 0o600)
        finished(site, 100)
        no_gap(site)


@scenario("links: retargeted, looped, broken, and one that somebody has put into a glob")
def _(folder):
    with Site(folder) as site:
        link = os.path.join(folder, "current.log")
        loops = [os.path.join(folder, name) for name in ("loop-a.log", "loop-b.log")]
        globbed = os.path.join(folder, "glob")
        os.mkdir(globbed)
        site.agent.follow(link, "application")
        site.agent.follow(loops[0], "application")
        site.agent.follow(os.path.join(globbed, "*.log"), "application")
        append(os.path.join(folder, "one"), text_of(0, 1))
        append(os.path.join(folder, "two"), text_of(2, 3))
        append(os.path.join(folder, "secret"), "the secret that nobody may read\n")
        os.symlink("one", link)
        os.symlink(loops[1], loops[0])
        os.symlink(loops[0], loops[1])
        os.symlink("../secret", os.path.join(globbed, "evil.log"))
        append(os.path.join(globbed, "good.log"), text_of(4))
        site.start()
        wait_for_numbers(site, 3)
        os.symlink("two", link + ".new")
        os.rename(link + ".new", link)
        wait_for_numbers(site, 5)
        append(os.path.join(folder, "one"), text_of(5))  # the old target is read on, as a rotated file is
        append(os.path.join(folder, "two"), text_of(6))
        finished(site, 7)
        check(site.count("secret") == 0, "a link in a glob led to a file that was not asked for")
        check(site.states("file_refused"), "nobody says that a link was refused")


@scenario("lines in pieces, and a last line without its newline")
def _(folder):
    with Site(folder) as site:
        log = site.log("app.log", "application")
        site.start()
        text = text_of(*range(50))
        for at in range(0, len(text), 37):
            append(log.path, text[at:at + 37])
            if at % 10 == 0:
                time.sleep(0.01)
        finished(site, 50)
        check(len(site.query("n=")) == 50, "a torn line came as two")
        append(log.path, text_of(50).rstrip("\n"))
        wait_for_numbers(site, 51)  # after its time
        site.agent.stop()
        site.agent.start()
        append(log.path, "\n" + text_of(51))
        finished(site, 52)
        no_gap(site)


@scenario("over-long lines come in fragments that are whole together")
def _(folder):
    with Site(folder) as site:
        log = site.log("app.log", "application")
        site.start()
        lengths = (PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17, 5 * MIB)
        longs = [(f"long {number} " + "x%d" % number * length)[:length] for number, length in enumerate(lengths)]
        for number, line in enumerate(longs):
            append(log.path, line + "\n" + text_of(number))
        finished(site, len(longs))
        events = site.query("", "--class", "application")
        events.sort(key=lambda event: int(event["id"].rpartition("/")[2]))
        raw = [event["event"]["original"] for event in events]
        check("".join(line for line in raw if " n=" not in line) == "".join(longs), "the fragments are not the lines")
        last = [event["fragment"] for event in events if "sha256" in event.get("fragment", {})]
        for line in longs[2:]:
            digest = hashlib.sha256(line.encode()).hexdigest()
            check(any(one["sha256"] == digest and int(one["total"]) == len(line) for one in last),
                  f"no last fragment with length and hash of a line of {len(line)} bytes")


@scenario("a hole of NULs costs no memory, is told, and what follows it is read")
def _(folder):
    with Site(folder) as site:
        log = site.log("app.log", "application")
        append(log.path, text_of(0))
        site.start()
        wait_for_numbers(site, 1)
        before = site.agent.daemon.memory_kib("VmHWM")
        with open(log.path, "r+b") as file:
            file.truncate(os.path.getsize(log.path) + HOLE)
        append(log.path, "\n" + text_of(1))
        finished(site, 2)
        gaps = site.query("gap.reason:zeros")
        check(sum(int(gap["gap"]["count"]) for gap in gaps) == HOLE, f"the hole is not told as it was: {gaps}")
        grown = (site.agent.daemon.memory_kib("VmHWM") - before) // 1024
        check(grown < MEMORY_MIB, f"the agent grew by {grown} MiB over a hole")


@scenario("offsets beyond 4 GiB, over restarts")
def _(folder):
    with Site(folder) as site:
        log = site.log("app.log", "application")
        with open(log.path, "wb") as file:
            try:
                file.truncate(5 << 30)
            except OSError as error:
                raise Skipped(f"no sparse file of 5 GiB here: {error}") from None
        append(log.path, "\n" + text_of(*range(10)))
        site.start()
        wait_for_numbers(site, 10)
        for end in (site.agent.stop, site.agent.kill):
            first = site.count("n=")
            end()
            append(log.path, text_of(*range(first, first + 10)))
            site.agent.start()
            wait_for_numbers(site, first + 10)
        finished(site, 30)
        gaps = site.query("gap.reason:zeros")
        check(sum(int(gap["gap"]["count"]) for gap in gaps) == 5 << 30, f"the hole is not told as it was: {gaps}")


@scenario("bytes of any kind are kept as they are, and the rule still fires")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log", "access")
        site.start()
        attack = b"%s ca1 sshd[7]: Failed password for invalid user %s from %s port 22 ssh2"
        stamp = time.strftime("%b %e %H:%M:%S").encode()
        spoilt = {
            "203.0.113.1": (b"\xff\xfe\xfa", b"\n"),
            "203.0.113.2": (b"crlf", b"\r\n"),
            "203.0.113.3": (b"nul\0l", b"\n"),
            "203.0.113.4": (b"esc\x1b[2J\x07", b"\n"),
            "203.0.113.5": ("überall".encode() + b"\xc3", b"\n"),
        }
        append(log.path, b"\xef\xbb\xbfa byte order mark comes first\n")
        for address, (user, end) in spoilt.items():
            append(log.path, b"".join(attack % (stamp, user, address.encode()) + end for _ in range(6)))
        wait_until(lambda: site.count("", "--class", "access") >= 1 + 6 * len(spoilt), "all lines")
        for address in spoilt:
            wait_until(lambda: any(alert["entity"]["source"]["ip"] == address
                                   for alert in site.alerts("Many failed ssh logins")), f"an alert about {address}")
        site.check_verified()


run()

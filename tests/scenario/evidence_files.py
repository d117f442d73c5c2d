#!/usr/bin/python3
"""Excerpts and proofs of absence of a real site: made while the collector runs, verified without it, tampered with."""

import base64
import datetime
import hashlib
import json
import os
import subprocess
import sys
import time

from tocsin_site import BIN, PATIENCE_S, SOURCE, Site, check, run, scenario, wait_until
from tocsin_witness import settings, witnesses

LINES = [f"Failed password for admin{n} from 192.0.2.{n} port 22 ssh2" for n in range(40)]


def verify(path, *arguments, expect=(0,)):
    """`tocsin verify` where no site is: its JSON lines."""
    done = subprocess.run([os.path.join(BIN, "tocsin"), "--site", "/nowhere", "--json", "verify", *arguments, path],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    check(done.returncode in expect, f"verify ended with {done.returncode}: {done.stderr or done.stdout[-1000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()], done


def microseconds(text):
    whole, fraction = text.rstrip("Z").split(".")
    moment = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * 1_000_000 + int(fraction)


def merged(intervals):
    """Neighbours that say the same as one: (from, to, verdict, events)."""
    found = []
    for begin, end, verdict, events in intervals:
        if found and not events and not found[-1][3] and found[-1][1:3] == [begin, verdict]:
            found[-1][1] = end
        else:
            found.append([begin, end, verdict, events])
    return found


def agrees(trust, path, lines):
    """What was said of the file is what Python alone reads in it (tests/transcript/evidence_reader.py)."""
    reader = os.path.join(SOURCE, "tests", "transcript", "evidence_reader.py")
    done = subprocess.run([sys.executable, reader, trust, path], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{path}: {done.stderr[-500:]}")
    read = [json.loads(line) for line in done.stdout.splitlines()]
    if "class" in read[0]:
        check([(one["host"], one["seq"]) for one in read] ==
              [(one["host"]["name"], int(one["id"].rsplit("/", 1)[1])) for one in lines[:-1]], f"other events: {read[:3]}")
        return
    said = merged((microseconds(one["from"]), microseconds(one["to"]), one["verdict"], one["events"]) for one in lines[:-1])
    alone = merged((one["from"], one["to"], one["verdict"], one["events"]) for one in read)
    check(said == alone, f"two readings of one proof: {said} and {alone}")


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def filled(folder):
    site = Site(folder)
    site.auth = site.log("auth.log")
    site.start()
    site.auth.write(LINES)
    site.wait_for_lines(LINES)
    return site


def flipped(path, to, find, replace):
    with open(path, "rb") as file:
        content = file.read()
    check(find in content, f"{find!r} is not in {path}")
    with open(to, "wb") as file:
        file.write(content.replace(find, replace, 1))
    return to


@scenario("an excerpt made now stands alone: with a trust file every event opens, without one nothing does")
def _(folder):
    trust, excerpt = os.path.join(folder, "log.trust"), os.path.join(folder, "case.excerpt")
    with filled(folder) as site:
        site.tocsin("trust", "export", "-o", trust)
        site.tocsin("excerpt", "Failed password", "--class", "access", "-o", excerpt)
        lines, _ = verify(excerpt, "--trust", trust)
        agrees(trust, excerpt, lines)
        events, summary = lines[:-1], lines[-1]
        check(summary["events"] == len(LINES) and summary["altered"] == 0, f"the summary says {summary}")
        check({event["verdict"] for event in events} == {"OPENED"}, f"{events[0]}")
        check(sorted(event["event"]["original"] for event in events) == sorted(LINES), "other lines")
        known = {event["id"] for event in site.query("", "--class", "access")}
        check({event["id"] for event in events} == known, "other ids than the query's")
        check(events[0]["restrictions"] == ["UNWITNESSED"], f"{events[0]['restrictions']}")
        # The site itself knows its log, too.
        site.tocsin("verify", excerpt)
    _, done = verify(excerpt, expect=(3,))
    check("--trust" in done.stderr, done.stderr)
    # The collector is gone; the file is not.
    verify(excerpt, "--trust", trust)


@scenario("an excerpt that was changed says which event, or that nothing of it holds")
def _(folder):
    trust, excerpt = os.path.join(folder, "log.trust"), os.path.join(folder, "case.excerpt")
    bad = os.path.join(folder, "bad.excerpt")
    with filled(folder) as site:
        site.tocsin("trust", "export", "-o", trust)
        site.tocsin("excerpt", "admin7 or admin8", "-o", excerpt)
    with open(excerpt, "rb") as file:
        extra = [line for line in file.read().splitlines() if line.startswith(b"extra ")]
    check(len(extra) == 2, f"{len(extra)} events")
    for number, line in enumerate(extra, 1):
        raw = base64.b64decode(line[6:])
        forged = raw.replace(b"192.0.2.", b"198.51.1")
        check(forged != raw, "no address in the body")
        flipped(excerpt, bad, line, b"extra " + base64.b64encode(forged))
        lines, _ = verify(bad, "--trust", trust, expect=(1,))
        verdicts = [event["verdict"] for event in lines[:-1]]
        check(verdicts[number - 1] == "ALTERED" and verdicts.count("OPENED") == 1, f"{verdicts}")
    flipped(excerpt, bad, b"\nground ", b"\nground AAAA")
    lines, _ = verify(bad, "--trust", trust, expect=(1,))
    check(len(lines) == 1 and lines[0]["verdict"] == "ALTERED", f"{lines}")
    with open(excerpt, "rb") as file:
        content = file.read()
    for size in (0, 1, 17, 100, len(content) // 2, len(content) - 1):
        with open(bad, "wb") as file:
            file.write(content[:size])
        verify(bad, "--trust", trust, expect=(1,))
    # Another log's trust.
    other = Site(os.path.join(folder, "other"))
    with other:
        other.start_collector()
        wait_until(lambda: "genesis" in other.tocsin("trust", "export", "-o", os.path.join(folder, "other.trust"),
                                                      expect=(0, 3)), "the other log has a genesis")
        lines, _ = verify(excerpt, "--trust", os.path.join(folder, "other.trust"), expect=(1,))


@scenario("a proof of absence covers the time without a hole, counts what was read, and shows the gap of an outage")
def _(folder):
    trust, proof = os.path.join(folder, "log.trust"), os.path.join(folder, "quiet.absence")
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["one"])
        site.wait_for_lines(["one"])
        begin = time.time()
        time.sleep(2)
        site.agent.kill()
        time.sleep(2)
        site.agent.start()
        site.wait_for_signed(site.agent.name)
        time.sleep(1)
        end = time.time()
        site.tocsin("trust", "export", "-o", trust)
        name = site.agent.name
        site.tocsin("absence", "--stream", name, "--class", "signing", "--from", utc(begin - 60), "--to", utc(end),
                    "-o", proof)
        lines, _ = verify(proof, "--trust", trust)
        agrees(trust, proof, lines)
        intervals, summary = lines[:-1], lines[-1]
        check(summary["stream"] == name and summary["events"] == 0, f"{summary}")
        check(intervals[0]["from"].startswith(utc(begin - 60)[:-1]), f"{intervals[0]}")
        for before, after in zip(intervals, intervals[1:]):
            check(before["to"] == after["from"], f"a hole between {before} and {after}")
        verdicts = [interval["verdict"] for interval in intervals]
        check("UNATTESTED" in verdicts and "UNWITNESSED" in verdicts, f"{verdicts}")
        check(any("not running" in interval.get("reason", "") for interval in intervals), f"{intervals}")
        site.tocsin("absence", "--stream", name, "--class", "access", "--from", utc(begin - 60), "--to", utc(end),
                    "-o", proof)
        lines, _ = verify(proof, "--trust", trust)
        check(lines[-1]["events"] == 1, f"{lines[-1]}")
        agrees(trust, proof, lines)
        bad = os.path.join(folder, "bad.absence")
        with open(proof, "rb") as file:
            content = file.read()
        step = max(1, len(content) // 40)
        for place in range(content.index(b"tocsin/ground/1"), len(content), step):
            with open(bad, "wb") as file:
                file.write(content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])
            verify(bad, "--trust", trust, expect=(1,))
        # One entry out of the middle.
        entries = [place for place in range(len(content)) if content.startswith(b"tocsin/batch/v1", place)]
        check(len(entries) >= 3, f"{len(entries)} entries")
        site.tocsin("absence", "--stream", name, "--class", "application", "--from", utc(begin), "--to", utc(end), "-o", bad,
                    expect=(2,))
        site.tocsin("absence", "--stream", "nobody", "--class", "access", "--from", utc(begin), "--to", utc(end), "-o", bad,
                    expect=(2,))


@scenario("with two witnesses the intervals are WITNESSED, and a trust that knows others takes nothing")
def _(folder):
    trust, proof = os.path.join(folder, "log.trust"), os.path.join(folder, "quiet.absence")
    with Site(folder) as site:
        site.agent.more = "batch: {close_after: 1s}\n"
        log = site.log("auth.log")
        site.write_settings(settings(2, *witnesses(site, "w1.example", "w2.example")))
        site.start()
        for number in range(3):
            log.write([f"line {number}"])
            time.sleep(3)
        site.wait_for_lines(log.written)
        begin = time.time()
        time.sleep(3)
        site.tocsin("trust", "export", "-o", trust)
        # What the agent has seen by now stands in the next entries.
        for _ in range(2):
            time.sleep(3)
            site.tocsin("absence", "--stream", site.agent.name, "--class", "signing", "--from", utc(begin), "--to", "now", "-o",
                        proof)
        lines, _ = verify(proof, "--trust", trust)
        check(lines[0]["verdict"] == "WITNESSED" and lines[0]["from"].startswith(utc(begin)[:-1]), f"{lines}")
        check(not lines[-1]["unwitnessed"], f"{lines[-1]}")
        agrees(trust, proof, lines)
        excerpt = os.path.join(folder, "case.excerpt")
        site.tocsin("excerpt", "line", "-o", excerpt)
        lines, _ = verify(excerpt, "--trust", trust)
        check(lines[-1]["events"] == 3 and lines[0]["restrictions"] == [], f"{lines}")
        # The whole store, too, is held against what the verifier brings along.
        site.tocsin("verify", "--trust", trust)
        with open(trust, encoding="utf-8") as file:
            text = file.read()
        other = os.path.join(folder, "other.trust")
        genesis = next(line for line in text.splitlines() if line.startswith("genesis "))
        with open(other, "w", encoding="utf-8") as file:
            file.write(text.replace(genesis, "genesis " + "ab" * 32))
        findings = site._objects("verify", "--trust", other, expect=(1,))
        check("genesis" in str(findings), f"{findings[:2]}")
    check(text.count("witness ") == 2 and "needed 2" in text, text)
    forged = os.path.join(folder, "forged.trust")
    with open(forged, "w", encoding="utf-8") as file:
        file.write(text.replace("w1.example", "w3.example"))
    _, done = verify(excerpt, "--trust", forged, expect=(2,))
    check("line 5" in done.stderr, done.stderr)


@scenario("events that were sealed are opened as those that are hot")
def _(folder):
    trust, excerpt = os.path.join(folder, "log.trust"), os.path.join(folder, "case.excerpt")
    with Site(folder, settings="seal:\n  after: 1s\n") as site:
        site.agent.more = "batch: {close_after: 1s}\n"
        log, other = site.log("auth.log"), site.log("ca.log", "signing")
        site.start()
        log.write(LINES)
        other.write(["a request for signing", "another one"])
        site.wait_for_lines(LINES)
        site.wait_for_count(2, access_class="signing")
        segments = os.path.join(site.data, "collector", "store", "segments")
        wait_until(lambda: os.path.isdir(os.path.join(segments, "access")) and os.path.isdir(os.path.join(segments, "signing")),
                   "both classes are sealed", every=0.3)
        log.write(["a line that is still hot"])
        site.wait_for_lines(log.written)
        site.tocsin("trust", "export", "-o", trust)
        site.tocsin("excerpt", "password or signing or hot", "-o", excerpt)
        lines, _ = verify(excerpt, "--trust", trust)
        check(lines[-1]["altered"] == 0, f"{lines[-1]}")
        agrees(trust, excerpt, lines)
        opened = [event["event"]["original"] for event in lines[:-1]]
        check(set(log.written + ["a request for signing"]) <= set(opened), f"{opened}")


@scenario("a plain tlog-proof proves that an entry is in the log, and says that it proves nothing more")
def _(folder):
    trust, proof, entry = (os.path.join(folder, name) for name in ("log.trust", "hold.tlog-proof", "entry"))
    with Site(folder) as site:
        site.start_collector()
        paper = os.path.join(folder, "hold.txt")
        site.tocsin("hold", "place", "--host", "signer1", "--reason", "case 12", "-o", paper)
        site.tocsin("sign", paper, "--yes")
        site.tocsin("submit", paper, "--proof", proof)
        site.tocsin("trust", "export", "-o", trust)
    lines, _ = verify(proof, "--trust", trust)
    check(lines[0]["verdict"] == "INCLUDED" and lines[0]["statement"]["type"] == "hold place", f"{lines}")
    with open(proof, "rb") as file:
        head, extra, rest = file.read().split(b"\n", 2)
    with open(entry, "wb") as file:
        file.write(base64.b64decode(extra[6:]))
    leaf = hashlib.sha256(b"\0" + base64.b64decode(extra[6:])).hexdigest()
    # As anybody else's tool writes it: without extra data, or with some of its own.
    for more in (b"", b"extra bWluZQ==\n"):
        with open(proof, "wb") as file:
            file.write(head + b"\n" + more + rest)
        _, done = verify(proof, "--trust", trust, expect=(2,))
        check("--entry" in done.stderr and "--leaf" in done.stderr, done.stderr)
        for named in (("--entry", entry), ("--leaf", leaf)):
            lines, _ = verify(proof, "--trust", trust, *named)
            check(lines[0]["verdict"] == "INCLUDED" and lines[0]["leaf"] == leaf and lines[0]["unwitnessed"], f"{lines}")
            check("statement" not in lines[0], "it says more than it knows")
        lines, _ = verify(proof, "--trust", trust, "--leaf", "ab" * 32, expect=(1,))
        check(lines[0]["verdict"] == "ALTERED", f"{lines}")
        verify(proof, "--trust", trust, "--leaf", "ab", expect=(2,))
        verify(proof, "--trust", trust, "--entry", "/nowhere/entry", expect=(2,))
        verify(proof, "--trust", trust, "--entry", trust, expect=(1,))
    said = subprocess.run([os.path.join(BIN, "tocsin"), "--site", "/nowhere", "verify", "--trust", trust, "--entry", entry, proof],
                          capture_output=True, text=True, check=True).stdout
    check("nothing about what the entry says" in said and "UNWITNESSED" in said, said)


@scenario("what a machine said last, before it was gone, opens by the part that it had signed")
def _(folder):
    trust, excerpt = os.path.join(folder, "log.trust"), os.path.join(folder, "case.excerpt")
    with Site(folder) as site:
        site.start()
        other = site.new_agent("ocsp1.example")
        other.more = "batch: {close_after: 10m}\n"
        log = other.log("auth.log")
        other.start()
        log.write(LINES)
        site.wait_for_lines(LINES, "ocsp1.example")
        site.wait_for_signed("ocsp1.example")
        other.kill()
        site.tocsin("trust", "export", "-o", trust)
        site.tocsin("excerpt", "--host", "ocsp1.example", "--class", "access", "-o", excerpt)
        lines, _ = verify(excerpt, "--trust", trust)
        check(sorted(event["event"]["original"] for event in lines[:-1]) == sorted(LINES), f"{lines[-1]}: {site.errors}")
        check(all("ORPHANED" in event["restrictions"] for event in lines[:-1]), f"{lines[0]}")
        proof = os.path.join(folder, "quiet.absence")
        site.tocsin("absence", "--stream", "ocsp1.example", "--class", "access", "--from", "1h", "--to", "now", "-o", proof)
        lines, _ = verify(proof, "--trust", trust)
        check(lines[-1]["events"] == len(LINES) and lines[-2]["verdict"] == "UNATTESTED", f"{lines[-2:]}")
        site.check_verified()


@scenario("a store at rest gives excerpts' trust, and says what it cannot prove")
def _(folder):
    trust, live = os.path.join(folder, "log.trust"), os.path.join(folder, "live.trust")
    with filled(folder) as site:
        site.tocsin("trust", "export", "-o", live)
        site.agent.stop()
        site.collector.stop()
        site.tocsin("trust", "export", "-o", trust)
        with open(trust, "rb") as a, open(live, "rb") as b:
            check(a.read() == b.read(), "the trust of the store at rest is another one")


@scenario("a store at rest is searched, and gives excerpts and proofs of absence, as the running collector does")
def _(folder):
    trust, excerpt = os.path.join(folder, "log.trust"), os.path.join(folder, "case.excerpt")
    proof = os.path.join(folder, "quiet.absence")
    with Site(folder, settings="seal:\n  after: 1s\n") as site:
        site.agent.more = "batch: {close_after: 1s}\n"
        log = site.log("auth.log")
        site.start()
        begin = time.time()
        log.write(LINES)
        site.wait_for_lines(LINES)
        segments = os.path.join(site.data, "collector", "store", "segments", "access")
        wait_until(lambda: os.path.isdir(segments), "the class is sealed", every=0.3)
        log.write(["a line that is still hot"])
        site.wait_for_lines(log.written)
        site.tocsin("excerpt", "hot", "-o", excerpt)  # closes what is open
        site.agent.stop()
        answers = {words: site.query(*words) for words in [("",), ("password", "--class", "access"), ("", "--limit", "5")]}
        counted = site.count("password")
        site.collector.stop()
        for words, answer in answers.items():
            found = site.query(*words)
            # The collector reports its own stop, and what it found meanwhile.
            kept = [event for event in found if event["id"] in {one["id"] for one in answer}]
            check(kept == answer or "--limit" in words, f"{words}: another answer at rest: {len(found)}, {len(answer)}")
        check(site.count("password") == counted, "another count at rest")
        site.tocsin("query", "--follow", expect=(3,))
        check("no collector answers" in site.errors, site.errors)
        site.tocsin("query", "(", expect=(2,))
        site.tocsin("trust", "export", "-o", trust)
        site.tocsin("excerpt", "password or hot", "-o", excerpt)
        lines, _ = verify(excerpt, "--trust", trust)
        agrees(trust, excerpt, lines)
        check(sorted(event["event"]["original"] for event in lines[:-1]) == sorted(log.written), f"{lines[-1]}")
        # Whatever there is, its own last words included: a stop states a mark behind everything.
        site.tocsin("excerpt", "-o", excerpt)
        check("left out" not in site.errors, site.errors)
        lines, _ = verify(excerpt, "--trust", trust)
        check(any("was stopped" in event["event"]["original"] for event in lines[:-1]), "not its last words")
        site.tocsin("absence", "--stream", site.agent.name, "--class", "signing", "--from", utc(begin + 1), "--to", "now",
                    "-o", proof)
        lines, _ = verify(proof, "--trust", trust)
        agrees(trust, proof, lines)
        check(lines[-1]["events"] == 0 and any(one["verdict"] == "UNWITNESSED" for one in lines), f"{lines}")
        # After a kill what the log does not hold yet is left out, and it says what to do.
        site.start_collector()
        site.agent.more = "batch: {close_after: 10m}\n"
        site.agent.start()
        log.write(["in no batch yet"])
        site.wait_for_lines(log.written)
        site.collector.kill()
        site.tocsin("excerpt", "hot or batch", "-o", excerpt)
        check("1 event cannot be proved" in site.errors and "start the collector" in site.errors, site.errors)
        lines, _ = verify(excerpt, "--trust", trust)
        check(lines[-1]["events"] == 1, f"{lines[-1]}")
        site.tocsin("excerpt", "no-such-word", "-o", excerpt, expect=(3,))


run()

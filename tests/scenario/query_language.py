#!/usr/bin/python3
"""What `tocsin query` finds, against what was written."""

import os
import subprocess
import time
from datetime import datetime, timezone

from tocsin_site import BIN, Site, check, run, scenario

LINES = [
    "Nov 21 10:00:00 signer1 sshd[100]: Accepted publickey for alice from 192.0.2.1 port 40001 ssh2",
    "Nov 21 10:00:01 signer1 sshd[101]: Failed password for root from 198.51.100.7 port 40002 ssh2",
    "Nov 21 10:00:02 signer1 sshd[102]: Failed password for invalid user oracle from 198.51.100.7 port 40003 ssh2",
    "Nov 21 10:00:03 signer1 sshd[103]: Failed password for bob from 2001:db8::7 port 40004 ssh2",
    "Nov 21 10:00:04 signer1 sudo:   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id",
    "a plain line with \"quotes\", a back\\slash and ünïcode \U0001f514",
    "another and or not (in parentheses)",
    "",
]
BULK = ["Nov 21 10:00:05 signer1 kernel: [ 1.0] eth0: link up", '{"level":"info","status":503,"path":"/ocsp"}']


@scenario("expressions find what they say")
def _(folder):
    with Site(folder) as site:
        access, bulk = site.log("auth.log"), site.log("app.log", "application")
        site.start()
        access.write(LINES)
        bulk.write(BULK)
        site.wait_for_count(len(BULK), access_class="application")
        kept = [text for text in LINES if text]
        site.wait_for_count(len(kept))
        stored = site.lines()
        check([text for text in stored if text] == kept, f"stored: {stored}")

        expected = {
            "failed": [1, 2, 3], "FAILED password": [1, 2, 3], '"Failed password for root"': [1],
            "failed and not invalid": [1, 3], "failed not invalid": [1, 3], "oracle or bob": [2, 3],
            "(oracle or bob) and 198.51.100.7": [2], "not (failed or accepted) sudo": [4],
            "source.ip:198.51.100.7": [1, 2], "source.ip:198.51.*": [1, 2], 'source.ip:"2001:db8::7"': [3],
            "user.name:alice and event.outcome:success": [0, 4], "user.name:ROOT and event.outcome:failure": [1],
            '"and or not"': [6], '"\\"quotes\\""': [5], '"back\\\\slash"': [5], "ünïcode": [5], "\U0001f514": [5],
            "nothing-has-this": [], "source.port:>40002 and source.port:<=40004": [2, 3],
        }
        for expression, numbers in expected.items():
            found = [event["event"]["original"] for event in site.query(expression, "--class", "access")]
            check(sorted(found) == sorted(LINES[n] for n in numbers), f"{expression}: {found}")
            count = site.count(expression, "--class", "access")
            check(count == len(numbers), f"{expression}: --count says {count}")
        check(site.count("status:503") + site.count("http.response.status_code:503") >= 1, "a number in a JSON line")
        check(site.count("", "--class", "application") == len(BULK), "--class")
        check(site.count("failed", "--host", site.agent.name) == 3 and site.count("failed", "--host", "other") == 0, "--host")
        check(len(site.query("failed", "--limit", "2")) == 2, "--limit")


@scenario("times bound what is found, by the event's time and by its arrival")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["the first"])
        site.wait_for_count(1)
        time.sleep(1.1)
        between = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        time.sleep(1.1)
        log.write(["the second"])
        site.wait_for_count(2)
        for more in ((), ("--by", "ingested")):
            for bound, wanted in (("--since", "the second"), ("--until", "the first")):
                found = [event["event"]["original"] for event in site.query("the", bound, between, "--class", "access", *more)]
                check(found == [wanted], f"{bound} {between} {more}: {found}")
        check(site.count("the", "--since", "1h", "--class", "access") == 2, "--since 1h")


@scenario("following shows what comes in, and ends when its reader does")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["old match"])
        site.wait_for_count(1)
        follower = subprocess.Popen([os.path.join(BIN, "tocsin"), "--site", site.folder, "query", "match", "--follow"],
                                    stdout=subprocess.PIPE, text=True)
        try:
            check("old match" in follower.stdout.readline(), "what was there is not shown first")
            for number in range(3):
                log.write([f"match {number}", f"nothing {number}"])
                check(f"match {number}" in follower.stdout.readline(), f"line {number} is not followed")
        finally:
            follower.kill()
            follower.wait()
            follower.stdout.close()


@scenario("a mistake in a search is told with its place, and is no crash")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        for expression in ("(", ")", "a and", "or b", '"open', "not", "((a)", "field:", "x" * 9000):
            site.tocsin("query", expression, expect=(2,))
            check("column" in site.errors or "at most" in site.errors, f"{expression[:20]!r}: {site.errors}")
        for arguments in (["--class", "nonsense"], ["--since", "yesterday-ish"], ["--limit", "many"], ["--nonsense"]):
            site.tocsin("query", *arguments, expect=(2,))
            check(site.errors.startswith("tocsin query: "), f"{arguments}: {site.errors}")
        site.tocsin("query", "a" + " b" * 400, expect=(0, 2))
        site.tocsin("query", "(" * 100 + "a" + ")" * 100, expect=(2,))
        site.collector.stop()
        site.tocsin("query", "--follow", expect=(3,))
        check("tocsin-collector" in site.errors, f"without a collector: {site.errors}")
        site.start_collector()
        check(site.count() >= 1, "the collector answers")


run()

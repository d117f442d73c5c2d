#!/usr/bin/python3
"""What `tocsin query` finds, against what was written."""
# tocsin-test: timeout=900

import os
import random
import re
import subprocess
import sys
import time
from datetime import datetime, timezone

from tocsin_site import BIN, SOURCE, Site, check, difference, run, scenario, wait_until

sys.path.append(os.path.join(SOURCE, "tests", "bench"))
import collector_door  # noqa: E402

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


# ---- generated searches, against a plain look at every line

SEARCHES = 300
LINES_A_HOST = 9000
BEGUN = 1795000000  # of the lines' own times, two seconds apart
STEP_S = 2
ALNUM = re.compile(r"[0-9a-z]+")
WORDS = "failed password accepted session opened closed signer request certificate revoked queue sent relay root alice".split()


def made_line(chance, number, host):
    """A stamp in front, words, and what looks like log lines' numbers, addresses and identifiers."""
    parts = [chance.choice(WORDS) for _ in range(chance.randint(2, 6))]
    parts += [chance.choice(("port={}", "[{}]", "n{}", "{}:{}", "id_{}-{}")).format(chance.randint(1, 300), chance.randint(1, 50))
              for _ in range(chance.randint(1, 4))]
    parts.append("198.51.{}.{}".format(chance.randint(0, 3), chance.randint(0, 255)))
    parts.append("%0*x" % (chance.randint(6, 20), chance.getrandbits(80)))
    parts.append("filler " * chance.randint(0, 20))
    chance.shuffle(parts)
    stamp = datetime.fromtimestamp(BEGUN + STEP_S * number, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{stamp} {host} app[{number}]: {' '.join(parts)}".rstrip()


def changes(token):
    return sum(a.isdigit() != b.isdigit() for a, b in zip(token, token[1:]))


def holds(text, needle):
    """Whether a line, in lower case, holds a text: letters anywhere but in identifiers, numbers and identifiers whole."""
    tokens = list(ALNUM.finditer(needle))
    start = text.find(needle)
    while start >= 0:
        end, good = start + len(needle), True
        for at, edge, outside in ((0, start, start - 1), (-1, end - 1, end)):
            at_edge = tokens and (tokens[0].start() == 0 if at == 0 else tokens[-1].end() == len(needle))
            if at_edge and 0 <= outside < len(text) and ALNUM.match(text[outside]):
                token = next(found[0] for found in ALNUM.finditer(text) if found.start() <= edge < found.end())
                if any(letter.isdigit() for letter in tokens[at][0]) or changes(token) >= 3:
                    good = False
        if good:
            return True
        start = text.find(needle, start + 1)
    return False


def made_search(chance, lines):
    """An expression, and the function of a line that it stands for."""
    def piece():
        line = chance.choice(lines)
        start = chance.randrange(len(line))
        if chance.random() < 0.6:
            start = line.rfind(" ", 0, start) + 1
        text = line[start:start + chance.randint(1, 24)]
        if chance.random() < 0.6:
            text = text.split(" ")[0] or text
        if chance.random() < 0.1:
            text = text.replace(chance.choice(text), chance.choice("x7.Q"))
        needle = text.lower()
        return f'"{text}"', lambda low: holds(low, needle)
    expression, test = piece()
    for _ in range(chance.randrange(3)):
        (more, other), kind = piece(), chance.choice((" and ", " or ", " not "))
        expression = f"({expression}){kind}{more}"
        test = {" and ": lambda low, a=test, b=other: a(low) and b(low), " or ": lambda low, a=test, b=other: a(low) or b(low),
                " not ": lambda low, a=test, b=other: a(low) and not b(low)}[kind]
    return expression, test


def made_bounds(chance, hosts):
    """Times and host for the socket, and the function of host and number of a line."""
    host = chance.choice(["", "", *hosts])
    since, until = 0, 0
    if chance.random() < 0.5:
        since = BEGUN + STEP_S * chance.randrange(LINES_A_HOST)
        until = since + chance.choice((1, 60, 300, 3600, 100000))
    def inside(name, number):
        at = BEGUN + STEP_S * number
        return (not host or name == host) and (not until or since <= at < until)
    return {"host": host, "since_us": since * 1000000, "until_us": until * 1000000}, inside


def compare(path, searches, lines):
    for expression, bounds, expected in searches:
        found = sorted(collector_door.lines(path, expression, access_class="access", **bounds))
        wanted = sorted(lines[place] for place in expected)
        check(found == wanted, f"{expression} {bounds}: {'' if found == wanted else difference(wanted, found)}")
        count = collector_door.count(path, expression, access_class="access", **bounds)
        check(count == len(wanted), f"{expression} {bounds}: --count says {count}, not {len(wanted)}")


@scenario("hundreds of generated searches find what a plain look at every line finds, hot and sealed alike")
def _(folder):
    chance = random.Random(7)
    with Site(folder, settings="seal:\n  after: 24h\n") as site:
        site.start_collector()
        agents = [site.new_agent(name) for name in ("host1", "host2")]
        logs = {agent.name: agent.log("made.log") for agent in agents}
        lines = {}
        for name, log in logs.items():
            made = [made_line(chance, number, name) for number in range(LINES_A_HOST)]
            lines.update({(name, number): line for number, line in enumerate(made)})
            log.write(made)
        for agent in agents:
            agent.start()
        site.wait_for_count(len(lines), timeout=120)
        low, all_lines, searches = {place: line.lower() for place, line in lines.items()}, list(lines.values()), []
        for _ in range(SEARCHES):
            (expression, test), (bounds, inside) = made_search(chance, all_lines), made_bounds(chance, list(logs))
            searches.append((expression, bounds, [place for place, line in low.items() if inside(*place) and test(line)]))
        check(sum(bool(expected) for *_, expected in searches) > SEARCHES / 4, "hardly any search finds something")
        path = collector_door.path(site.folder)
        compare(path, searches[:SEARCHES // 3], lines)
        # The agents stay: each closes its batch within a minute.
        site.write_settings("seal:\n  after: 1s\n")
        site.collector.stop()
        site.start_collector()
        wait_until(lambda: site.status()["sealed"]["events"] >= len(lines), "everything is sealed", 240, 0.5)
        compare(path, searches, lines)


run()

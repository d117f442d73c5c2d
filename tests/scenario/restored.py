#!/usr/bin/python3
"""What follows a restore: what witnesses and agents have seen and the copy lacks.

tocsin-test: timeout=600
"""

import os
import re
import shutil

from tocsin_backup import Backup, flip, following, lose
from tocsin_site import Site, check, run, scenario, wait_until
from tocsin_store import StoreEditor
from tocsin_witness import settings, witnesses

CLOSE_SOON = "batch: {close_after: 1s}\n"
CHECKPOINT_SOON = "checkpoint: {every: 1s}\n"
BACK = r"the checkpoint of \d+ entries is back"


def forget_checkpoints(site, above):
    """As in a copy that ends behind the entries and before the checkpoints over them."""
    size = site.status()["log"]["size"]
    site.collector.stop()
    editor = StoreEditor(site)
    removed = sum(editor.edit("checkpoint", "delete", f"\n{number}\n", may_miss=True) is not None
                  for number in range(above + 1, size + 10))
    check(removed > 1, f"{removed} checkpoints were removed")


def write_and_wait(site, agent, log, lines):
    """Each line is a batch of its own, under a published checkpoint."""
    for _ in range(lines):
        before = site.status()["log"]["size"]
        log.write([f"line {len(log.written)} of {agent.name}"])
        site.wait_for_lines(log.written, host=agent.name)
        wait_until(lambda before=before: site.status()["log"]["checkpoint"]["size"] > before, "it is published", every=0.2)


@scenario("a checkpoint that an agent has seen and the copy lacks comes back, and the agent goes on")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        site.start_collector()
        agent = site.new_agent("signer1")
        agent.more = CLOSE_SOON
        log = agent.log("auth.log")
        agent.start()
        write_and_wait(site, agent, log, 1)
        below = site.status()["log"]["size"]
        write_and_wait(site, agent, log, 3)
        forget_checkpoints(site, below)
        log.write(["while it was away"])
        site.start_collector()
        agent.stop()
        agent.start()  # not to wait until it tries again by itself
        site.collector.wait_for_log(BACK)
        site.wait_for_lines(log.written, host="signer1")
        write_and_wait(site, agent, log, 2)
        check(not site.alerts("never published") and not site.states("log_conflict"), f"alerts: {site.alerts()}")
        site.check_verified()


@scenario("a checkpoint that a witness has cosigned and the copy lacks comes back at the start")
def _(folder):
    with Site(folder) as site:
        (witness,) = witnesses(site, "w1.example")
        site.write_settings(settings(1, witness))
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        site.start()
        write_and_wait(site, site.agent, log, 1)
        below = site.status()["log"]["size"]
        write_and_wait(site, site.agent, log, 2)
        witness.wait_for_size(below + 1)
        site.agent.stop()
        forget_checkpoints(site, below)
        size = witness.size()
        site.start_collector()
        check(f"the checkpoint of {size} entries is back" in site.collector.log(since_start=True), "it is not put back")
        site.agent.start()
        write_and_wait(site, site.agent, log, 1)
        check(not site.alerts("never published"), f"alerts: {site.alerts()}")
        site.check_verified()


def trust(site):
    path = os.path.join(site.folder, "now.trust")
    site.tocsin("trust", "export", "-o", path)
    with open(path, encoding="ascii") as file:
        text = file.read()
    os.remove(path)
    return text


def refused(site):
    """What the collector says at a start that it ends by itself."""
    site.collector.start()
    check(site.collector.wait() != 0, "it started")
    return site.collector.log(since_start=True)


@scenario("from an older copy it is refused; with what another folder followed it goes on with the same log")
def _(folder):
    backup = Backup(folder)
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        (witness,) = witnesses(site, "w1.example")
        site.write_settings(backup.settings + settings(1, witness))
        log = site.log("auth.log")
        site.start()
        wait_until(lambda: following(site), "commits follow")
        backup.keep_key(site)
        write_and_wait(site, site.agent, log, 2)
        newest, older = backup.folder, os.path.join(folder, "older")
        shutil.copytree(newest, older)
        write_and_wait(site, site.agent, log, 4)
        size, genesis = site.status()["log"]["size"], trust(site)
        witness.wait_for_size(size)
        lose(site)
        flip(backup.newest("base"), 400)
        check("altered" in backup.restore(site.folder, expect=3), "a damaged base is taken")
        backup.folder = older
        backup.restore(site.folder)
        said = refused(site)
        check("entries" in said and "--missing-from" in said and "w1.example" in said, f"it does not say what to do: {said}")
        # What the witness showed stays, for a log in its place.
        said = site.tocsin("origin", "propose", "--name", NEXT, "-o", os.path.join(folder, "unused.txt"))
        known = int(re.search(r"a checkpoint of (\d+) entries", said)[1])
        check(known >= size and f"to {known - 1}, and of their events" in said, said)
        shutil.rmtree(os.path.join(site.data, "collector"))
        os.remove(os.path.join(site.folder, "collector.yaml"))
        # Where there is nothing more, it says so.
        said = backup.restore(site.folder, "--missing-from", older)
        check(f"nothing in {older} goes on" in said, said)
        shutil.rmtree(os.path.join(site.data, "collector"))
        backup.restore(site.folder, "--missing-from", newest)
        site.start_collector()
        site.agent.stop()
        site.agent.start()
        check(site.status()["log"]["size"] >= size, f"{size} entries were witnessed: {site.status()['log']}")
        check(trust(site) == genesis, "it is another log")
        write_and_wait(site, site.agent, log, 2)
        check(not site.states("log_conflict") and not site.alerts("never published"), f"alerts: {site.alerts()}")
        site.check_verified()


# ---- another log in its place

ORIGIN, NEXT = "test.example/tocsin", "test.example/tocsin-2"


def admin_key(site):
    """Of whoever made the site: the only one in there at first."""
    people = os.path.join(site.data, "people")
    return os.path.join(people, next(name for name in sorted(os.listdir(people)) if name != "vera.key"))


def vera_key(site):
    return os.path.join(site.data, "people", "vera.key")


def add_vera(site):
    path = os.path.join(site.folder, "vera.txt")
    site.tocsin("people", "add", "vera", "--role", "board", "-o", path)
    site.tocsin("sign", path, "--key", admin_key(site))
    site.tocsin("submit", path)


def bring_back(site, older):
    """The copy in place of what was there; the collector is down."""
    shutil.rmtree(os.path.join(site.data, "collector"))
    shutil.copytree(older, os.path.join(site.data, "collector"), ignore=shutil.ignore_patterns("*.sock"))


def lose_half(site, folder):
    """A site whose collector came back from an older copy, and its agent that has seen more: (agent, its file, lines of which
    the copy knows, size of the copy, size that was seen)."""
    site.start_collector()
    add_vera(site)
    agent = site.new_agent("signer1")
    agent.more = CLOSE_SOON
    log = agent.log("auth.log")
    agent.start()
    write_and_wait(site, agent, log, 2)
    site.collector.stop()
    older, known = os.path.join(folder, "older"), len(log.written)
    shutil.copytree(os.path.join(site.data, "collector"), older, ignore=shutil.ignore_patterns("*.sock"))
    site.start_collector()
    agent.stop()
    agent.start()
    write_and_wait(site, agent, log, 3)
    site.collector.stop()
    bring_back(site, older)
    log.write(["while it was away", "and this"])
    site.start_collector()
    agent.stop()
    agent.start(connected=False)
    site.collector.wait_for_log(r"THE LOG CONTRADICTS ITSELF: .*origin propose")
    wait_until(lambda: site.states("log_conflict"), "it is told")
    site.collector.stop()
    return agent, log, known


def before(site):
    return os.path.join(site.data, "before-1")


@scenario("when nobody has the rest, two people begin another log in its place, and hosts that join again go on in it")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        agent, log, known = lose_half(site, folder)
        paper = os.path.join(folder, "origin.txt")
        said = site.tocsin("origin", "propose", "--name", NEXT, "-o", paper)
        check("vera" in said and "log entries" in said and "board" in said, f"it does not say it all: {said}")
        # One of two people is not enough, nor is somebody whom nobody knows.
        site.tocsin("sign", paper, "--key", admin_key(site))
        site.tocsin("origin", "begin", paper, expect=(1, 2, 3))
        check("two people" in site.errors, site.errors)
        stranger = os.path.join(folder, "stranger.key")
        with open(stranger, "w", encoding="ascii") as file:
            file.write("ab" * 32)
        os.chmod(stranger, 0o600)
        forged = os.path.join(folder, "forged.txt")
        shutil.copy(paper, forged)
        site.tocsin("sign", forged, "--key", stranger)
        site.tocsin("origin", "begin", forged, expect=(1, 2, 3))
        check("nobody has" in site.errors, site.errors)
        check(not os.path.exists(before(site)), "something was moved")
        site.tocsin("sign", paper, "--key", vera_key(site))
        said = site.tocsin("origin", "begin", paper)
        check("join again" in said and before(site) in said, said)
        # As after a crash between the two renames: the same again ends it.
        beside = os.path.join(site.data, "new-origin")
        os.makedirs(beside)
        shutil.move(os.path.join(site.data, "collector"), os.path.join(beside, "collector"))
        check("is done now" in site.tocsin("origin", "begin", paper) and not os.path.exists(beside), "it is not mended")
        # The log before is still there, whole as it was restored.
        said = site.tocsin("--data", before(site), "verify")
        check(said.startswith("Good"), said)
        found = site.tocsin("--data", before(site), "query", "--count", "--class", "access", "--host", "signer1")
        check(int(found) == known, f"{found} of {known} lines are in the log before")
        site.start_collector()
        check(site.status()["log_key"].startswith(NEXT + "+"), f"its name: {site.status()['log_key']}")
        # The host knows the log before, and goes to no other by itself.
        agent.stop()
        agent.start(connected=False)
        agent.daemon.wait_for_log(r"the collector refuses: .*join")
        check(site.count("", "--class", "access") == 0, "something was taken from it")
        agent.stop()
        site.join(agent)
        agent.start()
        site.wait_for_count(2, host="signer1")
        lines = site.lines("signer1")
        check({"while it was away", "and this"} <= set(lines), f"what was in the spool: {lines}")
        check(len(lines) == len(set(lines)), f"a line twice: {lines}")
        log.write(["and on"])
        site.wait_for_count(len(lines) + 1, host="signer1")
        summary = site.check_verified()["log"]
        check(0 < summary["restored"] < summary["known"], f"what is missing: {summary}")
        said = site.tocsin("verify")
        check(f"entries {summary['restored']} to {summary['known'] - 1} of that one are MISSING" in said, said)
        said = site.tocsin("origin", "check", before(site))
        check(said.startswith(f"Good: it takes the place of {ORIGIN}") and "SINGLE-CONTROL" in said, said)
        # People and policy have come along: both can sign on.
        people = site.tocsin("people", "list")
        check("vera" in people and "SINGLE-CONTROL" not in people, people)
        trusted = os.path.join(folder, "next.trust")
        site.tocsin("trust", "export", "-o", trusted)
        check(NEXT in open(trusted, encoding="ascii").read(), "the trust is another log's")
        site.tocsin("verify", "--trust", trusted)


@scenario("where nothing newer is known no other log is begun, and a statement is for the log that it was made over")
def _(folder):
    with Site(folder, settings=CHECKPOINT_SOON) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["one"])
        site.wait_for_lines(log.written)
        site.wait_for_signed()
        paper = os.path.join(folder, "origin.txt")
        site.tocsin("origin", "propose", "--name", NEXT, "-o", paper, expect=(3,))
        site.collector.stop()
        site.agent.stop()
        site.tocsin("origin", "propose", "--name", NEXT, "-o", paper, expect=(1, 2, 3))
        check("start the collector" in site.errors and not os.path.exists(paper), site.errors)
        site.tocsin("origin", "propose", "--name", ORIGIN, "--lost", "a disk", "-o", paper, expect=(1, 2, 3))
        check("another name" in site.errors, site.errors)
        site.tocsin("origin", "propose", "--name", NEXT, "--lost", "a disk", "-o", paper)
        site.tocsin("sign", paper)
        # The log has gone on meanwhile.
        site.start()
        log.write(["two"])
        site.wait_for_lines(log.written)
        site.wait_for_signed()
        site.tocsin("origin", "begin", paper, expect=(1, 2, 3))
        site.collector.stop()
        site.tocsin("origin", "begin", paper, expect=(1, 2, 3))
        check("propose it anew" in site.errors or "goes on from" in site.errors, site.errors)
        check(not os.path.exists(before(site)), "something was moved")
        site.tocsin("origin", "check", os.path.join(folder, "nothing"), expect=(1, 2, 3))
        site.start_collector()
        site.check_lines(log.written)
        site.check_verified()


run()

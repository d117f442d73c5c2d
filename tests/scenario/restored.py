#!/usr/bin/python3
"""What follows a restore: what witnesses and agents have seen and the copy lacks.

tocsin-test: timeout=600
"""

import os
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


run()

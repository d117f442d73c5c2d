#!/usr/bin/python3
"""Witnesses: checkpoints are published with their quorum, and whoever shows two logs, or an older one, is found out."""

import os
import random
import shutil
import signal
import subprocess
import time
import urllib.request

from tocsin_site import Daemon, Site, BIN, check, free_port, run, scenario, wait_until
from tocsin_witness import FakeWitness, settings, witnesses

CLOSE_SOON = "batch: {close_after: 1s}\n"


def grow(site, log, times=1):
    """Entries come in: each line is a batch of its own after a second."""
    for _ in range(times):
        before = site.status()["log"]["size"]
        log.write([f"line {len(log.written)}"])
        wait_until(lambda before=before: site.status()["log"]["size"] > before, "the log grows", every=0.2)
    return site.status()["log"]["size"]


def published(site):
    return site.status()["witnesses"]["published"]


def all_published(site):
    """Everything that is in the log is published; gives its size."""
    def done():
        status = site.status()
        return status["log"]["size"] <= status["witnesses"]["published"] and status["log"]["size"]
    return wait_until(done, lambda: f"all is published: {site.status()['witnesses']}", every=0.2)


def measured(port):
    """A page of metrics: name with its labels → value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as page:
        lines = page.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}


def copy(source, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))


@scenario("a quorum of two cosigns every checkpoint, and the status says who and when")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        first, second = witnesses(site, "w1.example", "w2.example")
        metrics = {name: free_port() for name in ("collector", "witness")}
        first.stop()
        with open(os.path.join(first.folder, "witness.yaml"), "a", encoding="utf-8") as file:
            file.write(f"metrics: 127.0.0.1:{metrics['witness']}\n")
        first.start()
        site.write_settings(settings(2, first, second) + f"metrics: 127.0.0.1:{metrics['collector']}\n")
        site.start()
        grow(site, log, 2)
        size = all_published(site)
        for witness in (first, second):
            witness.wait_for_size(size)
            note = witness.note()
            check([who for who, _ in note.signatures] == [note.origin, witness.name], f"signed by {note.signatures}")
        check(first.note().text == second.note().text or first.size() != second.size(), "two witnesses, two texts of one size")
        status = site.status()["witnesses"]
        check(status["verdict"] == "WITNESSED" and status["needed"] == 2, f"{status}")
        check(all(one["state"] == "good" and "cosigned" in one and one["size"] for one in status["list"]), f"{status}")
        page = measured(metrics["witness"])
        check(page['tocsin_witness_answers_total{status="200"}'] >= 2 and page["tocsin_witness_forks_total"] == 0, f"{page}")
        check(page[f'tocsin_witness_log_size{{log="{first.log_path[1:]}"}}'] >= size, f"{page}")
        page = measured(metrics["collector"])
        check((page["tocsin_witnesses"], page["tocsin_witnesses_needed"], page["tocsin_log_witnessed"]) == (2, 2, 1), f"{page}")
        shown = site.tocsin("status")
        check("WITNESSED" in shown and "w2.example" in shown and first.origin + "+" in shown, shown)
        check(site.agent.daemon.alive() and not site.states("witness_failing"), "a witness failed")
        site.check_verified()


@scenario("without witnesses everything runs, and the status says UNWITNESSED")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        site.start()
        grow(site, log)
        check(site.status()["witnesses"]["verdict"] == "UNWITNESSED", f"{site.status()['witnesses']}")
        check("UNWITNESSED" in site.tocsin("status"), "the page does not say it")


@scenario("a witness that is down is told, holds up the publication alone, and is taken back")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        first, second = witnesses(site, "w1.example", "w2.example")
        site.write_settings(settings(2, first, second, more="patience: 2s"))
        site.start()
        grow(site, log)
        before = all_published(site)
        second.stop()
        grow(site, log, 3)
        site.wait_for_lines(log.written)
        wait_until(lambda: site.states("witness_failing"), "the failing witness is told")
        wait_until(lambda: site.alerts("A witness does not cosign"), "an alert about the witness")
        wait_until(lambda: site.alerts("Checkpoints are not witnessed"), "an alert about the quorum")
        check(published(site) < site.status()["log"]["size"], "published without its quorum")
        check(site.status()["witnesses"]["verdict"] == "UNWITNESSED", "the status goes on saying WITNESSED")
        check(first.size() > before, "the witness that is there was not asked")
        check([one["state"] for one in site.status()["witnesses"]["list"]] == ["good", "failing"], "wrong states")
        second.start()
        all_published(site)
        wait_until(lambda: site.states("witness_back") and site.states("log_witnessed"), "the return is told")
        check(len(site.states("witness_failing")) == 1, "one outage is told more than once")
        check(site.status()["witnesses"]["verdict"] == "WITNESSED", "not witnessed again")
        site.check_verified()


@scenario("one of two is enough where the settings want one")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        first, second = witnesses(site, "w1.example", "w2.example")
        site.write_settings(settings(1, first, second))
        first.stop()
        site.start()
        grow(site, log, 2)
        all_published(site)
        check(site.status()["witnesses"]["verdict"] == "WITNESSED", "not witnessed")
        check(second.size() > 0, "nothing was cosigned")


@scenario("a witness that hangs holds up neither the others nor a stop")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        (witness,) = witnesses(site, "w1.example")
        hanging = FakeWitness("w2.example")
        hanging.answers.clear()
        site.write_settings(settings(1, witness, hanging))
        site.start()
        for _ in range(3):
            begun = time.monotonic()
            size = grow(site, log)
            wait_until(lambda size=size: published(site) >= size, "published by the other's word", every=0.1)
            check(time.monotonic() - begun < 20, f"published after {time.monotonic() - begun:.1f} s")
        check(hanging.asked == 0 and site.status()["witnesses"]["verdict"] == "WITNESSED", "not as it should be")
        begun = time.monotonic()
        site.agent.stop()
        site.collector.stop()
        check(time.monotonic() - begun < 20, f"stopped after {time.monotonic() - begun:.1f} s")
        hanging.answers.set()


@scenario("the log's own policy holds beside the settings")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        first, second = witnesses(site, "w1.example", "w2.example")
        site.write_settings(settings(1, first, second))
        site.start()
        paper = os.path.join(folder, "policy.txt")
        site.tocsin("witnesses", "propose", "--needed", "2", "-o", paper)
        site.tocsin("sign", paper, "--yes")
        site.tocsin("submit", "--wait", "30s", paper)
        grow(site, log)
        before = all_published(site)
        second.stop()
        grow(site, log, 2)
        first.wait_for_size(before + 1)
        check(published(site) <= before + 1, "published with less than the log's own policy wants")
        behind = published(site)
        check(site.status()["witnesses"]["needed"] == 2, "the status does not say what is needed")
        grow(site, log, 2)
        check(published(site) == behind, "published with less than the log's own policy wants")
        second.start()
        all_published(site)
        site.check_verified()


@scenario("other witnesses are asked after a reload, and what the log's own policy lacks is told once")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        first, second = witnesses(site, "w1.example", "w2.example")
        site.start()
        grow(site, log)
        check(site.status()["witnesses"]["apart"] == "", "without witnesses there is nothing to say")

        def reload_with(text):
            before = len(site.states("reloaded"))
            site.write_settings(text)
            site.collector.signal(signal.SIGHUP)
            wait_until(lambda: len(site.states("reloaded")) > before, "the reload", every=0.2)
        reload_with(settings(1, first))
        grow(site, log)
        size = all_published(site)
        first.wait_for_size(size)
        check(site.status()["witnesses"]["verdict"] == "WITNESSED", f"{site.status()['witnesses']}")
        check("witnesses propose" in site.status()["witnesses"]["apart"], f"{site.status()['witnesses']}")
        wait_until(lambda: site.alerts("own witness policy"), "an alert about it")
        check("APART" in site.tocsin("status"), "the page does not say it")
        # The other one alone; the first is not asked any more.
        reload_with(settings(1, second))
        grow(site, log)
        size = all_published(site)
        second.wait_for_size(size)
        check(first.size() < size and len(site.status()["witnesses"]["list"]) == 1, "who is gone is asked")
        # Settings that are none leave everything as it was.
        site.write_settings(settings(3, second))
        site.collector.signal(signal.SIGHUP)
        site.collector.wait_for_log("settings and rules stay as they were")
        site.write_settings(settings(1, second))
        grow(site, log)
        second.wait_for_size(all_published(site))
        check(len(site.states("witness_policy_apart")) == 2, f"told more than once each: {site.states('witness_policy_apart')}")
        paper = os.path.join(folder, "policy.txt")
        site.tocsin("witnesses", "propose", "-o", paper)
        site.tocsin("sign", paper, "--yes")
        site.tocsin("submit", "--wait", "30s", paper)
        check(site.status()["witnesses"]["apart"] == "", f"{site.status()['witnesses']}")
        # Without any in the settings nothing is published any more, and that is said.
        reload_with("")
        behind = published(site)
        grow(site, log, 2)
        check("nothing is published" in site.status()["witnesses"]["apart"] and published(site) <= behind + 1,
              f"{site.status()['witnesses']}")
        reload_with(settings(1, second))
        all_published(site)
        site.check_verified()


@scenario("an old checkpoint is not cosigned again, nor one that was tampered with")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        (witness,) = witnesses(site, "w1.example")
        site.write_settings(settings(1, witness))
        site.start()
        grow(site, log)
        all_published(site)
        old = witness.note()
        grow(site, log)
        size = all_published(site)
        witness.wait_for_size(size)
        site.collector.stop()
        new = witness.note()
        signed = old.only(old.origin)
        check(new.size > old.size, "the log has not grown")
        for claimed in (0, old.size, old.size - 1):
            status, body = witness.add(claimed, signed)
            check((status, body) == (409, f"{new.size}\n".encode()), f"old {claimed}: {status} {body}")
        check(witness.add(new.size, signed)[0] == 400, "an old size over the checkpoint's was taken")
        check(witness.add(new.size, new.only(new.origin))[0] == 200, "the newest is not cosigned again")
        check(witness.add(new.size, new.only(new.origin), [b"\0" * 32])[0] == 422, "a proof for equal sizes was taken")
        forged = new.only(new.origin).replace(f"\n{new.size}\n".encode(), f"\n{new.size + 1}\n".encode())
        check(witness.add(new.size, forged)[0] == 403, "an altered size was taken")
        check(witness.add(new.size, new.only(witness.name))[0] == 403, "a cosignature passed for the log's signature")
        check(witness.add(new.size, new.only(new.origin).replace(b"test.example/", b"best.example/"))[0] == 404,
              "an unknown log is not 404")
        check(witness.note().text == new.text, "what the witness remembers has changed")


@scenario("an older store that was brought back is refused at the start")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        (witness,) = witnesses(site, "w1.example")
        site.write_settings(settings(1, witness))
        site.start()
        grow(site, log)
        site.agent.stop()
        site.collector.stop()
        older, newer = os.path.join(folder, "older"), os.path.join(folder, "newer")
        data = os.path.join(site.data, "collector")
        copy(data, older)
        site.start()
        grow(site, log, 2)
        witness.wait_for_size(all_published(site))
        site.agent.stop()
        site.collector.stop()
        copy(data, newer)
        copy(older, data)
        site.collector.start()
        check(site.collector.wait() == 1, "an older store was started")
        said = site.collector.log(since_start=True)
        check("w1.example" in said and "an older store was brought back" in said and "Bring back" in said, said)
        copy(newer, data)
        site.start()
        grow(site, log)
        all_published(site)
        site.wait_for_lines(log.written)


@scenario("two collectors with one key are found out, by alert at once and at the next start")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        (witness,) = witnesses(site, "w1.example")
        site.write_settings(settings(1, witness))
        site.start()
        grow(site, log)
        all_published(site)
        site.agent.stop()
        site.collector.stop()
        twin = os.path.join(folder, "twin")
        copy(site.folder, twin)
        twin_port = free_port()
        for name in ("collector.yaml", "agent.yaml"):
            path = os.path.join(twin, name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(f":{site.port}", f":{twin_port}"))
        other = Daemon("twin", [os.path.join(BIN, "tocsin-collector"), "--site", twin], os.path.join(folder, "twin.log"))
        try:
            # While nobody could notice it. What one states at a stop and a start makes its log another one.
            witness.stop()
            for _ in range(2):
                other.start()
                other.wait_for_log("is ready on")
                other.stop()
            other.start()
            other.wait_for_log("is ready on")
            site.start()
            grow(site, log, 2)
            witness.start()
            wait_until(lambda: site.states("log_forked") or "Nothing more is published" in other.log(),
                       "one of them is found out", every=0.2)
            forked, daemon = (site, site.collector) if site.states("log_forked") else (None, other)
            if forked:
                alert = wait_until(lambda: site.alerts("The log is forked"), "an alert about the fork")
                check(alert[0]["priority"] == "page", f"{alert[0]}")
                event = site.states("log_forked")[0]
                check("test.example/tocsin" in str(event), f"no note in {event}")
                check(site.status()["witnesses"]["verdict"] == "FORKED", "the status does not say so")
            daemon.stop()
            daemon.start()
            check(daemon.wait() == 1, "a forked log was started")
            check("w1.example" in daemon.log(since_start=True), daemon.log(since_start=True))
        finally:
            other.kill()


@scenario("a witness that was killed at once again remembers what it gave out")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        (witness,) = witnesses(site, "w1.example")
        site.write_settings(settings(1, witness))
        site.start()
        for _ in range(5):
            size = grow(site, log)
            witness.wait_for_size(size)
            before = witness.note()
            witness.daemon.kill()
            witness.start()
            after = witness.note()
            check(after.size >= before.size, "a cosignature was forgotten")
        all_published(site)
        site.check_verified()


@scenario("a statement that the collector does not log is kept and served by a witness")
def _(folder):
    with Site(folder) as site:
        (witness,) = witnesses(site, "w1.example")
        site.start_collector()
        paper = os.path.join(folder, "hold.txt")
        site.tocsin("hold", "place", "--host", "signer1", "--reason", "case 12", "-o", paper)
        url = f"http://127.0.0.1:{witness.port}/"
        site.tocsin("submit", "--witness", url, paper, expect=(2,))
        check("nobody has signed it" in site.errors, site.errors)
        site.tocsin("sign", paper, "--yes")
        site.collector.stop()
        said = site.tocsin("submit", "--witness", url, paper)
        place = said.split(f":{witness.port}")[1].strip()
        status, listed = witness.ask("GET", witness.log_path + "/statements")
        check(status == 200 and listed.decode().split()[0] == place.rsplit("/", 1)[1], f"{listed} and {place}")
        status, statement = witness.ask("GET", place)
        check(status == 200 and statement[4:].startswith(b"tocsin/stmt/v1"), f"{status} {statement[:40]}")
        check(b"case 12" not in statement, "the text of the reason was given away")
        # The same one again, and later to the collector.
        site.tocsin("submit", "--witness", url, paper)
        check(witness.ask("GET", witness.log_path + "/statements")[1] == listed, "it is kept twice")
        site.start_collector()
        site.tocsin("submit", "--wait", "30s", paper)
        witness.stop()
        site.tocsin("submit", "--witness", url, paper, expect=(3,))


@scenario("a statement that nothing proves in time is handed to the witnesses by itself, with an alarm")
def _(folder):
    with Site(folder) as site:
        first, second = witnesses(site, "w1.example", "w2.example")
        site.write_settings(settings(2, first, second))
        site.start_collector()
        all_published(site)
        second.stop()
        paper = os.path.join(folder, "hold.txt")
        site.tocsin("hold", "place", "--host", "signer1", "--reason", "case 12", "-o", paper)
        site.tocsin("sign", paper, "--yes")
        said = site.tocsin("submit", "--wait", "2s", paper, expect=(1,))
        check("ALARM: the collector took the statement" in site.errors, site.errors)
        check("Taken as control entry" in said and f":{first.port}" in said and f":{second.port}" not in said, said)
        status, listed = first.ask("GET", first.log_path + "/statements")
        check(status == 200 and listed.decode().split()[0] in said, f"{status} {listed}")
        # Once more: it is in the log, so it is refused, which is no reason for an alarm.
        site.tocsin("submit", "--wait", "2s", paper, expect=(2,))
        check("logged before" in site.errors and "ALARM" not in site.errors, site.errors)
        # Nobody takes it: the file is all there is.
        first.stop()
        site.tocsin("hold", "place", "--host", "signer2", "--reason", "case 13", "-o", paper + "2")
        site.tocsin("sign", paper + "2", "--yes")
        answer, = site._objects("submit", "--wait", "2s", paper + "2", expect=(1,))
        check(answer["taken"] and not answer["proved"] and answer["handed_over"] == [], f"{answer}")


@scenario("over TLS a certificate of the right authority is taken, and no other")
def _(folder):
    with Site(folder) as site:
        (witness,) = witnesses(site, "w1.example")
        witness.stop()
        for name in ("right", "wrong"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                            os.path.join(folder, name + ".key"), "-out", os.path.join(folder, name + ".crt")],
                           check=True, capture_output=True)
        certificate, key = (os.path.join(folder, "right" + ending) for ending in (".crt", ".key"))
        with open(os.path.join(witness.folder, "witness.yaml"), "a", encoding="utf-8") as file:
            file.write(f"tls: {{certificate: {certificate}, key: {key}}}\n")
        witness.daemon.start()
        witness.daemon.wait_for_log("is ready on")
        plain = f"http://127.0.0.1:{witness.port}"
        secure = settings(1, witness).replace(plain, f"https://localhost:{witness.port}")
        def with_authority(name):
            path = os.path.join(folder, name + ".crt")
            return secure.replace('"key":', f'"ca": "{path}", "key":')
        for text, good in ((with_authority("wrong"), False), (secure, False), (settings(1, witness), False),
                           (with_authority("right"), True)):
            site.write_settings(text)
            site.start_collector()
            state = "good" if good else "failing"
            wait_until(lambda state=state: site.status()["witnesses"]["list"][0]["state"] == state, f"{state} with {text}",
                       every=0.2)
            site.collector.stop()


@scenario("a cosignature that is dated in the future or at zero does not count")
def _(folder):
    with Site(folder) as site:
        fake = FakeWitness("w1.example")
        for when, word in ((int(time.time()) + 3600, "clock is ahead"), (0, "not good"), (2**63, "not good")):
            fake.time = when
            site.write_settings(settings(1, fake))
            site.start_collector()
            wait_until(lambda word=word: word in str(site.status()["witnesses"]["list"]), f"{word} for {when}", every=0.2)
            check(published(site) == 0 and site.status()["witnesses"]["verdict"] == "UNWITNESSED", f"{when} counted")
            site.collector.stop()
        fake.time = None
        site.start_collector()
        all_published(site)
        check(site.status()["witnesses"]["verdict"] == "WITNESSED", "one dated now does not count")


@scenario("a collector that is killed is never behind what it has shown a witness")
def _(folder):
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("auth.log")
        first, second = witnesses(site, "w1.example", "w2.example")
        site.write_settings(settings(2, first, second))
        site.start()
        for number in range(12):
            log.write([f"round {number}, line {i}" for i in range(20)])
            time.sleep(random.uniform(0.0, 2.5))  # anywhere between commit, checkpoint, cosignature and publication
            site.collector.kill()
            site.start_collector()
        site.wait_for_lines(log.written)
        size = all_published(site)
        for witness in (first, second):
            witness.wait_for_size(size)
            check(not witness.ask("GET", witness.log_path + "/forks")[1], "a fork was found")
        check(not site.states("log_forked"), "a fork was told")
        site.check_verified()


@scenario("settings and keys that are wrong are said before anything starts")
def _(folder):
    with Site(folder) as site:
        (witness,) = witnesses(site, "w1.example")
        log_key = witness.run("--check")
        check(log_key.returncode == 0 and "cosigns test.example/tocsin" in log_key.stdout, f"{log_key}")
        for needed, key, word in ((2, witness.key, "needed"), (1, witness.key[:-4] + "AAA=", "key"), (1, "x", "key")):
            text = settings(needed, witness).replace(witness.key, key)
            site.write_settings(text)
            site.collector.start()
            check(site.collector.wait() == 2, f"started with {text}")
            check(word in site.collector.log(since_start=True), site.collector.log(since_start=True))
        # A witness that does not know the log says so, and holds nothing up where none is needed.
        stranger_log = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        path = os.path.join(witness.folder, "witness.yaml")
        witness.stop()
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(f'  - {{key: "{stranger_log}"}}' if "- {key" in line else line for line in lines) + "\n")
        witness.start()
        site.write_settings(settings(0, witness))
        site.start_collector()
        wait_until(lambda: "does not know this log" in str(site.status()["witnesses"]), "it is said", every=0.2)


run()

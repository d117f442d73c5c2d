#!/usr/bin/python3
"""Mistakes in settings and rules, and logs that cannot be read: told with their place, and nothing else suffers."""

import os
import shutil
import signal
import subprocess

from tocsin_site import BIN, Site, check, run, scenario, wait_until

GOOD_RULE = """title: A word that was planted
id: 11111111-2222-4333-8444-55555555555{number}
status: test
logsource:
    product: linux
    service: sshd
detection:
    selection:
        event.original|contains: {word}
    condition: selection
level: high
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def refused(site, program, yaml, *wanted):
    """The daemon does not start with these settings, says where the mistake is, and --check says the same."""
    path = os.path.join(site.folder, f"{program}.yaml")
    with open(path, encoding="utf-8") as file:
        good = file.read()
    write(path, yaml)
    for arguments in ([], ["--check"]):
        done = subprocess.run([os.path.join(BIN, f"tocsin-{program}"), "--site", site.folder, *arguments],
                              capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == 2, f"{yaml!r} {arguments}: ended with {done.returncode}: {done.stderr}")
        for word in wanted:
            check(word in done.stderr, f"{yaml!r} {arguments}: does not say {word!r}: {done.stderr}")
    write(path, good)


@scenario("a mistake in the settings is told with file, line and column, and nothing starts")
def _(folder):
    with Site(folder) as site:
        site.agent.write_settings()
        refused(site, "collector", "listen: 127.0.0.1:1\nmial:\n  server: a\n", "collector.yaml:2:1", "mial")
        refused(site, "collector", "listen: [1\n", "collector.yaml:")
        refused(site, "collector", "mail: {server: localhost, from: a@b}\n", "mail")
        refused(site, "collector", "silence: {after: soon}\n", "collector.yaml:1:", "after")
        refused(site, "collector", "log_pages: {listen: 127.0.0.1:70000}\n", "collector.yaml:1:", "listen")
        refused(site, "collector", "log_pages: {listen: 127.0.0.1:0, tls: {key: /x}}\n", "log_pages.tls.certificate")
        refused(site, "agent", "collector: a:1\nsources:\n  - {file: relative/path, class: access}\n", "agent.yaml:3:",
                "must begin with /")
        refused(site, "agent", "collector: a:1\nsources:\n  - {file: /x, class: acess}\n", "agent.yaml:3:", "access")
        refused(site, "agent", "sources: []\n", "collector")
        refused(site, "agent", "collector: a:1\nspool: {limit: 1K}\n", "agent.yaml:2:", "limit")
        # What only the start can see.
        site.write_settings("log_pages: {listen: 0.0.0.0:0}\n")
        site.collector.start()
        site.collector.wait_for_log("loopback is served")
        wait_until(lambda: not site.collector.alive(), "the collector does not start")
        check("log_pages" in site.collector.log(since_start=True), "it does not say which setting")
        site.write_settings()
        site.start()


@scenario("a wrong setting at a reload leaves the agent as it was, and is an event")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        good = os.path.join(site.folder, "agent.yaml")
        shutil.copy(good, good + ".good")
        write(good, "collector: nowhere\nsources: nonsense\n")
        site.agent.daemon.signal(signal.SIGHUP)
        wait_until(lambda: site.states("reload_failed"), "an event says that the settings are wrong")
        log.write(["still read"])
        site.wait_for_lines(log.written)
        shutil.move(good + ".good", good)
        other = site.log("other.log")
        site.agent.write_settings()
        site.agent.daemon.signal(signal.SIGHUP)
        wait_until(lambda: site.states("reloaded"), "the reload")
        other.write(["read since the reload"])
        log.write(["and this one, once"])
        site.wait_for_lines(log.written + other.written)


@scenario("a rule with a mistake is left out with file, line and column, and the others watch on")
def _(folder):
    rules = os.path.join(folder, "rules")
    write(os.path.join(rules, "good.yml"), GOOD_RULE.format(number=1, word="planted-one"))
    write(os.path.join(rules, "broken.yml"), "title: x\nlogsource:\n    category: any\ndetection:\n    selection:\n        a|nonsense: b\n    condition: selection\n")
    write(os.path.join(rules, "yaml.yml"), "title: [unclosed\n")
    with Site(folder, rules=[rules]) as site:
        log = site.log("auth.log")
        site.start()
        check("broken.yml:6:" in site.collector.log() and "yaml.yml" in site.collector.log(),
              f"the collector does not name the rules' mistakes: {site.collector.log()}")
        out = site.tocsin("rules", "check", rules, expect=(1,))
        check("broken.yml:6" in out + site.errors and "nonsense" in out + site.errors, f"rules check says {out} {site.errors}")
        log.write(["Nov 21 10:00:00 signer1 sshd[1]: here is planted-one"])
        wait_until(lambda: site.alerts("planted"), "the good rule raises its alert")
        write(os.path.join(rules, "second.yml"), GOOD_RULE.format(number=2, word="planted-two").replace("A word", "Another word"))
        site.collector.signal(signal.SIGHUP)
        wait_until(lambda: site.states("reloaded"), "the rules are read again")
        log.write(["Nov 21 10:00:00 signer1 sshd[1]: here is planted-two"])
        wait_until(lambda: site.alerts("Another word"), "the new rule raises its alert without a restart")
        check(len(site.alerts("A word")) == 1, "the reload raised an alert again")


@scenario("a log that may not be read is told, and read once it may")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        log.write(["before"])
        missing = site.log("later/missing.log")
        strange = os.path.join(site.folder, "folder.log")
        os.makedirs(strange)
        site.agent.follow(strange)
        wrapper = ()
        if os.geteuid() == 0:  # root may read everything
            check_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chmod(os.path.dirname(folder), 0o755)
            subprocess.run(["chown", "-R", "65534:65534", site.folder], check=True)
            can = subprocess.run([*check_other, os.path.join(BIN, "tocsin-agent"), "--version"], capture_output=True, check=False)
            if can.returncode == 0:
                wrapper = check_other
        os.chmod(log.path, 0)
        site.start_collector()
        site.agent.write_settings()
        site.agent.daemon.start(wrapper=wrapper)
        site.agent.daemon.wait_for_log("connected to")
        if wrapper or os.geteuid() != 0:
            wait_until(lambda: site.query(f"\"{log.path}\"", "--class", "journal"),
                       "an event names the log that cannot be read", 30)
            check(site.lines() == [], "something was read that may not be")
        os.chmod(log.path, 0o644)
        log.write(["after"])
        os.makedirs(os.path.dirname(missing.path))
        missing.write(["came late"])
        os.chmod(missing.path, 0o644)
        site.wait_for_lines(log.written + missing.written)
        os.chmod(log.path, 0o644)


run()

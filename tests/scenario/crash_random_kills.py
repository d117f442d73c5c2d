#!/usr/bin/python3
"""Kill -9 at any time, of anybody: every line is stored once, every alert is raised once, the chain verifies.

Lines go to two logs (a lane each) that are rotated now and then. Among them are root logins and attackers whose five
failed logins lie so far apart that kills come between them: a window of a rule has to live through them.
"""
# tocsin-test: timeout=900

import collections
import os
import time

from load_lines import Rotating, Writer, check_numbers, no_gap, numbered, seeded, stamp, wait_for_numbers
from tocsin_sinks import WebhookSink
from tocsin_site import SOAK, Site, check, difference, run, scenario, wait_until

LINES = 1_000_000 if SOAK else 100_000
KILLS = 200 if SOAK else 20
RATE = 2500
ROOT_LOGINS = 100
ATTACKERS = 20
FAILURES = 5  # of one attacker, for rules/linux/ssh_login_failures.yml
ATTACK_SPAN = 0.2  # of all lines; the rule's window is 10 minutes of the lines' own time


class Story:
    """Which line says what, and which alerts come of it."""

    def __init__(self, chance):
        self.lines = {}
        self.alerts = []
        for i in range(ROOT_LOGINS):
            address = f"198.51.100.{i}"
            self.place(chance.randrange(LINES), f"Accepted publickey for root from {address} port 4022 ssh2: ED25519 x")
            self.alerts.append(f"root logged in by ssh {address}")
        for i in range(ATTACKERS):
            address = f"203.0.113.{i}"
            begin = chance.randrange(int(LINES * (1 - ATTACK_SPAN)))
            for j in range(FAILURES):
                self.place(begin + int(LINES * ATTACK_SPAN * j / FAILURES),
                           f"Failed password for invalid user eve from {address} port 4022 ssh2")
            self.alerts.append(f"Many failed ssh logins from one address {address}")

    def place(self, number, text):
        while number in self.lines:
            number = (number + 1) % LINES
        self.lines[number] = text

    def line(self, number):
        text = self.lines.get(number)
        return f"{stamp()} ca1 sshd[77]: {text}" if text else numbered(number)


def kill_while_writing(folder, pick):
    """Kills what `pick` names at random while LINES lines are written; then everything has to be there."""
    chance = seeded("kills")
    story = Story(chance)
    with WebhookSink() as hook, Site(folder, webhooks=[hook]) as site:
        logs = [Rotating(os.path.join(folder, name)) for name in ("auth.log", "app.log")]
        site.agent.follow(logs[0].path, "access")
        site.agent.follow(logs[1].path, "application")
        site.start()

        def write(lines):
            # What sshd says goes to one log, so that its order is kept; the rest to both.
            for log, mine in ((logs[0], lambda i, line: i % 2 == 0 or " sshd[" in line),
                              (logs[1], lambda i, line: i % 2 == 1 and " sshd[" not in line)):
                log.write("".join(line for i, line in enumerate(lines) if mine(i, line)))
            if chance.random() < 0.002:
                log = chance.choice(logs)
                log.rotate()
                log.write(f"{stamp()} ca1 app[1]: the last word of a rotated log\n")
                log.reopen()

        writer = Writer(LINES, RATE, write, story.line)
        begun = time.monotonic()
        collector_kills = 0
        writer.start()
        for kill in range(KILLS):
            victims = pick(chance)
            collector_kills += "collector" in victims
            pause = max(0.0, LINES / RATE * kill / KILLS - (time.monotonic() - begun))
            time.sleep(pause * chance.random() + chance.random() * 0.5)
            for victim in victims:
                (site.agent.daemon if victim == "agent" else site.collector).kill()
            time.sleep(chance.random() * 0.3)
            if "collector" in victims:
                site.collector.start()
            if "agent" in victims:
                site.agent.daemon.start()
        writer.finish()
        site.collector.wait_for_log("is ready on")
        check_story(site, story)
        check_notices(site, hook, collector_kills)
        rotations = sum(log.rotations for log in logs)
        print(f"# {rotations} rotations", flush=True)
        last_words = site.count('"the last word of a rotated log"')
        check(last_words == rotations, f"{last_words} last words of {rotations} rotated logs")


def check_story(site, story):
    special = len(story.lines)
    wait_for_numbers(site, LINES - special, 900 if SOAK else 300)
    wait_until(lambda: site.count("ssh2") >= special, "the story's lines", 60, 0.5)
    check_numbers(site, LINES, known_lost=story.lines)
    wrong = difference(list(story.lines.values()),
                       [event["message"] for event in site.query("ssh2")])
    check(not wrong, f"sshd's lines: {wrong}")
    no_gap(site)
    site.wait_for_signed()
    wait_until(lambda: site.status()["detection"]["behind"] == 0, "detection is done", 300, 0.2)
    alerts = [alert for alert in site.alerts() if "ssh" in alert["rule"]["title"]]
    told = [f"{alert['rule']['title']} {alert['entity']['source']['ip']}" for alert in alerts
            if "password" not in alert["rule"]["title"]]
    wrong = difference(story.alerts, told)
    check(not wrong, f"alerts: {wrong}")
    check(len({alert["id"] for alert in alerts}) == len(alerts), "two alerts have the same id")
    site.check_verified()


def check_notices(site, hook, collector_kills):
    """Every alert that is to be told was told. A kill between the answer of whoever is told and the commit that knows of it
    repeats a notice, under the same id: one for each kill at the most."""
    wanted = {alert["id"] for alert in site.alerts() if alert["priority"] != "review"}

    def told():
        return collections.Counter(post["id"] for _, _, post in list(hook.posts))
    wait_until(lambda: wanted <= set(told()), lambda: f"{len(wanted)} alerts told, {len(set(told()))} are", 120, 0.5)
    twice = sum(told().values()) - len(told())
    print(f"# {twice} notices came twice over {collector_kills} kills of the collector", flush=True)
    check(twice <= collector_kills, f"{twice} notices came twice, with {collector_kills} kills of the collector")
    check(set(told()) <= {alert["id"] for alert in site.alerts()}, "a notice about an alert that there is not")


@scenario("kill -9 of agent, collector or both, at random")
def _(folder):
    kill_while_writing(folder, lambda chance: chance.choice([["agent"], ["collector"], ["agent", "collector"]]))


run()

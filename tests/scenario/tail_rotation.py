#!/usr/bin/python3
"""Files that are renamed, copied, cut, compressed and removed while they are read, or while nobody reads them."""

import os
import shutil
import signal
import subprocess

from load_lines import check_numbers, no_gap, numbered, seeded, wait_for_numbers
from tocsin_site import SOAK, Site, check, run, scenario, wait_until


class Numbers:
    """Numbered lines, handed out one after the other to whatever file wants some."""

    def __init__(self):
        self.next = 0
        self.lost = set()

    def lines(self, count):
        first, self.next = self.next, self.next + count
        return "".join(numbered(number) + "\n" for number in range(first, self.next))

    def lose(self, count):
        """Lines that nobody will ever see: their text, to be thrown away."""
        self.lost.update(range(self.next, self.next + count))
        return self.lines(count)


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def rotate(path, keep=9):
    for number in range(keep, 0, -1):
        if os.path.exists(f"{path}.{number}"):
            os.rename(f"{path}.{number}", f"{path}.{number + 1}")
    os.rename(path, f"{path}.1")


def copytruncate(path):
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)


class Follow:
    """A site whose agent follows FOLDER/logs/*.log and FOLDER/logs/app.log, and the numbers written there."""

    def __init__(self, folder, pattern="app.log"):
        self.site = Site(folder)
        self.logs = os.path.join(folder, "logs")
        os.mkdir(self.logs)
        self.path = os.path.join(self.logs, "app.log")
        self.numbers = Numbers()
        self.site.agent.follow(os.path.join(self.logs, pattern), "application")

    def __enter__(self):
        self.site.__enter__()
        self.site.start()
        return self

    def __exit__(self, *what):
        self.site.__exit__(*what)

    def write(self, count, path=None):
        append(path or self.path, self.numbers.lines(count))

    def wait(self):
        wait_for_numbers(self.site, self.numbers.next - len(self.numbers.lost))

    def wait_for_look(self):
        """What is rotated from now on is no history, whether or not the agent ever saw it under its first name."""
        wait_until(lambda: self.site.states("source_caught_up"), "the agent's first look")

    def check(self, gaps=False):
        self.wait()
        check_numbers(self.site, self.numbers.next, self.numbers.lost)
        if not gaps:
            no_gap(self.site)
        self.site.wait_for_signed()
        self.site.check_verified()

    def pause(self):
        self.site.agent.daemon.signal(signal.SIGSTOP)

    def go_on(self):
        self.site.agent.daemon.signal(signal.SIGCONT)


@scenario("rename and create on 1,000 files under load, with a kill -9 in between")
def _(folder):
    chance = seeded("thousand")
    with Follow(folder, "*.log") as follow:
        follow.wait_for_look()
        paths = [os.path.join(follow.logs, f"service-{number}.log") for number in range(1000)]
        for turn in range(20 if SOAK else 4):
            for path in paths:
                follow.write(2, path)
                if chance.random() < 0.5:
                    rotate(path, keep=20)  # every one stays: none goes before it was read
                    follow.write(1, f"{path}.1")
                    follow.write(1, path)
            if turn % 4 == 1:
                follow.site.agent.kill()
                for path in paths:
                    follow.write(1, path)
                follow.site.agent.daemon.start()
        follow.check()


@scenario("more changes than inotify can queue")
def _(folder):
    with Follow(folder, "*.log") as follow:
        paths = [os.path.join(follow.logs, f"service-{number}.log") for number in range(500)]
        for path in paths:
            follow.write(1, path)
        follow.wait()  # files that are watched: their changes fill the queue
        follow.pause()
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
            rounds = int(file.read()) // len(paths) + 2
        for _ in range(rounds):
            for path in paths:  # never twice the same in a row: such are one event
                follow.write(1, path)
        for number in range(20):
            follow.write(1, os.path.join(follow.logs, f"late-{number}.log"))
        follow.go_on()
        follow.check()


@scenario("rotations while the agent is stalled, stopped and killed")
def _(folder):
    with Follow(folder) as follow:
        follow.wait_for_look()
        follow.pause()
        for _ in range(2):  # never seen under its name
            follow.write(500)
            rotate(follow.path)
        follow.write(500)
        follow.go_on()
        follow.wait()
        for end in (follow.site.agent.stop, follow.site.agent.kill):
            follow.write(300)
            end()
            for _ in range(3):
                follow.write(200)
                rotate(follow.path)
            follow.write(100)
            follow.site.agent.start()
            follow.wait()
        follow.check()


@scenario("born and rotated away while the agent is stopped: read whole, what was compressed is a gap")
def _(folder):
    with Follow(folder, "*.log") as follow:
        follow.wait_for_look()
        follow.site.agent.stop()
        append(follow.path, follow.numbers.lose(100))
        rotate(follow.path)
        subprocess.run(["gzip", f"{follow.path}.1"], check=True)
        os.rename(f"{follow.path}.1.gz", f"{follow.path}.9.gz")
        for _ in range(2):
            follow.write(300)
            rotate(follow.path)
        follow.site.agent.start()  # the name itself is not there
        follow.wait()
        follow.write(300)
        follow.check(gaps=True)
        gaps = follow.site.query("gap.reason:compressed")
        check(len(gaps) == 1, f"{len(gaps)} gaps are told, not 1: {gaps}")


@scenario("the last lines come after the rename, and a line is torn by it")
def _(folder):
    with Follow(folder) as follow:
        with open(follow.path, "a", encoding="utf-8", buffering=1) as old:
            old.write(follow.numbers.lines(100))
            text = follow.numbers.lines(1)
            old.write(text[:40])
            old.flush()
            follow.site.wait_for_count(100, access_class="application")
            rotate(follow.path)
            follow.write(100)
            old.write(text[40:])
            old.write(follow.numbers.lines(100))
        follow.check()


@scenario("copytruncate: nothing again when all was read, the copy when it was not")
def _(folder):
    with Follow(folder) as follow:
        follow.write(300)
        follow.wait()
        copytruncate(follow.path)
        follow.write(10)
        follow.wait()
        for longer in (5, 800):  # the new content ends before and behind the old offset
            follow.write(300)
            follow.wait()
            follow.pause()
            follow.write(200)
            copytruncate(follow.path)
            follow.write(longer)
            follow.go_on()
            follow.wait()
        follow.site.agent.stop()
        follow.write(200)
        copytruncate(follow.path)
        follow.write(700)
        follow.site.agent.start()
        follow.check()


@scenario("cut and grown past the old offset without a copy: said, and all is read of what is there")
def _(folder):
    with Follow(folder) as follow:
        follow.write(300)
        follow.wait()
        follow.pause()
        append(follow.path, follow.numbers.lose(50))  # nobody can know of them
        os.truncate(follow.path, 0)
        follow.write(600)
        follow.go_on()
        follow.check(gaps=True)
        cuts = follow.site.states("file_truncated")
        check(len(cuts) == 1, f"{len(cuts)} events say that the file was cut, not 1")
        wait_until(lambda: follow.site.alerts("cut short"), "an alert that the log was cut short")


@scenario("compressed before the new file is made: read to its end while running, a gap when it was not")
def _(folder):
    with Follow(folder) as follow:
        for running in (True, False):
            follow.write(300)
            follow.wait()
            if not running:
                follow.site.agent.stop()
                append(follow.path, follow.numbers.lose(100))
            else:
                follow.pause()
                follow.write(100)
            rotate(follow.path)
            subprocess.run(["gzip", f"{follow.path}.1"], check=True)
            os.rename(f"{follow.path}.1.gz", f"{follow.path}.{2 if running else 3}.gz")
            follow.write(100)
            follow.go_on() if running else follow.site.agent.start()
            follow.wait()
            if running:
                no_gap(follow.site)
        follow.check(gaps=True)
        gaps = follow.site.query("gap.reason:compressed")
        check(len(gaps) == 1, f"{len(gaps)} gaps are told, not 1: {gaps}")


@scenario("removed but open: read to the last line")
def _(folder):
    with Follow(folder) as follow:
        with open(follow.path, "a", encoding="utf-8", buffering=1) as file:
            file.write(follow.numbers.lines(100))
            follow.wait()
            os.remove(follow.path)
            for _ in range(5):
                file.write(follow.numbers.lines(100))
                follow.wait()
        follow.write(100)
        follow.check()


@scenario("removed and read: its descriptor is given back", soak=True)
def _(folder):
    with Follow(folder) as follow:
        follow.write(100)
        follow.wait()
        os.remove(follow.path)
        links = f"/proc/{follow.site.agent.daemon.pid}/fd"

        def held():
            return [link for link in os.listdir(links)
                    if os.readlink(os.path.join(links, link)).startswith(follow.path)]
        check(held(), "the descriptor is gone before anybody could write a last line")
        wait_until(lambda: not held(), "the descriptor is given back", 180, 1)


@scenario("the same beginning in many files, empty files, an inode used again")
def _(folder):
    with Follow(folder, "*.log") as follow:
        head = "# the same head in every one of these files, longer than a fingerprint: " + "x" * 400 + "\n"
        for number in range(30):
            path = os.path.join(follow.logs, f"same-{number}.log")
            append(path, head)
            follow.write(20, path)
            append(os.path.join(follow.logs, f"empty-{number}.log"), "")
        follow.wait()
        for stop in (False, True):
            if stop:
                follow.site.agent.stop()
            for number in range(30):
                path = os.path.join(follow.logs, f"same-{number}.log")
                os.remove(path)
                append(path, head)  # as often as not under the inode that has just become free
                follow.write(30, path)
                follow.write(1, os.path.join(follow.logs, f"empty-{number}.log"))
            if stop:
                follow.site.agent.start()
            follow.wait()
        follow.check(gaps=True)
        # What was removed while nobody looked may have had more: that is said, and that nobody knows how much.
        for gap in follow.site.query("gap.unit:*"):
            check(gap["gap"]["reason"] == "vanished" and gap["gap"]["count"] == "unknown", f"a gap where there is none: {gap}")


run()

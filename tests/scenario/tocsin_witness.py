"""Witnesses of a site in scenario tests: real tocsin-witness processes, and what they hold.

    with Site(folder) as site:
        first, second = witnesses(site, "w1.example", "w2.example")
        site.write_settings(settings(2, first, second))
"""

import base64
import hashlib
import http.client
import json
import os
import subprocess

from tocsin_site import BIN, PATIENCE_S, Daemon, check, free_port, wait_until


class Note:
    """A checkpoint as it was served."""

    def __init__(self, raw):
        self.raw = raw
        text, signatures = raw.decode().split("\n\n", 1)
        self.text = text + "\n"
        self.origin, size, self.root = text.split("\n")
        self.size = int(size)
        self.signatures = [line.split(" ")[1:] for line in signatures.splitlines()]

    def only(self, name):
        """The note with the signatures of that name alone."""
        lines = "".join(f"\u2014 {who} {signature}\n" for who, signature in self.signatures if who == name)
        return (self.text + "\n" + lines).encode()


class Witness:
    """One, of a site of its own; stopped with the site that it was made for."""

    def __init__(self, site, name, log_key):
        self.name = name
        self.folder = os.path.join(os.path.dirname(site.folder), name)
        self.port = free_port()
        self.origin = log_key.split("+")[0]
        self.command = [os.path.join(BIN, "tocsin-witness"), "--site", self.folder]
        made = self.run("--log", log_key, "--name", name)
        check(made.returncode == 0, f"no witness is made: {made.stderr}")
        with open(os.path.join(self.folder, "witness.yaml"), "a", encoding="utf-8") as file:
            file.write(f"listen: 127.0.0.1:{self.port}\n")
        self.key = self.run("--print-key").stdout.strip()
        self.daemon = Daemon(f"witness {name}", self.command, os.path.join(self.folder, "witness.log"))

    def run(self, *arguments):
        return subprocess.run([*self.command, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    def start(self):
        self.daemon.start()
        self.daemon.wait_for_log("is ready on")
        return self

    def stop(self):
        self.daemon.stop()

    def ask(self, method, path, body=None):
        """(status, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def log_path(self):
        return "/" + hashlib.sha256(self.origin.encode()).hexdigest()

    def note(self):
        """The newest one that it cosigned; None before the first."""
        status, body = self.ask("GET", self.log_path + "/checkpoint")
        check(status in (200, 404), f"{self.name} answered {status}: {body}")
        return Note(body) if status == 200 else None

    def size(self):
        note = self.note()
        return note.size if note else 0

    def add(self, old, note, proof=()):
        """add-checkpoint: (status, body)."""
        lines = "".join(base64.b64encode(one).decode() + "\n" for one in proof)
        return self.ask("POST", "/add-checkpoint", f"old {old}\n{lines}\n".encode() + note)

    def wait_for_size(self, size):
        wait_until(lambda: self.size() >= size, lambda: f"{self.name} has cosigned {size} entries", PATIENCE_S, 0.2)


def settings(needed, *these, more=""):
    """Lines of collector.yaml."""
    listed = [{"url": f"http://127.0.0.1:{witness.port}", "key": witness.key} for witness in these]
    return (f"witnesses:\n  needed: {needed}\n  list: {json.dumps(listed)}\n"
            f"{''.join('  ' + line + chr(10) for line in more.splitlines())}checkpoint: {{every: 1s}}\n")


def witnesses(site, *names):
    """Started ones of this site's log; the site's `with` ends them. Begins the log, where it is none yet."""
    site.start_collector()
    key = site.status()["log_key"]
    site.collector.stop()
    made = [Witness(site, name, key) for name in names]
    site.others += [witness.daemon for witness in made]
    return [witness.start() for witness in made]

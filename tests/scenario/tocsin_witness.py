"""Witnesses of a site in scenario tests: real tocsin-witness processes, and what they hold.

    with Site(folder) as site:
        first, second = witnesses(site, "w1.example", "w2.example")
        site.write_settings(settings(2, first, second))
"""

import base64
import hashlib
import http.client
import http.server
import json
import os
import struct
import subprocess
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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


class FakeWitness:
    """One that cosigns whatever it is shown, dated as the test wants; it has no page of its newest note."""

    def __init__(self, name):
        self.name, self.time, self.asked = name, None, 0  # time: None for now
        self.answers = threading.Event()  # cleared: it takes the request and says nothing
        self.answers.set()
        self.private = Ed25519PrivateKey.generate()
        typed = b"\x04" + self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
        self.key = f"{name}+{self.key_id.hex()}+{base64.b64encode(typed).decode()}"
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(404)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fake.answers.wait(PATIENCE_S)
                answer = fake.cosign(body.split(b"\n\n")[1] + b"\n")
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # whoever asked has gone
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def cosign(self, text):
        self.asked += 1
        when = int(time.time()) if self.time is None else self.time
        signature = self.private.sign(f"cosignature/v1\ntime {when}\n".encode() + text)
        payload = self.key_id + struct.pack(">Q", when) + signature
        return f"\u2014 {self.name} {base64.b64encode(payload).decode()}\n".encode()


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

#!/usr/bin/python3
"""Checkpoints, cosignatures and proofs made here hold with the public Go packages note and tlog (Debian:
golang-golang-x-mod-dev, golang-go), built with no network."""

import http.server
import os
import shutil
import subprocess
import threading

from tocsin_pages import PAGES, fetch, pages_of
from tocsin_site import Failure, Site, Skipped, SOURCE, check, run, scenario, wait_until
from tocsin_witness import settings, witnesses

PACKAGES = "/usr/share/gocode"


class Recorder:
    """Stands between the collector and a witness, and keeps what was asked and answered when it was cosigned."""

    def __init__(self, witness, folder):
        self.witness, self.folder, self.count = witness, folder, 0
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size)
                status, answer = witness.ask(self.command, self.path, body)
                if self.path == "/add-checkpoint" and status == 200:
                    recorder.keep(body, answer)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port, self.key = self.server.server_address[1], witness.key
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def keep(self, request, answer):
        for content, ending in ((request, "request"), (answer, "answer")):
            with open(os.path.join(self.folder, f"{self.count}.{ending}"), "wb") as file:
                file.write(content)
        self.count += 1


def build(folder, name="verify_log"):
    """A Go program, out of Debian's packages alone."""
    if not shutil.which("go"):
        raise Skipped("no Go: apt-get install golang-go")
    if not os.path.isdir(os.path.join(PACKAGES, "src/golang.org/x/mod/sumdb/tlog")):
        raise Skipped("no golang.org/x/mod: apt-get install golang-golang-x-mod-dev")
    program = os.path.join(folder, name)
    environment = dict(os.environ, GO111MODULE="off", GOPATH=PACKAGES, GOFLAGS="", GOPROXY="off", CGO_ENABLED="0",
                       GOCACHE=os.path.join(folder, "go-cache"))
    done = subprocess.run(["go", "build", "-o", program, os.path.join(SOURCE, f"tests/scenario/interop/{name}.go")],
                          env=environment, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"go build: {done.stderr}")
    return program


def split_excerpt(path, folder):
    """The single proofs of an excerpt, each a file that stands alone (FORMATS.md, What stands alone)."""
    with open(path, "rb") as file:
        content = file.read()
    count = 0
    at = content.index(b"\nproof ") + 1
    while at < len(content):
        end = content.index(b"\n", at)
        size = int(content[at + len(b"proof "):end])
        at = end + 1 + size
        with open(os.path.join(folder, f"{count}.tlog-proof"), "wb") as file:
            file.write(content[end + 1:at])
        count += 1
    return count


@scenario("checkpoints, cosignatures, consistency and inclusion proofs hold with Go's note and tlog")
def _(folder):
    program = build(folder)
    kept = os.path.join(folder, "kept")
    os.makedirs(kept)
    with Site(folder) as site:
        site.agent.more = "batch: {close_after: 1s}\n"
        log = site.log("auth.log")
        (witness,) = witnesses(site, "w1.example")
        recorder = Recorder(witness, kept)
        site.write_settings(settings(1, recorder))
        site.start()
        for i in range(5):
            before = site.status()["log"]["size"]
            log.write([f"line {i}"])
            wait_until(lambda before=before: site.status()["witnesses"]["published"] > before, "it is published", every=0.2)
        key = site.status()["log_key"]
        excerpt = os.path.join(folder, "excerpt")
        site.tocsin("excerpt", "line", "-o", excerpt)
        proofs = split_excerpt(excerpt, kept)
        check(proofs == 5, f"{proofs} proofs in the excerpt")
    done = subprocess.run([program, key, witness.key, kept], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        print(f"# {line}")
    if done.returncode != 0:
        raise Failure(done.stdout.strip().splitlines()[-1] + done.stderr)
    check(f"ok {proofs} inclusion proofs" in done.stdout, "no inclusion proof was looked at")
    check(recorder.count >= 5, f"only {recorder.count} checkpoints")


@scenario("whoever follows the log over its pages alone, with Go's note and tlog, comes to the checkpoint's root")
def _(folder):
    program = build(folder, "follow_log")
    with Site(folder, settings=PAGES) as site:
        site.agent.more = "batch: {close_after: 1s}\n"
        log = site.log("auth.log")
        site.start()
        url = pages_of(site)
        followed = 0
        for i in range(3):
            before = site.status()["log"]["size"]
            log.write([f"line {i}"])
            wait_until(lambda before=before: site.status()["log"]["size"] > before, "an entry", every=0.2)
            wait_until(lambda: fetch(url, "/checkpoint")[0] == 200, "a checkpoint", every=0.2)
            done = subprocess.run([program, url, site.status()["log_key"]], capture_output=True, text=True, check=False)
            check(done.returncode == 0, f"{done.stdout}{done.stderr}")
            now = int(done.stdout.split()[1])
            check(now >= followed, f"{followed} entries were followed, and now {now}")
            followed = now
        check(followed > 3, f"only {followed} entries")


run()

#!/usr/bin/python3
"""Services that say of themselves how they are: over HTTP, over gRPC, and ACME servers, each well and in each way ill."""

import contextlib
import importlib.util
import json
import os
import ssl
import subprocess
import sys

from tocsin_responder import Responder, closed, reply, silent
from tocsin_site import BIN, check, free_port, run, scenario

JSON, TEXT = "application/json", "text/plain"
HERE = os.path.dirname(os.path.abspath(__file__))


def probe(kind, target, *words):
    """The report, and who failed: {check: {"address what", …}}."""
    done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", kind, target, "--json", *words],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode in (0, 1), f"ended with {done.returncode}: {done.stderr}")
    report = json.loads(done.stdout)
    fired = {}
    for part in report["parts"]:
        for row in part["checks"]:
            if row["state"] in ("warn", "critical"):
                fired.setdefault(row["name"], set()).add(f"{part['address']} {part['what']}".strip())
    check(bool(fired) == (done.returncode == 1), f"exit {done.returncode} with {fired}")
    return report, fired


def expect(kind, target, names, *words):
    report, fired = probe(kind, target, *words)
    check(sorted(fired) == sorted(names), f"{' '.join((kind, target) + words)}: fired {fired}, expected {names}")
    return report


def refused(kind, target, *words):
    """What the command says of settings that are none."""
    done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", kind, target, *words], capture_output=True, text=True,
                          timeout=60, check=False)
    check(done.returncode not in (0, 1), f"{words} ended with {done.returncode}: {done.stdout}")
    return done.stderr


def seen(report, name):
    return [row["seen"] for part in report["parts"] for row in part["checks"] if row["name"] == name]


@scenario("every preset finds its server's health answer, and finds it ill")
def _(_folder):
    presets = {
        "ejbca": ("/ejbca/publicweb/healthcheck/ejbcahealth", TEXT, b"ALLOK", b"MEM: no memory is left", "http.pattern"),
        "signserver": ("/signserver/healthcheck/signserverhealth", TEXT, b"ALLOK", b"worker 3: offline", "http.pattern"),
        "step-ca": ("/health", JSON, b'{"status":"ok"}\n', b'{"status":"not ok"}', "http.value"),
        "cfssl": ("/api/v1/cfssl/health", JSON, b'{"success":true,"result":{"healthy":true},"errors":[],"messages":[]}',
                  b'{"success":true,"result":{"healthy":false},"errors":[],"messages":[]}', "http.value"),
        "dogtag": ("/ca/admin/ca/getStatus", JSON, b'{"Response":{"State":"1","Type":"CA","Status":"running"}}',
                   b'{"Response":{"State":"0","Type":"CA","Status":"starting"}}', "http.pattern"),
    }
    with Responder() as server:
        for name, (path, kind, well, ill, found) in presets.items():
            server.answer = lambda _, body=well, kind=kind: reply(body, kind)
            expect("http", f"http://127.0.0.1:{server.port}", [], "--preset", name)
            check(server.requests[-1].path == path, f"{name} asked {server.requests[-1].path}")
            server.answer = lambda _, body=ill, kind=kind: reply(body, kind)
            expect("http", f"http://127.0.0.1:{server.port}/", [found], "--preset", name)
            server.answer = lambda _, body=well, kind=kind: reply(body, kind, "500 Internal Server Error")
            expect("http", f"http://127.0.0.1:{server.port}/other", ["http.status"], "--preset", name)
            check(server.requests[-1].path == "/other", f"{name} asked {server.requests[-1].path}")


@scenario("a status, a body and values of one's own are held against what comes")
def _(_folder):
    with Responder() as server:
        url = f"http://127.0.0.1:{server.port}/a//b+c"
        server.answer = lambda _: reply(b'{"a":{"b":[1,2],"c":"x y"}}', JSON, "202 Accepted")
        expect("http", url, [], "--status", "204", "--status", "2xx", "--body", '{*"b":[1,?]*}', "--values", "a.c=x y", "--values", "a.b=1")
        check(server.requests[-1].path == "/a//b+c", f"asked {server.requests[-1].path}")
        expect("http", url, ["http.status"])
        report = expect("http", url, ["http.value"], "--status", "202", "--values", "a.c=x")
        check(seen(report, "http.value") == ["a.c: x y"], f"{seen(report, 'http.value')}")
        expect("http", url, ["http.pattern"], "--status", "202", "--body", "running")
    for words, said in ((("--status", "2000"), "write 200"), (("--preset", "openca"), "ejbca"), (("--values", "x"), "NAME=VALUE")):
        check(said in refused("http", "http://127.0.0.1:1/", *words), f"{words}: {refused('http', 'http://127.0.0.1:1/', *words)}")
    check("URL" in refused("http", "127.0.0.1:1"), refused("http", "127.0.0.1:1"))


def drip(_request):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    for _ in range(100):
        yield b"x"
        yield 0.05


@scenario("a service that is away, silent, slow, cut off, too talkative or no HTTP is found by the step that it fails at")
def _(_folder):
    faults = {
        "reach.answer": [closed, lambda _: b"220 mail ready\r\n", lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
                         lambda _: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000 + b"\r\n", lambda _: reply(b"x" * (2 << 20), TEXT)],
        "reach.time": [silent, drip],
        "http.pattern": [lambda _: reply(b"A", TEXT), lambda _: reply(b"", TEXT), lambda _: reply(b"<html>ALLOK", "text/html")],
    }
    with Responder() as server:
        for found, answers in faults.items():
            for answer in answers:
                server.answer = answer
                expect("http", f"http://127.0.0.1:{server.port}/", [found], "--body", "ALLOK", "--timeout",
                       "500ms" if found == "reach.time" else "10s")
    expect("http", f"http://127.0.0.1:{free_port()}/", ["reach.connect"])


@scenario("an address that is ill beside others that are well is named")
def _(_folder):
    with Responder("127.0.0.1", "127.0.0.2", "::1") as server:
        server.answer = lambda _: reply(b"ALLOK", TEXT)
        words = ("--preset", "ejbca", "--addresses", "127.0.0.1", "--addresses", "127.0.0.2", "--addresses", "::1")
        url = f"http://ca.test:{server.port}/"
        expect("http", url, [], *words)
        check(all(request.headers["host"] == f"ca.test:{server.port}" for request in server.requests), "another Host")
        server.at["127.0.0.2"] = lambda _: reply(b"DB: down", TEXT)
        report, fired = probe("http", url, *words)
        check(fired == {"http.pattern": {f"127.0.0.2:{server.port}"}} and report["state"] == "critical", f"{report['state']}: {fired}")
        server.at = {"::1": closed}
        report, fired = probe("http", url, *words)
        check(fired == {"reach.answer": {f"[::1]:{server.port}"}} and report["state"] == "warn", f"{report['state']}: {fired}")


def tls_context(folder, host):
    """Its key and certificate are server.key and server.pem in the folder; the certificate is its own authority."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key",
                    "-out", "server.pem", "-days", "30", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"],
                   cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
    return context


@contextlib.contextmanager
def grpc_server(*words):
    with subprocess.Popen([sys.executable, os.path.join(HERE, "tocsin_grpc.py"), *words], stdout=subprocess.PIPE, text=True) as peer:
        try:
            yield int(peer.stdout.readline())
        finally:
            peer.kill()


if importlib.util.find_spec("grpc"):
    @scenario("a gRPC server that serves is good; one that does not, is silent, or is no gRPC server is found")
    def _(_folder):
        with grpc_server() as port:
            target = f"127.0.0.1:{port}"
            expect("grpc", target, [])
            report = expect("grpc", f"http://{target}/", [], "--service", "well")
            check(seen(report, "grpc.serving") == ["SERVING"], f"{seen(report, 'grpc.serving')}")
            report = expect("grpc", target, ["grpc.serving"], "--service", "ill")
            check(seen(report, "grpc.serving") == ["NOT_SERVING"], f"{seen(report, 'grpc.serving')}")
            report = expect("grpc", target, ["grpc.status"], "--service", "nobody")
            check("NOT_FOUND: unknown service" in seen(report, "grpc.status")[0], f"{seen(report, 'grpc.status')}")
            expect("grpc", target, ["reach.time"], "--service", "silent", "--timeout", "500ms")
        expect("grpc", f"127.0.0.1:{free_port()}", ["reach.connect"])
        check("service" in refused("grpc", target, "--service", "x" * 201), "a long name")

    @scenario("a gRPC server that asks for a certificate is asked with one")
    def _(folder):
        tls_context(folder, "sa.test")
        files = [os.path.join(folder, name) for name in ("server.key", "server.pem")]
        with grpc_server(*files) as port:
            words = ("--addresses", "127.0.0.1", "--authorities", files[1])
            own = ("--client-certificate", files[1], "--client-key", files[0])
            report = expect("grpc", f"https://sa.test:{port}", [], *words, *own)
            check(report["parts"][0]["phases_ms"]["tls"] > 0, "no time of TLS")
            expect("grpc", f"https://other.test:{port}", ["reach.tls"], *words, *own)
            report, fired = probe("grpc", f"https://sa.test:{port}", *words)
            check(set(fired) <= {"reach.tls", "reach.answer"} and fired, f"without a certificate: {fired}")


@scenario("what answers a gRPC question in HTTP/1, in noise or not at all is found")
def _(_folder):
    with Responder() as server:
        for answer in (closed, lambda _: reply(b"hello", TEXT), lambda _: b"\0" * 1000, lambda _: b"\0\0\0\4\0\0\0\0\0"):
            server.answer = answer
            expect("grpc", f"127.0.0.1:{server.port}", ["reach.answer"], "--timeout", "5s")


class Acme:
    """An ACME server's first two answers, each of which can be bent."""

    def __init__(self, port, scheme="https"):
        self.base = f"{scheme}://acme.test:{port}"
        self.count = 0
        self.directory = {name: f"{self.base}/{name}" for name in ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")}
        self.directory["meta"] = {"caaIdentities": ["acme.test"], "externalAccountRequired": False}
        self.nonce = None

    def __call__(self, request):
        if request.path == "/directory":
            return reply(json.dumps(self.directory).encode(), JSON)
        if self.nonce:
            return self.nonce(request)
        self.count += 1
        check(request.method == "HEAD", request.method)
        return reply(b"", TEXT, Replay_Nonce=f"nonce-{self.count:010}", Cache_Control="no-store")


@scenario("an ACME server with a directory and nonces is good; each thing that it lacks is found")
def _(folder):
    with Responder(tls=tls_context(folder, "acme.test")) as server:
        words = ("--addresses", "127.0.0.1", "--authorities", os.path.join(folder, "server.pem"))
        url = f"https://acme.test:{server.port}/directory"

        def ill(names, *more, **bent):
            server.answer = acme = Acme(server.port)
            for name, value in bent.items():
                setattr(acme, name, value)
            return expect("acme", url, names, *words, *more)

        report = ill([])
        check([part["what"] for part in report["parts"]] == ["directory", "newNonce"], f"{report['parts']}")
        check(all(part["phases_ms"]["tls"] > 0 for part in report["parts"]), "no time of TLS")
        good = Acme(server.port).directory
        ill(["acme.resources"], directory={name: good[name] for name in ("newNonce", "newAccount", "newOrder")})
        ill(["acme.https"], directory={**good, "newOrder": "http://acme.test/new-order"})
        ill(["acme.resources"], directory={**good, "newNonce": None, "newAccount": 7, "newOrder": {}})
        ill(["acme.https", "acme.resources"], directory={**good, "newNonce": False, "newAccount": ["a", "b"]})
        ill(["acme.directory"], directory=[])
        ill(["acme.nonce-kept"], nonce=lambda _: reply(b"", TEXT, Replay_Nonce="abcd"))
        ill(["acme.nonce"], nonce=lambda _: reply(b"", TEXT, Cache_Control="no-store"))
        ill(["acme.nonce"], nonce=lambda _: reply(b"", TEXT, Cache_Control="no-store", Replay_Nonce="ab=="))
        ill(["acme.nonce-status"], nonce=lambda _: reply(b"", TEXT, "503 Busy", Replay_Nonce="abcd"))
        ill(["reach.answer"], nonce=closed)
        ill(["reach.time"], "--timeout", "1s", nonce=silent)
        # Another host than the directory's is looked up by its own name.
        ill(["reach.connect"], directory={**good, "newNonce": f"https://127.0.0.1:{free_port()}/n"})
        server.answer = lambda _: reply(b"<html>", "text/html", "404 Not Found")
        expect("acme", url, ["acme.status"], *words)
        expect("acme", url, ["reach.tls"], "--addresses", "127.0.0.1")
    with Responder() as server:
        server.answer = Acme(server.port, "http")
        expect("acme", f"http://acme.test:{server.port}/directory", ["acme.https"], "--addresses", "127.0.0.1")
    check("URL" in refused("acme", "acme.test:443"), "a target that is no URL")


run()

#!/usr/bin/python3
"""TLS servers as they are found in the wild, played by `openssl s_server`: each fault is found by the check that is about it."""

import contextlib
import datetime
import hashlib
import ipaddress
import json
import math
import os
import random
import subprocess
import sys
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tocsin_site import BIN, SOURCE, check, free_port, run, scenario

NAME = "www.example.org"
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
warnings.simplefilter("ignore")  # about SHA-1, which is what a test is about
EASY = "ALL:@SECLEVEL=0"  # what a server has to be told before it uses what is weak


def usage(*names):
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in names for name in every})


class Pki:
    """A root, an intermediate, and servers' certificates of every kind."""

    def __init__(self, folder):
        self.folder = folder
        self.root_key, self.mid_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self.ca("Root", self.root_key, "Root", self.root_key, 3650, None)
        self.mid = self.ca("Intermediate", self.mid_key, "Root", self.root_key, 1000, 0)
        self.write("root.pem", self.root.public_bytes(Encoding.PEM))
        self.write("mid.pem", self.mid.public_bytes(Encoding.PEM))
        self.write("both.pem", self.root.public_bytes(Encoding.PEM) + self.mid.public_bytes(Encoding.PEM))

    def write(self, name, content):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)

    def begin(self, name, public, issuer, issued, until):
        """A certificate of `until - issued` days, issued so many days ago."""
        def named(text):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        return (x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(public)
                .serial_number(x509.random_serial_number()).not_valid_before(NOW + issued * DAY).not_valid_after(NOW + until * DAY))

    def ca(self, name, key, issuer, issuer_key, until, length):
        return (self.begin(name, key.public_key(), issuer, -100, until)
                .add_extension(x509.BasicConstraints(True, length), True)
                .add_extension(usage("key_cert_sign", "crl_sign"), True).sign(issuer_key, hashes.SHA256()))

    def server(self, file, issued=-10, until=80, names=(x509.DNSName(NAME),), key=None, digest=hashes.SHA256(), purpose=None,
               uses=("digital_signature",), staple=False):
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = (self.begin("leaf", key.public_key(), "Intermediate", issued, until)
                   .add_extension(x509.SubjectAlternativeName(names), False).add_extension(usage(*uses), True)
                   .add_extension(x509.ExtendedKeyUsage([purpose or ExtendedKeyUsageOID.SERVER_AUTH]), False))
        if staple:
            builder = builder.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)
        certificate = builder.sign(self.mid_key, digest)
        self.write(f"{file}.pem", certificate.public_bytes(Encoding.PEM))
        self.write(f"{file}.key", key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        return certificate

    def staple(self, file, certificate, status=ocsp.OCSPCertStatus.GOOD, age=DAY):
        revoked = (NOW - 2 * DAY, x509.ReasonFlags.superseded) if status == ocsp.OCSPCertStatus.REVOKED else (None, None)
        response = (ocsp.OCSPResponseBuilder()
                    .add_response(certificate, self.mid, hashes.SHA1(), status, NOW - age, NOW - age + 3 * DAY, *revoked)
                    .responder_id(ocsp.OCSPResponderEncoding.HASH, self.mid).sign(self.mid_key, hashes.SHA256()))
        self.write(file, response.public_bytes(Encoding.DER))


@contextlib.contextmanager
def server(pki, file, *words, address="127.0.0.1", port=None, chain="mid.pem"):
    """`openssl s_server` with that certificate; its port."""
    port = port or free_port()
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    command = ["openssl", "s_server", "-accept", where, "-cert", f"{file}.pem", "-key", f"{file}.key", "-www", *words]
    if chain:
        command += ["-cert_chain", chain]
    peer = subprocess.Popen(command, cwd=pki.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        while True:
            line = peer.stdout.readline()
            check(line, f"{' '.join(command)} ended with {peer.poll()}")
            if line.startswith(b"ACCEPT"):
                break
        yield port
    finally:
        peer.kill()
        peer.wait()
        peer.stdin.close()
        peer.stdout.close()


def probe(pki, port, *words, expect=None, host="127.0.0.1", authorities="root.pem", name=NAME):
    """The report, and the checks that fired with who failed them and what was seen."""
    command = [os.path.join(BIN, "tocsin"), "probe", "tls", f"{host}:{port}", "--json", *words]
    if authorities:
        command += ["--authorities", authorities]
    if name:
        command += ["--server-name", name]
    done = subprocess.run(command, cwd=pki.folder, capture_output=True, text=True, timeout=120, check=False)
    check(done.returncode in (0, 1), f"ended with {done.returncode}: {done.stderr}{done.stdout[-400:]}")
    report = json.loads(done.stdout)
    fired = {}
    for part in report["parts"]:
        for row in part["checks"]:
            if row["state"] in ("warn", "critical"):
                fired.setdefault(row["name"], {})[f"{part['address']} {part['what']}".strip()] = row["seen"]
    if expect is not None:
        check(sorted(fired) == sorted(expect), f"fired {json.dumps(fired)}, expected {sorted(expect)}")
        check(done.returncode == (1 if expect else 0), f"ended with {done.returncode}")
    return report, fired


def seen(fired, name):
    return next(iter(fired[name].values()))


def state(report, name):
    return next(row["state"] for row in report["parts"][0]["checks"] if row["name"] == name)


@scenario("a server that is well gives no finding, at every address, with every version of today")
def _(folder):
    pki = Pki(folder)
    pki.server("good", names=(x509.DNSName("*.example.org"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))))
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(server(pki, "good"))
        stack.enter_context(server(pki, "good", "-no_tls1_3", address="127.0.0.2", port=port))
        stack.enter_context(server(pki, "good", address="::1", port=port))
        words = [word for address in ("127.0.0.1", "127.0.0.2", "::1") for word in ("--addresses", address)]
        report, _ = probe(pki, port, *words, host=NAME, name=None, expect=())
        check(report["state"] == "ok" and report["verdict"] == "good" and len(report["parts"]) == 3, json.dumps(report)[:300])
        versions = [row["seen"] for part in report["parts"] for row in part["checks"] if row["name"] == "tls.protocol"]
        check(versions == ["TLS 1.3", "TLS 1.2", "TLS 1.3"], f"{versions}")
        check(all(part["phases_ms"]["connect"] > 0 and part["phases_ms"]["tls"] > 0 for part in report["parts"]), "phases are timed")
        probe(pki, port, name=None, expect=())  # an address is a name, too
        probe(pki, port, name="www.example.com", expect=("tls.name",))
        probe(pki, port, name="example.org", expect=("tls.name",))


@scenario("one address of several that shows another certificate, or nothing, is told as that address's")
def _(folder):
    pki = Pki(folder)
    pki.server("good")
    pki.server("old", issued=-90, until=-1)
    words = ("--addresses", "127.0.0.1", "--addresses", "127.0.0.2")
    with server(pki, "good") as port:
        with server(pki, "old", address="127.0.0.2", port=port):
            report, fired = probe(pki, port, *words, host=NAME, expect=("tls.expired",))
            check(set(fired["tls.expired"]) == {f"127.0.0.2:{port}"} and not report["partial"], f"{fired}")
        report, fired = probe(pki, port, *words, host=NAME, expect=("reach.connect",))
        check(fired["reach.connect"] == {f"127.0.0.2:{port}": "refused"}, f"{fired}")
        check(report["partial"] and report["state"] == "warn", f"{report['state']}")


@scenario("times: expired, not yet valid, soon over, valid for too long, and a CA of the chain")
def _(folder):
    pki = Pki(folder)
    for issued, until, *names in ((-90, -1, "tls.expired"), (1, 90, "tls.not-yet-valid"), (-80, 20, "tls.ends-soon"),
                                  (-60, 6, "tls.ends-soon", "tls.ends-very-soon"), (-4, 2), (-10, 220, "tls.life")):
        pki.server("server", issued=issued, until=until)
        with server(pki, "server") as port:
            report, _ = probe(pki, port, expect=names)
            check(report["verdict"] == ("unusable" if names and names[0] in ("tls.expired", "tls.not-yet-valid") else "good"),
                  report["verdict"])
    pki.mid = pki.ca("Intermediate", pki.mid_key, "Root", pki.root_key, 5, 0)
    pki.write("mid.pem", pki.mid.public_bytes(Encoding.PEM))
    pki.server("server", until=4)
    with server(pki, "server") as port:
        _, fired = probe(pki, port, expect=("tls.ends-soon", "tls.ends-very-soon"))
        check("Intermediate ends" in seen(fired, "tls.ends-very-soon"), f"{fired}")
        probe(pki, port, "--set", "tls.critical-left=1d", expect=("tls.ends-soon",))


@scenario("chains: without the intermediate, out of order, with somebody else's, of an unknown root")
def _(folder):
    pki = Pki(folder)
    pki.server("good")
    with server(pki, "good", chain=None) as port:
        _, fired = probe(pki, port, expect=("tls.chain-complete",))
        check("leaf was signed by Intermediate" in seen(fired, "tls.chain-complete"), f"{fired}")
        probe(pki, port, authorities="both.pem", expect=())
    with server(pki, "good", chain="both.pem") as port:
        _, fired = probe(pki, port, expect=("tls.chain-order",))
        check("1, 3, 2" in seen(fired, "tls.chain-order"), f"{fired}")
    other = Pki(folder)
    other.write("stranger.pem", pki.mid.public_bytes(Encoding.PEM) + other.mid.public_bytes(Encoding.PEM))
    pki.write("root.pem", pki.root.public_bytes(Encoding.PEM))
    with server(pki, "good", chain="stranger.pem") as port:
        probe(pki, port, expect=("tls.chain-surplus",))
        probe(pki, port, authorities=None, expect=("tls.chain-complete", "tls.chain-surplus"))
    pki.write("whole.pem", pki.mid.public_bytes(Encoding.PEM) + pki.root.public_bytes(Encoding.PEM))
    with server(pki, "good", chain="whole.pem") as port:
        probe(pki, port, expect=())
        report, fired = probe(pki, port, authorities=None, expect=("tls.anchor",))
        check("Root signed itself" in seen(fired, "tls.anchor") and report["verdict"] == "unusable", f"{fired}")


def is_prime(number):
    """Miller and Rabin's test; every prime passes, and hardly anything else."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(12):
        power = pow(random.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return number > 3


def rsa_key(p, q):
    e = 65537
    d = pow(e, -1, math.lcm(p - 1, q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q),
                                    rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key()


def close_key():
    p = rsa.generate_private_key(65537, 2048).private_numbers().p
    q = p + 2
    while not is_prime(q) or (q - 1) % 65537 == 0:
        q += 2
    return rsa_key(p, q)


def roca_key():
    """Primes k * M + 65537^a mod M, as RSALib made them."""
    m = math.prod(number for number in range(2, 168) if all(number % d for d in range(2, number)))

    def prime():
        while True:
            candidate = random.getrandbits(1022 - m.bit_length()) * m + (3 << 1022) // m * m + pow(65537, random.getrandbits(62), m)
            if candidate.bit_length() == 1024 and is_prime(candidate) and (candidate - 1) % 65537:
                return candidate
    return rsa_key(prime(), prime())


@scenario("weak keys: too small, close primes, RSALib's, on a list, an odd curve")
def _(folder):
    pki = Pki(folder)
    for key, *names in ((rsa.generate_private_key(65537, 2048),), (rsa.generate_private_key(65537, 1024), "tls.key-size"),
                        (close_key(), "tls.key-close-primes"), (roca_key(), "tls.key-roca"),
                        (ec.generate_private_key(ec.SECP256K1()), "tls.key-curve")):
        pki.server("server", key=key)
        with server(pki, "server", "-cipher", EASY, "-groups", "P-256:secp256k1") as port:
            report, _ = probe(pki, port, expect=names)
            check(report["verdict"] == ("good" if names in ([], ["tls.key-curve"]) else "unusable"), f"{names}: {report['verdict']}")
    key = rsa.generate_private_key(65537, 2048)
    certificate = pki.server("server", key=key)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    modulus = subprocess.run(["openssl", "x509", "-noout", "-modulus"], input=certificate.public_bytes(Encoding.PEM),
                             capture_output=True, check=True).stdout
    other = "\n".join(hashlib.sha1(b"%d" % i).hexdigest()[20:] for i in range(1000))
    lists = {"none": other, "vulnkey": f"# made as openssl-blacklist is\n{hashlib.sha1(modulus).hexdigest()[20:]}\n{other}",
             "spki": f"{other}\n{hashlib.sha256(spki).hexdigest()}  server"}
    with server(pki, "server") as port:
        for file, text in lists.items():
            pki.write(file, text.encode())
            probe(pki, port, "--weak-keys", file, expect=() if file == "none" else ("tls.key-listed",))


@scenario("old protocols and ciphers: spoken alone, taken beside new ones, refused")
def _(folder):
    pki = Pki(folder)
    pki.server("server", key=rsa.generate_private_key(65537, 2048), uses=("digital_signature", "key_encipherment"))
    for version, name in (("-tls1_1", "TLS 1.1"), ("-tls1", "TLS 1.0")):
        with server(pki, "server", version, "-cipher", EASY) as port:
            report, fired = probe(pki, port, expect=("tls.protocol",))
            check(seen(fired, "tls.protocol") == name and report["verdict"] == "unusable", f"{fired}")
    with server(pki, "server", "-tls1_2", "-cipher", "AES128-GCM-SHA256") as port:
        _, fired = probe(pki, port, expect=("tls.forward-secrecy",))
        check(seen(fired, "tls.forward-secrecy") == "AES128-GCM-SHA256", f"{fired}")
    with server(pki, "server", "-cipher", EASY) as port:
        probe(pki, port, expect=())
        report, fired = probe(pki, port, "--old-protocols", "true", expect=("tls.old-protocols",))
        check(set(fired["tls.old-protocols"]) == {f"127.0.0.1:{port} TLS 1.0 and 1.1"}, f"{fired}")
        check(seen(fired, "tls.old-protocols") == "TLS 1.1 was taken" and report["state"] == "warn", f"{fired}")
    with server(pki, "server", "-tls1_3", "-alpn", "h2") as port:
        probe(pki, port, "--old-protocols", "true", "--alpn", "h2", expect=())
        probe(pki, port, "--alpn", "http/1.1", expect=("reach.tls",))


@scenario("what a certificate is for, how it was signed, and the staple that it promises")
def _(folder):
    pki = Pki(folder)
    pki.server("server", purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
    with server(pki, "server") as port:
        probe(pki, port, expect=("tls.purpose", "tls.purpose-br"))
        probe(pki, port, "--profile", "rfc", expect=("tls.purpose",))
    pki.server("server", digest=hashes.SHA1())
    with server(pki, "server", "-cipher", EASY) as port:
        probe(pki, port, expect=("tls.signature-digest",))
    certificate = pki.server("server", staple=True)
    with server(pki, "server") as port:
        probe(pki, port, expect=("tls.must-staple",))
    for status, age, verdict, *names in (
            (ocsp.OCSPCertStatus.GOOD, DAY, "good"),
            (ocsp.OCSPCertStatus.GOOD, 4 * DAY, "good", "tls.staple", "ocsp.next-update-past", "ocsp.age", "ocsp.refresh"),
            (ocsp.OCSPCertStatus.REVOKED, DAY, "revoked", "tls.staple", "ocsp.status-expected")):
        pki.staple("staple", certificate, status, age)
        with server(pki, "server", "-status_file", "staple") as port:
            report, _ = probe(pki, port, expect=names)
            check(report["verdict"] == verdict, report["verdict"])


@scenario("who is not there, silent, closes at once, speaks something else, or wants a certificate of ours")
def _(folder):
    pki = Pki(folder)
    pki.server("server")
    _, fired = probe(pki, free_port(), expect=("reach.connect",))
    check(seen(fired, "reach.connect") == "refused", f"{fired}")
    peers = {"silent": "silent since", "closes": "without a word", "resets": "reset", "ssh": "SSH-2.0-OpenSSH_9.2",
             "alert": "handshake failure"}
    for mode, words in peers.items():
        with peer(folder, mode) as port:
            report, fired = probe(pki, port, "--timeout", "1s", expect=("reach.tls",))
            check(words in seen(fired, "reach.tls") and report["state"] == "critical", f"{mode}: {fired}")
    for version in ("-tls1_2", "-tls1_3"):
        with server(pki, "server", version, "-Verify", "1") as port:
            report, _ = probe(pki, port, expect=())
            check(report["verdict"] == "good", "what it has shown is judged, and that it wants a certificate is no fault")


@contextlib.contextmanager
def peer(folder, mode):
    """The peer of the unit tests, in one of its modes; its port."""
    own = os.path.join(folder, f"peer-{mode}")
    os.makedirs(own, exist_ok=True)
    process = subprocess.Popen([sys.executable, os.path.join(SOURCE, "tests", "unit", "sys", "tls_peer.py"), mode, own],
                               stdout=subprocess.PIPE)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@scenario("a mail server is judged behind STARTTLS")
def _(folder):
    pki = Pki(folder)
    with peer(folder, "mail") as port:
        own = os.path.join("peer-mail", "peer.pem")
        report, _ = probe(pki, port, "--starttls", "true", authorities=own, expect=("tls.name", "tls.leaf-ca", "tls.purpose-br"))
        check(state(report, "tls.anchor") == "ok" and report["parts"][0]["phases_ms"]["first"] > 0, json.dumps(report)[:400])
    with peer(folder, "mail-bare") as port:
        _, fired = probe(pki, port, "--starttls", "true", expect=("reach.tls",))
        check("does not offer STARTTLS" in seen(fired, "reach.tls"), f"{fired}")


@scenario("a chain in a file is judged before anybody is served it, at any time")
def _(folder):
    pki = Pki(folder)
    certificate = pki.server("server")
    pki.write("chain.pem", certificate.public_bytes(Encoding.PEM) + pki.mid.public_bytes(Encoding.PEM))
    pki.write("chain.der", certificate.public_bytes(Encoding.DER) + pki.mid.public_bytes(Encoding.DER))
    pki.write("list", hashlib.sha256(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
              .hexdigest().encode())
    pki.write("half.der", certificate.public_bytes(Encoding.DER) + pki.mid.public_bytes(Encoding.DER)[:-1])
    later = (NOW + 60 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    for file, words, *names in (("chain.pem", ()), ("chain.der", ("--server-name", NAME)), ("server.pem", (), "tls.chain-complete"),
                                ("chain.pem", ("--server-name", "example.com"), "tls.name"),
                                ("chain.pem", ("--now", later), "tls.ends-soon"),
                                ("chain.pem", ("--weak-keys", "list"), "tls.key-listed"),
                                ("half.der", (), "tls.certificate", "tls.chain-complete")):
        done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", "tls", "--response", file, "--issuer", "root.pem", "--json", *words],
                              cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == (1 if names else 0), f"{file} {words}: {done.returncode} {done.stderr}{done.stdout[:300]}")
        fired = [row["name"] for row in json.loads(done.stdout)["checks"] if row["state"] in ("warn", "critical")]
        check(sorted(fired) == sorted(names), f"{file} {words}: fired {fired}, expected {names}")
    for words, *options in (("--headers is for", "--headers", "list"), ("--serial is for", "--serial", "1"), ("missing", "--weak-keys", "missing")):
        done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", "tls", "--response", "chain.pem", "--issuer", "root.pem", *options],
                              cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode in (2, 3) and words in done.stderr, f"{options}: {done.returncode} {done.stderr}")


@scenario("mistakes in the settings are told with a hint")
def _(folder):
    pki = Pki(folder)
    pki.write("bad", b"not a list\n")
    mistakes = (("missing.pem", "--authorities", "missing.pem"), ("no certificate", "--authorities", "bad"),
                ("bad: line 1", "--weak-keys", "bad"), ("missing", "--weak-keys", "missing"),
                ("starttls", "--starttls", "perhaps"))
    for words, *options in mistakes:
        done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", "tls", "127.0.0.1:1", *options], cwd=folder, capture_output=True,
                              text=True, timeout=60, check=False)
        check(done.returncode in (2, 3) and words in done.stderr, f"{options}: {done.returncode} {done.stderr}")


run()

#!/usr/bin/python3
"""OCSP responses and CRLs in files, made by `openssl ca` and `openssl ocsp`, judged by `tocsin probe` with no network."""

import datetime
import json
import os
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tocsin_ca import Ca
from tocsin_site import BIN, check, run, scenario

def expect(report, fired, verdict, *names):
    check(fired == sorted(names), f"fired: {fired}, expected {sorted(names)}")
    check(report["verdict"] == verdict, f"the verdict is {report['verdict']}")


@scenario("what openssl ocsp answers is judged as a relying party would")
def _(folder):
    ca = Ca(folder)
    ca.ca("-revoke", "two.pem", "-crl_reason", "keyCompromise")
    ca.ocsp("good", "one")
    report, fired = ca.probe("ocsp", "--response", "good", "--cert", "one.pem")
    expect(report, fired, "good")
    check(set(report) == {"kind", "target", "verdict", "state", "checks", "timing_ms"}, f"members: {sorted(report)}")
    check(all(set(row) == {"name", "state", "seen", "due", "source"} for row in report["checks"]), "members of a check")
    check(report["kind"] == "ocsp" and report["target"] == "good" and report["state"] == "ok", f"{report}")
    ca.ocsp("revoked", "two")
    expect(*ca.probe("ocsp", "--response", "revoked", "--cert", "two.pem"), "revoked")
    expect(*ca.probe("ocsp", "--response", "revoked", "--cert", "two.pem", "--reason", "4", expect=1), "revoked",
           "ocsp.reason-expected")
    expect(*ca.probe("ocsp", "--response", "good", "--cert", "three.pem", expect=1), "unusable", "ocsp.cert-id")
    expect(*ca.probe("ocsp", "--response", "good", "--serial", "0x1000"), "good")
    expect(*ca.probe("ocsp", "--response", "good", "--serial", "4096", "--expect", "unissued", expect=1), "good",
           "ocsp.unissued-good")
    ca.ocsp("long", "one", days=11)
    expect(*ca.probe("ocsp", "--response", "long", "--cert", "one.pem", expect=1), "good", "ocsp.validity-long")
    expect(*ca.probe("ocsp", "--response", "long", "--cert", "one.pem", "--profile", "rfc"), "good")
    ca.ocsp("server", "one", signer="server")
    expect(*ca.probe("ocsp", "--response", "server", "--cert", "one.pem", expect=1), "unusable", "ocsp.delegate-purpose",
           "ocsp.delegate-purpose-only", "ocsp.delegate-nocheck")
    ca.ocsp("bare", "one", "-resp_no_certs")
    expect(*ca.probe("ocsp", "--response", "bare", "--cert", "one.pem", expect=1), "unusable", "ocsp.signature")


@scenario("the time is an argument: a response ages, and is past its end")
def _(folder):
    ca = Ca(folder)
    ca.ocsp("good", "one", days=6)

    def at(days, *words, expect=0):
        return ca.probe("ocsp", "--response", "good", "--cert", "one.pem", "--now", f"{ca.later(days)}", *words, expect=expect)

    ca.later = lambda days: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    expect(*at(3.9), "good")
    report, fired = at(4.1, expect=1)
    expect(report, fired, "good", "ocsp.refresh")
    check(report["state"] == "warn", report["state"])
    expect(*at(4.6, expect=1), "good", "ocsp.age", "ocsp.refresh")
    report, fired = at(6.1, expect=1)
    expect(report, fired, "unusable", "ocsp.age", "ocsp.next-update-past", "ocsp.refresh")
    check(report["state"] == "critical", report["state"])
    report, fired = at(-1, expect=1)
    check(report["verdict"] == "unusable" and "ocsp.this-update-future" in fired, f"{fired}")
    expect(*at(1, "--max-age", "2d"), "good")
    expect(*at(1, "--max-age", "172800"), "good")
    expect(*at(3, "--max-age", "2d", expect=1), "unusable", "ocsp.max-age")


@scenario("what openssl ca lists is judged, alone and against the one before")
def _(folder):
    ca = Ca(folder)
    ca.crl("empty.crl")
    expect(*ca.probe("crl", "--response", "empty.crl"), "good")
    for name in ("one", "two", "three"):
        ca.ca("-revoke", f"{name}.pem", "-crl_reason", "superseded")
    ca.crl("three.crl")
    expect(*ca.probe("crl", "--response", "three.crl", "--previous", "empty.crl"), "good")
    expect(*ca.probe("crl", "--response", "three.crl", "--cert", "two.pem"), "revoked")
    expect(*ca.probe("crl", "--response", "empty.crl", "--cert", "two.pem"), "good")
    # crl.older off: whether both were made within one second is chance.
    expect(*ca.probe("crl", "--response", "empty.crl", "--previous", "three.crl", "--cert", "two.pem", "--set", "crl.older=off",
                     expect=1), "good", "crl.entries-gone", "crl.entry-gone", "crl.number-falls")
    expect(*ca.probe("crl", "--response", "three.crl", "--previous", "three.crl"), "good")
    with open(os.path.join(folder, "index.txt"), encoding="ascii") as file:
        lines = file.readlines()
    with open(os.path.join(folder, "index.txt"), "w", encoding="ascii") as file:
        file.writelines(line for line in lines if "CN=two" not in line)
    ca.crl("two.crl")
    report, fired = ca.probe("crl", "--response", "two.crl", "--previous", "three.crl", expect=1)
    expect(report, fired, "good", "crl.entries-gone")
    check("serial 1001" in next(row["seen"] for row in report["checks"] if row["name"] == "crl.entries-gone"), "which one is gone")
    ca.crl("long.crl", days=30)
    expect(*ca.probe("crl", "--response", "long.crl", expect=1), "good", "crl.validity-long")


class Maker:
    """A CA and its products by python3-cryptography: another hand than openssl's, and every kind of key."""

    NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
    DAY = datetime.timedelta(days=1)

    def __init__(self, folder, key, digest):
        self.folder, self.key, self.digest = folder, key, digest
        self.name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ünïcode ☃ " * 5)])
        self.ca = self.certificate(self.name, key.public_key(), 1, [
            (x509.BasicConstraints(True, None), True),
            (x509.KeyUsage(False, False, False, False, False, True, True, False, False), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)])
        self.user = self.certificate(self.name, key.public_key(), (1 << 158) + 5, [])
        self.write("ca.pem", self.ca.public_bytes(Encoding.PEM))
        self.write("user.pem", self.user.public_bytes(Encoding.PEM))

    def write(self, name, content):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)

    def certificate(self, name, key, serial, extensions):
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key).serial_number(serial)
                   .not_valid_before(self.NOW - 2 * self.DAY).not_valid_after(self.NOW + 60 * self.DAY))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, self.digest)

    def crl(self, name, serials):
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(self.NOW - self.DAY)
                   .next_update(self.NOW + 6 * self.DAY).add_extension(x509.CRLNumber(2 ** 150), False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
                   .add_extension(x509.IssuingDistributionPoint(None, None, True, False, None, False, False), True))
        for serial in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self.NOW - 2 * self.DAY)
                .add_extension(x509.CRLReason(x509.ReasonFlags.superseded), False)
                .add_extension(x509.InvalidityDate(self.NOW - 3 * self.DAY), False).build())
        self.write(name, builder.sign(self.key, self.digest).public_bytes(Encoding.DER))

    def ocsp(self, name, key, digest, id_digest):
        responder = self.certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "r")]), key.public_key(), 9, [
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False), (x509.OCSPNoCheck(), False),
            (x509.KeyUsage(True, False, False, False, False, False, False, False, False), True)])
        response = (ocsp.OCSPResponseBuilder()
                    .add_response(self.user, self.ca, id_digest, ocsp.OCSPCertStatus.GOOD, self.NOW - self.DAY,
                                  self.NOW + 3 * self.DAY, None, None)
                    .responder_id(ocsp.OCSPResponderEncoding.HASH, responder).certificates([responder, self.ca]))
        self.write(name, response.sign(key, digest).public_bytes(Encoding.DER))

    def probe(self, kind, name):
        done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", kind, "--issuer", "ca.pem", "--cert", "user.pem", "--response",
                               name, "--json"], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        check(done.returncode == 0, f"{name} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)["verdict"]


@scenario("valid answers of every key, every digest and another maker are taken")
def _(folder):
    kinds = {"rsa": (rsa.generate_private_key(65537, 2048), hashes.SHA512()),
             "rsa, exponent 3": (rsa.generate_private_key(3, 2048), hashes.SHA256()),
             "P-256": (ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()),
             "P-384": (ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()),
             "P-521": (ec.generate_private_key(ec.SECP521R1()), hashes.SHA512()),
             "Ed25519": (ed25519.Ed25519PrivateKey.generate(), None), "Ed448": (ed448.Ed448PrivateKey.generate(), None)}
    digests = (hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
    others = list(kinds.values())
    for i, (name, (key, digest)) in enumerate(kinds.items()):
        maker = Maker(folder, key, digest)
        maker.crl("none.crl", [])
        maker.crl("some.crl", [7, 2 ** 127, maker.user.serial_number])
        maker.ocsp("good", *others[i - 1], digests[i % 4])
        verdicts = [maker.probe("crl", "none.crl"), maker.probe("crl", "some.crl"), maker.probe("ocsp", "good")]
        check(verdicts == ["good", "revoked", "good"], f"{name}: {verdicts}")


@scenario("what is served instead of a CRL is told by what it is, and how it was sent")
def _(folder):
    ca = Ca(folder)
    ca.crl("good.crl")
    bodies = (("html", b"<html><body>404 Not Found</body></html>"), ("byte", b"0"), ("nothing", b""),
              ("half", open(os.path.join(folder, "good.crl"), "rb").read()[:-5]))
    for name, body in bodies:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(body)
        report, fired = ca.probe("crl", "--response", name, expect=1)
        expect(report, fired, "unusable", "crl.body")
    expect(*ca.probe("crl", "--response", "crl.pem", expect=1), "unusable", "crl.body")
    with open(os.path.join(folder, "headers"), "w", encoding="ascii") as file:
        file.write("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nCache-Control: no-store\r\n\r\n")
    expect(*ca.probe("crl", "--response", "good.crl", "--headers", "headers", expect=1), "good", "http.content-type",
           "http.no-store", "http.status")


@scenario("the text reads like a report, and mistakes are told with a hint")
def _(folder):
    ca = Ca(folder)
    ca.crl("long.crl", days=30)
    done = ca.run("crl", "--response", "long.crl")
    lines = done.stdout.splitlines()
    check(done.returncode == 1 and lines[0] == "crl long.crl: good; critical", done.stdout)
    check("✗ crl.validity-long" in lines[1] and "valid for 30 d" in lines[1], lines[1])
    check("due: valid for 10 d at most (Baseline Requirements 4.9.7)" in lines[2], lines[2])
    check(any("✓ crl.signature" in line for line in lines), "what is good is told, too")
    done = ca.run("crl", "--response", "long.crl", "--set", "crl.validity-long=off")
    check(done.returncode == 0, done.stdout)
    mistakes = ((2, "needs a target", "crl"), (2, "cert F or --serial S", "ocsp", "--response", "long.crl"),
                (2, "no profile", "crl", "--response", "long.crl", "--profile", "webtrust"),
                (2, "no serial", "crl", "--response", "long.crl", "--serial", "x"),
                (2, "is no time", "crl", "--response", "long.crl", "--max-age", "soon"),
                (2, "no check", "crl", "--response", "long.crl", "--set", "crl.valid=off"),
                (2, "no kind", "crk"), (3, "missing.crl", "crl", "--response", "missing.crl"),
                (2, "no certificate", "crl", "--response", "long.crl", "--cert", "long.crl"),
                (2, "no CRL", "crl", "--response", "long.crl", "--previous", "crl.pem"),
                (2, "is for OCSP", "crl", "--response", "long.crl", "--expect", "good"))
    for code, words, kind, *rest in mistakes:
        done = ca.run(kind, *rest)
        check(done.returncode == code and words in done.stderr, f"{kind} {rest}: {done.returncode} {done.stderr}")


run()

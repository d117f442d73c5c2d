"""A CA in a folder, made by `openssl ca` and `openssl ocsp`: what the scenarios of probes ask about."""

import datetime
import json
import os
import subprocess

from tocsin_site import BIN, check

CONFIGURATION = """
[ca]
default_ca = default
[default]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 90
policy = policy
crl_extensions = crl
unique_subject = no
[policy]
commonName = supplied
[crl]
authorityKeyIdentifier = keyid
[user]
basicConstraints = CA:FALSE
[responder]
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
[server]
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
"""


class Ca:
    """A CA in a folder, by the command line alone."""

    def __init__(self, folder):
        self.folder = folder
        for name, text in (("ca.cnf", CONFIGURATION), ("index.txt", ""), ("serial", "1000\n"), ("crlnumber", "1000\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        self.openssl("req", "-x509", *self.key("ca"), "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Test CA", "-addext",
                     "keyUsage=critical,keyCertSign,cRLSign")
        for name, kind in (("one", "user"), ("two", "user"), ("three", "user"), ("responder", "responder"), ("server", "server")):
            self.openssl("req", "-new", *self.key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
            self.ca("-extensions", kind, "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext", "-startdate", self.stamp(-30))

    @staticmethod
    def stamp(days):
        return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")

    @staticmethod
    def key(name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key")

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == 0, f"openssl {' '.join(words)}: {done.stderr}")

    def ca(self, *words):
        self.openssl("ca", "-batch", "-config", "ca.cnf", *words)

    def crl(self, name, *words, days=7):
        self.ca("-gencrl", "-crldays", str(days), "-out", "crl.pem", *words)
        self.openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", name)

    def ocsp(self, name, certificate, *words, signer="responder", days=4):
        self.openssl("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key",
                     "-issuer", "ca.pem", "-cert", f"{certificate}.pem", "-ndays", str(days), "-respout", name, *words)

    def probe(self, kind, *words, expect=0):
        """The report as JSON, and the names of the checks that fired."""
        done = self.run(kind, *words, "--json")
        check(done.returncode == expect, f"{kind} {words}: ended with {done.returncode}: {done.stdout}{done.stderr}")
        report = json.loads(done.stdout)
        fired = sorted(row["name"] for row in report["checks"] if row["state"] in ("warn", "critical"))
        return report, fired

    def run(self, kind, *words):
        return subprocess.run([os.path.join(BIN, "tocsin"), "probe", kind, "--issuer", "ca.pem", *words], cwd=self.folder,
                              capture_output=True, text=True, timeout=120, check=False)

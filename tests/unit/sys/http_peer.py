#!/usr/bin/python3
"""An HTTP server that misbehaves as the path says; it prints its port, the same on 127.0.0.1, 127.0.0.2 and ::1.

usage: http_peer.py [--tls FOLDER]
--tls: TLS, with ca.pem made in FOLDER and a certificate for ca.test; other.pem there is another authority.
"""
import argparse
import socket
import ssl
import subprocess
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--tls")
options = parser.parse_args()
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.05)


ANSWERS = {
    "/one": GOOD % (1, b"0"),
    "/none": GOOD % (0, b""),
    "/html": b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "/large": GOOD % (300000, b"x" * 300000),
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "/until-closed": b"HTTP/1.0 200 OK\r\n\r\nall there is",
    "/no-http": b"220 mail.example.org ESMTP\r\n",
    "/headers": b"HTTP/1.1 200 OK\r\n" + b"X: %s\r\n" % (b"y" * 1000) * 100 + b"\r\n",
    "/redirect": b"HTTP/1.1 302 Found\r\nLocation: /one\r\nContent-Length: 0\r\n\r\n",
    "/interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD % (2, b"ok"),
    "/trailers": b"HTTP/1.1 200 OK\r\nTrailer: Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"3\r\nabc\r\n0\r\nSum: 6\r\nMore: x\r\n\r\n",
}


def serve(connection):
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65536)
            if not piece:
                return
            request += piece
            if request[:1] == b"\x16":  # a TLS handshake
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return
        path = request.split(b" ")[1].decode()
        if path == "/silent":
            time.sleep(30)
        elif path == "/drip":
            drip(connection)
        elif path == "/late":
            time.sleep(0.2)
            connection.sendall(GOOD % (4, b"late"))
        elif path in ANSWERS:
            connection.sendall(ANSWERS[path])
        elif path != "/close":  # what was asked, and where
            said = request + connection.getsockname()[0].encode()
            connection.sendall(GOOD % (len(said), said))


def make_authorities(folder):
    def run(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    for name in "ca", "other":
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    with open(f"{folder}/names", "w") as file:
        file.write("subjectAltName=DNS:ca.test\n")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "peer.key",
        "-out", "peer.csr", "-subj", "/CN=ca.test")
    run("x509", "-req", "-in", "peer.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
        "-extfile", "names", "-out", "peer.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/peer.pem", f"{folder}/peer.key")
    context.load_verify_locations(f"{folder}/ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def listen(family, address, port):
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(100)
    return listener


def begin(connection):
    try:
        serve(tls.wrap_socket(connection, server_side=True) if tls else connection)
    except (OSError, ssl.SSLError):
        connection.close()


def accept(listener):
    while True:
        threading.Thread(target=begin, args=(listener.accept()[0],), daemon=True).start()


tls = make_authorities(options.tls) if options.tls else None
first = listen(socket.AF_INET, "127.0.0.1", 0)
port = first.getsockname()[1]
listeners = [first, listen(socket.AF_INET, "127.0.0.2", port), listen(socket.AF_INET6, "::1", port)]
print(port, flush=True)
for listener in listeners[1:]:
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
accept(listeners[0])

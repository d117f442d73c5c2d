#!/usr/bin/python3
"""A server that speaks TLS, or something else, as its mode says; it prints its port, the same on 127.0.0.1 and ::1.

usage: tls_peer.py MODE FOLDER
A certificate for peer.test is made in FOLDER (peer.der is it in DER).
"""
import socket
import ssl
import struct
import subprocess
import sys
import threading
import warnings

mode, folder = sys.argv[1:]
warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what it is for
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                f"{folder}/key.pem", "-out", f"{folder}/peer.pem", "-subj", "/CN=peer.test", "-days", "2"], check=True, capture_output=True)
subprocess.run(["openssl", "x509", "-in", f"{folder}/peer.pem", "-outform", "DER", "-out", f"{folder}/peer.der"], check=True)


def tls(connection, version=None, wants=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_alpn_protocols(["h2"])
    if version:
        context.minimum_version = context.maximum_version = version
    if wants:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(f"{folder}/peer.pem")
    context.load_cert_chain(f"{folder}/peer.pem", f"{folder}/key.pem")
    with context.wrap_socket(connection, server_side=True) as session:
        while session.recv(4096):
            pass


def mail(connection, greeting=b"220-peer.test\r\n220 ready\r\n", offers=b"250-STARTTLS\r\n", reply=b"220 go on\r\n"):
    for piece in (greeting[:7], greeting[7:]):
        connection.sendall(piece)
    connection.recv(4096)
    connection.sendall(b"250-peer.test\r\n" + offers + b"250 SIZE 1000\r\n")
    if connection.recv(4096) == b"STARTTLS\r\n":
        connection.sendall(reply)
        tls(connection)


def reset(connection):
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def says(text, hold=False):
    def answer(connection):
        connection.sendall(text)
        while hold and connection.recv(4096):
            pass
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    return answer


MODES = {
    "today": tls,
    "tls12": lambda connection: tls(connection, ssl.TLSVersion.TLSv1_2),
    "tls11": lambda connection: tls(connection, ssl.TLSVersion.TLSv1_1),
    "tls13": lambda connection: tls(connection, ssl.TLSVersion.TLSv1_3),
    "wants": lambda connection: tls(connection, ssl.TLSVersion.TLSv1_2, True),
    "mail": mail,
    "mail-bare": lambda connection: mail(connection, offers=b""),
    "mail-busy": lambda connection: mail(connection, greeting=b"554 no service\r\n"),
    "mail-later": lambda connection: mail(connection, reply=b"454 not now\r\n"),
    "mail-injected": lambda connection: mail(connection, reply=b"220 go on\r\n250 injected\r\n"),
    "mail-endless": says(b"220-and on\r\n" * 10000),
    "silent": says(b"", True),
    "closes": says(b""),
    "resets": reset,
    "ssh": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "ssh-holds": says(b"SSH", True),
    "cut": says(b"\x16\x03\x03\x01"),
    "stuck": says(b"\x16\x03\x03\x01\x00\x02", True),
    "alert": says(b"\x15\x03\x01\x00\x02\x02\x28"),
    "rubbish": says(b"\x16\x03\x03\x00\x04\x0b\x00\x00\x00"),
    # a CertificateRequest-like handshake message that never ends
    "flood": says(b"\x16\x03\x03\x00\x7f" + b"\x02\xff\xff\xff" + b"x" * 123 + (b"\x16\x03\x03\x40\x00" + b"x" * 16384) * 64, True),
}


def serve(listener):
    while True:
        connection = listener.accept()[0]
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection):
    with connection:
        try:
            MODES[mode](connection)
        except OSError:
            pass


four = socket.create_server(("127.0.0.1", 0))
port = four.getsockname()[1]
try:
    threading.Thread(target=serve, args=(socket.create_server(("::1", port), family=socket.AF_INET6),), daemon=True).start()
except OSError:
    pass
print(port, flush=True)
serve(four)

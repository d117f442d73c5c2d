"""An HTTP server that misbehaves as it is told, for what the probes must find.

    with Responder("127.0.0.1", "127.0.0.2", "::1") as server:
        server.answer = lambda request: reply(body, "application/pkix-crl")
        server.at["127.0.0.2"] = closed

An answer is a function of a request: it gives the bytes to send, or an iterator of bytes and of numbers (seconds to wait),
or None: the connection is closed without a word. `at` holds those of single addresses. Everything ends with the `with`.
"""

import socket
import threading
import time


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = lines[0].split(" ", 2)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.body = body


def reply(body, kind, status="200 OK", **headers):
    """A whole answer; Some_Header=value."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closed(_request):
    """Accepted, and closed without a byte."""


def silent(_request):
    """Accepted, and never a byte."""
    yield 60


class Responder:
    def __init__(self, *addresses, tls=None, port=0):
        self.answer = closed
        self.at = {}
        self.port = port  # 0: any
        self.tls = tls  # an ssl.SSLContext, for https
        self.requests = []
        self.stopping = threading.Event()
        self.sockets, self.threads = [], []
        self.addresses = addresses or ("127.0.0.1",)

    def __enter__(self):
        for address in self.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listening = socket.socket(family, socket.SOCK_STREAM)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address, self.port))
            self.port = listening.getsockname()[1]
            listening.listen(64)
            listening.settimeout(0.1)
            self.sockets.append(listening)
            thread = threading.Thread(target=self._serve, args=(listening, address), daemon=True)
            self.threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        for one in self.sockets:
            one.close()

    def url(self, path="/"):
        return f"http://localhost:{self.port}{path}"

    def _serve(self, listening, address):
        while not self.stopping.is_set():
            try:
                connection, _ = listening.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection, address), daemon=True).start()

    def _talk(self, connection, address):
        with connection:
            try:
                connection.settimeout(30)
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                request = self._read(connection)
                if request:
                    request.address = address
                    self.requests.append(request)
                    self._send(connection, self.at.get(address, self.answer)(request))
            except OSError:
                pass  # who asked has gone

    def _send(self, connection, answer):
        for piece in [answer] if isinstance(answer, bytes) else answer or []:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            else:
                until = time.monotonic() + piece
                while time.monotonic() < until and not self.stopping.is_set():
                    time.sleep(0.02)

    @staticmethod
    def _read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        request = Request(head, body)
        while len(request.body) < int(request.headers.get("content-length", 0)):
            piece = connection.recv(65536)
            if not piece:
                return None
            request.body += piece
        return request

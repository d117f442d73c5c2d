"""Peers of the small probes, that misbehave as they are told: a name server, a time server, a port that talks.

    with NamePeer("127.0.0.2") as peer:
        peer.answer = lambda query: query.reply(a="192.0.2.7")

An answer is a function of what came; it gives bytes, a list of them (one datagram each), or None: silence. Everything ends
with the `with`.
"""

import socket
import struct
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "AAAA": 28}
RCODES = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
AUTHORITATIVE, TRUNCATED = 0x0400, 0x0200
SINCE_1900 = 2208988800


def wire_name(text):
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Query:
    """A question as it came, and answers to it."""

    def __init__(self, message, tcp):
        self.message, self.tcp = message, tcp
        self.id = struct.unpack(">H", message[:2])[0]
        at, labels = 12, []
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        self.name = ".".join(labels)
        number = struct.unpack(">H", message[at + 1:at + 3])[0]
        self.type = {value: name for name, value in TYPES.items()}.get(number, str(number))
        self.question = message[12:at + 5]

    def reply(self, records=(), rcode="NOERROR", flags=AUTHORITATIVE, ident=None, question=None):
        """Records are (type, data[, ttl]), of the name that was asked for."""
        body = b""
        for kind, data, *ttl in records:
            body += b"\xc0\x0c" + struct.pack(">HHIH", TYPES[kind], 1, ttl[0] if ttl else 3600, len(data)) + data
        head = struct.pack(">6H", self.id if ident is None else ident, 0x8000 | flags | RCODES[rcode], 1, len(records), 0, 0)
        return head + (question or self.question) + body


def zone(serial=1, v4="192.0.2.7", v6="2001:db8::7", ttl=3600):
    """What a good server of a zone answers."""
    def answer(query):
        if query.type == "SOA":
            return query.reply([("SOA", b"\0\0" + struct.pack(">5I", serial, 3600, 900, 1209600, 300), ttl)])
        if query.type == "A" and v4:
            return query.reply([("A", socket.inet_aton(v4), ttl)])
        if query.type == "AAAA" and v6:
            return query.reply([("AAAA", socket.inet_pton(socket.AF_INET6, v6), ttl)])
        return query.reply()
    return answer


class Peer:
    """Sockets on one address and port, each served by a thread until the end."""

    def __init__(self, address="127.0.0.1", port=0):
        self.address, self.port = address, port
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.stopping = threading.Event()
        self.sockets, self.threads = [], []
        self.came = []

    def open(self, kind, serve):
        made = socket.socket(self.family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((self.address, self.port))
        self.port = made.getsockname()[1]
        made.settimeout(0.1)
        if kind == socket.SOCK_STREAM:
            made.listen(16)
        self.sockets.append(made)
        thread = threading.Thread(target=self.loop, args=(made, serve), daemon=True)
        self.threads.append(thread)
        thread.start()

    def loop(self, made, serve):
        while not self.stopping.is_set():
            try:
                serve(made)
            except TimeoutError:
                continue
            except OSError:
                time.sleep(0.01)

    def __str__(self):
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        for made in self.sockets:
            made.close()

    def __enter__(self):
        self.begin()
        return self


class Datagrams(Peer):
    def begin(self):
        self.open(socket.SOCK_DGRAM, self.serve)

    def serve(self, made):
        message, sender = made.recvfrom(65535)
        self.came.append(message)
        replies = self.answer(self.question(message))
        for reply in [replies] if isinstance(replies, bytes) else replies or []:
            made.sendto(reply, sender)

    def question(self, message):
        return message


class NamePeer(Datagrams):
    """A name server over both. `over_tcp`: None: it does not listen there; otherwise like `answer`."""

    def __init__(self, address="127.0.0.1", answer=None, over_tcp=None, port=0):
        super().__init__(address, port)
        self.answer, self.over_tcp = answer or zone(), over_tcp

    def begin(self):
        super().begin()
        if self.over_tcp:
            self.open(socket.SOCK_STREAM, self.serve_stream)

    def question(self, message):
        return Query(message, False)

    def serve_stream(self, made):
        connection, _ = made.accept()
        with connection:
            connection.settimeout(5)
            size = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))[0]
            reply = self.over_tcp(Query(connection.recv(size, socket.MSG_WAITALL), True))
            if reply is not None:
                connection.sendall(struct.pack(">H", len(reply)) + reply)


def ntp(ahead=0.0, stratum=2, leap=0, mode=4, dispersion=0.001, kiss=b"\0\0\0\0", origin=None):
    """What a time server answers whose clock is ahead by that."""
    def stamp(seconds):
        return struct.pack(">Q", int((seconds + SINCE_1900) * 2**32) & (2**64 - 1))

    def answer(packet):
        now = time.time() + ahead
        return (bytes([leap << 6 | 4 << 3 | mode, stratum, 6, 0xec]) + struct.pack(">II", 0, int(dispersion * 65536)) + kiss +
                stamp(now - 10) + (origin or packet[40:48]) + stamp(now) + stamp(now))
    return answer


class TimePeer(Datagrams):
    def __init__(self, answer, address="127.0.0.1"):
        super().__init__(address)
        self.answer = answer


class TalkPeer(Peer):
    """A port that plays a script for each connection: bytes are sent, a number waits so many seconds, None reads a line; then
    it closes, unless the script's last is "stay"."""

    def __init__(self, script, address="127.0.0.1"):
        super().__init__(address)
        self.script = script
        self.players = []

    def begin(self):
        self.open(socket.SOCK_STREAM, self.serve)

    def serve(self, made):
        connection, _ = made.accept()
        player = threading.Thread(target=self.play, args=(connection,), daemon=True)
        self.players.append(player)
        player.start()

    def play(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                for step in self.script:
                    if step is None:
                        self.came.append(lines.readline())
                    elif step == "stay":
                        self.stopping.wait()
                    elif isinstance(step, bytes):
                        connection.sendall(step)
                    else:
                        self.stopping.wait(step)
            except OSError:
                pass

    def __exit__(self, *rest):
        super().__exit__(*rest)
        for player in self.players:
            player.join()

"""A TCP proxy between an agent and its collector that does to a connection what networks do."""

import socket
import struct
import threading

from tocsin_site import free_port

UP, DOWN = 0, 1  # to the collector, to the agent


class Proxy:
    """Listens on `port`. What it does to the next connections is set by its attributes; `connections` and the bytes of
    the last one, `passed`, are counted."""

    def __init__(self, target_port):
        self.port, self.target_port = free_port(), target_port
        self.cut_after = {}      # {UP: n}: the connection ends hard after so many bytes in that direction, then None
        self.cuts = iter(())     # one dict for each further connection, taken first; after the last: none
        self.black_hole = set()  # directions in which nothing passes any more, while TCP goes on acknowledging
        self.passing = threading.Event()
        self.passing.set()       # cleared: bytes are no longer read, so that windows close
        self.refusing = False    # new connections are closed at once
        self.connections = 0
        self.was_cut = 0
        self.passed = [0, 0]
        self.open = set()
        self.lock = threading.Lock()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.refusing = True
        self.passing.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut_all()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def cut_all(self):
        """Every connection ends now, with a reset."""
        with self.lock:
            pairs, self.open = self.open, set()
        for pair in pairs:
            self._reset(pair)

    @staticmethod
    def _reset(pair):
        for each in pair:
            try:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RD)
                each.close()
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), 10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            passed = self.passed = [0, 0]
            pair = (client, server)
            with self.lock:
                self.open.add(pair)
            cut = next(self.cuts, self.cut_after)
            for direction in (UP, DOWN):
                threading.Thread(target=self._pump, args=(pair, direction, cut, passed), daemon=True).start()

    def _pump(self, pair, direction, cut, passed):
        source, target = pair if direction == UP else pair[::-1]
        try:
            while True:
                self.passing.wait()
                data = source.recv(16384)
                if not data:
                    break
                if direction in self.black_hole:
                    continue
                self.passing.wait()
                limit = cut.get(direction)
                if limit is not None and passed[direction] + len(data) >= limit:
                    target.sendall(data[:limit - passed[direction]])
                    self.was_cut += 1
                    break
                target.sendall(data)
                passed[direction] += len(data)
        except OSError:
            pass
        with self.lock:
            self.open.discard(pair)
        # What was passed on must arrive before the end does: close, and no reset, towards the target.
        for each in pair:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

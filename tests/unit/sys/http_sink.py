#!/usr/bin/python3
"""An HTTP server that keeps what is POSTed: one file a request in the folder given, request line and headers first.

usage: http_sink.py FOLDER [--idle SECONDS]
Prints its port. /status/N answers N; /slow never answers; /large answers a megabyte. A connection is closed when it has
been idle for so long.
"""
import argparse
import http.server
import time

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--idle", type=float, default=60)
options = parser.parse_args()


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = options.idle
    count = 0

    def do_POST(self):
        Sink.count += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(f"{options.folder}/{Sink.count}", "wb") as file:
            file.write(f"peer {self.client_address[1]}\n{self.requestline}\n{self.headers}".encode() + body)
        status, answer = 200, b"taken"
        if self.path.startswith("/status/"):
            status, answer = int(self.path[8:]), b"refused\non purpose"
        elif self.path == "/slow":
            time.sleep(30)
        elif self.path == "/large":
            answer = b"x" * 1000000
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()

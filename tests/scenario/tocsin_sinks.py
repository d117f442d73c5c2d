"""Where alerts go: a mail server and a web server that keep what they get and can be down, refuse, or want a password."""

import asyncio
import email
import email.policy
import http.server
import json
import logging
import os
import ssl
import threading
import time
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

from tocsin_site import free_port
from tocsin_wire import make_certificate

logging.getLogger("mail.log").setLevel(logging.CRITICAL)
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module="aiosmtpd")


class MailSink:
    """`settings` goes into collector.yaml; start and stop as often as wanted, the port stays.

    Each message is (time.time() of its arrival, email.message.EmailMessage, TLS or not, user)."""

    def __init__(self, folder, tls=False, user=None, password=None):
        self.port = free_port()
        self.messages = []
        self.refusing = None  # "451 later", "550 never": the answer to a message instead of taking it
        self.tries = 0
        self.user, self.password = user, password
        self.context = None
        self.loop = None
        self.settings = {"server": f"localhost:{self.port}", "from": "tocsin@test.example", "to": ["admin@test.example"],
                         "starttls": "required" if tls else "never"}
        if tls:
            key, certificate = make_certificate(os.path.join(folder, "mail-tls"), "localhost")
            self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.context.load_cert_chain(certificate, key)
            self.settings["ca"] = certificate
        if user:
            path = os.path.join(folder, "mail-password")
            with open(path, "w", encoding="utf-8") as file:
                file.write(password + "\n")
            os.chmod(path, 0o600)
            self.settings |= {"user": user, "password_file": path}

    async def handle_DATA(self, server, session, envelope):  # pylint: disable=invalid-name
        self.tries += 1
        if self.refusing:
            return self.refusing
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.messages.append((time.time(), message, session.ssl is not None, session.auth_data))
        return "250 taken"

    def _authenticate(self, server, session, envelope, mechanism, data):
        good = (data.login.decode(), data.password.decode()) == (self.user, self.password)
        return AuthResult(success=good, handled=False, auth_data=data.login.decode() if good else None)

    def _protocol(self):
        more = {}
        if self.user:
            more = {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": self.context is not None}
        return SMTP(self, tls_context=self.context, require_starttls=self.context is not None, **more)

    def start(self):
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(self.loop.create_server(self._protocol, "127.0.0.1", self.port))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        """The port is closed, and every connection with it."""
        if not self.loop:
            return

        async def end():
            self.server.close()
            for task in asyncio.all_tasks(self.loop) - {asyncio.current_task()}:
                task.cancel()
            self.loop.call_later(0.05, self.loop.stop)

        asyncio.run_coroutine_threadsafe(end(), self.loop)
        self.thread.join()
        self.loop.close()
        self.loop = None

    def subjects(self):
        return [str(message["Subject"]) for _, message, _, _ in self.messages]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class WebhookSink:
    """Keeps what is posted as (time.time(), headers, object). `status`: what it answers."""

    def __init__(self, status=200):
        self.port = free_port()
        self.posts = []
        self.status = status
        self.tries = 0
        self.settings = {"url": f"http://127.0.0.1:{self.port}/hook?a=1", "headers": {"X-Token": "abc"}}
        self.server = None

    def start(self):
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.tries += 1
                if sink.status == 200:
                    sink.posts.append((time.time(), dict(self.headers), json.loads(body)))
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

#!/usr/bin/python3
"""An SMTP server that keeps what it gets: one file a message in the folder given, envelope first.

usage: smtp_sink.py FOLDER [--tls CERTIFICATE KEY] [--user NAME PASSWORD] [--idle SECONDS]
Prints its port. A recipient that begins with three digits is refused with them.
"""
import argparse
import asyncio
import logging
import ssl
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--tls", nargs=2)
parser.add_argument("--user", nargs=2)
parser.add_argument("--idle", type=float, default=60)
options = parser.parse_args()
logging.disable()  # handshakes that fail are on purpose
warnings.simplefilter("ignore")


class Sink:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address[:3].isdigit():
            return f"{address[:3]} refused on purpose"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Sink.count += 1
        head = (f"hello {session.host_name}\npeer {session.peer[1]}\ntls {bool(session.ssl)}\n"
                f"user {session.auth_data}\nfrom {envelope.mail_from}\nto {' '.join(envelope.rcpt_tos)}\n\n")
        with open(f"{options.folder}/{Sink.count}", "wb") as file:
            file.write(head.encode() + envelope.content)
        return "250 taken"


def check(server, session, envelope, mechanism, data):
    good = [data.login.decode(), data.password.decode()] == options.user
    return AuthResult(success=good, handled=False, auth_data=data.login.decode() if good else None)


def connection():
    more = {}
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*options.tls)
        more.update(tls_context=context)
    if options.user:
        more.update(authenticator=check, auth_required=True, auth_require_tls=bool(options.tls))
    return SMTP(Sink(), timeout=options.idle, **more)


async def main():
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

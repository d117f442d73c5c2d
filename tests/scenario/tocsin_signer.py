"""A stand-in for CAcert's signer on a pair of ptys: byte for byte what the real one says on its line, and every way to misbehave.

A second of the real one lasts `second` here. It knows no error answer: whatever it does not expect makes it die (`deaths` says of
what), and it is back a second later, with nothing of what was said to it before."""

import os
import select
import threading
import time
import tty

START, YES, AGAIN = b"\x02", b"\x10", b"\x11"
TRAILER = b"rie4Ech7"
CHUNK = 30
BYTES_A_SECOND = 1750


def p3(data):
    return len(data).to_bytes(3, "big") + data


def sealed(body):
    check = 0
    for byte in body:
        check ^= byte
    return body + bytes([check]) + TRAILER


def block(header, *fields):
    return sealed(p3(b"".join(p3(part) for part in (header, *fields))))


RESPONSE = block(b"\x01\x00\x00\x00", b"", b"", b"")
OTHER_RESPONSE = block(b"\x01\x01\x00\x00", b"", b"", b"")


def wrong_xor(answer):
    return answer[:-9] + bytes([answer[-9] ^ 3]) + answer[-8:]


def wrong_trailer(answer):
    return answer[:-1] + b"8"


def wrong_lengths(answer):
    """Its last field is longer than the block."""
    return sealed(answer[:-10] + b"\x05")


class Death(Exception):
    pass


class Signer(threading.Thread):
    """Faults, each how often (99: always) or how many seconds of the real one's:
    mute, hang: seconds until it answers the start, until its work is done
    again: asks for the request again; die_at: "start", "work": dies there; garbage: its first byte is 41
    spoil: (a function that spoils an answer, how often); pause: (seconds, how often) inside an answer
    cut: how often it stops in the middle; drip: seconds between two bytes of an answer
    stale: an answer that nobody waits for any more comes first; noise: a byte every so many seconds, always"""

    def __init__(self, second=0.2, **faults):
        super().__init__(daemon=True)
        self.second, self.faults = second, faults
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        self.ended = threading.Event()
        self.deaths, self.served = [], 0
        self.start()

    def close(self):
        """Out of the socket: whoever has the line open loses it."""
        self.ended.set()
        self.join(10)
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def wait_served(self, count, most=2):
        """Its last read may come a moment after whoever asked has ended."""
        until = time.monotonic() + most
        while self.served < count and time.monotonic() < until:
            time.sleep(0.01)
        return self.served >= count

    def once(self, fault):
        """Whether this time, and one time fewer from now on."""
        count = self.faults.get(fault, 0)
        self.faults[fault] = count - 1
        return count > 0

    def sleep(self, seconds):
        if self.ended.wait(seconds * self.second):
            raise Death("ended")

    def there(self):
        """Whether somebody has the line open."""
        poll = select.poll()
        poll.register(self.master, select.POLLHUP)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    def read(self, most, seconds, what):
        """At least one byte; seconds None: for ever."""
        until = None if seconds is None else time.monotonic() + seconds * self.second
        while not self.ended.is_set():
            if select.select([self.master], [], [], 0.01)[0]:
                try:
                    return os.read(self.master, most)
                except OSError:  # nobody has the line open
                    time.sleep(0.005)
            if until and time.monotonic() > until:
                raise Death(f"{what} did not come")
        raise Death("ended")

    def forget(self):
        """What was said to a program that is gone."""
        while self.there() and select.select([self.master], [], [], 0)[0]:
            os.read(self.master, 4096)

    def write(self, data):
        os.write(self.master, data)

    def read_block(self):
        got = b""
        while len(got) < 3 or len(got) < 3 + int.from_bytes(got[:3], "big") + 9:
            got += self.read(100, 2, "the rest of the request")
        if got[-8:] != TRAILER:
            raise Death(f"no trailer in {got.hex()}")

    def take_request(self):
        byte = self.read(1, None, "a start")
        if byte != START:
            raise Death(f"{byte.hex()} where a start was due")
        if self.faults.get("die_at") == "start":
            raise Death("as it was told")
        self.sleep(self.faults.pop("mute", 0))
        self.write(b"\x41" if self.once("garbage") else YES)
        self.read_block()
        while self.once("again"):
            self.write(AGAIN)
            self.read_block()
        self.write(YES)

    def send(self, answer):
        spoil, times = self.faults.get("spoil", (None, 0))
        if times > 0:
            self.faults["spoil"] = (spoil, times - 1)
            answer = spoil(answer)
        if self.once("cut"):
            answer = answer[:11]
        if "drip" in self.faults:
            for byte in answer:
                self.write(bytes([byte]))
                self.sleep(self.faults["drip"])
            return
        pause, times = self.faults.get("pause", (0, 0))
        if times > 0:
            self.faults["pause"] = (pause, times - 1)
            self.write(answer[:7])
            self.sleep(pause)
            answer = answer[7:]
        for at in range(0, len(answer), CHUNK):
            self.write(answer[at:at + CHUNK])
            time.sleep(CHUNK / BYTES_A_SECOND)

    def give_answer(self, answer):
        self.write(START)
        byte = self.read(1, 2, "leave to answer")
        if byte != YES:
            raise Death(f"{byte.hex()} where leave to answer was due")
        self.sleep(1)
        byte = AGAIN
        while byte == AGAIN:
            self.send(answer)
            byte = self.read(1, 5, "the answer's receipt")
        if byte != YES:
            raise Death(f"{byte.hex()} where the answer's receipt was due")

    def serve(self):
        if self.once("stale"):
            while not self.there():
                self.sleep(0.05)
            self.give_answer(OTHER_RESPONSE)
        while "noise" in self.faults:
            if self.there():
                self.write(b"\x55")
            self.sleep(self.faults["noise"])
        self.take_request()
        self.sleep(self.faults.pop("hang", 0))
        if self.faults.get("die_at") == "work":
            raise Death("as it was told")
        self.give_answer(RESPONSE)
        self.served += 1

    def run(self):
        while not self.ended.is_set():
            try:
                self.serve()
            except (Death, OSError) as death:
                if self.ended.is_set():
                    return
                self.deaths.append(str(death))
                self.ended.wait(self.second)
                self.forget()

"""A peer that means no good.  SPDX-License-Identifier: MIT

hostile.py garbage HOST PORT SECONDS   nonsense at every stage of a link, and as datagrams
hostile.py hold HOST PORT SECONDS      as many idle and trickling connections as it can get
hostile.py bend HOST PORT TO-HOST TO-PORT FIRST
    listens at HOST:PORT and passes the frames of a real node on, but bends one of each
    connection: the FIRST, the next one in the next connection, and so on; by turns a bit is
    flipped, the frame is sent twice, or it is cut and the rest withheld
"""
import random
import select
import socket
import struct
import sys
import time


def dial(where):
    s = socket.create_connection(where, timeout=2)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def frame(data):
    return struct.pack(">H", len(data)) + data


def noise(low, high):
    return random.randbytes(random.randint(low, high))


def drain(s):
    """Read what there is for a moment; what was read, None when the other side hung up."""
    s.settimeout(0.3)
    try:
        return s.recv(65536) or None
    except socket.timeout:
        return b""
    except OSError:
        return None


def handshake(s, first):
    """Message 1 of the handshake is one public key: any 32 bytes will do."""
    s.sendall(frame(first))
    return drain(s)


# Each takes an open connection and misbehaves once.
def no_frame(s):
    s.sendall(noise(1, 4000))


def empty_frame(s):
    s.sendall(b"\0\0" * 100)


def oversize(s):
    s.sendall(b"\xff\xff" + noise(65535, 65535))


def long_then_gone(s):
    s.sendall(b"\xff\xff" + noise(10, 20000))


def odd_first(s):
    s.sendall(frame(noise(1, 200)))


def zero_key(s):
    handshake(s, bytes(32))


def bad_third(s):
    handshake(s, noise(32, 32))
    s.sendall(frame(noise(1, 400)))


def third_of_right_size(s):
    got = handshake(s, noise(32, 32)) or b""
    s.sendall(frame(noise(len(got), len(got)) if got else noise(64, 64)))


def skip_to_sealed(s):
    handshake(s, noise(32, 32))
    for _ in range(20):
        s.sendall(frame(noise(17, 1500)))


def echo(s):
    got = handshake(s, noise(32, 32))
    if got:
        s.sendall(got)


def reset(s):
    handshake(s, noise(32, 32))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def plain_words(s):
    s.sendall(b"GET / HTTP/1.1\r\nHost: party\r\n\r\n" * 30)


STAGES = [no_frame, empty_frame, oversize, long_then_gone, odd_first, zero_key, bad_third,
          third_of_right_size, skip_to_sealed, echo, reset, plain_words]


def garbage(where, seconds):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end = time.monotonic() + seconds
    tried = refused = 0
    while time.monotonic() < end:
        for stage in STAGES:
            try:
                s = dial(where)
                stage(s)
                tried += 1
                refused += drain(s) is None
                s.close()
            except OSError:
                tried += 1
                refused += 1
            for size in (0, 1, 8, 15, 16, 17, 64, 96, 1400, 60000):
                try:
                    udp.sendto(noise(size, size), where)
                except OSError:
                    pass
    print(f"tried {tried} refused {refused}", flush=True)


def hold(where, seconds):
    end = time.monotonic() + seconds
    held = []
    opened = 0
    while time.monotonic() < end:
        while len(held) < 60:
            try:
                held.append(dial(where))
                opened += 1
            except OSError:
                break
        for s in list(held):
            try:
                s.setblocking(False)
                s.send(b"\0")  # the first half of a length, and so on, byte by byte
            except OSError:
                held.remove(s)
        time.sleep(0.5)
    print(f"opened {opened}", flush=True)


class Bender:
    """One direction of a connection."""

    def __init__(self, source, sink, number, way):
        self.source, self.sink, self.left, self.way = source, sink, number, way
        self.data = b""

    def pass_on(self):
        got = self.source.recv(65536)
        self.data += got
        while len(self.data) >= 2:
            size = 2 + struct.unpack(">H", self.data[:2])[0]
            if len(self.data) < size:
                break
            self.sink.sendall(self.bend(self.data[:size]))
            self.data = self.data[size:]
        return bool(got)

    def bend(self, whole):
        self.left -= 1
        if self.left != -1 or self.way is None:
            return whole
        if self.way == 0:
            at = random.randrange(2, len(whole))
            return whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1:]
        return whole + whole if self.way == 1 else whole[:1 + len(whole) // 2]


def bend(at, where, first):
    listener = socket.create_server(at)
    print("ready", flush=True)
    benders = []
    count = 0
    while True:
        sources = [b.source for b in benders]
        for s in select.select([listener] + sources, [], [])[0]:
            if s is listener:
                client = listener.accept()[0]
                try:
                    server = dial(where)
                except OSError:
                    client.close()
                    continue
                benders.append(Bender(client, server, first + count, count % 3))
                benders.append(Bender(server, client, 0, None))
                count += 1
                print(f"bends {first + count - 1}", flush=True)
                continue
            b = next((b for b in benders if b.source is s), None)
            if b is None:
                continue
            try:
                alive = b.pass_on()
            except OSError:
                alive = False
            if not alive:
                benders = [x for x in benders if x.source not in (b.source, b.sink)]
                b.source.close()
                b.sink.close()


def main():
    random.seed(7)
    what, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "garbage":
        garbage((host, port), float(sys.argv[4]))
    elif what == "hold":
        hold((host, port), float(sys.argv[4]))
    else:
        bend((host, port), (sys.argv[4], int(sys.argv[5])), int(sys.argv[6]))


main()

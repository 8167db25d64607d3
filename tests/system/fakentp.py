#!/usr/bin/env python3
"""A time server that misbehaves on demand, for test_clock_liars.sh.

fakentp.py PORT MODE: answers SNTP requests at 127.0.0.1:PORT, out of the machine's clock.
MODE is a number of seconds to lie by, or RATE, DENY, RSTR: that kiss of death from the
second request on; or ALARM: leap indicator 3.  Prints one line for each request.
SPDX-License-Identifier: MIT"""
import socket
import struct
import sys
import time

port, mode = int(sys.argv[1]), sys.argv[2]
kisses = ("RATE", "DENY", "RSTR")
lie = 0.0 if mode in kisses + ("ALARM",) else float(mode)


def ntp(t):
    return struct.pack(">II", int(t) + 2208988800, int(t % 1 * 2**32))


s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", port))
count = 0
while True:
    data, who = s.recvfrom(512)
    got = time.time() + lie
    count += 1
    print(f"request {count} at {time.monotonic():.1f}", flush=True)
    is_kiss = mode in kisses and count > 1
    first = (3 << 6 if mode == "ALARM" else 0) | 4 << 3 | 4
    head = struct.pack(">BBbb", first, 0 if is_kiss else 2, 6, -20)
    root = struct.pack(">II", 0, 65)  # 1 ms from its reference
    name = mode.encode() if is_kiss else b"\x7f\0\0\x01"
    s.sendto(head + root + name + ntp(got) + data[40:48] + ntp(got)
             + ntp(time.time() + lie), who)

"""Floods among many real nodes on this machine, and how they compare with the simulator's.
SPDX-License-Identifier: MIT

city.py floods DIR COUNT CALLS GAP_MS   the nodes DIR/n0 … flood by turns, as bench_city does;
                                        a line of JSON for each flood, as bench_city writes it
city.py way DIR COUNT                   microseconds from one node to another: half the median
                                        round trip that the nodes have measured
city.py compare REAL SIMULATED PERCENT  reach, copies and times of two such files, side by side;
                                        the last line is JSON; status 1 beyond PERCENT
"""
import json
import socket
import statistics
import struct
import sys
import time

TTL = 10
BYTES = 300


def encode(value):
    """The CBOR of a request."""
    if isinstance(value, int):
        head, body, major = value, b"", 0
    elif isinstance(value, str):
        body = value.encode()
        head, major = len(body), 3
    else:
        body = b"".join(map(encode, value))
        head, major = len(value), 4
    if head < 24:
        return bytes([major << 5 | head]) + body
    return struct.pack(">BH", major << 5 | 25, head) + body if head > 255 else bytes(
        [major << 5 | 24, head]) + body


def decode(data, at=0):
    """The value at data[at:], and where it ends: what replies hold."""
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info >= 24:
        size = 1 << (info - 24)
        head = int.from_bytes(data[at:at + size], "big")
        at += size
    else:
        head = info
    if major == 0:
        return head, at
    if major == 1:
        return -1 - head, at
    if major == 3:
        return data[at:at + head].decode(), at + head
    if major == 4:
        items = []
        for _ in range(head):
            item, at = decode(data, at)
            items.append(item)
        return items, at
    if major == 5:
        items = {}
        for _ in range(head):
            key, at = decode(data, at)
            items[key], at = decode(data, at)
        return items, at
    return {20: False, 21: True}.get(info), at


class Node:
    """A node's control socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise OSError("a node has gone")
            data += more
        return data

    def ask(self, *request):
        frame = encode(list(request))
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)
        (err, body), _ = decode(self.read(struct.unpack(">I", self.read(4))[0]))
        if err != 0:
            raise OSError(body["error"])
        return body


def floods(where, count, calls, gap_ms):
    nodes = [Node(f"{where}/n{i}/control.sock") for i in range(count)]
    before = sum(n.ask("floods")["sent"] for n in nodes)
    begin = time.monotonic()
    for call in range(calls):
        origin = (call * 7 + 3) % count
        time.sleep(max(0, begin + call * gap_ms / 1e3 - time.monotonic()))
        nodes[origin].ask("flood", TTL, BYTES)
        time.sleep(gap_ms / 2e3)
        seen = [n.ask("floods") for n in nodes]
        first = seen[origin]
        times = [(s["at_ns"] - first["at_ns"]) / 1e6 for s in seen if s["id"] == first["id"]]
        sent = sum(s["sent"] for s in seen)
        print(json.dumps({
            "origin": origin, "reached": len(times), "sent": sent - before,
            "mean_ms": round(sum(times) / max(1, len(times) - 1), 3),
            "last_ms": round(max(times), 3)}), flush=True)
        before = sent


def way(where, count):
    trips = []
    for i in range(count):
        for p in Node(f"{where}/n{i}/control.sock").ask("peers")["peers"]:
            if p["neighbour"] and p["rtt_ns"] is not None:
                trips.append(p["rtt_ns"])
    print(round(statistics.median(trips) / 2000))


def load(path):
    return [json.loads(line) for line in open(path)]


def compare(real, simulated, percent):
    """The median of the calls, as a busy machine delays some; but the last node is a whole
    number of hops away, so that of those only the mean says something."""
    rows = {}
    for name in "reached", "sent", "mean_ms", "last_ms":
        middle = statistics.mean if name == "last_ms" else statistics.median
        a = middle(r[name] for r in real)
        b = middle(r[name] for r in simulated)
        rows[name] = {"real": round(a, 2), "simulated": round(b, 2),
                      "percent": round(100 * abs(a - b) / b, 2) if b else 100.0}
        print(f"{name:8} real {a:9.2f}  simulated {b:9.2f}  apart {rows[name]['percent']:5.2f} %",
              file=sys.stderr)
    worst = max(r["percent"] for r in rows.values())
    print(json.dumps({**rows, "worst": worst}))
    return worst <= percent


if __name__ == "__main__":
    if sys.argv[1:2] == ["floods"] and len(sys.argv) == 6:
        floods(sys.argv[2], *map(int, sys.argv[3:]))
    elif sys.argv[1:2] == ["way"] and len(sys.argv) == 4:
        way(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) == 5:
        sys.exit(not compare(load(sys.argv[2]), load(sys.argv[3]), float(sys.argv[4])))
    else:
        sys.exit(__doc__)

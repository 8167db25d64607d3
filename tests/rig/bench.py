"""The bench under the rig: a folder to work in, network namespaces joined by the emulated
switch, a simulated card for every player, and the measurement of what the cards emitted.
SPDX-License-Identifier: MIT"""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
WINDOW = 1024  # frames; Snapcast drops and repeats some in longer ones

# Options of the switch.  2 ms +- 3 ms is drawn evenly from 0 to 5 ms.
NETWORKS = {
    "none": [],
    "wired": ["--delay-ms", "0.2", "--jitter-ms", "0.05"],
    "wifi": ["--delay-ms", "2", "--jitter-ms", "3", "--loss", "1", "--spikes", "6:100",
             "--congestion", "20:10:12:18"],
    "radio": ["--delay-ms", "0.7", "--tail-ms", "0.7", "--loss", "1", "--spikes", "6:100",
              "--congestion", "20:10:12:18"],
    "oneway": ["--delay-ms", "2", "--jitter-ms", "3", "--loss", "1",
               "--congestion", "15:20:12:18:down"],
}


class Failure(Exception):
    """Why a run came to nothing, in one line."""


def tool(name):
    return os.path.join(BUILD, "tests", name)


def spread(least, most, count):
    return [least] if count == 1 else [least + (most - least) * i / (count - 1)
                                      for i in range(count)]


def wait_for(seconds, what, is_done):
    end = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def raw_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)


class Bench:
    """One run's machines.  Use it by `with`: it ends all that was started through it."""

    def __init__(self, nodes, options):
        self.nodes = nodes
        self.options = options
        self.processes = []
        self.namespaces = []
        self.switch = None
        self.switch_words = ""
        self.dir = tempfile.mkdtemp(prefix="party-rig-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.kill()
        for p in self.processes:
            p.wait()
        for n in self.namespaces:
            subprocess.run(["ip", "netns", "del", n], check=False)
        if self.options.keep:
            print(f"kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def address(self, i):
        return f"10.78.0.{i + 1}" if self.namespaces else f"127.0.0.{i + 1}"

    def capture(self, i):
        return os.path.join(self.dir, f"card{i}.capture")

    def log(self, name):
        return os.path.join(self.dir, name + ".log")

    def make_cards(self):
        """One file for alsa-lib with all cards, pcm.rig0 …, and one for each player in
        which pcm.rig, pcm.rig0 and the default are its own."""
        o = self.options
        ppms = spread(o.ppm[0], o.ppm[1], self.nodes)
        latencies = spread(0, o.latency, self.nodes)
        plugin = os.path.join(BUILD, "tests/alsa/libasound_module_pcm_partytest.so")
        head = f'pcm_type.partytest {{ lib "{plugin}" }}\n'
        cards = [f'{{ type partytest ppm "{ppms[i]:.3f}" capture "{self.capture(i)}" '
                 f'period {o.granularity} latency {int(latencies[i])} }}\n'
                 for i in range(self.nodes)]
        with open(os.path.join(self.dir, "asoundrc"), "w", encoding="ascii") as f:
            f.write(head + "".join(f"pcm.rig{i} {c}" for i, c in enumerate(cards)))
        for i, c in enumerate(cards):
            with open(os.path.join(self.dir, f"asoundrc{i}"), "w", encoding="ascii") as f:
                f.write(head + f"pcm.rig {c}pcm.rig0 {c}pcm.!default {c}")

    def make_song(self, seconds):
        subprocess.run([tool("rig/song"), str(seconds), self.dir], check=True)

    def make_network(self, switch_options, seed):
        if self.options.network == "none":
            return
        if os.geteuid() != 0:
            raise Failure("namespaces need root; --network none plays over loopback")
        ports = []
        for i in range(self.nodes):
            name = f"rig{os.getpid()}n{i}"
            if subprocess.run(["ip", "netns", "add", name], check=False).returncode != 0:
                raise Failure("no right to make network namespaces here")
            self.namespaces.append(name)
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
            ports.append(f"{name}:tap0:{self.address(i)}/24")
        self.switch = self.start("switch", [tool("system/netswitch"), "--seed", str(seed),
                                            *switch_options, *ports])
        wait_for(5, "the switch", lambda: "ready" in self.read_log("switch"))

    def read_log(self, name):
        with open(self.log(name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def start(self, name, command, node=None, **more):
        """Start a process; node: in that namespace, with that card, and with a home."""
        env = dict(os.environ)
        if node is not None:
            home = os.path.join(self.dir, f"home{node}")
            os.makedirs(home, exist_ok=True)
            env.update(HOME=home, XDG_RUNTIME_DIR=home, NO_COLOR="1",
                       ALSA_CONFIG_PATH=os.path.join(self.dir, f"asoundrc{node}"))
            if self.namespaces:
                command = ["ip", "netns", "exec", self.namespaces[node], *command]
        env.update(more.pop("env", {}))
        with open(self.log(name), "ab") as log:
            p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, env=env, **more)
        self.processes.append(p)
        return p

    def stop(self, processes):
        for p in processes:
            if p.poll() is None:
                p.terminate()
        for p in processes:
            try:
                p.wait(8)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()

    def begin_weather(self):
        """The episodes of the network are counted from now."""
        if self.switch is not None:
            self.switch.send_signal(signal.SIGUSR1)

    def stop_switch(self):
        if self.switch is not None:
            self.stop([self.switch])
            self.switch_words = ", ".join(self.read_log("switch").split("\n")[1:-1])

    def clock_traffic(self):
        """Bytes a second in datagrams, sent and received by the busiest node."""
        found = re.search(r"datagrams of the busiest port: (\d+)", self.switch_words)
        return int(found.group(1)) if found else None

    def traffic(self, i):
        """Bytes that node i has sent and received; None without a network."""
        if not self.namespaces:
            return None
        out = subprocess.run(["ip", "netns", "exec", self.namespaces[i], "cat",
                              "/proc/net/dev"], capture_output=True, text=True,
                             check=True).stdout
        words = [w for w in out.split("\n") if "tap0:" in w][0].split(":")[1].split()
        return int(words[0]) + int(words[8])

    @staticmethod
    def cpu_s(process):
        """Seconds that a process and its threads have used."""
        try:
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as f:
                words = f.read().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, cards, start_s, end_s, csv, since_ns):
        captures = [self.capture(i) for i in cards]
        for c in captures:
            if not os.path.exists(c):
                raise Failure("a card was never opened; look at the logs with --keep")
        command = [tool("system/measure"), "--window", str(WINDOW), "--from", str(start_s),
                   "--to", str(end_s), "--since", str(since_ns)]
        if csv:
            command += ["--csv", csv]
        out = subprocess.run([*command, *captures, "--",
                              os.path.join(self.dir, "song.flac")], capture_output=True,
                             text=True, check=False)
        if out.returncode != 0:
            raise Failure(out.stderr.strip())
        return json.loads(out.stdout)

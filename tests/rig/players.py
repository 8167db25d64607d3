"""Who plays on the bench.  A player starts one program for every card, says when all of
them play, and may have something happen to them meanwhile.
SPDX-License-Identifier: MIT"""
import json
import os
import shlex
import shutil
import signal
import subprocess
import time

import bench

PORT = 4747
START_S = 60


class Player:
    """The default: nothing happens, every card counts."""

    def __init__(self, b, options):
        self.b = b
        self.options = options
        self.nodes = []  # the processes that belong to node i
        self.since_ns = 0
        self.notes = {}

    def happen(self):
        """Called when the players have settled; returns before the measured time ends."""

    def cards(self):
        return list(range(self.b.nodes))

    def stop(self):
        self.b.stop([p for node in self.nodes for p in node])


class Party(Player):
    """Real daemons: node 0 hosts, the others accept."""

    def home(self, i):
        return os.path.join(self.b.dir, f"data{i}")

    def ask(self, i, *words):
        out = subprocess.run([os.path.join(bench.BUILD, "party"), *words, "--json",
                              "--data-dir", self.home(i)], capture_output=True, text=True,
                             timeout=30, check=False)
        try:
            return json.loads(out.stdout)
        except ValueError:
            return {}

    def status(self, i):
        return self.ask(i, "status")

    def start_node(self, i):
        # Each node's own clock counts from elsewhere, by a crystal of its own.
        ppm = bench.spread(self.options.ppm[1], self.options.ppm[0], self.b.nodes)[i]
        command = [os.path.join(bench.BUILD, "party"), "node", "--listen",
                   f"{self.b.address(i)}:{PORT}", "--data-dir", self.home(i), "--name",
                   f"n{i}", "--audio", "alsa:rig", "--clock-error",
                   f"ppm={ppm / 2:.3f},offset_ms={i * 977}"]
        if i > 0:
            command += ["--auto-accept", "--join", f"{self.b.address(0)}:{PORT}"]
        self.nodes.append([self.b.start(f"node{i}", command, node=i)])
        bench.wait_for(15, f"node {i} answers", lambda: self.status(i).get("node"))

    def is_sounding(self, i):
        return bool(self.status(i).get("audio", {}).get("playing"))

    def start(self):
        others = self.b.nodes - 1
        for i in range(self.b.nodes):
            self.start_node(i)
        bench.wait_for(20, "the nodes meet",
                       lambda: self.status(0)["node"]["peers"] >= min(others, 4))
        reply = self.ask(0, "host", os.path.join(self.b.dir, "song.flac"), "--wanted",
                         str(others), "--deadline", "60", "--ready", "60")
        if "error" in reply:
            raise bench.Failure(f"the call: {reply['error']}")
        for i in range(self.b.nodes):
            bench.wait_for(START_S, f"node {i} plays", lambda i=i: self.is_sounding(i))

    def clock(self, i):
        return self.ask(i, "clock")


class PartyJoin(Party):
    """The last one leaves, and comes back in mid-song with the song at hand."""

    def happen(self):
        last = self.b.nodes - 1
        time.sleep(2)
        self.ask(last, "leave")
        time.sleep(6)
        bench.wait_for(20, "an invitation", lambda: self.status(last)["invites"] > 0)
        self.since_ns = bench.raw_ns()
        reply = self.ask(last, "accept")
        if "error" in reply:
            raise bench.Failure(f"coming back: {reply['error']}")


class PartyKill(Party):
    """The host is killed in mid-song; the others count."""

    def happen(self):
        time.sleep(5)
        # "ip netns exec" has become the daemon: the process is the node.
        self.nodes[0][0].send_signal(signal.SIGKILL)

    def cards(self):
        return list(range(1, self.b.nodes))


class Snapcast(Player):
    """Debian's snapserver beside client 0, fed through a FIFO in real time."""

    def start(self):
        for program in ("snapserver", "snapclient"):
            if shutil.which(program) is None:
                raise bench.Failure(f"{program} is not installed: tools/deps.sh snapcast")
        fifo = os.path.join(self.b.dir, "fifo")
        os.mkfifo(fifo)
        config = os.path.join(self.b.dir, "snapserver.conf")
        with open(config, "w", encoding="ascii"):
            pass
        server = self.b.start("snapserver", [
            "snapserver", "-c", config, "--server.datadir", self.b.dir,
            "--http.enabled", "0", "--tcp.enabled", "0", "--stream.source",
            f"pipe://{fifo}?name=rig&sampleformat=48000:16:2&codec=flac"], node=0)
        self.nodes.append([server])
        time.sleep(1)
        for i in range(self.b.nodes):
            p = self.b.start(f"snapclient{i}", [
                "snapclient", "--host", self.b.address(0), "--player", "alsa",
                "--soundcard", "rig", "--hostID", f"rig{i}", "--logsink", "stderr"],
                node=i)
            if i == 0:
                self.nodes[0].append(p)
            else:
                self.nodes.append([p])
        bench.wait_for(20, "the clients reach the server", lambda: all(
            "ServerSettings" in self.b.read_log(f"snapclient{i}")
            for i in range(self.b.nodes)))
        self.b.start("feed", ["sh", "-c", f'cat "{self.b.dir}/song.pcm" >"{fifo}"'])
        time.sleep(3)


class Twins(Player):
    """As many players of one process: no network, one clock."""

    def start(self):
        seconds = int(self.options.settle + self.options.seconds) + 5
        p = self.b.start("twins", [
            bench.tool("rig/twins"), os.path.join(self.b.dir, "song.flac"),
            str(self.b.nodes), str(seconds), "rig"],
            env={"ALSA_CONFIG_PATH": os.path.join(self.b.dir, "asoundrc")})
        self.nodes = [[p]]
        bench.wait_for(15, "the players", lambda: "playing" in self.b.read_log("twins"))


class Own(Player):
    """The user's own commands: one for all (--server), one for every card (--client)."""

    def fill(self, command, i):
        return [w.format(i=i, address=self.b.address(i), host=self.b.address(0), card="rig",
                         dir=self.b.dir, flac=os.path.join(self.b.dir, "song.flac"),
                         pcm=os.path.join(self.b.dir, "song.pcm"))
                for w in shlex.split(command)]

    def start(self):
        if not self.options.client:
            raise bench.Failure("--player own needs --client COMMAND")
        self.nodes = [[] for _ in range(self.b.nodes)]
        if self.options.server:
            self.nodes[0].append(self.b.start("server", self.fill(self.options.server, 0),
                                              node=0))
            time.sleep(1)
        for i in range(self.b.nodes):
            self.nodes[i].append(self.b.start(f"client{i}",
                                              self.fill(self.options.client, i), node=i))
        time.sleep(3)


KINDS = {
    "party": Party,
    "party-join": PartyJoin,
    "party-kill": PartyKill,
    "snapcast": Snapcast,
    "twins": Twins,
    "own": Own,
}

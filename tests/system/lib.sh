# What the system tests share; sourced by each test_*.sh.  Every test works in a folder of its
# own, ends all that it started, and says "ok NAME" or "FAIL NAME: why" for each fact.
# SPDX-License-Identifier: MIT
set -u
BUILD=$(cd "${BUILD:-build}" && pwd)
ROOT=$(pwd)
PARTY=$BUILD/party
T=$(mktemp -d "${TMPDIR:-/tmp}/party-test-XXXXXX")
# A stray node of the user must not be found, nor the user's files.
export HOME=$T/home XDG_RUNTIME_DIR=$T/run XDG_DATA_HOME= XDG_STATE_HOME= XDG_CONFIG_HOME= NO_COLOR=1
unset XDG_DATA_HOME XDG_STATE_HOME XDG_CONFIG_HOME
mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
PORT=$((21000 + ($$ * 7) % 20000))
PIDS=
NAMESPACES=

finish() {
    local p n
    for p in $PIDS; do kill -9 "$p" 2>/dev/null; done
    wait 2>/dev/null
    for n in $NAMESPACES; do ip netns del "$n" 2>/dev/null; done
    if [ -z "${KEEP:-}" ]; then rm -rf "$T"; else echo "kept $T"; fi
}
trap finish EXIT

ok() { echo "ok   $*"; }
fail() { echo "FAIL $*"; }

# check NAME COMMAND…: ok when the command succeeds.
check() {
    local name=$1
    shift
    if "$@"; then ok "$name"; else fail "$name"; fi
}

# wait_for SECONDS COMMAND…: until the command succeeds, or false.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}

# node NAME ADDRESS [option…]: start a node, in namespace $NS when that is set.  Its home is
# $T/NAME, its log $T/NAME.log, its process id in NODE_PID.
node() {
    local name=$1 address=$2
    shift 2
    ${NS:+ip netns exec $NS} "$PARTY" node --listen "$address" --data-dir "$T/$name" \
        --name "$name" "$@" >>"$T/$name.log" 2>&1 &
    NODE_PID=$!
    PIDS="$PIDS $NODE_PID"
    wait_for 15 "$PARTY" status --data-dir "$T/$name"
}

# p NAME VERB…: a command to that node.
p() {
    local name=$1
    shift
    timeout 20 "$PARTY" "$@" --data-dir "$T/$name"
}

# json NAME VERB EXPRESSION: print a Python expression over the reply, which is called r.
json() {
    p "$1" "$2" --json | python3 -c "import json,sys; r=json.load(sys.stdin); print($3)"
}

# holds NAME VERB EXPRESSION: true when that expression is true.
holds() { [ "$(json "$1" "$2" "bool($3)" 2>/dev/null)" = True ]; }

# A card with that crystal error, capturing.
card() { echo "virtual:ppm=$2,capture=$T/$1.capture,seed=$((RANDOM + 1))"; }

# songs DIR COUNT SECONDS: short FLAC files that differ, made by the codec's own tools.
songs() {
    mkdir -p "$1"
    python3 - "$1" "$2" "$3" <<'PY'
import math, random, struct, sys, wave
where, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
for n in range(count):
    rnd = random.Random(n)
    w = wave.open(f"{where}/song{n}.wav", "wb")
    w.setnchannels(2); w.setsampwidth(2); w.setframerate(44100)
    out = bytearray(); phase = 0.0; f = 300.0; low = 0.0
    for i in range(int(seconds * 44100)):
        if i % 6000 == 0:
            f = rnd.choice([220, 247, 262, 294, 330, 349, 392, 440, 494, 523]) * rnd.uniform(0.98, 1.02)
        phase += 2 * math.pi * f / 44100
        low += 0.3 * (rnd.uniform(-1, 1) - low)
        v = int(9000 * math.sin(phase) + 6000 * low)
        out += struct.pack("<hh", v, v)
    w.writeframes(bytes(out)); w.close()
PY
    for w in "$1"/*.wav; do
        flac -s -f --delete-input-file -T "TITLE=$(basename "$w" .wav)" -T ARTIST=tests "$w"
    done
}

# phase NAME PHASE: true when the node's party is in that phase.
phase() { holds "$1" status "r['party'] and r['party']['phase'] == '$2'"; }
sounding() { holds "$1" status "r['audio']['playing']"; }

# namespaces NAME…: make them, with a loopback, and set NAMESPACES; false without the right to.
namespaces() {
    local n
    [ "$(id -u)" -eq 0 ] || return 1
    for n in "$@"; do
        ip netns add "$n" 2>/dev/null || return 1
        NAMESPACES="$NAMESPACES $n"
        ip netns exec "$n" sh -c 'ip link set lo up
            echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
    done
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# refuse NAME STATUS REGEX COMMAND…: the command ends within 15 s, with that status, and with
# one line on standard error beside the log: "party: cause; remedy", which REGEX (extended) describes.
refuse() {
    local name=$1 wanted=$2 regex=$3 status why=
    shift 3
    timeout -k 1 15 "$@" >"$T/refuse.out" 2>"$T/refuse.err" </dev/null
    status=$?
    grep -vE '^(error|warn|info|debug) ' "$T/refuse.err" >"$T/refuse.line"
    [ $status -eq "$wanted" ] || why="exit status $status instead of $wanted"
    [ "$(grep -c . "$T/refuse.line")" -eq 1 ] || why="${why:+$why, }not one line"
    grep -qE "^party: .+; .+" "$T/refuse.line" || why="${why:+$why, }no cause and remedy"
    grep -qiE -e "$regex" "$T/refuse.line" || why="${why:+$why, }not what was to be said"
    if [ -z "$why" ]; then ok "$name"; else fail "$name: $why: $(cat "$T/refuse.err")"; fi
}

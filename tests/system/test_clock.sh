# Time from real servers: three good chronyd and one that is a quarter of a second off, then
# none.  The machine's own clock is asked, never set.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
chronyd=$(command -v chronyd || echo /usr/sbin/chronyd)
symbols=$(nm -D --undefined-only "$PARTY" | awk '{ print $2 }' | sed 's/@.*//')
check "the program has no call that sets a clock" eval "! echo '$symbols' | grep -qxE \
    'clock_settime|settimeofday|stime|clock_adjtime|ntp_adjtime|adjtime'"
check "it asks for the state of the clock" eval "echo '$symbols' | grep -qx adjtimex"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    timeout -s INT 4 strace -f -o "$T/trace" -e trace=adjtimex,clock_adjtime,clock_settime,settimeofday \
        "$PARTY" node --listen 127.0.0.9:$PORT --data-dir "$T/traced" --audio none 2>/dev/null
    check "in a run it only asks: modes=0" eval "grep -q 'modes=0[ ,]' '$T/trace' &&
        ! grep adjtime '$T/trace' | grep -qv 'modes=0[ ,]' && ! grep -q settime '$T/trace'"
fi
if [ ! -x "$chronyd" ]; then
    echo "skip clock: chronyd is not installed"
    exit 0
fi

# chronyd -x never touches the machine's clock either.  A copy, since AppArmor lets the one
# that is installed read its own configuration only.
cp "$chronyd" "$T/chronyd"
chrony() { # NAME PORT LINE…
    local name=$1 port=$2 user
    shift 2
    user=$(id -un)
    mkdir -m 700 "$T/$name"
    printf '%s\n' "user $user" "port $port" "bindaddress 127.0.0.1" "cmdport 0" \
        "bindcmdaddress /" "allow 127.0.0.0/8" "pidfile $T/$name/pid" "$@" >"$T/$name/conf"
    "$T/chronyd" -d -x -f "$T/$name/conf" >"$T/$name/log" 2>&1 &
    PIDS="$PIDS $!"
    CHRONY="$CHRONY $!"
}
CHRONY=
a=$((PORT + 1)) b=$((PORT + 2)) c=$((PORT + 3)) liar=$((PORT + 4))
for s in a b c; do chrony $s ${!s} "local stratum 3"; done
chrony liar $liar "server 127.0.0.1 port $a iburst minpoll -2 maxpoll -2 offset 0.25"
sleep 1
node ana 127.0.0.1:$PORT --audio none --ntp 127.0.0.1:$a --clock-error ppm=50,offset_ms=7000 ||
    fail "ana starts"
began=$SECONDS
check "one server: synchronised" wait_for 20 holds ana clock \
    "r['clock']['utc_state'] == 'synchronised'"
echo "figure synchronised after $((SECONDS - began)) s"
check "and clock says so with its exit status" eval "p ana clock >/dev/null"
# How far a node's UTC is off the machine's clock, which these servers tell, by its own
# comparison with it (us) and by ours (to some ms); it must be within the bound that it claims.
off() {
    python3 - "$PARTY" "$T/$1" <<'PY'
import json, subprocess, sys, time
own = ours = bound = 0
for _ in range(5):
    before = time.time_ns()
    out = subprocess.run([sys.argv[1], "clock", "--json", "--data-dir", sys.argv[2]],
                         capture_output=True, timeout=5).stdout
    after = time.time_ns()
    r = json.loads(out)
    c = r["clock"]
    system = [s["offset_ns"] for s in r["sources"] if s["addr"] == "system"]
    ours = max(ours, before - c["utc_ns"], c["utc_ns"] - after)
    own = max(own, abs(system[0]))
    bound = max(bound, c["utc_bound_ns"])
print(f"off by {own // 1000}, bound {bound // 1000}")
sys.exit(ours > bound or own > bound + 50_000 or bound > 10_000_000)
PY
}
check "its UTC is within the bound that it claims" eval "off ana >'$T/off'"
echo "figure UTC from one server, in us: $(cat "$T/off")"

wait_for 10 grep -q "Selected source" "$T/liar/log" || fail "the liar has its time"
node bo 127.0.0.2:$PORT --audio none --ntp 127.0.0.1:$liar --ntp 127.0.0.1:$a \
    --ntp 127.0.0.1:$b --ntp 127.0.0.1:$c || fail "bo starts"
verdict() { # PORT VERDICT
    holds bo clock "[s['state'] for s in r['sources'] if s['addr'].endswith(':$1')] == ['$2']"
}
check "the liar is outvoted" wait_for 25 verdict $liar falseticker
for s in a b c; do check "server $s is believed" wait_for 5 verdict ${!s} ok; done
check "it lies by a quarter of a second" holds bo clock \
    "[abs(abs(s['offset_ns']) - 250000000) < 20000000 for s in r['sources'] \
      if s['addr'].endswith(':$liar')] == [True]"
check "UTC is within its bound despite of it" eval "off bo >'$T/off'"
echo "figure UTC with a falseticker, in us: $(cat "$T/off")"

# The servers go: the node keeps its time, says how much less sure it is, and answers at once.
bound() { json ana clock "r['clock']['utc_bound_ns']"; }
kill -9 $CHRONY
sleep 0.5
before=$(bound)
begin=$(date +%s%N)
timeout 5 "$PARTY" clock --data-dir "$T/ana" >/dev/null
took=$((($(date +%s%N) - begin) / 1000000))
check "without servers it answers at once ($took ms)" [ $took -lt 1000 ]
sleep 4
after=$(bound)
check "and its bound grows ($before, $after ns)" [ "$after" -gt "$before" ]
check "and its time stays within it" eval "off ana >'$T/off'"
check "and nothing is said to be synchronised that never was" eval "
    node cy 127.0.0.3:$PORT --audio none --ntp 127.0.0.1:$a --clock-error offset_ms=100
    sleep 6
    holds cy clock \"r['sources'][0]['state'] in ('waiting', 'unreachable') and \
        r['sources'][0]['reach'] == 0\""

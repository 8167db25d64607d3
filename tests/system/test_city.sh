# Many real nodes with addresses of their own, joined by a switch that delays all, and the
# same world in the simulator: how many a flood reaches, how many copies it takes, how long.
#
#   CITY_NODES=50 CITY_DELAY_MS=50 CITY_CALLS=20 CITY_SETTLE=20 CITY_PERCENT=10 bash tests/system/test_city.sh
#
# The default is smaller and its limits are wider, for a machine that has other work too.  With
# fifty, the nodes of one hop wake at once and wait for each other on two cores; 50 ms of delay
# make that small beside what is measured.
# SPDX-License-Identifier: MIT
. tests/system/lib.sh
NODES=${CITY_NODES:-12}
CALLS=${CITY_CALLS:-8}
PERCENT=${CITY_PERCENT:-25}
SETTLE=${CITY_SETTLE:-15}
DELAY_MS=${CITY_DELAY_MS:-20}
GAP_MS=${CITY_GAP_MS:-1000}
if ! namespaces $(seq -f "pt$$n%.0f" 0 $((NODES - 1))); then
    echo "skip city: no right to make network namespaces"
    exit 0
fi
ports=
for i in $(seq 0 $((NODES - 1))); do
    ports="$ports pt$$n$i:tap0:10.77.0.$((i + 1))/24"
done
nice -n -10 "$BUILD/tests/system/netswitch" --delay-ms $DELAY_MS $ports >"$T/switch.log" &
SWITCH=$!
PIDS="$PIDS $SWITCH"
wait_for 5 grep -q ready "$T/switch.log" || fail "the switch starts"

# Before other work of the machine, which is not what is measured here.
# One after the other, all by the first one, as the simulator starts them.
begin=$(date +%s%N)
for i in $(seq 0 $((NODES - 1))); do
    wait_ns=$((begin + i * 250000000 - $(date +%s%N)))
    [ $wait_ns -le 0 ] || sleep "$(printf '%d.%09d' $((wait_ns / 1000000000)) $((wait_ns % 1000000000)))"
    [ "$i" -eq 0 ] && join= || join="--join 10.77.0.1:4747"
    nice -n -10 ip netns exec "pt$$n$i" "$PARTY" node --listen "10.77.0.$((i + 1)):4747" --lab \
        --data-dir "$T/n$i" --name "n$i" --audio none $join >>"$T/n$i.log" 2>&1 &
    PIDS="$PIDS $!"
done
sleep "$SETTLE"
check "a node in the middle has neighbours" holds "n$((NODES / 2))" status "r['node']['peers'] >= 3"
python3 tests/system/city.py floods "$T" "$NODES" "$CALLS" $GAP_MS >"$T/real.json" ||
    fail "the floods of the real nodes"
# What a message takes from program to program is more than the switch's delay, and depends on
# what else the machine does; the nodes' PINGs have measured it.
WAY_US=$(python3 tests/system/city.py way "$T" "$NODES")
check "a way of $DELAY_MS to $((DELAY_MS * 3 / 2)) ms ($WAY_US us)" \
    [ $((WAY_US / (DELAY_MS * 500))) -eq 2 ]
for seed in $(seq 8); do
    "$BUILD/tests/bench/bench_city" --nodes "$NODES" --calls "$CALLS" --gap-ms $GAP_MS \
        --latency-us "$WAY_US" --settle-ms $((SETTLE * 1000)) --seed $seed
done >"$T/simulated.json" || fail "the floods of the simulated nodes"
check "every flood reaches every real node" \
    [ "$(grep -c "\"reached\": $NODES," "$T/real.json")" -eq "$CALLS" ]
line=$(python3 tests/system/city.py compare "$T/real.json" "$T/simulated.json" "$PERCENT" 2>"$T/table")
status=$?
cat "$T/table"
echo "figure city of $NODES: $line"
check "reach, copies and times within $PERCENT % of the simulated world" [ $status -eq 0 ]
kill "$SWITCH"
wait "$SWITCH"
check "the switch lost nothing" grep -q "lost 0, overflowed 0" "$T/switch.log"

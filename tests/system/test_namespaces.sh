# Three hosts with their own addresses, joined by a switch that delays by 20 ms +- 5 ms and
# loses 1 %: a party starts, plays, and skips in time.
. tests/system/lib.sh
if ! namespaces "pt$$a" "pt$$b" "pt$$c"; then
    echo "skip namespaces: no right to make network namespaces"
    exit 0
fi
"$BUILD/tests/system/netswitch" --delay-ms 20 --jitter-ms 5 --loss 1 --seed 1 \
    "pt$$a:tap0:10.77.0.1/24" "pt$$b:tap0:10.77.0.2/24" "pt$$c:tap0:10.77.0.3/24" \
    >"$T/switch.log" &
SWITCH=$!
PIDS="$PIDS $SWITCH"
wait_for 5 grep -q ready "$T/switch.log" || fail "the switch starts"
songs "$T/music" 5 24
NS=pt$$a node ana 10.77.0.1:$PORT --audio "$(card ana -60)" || fail "ana starts"
NS=pt$$b node bo 10.77.0.2:$PORT --audio "$(card bo 0)" --join 10.77.0.1:$PORT \
    --clock-error ppm=20,offset_ms=3000 || fail "bo starts"
NS=pt$$c node cy 10.77.0.3:$PORT --audio "$(card cy 60)" --join 10.77.0.1:$PORT \
    --clock-error ppm=-30,offset_ms=-9000 || fail "cy starts"
check "neighbours are found over the switch" \
    wait_for 15 holds ana status "r['node']['peers'] == 2"
p ana host "$T/music" --wanted 2 --deadline 40 >/dev/null || fail "the call"
for n in bo cy; do
    wait_for 15 holds $n status "r['invites'] == 1" || fail "$n hears the call"
    p $n accept >/dev/null || fail "$n accepts"
done
check "the songs cross 20 ms and 1 % loss, and the party plays" wait_for 90 phase cy playing
for n in ana bo cy; do wait_for 20 sounding $n; done
sleep 8
p ana skip >/dev/null || fail "skip"
sleep 8
for n in ana bo cy; do
    check "$n plays the second song" holds $n status "r['party']['slot'] == 1"
done
p ana end >/dev/null
sleep 1
line=$("$BUILD/tests/system/measure" "$T"/{ana,bo,cy}.capture -- "$T"/music/*.flac)
echo "figure 3 nodes, 20 ms +- 5 ms, 1 % loss: $line"
check "pairwise p99 at or below 2500 us, half of what the network jitters" python3 -c "
import json,sys
r=json.loads(sys.argv[1])
sys.exit(not (r['p99']<=2500 and r['windows']>200 and r['mismatches']==0))" "$line"
check "one skip heard on every card" python3 -c "
import json,sys
sys.exit(not all(c['jumps']==1 and c['breaks']==0 for c in json.loads(sys.argv[1])['cards']))" "$line"
kill "$SWITCH"
wait "$SWITCH"
check "the switch did lose frames" grep -q "lost [1-9]" "$T/switch.log"

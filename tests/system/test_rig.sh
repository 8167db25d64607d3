# The rig itself: two daemons through alsa-lib and simulated cards, 120 ppm apart, over the
# wired network; then two players of one process.  Limits that catch what is broken, not
# what is slow.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
rig() { python3 tests/rig/rig --json --settle 4 --seconds 8 "$@" | tail -n 1; }
good() { # LIMIT LINE
    python3 -c "
import json,sys
r=json.loads(sys.argv[2])
sys.exit(not (r['p99']<=float(sys.argv[1]) and r['windows']>=50 and r['mismatches']==0 and
              r['slips']==0 and r['xruns']==0 and r['unknown']==0))" "$@"
}
short() { python3 -c "
import json,sys
print({k:v for k,v in json.loads(sys.argv[1]).items() if k != 'cards'})" "$1"; }

line=$(rig --player twins --network none --csv "$T/csv")
echo "figure twins: $(short "$line")"
check "two players of one process are within 100 us" good 100 "$line"
check "and the error over time is written down" eval \
    "[ \$(grep -cE '^-?[0-9.]+,[0-9]+,0.00,-?[0-9]' '$T/csv/twins-none-2-1.csv') -ge 80 ]"
line=$(rig --player own --network none \
    --client "sh -c 'sleep 0.{i}; exec $BUILD/tests/rig/twins {flac} 1 20 {card}'")
echo "figure players that know nothing of each other: $(short "$line")"
check "what is not in time is seen" eval "! good 1000 '$line'"
if ! namespaces "pt$$"; then
    echo "skip rig: no right to make network namespaces"
    exit 0
fi
line=$(rig --player party --network wired)
echo "figure party: $(short "$line")"
check "two daemons on wires are within 1000 us" good 1000 "$line"
check "the switch told how busy it was" eval "echo '$line' | grep -q '\"clock_bytes_per_s\": [1-9]'"

# The demo: five daemons, five songs, twelve promises, measured from the captures.
. tests/system/lib.sh
"$PARTY" demo --nodes 5 --seconds 20 --json >"$T/out" 2>"$T/err"
status=$?
line=$(tail -n 1 "$T/out")
check "the demo passes" [ $status -eq 0 ]
check "one line of JSON on standard output" [ "$(wc -l <"$T/out")" -eq 1 ]
echo "figure $line"
check "p99 at or below 1000 us between any two cards" python3 -c "
import json,sys
r=json.loads(sys.argv[1])
sys.exit(not (r['nodes']==5 and r['songs']==5 and r['pairwise_us']['p99']<=1000 and
              r['underruns']==0 and r['played_s']>14 and r['pass'] and
              all(p['ok'] for p in r['promises'])))" "$line"
[ $status -eq 0 ] || cat "$T/err"

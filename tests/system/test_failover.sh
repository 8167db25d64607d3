# The host of a party of five is killed in the middle of a song: the music goes on at the
# other four without a gap, one of them is host, and what it says is done by all.  Then it
# hands the party over, and leaves; the next one leaves as host, and the one after is told
# to go by SIGTERM.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
. tests/system/five.sh
songs "$T/music" 3 90
four="bo cy dee eli"
five "$T/music"
sleep 12
end_one ana
killed=$(date +%s%N)

check "another one is host within ten seconds" wait_for 10 led $four
new=$NEW
took=$((($(date +%s%N) - killed) / 1000000))
echo "figure failover: $new leads after at most $took ms (asked every 0.2 s)"
check "all four say so" wait_for 5 agree 2 "$new" $four
sleep 4
slot=$(json "$new" status "r['party']['slot']")
check "a skip by the new host is taken" p "$new" skip
check "and done by all" wait_for 6 all_at $((slot + 1)) $four
sleep 6

# A planned hand-over is not heard either, and leaves the old host free to go.
for who in $four; do [ $who = "$new" ] || heir=$who; done
check "the new host hands over to $heir" p "$new" handover $heir
check "which leads then" wait_for 5 agree 3 $heir $four
p $heir pause >/dev/null
check "a pause by it silences all" wait_for 6 holds "$new" status \
    "r['party']['phase'] == 'paused'"
p $heir resume >/dev/null
wait_for 6 sounding "$new"
sleep 5
check "the old host leaves, and the others play on" p "$new" leave
sleep 3
check "$heir plays on" sounding $heir
check "no underrun anywhere" holds $heir status "r['audio']['underruns'] == 0"

# A host that leaves hands over by itself, whether it is asked to or its node is.
check "a host leaves" p $heir leave
check "another one leads at once" wait_for 2 led $four
new=$NEW
check "$new has the party in its fourth epoch" holds "$new" status "r['party']['epoch'] == 4"
sleep 3
check "$new plays on" sounding "$new"
end_one "$new" TERM
wait_for 4 eval "! kill -0 \$pid_$new 2>/dev/null"
old=$new
check "another one leads when the node of the host has ended" wait_for 2 led $four
new=$NEW
check "and that is not the old one" [ "$new" != "$old" ]
sleep 3
check "$new plays on alone" sounding "$new"
check "no underrun there" holds "$new" status "r['audio']['underruns'] == 0"
check "the host ends the party" p "$new" end
check "and it is over" holds "$new" status "r['party']['phase'] == 'ended'"
sleep 1
line=$("$BUILD/tests/system/measure" "$T"/{bo,cy,dee,eli}.capture -- "$T"/music/*.flac)
echo "figure the four survivors: $line"
# The skip and the pause are the only places where the sound does not go straight on.
check "nobody dropped or repeated a sample, or stepped by 50 us" python3 -c "
import json,sys
r=json.loads(sys.argv[1])
sys.exit(not (r['max']<=50 and r['windows']>120 and r['mismatches']==0 and
              all(c['jumps']==2 and c['breaks']==0 for c in r['cards'])))" "$line"

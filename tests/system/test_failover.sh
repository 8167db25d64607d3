# The host of a party of five is killed in the middle of a song: the music goes on at the
# other four without a gap, one of them is host, and what it says is done by all.  Then it
# hands the party over, and leaves; the next one leaves as host, and the one after is told
# to go by SIGTERM.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
songs "$T/music" 3 90
ana=127.0.0.1:$PORT
node ana $ana --audio "$(card ana -30)" || fail "ana starts"
host=$NODE_PID
n=1
for who in bo cy dee eli; do
    n=$((n + 1))
    node $who 127.0.0.$n:$PORT --join $ana --audio "$(card $who $((n * 15 - 50)))" ||
        fail "$who starts"
    eval "pid_$who=$NODE_PID"
done
wait_for 20 holds ana status "r['node']['peers'] == 4" || fail "they meet"
p ana host "$T/music" --wanted 4 --deadline 40 --ready 20 >/dev/null || fail "the call"
for who in bo cy dee eli; do
    wait_for 15 holds $who status "r['invites'] == 1" || fail "$who hears the call"
    p $who accept >/dev/null || fail "$who accepts"
done
for who in ana bo cy dee eli; do
    wait_for 40 sounding $who || fail "$who plays"
done
sleep 12
kill -9 $host
killed=$(date +%s%N)

# NAME of the node that leads the party, as it says itself; empty while there is none.
leader() {
    local who
    for who in bo cy dee eli; do
        if holds $who status "r['party']['role'] == 'host' and r['party']['acting']"; then
            echo $who
            return 0
        fi
    done
    return 1
}
led() { new=$(leader); }
check "another one is host within ten seconds" wait_for 10 led
new=$(leader)
took=$((($(date +%s%N) - killed) / 1000000))
echo "figure failover: $new leads after at most $took ms (asked every 0.2 s)"
agree() {
    local who
    for who in bo cy dee eli; do
        holds $who status "r['party']['epoch'] == $1 and r['party']['host'] == '$2'" || return 1
    done
}
check "all four say so" wait_for 5 agree 2 "$new"
sleep 4
slot=$(json "$new" status "r['party']['slot']")
check "a skip by the new host is taken" p "$new" skip
all_at() {
    local who
    for who in bo cy dee eli; do
        holds $who status "r['party']['slot'] == $1 and r['audio']['playing']" || return 1
    done
}
check "and done by all" wait_for 6 all_at $((slot + 1))
sleep 6

# A planned hand-over is not heard either, and leaves the old host free to go.
for who in bo cy dee eli; do [ $who = "$new" ] || heir=$who; done
check "the new host hands over to $heir" p "$new" handover $heir
check "which leads then" wait_for 5 agree 3 $heir
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
check "another one leads at once" wait_for 2 led
check "$new has the party in its fourth epoch" holds "$new" status "r['party']['epoch'] == 4"
sleep 3
check "$new plays on" sounding "$new"
eval "kill -TERM \$pid_$new"
wait_for 4 eval "! kill -0 \$pid_$new 2>/dev/null"
old=$new
check "another one leads when the node of the host has ended" wait_for 2 led
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

# Machines sleep in the middle of a song: first a guest, then the host.  A process that is
# stopped stands for a machine that sleeps, and its clock is off by a quarter of a second
# afterwards.  The others hear nothing of it; who slept is in time again within seconds.
# SPDX-License-Identifier: MIT
. tests/system/lib.sh
songs "$T/music" 3 90
ana=127.0.0.1:$PORT
node ana $ana --audio "$(card ana -30)" --clock-error stop_ms=250 || fail "ana starts"
pid_ana=$NODE_PID
node bo 127.0.0.2:$PORT --join $ana --audio "$(card bo 20)" || fail "bo starts"
node cy 127.0.0.3:$PORT --join $ana --audio "$(card cy 40)" --clock-error stop_ms=-250 ||
    fail "cy starts"
pid_cy=$NODE_PID
wait_for 20 holds ana status "r['node']['peers'] == 2" || fail "they meet"
p ana host "$T/music" --wanted 2 --deadline 40 --ready 20 >/dev/null || fail "the call"
for who in bo cy; do
    wait_for 15 holds $who status "r['invites'] == 1" || fail "$who hears the call"
    p $who accept >/dev/null || fail "$who accepts"
done
for who in ana bo cy; do
    wait_for 40 sounding $who || fail "$who plays"
done
raw() { python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW))'; }
# What the named have heard since RAW left their cards within 50 us, and nobody dropped or
# repeated a sample; who slept has a break in its record, of that.
in_time() { # RAW WHO…
    local since=$1 line
    shift
    line=$("$BUILD/tests/system/measure" --since "$since" "${@/%/.capture}" -- "$T"/music/*.flac)
    echo "figure ${*##*/}: $line"
    python3 -c "
import json,sys
r=json.loads(sys.argv[1])
sys.exit(not (r['max']<=50 and r['windows']>20 and r['mismatches']==0 and
              all(c['slips']==0 and c['jumps']==0 for c in r['cards']) and
              [c['breaks'] for c in r['cards']]==[int(w!='bo') for w in sys.argv[2:]]))" \
        "$line" "${@##*/}"
}
sleep 6

kill -STOP $pid_cy
sleep 5
kill -CONT $pid_cy
check "a guest that slept says so in its log" wait_for 3 grep -q "driver slept" "$T/cy.log"
check "and plays again" wait_for 5 sounding cy
sleep 3
guest=$(raw)
sleep 5
check "ana is host still" holds ana status "r['party']['role'] == 'host'"

before=$(raw)
kill -STOP $pid_ana
sleep 4
kill -CONT $pid_ana
handed() { holds ana status "r['party']['role'] == 'guest' and r['party']['epoch'] == 2"; }
check "a host that slept gives the party away" wait_for 6 handed
check "and plays again" wait_for 5 sounding ana
sleep 3
host=$(raw)
sleep 6
check "nobody is called away" holds bo status "len(r['party']['members']) == 3"
check "the guest that slept is in time, and was so within three seconds" \
    in_time $guest "$T/bo" "$T/cy"
check "the others heard nothing of the host's sleep" in_time $before "$T/bo" "$T/cy"
check "the host that slept is in time" in_time $host "$T/ana" "$T/bo" "$T/cy"

# Guests that stall, guests that die, peers that mean no good: the others start and play on.
# SPDX-License-Identifier: MIT
. tests/system/lib.sh
hostile() { # NAME argument…: run tests/system/hostile.py, to be ended with the test
    local name=$1
    shift
    python3 tests/system/hostile.py "$@" >"$T/$name.out" 2>"$T/$name.err" &
    PIDS="$PIDS $!"
}
songs "$T/music" 2 60

# dee cannot store what it receives, eli stops dead as soon as it is a member.
ana=127.0.0.1:$PORT
node ana $ana --audio "$(card ana -50)" || fail "ana starts"
node bo 127.0.0.2:$PORT --join $ana --audio "$(card bo 0)" || fail "bo starts"
node cy 127.0.0.3:$PORT --join $ana --audio "$(card cy 50)" || fail "cy starts"
cy=$NODE_PID
node eli 127.0.0.5:$PORT --join $ana --audio "$(card eli 20)" || fail "eli starts"
eli=$NODE_PID
trap '' XFSZ
ulimit -S -f 1024
node dee 127.0.0.4:$PORT --join $ana --audio none || fail "dee starts"
ulimit -S -f unlimited
trap - XFSZ
wait_for 20 holds ana status "r['node']['peers'] == 4" || fail "they meet"
p ana host "$T/music" --wanted 4 --deadline 40 --ready 8 >/dev/null || fail "the call"
for n in eli bo cy dee; do
    wait_for 15 holds $n status "r['invites'] == 1" || fail "$n hears the call"
    p $n accept >/dev/null || fail "$n accepts"
    if [ $n = eli ]; then
        wait_for 10 holds ana status "any(m['name'] == 'eli' for m in r['party']['members'])"
        kill -STOP $eli
    fi
done
wait_for 20 phase ana sharing || fail "sharing begins"
began=$(date +%s%N)
wait_for 30 phase ana playing
took=$((($(date +%s%N) - began) / 1000000))
check "two that never get ready hold the others up until --ready and no longer ($took ms)" \
    [ $took -gt 6500 -a $took -lt 10000 ]
for n in ana bo cy; do
    check "$n plays" wait_for 10 sounding $n
done
check "the guest that cannot store says so" holds dee status "r['notes'] != []"
check "and the host sees that it is not ready" holds ana status \
    "[m['ready'] for m in r['party']['members'] if m['name'] == 'dee'] == [False]"
kill -CONT $eli
check "the guest that stood still joins in the middle" wait_for 25 sounding eli

# Nonsense at every stage of a link, while a guest is killed and another one comes.
hostile garbage1 garbage 127.0.0.1 $PORT 14
hostile garbage2 garbage 127.0.0.2 $PORT 14
hostile hold hold 127.0.0.1 $PORT 14
for i in 1 2; do
    hostile bend$i bend 127.0.0.2$i $PORT 127.0.0.1 $PORT $((i * 4 - 4))
    wait_for 5 grep -q ready "$T/bend$i.out" || fail "the bending proxy starts"
    node mal$i 127.0.0.3$i:$PORT --join 127.0.0.2$i:$PORT --audio none
done
sleep 3
kill -9 $cy
node fay 127.0.0.6:$PORT --join $ana --audio "$(card fay -20)" || fail "fay starts"
check "the call reaches a newcomer all the same" \
    wait_for 10 holds fay status "r['invites'] == 1"
p fay accept >/dev/null || fail "fay accepts"
check "and it plays" wait_for 20 sounding fay
check "the host knows that the killed guest is away" wait_for 15 holds ana status \
    "not any(m['name'] == 'cy' and m['here'] for m in r['party']['members'])"
wait_for 15 grep -q refused "$T/garbage1.out"
wait_for 15 grep -q refused "$T/garbage2.out"
echo "figure garbage: $(cat "$T/garbage1.out" "$T/garbage2.out" "$T/hold.out" | paste -sd ' ')"
for i in 1 2; do
    check "what was sent wrong was refused ($i)" python3 -c "
import sys
w = open(sys.argv[1]).read().split()
sys.exit(not (int(w[1]) > 20 and int(w[3]) > 0.5 * int(w[1])))" "$T/garbage$i.out"
done
check "a bent frame, of the handshake or behind it, ends its link" \
    [ "$(grep -c bends "$T/bend1.out")" -ge 3 ]
for n in ana bo; do
    check "$n plays on, without an underrun" holds $n status \
        "r['audio']['playing'] and r['audio']['underruns'] == 0"
done
p ana end >/dev/null
sleep 1
measure() { "$BUILD/tests/system/measure" "$@" -- "$T"/music/*.flac; }
line=$(measure "$T"/{ana,bo}.capture)
echo "figure host and guest through all of it: $line"
check "host and guest stay together, without a gap or a jump" python3 -c "
import json,sys
r=json.loads(sys.argv[1])
sys.exit(not (r['p99']<=1000 and r['windows']>120 and r['mismatches']==0 and
              all(c['jumps']==0 and c['breaks']==0 for c in r['cards'])))" "$line"
line=$(measure "$T"/{ana,eli,fay}.capture)
echo "figure with those that came in the middle: $line"
check "those that came in the middle are in time" python3 -c "
import json,sys
r=json.loads(sys.argv[1])
sys.exit(not (r['p99']<=1000 and r['mismatches']==0 and
              all(c['played_s']>5 for c in r['cards'])))" "$line"

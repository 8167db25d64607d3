# A party of five on a network that comes apart without a word: the host's cable is pulled (its
# interface is down, so nobody gets a reset) and put back, then the switch parts two from three
# and joins them again.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
. tests/system/five.sh
NSS=pc$$n
if ! namespaces ${NSS}1 ${NSS}2 ${NSS}3 ${NSS}4 ${NSS}5; then
    echo "skip namespaces: no right to make network namespaces"
    exit 0
fi
NET=10.78.0
"$BUILD/tests/system/netswitch" --delay-ms 2 --jitter-ms 1 --halves 2 --seed 1 \
    ${NSS}1:tap0:$NET.1/24 ${NSS}2:tap0:$NET.2/24 ${NSS}3:tap0:$NET.3/24 \
    ${NSS}4:tap0:$NET.4/24 ${NSS}5:tap0:$NET.5/24 >"$T/switch.log" &
SWITCH=$!
PIDS="$PIDS $SWITCH"
wait_for 5 grep -q ready "$T/switch.log" || fail "the switch starts"
songs "$T/music" 3 110
five "$T/music"
party=$(json ana status "r['party']['id']")
sleep 8
all_sound() {
    local who
    for who in "$@"; do sounding "$who" || return 1; done
}
cable() { ip netns exec ${NSS}1 ip link set tap0 "$1"; }

cable down
check "the four others have another host" wait_for 15 led bo cy dee eli
check "all four say so" wait_for 8 agree 2 "$NEW" bo cy dee eli
check "who has lost the network plays on like the others" all_sound $FIVE
sleep 4
cable up
check "back on the network it is a guest" wait_for 30 agree 2 "$NEW" $FIVE
sleep 8
slot=$(json "$NEW" status "r['party']['slot']")
check "the new host skips" p "$NEW" skip
check "and all five do" wait_for 8 all_at $((slot + 1)) $FIVE
sleep 6 # the council has five seats again

# Two from three: ana and bo on one side.
kill -USR2 $SWITCH
check "the three have a host" wait_for 15 led cy dee eli
agree_id() { # ID NAME…
    local id=$1 who
    shift
    for who in "$@"; do holds "$who" status "r['party']['id'] == '$id'" || return 1; done
}
check "in the same party" agree_id "$party" cy dee eli
fork() {
    led ana bo && ! agree_id "$party" ana bo &&
        agree_id "$(json ana status "r['party']['id']")" bo
}
check "the two go on as a party of their own" wait_for 60 fork
check "all five play on" all_sound $FIVE
kill -USR2 $SWITCH
joined() { agree_id "$party" $FIVE && led $FIVE; }
check "when the switch is whole again all come back to the first one" wait_for 100 joined
check "with one host" wait_for 20 agree "$(json cy status "r['party']['epoch']")" "$NEW" $FIVE
check "and play on" wait_for 20 all_sound $FIVE
for who in $FIVE; do
    check "no underrun at $who" holds "$who" status "r['audio']['underruns'] == 0"
done
kill "$SWITCH"
wait "$SWITCH"
check "the switch did cut" grep -q "cut [1-9]" "$T/switch.log"

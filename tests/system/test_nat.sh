# Real nodes that cannot be dialled, behind a switch that plays their NATs: 0 and 1 are open, 2 and 3
# let in whom they dial at the same moment, 4 and 5 let in nobody.  Others relay what is left.
# SPDX-License-Identifier: MIT
. tests/system/lib.sh
if ! namespaces pt$$n{0..5}; then
    echo "skip nat: no right to make network namespaces"
    exit 0
fi
ports=
for i in 0 1 2 3 4 5; do
    guard=
    [ "$i" -lt 2 ] || guard=+cone
    [ "$i" -lt 4 ] || guard=+wall
    ports="$ports pt$$n$i:tap0:10.77.0.$((i + 1))/24$guard"
done
"$BUILD/tests/system/netswitch" --delay-ms 10 $ports >"$T/switch.log" &
SWITCH=$!
PIDS="$PIDS $SWITCH"
wait_for 5 grep -q ready "$T/switch.log" || fail "the switch starts"
start() { # nodes
    local i join
    for i in "$@"; do
        [ "$i" -eq 0 ] && join= || join="--join 10.77.0.1:4747"
        ip netns exec "pt$$n$i" "$PARTY" node --listen "0.0.0.0:4747" --data-dir "$T/n$i" \
            --name "n$i" --audio none $join >>"$T/n$i.log" 2>&1 &
        PIDS="$PIDS $!"
    done
}
# How the link from one to another came about.
link() { # from, to, how
    holds "n$1" peers "[p['how'] for p in r['peers'] if p['name'] == 'n$2'] == ['$3']"
}
# … not by way of another: dials that cross by chance count as plain ones.
own() { # from, to
    holds "n$1" peers "[p['how'] for p in r['peers'] if p['name'] == 'n$2'] in (['punched'], ['direct'])"
}
start 0 1 4 5
check "an open node knows that it is" wait_for 60 holds n1 peers "r['reach'] == 'open'"
check "whom a hidden one can dial it has dialled" wait_for 20 link 4 0 direct
check "where no dial gets through others pass it on" wait_for 60 link 4 5 relayed
check "… at both ends" wait_for 5 link 5 4 relayed
# A dial from outside that happens to cross one from inside gets through, and who was reached so
# takes itself for open: then those two begin anew.
linked() { wait_for 80 own 2 3 && own 3 2; }
start 2 3
linked || {
    pkill -KILL -f -- "--data-dir $T/n[23] "
    rm -rf "$T/n2" "$T/n3"
    start 2 3
}
check "a hidden node knows where its port is seen" wait_for 60 holds n2 peers "r['reach'] in ('punch', 'open')"
check "two that dial at the same moment are linked" wait_for 90 own 2 3
check "… at both ends" wait_for 5 own 3 2
for i in 0 1 2 3 4 5; do
    check "node $i has three neighbours or more" wait_for 30 holds "n$i" status "r['node']['peers'] >= 3"
done
told() {
    local i
    for i in 2 3 4 5; do
        "$PARTY" peers --data-dir "$T/n$i" | grep -q 'cannot dial this one' && return
    done
    return 1
}
check "a person is told" wait_for 20 told
kill "$SWITCH"
wait "$SWITCH"
check "the switch kept somebody out" grep -qv "guarded 0" "$T/switch.log"

# A node that is killed in the middle of a transfer goes on where it was: it finds its peers
# without being told, and asks only for the blocks that it has not.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
noise_songs() { # DIR COUNT MEGABYTES: FLAC files that cannot be compressed
    mkdir "$1"
    for n in $(seq "$2"); do
        head -c $(($3 * 1000000)) /dev/urandom |
            flac -s -0 --force-raw-format --endian=little --sign=signed --channels=2 --bps=16 \
                --sample-rate=44100 -o "$1/noise$n.flac" -
    done
}
# "HELD TOTAL": blocks of all songs of the party, by the node's own word.
blocks() {
    p "$1" status --json | grep -oE '"(held|total)":[0-9]+' | awk -F: '
        /total/ { total += $2 }
        /held/ { last = $2 }
        /total/ { held += last }
        END { print held + 0, total + 0 }'
}
written() { sed -n 's/^wchar: //p' "/proc/$ana/io"; }
noise_songs "$T/music" 5 24

node ana 127.0.0.1:$PORT --audio none || fail "ana starts"
ana=$NODE_PID
node bo 127.0.0.2:$PORT --audio none --join 127.0.0.1:$PORT || fail "bo starts"
bo=$NODE_PID
id=$(json bo status "r['node']['id']")
wait_for 15 holds bo status "r['node']['peers'] == 1" || fail "they meet"
p ana host "$T/music" --wanted 1 --ready 60 >/dev/null || fail "the call"
wait_for 15 holds bo status "r['invites'] == 1"
p bo accept >/dev/null || fail "bo accepts"
end=$((SECONDS + 30))
held=0
while [ "$held" -lt 1500 ] && [ $SECONDS -lt $end ]; do
    read -r held total < <(blocks bo)
    sleep 0.02
done
kill -9 $bo
wait $bo 2>/dev/null
check "bo is killed in the middle of the transfer ($held of $total blocks)" \
    [ "$held" -ge 1500 -a "$held" -lt $((total * 3 / 4)) ]
sleep 1
before=$(written)

# No --join this time: ana looks for it, too.
again=$SECONDS
node bo 127.0.0.2:$PORT --audio none || fail "bo starts again, on the lock and the socket \
of the dead one"
check "it is the same node" [ "$(json bo status "r['node']['id']")" = "$id" ]
check "it finds its peer without being told" \
    wait_for 20 holds bo status "r['node']['peers'] == 1"
wait_for 20 holds bo status "r['invites'] == 1 or r['party']" || fail "the call reaches it"
holds bo status "r['party']" || p bo accept >/dev/null || fail "bo accepts again"
whole() {
    local held total
    read -r held total < <(blocks bo)
    [ "$total" -gt 0 ] && [ "$held" -eq "$total" ]
}
check "it gets the rest" wait_for 60 whole
sent=$(($(written) - before))
missing=$(((total - held) * 16384))
echo "figure resumed with $held of $total blocks: $((sent / 1000000)) MB were sent, \
$((missing / 1000000)) MB were missing"
check "blocks that it held were not fetched again" \
    [ $sent -lt $((missing + missing / 20 + 4000000)) -a $sent -gt $((missing / 2)) ]
check "and plays" wait_for 30 sounding bo

# A clean end, after which nobody looks for it.  A neighbour of a minute (good_ns) is
# remembered.  What it holds it need not fetch at all.
while [ $SECONDS -lt $((again + 63)) ]; do sleep 0.5; done
p ana end >/dev/null
p bo down >/dev/null || fail "bo goes"
sleep 1
node bo 127.0.0.2:$PORT --audio none || fail "bo starts a third time"
check "peers are remembered over a clean end, too" \
    wait_for 20 holds bo status "r['node']['peers'] == 1"
p ana host "$T/music" --wanted 1 >/dev/null || fail "the second call"
before=$(written) # behind ana's own copying
wait_for 15 holds bo status "r['invites'] >= 1"
p bo accept >/dev/null || fail "bo accepts"
check "a party with songs that it holds starts at once" wait_for 15 sounding bo
sent=$(($(written) - before))
check "without a block being sent ($((sent / 1000)) kB)" [ $sent -lt 2000000 ]
kill -9 $ana

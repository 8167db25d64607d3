# A party of five that loses more than its host: the heir in the middle of the election, the
# host for a quarter of a minute, an old host that comes back, half of all at once.  What is
# left plays on without a gap each time, and has one host.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
. tests/system/five.sh
songs "$T/music" 3 120
five "$T/music"
sleep 6
number() { # of a node among the five
    local who n=0
    for who in $FIVE; do
        n=$((n + 1))
        [ "$who" != "$1" ] || echo $n
    done
}
others() { # NAME…: the five without these
    local who
    for who in $FIVE; do is_in "$who" "$*" || printf '%s ' "$who"; done
}
epoch() { json "$1" status "r['party']['epoch']"; }
all_sound() {
    local who
    for who in "$@"; do sounding "$who" || return 1; done
}
back() { # NAME…: the party that LEADER hosts has all of them, present
    holds "$LEADER" status "sum(m['here'] for m in r['party']['members']) == $#"
}

# The host is stopped for longer than its lease, and goes on: nobody has forked, and it is a
# guest of the one who was elected meanwhile.
end_one ana STOP
check "another one leads while the host's process is stopped" wait_for 12 led $(others ana)
LEADER=$NEW
sleep 6
end_one ana CONT
check "the stopped one obeys when it goes on" \
    wait_for 10 agree "$(epoch "$LEADER")" "$LEADER" $FIVE
check "and all five sound" wait_for 10 all_sound $FIVE

# A guest is stopped for longer than a fork takes: it is back where it was.
guest=$(others "$LEADER" | cut -d' ' -f1)
party=$(json "$LEADER" status "r['party']['id']")
end_one $guest STOP
sleep 36
end_one $guest CONT
same() { holds $guest status "r['party']['id'] == '$party' and r['party']['role'] == 'guest'"; }
sleep 1
check "a guest that was stopped for 36 s makes no party of its own" same
check "and is back" wait_for 15 back $FIVE

# The host is killed, and the first who stands for election with it.
end_one "$LEADER"
killed=$(date +%s%N)
rest=$(others "$LEADER")
claims() { # NAME of one of those that has said that it claims the next epoch, in its log
    local who
    for who in $rest; do
        [ "$(grep -c 'party claim' "$T/$who.log")" -gt "$(cat "$T/$who.claims")" ] || continue
        HEIR=$who
        return 0
    done
    return 1
}
for who in $rest; do grep -c 'party claim' "$T/$who.log" >"$T/$who.claims"; done
while ! claims && [ $((($(date +%s%N) - killed) / 1000000)) -lt 9000 ]; do sleep 0.01; done
check "somebody stands for election" [ -n "${HEIR:-}" ]
end_one "$HEIR"
three=$(others "$LEADER" "$HEIR")
check "when it dies at that moment the three that are left elect another one" \
    wait_for 20 led $three
echo "figure kill during the election: $NEW leads $((($(date +%s%N) - killed) / 1000000)) ms after the first death"
check "all three say so" wait_for 8 agree "$(epoch "$NEW")" "$NEW" $three
check "and play on" all_sound $three

# Both come back, the old host among them: it does not bully.
old=$LEADER
LEADER=$NEW
at=$(epoch "$LEADER")
for who in $old $HEIR; do
    start_one $who "$(number $who)" --join 127.0.0.$(number $LEADER):$PORT --auto-accept >/dev/null ||
        fail "$who starts again"
done
check "both come back as guests" wait_for 60 back $FIVE
check "in the same epoch" agree "$at" "$LEADER" $FIVE
check "and sound" wait_for 30 all_sound $FIVE
sleep 8 # the council has five seats again

# Half of the party, the host among them, at one instant.
victim=$(others "$LEADER" | cut -d' ' -f1)
end_one "$LEADER"
end_one "$victim"
rest=$(others "$LEADER" "$victim")
check "three of five go on when two die with the host's seat" wait_for 20 led $rest
check "with one host" wait_for 8 agree "$(epoch "$NEW")" "$NEW" $rest
check "and sound" all_sound $rest
check "and what it says is done" p "$NEW" skip
sleep 2
clean() {
    local who
    for who in "$@"; do holds "$who" status "r['audio']['underruns'] == 0" || return 1; done
}
check "no underrun at any of them" clean $rest

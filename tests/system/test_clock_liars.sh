# Time servers that lie, that are lost themselves, and that send us away: fakes of our own,
# and a real daemon that has to live with them.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
fake() { # NUMBER MODE
    python3 tests/system/fakentp.py $((PORT + $1)) "$2" >"$T/fake$1.log" 2>&1 &
    PIDS="$PIDS $!"
}
source_is() { # NODE NUMBER EXPRESSION over s
    holds "$1" clock "[bool($3) for s in r['sources'] if s['addr'].endswith(':$((PORT + $2))')] == [True]"
}
for n in 1 2 3; do fake $n 0; done
fake 4 10
fake 5 RATE
fake 6 DENY
fake 7 ALARM
sleep 0.5
ntp() { for n in "$@"; do printf -- '--ntp 127.0.0.1:%d ' $((PORT + n)); done; }
node ana 127.0.0.1:$PORT --audio none $(ntp 1 2 3 4) || fail "ana starts"
check "one of four lies by 10 s: UTC is known all the same" wait_for 15 holds ana clock \
    "r['clock']['utc_state'] == 'synchronised' and r['clock']['utc_bound_ns'] < 10000000"
check "the liar is out within 10 s" wait_for 10 source_is ana 4 \
    "s['state'] == 'falseticker' and abs(abs(s['offset_ns']) - 10e9) < 1e8"
check "and it is said why" source_is ana 4 "'outvoted' in s['why']"
node bo 127.0.0.2:$PORT --audio none $(ntp 1 2 5 6 7) || fail "bo starts"
check "DENY: never asked again" wait_for 15 source_is bo 6 \
    "s['state'] == 'denied' and s['why'] == 'DENY'"
check "RATE: asked half as often, without the rest of the burst" wait_for 15 source_is bo 5 \
    "s['why'] == 'RATE' and s['poll_s'] >= 128"
check "who does not know the time is not believed, and it is said why" wait_for 15 \
    source_is bo 7 "s['state'] == 'waiting' and s['why'] == 'unsynchronised'"
check "the two that remain are enough" wait_for 15 holds bo clock \
    "r['clock']['utc_state'] == 'synchronised'"
sleep 8
check "nobody who said no was asked a third time" eval \
    "[ \$(grep -c request '$T/fake5.log') -eq 2 ] && [ \$(grep -c request '$T/fake6.log') -eq 2 ]"
check "the others had their burst of four, and no more" eval \
    "[ \$(grep -c request '$T/fake3.log') -eq 4 ]"
p bo clock >"$T/table"
check "the table says RATE and DENY" eval "grep -q RATE '$T/table' && grep -q DENY '$T/table'"
sed 's/^/figure /' "$T/table"

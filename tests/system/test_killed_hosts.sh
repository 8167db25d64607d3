# test_killed_hosts.sh [TRIALS [AT_ONCE]]: a party of five whose host is killed in mid-song, as
# often as that (2), so many side by side (1); see killed_host.sh.  By hand with 100 trials.
# SPDX-License-Identifier: MIT
. tests/system/lib.sh
trials=${1:-2}
at_once=${2:-1}
songs "$T/music" 2 60
export MUSIC=$T/music
seq "$trials" | xargs -P "$at_once" -I{} bash -c 'bash tests/system/killed_host.sh "$MUSIC" 2>&1 | sed "s/^/{}: /"' \
    >"$T/trials"
grep -E ': (trial|FAIL)' "$T/trials"
good=$(grep -c ': trial .*: ok$' "$T/trials")
echo "figure killed hosts: $good of $trials trials without a dropped or repeated sample or a step of 50 us, and with a skip heard by all"
check "the host is killed $trials times, and nobody hears it" [ "$good" -eq "$trials" ]

#!/bin/bash
# Does the simulator find bugs?  Plants each bug of a list in a copy of the source, alone, and
# runs seeds until one fails: sim-mutants.sh [KIND] [TEXT], of those whose story has TEXT.
#   party  tests/sim/mutants.txt, by the party with faults; this is meant without KIND
#   elect  tests/sim/mutants-elect.txt, by party-sim elect, ten worlds for each seed
#   swarm  tests/sim/mutants-swarm.txt and the two others, by the storms of party-sim swarm
# SEEDS=N says how many at most (100; of storms 2000), MINUTES=M how long for each bug of the
# storms.  Of storms a table comes: the bug, how many seeds had run when it was found, the
# seconds, what fired, and what was left when the script was made small: things that happen,
# nodes, and the seconds that took.  Prints "N passed, N failed" last: a planted bug that is
# not found has failed, and so has a control that fails.
set -u
cd "$(dirname "$0")/.."
kind=${1:-party}
text=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
cp -r Makefile tools base secure wire clock overlay share party node audio sim "$work"
mkdir -p "$work/build"
[ ! -d build/obj ] || cp -a build/obj "$work/build"

# A line "VIOLATED…" or nothing, of the seeds from $1 to $2.
party_seeds() {
    timeout 120 "$work/build/party-sim" --nodes 9 --seeds "$1..$2" --faults late,leave,cut,rot,clock 2>&1 |
        grep -m 1 '^VIOLATED'
}
elect_seeds() {
    timeout 300 "$work/build/party-sim" elect --seeds "$1..$2" --rounds 10 --gap 1s --wait 120s --quiet \
        --set party.fork_ns=0 2>&1 |
        grep -m 1 "^MISSED most" | sed "s/^/VIOLATED: /"
}
in_steps() { # of 20 seeds
    local from found=
    for ((from = 1; from <= ${SEEDS:-100} && ${#found} == 0; from += 20)); do
        found=$("$1" "$from" $((from + 19)))
    done
    echo "$found"
}
value() { # of a name in the JSON of a swarm
    echo "$json" | sed -n "s/.*\"$1\":\(\"\([^\"]*\)\"\|\([^,}]*\)\).*/\2\3/p"
}
swarm_row() {
    json=$("$work/build/party-sim" swarm --seeds "1..${SEEDS:-2000}" --first --quiet --json --out "$work/failures" \
        ${MINUTES:+--minutes "$MINUTES"} 2>/dev/null | tail -n 1)
    if [ "$(value failed)" != 0 ]; then
        printf 'VIOLATED\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(value seeds)" "$(value wall_s)" "$(value what)" "$(value things)" \
            "$(value nodes)" "$(value shrink_s)"
    else
        printf 'nothing in %s seeds\t%s s' "$(value seeds)" "$(value wall_s)"
    fi
}
find_it() {
    case "$kind" in
    elect) in_steps elect_seeds ;;
    swarm) swarm_row ;;
    *) in_steps party_seeds ;;
    esac
}

case "$kind" in
elect) lists=tests/sim/mutants-elect.txt ;;
swarm) lists="tests/sim/mutants-swarm.txt tests/sim/mutants.txt tests/sim/mutants-elect.txt" ;;
*) lists=tests/sim/mutants.txt ;;
esac
# The control stands in each list, and is one.
while IFS='|' read -r files script story; do
    case "$files" in "" | "#"*) continue ;; esac
    case "$story" in *"$text"*) ;; *) continue ;; esac
    for file in $files; do
        mkdir -p "$work/saved/${file%/*}"
        cp "$file" "$work/saved/$file"
        sed -i "$script" "$work/$file"
    done
    if make -s -j2 -C "$work" BUILD=build build/party-sim >"$work/log" 2>&1; then
        found=$(find_it)
    else
        found="it does not build"
    fi
    is_same=
    for file in $files; do
        ! cmp -s "$file" "$work/$file" || is_same=1
        cp "$work/saved/$file" "$work/$file"
    done
    case "$story" in
    control*) good=$([ "${found#VIOLATED}" = "$found" ] && [ "${found#it does}" = "$found" ] && echo 1) ;;
    *) good=$([ "${found#VIOLATED}" != "$found" ] && [ -z "$is_same" ] && echo 1) ;;
    esac
    if [ -n "$good" ]; then
        printf 'ok   %s\t%s\n' "$story" "${found:-nothing}"
        passed=$((passed + 1))
    else
        printf 'FAIL %s\t%s\n' "$story" "${found:-not found}"
        failed=$((failed + 1))
    fi
done < <(cat $lists | awk -F'|' '$3 !~ /^control/ || !seen++')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

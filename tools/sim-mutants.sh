#!/bin/bash
# Does the simulator find bugs?  Plants each bug of tests/sim/mutants.txt in a copy of the
# source, alone, and runs seeds until one fails.  SEEDS=N says how many at most; 100 if not
# given.  Prints "N passed, N failed" last: a planted bug that is not found has failed, and
# so has a control that fails.  `sim-mutants.sh elect`: those of elections
# (tests/sim/mutants-elect.txt), by party-sim elect, ten worlds for each seed.
set -u
cd "$(dirname "$0")/.."
SEEDS=${SEEDS:-100}
kind=${1:-party}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
cp -r Makefile tools base secure wire clock overlay share party node audio sim "$work"
seeds() { # first, last: the first that fails, or nothing
    timeout 120 "$work/build/party-sim" --nodes 9 --seeds "$1..$2" --faults late,leave,cut,rot,clock 2>&1 |
        grep -m 1 '^VIOLATED'
}
list=tests/sim/mutants.txt
if [ "$kind" = elect ]; then
    list=tests/sim/mutants-elect.txt
    seeds() {
        timeout 300 "$work/build/party-sim" elect --seeds "$1..$2" --rounds 10 --gap 1s --wait 120s --quiet \
            --set party.fork_ns=0 2>&1 |
            grep -m 1 "^MISSED most" | sed "s/^/VIOLATED: /"
    }
fi
while IFS='|' read -r file script story; do
    case "$file" in "" | "#"*) continue ;; esac
    cp "$file" "$work/saved"
    sed -i "$script" "$work/$file"
    found=
    if ! make -s -j2 -C "$work" BUILD=build build/party-sim >"$work/log" 2>&1; then
        found="it does not build"
    else
        for ((from = 1; from <= SEEDS && ${#found} == 0; from += 20)); do
            found=$(seeds "$from" $((from + 19)))
        done
    fi
    case "$story" in control*) good=$([ -z "$found" ] && echo 1) ;; *)
        good=$([ "${found#VIOLATED}" != "$found" ] && ! cmp -s "$file" "$work/$file" && echo 1) ;;
    esac
    if [ -n "$good" ]; then
        echo "ok   $story: ${found:-nothing}"
        passed=$((passed + 1))
    else
        echo "FAIL $story: ${found:-not found in $SEEDS seeds}"
        failed=$((failed + 1))
    fi
    cp "$work/saved" "$work/$file"
done <"$list"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

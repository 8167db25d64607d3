#!/bin/bash
# The pinned seeds of tests/seeds.txt, then fresh ones, then a large overlay, all by the
# simulator on all cores.  The first fresh seed is printed; FIRST=N repeats it, FRESH=N
# says how many.  Prints "N passed, N failed" last.
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
FRESH=${FRESH:-200}
FIRST=${FIRST:-$(($(date +%s) % 1000000 * 1000 + RANDOM % 1000))}
sim=$BUILD/party-sim
passed=0
failed=0
make -s -j2 BUILD="$BUILD" "$sim" >&2 || { echo "FAIL party-sim does not build"; echo "0 passed, 1 failed"; exit 1; }

many() { # what, first, last, options…: counts what the runs say
    local what=$1 first=$2 last=$3 out p f
    shift 3
    out=$("$sim" --seeds "$first..$last" "$@")
    printf '%s\n' "$out" | grep -A1 '^VIOLATED'
    read -r p f < <(printf '%s\n' "$out" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' | tail -n 1)
    [ -n "${p:-}" ] || { p=0; f=1; }
    passed=$((passed + p))
    failed=$((failed + f))
    echo "$([ "$f" -eq 0 ] && echo ok || echo FAIL)   $what: $p of $((p + f))"
}

# A pinned line: options of party-sim | why it is kept.
while IFS='|' read -r options story; do
    case "$options" in "" | "#"*) continue ;; esac
    # shellcheck disable=SC2086
    if out=$("$sim" $options 2>&1); then
        passed=$((passed + 1))
        echo "ok   pinned:$story"
    else
        failed=$((failed + 1))
        printf '%s\n' "$out" | grep -A1 '^VIOLATED'
        echo "FAIL pinned:$story"
    fi
done <tests/seeds.txt

quarter=$(((FRESH + 3) / 4))
echo "fresh seeds from $FIRST on"
many "5 nodes" "$FIRST" $((FIRST + quarter - 1)) --nodes 5
many "8 nodes" $((FIRST + quarter)) $((FIRST + 2 * quarter - 1)) --nodes 8
many "12 nodes" $((FIRST + 2 * quarter)) $((FIRST + 3 * quarter - 1)) --nodes 12
many "11 nodes, all faults" $((FIRST + 3 * quarter)) $((FIRST + 4 * quarter - 1)) --nodes 11 \
    --faults late,leave,crash,restart,disk,clock,liar,cut,rot
many "200 nodes" "$FIRST" "$FIRST" --nodes 200 --seconds 70
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

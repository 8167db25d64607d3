#!/bin/bash
# All that CI runs, in the order from cheap to costly.  Every part prints "N passed, N
# failed" as its last line; the sum of them is the last line of this.
set -u
cd "$(dirname "$0")/.."
export BUILD=${BUILD:-build}
total_passed=0
total_failed=0
part() { # title, command…
    local title=$1 log=$BUILD/check.log begin=$SECONDS p f status
    shift
    echo "== $title"
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    read -r p f < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p' "$log" | tail -n 1)
    p=${p:-0}
    f=${f:-0}
    [ $status -eq 0 ] || [ "$f" -gt 0 ] || f=1
    [ $((p + f)) -gt 0 ] || f=1
    if [ "$f" -gt 0 ]; then cat "$log"; else grep -E '^(ok|skip)' "$log" | tail -n 60; fi
    echo "   $title: $p passed, $f failed, $((SECONDS - begin)) s"
    total_passed=$((total_passed + p))
    total_failed=$((total_failed + f))
}
mkdir -p "$BUILD"
asan='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
part "lint" tools/lint.sh
part "gcc, unit tests" make -j2 BUILD=$BUILD/gcc CC=gcc WERROR=-Werror all test
part "clang, unit tests" make -j2 BUILD=$BUILD/clang CC=clang WERROR=-Werror all test
part "clang, ASan and UBSan" make -j2 BUILD=$BUILD/asan CC=clang CFLAGS="$asan" all test
part "gcc, TSan" make -j2 BUILD=$BUILD/tsan CC=gcc CFLAGS='-O1 -g -fsanitize=thread' \
    test REPLAYS= TESTED='audio library daemon cli'
part "fuzz" env FUZZ_SECONDS=${FUZZ_SECONDS:-8} tools/fuzz.sh
# The same seeds each time: a gate must not depend on chance.  Fresh ones: tools/sim-seeds.sh.
part "simulator, 200 seeds and the pinned ones" env FIRST="${FIRST:-1}" tools/sim-seeds.sh
part "simulator, same hashes" tools/sim-hash.sh
part "real daemons" make BUILD=$BUILD/gcc CC=gcc system
echo "$total_passed passed, $total_failed failed"
[ $total_failed -eq 0 ] && [ $total_passed -gt 0 ]

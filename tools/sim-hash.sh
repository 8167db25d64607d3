#!/bin/bash
# The same seeds give the same hashes: with gcc and with clang, optimised or not, under
# sanitizers, a second time, on 1, 2 and 4 threads, and over 1, 2 and 3 MPI ranks (where
# there is an MPI); other seeds give others.  BUILD/NAME holds each build, made here when it
# is not there.
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
SEEDS=${SEEDS:-1..20}
passed=0
failed=0
rule() { # name, then a test
    local name=$1
    shift
    if "$@"; then echo "ok   $name"; passed=$((passed + 1)); else echo "FAIL $name"; failed=$((failed + 1)); fi
}
same() { # name, what there is, what it should be: shows where they part
    if [ "$2" = "$3" ]; then
        echo "ok   $1"
        passed=$((passed + 1))
    else
        diff <(echo "$3") <(echo "$2") | head -n 12
        echo "FAIL $1"
        failed=$((failed + 1))
    fi
}
asan='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
build() { # name, compiler, flags
    make -s -j2 BUILD="$BUILD/$1" CC="$2" CFLAGS="$3" "$BUILD/$1/party-sim" >&2 ||
        { echo "FAIL $1 does not build"; echo "$passed passed, $((failed + 1)) failed"; exit 1; }
}
build gcc gcc '-O2 -g'
build clang clang '-O2 -g'
build gcc-O0 gcc -O0
build clang-O0 clang -O0
build asan clang "$asan"
build tsan gcc '-O1 -g -fsanitize=thread'

# A party with its faults, and a network in which floods go about while nodes die; the
# second one on several threads, and with every byte in the hash.
party() { "$BUILD/$1/party-sim" --nodes 12 --seeds "$2" --hash-only 2>&1; }
network() {
    "$BUILD/$1/party-sim" check --nodes "${2:-40}" --seeds 1..2 --start 3s --settle 20s --net.loss 1% \
        --quiet 2>&1
}
a=$(party gcc "$SEEDS")
d=$(party gcc 1001..1020)
count=$(printf '%s\n' "$a" | wc -l)
rule "$count seeds, $count different hashes" \
    [ "$(printf '%s\n' "$a" | awk '{print $2}' | sort -u | wc -l)" -eq "$count" ]
rule "other seeds give other hashes" [ -z "$(printf '%s\n%s\n' "$a" "$d" | awk '{print $2}' | sort | uniq -d)" ]
same "party: a second run agrees with the first" "$(party gcc "$SEEDS")" "$a"
same "party: clang agrees with gcc" "$(party clang "$SEEDS")" "$a"
few=$(printf '%s\n' "$a" | head -n 4)
for b in gcc-O0 clang-O0 asan; do
    same "party: $b agrees" "$(party $b "${SEEDS%%..*}..$((${SEEDS%%..*} + 3))")" "$few"
done
n=$(network gcc)
rule "network: 2 seeds agree on 1, 2 and 4 threads" grep -qx "6 passed, 0 failed" <<<"$n"
for b in clang gcc-O0 clang-O0 asan; do
    same "network: $b agrees with gcc" "$(network $b)" "$n"
done
# What races do not show in the hash, the thread sanitizer sees.
same "network: nothing seen by TSan" "$(network tsan 24)" "$(network gcc 24)"
if [ -x tools/sim-ranks.sh ]; then
    ranks=$(BUILD=$BUILD/gcc tools/sim-ranks.sh)
    printf '%s\n' "$ranks" | grep -E '^(FAIL|skip)'
    read -r p f < <(printf '%s\n' "$ranks" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p')
    [ "${p:-0}" -eq 0 ] || echo "ok   MPI: $p worlds over 1, 2 and 3 ranks"
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-1}))
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

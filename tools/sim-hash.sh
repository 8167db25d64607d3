#!/bin/bash
# The same seeds give the same hashes with gcc and with clang, and twice; other seeds others.
# BUILD/gcc and BUILD/clang hold the two builds, made here when they are not there.
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
for cc in gcc clang; do
    make -s -j2 BUILD="$BUILD/$cc" CC=$cc "$BUILD/$cc/party-sim" >&2 || exit 1
done
hashes() { "$BUILD/$1/party-sim" --nodes 12 --seeds "$2" --hash-only; }
a=$(hashes gcc 1..20)
b=$(hashes clang 1..20)
c=$(hashes gcc 1..20)
d=$(hashes gcc 21..40)
passed=0
failed=0
rule() { # name, then a test
    local name=$1
    shift
    if "$@"; then echo "ok   $name"; passed=$((passed + 1)); else echo "FAIL $name"; failed=$((failed + 1)); fi
}
rule "20 seeds, 20 different hashes" [ "$(printf '%s\n' "$a" | awk '{print $2}' | sort -u | wc -l)" -eq 20 ]
rule "gcc and clang agree on them" [ "$a" = "$b" ]
rule "a second run agrees with the first" [ "$a" = "$c" ]
rule "other seeds give other hashes" [ -z "$(printf '%s\n%s\n' "$a" "$d" | awk '{print $2}' | sort | uniq -d)" ]
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

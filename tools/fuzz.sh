#!/bin/bash
# Fuzz each parser with libFuzzer under ASan and UBSan: FUZZ_SECONDS each (default 10), or
# FUZZ_RUNS executions each; FUZZ_ONLY=name for one.  A finding is written to the folder
# build/fuzz and belongs in tests/fuzz/corpus once it is mended.
set -u
cd "$(dirname "$0")/.."
B=${BUILD:-build}/fuzz
# -fsanitize=fuzzer-no-link instruments the code under test, the target links the engine.
san='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
archives=$(for f in sim audio node party share overlay clock wire secure base; do echo "$B/lib$f.a"; done)
make -s -j2 BUILD="$B" CC=clang CFLAGS="$san -fsanitize=fuzzer-no-link" $archives || exit 1
if [ -n "${FUZZ_RUNS:-}" ]; then limit="-runs=$FUZZ_RUNS"; else limit="-max_total_time=${FUZZ_SECONDS:-10}"; fi
libs=$(pkg-config --libs libcbor libsodium flac alsa samplerate sqlite3)

one() {
    local options name=$1 target=tests/fuzz/$1.c corpus=tests/fuzz/corpus/${1#fuzz_}
    mkdir -p "$B/new/$name" "$corpus"
    clang $san -fsanitize=fuzzer -std=c11 -D_GNU_SOURCE -I. -o "$B/$name" "$target" \
        -Wl,--start-group $archives -Wl,--end-group $libs -lm -pthread || return 1
    # A target may say in its head how long its inputs get: "fuzz: -max_len=N".
    options=$(sed -n 's/^ \* fuzz: *\(-[a-z_]*=[0-9]*\).*/\1/p' "$target")
    "$B/$name" $limit $options -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$B/$name-" "$B/new/$name" "$corpus" >"$B/$name.log" 2>&1
}
passed=0
failed=0
queue=$(ls tests/fuzz/fuzz_*.c | sed 's|.*/||; s|\.c$||')
[ -z "${FUZZ_ONLY:-}" ] || queue=fuzz_$FUZZ_ONLY
for name in $queue; do
    if one "$name"; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$B/$name.log")
        echo "ok   $name ($runs executions)"
        passed=$((passed + 1))
    else
        tail -n 30 "$B/$name.log"
        echo "FAIL $name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

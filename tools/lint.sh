#!/bin/bash
# Everything that can be said of the source without running it.  Prints "ok" or "FAIL" for
# each rule, and "N passed, N failed" last.
set -u
shopt -s lastpipe # so that rule counts in this shell
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
pure="base secure wire clock overlay share party node"
folders="$pure audio library daemon cli demo sim"
passed=0
failed=0
rule() { # name, then its complaints on standard input
    local out
    out=$(cat)
    if [ -n "$out" ]; then
        printf '%s\n' "$out" | head -n 40
        echo "FAIL lint: $1"
        failed=$((failed + 1))
    else
        echo "ok   lint: $1"
        passed=$((passed + 1))
    fi
}
sources=$(find $folders tests -name '*.[ch]' | sort)

clang-format --dry-run $sources 2>&1 | grep -E 'warning|error' | rule "clang-format"

# Includes: a folder may use only what its line in layers.txt allows.
for f in $(find $folders -name '*.[ch]' | sort); do
    own=${f%%/*}
    case $f in */main/*) continue ;; esac # the mains link everything
    line=$(grep "^$own:" tools/layers.txt)
    allowed=" $own ${line#*|} "
    grep -ho '^#include "[a-z]*/' "$f" | sed 's/.*"//; s|/||' | sort -u | while read -r d; do
        case "$allowed" in *" $d "*) ;; *) echo "$f: may not include $d/" ;; esac
    done
    grep -ho '^#include <[^>]*>' "$f" | sed 's/.*<//; s/>//' | sort -u | while read -r h; do
        owner=$(awk -F'[:|]' -v h="$h" '/^[a-z]/ { n = split($2, w, " ");
            for (i = 1; i <= n; i++) if (w[i] != "-" && index(h, w[i]) == 1) print $1 }' tools/layers.txt)
        [ -z "$owner" ] || printf '%s\n' "$owner" | grep -qx "$own" ||
            echo "$f: $h belongs to" $owner
    done
done | rule "layers"

tools/knobs.sh --check | rule "the table of parameters is that of the headers"

for h in $(find $folders -name '*.h' | sort); do
    echo "#include \"$h\"" | ${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -fsyntax-only -x c - 2>&1 |
        sed "s|^|$h: |"
done | rule "every header compiles alone"

# The core draws nothing from the machine.  (assert is allowed: it ends the program.)
make -s BUILD="$BUILD" $(for f in $pure; do echo "$BUILD/lib$f.a"; done) >/dev/null
for f in $pure; do
    nm -u "$BUILD/lib$f.a" 2>/dev/null |
        grep -wE 'U (time|gettimeofday|clock|clock_gettime|rand|random|srand|getrandom|malloc|calloc|realloc|free|printf|fprintf|snprintf|sprintf|puts|fopen|open|read|write|socket|send|recv|getenv|pthread_[a-z_]*|uv_[a-z_]*|randombytes_buf|randombytes_random|qsort)' |
        sed "s|^|lib$f.a: |"
done | rule "the pure folders do no I/O"

for f in $(find $folders tests -name '*.[ch]'); do
    n=$(wc -l <"$f")
    [ "$n" -le 800 ] || echo "$f: $n lines, at most 800"
done | rule "file sizes"

# A planted bug (tools/sim-mutants.sh) that changes nothing is found by nobody.
cat tests/sim/mutants*.txt | while IFS='|' read -r files script story; do
    case "$files$story" in "" | "#"* | *control:*) continue ;; esac
    for file in $files; do
        ! sed "$script" "$file" 2>&1 | cmp -s - "$file" || echo "$file: no place for: $story"
    done
done | rule "planted bugs"

for f in $(find $folders tests -name '*.[ch]'); do
    head -n 40 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f: no SPDX line"
done | rule "licence lines"

if [ -z "${LINT_FAST:-}" ]; then
    mpi=$(mpicc --showme:compile 2>/dev/null) # sim/mpi is looked at where there is MPI
    export mpi
    find $folders -name '*.c' ! -path "${mpi:+/none/}sim/mpi/*" | sort | xargs -P 2 -n 6 sh -c \
        'clang-tidy --quiet "$@" -- -std=c11 -D_GNU_SOURCE -I. $mpi 2>/dev/null' _ |
        grep -E 'warning:|error:' | sort -u | rule "clang-tidy"
fi

for m in docs/*.1; do
    mandoc -T lint -W warning "$m" 2>&1
done | rule "man pages"

git grep -nE '(^|[^a-z.])/(work|root)/[a-z]' -- . ':!tools/lint.sh' 2>/dev/null | rule "no machine's paths"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

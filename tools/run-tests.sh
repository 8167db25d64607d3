#!/bin/sh
# Run cmocka programs, and fuzz targets over their corpora, two at a time; print what fails
# whole, and one line each for the rest.  The last line is "N passed, N failed", counted
# over the tests inside the programs.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export dir
printf '%s\n' "$@" | xargs -P 2 -I{} sh -c '
    t=$1 name=${1##*/} log=$dir/$(echo "$1" | tr / _)
    case $name in
    fuzz_*) "$t" "tests/fuzz/corpus/${name#fuzz_}" ;;
    *) "$t" ;;
    esac >"$log" 2>&1 </dev/null
    echo $? >"$log.status"' _ {}
passed=0
failed=0
for t in "$@"; do
    name=${t##*/}
    log=$dir/$(echo "$t" | tr / _)
    status=$(cat "$log.status" 2>/dev/null || echo 1)
    case $name in
    fuzz_*) p=1 ;;
    *) p=$(grep -ac '^\[       OK \]' "$log") ;;
    esac
    f=$(grep -a '^\[  FAILED  \] [a-z_0-9]*$' "$log" | sort -u | wc -l)
    if [ "$status" -ne 0 ]; then
        [ "$f" -gt 0 ] || f=1
        [ "$name" = "${name#fuzz_}" ] || p=0
        cat "$log"
        echo "FAIL $t (exit status $status)"
    else
        echo "ok   $t ($p)"
    fi
    passed=$((passed + p))
    failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

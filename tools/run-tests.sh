#!/bin/sh
# Run cmocka programs, and fuzz targets over their corpora; print what fails whole, and one
# line each for the rest.  The last line is "N passed, N failed", counted over the tests
# inside the programs.
passed=0
failed=0
for t in "$@"; do
    name=${t##*/}
    case $name in
    fuzz_*) out=$("$t" "tests/fuzz/corpus/${name#fuzz_}" 2>&1) ;;
    *) out=$("$t" 2>&1) ;;
    esac
    status=$?
    case $name in
    fuzz_*) p=1 ;;
    *) p=$(printf '%s\n' "$out" | grep -c '^\[       OK \]') ;;
    esac
    f=$(printf '%s\n' "$out" | grep '^\[  FAILED  \] [a-z_0-9]*$' | sort -u | wc -l)
    if [ $status -ne 0 ]; then
        [ "$f" -gt 0 ] || f=1
        [ "$name" = "${name#fuzz_}" ] || p=0
        printf '%s\n' "$out"
        echo "FAIL $t (exit status $status)"
    else
        echo "ok   $t ($p)"
    fi
    passed=$((passed + p))
    failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

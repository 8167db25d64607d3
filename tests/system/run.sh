#!/bin/bash
# Run the tests with real daemons: all of tests/system/test_*.sh, or those named.  The last
# line is "N passed, N failed".
set -u
cd "$(dirname "$0")/../.."
export BUILD=${BUILD:-build}
passed=0
failed=0
[ $# -gt 0 ] || set -- tests/system/test_*.sh
for t in "$@"; do
    begin=$SECONDS
    out=$(timeout 300 bash "$t" 2>&1)
    status=$?
    printf '%s\n' "$out" | grep -E '^(ok|FAIL|skip|figure)'
    p=$(printf '%s\n' "$out" | grep -c '^ok ')
    f=$(printf '%s\n' "$out" | grep -c '^FAIL ')
    s=$(printf '%s\n' "$out" | grep -c '^skip ')
    if [ $status -ne 0 ] || [ $((p + f + s)) -eq 0 ]; then
        f=$((f + 1))
        echo "FAIL $t ended with status $status"
    fi
    [ "$f" -eq 0 ] || printf '%s\n' "$out" | tail -n 40
    echo "     $(basename "$t"): $((SECONDS - begin)) s"
    passed=$((passed + p))
    failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

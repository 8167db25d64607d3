#!/bin/bash
# One world over 1, 2 and 3 MPI ranks, and over threads: the same run hash.
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
if ! command -v mpicc >/dev/null || ! command -v mpirun >/dev/null; then
    echo "skipped: no MPI here (apt-get install libopenmpi-dev openmpi-bin)"
    echo "0 passed, 0 failed"
    exit 0
fi
make -s -j2 BUILD="$BUILD" "$BUILD/party-sim-mpi" >&2 || { echo "FAIL party-sim-mpi does not build"; echo "0 passed, 1 failed"; exit 1; }
passed=0 failed=0
for options in "--nodes 60 --floods 3" "--nodes 60 --floods 3 --net lan --settle 15" "--nodes 61 --seed 7 --net 40ms --settled 1"; do
    first=
    for ranks in 1 2 3; do
        line=$(mpirun --allow-run-as-root --oversubscribe -n $ranks "$BUILD/party-sim-mpi" $options)
        hash=${line%% *}
        first=${first:-$hash}
        if [ -n "$hash" ] && [ "$hash" = "$first" ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAIL $options: $ranks ranks: $line, 1 rank: $first"
        fi
    done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

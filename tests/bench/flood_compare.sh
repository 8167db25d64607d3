#!/bin/bash
# The same flood in ns-3 and here, in turns within one run: deliveries per second of CPU.
#
#     flood_compare.sh                 the whole table
#     flood_compare.sh --claim NAME    one figure; the last line is JSON
#
# Engines: ns-3's event core with its PriorityQueue scheduler against ours, handlers that
# do nothing.  Stacks: ns-3's UDP over IPv4 on point-to-point links against our real
# node_step with real frames.  Medians of ROUNDS (3) alternating runs.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-3}
dir=$BUILD/bench
tests/bench/ns3/build.sh "$dir"
make -s BUILD="$BUILD" "$BUILD/tests/bench/bench_engine" "$BUILD/tests/bench/bench_world"

# Each prints: deliveries, deliveries per CPU second, bytes per node.
ns3_core() { "$dir/ns3_flood_core" "$1" | awk '{print $2, $4, $5}'; }
ns3_udp() { "$dir/ns3_flood_udp" "$1" $((20000 / $1)) | awk '{print $2, $4, $5}'; }
engine() {
    "$BUILD/tests/bench/bench_engine" "$1" |
        sed -nE "s/^flood +([0-9]+) nodes .* ([0-9]+) deliveries, .*: +([0-9.]+) M\/s,.* ([0-9]+) MiB.*/\1 \2 \3 \4/p" |
        awk '{print $2, $3 * 1e6, $4 * 1048576 / $1}'
}
real() {
    "$BUILD/tests/bench/bench_world" "$1" |
        sed -nE "s/.* ([0-9]+) deliveries, .* ([0-9.]+) M per CPU s .* ([0-9]+) bytes per node.*/\1 \2 \3/p" |
        awk '{print $1, $2 * 1e6, $3}'
}
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# rival ours nodes -> "rival_rate our_rate ratio rival_bytes our_bytes work"
compare() {
    local rival=$1 ours=$2 n=$3 a b
    local ra=() rb=() la lb
    for _ in $(seq "$ROUNDS"); do
        read -r -a a < <($rival "$n")
        read -r -a b < <($ours "$n")
        ra+=("${a[1]}"); rb+=("${b[1]}"); la=(${a[@]}); lb=(${b[@]})
    done
    local x y
    x=$(printf '%s\n' "${ra[@]}" | median)
    y=$(printf '%s\n' "${rb[@]}" | median)
    awk -v x="$x" -v y="$y" -v bx="${la[2]}" -v by="${lb[2]}" -v wx="${la[0]}" -v wy="${lb[0]}" \
        'BEGIN {printf "%d %d %.2f %d %d %.4f\n", x, y, y / x, bx, by, wy / wx}'
}
row() { # title rival ours nodes
    read -r x y ratio bx by work < <(compare "$2" "$3" "$4")
    printf '%-22s %9d %12d %12d %8s %10d %10d\n' "$1" "$4" "$x" "$y" "$ratio" "$bx" "$by"
    # The same work on both sides, or the figures say nothing.
    [ "$2" != ns3_core ] || awk -v w="$work" 'BEGIN {exit !(w > 0.99 && w < 1.01)}' ||
        { echo "FAIL: the two did not deliver the same: $work" >&2; exit 1; }
}
claim() { # name rival ours nodes goal
    read -r x y ratio bx by work < <(compare "$2" "$3" "$4")
    echo "ns-3 $x/s, here $y/s, work $work" >&2
    awk -v n="$1" -v v="$ratio" -v g="$5" \
        'BEGIN {printf "{\"name\":\"%s\",\"value\":%s,\"unit\":\"times\",\"goal\":%s,\"ok\":%s}\n", n, v, g, (v >= g ? "true" : "false")}'
}
case ${1:-} in
--claim)
    case ${2:-} in
    ns3-ratio-10k) claim "$2" ns3_core engine 10000 5 ;;
    ns3-ratio-1m) claim "$2" ns3_core engine 1000000 10 ;;
    ns3-udp-ratio-1k) claim "$2" ns3_udp real 1000 20 ;;
    *) echo "flood_compare.sh: no claim \"${2:-}\"" >&2; exit 2 ;;
    esac
    ;;
*)
    printf '%-22s %9s %12s %12s %8s %10s %10s\n' "per second of CPU" nodes ns-3 here times \
        "ns-3 B/node" "here B/node"
    for n in 1000 10000 100000 1000000; do row "engine, empty handler" ns3_core engine $n; done
    for n in 1000 10000; do row "stack / real node" ns3_udp real $n; done
    ;;
esac

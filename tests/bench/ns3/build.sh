#!/bin/sh
# Build the rival's side of the comparison: build.sh DIR.  Needs Debian's libns3-dev and
# g++; without them it says so and exits with 77, the sign of a skipped test.
set -eu
out=$1
here=$(dirname "$0")
if ! pkg-config --exists ns3-core ns3-internet ns3-point-to-point 2>/dev/null ||
    ! command -v g++ >/dev/null; then
    echo "skip ns-3: install libns3-dev and g++ to compare with it" >&2
    exit 77
fi
mkdir -p "$out"
libs() { # ns-3's own libraries only: its .pc names others that the packages do not bring
    for m in "$@"; do printf -- '-l%s ' "$m"; done
}
[ "$out/ns3_flood_core" -nt "$here/flood_core.cc" ] ||
    g++ -O2 -std=c++17 -o "$out/ns3_flood_core" "$here/flood_core.cc" $(libs ns3-core)
[ "$out/ns3_flood_udp" -nt "$here/flood_udp.cc" ] ||
    g++ -O2 -std=c++17 -o "$out/ns3_flood_udp" "$here/flood_udp.cc" \
        $(libs ns3-core ns3-network ns3-internet ns3-point-to-point)

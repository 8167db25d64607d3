#!/bin/sh
# Install what a target needs, if anything is missing: deps.sh build|run|check|mpi|ns3|snapcast.
# Debian and its children; asks for nothing but the right to install.
set -eu
build="gcc libc6-dev pkg-config libuv1-dev libsodium-dev libcbor-dev libflac-dev
       libasound2-dev libsamplerate0-dev libsqlite3-dev"
check="clang clang-format clang-tidy llvm libclang-rt-14-dev libcmocka-dev chrony iproute2
       mandoc flac ffmpeg singularity-music python3 procps gnuplot-nox"
mpi="libopenmpi-dev openmpi-bin" # one world over several machines
ns3="libns3-dev g++" # the rival of the benchmarks
snapcast="snapserver snapclient python3 iproute2" # the rival on the rig
case "$1" in
build | run) packages=$build ;;
check) packages="$build $check $mpi" ;;
mpi) packages="$build $mpi" ;;
ns3) packages="$build $ns3" ;;
snapcast) packages="$build $snapcast" ;;
*) echo "usage: deps.sh build|run|check|mpi|ns3|snapcast" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "party: this is no Debian: install by hand what corresponds to:" $packages >&2
    exit 0
fi
missing=
for p in $packages; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

echo "party: installing$missing"
root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "party: cannot install packages: not root, and no sudo; run as root:" >&2
        echo "  apt-get install$missing" >&2
        exit 1
    fi
    root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
install="$root apt-get install -y -q --no-install-recommends $missing"
# The package lists of a fresh machine may be absent or old: fetch them, then try once more.
$install || { $root apt-get update -q && $install; } || {
    echo "party: apt-get could not install$missing; see its message above" >&2
    exit 1
}

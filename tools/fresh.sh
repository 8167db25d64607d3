#!/bin/bash
# Run a make target as a newcomer would: in a new Debian 12 with nothing but git and make, from
# a fresh clone of what is committed here.  Needs root and debootstrap.
#   tools/fresh.sh demo|check [ROOT]
# ROOT is a folder with a Debian made before; it is left as it was found, but for packages.
# The last line is one JSON object, for docs/claims.tsv.
set -u
cd "$(dirname "$0")/.."
target=$1
root=${2:-}
here=$(pwd)
mirror=$(grep -rhoE 'https?://[^ ]*/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    head -n 1 | tr -d ' ')
own=
if [ -z "$root" ]; then
    own=$(mktemp -d /var/tmp/party-fresh-XXXXXX)
    root=$own
    debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$root" \
        "${mirror:-http://deb.debian.org/debian}" >/dev/null || exit 1
fi
finish() {
    umount "$root/dev" "$root/proc" "$root/sys" "$root" 2>/dev/null
    rm -rf "$root/root/party" "$root/root/clone"
    [ -z "$own" ] || rm -rf --one-file-system "$own"
}
trap finish EXIT
# A root that is a mount point, as on a machine: network namespaces need it.
mount --bind "$root" "$root" && mount --make-private "$root" &&
    mount --bind /dev "$root/dev" && mount -t proc proc "$root/proc" &&
    mount --bind /sys "$root/sys" || exit 1
cp /etc/resolv.conf "$root/etc/" 2>/dev/null
git clone -q --bare "$here" "$root/root/clone" || exit 1
begin=$SECONDS
chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 \
    sh -c "cd /root && git clone -q clone party && cd party && make $target" </dev/null
status=$?
ok=false
[ $status -ne 0 ] || ok=true
echo "{\"name\":\"fresh-$target\",\"value\":$((SECONDS - begin)),\"unit\":\"s\",\"goal\":1800,\"ok\":$ok}"
exit $status

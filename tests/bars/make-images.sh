#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Make images of Debian packages in an OCI layout: what base, python, node and gcc are elsewhere, and what is built on
# them. Layers are by mmdebstrap, buildah and umoci; packages come from where this machine's apt has its own from.
#
#   make-images.sh LAYOUT      as root; takes minutes, does nothing where LAYOUT is whole
set -euo pipefail

layout=$(realpath -m "$1")
[ ! -e "$layout/complete" ] || exit 0
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
work=$layout.work
rm -rf "$layout" "$work"
mkdir -p "$work"
trap 'buildah_ umount --all >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

buildah_() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver overlay "$@"; }
storage="[overlay@$work/storage+$work/run]"

# Packages, in a file tree that has apt; what it leaves that is not the packages' goes.
install_in() {
    local root=$1
    shift
    # shellcheck disable=SC2016 # expanded by the inner shells
    unshare -m sh -euc '
        root=$1; shift
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        cp /etc/resolv.conf "$root/etc/resolv.conf"
        chroot "$root" apt-get -qq update
        DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq install -y --no-install-recommends "$@"
        chroot "$root" apt-get clean
        rm -rf "$root"/var/lib/apt/lists/*' sh "$root" "$@" >"$work/apt.log" 2>&1 </dev/null || {
        tail -n 20 "$work/apt.log" >&2
        return 1
    }
}

# derive FROM NAME FUNCTION ARGUMENT...: one layer more, by what the function does in the root it is given first.
derive() {
    local from=$1 name=$2 what=$3 container root
    shift 3
    echo "image $name" >&2
    skopeo copy -q "oci:$layout:$from" "containers-storage:${storage}localhost/$from"
    container=$(buildah_ from --pull-never "localhost/$from")
    root=$(buildah_ mount "$container")
    "$what" "$root" "$@"
    buildah_ umount "$container" >/dev/null
    buildah_ commit -q --rm --format oci "$container" "localhost/$name" >/dev/null
    skopeo copy -q "containers-storage:${storage}localhost/$name" "oci:$layout:$name"
}

# What packages seldom have: capabilities, hard links, devices, odd times, owners, modes and names.
make_app() {
    local app=$1/srv/app
    mkdir -p "$app/deep/er" "$app/empty" "$app/odd-mode"
    cp /bin/true "$app/capable"
    setcap cap_net_raw,cap_net_bind_service+ep "$app/capable"
    cp /bin/true "$app/setuid"
    chown 1000:2000 "$app/setuid"
    chmod 6755 "$app/setuid"
    chmod 1733 "$app/empty"
    chmod 0 "$app/odd-mode"
    seq 1 20000 >"$app/data"
    ln "$app/data" "$app/deep/linked"
    ln "$app/data" "$app/deep/er/linked"
    ln "$app/capable" "$app/deep/capable"
    ln -s ../../data "$app/deep/er/symbolic"
    ln -s /nowhere "$app/dangling"
    mknod "$app/null" c 1 3
    mknod "$app/disk" b 7 255
    mkfifo "$app/fifo"
    printf x >"$app/$(printf 'odd \001\377 name')"
    printf '\0%.0s' {1..64} >"$app/zeros-64"
    printf '\0%.0s' {1..65} >"$app/zeros-65"
    : >"$app/none"
    truncate -s 3M "$app/sparse"
    setfattr -n user.note -v dropped "$app/data"
    chown 4294967294:65534 "$app/dangling" -h
    touch -h -d '1969-12-31 23:59:58' "$app/dangling"
    touch -d '2040-02-03 04:05:06.123456789' "$app/none"
    touch -d '2001-02-03 04:05:06.987654321' "$app/deep/er"
}

# What a Dockerfile's later steps do to what earlier ones left.
trim() {
    local root=$1
    rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/var/cache/debconf"
    rm -rf "$root/usr/share/info"
    ln -s locale "$root/usr/share/info"
    rm -f "$root/etc/motd" "$root/etc/issue"
    mkdir -p "$root/etc/issue"
    echo inside >"$root/etc/issue/inside"
    rm -rf "$root/usr/share/bash-completion" "$root/usr/share/common-licenses"
    mkdir "$root/usr/share/common-licenses"
    echo ours >"$root/usr/share/common-licenses/OURS"
    chmod 700 "$root/usr/share/locale"
    mv "$root/usr/share/perl5" "$root/usr/share/perl-5"
}

# One file of the last layer, for an image that is updated.
change() { echo "$2" >"$1/srv/app/release"; }

echo "image base" >&2
mmdebstrap --quiet --format=tar --variant=apt "$suite" "$work/base.tar" 2>"$work/mmdebstrap.log" || {
    tail -n 20 "$work/mmdebstrap.log" >&2
    exit 1
}
umoci init --layout "$layout"
umoci new --image "$layout:base"
umoci raw add-layer --image "$layout:base" "$work/base.tar"
umoci config --image "$layout:base" --config.cmd /bin/bash --config.env PATH=/usr/sbin:/usr/bin:/sbin:/bin
rm "$work/base.tar"

# By way of the plain layer: skopeo takes a compressed one as it is.
echo "image base-zstd" >&2
skopeo copy -q --dest-decompress "oci:$layout:base" "dir:$work/plain"
skopeo copy -q --dest-compress --dest-compress-format zstd "dir:$work/plain" "oci:$layout:base-zstd"
rm -rf "$work/plain"

derive base python install_in python3
derive base node install_in nodejs
derive base gcc install_in gcc libc6-dev make
derive python app make_app
derive app release-1 change one
derive app release-2 change two
derive gcc trimmed trim

echo "image tools" >&2
umoci unpack --image "$layout:python" "$work/bundle" >/dev/null
install_in "$work/bundle/rootfs" iputils-ping file
make_app "$work/bundle/rootfs"
rm -rf "$work/bundle/rootfs/usr/share/doc/apt"
umoci repack --image "$layout:tools" "$work/bundle" >/dev/null
umoci gc --layout "$layout"
touch "$layout/complete"

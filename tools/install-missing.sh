#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Install the Debian packages that the named sets need and that are not there yet.
#
#   tools/install-missing.sh build|demo|test|bars|bench|fuzz|lint|vm ...
set -eu

packages=
for set in "$@"; do
    case $set in
    build) packages="$packages gcc meson ninja-build pkg-config python3 libssl-dev libjansson-dev libzstd-dev zlib1g-dev libisal-dev libcurl4-openssl-dev liburing-dev libcmocka-dev bats" ;;
    demo) packages="$packages mmdebstrap util-linux" ;;
    test) packages="$packages erofs-utils fsverity attr acl fuse3 gzip jq e2fsprogs xfsprogs btrfs-progs uidmap crun busybox-static docker-registry skopeo openssl umoci zstd podman buildah util-linux-extra libarchive-tools libcap2-bin iproute2" ;;
    bars) packages="$packages mmdebstrap buildah docker-registry skopeo umoci podman crun busybox-static bats jq attr zstd util-linux libcap2-bin" ;;
    bench) packages="$packages docker-registry skopeo umoci podman util-linux attr erofs-utils squashfs-tools squashfuse fuse-overlayfs" ;;
    fuzz) packages="$packages clang libclang-rt-14-dev" ;;
    vm) packages="$packages qemu-system-x86 busybox-static cpio kmod zstd xz-utils fsverity e2fsprogs bats jq attr" ;;
    lint) packages="$packages clang clang-format clang-tidy cppcheck shellcheck" ;;
    *) echo "install-missing: no such set '$set'" >&2; exit 2 ;;
    esac
done

command -v dpkg-query >/dev/null || {
    echo "install-missing: not a Debian machine; needed, by Debian's names:$packages" >&2
    exit 0
}

missing=
for package in $packages; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "install-missing: become root and run: apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of words on purpose
if ! { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi

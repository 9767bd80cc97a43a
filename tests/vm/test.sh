#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# What needs fs-verity, which the kernel at hand may not have, under each of Debian's kernels.
#
#   tests/vm/test.sh BUILD-FOLDER [SERIES...]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- 6.1 6.12 7.2

vm=$build/vm
failed=
for series in "$@"; do
    "$here/fetch-kernel.sh" "$series" "$vm/$series"
    shared=$vm/shared-$series
    rm -rf "$shared"
    mkdir -p "$shared"
    disk=$shared/disk
    truncate -s 256M "$disk"
    mkfs.ext4 -q -O verity -b 4096 "$disk"
    echo "== Linux $(cat "$vm/$series/version")"
    "$here/run.sh" "$vm/$series" "$shared" "$disk" -- "$here/guest.sh" "$build" || failed="$failed $series"
    rm -f "$disk"
done
[ -z "$failed" ] || { echo "failed under Linux:$failed"; exit 1; }
echo "passed under Linux: $*"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Inside the machine: what temporary files lie on has fs-verity; then the tests.
#
#   tests/vm/guest.sh BUILD-FOLDER
set -eu

here=$(cd "$(dirname "$0")" && pwd)
LAMINA_BUILD_ROOT=$1
LAMINA_SOURCE_ROOT=$(cd "$here/../.." && pwd)
LAMINA_MUST_RUN=root,fuse,userns,fsverity
CMOCKA_MESSAGE_OUTPUT=TAP
export LAMINA_BUILD_ROOT LAMINA_SOURCE_ROOT LAMINA_MUST_RUN CMOCKA_MESSAGE_OUTPUT

mount -t ext4 /dev/vda /tmp
chmod 1777 /tmp
mkdir -m 1777 /tmp/var
mount --bind /tmp/var /var/tmp
cd /tmp

status=0
for unit in verity-kernel store-store store-objects store-images; do
    [ -x "$LAMINA_BUILD_ROOT/tests/test-$unit" ] || continue
    "$LAMINA_BUILD_ROOT/tests/test-$unit" || status=1
done
bats --tap "$here/verity.bats" || status=1
exit $status

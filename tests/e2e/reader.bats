#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# What our reader says of an image, against the kernel and against what went into it.
load lib
bats_require_minimum_version 1.5.0

tools=$LAMINA_SOURCE_ROOT/tests/tools
compare=$LAMINA_BUILD_ROOT/tests/tools/image-compare

setup() { start; }
teardown() { finish; }

kernel_has_erofs() { grep -qw erofs /proc/filesystems || modprobe erofs; }

# Mount an image by the kernel and compare. Linux 6.12 mounts the file, older kernels need a loop device.
compare_with_kernel() {
    local status=0
    mkdir -p mnt
    mount -t erofs -o ro "$1" mnt 2>/dev/null || mount -t erofs -o ro,loop "$1" mnt
    "$compare" "$1" mnt || status=$?
    umount mnt
    return $status
}

# RANDOM_TREES=1000 is what a release has to pass; RANDOM_SEED tells where to begin.
@test "random trees: the kernel's view, ours and the source are equal" {
    need_root
    need erofs "no EROFS in the kernel" kernel_has_erofs
    first=${RANDOM_SEED:-1}
    for seed in $(seq "$first" $((first + ${RANDOM_TREES:-60} - 1))); do
        echo "seed $seed"
        version=$((seed % 3))
        "$tools/random-dump.py" "$seed" "$version" >source.dump
        lamina build --quiet --dump --format=$version source.dump image
        compare_with_kernel image
        composefs-info dump image >read.dump
        "$tools/dump-equal.py" $version source.dump read.dump
        lamina build --quiet --dump --format=$version read.dump again
        cmp image again
        # Also that of an independent reader, where it is installed.
        [ $((seed % 10)) != 0 ] || ! command -v fsck.erofs >/dev/null || fsck.erofs image
    done
}

@test "plain images of mkfs.erofs: ours, the kernel's and the directory are equal" {
    need_root
    need erofs "no EROFS in the kernel" kernel_has_erofs
    need erofs-utils "no mkfs.erofs" command -v mkfs.erofs
    make_tree tree
    head -c 4096 /dev/urandom >tree/page
    head -c 10000 /dev/urandom >tree/tail
    truncate -s 20M tree/sparse
    printf x | dd of=tree/sparse bs=1 seek=9000000 conv=notrunc status=none
    mkdir tree/many
    for i in $(seq 800); do : >"tree/many/$(printf 'n%0100d' "$i")"; done
    ln -s "$(printf 'q%.0s' $(seq 4050))" tree/long
    mknod tree/block b 8 300
    chown 70000:80000 tree/page
    for options in "" -Enoinline_data --chunksize=4096 --chunksize=65536 -Eforce-inode-extended \
        "-Eforce-chunk-indexes --chunksize=4096" -x1; do
        echo "options: $options"
        # shellcheck disable=SC2086 # several options
        mkfs.erofs --quiet $options image tree
        compare_with_kernel image
        "$compare" image tree --no-ino
    done
}

@test "compressed images of mkfs.erofs are refused by name" {
    need erofs-utils "no mkfs.erofs with lz4" sh -c 'mkfs.erofs --help 2>&1 | grep -q lz4'
    mkdir tree
    seq 100000 >tree/file
    mkfs.erofs --quiet -zlz4hc image tree
    run -1 composefs-info dump image
    [[ "$output" == *"is compressed, which is not supported"* ]]
}

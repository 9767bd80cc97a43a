#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# That the bench works, and that nothing it could not do goes unsaid. Never what it measures.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    need ninja "the drivers cannot be built" ninja -C "$LAMINA_BUILD_ROOT" bench-drivers
    export BENCH_DIR=$scratch/data BENCH_FILES=150 BENCH_BYTES=1000000 BENCH_LARGE=1048576 BENCH_MILLION=2000
    export BENCH_ROUNDS=2
    # none of this machine's, whatever the caller has set
    unset MKCOMPOSEFS MOUNT_COMPOSEFS COMPOSEFS_FUSE EROFSFUSE SQUASHFUSE_LL FUSE_OVERLAYFS
}
teardown() { finish; }

bench() { "$LAMINA_SOURCE_ROOT/bench/run.py" --output "$scratch/out" "$@" "$LAMINA_BUILD_ROOT/lamina"; }

# The contenders of a workload that have a sample of each round with a positive value.
measured() {
    jq -r --arg workload "$1" '.sizes.rounds as $rounds | .samples[$workload] // {} | to_entries[] |
        select((.value | length) == $rounds and ([.value[] | (.seconds // .value) > 0] | all)) | .key' out/results.json |
        sort | tr '\n' ' '
}

@test "bench: every contender that can run has its figures in the data, the tables and the picture" {
    need_root
    need_fuse
    need jq "no jq" command -v jq
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    need userns "no user namespaces" unshare -Urm true
    bench --only mount,meta,large --contenders kernel,overlay,standalone,plain,object
    [ "$(jq '.failures | length' out/results.json)" = 0 ]
    [ "$(measured 'walk, cold')" = "kernel overlay plain standalone " ]
    [ "$(measured 'mount, million')" = "kernel overlay standalone " ]
    [ "$(measured 'mmap, uncached')" = "kernel object overlay plain standalone " ]
    # each walked the same tree, and found the same of what was looked up
    [ "$(jq '[.samples["walk, cold"][][].count] | unique | length' out/results.json)" = 1 ]
    jq -e '[.samples["random look-ups, one of five missing, cold"][][] | [.count, .bytes]] | unique |
        length == 1 and .[0][1] < .[0][0]' out/results.json
    for name in kernel overlay standalone plain; do
        [[ "$(sed -n '/^### walk, cold/,/^###/p' out/results.md)" == *"| $name | "[0-9]*" ms |"* ]]
        [[ "$(cat out/picture.svg)" == *">$name</text>"* ]]
    done
    grep -q '^| standalone, cold walk | kernel | ≤ 1.00 × | [0-9.]* × | \(yes\|\*\*no\*\*\) |$' out/results.md
    python3 -c 'import sys, xml.dom.minidom as xml; assert xml.parse(sys.argv[1]).getElementsByTagName("rect")' \
        out/picture.svg
    # nothing says whose machine it was
    run -1 grep -F -e "$scratch" -e "$LAMINA_SOURCE_ROOT" -e "$LAMINA_BUILD_ROOT" out/results.md out/results.json out/picture.svg
    [ -z "$(find data -name 'run-*' -o -name 'new-*')" ]
}

@test "bench: what cannot run is named with its reason, also when its mount fails" {
    need_root
    need_fuse
    need jq "no jq" command -v jq
    # shellcheck disable=SC2016 # for the script
    printf '#!/bin/sh\necho "$0: no mount at $3" >&2\nexit 1\n' >failing
    chmod 755 failing
    export COMPOSEFS_FUSE=$scratch/failing EROFSFUSE=$scratch/none
    bench --only small --contenders standalone,composefs-fuse,erofsfuse
    [ "$(measured 'open, read, close small files, second time')" = "standalone " ]
    jq -e '.failures == [{contender: "composefs-fuse", group: "small", what: "mount", why: "composefs-fuse: no mount at mnt"}]' \
        out/results.json
    jq -e '.skipped | keys == ["erofsfuse"]' out/results.json
    # shellcheck disable=SC2016 # backticks of Markdown
    grep -q '^- composefs-fuse, small, mount: `composefs-fuse: no mount at mnt`$' out/results.md
    grep -q '^| erofsfuse | skipped: no erofsfuse ' out/results.md
}

@test "bench: an interrupt leaves no mount, no process and no folder behind" {
    need_root
    need_fuse
    # a mount that never answers, so that the interrupt comes while one is under way
    printf '#!/bin/sh\ntouch "%s"\nexec tail -f "%s"\n' "$scratch/started" "$scratch/hanging" >hanging
    chmod 755 hanging
    export COMPOSEFS_FUSE=$scratch/hanging
    "$LAMINA_SOURCE_ROOT/bench/run.py" --output out --only small --contenders composefs-fuse \
        "$LAMINA_BUILD_ROOT/lamina" 2>talk &
    local pid=$!
    until [ -e started ]; do
        kill -0 $pid
        sleep 0.05
    done
    kill -TERM $pid
    local status=0
    wait $pid || status=$?
    [ $status = 1 ]
    [[ "$(cat talk)" == *"bench: interrupted"* ]]
    [ -z "$(find data -name 'run-*')" ]
    while pgrep -f "^tail -f $scratch/hanging"; do sleep 0.05; done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# A tar archive of a root file system as the input of import and build.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    make_tree tree
    setfattr -n user.binary -v 0x00ff0a tree/big
    lamina init
    lamina import tree wanted
    wanted=$(digest_of wanted)
}
teardown() { finish; }

digest_of() { lamina images --json | jq -r --arg name "$1" '.images[] | select(.name == $name).digest'; }
pack() { tar -C tree --format=posix --xattrs --xattrs-include='*' --numeric-owner -cf - "$@" .; }

@test "an archive is the same image as the directory it was made of" {
    pack >tree.tar
    run -0 --separate-stderr lamina import tree.tar plain
    [ "$output" = "$wanted" ]
    run -0 lamina import --json tree.tar again
    [ "$(jq .new_objects <<<"$output")" = 0 ]
    LAMINA_REPO=$scratch/other lamina init
    LAMINA_REPO=$scratch/other run -0 --separate-stderr lamina import tree.tar plain
    [ "$output" = "$wanted" ]
    LAMINA_REPO=$scratch/other run -0 lamina fsck
    cmp <(lamina dump wanted) <(LAMINA_REPO=$scratch/other lamina dump plain)
}

@test "compressed archives and standard input are recognized" {
    pack | gzip >tree.tar.gz
    pack | zstd -q >tree.tar.zst
    for file in tree.tar.gz tree.tar.zst; do
        run -0 --separate-stderr lamina import $file packed
        [ "$output" = "$wanted" ]
    done
    run -0 --separate-stderr bash -c "cat tree.tar.gz | lamina import - piped"
    [ "$output" = "$wanted" ]
    # one byte after the other
    pack >tree.tar
    run -0 --separate-stderr bash -c "dd if=tree.tar bs=7 status=none | lamina import - slow"
    [ "$output" = "$wanted" ]
    # and a dump is still one
    run -0 --separate-stderr bash -c "lamina dump wanted | lamina import - dumped"
    [ "$output" = "$wanted" ]
}

@test "build takes an archive, too" {
    pack | zstd -q >tree.tar.zst
    lamina build --format=1 tree from-tree
    lamina build --format=1 tree.tar.zst from-tar
    cmp from-tree from-tar
    run -0 --separate-stderr bash -c "lamina build --format=1 - - <tree.tar.zst | sha256sum"
    [ "$output" = "$(sha256sum <from-tree)" ]
}

@test "files with holes are whole in the image" {
    need gnu-tar "no GNU tar" tar --version
    mkdir holes
    truncate -s 3M holes/all
    truncate -s 1M holes/some
    printf middle | dd of=holes/some bs=1 seek=500000 conv=notrunc status=none
    lamina import holes holes
    for format in "--format=gnu" "--format=posix --sparse-version=0.0" "--format=posix --sparse-version=0.1" \
        "--format=posix --sparse-version=1.0"; do
        # shellcheck disable=SC2086
        tar -C holes --sparse $format --numeric-owner -cf holes.tar .
        [ "$(stat -c %s holes.tar)" -lt 100000 ]
        lamina import holes.tar sparse
        # GNU's own format has whole seconds only
        cmp <(lamina dump holes | sed 's/ [0-9]*\.[0-9]* / /') <(lamina dump sparse | sed 's/ [0-9]*\.[0-9]* / /')
    done
}

@test "an archive that is compressed in a way that is not read says so" {
    command -v bzip2 >/dev/null || skip "bzip2 is not installed"
    pack | bzip2 >tree.tar.bz2
    run -1 --separate-stderr lamina import tree.tar.bz2 name
    [[ "$stderr" == "lamina: cannot import 'tree.tar.bz2': it is compressed by bzip2, "* ]]
}

@test "a damaged archive gets one line, and leaves no name" {
    pack >tree.tar
    pack | gzip >tree.tar.gz
    head -c 20000 tree.tar >short.tar
    head -c 300 tree.tar.gz >short.gz
    { head -c 100 tree.tar; printf x; tail -c +102 tree.tar; } >changed.tar
    head -c 4096 /dev/urandom | gzip >noise.gz
    for file in short.tar short.gz changed.tar noise.gz; do
        for kind in "import $file name" "build $file image"; do
            # shellcheck disable=SC2086
            run ! --separate-stderr lamina $kind
            [ "${#stderr_lines[@]}" = 1 ]
            [[ "${stderr_lines[0]}" == "lamina: cannot ${kind%% *} "*"'$file': "* ]]
        done
    done
    [ ! -e image ]
    [ "$(lamina images --json | jq '.images | length')" = 1 ]
    lamina gc
    run -0 lamina fsck
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# What --verity promises, on a file system and a kernel that have fs-verity (tests/vm/test.sh). Each kernel can do
# another part of it; what it can't, it has to refuse with a reason.
load ../e2e/lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

has() { lamina features --json | jq -e --arg name "$1" '.features[] | select(.name == $name).available' >/dev/null; }

make_sources() {
    mkdir -p tree
    seq 20000 >tree/good
    seq 30000 >tree/bad
    seq 10000 >tree/copied
    printf small >tree/small
}

# The path of the object of a file of image "a".
object_of() { lamina ls a | sed -n "s,^/$1\t@ ,,p"; }

# After this: good is as it was, bad has another content, copied has its content but no fs-verity any more.
tamper() {
    local objects=$1/objects bad copied
    bad=$objects/$(object_of bad)
    copied=$objects/$(object_of copied)
    sed 's/^7$/8/' "$bad" >new
    [ "$(stat -c %s new)" = "$(stat -c %s "$bad")" ]
    mv -f new "$bad"
    cat "$copied" >new
    mv -f new "$copied"
    [ "${2:-}" != enable ] || fsverity enable "$bad"
}

# Reading fails, with EIO.
refuses() { run -1 cat "$1" && [[ "$output" == *"Input/output error"* ]]; }

@test "this kernel has what the tests want" {
    has fs-verity
    run -0 lamina features
    echo "$output" | sed 's/^/# /' >&3
}

@test "a secure repository is the default here, and its mounts require" {
    make_sources
    run -0 lamina init --json
    [ "$(jq .secure <<<"$output")" = true ]
    lamina import tree a
    mkdir mnt
    run -0 lamina mount --mode standalone --json a mnt
    [ "$(jq -r .verity <<<"$output")" = require ]
    diff -r tree mnt
    lamina umount mnt
    run -0 lamina mount --mode standalone --verity off --json a mnt
    [ "$(jq -r .verity <<<"$output")" = off ]
    lamina umount mnt
}

@test "root: each mode that can require reads what is right and refuses what is not" {
    make_sources
    lamina init --secure
    lamina import tree a
    tamper repo
    mkdir mnt
    for mode in kernel overlay standalone; do
        if [ $mode != standalone ] && ! has overlay-verity; then
            run -1 lamina mount --mode $mode --verity require a mnt
            [[ "$output" == *"mode $mode is not possible here: overlay-"* ]]
            continue
        fi
        lamina mount --mode $mode --verity require a mnt
        cmp tree/good mnt/good
        cmp tree/small mnt/small
        refuses mnt/bad
        if [ $mode = standalone ]; then
            # hashed: nobody but root could change it
            cmp tree/copied mnt/copied
        else
            refuses mnt/copied
        fi
        lamina umount mnt
        lamina mount --mode $mode --verity off a mnt
        run -1 cmp tree/bad mnt/bad
        cat mnt/bad >/dev/null
        lamina umount mnt
    done
}

@test "root: an object with fs-verity of another content is refused" {
    make_sources
    lamina init --secure
    lamina import tree a
    tamper repo enable
    mkdir mnt
    for options in "--mode standalone" "--mode standalone --passthrough off" ""; do
        # shellcheck disable=SC2086 # words
        lamina mount --verity require $options a mnt
        cmp tree/good mnt/good
        refuses mnt/bad
        lamina umount mnt
    done
}

@test "root: a block that goes bad on the disk is an error in each mode" {
    make_sources
    lamina init --secure
    lamina import tree a
    object=repo/objects/$(object_of bad)
    sync
    block=$(filefrag -v "$object" | awk '$1 == "0:" { sub(/\.\..*/, "", $4); print $4 }')
    printf spoiled | dd of=/dev/vda bs=4096 seek="$block" conv=notrunc,fsync status=none
    mkdir mnt
    for mode in kernel overlay standalone; do
        [ $mode = standalone ] || has overlay-verity || continue
        echo 3 >/proc/sys/vm/drop_caches
        lamina mount --mode $mode --verity require a mnt
        cmp tree/good mnt/good
        refuses mnt/bad
        lamina umount mnt
    done
}

@test "root: auto takes the first mode that can require" {
    make_sources
    lamina init --secure
    lamina import tree a
    mkdir mnt
    run -0 lamina mount --json a mnt
    mode=$(jq -r .mode <<<"$output")
    if has overlay-verity; then [ "$mode" = kernel ]; else [ "$mode" = standalone ]; fi
    diff -r tree mnt
    lamina umount mnt
}

@test "root: a server says once what is wrong with an object" {
    make_sources
    lamina init --secure
    lamina import tree a
    object=$(object_of bad)
    tamper repo
    mkdir mnt
    lamina mount --foreground --mode standalone --passthrough off a mnt 2>said 3>&- &
    server=$!
    until mountpoint -q mnt; do sleep 0.1; done
    for _ in 1 2 3; do refuses mnt/bad; done
    lamina umount mnt
    wait "$server"
    [ "$(grep -c "object $object, of inode [0-9]*: its content has not the digest" said)" = 1 ]
}

@test "an image that is not the one is refused" {
    make_sources
    lamina init --secure
    digest=$(lamina import tree a | sed 's/^sha256://')
    object=repo/objects/${digest:0:2}/${digest:2}
    wrong=$(tr 0123456789abcdef 123456789abcdef0 <<<"$digest")
    mkdir mnt
    for given in "$digest" "sha256:$digest"; do
        lamina mount --digest "$given" a mnt
        lamina umount mnt
    done
    lamina mount --digest "$digest" --objects repo/objects "./$object" mnt
    lamina umount mnt
    for image in a "./$object"; do
        run -3 lamina mount --digest "$wrong" --objects repo/objects "$image" mnt
        [[ "$output" == *"wrong fs-verity digest $digest, expected $wrong"* ]]
    done
    run -1 lamina mount --verity require --objects repo/objects "./$object" mnt
    [[ "$output" == *"--digest HEX"* ]]
    # the same bytes, not guarded
    cat "$object" >copy
    run -1 lamina mount --digest "$digest" --objects repo/objects ./copy mnt
    [[ "$output" == *"no fs-verity"* ]]
    lamina mount --verity off --digest "$digest" --objects repo/objects ./copy mnt
    lamina umount mnt
    mv -f copy "$object"
    run -3 lamina mount a mnt
    [[ "$output" == *"not guarded"* ]]
}

@test "an insecure repository is mounted as it is, and can't be required" {
    make_sources
    lamina init --insecure
    lamina import tree a
    mkdir mnt
    for verity in auto try off; do
        run -0 lamina mount --verity $verity --json a mnt
        [ "$(jq -r .verity <<<"$output")" = off ]
        diff -r tree mnt
        lamina umount mnt
    done
    run -1 lamina mount --verity require a mnt
    [[ "$output" == *"no fs-verity"*"lamina init --secure"* ]]
}

@test "try holds contents to digests where it can" {
    make_sources
    lamina init --secure
    lamina import tree a
    tamper repo
    mkdir mnt
    for mode in kernel standalone; do
        [ $mode = standalone ] || { has erofs && has overlay-data; } || continue
        run -0 lamina mount --mode $mode --verity try --json a mnt
        [ "$(jq -r .verity <<<"$output")" = try ]
        cmp tree/good mnt/good
        [ $mode = kernel ] && ! has overlay-verity || refuses mnt/bad
        lamina umount mnt
    done
}

# What the user does in his namespace, with a secure repository that he owns.
user_repository() {
    user_folder home
    user_folder home/mnt
    LAMINA_REPO=$scratch/home/repo
    make_sources
    in_userns bash -c 'lamina init --secure && lamina import tree a'
    tamper home/repo
    # replaced by root, who is nobody there: as the user would have it
    chown -R 1000:1000 home/repo/objects
}

@test "user namespace: overlay and standalone require, or say why not" {
    user_repository
    for mode in overlay standalone; do
        if [ $mode = overlay ] && ! in_userns lamina features --json | jq -e '
            [.features[] | select(.name == "overlay-user-data" or .name == "overlay-verity").available] | all'; then
            run -1 in_userns lamina mount --mode overlay a home/mnt
            [[ "$output" == *"mode overlay is not possible here: overlay-"* ]]
            continue
        fi
        in_userns bash -c '
            lamina mount --mode '$mode' --verity require a home/mnt &&
            cmp tree/good home/mnt/good && cmp tree/small home/mnt/small &&
            { cat home/mnt/bad 2>&1 >/dev/null || true; } | grep "Input/output error" &&
            { [ '$mode' = standalone ] && cmp tree/copied home/mnt/copied || ! cat home/mnt/copied; } &&
            lamina umount home/mnt'
    done
}

@test "user of the host: standalone by fusermount3 requires" {
    need fusermount "no fusermount3" command -v fusermount3
    user_repository
    as_user bash -c '
        lamina mount --json a home/mnt | grep "\"verity\":\"require\"" &&
        cmp tree/good home/mnt/good && ! cat home/mnt/bad && lamina umount home/mnt'
}

@test "mount.composefs: digest, verity and tryverity" {
    make_sources
    lamina build --objects objects tree image
    fsverity enable image
    digest=$(fsverity measure image | sed 's/^sha256:\([0-9a-f]*\) .*/\1/')
    wrong=$(tr 0123456789abcdef 123456789abcdef0 <<<"$digest")
    mkdir mnt
    for options in "digest=$digest" verity tryverity; do
        mount.composefs -o "basedir=objects,$options" image mnt
        diff -r tree mnt
        umount mnt
    done
    run -1 mount.composefs -o "basedir=objects,digest=$wrong" image mnt
    [[ "$output" == *"Failed to mount composefs image: the image has the wrong fs-verity"* ]]
    cat image >copy
    run -1 mount.composefs -o "basedir=objects,digest=$digest" copy mnt
    [[ "$output" == *"Failed to mount composefs copy: the image has no fs-verity"* ]]
}

@test "fsck finds what the kernel does not guard, and --repair has it guarded again" {
    make_sources
    lamina init
    lamina import tree a
    run -0 lamina fsck
    bad=$(object_of bad)
    copied=$(object_of copied)
    tamper repo
    run -3 lamina fsck
    [[ "$output" == *"object-verity-missing: objects/$copied"* ]]
    [[ "$output" == *"object-verity-missing: objects/$bad"* ]]
    run -3 lamina fsck --repair
    [[ "$output" == *"object-verity-missing: objects/$copied"*"(fs-verity turned on)"* ]]
    [[ "$output" == *"object-digest-mismatch: objects/$bad"*"(put aside)"* ]]
    fsverity measure "repo/objects/$copied"
    lamina import tree a
    run -0 lamina fsck
    # one that is guarded, under the name of another
    tamper repo enable
    run -3 lamina fsck --metadata-only
    [[ "$output" == *"object-digest-mismatch: objects/$bad"* ]]
}

@test "gc of a secure repository measures what it goes by" {
    make_sources
    lamina init
    digest=$(lamina import tree a 2>/dev/null)
    digest=${digest#sha256:}
    good=repo/objects/$(object_of good)
    cat "repo/objects/${digest:0:2}/${digest:2}" >new
    mv -f new "repo/objects/${digest:0:2}/${digest:2}"
    run -3 lamina gc
    [[ "$output" == *"not guarded"* ]]
    [ -f "$good" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

objects() { find repo/objects -type f | wc -l; }

@test "gc removes what no name needs, and nothing else" {
    make_tree tree
    mkdir other && head -c 5000 /dev/urandom >other/own && cp tree/big other/
    lamina init
    lamina import tree a
    lamina import other b
    run -0 --separate-stderr lamina gc --json
    [ "$(jq .objects <<<"$output")" = 0 ]
    rm repo/images/refs/b
    before=$(objects)
    run -0 --separate-stderr lamina gc --dry-run
    [[ "$output" == *"images: 1 would be removed"*"objects: 2 would be removed"* ]]
    [ "$(objects)" = "$before" ]
    run -0 --separate-stderr lamina gc --json
    # the image and the file that is only there; the other file is also in the first image
    [ "$(jq .objects <<<"$output")" = 2 ]
    [ "$(jq '.images | length' <<<"$output")" = 1 ]
    [ "$(jq .bytes <<<"$output")" -gt 5000 ]
    [ "$(objects)" = $((before - 2)) ]
    run -0 lamina fsck
    run -0 lamina objects --missing a
    [ -z "$output" ]
}

@test "gc keeps an image that is mounted, whatever became of its name" {
    need_fuse
    need fuse "no fusermount3" command -v fusermount3
    make_tree tree
    lamina init
    lamina import tree a
    mkdir mnt
    lamina mount --mode standalone a mnt
    rm -r repo/images/refs/a
    run -0 lamina gc
    [[ "$output" == *"objects: 0 removed"* ]]
    cmp mnt/big tree/big
    # and when its link is gone, too
    rm repo/images/*[0-9a-f]
    run -0 lamina gc
    [[ "$output" == *"objects: 0 removed"* ]]
    cmp mnt/deep/just-external tree/deep/just-external
    lamina umount mnt
    run -0 lamina gc
    [[ "$output" == *", 0 needed"* ]]
    [ "$(objects)" = 0 ]
}

@test "gc keeps an image that the kernel has mounted" {
    need_root
    make_tree tree
    lamina init
    lamina import tree a
    mkdir mnt
    lamina mount --mode kernel a mnt || skip "no kernel mounts here"
    rm -r repo/images/refs/a repo/lamina/mounts
    run -0 --separate-stderr lamina gc --json
    [ "$(jq .objects <<<"$output")" = 0 ]
    [ "$(jq .mounted_images <<<"$output")" = 1 ]
    cmp mnt/big tree/big
    umount mnt
    run -0 lamina gc
    [ "$(objects)" = 0 ]
}

@test "gc leaves alone what is younger than --older" {
    make_tree tree
    lamina init
    lamina import tree a
    rm repo/images/refs/a
    run -0 --separate-stderr lamina gc --older 1h --json
    [ "$(jq .objects <<<"$output")" = 0 ]
    run -2 lamina gc --older soon
    run -0 lamina gc --older 0
    [ "$(objects)" = 0 ]
}

@test "gc waits for who has the repository open" {
    make_tree tree
    lamina init
    lamina import tree a
    rm repo/images/refs/a
    mkfifo go
    flock -s repo sh -c 'echo >locked; cat go; touch done' &
    holder=$!
    until [ -e locked ]; do sleep 0.05; done
    lamina gc >gc.out &
    collector=$!
    lamina gc --dry-run >/dev/null # waits for nobody
    sleep 0.3
    [ "$(objects)" = 3 ]
    echo >go
    wait "$collector"
    [ -e done ]
    wait "$holder"
    [ "$(objects)" = 0 ]
}

@test "gc removes nothing while something that is needed is damaged" {
    make_tree tree
    mkdir other && head -c 5000 /dev/urandom >other/own
    lamina init
    digest=$(lamina import tree a 2>/dev/null)
    digest=${digest#sha256:}
    lamina import other b
    rm repo/images/refs/b
    before=$(objects)
    truncate -s 100 "repo/objects/${digest:0:2}/${digest:2}"
    run -3 lamina gc
    [[ "$output" == *"images/refs/a"*"hint: lamina fsck --repair"* ]]
    [ "$(objects)" = "$before" ]
    run -3 lamina fsck --repair
    run -0 lamina gc
    [ "$(objects)" = 0 ]
}

@test "an import that is killed leaves garbage and no damage" {
    mkdir tree
    for i in $(seq 300); do head -c $((i * 37 + 65)) /dev/urandom >"tree/$i"; done
    lamina init
    lamina import tree kept >/dev/null
    rm -r tree/1*
    for round in $(seq 12); do
        head -c 300000 /dev/urandom >tree/new
        for i in $(seq 40); do head -c $((i * 997)) /dev/urandom >"tree/new$i"; done
        lamina import tree "name$round" >/dev/null 2>&1 &
        pid=$!
        sleep "0.$(printf %03d $((RANDOM % 30)))"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        run -0 lamina fsck
        run -0 lamina gc
        run -0 lamina fsck
        [ -z "$(find repo -name '.tmp-*' -o -name '.symlink-*')" ]
    done
    run -0 lamina objects --missing kept
    [ -z "$output" ]
}

@test "a gc that is killed leaves no image without its contents" {
    lamina init
    mkdir tree
    for i in $(seq 400); do head -c 100 /dev/urandom >"tree/$i"; done
    lamina import tree kept >/dev/null
    killed=0
    for round in $(seq 12); do
        for i in 1 2 3; do
            head -c 100 /dev/urandom >"tree/$i"
            for j in $(seq 150); do echo "$round $i $j $(printf %080d 0)" >"tree/more$j"; done
            lamina import tree "name$i" >/dev/null 2>&1
        done
        rm -f repo/images/refs/name?
        lamina gc >/dev/null 2>&1 &
        pid=$!
        sleep "0.0$(printf %02d $((RANDOM % 40)))"
        if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
        wait "$pid" 2>/dev/null || true
        run -0 lamina fsck
    done
    [ "$killed" -gt 0 ]
    run -0 lamina gc
    run -0 lamina objects --missing kept
    [ -z "$output" ]
}

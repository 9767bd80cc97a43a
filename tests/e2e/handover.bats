#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# A mount that is attached nowhere goes to another process: lamina mount --send-fd.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    PATH=$LAMINA_BUILD_ROOT/tests/tools:$PATH
}
teardown() { finish; }

prepare() {
    need_root
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    make_tree tree
    lamina init
    lamina import tree a
    mkdir mnt
}

modes=(kernel overlay standalone)
records() { lamina mounts --json | jq -c '[.mounts[] | select(.in_repository)]'; }
states() { records | jq -r '.[].state' | xargs; }
mounted() { awk -v p="$scratch/" 'index($5, p) == 1' /proc/self/mountinfo | wc -l; }
no_servers() { for pid in $(servers); do case " $servers_before " in *" $pid "*) ;; *) gone "$pid" ;; esac; done; }

@test "the receiver attaches the mount, in each mode, by each type of socket" {
    prepare
    for mode in "${modes[@]}"; do
        for type in stream seqpacket; do
            run -0 receive-mount $type attach mnt lamina mount --json --mode "$mode" --send-fd 9 a
            [ "$(jq -r '.target, .mode' <<<"$output" | xargs)" = "null $mode" ]
            diff <(describe tree) <(describe mnt)
            [ "$(records | jq -c '.[] | [.target, .state, .mode]')" = "[null,\"live\",\"$mode\"]" ]
            [ "$(lamina mounts | awk '$5 == "a" { print $6 }')" = - ]
            lamina umount mnt
            [ "$(records)" = "[]" ]
        done
    done
    receive-mount stream attach mnt lamina mount --send-fd 9 a
    lamina umount --all
    [ "$(mounted)" = 0 ]
}

@test "the receiver reads from the mount without attaching it, and it ends with the descriptor" {
    prepare
    for mode in "${modes[@]}"; do
        mkfifo control
        receive-mount stream hold inline lamina mount --mode "$mode" --send-fd 9 a <control >said &
        receiver=$!
        exec 5>control
        until [ -s said ]; do sleep 0.05; done
        [ "$(cat said)" = hello ]
        [ "$(mounted)" = 0 ]
        # nobody can see a kernel mount that somebody holds: it counts as mounted
        [ "$(states)" = "$([ "$mode" = kernel ] && echo unknown || echo live)" ]
        exec 5>&-
        wait $receiver
        no_servers
        [ "$(states)" = stale ]
        rm control said
        run -0 lamina umount --all
        [ "$(records)" = "[]" ]
    done
}

image_records() {
    lamina mounts --json | jq --arg image "$scratch/image.erofs" '[.mounts[] | select(.image == $image)] | length'
}

@test "an image by its descriptor becomes a mount by its descriptor" {
    prepare
    lamina build --objects objects tree image.erofs
    for mode in "${modes[@]}"; do
        run -0 receive-mount seqpacket read inline lamina mount --mode "$mode" --objects objects --image-fd 7 --send-fd 9 7<image.erofs
        [ "$output" = hello ]
    done
    # the record of the file's kernel mount, in the folder of all: while the file is there to be asked
    # A mount goes some time after the descriptor that held it.
    no_servers
    for _ in $(seq 100); do
        lamina umount --all
        [ "$(image_records)" != 0 ] || break
        sleep 0.05
    done
    [ "$(image_records)" = 0 ]
}

@test "options mean what they mean for a mount at a directory" {
    prepare
    mkdir upper work
    for mode in kernel overlay; do
        receive-mount stream attach mnt lamina mount --mode $mode --upper upper --work work --send-fd 9 a
        echo new >mnt/new
        lamina umount mnt
        [ "$(cat upper/new)" = new ]
        rm -rf upper work && mkdir upper work
        receive-mount stream attach mnt lamina mount --mode $mode --ephemeral -o nosuid --uidmap 0:100000:65536 --send-fd 9 a
        [ "$(stat -c %u:%g mnt/inline)" = 100012:100034 ]
        findmnt -no OPTIONS mnt | grep -q nosuid
        lamina umount mnt
    done
}

@test "the receiver attaches the mount in a user and mount namespace of its own" {
    prepare
    for mode in "${modes[@]}"; do
        run -0 receive-mount stream inside mnt/inline lamina mount --mode "$mode" --send-fd 9 a
        [ "$output" = hello ]
        [ "$(mounted)" = 0 ]
        no_servers
    done
}

@test "a receiver that dies early leaves nothing" {
    prepare
    for mode in "${modes[@]}"; do
        # with the mount in the socket
        run -0 receive-mount stream leave lamina mount --mode "$mode" --send-fd 9 a
        no_servers
        [ "$(mounted)" = 0 ]
        [ "$(states)" = stale ]
        lamina umount --all
        # before anything was sent
        for type in stream seqpacket; do
            run -1 receive-mount $type absent lamina mount --mode "$mode" --send-fd 9 a
            [ "$output" = "lamina: cannot mount 'a' for descriptor 9: nobody is at the other end of the socket any more" ]
            no_servers
            [ "$(records)" = "[]" ]
        done
    done
}

@test "a descriptor that no mount can be sent over is refused before anything is made" {
    prepare
    : >file
    for mode in "${modes[@]}"; do
        run -1 lamina mount --mode "$mode" --send-fd 9 a
        [ "$output" = "lamina: cannot mount 'a' for descriptor 9: descriptor 9 is not open" ]
        run -1 lamina mount --mode "$mode" --send-fd 9 a 9<file
        [ "$output" = "lamina: cannot mount 'a' for descriptor 9: descriptor 9 is not a socket" ]
        run -1 receive-mount datagram leave lamina mount --mode "$mode" --send-fd 9 a
        [[ "$output" == *"descriptor 9 is not a UNIX socket of type stream or seqpacket" ]]
    done
    [ "$(records)" = "[]" ]
    no_servers
}

@test "what has no meaning with a mount that is handed over is refused" {
    prepare
    run -1 receive-mount stream leave lamina mount --foreground --mode standalone --send-fd 9 a
    [[ "$output" == *"--foreground unmounts at the end"* ]]
    run -2 receive-mount stream leave lamina mount --unshare --send-fd 9 a
    [[ "$output" == *"--unshare does not go with --send-fd"* ]]
    run -2 receive-mount stream leave lamina mount --send-fd 9 a mnt
    run -2 receive-mount stream leave lamina mount --send-fd 9
    [ "$output" = "lamina mount: with '--send-fd N' comes IMAGE" ]
    run -2 lamina mount --send-fd 1 a
    [ "$(records)" = "[]" ]
}

@test "a user without privilege hears why, and sends from a namespace of his own" {
    need fusermount "no fusermount3" command -v fusermount3
    need_fuse
    need_userns
    user_folder home
    LAMINA_REPO=$scratch/home/repo
    mkdir tree && echo hello >tree/file
    cp "$LAMINA_BUILD_ROOT/tests/tools/receive-mount" bin/
    as_user sh -c 'lamina init && lamina import tree a && mkdir home/mnt'
    run -1 as_user receive-mount stream leave lamina mount --mode standalone --send-fd 9 a
    [[ "$output" == *"--send-fd: fusermount3 would attach it; in a user namespace (lamina unshare) there is no need of it" ]]
    for mode in overlay standalone; do
        run -0 in_userns receive-mount stream read file lamina mount --mode $mode --send-fd 9 a
        [ "$output" = hello ]
        run -0 in_userns sh -c "receive-mount stream attach home/mnt lamina mount --mode $mode --send-fd 9 a && cat home/mnt/file"
        [ "$output" = hello ]
    done
}

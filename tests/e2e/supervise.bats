#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
load lib
bats_require_minimum_version 1.5.0

# How often servers are killed under load; the full measure is a thousand.
kills=${LAMINA_KILLS:-60}

setup() { start; }
teardown() { finish; }

# supervised MODE: mount image "a" of tree at mnt; sets supervisor.
supervised() {
    make_tree tree
    for i in $(seq 300); do seq "$i" >"tree/deep/file-$i"; done
    seq 200000 >tree/large
    lamina init
    lamina import tree a
    mkdir -p mnt
    supervisor=$(lamina mount --json --mode "$1" --passthrough off a mnt | jq .supervisor_pid)
    [ "$supervisor" != null ]
}

server() { pgrep -P "$supervisor"; }

# Kill the server, again and again, with some answers in between; says how many died.
kill_servers() {
    local killed=0 pid
    while [ "$killed" -lt "$kills" ]; do
        sleep "0.0$((RANDOM % 40 + 10))"
        pid=$(server) || continue
        kill -KILL "$pid" 2>/dev/null && killed=$((killed + 1))
    done
    : >done
}

# Read until the killing is over; each round has to give the same.
read_on() {
    local name=$1 expected got rounds=0
    shift
    expected=$(eval "${*//MNT/tree}" 2>&1 | md5sum)
    while [ ! -e done ]; do
        got=$(eval "${*//MNT/mnt}" 2>&1 | md5sum)
        [ "$got" = "$expected" ] || {
            echo "$name differs in round $rounds" >>failures
            eval "${*//MNT/mnt}" >"$name.out" 2>&1
        }
        rounds=$((rounds + 1))
    done
    echo "$rounds" >"$name.rounds"
}

drop_caches() {
    while [ ! -e done ]; do
        echo 3 >/proc/sys/vm/drop_caches
        sleep 0.05
    done
}

killed_under_load() {
    supervised "$1"
    : >failures
    read_on find '(cd MNT && find . -type d -printf "%P %m %U %G\n" -o -printf "%P %m %U %G %s %l\n" | sort)' &
    read_on tar '(cd MNT && find . -type f | sort | tar --no-recursion -c --mtime=@0 -T - -f -)' &
    read_on sum '(cd MNT && cat large deep/file-* big | md5sum)' &
    read_on xattrs '(cd MNT && getfattr -R -d -m "^user" . 2>/dev/null | sort)' &
    drop_caches &
    kill_servers
    wait
    cat failures
    [ ! -s failures ]
    for name in find tar sum xattrs; do [ "$(cat $name.rounds)" -gt 0 ]; done
    lamina umount mnt
    gone "$supervisor"
    [ -z "$(server)" ]
}

@test "supervised, standalone: readers notice nothing of servers that are killed" {
    need_root
    need_fuse
    killed_under_load standalone
}

@test "supervised, overlay: readers notice nothing of servers that are killed" {
    need_root
    need_fuse
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    killed_under_load overlay
}

@test "a user's supervised mount outlives its server, too" {
    need_userns
    need_fuse
    user_folder home
    user_folder home/mnt
    LAMINA_REPO=$scratch/home/repo
    # shellcheck disable=SC2016 # expanded in the namespace
    in_userns bash -c '
        cd home && mkdir tree && seq 1000 >tree/file && lamina init && lamina import tree a
        supervisor=$(lamina mount --json --mode standalone a mnt | jq .supervisor_pid)
        for i in $(seq 10); do
            kill -KILL "$(pgrep -P "$supervisor")"
            [ "$(cat mnt/file | md5sum)" = "$(md5sum <tree/file)" ] || exit 1
            [ "$(stat -c %s mnt)" ] && ls -l mnt/file >/dev/null && getfattr -d mnt/file || exit 1
            touch -a x; find mnt -newer x >/dev/null
        done
        lamina umount mnt'
}

@test "a server that crashes and crashes is given up: the mount answers with an error at once" {
    need_root
    need_fuse
    supervised standalone
    for _ in $(seq 20); do
        [ -d "/proc/$supervisor" ] || break
        pid=$(server) && kill -KILL "$pid"
        sleep 0.05
    done
    gone "$supervisor"
    run -2 timeout 5 ls mnt/deep/er
    [[ "$output" == *[Cc]onnect* ]]
    lamina umount mnt
    [ -z "$(ls mnt)" ]
}

@test "without a supervisor a killed server is the end of the mount" {
    need_root
    need_fuse
    supervised standalone
    lamina umount mnt
    run -0 lamina mount --json --mode standalone --passthrough off --no-supervisor a mnt
    [ "$(jq .supervisor_pid <<<"$output")" = null ]
    pid=$(jq .server_pid <<<"$output")
    kill -KILL "$pid"
    # killed in the middle of an answer, it would be another error
    gone "$pid"
    run -2 timeout 5 ls mnt/deep/er
    [[ "$output" == *[Cc]onnect* ]]
    lamina umount mnt
}

@test "SIGTERM of the supervisor ends both" {
    need_root
    need_fuse
    supervised standalone
    pid=$(server)
    kill -TERM "$supervisor"
    gone "$supervisor"
    gone "$pid"
    run -2 timeout 5 ls mnt/deep/er
    lamina umount mnt
}

@test "supervised in the foreground: a signal unmounts, and nothing is left" {
    need_root
    need_fuse
    make_tree tree
    lamina init
    lamina import tree a
    mkdir mnt
    lamina mount -f --mode standalone a mnt &
    for _ in $(seq 100); do [ -e mnt/inline ] && break; sleep 0.05; done
    kill -TERM $!
    wait $!
    [ -z "$(ls mnt)" ]
}

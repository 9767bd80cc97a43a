#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# The life of mounts: what is recorded of them, what becomes of them, and what failures leave behind.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    # the test's own, not that of whoever runs it
    unset XDG_RUNTIME_DIR
}
teardown() { finish; }

root_repository() {
    need_root
    need_fuse
    mkdir -p tree/deep
    echo hello >tree/inline
    seq 100000 >tree/big
    lamina init
    lamina import tree a
    mkdir mnt
}

# The same, made by the unprivileged user.
user_repository() {
    need_fuse
    user_folder home
    LAMINA_REPO=$scratch/home/repo
    mkdir tree
    echo hello >tree/inline
    seq 100000 >tree/big
    as_user bash -c 'lamina init && lamina import tree a && mkdir "$HOME/mnt" && mkdir -m 700 "$HOME/run"'
}

need_strace() {
    need strace "no strace" command -v strace
    # nobody can look for leaks in a process that somebody else traces
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
}

# A field of all recorded mounts of the repository, in their order.
mounts() { lamina mounts --json | jq -r ".mounts[] | select(.in_repository) | .$1"; }
records() { find "${LAMINA_REPO}/lamina/mounts" -type f 2>/dev/null | wc -l; }
state_is() { [ "$(mounts state | xargs)" = "$1" ] || { lamina mounts; false; }; }

mounted() { grep -c " $scratch/[^ ]* .* lamina:" /proc/self/mountinfo || true; }

# Servers of this test, not of another one that runs beside it.
our_servers() {
    for pid in $(pgrep -x 'lamina-.*'); do
        [ "$(readlink "/proc/$pid/exe")" != "$scratch/bin/lamina" ] || echo "$pid"
    done
}

# Nothing may be left of a mount that failed; stderr is one line that names the cause.
left_nothing() {
    [ "$(mounted)" = 0 ]
    [ -z "$(our_servers)" ]
    [ "$(records)" = 0 ]
    [ -z "$(find "$LAMINA_REPO" -name '.tmp-*')" ]
}
fails_with() {
    local cause=$1
    shift
    [ "$1" = as_user ] || set -- timeout 30 "$@"
    run -1 --separate-stderr "$@"
    echo "stderr: $stderr"
    [ "$(grep -vc '^hint: ' <<<"$stderr")" = 1 ]
    [[ "$stderr" == *"$cause"* ]]
    [ -z "$output" ]
}

@test "each mode is recorded while it is mounted" {
    root_repository
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode --uidmap 0:100000:1000 a mnt
        run -0 lamina mounts --json
        jq -e --arg mode $mode --arg target "$scratch/mnt" '.mounts | map(select(.in_repository)) |
            length == 1 and (.[0] | .mode == $mode and .target == $target and .state == "live" and .image == "a" and
            .uids == [[0, 100000, 1000]] and .upper == null and (.digest | startswith("sha256:")) and
            ((.server_pid == null) == ($mode == "kernel")))' <<<"$output"
        run -0 lamina mounts
        [[ "${lines[0]}" == STATE* ]]
        [[ "${lines[1]}" == "live "*"$mode "*"0:100000:1000 "*" a  $scratch/mnt" ]]
        [ "$(records)" = 1 ]
        lamina umount mnt
        [ "$(records)" = 0 ]
        run -0 lamina mounts
        [[ "$output" != *"$scratch"* ]]
    done
}

@test "a writable mount is recorded with its upper directory, in the foreground until it ends" {
    root_repository
    mkdir upper work
    lamina mount --mode overlay --foreground --upper upper --work work a mnt 3>&- &
    server=$!
    timeout 20 bash -c 'until grep -q " $0/mnt " /proc/self/mountinfo; do :; done' "$scratch"
    timeout 20 bash -c 'until lamina mounts | grep -q live; do :; done'
    [ "$(mounts upper)" = "$scratch/upper" ]
    # a collector's lock is not held up by it
    timeout 20 bash -c 'until flock -nx "$LAMINA_REPO" true; do :; done'
    kill -INT "$server"
    wait "$server"
    [ "$(records)" = 0 ]
}

@test "user namespace: a mount is recorded, and its record stale when the namespace is gone" {
    need_userns
    user_repository
    run -0 in_userns bash -c '
        lamina mount --mode overlay a "$HOME/mnt" && lamina mounts --json && lamina umount "$HOME/mnt" &&
        lamina mounts --json &&
        lamina mount --mode standalone a "$HOME/mnt" && lamina mounts --json'
    [ "$(jq -r '.mounts[] | .mode + " " + .state' <<<"$output" | xargs)" = "overlay live standalone live" ]
    pid=$(jq -r '.mounts[].server_pid' <<<"$output" | tail -n 1)
    gone "$pid"
    run -0 as_user lamina mounts --json
    [ "$(jq -r '.mounts[].state' <<<"$output")" = stale ]
}

@test "user of the host: a mount by fusermount3 is recorded, and a dead one can be unmounted" {
    need fusermount "no fusermount3" command -v fusermount3
    user_repository
    run -0 as_user bash -c '
        set -e
        lamina mount --json a "$HOME/mnt" >&2
        lamina mounts --json
        lamina umount "$HOME/mnt"
        [ -z "$(ls "$LAMINA_REPO/lamina/mounts")" ]
        lamina mount a "$HOME/mnt"
        kill -9 "$(lamina mounts --json | jq .mounts[0].server_pid)"
        ! timeout 5 ls "$HOME/mnt" >&2 || exit 1
        lamina mounts --json
        lamina umount "$HOME/mnt"
        [ -z "$(ls "$LAMINA_REPO/lamina/mounts")" ]
        touch "$HOME/mnt/there-is-nothing-mounted"'
    [ "$(jq -rs '.[].mounts[] | .mode + " " + .state' <<<"$(grep '^{"mounts' <<<"$output")" | xargs)" = \
        "standalone live standalone dead-server" ]
}

@test "what umount(8) takes away behind our back is noticed" {
    root_repository
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode a mnt
        pid=$(mounts server_pid)
        umount mnt
        [ "$pid" = null ] || gone "$pid"
        state_is stale
        lamina umount --all
        [ "$(records)" = 0 ]
    done
}

@test "a server that is killed leaves a dead mount that answers at once and can be unmounted" {
    root_repository
    for mode in overlay standalone; do
        lamina mount --mode $mode a mnt
        pid=$(mounts server_pid)
        kill -9 "$pid"
        run ! timeout 5 ls -R mnt
        [ "$status" != 124 ]
        state_is dead-server
        lamina umount mnt
        [ "$(records)" = 0 ]
        [ -z "$(ls mnt)" ]
    done
}

@test "user namespace: root of it unmounts what lost its server" {
    need_userns
    user_repository
    for mode in overlay standalone; do
        in_userns bash -c '
            set -e
            lamina mount --mode '$mode' a "$HOME/mnt"
            kill -9 "$(lamina mounts --json | jq .mounts[0].server_pid)"
            ! timeout 5 ls "$HOME/mnt" || exit 1
            [ "$(lamina mounts --json | jq -r .mounts[0].state)" = dead-server ]
            lamina umount "$HOME/mnt"
            [ -z "$(ls "$LAMINA_REPO/lamina/mounts")" ]
            [ -z "$(ls "$HOME/mnt")" ]'
    done
}

@test "twenty mounts at once are all recorded, and --all takes them away" {
    root_repository
    for i in $(seq 20); do
        mkdir "mnt$i"
        mode=$([ $((i % 2)) = 0 ] && echo kernel || echo standalone)
        lamina mount --mode "$mode" a "mnt$i" &
    done
    wait
    [ "$(records)" = 20 ]
    [ "$(mounts state | sort -u)" = live ]
    [ "$(mounts target | sort -u | wc -l)" = 20 ]
    lamina umount --all
    [ "$(mounted)" = 0 ]
    [ "$(records)" = 0 ]
}

@test "--all leaves alone what is not this repository's, and says what is in use" {
    root_repository
    mkdir other
    lamina build --objects objects tree image.erofs
    lamina mount --mode standalone --objects objects ./image.erofs other
    lamina mount --mode standalone a mnt
    exec 7<mnt/big
    run -1 --separate-stderr lamina umount --all
    [[ "$stderr" == *"unmount '$scratch/mnt'"*"in use"*"--lazy"* ]]
    state_is live
    lamina umount --all --lazy
    [ -z "$(ls mnt)" ]
    # the file is open: the server lives, and so does the record
    state_is live
    pid=$(mounts server_pid)
    [ "$(tail -n 1 <&7)" = 100000 ]
    exec 7<&-
    gone "$pid"
    state_is stale
    [ "$(cat other/inline)" = hello ]
    lamina umount other
    run -2 lamina umount
    run -2 lamina umount --all mnt
}

@test "a reboot makes a record stale" {
    root_repository
    lamina mount --mode standalone a mnt
    sed -i "s/$(cat /proc/sys/kernel/random/boot_id)/00000000-1111-2222-3333-444444444444/" repo/lamina/mounts/*
    state_is stale
    lamina umount mnt
    # that record was not this mount's
    [ "$(records)" = 1 ]
    lamina umount --all
    [ "$(records)" = 0 ]
}

@test "a repository that cannot be written mounts all the same" {
    need_userns
    root_repository
    chmod -R a+rX repo
    user_folder home
    user_folder home/mnt
    # as user 1000, for whom root's repository is read-only, without and with a folder of his own
    run -0 --separate-stderr in_userns env -u LAMINA_RUNTIME_DIR LAMINA_TRACE=ops bash -c '
        lamina mount --mode standalone a "$HOME/mnt" && cat "$HOME/mnt/inline" && lamina mounts --json &&
        lamina umount "$HOME/mnt" && [ -z "$(ls "$HOME/mnt")" ]'
    [[ "$output" == *hello*'{"mounts":[]}'* ]]
    [[ "$stderr" == *"not recorded: "* ]]
    user_folder home/run
    run -0 --separate-stderr in_userns env -u LAMINA_RUNTIME_DIR XDG_RUNTIME_DIR="$scratch/home/run" bash -c '
        lamina mount --mode standalone a "$HOME/mnt" && lamina mounts --json && lamina umount --all &&
        [ -z "$(ls "$HOME/mnt")" ] && [ -z "$(ls "$HOME/run/lamina/mounts")" ]'
    [ "$(jq -c '.mounts[] | [.image, .state, .in_repository]' <<<"$output")" = '["a","live",false]' ]
    [ -z "$(ls repo/lamina 2>/dev/null)" ]
}

@test "an image file is recorded in the caller's own folder" {
    need_userns
    need_fuse
    user_folder home
    user_folder home/mnt
    user_folder home/run
    mkdir tree
    seq 1000 >tree/file
    lamina build --objects objects tree image.erofs
    chmod -R a+rX objects image.erofs
    LAMINA_REPO=$scratch/nowhere
    run -0 --separate-stderr in_userns env -u LAMINA_RUNTIME_DIR XDG_RUNTIME_DIR="$scratch/home/run" bash -c '
        lamina mount --objects objects image.erofs "$HOME/mnt" && lamina mounts --json && lamina umount "$HOME/mnt" &&
        [ -z "$(ls "$HOME/run/lamina/mounts")" ]'
    [ "$(jq -c '.mounts[] | [.image, .digest, .state]' <<<"$output")" = "[\"$scratch/image.erofs\",null,\"live\"]" ]
}

@test "targets with odd names, relative and linked ones are recorded as where they are" {
    root_repository
    odd=$(printf 'odd \n\\name\377')
    mkdir "$odd"
    ln -s mnt link
    for target in "./$odd" link; do
        lamina mount --mode standalone a "$target"
        lamina umount "$target"
        [ "$(records)" = 0 ]
    done
    lamina mount --mode standalone a "$odd"
    [ "$(mounts target_hex)" = "$(printf '%s' "$scratch/$odd" | od -An -v -tx1 | tr -d ' \n')" ]
    run -0 lamina mounts
    [ "$(grep -c "$scratch" <<<"$output")" = 1 ]
    [[ "${lines[1]}" == *'odd \012\134name'* ]]
    lamina umount --all
    [ "$(records)" = 0 ]
    (cd mnt && lamina mount --mode kernel a .)
    [ "$(mounts target)" = "$scratch/mnt" ]
    lamina umount --all
}

@test "of mounts stacked on one target, umount takes the topmost and its record" {
    root_repository
    for mode in kernel standalone overlay; do lamina mount --mode $mode a mnt; done
    state_is "live live live"
    lamina umount mnt
    [ "$(mounts mode | xargs)" = "kernel standalone" ]
    lamina umount --all
    [ "$(records)" = 0 ]
    [ -z "$(ls mnt)" ]
    # what is not recorded stays, and what is below it, too
    lamina mount --mode kernel a mnt
    mount -t tmpfs none mnt
    run -1 --separate-stderr lamina umount --all
    [[ "$stderr" == *"on top of it"* ]]
    state_is live
    umount mnt
    lamina umount --all
    [ "$(records)" = 0 ]
}

@test "a repository and a mount point that are renamed keep their records" {
    root_repository
    lamina mount --mode kernel a mnt
    mv repo elsewhere
    export LAMINA_REPO=$scratch/elsewhere
    state_is live
    mkdir dir
    mkdir dir/mnt
    lamina mount --mode standalone a dir/mnt
    mv dir moved
    state_is "live live"
    lamina umount --all
    [ "$(mounted)" = 0 ]
    [ "$(records)" = 0 ]
}

@test "a kernel mount in another namespace keeps its image, by process or by lease" {
    root_repository
    unshare -m --propagation private sh -c '
        lamina mount --mode kernel a mnt && echo mounted >ready && cat mnt/inline && exec sleep 1000' 3>&- &
    sleeper=$!
    timeout 20 sh -c 'until [ -e ready ]; do :; done'
    state_is live
    # nobody may look into the namespace: the image is open all the same
    sed -i 's/"mount_namespace": [0-9]*/"mount_namespace": 1/' repo/lamina/mounts/*
    state_is unknown
    lamina umount --all
    [ "$(records)" = 1 ]
    kill "$sleeper"
    wait "$sleeper" || true
    timeout 20 sh -c 'until lamina mounts | grep -q stale; do :; done'
    lamina umount --all
    [ "$(records)" = 0 ]
}

@test "a server in another PID namespace is unknown until nobody is there any more" {
    root_repository
    need pidns "not in the initial PID namespace" test "$(stat -Lc %i /proc/self/ns/pid)" = 4026531836
    unshare -m --propagation private --pid --fork --mount-proc sh -c '
        lamina mount --mode standalone a mnt && lamina mounts >inside && echo mounted >ready && exec sleep 1000' 3>&- &
    sleeper=$!
    timeout 20 sh -c 'until [ -e ready ]; do :; done'
    grep -q "^live .* a  $scratch/mnt" inside
    state_is unknown
    kill -9 "$(pgrep -P "$sleeper")" # the first process of a PID namespace ignores all else
    wait "$sleeper" || true
    timeout 20 sh -c 'until lamina mounts | grep -q stale; do :; done'
    lamina umount --all
    [ "$(records)" = 0 ]
}

@test "a kernel mount that was lazily unmounted keeps its image while a file is open" {
    root_repository
    lamina mount --mode kernel a mnt
    exec 7<mnt/big
    umount -l mnt
    state_is unknown
    exec 7<&-
    timeout 20 sh -c 'until lamina mounts | grep -q stale; do :; done'
}

@test "records that others could have written are told and do no harm" {
    root_repository
    mkdir other
    lamina mount --mode standalone a mnt
    name=$(basename repo/lamina/mounts/*)
    cp "repo/lamina/mounts/$name" good
    echo '{"version": 1' >"repo/lamina/mounts/00000000000000000000000000000000.json"
    head -c 1000000 /dev/zero >"repo/lamina/mounts/00000000000000000000000000000001.json"
    sed 's/"version": 1/"version": 2/' good >"repo/lamina/mounts/00000000000000000000000000000002.json"
    mkfifo "repo/lamina/mounts/00000000000000000000000000000003.json"
    run -0 --separate-stderr timeout 20 lamina mounts
    [ "$(grep -c "$scratch" <<<"$output")" = 1 ]
    [ "$(grep -c '^note: record 0000' <<<"$stderr")" = 4 ]
    state_is "unknown unknown unknown unknown live"
    rm repo/lamina/mounts/0000*
    # one of another owner names our mount: --all does not act on it
    chown 1000:1000 "repo/lamina/mounts/$name"
    lamina umount --all
    [ "$(mounted)" = 1 ]
    chown 0:0 "repo/lamina/mounts/$name"
    lamina umount --all
    [ "$(mounted)" = 0 ]
}

@test "killed while it mounts, nothing stays but a stale record" {
    need_strace
    root_repository
    for mode in kernel overlay standalone; do
        # before the record, before the mount is attached, and at the end
        for call in linkat move_mount exit_group; do
            run ! timeout 30 strace -o trace -e trace=$call -e inject=$call:signal=KILL:when=1 \
                lamina mount --mode $mode a mnt
            [ "$status" != 124 ]
            if [ "$(mounted)" = 1 ]; then
                state_is live
                lamina umount mnt
            else
                pid=$(mounts server_pid)
                [ -z "$pid" ] || [ "$pid" = null ] || gone "$pid"
                [ "$(records)" = 0 ] || state_is stale
            fi
            lamina umount --all
            [ "$(records)" = 0 ]
            [ "$(mounted)" = 0 ]
        done
    done
}

@test "user of the host: killed while fusermount3 mounts, what stays can be unmounted" {
    need_strace
    need fusermount "no fusermount3" command -v fusermount3
    user_repository
    # the helper is not traced, or it would have no privilege
    # shellcheck disable=SC2016 # expanded by the inner shell
    run -0 --separate-stderr as_user bash -c '
        cd "$HOME"
        timeout 30 strace -o trace -e trace=recvmsg -e inject=recvmsg:signal=KILL lamina mount a mnt
        timeout 20 bash -c "while pgrep -u 1000 -x fusermount3; do :; done" >&2
        lamina mounts --json
        lamina umount mnt >&2
        # --all takes stale records, too
        lamina umount --all && ls "$LAMINA_REPO/lamina/mounts" >&2 && touch mnt/there-is-nothing-mounted'
    [ "$(jq -r '.mounts[].state' <<<"$output")" = stale ]
    [ -e home/mnt/there-is-nothing-mounted ]
    [ "$(records)" = 0 ]
}

@test "a server that is killed before it is ready leaves nothing" {
    need_strace
    root_repository
    for mode in overlay standalone; do
        # only the server makes itself leader of a session
        fails_with "signal 9" strace -f -o trace -e trace=setsid -e inject=setsid:signal=KILL \
            lamina mount --mode $mode a mnt
        left_nothing
    done
}

@test "a server that cannot say that it is ready leaves nothing" {
    need_strace
    root_repository
    for mode in overlay standalone; do
        # nor can the starter: it is the first write(2) of both
        run -1 timeout 30 strace -f -s 300 -o trace -e trace=write -e inject=write:error=ENOMEM:when=1 \
            lamina mount --mode $mode a mnt
        # some libraries write it letter by letter
        [[ "$(sed -n 's/.*write(2, "\(.*\)", [0-9]*).*/\1/p' trace | tr -d '\n')" == *"the server ended with status 1"* ]]
        left_nothing
    done
}

@test "a server without close_range(2) holds nothing that it should not" {
    need_strace
    root_repository
    for mode in overlay standalone; do
        # who traces stays as long as the server
        timeout 60 strace -f -o trace -e trace=close_range -e inject=close_range:error=ENOSYS \
            lamina mount --mode $mode a mnt 3>&- &
        tracer=$!
        timeout 20 bash -c 'until lamina mounts | grep -q live && [ -e mnt/inline ]; do :; done'
        grep -q INJECTED trace
        lamina umount mnt
        wait $tracer
        left_nothing
    done
}

@test "no /dev/fuse" {
    root_repository
    for mode in overlay standalone; do
        # shellcheck disable=SC2016 # expanded by the inner shell
        fails_with /dev/fuse unshare -m --propagation private sh -c \
            'mkdir empty-dev; mount --bind empty-dev /dev && exec lamina mount --mode "$0" a mnt' $mode
        left_nothing
        rm -rf empty-dev
    done
}

@test "too few descriptors" {
    root_repository
    for mode in kernel overlay standalone; do
        seen=0
        for limit in $(seq 5 30); do
            run --separate-stderr timeout 30 sh -c 'ulimit -n "$0"; exec lamina mount --mode "$1" a mnt' \
                "$limit" $mode 3>&-
            echo "$mode $limit: $status $stderr"
            if [ "$status" = 0 ]; then
                lamina umount mnt
                lamina umount --all
                break
            fi
            [ "$status" = 1 ]
            [ "$(wc -l <<<"$stderr")" = 1 ]
            [[ "$stderr" == *"Too many open files"* ]]
            left_nothing
            seen=$((seen + 1))
        done
        [ "$status" = 0 ]
        [ "$seen" -gt 0 ]
    done
}

@test "too little memory" {
    # shellcheck disable=SC2016 # expanded by the inner shell
    need memory "a sanitizer's shadow has no room" sh -c '! ldd "$0" | grep -Eq "lib[at]san"' "$scratch/bin/lamina"
    root_repository
    for mode in overlay standalone; do
        seen=0
        for limit in $(seq 2000 100 6000); do
            run --separate-stderr timeout 30 \
                sh -c 'ulimit -v "$0"; lamina mount --mode "$1" a mnt || exit "$(($? > 3 ? 9 : $?))"' "$limit" $mode
            echo "$mode $limit: $status $stderr"
            if [ "$status" = 0 ]; then
                lamina umount mnt
                break
            fi
            [ "$status" != 124 ]
            # not even the dynamic linker came through
            [ "$status" = 1 ] || continue
            [[ "$stderr" == *[Mm]emory* ]]
            [ "$(wc -l <<<"$stderr")" = 1 ]
            seen=$((seen + 1))
            left_nothing
        done
        [ "$status" = 0 ]
        [ "$seen" -gt 0 ]
    done
}

@test "a target that has lost its server, or that vanishes" {
    root_repository
    lamina mount --mode standalone a mnt
    pid=$(mounts server_pid)
    kill -9 "$pid"
    gone "$pid"
    for mode in kernel overlay standalone; do
        fails_with "server is gone" lamina mount --mode $mode a mnt
        [ "$(records)" = 1 ]
    done
    lamina umount mnt
    left_nothing
    for mode in kernel overlay standalone; do
        mkdir gone
        # shellcheck disable=SC2016 # expanded by the inner shell
        fails_with "No such file or directory" sh -c 'cd gone && rmdir ../gone && exec lamina mount --mode "$0" a .' $mode
        left_nothing
    done
}

@test "a user namespace is denied" {
    need_strace
    root_repository
    # the map of an idmapped mount is that of a user namespace made for it
    for error in EPERM ENOSPC; do
        fails_with "user namespace" strace -f -o trace -e trace=unshare -e inject=unshare:error=$error \
            lamina mount --mode kernel --uidmap 0:100000:1000 a mnt
        left_nothing
    done
}

@test "user of the host: without a user namespace and without fusermount3" {
    user_repository
    # shellcheck disable=SC2016 # expanded by the inner shell
    fails_with "no mode is possible here: " as_user sh -c \
        'lamina=$(command -v lamina); PATH=/nowhere exec "$lamina" mount a "$HOME/mnt"'
    [[ "$stderr" == *"CAP_SYS_ADMIN"* && "$stderr" == *"fusermount3"* ]]
    left_nothing
}

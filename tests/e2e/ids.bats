#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
load lib
bats_require_minimum_version 1.5.0

# All that a repository stores; the rest is about what is mounted now.
stored() { find "$1" -type f ! -path '*/lamina/*' -printf '%P %s %i\n' | sort | md5sum; }

setup() { start; }
teardown() {
    for pid in "${sleepers[@]}"; do kill "$pid" 2>/dev/null || true; done
    finish
}

sleepers=()

# One file for each of some owners, with ACLs and capabilities where the file system has them.
owners=(0 1 33 999 1000 65535 70000)
make_owned() {
    mkdir "$1"
    for id in "${owners[@]}"; do
        [ "$id" -le "${2:-70000}" ] || continue
        echo "$id" >"$1/u$id"
        chown "$id:$((id / 2))" "$1/u$id"
    done
    chmod 4755 "$1/u33"
    setfacl -m u:33:rw,g:1:r,u:999:x "$1/u1"
    mkdir "$1/d" && setfacl -d -m u:33:rwx "$1/d"
}

# What find(1) says of the owners below DIR: "NAME UID GID" a line, as seen from where it runs.
shown() { (cd "$1" && find . -name 'u*' -printf '%f %U %G\n' | sort); }

# What it should say: every id of the tree shifted by $1 when it is below $2, else the overflow id.
shifted() {
    for id in "${owners[@]}"; do
        local group=$((id / 2))
        echo "u$id $((id < $2 ? id + $1 : 65534)) $((group < $2 ? group + $1 : 65534))"
    done | sort
}

acls() { (cd "$1" && getfacl -n -p u1 d 2>/dev/null); }

@test "root: owners, ACLs and capabilities are shifted alike by kernel and server" {
    need_root
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    make_owned tree
    cap="0x0100000200200000000000000000000000000000"
    setfattr -n security.capability -v "$cap" tree/u0
    lamina init
    lamina import tree a
    mkdir mnt
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode --uidmap 0:100000:65536 a mnt
        diff <(shown mnt) <(shifted 100000 65536)
        acls mnt >"acls.$mode"
        getfattr -e hex -n security.capability mnt/u0 >"cap.$mode"
        [ "$(stat -c %a mnt/u33)" = 4755 ]
        lamina umount mnt
    done
    for mode in overlay standalone; do
        diff acls.kernel acls.$mode
        diff cap.kernel cap.$mode
    done
    grep -q user:100033:rw- acls.kernel
    grep -q 0x0100000300200000 cap.kernel
}

@test "root: an ACL of somebody who is not in the map does not bar the others" {
    need_root
    need_fuse
    make_owned tree
    setfacl -m u:70000:rwx tree/u0
    lamina init
    lamina import tree a
    mkdir mnt
    lamina mount --mode standalone --uidmap 0:100000:1000 a mnt
    [ "$(getfacl -n -c mnt/u0 2>/dev/null | grep -c user:)" = 1 ]
    [ "$(cat mnt/u0)" = 0 ]
    lamina umount mnt
}

# How much of a file is in the page cache, in bytes, without reading it.
cached() { fincore -bno RES "$1"; }

# Mount the image ten times, each with a map of its own, as MODE and options say; all of them are right at once, and
# what was read through one is there for all, unless a server copies it ($shares).
ten_mappings() {
    local i
    for i in $(seq 10); do
        mkdir -p "mnt/$i"
        lamina mount "$@" --uidmap "0:$((i * 100000)):65536" a "mnt/$i"
    done
    for i in $(seq 10); do diff <(shown "mnt/$i") <(shifted $((i * 100000)) 65536); done
    cat mnt/1/big >/dev/null
    if [ "$shares" = yes ]; then
        for i in $(seq 10); do [ "$(cached "mnt/$i/big")" = 4194304 ]; done
    else
        [ "$(cached mnt/2/big)" != 4194304 ]
    fi
    for i in $(seq 10); do lamina umount "mnt/$i"; done
}

@test "root: ten mappings of one image at once, and not a byte more in the repository" {
    need_root
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need fincore "no fincore" command -v fincore
    make_owned tree
    head -c 4194304 /dev/urandom >tree/big
    lamina init
    lamina import tree a
    before=$(stored repo)
    shares=yes
    for mode in kernel overlay "standalone --passthrough on"; do
        # shellcheck disable=SC2086 # words
        ten_mappings --mode $mode
        [ "$(stored repo)" = "$before" ]
    done
    # pages of a FUSE file are its superblock's
    shares=no
    ten_mappings --mode standalone --passthrough off
    [ "$(stored repo)" = "$before" ]
}

@test "user namespace: ten mappings of one image at once, and not a byte more in the repository" {
    need_root
    need_fuse
    need_userns
    need fincore "no fincore" command -v fincore
    user_folder home
    make_owned tree
    head -c 4194304 /dev/urandom >tree/big
    mv tree home/
    LAMINA_REPO=$scratch/home/repo
    lamina init
    lamina import home/tree a
    chown -R 1000:1000 home
    before=$(stored home/repo)
    [ -e fuse ] || mknod -m 666 fuse c 10 229
    for mode in overlay standalone; do
        shares=$([ $mode = overlay ] && echo yes || echo no)
        # of an engine with ids for ten containers
        # shellcheck disable=SC2016 # expanded by the inner shell
        "$LAMINA_BUILD_ROOT/tests/tools/in-userns" 0:1000:1,1:2000:2000000 unshare -m bash -e -c '
            mount --bind fuse /dev/fuse
            cd home
            '"owners=(${owners[*]}); shares=$shares; $(declare -f shown shifted cached ten_mappings)"'
            ten_mappings --mode $1' bash $mode
        [ "$(stored home/repo)" = "$before" ]
    done
}

@test "maps that cannot be are refused before anything is mounted" {
    mkdir tree mnt
    lamina init
    lamina import tree a
    run -2 lamina mount --uidmap a mnt
    for map in 0:0 0:0:0 0:0:5,3:9:1 4294967295:0:1 x:y:z; do
        run -1 lamina mount --mode standalone --uidmap "$map" a mnt
        [[ "$output" == *"--uidmap"* ]]
    done
    run -1 lamina mount --mode standalone --uidmap 0:0:5 --userns 1 a mnt
    [[ "$output" == *"--userns"* ]]
    run -1 lamina mount --mode standalone --userns 999999999 a mnt
    run -1 lamina mount --mode standalone --userns /dev/null a mnt
    [[ "$output" == *"not a user namespace"* ]]
    [ -z "$(ls mnt)" ]
}

# A user namespace such as a rootless engine has: its 0 is the unprivileged user, 1 to 65536 are his
# subordinate ids. The test, being root, plays newuidmap(1).
engine_begin() {
    user_folder home
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_user unshare -Um sh -c 'echo $$ >home/engine; exec sleep 600' 3>&- &
    while [ ! -s home/engine ]; do sleep 0.02; done
    engine_pid=$(cat home/engine)
    sleepers+=("$engine_pid")
    # In one write(2), which bash's own printf does not promise.
    printf '0 1000 1\n1 100000 65536\n' | dd bs=4k status=none of="/proc/$engine_pid/uid_map"
    printf '0 1000 1\n1 100000 65536\n' | dd bs=4k status=none of="/proc/$engine_pid/gid_map"
}

engine() {
    nsenter -t "$engine_pid" -U -m -S 0 -G 0 --wdns="$scratch/home" \
        env HOME="$scratch/home" LAMINA_REPO="$scratch/home/repo" "$@"
}

# container_begin NAME UID_MAP: a child namespace of the engine's; sets container_pid.
container_begin() {
    rm -f home/container
    # shellcheck disable=SC2016 # expanded by the inner shell
    engine unshare -U sh -c 'echo $$ >container; exec sleep 600' 3>&- &
    while [ ! -s home/container ]; do sleep 0.02; done
    container_pid=$(cat home/container)
    sleepers+=("$container_pid")
    # shellcheck disable=SC2016
    engine sh -c 'for map in uid_map gid_map; do printf "$1" | dd bs=4k status=none of="/proc/$2/$map"; done' sh "$1" "$container_pid"
}

# From within the last container.
contained() { nsenter -t "$engine_pid" -m --wdns="$scratch/home" nsenter -t "$container_pid" -U -S 0 -G 0 "$@"; }

@test "an engine's containers, each with a map of its own, see the right owners on one stored copy" {
    need_root
    need_fuse
    need_userns
    engine_begin
    # shellcheck disable=SC2016
    engine bash -c '
        mkdir tree mnt
        for id in 0 1 33 999 1000 65535; do echo $id >tree/u$id; chown $id:$((id / 2)) tree/u$id; done
        setfacl -m u:33:rw,u:1000:r tree/u1
        lamina init && lamina import tree a'
    before=$(stored home/repo)
    # disjoint blocks, a whole range but for the engine itself, keep-id, a single id
    local maps=('0 1 1000\n' '0 2000 2000\n' '0 1 65535\n' '0 1 1000\n1000 0 1\n1001 1001 64535\n' '0 0 1\n')
    local counts=(1000 2000 65535 65536 1)
    for i in "${!maps[@]}"; do
        container_begin "${maps[$i]}"
        for mode in overlay standalone; do
            engine lamina mount --mode $mode --userns "$container_pid" a mnt
            contained find mnt -name 'u*' -printf '%f %U %G\n' | sort >seen
            for id in 0 1 33 999 1000 65535; do
                group=$((id / 2))
                echo "u$id $((id < counts[i] ? id : 65534)) $((group < counts[i] ? group : 65534))"
            done | sort >expected
            diff seen expected
            if [ "${counts[$i]}" -gt 1000 ]; then
                contained getfacl -n mnt/u1 2>/dev/null | grep -q user:33:rw-
                contained getfacl -n mnt/u1 2>/dev/null | grep -q user:1000:r--
            fi
            [ "$(contained cat mnt/u0)" = 0 ]
            engine lamina umount mnt
        done
    done
    [ "$(stored home/repo)" = "$before" ]
}

@test "an engine's writable mount: what a container writes has its ids, what it does not know stays" {
    need_root
    need_fuse
    need_userns
    engine_begin
    engine bash -c '
        mkdir tree mnt upper work
        for id in 0 33 5000; do echo $id >tree/u$id; chown $id:$id tree/u$id; done
        chmod 666 tree/*
        lamina init && lamina import tree a'
    container_begin '0 2000 1000\n'
    engine chown 2000:2000 upper
    engine lamina mount --mode overlay --userns "$container_pid" --upper upper --work work a mnt
    contained sh -c 'echo new >mnt/new && chown 33:33 mnt/new && echo more >>mnt/u33'
    [ "$(contained stat -c '%u %g' mnt/new mnt/u33 | sort -u)" = "33 33" ]
    [ "$(engine stat -c '%u %g' upper/new upper/u33 | sort -u)" = "2033 2033" ]
    # 5000 is not in the map: it is shown as nobody's, and cannot be copied up.
    [ "$(contained stat -c '%u' mnt/u5000)" = 65534 ]
    run ! contained sh -c 'echo more >>mnt/u5000'
    [[ "$output" == *"too large"* || "$output" == *"not permitted"* || "$output" == *"denied"* ]]
    [ "$(contained cat mnt/u5000)" = 5000 ]
    engine lamina umount mnt
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Containers by crun: what runs in them, as whom, what of them gets out, and that nothing is left.

load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    need crun "crun is not installed" command -v crun
    need busybox "a static busybox is not installed" static_busybox
}
teardown() { finish; }

static_busybox() { command -v busybox && ! ldd "$(command -v busybox)"; }

# A file tree with a shell and two users, as image bb.
make_image() {
    mkdir -p tree/bin tree/etc tree/tmp
    cp "$(command -v busybox)" tree/bin/busybox
    for name in sh id cat env ls touch stat sleep hostname grep mkdir chroot; do ln -s busybox "tree/bin/$name"; done
    chmod 1777 tree/tmp
    printf 'root:x:0:0::/root:/bin/sh\nweb:x:33:330::/srv:/bin/sh\n' >tree/etc/passwd
    printf 'root:x:0:\nwww:x:330:\nadm:x:4:web\n' >tree/etc/group
    "$@" lamina init >/dev/null
    "$@" lamina import -q tree bb >/dev/null
}

# Neither the folder of a container nor a mount of one.
nothing_left() {
    [ -z "$(ls "$1/lamina/containers")" ]
    [ "$(grep -c "$1/lamina/containers" /proc/self/mountinfo)" = 0 ]
}

@test "root: the command runs as the image's root, and its exit status is ours" {
    need_root
    make_image env
    [ "$(lamina run bb id -u)" = 0 ]
    run lamina run bb sh -c 'exit 7'
    [ "$status" -eq 7 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
    [ -z "$(lamina mounts)" ]
}

@test "what is wrong with an id map names the option that was given" {
    run -2 lamina run --userns nonsense bb
    [ "$output" = "lamina run: '--userns' is auto, keep-id or root, not 'nonsense'" ]
    run -2 lamina unshare --map nonsense
    [[ "$output" == "lamina unshare: '--map' is "* ]]
}

@test "root: users are the image's, by name and number" {
    need_root
    make_image env
    [ "$(lamina run -u web bb sh -c 'id -u; id -g; id -G; echo $HOME' | tr '\n' ' ')" = "33 330 330 4 /srv " ]
    [ "$(lamina run -u 33:4 bb id -G)" = 4 ]
    [ "$(lamina run -u 4711 bb id -u)" = 4711 ]
    run lamina run -u nobody-there bb id
    [ "$status" -eq 125 ]
    [[ "$output" == *"no user 'nobody-there'"* ]]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

# Files and config are those of one image, whichever a name means.
@test "root: an imported image does not run by the config of a pulled one that is called alike" {
    need_root
    make_image env
    lamina commit -q tree docker.io/library/bb:latest --change 'USER web' --change 'ENV WHO=pulled' >/dev/null
    [ "$(lamina run docker.io/library/bb:latest sh -c 'id -u; echo $WHO' | xargs)" = "33 pulled" ]
    [ "$(lamina run bb sh -c 'id -u; echo $WHO' | xargs)" = 0 ]
    lamina untag bb
    [ "$(lamina run bb sh -c 'id -u; echo $WHO' | xargs)" = "33 pulled" ] # the short name of the other
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: a pulled image that has lost its config does not run without it" {
    need_root
    make_image env
    lamina commit -q tree docker.io/library/bb:latest --change 'USER web' >/dev/null
    lamina inspect --config docker.io/library/bb:latest >config
    digest=$(lamina digest config | cut -d: -f2 | cut -d' ' -f1)
    rm "repo/objects/${digest:0:2}/${digest:2}"
    run lamina run docker.io/library/bb:latest id -u
    [ "$status" -eq 125 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: what a container writes is gone with it, unless it is kept" {
    need_root
    make_image env
    lamina run bb sh -c 'echo x >/tmp/new; cat /tmp/new'
    [ "$(lamina run bb ls /tmp)" = "" ]
    mkdir up work
    lamina run --upper up --work work bb sh -c 'echo kept >/tmp/new'
    [ "$(cat up/tmp/new)" = kept ]
    [ "$(lamina run --upper up --work work bb cat /tmp/new)" = kept ]
    run lamina run --read-only bb touch /new
    [ "$status" -ne 0 ]
    # but where programs write whatever their file tree is, and mounts of the user's are on top of that
    lamina run --read-only bb sh -c 'touch /run/new /tmp/new /var/tmp/new'
    [ "$(lamina run --read-only bb ls /tmp)" = "" ]
    echo shared >shared
    [ "$(lamina run --read-only -v "$PWD/shared:/tmp/shared" bb cat /tmp/shared)" = shared ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: standard input, variables, directories of the host, hostname, network" {
    need_root
    make_image env
    [ "$(echo piped | lamina run -i bb cat)" = piped ]
    [ "$(echo piped | lamina run bb cat)" = "" ]
    [ "$(FROM_HOST=h lamina run -e A=1 -e FROM_HOST -e A=2 bb sh -c 'echo $A$FROM_HOST')" = 2h ]
    mkdir shared
    lamina run -v "$PWD/shared:/mnt" bb touch /mnt/made
    [ -e shared/made ]
    run lamina run -v "$PWD/shared:/mnt:ro" bb touch /mnt/again
    [ "$status" -ne 0 ]
    [ ! -e shared/again ]
    [ "$(lamina run --hostname box bb hostname)" = box ]
    [ "$(lamina run bb sh -c 'ls /sys/class/net')" = lo ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "a terminal is given where there is one, and asked for in vain elsewhere" {
    need_root
    need script "script(1) is missing" command -v script
    make_image env
    for options in -t -it; do
        run -3 script -qec "lamina run $options bb sh -c '[ -t 0 ] && [ -t 1 ] && exit 3'" /dev/null
        run -125 --separate-stderr lamina run $options bb true </dev/null
        [ "$stderr" = "lamina: cannot run 'bb': --tty: standard input is not a terminal" ]
    done
    nothing_left "$LAMINA_RUNTIME_DIR"
}

# The files are the host's, so is the network. What -v says is on top.
@test "with the network of the host names are looked up as there" {
    need_root
    [ -s /etc/hosts ] || skip "this machine has no /etc/hosts"
    make_image env
    cmp <(lamina run --network host bb cat /etc/hosts) /etc/hosts
    if [ -f /etc/resolv.conf ]; then cmp <(lamina run --network host bb cat /etc/resolv.conf) /etc/resolv.conf; fi
    run lamina run --network host bb sh -c 'echo x >>/etc/hosts'
    [ "$status" -ne 0 ]
    echo mine >hosts
    [ "$(lamina run --network host -v "$PWD/hosts:/etc/hosts" bb cat /etc/hosts)" = mine ]
    lamina bundle --network host bb box id
    jq -e '[.mounts[].destination] | contains(["/etc/hosts"])' box/config.json
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "without a network localhost and the container's name are known" {
    need_root
    make_image env
    [ "$(lamina run --hostname box bb cat /etc/hosts | xargs)" = \
        "127.0.0.1 localhost ::1 localhost ip6-localhost ip6-loopback 127.0.1.1 box" ]
    lamina run --read-only bb grep -q localhost /etc/hosts
    lamina run --uidmap 0:100000:65536 bb grep -q localhost /etc/hosts
    echo mine >hosts
    [ "$(lamina run -v "$PWD/hosts:/etc/hosts" bb cat /etc/hosts)" = mine ]
    # changes that are kept are the container's own
    mkdir up work
    run lamina run --upper up --work work bb cat /etc/hosts
    [ "$status" -eq 1 ]
    [ ! -e up/etc/hosts ]
    echo old >tree/etc/hosts
    lamina import -q tree bb >/dev/null
    [ "$(lamina run --upper up --work work bb grep -c localhost /etc/hosts)" = 2 ]
    lamina run --upper up --work work bb sh -c 'echo 127.0.0.1 more >>/etc/hosts'
    [ ! -e up/etc/hosts ]
    # a link that an image has there is left alone
    rm tree/etc/hosts && ln -s ../../../../etc/passwd tree/etc/hosts
    lamina import -q tree bb >/dev/null
    [ "$(lamina run bb sh -c "cat /etc/hosts")" = "$(cat tree/etc/passwd)" ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: a container with ids of its own sees the image's owners" {
    need_root
    make_image env
    chown 33:330 tree/tmp
    lamina import -q tree bb >/dev/null
    [ "$(lamina run --uidmap 0:100000:65536 bb sh -c 'id -u; stat -c %u /tmp /bin; cat /proc/self/uid_map' |
        tr -s ' \n' ' ')" = "0 33 0 0 100000 65536 " ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: a name is taken while its container runs, and free after it was killed" {
    need_root
    make_image env
    lamina run --name one bb sleep 60 3>&- &
    local pid=$!
    for _ in $(seq 100); do [ -e "$LAMINA_RUNTIME_DIR/lamina/containers/one/runtime/one/status" ] && break; sleep 0.05; done
    run lamina run --name one bb id
    [ "$status" -eq 125 ]
    [[ "$output" == *"runs already"* ]]
    pkill -KILL -x sleep -P "$(pgrep -P "$pid" crun)" || pkill -KILL -f 'sleep 60'
    wait "$pid" || [ "$?" -eq 137 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
    mkdir -p "$LAMINA_RUNTIME_DIR/lamina/containers/one/rootfs"
    [ "$(lamina run --name one bb id -u)" = 0 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

# Lamina's end is not the container's: the runtime has the lock, too.
@test "root: a name is taken while its container runs, though lamina was killed" {
    need_root
    make_image env
    lamina run --name one bb sleep 60 3>&- &
    local pid=$! runtime command
    for _ in $(seq 100); do
        runtime=$(pgrep -P "$pid" -x crun || true)
        command=$([ -z "$runtime" ] || pgrep -P "$runtime" -x sleep || true)
        [ -z "$command" ] || break
        sleep 0.05
    done
    # the container itself has nothing of ours open
    [ "$(ls "/proc/$command/fd" | xargs)" = "0 1 2" ]
    kill -KILL "$pid"
    wait "$pid" || [ "$?" -eq 137 ]
    run lamina run --name one bb id
    [ "$status" -eq 125 ]
    [[ "$output" == *"runs already"* ]]
    kill -KILL "$command"
    gone "$runtime"
    [ "$(lamina run --name one bb id -u)" = 0 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: the exit status is known where somebody had SIGCHLD ignored" {
    need_root
    make_image env
    run python3 -c '
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp("lamina", ["lamina", "run", "bb", "sh", "-c", "exit 7"])'
    [ "$status" -eq 7 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: SIGTERM goes to the container" {
    need_root
    make_image env
    lamina run --name term bb sh -c 'trap "exit 42" TERM; echo up >/tmp/up; while :; do sleep 0.1; done' 3>&- &
    local pid=$! status=0
    for _ in $(seq 100); do [ -e "$LAMINA_RUNTIME_DIR/lamina/containers/term/runtime/term/status" ] && break; sleep 0.05; done
    sleep 0.5
    kill -TERM "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq 42 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "failures are named, with status 125, and leave nothing" {
    need_root
    make_image env
    run lamina run nope id
    [ "$status" -eq 125 ]
    [[ "$output" == *"no image 'nope'"* ]]
    run lamina run bb
    [ "$status" -eq 125 ]
    [[ "$output" == *"no command"* ]]
    run lamina run --runtime /no/such bb id
    [ "$status" -eq 125 ]
    [[ "$output" == *"no runtime '/no/such'"* ]]
    run lamina run --network bridge bb id
    [ "$status" -eq 2 ]
    run lamina run -v relative bb id
    [ "$status" -eq 2 ]
    run lamina run --name ../x bb id
    [ "$status" -eq 125 ]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

# As podman and docker have it: one line, which is the runtime's.
@test "root: a command that is not there is status 127, one that may not be executed 126" {
    need_root
    printf 'text\n' >text
    make_image env
    cp text tree/bin/plain
    mkdir tree/bin/folder
    lamina import -q tree bb >/dev/null
    for command in nope /no/such; do
        run -127 lamina run bb "$command"
        [ "${#lines[@]}" = 1 ]
        [[ "$output" == *"$command"*"not found"* ]]
    done
    for command in plain /bin/plain /bin/folder; do
        run -126 lamina run bb "$command"
        [ "${#lines[@]}" = 1 ]
        [[ "$output" == *executable* ]]
    done
    # what the runtime says for another reason; what the command itself says
    run -125 lamina run -v "$PWD/text:/proc/none" bb id
    for code in 1 125 126 127; do run "-$code" lamina run bb sh -c "exit $code"; done
    printf '#!/no/such\n' >broken
    chmod 755 broken
    run -125 lamina run --runtime ./broken bb id
    [[ "$output" == *"cannot run './broken'"* ]]
    nothing_left "$LAMINA_RUNTIME_DIR"
}

# Made of what this machine has: /sys/fs/cgroup is another one in a mount namespace of the test's.
@test "root: a container runs whatever there is of cgroups, in the caller's" {
    need_root
    make_image env
    mkdir first second
    cat >machine <<'SH'
set -e
version2=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
version1=$(findmnt -n -t cgroup -o TARGET | head -n 1)
mount -t tmpfs none first
case $1 in
none) ;;
2) [ -n "$version2" ] || exit 77; mount --bind "$version2" first ;;
1|both) [ -n "$version1" ] || exit 77; mkdir first/one; mount --bind "$version1" first/one ;;
esac
if [ "$1" = both ]; then
    [ -n "$version2" ] || exit 77
    mkdir first/unified
    mount --bind "$version2" first/unified
fi
mount --rbind first /sys/fs/cgroup
cat /proc/self/cgroup >here
lamina run bb cat /proc/self/cgroup >there
cmp here there
SH
    for kind in none 2 1 both; do
        run unshare -m sh machine "$kind"
        [ "$status" -eq 0 ] || [ "$status" -eq 77 ]
        [ "$kind" != none ] || [ "$status" -eq 0 ]
    done
    nothing_left "$LAMINA_RUNTIME_DIR"
}

# An image may bring the disk of the host by its number. What the runtime makes in /dev is another file system.
@test "root: devices of an image cannot be opened" {
    need_root
    make_image env
    mknod -m 666 tree/null c 1 3
    lamina import -q tree bb >/dev/null
    mkdir up work
    mknod -m 666 up/null-above c 1 3
    for options in "" --read-only "--upper up --work work" "--uidmap 0:100000:65536"; do
        # shellcheck disable=SC2086 # words on purpose
        run lamina run $options bb sh -c 'cat </null; cat </null-above; cat </dev/null && echo usual'
        [[ "$output" == *"/null: Permission denied"* ]]
        [[ "$output" == *usual ]]
        [[ "$options" != --upper* || "$output" == *"/null-above: Permission denied"* ]]
    done
    nothing_left "$LAMINA_RUNTIME_DIR"
}

# The machine's profile is what podman uses; with none there is no filter, which is said to those who ask.
@test "root: system calls are filtered by a profile" {
    need_root
    make_image env
    filter() { lamina run "$@" bb grep -w Seccomp: /proc/self/status | xargs; }
    profile=$([ -e /etc/containers/seccomp.json ] && echo /etc/containers/seccomp.json || echo /usr/share/containers/seccomp.json)
    if [ -e "$profile" ]; then
        [ "$(filter)" = "Seccomp: 2" ]
        [ "$(filter --security-opt "seccomp=$profile" --verbose 2>/dev/null)" = "Seccomp: 2" ]
        # rules that hang on capabilities: chroot is one a container has
        lamina run bb chroot / id
        lamina bundle bb box id
        jq -e '.linux.seccomp | .defaultAction == "SCMP_ACT_ERRNO" and (.syscalls | length) > 10' box/config.json
        run unshare -m sh -c '
            mount -t tmpfs none /usr/share/containers
            [ ! -e /etc/containers/seccomp.json ] || mount -t tmpfs none /etc/containers
            lamina run -q bb grep -w Seccomp: /proc/self/status
            lamina run --verbose bb grep -w Seccomp: /proc/self/status'
        [ "$(grep -c '^Seccomp:.0$' <<<"$output")" = 2 ]
        [ "$(grep -c 'no seccomp profile on this machine' <<<"$output")" = 1 ]
    fi
    [ "$(filter --security-opt seccomp=unconfined)" = "Seccomp: 0" ]
    cat >own <<'JSON'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
  {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errno": "EXDEV"},
  {"names": ["chroot"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": {"caps": ["CAP_SYS_CHROOT"]}}]}
JSON
    run -1 lamina run --security-opt seccomp=own bb mkdir /tmp/x
    [[ "$output" == *"Invalid cross-device link"* ]]
    lamina run --security-opt seccomp=own bb chroot / id
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "root: a profile that cannot be read, or is not understood, is no reason to run without" {
    need_root
    make_image env
    run -125 lamina run --security-opt seccomp=nowhere bb id
    [[ "$output" == *"cannot read the seccomp profile 'nowhere': No such file or directory"* ]]
    : >empty
    run -125 lamina run --security-opt seccomp=empty bb id
    [[ "$output" == *"is empty"* ]]
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"DENY"}]}' >wrong
    run -125 lamina run --security-opt seccomp=wrong bb id
    [[ "$output" == *"rule 1 of 'syscalls': there is no action 'DENY'"* ]]
    head -c 1100000 /dev/zero | tr '\0' ' ' >large
    run -125 lamina run --security-opt seccomp=large bb id
    run -125 lamina run --security-opt seccomp=/dev/zero bb id
    run -2 lamina run --security-opt seccomp= bb id
    run -2 lamina run --security-opt apparmor=x bb id
    nothing_left "$LAMINA_RUNTIME_DIR"
}

@test "a user without privilege runs a container, as root of a namespace" {
    need_fuse
    need_userns
    user_folder repo
    user_folder home
    chmod 777 .
    make_image as_user
    export LAMINA_REPO
    [ "$(as_user env LAMINA_RUNTIME_DIR="$LAMINA_RUNTIME_DIR" lamina run -q bb id -u)" = 0 ]
    run as_user env LAMINA_RUNTIME_DIR="$LAMINA_RUNTIME_DIR" lamina run -q bb sh -c 'echo x >/tmp/y && cat /tmp/y; exit 5'
    [ "$output" = x ]
    [ "$status" -eq 5 ]
    if [ -e /usr/share/containers/seccomp.json ]; then
        run as_user env LAMINA_RUNTIME_DIR="$LAMINA_RUNTIME_DIR" lamina run -q bb grep -w Seccomp: /proc/self/status
        [[ "$output" == *2 ]]
    fi
    nothing_left "$LAMINA_RUNTIME_DIR"
    [ -z "$(as_user env LAMINA_RUNTIME_DIR="$LAMINA_RUNTIME_DIR" lamina mounts)" ]
}

@test "a bundle is what crun runs" {
    need_root
    make_image env
    lamina bundle -e A=b -u web bb box sh -c 'id -u; echo $A'
    jq -e '.process.user.uid == 33 and .process.user.additionalGids == [4] and .root.path == "rootfs"' box/config.json
    run lamina bundle bb box id
    [ "$status" -eq 1 ]
    unshare -m sh -c '
        [ ! -e /sys/fs/cgroup/unified ] || mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
        lamina mount --ephemeral bb box/rootfs &&
            crun --root "$PWD/state" --cgroup-manager=disabled run --bundle box box >out
        umount box/rootfs'
    [ "$(tr '\n' ' ' <out)" = "33 b " ]
    run lamina bundle nope other id
    [ "$status" -eq 1 ]
    [ ! -e other ]
}

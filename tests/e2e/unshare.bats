#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    mkdir etc
    echo 'tester:x:1000:1000::/:/bin/sh' >etc/passwd
    echo 'root:x:0:0::/root:/bin/sh' >>etc/passwd
    echo 'tester:100000:65536' >etc/subuid
    echo 'tester:200000:65536' >etc/subgid
    user_folder home
    user_folder home/mnt
}
teardown() { finish; }

need_files() {
    need_root
    need subids "no /etc/subuid and /etc/subgid to put others over" test -e /etc/subuid -a -e /etc/subgid
}
need_uidmap() {
    need_files
    need uidmap "no newuidmap" command -v newuidmap newgidmap
    need_userns
}

# In a mount namespace where the files of etc are those of the machine, and /dev/fuse can be opened. With
# "become=exec" a job has the process id of the command.
with_etc() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    ${become:-} unshare -m sh -c '
        for file in passwd subuid subgid; do mount --bind "$0/etc/$file" "/etc/$file"; done
        if [ -e /dev/fuse ]; then
            [ -e "$0/fuse" ] || mknod -m 666 "$0/fuse" c 10 229
            mount --bind "$0/fuse" /dev/fuse
        fi
        exec "$@"' "$scratch" env HOME="$scratch/home" LAMINA_REPO="$scratch/home/repo" "$@"
}
as_tester() { with_etc setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all "$@"; }
as_host_root() { with_etc "$@"; }

# An image whose files have the owners that they are named after.
owners_image() {
    {
        echo '/ 4096 40755 2 0 0 0 0.0 - - -'
        for id in 0 33 1000 70000; do
            printf '/of-%s 6 100644 1 %s %s 0 0.0 - hello\\x0a -\n' "$id" "$id" "$id"
        done
    } >owners.dump
    lamina build owners.dump owners.erofs
    mkdir objects
}
owners() { echo "stat -c '%n %u %g' $scratch/home/mnt/of-* | sed 's,.*/of-,,'"; }
mount_owners() { echo lamina mount --objects "$scratch/objects" "$@" "$scratch/owners.erofs" "$scratch/home/mnt"; }

squeezed() { sed 's/  */ /g; s/^ //'; }

@test "a user is root of his subordinate ids" {
    need_uidmap
    run -0 as_tester lamina unshare sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g'
    [ "$(squeezed <<<"$output" | xargs)" = "0 1000 1 1 100000 65536 0 1000 1 1 200000 65536 0 0" ]
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_tester lamina unshare sh -c 'touch "$HOME/file" && chown 33:44 "$HOME/file"'
    [ "$(stat -c %u:%g home/file)" = 100032:200043 ]
}

@test "keep-id and root are other maps, and another word is a usage error" {
    need_uidmap
    run -0 as_tester lamina unshare --map keep-id sh -c 'cat /proc/self/uid_map; id -u; id -g'
    [ "$(squeezed <<<"$output" | xargs)" = "0 100000 1000 1000 1000 1 1001 101000 64536 1000 1000" ]
    run -0 as_tester lamina unshare --map root sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u'
    [ "$(squeezed <<<"$output" | xargs)" = "0 1000 1 0 1000 1 0" ]
    run -2 as_tester lamina unshare --map bogus true
    [ "$output" = "lamina unshare: '--map' is auto, keep-id or root, not 'bogus'" ]
}

@test "all ranges of a user count, by name or by number" {
    need_uidmap
    printf 'someone:1:2\ntester:300000:10\n1000:100000:20\nnonsense\n' >etc/subuid
    run -0 as_tester lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 1000 1 1 300000 10 11 100000 20" ]
}

@test "the exit status is the command's" {
    need_uidmap
    run -0 as_tester lamina unshare true
    run -7 as_tester lamina unshare -- sh -c 'exit 7'
    run -143 as_tester lamina unshare sh -c 'kill -TERM $$'
    run -137 as_tester lamina unshare sh -c 'kill -KILL $$'
    run -127 as_tester env PATH=/usr/bin:/bin "$scratch/bin/lamina" unshare no-such-command
    [[ "$output" == "lamina: cannot run 'no-such-command': No such file or directory" ]]
    run -126 as_tester lamina unshare /etc
    [[ "$output" == "lamina: cannot run '/etc': Permission denied" ]]
}

@test "the command's options are its own, and without a command it is the shell" {
    need_uidmap
    run -0 as_tester lamina unshare --map root ls -d --color=never /
    [ "$output" = / ]
    run -5 as_tester env SHELL="$(command -v bash)" lamina unshare <<<'exit 5'
    run -6 as_tester env -u SHELL lamina unshare <<<'exit 6'
    run -2 as_tester lamina unshare --no-such-option ls
}

# Start the command as a job that says on a fifo when it is ready, and set $job. Background jobs of a script
# ignore SIGINT, which the command must not.
begin() {
    mkfifo ready
    chmod 666 ready
    become=exec as_tester env --default-signal=INT,QUIT,HUP,TERM "$@" 3>&- >said 2>&1 &
    job=$!
    read -r _ <ready
}

@test "signals reach the command: there is no process in between" {
    need_uidmap
    for signal in INT TERM HUP; do
        rm -f ready
        begin lamina unshare sh -c 'trap "echo got it; exit 9" INT TERM HUP; echo ready >ready
            while :; do sleep 0.1; done'
        kill -$signal $job
        status=0
        wait $job || status=$?
        [ $status = 9 ]
        [ "$(cat said)" = "got it" ]
        rm -f ready
        begin lamina unshare sh -c 'echo ready >ready; exec sleep 1000'
        # the process that was started is the command, as soon as the shell has become it
        timeout 20 sh -c 'until grep -qx sleep "/proc/$0/comm"; do :; done' "$job"
        kill -$signal $job
        status=0
        wait $job || status=$?
        [ $status = $((128 + $(kill -l $signal))) ]
    done
}

@test "a mount inside is not seen outside, and goes with the command" {
    need_uidmap
    run -0 as_host_root sh -c '
        mount --make-rshared / && cp /proc/self/mountinfo before &&
        setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all \
            lamina unshare sh -c "mount -t tmpfs x home/mnt && touch home/mnt/inside && mkfifo home/mnt/fifo &&
                grep -c home/mnt /proc/self/mountinfo" &&
        diff before /proc/self/mountinfo && ls home/mnt'
    [ "$output" = 1 ]
}

@test "without newuidmap only the own id exists, and a note says so" {
    need_files
    need_userns
    run -0 --separate-stderr as_tester env PATH="$scratch/bin" lamina unshare \
        /bin/sh -c '/bin/cat /proc/self/uid_map /proc/self/gid_map'
    [ "$(squeezed <<<"$output" | xargs)" = "0 1000 1 0 1000 1" ]
    [ "$stderr" = "note: no other id than yours exists in the namespace: there is no newuidmap (package uidmap has it)" ]
    run -0 as_tester env PATH="$scratch/bin" lamina unshare -q --map keep-id /bin/cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "1000 1000 1" ]
    # asked for: no note
    run -0 as_tester env PATH="$scratch/bin" lamina unshare --map root /bin/cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 1000 1" ]
}

@test "without lines in /etc/subuid only the own id exists, and a note says which are missing" {
    need_files
    need_userns
    : >etc/subuid
    : >etc/subgid
    run -0 --separate-stderr as_tester lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 1000 1" ]
    [[ "$stderr" == "note: no other id than yours exists in the namespace: /etc/subuid and /etc/subgid have no line such as 'tester:100000:65536'" ]]
}

@test "lines in only one of the files are used" {
    need_uidmap
    : >etc/subgid
    run -0 as_tester lamina unshare cat /proc/self/uid_map /proc/self/gid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 1000 1 1 100000 65536 0 1000 1" ]
}

@test "what newuidmap refuses is told in its words, and nothing is run" {
    need_uidmap
    # the real one knows no user without a name
    echo 'root:x:0:0::/root:/bin/sh' >etc/passwd
    echo '1000:100000:65536' | tee etc/subuid >etc/subgid
    run -1 as_tester lamina unshare echo ran
    [[ "$output" == "lamina: cannot make namespaces: newuidmap: "*"user name"*"hint: --map root needs no subordinate ids" ]]
    [[ "$output" != *ran* ]]
    run -0 as_tester lamina unshare --map root echo ran
    mkdir fake
    # shellcheck disable=SC2016 # for the fake
    printf '#!/bin/sh\necho "${0##*/}: not today" >&2\nexit 1\n' | tee fake/newuidmap >fake/newgidmap
    chmod 755 fake/*
    run -1 as_tester env PATH="$scratch/fake:$PATH" lamina unshare echo ran
    [[ "$output" == "lamina: cannot make namespaces: newuidmap: not today"* ]]
    rm fake/newuidmap
    echo 'tester:x:1000:1000::/:/bin/sh' >>etc/passwd
    run -1 as_tester env PATH="$scratch/fake:$PATH" lamina unshare echo ran
    [[ "$output" == "lamina: cannot make namespaces: newgidmap: not today"* ]]
    [[ "$output" != *ran* ]]
}

@test "denied user namespaces are an error that names the switch" {
    need_uidmap
    run -1 as_tester lamina unshare sh -c '
        echo 0 >/proc/sys/user/max_user_namespaces && lamina unshare --map root echo ran'
    [[ "$output" == "lamina: cannot make namespaces: "*"user.max_user_namespaces"* ]]
    [[ "$output" != *ran* ]]
}

@test "in a user namespace the ids that exist there are mapped, as podman does" {
    need_uidmap
    run -0 as_tester lamina unshare lamina unshare --map keep-id sh -c 'cat /proc/self/uid_map; id -u'
    [ "$(squeezed <<<"$output" | xargs)" = "0 1 1000 1000 0 1 1001 1001 64536 1000" ]
    run -0 as_tester lamina unshare lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 0 1 1 1 65536" ]
    # one id only, and nobody to ask for more: no note
    run -0 as_tester lamina unshare --map root lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 0 1" ]
    run -0 as_tester lamina unshare --map keep-id lamina unshare --map root id -u
    [ "$output" = 0 ]
}

@test "root of the host takes the ids of containers, else of root, else his own" {
    need_files
    printf 'containers:500000:1000\nroot:600000:2000\n' | tee etc/subuid >etc/subgid
    mkdir open
    chmod 777 open
    run -0 as_host_root lamina unshare sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; id -G; touch open/file'
    [ "$(squeezed <<<"$output" | xargs)" = "0 500000 1000 0 500000 1000 0 0" ]
    [ "$(stat -c %u:%g open/file)" = 500000:500000 ]
    run -0 as_host_root lamina unshare --map keep-id cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 0 1 1 500000 1000" ]
    sed -i /containers/d etc/subuid etc/subgid
    run -0 as_host_root lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 600000 2000" ]
    : >etc/subuid
    run -0 --separate-stderr as_host_root lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 0 1" ]
    [[ "$stderr" == "note: no other id than yours"*"'containers:1000000:65536'"* ]]
}

# The same as root of the host, where nsswitch.conf says that subordinate ids are elsewhere.
as_host_root_of() {
    echo "subid: $1" >etc/nsswitch.conf
    shift
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_host_root sh -c 'mount --bind "$0/etc/nsswitch.conf" /etc/nsswitch.conf && exec "$@"' "$scratch" \
        env LD_LIBRARY_PATH="$LAMINA_BUILD_ROOT/tests/tools" "$@"
}

@test "subordinate ids may be where nsswitch.conf says that libsubid finds them" {
    need_files
    need libsubid "no libsubid" sh -c 'ldconfig -p | grep -q "libsubid.so.[45]"'
    [ -e /etc/nsswitch.conf ] || skip "no /etc/nsswitch.conf to put another over"
    printf 'containers:500000:1000\n' | tee etc/subuid >etc/subgid
    run -0 as_host_root_of lamina lamina unshare cat /proc/self/uid_map /proc/self/gid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 700000 1000 1000 5 2 0 800000 1000 1000 5 2" ]
    run -0 as_host_root_of files lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 500000 1000" ]
    # one that libsubid cannot load leaves the files to it, as to newuidmap
    run -0 as_host_root_of nosuch lamina unshare cat /proc/self/uid_map
    [ "$(squeezed <<<"$output" | xargs)" = "0 500000 1000" ]
}

@test "mount --unshare shows the image to the command, with its owners" {
    need_uidmap
    need_fuse
    owners_image
    # shellcheck disable=SC2046 # words
    run -4 as_tester $(mount_owners --unshare) -- sh -c "$(owners); cat home/mnt/of-33; exit 4"
    [ "$output" = "$(printf '%s\n' '0 0 0' '1000 1000 1000' '33 33 33' '70000 65534 65534' hello)" ]
    [ -z "$(ls home/mnt)" ]
    # the own files of a user, to whom he keeps his number
    # shellcheck disable=SC2046 # words
    run -0 as_tester $(mount_owners --unshare --map keep-id) -- sh -c "id -u; $(owners)"
    [ "$output" = "$(printf '%s\n' 1000 '0 0 0' '1000 1000 1000' '33 33 33' '70000 65534 65534')" ]
}

@test "mount --unshare with one id shows the overflow id for the others" {
    need_files
    need_userns
    need_fuse
    owners_image
    : >etc/subuid
    : >etc/subgid
    # shellcheck disable=SC2046 # words
    run -0 --separate-stderr as_tester $(mount_owners --unshare) -- sh -c "$(owners); cat home/mnt/of-33"
    [ "$output" = "$(printf '%s\n' '0 0 0' '1000 65534 65534' '33 65534 65534' '70000 65534 65534' hello)" ]
    [[ "$stderr" == "note: no other id than yours"* ]]
}

@test "mount --unshare: the mount lives as long as what the command started, the server is nobody's child" {
    need_uidmap
    need_fuse
    owners_image
    # shellcheck disable=SC2046 # words
    begin $(mount_owners --unshare) -- sh -c 'pgrep -P $$ lamina; echo ready >ready; exec sleep 1000'
    grep -q "$scratch/home/mnt" "/proc/$job/mountinfo"
    [ "$(servers)" != "$servers_before" ]
    kill $job
    status=0
    wait $job || status=$?
    [ $status = 143 ]
    [ ! -s said ]
    # finish() fails when a server is left
}

@test "mount --unshare in a user namespace, and as root of the host" {
    need_uidmap
    need_fuse
    owners_image
    # shellcheck disable=SC2046 # words
    run -0 as_tester lamina unshare $(mount_owners --unshare --map root) -- sh -c "$(owners)"
    [ "${lines[0]}" = "0 0 0" ]
    [ "${lines[2]}" = "33 65534 65534" ]
    printf 'containers:500000:40\n' | tee etc/subuid >etc/subgid
    # shellcheck disable=SC2046 # words
    run -0 as_host_root $(mount_owners --unshare) -- sh -c "id -u; $(owners)"
    [ "$output" = "$(printf '%s\n' 0 '0 0 0' '1000 65534 65534' '33 33 33' '70000 65534 65534')" ]
}

@test "mount --unshare that fails runs nothing and leaves nothing" {
    need_uidmap
    need_fuse
    owners_image
    run -1 as_tester lamina mount --unshare --objects objects ./nothing home/mnt -- echo ran
    [[ "$output" == "lamina: cannot mount './nothing' at 'home/mnt': "* ]]
    run -1 as_tester lamina mount --unshare --objects objects ./owners.erofs home/nowhere -- echo ran
    [[ "$output" == *"nowhere"* && "$output" != *ran* ]]
    head -c 8192 /dev/urandom >broken
    run -3 as_tester lamina mount --unshare --objects objects ./broken home/mnt -- echo ran
    [[ "$output" != *ran* ]]
    # shellcheck disable=SC2046 # words
    run -127 as_tester $(mount_owners --unshare) -- /no/such/command
    run -2 as_tester lamina mount --unshare --foreground a home/mnt -- true
    [[ "$output" == *"--foreground"* ]]
    run -2 as_tester lamina mount --unshare --explain a home/mnt -- true
    run -2 as_tester lamina mount --unshare --uidmap 0:0:1 a home/mnt -- true
    run -2 as_tester lamina mount a home/mnt -- true
    [[ "$output" == "lamina mount: a COMMAND needs --unshare" ]]
}

@test "mount --map shows owners by the map of that name" {
    need_uidmap
    need_fuse
    need fusermount "no fusermount3" command -v fusermount3
    owners_image
    expect() {
        local map=$1
        shift
        # shellcheck disable=SC2046 # words
        run -0 as_tester sh -c "$(mount_owners --map "$map") && $(owners); lamina umount home/mnt"
        [ "$output" = "$(printf '%s\n' "$@")" ]
    }
    expect root '0 1000 1000' '1000 65534 65534' '33 65534 65534' '70000 65534 65534'
    expect auto '0 1000 1000' '1000 100999 200999' '33 100032 200032' '70000 65534 65534'
    expect keep-id '0 100000 200000' '1000 1000 1000' '33 100033 200033' '70000 65534 65534'
    run -1 as_tester lamina mount --map auto --uidmap 0:0:1 --objects objects ./owners.erofs home/mnt
    [[ "$output" == *"--map is a map of its own"* ]]
    run -2 as_tester lamina mount --map bogus --objects objects ./owners.erofs home/mnt
}

@test "mount --map as root of the host, and in a user namespace" {
    need_uidmap
    need_fuse
    owners_image
    printf 'containers:500000:2000\ntester:100000:65536\n' | tee etc/subuid >etc/subgid
    for mode in kernel overlay standalone; do
        [ $mode != kernel ] || grep -qw erofs /proc/filesystems || continue
        run -0 as_host_root sh -c "$(mount_owners --map auto --mode $mode) && $(owners); lamina umount home/mnt"
        [ "$output" = "$(printf '%s\n' '0 500000 500000' '1000 501000 501000' '33 500033 500033' '70000 65534 65534')" ]
    done
    : >etc/subgid
    run -1 as_host_root sh -c "$(mount_owners --map auto)"
    [[ "$output" == *"root has no ids to give: /etc/subuid and /etc/subgid need a line such as 'containers:"* ]]
    echo 'tester:100000:65536' >etc/subgid
    run -0 as_tester lamina unshare sh -c "$(mount_owners --map keep-id) && $(owners); lamina umount home/mnt"
    [ "$output" = "$(printf '%s\n' '0 1 1' '1000 0 0' '33 34 34' '70000 65534 65534')" ]
}

@test "idmap and overlay take --map, too" {
    need_files
    need_root
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    printf 'containers:500000:2000\n' | tee etc/subuid >etc/subgid
    mkdir mnt dir more
    touch dir/file && chown 33:34 dir/file
    run -0 as_host_root sh -c 'lamina idmap --map auto dir mnt && stat -c %u:%g mnt/file; lamina umount mnt'
    [ "$output" = 500033:500034 ]
    run -0 as_host_root sh -c 'lamina overlay --map auto --lower dir:more mnt && stat -c %u:%g mnt/file; lamina umount mnt'
    [ "$output" = 500033:500034 ]
    for command in "idmap dir" "overlay --lower dir"; do
        # shellcheck disable=SC2086 # words
        run -2 lamina $command --map bogus mnt
        [ "$output" = "lamina ${command%% *}: '--map' is auto, keep-id or root, not 'bogus'" ]
        # shellcheck disable=SC2086 # words
        run -1 lamina $command --map root --uidmap 0:1:1 mnt
        [[ "$output" == *"--map is a map of its own"* ]]
    done
    run -2 lamina idmap dir mnt
    [[ "$output" == *"--userns and --map is missing"* ]]
}

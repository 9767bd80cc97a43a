#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Privilege is a capability in a user namespace, not the user id 0: who has it may, whoever he is; who has not is told
# which one, and where.
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

prepare() {
    need_root
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    cp "$LAMINA_BUILD_ROOT/tests/tools/in-userns" bin/
    user_folder home
    LAMINA_REPO=$scratch/home/repo
    as_user sh -c 'cd && mkdir tree mnt upper work && echo content >tree/file && lamina init && lamina import tree a'
}

# Run in the home of user 1000, with his user id and these capabilities ("+sys_admin,+setuid") only. The device is
# made accessible as in as_user().
with() {
    local caps=$1
    shift
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare -m sh -c '
        [ -e "$0/fuse" ] || mknod -m 666 "$0/fuse" c 10 229
        mount --bind "$0/fuse" /dev/fuse
        caps=-all,$1
        shift
        cd "$0/home" && exec setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps="$caps" --ambient-caps="$caps" \
            --bounding-set="$caps" env HOME="$0/home" LAMINA_REPO="$LAMINA_REPO" "$@"' "$scratch" "$caps" "$@"
}

# Run as root without these capabilities ("-sys_admin"), which nothing it starts can get back.
without() {
    local caps=$1
    shift
    (cd home && setpriv --inh-caps="$caps" --bounding-set="$caps" env HOME="$scratch/home" "$@")
}

# shellcheck disable=SC2016 # a script for another shell
reads='[ "$(cat mnt/file)" = content ] && ! touch mnt/new 2>/dev/null && lamina umount mnt'
# shellcheck disable=SC2016
writes='echo new >mnt/new && echo more >>mnt/file && [ "$(cat mnt/file)" = "$(printf "content\nmore")" ] && lamina umount mnt'

# The reason that must be given for a mode with options, as $1 runs it.
refused() {
    local reason=$1
    shift
    run -1 "$@" mnt
    echo "$output"
    [[ "$output" == "lamina: cannot mount 'a' at 'mnt': "*"$reason"* ]]
}

@test "CAP_SYS_ADMIN without user id 0 mounts in each mode" {
    prepare
    for mode in kernel overlay standalone; do
        run -0 with +sys_admin sh -c "lamina mount --mode $mode a mnt && $reads"
    done
    run -0 with +sys_admin lamina mount --explain a mnt
    [[ "${lines[0]}" == "kernel       yes"* && "${lines[1]}" == "overlay      also"* && "${lines[2]}" == "standalone   also"* ]]
    run -0 with +sys_admin sh -c "lamina overlay --lower tree:upper mnt && $reads"
}

@test "a writable mount says that it needs CAP_DAC_OVERRIDE, too" {
    prepare
    for mode in kernel overlay; do
        for options in "--upper upper --work work" "--ephemeral"; do
            # shellcheck disable=SC2086 # words
            refused "a writable mount needs CAP_DAC_OVERRIDE in this user namespace" \
                with +sys_admin lamina mount --mode $mode $options a
            run -0 with +sys_admin,+dac_override sh -c "lamina mount --mode $mode $options a mnt && $writes"
            rm -rf home/upper home/work
            with -all mkdir upper work
        done
    done
}

@test "an id map says that it needs CAP_SETUID and CAP_SETGID, but for a server" {
    prepare
    refused "CAP_SETUID and CAP_SETGID in this user namespace" \
        with +sys_admin lamina mount --mode kernel --uidmap 0:100000:65536 a
    run -1 with +sys_admin lamina idmap --uidmap 1000:2000:1 tree mnt
    [[ "$output" == *"CAP_SETUID and CAP_SETGID in this user namespace"* ]]
    # shellcheck disable=SC2016 # a script for another shell
    owner='[ "$(stat -c %u:%g mnt/file)" = 101000:101000 ]'
    run -0 with +sys_admin,+setuid,+setgid sh -c "lamina mount --mode kernel --uidmap 0:100000:65536 a mnt && $owner && $reads"
    for mode in overlay standalone; do
        run -0 with +sys_admin sh -c "lamina mount --mode $mode --uidmap 0:100000:65536 a mnt && $owner && $reads"
    done
}

@test "root without CAP_SYS_ADMIN is told so for each mode, and where it would do" {
    prepare
    refused "mode kernel is not possible here: erofs: mounting needs CAP_SYS_ADMIN in the initial user namespace" \
        without -sys_admin lamina mount --mode kernel a
    refused "fuse: mounting needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace; 'lamina unshare'" \
        without -sys_admin lamina mount --mode overlay a
    refused "fusermount3 cannot get CAP_SYS_ADMIN: the capability bounding set of this process lacks it" \
        without -sys_admin lamina mount --mode standalone a
    run -1 without -sys_admin lamina mount --explain a mnt
    [ "$(grep -c ' no   ' <<<"$output")" = 3 ]
    run -1 without -sys_admin lamina idmap --uidmap 1000:2000:1 tree mnt
    [[ "$output" == *"cloning a mount needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace" ]]
    run -1 without -sys_admin lamina overlay --lower tree:upper mnt
    [[ "$output" == *"overlay: mounting needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace" ]]
}

@test "root without CAP_SYS_ADMIN has it where 'lamina unshare' leads" {
    prepare
    need_userns
    # of root's own: what belongs to others belongs to nobody there
    LAMINA_REPO=$scratch/own
    lamina init
    lamina import home/tree a
    for mode in overlay standalone; do
        run -0 without -sys_admin lamina unshare -q --map root sh -c "lamina mount --mode $mode a mnt && $reads"
    done
}

@test "no_new_privs keeps fusermount3 from its privilege, and is named" {
    prepare
    need fusermount "no fusermount3" command -v fusermount3
    (cd home && refused "no_new_privs is set" as_user setpriv --no-new-privs lamina mount --mode standalone a)
}

@test "in a user namespace, CAP_SYS_ADMIN without user id 0 mounts; without it, it is named" {
    prepare
    need_userns
    # The capabilities of a new namespace, kept without becoming its root.
    run -0 as_user unshare -Um --map-current-user --keep-caps sh -c 'cd && id -u && grep CapEff /proc/self/status'
    [ "${lines[0]}" = 1000 ]
    for mode in overlay standalone; do
        run -0 as_user unshare -Um --map-current-user --keep-caps sh -c "cd && lamina mount --mode $mode a mnt && $reads"
    done
    run -1 as_user unshare -Um --map-current-user --keep-caps sh -c 'cd && lamina mount --mode kernel a mnt'
    [[ "$output" == *"erofs: mounting needs CAP_SYS_ADMIN in the initial user namespace" ]]
    run -1 as_user unshare -Um --map-current-user --keep-caps sh -c 'cd && lamina mount --mode standalone --passthrough on a mnt'
    [[ "$output" == *"--passthrough needs CAP_SYS_ADMIN in the initial user namespace" ]]
    for mode in overlay standalone; do
        run -1 as_user unshare -Urm setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin sh -c "cd && lamina mount --mode $mode a mnt"
        [[ "$output" == *"fuse: mounting needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace"* ]]
    done
    # The mount namespace is still that of the host.
    run -1 as_user unshare -Ur sh -c 'cd && lamina mount --mode overlay a mnt'
    [[ "$output" == *"fuse: mounting needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace"* ]]
}

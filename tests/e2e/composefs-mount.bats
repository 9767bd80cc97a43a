#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# The program as mount.composefs, as a helper of mount(8), and mount options. Where $MOUNT_COMPOSEFS names the
# program of composefs, both have to do the same. What needs fs-verity is in tests/vm.
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

# An image file "image" of tree, its objects in "objects", and a mount point.
make_image() {
    make_tree tree
    mkcomposefs --hardlinks --digest-store=objects tree image
    mkdir mnt
}

same() { diff <(describe "$1") <(describe "$2"); }

# The options of the mount at mnt, without what only says how it was made.
mounted() { sed -n "s,.* $scratch/mnt \([^ ]*\) .*- \([^ ]*\) \([^ ]*\) .*,\1 \2 \3,p" /proc/self/mountinfo; }

need_kernel_mode() {
    need_root
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
}

@test "root: basedir, and what mountinfo says" {
    need_kernel_mode
    make_image
    mount.composefs -o basedir=objects image mnt
    same tree mnt
    [ "$(mounted)" = "ro,relatime overlay composefs" ]
    umount mnt
    # the order of mount(8), its letters, and -t
    mount.composefs image mnt -n -v -t composefs -o rw,basedir=objects
    same tree mnt
    umount mnt
    mount.composefs -f -o basedir=objects image mnt
    [ -z "$(ls mnt)" ]
}

@test "root: several base directories, by colon and by repetition" {
    need_kernel_mode
    make_image
    mkdir one two
    for options in basedir=one:objects "basedir=one,basedir=two:objects" "basedir=objects -o basedir=two"; do
        # shellcheck disable=SC2086 # words
        mount.composefs -o $options image mnt
        same tree mnt
        umount mnt
    done
}

@test "root: commas and backslashes in paths are escaped" {
    need_kernel_mode
    make_image
    mv objects 'ob,je\cts'
    mount.composefs -o 'basedir=ob\,je\\cts,ro' image mnt
    same tree mnt
    umount mnt
    run -1 mount.composefs -o 'basedir=ob,je\\cts' image mnt
    [[ "$output" == *"Unsupported option je"* ]]
}

@test "root: mount options reach the mount" {
    need_kernel_mode
    make_image
    mount.composefs -o nosuid,basedir=objects,nodev,noexec,noatime image mnt
    [ "$(mounted)" = "ro,nosuid,nodev,noexec,noatime overlay composefs" ]
    umount mnt
    mount.composefs -o nosuid,basedir=objects,suid image mnt
    [ "$(mounted)" = "ro,relatime overlay composefs" ]
    umount mnt
}

@test "root: an upper directory, read-only if it has to be" {
    need_kernel_mode
    make_image
    mkdir upper work
    mount.composefs -o basedir=objects,upperdir=upper,workdir=work,rw image mnt
    echo changed >mnt/inline
    umount mnt
    [ "$(cat upper/inline)" = changed ]
    mount.composefs -o ro,basedir=objects,upperdir=upper,workdir=work image mnt
    [ "$(cat mnt/inline)" = changed ]
    run ! touch mnt/new
    umount mnt
    run -1 mount.composefs -o basedir=objects,upperdir=upper image mnt
    [[ "$output" == *"Both workdir and upperdir must be specified"* ]]
}

@test "root: owners as a user namespace has them" {
    need_kernel_mode
    make_image
    unshare -U sleep 100 3>&- &
    sleeper=$!
    until [ "$(readlink /proc/$sleeper/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do :; done
    echo "0 100000 65536" >/proc/$sleeper/uid_map
    echo "0 200000 65536" >/proc/$sleeper/gid_map
    mount.composefs -o "basedir=objects,idmap=/proc/$sleeper/ns/user" image mnt
    kill $sleeper
    [ "$(stat -c %u:%g mnt/inline)" = 100012:200034 ]
    umount mnt
    run -1 mount.composefs -o basedir=objects,idmap=nothing image mnt
}

@test "root: mount -t composefs" {
    need_kernel_mode
    make_image
    # a place where mount(8) looks, in a namespace of our own
    mkdir helpers
    ln -s "$scratch/bin/lamina" helpers/mount.composefs
    unshare -m bash -c '
        sbin=$(readlink -f /sbin)
        mount -t overlay -o "lowerdir=$PWD/helpers:$sbin" overlay "$sbin"
        mount -t composefs -o basedir=$PWD/objects,nosuid,x-some.thing image mnt
        diff -r --no-dereference tree/deep mnt/deep
        findmnt -no SOURCE,OPTIONS mnt | grep "^composefs *ro,nosuid"
        umount mnt'
}

@test "user: the other modes take over" {
    need_fuse
    make_image
    user_folder home/mnt
    if as_user unshare -Urm true; then
        in_userns bash -c '
            mount.composefs -o basedir=objects,noexec image home/mnt &&
            cmp tree/big home/mnt/big && grep " $PWD/home/mnt [^ ]*noexec" /proc/self/mountinfo &&
            umount home/mnt'
    fi
    if command -v fusermount3; then
        as_user bash -c '
            mount.composefs -o basedir=objects,noexec image home/mnt &&
            cmp tree/big home/mnt/big && grep " $PWD/home/mnt [^ ]*noexec" /proc/self/mountinfo &&
            fusermount3 -u home/mnt'
    fi
}

@test "what can't be done is said, with status 1" {
    make_image
    run -1 mount.composefs
    [[ "$output" == *"No source path specified"*"usage:"* ]]
    run -1 mount.composefs image
    [[ "$output" == *"No mount path specified"* ]]
    run -1 mount.composefs image mnt
    [[ "$output" == *"No object dirs specified"* ]]
    run -1 mount.composefs -o basedir=objects,bogus=1 image mnt
    [ "$output" = "mount.composefs: Unsupported option bogus" ]
    run -1 mount.composefs -o basedir image mnt
    [ "$output" = "mount.composefs: No value specified for basedir option" ]
    run -1 mount.composefs -t ext4 -o basedir=objects image mnt
    [ "$output" = "mount.composefs: Unsupported fs type 'ext4'" ]
    run -1 mount.composefs -o basedir=objects nothing mnt
    [[ "$output" == "mount.composefs: Failed to mount composefs nothing: "*"No such file"* ]]
    run -1 mount.composefs -o basedir=objects,digest=xyz image mnt
    run -1 mount.composefs -o basedir=objects image nowhere
    run -1 mount.composefs -x -o basedir=objects image mnt
    run -0 mount.composefs -h
    [[ "$output" == "usage: mount.composefs"* ]]
}

@test "an image without fs-verity is refused where a digest is asked for" {
    make_image
    digest=$(mkcomposefs --print-digest-only --hardlinks tree)
    if fsverity measure image; then skip "this file system has fs-verity: tests/vm"; fi
    run -1 mount.composefs -o "basedir=objects,digest=$digest" image mnt
    [[ "$output" == *"Failed to mount composefs image: the image has no fs-verity"* ]]
    run -1 lamina mount --digest "$digest" --objects objects ./image mnt
    [[ "$output" == *"no fs-verity"*"lamina init --secure"* ]]
    run -1 lamina mount --verity require --objects objects ./image mnt
    [[ "$output" == *"--digest HEX"* ]]
    run -2 lamina mount --digest xyz --objects objects ./image mnt
    run -2 lamina mount --verity maybe --objects objects ./image mnt
    wrong=$(tr 0123456789abcdef 123456789abcdef0 <<<"$digest")
    run -3 lamina mount --verity off --digest "$wrong" --objects objects ./image mnt
    [[ "$output" == *"wrong fs-verity digest $digest, expected $wrong"* ]]
}

@test "a digest without fs-verity is compared with the content, once" {
    need_kernel_mode
    make_image
    digest=$(mkcomposefs --print-digest-only --hardlinks tree)
    run -0 lamina mount --json --verity off --digest "$digest" --objects objects ./image mnt
    [ "$(jq -r .verity <<<"$output")" = off ]
    lamina umount mnt
}

@test "lamina mount -o" {
    need_kernel_mode
    need_fuse
    make_image
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode -o nosuid,nodev -o noexec --objects objects ./image mnt
        same tree mnt
        [[ "$(mounted)" == "ro,nosuid,nodev,noexec,relatime "* ]]
        run -126 mnt/deep/just-external
        lamina umount mnt
    done
    run -2 lamina mount -o nosuid,bogus --objects objects ./image mnt
    [[ "$output" == *"unknown mount option 'bogus'"* ]]
}

# Everything that can be seen of a program's work: its exit status, then the mount.
observe() {
    rm -rf upper work
    mkdir upper work
    touch -d @1000 upper
    if "$@" >said 2>&1; then
        echo 0
        mounted | sed 's/^r[ow],//'
        describe mnt || true
        xattrs mnt || true
        sha256sum <mnt/big || true
        # writable, or not
        { touch mnt/new && rm mnt/new && echo writable; } || true
        umount mnt || true
    else
        echo $?
    fi
    return 0
}

@test "the same as the program of composefs" {
    need_kernel_mode
    [ -n "${MOUNT_COMPOSEFS:-}" ] || skip "MOUNT_COMPOSEFS does not name a mount.composefs to compare with"
    make_image
    mkdir two
    digest=$(mkcomposefs --print-digest-only --hardlinks tree)
    while read -r arguments; do
        # shellcheck disable=SC2086 # words
        observe mount.composefs $arguments >ours 2>/dev/null
        echo "$arguments: $(head -n 1 ours): $(cat said)"
        # shellcheck disable=SC2086 # words
        observe "$MOUNT_COMPOSEFS" $arguments >theirs 2>/dev/null
        diff ours theirs
    done <<EOF
-o basedir=objects image mnt
image mnt -o basedir=objects
-t composefs -o rw,basedir=two:objects image mnt
-o ro,basedir=$scratch/objects $scratch/image $scratch/mnt
-o basedir=objects,verity image mnt
-o basedir=objects,upperdir=upper,workdir=work image mnt
-o basedir=objects,upperdir=upper,workdir=work,ro image mnt
-o basedir=objects,ro,rw,upperdir=upper,workdir=work image mnt
-o basedir=objects,upperdir=upper image mnt
-o basedir=objects,digest=$digest image mnt
-o basedir=objects,digest=zz image mnt
-o basedir=nowhere image mnt
-o basedir= image mnt
-o basedir image mnt
-o basedir=objects,bogus image mnt
-o basedir=objects image nowhere
-o basedir=objects nothing mnt
-o basedir=objects tree/inline mnt
-o basedir=objects image
-t xfs -o basedir=objects image mnt
EOF
}

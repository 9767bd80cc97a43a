#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Directories shown by an id map: idmap, overlay, and the upper directory of a mounted image.
load lib
bats_require_minimum_version 1.5.0

map=0:100000:65536 # what belongs to the container's root belongs to 100000 outside

setup() {
    start
    cp "$LAMINA_BUILD_ROOT"/tests/tools/{in-userns,overlay-oracle,overlay-storm} bin/ || return 1
    mkdir mnt
}

teardown() {
    # not lazily: a mount that a test left on it is to be found by finish()
    for place in disk ram; do
        if mountpoint -q "$scratch/$place"; then umount "$scratch/$place"; fi
    done
    finish
}

need_overlayfs() { need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems; }

# A new, empty file system at $scratch/disk.
disk() {
    local fs=$1
    need acl "no setfacl" command -v setfacl
    mkdir -p disk
    if [ "$fs" = tmpfs ]; then
        mount -t tmpfs -o mode=755 tmpfs disk
    else
        need "$fs" "no $fs in the kernel" grep -qw "$fs" /proc/filesystems
        need "$fs" "no mkfs.$fs" command -v "mkfs.$fs"
        need loop "no loop devices" losetup -f
        # in memory: overlayfs syncs every file that it copies up
        mkdir ram
        mount -t tmpfs tmpfs ram
        truncate -s 400M ram/image
        case $fs in
        ext4) mkfs.ext4 -q ram/image ;;
        *) "mkfs.$fs" -q -f ram/image ;;
        esac
        mount -o loop ram/image disk
    fi
    chmod 755 disk
    mkdir disk/probe
    need "$fs" "$fs cannot be idmapped here" lamina idmap --uidmap $map disk/probe disk/probe
    umount disk/probe
    rmdir disk/probe
}

# The owner of a file, as somebody sees him.
owner() { stat -c %u:%g "$1"; }
owner_inside() { in-userns $map stat -c %u:%g "$1"; }
mounts() { awk -v p="$scratch/" 'index($5, p) == 1 && $5 != p "ram"' /proc/self/mountinfo | wc -l; }

# Two layers with owners that the map has, and one that it has not.
layers_make() {
    mkdir -p "$1/top/dir" "$1/base/dir" "$1/rw/upper" "$1/rw/work"
    echo top >"$1/top/both"
    echo base >"$1/base/both"
    for owner in 0 33 1000 70000; do
        echo "$owner" >"$1/base/of-$owner"
        chown $owner:$owner "$1/base/of-$owner"
        echo "$owner" >"$1/base/dir/of-$owner"
        chown $owner:$owner "$1/base/dir/of-$owner"
    done
    setfacl -m u:1000:rw "$1/base/of-33"
    chmod 4755 "$1/base/of-1000"
}

# What root of the container does, and what is then stored.
write_through() {
    in-userns $map sh -e -c '
        cd "$1"
        echo new >new
        echo 33 >new-33; chown 33:33 new-33; setfacl -m u:1000:r new-33
        chmod 640 of-33
        echo more >>of-1000
        mkdir made; mv made moved
        ln of-0 linked
        rm dir/of-0' sh "$1"
}

overlay_checked() {
    local dir=$1 metacopy=$2
    # shellcheck disable=SC2086 # one word, or none
    lamina overlay --lower "$dir/top:$dir/base" --upper "$dir/rw/upper" --work "$dir/rw/work" \
        --uidmap $map $metacopy mnt
    # one line, for the overlay; the clones are nowhere
    [ "$(findmnt -rn -o TARGET,FSTYPE,SOURCE | grep -c "^$scratch/mnt overlay lamina:")" = 1 ]
    [ "$(findmnt -rn -o TARGET | grep -c "^$scratch/mnt")" = 1 ]
    [ "$(cat mnt/both)" = top ]
    # on the host, and in the container
    [ "$(owner mnt/of-0) $(owner mnt/of-33) $(owner mnt/dir/of-1000)" = "100000:100000 100033:100033 101000:101000" ]
    [ "$(owner mnt/of-70000)" = 65534:65534 ]
    [ "$(owner_inside mnt/of-0) $(owner_inside mnt/of-33)" = "0:0 33:33" ]
    [ "$(owner_inside mnt/of-70000)" = 65534:65534 ]
    getfacl -cpn mnt/of-33 | grep -q '^user:101000:rw-'
    in-userns $map getfacl -cpn mnt/of-33 | grep -q '^user:1000:rw-'
    write_through mnt
    # what nobody in the map owns cannot be copied up
    run -1 in-userns $map ln mnt/of-70000 mnt/twice
    [[ "$output" == *"Value too large"* ]]
    run -1 mv mnt/dir/of-70000 mnt/dir/elsewhere
    [[ "$output" == *"Value too large"* ]]
    run -1 in-userns $map chmod 600 mnt/of-70000
    # nor can anybody write whom it has not, such as root of the host
    run -1 touch mnt/by-the-host
    [[ "$output" == *"Value too large"* ]]
    lamina umount mnt
    # container ids are stored
    [ "$(owner "$dir/rw/upper/new") $(owner "$dir/rw/upper/new-33")" = "0:0 33:33" ]
    [ "$(owner "$dir/rw/upper/of-33") $(owner "$dir/rw/upper/of-1000")" = "33:33 1000:1000" ]
    [ "$(owner "$dir/rw/upper/moved") $(stat -c %F "$dir/rw/upper/dir/of-0")" = "0:0 character special file" ]
    getfacl -cpn "$dir/rw/upper/new-33" | grep -q '^user:1000:r--'
    getfacl -cpn "$dir/rw/upper/of-33" | grep -q '^user:1000:rw-'
    [ ! -e "$dir/rw/upper/of-70000" ]
    # the layers are what they were
    [ "$(owner "$dir/base/of-0") $(owner "$dir/base/of-33")" = "0:0 33:33" ]
}

overlay_plain() {
    local dir=$1 metacopy=$2
    # shellcheck disable=SC2086 # one word, or none
    lamina overlay --lower "$dir/top" --lower "$dir/base" --upper "$dir/rw/upper" --work "$dir/rw/work" $metacopy mnt
    [ "$(findmnt -rn -o TARGET | grep -c "^$scratch/mnt")" = 1 ]
    [ "$(owner mnt/of-0) $(owner mnt/of-33) $(owner mnt/of-70000)" = "0:0 33:33 70000:70000" ]
    chmod 640 mnt/of-33
    chown 5 mnt/of-70000
    echo new >mnt/new
    lamina umount mnt
    [ "$(owner "$dir/rw/upper/new") $(owner "$dir/rw/upper/of-33")" = "0:0 33:33" ]
    [ "$(owner "$dir/rw/upper/of-70000")" = 5:70000 ]
    # with metacopy, no data was copied
    [ -n "$metacopy" ] || [ "$(cat "$dir/rw/upper/of-33")" = 33 ]
    [ -z "$metacopy" ] || getfattr -n trusted.overlay.metacopy "$dir/rw/upper/of-33"
}

matrix() {
    need_root
    need_overlayfs
    disk "$1"
    for how in overlay_checked overlay_plain; do
        for metacopy in "" --metacopy; do
            layers_make "disk/$how$metacopy"
            $how "disk/$how$metacopy" "$metacopy"
        done
    done
    [ "$(mounts)" = 1 ]
}

@test "ext4: layers with a map and without, metacopy on and off" { matrix ext4; }
@test "xfs: layers with a map and without, metacopy on and off" { matrix xfs; }
@test "btrfs: layers with a map and without, metacopy on and off" { matrix btrfs; }
@test "tmpfs: layers with a map and without, metacopy on and off" { matrix tmpfs; }

# A process in a user namespace with the map, whose id is in $holder.
holder_start() {
    in-userns $map sleep 600 3>&- &
    holder=$!
    until grep -q sleep "/proc/$holder/comm"; do sleep 0.01; done
}

# The same random operations on our overlay and on one that was put together otherwise, and every answer compared.
storm() {
    local dir=disk/$1 seed=$2 metacopy=$3 kernel_options=$4 side
    mkdir -p "$dir/top" "$dir/base" "$dir/ours/upper" "$dir/ours/work" "$dir/theirs/upper" "$dir/theirs/work" "$dir/stage"
    overlay-storm "$dir/base" "$seed" 1500 0,33,1000,70000 >/dev/null
    overlay-storm "$dir/top" "$((seed + 1))" 300 0,33,1000,70000 >/dev/null
    for side in ours theirs; do
        if [ $side = ours ]; then
            # shellcheck disable=SC2086 # one word, or none
            lamina overlay --lower "$dir/top:$dir/base" --upper "$dir/ours/upper" --work "$dir/ours/work" \
                --userns "$holder" $metacopy mnt
        else
            overlay-oracle "/proc/$holder/ns/user" 100000 "$dir/stage" "$kernel_options" mnt "$dir/theirs" \
                "$dir/top" "$dir/base"
        fi
        overlay-storm mnt >"before-$side"
        in-userns $map overlay-storm mnt "$((seed + 2))" 2500 0,33,1000 >"inside-$side"
        overlay-storm mnt "$((seed + 3))" 500 0,33,100000,100033 >"outside-$side"
        in-userns $map overlay-storm mnt >"tree-inside-$side"
        overlay-storm mnt >"tree-outside-$side"
        umount mnt
        overlay-storm "$dir/$side/upper" >"stored-$side"
    done
    for what in before inside outside tree-inside tree-outside stored; do
        diff "$what-ours" "$what-theirs"
    done
    # it was a storm, not a calm: much of it succeeded, and all kinds of refusals came up
    [ "$(grep -c ': done$' inside-ours)" -gt 300 ]
    [ "$(grep -c ': done$' outside-ours)" -gt 20 ]
    for error in EPERM EACCES EEXIST ENOTEMPTY EOVERFLOW; do grep -q ": $error\$" inside-ours outside-ours; done
    [ "$(wc -l <tree-inside-ours)" -gt 10 ]
    grep -q posix_acl_access tree-inside-ours
}

storms() {
    need_root
    need_overlayfs
    disk "$1"
    holder_start
    for seed in 1 2 3 4; do
        storm "plain-$seed" $seed "" ""
        storm "metacopy-$seed" $seed --metacopy ,metacopy=on,redirect_dir=on
    done
    kill "$holder"
}

@test "ext4: thousands of random operations answer as on an overlay put together by paths" { storms ext4; }
@test "xfs: thousands of random operations answer as on an overlay put together by paths" { storms xfs; }
@test "btrfs: thousands of random operations answer as on an overlay put together by paths" { storms btrfs; }
@test "tmpfs: thousands of random operations answer as on an overlay put together by paths" { storms tmpfs; }

# An image of what a storm left: owners and ACLs of some ids, and capabilities. With "nobodys", a fourth belongs to
# somebody whom the map has not, and no ACL is of him.
stormy_image() {
    local name=$1 seed=$2 ids=$3 acls=${4:-}
    rm -rf tree
    mkdir tree
    overlay-storm tree "$seed" 3000 "$ids" >/dev/null
    [ "$acls" != nobodys ] || find tree -mindepth 1 | sort | sed -n '0~4p' | xargs -r chown -h 70000
    find tree -type f -perm /100 -exec setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 {} +
    [ "$acls" != without-acls ] || setfacl -R -b -k tree
    lamina import -q tree "$name" >/dev/null
}

# What is listed, with capabilities, but without the ACL entries of nobody. A server leaves these out: the kernel
# refuses any ACL that has one from a file system (Linux 6.18, fs/posix_acl.c, posix_acl_from_xattr()).
listed() {
    "${@:2}" overlay-storm "$1" | sed -E ':a; s/(posix_acl_[a-z]+=[0-9a-f]{8}([0-9a-f]{16})*)0[28]00[0-9a-f]{4}f{8}/\1/; ta'
    (cd "$1" && "${@:2}" find . -type f -exec getfattr -h -e hex -n security.capability {} + 2>/dev/null || true) | sort
}

# The storm through an overlay on a mount of each mode: in one the kernel shifts, in the others a server.
storm_served() {
    local seed=$1 mode
    for mode in kernel overlay standalone; do
        mkdir -p "disk/$seed-$mode/upper" "disk/$seed-$mode/work"
        lamina mount --mode $mode --passthrough off --uidmap $map a lower
        mount -t overlay -o "lowerdir=lower,upperdir=disk/$seed-$mode/upper,workdir=disk/$seed-$mode/work" storm mnt
        listed mnt >"before-$mode"
        in-userns $map overlay-storm mnt "$((seed + 2))" 2500 0,33,1000 >"inside-$mode"
        overlay-storm mnt "$((seed + 3))" 500 0,33,100000,100033 >"outside-$mode"
        listed mnt in-userns $map >"tree-inside-$mode"
        listed mnt in-userns 0:300000:65536 >"tree-other-$mode"
        listed mnt >"tree-outside-$mode"
        umount mnt
        lamina umount lower
        listed "disk/$seed-$mode/upper" >"stored-$mode"
    done
    for what in before inside outside tree-inside tree-other tree-outside stored; do
        diff "$what-kernel" "$what-overlay"
        diff "$what-kernel" "$what-standalone"
    done
    [ "$(grep -c ': done$' inside-kernel)" -gt 300 ]
    [ "$(wc -l <tree-inside-kernel)" -gt 10 ]
}

@test "thousands of random operations answer alike where a server shifts and where the kernel does" {
    need_root
    need_overlayfs
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    disk tmpfs
    mkdir lower
    lamina init
    for seed in 11 12 13 14; do
        stormy_image a $seed 0,33,1000 nobodys
        storm_served $seed
        cat before-kernel >>seen
    done
    # it was a storm with all that has ids
    for what in 65534: posix_acl_access posix_acl_default 0x0100000300200000; do grep -q $what seen; done
}

@test "an engine's containers see of a random image what they would see of the kernel's mount" {
    need_root
    need_overlayfs
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    # what is 0 to 4999 in the container is 1 to 5000 of the engine, 100000 to 104999 here
    local inside=0:1:5000 outside=0:100000:5000 image mode
    # for whom that of the machine may not be
    mknod -m 666 fuse c 10 229
    lamina init
    for seed in 21 22 23; do
        stormy_image mapped $seed 0,33,1000
        stormy_image plain $seed 0,33,1000,70000 without-acls
        stormy_image all $seed 0,33,1000,70000
        chmod -R a+rX repo
        for image in mapped plain all; do
            lamina mount --mode kernel --uidmap $outside $image mnt
            listed mnt in-userns $outside >expected
            lamina umount mnt
            [ "$(wc -l <expected)" -gt 10 ]
            for mode in overlay standalone; do
                # An image with ACLs makes the kernel check modes below the overlay, too (Linux 6.18, fs/fuse/inode.c,
                # process_init_reply()): there the engine would have to read directories of nobody.
                [ $image-$mode != all-overlay ] || continue
                # shellcheck disable=SC2016 # expanded by the inner shell
                in-userns 0:1000:1,1:100000:65536 unshare -m bash -e -c "$(declare -f listed)"'
                    mount --bind fuse /dev/fuse
                    lamina mount --mode $1 --uidmap $2 $3 mnt
                    listed mnt in-userns $2
                    lamina umount mnt' bash $mode $inside $image >seen
                diff seen expected
            done
        done
    done
}

@test "containers with different maps share layers at the same time" {
    need_root
    need_overlayfs
    disk tmpfs
    layers_make disk/l
    mkdir second
    lamina overlay --lower disk/l/top:disk/l/base --uidmap $map mnt
    lamina overlay --lower disk/l/top:disk/l/base --uidmap 0:300000:1000 --gidmap 0:500000:65536 second
    [ "$(owner mnt/of-33) $(owner second/of-33) $(owner second/of-1000)" = "100033:100033 300033:500033 65534:501000" ]
    # read-only, as there is no upper directory
    run -1 touch mnt/new
    [[ "$output" == *"Read-only"* ]]
    lamina umount mnt second
}

@test "paths of layers may have colons, and be as many as overlayfs takes" {
    need_root
    need_overlayfs
    disk tmpfs
    list=
    for i in $(seq 100); do
        mkdir "disk/a:$i"
        echo "$i" >"disk/a:$i/file-$i"
        echo "$i" >"disk/a:$i/file"
        list=$list${list:+:}disk/a\\:$i
    done
    lamina overlay --lower "$list" --uidmap $map mnt
    [ "$(ls mnt | wc -l)" = 101 ]
    [ "$(cat mnt/file)" = 1 ]
    lamina umount mnt
    run -1 lamina overlay --lower disk/a:1:disk/a:2 mnt
    [[ "$output" == *"lower directory 'disk/a'"* ]]
    run -1 lamina overlay --lower "$(printf 'disk/a\\:1:%.0s' $(seq 500))disk" mnt
    [[ "$output" == *"at most 500"* ]]
}

@test "idmap shows a directory with other owners, and what is made there is stored as the map says" {
    need_root
    disk tmpfs
    layers_make disk/l
    mkdir disk/l/base/inner
    mount -t tmpfs inner disk/l/base/inner
    touch disk/l/base/inner/hidden
    before=$(mounts)
    lamina idmap --uidmap $map disk/l/base mnt
    [ "$(mounts)" = $((before + 1)) ]
    [ "$(owner mnt/of-33) $(owner mnt/of-70000)" = "100033:100033 65534:65534" ]
    [ "$(owner_inside mnt/of-33)" = 33:33 ]
    in-userns $map sh -c 'echo new >mnt/new; chown 33:33 mnt/new'
    [ "$(owner disk/l/base/new)" = 33:33 ]
    # mounts below are not shown, neither old nor new ones
    [ -z "$(ls mnt/inner)" ]
    umount disk/l/base/inner
    mount -t tmpfs inner disk/l/base/dir
    [ -e mnt/dir/of-0 ]
    umount disk/l/base/dir
    lamina umount mnt
    [ ! -e mnt/new ]
    # by the maps of a namespace, read-only
    holder_start
    lamina idmap --userns "$holder" --read-only disk/l/base mnt
    kill "$holder"
    [ "$(owner_inside mnt/of-33)" = 33:33 ]
    run -1 in-userns $map touch mnt/new2
    [[ "$output" == *"Read-only"* ]]
    lamina umount mnt
    [ "$(mounts)" = 1 ]
}

@test "an image with an upper directory stores container ids in it, in kernel mode" {
    need_root
    need_overlayfs
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    make_tree tree
    lamina init
    lamina import tree a
    run -0 lamina mount --explain --uidmap $map --upper u --work w a mnt
    [[ "$output" == *"kernel       yes"* ]]
    for mode in kernel auto; do
        mkdir -p "rw-$mode/upper" "rw-$mode/work"
        lamina mount --mode $mode --uidmap $map --upper "rw-$mode/upper" --work "rw-$mode/work" a mnt
        [ "$(findmnt -rn -o TARGET | grep -c "^$scratch/mnt")" = 1 ]
        [ "$(owner mnt/inline) $(owner_inside mnt/inline)" = "100012:100034 12:34" ]
        in-userns $map sh -e -c 'echo new >mnt/new; echo more >>mnt/big; chmod 600 mnt/inline; rm mnt/none'
        [ "$(owner mnt/new)" = 100000:100000 ]
        lamina umount mnt
        [ "$(owner "rw-$mode/upper/new") $(owner "rw-$mode/upper/inline")" = "0:0 12:34" ]
        [ "$(stat -c %s "rw-$mode/upper/big")" = 100005 ]
        # another container, with another map, goes on with the same directory
        lamina mount --uidmap 0:300000:65536 --upper "rw-$mode/upper" --work "rw-$mode/work" a mnt
        [ "$(owner mnt/new) $(owner mnt/inline)" = "300000:300000 300012:300034" ]
        lamina umount mnt
    done
    # none of these leaves a mount
    run -1 lamina mount --mode kernel --uidmap 1:100000:1000 --upper rw-auto/upper --work rw-auto/work a mnt
    [[ "$output" == *"no uid 0 inside"* ]]
    mkdir outside
    chown 100000:100000 outside
    run -1 lamina mount --mode kernel --uidmap $map --upper outside --work rw-auto/work a mnt
    [[ "$output" == *"belongs to 100000:100000"* ]]
    mkdir other
    mount -t tmpfs other other
    run -1 lamina mount --mode kernel --uidmap $map --upper rw-auto/upper --work other a mnt
    [[ "$output" == *"overlayfs wants them on one"* ]]
    umount other
    [ "$(mounts)" = 0 ]
}

@test "failures name their cause and leave nothing mounted" {
    need_root
    need_overlayfs
    disk tmpfs
    layers_make disk/l
    run -2 lamina idmap disk/l/base mnt
    [[ "$output" == *"--uidmap"* ]]
    run -2 lamina overlay mnt
    run -1 lamina idmap --uidmap 0:0:4294967295 disk/l/base mnt
    [[ "$output" == *"mount --bind"* ]]
    run -1 lamina idmap --uidmap nonsense disk/l/base mnt
    run -1 lamina idmap --uidmap $map disk/l/nothing mnt
    run -1 lamina idmap --uidmap $map disk/l/base/both mnt
    run -1 lamina idmap --uidmap $map disk/l/base nowhere
    run -1 lamina idmap --uidmap $map /proc mnt
    [[ "$output" == *"type proc cannot be idmapped"*"ext4"* ]]
    lamina idmap --uidmap $map disk/l/base mnt
    mkdir again
    run -1 lamina idmap --uidmap $map mnt again
    [[ "$output" == *"has an id map already"* ]]
    run -1 lamina overlay --uidmap $map --lower mnt:disk/l/top again
    [[ "$output" == *"lower directory 'mnt'"*"has an id map already"* ]]
    lamina umount mnt
    # in a user namespace, the host's file systems are not ours to map
    run -1 in-userns $map unshare -m lamina idmap --uidmap 0:1:10 disk/l/base mnt
    [[ "$output" == *"CAP_SYS_ADMIN in the user namespace that owns the file system"* ]]
    run -1 as_user lamina idmap --uidmap 0:1000:1 disk/l/base mnt
    run -1 lamina overlay --lower disk/l/base mnt
    [[ "$output" == *"one layer alone"* ]]
    run -1 lamina overlay --lower disk/l/base --upper disk/l/rw/upper mnt
    [[ "$output" == *"go together"* ]]
    run -1 lamina overlay --lower disk/l/base --upper disk/l/rw/upper --work disk/l/rw/upper --uidmap $map mnt
    run -1 lamina overlay --lower disk/l/top:disk/l/base --metacopy --userxattr mnt
    # made for the ids outside: the kernel would just mount it read-only
    chown 100000 disk/l/rw/work
    run -1 lamina overlay --lower disk/l/base --upper disk/l/rw/upper --work disk/l/rw/work --uidmap $map mnt
    [[ "$output" == *"work directory belongs to 100000:0"* ]]
    # what is not ours stays
    mount --bind disk/l/base mnt
    run -1 lamina umount mnt
    [[ "$output" == *"not one of lamina"* ]]
    umount mnt
    [ "$(mounts)" = 1 ]
}

@test "in a user namespace, layers of one's own go on top of each other" {
    need_overlayfs
    need_userns
    user_folder home
    in_userns bash -e -c '
        cd "$HOME"
        mkdir top base upper work mnt
        echo top >top/both; echo base >base/both; echo base >base/one
        lamina overlay --userxattr --lower top:base --upper upper --work work mnt
        [ "$(cat mnt/both mnt/one | xargs)" = "top base" ]
        echo new >mnt/new
        lamina umount mnt
        [ "$(cat upper/new)" = new ]'
}

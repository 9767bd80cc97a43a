#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

# A repository with image "a" of $scratch/tree, made by root.
root_repository() {
    make_tree tree
    lamina init
    lamina import tree a
    mkdir mnt
}

# What the user does in his namespace: import as its root, so that the files are his root's.
user_repository() {
    user_folder home
    LAMINA_REPO=$scratch/home/repo
    chmod 755 "$scratch"
    mkdir tree
    [ "$(id -u)" -ne 0 ] || chown 1000:1000 tree
    in_userns bash -c '
        mkdir -p tree/deep; echo hello >tree/inline; seq 100000 >tree/big; ln tree/big tree/deep/link
        ln -s big tree/symlink; printf x >tree/one; chmod 4711 tree/one
        setfattr -n user.note -v value tree/big
        lamina init && lamina import tree a'
    user_folder home/mnt
}

same() { diff <(describe "$1") <(describe "$2"); }

@test "root: each mode shows the tree that was imported, and is gone after umount" {
    need_root
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    root_repository
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode a mnt
        same tree mnt
        diff <(xattrs tree) <(xattrs mnt)
        [ "$(getfattr --only-values -n trusted.note mnt/deep)" = value ]
        [ "$(find mnt -links 2 -type f | wc -l)" = 2 ]
        run ! touch mnt/new
        lamina umount mnt
        [ -z "$(ls mnt)" ]
    done
}

@test "root: an image file takes its objects from --objects, and no objects is an error" {
    need_root
    need_fuse
    make_tree tree
    lamina build --objects objects tree image.erofs
    mkdir mnt
    run -1 lamina mount ./image.erofs mnt
    [[ "$output" == *"--objects"* ]]
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode --objects objects image.erofs mnt
        same tree mnt
        lamina umount mnt
    done
}

@test "root: contents are found in the second of two object directories" {
    need_root
    need_fuse
    make_tree tree
    lamina build --objects objects tree image.erofs
    mkdir mnt other
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode --objects other:objects image.erofs mnt
        same tree mnt
        lamina umount mnt
    done
}

@test "root: an upper directory takes the changes" {
    need_root
    need_fuse
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    root_repository
    for mode in kernel overlay; do
        mkdir "upper-$mode" "work-$mode"
        lamina mount --mode $mode --upper "upper-$mode" --work "work-$mode" a mnt
        echo changed >mnt/inline
        rm mnt/none
        echo more >>mnt/big
        lamina umount mnt
        [ "$(cat "upper-$mode/inline")" = changed ]
        [ -c "upper-$mode/none" ]
        [ "$(stat -c %s "upper-$mode/big")" = 100005 ]
    done
    run -1 lamina mount --mode standalone --upper upper-kernel --work work-kernel a mnt
    [[ "$output" == *"read-only"* ]]
    run -1 lamina mount --upper upper-kernel a mnt
    [[ "$output" == *"go together"* ]]
}

@test "user namespace: overlay over our server shows the tree, data by the kernel" {
    need_fuse
    need_userns
    user_repository
    in_userns bash -c '
        lamina mount --mode overlay a "$HOME/mnt" &&
        diff -r tree "$HOME/mnt" &&
        [ "$(stat -c %a:%U "$HOME/mnt/one")" = 4711:root ] &&
        [ "$(getfattr --only-values -n user.note "$HOME/mnt/big")" = value ] &&
        grep -q " $HOME/mnt .* - overlay lamina:a " /proc/self/mountinfo &&
        lamina umount "$HOME/mnt" && [ -z "$(ls "$HOME/mnt")" ]'
}

@test "user namespace: auto takes overlay; a program of the image runs" {
    need_fuse
    need_userns
    user_folder home
    LAMINA_REPO=$scratch/home/repo
    mkdir -p tree/bin tree/lib64
    cp "$(command -v busybox || command -v sh)" tree/bin/sh
    ldd tree/bin/sh | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "tree$(dirname "$library")"
        cp -L "$library" "tree$library"
    done
    user_folder home/mnt
    run -0 in_userns bash -c '
        lamina init >&2 && lamina import tree a >&2 && lamina mount a "$HOME/mnt" &&
        lamina mount --explain a "$HOME/mnt" >&2 &&
        chroot "$HOME/mnt" /bin/sh -c "echo ran inside" && lamina umount "$HOME/mnt"'
    [[ "$output" == *"overlay      yes"* ]]
    [[ "$output" == *"ran inside"* ]]
}

@test "user namespace: standalone serves data itself" {
    need_fuse
    need_userns
    user_repository
    in_userns bash -c '
        lamina mount --mode standalone a "$HOME/mnt" &&
        diff -r tree "$HOME/mnt" &&
        [ "$(stat -c %h "$HOME/mnt/big")" = 2 ] &&
        grep -q " $HOME/mnt .* - fuse.lamina lamina:a " /proc/self/mountinfo &&
        lamina umount "$HOME/mnt" && [ -z "$(ls "$HOME/mnt")" ]'
}

@test "user namespace: an upper directory takes the changes" {
    need_fuse
    need_userns
    user_repository
    in_userns bash -c '
        mkdir "$HOME/upper" "$HOME/work" &&
        lamina mount --upper "$HOME/upper" --work "$HOME/work" a "$HOME/mnt" &&
        echo changed >"$HOME/mnt/inline" && rm "$HOME/mnt/one" && lamina umount "$HOME/mnt" &&
        [ "$(cat "$HOME/upper/inline")" = changed ] && [ -c "$HOME/upper/one" ]'
}

@test "user namespace: a mount and its server go with the namespace" {
    need_fuse
    need_userns
    user_repository
    in_userns bash -c '
        lamina mount --mode overlay a "$HOME/mnt" &&
        mkdir "$HOME/second" && lamina mount --mode standalone a "$HOME/second" &&
        cat "$HOME/mnt/inline" "$HOME/second/inline"'
    # finish() fails when a server is left
}

@test "user of the host: standalone by fusermount3" {
    need_fuse
    need fusermount "no fusermount3" command -v fusermount3
    user_repository
    as_user bash -c '
        lamina mount a "$HOME/mnt" &&
        [ "$(sha256sum <"$HOME/mnt/big")" = "$(sha256sum <tree/big)" ] &&
        lamina umount "$HOME/mnt" && [ -z "$(ls "$HOME/mnt")" ]'
}

@test "explain says which mode would be taken, and mounts nothing" {
    need_root
    root_repository
    run -0 lamina mount --explain --json a mnt
    [ "$(jq -r .mode <<<"$output")" = kernel ]
    run -0 lamina mount --explain --foreground a mnt
    [[ "$output" == *"kernel       no"*"--foreground"* ]]
    [ -z "$(ls mnt)" ]
}

@test "foreground: an interrupt unmounts and ends it" {
    need_root
    need_fuse
    root_repository
    lamina mount --mode standalone --foreground a mnt 3>&- &
    pid=$!
    # the mount answers when its first entry does: wait for the event in mountinfo
    timeout 20 bash -c 'until grep -q " $0/mnt " /proc/self/mountinfo; do :; done' "$scratch"
    [ "$(cat mnt/inline)" = hello ]
    kill -INT "$pid"
    wait "$pid"
    [ -z "$(ls mnt)" ]
}

@test "failures name their cause and leave nothing" {
    need_root
    need_fuse
    root_repository
    run -1 lamina mount nothing mnt
    [[ "$output" == "lamina: cannot mount 'nothing' at 'mnt': "* ]]
    run -1 lamina mount a nowhere
    [[ "$output" == *"nowhere"* ]]
    run -1 lamina mount a tree/inline
    run -2 lamina mount --mode bogus a mnt
    run -2 lamina mount a
    head -c 8192 /dev/urandom >broken
    for mode in overlay standalone; do
        run -3 lamina mount --mode $mode --objects repo/objects ./broken mnt
    done
    run -1 lamina umount mnt
    [[ "$output" == *"not a mount point"* ]]
    [ -z "$(ls mnt)" ]
}

@test "a missing object is an error when it is opened, not before" {
    need_root
    need_fuse
    root_repository
    object=$(lamina objects a | head -n 1)
    rm "repo/objects/$object"
    for mode in kernel overlay standalone; do
        lamina mount --mode $mode a mnt
        [ "$(find mnt | wc -l)" = "$(find tree | wc -l)" ]
        run ! cat mnt/big mnt/deep/just-external
        lamina umount mnt
    done
}

@test "a server that is killed leaves a mount that answers an error at once, and can be unmounted" {
    need_root
    need_fuse
    root_repository
    run -0 lamina mount --mode standalone --json a mnt
    pid=$(jq .server_pid <<<"$output")
    kill -9 "$pid"
    run -2 timeout 5 ls mnt
    echo "ls: $output"
    # the first one may come while the kernel takes the rings down
    [[ "$output" == *"not connected"* || "$output" == *"connection abort"* ]]
    lamina umount mnt
}

# The contents of all regular files, by path.
contents() {
    (cd "$1" && find . -type f -exec sha256sum {} + | sort -k 2)
}

@test "how a mount is served can be chosen, and is told" {
    need_root
    need_fuse
    root_repository
    run -0 lamina mount --mode standalone --transport device --threads 2 --passthrough off --json a mnt
    [ "$(jq -r .transport,.passthrough <<<"$output" | xargs)" = "device false" ]
    [ "$(contents tree)" = "$(contents mnt)" ]
    lamina umount mnt
    run -0 lamina mount --mode standalone --passthrough on --json a mnt
    [ "$(jq .passthrough <<<"$output")" = true ]
    [ "$(contents tree)" = "$(contents mnt)" ]
    lamina umount mnt
    run -0 lamina mount --mode overlay --serve-below 4096 a mnt
    [ "$(contents tree)" = "$(contents mnt)" ]
    lamina umount mnt
    run -2 lamina mount --transport carrier-pigeon a mnt
    [[ "$stderr$output" == *"'--transport' is one of auto, device, uring, not 'carrier-pigeon'"* ]]
    run -2 lamina mount --threads 1000 a mnt
}

@test "a missing object is told once, however files are opened" {
    need_root
    need_fuse
    root_repository
    object=$(lamina objects a | head -n 1)
    rm "repo/objects/$object"
    for options in "--check-open" "--passthrough off"; do
        # shellcheck disable=SC2086 # two words
        lamina mount --foreground --mode standalone --passthrough off $options a mnt 2>said &
        server=$!
        until mountpoint -q mnt; do sleep 0.05; done
        # of all files one object is missing; each is opened and read twice
        for _ in 1 2; do
            find mnt -type f -exec cat {} + >/dev/null 2>errors || true
            grep -q 'No such file' errors
        done
        lamina umount mnt
        wait "$server"
        grep "object $object, of inode [0-9]*: cannot be opened: No such file or directory" said
        [ "$(grep -c "$object" said)" -le "$(grep -c 'No such file' errors)" ]
    done
}

# files of mnt that open(2) refuses
unopened() {
    find mnt -type f | while read -r file; do
        { : <"$file"; } 2>/dev/null || echo "$file"
    done
}

@test "a missing object is found at open unless it went away later, and all are looked for once" {
    need_root
    need_fuse
    root_repository
    object=$(lamina objects a | head -n 1)
    mv "repo/objects/$object" away
    lamina mount --foreground --mode standalone --passthrough off a mnt 2>said &
    server=$!
    until mountpoint -q mnt; do sleep 0.05; done
    [ "$(unopened | wc -l)" -ge 1 ]
    until grep -q 'contents of the image are missing: each file is looked for' said; do sleep 0.05; done
    [ "$(unopened | wc -l)" -ge 1 ]
    mv away "repo/objects/$object"
    [ "$(unopened | wc -l)" = 0 ]
    lamina umount mnt
    wait "$server"
    # with all of it there nobody is asked any more, and what goes away then is found when it is read
    lamina mount --mode standalone --passthrough off a mnt
    # the thread that looks ends within a moment of the first open; the next one learns what it found
    [ "$(unopened | wc -l)" = 0 ]
    sleep 2
    [ "$(unopened | wc -l)" = 0 ]
    mv "repo/objects/$object" away
    [ "$(unopened | wc -l)" = 0 ]
    run -1 find mnt -type f -exec cat {} +
    [[ "$stderr$output" == *"No such file"* ]]
    lamina umount mnt
}

@test "an image with a million entries mounts as fast as a small one, and takes no more memory" {
    need_root
    need_fuse
    {
        echo '/ 0 40755 1 0 0 0 0.0 - - -'
        for d in $(seq 1000); do
            echo "/d$d 0 40755 1 0 0 0 0.0 - - -"
            seq -f "/d$d/file-%.0f 0 100644 1 0 0 0 0.0 - - -" 1000
        done
    } >many.dump
    lamina build many.dump many.erofs
    mkdir mnt objects
    # without the allocator's test pattern, which touches what the server never would
    run -0 env -u MALLOC_PERTURB_ lamina mount --mode standalone --objects objects --json many.erofs mnt
    pid=$(jq .server_pid <<<"$output")
    [ "$(ls mnt/d77 | wc -l)" = 1000 ]
    [ "$(find mnt -type f | wc -l)" = 1000000 ]
    # what is the server's own: the pages of the image are the page cache's, shared by all its mounts
    private=$(awk '/^Anonymous/ { print $2 }' "/proc/$pid/smaps_rollup")
    echo "private: $private KiB"
    # a sanitizer's shadow memory is not the server's
    ldd "$scratch/bin/lamina" | grep -Eq 'lib[at]san' || [ "$private" -lt 2048 ]
    lamina umount mnt
}

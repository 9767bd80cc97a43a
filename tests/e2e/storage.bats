#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Pulls from the stores of podman and buildah, compared with what these make of the same images.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    lamina init
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/store"\nrunroot = "%s/run"\n' "$scratch" "$scratch" \
        >storage.conf
    export CONTAINERS_STORAGE_CONF=$scratch/storage.conf
}
teardown() {
    for folder in store/overlay shared/overlay shown/overlay/*/diff; do # podman leaves it mounted onto itself
        [ ! -d "$folder" ] || umount "$folder" 2>/dev/null || true
    done
    finish
}

make_image() { python3 "$LAMINA_SOURCE_ROOT/tests/tools/make-oci-image.py" "$@"; }

need_tools() {
    need_root
    need podman "package $1 is missing" command -v "$1"
}

engine() {
    local program=$1 driver=$2
    shift 2
    "$program" --root "$scratch/store" --runroot "$scratch/run" --storage-driver "$driver" "$@"
}

# Two layers with what files can be: one of a tree, one that changes it.
build_image() {
    local driver=$1 name=$2 container mount
    make_tree tree
    mkdir -p tree/usr/bin tree/gone "tree/$(printf 'a-rather-long-directory-name/%.0s' 1 2 3 4 5)"
    printf 'x' >tree/gone/file
    printf 'odd' >"tree/$(printf 'odd \377<>&"name')"
    truncate -s 3M tree/usr/sparse
    printf 'x' | dd of=tree/usr/sparse bs=1 seek=1000000 conv=notrunc status=none
    cp tree/big tree/usr/bin/capable
    setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 tree/usr/bin/capable
    chmod 600 tree/inline
    container=$(engine buildah "$driver" from scratch)
    engine buildah "$driver" copy -q "$container" tree / >/dev/null
    engine buildah "$driver" commit -q "$container" localhost/base >/dev/null
    engine buildah "$driver" rm "$container" >/dev/null
    container=$(engine buildah "$driver" from localhost/base)
    mount=$(engine buildah "$driver" mount "$container")
    rm -rf "$mount/gone" "$mount/deep/link"
    printf 'changed, and longer than what is inline: %100s\n' x >"$mount/inline"
    mkdir "$mount/new"
    engine buildah "$driver" umount "$container" >/dev/null
    engine buildah "$driver" commit -q "$container" "$name" >/dev/null
    engine buildah "$driver" rm "$container" >/dev/null
}

# A tree without the root's metadata, which composefs-rs changes by rule, and without sizes of directories.
describe_image() { describe "$1" | grep -v '^|d|'; }
image_xattrs() { xattrs "$1" | grep -v '^user\.\|^trusted\.overlay\.\|^user\.overlay\.' | grep -v '^$\|^# file'; }

all_of() { (cd "$1" && find . -printf '%P|%y|%m|%U|%G|%s|%l|%T@|%C@\n' | sort); }

same_as_engine() {
    local driver=$1 name=$2 mount
    mkdir -p mnt
    lamina mount "$name" mnt
    mount=$(engine podman "$driver" image mount "$name")
    diff <(describe_image "$mount") <(describe_image mnt)
    diff <(image_xattrs "$mount") <(image_xattrs mnt)
    engine podman "$driver" image umount "$name" >/dev/null
    lamina umount mnt
}

for_driver() {
    local driver=$1
    build_image "$driver" localhost/it:1
    run -0 --separate-stderr lamina pull "containers-storage:[$driver@$scratch/store+$scratch/run]localhost/it:1"
    [ "$output" = "$(engine podman "$driver" image inspect --format '{{.Digest}}' localhost/it:1)" ]
    same_as_engine "$driver" localhost/it:1
}

@test "an image of an overlay store mounts as podman mounts it" {
    need_tools buildah
    for_driver overlay
}

@test "an image of a vfs store mounts as podman mounts it" {
    need_tools buildah
    for_driver vfs
}

@test "an image is the same from the store as from where the store has it from" {
    need_tools skopeo
    for how in gzip zstd; do
        expected=$(make_image "img-$how" --name it --layers 3 --compression "$how")
        skopeo --insecure-policy copy -q "oci:img-$how:it" "containers-storage:localhost/it:$how"
        run -0 --separate-stderr lamina pull "containers-storage:localhost/it:$how"
        [ "$output" = "$expected" ]
        LAMINA_REPO=$scratch/other lamina init
        LAMINA_REPO=$scratch/other lamina pull --json "oci:img-$how:it" |
            jq -r .image >expected
        [ "$(lamina pull --json "containers-storage:localhost/it:$how" | jq -r .image)" = "$(cat expected)" ]
        rm -rf other
    done
    run -0 lamina fsck
}

@test "nothing in the store changes" {
    need_tools skopeo
    make_image img --name it --layers 2
    skopeo --insecure-policy copy -q oci:img:it containers-storage:localhost/it:1
    all_of store >before
    lamina pull containers-storage:localhost/it:1
    diff before <(all_of store)
}

@test "the environment, the configuration and additional stores say where images are" {
    need_tools skopeo
    make_image img --name it --layers 2
    skopeo --insecure-policy copy -q oci:img:it "containers-storage:[overlay@$scratch/shared+$scratch/run]localhost/it:1"
    run -1 lamina pull containers-storage:localhost/it:1
    [[ $output == *"there is no store at '$scratch/store'"* ]]
    printf '[storage.options]\nadditionalimagestores = [ "%s/shared" ]\n' "$scratch" >>storage.conf
    lamina pull containers-storage:localhost/it:1
    id=$(skopeo inspect --raw oci:img:it | jq -r .config.digest)
    id=${id##*:}
    lamina pull "containers-storage:$id" by-id
    lamina pull "containers-storage:${id:0:12}"
    [ "$(lamina images --json | jq -r '[.images[].name] | sort | join(" ")')" = "by-id localhost/it:1" ]
}

@test "a damaged store gives nothing" {
    need_tools skopeo
    make_image img --name it --layers 2
    skopeo --insecure-policy copy -q oci:img:it containers-storage:localhost/it:1
    file=$(find store/overlay -name file-1)
    cp -p "$file" kept
    printf 'X' | dd of="$file" bs=1 conv=notrunc status=none
    run -3 lamina pull containers-storage:localhost/it:1
    [[ $output == *"not to the sha256:"* ]]
    rm "$file"
    run -3 lamina pull containers-storage:localhost/it:1
    [[ $output == *"there is no 'usr/file-1'"* ]]
    cp -p kept "$file"
    truncate -s 100 store/overlay-layers/*.tar-split.gz
    run -3 lamina pull containers-storage:localhost/it:1
    [ -z "$(lamina images --json | jq -r '.images[].name')" ]
    lamina gc
    lamina fsck
}

@test "compressed layers cannot be kept, and that is said" {
    need_tools skopeo
    make_image img --name it --layers 1
    skopeo --insecure-policy copy -q oci:img:it containers-storage:localhost/it:1
    run -1 lamina pull --keep-blobs containers-storage:localhost/it:1
    [[ $output == *"unpacked only"* ]]
}

# What podman unpacks for a user belongs to his subordinate ids where the image says so.
@test "what only root of the user's namespace can read comes with a hint" {
    need_tools skopeo
    need_userns
    make_image img --name it --layers 1
    skopeo --insecure-policy copy -q oci:img:it containers-storage:localhost/it:1
    chown -R 1000:1000 store
    file=$(find store/overlay -name file-0)
    chown 0:0 "$file"
    chmod 600 "$file"
    user_folder "$scratch/users"
    export LAMINA_REPO=$scratch/users/repo
    as_user lamina init
    run -1 as_user env CONTAINERS_STORAGE_CONF="$CONTAINERS_STORAGE_CONF" lamina pull containers-storage:localhost/it:1
    [[ $output == *"cannot open 'usr/file-0'"* ]]
    [[ $output == *"hint: lamina unshare lamina pull 'containers-storage:localhost/it:1'"* ]]
    chown 1000:1000 "$file"
    in_userns env CONTAINERS_STORAGE_CONF="$CONTAINERS_STORAGE_CONF" lamina pull containers-storage:localhost/it:1
}

# podman run, as far as this machine lets it: with limits that it may set, no network, and, where cgroups are
# of both versions (which crun refuses), in a mount namespace that shows the second one only.
podman_run() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare -m sh -c '
        if [ -d /sys/fs/cgroup/unified ]; then
            umount -R /sys/fs/cgroup
            mount -t cgroup2 cgroup2 /sys/fs/cgroup
        fi
        exec "$@"' sh \
        podman --tmpdir "$scratch/libpod" --cgroup-manager cgroupfs \
        run --rm --network none --cgroups=disabled --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 "$@"
}

static_busybox() { command -v busybox && ! ldd "$(command -v busybox)"; }

# Image localhost/bb:1 in the repository: a shell that says hello.
pull_shell() {
    need busybox "a static busybox is not installed" static_busybox
    mkdir -p bb/bin bb/etc
    cp "$(command -v busybox)" bb/bin/busybox
    for name in sh ls cat; do ln -s busybox "bb/bin/$name"; done
    printf 'root:x:0:0::/:/bin/sh\n' >bb/etc/passwd
    umoci init --layout built
    umoci new --image built:bb
    umoci insert --image built:bb bb / >/dev/null
    umoci config --image built:bb --config.cmd sh --config.cmd=-c --config.cmd 'echo hello'
    lamina pull oci:built:bb localhost/bb:1
}

@test "podman runs a mounted image by --rootfs" {
    need_tools umoci
    need podman "package podman is missing" command -v podman
    pull_shell
    mkdir -p mnt
    lamina mount localhost/bb:1 mnt
    run -0 --separate-stderr podman_run --rootfs "$scratch/mnt:O" sh -c 'echo x >/new && cat /new /etc/passwd'
    [ "$output" = "x
root:x:0:0::/:/bin/sh" ]
    [ ! -e mnt/new ]
    lamina umount mnt
    lamina mount --ephemeral localhost/bb:1 mnt
    run -0 --separate-stderr podman_run --rootfs "$scratch/mnt" sh -c 'echo x >/new && cat /new'
    [ "$output" = x ]
    [ -e mnt/new ]
    lamina umount mnt
}

@test "podman runs images of a store that lamina shows, without a copy" {
    need_tools umoci
    need podman "package podman is missing" command -v podman
    pull_shell
    run -0 lamina as-store "$scratch/shown" localhost/bb:1
    [ "$output" = localhost/bb:1 ]
    printf '[storage.options]\nadditionalimagestores = [ "%s/shown" ]\n' "$scratch" >>storage.conf
    id=$(lamina inspect --manifest localhost/bb:1 | jq -r .config.digest)
    podman --tmpdir "$scratch/libpod" images --format json >shown.json
    [ "$(jq -r '.[] | "sha256:\(.Id) \(.Names[0]) \(.ReadOnly)"' shown.json)" = "$id localhost/bb:1 true" ]
    run -0 --separate-stderr podman_run --pull=never localhost/bb:1
    [ "$output" = hello ]
    run -0 --separate-stderr podman_run --pull=never localhost/bb:1 sh -c 'echo x >/new && cat /new'
    [ "$output" = x ]
    [ -z "$(find store -name busybox)" ]
    # what is one layer here is none of the image's: nobody gets it for one
    run ! podman --tmpdir "$scratch/libpod" save -q -o saved.tar localhost/bb:1
    run -3 lamina pull "containers-storage:[overlay@$scratch/shown]localhost/bb:1" again
    # as after a reboot
    lamina umount shown/overlay/*/diff
    run ! podman_run --pull=never localhost/bb:1
    lamina as-store "$scratch/shown" localhost/bb:1
    run -0 --separate-stderr podman_run --pull=never localhost/bb:1
    [ "$output" = hello ]
    # there already
    run -0 lamina as-store --json "$scratch/shown" localhost/bb:1
    [ "$(jq -c .images <<<"$output")" = '["localhost/bb:1"]' ]
    [ "$(grep -c "$scratch/shown/overlay/.*/diff" /proc/self/mountinfo)" = 1 ]
}

@test "what podman cannot have is refused, and nothing of it is left" {
    make_tree tree
    lamina import -q tree plain
    run -1 lamina as-store "$scratch/shown" plain
    run -1 lamina as-store "$scratch/shown" nothing
    [ ! -e shown ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Lazy pulls, from a registry that counts what it is asked for and misbehaves on demand.
load lib
load registry
bats_require_minimum_version 1.5.0

setup() {
    start
    export REGISTRY_AUTH_FILE=/nowhere CONTAINERS_REGISTRIES_CONF=/dev/null
    lamina init --insecure repo
    mkdir reg mnt
}
teardown() {
    for mount in mnt mnt2 plain; do if mountpoint -q "$scratch/$mount"; then umount "$scratch/$mount"; fi; done
    stop_layouts
    stop_registry
    # a fill that was left to itself
    for pid in $(servers); do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in lamina-fill) kill "$pid" && gone "$pid" ;; esac
    done
    finish
}

# tests/tools/layout-registry.py: $at is where.
start_layouts() {
    coproc layout_server { exec python3 "$LAMINA_SOURCE_ROOT/tests/tools/layout-registry.py" reg "$@" 3>&-; }
    layouts=$layout_server_PID
    read -r -u "${layout_server[0]}" layouts_port
    at=127.0.0.1:$layouts_port
}
stop_layouts() {
    [ -z "${layouts:-}" ] || { kill "$layouts" && wait "$layouts" || true; }
    layouts=
}

pull() { lamina pull -q --tls-verify=false "$@"; }
lazily() { pull --lazy --no-fill "$@"; }

# image COMPRESSION [OPTION...]: in repository img; starts the registry.
image() {
    make_image reg/img --compression "$@" >digest
    start_layouts
}

# Bytes of blobs that the registry has sent since the last call.
sent() {
    awk '$1 == "blob" { n += $4 } END { print n + 0 }' reg/log
    : >reg/log
}

# Everything of a repository but lamina's own part of it.
contents_of() { (cd "$1" && find objects streams images \( -type l -printf '%p %l\n' -o -type f -print \) | sort); }

# mount_lazy [OPTION...]: the image at mnt, and its server.
mount_lazy() { server=$(lamina mount --json "$@" "$at/img" mnt | jq .server_pid); }
# All of a lazy mount that is at mnt: the fetcher ends after the server.
unmount_lazy() {
    umount mnt
    for pid in $(servers); do gone "$pid"; done
}
comm_of() {
    local pid
    for pid in $(servers); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || echo "$pid"
    done
}

# In a process that is not kept: reading has to fail with EIO.
fails_to_read() { run cat "$1"; [ "$status" -ne 0 ] && [[ "$output" == *"Input/output error"* ]]; }

same_as_eager() {
    image "$1"
    lazily "$at/img"
    [ -z "$(find repo/objects -type f)" ] || [ "$1" = lazy ]
    # before anything but the tables was fetched
    all=$(jq '[.layers[].size] | add' "reg/img/blobs/sha256/$(cut -d: -f2 digest)")
    [ "$1" = lazy ] || [ "$(sent)" -lt $((all / 4)) ]
    lamina fsck
    mount_lazy
    lamina init --insecure eager
    pull --repo eager "$at/img" e
    mkdir mnt-eager
    lamina mount --repo eager --mode standalone e mnt-eager
    diff <(describe mnt-eager) <(describe mnt)
    diff <(xattrs mnt-eager) <(xattrs mnt)
    lamina fsck
    umount mnt mnt-eager
    pull "$at/img" e
    diff <(contents_of eager | grep -v streams/refs) <(contents_of repo | grep -v streams/refs)
    [ "$(lamina inspect --repo eager --json e | jq -r .image)" = "$(lamina inspect --json e | jq -r .image)" ]
    [ "$(lamina images --json | jq '[.images[].lazy] | any')" = false ]
    lamina fsck
}

@test "zstd:chunked shows what an eager pull shows, and becomes the same image" {
    need_fuse
    same_as_eager zstd-chunked
}
@test "eStargz shows what an eager pull shows, and becomes the same image" {
    need_fuse
    same_as_eager estargz
}
@test "eStargz with several files in a member does, too" {
    need_fuse
    same_as_eager estargz-inner
}
@test "an image with layers of all kinds does, too" {
    need_fuse
    same_as_eager lazy
}

@test "a mount starts before contents are there, and brings what is read" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    sent >/dev/null
    mount_lazy
    find mnt -printf '%P %m %s\n' >/dev/null
    [ "$(sent)" = 0 ]
    # a file of 200,000 bytes of hex digits, by one request, and once
    sha256sum mnt/usr/bin/tool
    [ "$(grep -c blob reg/log)" = 1 ]
    part=$(sent)
    [ "$part" -gt 50000 ] && [ "$part" -lt 200000 ]
    cmp mnt/usr/bin/tool mnt/usr/bin/link
    echo 3 >/proc/sys/vm/drop_caches || true
    cat mnt/usr/bin/tool >/dev/null
    [ "$(sent)" = 0 ]
    # of a file that is mostly zeros, the rest
    [ "$(stat -c %s mnt/usr/share/holes)" = 461000 ]
    cat mnt/usr/share/holes | sha256sum
    [ "$(sent)" -lt 70000 ]
}

@test "several readers of one file share a request" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    mount_lazy
    sent >/dev/null
    for _ in $(seq 8); do cat mnt/usr/bin/tool >/dev/null & readers="${readers:-} $!"; done
    # shellcheck disable=SC2086 # several
    wait $readers
    [ "$(grep -c blob reg/log)" = 1 ]
}

@test "what is wrong with contents is an error, and never wrong contents" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    mount_lazy
    for how in wrong cut=100 broken whole; do
        echo "$how" >reg/how
        fails_to_read mnt/usr/bin/tool
        [ -z "$(find repo/lamina/lazy -path '*files/??/*')" ]
        # others are not hurt
        [ "$(readlink mnt/usr/bin/symlink)" = tool ]
        [ "$(stat -c %s mnt/usr/bin/tool)" = 200000 ]
        sleep 2.1
    done
    : >reg/how
    [ "$(sha256sum <mnt/usr/bin/tool)" = "$(python3 - <<'P'
import hashlib
out, block = bytearray(), b"tool"
while len(out) < 200_000:
    block = hashlib.sha256(block).digest()
    out += block.hex().encode()
print(hashlib.sha256(out[:200_000]).hexdigest() + "  -")
P
)" ]
}

@test "a table that says what is not so never shows it" {
    need_fuse
    image zstd-chunked
    for lie in digest size; do
        make_image "reg/$lie" --compression zstd-chunked --lie "$lie"
        lazily "$at/$lie"
        lamina mount "$at/$lie" mnt
        fails_to_read mnt/etc/variant
        [ "$(stat -c %s mnt/etc/variant)" = $((400 + (${#lie} == 4))) ]
        cat mnt/etc/kept >/dev/null
        umount mnt
    done
    # what makes no sense to begin with is pulled as any other layer
    make_image reg/offset --compression zstd-chunked --lie offset
    run -0 lamina pull --lazy --no-fill --tls-verify=false "$at/offset"
    [[ "$output" == *"lazy: layer "*"table of contents: entry "*"not in the blob"* ]]
    lamina mount "$at/offset" mnt
    find mnt -type f -exec cat {} + >/dev/null
}

@test "a table that is not the one of the manifest is not used" {
    image zstd-chunked
    echo wrong >reg/how
    run -0 lamina pull --lazy --no-fill --tls-verify=false "$at/img"
    [[ "$output" == *"not lazy: layer 1 of 5: table of contents: it has not the digest"* ]]
    [ "$(lamina images --json | jq '.images[0].lazy')" = false ]
    lamina fsck
}

@test "a registry without ranges is pulled from as ever" {
    image estargz
    echo whole >reg/how
    run -0 lamina pull --lazy --no-fill --tls-verify=false "$at/img"
    [[ "$output" == *"not lazy: layer 1 of 5:"*"as a whole only"* ]]
    [ "$(lamina images --json | jq '.images[0].lazy')" = false ]
    [ ! -e repo/lamina/lazy ] || [ -z "$(ls -A repo/lamina/lazy)" ]
    lamina fsck
}

@test "layers without a table are pulled as ever, and so is what is no registry" {
    image gzip
    run -0 lamina pull --lazy --no-fill --tls-verify=false "$at/img"
    [[ "$output" == *"not lazy: layer 1 of 4: it has no table of contents"* ]]
    run -0 lamina pull --lazy oci:reg/img other
    [[ "$output" == *"not lazy: only images in a registry"* ]]
    run -2 lamina pull --no-fill "$at/img"
    run -2 lamina pull --lazy --bootable "$at/img"
    lamina fsck
}

@test "without the registry, what is here is served, and what is not fails soon" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    mount_lazy
    before=$(sha256sum <mnt/usr/bin/tool)
    stop_layouts
    [ "$(sha256sum <mnt/usr/bin/tool)" = "$before" ]
    fails_to_read mnt/etc/kept
    find mnt -printf '%P %m %s\n' >/dev/null
    # everybody is told at once for a while
    for file in mnt/usr/share/holes mnt/etc/variant mnt/var/cache/new; do fails_to_read "$file"; done
    sleep 2.1
    start_layouts "$layouts_port"
    cat mnt/etc/kept >/dev/null
}

@test "readers who wait stop nobody else" {
    need_fuse
    image zstd-chunked --layers 40 --size 300000
    lazily "$at/img"
    mount_lazy
    cat mnt/usr/file-0 >/dev/null
    echo silent >reg/how
    # more than the kernel sends ahead unless it is told to, and than the fetcher has threads
    readers=
    for i in $(seq 39); do timeout 10 cat "mnt/usr/file-$i" >/dev/null 2>&1 & readers="$readers $!"; done
    sleep 1
    timeout 5 find mnt -printf '%P %m %s\n' >/dev/null
    # what is here, and not in the kernel's cache
    dd if=mnt/usr/file-0 iflag=nocache count=0 2>/dev/null
    [ "$(timeout 5 cat mnt/usr/file-0 | wc -c)" = 300000 ]
    stop_layouts
    # shellcheck disable=SC2086 # several
    wait $readers || true
}

@test "a fetcher that is killed is started again, and one that is gone is an error" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    mount_lazy
    kill -KILL "$(comm_of lamina-fetcher)"
    # what comes now waits for the next one
    cat mnt/usr/bin/tool >/dev/null
    # nobody starts it again any more
    kill -KILL "$(comm_of lamina-fetching)"
    kill -KILL "$(comm_of lamina-fetcher)"
    fails_to_read mnt/etc/kept
    cat mnt/usr/bin/tool >/dev/null
}

@test "a crashed server is replaced, and goes on bringing contents" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    mount_lazy
    kill -KILL "$server"
    [ "$(stat -c %s mnt/usr/bin/tool)" = 200000 ]
    cat mnt/usr/bin/tool >/dev/null
}

@test "nothing is left of a mount when it is gone" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    mount_lazy
    [ -n "$(comm_of lamina-fetcher)" ]
    unmount_lazy
}

@test "a lazy mount can be written to" {
    need_root
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    lamina mount --ephemeral "$at/img" mnt
    echo more >>mnt/etc/kept
    [ "$(stat -c %s mnt/etc/kept)" = 305 ]
    [ "$(tail -n 1 mnt/etc/kept | tail -c 5)" = more ]
    cat mnt/usr/bin/tool >/dev/null
    umount mnt
    run -1 lamina mount --mode kernel "$at/img" mnt
    [[ "$output" == *"the image was pulled lazily"* ]]
    run -1 lamina mount --verity require "$at/img" mnt
    [[ "$output" == *"the image was pulled lazily"* ]]
    run -1 lamina mount --check-open --mode standalone "$at/img" mnt
    [[ "$output" == *"--check-open is not for an image that was pulled lazily"* ]]
}

@test "the rest comes in the background, and mounts go on without the registry" {
    need_fuse
    image lazy
    lazily "$at/img"
    mount_lazy
    cat mnt/usr/bin/tool >/dev/null
    pull --lazy "$at/img"
    for _ in $(seq 100); do
        [ "$(lamina images --json | jq '[.images[].lazy] | any')" = true ] || break
        sleep 0.1
    done
    lamina fsck
    [ "$(lamina images --json | jq '[.images[].lazy] | any')" = false ]
    stop_layouts
    mkdir mnt2
    lamina mount --mode standalone "$at/img" mnt2
    diff <(describe mnt2) <(describe mnt)
    lamina gc
    diff <(describe mnt2) <(describe mnt)
    umount mnt2
    unmount_lazy
    lamina gc
    [ -z "$(find repo/lamina/lazy -name 'sha256-*')" ]
    lamina fsck
}

@test "an image whose fill has failed is mounted, and finished by a pull" {
    need_fuse
    image zstd-chunked
    echo parts >reg/how
    lamina pull -q --lazy --tls-verify=false "$at/img"
    for _ in $(seq 100); do
        [ "$(lamina inspect --json "$at/img" | jq -r .fill)" != failed ] || break
        sleep 0.1
    done
    [[ "$(lamina inspect "$at/img")" == *"fill        failed"*"layer "*" of 5"* ]]
    lamina fsck
    mount_lazy
    cat mnt/usr/bin/tool >/dev/null
    unmount_lazy
    : >reg/how
    pull "$at/img"
    [ "$(lamina images --json | jq '.images[0].lazy')" = false ]
    [ -z "$(find repo/lamina/lazy -name 'sha256-*')" ]
    lamina fsck
}

# A folder of objects that cannot be looked into for now: as a disk that fails.
@test "what may be there is not collected from a lazy image" {
    image lazy
    lazily "$at/img"
    stream=$(jq -r '[.layers[].stream // empty | select(. != "")][0]' repo/lamina/lazy/sha256-*/state.json)
    hex=${stream##*:}
    [ -e "repo/objects/${hex:0:2}/${hex:2}" ]
    # nothing but the lazy image leads to it
    find repo/streams -type l -lname "*/${hex:0:2}/${hex:2}" -delete
    before=$(find repo/objects -type f | sort)
    mv "repo/objects/${hex:0:2}" aside
    ln -s "${hex:0:2}" "repo/objects/${hex:0:2}"
    run -1 lamina gc
    rm "repo/objects/${hex:0:2}"
    mv aside "repo/objects/${hex:0:2}"
    [ "$before" = "$(find repo/objects -type f | sort)" ]
    lamina gc
    [ "$before" = "$(find repo/objects -type f | sort)" ]
}

@test "names of lazy images are shown, given and taken away, and what no name leads to goes" {
    need_fuse
    image lazy
    lazily "$at/img"
    [[ "$(lamina images)" == *"$at/img:latest  (lazy, 0 % here)"* ]]
    mount_lazy
    find mnt -type f -exec cat {} + >/dev/null
    [[ "$(lamina images)" == *"(lazy, 100 % here)"* ]]
    [[ "$(lamina inspect "$at/img")" == *"files, "*"are here"* ]]
    [ "$(lamina inspect --json "$at/img" | jq -r .manifest)" = "$(cat digest)" ]
    lamina inspect --raw "$at/img" | sha256sum --check <(echo "$(cut -d: -f2 digest)  -")
    # the layer that was pulled as a whole has objects that it needs
    [[ "$(lamina df)" == *"unreferenced: 0,"* ]]
    # what is here of it is counted by itself
    run -0 lamina df --json
    [ "$(jq '[.names[] | select(.kind == "lazy") | .bytes][0] > 10000' <<<"$output")" = true ]
    [ "$(jq '[.names[] | select(.kind == "lazy") | .bytes][0] == .lazy_bytes' <<<"$output")" = true ]
    [[ "$(lamina df)" == *"of images that are not all here: "* ]]
    lamina tag "$at/img" second
    lamina rmi "$at/img"
    [ "$(lamina images --json | jq -r '.images[].name')" = second ]
    lamina rmi second
    # it is still mounted
    lamina gc
    [ "$(find repo/lamina/lazy -name 'sha256-*' | wc -l)" = 1 ]
    echo 3 >/proc/sys/vm/drop_caches || true
    find mnt -type f -exec cat {} + >/dev/null
    unmount_lazy
    lamina gc
    [ -z "$(find repo/lamina/lazy -name 'sha256-*')" ]
    [ -z "$(find repo/objects -type f)" ]
    run -1 lamina rmi second
}

@test "the rest of an image comes by the name that it was given, whatever its tag has become" {
    image lazy
    lazily "$at/img" it
    make_image reg/img --compression gzip --variant 1
    lamina pull -q it
    [ "$(lamina images --json | jq -c '[.images[] | [.name, .lazy, .manifest]]')" = "[[\"it\",false,\"$(cat digest)\"]]" ]
    run -1 lamina pull nothing-of-that-name
    lamina fsck
}

@test "another pull takes the tag" {
    image zstd-chunked
    lazily "$at/img" it
    make_image reg/other --compression gzip --variant 1
    pull "$at/other" it
    [ "$(lamina images --json | jq -c '[.images[] | [.name, .lazy]]')" = '[["it",false]]' ]
    lazily "$at/img" it
    [ "$(lamina images --json | jq -c '[.images[] | [.name, .lazy]]')" = '[["it",true]]' ]
    lamina fsck
}

@test "contents that another boot has left are verified before they are used" {
    need_fuse
    image zstd-chunked
    lazily "$at/img"
    mount_lazy
    cat mnt/usr/bin/tool mnt/etc/kept >/dev/null
    unmount_lazy
    large=$(find repo/lamina/lazy -path '*files/??/*' -size +100k)
    # as a power loss might have it: the size, and no bytes
    truncate -s 0 "$large" && truncate -s 200000 "$large"
    run -3 lamina fsck
    [[ "$output" == *lazy-contents-mismatch* ]]
    echo 00000000-0000-0000-0000-000000000000 >"$(echo repo/lamina/lazy/sha256-*/boot)"
    sent >/dev/null
    mount_lazy
    cat mnt/etc/kept >/dev/null
    [ "$(sent)" = 0 ]
    head -c 10 mnt/usr/bin/tool | grep -q '^[0-9a-f]*$'
    [ "$(sent)" -gt 50000 ]
    lamina fsck
}

@test "fsck finds what is wrong with a folder, and repairs what can be" {
    image lazy
    lazily "$at/img"
    lamina fsck
    folder=$(echo repo/lamina/lazy/sha256-*)
    for file in image.erofs table state.json manifest.json config.json; do
        cp "$folder/$file" saved
        truncate -s 10 "$folder/$file"
        run -3 lamina fsck
        [[ "$output" == *lazy-image-damaged* ]]
        cp saved "$folder/$file"
    done
    mkdir -p "$folder/files/00"
    echo wrong >"$folder/files/00/$(printf '%062d' 0)"
    run -3 lamina fsck
    [[ "$output" == *lazy-contents-mismatch* ]]
    run -3 lamina fsck --repair
    lamina fsck
    rm -r "$folder"
    run -3 lamina fsck
    [[ "$output" == *broken-symlink* ]]
    run -3 lamina fsck --repair
    lamina fsck
}

@test "what skopeo makes of an image is pulled lazily" {
    need_registry
    need_skopeo
    need_fuse
    start_registry
    make_image img --compression none
    skopeo copy -q --dest-tls-verify=false --dest-compress-format zstd:chunked oci:img "docker://$host/img" || skip "skopeo knows no zstd:chunked"
    lazily "$host/img" it
    [ "$(lamina images --json | jq '.images[0].lazy')" = true ]
    lamina mount it mnt
    lamina pull -q oci:img plain
    mkdir plain
    lamina mount --mode standalone plain plain
    diff <(describe plain) <(describe mnt)
}

@test "commands that need all of an image say that not all of it is here" {
    image zstd-chunked
    make_image other --compression none
    lamina pull -q oci:other it
    lazily "$at/img" it
    mkdir upper
    for command in "export it oci:out" "push it oci:out" "tag it oci:out" "commit --base it upper new"; do
        # shellcheck disable=SC2086 # words
        run lamina $command; echo "$command: $output"
        case $command in tag*) [ "$status" -eq 0 ] ;; *) [[ "$status" -ne 0 && "$output" == *"pulled lazily"* ]] ;; esac
    done
    lamina history it
    lamina layers it
}

@test "a lazily pulled image runs" {
    need_root
    need_fuse
    need crun "package crun is missing" command -v crun
    need busybox "package busybox-static is missing" command -v busybox
    image zstd-chunked --program "$(command -v busybox)"
    lazily "$at/img" it
    [ "$(lamina run --entrypoint /usr/bin/busybox it id -u)" = 1000 ]
    # by what the image's own files say, which are fetched for that
    [ "$(lamina run --entrypoint /usr/bin/busybox -u web it id -g)" = 330 ]
    [ "$(lamina images --json | jq '.images[0].lazy')" = true ]
}

@test "users without privilege mount lazily, too, in a namespace that ends" {
    need_userns
    need_fuse
    need sanitizer "a thread of the sanitizer keeps its namespace" sh -c '! ldd "$0" | grep -q libtsan' "$scratch/bin/lamina"
    image lazy
    user_folder user
    user_folder user/mnt
    export LAMINA_REPO=$scratch/user/repo
    as_user env -C user lamina init --insecure "$LAMINA_REPO"
    as_user env -C user lamina pull -q --lazy --no-fill --tls-verify=false "$at/img" it
    # shellcheck disable=SC2016 # expanded by the inner shell
    in_userns sh -ec 'lamina mount it user/mnt; sha256sum <user/mnt/usr/bin/tool; lamina mount --ephemeral it user/mnt
        echo more >>user/mnt/etc/kept; tail -c 5 user/mnt/etc/kept' >out
    [ "$(tail -n 1 out)" = more ]
    # nobody unmounted: all of it ends with the namespace
    for pid in $(comm_of lamina-fetcher) $(comm_of lamina-server); do gone "$pid"; done
    need fusermount "fusermount3 is missing" command -v fusermount3
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_user sh -ec 'lamina mount --mode standalone it user/mnt; sha256sum <user/mnt/usr/bin/tool; fusermount3 -u user/mnt' >helped
    [ "$(cat helped)" = "$(head -n 1 out)" ]
}

@test "a lazy pull or its fill that is killed anywhere leaves a clean repository" {
    image lazy
    for ms in 1 2 3 4 5 6 7 8 9 10 12 14 16 18 20 25 30 40; do
        timeout -s KILL "0.0$(printf %02d "$ms")" lamina pull -q --lazy --no-fill --tls-verify=false "$at/img" it || true
        lamina fsck
    done
    for _ in 1 2 3 4 5 6 7 8; do
        lamina pull -q --lazy --tls-verify=false "$at/img" it
        sleep "0.0$((RANDOM % 50 + 10))"
        for pid in $(comm_of lamina-fill); do kill -KILL "$pid" 2>/dev/null && gone "$pid"; done
        lamina fsck
        [ "$(lamina images --json | jq -r '.images[].manifest')" = "$(cat digest)" ]
    done
    pull "$at/img" it
    [ "$(lamina images --json | jq '.images[0].lazy')" = false ]
    lamina gc
    [ -z "$(ls -A repo/lamina/lazy | grep -v '^names$')" ]
    lamina fsck
}

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
    coproc layouts { exec python3 "$LAMINA_SOURCE_ROOT/tests/tools/layout-registry.py" reg "$@" 3>&-; }
    read -r -u "${layouts[0]}" layouts_port
    at=127.0.0.1:$layouts_port
}
stop_layouts() { [ -z "${layouts_PID:-}" ] || { kill "$layouts_PID" && wait "$layouts_PID" || true; }; }

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

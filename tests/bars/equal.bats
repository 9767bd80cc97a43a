#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Bar: what is pulled from a registry mounts as others unpack it. All metadata counts; what composefs-rs' transform
# changes is written in tree-listing.py, nothing else may differ.
load bars

setup() { bars_setup; }
teardown() { bars_teardown; }

@test "every image mounts as umoci unpacks it, entry by entry" {
    fill_registry
    lamina init
    for name in "${images[@]}"; do
        lamina pull -q --tls-verify=false "$host/bars/$name:1" "$name"
        umoci_listing "$(tree_of "$name")" "$scratch/umoci"
        lamina_listing "$name" "$scratch/ours"
        diff "$scratch/umoci" "$scratch/ours" | head -n 20 >"$scratch/difference"
        echo "# $name: $(wc -l <"$scratch/ours") entries, $(wc -l <"$scratch/difference") differences" >&3
        cat "$scratch/difference"
        [ ! -s "$scratch/difference" ]
        [ "$(wc -l <"$scratch/ours")" -gt 20 ]
        cat "$scratch/ours" >>"$scratch/all"
    done
    # nothing of what was to be compared is missing from the images; Go's writers keep no fractions of a second, ours does
    for what in '"kind": "char"' '"kind": "block"' '"kind": "fifo"' '"kind": "link"' '"security.capability": "01' \
        '"names": 3' '"mode": "0o6755"' '"mode": "0o1733"' '"mtime": -' '"mtime": 2211854706000000000' '"mtime": 1001250000000' \
        '"uid": 4294967294' '"size": 3145728'; do
        grep -qF "$what" "$scratch/all" || { echo "no $what"; return 1; }
    done
    lamina fsck
}

# Another unpacker, as umoci has its own ideas of some things. The image is one whose layers name every directory that they
# change: to one that a layer only implies, podman gives the time at which it was unpacked.
@test "an image mounts as podman shows it" {
    need podman "package podman is missing" command -v podman
    copy_to_registry "oci:$layout:app" "docker://$host/bars/app:1"
    podman_() { podman --root "$scratch/podman" --runroot "$scratch/podman.run" --storage-driver overlay "$@"; }
    podman_ pull -q --tls-verify=false "$host/bars/app:1"
    listing --as-oci-image "$(podman_ image mount "$host/bars/app:1")" >theirs
    podman_ image umount --all >/dev/null
    ! mountpoint -q "$scratch/podman/overlay" || umount "$scratch/podman/overlay"
    lamina init
    lamina pull -q --tls-verify=false "$host/bars/app:1" app
    lamina_listing app ours
    diff theirs ours
}

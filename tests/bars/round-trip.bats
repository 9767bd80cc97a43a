#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Bar: what was pulled goes out again as what it was, down to the digest of the manifest, and others take it.
load bars

setup() { bars_setup; }
teardown() { bars_teardown; }

digest_of() { echo "sha256:$(skopeo inspect --raw --tls-verify=false "$1" | sha256sum | cut -d' ' -f1)"; }

@test "a pulled image is exported and pushed with the digest it came with" {
    local wanted
    fill_registry
    lamina init >/dev/null
    for name in "${images[@]}"; do
        wanted=$(digest_of "docker://$host/bars/$name:1")
        [ "$(lamina pull -q --keep-blobs --tls-verify=false "$host/bars/$name:1" "$name")" = "$wanted" ]
        # into a layout and an archive, where skopeo does not see Docker's manifests
        lamina export -q "$name" "oci:$scratch/out:it"
        [ "$name" = python-docker ] || [ "$(digest_of "oci:$scratch/out:it")" = "$wanted" ]
        [ "$(jq -r '.manifests[0].digest' out/index.json)" = "$wanted" ]
        [ "sha256:$(sha256sum <"out/blobs/sha256/${wanted#sha256:}" | cut -d' ' -f1)" = "$wanted" ]
        lamina export -q "$name" "oci-archive:$scratch/out.tar:it"
        [ "$name" = python-docker ] || [ "$(digest_of "oci-archive:$scratch/out.tar:it")" = "$wanted" ]
        [ "$(tar -xOf out.tar index.json | jq -r '.manifests[0].digest')" = "$wanted" ]
        # into a registry, from where skopeo takes every blob and checks it
        lamina push -q --tls-verify=false "$name" "docker://$host/again/$name:2"
        [ "$(digest_of "docker://$host/again/$name:2")" = "$wanted" ]
        skopeo copy -q --preserve-digests --src-tls-verify=false "docker://$host/again/$name:2" "dir:$scratch/dir"
        [ "sha256:$(sha256sum <dir/manifest.json | cut -d' ' -f1)" = "$wanted" ]
        echo "# $name: $wanted" >&3
        rm -rf out out.tar dir
    done
    lamina fsck
}

# Without kept blobs only what was never compressed can keep its digest; what it says stays the same.
@test "an image whose blobs were not kept goes out with the same config and files" {
    fill_registry
    lamina init >/dev/null
    for name in odd app; do
        lamina pull -q --tls-verify=false "$host/bars/$name:1" "$name" >/dev/null
        lamina push -q --compression=none --tls-verify=false "$name" "docker://$host/again/$name:3"
        lamina inspect --config "$name" | cmp - <(skopeo inspect --config --raw --tls-verify=false "docker://$host/again/$name:3")
        skopeo copy -q --src-tls-verify=false "docker://$host/again/$name:3" "oci:$scratch/back:$name"
        umoci_listing "$(tree_of "$name")" first
        umoci_listing "$scratch/back:$name" second
        diff first second
    done
    [ "$(digest_of "docker://$host/again/odd:3")" = "$(digest_of "docker://$host/bars/odd:1")" ]
}

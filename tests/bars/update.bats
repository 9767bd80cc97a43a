#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Bar: of an updated image only the layer that changed is transferred, and only the files that changed are stored.
load bars

setup() { bars_setup; }
teardown() { bars_teardown; }

objects_of() { (cd repo/objects && find . -type f | sort); }
blob_bytes() { awk '/"GET [^ ]*\/blobs\// { sum += $10 } END { print sum + 0 }' registry.log; }
layers() { skopeo inspect --raw "oci:$layout:$1" | jq -r '.layers[] | "\(.digest) \(.size)"'; }

@test "an image with one layer changed costs that layer, and its files" {
    local new
    copy_to_registry "oci:$layout:release-1" "docker://$host/bars/release:latest"
    lamina init >/dev/null
    lamina pull -q --tls-verify=false "$host/bars/release:latest" it >/dev/null
    objects_of >before
    layers release-1 >layers-1
    layers release-2 >layers-2
    [ "$(comm -13 <(sort layers-1) <(sort layers-2) | wc -l)" = 1 ]
    copy_to_registry "oci:$layout:release-2" "docker://$host/bars/release:latest"
    : >registry.log
    lamina pull -q --tls-verify=false "$host/bars/release:latest" it >/dev/null
    # the config and the layer that changed, each once, and no byte more
    grep -o '"GET [^ ]*/blobs/[^ ]*' registry.log | sed 's/.*\///' | sort >asked
    config=$(skopeo inspect --raw "oci:$layout:release-2" | jq -r '"\(.config.digest) \(.config.size)"')
    { echo "$config"; comm -13 <(sort layers-1) <(sort layers-2); } >wanted
    diff <(cut -d' ' -f1 wanted | sort) asked
    [ "$(blob_bytes)" = "$(awk '{ sum += $2 } END { print sum }' wanted)" ]
    # its one file is small and lies in the layer's stream; config and manifest with their streams; the EROFS image
    objects_of >after
    [ -z "$(comm -23 before after)" ]
    new=$(comm -13 before after | wc -l)
    echo "# $(wc -l <before) objects, $new new; $(blob_bytes) bytes of blobs of $(awk '{ s += $2 } END { print s }' layers-2)" >&3
    [ "$new" = 6 ]
    lamina mount it "$(mkdir mnt && echo mnt)"
    [ "$(cat mnt/srv/app/release)" = two ]
    lamina umount mnt
    lamina fsck
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

# A repository with an image of make_tree; $big is the object of its largest file.
make_repository() {
    make_tree tree
    lamina init
    lamina import tree a >/dev/null
    big=$(lamina ls a | sed -n 's/^\/big\t@ //p')
    [ -f "repo/objects/$big" ]
}

@test "fsck of a good repository says so" {
    make_repository
    run -0 lamina fsck
    [ "${lines[0]}" = "meta.json: ok" ]
    [ "${lines[1]}" = "objects: 3/3 ok" ]
    [ "${lines[2]}" = "streams: 0/0 ok" ]
    [ "${lines[3]}" = "images: 1/1 ok" ]
    [ "${lines[5]}" = "status: ok" ]
    run -0 lamina fsck --json
    [ "$(jq '.ok and (.errors | length == 0)' <<<"$output")" = true ]
}

@test "fsck finds a content that is not what its name says" {
    make_repository
    chmod u+w "repo/objects/$big"
    printf X | dd of="repo/objects/$big" bs=1 seek=50000 conv=notrunc status=none
    run -3 lamina fsck
    [[ "$output" == *"objects: 2/3 ok"*"status: 1 error(s)"*"  - fsck: object-digest-mismatch: objects/$big: "* ]]
    run -0 lamina fsck --metadata-only
    run -3 --separate-stderr lamina fsck --json
    [ "$(jq -r '.errors[0].kind' <<<"$output")" = object-digest-mismatch ]
    [ "$(jq .objects_corrupted <<<"$output")" = 1 ]
}

@test "fsck --repair puts damage aside, and the next import makes it whole" {
    make_repository
    printf X | dd of="repo/objects/$big" bs=1 seek=50000 conv=notrunc status=none
    # of the right size: nobody would store it again
    lamina import tree a >/dev/null
    run -3 lamina fsck
    run -3 lamina fsck --repair
    [[ "$output" == *"(put aside)"* ]]
    [ ! -e "repo/objects/$big" ]
    [ "$(find repo/lamina/quarantine -type f | wc -l)" = 1 ]
    run -3 lamina fsck
    [[ "$output" == *"image-missing-object"* ]]
    lamina import tree a >/dev/null
    run -0 lamina fsck
    lamina gc
    [ "$(find repo/lamina/quarantine -type f | wc -l)" = 0 ]
}

@test "fsck finds links to nothing, and --repair removes them" {
    make_repository
    mkdir -p repo/streams/refs/oci
    ln -s ../objects/00/nothing repo/streams/oci-layer-x
    ln -s ../../oci-layer-x repo/streams/refs/oci/tag
    ln -s ../0123 repo/images/refs/odd
    printf x >repo/streams/file
    run -3 lamina fsck
    [[ "$output" == *"broken-symlink: streams/oci-layer-x"* ]]
    [[ "$output" == *"broken-symlink: streams/refs/oci/tag"* ]]
    [[ "$output" == *"broken-symlink: images/refs/odd"* ]]
    [[ "$output" == *"entry-not-symlink: streams/file"* ]]
    run -3 lamina fsck --repair
    rm repo/streams/file
    run -0 lamina fsck
    [ -L repo/images/refs/a ]
}

@test "fsck finds a malformed image, stream and meta.json" {
    make_repository
    printf 'no stream' >odd
    run -0 lamina digest odd
    hex=${output%% *}
    hex=${hex#sha256:}
    mkdir -p "repo/objects/${hex:0:2}" repo/streams
    cp odd "repo/objects/${hex:0:2}/${hex:2}"
    ln -s "../objects/${hex:0:2}/${hex:2}" repo/streams/s
    ln -s "../objects/${hex:0:2}/${hex:2}" "repo/images/$hex"
    run -3 lamina fsck
    [[ "$output" == *"stream-open-failed: streams/s"*"image-invalid: images/$hex"* ]]
    rm repo/streams/s "repo/images/$hex"
    printf '{' >repo/meta.json
    run -3 lamina fsck
    [[ "$output" == *"meta.json: error"*"metadata-parse-failed: meta.json"* ]]
    run -1 lamina fsck --repair
}

@test "fsck of no repository fails" {
    run -1 lamina fsck
    [[ "$output" == *"cannot check the repository"* ]]
}

@test "df adds up" {
    make_repository
    mkdir other && cp tree/big other && head -c 1000 /dev/urandom >other/own
    lamina import other b >/dev/null
    run -0 lamina df --json
    [ "$(jq -r '.names[0].name + .names[1].name' <<<"$output")" = ab ]
    [ "$(jq '.names[0].shared_bytes' <<<"$output")" = 100000 ]
    [ "$(jq '.names[1].bytes == .names[1].shared_bytes + .names[1].unique_bytes' <<<"$output")" = true ]
    [ "$(jq '.bytes == ([.names[].unique_bytes] | add) + 100000' <<<"$output")" = true ]
    rm repo/images/refs/b
    before=$(lamina df --json | jq .unreferenced_bytes)
    [ "$(lamina gc --json | jq .bytes)" = "$before" ]
    run -0 lamina df
    [[ "$output" == *"unreferenced: 0, 0.0 MB"* ]]
}

@test "a pulled image is checked, made whole by the next pull, and goes with its tag" {
    lamina init
    python3 "$LAMINA_SOURCE_ROOT/tests/tools/make-oci-image.py" img --name it
    lamina pull oci:img:it
    run -0 lamina fsck
    [[ "$output" == *"oci images: 1/1 ok"* ]]
    run -0 lamina gc
    [[ "$output" == *"objects: 0 removed"* ]]
    run -0 lamina df --json
    [ "$(jq -r '.names[0].kind' <<<"$output")" = tag ]
    [ "$(jq '.unreferenced_objects' <<<"$output")" = 0 ]

    object=$(lamina ls it | sed -n 's/.*\t@ //p' | head -1)
    printf 'XX' | dd of="repo/objects/$object" bs=1 seek=3 conv=notrunc status=none
    run -3 lamina fsck
    [[ "$output" == *"object-digest-mismatch: objects/$object"*"layer-check-failed: streams/oci-manifest-"* ]]
    run -3 lamina fsck --repair
    [[ "$output" == *"missing-object-ref: streams/oci-layer-"*"(removed)"*"layer-object-missing"* ]]
    run -3 lamina fsck
    lamina pull oci:img:it
    run -0 lamina fsck

    lamina untag it
    lamina gc
    [ -z "$(find repo/objects -type f)" ]
    [ -z "$(find repo/streams repo/images -type l)" ]
    run -0 lamina fsck
}

@test "a pull that is killed leaves garbage and no damage" {
    lamina init
    python3 "$LAMINA_SOURCE_ROOT/tests/tools/make-oci-image.py" img --name it
    for round in $(seq 15); do
        lamina pull oci:img:it >/dev/null 2>&1 &
        pid=$!
        sleep "0.0$(printf %02d $((RANDOM % 60)))"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        run -0 lamina fsck
        [ $((round % 3)) -ne 0 ] || lamina gc >/dev/null
        run -0 lamina fsck
    done
    lamina pull oci:img:it
    run -0 lamina fsck
}

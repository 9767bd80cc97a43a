#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Images leave the repository; skopeo, umoci and tar say whether they are right.
load lib
load registry
bats_require_minimum_version 1.5.0

setup() {
    start
    lamina init
}
teardown() {
    stop_registry
    finish
}

@test "what was never compressed is exported with the digest it was pulled by" {
    digest=$(make_image img --name it --compression none)
    lamina pull oci:img:it
    for target in oci-dir:out:it oci:out2 oci-archive:out.tar:it dir:out4; do
        run -0 lamina export --json it "$target"
        [ "$(jq -r .manifest <<<"$output")" = "$digest" ]
        [ "$(jq -r .is_same <<<"$output")" = true ]
    done
    mkdir unpacked && tar -C unpacked -xf out.tar
    # all blobs of the source, to the byte, and no others
    diff -r img/blobs out/blobs
    diff -r img/blobs out2/blobs
    diff -r img/blobs unpacked/blobs
    # the manifest is called otherwise in a directory of blobs
    mv out4/manifest.json "out4/${digest#sha256:}"
    rm out4/version
    diff -r img/blobs/sha256 out4
}

@test "compressed layers are exported with their digest when they were kept" {
    for how in gzip mixed zstd-frames; do
        digest=$(make_image "img-$how" --name it --compression "$how")
        lamina pull --keep-blobs "oci:img-$how:it" "$how"
        lamina gc
        run -0 --separate-stderr lamina export "$how" "oci-dir:out-$how"
        [ "$output" = "$digest" ]
        diff -r "img-$how/blobs" "out-$how/blobs"
    done
    # the one that is not compressed needs no blob beside it
    [ "$(lamina layers --json mixed | jq -c '[.layers[].blob_is_kept]')" = '[true,true,false,true]' ]
}

@test "what is no target of an export is not taken for an image of a registry" {
    make_image img --name it
    lamina pull oci:img:it
    for target in tar it.tar out/it; do
        run -2 --separate-stderr lamina export it "$target"
        [[ "$stderr" == "lamina export: TARGET is tar:FILE, "*", not '$target'" ]]
    done
}

@test "without them the manifest is a new one, of the same layers" {
    need_skopeo
    make_image img --name it --compression mixed
    lamina pull oci:img:it
    for how in none gzip zstd; do
        run -0 lamina export --json --compression "$how" it "oci-dir:out-$how"
        [ "$(jq -r .is_same <<<"$output")" = false ]
        # skopeo holds all blobs to their digests
        skopeo copy -q "oci:out-$how" "dir:checked-$how"
        [ "$(skopeo inspect --raw "oci:out-$how" | jq -r .config.digest)" = \
            "$(skopeo inspect --raw oci:img:it | jq -r .config.digest)" ]
        run -0 lamina pull --json "oci:out-$how" again
        [ "$(jq -r .image <<<"$output")" = "$(lamina inspect --json it | jq -r .image)" ]
        [ "$(jq -r .present_layers <<<"$output")" = 4 ]
    done
    # again, and it is the same
    lamina export it oci-dir:out-none-2
    diff -r out-none out-none-2
}

@test "umoci unpacks an exported image to what is mounted of it" {
    need_root
    need umoci "package umoci is missing" command -v umoci
    make_image img --name it --compression gzip
    lamina pull oci:img:it
    lamina export --compression gzip it oci-dir:out:it
    umoci unpack --image img:it one >/dev/null 2>&1
    umoci unpack --image out:it two >/dev/null 2>&1
    diff <(describe one/rootfs) <(describe two/rootfs)
    diff <(xattrs one/rootfs) <(xattrs two/rootfs)
}

@test "the files of an image in one archive are what umoci unpacks" {
    need_root
    need umoci "package umoci is missing" command -v umoci
    make_image img --name it
    lamina pull oci:img:it
    umoci unpack --image img:it bundle >/dev/null 2>&1
    lamina export it tar:files.tar
    mkdir files && tar --xattrs --xattrs-include='*' -C files -xpf files.tar
    diff <(describe bundle/rootfs) <(describe files)
    diff <(xattrs bundle/rootfs) <(xattrs files)
    lamina export it tar:- | cmp - files.tar
}

@test "an imported image is exported as an archive of its files, too" {
    need_root
    make_tree tree
    lamina import tree it
    lamina export it tar:files.tar
    mkdir files && tar --xattrs --xattrs-include='*' -C files -xpf files.tar
    diff <(describe tree) <(describe files)
    diff <(xattrs tree) <(xattrs files)
    run -1 lamina export it oci-dir:out
    [[ "$output" == *"no image 'it'"* ]]
}

# The image says where its contents lie.
@test "an image whose contents would lie outside of the objects gives nothing of what is there" {
    echo secret >secret
    for payload in ../../secret ../secret/../../secret; do
        printf '/ 0 40755 2 0 0 0 0.0 - - -\n/f 7 100644 1 0 0 0 0.0 %s - -\n' "$payload" >dump
        lamina import -q --allow-missing dump out
        run -1 lamina export out tar:out.tar
        [[ "$output" == *"object '$payload'"* ]]
        [ ! -e out.tar ]
    done
}

@test "a docker-archive is read by skopeo and by us" {
    need_skopeo
    make_image img --name it --compression gzip
    lamina pull oci:img:it example.org/it:1
    lamina export example.org/it:1 docker-archive:out.tar
    lamina export example.org/it:1 docker-archive:named.tar:quay.io/other/name:2
    [ "$(tar -xOf out.tar manifest.json | jq -r '.[0].RepoTags[0]')" = example.org/it:1 ]
    [ "$(tar -xOf named.tar manifest.json | jq -r '.[0].RepoTags[0]')" = quay.io/other/name:2 ]
    skopeo copy -q docker-archive:out.tar dir:checked
    # what skopeo writes of the same image
    skopeo copy -q oci:img:it docker-archive:theirs.tar:example.org/it:1
    diff <(skopeo inspect --raw docker-archive:out.tar) <(skopeo inspect --raw docker-archive:theirs.tar)
    run -0 lamina pull --json docker-archive:out.tar again
    [ "$(jq -r .image <<<"$output")" = "$(lamina inspect --json example.org/it:1 | jq -r .image)" ]
}

@test "several images share a layout, and a name is replaced" {
    make_image img --name one
    make_image img --name two --variant 1
    lamina pull --keep-blobs oci:img:one
    lamina pull --keep-blobs oci:img:two
    lamina export one oci:out:a
    run -0 lamina export --json two oci:out:b
    [ "$(jq .present_layers <<<"$output")" = 3 ]
    [ "$(jq -c '[.manifests[].annotations["org.opencontainers.image.ref.name"]]' out/index.json)" = '["a","b"]' ]
    lamina export two oci:out:a
    [ "$(jq -c '[.manifests[].annotations["org.opencontainers.image.ref.name"]]' out/index.json)" = '["b","a"]' ]
    [ "$(jq -r '[.manifests[].digest] | unique | length' out/index.json)" = 1 ]
}

@test "a damaged repository is noticed, and no archive appears" {
    make_image img --name it
    lamina pull oci:img:it
    big=$(find repo/objects -type f -size +150k)
    printf 'x' | dd of="$big" bs=1 seek=1000 conv=notrunc status=none
    run -3 lamina export it docker-archive:out.tar
    run -3 lamina export --compression zstd it oci-dir:new
    run -3 lamina export it oci-archive:out2.tar
    [ ! -e out.tar ]
    [ ! -e out2.tar ]
    [ ! -e new/index.json ]
}

@test "an image is pushed to a registry, and what is there is not sent again" {
    need_skopeo
    need_registry
    start_registry
    digest=$(make_image img --name it)
    lamina pull --keep-blobs oci:img:it "$host/some/it:1"
    run -0 --separate-stderr lamina push --tls-verify=false "$host/some/it:1"
    [ "$output" = "$digest" ]
    run -0 lamina push --json --tls-verify=false "$host/some/it:1" "docker://$host/some/it:2"
    [ "$(jq .present_layers <<<"$output")" = 4 ]
    [ "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$host/some/it:2" | sha256sum | cut -d' ' -f1)" = "$digest" ]
    skopeo copy -q --src-tls-verify=false "docker://$host/some/it:1" dir:checked
    # and back, into an empty repository
    image=$(lamina inspect --json "$digest" | jq -r .image)
    rm -rf repo && lamina init
    run -0 lamina pull --json --tls-verify=false "$host/some/it:2"
    [ "$(jq -r .image <<<"$output")" = "$image" ]
    # compressed anew: another manifest, the same files
    run -0 lamina push --json --tls-verify=false --compression zstd "$host/some/it:2" "$host/some/it:3"
    [ "$(jq -r .is_same <<<"$output")" = false ]
    run -0 lamina pull --json --tls-verify=false "$host/some/it:3"
    [ "$(jq -r .image <<<"$output")" = "$image" ]
}

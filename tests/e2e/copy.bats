#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Images from anywhere to anywhere, as skopeo copies them.
load lib
load registry
bats_require_minimum_version 1.5.0

setup() {
    start
    export REGISTRY_AUTH_FILE=$scratch/auth.json CONTAINERS_REGISTRIES_CONF=/dev/null
}
teardown() {
    stop_registry
    stop_web
    finish
}

copy() { lamina copy --src-tls-verify=false --dest-tls-verify=false "$@"; }

@test "an image goes round all transports and stays what it was, to the byte" {
    need_registry
    need_skopeo
    start_registry
    for how in gzip mixed; do
        digest=$(make_image "img-$how" --name it --compression "$how")
        at=oci:img-$how:it
        for target in "oci:out-$how:it" "oci-archive:out-$how.tar:it" "docker://$host/one/$how:1" \
            "docker://$host/two/$how:1" "oci:back-$how:it"; do
            run -0 --separate-stderr copy "$at" "$target"
            [ "$output" = "$digest" ]
            at=$target
        done
        diff -r "img-$how/blobs" "back-$how/blobs"
        skopeo copy -q --src-tls-verify=false "docker://$host/two/$how:1" "dir:checked-$how"
        run -0 --separate-stderr copy "dir:checked-$how" "oci:dir-$how:it"
        [ "$output" = "$(manifest_digest "dir:checked-$how")" ]
    done
    # and no repository was made
    [ ! -e repo ]
}

# containers-transports(5): as skopeo writes it and reads it.
@test "a directory of blobs is what skopeo makes of the same image" {
    need_skopeo
    for how in --docker "--platforms linux/amd64,linux/arm64"; do
        rm -rf img theirs ours back
        # shellcheck disable=SC2086 # words on purpose
        digest=$(make_image img --name it $how)
        # Docker's manifests it does not see in a layout
        [ "$how" = --docker ] || skopeo copy -q --all oci:img:it dir:theirs
        run -0 --separate-stderr copy --all oci:img:it dir:ours
        [ "$output" = "$digest" ]
        [ ! -e theirs ] || diff -r theirs ours
        [ "sha256:$(sha256sum <ours/manifest.json | cut -d' ' -f1)" = "$digest" ]
        skopeo copy -q --all --preserve-digests dir:ours dir:back
        diff -r ours back
        # again, and from there
        run -0 copy --json --all oci:img:it dir:ours
        [ "$(jq .sent_bytes <<<"$output")" = 0 ]
        diff -r ours back
        rm -rf round
        [ "$(copy --all -q dir:ours oci:round:it)" = "$digest" ]
        diff -r img/blobs round/blobs
    done
}

@test "a directory that holds other things is left alone, and an image of another takes its place" {
    need_skopeo
    first=$(make_image img --name one)
    second=$(make_image img --name two --variant 1)
    mkdir home && touch home/letter
    run -1 copy oci:img:one dir:home
    [[ "$output" == *"'home' holds something else than an image"* ]]
    [ "$(ls home)" = letter ]
    mkdir empty
    [ "$(copy -q oci:img:one dir:empty)" = "$first" ]
    # signatures would be taken for those of the new image
    touch empty/signature-1
    [ "$(copy -q oci:img:two dir:empty)" = "$second" ]
    [ ! -e empty/signature-1 ]
    [ "$(manifest_digest dir:empty)" = "$second" ]
    # what is broken off leaves the image that was there
    copy -q oci:img:two dir:part
    layer=$(skopeo inspect --raw oci:img:one | jq -r '.layers[2].digest' | cut -d: -f2)
    rm "img/blobs/sha256/$layer" "part/$layer"
    run -1 copy -q oci:img:one dir:part
    [ "$(manifest_digest dir:part)" = "$second" ]
}

@test "docker's manifests, and images by digest, are copied as they are" {
    need_registry
    need_skopeo
    start_registry
    digest=$(make_image img --name it --docker)
    copy oci:img:it "docker://$host/some/it:1"
    [ "$(manifest_digest "docker://$host/some/it:1")" = "$digest" ]
    copy "docker://$host/some/it@$digest" "docker://$host/other/it@$digest"
    [ "$(manifest_digest "docker://$host/other/it@$digest")" = "$digest" ]
    wrong=sha256:$(printf x | sha256sum | cut -d' ' -f1)
    run -3 copy "docker://$host/some/it@$digest" "docker://$host/other/it@$wrong"
    [ "${#lines[@]}" = 1 ]
}

@test "of an index one platform is copied, or all of it" {
    need_registry
    need_skopeo
    start_registry
    index=$(make_image img --name it --platforms linux/amd64,linux/arm64,linux/arm/v7)
    run -0 --separate-stderr copy --platform linux/arm64 oci:img:it oci:arm64:it
    [ "$output" = "$(jq -r '.manifests[1].digest' "img/blobs/sha256/${index#sha256:}")" ]
    run -1 copy --platform linux/riscv64 oci:img:it oci:nothing:it
    [[ "$output" == *"not there for linux/riscv64"* ]]
    [ ! -e nothing ]
    run -0 copy --json --all oci:img:it "docker://$host/some/it:1"
    [ "$(jq -r '[.manifest, .manifests] | @text' <<<"$output")" = "[\"$index\",4]" ]
    copy --all "docker://$host/some/it:1" oci:back:it
    diff -r img/blobs back/blobs
    skopeo copy -q --all --src-tls-verify=false "docker://$host/some/it:1" oci:checked:it
    diff -r img/blobs checked/blobs
    run -2 copy --all --platform linux/arm64 oci:img:it oci:other
}

@test "what an index lists by SHA-512 goes under that name" {
    start_web
    index=$(make_image img --name it --platforms linux/amd64,linux/arm64)
    python3 - "${index#sha256:}" <<'PYTHON'
import hashlib, json, pathlib, sys
blobs = pathlib.Path("img/blobs")
(blobs / "sha512").mkdir()
index = json.loads((blobs / "sha256" / sys.argv[1]).read_text())
for entry in index["manifests"]:
    data = (blobs / "sha256" / entry["digest"][7:]).read_bytes()
    (blobs / "sha256" / entry["digest"][7:]).unlink()
    entry["digest"] = "sha512:" + hashlib.sha512(data).hexdigest()
    (blobs / "sha512" / entry["digest"][7:]).write_bytes(data)
(blobs / "sha256" / sys.argv[1]).unlink()
data = json.dumps(index).encode()
digest = hashlib.sha256(data).hexdigest()
(blobs / "sha256" / digest).write_bytes(data)
top = json.loads(pathlib.Path("img/index.json").read_text())
top["manifests"][0].update(digest="sha256:" + digest, size=len(data))
pathlib.Path("img/index.json").write_text(json.dumps(top))
PYTHON
    copy --all oci:img:it oci:out:it
    diff -r img/blobs out/blobs
    copy --all oci:out:it "docker://$web/p/have-no:1"
    python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())' "http://$web/log" >asked
    [ "$(jq -r '.[] | select(.method == "PUT") | .path' asked | grep -c '/manifests/sha512:')" = 2 ]
}

@test "what the target has is not sent, what lies beside it is mounted" {
    need_registry
    start_registry
    make_image img --name it
    run -0 copy --json oci:img:it "docker://$host/some/it:1"
    [ "$(jq -c '[.blobs, .present_blobs, .mounted_blobs]' <<<"$output")" = '[5,0,0]' ]
    run -0 copy --json oci:img:it "docker://$host/some/it:2"
    [ "$(jq -c '[.blobs, .present_blobs, .sent_bytes]' <<<"$output")" = '[5,5,0]' ]
    run -0 copy --json "docker://$host/some/it:1" "docker://$host/other/it:1"
    [ "$(jq -c '[.blobs, .mounted_blobs, .sent_bytes]' <<<"$output")" = '[5,5,0]' ]
    # only what changed goes
    make_image img --name changed --variant 1
    run -0 copy --json oci:img:changed "docker://$host/some/it:3"
    [ "$(jq -c '[.blobs, .present_blobs]' <<<"$output")" = '[5,3]' ]
}

@test "a docker-archive gets inflated layers, the same as skopeo makes" {
    need_skopeo
    for how in gzip mixed none; do
        make_image "img-$how" --name it --compression "$how"
        copy "oci:img-$how:it" "docker-archive:ours-$how.tar:example.org/it:1"
        # skopeo inflates no zstd for Docker
        [ "$how" = mixed ] || skopeo copy -q "oci:img-$how:it" "docker-archive:theirs-$how.tar:example.org/it:1"
        [ "$how" = mixed ] || diff <(skopeo inspect --raw "docker-archive:ours-$how.tar") \
            <(skopeo inspect --raw "docker-archive:theirs-$how.tar")
        # skopeo holds all blobs to their digests
        skopeo copy -q "docker-archive:ours-$how.tar" "dir:checked-$how"
        [ "$(tar -xOf "ours-$how.tar" manifest.json | jq -r '.[0].RepoTags[0]')" = example.org/it:1 ]
        # and from there to where the layers stay plain
        run -0 --separate-stderr copy "docker-archive:ours-$how.tar" "oci:plain-$how:it"
        [ "$output" = "$(manifest_digest "docker-archive:ours-$how.tar")" ]
    done
    make_image index --name it --platforms linux/amd64,linux/arm64
    run -1 copy --all oci:index:it docker-archive:index.tar:it:1
    [ ! -e index.tar ]
}

@test "a blob that is not what its digest says is not copied" {
    need_registry
    start_registry
    digest=$(make_image img --name it)
    layer=$(jq -r '.layers[1].digest' "img/blobs/sha256/${digest#sha256:}")
    printf x | dd of="img/blobs/sha256/${layer#sha256:}" bs=1 seek=100 conv=notrunc status=none
    for target in oci:out:it oci-archive:out.tar:it docker-archive:docker.tar:it:1 "docker://$host/it:1"; do
        run -3 copy oci:img:it "$target"
        [ "${#lines[@]}" = 1 ]
    done
    [ ! -e out/index.json ]
    [ ! -e out.tar ]
    [ ! -e docker.tar ]
    run -1 copy "docker://$host/it:1" oci:back
    # nor is a manifest
    echo >>"img/blobs/sha256/${digest#sha256:}"
    run -3 copy oci:img:it oci:other:it
    [ ! -e other ]
}

@test "each side has options of its own" {
    need_registry
    start_registry "$(password_config)"
    make_image img --name it
    run -1 copy oci:img:it "docker://$host/it:1"
    [ "${#lines[@]}" = 1 ]
    run -1 copy --src-creds user:pw oci:img:it "docker://$host/it:1"
    copy --dest-creds user:pw oci:img:it "docker://$host/it:1"
    run -1 copy --dest-creds user:pw "docker://$host/it:1" oci:back:it
    copy --src-creds user:pw "docker://$host/it:1" oci:back:it
    echo "{\"auths\":{\"$host\":{\"auth\":\"$(printf user:pw | base64)\"}}}" >mine.json
    copy --authfile mine.json "docker://$host/it:1" "docker://$host/other:1"
    run -2 lamina copy --src-tls-verify=maybe oci:img:it oci:out
    [[ "$output" == *"'--src-tls-verify'"* ]]
}

@test "a source and a target that break are asked again" {
    start_web
    run -0 copy --json "docker://$web/p/size-3000000/cut-1000000/times-2:1" \
        "docker://$web/q/have-no/upcut-1200000/times-1:1"
    [ "$(jq .sent_bytes <<<"$output")" = 3000002 ]
}

@test "sources and targets that cannot be are refused" {
    make_image img --name it
    run -1 copy oci:nothing:it oci:out
    [ ! -e out ]
    run -1 copy oci:img:it containers-storage:out
    run -1 copy it oci:out
    run -2 copy oci:img:it
    run -2 copy --jobs 65 oci:img:it oci:out
    run -1 copy --platform nonsense oci:img:it oci:out
    [ ! -e out ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Images go to a registry; skopeo, which holds every blob to its digest, says whether they are right.
load lib
load registry
bats_require_minimum_version 1.5.0

setup() {
    start
    export REGISTRY_AUTH_FILE=$scratch/auth.json CONTAINERS_REGISTRIES_CONF=/dev/null
    lamina init
}
teardown() {
    stop_registry
    stop_web
    finish
}

push() { lamina push --tls-verify=false "$@"; }

@test "a pushed image is what skopeo, and we, pull" {
    need_registry
    need_skopeo
    start_registry
    make_image img --name it --compression mixed
    lamina pull oci:img:it
    for how in none gzip zstd; do
        run -0 --separate-stderr push --compression "$how" it "docker://$host/some/$how:1"
        digest=$output
        [ "$(manifest_digest "docker://$host/some/$how:1")" = "$digest" ]
        skopeo copy -q --src-tls-verify=false "docker://$host/some/$how:1" "dir:checked-$how"
        skopeo inspect --tls-verify=false "docker://$host/some/$how:1" >inspected
        [ "$(jq '.Layers | length' inspected)" = 4 ]
        # the same config, so the same image by its id
        diff <(skopeo inspect --config --raw --tls-verify=false "docker://$host/some/$how:1") \
            <(skopeo inspect --config --raw oci:img:it)
        run -0 lamina pull --json --tls-verify=false "$host/some/$how@$digest" "again-$how"
        [ "$(jq -r .image <<<"$output")" = "$(lamina inspect --json it | jq -r .image)" ]
    done
}

# What commit makes is a plain archive; the digest that it printed is that of what was pushed.
@test "a layer that never was compressed stays so, unless somebody says how" {
    need_registry
    need_skopeo
    start_registry
    mkdir upper
    seq 10000 >upper/numbers
    run -0 --separate-stderr lamina commit upper plain:1 --timestamp 0
    digest=$output
    push plain:1 "$host/some/plain:1"
    [ "$(manifest_digest "docker://$host/some/plain:1")" = "$digest" ]
    for how in gzip zstd; do
        push --compression "$how" plain:1 "$host/some/plain:$how"
        skopeo copy -q --src-tls-verify=false "docker://$host/some/plain:$how" "dir:checked-$how"
        [[ "$(jq -r '.layers[0].mediaType' "checked-$how/manifest.json")" == *"+$how" ]]
        [ "$(jq '.layers[0].size' "checked-$how/manifest.json")" -lt 40000 ]
    done
    lamina export --compression zstd plain:1 oci:out
    [[ "$(skopeo inspect --raw oci:out | jq -r '.layers[0].mediaType')" == *+zstd ]]
}

@test "an image whose blobs were kept keeps its digest" {
    need_registry
    need_skopeo
    start_registry
    for how in gzip mixed gzip-members; do
        digest=$(make_image "img-$how" --name it --compression "$how")
        lamina pull -q --keep-blobs "oci:img-$how:it" "$host/kept/$how:v1"
        run -0 --separate-stderr push "$host/kept/$how:v1"
        [ "$output" = "$digest" ]
        skopeo copy -q --preserve-digests --src-tls-verify=false "docker://$host/kept/$how:v1" "oci:back-$how:it"
        diff -r "img-$how/blobs" "back-$how/blobs"
    done
}

@test "docker's manifests keep their digest, too" {
    need_registry
    need_skopeo
    start_registry
    digest=$(make_image img --name it --docker)
    lamina pull -q --keep-blobs oci:img:it it
    run -0 --separate-stderr push it "$host/docker:v1"
    [ "$output" = "$digest" ]
    [ "$(manifest_digest "docker://$host/docker:v1")" = "$digest" ]
}

@test "what is pushed twice is not sent twice" {
    need_registry
    start_registry
    make_image img --name it
    lamina pull -q oci:img:it
    push it "$host/some/it:1"
    [ "$(requests PUT /blobs/uploads/)" = 5 ]
    run -0 push --json it "$host/some/it:2"
    [ "$(requests POST /blobs/uploads/)" = 5 ]
    [ "$(jq .present_layers <<<"$output")" = 4 ]
}

@test "an image pulled from a registry goes back with its digest, without its blobs here" {
    need_registry
    start_registry
    digest=$(make_image img --name it)
    lamina copy --dest-tls-verify=false oci:img:it "docker://$host/some/it:1"
    lamina pull -q --tls-verify=false "$host/some/it:1"
    sent=$(requests PUT /blobs/uploads/)
    # the same repository: all is there
    run -0 push --json "$host/some/it:1" "$host/some/it:2"
    [ "$(jq -c '[.manifest, .is_same, .present_layers, .mounted_layers]' <<<"$output")" = "[\"$digest\",true,4,0]" ]
    # another one: all is mounted
    run -0 push --json "$host/some/it:1" "$host/other/it:1"
    [ "$(jq -c '[.manifest, .is_same, .present_layers, .mounted_layers]' <<<"$output")" = "[\"$digest\",true,0,4]" ]
    [ "$(requests PUT /blobs/uploads/)" = "$sent" ]
    skopeo copy -q --src-tls-verify=false "docker://$host/other/it:1" dir:checked
    # who asks for a compression gets it
    run -0 push --json --compression zstd "$host/some/it:1" "$host/third/it:1"
    [ "$(jq .is_same <<<"$output")" = false ]
}

@test "a name that promises too much costs a request, no more" {
    need_registry
    need_skopeo
    start_registry
    digest=$(make_image img --name it)
    # it was never there
    lamina pull -q --keep-blobs oci:img:it "$host/never/there:1"
    run -0 push --json "$host/never/there:1" "$host/some/it:1"
    [ "$(jq -c '[.manifest, .mounted_layers]' <<<"$output")" = "[\"$digest\",0]" ]
    skopeo copy -q --src-tls-verify=false "docker://$host/some/it:1" dir:checked
    # no upload was left open
    [ -z "$(find registry -name startedat)" ]
}

@test "a push that is killed leaves no name, and the next one completes it" {
    need_registry
    need_skopeo
    start_registry
    digest=$(make_image img --name it --layers 4 --size 6000000 --compression none)
    lamina pull -q oci:img:it
    for after in 0.02 0.05 0.1 0.2 0.3; do
        push it "$host/some/it:$after" >/dev/null 2>&1 3>&- &
        sleep "$after"
        kill -9 $! 2>/dev/null || true
        wait $! || true
        # with all of its blobs, or not at all
        if skopeo inspect --raw --tls-verify=false "docker://$host/some/it:$after" >/dev/null 2>&1; then
            skopeo copy -q --src-tls-verify=false "docker://$host/some/it:$after" "dir:checked-$after"
        fi
    done
    run -0 --separate-stderr push it "$host/some/it:1"
    [ "$output" = "$digest" ]
    skopeo copy -q --src-tls-verify=false "docker://$host/some/it:1" dir:checked
}

@test "a blob is sent again where the connection breaks" {
    start_web
    make_image img --name it --layers 2 --size 3000000 --compression none
    lamina pull -q oci:img:it
    run -0 push it "$web/p/have-no/upcut-1200000/times-2:1"
    run -0 push it "$web/q/have-no/upload-503/times-2:1"
    # what came of it is not sent again
    python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())' "http://$web/log" >asked
    [ "$(jq -r '.[] | select(.method == "PATCH") | .headers["content-range"][:8]' asked | sort -u)" = 1200000- ]
    # what is small is sent to another upload, not again to the one that has some of it
    run -0 push it "$web/t/have-no/upcut-half/times-1:1"
    # nor is a token for ever
    run -0 push it "$web/s/have-no/auth-bearer/stale-1:1"
    # compressed ones, too, which come from a file
    run -0 push --compression gzip --force-compression it "$web/r/have-no/upcut-1200000/times-2:1"
}

@test "a registry with passwords takes what comes with the right one" {
    need_registry
    need_skopeo
    start_registry "$(password_config)"
    make_image img --name it
    lamina pull -q oci:img:it
    run -1 push it "$host/it:1"
    is_one_line "no credentials"
    run -1 push --creds user:wrong it "$host/it:1"
    is_one_line "not without other credentials"
    run -0 push --creds user:pw it "$host/it:1"
    echo "{\"auths\":{\"$host\":{\"auth\":\"$(printf user:pw | base64)\"}}}" >mine.json
    run -0 push --authfile mine.json it "$host/it:2"
    cp mine.json auth.json
    run -0 push it "$host/it:3"
    skopeo copy -q --src-tls-verify=false --src-creds user:pw "docker://$host/it:3" dir:checked
}

# What went wrong is one line, with these words in it, and no half answer.
is_one_line() {
    echo "$output"
    [ "${#lines[@]}" = 1 ]
    [[ "$output" == "lamina: cannot push 'it' to "*"$1"* ]]
}

@test "what a registry refuses is one line" {
    need_registry
    start_web
    start_registry
    make_image img --name it
    lamina pull -q oci:img:it
    run -1 push it "$web/p/have-no/upload-403:1"
    is_one_line "forbidden"
    run -1 push it "$web/p/have-no/upload-413:1"
    is_one_line "too large for the registry"
    make_image large --name it --layers 1 --size 3000000 --compression none
    lamina pull -q oci:large:it large
    run -1 push large "$web/p/have-no/auth-bearer/stale-99:1"
    [ "${#lines[@]}" = 1 ]
    [[ "$output" == *": the registry refuses the token that its own service gave: "* ]]
    run -1 push it "$web/p/have-no/up-file:1"
    is_one_line "leads to what is no URL"
    run -3 push it "$web/p/have-no/put-wrong:1"
    is_one_line "not the manifest that the registry says it is"
    stop_registry
    run -1 push it "$host/it:1"
    is_one_line "onnect"
}

@test "a registry that ends in the middle of a push is one line" {
    need_registry
    start_registry
    make_image img --name it --layers 8 --size 20000000 --compression none
    lamina pull -q oci:img:it
    push it "$host/it:1" >out 2>err 3>&- &
    pushing=$!
    for _ in $(seq 1000); do
        [ -z "$(find registry -path '*/_uploads/*' -name data -size +1M 2>/dev/null)" ] || break
        sleep 0.01
    done
    stop_registry
    status=0
    wait "$pushing" || status=$?
    cat err
    [ "$status" = 1 ]
    [ ! -s out ]
    [ "$(wc -l <err)" = 1 ]
    grep -q "^lamina: cannot push 'it' to" err
}

@test "names and targets that cannot be are refused before anything is sent" {
    make_image img --name it
    lamina pull -q oci:img:it
    run -1 lamina push it
    [[ "$output" == *"it"* ]]
    run -1 lamina push nothing localhost:1/it
    [[ "$output" == *"no image 'nothing'"* ]]
    run -1 lamina push it containers-storage:somewhere
    run -2 lamina push --tls-verify=maybe it localhost:1/it
    run -2 lamina push --timeout 3601 it localhost:1/it
    run -2 lamina push --compression lzma it localhost:1/it
    run -2 lamina push --jobs 65 it localhost:1/it
    run -2 lamina push
}

@test "layouts and archives are targets, too" {
    digest=$(make_image img --name it)
    lamina pull -q --keep-blobs oci:img:it
    for target in oci:out:it oci-archive:out.tar:it; do
        run -0 --separate-stderr lamina push it "$target"
        [ "$output" = "$digest" ]
    done
    diff -r img/blobs out/blobs
    # what is in a layout is not made anew
    lamina untag it && lamina gc -q
    lamina pull -q oci:img:it
    run -0 --separate-stderr lamina push it oci:out:again
    [ "$output" = "$digest" ]
}

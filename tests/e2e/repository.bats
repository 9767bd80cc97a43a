#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

@test "init makes a repository that composefs-rs would open" {
    run -0 lamina init
    [[ "$output" == *"$scratch/repo: sha256"* ]]
    run -0 cat repo/meta.json
    [ "$(jq -r .version repo/meta.json)" = 1 ]
    [ "$(jq -r .algorithm repo/meta.json)" = fsverity-sha256-12 ]
    [ "$(jq -r '.features["read-only-compatible"][0]' repo/meta.json)" = v1_erofs ]
    [ "$(jq -r .erofs_formats.default repo/meta.json)" = 1 ]
    [ "$(stat -c %a repo)" = 700 ]
}

@test "init again with the same configuration changes nothing, with another fails" {
    lamina init --algorithm sha512
    before=$(sha256sum repo/meta.json)
    run -0 lamina init --algorithm sha512
    [ "$before" = "$(sha256sum repo/meta.json)" ]
    run -1 lamina init --algorithm sha256
    [[ "$output" == "lamina: cannot init repository"* ]]
}

@test "who has no repository yet is told how one is made" {
    run -1 lamina images --repo none
    [ "$output" = "lamina: cannot list images: there is no repository 'none' ('lamina init' makes one)" ]
}

@test "import stores each content once and names the image" {
    make_tree tree
    lamina init
    run -0 --separate-stderr lamina import tree first
    [[ "$output" =~ ^sha256:[0-9a-f]{64}$ ]]
    digest=${output#sha256:}
    [ -L "repo/images/$digest" ]
    [ -e "repo/images/refs/first" ]
    # big (and its copy and link), just-external, the image
    [ "$(find repo/objects -type f | wc -l)" = 3 ]
    run -0 lamina images --json
    [ "$(jq -r '.images[0].name' <<<"$output")" = first ]
    [ "$(jq -r '.images[0].digest' <<<"$output")" = "sha256:$digest" ]
}

@test "import is reproducible and the second time adds nothing" {
    make_tree tree
    lamina init
    lamina import tree a
    run -0 lamina import --json tree b
    [ "$(jq .new_objects <<<"$output")" = 0 ]
    run -0 lamina images --no-trunc
    [ "$(sed -n '2s/ .*//p;3s/ .*//p' <<<"$output" | sort -u | wc -l)" = 1 ]
}

@test "every object has the name of its fs-verity digest" {
    need fsverity "package fsverity is missing" command -v fsverity
    make_tree tree
    lamina init
    lamina import tree a
    for object in $(find repo/objects -type f); do
        run -0 fsverity digest --compact "$object"
        [ "$output" = "$(basename "$(dirname "$object")")$(basename "$object")" ]
    done
}

@test "import of a dump takes contents from --objects and names what is missing" {
    make_tree tree
    lamina init
    lamina import tree a
    lamina dump a >a.dump
    export LAMINA_REPO=$scratch/second
    lamina init
    run -1 lamina import a.dump copy
    [[ "$output" == *"neither in the repository nor given by --objects"* ]]
    run -1 lamina ls copy
    run -0 lamina import --objects repo/objects a.dump copy
    run -0 lamina dump copy
    diff <(lamina dump copy) a.dump
}

@test "a failed import leaves the name as it was" {
    mkdir one && echo 1 >one/file
    lamina init
    lamina import one name
    before=$(lamina images --json)
    printf '/ 0 40755 1 0 0 0 0.0 - - -\n/x 1 bad\n' >bad.dump
    run -1 lamina import bad.dump name
    [[ "$output" == *"line 2"* ]]
    [ "$before" = "$(lamina images --json)" ]
    run -1 lamina import one ../escape
    run -1 lamina import one a//b
}

@test "a directory is imported in each format that the repository wants" {
    make_tree tree
    lamina init
    for format in 1 2; do
        digests[format]=$(lamina build --format "$format" tree "v$format.erofs" | cut -d' ' -f1)
    done
    [ "${digests[1]}" != "${digests[2]}" ]
    set_formats 1 2
    run -0 --separate-stderr lamina import --json tree both
    [ "$(jq -r .digest <<<"$output")" = "${digests[1]}" ]
    [ "$(jq -c '[.extra[] | [.format, .digest]]' <<<"$output")" = "[[2,\"${digests[2]}\"]]" ]
    lamina ls "${digests[2]}" >/dev/null
    [ "$(readlink repo/images/refs/both)" = "../${digests[1]#sha256:}" ]
    set_formats 2 ""
    [ "$(lamina import tree second 2>/dev/null)" = "${digests[2]}" ]
    [ "$(lamina import --format 1 tree first 2>/dev/null)" = "${digests[1]}" ]
    set_formats 2 1
    [ "$(lamina import --json tree all 2>/dev/null | jq -r '.digest, .extra[].digest')" = \
        "${digests[2]}"$'\n'"${digests[1]}" ]
    run -2 lamina import --format 3 tree none
}

@test "ls, dump and objects of a repository image, a digest and a file agree" {
    make_tree tree
    lamina init
    digest=$(lamina import tree a 2>/dev/null)
    lamina build --format 1 tree a.erofs
    diff <(lamina ls a) <(lamina ls "$digest")
    diff <(lamina ls a) <(lamina ls ./a.erofs)
    diff <(lamina dump a) <(lamina dump a.erofs)
    diff <(lamina objects a) <(cd repo/objects && find ?? -type f | sort |
        grep -v "$(sed 's/sha256:..//' <<<"$digest")")
    run -0 lamina objects --missing a
    [ -z "$output" ]
    mkdir none
    run -0 lamina objects --missing --objects none a.erofs
    [ "${#lines[@]}" = 2 ]
}

@test "json of ls is one object with sizes and times" {
    make_tree tree
    lamina init
    lamina import tree a
    run -0 lamina ls --json a
    [ "$(jq '.entries | length' <<<"$output")" = "$(find tree -mindepth 1 | wc -l)" ]
    [ "$(jq -r '.entries[] | select(.path=="/big") | .size' <<<"$output")" = 100000 ]
    [ "$(jq -r '.entries[] | select(.path=="/inline") | .mtime' <<<"$output")" = \
        "$(TZ=UTC date -d @"$(stat -c %.9Y tree/inline)" +%Y-%m-%dT%H:%M:%S.%NZ)" ]
    [ "$(jq -r '.entries[] | select(.path_hex) | .path_hex' <<<"$output")" = 2f6f64642001ff6e616d65 ]
}

@test "two imports at the same time both succeed" {
    make_tree tree
    lamina init
    lamina import tree a &
    first=$!
    lamina import tree b
    wait "$first"
    [ "$(lamina images --json | jq '.images | length')" = 2 ]
    run -0 lamina objects --missing a
    [ -z "$output" ]
}

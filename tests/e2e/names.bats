#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# The program under other names, and its manners.
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

@test "mkcomposefs writes the golden images, digests included, and lamina those of version 2" {
    count=0
    while IFS=$'\t' read -r dump min max _ _ sha256 verity _; do
        dump=$LAMINA_SOURCE_ROOT/tests/golden/dumps/$dump
        case $dump in *.gz) gzip -dc "$dump" >big.dump && dump=big.dump ;; esac
        if [ "$min" = 2 ]; then # mkcomposefs does not know that one
            run -1 mkcomposefs --from-file --min-version=2 "$dump" image
            run -0 lamina build --dump --format=2 "$dump" image
            [ "$output" = "sha256:$verity image" ]
        else
            run -0 mkcomposefs --from-file --print-digest --min-version="$min" \
                --max-version="$max" "$dump" image
            [ "$output" = "$verity" ]
        fi
        [ "$(sha256sum <image)" = "$sha256  -" ]
        count=$((count + 1))
    done < <(grep -v '^#' "$LAMINA_SOURCE_ROOT/tests/golden/digests.tsv")
    [ "$count" -gt 50 ]
}

@test "mkcomposefs of a directory: digest store, stdout, options" {
    make_tree tree
    run -0 mkcomposefs --print-digest --digest-store=objects tree image
    digest=$output
    [ "$(find objects -type f | wc -l)" = 2 ]
    run -0 mkcomposefs --print-digest-only tree
    [ "$output" = "$digest" ]
    mkcomposefs tree - >image2
    cmp image image2
    mkcomposefs --use-epoch --skip-xattrs --skip-devices tree image3
    composefs-info dump image3 >dump3
    run ! grep -v ' 0\.0 ' dump3
    run ! grep -E 'user.note|/device' dump3
    run -1 mkcomposefs tree
    run -1 mkcomposefs /nonexistent image
    run -1 mkcomposefs --bogus tree image
    run -1 mkcomposefs --min-version=2 tree image
}

@test "composefs-info ls, objects, missing-objects, measure-file" {
    mkdir -p tree/dir
    seq 1000 >tree/dir/file
    ln -s dir tree/link
    mkcomposefs --digest-store=objects tree image
    object=$(cd objects && find . -type f | sed 's,^\./,,')
    run -0 composefs-info ls image
    [ "${lines[0]}" = $'/dir/\t' ]
    [ "${lines[1]}" = $'/dir/file\t@ '"$object" ]
    [ "${lines[2]}" = $'/link\t-> dir' ]
    run -0 composefs-info objects image
    [ "$output" = "$object" ]
    run -0 composefs-info --basedir=objects missing-objects image
    [ -z "$output" ]
    run -0 composefs-info --basedir=tree missing-objects image
    [ "$output" = "$object" ]
    run -0 composefs-info measure-file image
    [ "$output" = "$(mkcomposefs --print-digest-only tree)" ]
    run -0 composefs-info --filter=link ls image
    [ "${#lines[@]}" = 1 ]
    run -1 composefs-info ls nothing
    run -1 composefs-info
}

@test "a dump that must be refused is, with a line number and nothing left behind" {
    for dump in "$LAMINA_SOURCE_ROOT"/tests/golden/should-fail/*.dump; do
        run -1 mkcomposefs --from-file "$dump" image
        [[ "$output" == *"line "* ]]
        [ "${#lines[@]}" = 1 ]
        [ -z "$(find . -name 'image' -o -name '.lamina*')" ]
    done
}

@test "a full disk behind stdout is an error" {
    [ -w /dev/full ] || skip "no /dev/full"
    make_tree tree
    lamina build tree image
    run -1 bash -c 'lamina ls ./image >/dev/full'
    run -1 bash -c 'lamina build tree - >/dev/full'
}

@test "digest prints what fsverity prints, for many files, and goes on after a bad one" {
    need fsverity "package fsverity is missing" command -v fsverity
    for size in 0 1 4095 4096 4097 524288 524289; do head -c $size /dev/urandom >"file-$size"; done
    diff <(lamina digest file-*) <(fsverity digest file-*)
    diff <(lamina digest --algorithm sha512 file-*) <(fsverity digest --hash-alg=sha512 file-*)
    run -1 --separate-stderr lamina digest file-0 nothing file-1
    [ "${#lines[@]}" = 2 ]
    [[ "$stderr" == "lamina: cannot digest 'nothing'"* ]]
    run -0 lamina digest --json file-0 file-1
    [ "$(jq -r '.files[1].size' <<<"$output")" = 1 ]
}

@test "help, usage errors and errors in json" {
    run -0 lamina --help
    [[ "$output" == *"import"*"mount"* ]]
    for command in init import images mount umount ls dump objects digest build features; do
        run -0 lamina $command --help
        [[ "$output" == "usage: lamina $command"* ]]
    done
    run -2 lamina bogus
    run -2 lamina ls
    run -2 lamina ls --bogus x
    run -1 --separate-stderr lamina ls --json ./nothing
    [ -z "$output" ]
    [ "$(jq -r .error.code <<<"$stderr")" = ENOENT ]
    run -0 lamina features
    [[ "$output" == *"overlay"* ]]
}

@test "a malformed image gets one line and status 3" {
    head -c 16384 /dev/zero >zeros
    run -3 lamina ls ./zeros
    [ "${#lines[@]}" = 1 ]
    run -3 lamina dump ./zeros
    run -1 composefs-info ls zeros
}

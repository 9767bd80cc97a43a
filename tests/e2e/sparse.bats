#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Sparse files in layers, as GNU tar and bsdtar write them (docs/decisions/0019).
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    lamina init
}
teardown() { finish; }

# Holes before, behind and between; many pieces; nothing but a hole; none; ones that are inline in an image.
make_files() {
    mkdir -p tree/usr/share
    (
        cd tree/usr/share || return 1
        truncate -s 3000000 middle
        head -c 5000 /dev/urandom | dd of=middle bs=1 seek=1000000 conv=notrunc status=none
        truncate -s 1M front
        printf 'at the end' >>front
        head -c 70000 /dev/urandom >tail
        truncate -s 2M tail
        for i in $(seq 0 59); do printf '%s' "$i" | dd of=many bs=1 seek=$((i * 65536)) status=none; done
        truncate -s 500000 nothing
        head -c 100000 /dev/urandom >whole
        truncate -s 60 small
        : >none
        cp --sparse=always middle "$(printf 'a-long-name-%.0s' $(seq 15))"
        ln middle link
    )
    touch -d @1000 tree tree/usr tree/usr/share
}

# A layout 'img' with image $1 of the layers of the tar files behind.
make_image() {
    python3 - "$@" <<'PYTHON'
import hashlib, json, pathlib, sys
root = pathlib.Path("img")
(root / "blobs/sha256").mkdir(parents=True, exist_ok=True)
(root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

def blob(media_type, data):
    digest = hashlib.sha256(data).hexdigest()
    (root / "blobs/sha256" / digest).write_bytes(data)
    return {"mediaType": "application/vnd.oci.image." + media_type, "digest": "sha256:" + digest, "size": len(data)}

layers = [blob("layer.v1.tar", pathlib.Path(name).read_bytes()) for name in sys.argv[2:]]
config = {"os": "linux", "architecture": "amd64",
          "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}
manifest = {"schemaVersion": 2, "config": blob("config.v1+json", json.dumps(config).encode()), "layers": layers}
entry = blob("manifest.v1+json", json.dumps(manifest).encode())
entry["annotations"] = {"org.opencontainers.image.ref.name": sys.argv[1]}
(root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
PYTHON
}

# Pack tree in the form $1 into file $2.
pack() {
    local gnu=(tar -C tree --sparse --hole-detection=raw --numeric-owner --sort=name -cf "$2")
    case $1 in
    gnu) "${gnu[@]}" --format=gnu . ;;
    pax-*) "${gnu[@]}" --format=pax "--sparse-version=${1#pax-}" . ;;
    bsdtar) bsdtar -C tree --read-sparse --format pax -cf "$2" . ;;
    esac
    # sparse, or nothing would be tested
    [ "$(stat -c %s "$2")" -lt 4000000 ]
}

contents() { (cd "$1" && find . -type f -printf '%p %s\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# Image $1 has what the tree has, and gives back the archive $2 byte for byte.
same_as_tree() {
    mkdir -p mnt
    lamina mount "$1" mnt
    diff <(contents tree) <(contents mnt)
    [ mnt/usr/share/link -ef mnt/usr/share/middle ]
    lamina umount mnt
    for pid in $(servers); do gone "$pid"; done # what is mounted stays, and a server takes its time to end
    rm -rf out
    lamina export --compression none "$1" oci:out
    cmp "$2" "out/blobs/sha256/$(sha256sum "$2" | cut -d' ' -f1)"
}

@test "sparse files of each form are the files that were packed" {
    need_fuse
    need bsdtar "package libarchive-tools is missing" command -v bsdtar
    make_files
    for form in gnu pax-0.0 pax-0.1 pax-1.0 bsdtar; do
        echo "form: $form"
        pack "$form" "$form.tar"
        make_image "$form" "$form.tar"
        lamina pull --quiet "oci:img:$form"
        same_as_tree "$form" "$form.tar"
    done
    lamina fsck
}

@test "a sparse file and its twin with all zeros make the same image" {
    make_files
    tar -C tree --numeric-owner --sort=name --format=pax -cf plain.tar .
    make_image plain plain.tar
    lamina pull --quiet oci:img:plain
    pack pax-1.0 sparse.tar
    make_image sparse sparse.tar
    lamina pull --quiet oci:img:sparse
    diff <(lamina dump plain | cut -d' ' -f1-7,9-) <(lamina dump sparse | cut -d' ' -f1-7,9-)
}

@test "what only the image has of a sparse file lives as long as its layer" {
    need_fuse
    make_files
    pack gnu layer.tar
    make_image it layer.tar
    lamina pull --quiet oci:img:it
    lamina gc
    run -0 lamina gc --dry-run
    [[ "$output" == *"objects: 0 "* ]]
    lamina fsck
    same_as_tree it layer.tar
    # a second image shares the layer: it is not read again, and its file tree is made from the stream
    echo more >tree/more
    tar -C tree -cf more.tar more
    make_image other layer.tar more.tar
    run -0 --separate-stderr lamina pull --json oci:img:other
    [ "$(jq .present_layers <<<"$output")" = 1 ]
    lamina untag it
    lamina gc
    same_as_tree other layer.tar
    # the file is lost: it is noticed, and comes back
    object=$(lamina dump other | awk '$1 == "/usr/share/link" { print $9 }')
    rm "repo/objects/$object"
    run -3 lamina fsck
    [[ "$output" == *"missing"* ]]
    lamina pull --quiet oci:img:other
    lamina fsck
    same_as_tree other layer.tar
    lamina untag other
    lamina gc
    [ "$(find repo/objects -type f | wc -l)" = 0 ]
}

@test "a layer on top of one with sparse files" {
    need_root
    make_files
    pack pax-1.0 layer.tar
    make_image it layer.tar
    lamina pull --quiet oci:img:it
    mkdir upper work mnt
    lamina mount --upper upper --work work it mnt
    echo changed >mnt/usr/share/none
    rm mnt/usr/share/whole
    lamina umount mnt
    echo changed >tree/usr/share/none
    rm tree/usr/share/whole
    lamina commit --quiet --base it upper made
    same_as_tree made layer.tar
    run -0 lamina diff it made
    [[ "$output" == *usr/share/none* && "$output" != *middle* ]]
}

@test "a hole of a TiB costs one line" {
    mkdir tree
    truncate -s 1T tree/hole
    printf x | dd of=tree/hole bs=1 seek=1000 conv=notrunc status=none
    for form in --format=gnu "--format=pax --sparse-version=0.1" "--format=pax --sparse-version=1.0"; do
        # shellcheck disable=SC2086 # two options
        tar -C tree --sparse $form -cf hole.tar hole
        make_image it hole.tar
        run -1 lamina pull oci:img:it
        [ "${#lines[@]}" = 1 ]
        [[ "$output" == *"'hole': a sparse file of 1099511627776 bytes, the limit for all of the layer is 1073741824" ]]
    done
    # an archive that is imported has no size to go by, but a limit
    truncate -s 2T tree/hole
    tar -C tree --sparse --format=pax -cf hole.tar hole
    run -1 lamina import hole.tar it
    [ "${#lines[@]}" = 1 ]
    [[ "$output" == *"files with holes have more than 1099511627776 bytes" ]]
    [ "$(du -sk repo | cut -f1)" -lt 1000 ]
}

@test "a file that no disk has room for costs one line, before any of it is read" {
    # a header of 8 EiB, and some zeros
    python3 -c 'import sys, tarfile; t = tarfile.TarInfo("huge"); t.size = (1 << 63) - 1024
sys.stdout.buffer.write(t.tobuf(format=tarfile.GNU_FORMAT))' >huge.tar
    head -c 1M /dev/zero >>huge.tar
    make_image it huge.tar
    run -1 lamina pull oci:img:it
    [ "${#lines[@]}" = 1 ]
    [[ "$output" == *"'huge': 9223372036854774784 bytes, the limit for all of the archive is 1073741824" ]]
    run -1 lamina import huge.tar it
    [ "${#lines[@]}" = 1 ]
    [[ "$output" == *"'huge': 9223372036854774784 bytes, the limit for all of the archive is 1099511627776" ]]
    # one that an archive may have, on a disk that is smaller
    need_root
    mkdir small
    mount -t tmpfs -o size=100M none small
    python3 -c 'import sys, tarfile; t = tarfile.TarInfo("large"); t.size = 200 << 20
sys.stdout.buffer.write(t.tobuf(format=tarfile.GNU_FORMAT))' >large.tar
    head -c 201M /dev/zero >>large.tar
    status=0
    lamina init --repo small/repo
    lamina import --repo small/repo large.tar it 2>err || status=$?
    umount small
    cat err
    [ "$status" = 1 ]
    [ "$(wc -l <err)" = 1 ]
    grep -q "'large': 209715200 bytes, where the disk has 1[0-9]* free$" err
}

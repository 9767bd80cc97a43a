#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# What others have written does not move the cursor of a terminal, wherever it is printed.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    lamina init
}
teardown() { finish; }

# A layout 'img' of one layer with an escape in all that it may say: 'it', and the artifact 'art'.
make_hostile() {
    python3 - <<'PYTHON'
import hashlib, json, pathlib
root = pathlib.Path("img")
(root / "blobs/sha256").mkdir(parents=True)
(root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

def blob(media_type, data):
    digest = hashlib.sha256(data).hexdigest()
    (root / "blobs/sha256" / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

def manifest(name, config, layers):
    entry = blob("application/vnd.oci.image.manifest.v1+json",
                 json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode())
    return entry | {"annotations": {"org.opencontainers.image.ref.name": name}}

tar = bytes(1024)
config = {"os": "linux", "architecture": "a\x1b[2Jb", "author": "a\x1b[2Jb", "created": "a\x1b[2Jb",
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]},
          "config": {"Labels": {"k\x1b[2J": "v\x1b[2J"}, "User": "u\x1b[2J"},
          "history": [{"created": "a\x1b[2Jb", "created_by": "RUN \x1b[2J", "comment": "\x1b[2J"}]}
image = manifest("it", blob("application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
                 [blob("application/vnd.oci.image.layer.v1.tar", tar)])
artifact = manifest("art", blob("application/vnd.example.empty", b"{}"), [blob("a/\x1b[2Jb", b"text")])
(root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [image, artifact]}))
PYTHON
}

# All that a command writes, on both of its outputs.
escaped() {
    run "$@"
    echo "$output"
    [[ "$output" != *$'\e'* ]]
    [[ "$output" == *'\033[2J'* ]]
}

@test "the platform that a pull tells of is escaped" {
    make_hostile
    escaped lamina pull oci:img:it
    [[ "$output" == *'the image is for linux/a\033[2Jb'* ]]
}

@test "the history of an image is escaped, times too" {
    make_hostile
    lamina pull --quiet oci:img:it
    escaped lamina history it
    [[ "$output" == *'a\033[2Jb           '*'RUN \033[2J' ]]
    escaped lamina inspect it
}

@test "the types of layers are escaped" {
    make_hostile
    lamina pull --quiet oci:img:art
    escaped lamina layers art
    [[ "$output" == *'a/\033[2Jb' ]]
}

@test "names are escaped, in notes too" {
    make_hostile
    lamina pull --quiet oci:img:it
    escaped lamina pull --quiet $'oci:img:a\e[2Jb'
    target=$(readlink repo/streams/refs/oci/it)
    ln -s "$target" repo/streams/refs/oci/$'a\e[2Jb'
    escaped lamina df
    escaped lamina images
    # df says in a note what it could not add up
    manifest=repo/streams/$(basename "$target")
    rm "repo/objects/$(readlink "$manifest" | cut -d/ -f3-)"
    escaped lamina df
    [[ "$output" == *"note: 'a\\033[2Jb'"* ]]
}

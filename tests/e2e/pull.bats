#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Pulls from files of this machine, compared with what skopeo and umoci make of the same images.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    lamina init
}
teardown() { finish; }

make_image() { python3 "$LAMINA_SOURCE_ROOT/tests/tools/make-oci-image.py" "$@"; }

# A tree without what composefs-rs changes by rule: the root's metadata, what is in /run.
describe_image() {
    describe "$1" | grep -v '^|d|' | grep -v '^run/\|^run|' | grep -v '  \./run/'
}

# Extended attributes but those that lamina leaves out (user.*) and the kernel makes up (overlayfs).
image_xattrs() { xattrs "$1" | grep -v '^user\.\|^trusted\.overlay\.\|^user\.overlay\.' | grep -v '^$\|^# file'; }

# Pull what make_image made, mount it, and compare it with umoci's unpack of layout $1.
same_as_umoci() {
    need umoci "package umoci is missing" command -v umoci
    umoci unpack --image "$1" "$scratch/bundle" >/dev/null 2>&1
    mkdir -p "$scratch/mnt"
    lamina mount "$2" "$scratch/mnt"
    diff <(describe_image "$scratch/bundle/rootfs") <(describe_image "$scratch/mnt")
    diff <(image_xattrs "$scratch/bundle/rootfs") <(image_xattrs "$scratch/mnt")
    lamina umount "$scratch/mnt"
    rm -rf "$scratch/bundle"
}

# Debian's umoci knows no zstd; the next test says that it makes no difference.
@test "an image mounts as umoci unpacks it" {
    need_root
    for how in none gzip gzip-members; do
        make_image "img-$how" --name it --compression "$how"
        run -0 lamina pull "oci:img-$how:it" "$how"
        same_as_umoci "img-$how:it" "$how"
    done
}

@test "the compression of a layer changes nothing of the file tree" {
    for how in none gzip gzip-members zstd zstd-frames mixed; do
        make_image "img-$how" --compression "$how"
        run -0 lamina pull --json "oci:img-$how" "$how"
        jq -r .image <<<"$output" >>images
    done
    [ "$(sort -u images | wc -l)" = 1 ]
    # the layers are the same streams, too
    [ "$(find repo/streams -name 'oci-layer-*' | wc -l)" = 4 ]
}

@test "an image is pulled in each format that the repository wants" {
    make_image img --name it
    lamina pull oci:img:it plain
    first=$(lamina inspect --json plain | jq -r .image)
    set_formats 1 2
    run -0 --separate-stderr lamina pull --json oci:img:it both
    [ "$(jq -r .image <<<"$output")" = "$first" ]
    lamina gc
    [ "$(find repo/images -name '????????????????????????????????????????????????????????????????*' | wc -l)" = 2 ]
    set_formats 2 ""
    run -0 --separate-stderr lamina pull --json oci:img:it second
    second=$(jq -r .image <<<"$output")
    [ "$second" != "$first" ]
    [ "$(jq -r .format <<<"$output")" = 2 ]
    diff <(lamina dump "$first" | sed 's/\.[0-9]* /.0 /' | cut -d" " -f1,3,5-8 | sort) \
        <(lamina dump "$second" | cut -d" " -f1,3,5-8 | sort)
    lamina fsck
}

label_of() { lamina dump "$1" | grep "^$2 " | grep -o 'security.selinux=.*' || echo none; }

@test "an image that boots has labels and no kernel, beside the plain one" {
    make_image img --name it --bootable
    set_formats 1 2
    plain=$(lamina pull --json oci:img:it os 2>/dev/null | jq -r .image)
    run -0 --separate-stderr lamina pull --json --bootable oci:img:it os
    [ "$(jq -r .image <<<"$output")" = "$plain" ]
    boot=$(jq -r .boot_image <<<"$output")
    lamina dump "$plain" >plain.dump
    lamina dump "$boot" >boot.dump
    grep '^/boot/kernel ' plain.dump
    [[ "$(cat boot.dump)" != *$'\n/boot/'* && "$(cat boot.dump)" != *$'\n/sysroot/'* ]]
    [ "$(label_of "$boot" /boot)" = security.selinux=s_u:o_r:default_t:s0 ]
    [ "$(label_of "$boot" /usr)" = security.selinux=s_u:o_r:usr_t:s0 ]
    [ "$(label_of "$boot" /usr/lib64/libc.so.6)" = security.selinux=s_u:o_r:lib_t:s0 ]
    [ "$(label_of "$boot" /usr/bin/symlink)" = security.selinux=s_u:o_r:link_t:s0 ]
    [ "$(label_of "$boot" /run)" = none ]
    # three names of one file, of which one has another label
    [ "$(grep -c '^/usr/bin/third .* 3 0 0' plain.dump)" = 1 ]
    [ "$(label_of "$boot" /usr/bin/third)" = security.selinux=s_u:o_r:third_t:s0 ]
    [ "$(label_of "$boot" /usr/bin/tool)" = security.selinux=s_u:o_r:usr_t:s0 ]
    grep '^/usr/bin/third .* 1 0 0' boot.dump
    # both formats of both, which stay for as long as the image does; a plain pull takes nothing away
    lamina pull --quiet oci:img:it os
    lamina gc
    lamina fsck
    [ "$(find repo/images -name "$(printf '?%.0s' {1..64})" | wc -l)" = 4 ]
    lamina ls "$boot" >/dev/null
    run -0 --separate-stderr lamina pull --json --bootable --expected-digest "${boot#sha256:}" oci:img:it again
    run -3 lamina pull --expected-digest "${boot#sha256:}" oci:img:it plain
}

@test "what cannot boot is pulled without --bootable only" {
    make_image img --name it
    run -1 lamina pull --bootable oci:img:it os
    [[ "$output" == *"the image that boots: "*"/boot"* ]]
    run -0 lamina images
    [[ "$output" != *os* ]]
    lamina pull oci:img:it os
}

@test "the digest of the manifest is printed, and is what the layout says" {
    expected=$(make_image img --name it)
    run -0 --separate-stderr lamina pull oci:img:it
    [ "$output" = "$expected" ]
    [ -L "repo/streams/oci-manifest-$expected" ]
    [ "$(readlink repo/streams/refs/oci/it)" = "../../oci-manifest-$expected" ]
}

@test "an image is found by tag and by the digest of its manifest" {
    digest=$(make_image img)
    lamina pull oci:img quay.io/some/where:1
    diff <(lamina ls quay.io/some/where:1) <(lamina ls "$digest")
    image=$(lamina pull --json oci:img quay.io/some/where:1 | jq -r .image)
    diff <(lamina ls "$image") <(lamina ls "$digest")
    run -1 lamina ls quay.io/some/where:2
    run -1 lamina ls "sha256:$(printf '0%.0s' {1..64})"
}

@test "what the table shows of a manifest's digest means the image, while it has a name" {
    make_image img >/dev/null
    lamina pull oci:img quay.io/some/where:1
    brief=$(lamina images | awk '$3 == "quay.io/some/where:1" { print $2 }')
    [ "${#brief}" = 12 ]
    cmp <(lamina inspect --manifest "$brief") <(lamina inspect --manifest quay.io/some/where:1)
    diff <(lamina ls "$brief") <(lamina ls quay.io/some/where:1)
    lamina tag "$brief" other
    lamina untag quay.io/some/where:1
    lamina history "$brief"
    # shorter, it may be anybody's; a tag of those letters goes first
    run -1 lamina inspect "${brief:0:11}"
    make_image other --variant 2 >/dev/null
    lamina pull oci:other "$brief"
    run ! cmp <(lamina inspect --manifest "$brief") <(lamina inspect --manifest other)
    lamina untag "$brief" other
    run -1 lamina inspect "$brief"
    [[ "$output" == *"no image '$brief'" ]]
}

@test "an image whose name nobody wants to type is removed by its digits, unless it has several" {
    make_image img >/dev/null
    lamina pull oci:img quay.io/some/where:1
    lamina tag quay.io/some/where:1 two
    make_tree tree
    lamina import -q tree imported
    brief=$(lamina images | awk '$3 == "two" { print $2 }')
    image=$(lamina images | awk '$3 == "imported" { print $1 }')
    run -1 lamina rmi "$brief"
    [[ "$output" == *"the image has 2 names, 'quay.io/some/where:1' among them" ]]
    run -1 lamina rmi "${brief:0:11}"
    lamina untag two
    lamina rmi "$brief" "$image"
    run -0 lamina images --json
    [ "$(jq '.images | length' <<<"$output")" = 0 ]
    run -1 lamina rmi "$brief"
    [[ "$output" == *"no image"* ]]
}

# The golden files are of composefs-rs and of two independent writers.
# Have index.json of the layout img list its manifest by SHA-512 only; prints that.
name_by_sha512() {
    python3 - <<'PYTHON'
import hashlib, json, pathlib
blobs = pathlib.Path("img/blobs")
top = json.loads(pathlib.Path("img/index.json").read_text())
entry = top["manifests"][0]
file = blobs / "sha256" / entry["digest"][7:]
name = hashlib.sha512(file.read_bytes()).hexdigest()
(blobs / "sha512").mkdir()
file.rename(blobs / "sha512" / name)
entry["digest"] = "sha512:" + name
pathlib.Path("img/index.json").write_text(json.dumps(top))
print("sha512:" + name)
PYTHON
}

@test "a manifest that a layout lists by SHA-512 is held to that, and keeps the name" {
    make_image img --name it
    digest=$(name_by_sha512)
    run -0 --separate-stderr lamina pull --keep-blobs oci:img:it it
    [ "$output" = "$digest" ]
    [ "$(basename "$(readlink repo/streams/refs/oci/it)")" = "oci-manifest-$digest" ]
    [ "$(lamina images --json | jq -r '.images[].manifest')" = "$digest" ]
    for name in it "$digest"; do
        diff <(lamina inspect --manifest "$name") "img/blobs/sha512/${digest#sha512:}"
    done
    # a second time nothing is read
    run -0 lamina pull --json oci:img:it it
    [ "$(jq -c '[.manifest, .read_bytes]' <<<"$output")" = "[\"$digest\",0]" ]
    lamina gc
    lamina fsck
    # and so does the image where it goes
    run -0 --separate-stderr lamina export it oci:out:it
    [ "$output" = "$digest" ]
    run -0 --separate-stderr lamina copy oci:img:it oci:copy:it
    [ "$output" = "$digest" ]
    diff -r img/blobs out/blobs
    diff -r img/blobs copy/blobs
    lamina untag it
    lamina gc
    echo >>"img/blobs/sha512/${digest#sha512:}"
    run -3 lamina pull oci:img:it it
    [ "${#lines[@]}" = 1 ]
    # of the same size
    python3 -c 'import sys; p = sys.argv[1]; b = open(p, "rb").read()[:-1].replace(b"amd64", b"amd46"); open(p, "wb").write(b[:-1] + b" ")' "img/blobs/sha512/${digest#sha512:}"
    run -3 lamina pull oci:img:it it
    [[ "${lines[0]}" == *"where $digest was promised" ]]
    [ ! -e repo/streams/refs/oci/it ]
}

@test "layers become the streams that composefs-rs makes of them" {
    golden=$LAMINA_SOURCE_ROOT/tests/golden/splitstream
    mkdir -p img
    cp "$golden/manifest.json" img/
    echo "Directory Transport Version: 1.1" >img/version
    for file in config-unsorted.json layer-alpha.tar layer-beta.tar layer-gamma.tar; do
        cp "$golden/$file" "img/$(sha256sum "$golden/$file" | cut -d' ' -f1)"
    done
    lamina pull dir:img it
    for layer in alpha beta gamma; do
        wanted=$(awk -v f="layer-$layer.sha256.splitstream" '$1 == f { print $2 }' "$golden/MANIFEST.tsv")
        stream=repo/streams/oci-layer-sha256:$(sha256sum "$golden/layer-$layer.tar" | cut -d' ' -f1)
        [ "$(readlink "$stream")" = "../objects/${wanted:0:2}/${wanted:2}" ]
    done
}

@test "an image pulled again is not read again" {
    make_image img --name it
    lamina pull oci:img:it
    run -0 lamina pull --json oci:img:it
    [ "$(jq .present_layers <<<"$output")" = 4 ]
    [ "$(jq .read_bytes <<<"$output")" = 0 ]
    [ "$(jq .new_objects <<<"$output")" = 0 ]
}

@test "a stream of another type under a layer's name is not taken for the layer" {
    make_image img --name it
    image=$(lamina pull --json oci:img:it | jq -r .image)
    layer=$(find repo/streams -name 'oci-layer-*' | sort | head -n 1)
    right=$(readlink "$layer")
    ln -sfn "$(readlink "$(find repo/streams -name 'oci-config-*')")" "$layer"
    rm repo/streams/refs/oci/* repo/streams/oci-manifest-* # or nobody would look at the layers
    run -0 --separate-stderr lamina pull --json oci:img:it again
    [ "$(jq .present_layers <<<"$output")" = 3 ]
    [ "$(jq -r .image <<<"$output")" = "$image" ]
    [ "$(readlink "$layer")" = "$right" ]
    lamina fsck
}

@test "of an updated image only the layer that changed is read" {
    make_image img --name one
    make_image img --name two --variant 1
    lamina pull oci:img:one it
    before=$(lamina dump it)
    run -0 lamina pull --json oci:img:two it
    [ "$(jq .layers <<<"$output")" = 4 ]
    [ "$(jq .present_layers <<<"$output")" = 3 ]
    # the file that changed, the layer's stream, config and manifest with their streams, the image
    [ "$(jq .new_objects <<<"$output")" = 7 ]
    [ "$before" != "$(lamina dump it)" ]
    diff <(grep -v ^/etc/variant <<<"$before") <(lamina dump it | grep -v ^/etc/variant)
}

@test "platforms are chosen from an index, by default this machine's" {
    host=$(lamina pull --json "oci:$(make_image h >/dev/null; echo h)" x | jq -r .platform)
    make_image img --platforms "linux/riscv64,$host,linux/arm/v6,linux/arm/v7"
    run -0 lamina pull --json oci:img native
    [ "$(jq -r .platform <<<"$output")" = "$host" ]
    run -0 lamina pull --json --platform linux/arm oci:img arm
    [ "$(jq -r .platform <<<"$output")" = linux/arm/v7 ]
    run -0 lamina pull --json --platform linux/arm/v6 oci:img arm6
    [ "$(jq -r .platform <<<"$output")" = linux/arm/v6 ]
    run -1 lamina pull --platform linux/s390x oci:img none
    [[ "$output" == *"not there for linux/s390x, but for: linux/riscv64, $host, linux/arm/v6, linux/arm/v7"* ]]
    run -1 lamina pull --platform nonsense oci:img none
    run -1 lamina ls none
}

@test "one image of another platform is taken, and refused where a platform is asked for" {
    make_image img --platforms linux/riscv64
    run -0 lamina pull oci:img it
    [[ "$output" == *"the image is for linux/riscv64"* ]]
    run -1 lamina pull --platform linux/amd64 oci:img other
    [[ "$output" == *"is for linux/riscv64, not for linux/amd64"* ]]
}

@test "archives, docker's too, give the image of the layout they were made of" {
    need skopeo "package skopeo is missing" command -v skopeo
    digest=$(make_image img --name it)
    image=$(lamina pull --json oci:img:it it | jq -r .image)
    tar -C img -cf it.tar .
    skopeo copy -q oci:img:it docker-archive:it-docker.tar:example.org/it:1 >/dev/null
    skopeo copy -q oci:img:it dir:it-dir >/dev/null
    gzip -k it.tar it-docker.tar
    for source in oci-archive:it.tar oci-archive:it.tar.gz dir:it-dir docker-archive:it-docker.tar \
        docker-archive:it-docker.tar.gz; do
        run -0 lamina pull --json "$source" copy
        [ "$(jq -r .image <<<"$output")" = "$image" ]
        [ "$(jq .present_layers <<<"$output")" = 4 ]
        case $source in
        oci-archive:*) [ "$(jq -r .manifest <<<"$output")" = "$digest" ] ;;
        docker-archive:*) [ "$(jq -r .manifest <<<"$output")" = \
            "sha256:$(skopeo inspect --raw "${source%.gz}" | sha256sum | cut -d' ' -f1)" ] ;;
        esac
    done
    # without a name of ours, its own
    lamina pull docker-archive:it-docker.tar
    run -0 lamina ls example.org/it:1
    lamina untag example.org/it:1
    lamina pull docker-archive:it-docker.tar:example.org/it:1
    run -0 lamina ls example.org/it:1
    run -1 lamina pull docker-archive:it-docker.tar:example.org/it:2
}

@test "a docker manifest keeps its digest" {
    digest=$(make_image img --docker --compression gzip)
    run -0 --separate-stderr lamina pull oci:img it
    [ "$output" = "$digest" ]
}

@test "a tag that is replaced names the new image, and gc takes what nothing names" {
    make_image one --name it
    make_image two --name it --layers 3
    lamina pull oci:one:it
    lamina pull oci:two:it
    lamina gc
    [ "$(find repo/streams -maxdepth 1 -name 'oci-layer-*' | wc -l)" = 3 ]
    run -0 lamina ls it
    [ "${#lines[@]}" = 4 ]
    [ -z "$(lamina objects --missing it)" ]
}

@test "what was damaged in the repository a pull puts right" {
    make_image img --name it
    lamina pull oci:img:it
    before=$(lamina dump it)
    rm "repo/objects/$(lamina objects it | head -n 1)"
    [ -n "$(lamina objects --missing it)" ]
    lamina pull oci:img:it
    [ -z "$(lamina objects --missing it)" ]
    rm -r repo/images
    lamina pull oci:img:it
    [ "$before" = "$(lamina dump it)" ]
}

@test "an expected digest is held to before the tag is set" {
    make_image img --name it
    image=$(lamina pull --json oci:img:it first | jq -r .image)
    run -0 lamina pull --expected-digest "${image#sha256:}" oci:img:it second
    run -3 lamina pull --expected-digest "$(printf '0%.0s' {1..64})" oci:img:it third
    [[ "$output" == *"not what was expected"* ]]
    run -1 lamina ls third
}

# Flip a byte of each blob in turn: nothing gets a name.
@test "a blob that is not what its digest says is refused, and leaves nothing" {
    make_image good --name it --compression mixed
    for blob in good/blobs/sha256/*; do
        rm -rf bad repo
        lamina init
        cp -r good bad
        python3 - "bad/blobs/sha256/$(basename "$blob")" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[1], "wb").write(data)
PYTHON
        run -3 lamina pull oci:bad:it
        [[ "$output" == "lamina: cannot pull 'oci:bad:it': "* ]]
        [ "${#lines[@]}" = 1 ]
        run -1 lamina ls it
        [ ! -e repo/streams/refs ] || [ -z "$(ls repo/streams/refs/oci)" ]
    done
}

@test "a diff_id that is not the layer's is refused" {
    make_image img --name it --layers 2
    python3 - <<'PYTHON'
import hashlib, json, pathlib
blobs = pathlib.Path("img/blobs/sha256")
index = json.loads(pathlib.Path("img/index.json").read_text())
def read(descriptor):
    return json.loads((blobs / descriptor["digest"][7:]).read_text())
def write(document, descriptor):
    data = json.dumps(document).encode()
    descriptor["digest"], descriptor["size"] = "sha256:" + hashlib.sha256(data).hexdigest(), len(data)
    (blobs / descriptor["digest"][7:]).write_bytes(data)
manifest = read(index["manifests"][0])
config = read(manifest["config"])
config["rootfs"]["diff_ids"].reverse()
write(config, manifest["config"])
write(manifest, index["manifests"][0])
pathlib.Path("img/index.json").write_text(json.dumps(index))
PYTHON
    run -3 lamina pull oci:img:it
    [[ "$output" == *"layer "* ]]
    run -1 lamina ls it
    [ -z "$(find repo/streams -name 'oci-*')" ]
}

@test "names that cannot be one, and sources without a name, are refused before anything is read" {
    make_image img
    run -1 lamina pull oci:img
    [[ "$output" == *"has no name of its own"* ]]
    run -1 lamina pull oci:img "sha256:$(printf 'a%.0s' {1..64})"
    run -1 lamina pull oci:none it
    run -1 lamina pull debian it
    [[ "$output" == *"docker.io/library/debian"* ]]
    [ -z "$(find repo/objects -type f)" ]
}

@test "a pull that is killed leaves no name, and the next one completes it" {
    make_image img --name it --compression mixed
    for n in $(seq 1 25); do
        rm -rf repo
        lamina init
        timeout -s KILL "0.00$n" lamina pull oci:img:it >/dev/null 2>&1 || true
        if [ -e repo/streams/refs/oci/it ]; then
            lamina dump it >/dev/null
        fi
        lamina pull oci:img:it 2>/dev/null
        [ -z "$(lamina objects --missing it)" ]
        [ -z "$(find repo -name '.symlink-*' -o -name '.tmp-*')" ]
    done
}

@test "two pulls of one image at the same time both succeed" {
    make_image img --name it --layers 20
    lamina pull -j 4 oci:img:it a &
    first=$!
    lamina pull -j 1 oci:img:it b
    wait "$first"
    diff <(lamina dump a) <(lamina dump b)
}

@test "progress is JSON where that is asked for" {
    make_image img --name it --layers 5
    run -0 --separate-stderr lamina pull --progress=json oci:img:it
    # shellcheck disable=SC2154 # set by run
    [ "$(head -n 1 <<<"$stderr" | jq -r .phase)" = pull ]
    [ "$(head -n 1 <<<"$stderr" | jq -r .all_count)" = 5 ]
    # all of it is JSON, and ends with how far it came and what there is to say
    [ "$(jq -s '[.[] | select(.phase)] | last | .count == 5 and .bytes == .all_bytes' <<<"$stderr")" = true ]
    [[ "$(jq -rs 'last.note' <<<"$stderr")" == "it: 5 layers, "* ]]
    run -1 --separate-stderr lamina pull --progress=json oci:img:none
    [ "$(jq -rs 'last.error.code' <<<"$stderr")" = ENOENT ]
}

@test "what an image is can be inspected, to the byte" {
    digest=$(make_image img --name it)
    lamina pull oci:img:it quay.io/some/where:1
    cmp <(lamina inspect --raw quay.io/some/where:1) "img/blobs/sha256/${digest#sha256:}"
    cmp <(lamina inspect --manifest "$digest") "img/blobs/sha256/${digest#sha256:}"
    config=$(lamina inspect --raw "$digest" | jq -r .config.digest)
    cmp <(lamina inspect --config "$digest") "img/blobs/sha256/${config#sha256:}"
    run -0 lamina inspect --json "$digest"
    [ "$(jq -r .manifest <<<"$output")" = "$digest" ]
    [ "$(jq -r .config_digest <<<"$output")" = "$config" ]
    [ "$(jq -c .config.entrypoint <<<"$output")" = '["/usr/bin/tool"]' ]
    [ "$(jq -r '.config.labels["org.example.note"]' <<<"$output")" = "a label" ]
    [ "$(jq -r .image <<<"$output")" = "$(lamina images --json | jq -r '.images[0].digest')" ]
    run -0 lamina inspect quay.io/some/where:1
    [[ "$output" == *"labels      org.example.note=a label"* ]]
    run -2 lamina inspect --config --manifest "$digest"
    run -1 lamina inspect none
    make_tree tree
    lamina import tree imported
    run -1 lamina inspect imported
    [[ "$output" == *"imported, not pulled"* ]]
}

@test "history and layers tell of each other" {
    make_image img --name it
    lamina pull oci:img:it
    run -0 lamina history it
    [ "${#lines[@]}" = 6 ]
    [[ "${lines[1]}" == 2024-01-02T03:04:05* && "${lines[1]}" == *"layer 3" ]]
    [[ "${lines[4]}" == *" -  ENV A=b" ]]
    run -0 lamina history --json it
    [ "$(jq '.history | length' <<<"$output")" = 5 ]
    [ "$(jq -r '.history[0].diff_id' <<<"$output")" = "$(lamina layers --json it | jq -r '.layers[3].diff_id')" ]
    [ "$(jq -r '.history[3].diff_id' <<<"$output")" = null ]
    run -0 lamina layers it
    [ "${#lines[@]}" = 5 ]
    run -0 lamina layers --json it
    [ "$(jq -r '.layers[1].created_by' <<<"$output")" = "layer 1" ]
    for i in 0 1 2 3; do
        blob=$(jq -r ".layers[$i].digest" <<<"$output")
        [ "$(jq -r ".layers[$i].tar_bytes" <<<"$output")" = \
            "$(zcat "img/blobs/sha256/${blob#sha256:}" | wc -c)" ]
        [ "$(jq -r ".layers[$i].diff_id" <<<"$output")" = \
            "sha256:$(zcat "img/blobs/sha256/${blob#sha256:}" | sha256sum | cut -d' ' -f1)" ]
    done
}

@test "names are given and taken, of pulled and of imported images alike" {
    digest=$(make_image img --name it)
    lamina pull oci:img:it
    make_tree tree
    lamina import tree imported
    lamina tag it second third
    lamina tag "$digest" fourth
    lamina tag imported copy
    run -0 lamina images --json
    [ "$(jq -c '[.images[].name]' <<<"$output")" = '["copy","fourth","imported","it","second","third"]' ]
    [ "$(jq -r '.images[] | select(.name == "fourth") | .manifest' <<<"$output")" = "$digest" ]
    [ "$(jq -r '.images[] | select(.name == "copy") | .manifest' <<<"$output")" = null ]
    run -0 lamina images
    [ "${#lines[@]}" = 7 ]
    lamina untag it second
    lamina rmi copy
    run -1 lamina rmi it imported
    [[ "$output" == *"cannot remove 'it': no image 'it'"* ]]
    [ "$(lamina images --json | jq -c '[.images[].name]')" = '["fourth","third"]' ]
    run -0 lamina ls third
}

@test "no name is that of a pulled and of an imported image at once" {
    make_image img --name it
    make_tree tree
    lamina pull oci:img:it
    lamina import tree imported
    run -1 lamina import tree it
    [[ "$output" == *"'it' is the name of a pulled image"* ]]
    run -1 lamina pull oci:img imported
    [[ "$output" == *"'imported' is the name of an imported image"* ]]
    run -1 lamina tag it imported
    run -1 lamina tag imported it
    run -1 lamina tag it "sha256:$(printf 'a%.0s' {1..64})"
    run -1 lamina tag none other
}

@test "what an image says of itself cannot move the cursor" {
    make_image img --name it
    python3 - <<'PYTHON'
import json, pathlib
index = json.loads(pathlib.Path("img/index.json").read_text())
index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = "a\x1b[2Jb"
index["manifests"][0]["digest"] = "sha256:\x1b[2J"
pathlib.Path("img/index.json").write_text(json.dumps(index))
PYTHON
    run -3 lamina pull oci:img it
    [[ "$output" != *$'\e'* ]]
    [[ "$output" == *'\033[2J'* ]]
}

# Each costs one line, no time and nothing stored. The manifest's digest is right each time.
@test "documents that are made to hurt are refused" {
    for how in huge-index deep many-layers duplicate-keys two-kinds small-values; do
        rm -rf img
        make_image img --name it --layers 1
        python3 - "$how" <<'PYTHON'
import hashlib, json, pathlib, sys
how = sys.argv[1]
index_file = pathlib.Path("img/index.json")
index = json.loads(index_file.read_text())
entry = index["manifests"][0]
manifest = pathlib.Path("img/blobs/sha256/" + entry["digest"][7:]).read_text()
document = json.loads(manifest)
if how == "deep":
    manifest = manifest[:-1] + ',"x":' + "[" * 100000 + "]" * 100000 + "}"
elif how == "many-layers":
    document["layers"] *= 2000
    manifest = json.dumps(document)
elif how == "duplicate-keys":
    manifest = manifest[:-1] + ',"layers":[]}'
elif how == "two-kinds":
    manifest = manifest[:-1] + ',"manifests":[]}'
elif how == "small-values":
    manifest = manifest[:-1] + ',"x":[' + ",".join(["{}"] * 1000000) + "]}"
data = manifest.encode()
entry["digest"], entry["size"] = "sha256:" + hashlib.sha256(data).hexdigest(), len(data)
pathlib.Path("img/blobs/sha256/" + entry["digest"][7:]).write_bytes(data)
index_file.write_text(json.dumps(index))
if how == "huge-index":
    with index_file.open("r+b") as file:
        file.truncate(100 << 20)
PYTHON
        run timeout 10 lamina pull oci:img:it
        [ "$status" = 1 ] || [ "$status" = 3 ]
        [ "${#lines[@]}" = 1 ]
        [ -z "$(find repo/objects -type f)" ]
        [ ! -e repo/streams ]
    done
}

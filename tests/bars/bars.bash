# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# What the bars share: the end-to-end tests' scratch folder and registry, images of Debian packages in that registry,
# and listings of file trees that are compared.

LAMINA_SOURCE_ROOT=${LAMINA_SOURCE_ROOT:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
# shellcheck source=/dev/null
. "$LAMINA_SOURCE_ROOT/tests/e2e/lib.bash"
# shellcheck source=/dev/null
. "$LAMINA_SOURCE_ROOT/tests/e2e/registry.bash"
bats_require_minimum_version 1.5.0

layout=${LAMINA_BARS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lamina/bars}/images

# Ten images, and for each the one of the layout that it has the file tree of: the same in other manifests and
# compressions.
images=(base python node gcc app trimmed tools base-zstd python-docker odd)
tree_of() {
    case $1 in
    base-zstd) echo "$layout:base" ;;
    python-docker) echo "$layout:python" ;;
    odd) echo "$scratch/odd:odd" ;;
    *) echo "$layout:$1" ;;
    esac
}

bars_setup() {
    start
    need root "images are made, and trees compared, as root" test "$(id -u)" -eq 0
    need_registry
    need_skopeo
    need umoci "package umoci is missing" command -v umoci
    [ -e "$layout/complete" ] || { echo "no images yet: use tests/bars/run.sh" >&2; return 1; }
    start_registry
}
bars_teardown() {
    stop_registry
    finish
}

# As it is: skopeo may know another compression of a layer from earlier, and take that.
copy_to_registry() { skopeo copy -q --preserve-digests --dest-tls-verify=false "$@"; }

# All ten as $host/bars/NAME:1.
fill_registry() {
    make_image "$scratch/odd" --name odd --compression none >/dev/null
    copy_to_registry "oci:$scratch/odd:odd" "docker://$host/bars/odd:1"
    for name in base python node gcc app trimmed tools base-zstd; do
        copy_to_registry "oci:$layout:$name" "docker://$host/bars/$name:1"
    done
    skopeo copy -q --dest-tls-verify=false --format v2s2 "oci:$layout:python" "docker://$host/bars/python-docker:1"
}

listing() { python3 "$LAMINA_SOURCE_ROOT/tests/bars/tree-listing.py" "$@"; }

# What umoci unpacks of an image of a layout, as an image of ours shows it, in file $2.
umoci_listing() {
    umoci unpack --image "$1" "$scratch/bundle" >/dev/null
    listing --as-oci-image "$scratch/bundle/rootfs" >"$2"
    rm -rf "$scratch/bundle"
}

# What lamina mounts by this name, in file $2.
lamina_listing() {
    mkdir -p "$scratch/mnt"
    lamina mount "$1" "$scratch/mnt"
    listing "$scratch/mnt" >"$2"
    lamina umount "$scratch/mnt"
}

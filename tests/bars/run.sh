#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# The bars of OCI images, of build/lamina or that in LAMINA_BUILD_ROOT: what has to hold of real images from a real
# registry. As root, twenty minutes; the images are made once and kept (300 MB).
#
#   run.sh [BATS-FILE...]      LAMINA_BARS_CACHE= where images are, LAMINA_BARS_KILLS= and _SEED= of killed.bats
set -eu
cd "$(dirname "$0")/../.."

export LAMINA_BARS_CACHE="${LAMINA_BARS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lamina/bars}"
export LAMINA_MUST_RUN="${LAMINA_MUST_RUN:-root,registry,skopeo,umoci,podman,crun}"
mkdir -p "$LAMINA_BARS_CACHE"
tests/bars/make-images.sh "$LAMINA_BARS_CACHE/images"
[ $# -gt 0 ] || set -- tests/bars
exec bats "$@"

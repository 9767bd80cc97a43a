#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Configure (once) and build build-NAME with the Meson options that follow the name.
set -eu

cd "$(dirname "$0")/.."
name=$1
shift
tools/install-missing.sh build
[ -f "build-$name/build.ninja" ] || meson setup "build-$name" ${CI:+--werror} "$@"
ninja -C "build-$name"

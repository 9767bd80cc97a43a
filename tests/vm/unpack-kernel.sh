#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# From an unpacked kernel package to what run.sh boots.
#
#   tests/vm/unpack-kernel.sh TREE VERSION FOLDER
set -eu

tree=$1
version=$2
folder=$3
modules="virtio_pci virtio_blk 9pnet_virtio 9p ext4 btrfs erofs overlay fuse loop crc32c_generic sha256_generic sha512_generic"

# Behind its boot code, a bzImage has the kernel compressed: find the magic, try what it says.
unpack() {
    magic=$1
    program=$2
    LC_ALL=C grep -aobP "$magic" "$bzimage" | cut -d: -f1 | while read -r offset; do
        tail -c "+$((offset + 1))" "$bzimage" | $program >"$folder/vmlinux.tmp" 2>/dev/null || true
        if [ "$(head -c 4 "$folder/vmlinux.tmp" | tail -c 3)" = ELF ]; then
            mv "$folder/vmlinux.tmp" "$folder/vmlinux"
            break
        fi
    done
}
bzimage=$tree/boot/vmlinuz-$version
[ -e "$bzimage" ] || bzimage=$tree/usr/lib/modules/$version/vmlinuz
rm -f "$folder/vmlinux"
unpack '\x28\xb5\x2f\xfd' 'zstd -dcq'
[ -e "$folder/vmlinux" ] || unpack '\xfd7zXZ\x00' 'xz -dcq --single-stream'
rm -f "$folder/vmlinux.tmp"
[ -e "$folder/vmlinux" ] || { echo "unpack-kernel: no kernel found in $bzimage" >&2; exit 1; }

root=$tree
[ -d "$tree/lib/modules/$version" ] || root=$tree/usr
if [ "$root" = "$tree/usr" ]; then
    mkdir -p "$tree/lib"
    ln -s ../usr/lib/modules "$tree/lib/modules"
fi
depmod -b "$tree" "$version"

# In the order in which they can be loaded. What is built in is not listed, what is missing is left out.
rm -rf "$folder/modules"
mkdir -p "$folder/modules"
number=100
for module in $modules; do
    modprobe -d "$tree" -S "$version" --show-depends "$module" 2>/dev/null | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r file; do
    name=$(basename "$file")
    case $file in
    *.xz) xz -dc "$file" >"$folder/modules/$number-${name%.xz}" ;;
    *.zst) zstd -dcq "$file" >"$folder/modules/$number-${name%.zst}" ;;
    *) cp "$file" "$folder/modules/$number-$name" ;;
    esac
    number=$((number + 1))
done

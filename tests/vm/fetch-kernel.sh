#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Bring one of Debian's kernels into a folder: vmlinux (uncompressed, so that qemu boots it at once),
# modules/ (those that tests need, unpacked) and version.
#
#   tests/vm/fetch-kernel.sh SERIES FOLDER      such as 6.1, 6.12 or 7.2
#
# Packages come from the archive that this machine's apt is set up for, by apt-get download, with lists and
# state in a folder of our own: nothing is installed, and the machine's apt is left as it is.
set -eu

series=$1
folder=$2
[ ! -e "$folder/version" ] || exit 0

# Debian release, and the name of the package that holds the kernel itself.
case $series in
6.1) suite=bookworm ;;
6.12) suite=bookworm-backports ;;
7.2) suite=trixie-backports ;;
*) echo "fetch-kernel: which release has Linux $series?" >&2; exit 2 ;;
esac

work=$(dirname "$folder")/apt-$suite
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/download" "$work/empty"
work=$(cd "$work" && pwd)

# Any suite of the main archive has the others beside it; security does not.
# shellcheck disable=SC2016 # apt expands these
archive=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
    awk '$1 !~ /security/ { print $2; exit }')
[ -n "$archive" ] || { echo "fetch-kernel: no Debian archive in the sources of apt" >&2; exit 1; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $archive $suite main" >"$work/sources.list"
: >"$work/status"

apt() {
    apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts="$work/empty" \
        -o Dir::State="$work" -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt_cache() {
    apt-cache -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts="$work/empty" \
        -o Dir::State="$work" -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work/cache" "$@"
}

echo "fetching Linux $series from $suite" >&2
[ -n "$(find "$work/lists" -name '*Packages*')" ] || apt update

# The newest of the series: linux-image-6.12.95+deb12-amd64 and the like, signed or not, never -dbg, -rt, -cloud.
image=$(apt_cache pkgnames "linux-image-$series." |
    grep -E "^linux-image-$(echo "$series" | sed 's/\./\\./g')\.[0-9][^-]*(-[0-9]+)?-amd64\$" | sort -V | tail -n 1)
[ -n "$image" ] || { echo "fetch-kernel: $suite has no Linux $series" >&2; exit 1; }
version=${image#linux-image-}

# Since 7.x, the kernel and its modules are in packages of their own.
packages=$image
for more in "linux-binary-$version" "linux-modules-$version"; do
    ! apt_cache pkgnames "$more" | grep -qx "$more" || packages="$packages $more"
done
tree=$work/tree-$version
rm -rf "$tree"
mkdir -p "$tree"
# shellcheck disable=SC2086 # a list of words on purpose
(cd "$work/download" && apt download $packages)
for package in $packages; do
    for file in "$work/download/${package}"_*.deb; do dpkg-deb -x "$file" "$tree"; done
done

mkdir -p "$folder"
"$(dirname "$0")/unpack-kernel.sh" "$tree" "$version" "$folder"
rm -rf "$tree" "$work/download"
echo "$version" >"$folder/version"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# The main job on a real root file system: import, mount without privilege, run a program inside.
#
# A minimal Debian is made once by mmdebstrap and kept in ${XDG_CACHE_HOME:-~/.cache}/lamina. Where that
# cannot be had, this machine's own /usr stands in (DEMO_ROOTFS=host asks for that). Everything else happens
# in a scratch folder, as an unprivileged user: the caller, or uid 1000 when the caller is root.
set -euo pipefail
cd "$(dirname "$0")/.."

lamina_built=$PWD/build/lamina
cache=${XDG_CACHE_HOME:-$HOME/.cache}/lamina
# shellcheck source=/dev/null
suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-stable}")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/lamina-demo.XXXXXX")
chmod 755 "$scratch"

cleanup() {
    # What the user made may belong to ids of his namespace: he removes it himself.
    as_user unshare -Ur rm -rf "$scratch/work" 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT

# Run as the unprivileged user, with a /dev/fuse that he may open. Only a private mount namespace sees
# that: the machine's own device is left alone.
as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        if [ -r /dev/fuse ] && [ -w /dev/fuse ]; then
            "$@"
        else
            sudo SCRATCH="$scratch" DEMO_UID="$(id -u)" DEMO_GID="$(id -g)" HOME="$HOME" \
                unshare -m sh -c "$with_device" "$scratch" "$@"
        fi
        return
    fi
    DEMO_UID=1000 DEMO_GID=1000 unshare -m sh -c "$with_device" "$scratch" "$@"
}
# shellcheck disable=SC2016 # expanded by the inner shell
with_device='
    [ -e "$0/fuse" ] || mknod -m 666 "$0/fuse" c 10 229
    mount --bind "$0/fuse" /dev/fuse
    exec setpriv --reuid "$DEMO_UID" --regid "$DEMO_GID" --clear-groups --inh-caps=-all \
        env HOME="$0/work" "$@"'

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

# rootfs.tar: a minimal Debian, or nothing.
make_rootfs() {
    local tar=$cache/debian-$suite.tar as_root=
    [ "${DEMO_ROOTFS:-debian}" = debian ] || return 1
    [ -s "$tar" ] && return 0
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    mkdir -p "$cache"
    say "making a minimal Debian $suite (once; kept in the cache)"
    if ! $as_root mmdebstrap --quiet --format=tar --variant=essential --include=perl-base "$suite" \
        "$tar.new" >"$scratch/mmdebstrap.log" 2>&1; then
        tail -n 3 "$scratch/mmdebstrap.log" >&2
        rm -f "$tar.new"
        return 1
    fi
    [ -z "$as_root" ] || sudo chown "$(id -u):$(id -g)" "$tar.new"
    mv "$tar.new" "$tar"
}

mkdir "$scratch/work"
[ "$(id -u)" -ne 0 ] || chown 1000:1000 "$scratch/work"
cp "$lamina_built" "$scratch/lamina"

if make_rootfs; then
    cp "$cache/debian-$suite.tar" "$scratch/rootfs.tar"
    chmod 644 "$scratch/rootfs.tar"
    origin="Debian $suite, by mmdebstrap"
else
    say "no Debian to be had: this machine's own /usr instead"
    tar -C / -cf "$scratch/rootfs.tar" --exclude='usr/share/*' --exclude='usr/src/*' \
        --exclude='usr/lib/gcc*' --exclude='usr/lib/llvm*' --exclude='usr/local/*' \
        bin lib lib64 sbin usr etc/os-release etc/ld.so.cache etc/passwd 2>/dev/null || true
    origin="this machine's /usr"
fi

# From here on everything is done by the unprivileged user, as root of a namespace of his own.
say "unprivileged, in a user namespace ($origin)"
cat >"$scratch/inside.sh" <<'INSIDE'
set -eu
cd "$1/work"
lamina=$1/lamina
export LAMINA_REPO=$1/work/repo
mkdir rootfs mnt
tar -xf ../rootfs.tar -C rootfs --exclude='./dev/*' --exclude='dev/*' --no-same-owner 2>/dev/null || true

step() { # step WORDS COMMAND...: run it, and say how long it took
    words=$1
    shift
    begin=$(date +%s%N)
    "$@"
    end=$(date +%s%N)
    printf '  %-34s %9.1f ms\n' "$words" "$(awk "BEGIN { print ($end - $begin) / 1e6 }")"
}

step "make a repository" sh -c '"$0" init >init.out' "$lamina"
echo "    $(sed 's/.*: //' init.out)"
step "import the root file system" "$lamina" import -q rootfs debian | grep '^  '
step "import it again (nothing new)" "$lamina" import -q rootfs debian | grep '^  '
step "mount it" "$lamina" mount debian mnt
step "run a program inside" chroot mnt /bin/sh -c ". /etc/os-release; echo \"    \$PRETTY_NAME: \$(ls /usr/bin | wc -l) programs\""
if [ -x mnt/usr/bin/perl ]; then
    # it wants /dev/null, which the namespace of one step gets from outside
    step "run another" unshare -m sh -c 'mount --rbind /dev mnt/dev && exec chroot mnt "$@"' sh \
        /usr/bin/perl -e 'printf("    perl %vd, from inside\n", $^V)'
fi
step "walk all of it" sh -c 'find mnt | wc -l >count'
echo
echo "  mounted: $(awk -v t="$PWD/mnt" '$5 == t { for (i = 7; i <= NF; i++) if ($i == "-") { print $(i+1), "from", $(i+2); break } }' /proc/self/mountinfo), $(cat count) entries"
"$lamina" mount --explain debian mnt | sed 's/^/    /'
echo "  as: uid $(id -u) of a user namespace, uid $(awk '{ print $2 }' /proc/self/uid_map) outside"
echo "  space: rootfs $(du -sh rootfs | cut -f1), repository $(du -sh repo | cut -f1), of which the image" \
    "$(du -Lsh repo/images/refs/debian | cut -f1)"
step "unmount" "$lamina" umount mnt
INSIDE
as_user unshare -Urm sh "$scratch/inside.sh" "$scratch"
say "done; nothing is left behind"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Run a command under one of Debian's kernels, in qemu without hardware help (TCG), and return its exit status.
#
#   tests/vm/run.sh KERNEL-FOLDER SHARED-FOLDER [DISK...] -- COMMAND...
#
# KERNEL-FOLDER is what fetch-kernel.sh made. The guest sees this machine's file tree read-only (9p), fresh
# tmpfs at /tmp, /run and /mnt, SHARED-FOLDER read-write at /mnt/shared, and the disks as /dev/vda, /dev/vdb...
set -eu

kernel=$1
shared=$(cd "$2" && pwd)
shift 2
drives=
while [ "$1" != -- ]; do
    drives="$drives -drive file=$1,format=raw,if=virtio,cache=unsafe"
    shift
done
shift

# The command, one quoted word a line, for the guest's shell.
{
    printf 'set --'
    for word in "$@"; do printf " '%s'" "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done
    printf '\n'
} >"$shared/command"
rm -f "$shared/status"

initramfs=$kernel/initramfs
if [ ! -e "$initramfs" ] || [ -n "$(find "$0" -newer "$initramfs")" ]; then
    tree=$kernel/initramfs-tree
    rm -rf "$tree"
    mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/new"
    cp /bin/busybox "$tree/bin/busybox"
    cp -r "$kernel/modules" "$tree/modules"
    cat >"$tree/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module" || true; done
nine() { mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$1" "$2" "$3"; }
nine ro,cache=loose host /new || { echo "no host tree"; poweroff -f; }
for place in tmp run mnt; do mount -t tmpfs -o mode=1777 tmpfs /new/$place; done
mkdir /new/mnt/shared
nine rw shared /new/mnt/shared
for place in proc sys dev; do mount --move /$place /new/$place; done
# A namespace made later refuses to be made in a chroot: this has to be the real root.
exec switch_root /new /bin/sh -c '
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
    mkdir -p /dev/shm /dev/pts
    for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "/proc/self/${link#*:}" "/dev/${link%:*}"; done
    chmod 666 /dev/fuse 2>/dev/null
    . /mnt/shared/command
    "$@" </dev/null
    echo $? >/mnt/shared/status
    sync
    exec /bin/busybox poweroff -f'
EOF
    chmod +x "$tree/init"
    (cd "$tree" && find . | cpio -o -H newc --quiet -R 0:0) >"$initramfs"
    rm -rf "$tree"
fi

log=$shared/console
# shellcheck disable=SC2086 # a list of words on purpose
timeout "${LAMINA_VM_SECONDS:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max,la57=off \
    -smp 2 -m 1024 -nodefaults -no-reboot -display none -serial stdio -monitor none \
    -kernel "$kernel/vmlinux" -initrd "$initramfs" \
    -append "console=ttyS0 quiet panic=-1 loglevel=3 mitigations=off" \
    -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
    -device virtio-9p-pci,fsdev=host,mount_tag=host \
    -fsdev "local,id=shared,path=$shared,security_model=none,multidevs=remap" \
    -device virtio-9p-pci,fsdev=shared,mount_tag=shared \
    $drives </dev/null >"$log" 2>&1 || true
sed 's/\r$//' "$log"
[ -e "$shared/status" ] || { echo "run.sh: the guest did not finish" >&2; exit 125; }
exit "$(cat "$shared/status")"

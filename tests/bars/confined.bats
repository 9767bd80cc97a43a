#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Bar: a container is kept from what podman keeps one from. Compares what is written for the runtime, not what it does.
load bars

setup() {
    start
    need root "podman is asked as root" test "$(id -u)" -eq 0
    need podman "package podman is missing" command -v podman
    need crun "package crun is missing" command -v crun
    need seccomp "no profile: package golang-github-containers-common or containers-common" \
        test -e /usr/share/containers/seccomp.json
}
teardown() { finish; }

# podman's config.json for user $1, in file podman.json. No cgroups; limits that any machine has; where there are both
# versions of cgroups, crun is shown one.
podman_config() {
    cat >podman.sh <<'SH'
set -e
[ ! -e /sys/fs/cgroup/unified ] || mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
podman_() { podman --root "$PWD/podman" --runroot "$PWD/podman.run" --cgroup-manager=cgroupfs "$@"; }
id=$(podman_ create --user "$1" --ulimit nofile=1024:1024 --ulimit nproc=100:100 --cgroups=disabled --network=none \
    --rootfs "$PWD/tree" sh)
podman_ init "$id" >/dev/null
cp "$(find podman podman.run -name config.json | head -n 1)" podman.json
podman_ rm -f "$id" >/dev/null
SH
    unshare -m sh podman.sh "$1"
}

@test "system calls, capabilities and hidden files are podman's" {
    mkdir -p tree/bin tree/proc tree/dev tree/sys tree/etc tree/run tree/tmp
    cp "$(command -v busybox)" tree/bin/sh
    lamina init >/dev/null
    lamina import -q tree bb >/dev/null
    for user in 0 33; do
        rm -rf ours
        podman_config "$user"
        lamina bundle -u "$user" bb ours sh
        for part in .linux.seccomp .process.capabilities .linux.maskedPaths .linux.readonlyPaths; do
            # what is empty may be left out, and sets have no order
            plain="$part | walk(if type == \"object\" then with_entries(select(.value != [] and .value != null)) else . end)"
            [[ "$part" == .linux.seccomp ]] || plain="$plain | walk(if type == \"array\" then sort else . end)"
            diff <(jq -S "$plain" podman.json) <(jq -S "$plain" ours/config.json) || { echo "$part differs"; return 1; }
        done
    done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Bar: ten pulls at once into one repository do as well as one after the other.
load bars

setup() { bars_setup; }
teardown() { bars_teardown; }

@test "ten images are pulled at once, by ten processes, and nothing is stored twice" {
    local pids=() name pid
    fill_registry
    lamina init --repo alone >/dev/null
    for name in "${images[@]}"; do
        lamina pull -q --tls-verify=false --repo alone "$host/bars/$name:1" "$name" >/dev/null
    done
    lamina init >/dev/null
    for name in "${images[@]}"; do
        lamina pull -q --tls-verify=false "$host/bars/$name:1" "$name" >"$name.out" 2>&1 3>&- &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    lamina fsck
    # the same objects, streams, images and names as from one process after the other, and nothing else
    contents() { (cd "$1" && find . ! -name meta.json \( -type f -printf '%P %s\n' -o -type l -printf '%P %l\n' \) | sort); }
    diff <(contents alone) <(contents repo)
    diff <(lamina images --json --repo alone) <(lamina images --json)
    # objects are named by their digests, so one that is there twice would have a wrong name: fsck has looked
    [ "$(contents repo | grep -c '^objects/')" -gt 5000 ]
    echo "# $(contents repo | grep -c '^objects/') objects, $(contents repo | wc -l) names" >&3
    [ -z "$(find repo -name '.tmp-*' -o -name '.symlink-*')" ]
}

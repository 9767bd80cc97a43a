#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Registries that mean harm (tests/tools/hostile-registry.py). Each costs one line that says why, and a status, and
# nothing is named afterwards: a layer becomes objects as it comes, and what is wrong is told at its end, so those that
# nothing needs may be there for gc. None costs much time.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    export REGISTRY_AUTH_FILE=$scratch/auth.json CONTAINERS_REGISTRIES_CONF=/dev/null
    coproc hostile { exec python3 "$LAMINA_SOURCE_ROOT/tests/tools/hostile-registry.py" 3>&-; }
    read -r -u "${hostile[0]}" port
    lamina init
}
teardown() {
    # shellcheck disable=SC2154 # set by coproc
    kill "$hostile_PID" && wait "$hostile_PID" || true
    finish
}

# Pull an image of a kind, in half a minute.
pull() {
    run timeout 120 lamina pull --tls-verify=false --timeout 1 "127.0.0.1:$port/$1" it
}

#   refused STATUS WORDS KIND
refused() {
    echo "$3: $output"
    [ "$status" = "$1" ]
    [ "${#lines[@]}" = 1 ]
    [[ "$output" == "lamina: cannot pull '127.0.0.1:$port/$3': "*"$2"* ]]
    [[ "$output" != *$'\e'* ]]
    [ -z "$(find repo/streams repo/images -name '*sha256*' -o -name it 2>/dev/null)" ]
    [[ "$3" == layer-* || "$3" = size-lie || "$3" = gzip-bomb ]] || [ -z "$(find repo/objects -type f)" ]
    lamina gc -q
    [ -z "$(find repo/objects -type f)" ]
}

@test "the image is a good one where no harm is done" {
    run -0 lamina pull --tls-verify=false "127.0.0.1:$port/good" it
    run -0 lamina ls it
    [[ "$output" == /file* ]]
}

@test "what has another digest than it should is refused" {
    while read -r kind words; do
        pull "$kind"
        refused 3 "$words" "$kind"
    done <<'KINDS'
manifest-digest not the manifest that the registry says it is
config-digest where sha256:
layer-digest sha256:
layer-endless sha256:
size-lie tar entry at byte 0
KINDS
}

@test "what has no end is cut" {
    while read -r kind status words; do
        pull "$kind"
        refused "$status" "$words" "$kind"
    done <<'KINDS'
manifest-endless 1 more than 4194304 bytes
json-100m 1 of which 4194304 would be taken
manifest-slow 1 given up
layer-slow 1 cannot go on where it broke
header-endless 1 the header has more than 65536 bytes
error-endless 1 not found
token-endless 1 more than
gzip-bomb 1 more than
layer-huge 1 'huge': 1152921504606846976 bytes, where the disk has 
KINDS
}

@test "documents that are made to hurt are refused" {
    while read -r kind status words; do
        pull "$kind"
        refused "$status" "$words" "$kind"
    done <<'KINDS'
layers-million 1 of which 4194304 would be taken
layers-2000 1 more than 1024 layers
values-million 1 more than
deep 1 deep
duplicate-keys 3 duplicate
config-duplicate-keys 3 duplicate
manifest-gzip 3 malformed JSON
KINDS
}

# A registry of the internet, and one of this machine that it would like to hear of.
@test "a registry leads to no address that is more private than its own" {
    need userns "no user and network namespaces" unshare -rn true
    need ip "package iproute2 is missing" command -v ip
    mkfifo hold
    cat >inside.sh <<'INSIDE'
set -eu
ip link set lo up
ip addr add 198.51.100.1/32 dev lo
exec 7<>hold
server=$LAMINA_SOURCE_ROOT/tests/tools/hostile-registry.py
serve() {
    python3 "$server" "$@" <&7 >ready &
    servers+=($!)
    for _ in $(seq 200); do [ ! -s ready ] || break; sleep 0.05; done
    port=$(cat ready)
    rm ready
}
servers=()
trap 'kill "${servers[@]}"' EXIT
serve 127.0.0.1
serve 198.51.100.1 "$port"
for kind in manifest-inside layer-inside good; do
    lamina pull --tls-verify=false -q "198.51.100.1:$port/$kind" "$kind" || echo "status $?"
done
INSIDE
    export LAMINA_SOURCE_ROOT
    run -0 unshare -rn bash inside.sh 3>&-
    echo "$output"
    [ "$(grep -c "private to this site or this machine" <<<"$output")" = 2 ]
    [ "$(grep -c "status 1" <<<"$output")" = 2 ]
    run -0 lamina ls good
    [[ "$output" == /file* ]]
    run -1 lamina ls layer-inside
    run -1 lamina ls manifest-inside
}

@test "nobody is led to files, round and round, or by the nose" {
    while read -r kind status words; do
        pull "$kind"
        refused "$status" "$words" "$kind"
    done <<'KINDS'
manifest-file 1 no URL of http or https
layer-file 1 no URL of http or https
challenge-file 1 no URL of http or https
manifest-loop 1 more than 10 redirects
not-http 3 
error-escapes 1 DENIED: ?[2J
KINDS
}

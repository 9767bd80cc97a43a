#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Bar: a pull that is killed anywhere leaves a repository that is right, and what was whole is not fetched again.
load bars

setup() {
    start
    need_registry
    need_skopeo
    start_registry
}
teardown() { bars_teardown; }

# LAMINA_BARS_KILLS= how often, LAMINA_BARS_SEED= as before.
@test "a pull is killed at 200 random points, and goes on each time" {
    make_image img --name it --layers 12 --size 1500000 >/dev/null
    copy_to_registry "oci:$scratch/img:it" "docker://$host/killed:1"
    run python3 "$LAMINA_SOURCE_ROOT/tests/bars/kills.py" "$scratch/bin/lamina" "$host/killed:1" registry.log "$scratch/repo" \
        --kills "${LAMINA_BARS_KILLS:-200}" ${LAMINA_BARS_SEED:+--seed "$LAMINA_BARS_SEED"}
    echo "$output" | sed 's/^/# /' >&3
    [ "$status" -eq 0 ]
}

# Hard links, whiteouts and small files, where more happens than bytes that flow; compressed otherwise, too.
@test "the same of an image with everything in it" {
    make_image img --name it --compression mixed >/dev/null
    copy_to_registry "oci:$scratch/img:it" "docker://$host/killed:2"
    run python3 "$LAMINA_SOURCE_ROOT/tests/bars/kills.py" "$scratch/bin/lamina" "$host/killed:2" registry.log "$scratch/repo" \
        --kills "${LAMINA_BARS_KILLS:-200}" ${LAMINA_BARS_SEED:+--seed "$LAMINA_BARS_SEED"}
    echo "$output" | sed 's/^/# /' >&3
    [ "$status" -eq 0 ]
}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Fuzz every target for its share of FUZZ_SECONDS (600), starting from the committed corpus. What is found
# new stays in build-fuzz/corpus/; a crash ends the run with the input's path.
set -eu

cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-600}
[ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz --buildtype=debugoptimized \
    -Dfuzzers=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
ninja -C build-fuzz >/dev/null

targets=${FUZZ_TARGETS:-$(cd fuzz && for file in *-*.c; do echo "${file%.c}"; done)}
count=$(echo "$targets" | wc -w)
export ASAN_OPTIONS=allocator_may_return_null=1
for target in $targets; do
    mkdir -p "build-fuzz/corpus/$target" build-fuzz/findings
    echo "== $target, $((seconds / count)) seconds"
    "build-fuzz/fuzz/fuzz-$target" -max_total_time=$((seconds / count)) -print_final_stats=1 \
        -timeout=20 -rss_limit_mb=4096 -artifact_prefix="build-fuzz/findings/$target-" \
        "build-fuzz/corpus/$target" "fuzz/corpus/$target" 2>"build-fuzz/$target.log" || {
        tail -n 40 "build-fuzz/$target.log" >&2
        exit 1
    }
    grep -E 'stat::number_of_executed_units|stat::peak_rss_mb' "build-fuzz/$target.log"
done

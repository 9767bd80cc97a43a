#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Static checks. --quick leaves out the slow analysers (clang-tidy, gcc -fanalyzer).
set -eu

cd "$(dirname "$0")/.."
sources=$(git ls-files '*.c' '*.h')

# shellcheck disable=SC2086 # lists of words on purpose
{
    clang-format --dry-run --Werror $sources
    git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck
    python3 tools/check-rooms.py
}

# Each header compiles alone: no hidden order of includes.
for header in $(git ls-files 'src/*.h'); do
    case $header in
    src/base/banned.h) continue ;;
    esac
    gcc -std=gnu17 -D_GNU_SOURCE -Isrc -include src/base/banned.h -Wall -Wextra -Werror \
        -fsyntax-only -x c "$header"
done

cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
    --suppressions-list=tools/cppcheck.suppress -Isrc -DLAMINA_VERSION='"lint"' src

[ "${1:-}" = --quick ] && exit 0
[ -d build-clang ] || CC=clang meson setup build-clang >/dev/null
git ls-files 'src/*.c' | xargs clang-tidy -p build-clang --quiet --warnings-as-errors='*'

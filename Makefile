# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# A thin door to Meson and Ninja: the work is described in meson.build, the steps in tools/.
#
#   make          build/lamina, with its other names beside it
#   make demo     install what is missing, build, import and mount a real root file system
#   make test     install what is missing, build, run every test; ends with one line of totals
#   make bench    measure against the peers, writes docs/performance/ (BENCH_OPTIONS=--quick)
#   make debug | release | asan | tsan     build-<word>/, each a whole build
#   make check-asan | check-tsan           the test suite in that build
#   make test-vm  fs-verity, under Debian's kernels in qemu (VM_KERNELS="6.1 6.12 7.2"); not part of make test
#   make bars     what has to hold of images of Debian packages from a registry; as root, not part of make test
#   make fuzz     ten minutes of fuzzing, shared by all targets (FUZZ_SECONDS=600)
#   make format | lint                     clang-format; static analysis

.PHONY: all demo test test-vm bars bench debug release asan tsan check-asan check-tsan fuzz format lint clean

all: build/build.ninja
	@ninja -C build

build/build.ninja:
	@tools/install-missing.sh build
	@meson setup build $(if $(CI),--werror)

demo:
	@tools/install-missing.sh build demo
	@$(MAKE) --no-print-directory all
	@tools/demo.sh

test:
	@tools/install-missing.sh build test
	@$(MAKE) --no-print-directory all
	@tools/run-tests.py build

test-vm:
	@tools/install-missing.sh build test vm
	@$(MAKE) --no-print-directory all
	@tests/vm/test.sh build $(VM_KERNELS)

bars:
	@tools/install-missing.sh build test bars
	@$(MAKE) --no-print-directory all
	@tests/bars/run.sh

bench:
	@tools/install-missing.sh build bench
	@$(MAKE) --no-print-directory release
	@ninja -C build-release bench-drivers
	@bench/run.py $(BENCH_OPTIONS) build-release/lamina

debug:
	@tools/variant.sh debug --buildtype=debug
release:
	@tools/variant.sh release --buildtype=release
asan:
	@tools/variant.sh asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
tsan:
	@tools/variant.sh tsan --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false

check-asan: asan
	@tools/run-tests.py build-asan
check-tsan: tsan
	@tools/run-tests.py build-tsan

fuzz:
	@tools/install-missing.sh build fuzz
	@tools/fuzz.sh

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i
lint:
	@tools/install-missing.sh build lint
	@tools/lint.sh

clean:
	@rm -rf build build-*

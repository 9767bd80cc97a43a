/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "verity/kernel.h"

#include <errno.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "base/diag.h"

static bool is_unsupported(int err)
{
	/* ENOTTY: the file system has no such ioctl. EOPNOTSUPP: it, or the kernel, was built or
	 * made without the feature (fsverity.rst, "FS_IOC_ENABLE_VERITY"). */
	return err == ENOTTY || err == EOPNOTSUPP;
}

static int unsupported(int fd, int err, struct diag *why)
{
	struct statfs statfs;

	if (fstatfs(fd, &statfs) < 0)
		statfs.f_type = 0;
	if (err == ENOTTY)
		return diag_set(why, -EOPNOTSUPP,
				"fs-verity is not supported here: the file system (type %#lx) has "
				"no such feature",
				(unsigned long)statfs.f_type);
	return diag_set(why, -EOPNOTSUPP,
			"fs-verity is not supported here: the feature is off in the kernel or on "
			"this file system (type %#lx)",
			(unsigned long)statfs.f_type);
}

int verity_enable(int fd, enum digest_algorithm algorithm, struct diag *why)
{
	struct fsverity_enable_arg arg = {
		.version = 1,
		.hash_algorithm = (uint32_t)algorithm,
		.block_size = 4096,
	};
	int r;

	/* Interrupted, the kernel rolls back; starting again is the only way on. */
	do {
		r = ioctl(fd, FS_IOC_ENABLE_VERITY, &arg);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	if (is_unsupported(errno))
		return unsupported(fd, errno, why);
	if (errno == ENOPKG)
		return diag_set(why, -EOPNOTSUPP,
				"fs-verity is not supported here: the kernel has no %s (its module "
				"is not loaded)",
				digest_algorithm_name(algorithm));
	if (errno == ETXTBSY)
		return diag_set(why, -ETXTBSY, "cannot enable fs-verity: open for writing");
	return diag_errno(why, -errno, "cannot enable fs-verity");
}

int verity_measure(int fd, struct digest *ret, struct diag *why)
{
	union {
		struct fsverity_digest header;
		uint8_t space[sizeof(struct fsverity_digest) + DIGEST_SIZE_MAX];
	} measured = {.header = {.digest_size = DIGEST_SIZE_MAX}};
	enum digest_algorithm algorithm;

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &measured) < 0) {
		if (is_unsupported(errno))
			return unsupported(fd, errno, why);
		if (errno == ENODATA)
			return diag_set(why, -ENODATA, "the file has no fs-verity digest");
		return diag_errno(why, -errno, "cannot measure fs-verity");
	}
	algorithm = digest_algorithm_by_size(measured.header.digest_size);
	if (measured.header.digest_algorithm != algorithm || algorithm == DIGEST_NONE)
		return diag_set(why, -EOPNOTSUPP, "fs-verity algorithm %u is not known",
				measured.header.digest_algorithm);
	*ret = digest_of(algorithm, measured.space + sizeof(measured.header));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * kernel.h - fs-verity as the kernel does it
 *
 * Linux 5.4 and later, on ext4, f2fs and btrfs with the feature on; everywhere else -EOPNOTSUPP.
 */
#ifndef LAMINA_VERITY_KERNEL_H
#define LAMINA_VERITY_KERNEL_H

#include "base/digest.h"

struct diag; /* base/diag.h */

/*
 * FS_IOC_ENABLE_VERITY on a file open read-only that nobody has open for writing.
 *
 *   -EOPNOTSUPP  not supported here: kernel or file system (ENOTTY and EOPNOTSUPP of the ioctl)
 *   -EEXIST      enabled already
 *   -ETXTBSY     somebody has it open for writing
 */
int verity_enable(int fd, enum digest_algorithm algorithm, struct diag *why);

/* FS_IOC_MEASURE_VERITY. -ENODATA: the file has no fs-verity. -EOPNOTSUPP as above. */
int verity_measure(int fd, struct digest *ret, struct diag *why);

#endif

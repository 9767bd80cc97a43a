/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/attributes.h"

#include <sys/mount.h>

/* mount_setattr(2); glibc's header may be older than Linux 5.14. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

struct attribute_word {
	struct span word;
	uint64_t cleared; /* first */
	uint64_t set;
};

/* The access times are one number in these bits, of which relatime is 0. */
static const struct attribute_word words[] = {
	{SPAN_LITERAL("defaults"), 0, 0},
	{SPAN_LITERAL("ro"), 0, MOUNT_ATTR_RDONLY},
	{SPAN_LITERAL("rw"), MOUNT_ATTR_RDONLY, 0},
	{SPAN_LITERAL("nosuid"), 0, MOUNT_ATTR_NOSUID},
	{SPAN_LITERAL("suid"), MOUNT_ATTR_NOSUID, 0},
	{SPAN_LITERAL("nodev"), 0, MOUNT_ATTR_NODEV},
	{SPAN_LITERAL("dev"), MOUNT_ATTR_NODEV, 0},
	{SPAN_LITERAL("noexec"), 0, MOUNT_ATTR_NOEXEC},
	{SPAN_LITERAL("exec"), MOUNT_ATTR_NOEXEC, 0},
	{SPAN_LITERAL("relatime"), MOUNT_ATTR__ATIME, 0},
	{SPAN_LITERAL("noatime"), MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME},
	{SPAN_LITERAL("strictatime"), MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME},
	{SPAN_LITERAL("atime"), MOUNT_ATTR__ATIME, 0},
	{SPAN_LITERAL("nodiratime"), 0, MOUNT_ATTR_NODIRATIME},
	{SPAN_LITERAL("diratime"), MOUNT_ATTR_NODIRATIME, 0},
	{SPAN_LITERAL("nosymfollow"), 0, MOUNT_ATTR_NOSYMFOLLOW},
	{SPAN_LITERAL("symfollow"), MOUNT_ATTR_NOSYMFOLLOW, 0},
};

bool attribute_apply(struct span word, uint64_t *attributes)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!span_equal(words[i].word, word))
			continue;
		*attributes = (*attributes & ~words[i].cleared) | words[i].set;
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static const char *const mode_names[RECORD_MODE_COUNT] = {
	[RECORD_KERNEL] = "kernel",
	[RECORD_OVERLAY] = "overlay",
	[RECORD_STANDALONE] = "standalone",
};

const char *record_mode_name(enum record_mode mode)
{
	return mode_names[mode];
}

void mount_record_release(struct mount_record *record)
{
	int saved = errno;

	free(record->image);
	free(record->repository);
	free(record->target);
	free(record->upper);
	free(record->maps);
	*record = (struct mount_record){0};
	errno = saved;
}

bool record_id_is_valid(const char *id)
{
	return strlen(id) == RECORD_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == RECORD_ID_SIZE - 1;
}

int record_id_make(char ret[RECORD_ID_SIZE])
{
	struct timespec now;
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)snprintf(ret, RECORD_ID_SIZE, "%016llx%016llx",
		       (unsigned long long)now.tv_sec * 1000000000ULL +
			       (unsigned long long)now.tv_nsec,
		       (unsigned long long)random);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/features.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/trace.h"
#include "mount/features_private.h"
#include "mount/fusermount.h"
#include "mount/userns.h"

struct feature_row {
	const char *name;
	const char *summary;
	int (*try)(struct diag *why);
};

static const struct feature_row rows[MOUNT_FEATURE_COUNT] = {
	[MOUNT_FEATURE_MOUNT] = {"mount", "mount by ourselves", userns_may_mount},
	[MOUNT_FEATURE_USERNS] = {"user-namespace", "mount in a user namespace", try_userns},
	[MOUNT_FEATURE_EROFS] = {"erofs", "metadata served by the kernel", try_erofs},
	[MOUNT_FEATURE_LOOP] = {"loop", "EROFS images on any file system", try_loop},
	[MOUNT_FEATURE_FUSE_DEVICE] = {"fuse-device", "metadata served by lamina", try_fuse_device},
	[MOUNT_FEATURE_FUSE] = {"fuse", "FUSE mounted by ourselves", try_fuse},
	[MOUNT_FEATURE_FUSERMOUNT] = {"fusermount", "FUSE without privilege on the host",
				      fusermount_find},
	[MOUNT_FEATURE_OVERLAY] = {"overlay", "layers, and writing", try_overlay},
	[MOUNT_FEATURE_OVERLAY_DATA] = {"overlay-data", "file data read by the kernel",
					try_overlay_data},
	[MOUNT_FEATURE_OVERLAY_USER_DATA] = {"overlay-user-data",
					     "file data read by the kernel, without root",
					     try_overlay_user_data},
	[MOUNT_FEATURE_OVERLAY_DETACHED] = {"overlay-detached", "nothing staged in the file tree",
					    try_overlay_detached},
	[MOUNT_FEATURE_OVERLAY_VERITY] = {"overlay-verity", "objects held to their digests",
					  try_overlay_verity},
	[MOUNT_FEATURE_VERITY] = {"fs-verity", "objects guarded by the kernel", try_verity},
};

/*
 * The lock is held for the copy alone: two threads that ask at once may both try, and the first
 * answer stands. Level: a leaf, nothing is taken below it.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mount_feature answers[MOUNT_FEATURE_COUNT]; /* guarded by lock until known */
static atomic_bool known[MOUNT_FEATURE_COUNT]; /* release after, acquire before answers[] */

static void answer_publish(enum mount_feature_id id, const struct mount_feature *answer)
{
	(void)pthread_mutex_lock(&lock);
	if (!atomic_load_explicit(&known[id], memory_order_relaxed)) {
		answers[id] = *answer;
		atomic_store_explicit(&known[id], true, memory_order_release);
	}
	(void)pthread_mutex_unlock(&lock);
}

const struct mount_feature *mount_feature(enum mount_feature_id id)
{
	assert(id < MOUNT_FEATURE_COUNT);
	if (!atomic_load_explicit(&known[id], memory_order_acquire)) {
		struct mount_feature answer = {.name = rows[id].name, .summary = rows[id].summary};
		int r = rows[id].try(&answer.why);

		answer.available = r >= 0;
		answer.error = r < 0 ? r : 0;
		if (r < 0)
			(void)diag_text(&answer.why, r);
		else
			answer.why = (struct diag){0};
		TRACE("mount", "feature %s: %s", answer.name,
		      answer.available ? "yes" : answer.why.text);
		answer_publish(id, &answer);
	}
	return &answers[id];
}

bool mount_has(enum mount_feature_id id)
{
	return mount_feature(id)->available;
}

void mount_features_forget(void)
{
	for (size_t i = 0; i < MOUNT_FEATURE_COUNT; i++)
		atomic_store_explicit(&known[i], false, memory_order_relaxed);
}

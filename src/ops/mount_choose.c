/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_choose.c - which mode serves a request here, and why not the others
 *
 * One function a mode: it says what the mode would do, or names the first thing that it lacks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/diag.h"
#include "mount/features.h"
#include "mount/userns.h"
#include "ops/mount.h"

const char *mount_mode_name(enum mount_mode mode)
{
	switch (mode) {
	case MOUNT_AUTO:
		return "auto";
	case MOUNT_KERNEL:
		return "kernel";
	case MOUNT_OVERLAY:
		return "overlay";
	case MOUNT_STANDALONE:
		return "standalone";
	}
	return "unknown";
}

/* Note why a mode is, or is not, possible. */
__attribute__((format(printf, 4, 5))) static void
answer(struct mount_choice *choice, enum mount_mode mode, bool possible, const char *format, ...)
{
	va_list arguments;

	choice->possible[mode] = possible;
	va_start(arguments, format);
	(void)vsnprintf(choice->reason[mode], sizeof(choice->reason[mode]), format, arguments);
	va_end(arguments);
}

/* Whether this process has the feature; else that is the mode's reason. */
static bool has(struct mount_choice *choice, enum mount_mode mode, enum mount_feature_id id)
{
	const struct mount_feature *feature = mount_feature(id);

	if (!feature->available)
		answer(choice, mode, false, "%s: %.200s", feature->name, feature->why.text);
	return feature->available;
}

/* Trying what a process may do takes longer than the mount itself, so only what matters is tried.
 */
static bool is_considered(const struct mount_request *request, enum mount_mode mode)
{
	return request->explains || request->mode == MOUNT_AUTO || request->mode == mode;
}

/* Whether the mode could honour what was asked for about the server; else that is its reason. */
static bool honours_tuning(const struct mount_request *request, struct mount_choice *choice,
			   enum mount_mode mode)
{
	const struct tuning *tuning = &request->tuning;
	const char *option = NULL;

	if (mode == MOUNT_KERNEL &&
	    (tuning->transport != TUNING_TRANSPORT_AUTO || tuning->thread_count > 0))
		option = "--transport and --threads are about a server";
	else if (mode != MOUNT_STANDALONE && tuning->passthrough == TUNING_PASSTHROUGH_ON)
		option = "--passthrough is for standalone mounts";
	else if (mode != MOUNT_STANDALONE && tuning->checks_open)
		option = "--check-open is for standalone mounts";
	else if (mode != MOUNT_OVERLAY && tuning->own_data_max > 0)
		option = "--serve-below is for overlay mounts";
	if (option)
		answer(choice, mode, false, "%s", option);
	return !option;
}

static void consider_kernel(const struct mount_request *request, struct mount_choice *choice)
{
	const enum mount_mode mode = MOUNT_KERNEL;

	if (!honours_tuning(request, choice, mode))
		return;
	if (request->foreground) {
		answer(choice, mode, false, "--foreground: there is no process to stay");
		return;
	}
	if (has(choice, mode, MOUNT_FEATURE_EROFS) && has(choice, mode, MOUNT_FEATURE_OVERLAY_DATA))
		answer(choice, mode, true, "EROFS and overlayfs of the kernel%s",
		       request->upper ? ", writable by the upper directory" : "");
}

/* Trusted xattrs where that is allowed: they are what works since Linux 6.5. */
static void consider_overlay(const struct mount_request *request, struct mount_choice *choice)
{
	const enum mount_mode mode = MOUNT_OVERLAY;

	if (!honours_tuning(request, choice, mode))
		return;
	/* Nobody in a user namespace reads trusted xattrs, whatever else he may do. */
	choice->is_privileged = userns_is_initial() && mount_has(MOUNT_FEATURE_OVERLAY_DATA);
	if (has(choice, mode, MOUNT_FEATURE_FUSE_DEVICE) && has(choice, mode, MOUNT_FEATURE_FUSE) &&
	    (choice->is_privileged || has(choice, mode, MOUNT_FEATURE_OVERLAY_USER_DATA)))
		answer(choice, mode, true,
		       "metadata from a FUSE server, data read by overlayfs (%s.overlay.*)%s",
		       choice->is_privileged ? "trusted" : "user",
		       request->upper ? ", writable by the upper directory" : "");
}

static void consider_standalone(const struct mount_request *request, struct mount_choice *choice)
{
	const enum mount_mode mode = MOUNT_STANDALONE;

	if (!honours_tuning(request, choice, mode))
		return;
	if (request->upper) {
		answer(choice, mode, false, "--upper: a standalone mount is read-only");
		return;
	}
	if (!has(choice, mode, MOUNT_FEATURE_FUSE_DEVICE))
		return;
	if (mount_has(MOUNT_FEATURE_FUSE)) {
		answer(choice, mode, true, "metadata and data from a FUSE server");
		return;
	}
	/* In a user namespace the helper has no privilege over the mounts it would make. */
	choice->uses_fusermount = userns_is_initial();
	if (!choice->uses_fusermount) {
		(void)has(choice, mode, MOUNT_FEATURE_FUSE);
		return;
	}
	if (has(choice, mode, MOUNT_FEATURE_FUSERMOUNT))
		answer(choice, mode, true,
		       "metadata and data from a FUSE server, mounted by fusermount3");
}

/* Registering a file to be read by the kernel takes CAP_SYS_ADMIN of the host (Linux 6.9). */
static int choose_passthrough(const struct mount_request *request, struct mount_choice *choice,
			      struct diag *why)
{
	enum tuning_passthrough wanted = request->tuning.passthrough;

	if (choice->mode != MOUNT_STANDALONE || wanted == TUNING_PASSTHROUGH_OFF)
		return 0;
	choice->passes_through = userns_is_initial() && userns_may_mount(NULL) == 0;
	if (wanted == TUNING_PASSTHROUGH_ON && !choice->passes_through)
		return diag_set(why, -EPERM, "--passthrough needs CAP_SYS_ADMIN on the host");
	return 0;
}

static int choose_auto(struct mount_choice *choice, struct diag *why)
{
	for (enum mount_mode mode = MOUNT_KERNEL; mode <= MOUNT_STANDALONE; mode++) {
		if (choice->possible[mode]) {
			choice->mode = mode;
			return 0;
		}
	}
	return diag_set(why, -EOPNOTSUPP,
			"no mode is possible here: kernel (%s); overlay (%s); "
			"standalone (%s)",
			choice->reason[MOUNT_KERNEL], choice->reason[MOUNT_OVERLAY],
			choice->reason[MOUNT_STANDALONE]);
}

int mount_choose(const struct mount_request *request, struct mount_choice *ret, struct diag *why)
{
	struct mount_choice choice = {.mode = MOUNT_AUTO};
	int r = 0;

	if (!request->upper != !request->work)
		return diag_set(why, -EINVAL, "--upper and --work go together");
	if (is_considered(request, MOUNT_KERNEL))
		consider_kernel(request, &choice);
	if (is_considered(request, MOUNT_OVERLAY))
		consider_overlay(request, &choice);
	if (is_considered(request, MOUNT_STANDALONE))
		consider_standalone(request, &choice);
	if (request->mode == MOUNT_AUTO)
		r = choose_auto(&choice, why);
	else if (choice.possible[request->mode])
		choice.mode = request->mode;
	else
		r = diag_set(why, -EOPNOTSUPP, "mode %s is not possible here: %s",
			     mount_mode_name(request->mode), choice.reason[request->mode]);
	if (r == 0)
		r = choose_passthrough(request, &choice, why);
	choice.uses_fusermount = choice.uses_fusermount && choice.mode == MOUNT_STANDALONE;
	*ret = choice;
	return r;
}

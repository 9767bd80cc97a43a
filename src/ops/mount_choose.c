/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_choose.c - which mode serves a request here, and why not the others
 *
 * One function a mode: it says what the mode would do, or names the first thing that it lacks.
 */
#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/diag.h"
#include "mount/capability.h"
#include "mount/features.h"
#include "mount/userns.h"
#include "ops/mount.h"
#include "ops/source.h"

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

/* What would give the feature to somebody who lacks nothing but privilege. */
static const char *remedy(enum mount_mode mode, const struct mount_feature *feature)
{
	if (feature->error != -EPERM || mode == MOUNT_KERNEL)
		return "";
	return "; 'lamina unshare' starts a shell that has it";
}

/* Whether this process has the feature; else that is the mode's reason. */
static bool has(struct mount_choice *choice, enum mount_mode mode, enum mount_feature_id id)
{
	const struct mount_feature *feature = mount_feature(id);
	const char *reason = feature->why.text;
	size_t size = strlen(feature->name);

	if (feature->available)
		return true;
	/* The reason of a file system begins with its type. */
	if (strncmp(reason, feature->name, size) == 0 && reason[size] == ':')
		answer(choice, mode, false, "%.200s%s", reason, remedy(mode, feature));
	else
		answer(choice, mode, false, "%s: %.180s%s", feature->name, reason,
		       remedy(mode, feature));
	return false;
}

/* Trying what a process may do takes longer than the mount itself, so only what matters is tried.
 */
static bool is_considered(const struct mount_request *request, enum mount_mode mode)
{
	return request->explains || request->mode == MOUNT_AUTO || request->mode == mode;
}

/* Whether contents of the image are still to come, from a server's fetcher. */
static bool is_lazy(const struct mount_request *request)
{
	return request->source && request->source->lazy;
}

/* What of the server cannot be had where it waits for contents; NULL: nothing was asked for. */
static const char *lazy_option(const struct tuning *tuning)
{
	if (tuning->transport == TUNING_TRANSPORT_RING)
		return "--transport io_uring";
	if (tuning->passthrough == TUNING_PASSTHROUGH_ON)
		return "--passthrough";
	if (tuning->checks_open)
		return "--check-open";
	if (tuning->own_data_max > 0)
		return "--serve-below";
	return tuning->thread_count > 0 ? "--threads" : NULL;
}

/* Whether the mode could show an image that was pulled lazily; else that is its reason. */
static bool honours_lazy(const struct mount_request *request, struct mount_choice *choice,
			 enum mount_mode mode)
{
	const char *option;

	if (!is_lazy(request))
		return true;
	option = lazy_option(&request->tuning);
	if (mode == MOUNT_KERNEL)
		answer(choice, mode, false,
		       "the image was pulled lazily: a server has to bring its contents");
	else if (mode == MOUNT_OVERLAY && !request->upper && !request->is_ephemeral)
		answer(choice, mode, false,
		       "the image was pulled lazily: read-only, it is mounted standalone");
	else if (option)
		answer(choice, mode, false, "%s is not for an image that was pulled lazily",
		       option);
	else
		return true;
	return false;
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

static const char *writable_how(const struct mount_request *request)
{
	if (request->is_ephemeral)
		return ", writable in memory";
	return request->upper ? ", writable by the upper directory" : "";
}

/* Whether the overlayfs of the mode would hold contents to their digests, if it has to. */
static bool honours_verity(const struct mount_request *request, struct mount_choice *choice,
			   enum mount_mode mode)
{
	return request->verity != MOUNT_VERITY_REQUIRE ||
	       has(choice, mode, MOUNT_FEATURE_OVERLAY_VERITY);
}

/* The helper takes these, and makes its mounts nosuid,nodev whatever is asked for. */
#define FUSERMOUNT_ATTRIBUTES \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static void consider_kernel(const struct mount_request *request, struct mount_choice *choice)
{
	const enum mount_mode mode = MOUNT_KERNEL;

	if (!honours_tuning(request, choice, mode) || !honours_lazy(request, choice, mode))
		return;
	if (request->foreground) {
		answer(choice, mode, false, "--foreground: there is no process to stay");
		return;
	}
	if (has(choice, mode, MOUNT_FEATURE_EROFS) &&
	    has(choice, mode, MOUNT_FEATURE_OVERLAY_DATA) && honours_verity(request, choice, mode))
		answer(choice, mode, true, "EROFS and overlayfs of the kernel%s",
		       writable_how(request));
}

/* Trusted xattrs where that is allowed: they are what works since Linux 6.5. */
static void consider_overlay(const struct mount_request *request, struct mount_choice *choice)
{
	const enum mount_mode mode = MOUNT_OVERLAY;

	if (!honours_tuning(request, choice, mode) || !honours_lazy(request, choice, mode))
		return;
	/* Nobody in a user namespace reads trusted xattrs, whatever else he may do. */
	choice->is_privileged = userns_is_initial() && mount_has(MOUNT_FEATURE_OVERLAY_DATA);
	if (has(choice, mode, MOUNT_FEATURE_FUSE_DEVICE) && has(choice, mode, MOUNT_FEATURE_FUSE) &&
	    (choice->is_privileged || is_lazy(request) ||
	     has(choice, mode, MOUNT_FEATURE_OVERLAY_USER_DATA)) &&
	    honours_verity(request, choice, mode))
		answer(choice, mode, true,
		       is_lazy(request) ? "metadata and data from a FUSE server, overlayfs on top "
					  "(%s.overlay.*)%s"
					: "metadata from a FUSE server, data read by overlayfs "
					  "(%s.overlay.*)%s",
		       choice->is_privileged ? "trusted" : "user", writable_how(request));
}

static void consider_standalone(const struct mount_request *request, struct mount_choice *choice)
{
	const enum mount_mode mode = MOUNT_STANDALONE;

	if (!honours_tuning(request, choice, mode) || !honours_lazy(request, choice, mode))
		return;
	if (request->upper) {
		answer(choice, mode, false,
		       "--upper: a standalone mount is read-only, the other modes can write");
		return;
	}
	if (request->is_ephemeral) {
		answer(choice, mode, false,
		       "--ephemeral: a standalone mount is read-only, the other modes can write");
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
	if (!request->target) {
		answer(choice, mode, false,
		       "--send-fd: fusermount3 would attach it; in a user namespace (lamina "
		       "unshare) there is no need of it");
		return;
	}
	if (request->attributes & ~(uint64_t)FUSERMOUNT_ATTRIBUTES) {
		answer(choice, mode, false,
		       "fusermount3 takes ro, nosuid, nodev and noexec of mount options");
		return;
	}
	if (has(choice, mode, MOUNT_FEATURE_FUSERMOUNT))
		answer(choice, mode, true,
		       "metadata and data from a FUSE server, mounted by fusermount3");
}

/* Registering a file to be read by the kernel takes CAP_SYS_ADMIN by capable() (Linux 6.9). */
static int choose_passthrough(const struct mount_request *request, struct mount_choice *choice,
			      struct diag *why)
{
	enum tuning_passthrough wanted = request->tuning.passthrough;

	if (choice->mode != MOUNT_STANDALONE || wanted == TUNING_PASSTHROUGH_OFF ||
	    is_lazy(request))
		return 0;
	choice->passes_through = capability_has_initial(CAP_SYS_ADMIN);
	if (wanted == TUNING_PASSTHROUGH_ON && !choice->passes_through)
		return diag_set(why, -EPERM,
				"--passthrough needs CAP_SYS_ADMIN in the initial user namespace");
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

	/* Not settled, a secure repository would be taken for any other. */
	assert(request->verity != MOUNT_VERITY_AUTO);
	if (!request->upper != !request->work)
		return diag_set(why, -EINVAL, "--upper and --work go together");
	if (request->upper && request->is_ephemeral)
		return diag_set(why, -EINVAL,
				"--ephemeral has an upper layer of its own: no --upper");
	if (!request->target && request->foreground)
		return diag_set(why, -EINVAL,
				"--foreground unmounts at the end, and what --send-fd sent is not "
				"ours to unmount");
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

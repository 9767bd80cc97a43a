/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/mount_verity.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "ops/mount.h"
#include "ops/source.h"
#include "store/store.h"
#include "verity/hasher.h"
#include "verity/kernel.h"

const char *mount_verity_name(enum mount_verity verity)
{
	switch (verity) {
	case MOUNT_VERITY_AUTO:
		return "auto";
	case MOUNT_VERITY_OFF:
		return "off";
	case MOUNT_VERITY_TRY:
		return "try";
	case MOUNT_VERITY_REQUIRE:
		return "require";
	}
	return "unknown";
}

int request_source_open(const struct mount_request *request, struct source **ret, struct diag *why)
{
	return request->image ? source_open(request->image, request->repo, ret, why)
			      : source_open_fd(request->image_fd, ret, why);
}

/* Whether objects of the directories can have fs-verity. A directory has no digest, but says in
 * which way not: that its file system has none at all, or just not this file. */
static bool dirs_have_verity(const struct object_dirs *dirs)
{
	struct digest digest;

	for (size_t i = 0; i < dirs->count; i++) {
		if (verity_measure(dirs->fds[i], &digest, NULL) != -ENODATA)
			return false;
	}
	return true;
}

static enum mount_verity settle(struct mount_request *request)
{
	const struct source *source;
	struct object_dirs dirs;
	bool is_secure, works;

	source = request->source;
	/* Its contents are held to digests that are not fs-verity's: docs/decisions/0021. */
	if (!source || source->lazy)
		return MOUNT_VERITY_OFF;
	is_secure = source->store && store_config(source->store).is_secure;
	if (request->verity == MOUNT_VERITY_AUTO)
		return is_secure ? MOUNT_VERITY_REQUIRE : MOUNT_VERITY_OFF;
	/* An insecure repository has objects without fs-verity wherever it lies. */
	if (source->store && !request->objects && !is_secure)
		return MOUNT_VERITY_OFF;
	if (object_dirs_open(source, request->objects, &dirs, NULL) < 0)
		return MOUNT_VERITY_OFF;
	works = dirs_have_verity(&dirs);
	object_dirs_close(&dirs);
	return works ? MOUNT_VERITY_TRY : MOUNT_VERITY_OFF;
}

void mount_verity_settle(struct mount_request *request)
{
	/* Whether the image is lazily pulled, mount_choose() has to know, too. */
	if (!request->source)
		(void)request_source_open(request, &request->source, NULL);
	if (request->verity == MOUNT_VERITY_AUTO && request->digest.algorithm != DIGEST_NONE)
		request->verity = MOUNT_VERITY_REQUIRE;
	if (request->verity == MOUNT_VERITY_AUTO || request->verity == MOUNT_VERITY_TRY)
		request->verity = settle(request);
}

void mount_request_release(struct mount_request *request)
{
	source_closep(&request->source);
}

static int hash_image(int fd, enum digest_algorithm algorithm, struct digest *ret, struct diag *why)
{
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	uint64_t size;
	int r = verity_hasher_new(algorithm, &hasher, why);

	return r < 0 ? r : verity_hash_fd(hasher, fd, ret, &size, why);
}

int image_check(const struct mount_request *request, const struct source *source, struct diag *why)
{
	bool is_required = request->verity == MOUNT_VERITY_REQUIRE;
	const struct digest *expected = &request->digest;
	char is[DIGEST_HEX_SIZE_MAX], should[DIGEST_HEX_SIZE_MAX];
	struct diag unguarded = {0};
	struct digest found;
	int r;

	if (source->lazy && (is_required || expected->algorithm != DIGEST_NONE))
		return diag_set(
			why, -ENODATA,
			"the image was pulled lazily, and has no fs-verity digest before all "
			"of it is here ('lamina pull' brings the rest)");
	if (expected->algorithm == DIGEST_NONE && is_required)
		expected = &source->name;
	if (expected->algorithm == DIGEST_NONE) {
		if (!is_required || request->believes_image)
			return 0;
		return diag_set(why, -EINVAL,
				"--verity require: nothing says which image this file should be; "
				"--digest HEX does ('lamina digest' prints it)");
	}
	r = verity_measure(source->fd, &found, &unguarded);
	if (r == -ENODATA || r == -EOPNOTSUPP) {
		if (is_required)
			return diag_set(why, -ENODATA,
					"the image has no fs-verity: %s (images and objects of a "
					"repository have it that 'lamina init --secure' made)",
					unguarded.text);
		r = hash_image(source->fd, (enum digest_algorithm)expected->algorithm, &found, why);
	} else if (r < 0) {
		return diag_set(why, r, "%s", diag_text(&unguarded, r));
	}
	if (r < 0)
		return r;
	if (!digest_equal(&found, expected))
		return diag_set(why, -EBADMSG,
				"the image has the wrong fs-verity digest %s, expected %s",
				digest_hex(&found, is), digest_hex(expected, should));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/fd.h"
#include "erofs/image.h"
#include "erofs/mapping.h"
#include "ops/fsck_private.h"
#include "ops/image_objects.h"
#include "store/objects.h"
#include "store/store.h"

struct image_check {
	struct fsck *fsck;
	const char *subject;
	struct digest_set seen; /* objects that were looked for */
	bool is_corrupted;
};

static void note(struct image_check *check, const char *kind, int err, struct diag *why)
{
	check->is_corrupted = true;
	fsck_note(check->fsck, kind, check->subject, NULL, "%s", diag_text(why, err));
}

static int check_object(void *context, const struct digest *object, struct diag *why)
{
	struct image_check *check = context;
	char hex[DIGEST_HEX_SIZE_MAX];
	int r;

	(void)why;
	if (object->algorithm == check->seen.algorithm) {
		r = digest_set_put(&check->seen, object, SIZE_MAX, NULL);
		if (r <= 0)
			return r;
		if (object_exists(check->fsck->store, object))
			return 0;
	}
	check->is_corrupted = true;
	fsck_note(check->fsck, "image-missing-object", check->subject, NULL, "object %s is missing",
		  digest_hex(object, hex));
	return 0;
}

/* The restrictions of composefs beyond those of what we can read. Returns 0 or -errno. */
static int check_format(int fd, struct diag *why)
{
	CLEAN(mapping_closep) struct mapping *mapping = NULL;
	struct image image;
	int r;

	r = mapping_open(fd, &mapping, why);
	if (r == 0)
		r = image_open(mapping_bytes(mapping), &image, why);
	if (r < 0)
		return r;
	if (!image.is_composefs)
		return diag_set(why, -EUCLEAN, "an EROFS image, but not one of composefs");
	if (image.block_bits != 12)
		return diag_set(why, -EUCLEAN, "blocks of 2^%u bytes", image.block_bits);
	return 0;
}

static int check_content(struct image_check *check, const struct digest *id)
{
	CLEAN(fd_closep) int fd = -1;
	struct diag why = {0};
	int r;

	fd = object_open(check->fsck->store, id, &why);
	if (fd < 0) {
		note(check, "image-open-failed", fd, &why);
		return fd == -ENOMEM ? fd : 0;
	}
	r = check_format(fd, &why);
	if (r == 0)
		r = image_objects_each(fd, check_object, check, &why);
	if (r == -ENOMEM)
		return r;
	if (r == -EUCLEAN || r == -EOPNOTSUPP || r == -E2BIG)
		note(check, "image-invalid", r, &why);
	else if (r < 0)
		note(check, "image-read-failed", r, &why);
	return 0;
}

static int check_image(void *context, const char *name, const char *target, struct diag *why)
{
	struct fsck *fsck = context;
	struct fsck_count *count = &fsck->result.images;
	struct image_check check = {.fsck = fsck,
				    .seen = DIGEST_SET_OF(store_config(fsck->store).algorithm)};
	char subject[FSCK_SUBJECT_SIZE], hex[DIGEST_HEX_SIZE_MAX];
	struct digest id;
	int r;

	count->checked++;
	progress_report(&fsck->request->progress, "images", count->checked, 0);
	r = fsck_link(fsck, ENTRY_IMAGE, name, target, &id, why);
	if (r <= 0) {
		count->corrupted += r == 0;
		return r;
	}
	check.subject = fsck_subject(ENTRY_IMAGE, name, subject);
	if (strcmp(name, digest_hex(&id, hex)) == 0) {
		r = check_content(&check, &id);
	} else {
		check.is_corrupted = true;
		fsck_note(fsck, "image-invalid", subject, fsck_unlink(fsck, ENTRY_IMAGE, name),
			  "leads to image %s", hex);
		r = 0;
	}
	digest_set_release(&check.seen);
	count->corrupted += check.is_corrupted;
	return r;
}

int fsck_images(struct fsck *fsck, struct diag *why)
{
	return entries_each(fsck->store, ENTRY_IMAGE, check_image, fsck, why);
}

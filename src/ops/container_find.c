/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/container_find.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "ops/container_dir.h"
#include "ops/mounts.h"
#include "ops/source.h"

struct search {
	const char *name;
	struct container_upper found;
	struct digest digest;
	bool has_container;
	bool has_digest;
	bool has_foreign_ids;
};

void container_upper_release(struct container_upper *found)
{
	free(found->upper);
	free(found->image);
	*found = (struct container_upper){0};
}

/* The newest counts, which comes last. */
static int see_mount(void *context, const struct mount_report *report, struct diag *why)
{
	struct search *search = context;

	(void)why;
	if (!report->is_own || report->state != MOUNT_STATE_LIVE || !report->target ||
	    !container_dir_is_root_of(report->target, search->name))
		return 0;
	container_upper_release(&search->found);
	search->has_container = true;
	search->has_digest = report->digest != NULL;
	if (report->digest)
		search->digest = *report->digest;
	/* The kernel maps on the way to the upper directory, a server only what is below. */
	search->has_foreign_ids = report->maps && strcmp(report->mode, "kernel") != 0;
	if (!report->upper)
		return 0;
	search->found.upper = strdup(report->upper);
	search->found.image = strdup(report->image);
	return search->found.upper && search->found.image ? 0 : -ENOMEM;
}

static int image_check(const char *repo, const struct search *search, struct diag *why)
{
	CLEAN(source_closep) struct source *source = NULL;
	int r;

	r = source_open(search->found.image, repo, &source, why);
	if (r < 0)
		return r;
	if (search->has_digest && !digest_equal(&source->name, &search->digest))
		return diag_set(why, -ESTALE, "'%s' has become another image since it started",
				search->found.image);
	return 0;
}

static int search_judge(const char *repo, const struct search *search, struct diag *why)
{
	if (!search->has_container)
		return diag_set(why, -ENOENT,
				"neither a directory nor a container of yours that runs");
	if (!search->found.upper)
		return diag_set(why, -EOPNOTSUPP,
				"the container keeps its changes in memory ('lamina run --upper' "
				"keeps them on disk)");
	if (search->has_foreign_ids)
		return diag_set(why, -EINVAL,
				"the container has an id map: commit '%s' with --base and that map",
				search->found.upper);
	return image_check(repo, search, why);
}

int container_find(const char *repo, const char *name, struct container_upper *ret,
		   struct diag *why)
{
	struct search search = {.name = name};
	int r;

	r = mounts_each(repo, see_mount, &search, why);
	if (r == 0)
		r = search_judge(repo, &search, why);
	if (r < 0) {
		container_upper_release(&search.found);
		return r;
	}
	*ret = search.found;
	return 0;
}

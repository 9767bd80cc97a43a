/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/gc_lazy.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "ops/lazy.h"
#include "ops/reach.h"
#include "store/lazies.h"
#include "store/lazy_names.h"
#include "store/objects.h"

/* Sweeping */

struct lazy_sweep {
	const struct store *store;
	bool is_dry;
	void (*tell)(void *context, const char *name);
	void *context;
};

static int is_it(void *context, const char *tag, const struct digest *manifest, struct diag *why)
{
	(void)tag;
	(void)why;
	return digest_equal(manifest, context);
}

static int sweep_one(void *context, const struct digest *manifest, struct diag *why)
{
	struct lazy_sweep *sweep = context;
	struct digest wanted = *manifest;
	char folder[LAZY_FOLDER_SIZE_MAX], name[sizeof(folder) + 16];
	int r;

	r = lazy_names_each(sweep->store, is_it, &wanted, why);
	if (r != 0)
		return r < 0 ? r : 0;
	r = lazy_folder_is_idle(sweep->store, manifest, why);
	if (r == 1 && !sweep->is_dry)
		r = lazy_folder_remove(sweep->store, manifest, why) < 0 ? 0 : 1;
	if (r <= 0)
		return r == -ENOENT ? 0 : r;
	(void)snprintf(name, sizeof(name), "lamina/lazy/%s", lazy_folder_name(manifest, folder));
	sweep->tell(sweep->context, name);
	return 0;
}

int gc_lazy_sweep(const struct store *store, bool is_dry,
		  void (*tell)(void *context, const char *name), void *context, struct diag *why)
{
	struct lazy_sweep sweep = {
		.store = store, .is_dry = is_dry, .tell = tell, .context = context};
	int r = lazies_each(store, sweep_one, &sweep, why);

	if (!is_dry)
		lazies_tidy_locked(store);
	return r;
}

/* Needing */

struct lazy_needs {
	const struct store *store;
	struct reach *reach;
};

static int add_layers(void *context, const struct digest *manifest, struct diag *why)
{
	const struct lazy_needs *needs = context;
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	char folder[LAZY_FOLDER_SIZE_MAX];
	int r = lazy_image_open(needs->store, manifest, &lazy, why);

	for (size_t i = 0; r == 0 && i < lazy->state.layer_count; i++) {
		const struct digest *stream = &lazy->state.layers[i].stream;

		if (stream->algorithm == DIGEST_NONE)
			continue;
		r = object_find(needs->store, stream, why);
		if (r == 0)
			r = reach_add(needs->reach, stream, REACH_STREAM, why);
		else if (r == -ENOENT)
			r = 0; /* for fsck to report */
	}
	if (r == -ENOENT)
		return 0;
	return r < 0 ? diag_wrap(why, r, "lamina/lazy/%s", lazy_folder_name(manifest, folder)) : 0;
}

int gc_lazy_needs(const struct store *store, struct reach *reach, struct diag *why)
{
	struct lazy_needs needs = {store, reach};

	return lazies_each(store, add_layers, &needs, why);
}

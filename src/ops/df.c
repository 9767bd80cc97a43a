/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/df.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "ops/gc_lazy.h"
#include "ops/reach.h"
#include "store/entries.h"
#include "store/lazies.h"
#include "store/lazy_names.h"
#include "store/objects.h"
#include "store/store.h"
#include "store/streams.h"

#define TAG_PREFIX "oci/"

/* An object that some root needs; by the index of its digest in usage.objects. */
struct used {
	uint64_t size; /* bytes */
	size_t owner;  /* the first root that needs it, an index */
	bool is_shared;
	bool is_missing;
};

struct name {
	enum df_kind kind;
	const char *text; /* in the arena */
	size_t root;      /* index */
};

struct usage {
	const struct store *store;
	enum entry_place place; /* that is being looked through */
	struct arena arena;
	struct digest_set roots;
	struct digest_set objects;
	struct buf sums;  /* of struct df_row without a name, by the index in roots */
	struct buf used;  /* of struct used, by the index in objects */
	struct buf names; /* of struct name */
};

static void usage_release(struct usage *usage)
{
	arena_release(&usage->arena);
	digest_set_release(&usage->roots);
	digest_set_release(&usage->objects);
	buf_release(&usage->sums);
	buf_release(&usage->used);
	buf_release(&usage->names);
}

const char *df_kind_name(enum df_kind kind)
{
	static const char *const names[] = {
		[DF_IMAGE] = "image", [DF_TAG] = "tag", [DF_STREAM] = "stream", [DF_LAZY] = "lazy"};

	return names[kind];
}

static struct used *used_at(const struct usage *usage, size_t index)
{
	return (struct used *)(void *)usage->used.data + index;
}

static struct df_row *sum_at(const struct usage *usage, size_t root)
{
	return (struct df_row *)(void *)usage->sums.data + root;
}

/* A root needs the object, which it is told of once. */
static int use(struct usage *usage, const struct digest *object, size_t root)
{
	struct df_row *sum = sum_at(usage, root);
	size_t index;
	int r = digest_set_put(&usage->objects, object, SIZE_MAX, &index);

	if (r < 0)
		return r;
	if (r > 0) {
		struct used used = {.owner = root};

		used.is_missing = object_size(usage->store, object, &used.size, NULL) < 0;
		r = buf_append(&usage->used, &used, sizeof(used));
		if (r < 0)
			return r;
	} else {
		used_at(usage, index)->is_shared = true;
	}
	sum->count++;
	sum->bytes += used_at(usage, index)->size;
	sum->missing_count += used_at(usage, index)->is_missing;
	return 0;
}

/* All that a root needs. It may be damaged: then that is what is told of it. */
static int measure(struct usage *usage, size_t index, enum reach_kind kind)
{
	CLEAN(reach_freep) struct reach *reach = NULL;
	const struct digest_set *objects;
	struct diag reason = {0};
	int r = reach_new(usage->store, &reach);

	if (r < 0)
		return r;
	r = reach_add(reach, &sum_at(usage, index)->id, kind, &reason);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		const char *text = arena_copy(&usage->arena, span_of_string(diag_text(&reason, r)));

		sum_at(usage, index)->error = text;
		if (!text)
			return -ENOMEM;
	}
	objects = reach_objects(reach);
	for (size_t i = 0; i < objects->count; i++) {
		struct digest object = digest_set_at(objects, i);

		r = use(usage, &object, index);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_name(struct usage *usage, enum df_kind kind, const char *text, size_t root)
{
	struct name name = {kind, arena_copy(&usage->arena, span_of_string(text)), root};

	return name.text ? buf_append(&usage->names, &name, sizeof(name)) : -ENOMEM;
}

/* The name as the user knows it: a tag without its encoding. */
static int add_ref_name(struct usage *usage, const char *ref, size_t root)
{
	CLEAN(buf_release) struct buf tag = {0};
	int r;

	if (usage->place == ENTRY_IMAGE_REF)
		return add_name(usage, DF_IMAGE, ref, root);
	if (strncmp(ref, TAG_PREFIX, strlen(TAG_PREFIX)) != 0)
		return add_name(usage, DF_STREAM, ref, root);
	r = stream_name_decode(span_of_string(ref + strlen(TAG_PREFIX)), &tag);
	if (r == -EINVAL)
		return add_name(usage, DF_STREAM, ref, root);
	return r < 0 || !buf_string(&tag) ? -ENOMEM
					  : add_name(usage, DF_TAG, buf_string(&tag), root);
}

static int visit_ref(void *context, const char *ref, const char *target, struct diag *why)
{
	struct usage *usage = context;
	struct df_row sum = {0};
	size_t index;
	int r;

	if (!target)
		return 0;
	r = entry_object(usage->store, usage->place, target, &sum.id, why);
	if (r == -EINVAL || r == -ENOENT)
		return 0; /* leads to nothing: for fsck to report */
	if (r < 0 || sum.id.algorithm != usage->roots.algorithm)
		return r;
	r = digest_set_put(&usage->roots, &sum.id, SIZE_MAX, &index);
	if (r > 0) {
		r = buf_append(&usage->sums, &sum, sizeof(sum));
		if (r == 0)
			r = measure(usage, index,
				    usage->place == ENTRY_IMAGE_REF ? REACH_IMAGE : REACH_STREAM);
	}
	return r < 0 ? r : add_ref_name(usage, ref, index);
}

/* What only one root needs is known now. */
static void sum_unique(const struct usage *usage)
{
	for (size_t i = 0; i < usage->objects.count; i++) {
		const struct used *used = used_at(usage, i);

		if (!used->is_shared)
			sum_at(usage, used->owner)->unique_bytes += used->size;
	}
}

static int tell(const struct usage *usage, df_visit *visit, void *context, struct diag *why)
{
	const struct name *names = (const struct name *)(const void *)usage->names.data;

	for (size_t i = 0; i < usage->names.size / sizeof(*names); i++) {
		struct df_row row = *sum_at(usage, names[i].root);
		int r;

		row.kind = names[i].kind;
		row.name = names[i].text;
		row.shared_bytes = row.bytes - row.unique_bytes;
		r = visit(context, &row, why);
		if (r)
			return r;
	}
	return 0;
}

struct totals {
	const struct usage *usage;
	const struct digest_set
		*lazies; /* objects that lazily pulled images need, and no name has */
	struct df_total total;
};

static int count_object(void *context, const struct digest *name, struct diag *why)
{
	struct totals *totals = context;
	struct df_total *total = &totals->total;
	uint64_t size;

	(void)why;
	if (object_size(totals->usage->store, name, &size, NULL) < 0)
		return 0; /* gone meanwhile, or for fsck to report */
	total->count++;
	total->bytes += size;
	if (!digest_set_has(&totals->usage->objects, name) &&
	    !digest_set_has(totals->lazies, name)) {
		total->unreferenced_count++;
		total->unreferenced_bytes += size;
	}
	return 0;
}

/* Images that are not all here */

struct lazy_names {
	const struct store *store;
	df_visit *visit;
	void *context;
};

static int tell_lazy(void *context, const char *tag, const struct digest *manifest,
		     struct diag *why)
{
	const struct lazy_names *names = context;
	struct df_row row = {.kind = DF_LAZY, .name = tag, .id = *manifest};
	struct lazy_size size;
	int r = lazy_folder_measure(names->store, manifest, &size, why);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* it is all here by now */
	row.count = size.count;
	row.bytes = row.unique_bytes = size.bytes;
	return names->visit(names->context, &row, why);
}

static int add_lazy(void *context, const struct digest *manifest, struct diag *why)
{
	struct totals *totals = context;
	struct lazy_size size;
	int r = lazy_folder_measure(totals->usage->store, manifest, &size, why);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	totals->total.lazy_count += size.count;
	totals->total.lazy_bytes += size.bytes;
	return 0;
}

static int look_through(struct usage *usage, enum entry_place place, struct diag *why)
{
	usage->place = place;
	return entries_each(usage->store, place, visit_ref, usage, why);
}

int df_run(const struct store *store, df_visit *visit, void *context, struct df_total *ret,
	   struct diag *why)
{
	enum digest_algorithm algorithm = store_config(store).algorithm;
	CLEAN(usage_release)
	struct usage usage = {.store = store,
			      .roots = DIGEST_SET_OF(algorithm),
			      .objects = DIGEST_SET_OF(algorithm)};
	CLEAN(reach_freep) struct reach *lazies = NULL;
	struct totals totals = {.usage = &usage};
	struct lazy_names names = {store, visit, context};
	int r = reach_new(store, &lazies);

	if (r < 0)
		return r;
	totals.lazies = reach_objects(lazies);
	/* One that is damaged is for fsck to report. */
	if (gc_lazy_needs(store, lazies, NULL) == -ENOMEM)
		return -ENOMEM;
	r = look_through(&usage, ENTRY_IMAGE_REF, why);
	if (r == 0)
		r = look_through(&usage, ENTRY_STREAM_REF, why);
	if (r == 0)
		r = store_each_object(store, count_object, &totals, why);
	if (r == 0)
		r = lazies_each(store, add_lazy, &totals, why);
	if (r < 0)
		return r;
	sum_unique(&usage);
	r = tell(&usage, visit, context, why);
	if (r == 0)
		r = lazy_names_each(store, tell_lazy, &names, why);
	if (r == 0)
		*ret = totals.total;
	return r;
}

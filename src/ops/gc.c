/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/gc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/map.h"
#include "ops/gc_lazy.h"
#include "ops/mounts.h"
#include "ops/reach.h"
#include "store/entries.h"
#include "store/objects.h"
#include "store/store.h"
#include "store/streams.h"
#include "store/sweep.h"

/* composefs-repository.md, 2.7: oci-referrers/<enc subject>/<enc artifact>. */
#define REFERRER_PREFIX "oci-referrers/"

/* A ref to an artifact that is kept by its subject, another manifest, and not by itself. */
struct referrer {
	struct referrer *next;
	const char *name;      /* in the arena */
	struct digest subject; /* DIGEST_NONE: there is none any more */
	struct digest artifact;
	bool is_added;
};

struct collection {
	struct store *store;
	const struct gc_request *request;
	struct gc_result result;
	struct reach *reach;    /* owned */
	int64_t before;         /* seconds since 1970: what is younger stays */
	enum entry_place place; /* that is being looked through */
	struct arena arena;     /* of the referrers */
	struct referrer *referrers;
	struct map by_name; /* of these */
};

static void collection_release(struct collection *collection)
{
	reach_free(collection->reach);
	arena_release(&collection->arena);
	map_release(&collection->by_name);
}

static enum reach_kind kind_of(enum entry_place place)
{
	return place == ENTRY_IMAGE || place == ENTRY_IMAGE_REF ? REACH_IMAGE : REACH_STREAM;
}

/*
 * The manifest that a referrer refers to: DIGEST_NONE when it is not there. Returns 1, 0 when the
 * name is not that of a referrer, or -errno.
 */
static int find_subject(const struct collection *collection, const char *name, struct digest *ret,
			struct diag *why)
{
	CLEAN(buf_release) struct buf stream = {0};
	const char *subject, *slash;
	int r;

	if (strncmp(name, REFERRER_PREFIX, strlen(REFERRER_PREFIX)) != 0)
		return 0;
	subject = name + strlen(REFERRER_PREFIX);
	slash = strchr(subject, '/');
	if (!slash)
		return 0;
	r = buf_append_string(&stream, "oci-manifest-");
	if (r == 0)
		r = stream_name_decode(span_of(subject, (size_t)(slash - subject)), &stream);
	if (r == -EINVAL)
		return 0;
	if (r < 0 || !buf_string(&stream))
		return -ENOMEM;
	*ret = (struct digest){0};
	if (stream_name_check(buf_string(&stream), NULL) < 0)
		return 1; /* a name that no stream can have */
	r = stream_resolve(collection->store, buf_string(&stream), ret, why);
	return r < 0 && r != -ENOENT ? r : 1;
}

static int note_referrer(struct collection *collection, const char *name,
			 const struct digest *subject, const struct digest *artifact)
{
	struct referrer *referrer = arena_new(&collection->arena, struct referrer);

	if (!referrer)
		return -ENOMEM;
	*referrer = (struct referrer){.next = collection->referrers,
				      .name = arena_copy(&collection->arena, span_of_string(name)),
				      .subject = *subject,
				      .artifact = *artifact};
	if (!referrer->name)
		return -ENOMEM;
	collection->referrers = referrer;
	return map_add(&collection->by_name, hash_bytes(span_of_string(name), 0), referrer);
}

static bool is_named(const void *item, const void *key)
{
	return strcmp(((const struct referrer *)item)->name, key) == 0;
}

/* A referrer whose subject is gone goes, too, even if something else keeps the artifact. */
static bool drops(void *context, enum entry_place place, const char *name)
{
	const struct collection *collection = context;
	const struct referrer *referrer;

	if (place != ENTRY_STREAM_REF)
		return false;
	referrer =
		map_find(&collection->by_name, hash_bytes(span_of_string(name), 0), is_named, name);
	return referrer && !referrer->is_added;
}

static int add_root(struct collection *collection, const char *name, const struct digest *id,
		    struct diag *why)
{
	int r = reach_add(collection->reach, id, kind_of(collection->place), why);

	return r < 0 ? diag_wrap(why, r, "%s/%s", entry_folder(collection->place), name) : 0;
}

static int visit_ref(void *context, const char *name, const char *target, struct diag *why)
{
	struct collection *collection = context;
	struct digest id, subject;
	int r;

	if (!target)
		return 0;
	r = entry_object(collection->store, collection->place, target, &id, why);
	if (r == -EINVAL || r == -ENOENT)
		return 0; /* leads to nothing: a sweep takes the latter, fsck reports both */
	if (r < 0)
		return r;
	r = collection->place == ENTRY_STREAM_REF ? find_subject(collection, name, &subject, why)
						  : 0;
	if (r < 0)
		return r;
	return r ? note_referrer(collection, name, &subject, &id)
		 : add_root(collection, name, &id, why);
}

/* Of images and streams that no name leads to: those that are young, and images that are in use. */
static int visit_link(void *context, const char *name, const char *target, struct diag *why)
{
	struct collection *collection = context;
	struct digest id;
	int64_t time;
	int r;

	if (!target)
		return 0;
	r = entry_object(collection->store, collection->place, target, &id, why);
	if (r == -EINVAL || r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (digest_set_has(reach_objects(collection->reach), &id))
		return 0;
	r = object_time(collection->store, &id, &time, why);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (time > collection->before)
		return add_root(collection, name, &id, why);
	if (collection->place != ENTRY_IMAGE)
		return 0;
	r = mounts_need_image(collection->store, &id, why);
	if (r <= 0)
		return r;
	collection->result.mounted_count++;
	return add_root(collection, name, &id, why);
}

static int visit_mounted(void *context, const struct digest *image, struct diag *why)
{
	struct collection *collection = context;
	int r;

	if (digest_set_has(reach_objects(collection->reach), image))
		return 0;
	r = object_find(collection->store, image, why);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	collection->result.mounted_count++;
	return add_root(collection, "(mounted)", image, why);
}

static int look_through(struct collection *collection, enum entry_place place, entry_visit *visit,
			struct diag *why)
{
	collection->place = place;
	return entries_each(collection->store, place, visit, collection, why);
}

/* An artifact may have referrers of its own: until nothing more is found. */
static int add_referrers(struct collection *collection, struct diag *why)
{
	bool is_done;

	do {
		is_done = true;
		for (struct referrer *r = collection->referrers; r; r = r->next) {
			int result;

			if (r->is_added ||
			    !digest_set_has(reach_objects(collection->reach), &r->subject))
				continue;
			result = reach_add(collection->reach, &r->artifact, REACH_STREAM, why);
			if (result < 0)
				return diag_wrap(why, result, "streams/refs/%s", r->name);
			r->is_added = true;
			is_done = false;
		}
	} while (!is_done);
	return 0;
}

static int find_needed(struct collection *collection, struct diag *why)
{
	int r;

	r = look_through(collection, ENTRY_IMAGE_REF, visit_ref, why);
	if (r == 0)
		r = look_through(collection, ENTRY_STREAM_REF, visit_ref, why);
	if (r == 0)
		r = look_through(collection, ENTRY_STREAM, visit_link, why);
	if (r == 0)
		r = look_through(collection, ENTRY_IMAGE, visit_link, why);
	if (r == 0)
		r = mounts_each_image(collection->store, visit_mounted, collection, why);
	if (r == 0)
		r = gc_lazy_needs(collection->store, collection->reach, why);
	return r < 0 ? r : add_referrers(collection, why);
}

static void tell(void *context, const struct swept *swept)
{
	static const struct {
		enum gc_kind kind;
		const char *folder;
	} kinds[] = {
		[SWEPT_IMAGE_REF] = {GC_REFERENCE, "images/refs/"},
		[SWEPT_STREAM_REF] = {GC_REFERENCE, "streams/refs/"},
		[SWEPT_IMAGE] = {GC_IMAGE, "images/"},
		[SWEPT_STREAM] = {GC_STREAM, "streams/"},
		[SWEPT_OBJECT] = {GC_OBJECT, ""},
		[SWEPT_TEMPORARY] = {GC_TEMPORARY, ""},
		[SWEPT_QUARANTINED] = {GC_QUARANTINED, ""},
	};
	struct collection *collection = context;
	const struct gc_request *request = collection->request;
	struct gc_result *result = &collection->result;
	CLEAN(buf_release) struct buf name = {0};
	enum gc_kind kind = kinds[swept->kind].kind;

	result->counts[kind]++;
	result->bytes += swept->size_bytes;
	progress_report(&request->progress, "remove", result->counts[GC_OBJECT], result->bytes);
	if (request->tell &&
	    buf_printf(&name, "%s%s", kinds[swept->kind].folder, swept->name) == 0 &&
	    buf_string(&name))
		request->tell(request->context, kind, buf_string(&name), swept->size_bytes);
}

/* A folder counts as what it is: something that was there for a while. */
static void tell_lazy(void *context, const char *name)
{
	struct collection *collection = context;
	const struct gc_request *request = collection->request;

	collection->result.counts[GC_TEMPORARY]++;
	if (request->tell)
		request->tell(request->context, GC_TEMPORARY, name, 0);
}

static int64_t time_before(uint64_t older_seconds)
{
	int64_t now = (int64_t)time(NULL);

	if (older_seconds == 0)
		return INT64_MAX; /* a clock that was set back keeps nothing alive */
	return older_seconds >= (uint64_t)now ? INT64_MIN : now - (int64_t)older_seconds;
}

static int collect(struct collection *collection, struct diag *why)
{
	const struct gc_request *request = collection->request;
	struct sweep sweep = {.before = collection->before,
			      .is_dry = request->is_dry,
			      .drops = drops,
			      .tell = tell,
			      .context = collection};
	int r;

	if (!request->is_dry) {
		r = mounts_sweep_locked(collection->store, why);
		if (r < 0)
			return r;
		collection->result.stale_count = r;
	}
	r = gc_lazy_sweep(collection->store, request->is_dry, tell_lazy, collection, why);
	if (r < 0)
		return r;
	progress_report(&request->progress, "look", 0, 0);
	r = find_needed(collection, why);
	if (r < 0)
		return r;
	sweep.kept = reach_objects(collection->reach);
	collection->result.kept_count = sweep.kept->count;
	collection->result.missing_count = reach_missing_count(collection->reach);
	return sweep_store(collection->store, &sweep, why);
}

/* Without a wait first, so that one can be told of. */
static int lock(struct store *store, const struct gc_request *request, struct diag *why)
{
	int r = store_lock_alone(store, false, why);

	if (r != -EBUSY)
		return r;
	progress_report(&request->progress, "wait for others", 0, 0);
	return store_lock_alone(store, true, why);
}

int gc_run(struct store *store, const struct gc_request *request, struct gc_result *ret,
	   struct diag *why)
{
	CLEAN(collection_release)
	struct collection collection = {
		.store = store,
		.request = request,
		.before = time_before(request->older_seconds),
	};
	int r;

	if (!store_is_writable(store) && !request->is_dry)
		return diag_set(why, -EROFS,
				"the repository has a feature that this program does not know and "
				"that forbids writing");
	r = reach_new(store, &collection.reach);
	if (r < 0)
		return r;
	if (!request->is_dry) {
		r = lock(store, request, why);
		if (r < 0)
			return r;
	}
	r = collect(&collection, why);
	if (!request->is_dry)
		store_share(store);
	if (r == 0)
		*ret = collection.result;
	return r;
}

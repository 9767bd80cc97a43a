/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/fsck.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "ops/fsck_private.h"
#include "ops/repository.h"
#include "store/objects.h"
#include "store/store.h"

static void fsck_release(struct fsck *fsck)
{
	store_close(fsck->store);
	arena_release(&fsck->arena);
	buf_release(&fsck->problems);
	(void)pthread_mutex_destroy(&fsck->lock);
}

/* What the result counts apart from the problem itself. */
static void count_problem(struct fsck_result *result, const struct fsck_problem *problem)
{
	static const char *const missing[] = {"missing-object-ref", "image-missing-object"};

	result->error_count++;
	result->repair_count += problem->repair != NULL;
	if (strcmp(problem->kind, "broken-symlink") == 0)
		result->broken_links++;
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		result->missing_objects += strcmp(problem->kind, missing[i]) == 0;
}

void fsck_note(struct fsck *fsck, const char *kind, const char *subject, const char *repair,
	       const char *format, ...)
{
	struct fsck_problem problem = {.kind = kind, .repair = repair};
	char text[sizeof(((struct diag *)0)->text)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)pthread_mutex_lock(&fsck->lock);
	problem.subject = arena_copy(&fsck->arena, span_of_string(subject));
	problem.text = arena_copy(&fsck->arena, span_of_string(text));
	if (!problem.subject || !problem.text ||
	    buf_append(&fsck->problems, &problem, sizeof(problem)) < 0)
		fsck->is_out_of_memory = true;
	count_problem(&fsck->result, &problem);
	(void)pthread_mutex_unlock(&fsck->lock);
}

size_t fsck_problem_count(const struct fsck *fsck)
{
	return fsck->problems.size / sizeof(struct fsck_problem);
}

void fsck_repaired(struct fsck *fsck, size_t first, const char *repair)
{
	struct fsck_problem *problems = (struct fsck_problem *)(void *)fsck->problems.data;

	for (size_t i = first; i < fsck_problem_count(fsck); i++) {
		fsck->result.repair_count += problems[i].repair == NULL;
		problems[i].repair = repair;
	}
}

char *fsck_subject(enum entry_place place, const char *name, char path[FSCK_SUBJECT_SIZE])
{
	(void)snprintf(path, FSCK_SUBJECT_SIZE, "%s/%s", entry_folder(place), name);
	return path;
}

const char *fsck_unlink(struct fsck *fsck, enum entry_place place, const char *name)
{
	if (!fsck->request->is_repair || entry_remove(fsck->store, place, name, NULL) < 0)
		return NULL;
	return "removed";
}

int fsck_link(struct fsck *fsck, enum entry_place place, const char *name, const char *target,
	      struct digest *ret, struct diag *why)
{
	bool is_ref = place == ENTRY_IMAGE_REF || place == ENTRY_STREAM_REF;
	char subject[FSCK_SUBJECT_SIZE];
	struct diag reason = {0};
	struct digest object;
	int r;

	fsck_subject(place, name, subject);
	if (!target) {
		fsck_note(fsck, is_ref ? "unexpected-file-type" : "entry-not-symlink", subject,
			  NULL, "not a symbolic link");
		return 0;
	}
	r = entry_object(fsck->store, place, target, &object, why);
	if (r < 0 && r != -EINVAL && r != -ENOENT)
		return r;
	if (r == 0) {
		r = object_find(fsck->store, &object, &reason);
		if (r == 0) {
			*ret = object;
			return 1;
		}
		if (r != -ENOENT) {
			fsck_note(fsck, "broken-symlink", subject, NULL, "%s",
				  diag_text(&reason, r));
			return 0;
		}
	}
	fsck_note(fsck, "broken-symlink", subject, fsck_unlink(fsck, place, name),
		  "leads to '%.300s', which is not there", target);
	return 0;
}

static int check_ref_of_image(void *context, const char *name, const char *target, struct diag *why)
{
	struct digest object;
	int r = fsck_link(context, ENTRY_IMAGE_REF, name, target, &object, why);

	return r < 0 ? r : 0;
}

static int check_ref_of_stream(void *context, const char *name, const char *target,
			       struct diag *why)
{
	struct digest object;
	int r = fsck_link(context, ENTRY_STREAM_REF, name, target, &object, why);

	return r < 0 ? r : 0;
}

int fsck_refs(struct fsck *fsck, struct diag *why)
{
	int r = entries_each(fsck->store, ENTRY_IMAGE_REF, check_ref_of_image, fsck, why);

	return r < 0 ? r
		     : entries_each(fsck->store, ENTRY_STREAM_REF, check_ref_of_stream, fsck, why);
}

static int open_store(struct fsck *fsck, struct diag *why)
{
	CLEAN(memory_freep) char *path = repository_path(fsck->request->repo);
	struct diag reason = {0};
	enum store_meta meta;
	int r;

	if (!path)
		return diag_set(why, -ENOENT, "no repository is named and $HOME is not set");
	r = store_open_to_check(path, &fsck->store, &meta, &reason, why);
	if (r < 0)
		return r;
	fsck->result.meta = meta == STORE_META_ABSENT ? FSCK_META_ABSENT
			    : meta == STORE_META_GOOD ? FSCK_META_OK
						      : FSCK_META_ERROR;
	if (meta == STORE_META_BAD)
		fsck_note(fsck, "metadata-parse-failed", "meta.json", NULL, "%s", reason.text);
	if (!fsck->request->is_repair)
		return 0;
	if (!store_is_writable(fsck->store))
		return diag_set(why, -EROFS, "the repository cannot be repaired: %s",
				meta == STORE_META_BAD ? reason.text
						       : "it has a feature that forbids writing");
	r = store_lock_alone(fsck->store, false, why);
	if (r != -EBUSY)
		return r;
	progress_report(&fsck->request->progress, "wait for others", 0, 0);
	return store_lock_alone(fsck->store, true, why);
}

static int check_all(struct fsck *fsck, struct diag *why)
{
	static int (*const checks[])(struct fsck * fsck, struct diag * why) = {
		fsck_objects, fsck_streams, fsck_images, fsck_refs, fsck_oci, fsck_lazy};
	int r = open_store(fsck, why);

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && r == 0; i++)
		r = checks[i](fsck, why);
	if (r == 0 && fsck->request->is_repair)
		r = entries_sync(fsck->store, why);
	return r == 0 && fsck->is_out_of_memory ? -ENOMEM : r;
}

int fsck_run(const struct fsck_request *request, struct fsck_result *ret, struct diag *why)
{
	CLEAN(fsck_release) struct fsck fsck = {.request = request};
	const struct fsck_problem *problems;
	int r;

	(void)pthread_mutex_init(&fsck.lock, NULL);
	r = check_all(&fsck, why);
	if (r < 0)
		return r;
	problems = (const struct fsck_problem *)(const void *)fsck.problems.data;
	for (size_t i = 0; request->tell && i < fsck_problem_count(&fsck); i++)
		request->tell(request->context, &problems[i]);
	*ret = fsck.result;
	return 0;
}

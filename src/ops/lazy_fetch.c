/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/lazy_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/http.h"
#include "oci/reference.h"
#include "oci/source.h"
#include "ops/image_source.h"
#include "ops/lazy.h"
#include "ops/lazy_chunks.h"
#include "ops/lazy_table.h"

/* Of one request and of one attempt: readers wait for them. */
#define CONNECT_TIMEOUT_MS 10000
#define STALL_TIMEOUT_MS 20000
#define RETRY_MS 100
#define ATTEMPTS 2

/* After the network failed, everybody is told so for a while, instead of waiting one by one. */
#define PAUSE_NS 2000000000ll

/* Contents that somebody fetches, in a list on the stacks of those who do. */
struct flight {
	struct flight *next;
	const struct digest *contents;
};

struct lazy_fetch {
	const struct lazy_image *image;
	struct buf bytes; /* of the table; these are immutable */
	struct lazy_table table;

	pthread_mutex_t lock; /* not held while anything is fetched */
	pthread_cond_t landed;
	/* guarded by lock: */
	struct flight *flights;
	struct oci_source *source; /* owned; NULL: nobody was asked yet. Used by any thread */
	int64_t failed_ns;         /* when the network failed; 0: it did not */
};

int lazy_fetch_new(const struct lazy_image *image, struct lazy_fetch **ret, struct diag *why)
{
	CLEAN(lazy_fetch_freep) struct lazy_fetch *fetch = calloc(1, sizeof(*fetch));
	int r;

	if (!fetch)
		return -ENOMEM;
	fetch->image = image;
	(void)pthread_mutex_init(&fetch->lock, NULL);
	(void)pthread_cond_init(&fetch->landed, NULL);
	r = lazy_image_read(image, "table", LAZY_TABLE_SIZE_MAX, &fetch->bytes, why);
	if (r == 0)
		r = lazy_table_open(buf_span(&fetch->bytes), &fetch->table, why);
	if (r == 0)
		*ret = TAKE(fetch);
	return r;
}

void lazy_fetch_free(struct lazy_fetch *fetch)
{
	if (!fetch)
		return;
	oci_source_close(fetch->source);
	(void)pthread_cond_destroy(&fetch->landed);
	(void)pthread_mutex_destroy(&fetch->lock);
	buf_release(&fetch->bytes);
	free(fetch);
}

void lazy_fetch_freep(struct lazy_fetch **fetch)
{
	lazy_fetch_free(*fetch);
	*fetch = NULL;
}

/* Asking */

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int source_open_locked(struct lazy_fetch *fetch, struct diag *why)
{
	const struct lazy_state *state = &fetch->image->state;
	struct registry_options options = lazy_state_registry(state);
	struct oci_reference reference = {0};
	char *name = NULL;
	int r;

	if (fetch->source)
		return 0;
	options.connect_timeout_ms = CONNECT_TIMEOUT_MS;
	options.stall_timeout_ms = STALL_TIMEOUT_MS;
	options.retry_ms = RETRY_MS;
	r = oci_reference_parse(state->source, &reference, why);
	if (r == 0 && reference.transport != OCI_TRANSPORT_DOCKER)
		r = diag_set(why, -EUCLEAN, "the image does not come from a registry");
	if (r == 0)
		r = image_source_open(&reference, &options, &fetch->source, &name, why);
	free(name);
	oci_reference_release(&reference);
	return r;
}

/* Before the registry is asked: 0, or why it is not. */
static int source_take(struct lazy_fetch *fetch, struct oci_source **ret, struct diag *why)
{
	int r;

	(void)pthread_mutex_lock(&fetch->lock);
	if (fetch->failed_ns && now_ns() - fetch->failed_ns < PAUSE_NS)
		r = diag_set(why, -EHOSTUNREACH, "the registry did not answer a moment ago");
	else
		r = source_open_locked(fetch, why);
	*ret = fetch->source;
	(void)pthread_mutex_unlock(&fetch->lock);
	return r;
}

static void failure_note(struct lazy_fetch *fetch, bool has_failed)
{
	(void)pthread_mutex_lock(&fetch->lock);
	fetch->failed_ns = has_failed ? now_ns() : 0;
	(void)pthread_mutex_unlock(&fetch->lock);
}

static int bring(struct lazy_fetch *fetch, const struct digest *digest, struct diag *why)
{
	struct oci_source *source;
	struct lazy_contents contents;
	int r = lazy_table_find(&fetch->table, digest, &contents);

	if (r < 0)
		return diag_set(why, r, "the image has no such contents");
	r = source_take(fetch, &source, why);
	if (r < 0)
		return r;
	for (int i = 0; i < ATTEMPTS; i++) {
		r = lazy_contents_take(fetch->image, &fetch->table, source, &contents, why);
		if (r == 0 || !http_error_is_transient(r))
			break;
	}
	failure_note(fetch, http_error_is_transient(r));
	return r;
}

static int here_open(const struct lazy_fetch *fetch, const struct digest *contents)
{
	char path[DIGEST_PATH_SIZE_MAX];

	return fd_open_within(fetch->image->contents_fd, digest_path(contents, path),
			      O_RDONLY | O_NOFOLLOW,
			      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

static bool is_in_flight(const struct lazy_fetch *fetch, const struct digest *contents)
{
	for (const struct flight *f = fetch->flights; f; f = f->next) {
		if (digest_equal(f->contents, contents))
			return true;
	}
	return false;
}

static void flight_begin(struct lazy_fetch *fetch, struct flight *flight)
{
	(void)pthread_mutex_lock(&fetch->lock);
	while (is_in_flight(fetch, flight->contents))
		(void)pthread_cond_wait(&fetch->landed, &fetch->lock);
	flight->next = fetch->flights;
	fetch->flights = flight;
	(void)pthread_mutex_unlock(&fetch->lock);
}

static void flight_end(struct lazy_fetch *fetch, struct flight *flight)
{
	struct flight **place = &fetch->flights;

	(void)pthread_mutex_lock(&fetch->lock);
	while (*place != flight)
		place = &(*place)->next;
	*place = flight->next;
	(void)pthread_cond_broadcast(&fetch->landed);
	(void)pthread_mutex_unlock(&fetch->lock);
}

int lazy_fetch_get(struct lazy_fetch *fetch, const struct digest *contents, struct diag *why)
{
	struct flight flight = {.contents = contents};
	int fd, r;

	flight_begin(fetch, &flight);
	fd = here_open(fetch, contents);
	if (fd == -ENOENT) {
		r = bring(fetch, contents, why);
		fd = r < 0 ? r : here_open(fetch, contents);
	}
	flight_end(fetch, &flight);
	return fd;
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/lazy_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "oci/http.h"
#include "oci/inflate.h"
#include "oci/reference.h"
#include "oci/source.h"
#include "ops/image_source.h"
#include "ops/lazy.h"
#include "ops/lazy_table.h"
#include "store/contents.h"
#include "verity/sha.h"

#define PIECE_SIZE ((size_t)64 * 1024)

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

/* One of the contents, on its way */

struct taking {
	struct lazy_fetch *fetch;
	struct oci_source *source;
	const struct lazy_contents *contents;
	int fd;            /* borrowed; where they are written */
	struct sha *whole; /* owned */
	uint64_t offset;   /* of the next byte in the file */
	uint8_t *packed;   /* owned; PIECE_SIZE, as is the next */
	uint8_t *plain;
};

static void taking_release(struct taking *taking)
{
	sha_free(taking->whole);
	free(taking->packed);
	free(taking->plain);
}

/* So many bytes of an answer and no more. */
struct portion {
	const struct reader *reader;
	uint8_t *buffer;
	uint64_t left;
};

static int portion_next(void *context, struct span *ret, struct diag *why)
{
	struct portion *portion = context;
	size_t size = portion->left < PIECE_SIZE ? (size_t)portion->left : PIECE_SIZE;
	ssize_t got;

	if (size == 0)
		return 0;
	got = reader_read(portion->reader, portion->buffer, size, why);
	if (got <= 0)
		return (int)got;
	portion->left -= (uint64_t)got;
	*ret = span_of(portion->buffer, (size_t)got);
	return 1;
}

static int portion_pass(struct portion *portion, struct diag *why)
{
	struct span ignored;
	int r;

	do
		r = portion_next(portion, &ignored, why);
	while (r > 0);
	return r;
}

static int plain_put(struct taking *taking, struct sha *part, struct span bytes, struct diag *why)
{
	int r = fd_pwrite(taking->fd, bytes.data, bytes.size, taking->offset);

	if (r < 0)
		return diag_errno(why, r, "cannot write contents");
	taking->offset += bytes.size;
	r = sha_update(taking->whole, bytes);
	return r < 0 || !part ? r : sha_update(part, bytes);
}

/* The plain bytes of a chunk: skip of them for nobody, size of them to be kept. */
static int plain_take(struct taking *taking, const struct reader *plain,
		      const struct toc_chunk *chunk, struct sha *part, struct diag *why)
{
	uint64_t skip = chunk->skip, left = chunk->size;

	while (left) {
		uint64_t wanted = skip ? skip : left;
		size_t size = wanted < PIECE_SIZE ? (size_t)wanted : PIECE_SIZE;
		ssize_t got = reader_read(plain, taking->plain, size, why);
		int r;

		if (got < 0)
			return (int)got;
		if (got == 0)
			return diag_set(why, -EUCLEAN, "a part of the layer is too short");
		if (skip) {
			skip -= (uint64_t)got;
			continue;
		}
		r = plain_put(taking, part, span_of(taking->plain, (size_t)got), why);
		if (r < 0)
			return r;
		left -= (uint64_t)got;
	}
	return 0;
}

static int digest_check(struct sha *sha, const struct digest *expected, struct diag *why)
{
	struct digest found;
	int r = sha_finish(sha, &found);

	if (r == 0 && !digest_equal(&found, expected))
		return diag_set(why, -EBADMSG,
				"what the registry sent has not the digest that it should have");
	return r;
}

static int chunk_take(struct taking *taking, const struct reader *answer,
		      const struct toc_chunk *chunk, struct diag *why)
{
	CLEAN(sha_freep) struct sha *part = NULL;
	struct portion portion = {
		.reader = answer, .buffer = taking->packed, .left = chunk->end - chunk->offset};
	const struct pieces pieces = {.next = portion_next, .context = &portion};
	struct reader plain;
	int r = 0;

	if (chunk->digest.algorithm != DIGEST_NONE)
		r = sha_new(DIGEST_SHA256, &part, why);
	if (r == 0)
		r = inflate_open(&pieces, UINT64_MAX, &plain);
	if (r < 0)
		return r;
	r = plain_take(taking, &plain, chunk, part, why);
	reader_close(&plain);
	if (r == 0)
		r = portion_pass(&portion, why);
	return r < 0 || !part ? r : digest_check(part, &chunk->digest, why);
}

static int zeros_take(struct taking *taking, uint64_t size, struct diag *why)
{
	int r = 0;

	memset(taking->plain, 0, size < PIECE_SIZE ? (size_t)size : PIECE_SIZE);
	while (size && r == 0) {
		size_t part = size < PIECE_SIZE ? (size_t)size : PIECE_SIZE;

		/* The file has a hole there. */
		r = sha_update(taking->whole, span_of(taking->plain, part));
		taking->offset += part;
		size -= part;
	}
	return r < 0 ? diag_set(why, r, "cannot hash zeros") : 0;
}

static struct toc_chunk chunk_at(const struct taking *taking, uint32_t index)
{
	return lazy_table_chunk(&taking->fetch->table, taking->contents, index);
}

/* Chunks from first on that lie one behind the other in the blob, by one request. */
static int run_take(struct taking *taking, uint32_t first, uint32_t *ret_end, struct diag *why)
{
	const struct lazy_layer *layer =
		&taking->fetch->image->state.layers[taking->contents->layer];
	struct toc_chunk chunk = chunk_at(taking, first), next;
	uint64_t start = chunk.offset;
	uint32_t end = first + 1;
	struct reader answer;
	int r;

	while (end < taking->contents->chunk_count) {
		next = chunk_at(taking, end);
		if (next.is_zeros || next.offset != chunk.end)
			break;
		chunk = next;
		end++;
	}
	r = oci_source_range(taking->source, &layer->blob, start, chunk.end - start, &answer, why);
	if (r < 0)
		return r;
	for (uint32_t i = first; i < end && r == 0; i++) {
		chunk = chunk_at(taking, i);
		r = chunk_take(taking, &answer, &chunk, why);
	}
	reader_close(&answer);
	*ret_end = end;
	return r;
}

static int chunks_take(struct taking *taking, struct diag *why)
{
	uint32_t i = 0;
	int r = 0;

	while (i < taking->contents->chunk_count && r == 0) {
		const struct toc_chunk chunk = chunk_at(taking, i);

		if (chunk.is_zeros) {
			r = zeros_take(taking, chunk.size, why);
			i++;
		} else {
			r = run_take(taking, i, &i, why);
		}
	}
	if (r == 0 && ftruncate(taking->fd, (off_t)taking->contents->size) < 0)
		r = diag_errno(why, -errno, "cannot write contents");
	return r < 0 ? r : digest_check(taking->whole, &taking->contents->digest, why);
}

static int attempt(struct lazy_fetch *fetch, struct oci_source *source,
		   const struct lazy_contents *contents, struct diag *why)
{
	CLEAN(contents_draft_closep) struct contents_draft *draft = NULL;
	CLEAN(taking_release)
	struct taking taking = {
		.fetch = fetch,
		.source = source,
		.contents = contents,
		.packed = malloc(PIECE_SIZE),
		.plain = malloc(PIECE_SIZE),
	};
	int r;

	if (!taking.packed || !taking.plain)
		return -ENOMEM;
	if (contents->layer >= fetch->image->state.layer_count)
		return diag_set(why, -EUCLEAN, "the table of contents names no layer");
	r = sha_new(DIGEST_SHA256, &taking.whole, why);
	if (r == 0)
		r = contents_draft_open(fetch->image->contents_fd, &draft, why);
	if (r < 0)
		return r;
	taking.fd = contents_draft_fd(draft);
	r = chunks_take(&taking, why);
	return r < 0 ? r : contents_draft_link(draft, &contents->digest, why);
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
		r = attempt(fetch, source, &contents, why);
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

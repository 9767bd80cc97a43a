/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A pull of tables of contents. The tree is made as that of any other pull, by the same merge, from
 * the entries of a table where the layer is not here; only what stands for the contents differs.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/limits.h"
#include "erofs/writer.h"
#include "oci/image_name.h"
#include "oci/layer.h"
#include "oci/manifest.h"
#include "oci/source.h"
#include "oci/toc.h"
#include "oci/toc_fetch.h"
#include "oci/transform.h"
#include "ops/lazy.h"
#include "ops/lazy_finish.h"
#include "ops/lazy_table.h"
#include "ops/pull_private.h"
#include "serve/lazy.h"
#include "store/lazy_draft.h"
#include "store/lazy_names.h"
#include "store/splitstream.h"
#include "store/tags.h"
#include "tree/tree.h"

void pull_lazy_release(struct pull *pull)
{
	for (size_t i = 0; pull->tocs && i < pull->manifest->count; i++)
		toc_free(pull->tocs[i]);
	free(pull->tocs);
	pull->tocs = NULL;
}

/* Tables */

/* What is wrong with one layer is no reason to give up: it is pulled as any other. */
static void note(struct pull *pull, size_t index, const char *reason)
{
	if (!pull->result.lazy_why.text[0])
		(void)diag_set(&pull->result.lazy_why, -EOPNOTSUPP, "layer %zu of %zu: %.300s",
			       index + 1, pull->manifest->count, reason);
}

/* Whether a failure is about the table, and not about the network or us. */
static bool is_about_table(int err)
{
	return err == -EUCLEAN || err == -EOPNOTSUPP || err == -E2BIG || err == -EBADMSG ||
	       err == -EINVAL;
}

static int toc_take(struct pull *pull, size_t index, struct diag *why)
{
	const struct oci_item *layer = &pull->manifest->items[index];
	struct toc_place place;
	struct diag reason = {0};
	int r;

	if (!toc_find(layer, &place)) {
		note(pull, index, "it has no table of contents");
		return 0;
	}
	r = toc_fetch(pull->source, layer, &place, &pull->tocs[index], &reason);
	if (r == 0) {
		pull->result.lazy_count++;
		return 0;
	}
	if (!is_about_table(r))
		return diag_set(why, r, "layer %zu of %zu: %.300s", index + 1,
				pull->manifest->count, diag_text(&reason, r));
	note(pull, index, diag_text(&reason, r));
	return 0;
}

/* Of the layers that are not here. Returns how many there are. */
static int tocs_take(struct pull *pull, struct diag *why)
{
	pull->tocs = calloc(pull->manifest->count + 1, sizeof(struct toc *));
	if (!pull->tocs)
		return -ENOMEM;
	for (size_t i = 0; i < pull->manifest->count; i++) {
		struct digest layer = pull_layer_name(pull, i), stream;
		char name[STREAM_NAME_SIZE_MAX];
		int r = pull_stream_find(pull->store, oci_stream_name(OCI_PART_LAYER, &layer, name),
					 STREAM_TYPE_OCI_LAYER, &stream);

		if (r == -ENOENT)
			r = toc_take(pull, i, why);
		if (r < 0)
			return r;
	}
	return (int)pull->result.lazy_count;
}

/* The tree */

static int tree_make(struct pull *pull, struct tree **ret, struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	int r = tree ? 0 : -ENOMEM;

	for (size_t i = 0; i < pull->manifest->count && r == 0; i++) {
		if (pull->tocs[i])
			r = toc_apply(pull->tocs[i], lazy_mark, tree, why);
		else
			r = layer_apply(pull->store, &pull->layers[i], tree, why);
		if (r < 0)
			return diag_wrap(why, r, "layer %zu", i + 1);
	}
	if (r == 0)
		r = transform_for_oci(tree, false, why);
	if (r == 0)
		*ret = TAKE(tree);
	return r;
}

static int buf_sink(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

/* Contents that no file has any more, after the layers above, are not wanted. */
static int contents_note(const struct tree *tree, struct digest_set *wanted)
{
	int r = 0;

	for (struct dentry *d = tree_walk_first(tree); d && r >= 0; d = tree_walk_next(tree, d)) {
		struct digest mark, contents;

		if (!inode_is_external(d->inode))
			continue;
		mark = inode_digest(d->inode);
		if (lazy_unmark(&mark, &contents))
			r = digest_set_put(wanted, &contents, LAZY_CONTENTS_MAX, NULL);
	}
	return r < 0 ? r : 0;
}

static int image_make(struct pull *pull, struct buf *ret, struct digest_set *wanted,
		      struct diag *why)
{
	const struct erofs_version_range versions = {1, 1};
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct erofs_written written;
	int r = tree_make(pull, &tree, why);

	if (r == 0)
		r = contents_note(tree, wanted);
	return r < 0 ? r : erofs_write(tree, versions, buf_sink, ret, &written, why);
}

/* The folder */

static int image_write(struct pull *pull, struct lazy_draft *draft, struct digest_set *wanted,
		       struct diag *why)
{
	CLEAN(buf_release) struct buf image = {0};
	int r = image_make(pull, &image, wanted, why);

	return r < 0 ? r : lazy_draft_file(draft, "image.erofs", buf_span(&image), why);
}

static int table_write(struct pull *pull, struct lazy_draft *draft, const struct digest_set *wanted,
		       struct diag *why)
{
	CLEAN(lazy_table_maker_release) struct lazy_table_maker maker = {0};
	CLEAN(buf_release) struct buf table = {0};
	int r = 0;

	for (size_t i = 0; i < pull->manifest->count && r == 0; i++) {
		if (pull->tocs[i])
			r = lazy_table_add(&maker, pull->tocs[i], (uint32_t)i, wanted);
	}
	if (r == 0)
		r = lazy_table_make(&maker, &table, &pull->result.content_count,
				    &pull->result.content_bytes);
	if (r == 0 && table.size > LAZY_TABLE_SIZE_MAX)
		r = diag_set(why, -E2BIG, "more files than a lazy pull takes");
	return r < 0 ? r : lazy_draft_file(draft, "table", buf_span(&table), why);
}

/* Relative to where the user was. */
static int path_keep(const char *path, char **ret)
{
	if (!path)
		return 0;
	*ret = realpath(path, NULL);
	if (!*ret)
		*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

static int state_fill(const struct pull *pull, struct lazy_state *state)
{
	const struct registry_options *options = &pull->request->registry;
	char digest[OCI_DIGEST_SIZE_MAX];
	int r;

	if (asprintf(&state->source, "docker://%s/%s@%s", pull->reference.registry,
		     pull->reference.repository, oci_digest_text(&pull->digest, digest)) < 0) {
		state->source = NULL;
		return -ENOMEM;
	}
	state->tls = options->tls;
	state->content_count = pull->result.content_count;
	state->content_bytes = pull->result.content_bytes;
	r = path_keep(options->auth_file, &state->auth_file);
	if (r == 0)
		r = path_keep(options->registries_conf, &state->registries_conf);
	if (r == 0)
		r = path_keep(options->certs_dir, &state->certs_dir);
	state->layers = calloc(pull->manifest->count + 1, sizeof(*state->layers));
	if (!state->layers)
		return -ENOMEM;
	for (; state->layer_count < pull->manifest->count; state->layer_count++) {
		struct lazy_layer *layer = &state->layers[state->layer_count];

		layer->blob = pull->manifest->items[state->layer_count].descriptor;
		layer->stream = pull->layers[state->layer_count];
	}
	return r;
}

static int state_write(struct pull *pull, struct lazy_draft *draft, struct diag *why)
{
	CLEAN(lazy_state_release) struct lazy_state state = {0};
	CLEAN(buf_release) struct buf text = {0};
	int r = state_fill(pull, &state);

	if (r == 0)
		r = lazy_state_format(&state, &text);
	return r < 0 ? r : lazy_draft_file(draft, "state.json", buf_span(&text), why);
}

static int folder_make(struct pull *pull, struct diag *why)
{
	CLEAN(digest_set_release) struct digest_set wanted = DIGEST_SET_OF(DIGEST_SHA256);
	CLEAN(lazy_draft_release) struct lazy_draft draft = LAZY_DRAFT_NONE;
	int r = lazy_draft_open(pull->store, &draft, why);

	if (r == 0 && mkdirat(draft.fd, "files", 0755) < 0)
		r = diag_errno(why, -errno, "cannot make a folder for contents");
	if (r == 0)
		r = image_write(pull, &draft, &wanted, why);
	if (r == 0)
		r = table_write(pull, &draft, &wanted, why);
	if (r == 0)
		r = state_write(pull, &draft, why);
	if (r == 0)
		r = lazy_draft_file(&draft, "manifest.json", buf_span(&pull->manifest_bytes), why);
	if (r == 0)
		r = lazy_draft_file(&draft, "config.json", buf_span(&pull->config_bytes), why);
	return r < 0 ? r : lazy_draft_commit(&draft, &pull->digest, why);
}

int pull_lazy(struct pull *pull, struct diag *why)
{
	int r;

	if (!pull->config || !oci_source_has_ranges(pull->source)) {
		(void)diag_set(&pull->result.lazy_why, -EOPNOTSUPP,
			       "only images in a registry can be pulled lazily");
		return 0;
	}
	r = tocs_take(pull, why);
	if (r <= 0) {
		pull_lazy_release(pull);
		return r;
	}
	r = pull_layers(pull, why);
	if (r == 0)
		r = folder_make(pull, why);
	if (r == 0)
		r = lazy_name_set(pull->store, pull->result.tag, &pull->digest, why);
	pull->result.is_lazy = r == 0;
	return r < 0 ? r : 1;
}

/* Afterwards */

struct renaming {
	struct pull *pull;
	const char *stream;
};

static int name_move(void *context, const char *tag, const struct digest *manifest,
		     struct diag *why)
{
	const struct renaming *renaming = context;
	struct store *store = renaming->pull->store;
	int r = 0;

	if (digest_equal(manifest, &renaming->pull->digest))
		r = tag_set(store, tag, renaming->stream, why);
	else if (renaming->pull->request->is_fill || strcmp(tag, renaming->pull->result.tag) != 0)
		return 0;
	if (r == 0)
		r = lazy_name_remove(store, tag, why);
	return r == -ENOENT ? 0 : r;
}

int pull_lazy_finish(struct pull *pull, const char *stream, struct diag *why)
{
	struct renaming renaming = {pull, stream};
	int r = lazy_names_each(pull->store, name_move, &renaming, why);

	if (r == 0 && pull->config)
		r = lazy_finish(pull->store, &pull->digest, &pull->result.image, why);
	return r < 0 ? diag_wrap(why, r, "the lazily pulled image") : 0;
}

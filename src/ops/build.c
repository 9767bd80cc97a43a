/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/build.h"

#include "base/cleanup.h"
#include "base/diag.h"
#include "ops/output.h"
#include "store/objects.h"
#include "store/store.h"
#include "tree/tree.h"
#include "verity/hasher.h"

/* Where the writer's bytes go: through the hasher and, when there is one, into the output. */
struct image_sink {
	struct verity_hasher *hasher;
	struct output *output; /* NULL: only the digest is wanted */
};

static int sink_take(void *context, struct span bytes, struct diag *why)
{
	struct image_sink *sink = context;
	int r;

	r = verity_update(sink->hasher, bytes);
	if (r < 0)
		return diag_set(why, r, "libcrypto failed to hash");
	return sink->output ? output_write(sink->output, bytes, why) : 0;
}

static int image_write(const struct tree *tree, const struct build_request *request,
		       struct output *output, struct build_result *ret, struct diag *why)
{
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	struct image_sink sink = {.output = output};
	struct erofs_written written;
	int r;

	r = verity_hasher_new(request->options.algorithm, &hasher, why);
	if (r < 0)
		return r;
	sink.hasher = hasher;
	r = erofs_write(tree, request->versions, sink_take, &sink, &written, why);
	if (r < 0)
		return r;
	r = verity_finish(hasher, &ret->name);
	if (r < 0)
		return diag_set(why, r, "libcrypto failed to hash");
	ret->size_bytes = written.size_bytes;
	ret->inode_count = written.inode_count;
	ret->version = written.version;
	return 0;
}

/* Read the input; with an object directory, its contents are durable there before the image
 * appears. */
static int build_input(const struct build_request *request, struct tree **ret,
		       struct input_stats *ret_stats, struct diag *why)
{
	CLEAN(store_closep) struct store *store = NULL;
	CLEAN(transaction_abortp) struct transaction *transaction = NULL;
	int r;

	if (!request->object_dir)
		return input_read(request->input, &request->options, NULL, ret, ret_stats, why);
	r = store_open_objects(request->object_dir, request->options.algorithm, &store, why);
	if (r < 0)
		return r;
	r = transaction_begin(store, &transaction, why);
	if (r < 0)
		return r;
	r = input_read(request->input, &request->options, transaction, ret, ret_stats, why);
	if (r < 0)
		return r;
	return transaction_commit(TAKE(transaction), why);
}

int build_image(const struct build_request *request, struct build_result *ret, struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(output_release) struct output output = OUTPUT_EMPTY;
	struct build_result result = {0};
	int r;

	r = build_input(request, &tree, &result.input, why);
	if (r < 0)
		return r;
	if (request->output) {
		r = output_open(request->output, &output, why);
		if (r < 0)
			return diag_wrap(why, r, "'%s'", request->output);
	}
	r = image_write(tree, request, request->output ? &output : NULL, &result, why);
	if (r == 0 && request->output)
		r = output_commit(&output, why);
	if (r < 0)
		return r;
	*ret = result;
	return 0;
}

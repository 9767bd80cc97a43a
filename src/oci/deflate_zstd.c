/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "oci/deflate_private.h"
#include "store/zstd.h"

struct encoder {
	const struct zstd *zstd;
	ZSTD_CCtx *context; /* owned */
};

static int zstd_open(void **ret, struct diag *why)
{
	struct encoder *encoder;
	const struct zstd *zstd;
	int r = zstd_load(&zstd, why);

	if (r < 0)
		return r;
	encoder = malloc(sizeof(*encoder));
	if (!encoder)
		return -ENOMEM;
	*encoder = (struct encoder){zstd, zstd->compressor_new()};
	if (!encoder->context) {
		free(encoder);
		return -ENOMEM;
	}
	(void)zstd->compressor_set(encoder->context, ZSTD_c_checksumFlag, 1);
	*ret = encoder;
	return 0;
}

static int zstd_run(void *context, struct span *input, bool is_last, struct deflate_room *room,
		    struct diag *why)
{
	const struct encoder *encoder = context;
	const struct zstd *zstd = encoder->zstd;
	ZSTD_inBuffer in = {input->data, input->size, 0};
	ZSTD_outBuffer out = {room->data, room->size, 0};
	size_t left =
		zstd->compress(encoder->context, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);

	if (zstd->is_error(left))
		return diag_set(why, -EIO, "zstd cannot compress");
	*input = span_of(input->data + in.pos, input->size - in.pos);
	*room = (struct deflate_room){room->data + out.pos, room->size - out.pos};
	return is_last && left == 0 && input->size == 0;
}

static void zstd_close(void *context)
{
	struct encoder *encoder = context;

	(void)encoder->zstd->compressor_free(encoder->context);
	free(encoder);
}

const struct deflate_codec deflate_zstd = {zstd_open, zstd_run, zstd_close};

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/inflate_private.h"
#include "store/zstd.h"

struct decoder {
	const struct zstd *zstd;
	ZSTD_DCtx *context; /* owned */
};

static int zstd_open(void **ret, struct diag *why)
{
	struct decoder *decoder;
	const struct zstd *zstd;
	int r = zstd_load(&zstd, why);

	if (r < 0)
		return r;
	decoder = malloc(sizeof(*decoder));
	if (!decoder)
		return -ENOMEM;
	*decoder = (struct decoder){zstd, zstd->decompressor_new()};
	if (!decoder->context) {
		free(decoder);
		return -ENOMEM;
	}
	(void)zstd->decompressor_set(decoder->context, ZSTD_d_windowLogMax,
				     LAYER_ZSTD_WINDOW_LOG_MAX);
	*ret = decoder;
	return 0;
}

/* Frames follow each other without our help, skippable ones give nothing. */
static int zstd_run(void *context, struct span *input, struct inflate_room *room, struct diag *why)
{
	const struct decoder *decoder = context;
	const struct zstd *zstd = decoder->zstd;
	ZSTD_inBuffer in = {input->data, input->size, 0};
	ZSTD_outBuffer out = {room->data, room->size, 0};
	size_t left = zstd->decompress(decoder->context, &out, &in);

	span_advance(input, in.pos);
	room_advance(room, out.pos);
	if (!zstd->is_error(left))
		return left == 0;
	switch (zstd->error_code(left)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		return diag_set(why, -E2BIG, "a zstd frame needs a window of more than %u MiB",
				1U << (LAYER_ZSTD_WINDOW_LOG_MAX - 20));
	default:
		return diag_set(why, -EUCLEAN, "damaged zstd data: %s", zstd->error_name(left));
	}
}

static void zstd_close(void *context)
{
	struct decoder *decoder = context;

	(void)decoder->zstd->decompressor_free(decoder->context);
	free(decoder);
}

const struct inflate_codec inflate_zstd = {"zstd", zstd_open, zstd_run, zstd_close};

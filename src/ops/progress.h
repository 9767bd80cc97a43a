/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * progress.h - how far a long verb is
 */
#ifndef LAMINA_OPS_PROGRESS_H
#define LAMINA_OPS_PROGRESS_H

#include <stdint.h>

struct progress_state {
	const char *phase;   /* such as "import"; a literal */
	uint64_t done_count; /* files, or layers of a pull */
	uint64_t done_bytes;
	uint64_t all_count; /* what there is to do, when that is known; else 0, both */
	uint64_t all_bytes;
};

/* Called after each item, possibly by several threads at once. report may be NULL. */
struct progress {
	void (*report)(void *context, const struct progress_state *state);
	void *context;
};

static inline void progress_report(const struct progress *progress, const char *phase,
				   uint64_t done_count, uint64_t done_bytes)
{
	if (progress && progress->report)
		progress->report(progress->context,
				 &(struct progress_state){.phase = phase,
							  .done_count = done_count,
							  .done_bytes = done_bytes});
}

#endif

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * patterns.c - a set of patterns, and what it has
 */
#include "oci/patterns.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/patterns_private.h"

int patterns_new(struct patterns **ret)
{
	struct patterns *patterns = calloc(1, sizeof(*patterns));

	if (!patterns)
		return -ENOMEM;
	patterns_limit(patterns, PATTERN_CACHE_SIZE, PATTERN_WORK_MAX);
	*ret = patterns;
	return 0;
}

void patterns_free(struct patterns *patterns)
{
	if (!patterns)
		return;
	arena_release(&patterns->arena);
	map_release(&patterns->by_nodes);
	free(patterns->nodes);
	free(patterns->sets);
	free(patterns->starts);
	free(patterns->reached);
	free(patterns->found);
	free(patterns->pending);
	free(patterns->states);
	free(patterns);
}

void patterns_freep(struct patterns **patterns)
{
	int saved = errno;

	patterns_free(*patterns);
	*patterns = NULL;
	errno = saved;
}

void patterns_limit(struct patterns *patterns, size_t cache_size, uint64_t work)
{
	patterns->cache_limit = cache_size;
	patterns->work_limit = work;
}

/* Adding */

int patterns_reserve(void *array_address, size_t count, size_t *capacity, size_t item_size)
{
	void **array = array_address, *grown;
	size_t wanted = *capacity ? 2 * *capacity : 64;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*array, wanted, item_size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*capacity = wanted;
	return 0;
}

int pattern_node_add(struct patterns *patterns, struct pattern_node node, uint32_t *ret,
		     struct diag *why)
{
	int r;

	if (patterns->node_count == PATTERN_NODE_MAX)
		return diag_set(why, -E2BIG, "patterns of more than %d parts", PATTERN_NODE_MAX);
	r = patterns_reserve(&patterns->nodes, patterns->node_count, &patterns->node_capacity,
			     sizeof(*patterns->nodes));
	if (r < 0)
		return r;
	*ret = (uint32_t)patterns->node_count;
	patterns->nodes[patterns->node_count++] = node;
	return 0;
}

/* A set of one byte is that byte; the same set again is the last one often. */
int pattern_set_add(struct patterns *patterns, const struct byte_set *set, uint32_t *ret,
		    struct diag *why)
{
	struct pattern_node node = {.kind = NODE_SET, .next = NODE_NONE};
	int r;

	for (size_t i = patterns->set_count, tried = 0; i > 0 && tried < 8; i--, tried++) {
		if (memcmp(&patterns->sets[i - 1], set, sizeof(*set)) == 0) {
			node.other = (uint32_t)(i - 1);
			return pattern_node_add(patterns, node, ret, why);
		}
	}
	r = patterns_reserve(&patterns->sets, patterns->set_count, &patterns->set_capacity,
			     sizeof(*patterns->sets));
	if (r < 0)
		return r;
	node.other = (uint32_t)patterns->set_count;
	patterns->sets[patterns->set_count++] = *set;
	return pattern_node_add(patterns, node, ret, why);
}

/* What stands behind the text, and that the pattern has matched then. */
static int tail_add(struct patterns *patterns, uint8_t tag, uint32_t last, struct diag *why)
{
	struct pattern_node accept = {
		.kind = NODE_ACCEPT, .next = NODE_NONE, .other = (uint32_t)patterns->count};
	struct pattern_node byte = {.kind = NODE_BYTE, .byte = tag, .next = NODE_NONE};
	struct byte_set any = pattern_dot();
	uint32_t tail, end;
	int r;

	r = tag == PATTERN_ANY_TAG ? pattern_set_add(patterns, &any, &tail, why)
				   : pattern_node_add(patterns, byte, &tail, why);
	if (r == 0)
		r = pattern_node_add(patterns, accept, &end, why);
	if (r < 0)
		return r;
	patterns->nodes[last].next = tail;
	patterns->nodes[tail].next = end;
	return 0;
}

int patterns_add(struct patterns *patterns, struct span regex, uint8_t tag, struct diag *why)
{
	uint32_t first, last;
	int r;

	assert(!patterns->is_sealed);
	r = patterns_reserve(&patterns->starts, patterns->count, &patterns->capacity,
			     sizeof(*patterns->starts));
	if (r == 0)
		r = pattern_parse(patterns, regex, &first, &last, why);
	if (r == 0)
		r = tail_add(patterns, tag, last, why);
	if (r < 0)
		return r;
	patterns->starts[patterns->count++] = first;
	return 0;
}

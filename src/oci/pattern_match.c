/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pattern_match.c - matching: states of the deterministic automaton are made when a text needs them
 *
 * A text costs a table look-up a byte once its states are known. The way to a state that is not
 * known costs as much as nodes are reached from the one before, which is what the limit on work
 * counts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/patterns_private.h"

/* Before the first match */

/* Two neighbours are of one class unless some node tells them apart. */
static void classes_make(struct patterns *patterns)
{
	bool differs[257] = {0}; /* from the byte before */

	for (size_t i = 0; i < patterns->node_count; i++) {
		if (patterns->nodes[i].kind == NODE_BYTE) {
			differs[patterns->nodes[i].byte] = true;
			differs[patterns->nodes[i].byte + 1] = true;
		}
	}
	for (size_t i = 0; i < patterns->set_count; i++) {
		for (unsigned int byte = 1; byte < 256; byte++)
			differs[byte] |= byte_set_has(&patterns->sets[i], (uint8_t)byte) !=
					 byte_set_has(&patterns->sets[i], (uint8_t)(byte - 1));
	}
	for (unsigned int byte = 0; byte < 256; byte++) {
		if (byte == 0 || differs[byte])
			patterns->byte_of[patterns->class_count++] = (uint8_t)byte;
		patterns->class_of[byte] = (uint8_t)(patterns->class_count - 1);
	}
}

static int seal(struct patterns *patterns)
{
	if (patterns->is_sealed)
		return 0;
	patterns->reached = calloc(patterns->node_count + 1, sizeof(*patterns->reached));
	patterns->found = calloc(patterns->node_count + 1, sizeof(*patterns->found));
	patterns->pending = calloc(patterns->node_count + 1, sizeof(*patterns->pending));
	if (!patterns->reached || !patterns->found || !patterns->pending) {
		memory_freep(&patterns->reached);
		memory_freep(&patterns->found);
		memory_freep(&patterns->pending);
		return -ENOMEM;
	}
	classes_make(patterns);
	patterns->is_sealed = true;
	return 0;
}

/* Making a state */

static void round_begin(struct patterns *patterns)
{
	if (++patterns->round == 0) { /* the counter has gone round */
		memset(patterns->reached, 0, patterns->node_count * sizeof(*patterns->reached));
		patterns->round = 1;
	}
	patterns->found_count = 0;
	patterns->found_accept = 0;
}

/* A node is put there once a round, so each of both arrays has room for all of them. */
static void node_reach(struct patterns *patterns, uint32_t node, size_t *pending_count)
{
	if (node == NODE_NONE || patterns->reached[node] == patterns->round)
		return;
	patterns->reached[node] = patterns->round;
	patterns->pending[(*pending_count)++] = node;
}

/* Find all that is reached from node without taking a byte. */
static void node_follow(struct patterns *patterns, uint32_t first, bool is_begin)
{
	size_t pending_count = 0;

	node_reach(patterns, first, &pending_count);
	while (pending_count) {
		uint32_t index = patterns->pending[--pending_count];
		const struct pattern_node *node = &patterns->nodes[index];

		patterns->work++;
		switch ((enum node_kind)node->kind) {
		case NODE_BYTE:
		case NODE_SET:
			patterns->found[patterns->found_count++] = index;
			break;
		case NODE_SPLIT:
			node_reach(patterns, node->other, &pending_count);
			node_reach(patterns, node->next, &pending_count);
			break;
		case NODE_BEGIN:
			if (is_begin)
				node_reach(patterns, node->next, &pending_count);
			break;
		case NODE_PASS:
			node_reach(patterns, node->next, &pending_count);
			break;
		case NODE_ACCEPT:
			if (patterns->found_accept <= node->other)
				patterns->found_accept = node->other + 1;
			break;
		case NODE_NEVER:
			break;
		}
	}
}

static bool state_equal(const void *item, const void *key)
{
	const struct pattern_state *state = item;
	const struct patterns *patterns = key;

	return state->accept == patterns->found_accept &&
	       state->node_count == patterns->found_count &&
	       memcmp(state->nodes, patterns->found,
		      patterns->found_count * sizeof(*patterns->found)) == 0;
}

static void cache_forget(struct patterns *patterns)
{
	arena_release(&patterns->arena);
	map_release(&patterns->by_nodes);
	patterns->by_nodes = (struct map){0};
	patterns->state_count = 0;
	patterns->cache_size = 0;
	patterns->start = 0;
	patterns->forgotten++;
}

static int state_add(struct patterns *patterns, uint32_t hash, struct pattern_state **ret)
{
	size_t nodes_size = patterns->found_count * sizeof(uint32_t);
	size_t next_size = patterns->class_count * sizeof(uint32_t);
	size_t size = sizeof(struct pattern_state) + nodes_size + next_size;
	struct pattern_state *state;
	int r;

	if (patterns->cache_size + size > patterns->cache_limit)
		cache_forget(patterns);
	r = patterns_reserve(&patterns->states, patterns->state_count, &patterns->state_capacity,
			     sizeof(struct pattern_state *));
	if (r < 0)
		return r;
	state = arena_new(&patterns->arena, struct pattern_state);
	if (!state)
		return -ENOMEM;
	state->next = arena_zeroed(&patterns->arena, next_size, _Alignof(uint32_t));
	state->nodes = arena_alloc(&patterns->arena, nodes_size + 1, _Alignof(uint32_t));
	if (!state->next || !state->nodes)
		return -ENOMEM;
	state->hash = hash;
	state->accept = patterns->found_accept;
	state->number = (uint32_t)patterns->state_count;
	state->node_count = (uint32_t)patterns->found_count;
	memcpy(state->nodes, patterns->found, nodes_size);
	r = map_add(&patterns->by_nodes, hash, state);
	if (r < 0)
		return r;
	patterns->states[patterns->state_count++] = state;
	patterns->cache_size += size;
	*ret = state;
	return 0;
}

/* The state of the nodes that were found. Others may have been forgotten for it. */
static int state_of_found(struct patterns *patterns, struct pattern_state **ret, struct diag *why)
{
	struct span nodes = span_of(patterns->found, patterns->found_count * sizeof(uint32_t));
	uint32_t hash = hash_bytes(nodes, patterns->found_accept);
	struct pattern_state *known = map_find(&patterns->by_nodes, hash, state_equal, patterns);

	if (patterns->work > patterns->work_limit)
		return diag_set(why, -E2BIG, "the patterns take too long to match");
	if (!known)
		return state_add(patterns, hash, ret);
	*ret = known;
	return 0;
}

/* Matching */

static int start_state(struct patterns *patterns, struct pattern_state **ret, struct diag *why)
{
	int r;

	if (patterns->start) {
		*ret = patterns->states[patterns->start - 1];
		return 0;
	}
	round_begin(patterns);
	for (size_t i = 0; i < patterns->count; i++)
		node_follow(patterns, patterns->starts[i], true);
	r = state_of_found(patterns, ret, why);
	if (r == 0)
		patterns->start = (*ret)->number + 1;
	return r;
}

static bool node_takes(const struct patterns *patterns, const struct pattern_node *node,
		       uint8_t byte)
{
	if (node->kind == NODE_BYTE)
		return node->byte == byte;
	return byte_set_has(&patterns->sets[node->other], byte);
}

static int next_state(struct patterns *patterns, const struct pattern_state *state,
		      unsigned int class, struct pattern_state **ret, struct diag *why)
{
	uint8_t byte = patterns->byte_of[class];

	round_begin(patterns);
	patterns->work += state->node_count;
	for (uint32_t i = 0; i < state->node_count; i++) {
		const struct pattern_node *node = &patterns->nodes[state->nodes[i]];

		if (node_takes(patterns, node, byte))
			node_follow(patterns, node->next, false);
	}
	return state_of_found(patterns, ret, why);
}

static int step(struct patterns *patterns, uint8_t byte, struct pattern_state **state,
		struct diag *why)
{
	unsigned int class = patterns->class_of[byte];
	struct pattern_state *from = *state, *to;
	uint64_t forgotten = patterns->forgotten;
	int r;

	if (from->next[class]) {
		*state = patterns->states[from->next[class] - 1];
		return 0;
	}
	r = next_state(patterns, from, class, &to, why);
	if (r < 0)
		return r;
	if (patterns->forgotten == forgotten) /* else from is no more */
		from->next[class] = to->number + 1;
	*state = to;
	return 0;
}

int patterns_match(struct patterns *patterns, struct span text, uint8_t tag, size_t *ret,
		   struct diag *why)
{
	struct pattern_state *state = NULL;
	int r = seal(patterns);

	if (r == 0)
		r = start_state(patterns, &state, why);
	for (size_t i = 0; r == 0 && i < text.size && state->node_count; i++)
		r = step(patterns, text.data[i], &state, why);
	if (r == 0 && state->node_count)
		r = step(patterns, tag, &state, why);
	else if (r == 0)
		return 0;
	if (r < 0 || !state->accept)
		return r;
	*ret = state->accept - 1;
	return 1;
}

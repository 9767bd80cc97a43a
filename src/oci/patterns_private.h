/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * patterns_private.h - patterns as one nondeterministic automaton (Thompson's construction)
 *
 * pattern_parse.c makes it, pattern_match.c walks it.
 */
#ifndef LAMINA_OCI_PATTERNS_PRIVATE_H
#define LAMINA_OCI_PATTERNS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "oci/patterns.h"

#define NODE_NONE UINT32_MAX

enum node_kind {
	NODE_BYTE,   /* takes byte */
	NODE_SET,    /* takes a byte of the set */
	NODE_PASS,   /* takes nothing */
	NODE_SPLIT,  /* takes nothing, and goes both ways */
	NODE_BEGIN,  /* takes nothing, and only in front of the text */
	NODE_NEVER,  /* '$': behind each text there is a tag */
	NODE_ACCEPT, /* the pattern has matched */
};

struct pattern_node {
	uint8_t kind; /* enum node_kind */
	uint8_t byte;
	uint32_t next;  /* NODE_NONE: not linked yet */
	uint32_t other; /* of SPLIT: the second way; of SET: which; of ACCEPT: the pattern's number
			 */
};

struct byte_set {
	uint64_t bits[4];
};

static inline bool byte_set_has(const struct byte_set *set, uint8_t byte)
{
	return set->bits[byte / 64] >> (byte % 64) & 1;
}

static inline void byte_set_add(struct byte_set *set, unsigned int first, unsigned int last)
{
	for (unsigned int byte = first; byte <= last; byte++)
		set->bits[byte / 64] |= 1ULL << (byte % 64);
}

/* A set of nodes that a text can have led to: one state of the deterministic automaton. */
struct pattern_state {
	uint32_t hash;
	uint32_t accept; /* the last pattern that has matched here, plus one; 0: none */
	uint32_t number;
	uint32_t node_count;
	uint32_t *next;  /* by class of the next byte: number of the state plus one; 0: not known */
	uint32_t *nodes; /* those that take bytes, in the order that they were come to */
};

struct patterns {
	struct pattern_node *nodes; /* owned */
	size_t node_count;
	size_t node_capacity;
	struct byte_set *sets; /* owned */
	size_t set_count;
	size_t set_capacity;
	uint32_t *starts; /* owned; the first node of each pattern */
	size_t count;
	size_t capacity;
	/* pattern_match.c, from the first match on */
	bool is_sealed;
	uint8_t class_of[256]; /* bytes that no pattern tells apart are of one class */
	uint8_t byte_of[256];  /* one byte of each class */
	unsigned int class_count;
	uint32_t *reached; /* owned; by node: the round in which it was */
	uint32_t round;
	uint32_t *found; /* owned; nodes of the state that is being made */
	size_t found_count;
	uint32_t found_accept;
	uint32_t *pending; /* owned; nodes to be looked at */
	uint64_t work;     /* nodes looked at */
	uint64_t work_limit;
	/* What is known of the deterministic one. It is forgotten when it takes cache_limit bytes.
	 */
	struct arena arena;
	struct map by_nodes;           /* struct pattern_state */
	struct pattern_state **states; /* owned; by number */
	size_t state_count;
	size_t state_capacity;
	size_t cache_size;
	size_t cache_limit;
	uint64_t forgotten; /* how often */
	uint32_t start;     /* number of the state before the first byte plus one; 0: not known */
};

/* Room for one more item. 0 or -ENOMEM. */
int patterns_reserve(void *array_address, size_t count, size_t *capacity, size_t item_size);

/*
 * Add the nodes of regex; *ret is the first, and *ret_last the one whose next is not linked yet.
 * Errors as of patterns_add().
 */
int pattern_parse(struct patterns *patterns, struct span regex, uint32_t *ret, uint32_t *ret_last,
		  struct diag *why);

/* Add a node. -E2BIG, -ENOMEM. */
int pattern_node_add(struct patterns *patterns, struct pattern_node node, uint32_t *ret,
		     struct diag *why);

/* The same of one that takes a byte of the set. */
int pattern_set_add(struct patterns *patterns, const struct byte_set *set, uint32_t *ret,
		    struct diag *why);

/* One character of an escape or a class, parsed; pattern_class.c. */
struct pattern_text {
	struct span regex;
	size_t at;
	struct diag *why;
};

/* What '.' takes: any byte but NUL. */
struct byte_set pattern_dot(void);

/* Behind a backslash. A set of several bytes, or of one. */
int pattern_escape(struct pattern_text *text, struct byte_set *ret);

/* Behind '[', up to and with the ']'. */
int pattern_class(struct pattern_text *text, struct byte_set *ret);

#endif

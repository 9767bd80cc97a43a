/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pattern_parse.c - the text of one pattern as nodes
 *
 * A piece of a pattern is a run of nodes, so that "x{3}" is three copies of the run. Open groups
 * are kept on a stack of our own.
 */
#include <errno.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/patterns_private.h"

struct piece {
	uint32_t from; /* its nodes are those from here on */
	uint32_t in;
	uint32_t out; /* its next is not linked yet */
};

/* A group that is open: what of it has been read. */
struct group {
	bool has_sequence;
	bool has_choices;
	struct piece sequence; /* behind the last '|' */
	struct piece choices;  /* those before */
	uint32_t from;
};

struct parser {
	struct patterns *patterns;
	struct pattern_text text;
	struct group groups[PATTERN_DEPTH_MAX + 1];
	size_t depth;
};

/* Nodes */

static int node_add(struct parser *parser, struct pattern_node node, uint32_t *ret)
{
	return pattern_node_add(parser->patterns, node, ret, parser->text.why);
}

static struct pattern_node *node_at(const struct parser *parser, uint32_t index)
{
	return &parser->patterns->nodes[index];
}

static int piece_of(struct parser *parser, struct pattern_node node, struct piece *ret)
{
	uint32_t index;
	int r = node_add(parser, node, &index);

	if (r == 0)
		*ret = (struct piece){index, index, index};
	return r;
}

static int piece_of_set(struct parser *parser, const struct byte_set *set, struct piece *ret)
{
	uint32_t index;
	int r = pattern_set_add(parser->patterns, set, &index, parser->text.why);

	if (r == 0)
		*ret = (struct piece){index, index, index};
	return r;
}

/* One after the other; first takes both. */
static void piece_append(const struct parser *parser, struct piece *first, struct piece second)
{
	node_at(parser, first->out)->next = second.in;
	first->out = second.out;
}

/* One or the other. */
static int piece_choose(struct parser *parser, struct piece *first, struct piece second)
{
	struct pattern_node split = {.kind = NODE_SPLIT, .next = first->in, .other = second.in};
	struct pattern_node join = {.kind = NODE_PASS, .next = NODE_NONE};
	uint32_t in, out;
	int r = node_add(parser, split, &in);

	if (r == 0)
		r = node_add(parser, join, &out);
	if (r < 0)
		return r;
	node_at(parser, first->out)->next = out;
	node_at(parser, second.out)->next = out;
	first->in = in;
	first->out = out;
	return 0;
}

/* Repetition */

#define REPEAT_ENDLESS UINT32_MAX

/* "x*", "x+" and "x?": may it be left out, may it come again? */
static int piece_loop(struct parser *parser, struct piece *piece, bool is_optional, bool repeats)
{
	struct pattern_node split = {.kind = NODE_SPLIT, .next = piece->in};
	struct pattern_node join = {.kind = NODE_PASS, .next = NODE_NONE};
	uint32_t at, out;
	int r = node_add(parser, join, &out);

	split.other = out;
	if (r == 0)
		r = node_add(parser, split, &at);
	if (r < 0)
		return r;
	node_at(parser, piece->out)->next = repeats ? at : out;
	if (is_optional)
		piece->in = at;
	piece->out = out;
	return 0;
}

/* A copy of the nodes from first up to end, whose links into them lead into the copy. */
static int nodes_copy(struct parser *parser, uint32_t first, uint32_t end)
{
	uint32_t offset = (uint32_t)parser->patterns->node_count - first;

	for (uint32_t i = first; i < end; i++) {
		struct pattern_node node = *node_at(parser, i);
		uint32_t index;
		int r;

		if (node.next != NODE_NONE)
			node.next += offset;
		if (node.kind == NODE_SPLIT)
			node.other += offset;
		r = node_add(parser, node, &index);
		if (r < 0)
			return r;
	}
	return 0;
}

static int piece_repeat(struct parser *parser, struct piece *piece, uint32_t min, uint32_t max)
{
	uint32_t end = (uint32_t)parser->patterns->node_count, size = end - piece->from;
	uint32_t count = max == REPEAT_ENDLESS ? (min ? min : 1) : max;
	struct piece all = *piece;
	int r = 0;

	if (count == 0) {
		struct pattern_node pass = {.kind = NODE_PASS, .next = NODE_NONE};

		r = piece_of(parser, pass, &all);
		all.from = piece->from;
		*piece = all;
		return r;
	}
	for (uint32_t i = 1; i < count && r == 0; i++)
		r = nodes_copy(parser, piece->from, end);
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct piece one = {piece->from, piece->in + i * size, piece->out + i * size};
		bool repeats = max == REPEAT_ENDLESS && i == count - 1;

		if (i >= min || repeats)
			r = piece_loop(parser, &one, i >= min, repeats);
		if (i == 0)
			all = one;
		else if (r == 0)
			piece_append(parser, &all, one);
	}
	*piece = all;
	return r;
}

static bool text_has(const struct pattern_text *text, uint8_t byte)
{
	return text->at < text->regex.size && text->regex.data[text->at] == byte;
}

static bool number_take(struct pattern_text *text, uint32_t *ret)
{
	size_t start = text->at;
	uint32_t number = 0;

	while (text->at < text->regex.size && text->regex.data[text->at] >= '0' &&
	       text->regex.data[text->at] <= '9') {
		number = number * 10 + text->regex.data[text->at++] - '0';
		if (number > PATTERN_REPEAT_MAX)
			return false;
	}
	*ret = number;
	return text->at > start;
}

/* "n}", "n,}" or "n,m}". */
static int counts_take(struct pattern_text *text, uint32_t *ret_min, uint32_t *ret_max)
{
	bool is_right = number_take(text, ret_min);

	*ret_max = *ret_min;
	if (is_right && text_has(text, ',')) {
		text->at++;
		*ret_max = REPEAT_ENDLESS;
		if (!text_has(text, '}'))
			is_right = number_take(text, ret_max);
	}
	if (!is_right || !text_has(text, '}') || *ret_min > *ret_max)
		return diag_set(text->why, -EUCLEAN,
				"'{' without the numbers, at most %d, of a repetition",
				PATTERN_REPEAT_MAX);
	text->at++;
	return 0;
}

/* All that stands behind a piece. A lazy one matches the same texts. */
static int repetitions_take(struct parser *parser, struct piece *piece)
{
	struct pattern_text *text = &parser->text;
	int r = 0;

	while (r == 0 && text->at < text->regex.size) {
		uint32_t min = 0, max = REPEAT_ENDLESS;

		if (text_has(text, '+'))
			min = 1;
		else if (text_has(text, '?'))
			max = 1;
		else if (!text_has(text, '*') && !text_has(text, '{'))
			return 0;
		if (text->regex.data[text->at++] == '{')
			r = counts_take(text, &min, &max);
		if (r == 0 && text_has(text, '?'))
			text->at++;
		if (r == 0)
			r = piece_repeat(parser, piece, min, max);
	}
	return r;
}

/* Groups */

static int group_open(struct parser *parser)
{
	struct pattern_text *text = &parser->text;

	if (text_has(text, '?')) {
		text->at++;
		if (!text_has(text, ':'))
			return diag_set(text->why, -EOPNOTSUPP, "'(?' for anything but '(?:'");
		text->at++;
	}
	if (parser->depth == PATTERN_DEPTH_MAX)
		return diag_set(text->why, -E2BIG, "groups nested deeper than %d",
				PATTERN_DEPTH_MAX);
	parser->groups[++parser->depth] =
		(struct group){.from = (uint32_t)parser->patterns->node_count};
	return 0;
}

/* At '|', and at the end: the sequence is one more choice. */
static int sequence_end(struct parser *parser)
{
	struct group *group = &parser->groups[parser->depth];
	struct pattern_node pass = {.kind = NODE_PASS, .next = NODE_NONE};
	int r = 0;

	if (!group->has_sequence)
		r = piece_of(parser, pass, &group->sequence);
	if (r == 0 && group->has_choices)
		r = piece_choose(parser, &group->choices, group->sequence);
	else
		group->choices = group->sequence;
	group->has_choices = true;
	group->has_sequence = false;
	return r;
}

static int group_close(struct parser *parser, struct piece *ret)
{
	struct group *group = &parser->groups[parser->depth];
	int r;

	if (parser->depth == 0)
		return diag_set(parser->text.why, -EUCLEAN, "')' without '('");
	r = sequence_end(parser);
	if (r < 0)
		return r;
	*ret = (struct piece){group->from, group->choices.in, group->choices.out};
	parser->depth--;
	return 0;
}

/* The parts of a sequence */

/* A character of several bytes is repeated as a whole. */
static int literal_take(struct parser *parser, uint8_t byte, struct piece *ret)
{
	struct pattern_text *text = &parser->text;
	struct pattern_node node = {.kind = NODE_BYTE, .byte = byte, .next = NODE_NONE};
	int r = piece_of(parser, node, ret);

	while (r == 0 && byte >= 0xc0 && text->at < text->regex.size &&
	       text->regex.data[text->at] >= 0x80 && text->regex.data[text->at] < 0xc0) {
		struct piece more;

		node.byte = text->regex.data[text->at++];
		r = piece_of(parser, node, &more);
		if (r == 0)
			piece_append(parser, ret, more);
	}
	return r;
}

static int atom_take(struct parser *parser, uint8_t byte, struct piece *ret)
{
	struct pattern_node node = {.next = NODE_NONE};
	struct byte_set set = pattern_dot();
	int r = 0;

	switch (byte) {
	case ')':
		return group_close(parser, ret);
	case '^':
		node.kind = NODE_BEGIN;
		return piece_of(parser, node, ret);
	case '$':
		node.kind = NODE_NEVER;
		return piece_of(parser, node, ret);
	case '*':
	case '+':
	case '?':
	case '{':
		return diag_set(parser->text.why, -EUCLEAN, "'%c' with nothing to repeat", byte);
	case '[':
		r = pattern_class(&parser->text, &set);
		break;
	case '\\':
		r = pattern_escape(&parser->text, &set);
		break;
	case '.':
		break;
	default:
		return literal_take(parser, byte, ret);
	}
	return r < 0 ? r : piece_of_set(parser, &set, ret);
}

static int sequence_add(struct parser *parser, uint8_t byte)
{
	struct group *group;
	struct piece piece;
	int r = atom_take(parser, byte, &piece);

	if (r == 0)
		r = repetitions_take(parser, &piece);
	if (r < 0)
		return r;
	group = &parser->groups[parser->depth];
	if (group->has_sequence)
		piece_append(parser, &group->sequence, piece);
	else
		group->sequence = piece;
	group->has_sequence = true;
	return 0;
}

int pattern_parse(struct patterns *patterns, struct span regex, uint32_t *ret, uint32_t *ret_last,
		  struct diag *why)
{
	struct parser parser = {.patterns = patterns, .text = {.regex = regex, .why = why}};
	int r = 0;

	while (r == 0 && parser.text.at < regex.size) {
		uint8_t byte = regex.data[parser.text.at++];

		if (byte == '(')
			r = group_open(&parser);
		else if (byte == '|')
			r = sequence_end(&parser);
		else
			r = sequence_add(&parser, byte);
	}
	if (r == 0 && parser.depth)
		r = diag_set(why, -EUCLEAN, "'(' without ')'");
	if (r == 0)
		r = sequence_end(&parser);
	if (r < 0)
		return r;
	*ret = parser.groups[0].choices.in;
	*ret_last = parser.groups[0].choices.out;
	return 0;
}

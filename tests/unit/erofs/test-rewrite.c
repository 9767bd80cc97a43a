/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "erofs/writer_private.h"
#include "tree/dump_read.h"

#define ROOT "/ 0 40755 2 0 0 0 0.0 - - -\n"

struct rewritten {
	struct tree *tree;
	struct writer writer;
	struct diag why;
};

static void rewritten_release(struct rewritten *rewritten)
{
	pairs_release(&rewritten->writer.pairs);
	free(rewritten->writer.nodes);
	free(rewritten->writer.attrs);
	tree_free(rewritten->tree);
}

static void rewrite(struct rewritten *ret, uint32_t version, const char *text)
{
	*ret = (struct rewritten){0};
	assert_ok(dump_read_span(span_of_string(text), NULL, &ret->tree, &ret->why), &ret->why);
	ret->writer.tree = ret->tree;
	ret->writer.why = &ret->why;
	ret->writer.version = version;
	ret->writer.format = format_of(version);
	assert_ok(writer_order(&ret->writer), &ret->why);
	assert_ok(writer_rewrite(&ret->writer), &ret->why);
}

/* "key=value key=value", printable values only; a '*' behind the key of a pair that is shared. */
static void assert_attrs(const char *expected, const struct rewritten *rewritten,
			 const struct node *node)
{
	const struct pairs *pairs = &rewritten->writer.pairs;
	CLEAN(buf_release) struct buf text = {0};

	for (size_t i = 0; i < node->attr_count; i++) {
		const struct pair *pair =
			&pairs->pairs[rewritten->writer.attrs[node->first_attr + i]];
		uint8_t head[VALUE_HEAD_SIZE_MAX];
		size_t head_size = pair_head(pair, head);

		assert_int_equal(0, buf_append_string(&text, i ? " " : ""));
		assert_int_equal(0, buf_append_span(&text, pair_key(pairs, pair)->full));
		assert_int_equal(0, buf_append_string(&text, pair_is_shared(pair) ? "*=" : "="));
		assert_int_equal(0, buf_append(&text, head, head_size));
		assert_int_equal(0, buf_append(&text, pair->body, pair->body_size));
	}
	assert_string_equal(expected, buf_string(&text));
}

static const struct node *node_at(const struct rewritten *rewritten, const char *name)
{
	struct dentry *dentry =
		tree_lookup(rewritten->tree, rewritten->tree->root, span_of_string(name));

	assert_non_null(dentry);
	return &rewritten->writer.nodes[dentry->inode->index];
}

static void escapes_overlay_xattrs_by_one_level(void **state)
{
	CLEAN(rewritten_release) struct rewritten rewritten = {0};

	(void)state;
	rewrite(&rewritten, 0,
		ROOT
		"/a 0 100644 1 0 0 0 0.0 - - - trusted.overlay.x=1 trusted.overlay.overlay.x=2 "
		"trusted.overlay.=3 trusted.overlay=4 user.overlay.x=5 trusted.overlayy=6\n");
	assert_attrs("trusted.overlay=4 trusted.overlay.overlay.=3 "
		     "trusted.overlay.overlay.overlay.x=2 trusted.overlay.overlay.x=1 "
		     "trusted.overlayy=6 user.overlay.x=5",
		     &rewritten, node_at(&rewritten, "a"));
	assert_attrs("trusted.overlay.opaque=y", &rewritten, &rewritten.writer.nodes[0]);
}

static void gives_external_files_their_backing(void **state)
{
	CLEAN(rewritten_release) struct rewritten rewritten = {0};

	(void)state;
	rewrite(&rewritten, 0,
		ROOT "/a 9 100644 1 0 0 0 0.0 x/y - - trusted.overlay.metacopy=m user.u=1\n"
		     "/b 9 100644 1 0 0 0 0.0 /x - -\n"
		     "/c 9 100644 1 0 0 0 0.0 - - -\n"
		     "/d 0 100644 1 0 0 0 0.0 x/y - -\n"
		     "/e 3 100644 1 0 0 0 0.0 x/y abc -\n");
	assert_attrs("trusted.overlay.metacopy*= trusted.overlay.overlay.metacopy=m "
		     "trusted.overlay.redirect=/x/y user.u=1",
		     &rewritten, node_at(&rewritten, "a"));
	assert_attrs("trusted.overlay.metacopy*= trusted.overlay.redirect=//x", &rewritten,
		     node_at(&rewritten, "b"));
	assert_attrs("trusted.overlay.metacopy*=", &rewritten, node_at(&rewritten, "c"));
	assert_attrs("", &rewritten, node_at(&rewritten, "d"));
	assert_attrs("", &rewritten, node_at(&rewritten, "e"));
}

#define WHITEOUT_TREE                                                            \
	ROOT "/d 0 40755 2 0 0 0 0.0 - - - trusted.overlay.opaque=y "            \
	     "user.overlay.whiteouts=long\n"                                     \
	     "/d/w 5 20600 7 0 0 0 0.0 - - - user.a=b user.overlay.whiteout=z\n" \
	     "/e 0 40755 2 0 0 0 0.0 - - -\n"                                    \
	     "/e/w 0 @20600 1 0 0 0 0.0 /d/w - -\n"

/* Only the directory of the primary name knows of it. */
static void converts_whiteouts(void **state)
{
	(void)state;
	for (uint32_t version = 0; version < 2; version++) {
		CLEAN(rewritten_release) struct rewritten rewritten = {0};

		rewrite(&rewritten, version, WHITEOUT_TREE);
		assert_attrs(version ? "trusted.overlay.overlay.opaque=x "
				       "trusted.overlay.overlay.whiteouts= "
				       "user.overlay.opaque=x user.overlay.whiteouts="
				     : "trusted.overlay.overlay.opaque=y "
				       "trusted.overlay.overlay.whiteouts= user.overlay.whiteouts=",
			     &rewritten, node_at(&rewritten, "d"));
		assert_attrs("", &rewritten, node_at(&rewritten, "e"));
		assert_attrs("trusted.overlay.overlay.whiteout= user.a=b user.overlay.whiteout=",
			     &rewritten, &rewritten.writer.nodes[rewritten.writer.node_count - 1]);
		assert_true(rewritten.writer.nodes[rewritten.writer.node_count - 1].is_converted);
	}
}

#define HEX_64 "3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c"

/* The payload is not asked, and no xattr marks a whiteout, the root or a stub. */
static void version_2_puts_what_makes_a_file_external_first(void **state)
{
	CLEAN(rewritten_release) struct rewritten rewritten = {0};
	const struct node *node;

	(void)state;
	rewrite(&rewritten, 2,
		ROOT "/a 9 100644 1 0 0 0 0.0 odd - " HEX_64
		     " user.a=b lustre.x=1 security.selinux=l trusted.overlay.redirect=2\n"
		     "/b 0 20644 1 0 0 0 0.0 - - -\n"
		     "/c 9 100644 1 0 0 0 0.0 3c/" /* the path of the digest */
		     "3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c - " HEX_64
		     "\n");
	node = node_at(&rewritten, "a");
	assert_int_equal(6, node->attr_count);
	/* A NUL is the first byte of the metacopy: the text of all of them ends there. */
	assert_attrs("trusted.overlay.metacopy*=", &rewritten, node);
	rewritten.writer.nodes[node - rewritten.writer.nodes].first_attr++;
	rewritten.writer.nodes[node - rewritten.writer.nodes].attr_count--;
	assert_attrs("trusted.overlay.redirect*=/3c/"
		     "3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c "
		     "lustre.x=1 security.selinux=l trusted.overlay.overlay.redirect=2 user.a=b",
		     &rewritten, node);
	assert_int_equal(2, node_at(&rewritten, "c")->attr_count);
	assert_int_equal(0, node_at(&rewritten, "b")->attr_count);
	assert_int_equal(0, rewritten.writer.nodes[0].attr_count);
}

static void version_2_orders_shared_xattrs_by_prefix_and_bytes(void **state)
{
	static const char *const expected[] = {"user.k", "user.k", "trusted.a", "lustre.x",
					       "security.a"};
	CLEAN(rewritten_release) struct rewritten rewritten = {0};
	const struct pairs *pairs = &rewritten.writer.pairs;

	(void)state;
	rewrite(&rewritten, 2,
		ROOT "/a 0 100644 1 0 0 0 0.0 - - - lustre.x=1 security.a=1 trusted.a=1 user.k=b\n"
		     "/b 0 100644 1 0 0 0 0.0 - - - lustre.x=1 security.a=1 trusted.a=1 user.k=b\n"
		     "/c 0 100644 1 0 0 0 0.0 - - - user.k=aaa\n"
		     "/d 0 100644 1 0 0 0 0.0 - - - user.k=aaa\n");
	assert_int_equal(5, pairs->shared_count);
	for (size_t i = 0; i < 5; i++) {
		const struct pair *pair = &pairs->pairs[pairs->shared[i]];

		assert_true(span_equal(span_of_string(expected[i]), pair_key(pairs, pair)->full));
	}
	assert_int_equal(3, pairs->pairs[pairs->shared[0]].body_size); /* longer, but less */
}

static void gives_stubs_the_label_of_the_root(void **state)
{
	CLEAN(rewritten_release) struct rewritten rewritten = {0};

	(void)state;
	rewrite(&rewritten, 0,
		"/ 0 40755 2 0 0 0 0.0 - - - security.selinux=l user.a=b\n"
		"/a 0 100644 1 0 0 0 0.0 - - - user.a=b\n");
	assert_attrs("security.selinux*=l", &rewritten, &rewritten.writer.nodes[1]);
	assert_true(rewritten.writer.nodes[1].is_stub);
	assert_false(rewritten.writer.nodes[1].is_converted);
	assert_attrs("security.selinux*=l trusted.overlay.opaque=y user.a*=b", &rewritten,
		     &rewritten.writer.nodes[0]);
}

/* Descending by key, then by length, then by bytes; across values that are made and given. */
static void orders_the_shared_area(void **state)
{
	static const char *const expected[] = {"user.b=a",
					       "user.a=aaa",
					       "user.a=c",
					       "user.a=b",
					       "user.a=",
					       "trusted.overlay.redirect=/b",
					       "trusted.overlay.redirect=/a",
					       "trusted.overlay.metacopy="};
	CLEAN(rewritten_release) struct rewritten rewritten = {0};
	CLEAN(buf_release) struct buf text = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text, ROOT));
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			0,
			buf_printf(&text,
				   "/a%u 9 100644 1 0 0 0 0.0 a - - user.a=b\n"
				   "/b%u 9 100644 1 0 0 0 0.0 b - - user.a=c\n"
				   "/c%u 0 100644 1 0 0 0 0.0 - - - user.a=aaa\n"
				   "/d%u 0 100644 1 0 0 0 0.0 - - - user.b=a user.a= user.c=%u\n",
				   i, i, i, i, i));
	}
	rewrite(&rewritten, 0, buf_string(&text));
	assert_int_equal(8, rewritten.writer.pairs.shared_count);
	for (size_t i = 0; i < 8; i++) {
		const struct pairs *pairs = &rewritten.writer.pairs;
		const struct pair *pair = &pairs->pairs[pairs->shared[i]];
		CLEAN(buf_release) struct buf got = {0};
		uint8_t head[VALUE_HEAD_SIZE_MAX];

		assert_int_equal(0, buf_append_span(&got, pair_key(pairs, pair)->full));
		assert_int_equal(0, buf_append_byte(&got, '='));
		assert_int_equal(0, buf_append(&got, head, pair_head(pair, head)));
		assert_int_equal(0, buf_append(&got, pair->body, pair->body_size));
		assert_string_equal(expected[i], buf_string(&got));
	}
}

static void splits_keys_at_the_first_prefix_that_fits(void **state)
{
	static const struct {
		const char *key;
		const char *suffix;
		uint8_t prefix;
	} cases[] = {
		{"user.a", "a", XATTR_PREFIX_USER},
		{"user.", "", XATTR_PREFIX_USER},
		{"user", "user", XATTR_PREFIX_NONE},
		{"system.posix_acl_access", "", XATTR_PREFIX_ACL_ACCESS},
		{"system.posix_acl_accessX", "X", XATTR_PREFIX_ACL_ACCESS},
		{"system.posix_acl_default", "", XATTR_PREFIX_ACL_DEFAULT},
		{"system.posix_acl", "system.posix_acl", XATTR_PREFIX_NONE},
		{"trusted.overlay.x", "overlay.x", XATTR_PREFIX_TRUSTED},
		{"security.selinux", "selinux", XATTR_PREFIX_SECURITY},
		{"lustre.x", "lustre.x", XATTR_PREFIX_NONE},
	};
	CLEAN(pairs_release) struct pairs pairs = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pair_key *key, *again;

		assert_int_equal(0, pairs_key(&pairs, span_of_string(cases[i].key), &key));
		assert_int_equal(0, pairs_key(&pairs, span_of_string(cases[i].key), &again));
		assert_ptr_equal(key, again);
		assert_int_equal(i, key->number);
		assert_int_equal(cases[i].prefix, key->prefix);
		assert_true(span_equal(span_of_string(cases[i].suffix), key->suffix));
	}
}

static void sees_acls_by_their_exact_names(void **state)
{
	static const struct {
		const char *key;
		bool is_acl;
	} cases[] = {
		{"system.posix_acl_access", true},
		{"system.posix_acl_default", true},
		{"system.posix_acl_accessX", false},
		{"user.system.posix_acl_access", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(rewritten_release) struct rewritten rewritten = {0};
		char text[256];

		(void)snprintf(text, sizeof(text), ROOT "/a 0 100644 1 0 0 0 0.0 - - - %s=x\n",
			       cases[i].key);
		rewrite(&rewritten, 0, text);
		assert_int_equal(cases[i].is_acl, rewritten.writer.has_acl);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_overlay_xattrs_by_one_level),
		cmocka_unit_test(gives_external_files_their_backing),
		cmocka_unit_test(converts_whiteouts),
		cmocka_unit_test(version_2_puts_what_makes_a_file_external_first),
		cmocka_unit_test(version_2_orders_shared_xattrs_by_prefix_and_bytes),
		cmocka_unit_test(gives_stubs_the_label_of_the_root),
		cmocka_unit_test(orders_the_shared_area),
		cmocka_unit_test(splits_keys_at_the_first_prefix_that_fits),
		cmocka_unit_test(sees_acls_by_their_exact_names),
	};

	return cmocka_run_group_tests_name("erofs/rewrite", tests, NULL, NULL);
}

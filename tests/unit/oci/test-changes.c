/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "oci/changes.h"
#include "oci/layer_write.h"
#include "tree/dump_read.h"
#include "tree/tree.h"

#define HEAD "/ 0 40755 2 0 0 0 0.0 - - -\n"

static struct tree *tree_of(const char *text)
{
	struct tree *tree = NULL;
	struct diag why = {0};

	assert_ok(dump_read_span(span_of_string(text), NULL, &tree, &why), &why);
	return tree;
}

static int path_put(const struct dentry *dentry, struct buf *ret)
{
	if (dentry->parent->primary)
		(void)path_put(dentry->parent->primary, ret);
	return buf_printf(ret, "/%s", dentry->name);
}

static void inode_put(const struct inode *inode, struct buf *ret)
{
	const char *kind = inode_is_whiteout(inode) ? "gone"
			   : inode_is_dir(inode)    ? "dir"
			   : S_ISLNK(inode->mode)   ? "link"
			   : S_ISREG(inode->mode)   ? "file"
						    : "other";

	(void)buf_printf(ret, " %s", kind);
	if (inode_is_dir(inode) && inode->index == LAYER_OPAQUE)
		(void)buf_append_string(ret, " opaque");
	if (S_ISREG(inode->mode) && inode->is_inline)
		(void)buf_printf(ret, " '%.*s'", (int)inode->size, inode->inlined.content);
	for (size_t i = 0; i < inode->xattr_count; i++)
		(void)buf_printf(ret, " %.*s=%.*s", (int)inode->xattrs[i]->key.size,
				 (const char *)inode->xattrs[i]->key.data,
				 (int)inode->xattrs[i]->value.size,
				 (const char *)inode->xattrs[i]->value.data);
	if (inode->uid || inode->gid)
		(void)buf_printf(ret, " %u:%u", inode->uid, inode->gid);
}

/* A line for each name; "=" and another path: a further name of that one. */
static void describe(const struct tree *tree, struct buf *ret)
{
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		(void)path_put(d, ret);
		if (d->inode->primary == d) {
			inode_put(d->inode, ret);
		} else {
			(void)buf_append_string(ret, " = ");
			(void)path_put(d->inode->primary, ret);
		}
		(void)buf_append_byte(ret, '\n');
	}
}

static int change(const char *upper, const char *base, struct changes_request *request,
		  struct buf *ret, struct diag *why)
{
	CLEAN(tree_freep) struct tree *upper_tree = tree_of(upper);
	CLEAN(tree_freep) struct tree *base_tree = base ? tree_of(base) : NULL;
	CLEAN(tree_freep) struct tree *changes = NULL;
	struct changes_notes notes;
	int r;

	request->upper = upper_tree;
	request->base = base_tree;
	r = changes_make(request, &changes, &notes, why);
	if (r == 0)
		describe(changes, ret);
	return r;
}

static void assert_changes(const char *upper, const char *base, const char *expected)
{
	CLEAN(buf_release) struct buf text = {0};
	struct changes_request request = {0};
	struct diag why = {0};

	assert_ok(change(upper, base, &request, &text, &why), &why);
	assert_string_equal(expected, buf_string(&text));
}

static void assert_refused(const char *upper, const char *base, int error, const char *reason)
{
	CLEAN(buf_release) struct buf text = {0};
	struct changes_request request = {0};
	struct diag why = {0};
	int r = change(upper, base, &request, &text, &why);

	if (r != error || !strstr(why.text, reason))
		fail_msg("%d: %s (%s)", r, why.text, reason);
}

static const char base_text[] = HEAD "/a 0 40755 2 0 0 0 0.0 - - -\n"
				     "/a/dir 0 40755 2 0 0 0 0.0 - - -\n"
				     "/a/dir/deep 0 40755 2 0 0 0 0.0 - - -\n"
				     "/a/dir/deep/x 1 100644 2 7 8 0 0.0 - X - user.k=v\n"
				     "/a/dir/y 0 @120000 - - - - 0.0 /a/dir/deep/x - -\n"
				     "/a/dir/z 1 100644 1 0 0 0 0.0 - Z -\n"
				     "/a/file 1 100644 1 0 0 0 0.0 - F -\n"
				     "/b 0 40755 2 0 0 0 0.0 - - -\n"
				     "/b/old 1 100644 1 0 0 0 0.0 - O -\n";

static void what_is_new_is_in_the_layer_as_it_is(void **state)
{
	(void)state;
	assert_changes(HEAD "/new 0 40755 2 0 0 0 0.0 - - -\n"
			    "/new/f 2 100644 2 1 2 0 0.0 - hi - user.a=b\n"
			    "/new/g 0 @120000 - - - - 0.0 /new/f - -\n"
			    "/new/l 1 120777 1 0 0 0 0.0 t - -\n"
			    "/new/p 0 10644 1 0 0 0 0.0 - - -\n",
		       NULL,
		       "/new dir\n"
		       "/new/f file 'hi' user.a=b 1:2\n"
		       "/new/g = /new/f\n"
		       "/new/l link\n"
		       "/new/p other\n");
}

static void whiteouts_of_both_kinds_stay_where_something_is_below(void **state)
{
	const char *upper = HEAD "/a 0 40755 2 0 0 0 0.0 - - - trusted.overlay.opaque=x\n"
				 "/a/file 0 20000 1 0 0 0 0.0 - - -\n"
				 "/a/dir 0 100000 1 0 0 0 0.0 - - - trusted.overlay.whiteout=\n"
				 "/a/nothing 0 20000 1 0 0 0 0.0 - - -\n"
				 "/gone 0 100000 1 0 0 0 0.0 - - - user.overlay.whiteout=\n";

	(void)state;
	assert_changes(upper, base_text,
		       "/a dir\n"
		       "/a/dir gone\n"
		       "/a/file gone\n");
	assert_changes(upper, NULL,
		       "/a dir\n"
		       "/a/dir gone\n"
		       "/a/file gone\n"
		       "/a/nothing gone\n"
		       "/gone gone\n");
}

static void a_whiteout_with_several_names_is_one_each(void **state)
{
	(void)state;
	assert_changes(HEAD "/a 0 20000 2 0 0 0 0.0 - - -\n"
			    "/b 0 @120000 - - - - 0.0 /a - -\n",
		       base_text, "/a gone\n/b gone\n");
}

static void opaque_directories_hide_what_is_below(void **state)
{
	const char *upper = HEAD "/a 0 40755 2 0 0 0 0.0 - - - trusted.overlay.opaque=y\n"
				 "/a/dir 0 40755 2 0 0 0 0.0 - - -\n"
				 "/a/dir/z 0 20000 1 0 0 0 0.0 - - -\n"
				 "/new 0 40755 2 0 0 0 0.0 - - - user.overlay.opaque=y\n"
				 "/b 0 40755 2 0 0 0 0.0 - - - user.overlay.opaque=n\n";

	(void)state;
	/* What is hidden already needs no whiteout; what is not there, no mark. */
	assert_changes(upper, base_text, "/a dir opaque\n/a/dir dir\n/b dir\n/new dir\n");
	assert_changes(upper, NULL,
		       "/a dir opaque\n/a/dir dir\n/a/dir/z gone\n/b dir\n/new dir opaque\n");
}

static void a_directory_that_was_renamed_brings_what_is_in_it(void **state)
{
	(void)state;
	assert_changes(HEAD "/a 0 40755 2 0 0 0 0.0 - - -\n"
			    "/a/dir 0 20000 1 0 0 0 0.0 - - -\n"
			    "/a/moved 0 40700 2 0 0 0 0.0 - - - trusted.overlay.redirect=dir\n"
			    "/a/moved/z 0 20000 1 0 0 0 0.0 - - -\n"
			    "/a/moved/deep 0 40711 2 0 0 0 0.0 - - -\n"
			    "/a/moved/deep/new 1 100644 1 0 0 0 0.0 - N -\n",
		       base_text,
		       "/a dir\n"
		       "/a/dir gone\n"
		       "/a/moved dir\n"
		       "/a/moved/deep dir\n"
		       "/a/moved/deep/new file 'N'\n"
		       "/a/moved/deep/x = /a/moved/y\n"
		       "/a/moved/y file 'X' user.k=v 7:8\n");
}

static void a_directory_renamed_onto_another_hides_that(void **state)
{
	(void)state;
	assert_changes(HEAD "/a 0 40755 2 0 0 0 0.0 - - -\n"
			    "/a/dir 0 20000 1 0 0 0 0.0 - - -\n"
			    "/b 0 40755 2 0 0 0 0.0 - - - user.overlay.redirect=/a/dir\n"
			    "/b/deep 0 40755 2 0 0 0 0.0 - - - user.overlay.opaque=y\n"
			    "/b/deep/mine 0 100644 1 0 0 0 0.0 - - -\n",
		       base_text,
		       "/a dir\n"
		       "/a/dir gone\n"
		       "/b dir opaque\n"
		       "/b/deep dir\n"
		       "/b/deep/mine file\n"
		       "/b/y file 'X' user.k=v 7:8\n"
		       "/b/z file 'Z'\n");
}

static void a_directory_renamed_twice_is_followed(void **state)
{
	(void)state;
	/* /a is /n now, and its dir/deep is n/d: relative to where /n lies below. */
	assert_changes(HEAD "/a 0 20000 1 0 0 0 0.0 - - -\n"
			    "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=a\n"
			    "/n/d 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=/a/dir/deep\n"
			    "/n/dir 0 40755 2 0 0 0 0.0 - - -\n"
			    "/n/dir/deep 0 20000 1 0 0 0 0.0 - - -\n"
			    "/n/file 0 20000 1 0 0 0 0.0 - - -\n",
		       base_text,
		       "/a gone\n"
		       "/n dir\n"
		       "/n/d dir\n"
		       "/n/d/x file 'X' user.k=v 7:8\n"
		       "/n/dir dir\n"
		       "/n/dir/y = /n/d/x\n"
		       "/n/dir/z file 'Z'\n");
}

static void whiteouts_in_the_base_are_nothing(void **state)
{
	const char *base = HEAD "/d 0 40755 2 0 0 0 0.0 - - -\n"
				"/d/gone 0 20000 2 0 0 0 0.0 - - -\n"
				"/d/again 0 @120000 - - - - 0.0 /d/gone - -\n"
				"/d/x 1 100644 1 0 0 0 0.0 - X -\n";

	(void)state;
	assert_changes(HEAD "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=d\n", base,
		       "/n dir\n/n/x file 'X'\n");
	assert_changes(HEAD "/d 0 40755 2 0 0 0 0.0 - - -\n/d/gone 0 20000 1 0 0 0 0.0 - - -\n",
		       base, "/d dir\n");
}

static void metadata_without_data_gets_it_from_below(void **state)
{
	(void)state;
	assert_changes(HEAD "/a 0 40755 2 0 0 0 0.0 - - -\n"
			    "/a/file 1 100600 1 5 5 0 0.0 - \\x00 - trusted.overlay.metacopy=\n"
			    "/a/other 1 100600 2 5 5 0 0.0 - \\x00 - trusted.overlay.metacopy= "
			    "trusted.overlay.redirect=/a/dir/z\n"
			    "/a/third 0 @120000 - - - - 0.0 /a/other - -\n",
		       base_text,
		       "/a dir\n"
		       "/a/file file 'F' 5:5\n"
		       "/a/other file 'Z' 5:5\n"
		       "/a/third = /a/other\n");
}

static void what_lies_below_has_to_be_there(void **state)
{
	const char *renamed = HEAD "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=a\n";
	const char *metacopy =
		HEAD "/file 1 100600 1 5 5 0 0.0 - \\x00 - trusted.overlay.metacopy=\n";

	(void)state;
	assert_refused(renamed, NULL, -EINVAL, "'/n': it was renamed");
	assert_refused(renamed, HEAD, -EINVAL, "no such file");
	assert_refused(renamed, HEAD "/a 0 100644 1 0 0 0 0.0 - - -\n", -EINVAL, "no directory");
	assert_refused(metacopy, NULL, -EINVAL, "'/file': its content is in the image below");
	assert_refused(metacopy, HEAD, -EINVAL, "not in the one that is named");
	assert_refused(metacopy, HEAD "/file 2 100644 1 0 0 0 0.0 - AB -\n", -EINVAL,
		       "not in the one that is named");
}

static void redirects_that_make_no_sense_are_refused(void **state)
{
	static const char *const redirects[] = {"", "a/dir", "./a", "a\\x00b"};
	char upper[256];

	(void)state;
	for (size_t i = 0; i < sizeof(redirects) / sizeof(redirects[0]); i++) {
		(void)snprintf(upper, sizeof(upper),
			       HEAD "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=%s\n",
			       redirects[i]);
		assert_refused(upper, base_text, -EUCLEAN, "no name and no path");
	}
	assert_refused(HEAD "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=/a/../a\n",
		       base_text, -EINVAL, "no such file");
	assert_refused(HEAD "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=//a\n",
		       base_text, -EINVAL, "no such file");
	/* Nothing can become the root's former place. */
	assert_refused(HEAD "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=/\n", base_text,
		       -EINVAL, "no such file");
}

static void xattrs_of_overlayfs_and_of_this_machine_are_left_out(void **state)
{
	(void)state;
	assert_changes(HEAD "/f 0 100644 1 0 0 0 0.0 - - - security.ima=1 security.selinux=l "
			    "trusted.overlay.origin=o trusted.overlay.overlay.opaque=y "
			    "trusted.x=t user.overlay.impure=y user.overlay.overlay.overlay.x=1 "
			    "user.overlayed=k\n",
		       NULL,
		       "/f file trusted.overlay.opaque=y trusted.x=t user.overlay.overlay.x=1 "
		       "user.overlayed=k\n");
}

static void sockets_are_left_out_and_hide_what_they_replaced(void **state)
{
	CLEAN(tree_freep)
	struct tree *upper = tree_of(HEAD "/b 0 140755 1 0 0 0 0.0 - - -\n"
					  "/s 0 140755 1 0 0 0 0.0 - - -\n");
	CLEAN(tree_freep) struct tree *base = tree_of(base_text);
	CLEAN(tree_freep) struct tree *changes = NULL;
	const struct changes_request request = {.upper = upper, .base = base};
	CLEAN(buf_release) struct buf text = {0};
	struct changes_notes notes;

	(void)state;
	assert_int_equal(0, changes_make(&request, &changes, &notes, NULL));
	assert_int_equal(2, notes.socket_count);
	describe(changes, &text);
	assert_string_equal("/b gone\n", buf_string(&text));
}

static void sockets_in_a_renamed_directory_are_left_out(void **state)
{
	(void)state;
	assert_changes(HEAD "/n 0 40755 2 0 0 0 0.0 - - - trusted.overlay.redirect=d\n",
		       HEAD "/d 0 40755 2 0 0 0 0.0 - - -\n/d/s 0 140755 1 0 0 0 0.0 - - -\n",
		       "/n dir\n");
}

static void maps_make(struct idmaps *ret)
{
	*ret = (struct idmaps){0};
	assert_int_equal(0, idmap_add(&ret->uids, (struct idmap_extent){0, 1000, 100}, NULL));
	assert_int_equal(0, idmap_add(&ret->gids, (struct idmap_extent){0, 2000, 100}, NULL));
}

static void owners_are_those_inside(void **state)
{
	CLEAN(buf_release) struct buf text = {0};
	struct changes_request request = {0};
	struct idmaps maps;

	(void)state;
	maps_make(&maps);
	request.maps = &maps;
	assert_int_equal(0, change(HEAD "/f 0 100644 1 1003 2004 0 0.0 - - -\n", NULL, &request,
				   &text, NULL));
	assert_string_equal("/f file 3:4\n", buf_string(&text));
	assert_int_equal(-EINVAL, change(HEAD "/f 0 100644 1 3 2004 0 0.0 - - -\n", NULL, &request,
					 &text, NULL));
	assert_int_equal(-EINVAL, change(HEAD "/f 0 100644 1 1003 4 0 0.0 - - -\n", NULL, &request,
					 &text, NULL));
}

/* The value that an xattr has afterwards. */
static int xattr_changed(const char *key, const char *value, const struct idmaps *maps,
			 struct buf *ret, struct diag *why)
{
	CLEAN(tree_freep) struct tree *upper = NULL, *changes = NULL;
	struct changes_request request = {.maps = maps};
	const struct xattr *xattr;
	struct changes_notes notes;
	char text[512];
	int r;

	(void)snprintf(text, sizeof(text), HEAD "/f 0 100644 1 1000 2000 0 0.0 - - - %s=%s\n", key,
		       value);
	request.upper = upper = tree_of(text);
	r = changes_make(&request, &changes, &notes, why);
	if (r < 0)
		return r;
	xattr = inode_xattr(changes->root->dir.first->inode, span_of_string(key));
	assert_non_null(xattr);
	ret->size = 0;
	return buf_append_span(ret, xattr->value);
}

#define ACL_KEY "system.posix_acl_access"

static void owners_in_access_control_lists_are_those_inside(void **state)
{
	static const uint8_t expected[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0,
					   4, 0, 5, 0, 0, 0, 8, 0, 4,   0,   6,   0,   0, 0};
	CLEAN(buf_release) struct buf value = {0};
	struct idmaps maps;

	(void)state;
	maps_make(&maps);
	assert_int_equal(
		0, xattr_changed(ACL_KEY,
				 "\\x02\\x00\\x00\\x00\\x01\\x00\\x06\\x00\\xff\\xff\\xff\\xff"
				 "\\x02\\x00\\x04\\x00\\xed\\x03\\x00\\x00"
				 "\\x08\\x00\\x04\\x00\\xd6\\x07\\x00\\x00",
				 &maps, &value, NULL));
	assert_int_equal(sizeof(expected), value.size);
	assert_memory_equal(expected, value.data, sizeof(expected));
	/* A user that the map lacks; no list at all. */
	assert_int_equal(
		-EINVAL,
		xattr_changed(ACL_KEY,
			      "\\x02\\x00\\x00\\x00\\x02\\x00\\x06\\x00\\x05\\x00\\x00\\x00", &maps,
			      &value, NULL));
	assert_int_equal(-EINVAL, xattr_changed(ACL_KEY, "x", &maps, &value, NULL));
	assert_int_equal(0, xattr_changed(ACL_KEY, "x", NULL, &value, NULL));
}

#define CAP_KEY "security.capability"
#define CAP_BITS "\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x0e\\x0f\\x10"

static void capabilities_of_a_containers_root_are_those_of_root(void **state)
{
	CLEAN(buf_release) struct buf value = {0};
	struct idmaps maps;

	(void)state;
	maps_make(&maps);
	assert_int_equal(0, xattr_changed(CAP_KEY,
					  "\\x01\\x00\\x00\\x03" CAP_BITS "\\xe8\\x03\\x00\\x00",
					  &maps, &value, NULL));
	assert_int_equal(20, value.size);
	assert_memory_equal("\1\0\0\2\1\2\3\4", value.data, 8);
	assert_int_equal(0, xattr_changed(CAP_KEY,
					  "\\x01\\x00\\x00\\x03" CAP_BITS "\\xe9\\x03\\x00\\x00",
					  &maps, &value, NULL));
	assert_int_equal(24, value.size);
	assert_memory_equal("\1\0\0\0", value.data + 20, 4);
	assert_int_equal(-EINVAL,
			 xattr_changed(CAP_KEY,
				       "\\x01\\x00\\x00\\x03" CAP_BITS "\\x05\\x00\\x00\\x00",
				       &maps, &value, NULL));
	/* Revision 2 has none. */
	assert_int_equal(
		0, xattr_changed(CAP_KEY, "\\x01\\x00\\x00\\x02" CAP_BITS, &maps, &value, NULL));
	assert_int_equal(20, value.size);
}

static void a_timestamp_is_that_of_every_file(void **state)
{
	CLEAN(tree_freep)
	struct tree *upper =
		tree_of(HEAD "/a 0 20000 1 0 0 0 5.5 - - -\n"
			     "/n 0 40755 2 0 0 0 9.9 - - - trusted.overlay.redirect=a\n");
	CLEAN(tree_freep) struct tree *base = tree_of(base_text);
	CLEAN(tree_freep) struct tree *changes = NULL;
	const struct changes_request request = {
		.upper = upper, .base = base, .has_timestamp = true, .timestamp = 1234};
	struct changes_notes notes;

	(void)state;
	assert_int_equal(0, changes_make(&request, &changes, &notes, NULL));
	for (struct dentry *d = tree_walk_first(changes); d; d = tree_walk_next(changes, d)) {
		if (inode_is_whiteout(d->inode))
			continue;
		assert_int_equal(1234, d->inode->mtime_sec);
		assert_int_equal(0, d->inode->mtime_nsec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_new_is_in_the_layer_as_it_is),
		cmocka_unit_test(whiteouts_of_both_kinds_stay_where_something_is_below),
		cmocka_unit_test(a_whiteout_with_several_names_is_one_each),
		cmocka_unit_test(opaque_directories_hide_what_is_below),
		cmocka_unit_test(a_directory_that_was_renamed_brings_what_is_in_it),
		cmocka_unit_test(a_directory_renamed_onto_another_hides_that),
		cmocka_unit_test(a_directory_renamed_twice_is_followed),
		cmocka_unit_test(whiteouts_in_the_base_are_nothing),
		cmocka_unit_test(metadata_without_data_gets_it_from_below),
		cmocka_unit_test(what_lies_below_has_to_be_there),
		cmocka_unit_test(redirects_that_make_no_sense_are_refused),
		cmocka_unit_test(xattrs_of_overlayfs_and_of_this_machine_are_left_out),
		cmocka_unit_test(sockets_are_left_out_and_hide_what_they_replaced),
		cmocka_unit_test(sockets_in_a_renamed_directory_are_left_out),
		cmocka_unit_test(owners_are_those_inside),
		cmocka_unit_test(owners_in_access_control_lists_are_those_inside),
		cmocka_unit_test(capabilities_of_a_containers_root_are_those_of_root),
		cmocka_unit_test(a_timestamp_is_that_of_every_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

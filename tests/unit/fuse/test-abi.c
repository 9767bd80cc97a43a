/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Our declarations against those of the kernel headers, where both have something.
 */
#include "check.h"

#include <linux/fuse.h>

#include "fuse/abi.h"

#define SAME_SIZE(ours, theirs) assert_int_equal(sizeof(struct ours), sizeof(struct theirs))
#define SAME_FIELD(ours, our_field, theirs, their_field)                     \
	do {                                                                 \
		assert_int_equal(offsetof(struct ours, our_field),           \
				 offsetof(struct theirs, their_field));      \
		assert_int_equal(sizeof(((struct ours *)0)->our_field),      \
				 sizeof(((struct theirs *)0)->their_field)); \
	} while (0)

static void heads_lie_as_in_the_kernel(void **state)
{
	(void)state;
	SAME_SIZE(abi_request, fuse_in_header);
	SAME_FIELD(abi_request, size, fuse_in_header, len);
	SAME_FIELD(abi_request, opcode, fuse_in_header, opcode);
	SAME_FIELD(abi_request, unique, fuse_in_header, unique);
	SAME_FIELD(abi_request, nodeid, fuse_in_header, nodeid);
	SAME_FIELD(abi_request, uid, fuse_in_header, uid);
	SAME_SIZE(abi_reply, fuse_out_header);
	SAME_FIELD(abi_reply, error, fuse_out_header, error);
	SAME_FIELD(abi_reply, unique, fuse_out_header, unique);
}

static void init_lies_as_in_the_kernel(void **state)
{
	(void)state;
	SAME_FIELD(abi_init_request, max_readahead, fuse_init_in, max_readahead);
	SAME_FIELD(abi_init_request, flags, fuse_init_in, flags);
	SAME_SIZE(abi_init_reply, fuse_init_out);
	SAME_FIELD(abi_init_reply, flags, fuse_init_out, flags);
	SAME_FIELD(abi_init_reply, max_background, fuse_init_out, max_background);
	SAME_FIELD(abi_init_reply, max_write, fuse_init_out, max_write);
	SAME_FIELD(abi_init_reply, time_gran, fuse_init_out, time_gran);
	SAME_FIELD(abi_init_reply, max_pages, fuse_init_out, max_pages);
#if FUSE_KERNEL_MINOR_VERSION >= 36
	SAME_SIZE(abi_init_request, fuse_init_in);
	SAME_FIELD(abi_init_request, flags2, fuse_init_in, flags2);
	SAME_FIELD(abi_init_reply, flags2, fuse_init_out, flags2);
#endif
}

static void attributes_lie_as_in_the_kernel(void **state)
{
	(void)state;
	SAME_SIZE(abi_attributes, fuse_attr);
	SAME_FIELD(abi_attributes, ino, fuse_attr, ino);
	SAME_FIELD(abi_attributes, blocks, fuse_attr, blocks);
	SAME_FIELD(abi_attributes, mtime, fuse_attr, mtime);
	SAME_FIELD(abi_attributes, mtime_nsec, fuse_attr, mtimensec);
	SAME_FIELD(abi_attributes, mode, fuse_attr, mode);
	SAME_FIELD(abi_attributes, nlink, fuse_attr, nlink);
	SAME_FIELD(abi_attributes, uid, fuse_attr, uid);
	SAME_FIELD(abi_attributes, gid, fuse_attr, gid);
	SAME_FIELD(abi_attributes, rdev, fuse_attr, rdev);
	SAME_FIELD(abi_attributes, block_size, fuse_attr, blksize);
	SAME_SIZE(abi_entry, fuse_entry_out);
	SAME_FIELD(abi_entry, entry_valid, fuse_entry_out, entry_valid);
	SAME_FIELD(abi_entry, attributes_valid, fuse_entry_out, attr_valid);
	SAME_FIELD(abi_entry, attributes, fuse_entry_out, attr);
	SAME_SIZE(abi_getattr_reply, fuse_attr_out);
	SAME_FIELD(abi_getattr_reply, attributes, fuse_attr_out, attr);
}

static void files_lie_as_in_the_kernel(void **state)
{
	(void)state;
	SAME_SIZE(abi_open_request, fuse_open_in);
	SAME_SIZE(abi_open_reply, fuse_open_out);
	SAME_FIELD(abi_open_reply, open_flags, fuse_open_out, open_flags);
	SAME_SIZE(abi_release_request, fuse_release_in);
	SAME_SIZE(abi_read_request, fuse_read_in);
	SAME_FIELD(abi_read_request, offset, fuse_read_in, offset);
	SAME_FIELD(abi_read_request, size, fuse_read_in, size);
	SAME_SIZE(abi_lseek_request, fuse_lseek_in);
	SAME_FIELD(abi_lseek_request, whence, fuse_lseek_in, whence);
	SAME_SIZE(abi_xattr_request, fuse_getxattr_in);
	SAME_SIZE(abi_xattr_size_reply, fuse_getxattr_out);
	SAME_SIZE(abi_dirent, fuse_dirent);
	SAME_FIELD(abi_dirent, next, fuse_dirent, off);
	SAME_FIELD(abi_dirent, name_size, fuse_dirent, namelen);
	SAME_FIELD(abi_dirent, type, fuse_dirent, type);
	SAME_SIZE(abi_statfs_reply, fuse_statfs_out);
	SAME_FIELD(abi_statfs_reply, files, fuse_statfs_out, st.files);
	SAME_FIELD(abi_statfs_reply, block_size, fuse_statfs_out, st.bsize);
	SAME_FIELD(abi_statfs_reply, name_max, fuse_statfs_out, st.namelen);
}

static void numbers_are_those_of_the_kernel(void **state)
{
	static const uint64_t pairs[][2] = {
		{OP_LOOKUP, FUSE_LOOKUP},
		{OP_FORGET, FUSE_FORGET},
		{OP_GETATTR, FUSE_GETATTR},
		{OP_SETATTR, FUSE_SETATTR},
		{OP_READLINK, FUSE_READLINK},
		{OP_OPEN, FUSE_OPEN},
		{OP_READ, FUSE_READ},
		{OP_STATFS, FUSE_STATFS},
		{OP_RELEASE, FUSE_RELEASE},
		{OP_GETXATTR, FUSE_GETXATTR},
		{OP_LISTXATTR, FUSE_LISTXATTR},
		{OP_FLUSH, FUSE_FLUSH},
		{OP_INIT, FUSE_INIT},
		{OP_OPENDIR, FUSE_OPENDIR},
		{OP_READDIR, FUSE_READDIR},
		{OP_ACCESS, FUSE_ACCESS},
		{OP_INTERRUPT, FUSE_INTERRUPT},
		{OP_DESTROY, FUSE_DESTROY},
		{OP_IOCTL, FUSE_IOCTL},
		{OP_BATCH_FORGET, FUSE_BATCH_FORGET},
		{OP_READDIRPLUS, FUSE_READDIRPLUS},
		{OP_RENAME2, FUSE_RENAME2},
		{OP_LSEEK, FUSE_LSEEK},
		{OP_COPY_FILE_RANGE, FUSE_COPY_FILE_RANGE},
		{INIT_ASYNC_READ, FUSE_ASYNC_READ},
		{INIT_EXPORT_SUPPORT, FUSE_EXPORT_SUPPORT},
		{INIT_DO_READDIRPLUS, FUSE_DO_READDIRPLUS},
		{INIT_NO_OPEN_SUPPORT, FUSE_NO_OPEN_SUPPORT},
		{INIT_PARALLEL_DIROPS, FUSE_PARALLEL_DIROPS},
		{INIT_POSIX_ACL, FUSE_POSIX_ACL},
		{INIT_ABORT_ERROR, FUSE_ABORT_ERROR},
		{INIT_MAX_PAGES, FUSE_MAX_PAGES},
		{INIT_CACHE_SYMLINKS, FUSE_CACHE_SYMLINKS},
		{INIT_NO_OPENDIR_SUPPORT, FUSE_NO_OPENDIR_SUPPORT},
		{OPEN_REPLY_KEEP_CACHE, FOPEN_KEEP_CACHE},
		{ABI_REQUEST_ROOM_MIN, FUSE_MIN_READ_BUFFER},
		{ABI_ROOT_NODEID, FUSE_ROOT_ID},
#if FUSE_KERNEL_MINOR_VERSION >= 36
		{INIT_EXT, FUSE_INIT_EXT},
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_int_equal(pairs[i][0], pairs[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_lie_as_in_the_kernel),
		cmocka_unit_test(init_lies_as_in_the_kernel),
		cmocka_unit_test(attributes_lie_as_in_the_kernel),
		cmocka_unit_test(files_lie_as_in_the_kernel),
		cmocka_unit_test(numbers_are_those_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

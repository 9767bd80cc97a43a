/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "fake.h"
#include "fuse/dispatch.h"

static struct connection connection;
static uint8_t reply_buffer[REPLY_READ_MAX];
static struct fuse_reply reply = {.buffer = reply_buffer, .capacity = sizeof(reply_buffer)};
static struct abi_reply head;
static uint8_t body[REPLY_READ_MAX];
static size_t body_size;
static uint64_t open_count;

static enum dispatch_result send_bytes(struct span bytes)
{
	enum dispatch_result result = dispatch(&connection, bytes, &reply, &head);

	body_size = 0;
	if (result == DISPATCH_SILENT)
		return result;
	assert_ptr_equal(reply.parts[0].iov_base, &head);
	for (uint32_t i = 1; i < reply.part_count; i++) {
		memcpy(body + body_size, reply.parts[i].iov_base, reply.parts[i].iov_len);
		body_size += reply.parts[i].iov_len;
	}
	assert_int_equal(head.size, sizeof(head) + body_size);
	assert_true(head.error == 0 || body_size == 0);
	return result;
}

/* Returns the error of the reply. */
static int ask(enum abi_opcode opcode, uint64_t nodeid, const void *arguments, size_t size,
	       const char *name)
{
	struct buf request = {0};

	request_append(&request, opcode, 42, nodeid, arguments, size, name);
	assert_int_not_equal(DISPATCH_SILENT, send_bytes(buf_span(&request)));
	assert_int_equal(42, head.unique);
	buf_release(&request);
	return head.error;
}

static int ask_init(uint32_t minor, uint64_t flags)
{
	struct buf request = {0};

	init_append(&request, minor, flags);
	assert_int_equal(DISPATCH_REPLY, send_bytes(buf_span(&request)));
	buf_release(&request);
	return head.error;
}

static int set_up(void **state)
{
	(void)state;
	open_count = 0;
	connection = (struct connection){
		.config = {.handlers = &fake_handlers, .fs = &open_count},
		.is_negotiated = true,
	};
	return 0;
}

static void init_takes_what_is_offered_and_wanted(void **state)
{
	struct abi_init_reply answer;

	(void)state;
	connection.is_negotiated = false;
	assert_int_equal(0, ask_init(45, ~0ull));
	memcpy(&answer, body, sizeof(answer));
	assert_int_equal(7, answer.major);
	assert_int_equal(45, answer.minor);
	assert_int_equal(131072, answer.max_readahead);
	assert_int_equal(1, answer.time_gran);
	assert_int_equal(0, answer.max_background);
	assert_int_equal(REPLY_READ_MAX / sysconf(_SC_PAGESIZE), answer.max_pages);
	assert_int_equal(answer.flags, (uint32_t)connection.flags);
	assert_int_equal(answer.flags2, connection.flags >> 32);
	assert_true(connection.flags & INIT_HAS_RESEND);
	assert_true(connection.flags & INIT_DO_READDIRPLUS);
	assert_false(connection.flags & (1ull << 14)); /* READDIRPLUS_AUTO */
	assert_true(connection.flags & INIT_NO_OPEN_SUPPORT);
	assert_false(connection.flags & INIT_POSIX_ACL);
	assert_int_equal(-EIO, ask_init(45, ~0ull)); /* once is enough */
}

static void init_fits_an_older_kernel(void **state)
{
	struct abi_init_reply answer;

	(void)state;
	connection.is_negotiated = false;
	connection.config.opens_files = true;
	connection.config.has_acl = true;
	assert_int_equal(0, ask_init(31, INIT_NO_OPEN_SUPPORT | INIT_POSIX_ACL | INIT_MAX_PAGES));
	memcpy(&answer, body, sizeof(answer));
	assert_int_equal(31, answer.minor);
	assert_int_equal(INIT_POSIX_ACL | INIT_MAX_PAGES, answer.flags);
	assert_int_equal(0, answer.flags2);
}

static void init_refuses_what_is_too_old(void **state)
{
	(void)state;
	connection.is_negotiated = false;
	assert_int_equal(-EPROTO, ask_init(30, ~0ull));
	assert_false(connection.is_negotiated);
}

static void init_offers_its_version_to_a_newer_major(void **state)
{
	struct abi_init_request init = {.major = 8, .minor = 1};

	(void)state;
	connection.is_negotiated = false;
	assert_int_equal(0, ask(OP_INIT, 0, &init, sizeof(init), NULL));
	assert_int_equal(7, ((const struct abi_init_reply *)body)->major);
	assert_false(connection.is_negotiated);
}

static void nothing_is_answered_before_init(void **state)
{
	(void)state;
	connection.is_negotiated = false;
	assert_int_equal(-EIO, ask(OP_STATFS, 1, NULL, 0, NULL));
}

static void malformed_requests_are_errors(void **state)
{
	struct abi_getattr_request getattr = {0};
	struct buf request = {0};

	(void)state;
	request_append(&request, OP_GETATTR, 42, 1, &getattr, sizeof(getattr), NULL);
	/* Too short for a head: there is no number to answer to. */
	for (size_t size = 0; size < sizeof(struct abi_request); size++)
		assert_int_equal(DISPATCH_SILENT, send_bytes(span_of(request.data, size)));
	/* A head that promises another size than came. */
	for (size_t size = sizeof(struct abi_request); size < request.size; size++) {
		assert_int_equal(DISPATCH_REPLY, send_bytes(span_of(request.data, size)));
		assert_int_equal(-EIO, head.error);
		assert_int_equal(42, head.unique);
	}
	buf_release(&request);
	assert_int_equal(-EINVAL, ask(OP_LOOKUP, 1, NULL, 0, NULL));
	assert_int_equal(-EINVAL, ask(OP_LOOKUP, 1, "abc", 3, NULL)); /* no NUL */
	assert_int_equal(-EINVAL, ask(OP_LOOKUP, 1, NULL, 0, ""));
	assert_int_equal(-EINVAL, ask(OP_GETXATTR, 2, "1234567", 7, NULL));
	assert_int_equal(-EINVAL, ask(OP_GETXATTR, 2, "12345678", 8, NULL));
	assert_int_equal(-EINVAL, ask(OP_READ, 2, "short", 5, NULL));
	assert_int_equal(-EINVAL, ask(OP_READDIR, 1, "short", 5, NULL));
	assert_int_equal(-EINVAL, ask(OP_RELEASE, 1, "short", 5, NULL));
	connection.config.opens_files = true;
	assert_int_equal(-EINVAL, ask(OP_OPEN, 2, "short", 5, NULL));
}

static void opcodes_have_their_standing_answers(void **state)
{
	static const uint32_t unheard[] = {0, 7, 19, 60, 4096, UINT32_MAX};
	static const uint32_t unasked[] = {OP_OPEN,  OP_OPENDIR, OP_ACCESS, OP_FLUSH, OP_FSYNC,
					   OP_STATX, OP_LSEEK,   OP_POLL,   OP_GETLK, OP_SYNCFS};
	static const uint32_t writers[] = {
		OP_SETATTR, OP_SYMLINK, OP_MKNOD, OP_MKDIR,  OP_UNLINK,   OP_RMDIR,   OP_RENAME,
		OP_RENAME2, OP_LINK,    OP_WRITE, OP_CREATE, OP_SETXATTR, OP_TMPFILE, OP_FALLOCATE};

	(void)state;
	for (size_t i = 0; i < sizeof(unheard) / sizeof(unheard[0]); i++)
		assert_int_equal(-ENOSYS, ask(unheard[i], 1, NULL, 0, NULL));
	for (size_t i = 0; i < sizeof(unasked) / sizeof(unasked[0]); i++)
		assert_int_equal(-ENOSYS, ask(unasked[i], 1, NULL, 0, NULL));
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		assert_int_equal(-EROFS, ask(writers[i], 1, NULL, 0, NULL));
	assert_int_equal(-ENOTTY, ask(OP_IOCTL, 1, NULL, 0, NULL));
}

static void forgets_and_interrupts_have_no_reply(void **state)
{
	static const uint32_t silent[] = {OP_FORGET, OP_BATCH_FORGET, OP_INTERRUPT,
					  OP_NOTIFY_REPLY};

	(void)state;
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		struct buf request = {0};

		request_append(&request, silent[i], 42, 1, NULL, 0, NULL);
		assert_int_equal(DISPATCH_SILENT, send_bytes(buf_span(&request)));
		buf_release(&request);
	}
}

static void destroy_ends_the_connection(void **state)
{
	struct buf request = {0};

	(void)state;
	request_append(&request, OP_DESTROY, 42, 0, NULL, 0, NULL);
	assert_int_equal(DISPATCH_END, send_bytes(buf_span(&request)));
	assert_int_equal(0, head.error);
	buf_release(&request);
}

static void a_missing_name_may_be_cached(void **state)
{
	struct abi_entry entry;

	(void)state;
	assert_int_equal(0, ask(OP_LOOKUP, 1, NULL, 0, "nothing"));
	memcpy(&entry, body, sizeof(entry));
	assert_int_equal(0, entry.nodeid);
	assert_true(entry.entry_valid > 1000000000);
	assert_int_equal(0, ask(OP_LOOKUP, 1, NULL, 0, "entry-001"));
	memcpy(&entry, body, sizeof(entry));
	assert_int_equal(2, entry.nodeid);
	assert_int_equal(-5, entry.attributes.mtime);
	assert_int_equal(7, entry.attributes.ctime_nsec);
	assert_int_equal(-ENOTDIR, ask(OP_LOOKUP, 2, NULL, 0, "entry-001"));
}

static void xattrs_follow_the_size_protocol(void **state)
{
	struct abi_xattr_request asked = {.size = 0};
	struct abi_xattr_size_reply size;

	(void)state;
	assert_int_equal(0, ask(OP_GETXATTR, 2, &asked, sizeof(asked), "user.a"));
	memcpy(&size, body, sizeof(size));
	assert_int_equal(5, size.size);
	assert_int_equal(0, ask(OP_LISTXATTR, 2, &asked, sizeof(asked), NULL));
	memcpy(&size, body, sizeof(size));
	assert_int_equal(7, size.size);
	asked.size = 4;
	assert_int_equal(-ERANGE, ask(OP_GETXATTR, 2, &asked, sizeof(asked), "user.a"));
	assert_int_equal(-ERANGE, ask(OP_LISTXATTR, 2, &asked, sizeof(asked), NULL));
	asked.size = UINT32_MAX;
	assert_int_equal(0, ask(OP_GETXATTR, 2, &asked, sizeof(asked), "user.a"));
	assert_int_equal(5, body_size);
	assert_memory_equal(body, "value", 5);
	assert_int_equal(0, ask(OP_LISTXATTR, 2, &asked, sizeof(asked), NULL));
	assert_memory_equal(body, "user.a", 7);
	assert_int_equal(-ENODATA, ask(OP_GETXATTR, 2, &asked, sizeof(asked), "user.b"));
}

/* Names of a whole directory, in replies of size bytes at most, number of replies in *ret_count. */
static size_t list_all(enum abi_opcode opcode, uint32_t size, size_t *ret_count)
{
	size_t entry_size = (opcode == OP_READDIRPLUS ? 128 : 0) + 24 + 16, names = 0;
	struct abi_read_request asked = {.size = size};

	for (*ret_count = 0;; ++*ret_count) {
		assert_int_equal(0, ask(opcode, 1, &asked, sizeof(asked), NULL));
		if (body_size == 0)
			return names;
		assert_true(body_size <= size);
		assert_int_equal(0, body_size % entry_size);
		for (size_t at = 0; at < body_size; at += entry_size, names++) {
			struct abi_dirent dirent;
			char name[32];

			memcpy(&dirent, body + at + entry_size - 40, sizeof(dirent));
			(void)snprintf(name, sizeof(name), "entry-%03zu", names);
			assert_memory_equal(body + at + entry_size - 16, name, 9);
			asked.offset = dirent.next;
		}
	}
}

static void directories_resume_where_a_reply_ended(void **state)
{
	size_t count;

	(void)state;
	assert_int_equal(FAKE_ENTRIES, list_all(OP_READDIR, 4096, &count));
	assert_int_equal(1, count);
	assert_int_equal(FAKE_ENTRIES, list_all(OP_READDIR, 100, &count));
	assert_int_equal(50, count);
	assert_int_equal(FAKE_ENTRIES, list_all(OP_READDIRPLUS, 4096, &count));
	assert_int_equal(5, count);
}

static void reads_are_bounded_by_the_request_and_the_file(void **state)
{
	struct abi_read_request asked = {.offset = 4000, .size = UINT32_MAX};

	(void)state;
	assert_int_equal(0, ask(OP_READ, 2, &asked, sizeof(asked), NULL));
	assert_int_equal(6000, body_size);
	assert_int_equal('z', body[5999]);
	asked.size = 100;
	assert_int_equal(0, ask(OP_READ, 2, &asked, sizeof(asked), NULL));
	assert_int_equal(100, body_size);
	asked.offset = FAKE_SIZE;
	assert_int_equal(0, ask(OP_READ, 2, &asked, sizeof(asked), NULL));
	assert_int_equal(0, body_size);
	asked.offset = UINT64_MAX;
	assert_int_equal(-EINVAL, ask(OP_READ, 2, &asked, sizeof(asked), NULL));
}

static void files_are_opened_only_where_that_has_a_meaning(void **state)
{
	struct abi_open_request asked = {.flags = O_RDONLY};
	struct abi_release_request gone = {0};
	struct abi_open_reply answer;

	(void)state;
	assert_int_equal(-ENOSYS, ask(OP_OPEN, 2, &asked, sizeof(asked), NULL));
	connection.config.opens_files = true;
	assert_int_equal(0, ask(OP_OPEN, 2, &asked, sizeof(asked), NULL));
	memcpy(&answer, body, sizeof(answer));
	assert_int_equal(BACKING_NONE, answer.backing_id);
	assert_int_equal(OPEN_REPLY_KEEP_CACHE, answer.open_flags);
	assert_int_equal(0, ask(OP_OPEN, 2, &asked, sizeof(asked), NULL));
	assert_int_equal(2, open_count); /* each is checked */
	assert_int_equal(-ENOSYS, ask(OP_OPEN, FAKE_LAST, &asked, sizeof(asked), NULL));
	assert_int_equal(-EISDIR, ask(OP_OPEN, 1, &asked, sizeof(asked), NULL));
	assert_int_equal(0, ask(OP_RELEASE, 2, &gone, sizeof(gone), NULL));
	connection.config.opens_files = false;
	connection.flags |= INIT_PASSTHROUGH;
	open_count = 0;
	assert_int_equal(0, backings_new(-1, &connection.backings));
	assert_int_equal(0, ask(OP_OPEN, 2, &asked, sizeof(asked), NULL));
	assert_int_equal(0, ask(OP_OPEN, 2, &asked, sizeof(asked), NULL));
	memcpy(&answer, body, sizeof(answer));
	assert_int_equal(BACKING_NONE, answer.backing_id); /* the kernel did not take it */
	assert_int_equal(OPEN_REPLY_KEEP_CACHE, answer.open_flags);
	assert_int_equal(1, open_count); /* it is open already */
	asked.flags = O_RDWR;
	assert_int_equal(-EROFS, ask(OP_OPEN, 2, &asked, sizeof(asked), NULL));
	for (int i = 0; i < 3; i++) /* one too many does no harm */
		assert_int_equal(0, ask(OP_RELEASE, 2, &gone, sizeof(gone), NULL));
	asked.flags = O_RDONLY;
	assert_int_equal(0, ask(OP_OPEN, 2, &asked, sizeof(asked), NULL));
	assert_int_equal(2, open_count);
	backings_free(connection.backings);
	connection.backings = NULL;
}

/* The kernel would switch an operation off at ENOSYS, and refuse errors below -511. */
static void errors_are_ones_the_kernel_takes_at_their_word(void **state)
{
	struct abi_read_request read = {.size = 100};
	struct abi_xattr_request xattr = {.size = 100};

	(void)state;
	assert_int_equal(-EIO, ask(OP_READ, 3, &read, sizeof(read), NULL));
	assert_int_equal(-EIO, ask(OP_GETXATTR, 3, &xattr, sizeof(xattr), "user.a"));
}

static void statfs_tells_what_the_file_system_says(void **state)
{
	struct abi_statfs_reply answer;

	(void)state;
	assert_int_equal(0, ask(OP_STATFS, 1, NULL, 0, NULL));
	memcpy(&answer, body, sizeof(answer));
	assert_int_equal(12, answer.blocks);
	assert_int_equal(34, answer.files);
	assert_int_equal(4096, answer.block_size);
	assert_int_equal(255, answer.name_max);
	assert_int_equal(0, ask(OP_READLINK, 2, NULL, 0, NULL));
	assert_memory_equal(body, "target", 6);
}

/* As io_uring brings it: the name lies where the reply goes. */
static void answers_a_request_in_parts_whose_name_lies_in_the_reply_buffer(void **state)
{
	struct abi_xattr_request arguments = {.size = 16};
	struct request_parts parts = {
		.head = {.opcode = OP_GETXATTR, .unique = 7, .nodeid = 2},
		.arguments = span_of(&arguments, sizeof(arguments)),
		.names = span_of(reply_buffer, sizeof("user.a")),
	};

	(void)state;
	assert_int_equal(sizeof(arguments), request_argument_size(OP_GETXATTR));
	assert_int_equal(0, request_argument_size(OP_LOOKUP));
	assert_int_equal(SIZE_MAX, request_argument_size(OP_READ));
	assert_int_equal(SIZE_MAX, request_argument_size(OP_COUNT + 7));
	memcpy(reply_buffer, "user.a", sizeof("user.a"));
	reply.is_flat = true;
	assert_int_equal(DISPATCH_REPLY, dispatch_parts(&connection, &parts, &reply, &head));
	reply.is_flat = false;
	assert_int_equal(0, head.error);
	assert_int_equal(sizeof(head) + 5, head.size);
	assert_memory_equal("value", reply_buffer, 5);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(init_takes_what_is_offered_and_wanted),
		TEST(init_fits_an_older_kernel),
		TEST(answers_a_request_in_parts_whose_name_lies_in_the_reply_buffer),
		TEST(init_refuses_what_is_too_old),
		TEST(init_offers_its_version_to_a_newer_major),
		TEST(nothing_is_answered_before_init),
		TEST(malformed_requests_are_errors),
		TEST(opcodes_have_their_standing_answers),
		TEST(forgets_and_interrupts_have_no_reply),
		TEST(destroy_ends_the_connection),
		TEST(a_missing_name_may_be_cached),
		TEST(xattrs_follow_the_size_protocol),
		TEST(directories_resume_where_a_reply_ended),
		TEST(reads_are_bounded_by_the_request_and_the_file),
		TEST(files_are_opened_only_where_that_has_a_meaning),
		TEST(errors_are_ones_the_kernel_takes_at_their_word),
		TEST(statfs_tells_what_the_file_system_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

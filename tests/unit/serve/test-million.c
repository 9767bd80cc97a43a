/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A directory of a million files. What answers cost is counted in pages of the image that are
 * looked at: none can be until its first access was counted.
 */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/span.h"
#include "erofs/image.h"
#include "erofs/writer.h"
#include "fuse/dispatch.h"
#include "random_tree.h"
#include "serve/view.h"

#define ENTRIES 1000000u
#define LOOKUPS 1000u
#define REPLY_SIZE (32u * 1024)
#define PAGE 4096u
#define ROOM_SIZE (256ul << 20)

static uint8_t *room; /* of the image */
static size_t image_size;
static volatile sig_atomic_t touched;
static struct connection connection;
static uint8_t reply_buffer[REPLY_READ_MAX];
static struct span body;
static uint64_t directory; /* its nodeid */
static struct abi_attributes directory_attributes;

static void on_touch(int signal, siginfo_t *info, void *context)
{
	uint8_t *page = (uint8_t *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));

	(void)context;
	if (page < room || page >= room + image_size ||
	    mprotect(page, PAGE, PROT_READ) < 0) /* not ours, so happen again */
		(void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	touched++;
}

/* Returns how many pages were looked at. */
static unsigned int ask(uint32_t opcode, uint64_t nodeid, struct span arguments, struct span names)
{
	struct fuse_reply reply = {
		.buffer = reply_buffer, .capacity = sizeof(reply_buffer), .is_flat = true};
	struct request_parts parts = {
		.head = {.opcode = opcode, .nodeid = nodeid},
		.arguments = arguments,
		.names = names,
	};
	struct sigaction action = {.sa_sigaction = on_touch, .sa_flags = SA_SIGINFO}, previous;
	enum dispatch_result result;
	struct abi_reply head;

	assert_int_equal(0, mprotect(room, image_size, PROT_NONE));
	touched = 0;
	assert_int_equal(0, sigaction(SIGSEGV, &action, &previous));
	result = dispatch_parts(&connection, &parts, &reply, &head);
	assert_int_equal(0, sigaction(SIGSEGV, &previous, NULL));
	assert_int_equal(DISPATCH_REPLY, result);
	assert_int_equal(0, head.error);
	body = span_of(reply_buffer, reply.size);
	return (unsigned int)touched;
}

static unsigned int ask_lookup(uint64_t parent, const char *name, struct abi_entry *ret)
{
	unsigned int pages = ask(OP_LOOKUP, parent, SPAN_EMPTY, span_of(name, strlen(name) + 1));

	assert_int_equal(sizeof(*ret), body.size);
	memcpy(ret, body.data, sizeof(*ret));
	return pages;
}

static unsigned int log2_above(uint64_t n)
{
	unsigned int bits = 0;

	while ((1ull << bits) < n)
		bits++;
	return bits;
}

static int sink(void *context, struct span bytes, struct diag *why)
{
	(void)context;
	(void)why;
	if (bytes.size > ROOM_SIZE - image_size)
		return -ENOSPC;
	memcpy(room + image_size, bytes.data, bytes.size);
	image_size += bytes.size;
	return 0;
}

static struct inode *linked(struct tree *tree, struct inode *dir, const char *name, uint32_t mode)
{
	struct inode *inode = tree_inode_new(tree, mode);
	struct dentry *dentry;

	assert_non_null(inode);
	assert_int_equal(0, tree_link(tree, dir, span_of_string(name), inode, &dentry, NULL));
	return inode;
}

static void image_make(void)
{
	const struct erofs_version_range versions = {.min = 1, .max = 1};
	struct tree *tree = tree_new();
	struct erofs_written written;
	struct diag why = {0};
	struct inode *dir;
	char name[32];

	assert_non_null(tree);
	assert_int_equal(0, tree_root_set(tree, tree_inode_new(tree, S_IFDIR | 0755), NULL));
	dir = linked(tree, tree->root, "dir", S_IFDIR | 0755);
	for (unsigned int i = 0; i < ENTRIES; i++) {
		(void)snprintf(name, sizeof(name), "entry-%06u", i);
		(void)linked(tree, dir, name, S_IFREG | 0644);
	}
	tree_sort(tree);
	assert_ok(erofs_write(tree, versions, sink, NULL, &written, &why), &why);
	tree_free(tree);
}

static int set_up(void **state)
{
	static struct image image;
	struct view_config config = {.kind = VIEW_STANDALONE, .image = &image};
	struct abi_entry entry;
	struct view *view;

	room = mmap(NULL, ROOM_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(MAP_FAILED, room);
	image_make();
	assert_int_equal(0, image_open(span_of(room, image_size), &image, NULL));
	assert_int_equal(0, view_new(&config, &view, NULL));
	connection = (struct connection){
		.config = {.handlers = view_handlers(view), .fs = view},
		.is_negotiated = true,
	};
	(void)ask_lookup(ABI_ROOT_NODEID, "dir", &entry);
	directory = entry.nodeid;
	directory_attributes = entry.attributes;
	assert_true(directory_attributes.size / PAGE > ENTRIES / 200);
	*state = view;
	return 0;
}

static int tear_down(void **state)
{
	view_free(*state);
	return munmap(room, ROOM_SIZE);
}

/* One block a halving, the inode of the directory, and that which was found. */
static void a_name_is_found_in_as_many_blocks_as_halvings(void **state)
{
	unsigned int limit = log2_above(directory_attributes.size / PAGE + 1) + 1 + 2;
	struct random random = {.state = 1};
	unsigned int most = 0;

	(void)state;
	for (unsigned int i = 0; i < LOOKUPS; i++) {
		unsigned int n = random_below(&random, ENTRIES), pages;
		bool is_there = random_chance(&random, 70);
		struct abi_entry entry;
		char name[32];

		(void)snprintf(name, sizeof(name), "entry-%06u%s", n, is_there ? "" : "x");
		pages = ask_lookup(directory, name, &entry);
		assert_int_equal(is_there, entry.nodeid != 0);
		assert_true(pages >= 2 && pages <= limit);
		most = pages > most ? pages : most;
	}
	print_message("# %u blocks, %u pages looked at at most, %u allowed\n",
		      (unsigned int)(directory_attributes.size / PAGE), most, limit);
}

/* The entries of a reply, which are the next ones from *count on; returns where to go on. */
static uint64_t take_entries(unsigned int *count, uint64_t *first_nodeid, uint64_t *last_nodeid)
{
	uint64_t next = 0;

	for (size_t at = 0; at < body.size;) {
		struct abi_dirent dirent;
		struct abi_entry entry;
		char name[32];

		memcpy(&entry, body.data + at, sizeof(entry));
		memcpy(&dirent, body.data + at + sizeof(entry), sizeof(dirent));
		at += sizeof(entry) + sizeof(dirent);
		if (entry.nodeid) {
			(void)snprintf(name, sizeof(name), "entry-%06u", (*count)++);
			assert_int_equal(strlen(name), dirent.name_size);
			assert_memory_equal(name, body.data + at, dirent.name_size);
			*last_nodeid = entry.nodeid;
			if (*first_nodeid == 0)
				*first_nodeid = entry.nodeid;
		}
		at += (dirent.name_size + 7) & ~7u;
		next = dirent.next;
	}
	return next;
}

/* Whatever the position, a reply looks only at the blocks and inodes that it tells of. */
static void a_listing_looks_at_each_block_once_and_where_replies_meet(void **state)
{
	struct abi_read_request asked = {.size = REPLY_SIZE};
	uint64_t first = 0, last = 0, pages = 0, requests = 0, inode_pages;
	unsigned int count = 0;

	(void)state;
	for (;;) {
		pages += ask(OP_READDIRPLUS, directory, span_of(&asked, sizeof(asked)), SPAN_EMPTY);
		requests++;
		if (body.size == 0)
			break;
		asked.offset = take_entries(&count, &first, &last);
	}
	assert_int_equal(ENTRIES, count);
	/* Replies are full: of 176 bytes an entry. */
	assert_true(requests <= ENTRIES / (REPLY_SIZE / 176) + 2);
	/* Each meets the last one's block, inode, and that of the directory; and one too far. */
	inode_pages = (last - first) * 32 / PAGE + 2;
	assert_true(pages <= directory_attributes.size / PAGE + inode_pages + 4 * requests);
	print_message("# %llu requests, %llu pages looked at, of %llu\n",
		      (unsigned long long)requests, (unsigned long long)pages,
		      (unsigned long long)(directory_attributes.size / PAGE + inode_pages));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_found_in_as_many_blocks_as_halvings),
		cmocka_unit_test(a_listing_looks_at_each_block_once_and_where_replies_meet),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

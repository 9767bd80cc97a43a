/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Random requests to views of images of random trees, as the kernel would send them, compared in
 * full with what a model says that knows the tree and no image.
 *
 * LAMINA_MODEL_REQUESTS (200000) is how many for each kind of view, LAMINA_MODEL_SEED (1) where
 * they begin. Each tree has a seed of its own, which a failure shows: with it as
 * LAMINA_MODEL_SEED, the tree is the first.
 */
#include "check.h"

#include "model.h"
#include "random_tree.h"
#include "serve/recent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "erofs/image.h"
#include "erofs/writer.h"
#include "fuse/dispatch.h"

#define REQUESTS_DEFAULT 200000
#define REQUESTS_PER_TREE 20000
#define REQUEST_ROOM 8192
#define OPEN_MAX_COUNT 32
#define NODEID_OFFSET 2 /* serve/view_private.h: the nodeid of nid 0 */
#define INITIAL_USERNS_INO 0xeffffffdu

static const size_t capacities[] = {8192, 65536, REPLY_READ_MAX};
#define CAPACITIES (sizeof(capacities) / sizeof(capacities[0]))

static struct random random_state;
static uint64_t tree_seed;
static struct model model;
static struct buf image_bytes;
static struct image image;
static struct view *view;
static struct connection connection;
static char objects_dir[64];
static int objects_fd = -1;
static uint32_t *known; /* nodes with a nodeid */
static uint32_t known_count;
static bool sees_trusted;

/* The request at hand, and its answer. */
static struct {
	uint64_t count; /* of this tree */
	uint32_t opcode;
	uint64_t nodeid;
	bool is_flat, is_whole;
	size_t capacity;
	enum dispatch_result result;
	int error;
	struct span body;
} now;

static uint32_t opened[OPEN_MAX_COUNT]; /* indices of nodes */
static uint32_t opened_count;

/* Each of its own exact size, so that a sanitizer sees the first byte too far. */
static uint8_t *buffers[CAPACITIES];
static uint8_t *request_room, *argument_room;
static uint8_t body_room[REPLY_READ_MAX], expected_room[REPLY_READ_MAX];

#define agree(condition)                                                                         \
	do {                                                                                     \
		if (!(condition))                                                                \
			fail_msg("%s: seed %llu, view %u, request %llu: opcode %u, nodeid %llu," \
				 " %s, %s reply of %zu bytes at most: %d, %zu bytes",            \
				 #condition, (unsigned long long)tree_seed, model.kind,          \
				 (unsigned long long)now.count, now.opcode,                      \
				 (unsigned long long)now.nodeid,                                 \
				 now.is_whole ? "whole" : "in parts",                            \
				 now.is_flat ? "flat" : "scattered", now.capacity, now.error,    \
				 now.body.size);                                                 \
	} while (0)

static uint32_t below(uint32_t limit)
{
	return random_below(&random_state, limit);
}

static bool chance(uint32_t percent)
{
	return random_chance(&random_state, percent);
}

/* Talking */

static void take_answer(const struct fuse_reply *reply, const struct abi_reply *head,
			uint64_t unique)
{
	size_t size = 0;

	now.error = 0;
	now.body = SPAN_EMPTY;
	if (now.result == DISPATCH_SILENT)
		return;
	now.error = head->error;
	agree(head->unique == unique);
	if (now.is_flat) {
		size = head->size - sizeof(*head);
		agree(size <= now.capacity && reply->size == size);
		memcpy(body_room, reply->buffer, size);
	} else {
		agree(reply->part_count >= 1 && reply->part_count <= 1 + REPLY_PARTS_MAX);
		for (uint32_t i = 1; i < reply->part_count; i++) {
			agree(reply->parts[i].iov_len <= sizeof(body_room) - size);
			memcpy(body_room + size, reply->parts[i].iov_base, reply->parts[i].iov_len);
			size += reply->parts[i].iov_len;
		}
		agree(head->size == sizeof(*head) + size);
	}
	agree(head->error <= 0 && head->error > -512);
	agree(head->error == 0 || size == 0);
	now.body = span_of(body_room, size);
}

/* In one piece, at the end of its allocation. */
static void ask_whole(const struct request_parts *parts, struct fuse_reply *reply,
		      struct abi_reply *head)
{
	size_t size = sizeof(parts->head) + parts->arguments.size + parts->names.size;
	uint8_t *to = request_room + REQUEST_ROOM - size;

	memcpy(to, &parts->head, sizeof(parts->head));
	if (parts->arguments.size)
		memcpy(to + sizeof(parts->head), parts->arguments.data, parts->arguments.size);
	if (parts->names.size)
		memcpy(request_room + REQUEST_ROOM - parts->names.size, parts->names.data,
		       parts->names.size);
	now.result = dispatch(&connection, span_of(to, size), reply, head);
}

/* In parts; the name lies where the answer goes, as io_uring brings it. */
static void ask_parts(struct request_parts parts, struct fuse_reply *reply, struct abi_reply *head)
{
	uint8_t *to = argument_room + REQUEST_ROOM - parts.arguments.size;

	if (parts.arguments.size)
		memcpy(to, parts.arguments.data, parts.arguments.size);
	parts.arguments.data = to;
	if (now.is_flat && parts.names.size) {
		memcpy(reply->buffer, parts.names.data, parts.names.size);
		parts.names.data = reply->buffer;
	}
	now.result = dispatch_parts(&connection, &parts, reply, head);
}

static void ask_form(uint32_t opcode, uint64_t nodeid, uint32_t uid, struct span arguments,
		     struct span names, size_t capacity_index)
{
	struct fuse_reply reply = {
		.buffer = buffers[capacity_index],
		.capacity = capacities[capacity_index],
		.is_flat = now.is_flat,
	};
	struct request_parts parts = {
		.head = {.opcode = opcode, .nodeid = nodeid, .uid = uid},
		.arguments = arguments,
		.names = names,
	};
	struct abi_reply head = {0};

	now.count++;
	now.opcode = opcode;
	now.nodeid = nodeid;
	now.capacity = reply.capacity;
	parts.head.unique = now.count * 2;
	parts.head.size = (uint32_t)(sizeof(parts.head) + arguments.size + names.size);
	if (now.is_whole)
		ask_whole(&parts, &reply, &head);
	else
		ask_parts(parts, &reply, &head);
	take_answer(&reply, &head, parts.head.unique);
}

static void ask_as(uint32_t uid, uint32_t opcode, uint64_t nodeid, struct span arguments,
		   struct span names)
{
	now.is_flat = chance(50);
	now.is_whole = chance(50);
	ask_form(opcode, nodeid, uid, arguments, names, below(CAPACITIES));
}

static void ask(uint32_t opcode, uint64_t nodeid, struct span arguments, struct span names)
{
	ask_as(0, opcode, nodeid, arguments, names);
}

#define ARGUMENTS(record) span_of(&(record), sizeof(record))

static void expect_error(int error)
{
	agree(now.result == DISPATCH_REPLY && now.error == error);
}

static void expect_body(const void *bytes, size_t size)
{
	agree(now.result == DISPATCH_REPLY && now.error == 0);
	agree(now.body.size == size && (size == 0 || memcmp(now.body.data, bytes, size) == 0));
}

/* A name and its NUL, behind each other. */
static struct span with_end(struct span name, uint8_t *room)
{
	memcpy(room, name.data, name.size);
	room[name.size] = '\0';
	return span_of(room, name.size + 1);
}

/* Learning what only the image decides */

/* What is not fixed by the tree comes from the answer, once. */
static void learn_node(struct model_node *node, uint64_t nodeid, const struct abi_attributes *seen)
{
	struct abi_attributes *expected = &node->attributes;

	if (node->nodeid)
		return;
	node->nodeid = nodeid;
	expected->ino = seen->ino;
	if (S_ISDIR(expected->mode) && seen->size == node->dir_size_max)
		expected->size = seen->size;
	expected->blocks = (expected->size + 4095) / 4096 * 8;
	known[known_count++] = (uint32_t)(node - model.nodes);
}

static void learn_root(void)
{
	struct abi_getattr_request asked = {0};
	struct abi_getattr_reply answer;

	ask(OP_GETATTR, ABI_ROOT_NODEID, ARGUMENTS(asked), SPAN_EMPTY);
	agree(now.error == 0 && now.body.size == sizeof(answer));
	memcpy(&answer, now.body.data, sizeof(answer));
	learn_node(&model.nodes[0], ABI_ROOT_NODEID, &answer.attributes);
	agree(memcmp(&answer.attributes, &model.nodes[0].attributes, sizeof(answer.attributes)) ==
	      0);
}

static void learn_child(const struct model_entry *entry)
{
	struct model_node *node = &model.nodes[entry->node];
	struct abi_entry answer, expected;
	uint8_t room[NAME_SIZE_MAX + 1];

	agree(now.error == 0);
	ask(OP_LOOKUP, now.nodeid, SPAN_EMPTY, with_end(entry->name, room));
	agree(now.error == 0 && now.body.size == sizeof(answer));
	memcpy(&answer, now.body.data, sizeof(answer));
	learn_node(node, answer.nodeid, &answer.attributes);
	if (entry->node)
		agree(answer.nodeid == answer.attributes.ino + NODEID_OFFSET);
	expected = model_entry(node);
	agree(memcmp(&answer, &expected, sizeof(answer)) == 0);
}

/* Positions of all entries, from answers of any size: each entry comes once. */
static void learn_positions(struct model_node *dir)
{
	struct abi_read_request asked = {0};
	uint32_t index = 0;

	while (index < dir->entry_count) {
		size_t at = 0;

		asked.size = 300 + below(4000);
		ask(OP_READDIR, dir->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
		agree(now.error == 0 && now.body.size > 0 && now.body.size <= asked.size);
		while (at < now.body.size) {
			struct abi_dirent dirent;

			agree(index < dir->entry_count &&
			      now.body.size - at >= sizeof(dirent) + dir->entries[index].name.size);
			memcpy(&dirent, now.body.data + at, sizeof(dirent));
			agree(dirent.next > asked.offset);
			asked.offset = dirent.next;
			dir->entries[index].next = dirent.next;
			at += (sizeof(dirent) + dirent.name_size + 7) & ~(size_t)7;
			index++;
		}
		/* Now that the positions are known, all of it can be. */
		agree(at == now.body.size);
	}
	asked.size = 4096;
	ask(OP_READDIR, dir->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	expect_body(NULL, 0);
}

static int nodeid_order(const void *a, const void *b)
{
	uint64_t first = model.nodes[*(const uint32_t *)a].nodeid;
	uint64_t second = model.nodes[*(const uint32_t *)b].nodeid;

	return (first > second) - (first < second);
}

/* Walk the tree once by look-ups; different inodes have different nodeids. */
static void learn(void)
{
	known = calloc(model.node_count, sizeof(known[0]));
	assert_non_null(known);
	known_count = 0;
	learn_root();
	for (uint32_t i = 0; i < known_count; i++) {
		struct model_node *dir = &model.nodes[known[i]];

		if (!S_ISDIR(dir->attributes.mode))
			continue;
		for (uint32_t child = 0; child < dir->entry_count; child++) {
			now.nodeid = dir->nodeid;
			learn_child(&dir->entries[child]);
		}
		learn_positions(dir);
	}
	qsort(known, known_count, sizeof(known[0]), nodeid_order);
	for (uint32_t i = 1; i < known_count; i++)
		agree(model.nodes[known[i - 1]].nodeid < model.nodes[known[i]].nodeid);
}

/* Requests */

static struct model_node *any_node(void)
{
	return &model.nodes[known[below(known_count)]];
}

/* Of a kind, if there is one nearby. */
static struct model_node *node_of(uint32_t type)
{
	struct model_node *node = any_node();

	for (int i = 0; i < 20 && (node->attributes.mode & S_IFMT) != type; i++)
		node = any_node();
	return node;
}

static struct span some_name(const struct model_node *dir, uint8_t *room)
{
	struct span name = SPAN_LITERAL(".");

	if (dir->entry_count && chance(95))
		name = dir->entries[below(dir->entry_count)].name;
	memcpy(room, name.data, name.size);
	if (chance(40)) {
		switch (below(4)) {
		case 0:
			room[name.size++] = (uint8_t)(1 + below(255));
			break;
		case 1:
			name.size -= name.size > 1;
			break;
		case 2:
			room[below((uint32_t)name.size)] = (uint8_t)(1 + below(255));
			break;
		default:
			(void)snprintf((char *)room, 3, "%02x", below(256));
			name.size = 2;
			break;
		}
	}
	if (chance(1)) {
		name.size = 1 + below(5000);
		memset(room, 'x', name.size);
	}
	return span_of(room, name.size);
}

static void check_lookup(void)
{
	static const struct abi_entry nothing = {.entry_valid = 1ull << 32};
	struct model_node *dir = chance(90) ? node_of(S_IFDIR) : any_node();
	uint8_t room[5001], end_room[5002];
	struct span name = some_name(dir, room);
	const struct model_entry *found = model_find(dir, name);
	struct abi_entry expected;

	ask(OP_LOOKUP, dir->nodeid, SPAN_EMPTY, with_end(name, end_room));
	if (span_equal(name, SPAN_LITERAL("."))) {
		expected = model_entry(dir);
		expect_body(&expected, sizeof(expected));
	} else if (!S_ISDIR(dir->attributes.mode)) {
		expect_error(-ENOTDIR);
	} else if (!found) {
		expect_body(&nothing, sizeof(nothing));
	} else {
		expected = model_entry(&model.nodes[found->node]);
		expect_body(&expected, sizeof(expected));
	}
}

static void check_getattr(void)
{
	const struct model_node *node = any_node();
	struct abi_getattr_request asked = {.handle = random_next(&random_state)};
	struct abi_getattr_reply expected = {
		.attributes_valid = 1ull << 32,
		.attributes = node->attributes,
	};

	ask(OP_GETATTR, node->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	expect_body(&expected, sizeof(expected));
}

static void check_readlink(void)
{
	const struct model_node *node = chance(70) ? node_of(S_IFLNK) : any_node();

	ask(OP_READLINK, node->nodeid, SPAN_EMPTY, SPAN_EMPTY);
	if (S_ISLNK(node->attributes.mode))
		expect_body(node->content.data, node->content.size);
	else
		expect_error(-EINVAL);
}

static uint32_t some_size(void)
{
	static const uint32_t sizes[] = {0, 60, 200, 400, 1000, 4096, 4096, 32768};

	if (chance(1))
		return chance(50) ? UINT32_MAX : REPLY_READ_MAX;
	return sizes[below(8)] + (chance(50) ? 0 : below(200));
}

static size_t limit_of(uint32_t size)
{
	return size < now.capacity ? size : now.capacity;
}

static void check_readdir(void)
{
	const struct model_node *dir = chance(95) ? node_of(S_IFDIR) : any_node();
	uint32_t opcode = chance(50) ? OP_READDIR : OP_READDIRPLUS;
	struct abi_read_request asked = {.size = some_size(), .handle = random_next(&random_state)};
	uint32_t index = chance(30) ? 0 : below(dir->entry_count + 1);
	bool is_between = chance(5);
	size_t size;

	if (!S_ISDIR(dir->attributes.mode)) {
		ask(opcode, dir->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
		expect_error(-ENOTDIR);
		return;
	}
	asked.offset = index ? dir->entries[index - 1].next : 0;
	asked.offset += is_between;
	ask(opcode, dir->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	if (is_between && asked.offset < dir->attributes.size) {
		expect_error(-EINVAL);
		return;
	}
	size = model_list(&model, dir, index, opcode == OP_READDIRPLUS, limit_of(asked.size),
			  expected_room);
	expect_body(expected_room, size);
}

static struct span some_key(const struct model_node *node, uint8_t *room)
{
	static const char *const keys[] = {
		"user.a",
		"trusted.overlay.opaque",
		"trusted.overlay.overlay.opaque",
		"user.overlay.opaque",
		"user.overlay.overlay.opaque",
		"trusted.overlay.metacopy",
		"user.overlay.redirect",
		"lustre.a",
		"odda",
		"user.",
		"system.posix_acl_access",
		"system.posix_acl_default",
		"system.posix_acl_accessory",
	};
	struct span key = span_of_string(keys[below(13)]);

	if (node->xattr_count && chance(70))
		key = node->xattrs[below(node->xattr_count)].name;
	memcpy(room, key.data, key.size);
	if (chance(10))
		room[below((uint32_t)key.size)] ^= 1;
	if (chance(1)) {
		memset(room + key.size, 'x', 300);
		key.size += 300;
	}
	return span_of(room, strnlen((const char *)room, key.size));
}

/* The size of what is there, or all of it, or that there was not room enough. */
static void expect_sized(const struct abi_xattr_request *asked, size_t size, const void *bytes)
{
	struct abi_xattr_size_reply expected = {.size = (uint32_t)size};

	if (asked->size == 0)
		expect_body(&expected, sizeof(expected));
	else if (size > limit_of(asked->size))
		expect_error(-ERANGE);
	else if (bytes)
		expect_body(bytes, size);
	else
		agree(now.error == 0 && now.body.size == size);
}

static void check_getxattr(void)
{
	const struct model_node *node = any_node();
	uint8_t room[700], end_room[701];
	struct span key = some_key(node, room);
	const struct model_xattr *xattr = model_xattr(node, key);
	struct abi_xattr_request asked = {.size = chance(20) ? 0 : some_size()};

	if (key.size == 0)
		return;
	if (xattr && chance(30))
		asked.size = (uint32_t)xattr->value.size + 1 - below(2);
	ask(OP_GETXATTR, node->nodeid, ARGUMENTS(asked), with_end(key, end_room));
	if (key.size > XATTR_KEY_SIZE_MAX) /* shown, perhaps, but nobody can ask for it */
		expect_error(-ENODATA);
	else if (!model_knows(&model, key))
		expect_error(-EOPNOTSUPP);
	else if (!xattr)
		expect_error(-ENODATA);
	else
		expect_sized(&asked, xattr->value.size, xattr->value.data);
}

static bool is_listed(const struct model_xattr *xattr, uint32_t uid)
{
	if (model.kind != VIEW_STANDALONE ||
	    !span_starts_with(xattr->name, SPAN_LITERAL("trusted.")))
		return true;
	return sees_trusted && (uid == 0 || uid == UINT32_MAX);
}

/* Each name once; in which order is the image's own business. */
static void expect_names(const struct model_node *node, uint32_t uid)
{
	uint32_t left = 0;
	size_t at = 0;

	for (uint32_t i = 0; i < node->xattr_count; i++)
		left += is_listed(&node->xattrs[i], uid);
	while (at < now.body.size) {
		size_t size = strnlen((const char *)now.body.data + at, now.body.size - at);
		const struct model_xattr *xattr =
			model_xattr(node, span_of(now.body.data + at, size));

		agree(size < now.body.size - at && xattr && is_listed(xattr, uid));
		for (size_t other = 0; other < at;
		     other += strlen((const char *)now.body.data + other) + 1)
			agree(strcmp((const char *)now.body.data + other,
				     (const char *)now.body.data + at) != 0);
		at += size + 1;
		left--;
	}
	agree(left == 0);
}

static void check_listxattr(void)
{
	static const uint32_t uids[] = {0, UINT32_MAX, 1000};
	const struct model_node *node = any_node();
	struct abi_xattr_request asked = {.size = chance(30) ? 0 : some_size()};
	uint32_t uid = uids[below(3)];
	size_t size = 0;

	for (uint32_t i = 0; i < node->xattr_count; i++)
		size += is_listed(&node->xattrs[i], uid) ? node->xattrs[i].name.size + 1 : 0;
	if (chance(30))
		asked.size = (uint32_t)size + 1 - below(2);
	ask_as(uid, OP_LISTXATTR, node->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	expect_sized(&asked, size, NULL);
	if (asked.size && now.error == 0)
		expect_names(node, uid);
}

/* What READ, OPEN and LSEEK say of what is no regular file; 0 for one. */
static int error_of_kind(const struct model_node *node)
{
	if (S_ISDIR(node->attributes.mode))
		return -EISDIR;
	return S_ISREG(node->attributes.mode) ? 0 : -EINVAL;
}

/* Why an external file cannot be read; 0 when it can. */
static int error_of_external(const struct model_node *node)
{
	if (!node->is_external)
		return 0;
	if (model.kind != VIEW_STANDALONE)
		return -EIO;
	return node->object == MODEL_NO_OBJECT ? node->error : 0;
}

static const struct model_node *some_file(void)
{
	if (opened_count && chance(30))
		return &model.nodes[opened[below(opened_count)]];
	return chance(90) ? node_of(S_IFREG) : any_node();
}

static void expect_content(const struct model_node *node, uint64_t offset, size_t limit)
{
	uint64_t size = node->attributes.size;
	size_t count = offset < size ? (size_t)(size - offset) : 0;

	if (count > limit)
		count = limit;
	if (!node->is_external) {
		expect_body(count ? node->content.data + offset : NULL, count);
		return;
	}
	agree(now.error == 0 && now.body.size == count);
	for (size_t i = 0; i < count; i++)
		expected_room[i] = random_object_byte(node->object, offset + i);
	expect_body(expected_room, count);
}

static void check_read(void)
{
	const struct model_node *node = some_file();
	struct abi_read_request asked = {.size = some_size(), .handle = random_next(&random_state)};
	int error = error_of_kind(node);

	asked.offset = chance(50) ? 0 : below((uint32_t)node->attributes.size + 10);
	if (chance(2))
		asked.offset = random_next(&random_state);
	ask(OP_READ, node->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	/* Nothing to read is found out without the object. */
	if (!error && (model.kind != VIEW_STANDALONE ||
		       (asked.offset < node->attributes.size && limit_of(asked.size) > 0)))
		error = error_of_external(node);
	if (asked.offset > INT64_MAX)
		expect_error(-EINVAL);
	else if (error)
		expect_error(error);
	else
		expect_content(node, asked.offset, limit_of(asked.size));
}

static void release(uint32_t index)
{
	struct abi_release_request asked = {.handle = random_next(&random_state)};

	ask(OP_RELEASE, model.nodes[opened[index]].nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	expect_body(NULL, 0);
	opened[index] = opened[--opened_count];
}

static void check_open(void)
{
	const struct model_node *node = chance(90) ? node_of(S_IFREG) : any_node();
	struct abi_open_request asked = {.flags = O_RDONLY | O_CLOEXEC};
	int error = error_of_kind(node);
	struct abi_open_reply answer;

	if (chance(5))
		asked.flags = chance(50) ? O_WRONLY : O_RDWR;
	if (opened_count == OPEN_MAX_COUNT)
		release(below(OPEN_MAX_COUNT));
	ask(OP_OPEN, node->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	if (!error)
		error = error_of_external(node);
	if (model.kind != VIEW_STANDALONE) {
		expect_error(-ENOSYS);
		return;
	}
	if (asked.flags & O_ACCMODE)
		error = -EROFS;
	if (error) {
		expect_error(error);
		return;
	}
	agree(now.error == 0 && now.body.size == sizeof(answer));
	memcpy(&answer, now.body.data, sizeof(answer));
	agree(answer.open_flags == OPEN_REPLY_KEEP_CACHE && answer.backing_id == 0);
	opened[opened_count++] = (uint32_t)(node - model.nodes);
}

static void check_release(void)
{
	struct abi_release_request asked = {.handle = random_next(&random_state) | 1ull << 63};

	if (opened_count && chance(70)) {
		release(below(opened_count));
		return;
	}
	ask(OP_RELEASE, any_node()->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	expect_body(NULL, 0);
}

static void check_lseek(void)
{
	const struct model_node *node = some_file();
	struct abi_lseek_request asked = {.handle = random_next(&random_state),
					  .whence = SEEK_DATA};
	struct abi_lseek_reply expected;
	int error = error_of_kind(node);

	asked.offset = below((uint32_t)node->attributes.size + 10);
	if (chance(50))
		asked.whence = chance(90) ? SEEK_HOLE : below(3);
	ask(OP_LSEEK, node->nodeid, ARGUMENTS(asked), SPAN_EMPTY);
	if (asked.whence != SEEK_DATA && asked.whence != SEEK_HOLE)
		error = -EINVAL;
	if (!error && asked.offset >= node->attributes.size)
		error = -ENXIO;
	if (!error)
		error = error_of_external(node);
	if (error) {
		expect_error(error);
		return;
	}
	expected.offset = asked.whence == SEEK_DATA ? asked.offset : node->attributes.size;
	expect_body(&expected, sizeof(expected));
}

static void check_statfs(void)
{
	struct abi_statfs_reply expected = {
		.blocks = image_bytes.size / 4096,
		.files = model.inode_count,
		.block_size = 4096,
		.fragment_size = 4096,
		.name_max = 255,
	};

	ask(OP_STATFS, any_node()->nodeid, SPAN_EMPTY, SPAN_EMPTY);
	expect_body(&expected, sizeof(expected));
}

/* Opcodes that have the same answer whatever is asked. */
static void check_standing(void)
{
	static const struct {
		uint32_t opcode;
		int error;
	} rows[] = {
		{OP_SETATTR, -EROFS},   {OP_SYMLINK, -EROFS},
		{OP_MKNOD, -EROFS},     {OP_MKDIR, -EROFS},
		{OP_UNLINK, -EROFS},    {OP_RMDIR, -EROFS},
		{OP_RENAME, -EROFS},    {OP_RENAME2, -EROFS},
		{OP_LINK, -EROFS},      {OP_WRITE, -EROFS},
		{OP_SETXATTR, -EROFS},  {OP_REMOVEXATTR, -EROFS},
		{OP_CREATE, -EROFS},    {OP_TMPFILE, -EROFS},
		{OP_FALLOCATE, -EROFS}, {OP_COPY_FILE_RANGE, -EROFS},
		{OP_IOCTL, -ENOTTY},    {OP_OPENDIR, -ENOSYS},
		{OP_ACCESS, -ENOSYS},   {OP_FLUSH, -ENOSYS},
		{OP_FSYNC, -ENOSYS},    {OP_STATX, -ENOSYS},
		{OP_RELEASEDIR, 0},     {OP_INIT, -EIO}, /* there was one */
		{OP_COUNT, -ENOSYS},    {0, -ENOSYS},
		{UINT32_MAX, -ENOSYS},
	};
	uint32_t row = below(sizeof(rows) / sizeof(rows[0]));
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)below(256);
	ask(rows[row].opcode, any_node()->nodeid, span_of(bytes, below(64)), SPAN_EMPTY);
	expect_error(rows[row].error);
	agree(now.body.size == 0);
}

static void check_silent(void)
{
	static const uint32_t opcodes[] = {OP_FORGET, OP_BATCH_FORGET, OP_INTERRUPT,
					   OP_NOTIFY_REPLY};
	static const uint8_t bytes[32];

	ask(opcodes[below(4)], any_node()->nodeid, span_of(bytes, below(32)), SPAN_EMPTY);
	agree(now.result == DISPATCH_SILENT);
}

/* A nodeid that never was: 0, the one that the root would have, and from behind the image. */
static void check_stale(void)
{
	static const uint32_t opcodes[] = {OP_LOOKUP, OP_GETATTR, OP_READLINK, OP_READDIRPLUS,
					   OP_READ,   OP_LSEEK,   OP_GETXATTR, OP_LISTXATTR};
	uint64_t nodeid = chance(50) ? 0 : model.nodes[0].attributes.ino + NODEID_OFFSET;
	struct abi_xattr_request xattr = {.size = 100};
	uint32_t opcode = opcodes[below(8)];
	uint8_t bytes[40] = {0};
	bool is_far = chance(30);

	bytes[16] = SEEK_DATA; /* READ: the size; LSEEK: whence */
	if (is_far)
		nodeid = image_bytes.size / 32 + random_next(&random_state) % (1ull << 60);
	if (opcode == OP_GETXATTR)
		ask(opcode, nodeid, ARGUMENTS(xattr), SPAN_LITERAL("user.a\0"));
	else if (opcode == OP_LOOKUP)
		ask(opcode, nodeid, SPAN_EMPTY, SPAN_LITERAL("a\0"));
	else
		ask(opcode, nodeid, span_of(bytes, sizeof(bytes)), SPAN_EMPTY);
	if (is_far)
		agree(now.error == -EUCLEAN);
	else
		expect_error(-ESTALE);
}

/* Less than the opcode wants, or a name that does not end. */
static void check_malformed(void)
{
	static const struct {
		uint32_t opcode;
		uint32_t size;
	} rows[] = {{OP_READ, 40},     {OP_READDIR, 40}, {OP_READDIRPLUS, 40}, {OP_GETXATTR, 8},
		    {OP_LISTXATTR, 8}, {OP_LSEEK, 24},   {OP_RELEASE, 24},     {OP_LOOKUP, 1}};
	static const uint8_t zeros[40];
	uint32_t row = below(8), size = below(rows[row].size);
	struct abi_xattr_request xattr = {.size = 4};

	if (chance(80))
		ask(rows[row].opcode, any_node()->nodeid, span_of(zeros, size), SPAN_EMPTY);
	else if (chance(50))
		ask(OP_LOOKUP, any_node()->nodeid, SPAN_EMPTY, SPAN_LITERAL("endless"));
	else
		ask(OP_GETXATTR, any_node()->nodeid, ARGUMENTS(xattr), SPAN_LITERAL("user.a"));
	expect_error(-EINVAL);
}

/* Anything at all, of which the model knows nothing: but every form has the same answer. */
static void check_wild(void)
{
	static uint8_t first_body[REPLY_READ_MAX];
	uint32_t opcode = below(OP_COUNT);
	uint64_t nodeid = below((uint32_t)(image_bytes.size / 32));
	uint8_t bytes[48];
	struct span arguments = {bytes, 8}, names = SPAN_EMPTY;
	size_t first_size = 0;
	int first_error = 0;

	if (opcode == OP_OPEN)
		return; /* its answer depends on those before */
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(chance(60) ? 0 : below(256));
	arguments.size = request_argument_size(opcode);
	if (arguments.size > sizeof(bytes))
		arguments.size = 40;
	else
		names = span_of(bytes + arguments.size, sizeof(bytes) - arguments.size);
	for (unsigned int form = 0; form < 4; form++) {
		now.is_flat = form & 1;
		now.is_whole = form & 2;
		ask_form(opcode, nodeid, 0, arguments, names, CAPACITIES - 1);
		if (form == 0) {
			first_error = now.error;
			first_size = now.body.size;
			if (first_size)
				memcpy(first_body, now.body.data, first_size);
			continue;
		}
		agree(now.error == first_error && now.body.size == first_size);
		agree(first_size == 0 || memcmp(now.body.data, first_body, first_size) == 0);
	}
}

static void check_any(void)
{
	static const struct {
		uint32_t weight;
		void (*check)(void);
	} checks[] = {
		{25, check_lookup},  {8, check_getattr},   {5, check_readlink},
		{12, check_readdir}, {10, check_getxattr}, {8, check_listxattr},
		{12, check_read},    {5, check_open},      {4, check_release},
		{4, check_lseek},    {1, check_statfs},    {2, check_standing},
		{1, check_silent},   {1, check_stale},     {1, check_malformed},
		{1, check_wild},
	};
	uint32_t pick = below(100);
	size_t i = 0;

	while (pick >= checks[i].weight)
		pick -= checks[i++].weight;
	checks[i].check();
}

/* Trees */

static int sink(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static struct tree *tree_write(uint32_t *ret_version)
{
	struct erofs_version_range versions = {.min = below(2), .max = 1};
	struct tree *tree = random_tree(&random_state);
	struct erofs_written written;
	struct diag why = {0};

	if (versions.min == 0)
		versions.max = below(2);
	assert_ok(erofs_write(tree, versions, sink, &image_bytes, &written, &why), &why);
	assert_ok(image_open(buf_span(&image_bytes), &image, &why), &why);
	*ret_version = written.version;
	return tree;
}

static void view_make(enum view_kind kind)
{
	struct view_config config = {
		.kind = kind,
		.image = &image,
		.object_fds = &objects_fd,
		.object_fd_count = 1,
		.always_opens = true,
	};
	struct diag why = {0};

	assert_ok(view_new(&config, &view, &why), &why);
	connection = (struct connection){
		.config = {.handlers = view_handlers(view),
			   .fs = view,
			   .opens_files = kind == VIEW_STANDALONE},
		.is_negotiated = true,
	};
}

static size_t descriptors_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/* A tree of its own, about which up to count requests are sent; returns how many. */
static uint64_t check_tree(enum view_kind kind, uint64_t count)
{
	size_t descriptors = descriptors_count();
	struct tree *tree;
	uint32_t version;

	random_state.state = tree_seed;
	now.count = 0;
	tree = tree_write(&version);
	model_make(&model, tree, version, kind);
	view_make(kind);
	learn();
	while (now.count < count)
		check_any();
	while (opened_count)
		release(0);
	assert_true(descriptors_count() <= descriptors + RECENT_SETS * RECENT_WAYS);
	view_free(view);
	assert_int_equal(descriptors, descriptors_count());
	model_release(&model);
	tree_free(tree);
	buf_release(&image_bytes);
	free(known);
	return now.count;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void check_kind(enum view_kind kind)
{
	uint64_t count = number_from("LAMINA_MODEL_REQUESTS", REQUESTS_DEFAULT), done = 0;

	tree_seed = number_from("LAMINA_MODEL_SEED", 1);
	for (; done < count; tree_seed++)
		done += check_tree(kind, REQUESTS_PER_TREE);
	print_message("# %llu requests, %u trees\n", (unsigned long long)done,
		      (unsigned int)(tree_seed - number_from("LAMINA_MODEL_SEED", 1)));
}

static void metadata_for_users_is_what_the_model_says(void **state)
{
	(void)state;
	check_kind(VIEW_METADATA_USER);
}

static void metadata_for_root_is_what_the_model_says(void **state)
{
	(void)state;
	check_kind(VIEW_METADATA_TRUSTED);
}

static void standalone_is_what_the_model_says(void **state)
{
	(void)state;
	check_kind(VIEW_STANDALONE);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int set_up(void **state)
{
	struct stat st;

	(void)state;
	(void)snprintf(objects_dir, sizeof(objects_dir), "/tmp/lamina-model-XXXXXX");
	if (!mkdtemp(objects_dir))
		return -1;
	objects_fd = open(objects_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	random_objects_make(objects_fd);
	request_room = malloc(REQUEST_ROOM);
	argument_room = malloc(REQUEST_ROOM);
	for (size_t i = 0; i < CAPACITIES; i++)
		buffers[i] = malloc(capacities[i]);
	sees_trusted = stat("/proc/self/ns/user", &st) == 0 && st.st_ino == INITIAL_USERNS_INO;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fd_closep(&objects_fd);
	free(request_room);
	free(argument_room);
	for (size_t i = 0; i < CAPACITIES; i++)
		free(buffers[i]);
	return nftw(objects_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata_for_users_is_what_the_model_says),
		cmocka_unit_test(metadata_for_root_is_what_the_model_says),
		cmocka_unit_test(standalone_is_what_the_model_says),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/subid_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/library.h"
#include "base/limits.h"
#include "base/trace.h"
#include "mount/subids.h"

#define NSSWITCH_PATH "/etc/nsswitch.conf"
#define KEY "subid:" /* at the start of a line, in any case: shadow, lib/nss.c, nss_init() */

/* subid.h, struct subid_range. */
struct library_range {
	unsigned long start;
	unsigned long count;
};

/* subid.h, subid_get_uid_ranges(): how many, or less than 0; *ret is the caller's to free(3). */
typedef int (*get_ranges)(const char *owner, struct library_range **ret);

/* subid.h, subid_init(): without a stream, nothing is printed. */
typedef bool (*init)(const char *program, FILE *log);

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

/* The first source that a line names; empty where it names none. */
static struct span line_source(struct span line)
{
	size_t at = sizeof(KEY) - 1, end;

	if (line.size < at || strncasecmp((const char *)line.data, KEY, at) != 0)
		return SPAN_EMPTY;
	while (at < line.size && is_blank(line.data[at]))
		at++;
	for (end = at; end < line.size && !is_blank(line.data[end]);)
		end++;
	return span_of(line.data + at, end - at);
}

bool subid_source_is_library(struct span nsswitch)
{
	while (nsswitch.size > 0) {
		const uint8_t *newline = memchr(nsswitch.data, '\n', nsswitch.size);
		size_t size = newline ? (size_t)(newline - nsswitch.data) : nsswitch.size;
		struct span source = line_source(span_of(nsswitch.data, size));

		if (source.size > 0)
			return !span_equal(source, SPAN_LITERAL("files"));
		(void)span_from(nsswitch, newline ? size + 1 : size, &nsswitch);
	}
	return false;
}

/* Without a file that can be read, there are the defaults. */
static bool asks_library(void)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, NSSWITCH_PATH, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CLEAN(buf_release) struct buf text = {0};

	return fd >= 0 && fd_read_all(fd, NSSWITCH_SIZE_MAX, &text) == 0 &&
	       subid_source_is_library(buf_span(&text));
}

static get_ranges get_uids, get_gids; /* immutable once loaded, as the next */
static init be_silent;

static const struct library_symbol symbols[] = {
	{"subid_get_uid_ranges", &get_uids},
	{"subid_get_gid_ranges", &get_gids},
	{"subid_init", &be_silent},
};

static int start(struct diag *why)
{
	(void)why;
	(void)be_silent("lamina", NULL);
	return 0;
}

static struct library library = {LIBRARY("libsubid.so.5", symbols), .older_file = "libsubid.so.4",
				 .start = start};

static int library_read(enum subid_kind kind, const char *owner, struct subids *ret,
			struct diag *why)
{
	CLEAN(memory_freep) struct library_range *ranges = NULL;
	struct subids ids = {0};
	int r = library_want(&library, why), count;

	if (r < 0)
		return diag_wrap(why, r, NSSWITCH_PATH " says where subordinate ids are");
	count = (kind == SUBID_UIDS ? get_uids : get_gids)(owner, &ranges);
	TRACE("mount", "libsubid: %d ranges of %s", count, owner);
	for (int i = 0; ranges && i < count && r == 0; i++)
		r = subids_add(&ids, ranges[i].start, ranges[i].count, why);
	if (r == 0)
		*ret = ids;
	return r;
}

int subid_source_read(enum subid_kind kind, const char *name, uid_t uid, struct subids *ret,
		      struct diag *why)
{
	const char *path = kind == SUBID_UIDS ? SUBIDS_UIDS_PATH : SUBIDS_GIDS_PATH;
	char number[16];

	if (!asks_library())
		return subids_read(path, name, uid, ret, why);
	(void)snprintf(number, sizeof(number), "%u", uid);
	return library_read(kind, name ? name : number, ret, why);
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "mount/path.h"

static int line_malformed(struct diag *why, const char *what)
{
	return diag_set(why, -EUCLEAN, "mountinfo: %s", what);
}

/* The text up to the next separator, which is cut off too; the last field ends with the line. */
static bool field_next(struct span *line, char separator, struct span *ret)
{
	const uint8_t *end;
	size_t size;

	if (!line->data)
		return false;
	end = line->size ? memchr(line->data, separator, line->size) : NULL;
	size = end ? (size_t)(end - line->data) : line->size;
	*ret = span_of(line->data, size);
	*line = end ? span_of(end + 1, line->size - size - 1) : SPAN_EMPTY;
	return true;
}

static bool number_parse(struct span text, uint32_t *ret)
{
	uint64_t value = 0;

	if (text.size == 0 || text.size > 10)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	}
	if (value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool number_next(struct span *line, char separator, uint32_t *ret)
{
	struct span field;

	return field_next(line, separator, &field) && number_parse(field, ret);
}

/* \ooo, as mangle() of the kernel writes it: three octal digits, not NUL. */
static bool escape_parse(struct span text, size_t offset, uint8_t *ret)
{
	unsigned int value = 0;
	struct span digits;

	if (!span_cut(text, offset, 4, &digits))
		return false;
	for (size_t i = 1; i < 4; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '7')
			return false;
		value = value * 8 + (unsigned int)(digits.data[i] - '0');
	}
	if (value == 0 || value > 255)
		return false;
	*ret = (uint8_t)value;
	return true;
}

enum decode { DECODE_STRICT, DECODE_LENIENT };

/* Decode field to *text, with a NUL; decoding never grows. *text moves behind it. */
static bool field_decode(struct span field, enum decode decode, char **text, const char **ret)
{
	char *start = *text, *out = start;

	for (size_t i = 0; i < field.size; i++) {
		uint8_t byte = field.data[i];

		if (byte == '\0')
			return false;
		if (byte == '\\') {
			if (escape_parse(field, i, &byte))
				i += 3;
			else if (decode == DECODE_STRICT)
				return false;
		}
		*out++ = (char)byte;
	}
	*out = '\0';
	*text = out + 1;
	*ret = start;
	return true;
}

static bool string_next(struct span *line, char **text, const char **ret)
{
	struct span field;

	return field_next(line, ' ', &field) && field_decode(field, DECODE_STRICT, text, ret);
}

/* Tags such as shared:N, any number of them, up to the lone "-". */
static bool tags_skip(struct span *line)
{
	struct span field;

	while (field_next(line, ' ', &field)) {
		if (span_equal(field, SPAN_LITERAL("-")))
			return true;
	}
	return false;
}

int mount_entry_parse(struct span line, struct mount_entry *ret, struct diag *why)
{
	CLEAN(memory_freep) char *text = NULL;
	struct mount_entry entry = {0};
	struct span rest = line;
	char *out;

	if (!number_next(&rest, ' ', &entry.id) || !number_next(&rest, ' ', &entry.parent_id) ||
	    !number_next(&rest, ':', &entry.major) || !number_next(&rest, ' ', &entry.minor))
		return line_malformed(why, "the line does not begin with two ids and a device");
	text = malloc(line.size + 1); /* each of six fields needs a NUL, and had a separator */
	if (!text)
		return -ENOMEM;
	out = text;
	if (!string_next(&rest, &out, &entry.root) || !string_next(&rest, &out, &entry.target) ||
	    !string_next(&rest, &out, &entry.options))
		return line_malformed(why, "no root, target or options");
	if (!tags_skip(&rest))
		return line_malformed(why, "no separator");
	/* Super options are all that remains: not every file system escapes what it prints there.
	 */
	if (!string_next(&rest, &out, &entry.type) || !string_next(&rest, &out, &entry.source) ||
	    !rest.data || !field_decode(rest, DECODE_LENIENT, &out, &entry.super_options))
		return line_malformed(why, "no type, source or superblock options");
	entry.text = TAKE(text);
	*ret = entry;
	return 0;
}

void mount_entry_release(struct mount_entry *entry)
{
	int saved = errno;

	free(entry->text);
	*entry = (struct mount_entry){0};
	errno = saved;
}

/* A whole file of /proc, as text. */
static int proc_read(const char *path, struct buf *ret, struct diag *why)
{
	CLEAN(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return diag_errno(why, -EOPNOTSUPP, "cannot open %s (is /proc mounted?)", path);
	r = fd_read_all(fd, MOUNTINFO_SIZE_MAX, ret);
	return r < 0 ? diag_errno(why, r, "cannot read %s", path) : 0;
}

/* The mount id of fd, from the line "mnt_id:" of its fdinfo: statx() would ask the file system. */
int mount_id_of(int fd, uint32_t *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	struct span rest, line, key = SPAN_LITERAL("mnt_id:\t");
	char path[40];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	r = proc_read(path, &text, why);
	if (r < 0)
		return r;
	rest = buf_span(&text);
	while (field_next(&rest, '\n', &line)) {
		struct span value;

		if (span_starts_with(line, key) && span_from(line, key.size, &value) &&
		    number_parse(value, ret))
			return 0;
	}
	return diag_set(why, -EOPNOTSUPP, "no mount id in %s", path);
}

int mount_entry_by_id(const char *process, uint32_t id, struct mount_entry *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	struct span rest, line;
	char path[40];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
	r = proc_read(path, &text, why);
	if (r < 0)
		return r;
	rest = buf_span(&text);
	while (field_next(&rest, '\n', &line)) {
		struct span tail = line;
		uint32_t line_id;

		/* One line that we cannot read must not hide the others. */
		if (number_next(&tail, ' ', &line_id) && line_id == id)
			return mount_entry_parse(line, ret, why);
	}
	return diag_set(why, -ENOENT, "not on a mount of this mount namespace");
}

int mount_entry_of(int fd, struct mount_entry *ret, struct diag *why)
{
	uint32_t id = 0;
	int r;

	r = mount_id_of(fd, &id, why);
	return r < 0 ? r : mount_entry_by_id("self", id, ret, why);
}

int mount_count_of_device(uint32_t major, uint32_t minor, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	struct span rest, line;
	int count = 0, r;

	r = proc_read("/proc/self/mountinfo", &text, why);
	if (r < 0)
		return r;
	rest = buf_span(&text);
	while (field_next(&rest, '\n', &line)) {
		uint32_t id, parent, line_major, line_minor;

		if (number_next(&line, ' ', &id) && number_next(&line, ' ', &parent) &&
		    number_next(&line, ':', &line_major) && number_next(&line, ' ', &line_minor) &&
		    line_major == major && line_minor == minor)
			count++;
	}
	return count;
}

int mount_entry_at(const char *path, struct mount_entry *ret, struct diag *why)
{
	CLEAN(mount_entry_release) struct mount_entry entry = {0};
	CLEAN(memory_freep) char *location = NULL;
	CLEAN(fd_closep) int fd = open(path, O_PATH | O_CLOEXEC);
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "cannot open the path");
	r = fd_location(fd, &location, why);
	if (r < 0)
		return r;
	r = mount_entry_of(fd, &entry, why);
	if (r < 0)
		return r;
	if (strcmp(location, entry.target) != 0)
		return diag_set(why, -EINVAL, "not a mount point");
	*ret = entry;
	entry.text = NULL; /* handed over */
	return 0;
}

int mount_is_attached(int fd, struct diag *why)
{
	CLEAN(mount_entry_release) struct mount_entry entry = {0};
	struct diag unread = {0};
	int r;

	r = mount_entry_of(fd, &entry, &unread);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? diag_set(why, r, "%s", diag_text(&unread, r)) : 1;
}

bool mount_entry_is_ours(const struct mount_entry *entry)
{
	struct span source = span_of_string(entry->source);

	if (strcmp(entry->type, "fuse." MOUNT_FUSE_SUBTYPE) == 0)
		return true;
	return (strcmp(entry->type, "overlay") == 0 || strcmp(entry->type, "erofs") == 0) &&
	       span_starts_with(source, SPAN_LITERAL(MOUNT_SOURCE_PREFIX));
}

/* The option is a word of show_mnt_opts(), Linux 5.12. */
bool mount_entry_is_idmapped(const struct mount_entry *entry)
{
	struct span rest = span_of_string(entry->options), word;

	while (field_next(&rest, ',', &word)) {
		if (span_equal(word, SPAN_LITERAL("idmapped")))
			return true;
	}
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/context.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/trace.h"

/* fsconfig(2): a string is copied with its NUL into 256 bytes. */
#define CONTEXT_STRING_MAX 255

struct messages {
	char text[384]; /* leaves room in struct diag for who and errno */
	size_t size;
};

/* Without "e overlay: " in front; what is not printable might be from a hostile option. */
static void messages_add(struct messages *all, const char *type, char *line)
{
	size_t type_size = strlen(type);

	if (line[0] && line[1] == ' ')
		line += 2;
	if (strncmp(line, type, type_size) == 0 && strncmp(line + type_size, ": ", 2) == 0)
		line += type_size + 2;
	for (char *c = line; *c; c++) {
		if (!isprint((unsigned char)*c))
			*c = *c == '\n' ? ' ' : '?';
	}
	while (*line && line[strlen(line) - 1] == ' ')
		line[strlen(line) - 1] = '\0';
	if (all->size < sizeof(all->text))
		all->size += (size_t)snprintf(all->text + all->size, sizeof(all->text) - all->size,
					      "%s%s", all->size ? "; " : "", line);
}

/* Take what the kernel wrote into the context: one message per read(), ENODATA at the end. */
static void messages_read(const struct mount_context *context, struct messages *ret)
{
	char line[1024];

	ret->text[0] = '\0';
	ret->size = 0;
	for (;;) {
		ssize_t size = read(context->fd, line, sizeof(line) - 1);

		if (size < 0 && (errno == EINTR || errno == EMSGSIZE))
			continue; /* too long a message is gone, the next ones are not */
		if (size <= 0)
			return;
		line[size] = '\0';
		messages_add(ret, context->type, line);
	}
}

/* "type: what: the kernel's messages: errno"; unsaid takes the place of messages where there are
 * none. */
static int context_failed(const struct mount_context *context, int err, const char *what,
			  const char *unsaid, struct diag *why)
{
	struct messages messages;

	messages_read(context, &messages);
	if (messages.size)
		return diag_errno(why, err, "%s: %s: %s", context->type, what, messages.text);
	return diag_errno(why, err, "%s: %s%s", context->type, what, unsaid);
}

int context_open(struct mount_context *context, const char *type, struct diag *why)
{
	int fd = fsopen(type, FSOPEN_CLOEXEC);

	if (fd >= 0) {
		*context = (struct mount_context){.fd = fd, .type = type};
		return 0;
	}
	switch (errno) {
	case ENOSYS:
		return diag_set(why, -EOPNOTSUPP, "%s: no fsopen() here (Linux 5.2)", type);
	case ENODEV:
		return diag_set(why, -EOPNOTSUPP, "%s: the kernel has no such file system", type);
	case EPERM:
		return diag_set(why, -EPERM,
				"%s: mounting needs CAP_SYS_ADMIN in the user namespace that owns "
				"the mount namespace",
				type);
	default:
		return diag_errno(why, -errno, "%s: fsopen()", type);
	}
}

void context_close(struct mount_context *context)
{
	fd_closep(&context->fd);
}

int context_flag(struct mount_context *context, const char *key, struct diag *why)
{
	if (fsconfig(context->fd, FSCONFIG_SET_FLAG, key, NULL, 0) < 0)
		return context_failed(context, -errno, key, "", why);
	return 0;
}

int context_string(struct mount_context *context, const char *key, const char *value,
		   struct diag *why)
{
	if (strlen(value) > CONTEXT_STRING_MAX)
		return diag_set(why, -E2BIG, "%s: %s: the value has %zu bytes, at most %d fit",
				context->type, key, strlen(value), CONTEXT_STRING_MAX);
	if (fsconfig(context->fd, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return context_failed(context, -errno, key, "", why);
	return 0;
}

int context_number(struct mount_context *context, const char *key, uint64_t value, struct diag *why)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return context_string(context, key, text, why);
}

int context_fd(struct mount_context *context, const char *key, int fd, struct diag *why)
{
	if (fsconfig(context->fd, FSCONFIG_SET_FD, key, NULL, fd) < 0)
		return context_failed(context, -errno, key, "", why);
	return 0;
}

int context_create(struct mount_context *context, struct diag *why)
{
	struct messages messages;

	if (fsconfig(context->fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_failed(context, -errno, "cannot create the superblock",
				      " (the kernel's log may say more)", why);
	if (trace_is_on("mount")) {
		messages_read(context, &messages);
		TRACE("mount", "%s: created %s", context->type, messages.text);
	}
	return 0;
}

int context_mount(struct mount_context *context, uint64_t attributes, struct diag *why)
{
	int fd = fsmount(context->fd, FSMOUNT_CLOEXEC, (unsigned int)attributes);

	if (fd < 0)
		return context_failed(context, -errno, "fsmount()", "", why);
	return fd;
}

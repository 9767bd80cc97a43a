/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * init.c - which protocol, and which of its options
 *
 * Not asked for, though offered: READDIRPLUS_AUTO (only the first batch of a directory carries
 * attributes then, and a walk looks up every other file by itself), SPLICE_* (replies come from
 * memory), WRITEBACK_CACHE, locks and HANDLE_KILLPRIV (nobody writes).
 */
#include <errno.h>
#include <unistd.h>

#include "base/trace.h"
#include "fuse/dispatch.h"

static uint64_t wanted_flags(const struct fuse_config *config)
{
	uint64_t flags = INIT_ASYNC_READ | INIT_EXPORT_SUPPORT | INIT_DO_READDIRPLUS |
			 INIT_PARALLEL_DIROPS | INIT_ABORT_ERROR | INIT_MAX_PAGES |
			 INIT_CACHE_SYMLINKS | INIT_NO_OPENDIR_SUPPORT | INIT_EXT | INIT_HAS_RESEND;

	if (!config->opens_files)
		flags |= INIT_NO_OPEN_SUPPORT;
	if (config->passes_through)
		flags |= INIT_PASSTHROUGH;
	if (config->has_acl)
		flags |= INIT_POSIX_ACL;
	return flags;
}

static bool init_read(const struct request *request, struct abi_init_request *ret)
{
	*ret = (struct abi_init_request){0};
	if (!request_take(request, ret, ABI_INIT_REQUEST_SIZE_MIN))
		return false;
	/* Before 7.36 the request ends there. */
	if (request->parts.arguments.size >= sizeof(*ret))
		(void)request_take(request, ret, sizeof(*ret));
	return true;
}

int answer_init(struct request *request)
{
	struct connection *connection = request->connection;
	struct abi_init_request asked;
	struct abi_init_reply answer = {.major = ABI_MAJOR, .minor = ABI_MINOR};
	uint64_t offered;

	if (connection->is_negotiated || !init_read(request, &asked))
		return -EIO;
	if (asked.major > ABI_MAJOR) /* a newer kernel asks again in our version */
		return reply_copy(request->reply, span_of(&answer, sizeof(answer)));
	connection->kernel_minor = asked.minor;
	if (asked.major < ABI_MAJOR || asked.minor < ABI_MINOR_MIN) {
		connection->is_too_old = true;
		return -EPROTO;
	}
	offered = asked.flags;
	if (offered & INIT_EXT)
		offered |= (uint64_t)asked.flags2 << 32;
	connection->flags = offered & wanted_flags(&connection->config);
	if ((offered & INIT_OVER_IO_URING) && connection->rings_prepare &&
	    connection->rings_prepare(connection->rings_context) == 0)
		connection->flags |= INIT_OVER_IO_URING;
	connection->is_negotiated = true;
	TRACE("fuse", "kernel speaks %u.%u, offers %#llx, gets %#llx", asked.major, asked.minor,
	      (unsigned long long)offered, (unsigned long long)connection->flags);

	if (asked.minor < answer.minor)
		answer.minor = asked.minor;
	answer.max_readahead = asked.max_readahead;
	answer.flags = (uint32_t)connection->flags;
	answer.flags2 = (uint32_t)(connection->flags >> 32);
	answer.max_write = 4096; /* the least the kernel takes; it sizes our request buffer */
	answer.time_gran = 1;
	answer.max_background = connection->config.background_count;
	answer.max_pages = (uint16_t)(REPLY_READ_MAX / sysconf(_SC_PAGESIZE));
	if (connection->flags & INIT_PASSTHROUGH)
		answer.max_stack_depth = 1; /* leaves room for an overlay on top of us */
	return reply_copy(request->reply, span_of(&answer, sizeof(answer)));
}

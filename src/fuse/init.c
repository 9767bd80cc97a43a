/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * init.c - what the kernel and we agree on
 *
 * READDIRPLUS_AUTO is not asked for: with it only the first part of a directory comes with
 * attributes and a walk pays a LOOKUP for each further name.
 */
#include <errno.h>

#include "fuse/session_private.h"

static uint64_t wanted_flags(const struct fuse_config *config)
{
	return ABI_INIT_ASYNC_READ | ABI_INIT_PARALLEL_DIROPS | ABI_INIT_DO_READDIRPLUS |
	       ABI_INIT_CACHE_SYMLINKS | ABI_INIT_MAX_PAGES | ABI_INIT_NO_OPENDIR_SUPPORT |
	       ABI_INIT_EXT | (config->opens_files ? 0 : ABI_INIT_NO_OPEN_SUPPORT) |
	       (config->has_acl ? ABI_INIT_POSIX_ACL : 0);
}

int fuse_init(struct fuse_call *call)
{
	struct fuse_session *session = call->session;
	struct abi_init_in in = {0};
	struct abi_init_out out = {
		.major = ABI_VERSION_MAJOR,
		.minor = ABI_VERSION_MINOR,
		.max_write = 4096, /* the least that is valid; nothing is written */
		.time_gran = 1,
		.max_pages = PAGES_MAX,
	};
	uint64_t flags;
	int r;

	r = call_arguments(call, &in, ABI_INIT_IN_SIZE_MIN);
	if (r < 0)
		return r;
	/* A newer major: the kernel asks again with ours. */
	if (in.major > ABI_VERSION_MAJOR)
		return call_answer(call, &out, sizeof(out));
	if (in.major < ABI_VERSION_MAJOR || in.minor < ABI_VERSION_MINOR_MIN)
		return -EPROTO;
	flags = in.flags;
	if (flags & ABI_INIT_EXT) {
		r = call_arguments(call, &in, sizeof(in));
		if (r < 0)
			return r;
		flags |= (uint64_t)in.flags2 << 32;
	}
	flags &= wanted_flags(&session->config);
	out.max_readahead = in.max_readahead;
	out.flags = (uint32_t)flags;
	out.flags2 = (uint32_t)(flags >> 32);
	session->is_ready = true;
	return call_answer(call, &out, sizeof(out));
}

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/handover.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/diag.h"
#include "base/fd_pass.h"

static int option_get(int socket_fd, int option, int *ret)
{
	socklen_t size = sizeof(*ret);

	return getsockopt(socket_fd, SOL_SOCKET, option, ret, &size) < 0 ? -errno : 0;
}

int handover_check(int socket_fd, struct diag *why)
{
	struct sockaddr_un peer;
	socklen_t size = sizeof(peer);
	int domain = 0, type = 0, r;

	r = option_get(socket_fd, SO_DOMAIN, &domain);
	if (r == 0)
		r = option_get(socket_fd, SO_TYPE, &type);
	if (r == -EBADF)
		return diag_set(why, r, "descriptor %d is not open", socket_fd);
	if (r == -ENOTSOCK)
		return diag_set(why, r, "descriptor %d is not a socket", socket_fd);
	if (r < 0)
		return diag_errno(why, r, "descriptor %d", socket_fd);
	if (domain != AF_UNIX || (type != SOCK_STREAM && type != SOCK_SEQPACKET))
		return diag_set(why, -EPROTOTYPE,
				"descriptor %d is not a UNIX socket of type stream or seqpacket",
				socket_fd);
	if (getpeername(socket_fd, (struct sockaddr *)&peer, &size) < 0)
		return diag_set(why, -ENOTCONN, "descriptor %d is a socket without a connection",
				socket_fd);
	return 0;
}

int handover_send(int socket_fd, int mount_fd, struct diag *why)
{
	int r = fd_pass_send(socket_fd, "", 1, mount_fd);

	switch (r) {
	case 0:
		return 0;
	case -EPIPE:
	case -ECONNRESET:
		return diag_set(why, -EPIPE, "nobody is at the other end of the socket any more");
	case -EAGAIN:
		return diag_set(why, -EAGAIN, "the socket is full, and does not wait");
	default:
		return diag_errno(why, r, "cannot send the mount");
	}
}

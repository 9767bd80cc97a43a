/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * handover.h - a detached mount goes to another process, over a socket
 *
 * The descriptor carries the mount: it is there while anybody holds it, or has attached it, and
 * while it is on its way. A socket that is closed with it still unread takes it along.
 */
#ifndef LAMINA_MOUNT_HANDOVER_H
#define LAMINA_MOUNT_HANDOVER_H

struct diag; /* base/diag.h */

/*
 * Whether a mount can be sent over the descriptor: 0, -EBADF not open, -ENOTSOCK, -EPROTOTYPE not
 * an AF_UNIX stream or seqpacket, or -ENOTCONN.
 */
int handover_check(int socket_fd, struct diag *why);

/*
 * Send the mount as one message: one byte, 0, with one descriptor (SCM_RIGHTS). Both descriptors
 * stay the caller's. Waits while the socket is full, unless it is non-blocking (-EAGAIN). -EPIPE:
 * nobody is there to receive.
 */
int handover_send(int socket_fd, int mount_fd, struct diag *why);

#endif

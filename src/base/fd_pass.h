/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fd_pass.h - descriptors that go over a UNIX socket, with some bytes
 */
#ifndef LAMINA_BASE_FD_PASS_H
#define LAMINA_BASE_FD_PASS_H

#include <stddef.h>
#include <sys/types.h>

/* Send size bytes, all at once, and a descriptor, which stays the caller's (-1: none). 0, -errno.
 */
int fd_pass_send(int socket_fd, const void *data, size_t size, int fd);

/*
 * Receive up to size bytes of one message. *ret_fd is the descriptor that came with them, close on
 * exec and the caller's, or -1. Returns how many bytes, 0 when the other side is gone, -errno.
 */
ssize_t fd_pass_receive(int socket_fd, void *data, size_t size, int *ret_fd);

#endif

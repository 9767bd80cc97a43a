/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * daemon.h - what processes have in common that outlive the command that started them
 */
#ifndef LAMINA_OPS_DAEMON_H
#define LAMINA_OPS_DAEMON_H

#include <stdbool.h>

/* Standard streams to nowhere; stderr only when nobody wants to read it. 0 or -errno. */
int daemon_streams_detach(bool keeps_stderr);

#endif

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * program.h - programs of others that are to be run
 */
#ifndef LAMINA_BASE_PROGRAM_H
#define LAMINA_BASE_PROGRAM_H

/*
 * Whether execvp(3) would find name, without a slash, in $PATH, or in its default where that is not
 * set. Returns 0, -ENOENT or -ENOMEM.
 */
int program_find(const char *name);

#endif

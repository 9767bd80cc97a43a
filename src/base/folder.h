/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * folder.h - the entries of a directory, read through a stream of its own
 */
#ifndef LAMINA_BASE_FOLDER_H
#define LAMINA_BASE_FOLDER_H

#include <dirent.h>

/* The entries of a directory that is open, from the first one, whoever else reads it. NULL: errno.
 */
DIR *folder_read(int folder_fd);

/* The same of the directory of that name, which is no link. */
DIR *folder_read_at(int parent_fd, const char *name);

/* The same of a descriptor that nobody else has any use for. Taken on success. */
DIR *folder_read_taken(int *fd);

/* For CLEAN (base/cleanup.h); keeps errno. */
void folder_closep(DIR **folder);

#endif

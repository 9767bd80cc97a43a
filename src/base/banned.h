/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * banned.h - calls that have a better one (house style, section 7)
 *
 * Put before every source file by the build (-include): the headers that declare the names come
 * first, then the names are gone.
 */
#ifndef LAMINA_BASE_BANNED_H
#define LAMINA_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok strtok_r
#pragma GCC poison atoi atol atoll mktemp tmpnam

#endif

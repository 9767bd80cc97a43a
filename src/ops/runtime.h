/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * runtime.h - the caller's own folder for what does not outlive the machine's uptime
 */
#ifndef LAMINA_OPS_RUNTIME_H
#define LAMINA_OPS_RUNTIME_H

#include <stdbool.h>

struct diag;    /* base/diag.h */
struct records; /* store/records.h */

/*
 * The folder: $LAMINA_RUNTIME_DIR, else /run for root of the machine and $XDG_RUNTIME_DIR for
 * everybody else. Absolute, borrowed from the environment; NULL: there is none.
 */
const char *runtime_path(void);

/*
 * The mount records in it. Made when missing if makes. -ENOENT, without a diag, when there is no
 * such folder.
 */
int runtime_records(bool makes, struct records **ret, struct diag *why);

#endif

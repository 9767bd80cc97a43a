/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * runtime_failure.h - what an OCI runtime wrote into its log (--log) before it gave up
 *
 * A runtime's own failure and a command that fails both end it with status 1. Only its log tells
 * them apart, and the specification has no form for that: the messages are those of crun and runc.
 */
#ifndef LAMINA_OPS_RUNTIME_FAILURE_H
#define LAMINA_OPS_RUNTIME_FAILURE_H

#include "base/span.h"

/* podman-run(1), "Exit Status". */
#define STATUS_RUNTIME_FAILED 125
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127

/* One of these, or 0 where the log has no failure. Lines of text, in crun's or in runc's form. */
int runtime_failure_status(struct span log);

#endif

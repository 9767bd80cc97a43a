/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_report.h - what 'lamina mount' prints: which mode it would take, or what it mounted
 */
#ifndef LAMINA_CLI_MOUNT_REPORT_H
#define LAMINA_CLI_MOUNT_REPORT_H

struct mount_choice;  /* ops/mount.h */
struct mount_request; /* ops/mount.h */
struct server;        /* ops/tuning.h */

/* Each mode with its reason, on stdout: a table, or one JSON object. */
void mount_explain(const struct mount_choice *choice);
void mount_explain_json(const struct mount_choice *choice);

/* The mount that was made, as one JSON object on stdout. */
void mount_report_json(const struct mount_request *request, const struct mount_choice *choice,
		       const struct server *server);

#endif

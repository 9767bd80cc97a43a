/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * record_private.h - the keys of a record, for those that read and write them
 *
 * All keys are always there, no others are. Paths and names are bytes: what is not UTF-8 stands in
 * hex under "<key>_hex" in place of "<key>".
 *
 *   version          1
 *   id               32 hex digits, the name of the file
 *   boot             boot id of the kernel
 *   mode             "kernel", "overlay" or "standalone"
 *   image            1 to 4095 bytes
 *   digest           "sha256:..." or null
 *   repository       absolute path or null
 *   target           absolute path; null: handed over as a descriptor, by its maker unattached
 *   upper            absolute path or null
 *   uids, gids       [[inside, outside, count], ...], both or neither null
 *   server_pid       0: none
 *   server_start     clock ticks since boot
 *   pid_namespace    inode
 *   mount_namespace  inode
 *   mount_id         0: not mounted yet
 *   unique_id        0: not known
 *   created          seconds since 1970
 */
#ifndef LAMINA_STORE_RECORD_PRIVATE_H
#define LAMINA_STORE_RECORD_PRIVATE_H

#define RECORD_VERSION 1

#endif

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * process.h - processes and namespaces, told apart from those that had their numbers before
 *
 * Answers come from /proc, which may hide processes of others (hidepid=) or show those of another
 * PID namespace: what cannot be told is never "gone".
 */
#ifndef LAMINA_MOUNT_PROCESS_H
#define LAMINA_MOUNT_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct diag; /* base/diag.h */

#define BOOT_ID_SIZE 37

/* /proc/sys/kernel/random/boot_id: another one at each boot. */
int boot_id_read(char ret[BOOT_ID_SIZE], struct diag *why);

/* Inode of a namespace of this process, kind as in /proc/self/ns; 0: not known. */
uint64_t namespace_inode(const char *kind);

struct process_identity {
	pid_t pid;
	uint64_t start;         /* proc(5), /proc/PID/stat, field 22; 0: not known */
	uint64_t pid_namespace; /* inode: where pid means it; 0: not known */
};

/* Of a process of this PID namespace. */
struct process_identity process_identify(pid_t pid);

enum liveness {
	LIVENESS_GONE, /* a zombie is gone */
	LIVENESS_ALIVE,
	LIVENESS_UNKNOWN,
};
enum liveness process_liveness(const struct process_identity *process);

/* Wait until it is gone, at most timeout_ms. Returns its liveness then. */
enum liveness process_wait(const struct process_identity *process, int timeout_ms);

/* All processes, at one moment, with their namespaces. Immutable. */
struct process_table;
int process_table_read(struct process_table **ret);
void process_table_free(struct process_table *table); /* NULL is fine */

/*
 * A process in the mount namespace. Returns its pid, 0 when there is none that we can see (a
 * namespace may live without a process, by a bind mount or a descriptor), or -EACCES when there are
 * processes that we may not look at.
 */
pid_t process_table_in_mount_namespace(const struct process_table *table, uint64_t inode);

/*
 * Whether the PID namespace, which this process is not in, has processes. Only the initial PID
 * namespace sees all others: elsewhere it is LIVENESS_UNKNOWN, and without CAP_SYS_PTRACE in the
 * initial user namespace.
 */
enum liveness process_table_pid_namespace(const struct process_table *table, uint64_t inode);

#endif

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/capability.h"

/* PROC_PID_INIT_INO, Linux include/uapi/linux/nsfs.h: a constant since Linux 3.8. */
#define PIDNS_INITIAL_INO 0xEFFFFFFCU

#define START_FIELD 22 /* of /proc/PID/stat, counted from 1 */

int boot_id_read(char ret[BOOT_ID_SIZE], struct diag *why)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	CLEAN(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -errno : fd_read(fd, ret, BOOT_ID_SIZE - 1);

	ret[size == BOOT_ID_SIZE - 1 ? size : 0] = '\0';
	if (size != BOOT_ID_SIZE - 1)
		return diag_errno(why, size < 0 ? (int)size : -EIO, "cannot read %s", path);
	return 0;
}

uint64_t namespace_inode(const char *kind)
{
	char path[40];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Whether the numbers in /proc are those of this process's PID namespace. */
static bool proc_is_ours(void)
{
	char text[16];
	ssize_t size = readlink("/proc/self", text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	return strtol(text, NULL, 10) == getpid();
}

/* State and start of a process. The name in field 2 may hold anything: the last ')' ends it. */
static int stat_read(pid_t pid, char *ret_state, uint64_t *ret_start)
{
	CLEAN(fd_closep) int fd = -1;
	char path[32], text[1024], *field, *end;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = fd_read(fd, text, sizeof(text) - 1);
	if (size < 0)
		return (int)size;
	text[size] = '\0';
	field = strrchr(text, ')');
	if (!field || field[1] != ' ')
		return -EUCLEAN;
	field += 2;
	*ret_state = *field;
	for (int i = 3; i < START_FIELD && field; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	if (!field)
		return -EUCLEAN;
	*ret_start = strtoull(field, &end, 10);
	return end == field ? -EUCLEAN : 0;
}

struct process_identity process_identify(pid_t pid)
{
	struct process_identity process = {.pid = pid, .pid_namespace = namespace_inode("pid")};
	char state;

	if (!proc_is_ours() || stat_read(pid, &state, &process.start) < 0)
		process.start = 0;
	return process;
}

static bool pid_exists(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

enum liveness process_liveness(const struct process_identity *process)
{
	uint64_t start;
	char state;

	if (process->pid <= 0 || process->pid_namespace == 0 ||
	    process->pid_namespace != namespace_inode("pid"))
		return LIVENESS_UNKNOWN;
	if (!pid_exists(process->pid))
		return LIVENESS_GONE;
	if (process->start == 0 || !proc_is_ours())
		return LIVENESS_UNKNOWN;
	if (stat_read(process->pid, &state, &start) < 0)
		return pid_exists(process->pid) ? LIVENESS_UNKNOWN : LIVENESS_GONE;
	if (state == 'Z' || state == 'X')
		return LIVENESS_GONE;
	return start == process->start ? LIVENESS_ALIVE : LIVENESS_GONE;
}

enum liveness process_wait(const struct process_identity *process, int timeout_ms)
{
	CLEAN(fd_closep) int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	struct pollfd event = {.fd = fd, .events = POLLIN};

	/* Asked after the descriptor is open: it is the process that was meant, or none. */
	if (fd >= 0 && process_liveness(process) == LIVENESS_ALIVE)
		(void)poll(&event, 1, timeout_ms);
	return process_liveness(process);
}

struct process_row {
	pid_t pid;
	uint64_t mount_namespace; /* 0: we may not look */
	uint64_t pid_namespace;
};

struct process_table {
	struct process_row *rows; /* owned */
	size_t count;
	size_t capacity;
};

/* "mnt:[4026531841]". Returns 0 where we may not look, or -ENOENT for a process that ended. */
static int link_inode(int proc_fd, const char *pid, const char *kind, uint64_t *ret)
{
	char path[48], text[48];
	const char *bracket;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "%s/ns/%s", pid, kind);
	size = readlinkat(proc_fd, path, text, sizeof(text) - 1);
	*ret = 0;
	if (size < 0)
		return errno == ENOENT || errno == ESRCH ? -ENOENT : 0;
	text[size] = '\0';
	bracket = strchr(text, '[');
	*ret = bracket ? strtoull(bracket + 1, NULL, 10) : 0;
	return 0;
}

/*
 * Whether the process, whose links we may not read, has one number only: then it is in the PID
 * namespace of /proc, not below (proc(5), /proc/PID/status, "NSpid").
 */
static bool has_one_number(int proc_fd, const char *pid)
{
	static const char key[] = "\nNSpid:\t";
	CLEAN(fd_closep) int fd = -1;
	char path[32], text[4096], *value;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "%s/status", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : fd_read(fd, text, sizeof(text) - 1);
	text[size > 0 ? size : 0] = '\0';
	value = strstr(text, key);
	if (!value)
		return false;
	value += sizeof(key) - 1;
	return value[strspn(value, "0123456789")] == '\n';
}

static int row_add(struct process_table *table, int proc_fd, const char *name)
{
	struct process_row row = {.pid = (pid_t)strtol(name, NULL, 10)};

	if (link_inode(proc_fd, name, "mnt", &row.mount_namespace) < 0 ||
	    link_inode(proc_fd, name, "pid", &row.pid_namespace) < 0)
		return 0; /* ended, or a zombie: in no namespace any more */
	if (row.pid_namespace == 0 && has_one_number(proc_fd, name))
		row.pid_namespace = namespace_inode("pid");
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? 2 * table->capacity : 256;
		struct process_row *rows = realloc(table->rows, capacity * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		table->rows = rows;
		table->capacity = capacity;
	}
	table->rows[table->count++] = row;
	return 0;
}

int process_table_read(struct process_table **ret)
{
	struct process_table *table = calloc(1, sizeof(*table));
	DIR *proc = table ? opendir("/proc") : NULL;
	struct dirent *entry;
	int r = 0;

	if (!proc) {
		r = table ? -errno : -ENOMEM;
		free(table);
		return r;
	}
	while (r == 0 && (entry = readdir(proc))) {
		if (strlen(entry->d_name) < 12 &&
		    strspn(entry->d_name, "0123456789") == strlen(entry->d_name))
			r = row_add(table, dirfd(proc), entry->d_name);
	}
	(void)closedir(proc);
	if (r < 0) {
		process_table_free(table);
		return r;
	}
	*ret = table;
	return 0;
}

void process_table_free(struct process_table *table)
{
	if (!table)
		return;
	free(table->rows);
	free(table);
}

pid_t process_table_in_mount_namespace(const struct process_table *table, uint64_t inode)
{
	bool is_whole = true;

	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i].mount_namespace == inode && inode != 0)
			return table->rows[i].pid;
		is_whole = is_whole && table->rows[i].mount_namespace != 0;
	}
	return is_whole ? 0 : -EACCES;
}

enum liveness process_table_pid_namespace(const struct process_table *table, uint64_t inode)
{
	/* /proc may hide processes from whoever may not trace them (hidepid=). */
	if (inode == 0 || namespace_inode("pid") != PIDNS_INITIAL_INO || !proc_is_ours() ||
	    !capability_has_initial(CAP_SYS_PTRACE))
		return LIVENESS_UNKNOWN;
	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i].pid_namespace == inode)
			return LIVENESS_ALIVE;
		if (table->rows[i].pid_namespace == 0)
			return LIVENESS_UNKNOWN;
	}
	return LIVENESS_GONE;
}

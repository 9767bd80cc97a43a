/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "erofs/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "verity/kernel.h"

/*
 * The handler finds the mapping of a fault in this table, because it may neither lock nor allocate.
 * A process serves a few images at a time; more than this many mapped files are copied instead, and
 * copies need no guard.
 */
#define GUARDED_MAX 64

struct mapping {
	struct span bytes; /* owned: mmap */
	int guard;         /* index of the slot, or -1: a sealed copy, which cannot fault */
	atomic_bool damaged;
};

/*
 * A slot is free while size is 0. Opening and closing write it under table_lock, in an order that
 * shows the handler either an empty slot or a whole one. start and mapping are written while size
 * is 0.
 */
static struct {
	_Atomic(uintptr_t) start;
	_Atomic(size_t) size;
	_Atomic(struct mapping *) mapping;
} guarded[GUARDED_MAX];

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
/* guarded by table_lock: */
static bool handler_is_installed;
/* immutable once handler_is_installed: */
static struct sigaction previous_action;
static uintptr_t page_size;

/* Put a page of zeros where the fault was. Only calls what a signal handler may; errno is kept. */
static bool guard_fault(uintptr_t address)
{
	for (size_t i = 0; i < GUARDED_MAX; i++) {
		size_t size = atomic_load_explicit(&guarded[i].size, memory_order_acquire);
		uintptr_t start = atomic_load_explicit(&guarded[i].start, memory_order_relaxed);
		struct mapping *mapping;
		int saved = errno;
		long page;

		if (address < start || address - start >= size)
			continue;
		mapping = atomic_load_explicit(&guarded[i].mapping, memory_order_relaxed);
		/* Before the zeros can be read: who sees them, and asks, learns that they are none.
		 */
		atomic_store(&mapping->damaged, true);
		/* The system call itself: to the thread sanitizer mmap() is a write, to be ordered.
		 */
		page = syscall(SYS_mmap, address & ~(page_size - 1), page_size, PROT_READ,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L);
		errno = saved;
		return page != -1;
	}
	return false;
}

/* What would have happened without us. */
static void previous_handler(int signal_number, siginfo_t *info, void *context)
{
	if (previous_action.sa_flags & SA_SIGINFO) {
		previous_action.sa_sigaction(signal_number, info, context);
	} else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
		/*
		 * The faulting access runs again on return and ends the process. A signal that
		 * somebody sent is not repeated by itself.
		 */
		(void)signal(signal_number, SIG_DFL);
		if (info->si_code <= 0)
			(void)raise(signal_number);
	} else {
		previous_action.sa_handler(signal_number);
	}
}

static void handle_sigbus(int signal_number, siginfo_t *info, void *context)
{
	/* si_code > 0: the kernel reports a fault, so that si_addr is one. */
	if (info->si_code > 0 && guard_fault((uintptr_t)info->si_addr))
		return;
	previous_handler(signal_number, info, context);
}

static int install_handler_locked(struct diag *why)
{
	struct sigaction action = {.sa_sigaction = handle_sigbus,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (handler_is_installed)
		return 0;
	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	(void)sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &previous_action) < 0)
		return diag_errno(why, -errno, "cannot catch SIGBUS");
	handler_is_installed = true;
	return 0;
}

/* Returns 0, -EBUSY when the table is full, or why the handler could not be installed. */
static int guard(struct mapping *mapping, struct diag *why)
{
	int r;

	(void)pthread_mutex_lock(&table_lock);
	r = install_handler_locked(why);
	for (int i = 0; r == 0 && i < GUARDED_MAX; i++) {
		if (atomic_load_explicit(&guarded[i].mapping, memory_order_relaxed))
			continue;
		mapping->guard = i;
		atomic_store_explicit(&guarded[i].mapping, mapping, memory_order_relaxed);
		atomic_store_explicit(&guarded[i].start, (uintptr_t)mapping->bytes.data,
				      memory_order_relaxed);
		atomic_store_explicit(&guarded[i].size, mapping->bytes.size, memory_order_release);
		break;
	}
	if (r == 0 && mapping->guard < 0)
		r = -EBUSY;
	(void)pthread_mutex_unlock(&table_lock);
	return r;
}

/* The caller has ended all reading of the mapping: no fault in it can be on its way. */
static void unguard(struct mapping *mapping)
{
	if (mapping->guard < 0)
		return;
	(void)pthread_mutex_lock(&table_lock);
	atomic_store_explicit(&guarded[mapping->guard].size, 0, memory_order_release);
	atomic_store_explicit(&guarded[mapping->guard].mapping, NULL, memory_order_relaxed);
	(void)pthread_mutex_unlock(&table_lock);
	mapping->guard = -1;
}

static bool is_sealed(int fd)
{
	const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & needed) == needed;
}

/*
 * Whether only we, or root, could change the bytes. fs-verity: nobody can. Root's files count as
 * long as no group and no other may write: who is root can change us as well. An owner who is not
 * us is not trusted, whatever the mode says.
 */
static bool is_trusted(int fd, const struct stat *file)
{
	struct digest digest;

	if (verity_measure(fd, &digest, NULL) == 0)
		return true;
	return (file->st_uid == geteuid() || file->st_uid == 0) && !(file->st_mode & 022);
}

/* Copy size bytes into memory that nobody can change any more. Returns an fd or -errno. */
static int copy_sealed(int fd, size_t size, struct diag *why)
{
	CLEAN(fd_closep) int copy = memfd_create("lamina-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t offset = 0;

	if (copy < 0)
		return diag_errno(why, -errno, "cannot create a memory file");
	while ((uint64_t)offset < size) {
		ssize_t got = sendfile(copy, fd, &offset, size - (size_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return diag_errno(why, -errno, "cannot copy %zu bytes into memory", size);
		if (got == 0)
			return diag_set(why, -ESTALE, "the file became shorter while read");
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return diag_errno(why, -errno, "cannot seal a memory file");
	return fd_take(&copy);
}

static int map_bytes(struct mapping *mapping, int fd, size_t size, struct diag *why)
{
	void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		return diag_errno(why, -errno, "cannot map %zu bytes", size);
	mapping->bytes = span_of(bytes, size);
	return 0;
}

static int map_copy(struct mapping *mapping, int fd, size_t size, struct diag *why)
{
	CLEAN(fd_closep) int copy = -1;

	if (size > IMAGE_COPY_MAX)
		return diag_set(why, -E2BIG,
				"others may change the file, and its %zu bytes are more than are "
				"copied into memory (%llu)",
				size, IMAGE_COPY_MAX);
	copy = copy_sealed(fd, size, why);
	if (copy < 0)
		return copy;
	return map_bytes(mapping, copy, size, why);
}

static int map_guarded(struct mapping *mapping, int fd, size_t size, struct diag *why)
{
	int r;

	r = map_bytes(mapping, fd, size, why);
	if (r < 0)
		return r;
	r = guard(mapping, why);
	if (r != -EBUSY)
		return r;
	(void)munmap((void *)mapping->bytes.data, mapping->bytes.size);
	mapping->bytes = SPAN_EMPTY;
	return map_copy(mapping, fd, size, why);
}

int mapping_open(int fd, struct mapping **ret, struct diag *why)
{
	CLEAN(mapping_closep) struct mapping *mapping = NULL;
	struct stat file;
	size_t size;
	int r;

	if (fstat(fd, &file) < 0)
		return diag_errno(why, -errno, "cannot stat the file");
	if (!S_ISREG(file.st_mode))
		return diag_set(why, -EINVAL, "not a regular file");
	if (file.st_size <= 0)
		return diag_set(why, -EUCLEAN, "the file is empty");
	if ((uint64_t)file.st_size > IMAGE_SIZE_MAX)
		return diag_set(why, -E2BIG, "the file has %llu bytes, at most %llu are mapped",
				(unsigned long long)file.st_size, IMAGE_SIZE_MAX);
	size = (size_t)file.st_size;
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping)
		return -ENOMEM;
	mapping->guard = -1;
	if (is_sealed(fd))
		r = map_bytes(mapping, fd, size, why);
	else if (is_trusted(fd, &file))
		r = map_guarded(mapping, fd, size, why);
	else
		r = map_copy(mapping, fd, size, why);
	if (r < 0)
		return r;
	*ret = TAKE(mapping);
	return 0;
}

void mapping_close(struct mapping *mapping)
{
	int saved = errno;

	if (!mapping)
		return;
	unguard(mapping);
	if (mapping->bytes.data)
		(void)munmap((void *)mapping->bytes.data, mapping->bytes.size);
	free(mapping);
	errno = saved;
}

void mapping_closep(struct mapping **mapping)
{
	mapping_close(*mapping);
	*mapping = NULL;
}

struct span mapping_bytes(const struct mapping *mapping)
{
	return mapping->bytes;
}

bool mapping_is_damaged(const struct mapping *mapping)
{
	return atomic_load(&mapping->damaged);
}

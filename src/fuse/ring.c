/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ring.c - FUSE over io_uring (Linux 6.14, Documentation/filesystems/fuse/fuse-io-uring.rst)
 *
 * The kernel has a queue for each possible CPU and puts a request into that of the CPU it is made
 * on. A thread pinned to that CPU answers: one system call a request, and no other CPU has to be
 * woken. From the answer to INIT on, the kernel holds requests back until each queue has an entry,
 * or goes on with /dev/fuse when it has refused one. So queues of CPUs this process may not use get
 * one, too, on the ring of another; and all rings are there before INIT is answered.
 *
 * An entry is a pair of buffers that goes back and forth: the kernel fills it with a request and
 * completes the entry's command, we put the reply in the same place and submit the next command,
 * which commits it and waits for another request. Forgets and interrupts come by /dev/fuse.
 *
 * A ring can do nothing but this: its restrictions allow one command, on the one file it has.
 */
#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/trace.h"
#include "fuse/cpus.h"
#include "fuse/session_private.h"

/*
 * Entries of a queue that is served on its own CPU. Each is a request that can be under way; with a
 * single thread to answer them, more than a few only take memory.
 */
#define DEPTH 4
#define QUEUES_MAX 8192 /* CONFIG_NR_CPUS of the largest distribution kernels */

/* Payloads that were touched beyond this are given back when a thread has nothing to do. */
#define PAYLOAD_KEPT 16384
#define IDLE_SEC 1

/* With more CPUs than this, a thread has the queues of several. */
#define RING_THREADS_MAX 64
_Static_assert(RING_THREADS_MAX <= WORKERS_MAX, "each is a worker");

struct entry {
	struct abi_ring_header *header; /* in the channel's headers */
	uint8_t *payload;               /* REPLY_READ_MAX bytes of the channel's payloads */
	struct iovec parts[2];          /* the two, for the kernel */
	uint16_t queue;
	bool is_large; /* touched beyond PAYLOAD_KEPT since it was last trimmed */
};

struct channel {
	struct io_uring ring;
	bool has_ring;
	uint8_t *memory; /* owned, mapped: payloads, then headers */
	size_t memory_size;
	struct entry *entries; /* owned */
	unsigned int entry_count;
	unsigned int live_count; /* entries the kernel has, or has given us */
	int cpu;                 /* to be pinned to */
	bool has_large;
	struct fuse_reply reply;
	struct pace pace;
};

static void channel_free(void *data)
{
	struct channel *channel = data;

	if (!channel)
		return;
	if (channel->has_ring)
		io_uring_queue_exit(&channel->ring);
	if (channel->memory)
		(void)munmap(channel->memory, channel->memory_size);
	free(channel->entries);
	free(channel);
}

static void channel_freep(struct channel **channel)
{
	channel_free(*channel);
}

/* Debian 12's liburing does not export the calls for these two. */
static int ring_register(struct io_uring *ring, unsigned int what, void *argument,
			 unsigned int count)
{
	if (syscall(SYS_io_uring_register, ring->ring_fd, what, argument, count) < 0)
		return -errno;
	return 0;
}

static int ring_restrict(struct io_uring *ring)
{
	struct io_uring_restriction allowed[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_URING_CMD},
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE},
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
	};

	return ring_register(ring, IORING_REGISTER_RESTRICTIONS, allowed,
			     sizeof(allowed) / sizeof(allowed[0]));
}

/* A ring that is disabled still: the thread that enables it is the one it belongs to. */
static int ring_open(struct channel *channel, int fuse_fd)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED,
	};
	int r = io_uring_queue_init_params(channel->entry_count, &channel->ring, &params);

	if (r < 0)
		return r;
	channel->has_ring = true;
	r = io_uring_register_files(&channel->ring, &fuse_fd, 1);
	return r < 0 ? r : ring_restrict(&channel->ring);
}

static int entries_map(struct channel *channel)
{
	size_t headers_size = channel->entry_count * sizeof(struct abi_ring_header);
	struct abi_ring_header *headers;

	channel->memory_size = channel->entry_count * (size_t)REPLY_READ_MAX + headers_size;
	channel->memory = mmap(NULL, channel->memory_size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (channel->memory == MAP_FAILED) {
		channel->memory = NULL;
		return -errno;
	}
	headers = (void *)(channel->memory + channel->entry_count * (size_t)REPLY_READ_MAX);
	for (unsigned int i = 0; i < channel->entry_count; i++) {
		struct entry *entry = &channel->entries[i];

		entry->header = &headers[i];
		entry->payload = channel->memory + i * (size_t)REPLY_READ_MAX;
		entry->parts[0] = (struct iovec){entry->header, sizeof(*entry->header)};
		entry->parts[1] = (struct iovec){entry->payload, REPLY_READ_MAX};
	}
	return 0;
}

/* Give the queues to the channels: a CPU's own to its thread, the others around. */
struct deal {
	int cpus[RING_THREADS_MAX];
	unsigned int thread_count;
	unsigned int queue_count;
};

static bool deal_gives(const struct deal *deal, unsigned int thread, unsigned int queue,
		       unsigned int *ret_depth)
{
	for (unsigned int i = 0; i < deal->thread_count; i++) {
		if (deal->cpus[i] == (int)queue) {
			*ret_depth = DEPTH;
			return i == thread;
		}
	}
	*ret_depth = 1;
	return queue % deal->thread_count == thread;
}

static unsigned int deal_entries(const struct deal *deal, unsigned int thread,
				 struct entry *entries)
{
	unsigned int count = 0, depth;

	for (unsigned int queue = 0; queue < deal->queue_count; queue++) {
		if (!deal_gives(deal, thread, queue, &depth))
			continue;
		for (unsigned int i = 0; i < depth; i++, count++) {
			if (entries)
				entries[count].queue = (uint16_t)queue;
		}
	}
	return count;
}

static int channel_new(struct fuse_session *session, const struct deal *deal, unsigned int thread,
		       struct channel **ret)
{
	CLEAN(channel_freep) struct channel *channel = calloc(1, sizeof(*channel));
	int r;

	if (!channel)
		return -ENOMEM;
	channel->cpu = deal->cpus[thread];
	channel->entry_count = deal_entries(deal, thread, NULL);
	channel->entries = calloc(channel->entry_count, sizeof(channel->entries[0]));
	if (!channel->entries)
		return -ENOMEM;
	(void)deal_entries(deal, thread, channel->entries);
	r = entries_map(channel);
	if (r == 0)
		r = ring_open(channel, session->write_fd);
	if (r < 0)
		return r;
	channel->reply.is_flat = true;
	channel->reply.capacity = REPLY_READ_MAX;
	*ret = TAKE(channel);
	return 0;
}

/* Submission entries of 128 bytes: the command's own part begins where the address would end. */
static void entry_submit(struct channel *channel, struct entry *entry, uint32_t operation)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&channel->ring);
	const struct abi_ring_command command = {
		.commit_id = entry->header->place.commit_id,
		.queue = entry->queue,
	};

	assert(sqe); /* there is one for each entry, and an entry is submitted once at a time */
	memset(sqe, 0, ABI_SQE_SIZE);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->fd = 0; /* the index of the only file */
	sqe->user_data = (uint64_t)(entry - channel->entries);
	sqe->off = operation;
	if (operation == ABI_RING_REGISTER) {
		sqe->addr = (uintptr_t)entry->parts;
		sqe->len = 2;
	}
	memcpy((uint8_t *)sqe + ABI_SQE_COMMAND_OFFSET, &command, sizeof(command));
}

/* The request in an entry. Returns false for one whose sizes cannot be. */
static bool entry_parts(const struct entry *entry, struct request_parts *ret)
{
	const struct abi_ring_header *header = entry->header;
	uint32_t names = header->place.payload_size;
	uint64_t arguments;

	memcpy(&ret->head, header->head, sizeof(ret->head));
	if (names > REPLY_READ_MAX || ret->head.size < sizeof(ret->head) + (uint64_t)names)
		return false;
	arguments = ret->head.size - sizeof(ret->head) - names;
	if (arguments > sizeof(header->arguments))
		return false;
	ret->arguments = span_of(header->arguments, (size_t)arguments);
	ret->names = span_of(entry->payload, names);
	return true;
}

static void entry_answer(struct worker *worker, struct entry *entry)
{
	struct channel *channel = worker->channel;
	struct fuse_reply *reply = &channel->reply;
	struct request_parts parts = {0};
	struct abi_reply head;

	reply->buffer = entry->payload;
	if (!entry_parts(entry, &parts) ||
	    dispatch_parts(&worker->session->connection, &parts, reply, &head) == DISPATCH_SILENT)
		dispatch_fail(reply, &head, parts.head.unique, -EIO);
	memcpy(entry->header->head, &head, sizeof(head));
	entry->header->place.payload_size = (uint32_t)reply->used;
	if (reply->used > PAYLOAD_KEPT)
		entry->is_large = channel->has_large = true;
}

/* Entries the kernel has given back. Returns false when there are none left to wait for. */
static bool channel_reap(struct worker *worker)
{
	struct channel *channel = worker->channel;
	struct io_uring_cqe *cqe;
	struct pace_window window;
	unsigned int head, count = 0;

	io_uring_for_each_cqe(&channel->ring, head, cqe)
	{
		struct entry *entry = &channel->entries[cqe->user_data];

		count++;
		if (cqe->res == 0) {
			entry_answer(worker, entry);
			entry_submit(channel, entry, ABI_RING_COMMIT_AND_FETCH);
			continue;
		}
		/* Unmounted, aborted, or refused at registration: /dev/fuse goes on alone then. */
		TRACE("fuse", "entry of queue %u is given back: errno %d", entry->queue, -cqe->res);
		channel->live_count--;
	}
	io_uring_cq_advance(&channel->ring, count);
	if (pace_count(&channel->pace, count, &window))
		worker_keep_awake(worker, &window, -1);
	return channel->live_count > 0;
}

static void channel_trim(struct channel *channel)
{
	for (unsigned int i = 0; i < channel->entry_count; i++) {
		struct entry *entry = &channel->entries[i];

		/* Between requests nobody has anything in there: names are read when they come. */
		if (entry->is_large)
			(void)madvise(entry->payload + PAYLOAD_KEPT, REPLY_READ_MAX - PAYLOAD_KEPT,
				      MADV_DONTNEED);
		entry->is_large = false;
	}
	channel->has_large = false;
}

static int channel_loop(struct worker *worker)
{
	struct channel *channel = worker->channel;
	struct __kernel_timespec idle = {.tv_sec = IDLE_SEC}, ever = {.tv_sec = INT32_MAX};
	sigset_t wakeable;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &wakeable);
	(void)sigdelset(&wakeable, WAKE_SIGNAL);
	while (!atomic_load(&worker->session->is_stopped)) {
		struct io_uring_cqe *cqe;
		/*
		 * A signal that comes when something was submitted, too, does not fail the call:
		 * liburing would wait once more, and we never see it. With a timeout it does not.
		 */
		int r = io_uring_submit_and_wait_timeout(
			&channel->ring, &cqe, 1, channel->has_large ? &idle : &ever, &wakeable);

		if (r == -ETIME && channel->has_large)
			channel_trim(channel);
		if (r < 0 && r != -EINTR && r != -ETIME && r != -EAGAIN && r != -EBUSY)
			return r;
		if (!channel_reap(worker))
			return 0;
	}
	return 0;
}

static int ring_serve(struct worker *worker)
{
	struct channel *channel = worker->channel;
	sigset_t wake;
	int r;

	/* Taken only while waiting, so that one that comes before is not lost. */
	(void)sigemptyset(&wake);
	(void)sigaddset(&wake, WAKE_SIGNAL);
	(void)pthread_sigmask(SIG_BLOCK, &wake, NULL);
	cpu_pin(channel->cpu);
	r = ring_register(&channel->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < channel->entry_count; i++)
		entry_submit(channel, &channel->entries[i], ABI_RING_REGISTER);
	channel->live_count = channel->entry_count;
	r = channel_loop(worker);
	/* Not later: a request on its way to a ring that nobody waits at cannot even be aborted. */
	io_uring_queue_exit(&channel->ring);
	channel->has_ring = false;
	return r;
}

static const struct transport transport_ring = {
	.serve = ring_serve,
	.channel_free = channel_free,
};

int ring_workers_add(struct fuse_session *session, struct diag *why)
{
	struct deal deal = {.queue_count = session->connection.config.queue_count};
	unsigned int first = session->worker_count;

	if (deal.queue_count == 0 || deal.queue_count > QUEUES_MAX)
		return diag_set(why, -EOPNOTSUPP, "the number of CPUs is not known");
	if (first < RING_THREADS_MAX)
		deal.thread_count = cpus_usable(deal.cpus, RING_THREADS_MAX - first);
	if (deal.thread_count == 0)
		return diag_set(why, -EOPNOTSUPP, "the CPUs to use are not known");
	for (unsigned int i = 0; i < deal.thread_count; i++) {
		struct channel *channel;
		int r = channel_new(session, &deal, i, &channel);

		if (r < 0) {
			workers_withdraw(session, first);
			return diag_errno(why, r, "cannot set up io_uring");
		}
		workers_publish(session, &transport_ring, channel);
	}
	return 0;
}

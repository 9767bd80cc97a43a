/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/limits.h"
#include "oci/http_headers.h"
#include "oci/registry_private.h"

bool status_is_transient(unsigned int status)
{
	switch (status) {
	case 408: /* Request Timeout */
	case 429: /* Too Many Requests */
	case 500:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}

/* Up to a quarter more, so that many clients do not come back at once. */
static uint64_t with_jitter(uint64_t wait_ms)
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return wait_ms + wait_ms * (random & 255) / 1024;
}

static void sleep_ms(uint64_t wait_ms)
{
	struct timespec left = {.tv_sec = (time_t)(wait_ms / 1000),
				.tv_nsec = (long)(wait_ms % 1000) * 1000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

struct retry endpoint_retry(const struct endpoint *endpoint)
{
	return (struct retry){.first_ms = endpoint->retry_ms, .is_vain = endpoint->has_next};
}

bool retry_wait(struct retry *retry, const struct http_response *response)
{
	uint64_t wait_ms = (uint64_t)retry->first_ms << retry->count, seconds;
	struct span value;

	if (retry->is_vain || retry->count >= RETRY_MAX)
		return false;
	retry->count++;
	if (wait_ms > RETRY_LONGEST_MS)
		wait_ms = RETRY_LONGEST_MS;
	/* A date in its place is treated as nothing said. */
	if (response && http_header(response, "Retry-After", 0, &value) &&
	    http_number(value, &seconds)) {
		if (seconds > RETRY_AFTER_MAX_S)
			return false;
		if (seconds * 1000 > wait_ms)
			wait_ms = seconds * 1000;
	}
	sleep_ms(with_jitter(wait_ms));
	return true;
}

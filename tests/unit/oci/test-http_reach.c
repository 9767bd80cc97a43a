/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "oci/http_private.h"

static void addresses_are_told_apart_by_how_private_they_are(void **state)
{
	static const struct {
		const char *address;
		enum reach reach;
	} cases[] = {
		{"8.8.8.8", REACH_PUBLIC},
		{"9.255.255.255", REACH_PUBLIC},
		{"11.0.0.0", REACH_PUBLIC},
		{"172.15.255.255", REACH_PUBLIC},
		{"172.32.0.0", REACH_PUBLIC},
		{"100.128.0.1", REACH_PUBLIC},
		{"10.0.0.1", REACH_PRIVATE},
		{"172.16.0.1", REACH_PRIVATE},
		{"172.31.255.255", REACH_PRIVATE},
		{"192.168.1.1", REACH_PRIVATE},
		{"100.64.0.1", REACH_PRIVATE},
		{"0.0.0.0", REACH_HOST_ONLY},
		{"127.0.0.1", REACH_HOST_ONLY},
		{"127.255.255.255", REACH_HOST_ONLY},
		{"169.254.169.254", REACH_HOST_ONLY},
		{"2001:db8::1", REACH_PUBLIC},
		{"fc00::1", REACH_PRIVATE},
		{"fdff::1", REACH_PRIVATE},
		{"fec0::1", REACH_PRIVATE},
		{"::", REACH_HOST_ONLY},
		{"::1", REACH_HOST_ONLY},
		{"fe80::1", REACH_HOST_ONLY},
		{"fe80::1%eth0", REACH_HOST_ONLY},
		{"::ffff:127.0.0.1", REACH_HOST_ONLY},
		{"::ffff:8.8.8.8", REACH_PUBLIC},
		{"64:ff9b::10.0.0.1", REACH_PRIVATE},
		{"64:ff9b::8.8.8.8", REACH_PUBLIC},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (reach_of_text(cases[i].address) != cases[i].reach)
			fail_msg("%s: %d", cases[i].address, reach_of_text(cases[i].address));
	}
}

static void a_socket_address_is_what_its_text_is(void **state)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	struct sockaddr_storage other = {.ss_family = AF_UNIX};

	(void)state;
	assert_int_equal(1, inet_pton(AF_INET, "10.1.2.3", &ipv4.sin_addr));
	assert_int_equal(REACH_PRIVATE, reach_of((struct sockaddr *)&ipv4));
	assert_int_equal(1, inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr));
	assert_int_equal(REACH_PUBLIC, reach_of((struct sockaddr *)&ipv6));
	assert_int_equal(REACH_HOST_ONLY, reach_of((struct sockaddr *)&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_told_apart_by_how_private_they_are),
		cmocka_unit_test(a_socket_address_is_what_its_text_is),
	};

	return cmocka_run_group_tests_name("oci/http_reach", tests, NULL, NULL);
}

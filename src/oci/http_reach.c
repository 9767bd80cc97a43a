/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The IANA special-purpose address registries (RFC 6890), as far as something can answer there that
 * the server who names the address could not reach by itself.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "oci/http_private.h"

static enum reach reach_of_ipv4(uint32_t address)
{
	static const struct {
		uint32_t network;
		uint32_t bits;
		enum reach reach;
	} ranges[] = {
		{0x00000000, 8, REACH_HOST_ONLY},  /* 0.0.0.0/8, "this host": RFC 1122 */
		{0x7f000000, 8, REACH_HOST_ONLY},  /* 127.0.0.0/8, loopback: RFC 1122 */
		{0xa9fe0000, 16, REACH_HOST_ONLY}, /* 169.254.0.0/16, link-local: RFC 3927 */
		{0x0a000000, 8, REACH_PRIVATE},    /* 10.0.0.0/8: RFC 1918 */
		{0xac100000, 12, REACH_PRIVATE},   /* 172.16.0.0/12: RFC 1918 */
		{0xc0a80000, 16, REACH_PRIVATE},   /* 192.168.0.0/16: RFC 1918 */
		{0x64400000, 10, REACH_PRIVATE},   /* 100.64.0.0/10, shared: RFC 6598 */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (((address ^ ranges[i].network) >> (32 - ranges[i].bits)) == 0)
			return ranges[i].reach;
	}
	return REACH_PUBLIC;
}

static enum reach reach_of_ipv6(const struct in6_addr *address)
{
	const uint8_t *byte = address->s6_addr;
	uint32_t last = (uint32_t)byte[12] << 24 | (uint32_t)byte[13] << 16 |
			(uint32_t)byte[14] << 8 | byte[15];

	if (IN6_IS_ADDR_V4MAPPED(address))
		return reach_of_ipv4(last);
	/* RFC 6052: NAT64 leads to an IPv4 address too. */
	if (memcmp(byte, "\x00\x64\xff\x9b\0\0\0\0\0\0\0\0", 12) == 0)
		return reach_of_ipv4(last);
	if (IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_LOOPBACK(address) ||
	    IN6_IS_ADDR_LINKLOCAL(address))
		return REACH_HOST_ONLY;
	if ((byte[0] & 0xfe) == 0xfc || IN6_IS_ADDR_SITELOCAL(address)) /* RFC 4193, RFC 3879 */
		return REACH_PRIVATE;
	return REACH_PUBLIC;
}

enum reach reach_of(const struct sockaddr *address)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&ipv4, address, sizeof(ipv4));
		return reach_of_ipv4(ntohl(ipv4.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&ipv6, address, sizeof(ipv6));
		return reach_of_ipv6(&ipv6.sin6_addr);
	default:
		return REACH_HOST_ONLY;
	}
}

enum reach reach_of_text(const char *address)
{
	char bare[INET6_ADDRSTRLEN];
	struct in6_addr ipv6;
	struct in_addr ipv4;

	/* Without the zone of a link-local one: "fe80::1%eth0". */
	(void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(address, "%"), address);
	if (inet_pton(AF_INET, bare, &ipv4) == 1)
		return reach_of_ipv4(ntohl(ipv4.s_addr));
	if (inet_pton(AF_INET6, bare, &ipv6) == 1)
		return reach_of_ipv6(&ipv6);
	return REACH_PUBLIC;
}

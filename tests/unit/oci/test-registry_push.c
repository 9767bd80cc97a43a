/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Pushing, to a registry that behaves badly, and to Debian's docker-registry, which skopeo pushes
 * to and pulls from too.
 */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "oci/credentials.h"
#include "oci/target.h"
#include "oci/transfer.h"
#include "registry_fixture.h"

static char folder[] = "/tmp/lamina-push-XXXXXX";
static struct fixture server, elsewhere;
static struct fixture real[2]; /* docker-registry; the second wants a password */
static bool has_registry, has_skopeo;
static const struct credentials user = {.username = (char *)"user", .password = (char *)"pw"};

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char line[2048];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (system(line) != 0) /* NOLINT: words of our own */
		fail_msg("failed: %s", line);
}

static bool is_listening(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_there;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	is_there = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	(void)close(fd);
	return is_there;
}

static int free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&address, &size));
	(void)close(fd);
	return ntohs(address.sin_port);
}

/* The password is "pw", in bcrypt. */
#define HTPASSWD "user:$2b$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q"

static struct fixture registry_start(int number, const char *more)
{
	struct fixture fixture = {.port = free_port(), .talk = -1};
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/config-%d.yml", folder, number);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fprintf(file,
		      "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
		      "storage: {filesystem: {rootdirectory: %s/data-%d}}\n"
		      "http: {addr: '127.0.0.1:%d', secret: x}\n%s",
		      folder, number, fixture.port, more);
	assert_int_equal(0, fclose(file));
	fixture.pid = fork();
	assert_true(fixture.pid >= 0);
	if (fixture.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* It would take our variable for its own: REGISTRY_* overrides its file. */
		(void)unsetenv("REGISTRY_AUTH_FILE");
		(void)freopen("/dev/null", "w", stdout);
		(void)freopen("/dev/null", "w", stderr);
		(void)execlp("docker-registry", "docker-registry", "serve", path, NULL);
		_exit(127);
	}
	for (int i = 0; i < 200 && !is_listening(fixture.port); i++)
		(void)usleep(50000);
	assert_true(is_listening(fixture.port));
	return fixture;
}

static int start(void **state)
{
	char more[256];

	(void)state;
	assert_non_null(mkdtemp(folder));
	server = fixture_start_web();
	elsewhere = fixture_start_web();
	has_registry = system("command -v docker-registry >/dev/null") == 0;
	has_skopeo = system("command -v skopeo >/dev/null") == 0;
	if (!has_registry)
		return 0;
	run("echo '%s' >%s/htpasswd", HTPASSWD, folder);
	(void)snprintf(more, sizeof(more), "auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n",
		       folder);
	real[0] = registry_start(0, "");
	real[1] = registry_start(1, more);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&server);
	fixture_stop(&elsewhere);
	fixture_stop(&real[0]);
	fixture_stop(&real[1]);
	run("rm -rf %s", folder);
	return 0;
}

static struct oci_target *target_of(const struct fixture *fixture, const char *name)
{
	struct registry_options options = {.tls = REGISTRY_TLS_UNVERIFIED, .retry_ms = 1};
	struct oci_reference reference;
	struct oci_target *target;
	struct diag why = {0};
	char text[256];

	if (fixture == &real[1] || strstr(name, "auth-basic"))
		options.credentials = &user;
	(void)snprintf(text, sizeof(text), "127.0.0.1:%d/%s", fixture->port, name);
	assert_ok(oci_reference_parse(text, &reference, &why), &why);
	assert_ok(registry_push_open(&reference, &options, &target, &why), &why);
	oci_reference_release(&reference);
	return target;
}

/* size bytes of the pattern, then what end says. */
struct stream {
	uint64_t at;
	uint64_t size;
	int end;
};

static ssize_t stream_read(void *context, void *data, size_t size, struct diag *why)
{
	struct stream *stream = context;
	uint64_t left = stream->size - stream->at;

	if (left == 0)
		return stream->end ? diag_set(why, stream->end, "the disk is gone") : 0;
	size = size < left ? size : (size_t)left;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = fixture_byte(stream->at++);
	return (ssize_t)size;
}

static int stream_open(void *context, struct reader *ret, struct diag *why)
{
	struct stream *stream = context;

	(void)why;
	stream->at = 0;
	*ret = (struct reader){.read = stream_read, .context = stream};
	return 0;
}

/* Push what is promised to be blob, and is size bytes of the pattern. */
static int put(struct oci_target *target, const struct oci_descriptor *blob, uint64_t size, int end,
	       struct diag *why)
{
	struct stream stream = {.size = size, .end = end};
	const struct reader reader = {.read = stream_read, .context = &stream};

	*why = (struct diag){0};
	return oci_target_put_blob(target, blob, &reader, why);
}

static void need_registry(void)
{
	need("docker-registry", has_registry, "there is no docker-registry");
}

static void what_is_pushed_is_there(void **state)
{
	static const size_t sizes[] = {1, 70000, 1 << 20, (1 << 20) + 1, 5000000};

	(void)state;
	need_registry();
	for (int with_password = 0; with_password < 2; with_password++) {
		struct oci_target *target = target_of(&real[with_password], "a/b:v1");
		struct diag why = {0};

		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct oci_descriptor blob = fixture_layer(sizes[i]);

			assert_int_equal(0, oci_target_has_blob(target, &blob, &why));
			assert_ok(put(target, &blob, sizes[i], 0, &why), &why);
			assert_int_equal(1, oci_target_has_blob(target, &blob, &why));
			blob.size++;
			assert_int_equal(0, oci_target_has_blob(target, &blob, &why));
		}
		assert_int_equal(0, oci_target_finish(target, &why));
		oci_target_close(target);
	}
}

static void a_blob_is_mounted_from_another_repository(void **state)
{
	const struct oci_descriptor blob = fixture_layer(123456), other = fixture_layer(123457);
	struct oci_target *from, *to;
	struct diag why = {0};

	(void)state;
	need_registry();
	from = target_of(&real[0], "mount/from");
	to = target_of(&real[0], "mount/to");
	assert_ok(put(from, &blob, blob.size, 0, &why), &why);
	assert_int_equal(0, oci_target_has_blob(to, &blob, &why));
	assert_int_equal(1, oci_target_mount_blob(to, &blob, "mount/from", &why));
	assert_int_equal(1, oci_target_has_blob(to, &blob, &why));
	assert_int_equal(0, oci_target_mount_blob(to, &other, "mount/from", &why));
	assert_int_equal(-EINVAL, oci_target_mount_blob(to, &other, "a&digest=b", &why));
	oci_target_close(from);
	oci_target_close(to);
}

static void what_is_not_as_promised_is_not_pushed(void **state)
{
	struct oci_target *target;
	struct diag why = {0};

	(void)state;
	need_registry();
	target = target_of(&real[0], "wrong");
	for (int is_large = 0; is_large < 2; is_large++) {
		size_t size = is_large ? 2000000 : 2000;
		struct oci_descriptor blob = fixture_layer(size);

		assert_int_equal(-EBADMSG, put(target, &blob, size - 1, 0, &why));
		assert_non_null(strstr(why.text, "it ends at"));
		assert_int_equal(-EBADMSG, put(target, &blob, size + 1, 0, &why));
		assert_non_null(strstr(why.text, "more than"));
		assert_int_equal(-ENXIO, put(target, &blob, size / 2, -ENXIO, &why));
		assert_non_null(strstr(why.text, "the disk is gone"));
		assert_int_equal(0, oci_target_has_blob(target, &blob, &why));
		blob.digest.bytes[7] ^= 1;
		assert_int_equal(-EBADMSG, put(target, &blob, size, 0, &why));
		assert_non_null(strstr(why.text, "digest"));
		assert_int_equal(0, oci_target_has_blob(target, &blob, &why));
	}
	oci_target_close(target);
}

static void without_a_password_nothing_is_pushed(void **state)
{
	const struct oci_descriptor blob = fixture_layer(1000);
	struct registry_options options = {.tls = REGISTRY_TLS_UNVERIFIED, .retry_ms = 1};
	struct oci_reference reference;
	struct oci_target *target;
	struct diag why = {0};
	char text[64];

	(void)state;
	need_registry();
	(void)snprintf(text, sizeof(text), "127.0.0.1:%d/a", real[1].port);
	assert_ok(oci_reference_parse(text, &reference, &why), &why);
	assert_ok(registry_push_open(&reference, &options, &target, &why), &why);
	assert_int_equal(-EACCES, put(target, &blob, 1000, 0, &why));
	assert_non_null(strstr(why.text, "no credentials"));
	oci_target_close(target);
	oci_reference_release(&reference);
}

static void registries_that_misbehave_are_refused(void **state)
{
	static const struct {
		const char *name;
		int err;
	} cases[] = {
		{"good", 0},
		{"p/up-file", -EPERM},
		{"p/up-nowhere", -EUCLEAN},
		{"p/status-503/times-2", 0},
		{"q/status-503", -EIO},
		{"p/status-403", -EACCES},
	};
	const struct oci_descriptor blob = fixture_layer(1000), large = fixture_layer(2000000);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_target *target = target_of(&server, cases[i].name);
		struct diag why = {0};
		int r = put(target, &blob, 1000, 0, &why);

		if (r != cases[i].err)
			fail_msg("%s: %d %s", cases[i].name, r, why.text);
		r = put(target, &large, 2000000, 0, &why);
		/* A stream is not sent twice. */
		if ((r < 0) != (cases[i].err != 0 || strstr(cases[i].name, "times")))
			fail_msg("%s, large: %d %s", cases[i].name, r, why.text);
		oci_target_close(target);
	}
}

static void an_upload_elsewhere_gets_no_credentials(void **state)
{
	const struct oci_descriptor blobs[] = {fixture_layer(1000), fixture_layer(2000000)};
	struct oci_target *target;
	struct buf log = {0};
	struct diag why = {0};
	char name[64];

	(void)state;
	(void)snprintf(name, sizeof(name), "p/auth-basic/up-other.%d", elsewhere.port);
	target = target_of(&server, name);
	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
		(void)fixture_log(&elsewhere, &log);
		assert_int_equal(-EACCES, put(target, &blobs[i], blobs[i].size, 0, &why));
		assert_null(strstr(fixture_log(&elsewhere, &log), "authorization"));
		assert_int_equal(1, count_of(buf_string(&log), "/v2/guard/"));
		assert_non_null(strstr(fixture_log(&server, &log), "Basic dXNlcjpwdw=="));
	}
	oci_target_close(target);
	buf_release(&log);
}

/* It is read once: whoever has it can send it again. */
static void a_large_blob_that_breaks_on_the_way_is_worth_another_try(void **state)
{
	const struct oci_descriptor large = fixture_layer(2000000);
	struct oci_target *cut = target_of(&server, "t/upcut-1500000/times-1");
	struct oci_target *busy = target_of(&server, "t/upload-503/times-1");
	struct oci_target *full = target_of(&server, "t/upload-413");
	struct oci_target *good = target_of(&server, "good");
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EAGAIN, put(cut, &large, 2000000, 0, &why));
	assert_ok(put(cut, &large, 2000000, 0, &why), &why);
	assert_int_equal(-EAGAIN, put(busy, &large, 2000000, 0, &why));
	assert_ok(put(busy, &large, 2000000, 0, &why), &why);
	assert_int_equal(-E2BIG, put(full, &large, 2000000, 0, &why));
	assert_non_null(strstr(why.text, "too large"));
	/* Where it came from broke, which has been tried again already. */
	assert_int_equal(-ECONNRESET, put(good, &large, 1500000, -ECONNRESET, &why));
	oci_target_close(cut);
	oci_target_close(busy);
	oci_target_close(full);
	oci_target_close(good);
}

static int put_manifest(struct oci_target *target, enum digest_algorithm algorithm,
			const char *media_type, bool is_named, struct diag *why)
{
	struct digest digest;

	assert_int_equal(0, sha_of(algorithm, SPAN_LITERAL("{}"), &digest, why));
	return oci_target_put_manifest(target, &digest, SPAN_LITERAL("{}"), media_type, is_named,
				       why);
}

static void an_upload_goes_on_where_it_broke(void **state)
{
	static const struct {
		const char *how;
		size_t puts;
		const char *patch; /* what is sent of it; NULL: nothing goes on */
	} cases[] = {
		{"upcut-1500000/times-1", 2, "1500000-1999999"},
		{"upcut-2000000/times-1", 2, NULL}, /* all is there */
		{"upcut-1/times-1", 2, NULL},       /* "0-0" */
		{"upcut-1500000/times-1/kept-no", 2, NULL},
		{"upcut-1500000/times-1/kept-9", 2, "10-1999999"},
		{"upcut-1500000/times-1/kept-2000000", 2, NULL},
		{"upcut-1500000/times-1/kept-1999999", 3, NULL},
		{"upcut-1500000/times-1/kept-nonsense", 2, NULL},
		{"upcut-1500000/times-1/patch-500", 2, "1500000-1999999"},
	};
	const struct oci_descriptor large = fixture_layer(2000000);
	struct stream stream = {.size = large.size};
	struct oci_transfer transfer = {.open = stream_open, .context = &stream, .retry_ms = 1};
	struct buf log = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_target *target;
		struct diag why = {0};
		char name[64];

		(void)snprintf(name, sizeof(name), "r/%s", cases[i].how);
		target = target_of(&server, name);
		(void)fixture_log(&server, &log);
		assert_ok(oci_transfer_send(target, &large, &transfer, &why), &why);
		(void)fixture_log(&server, &log);
		if (count_of(buf_string(&log), "\"PUT\"") != cases[i].puts ||
		    count_of(buf_string(&log), "\"PATCH\"") != (cases[i].patch ? 1 : 0) ||
		    (cases[i].patch && !strstr(buf_string(&log), cases[i].patch)))
			fail_msg("%s: %s", name, buf_string(&log));
		oci_target_close(target);
	}
	buf_release(&log);
}

/*
 * The connection is the one that the upload was opened over, and the registry keeps what came: the
 * same request once more would be refused, so whoever knows that has to begin anew.
 */
static void a_small_blob_that_breaks_on_the_way_is_sent_to_another_upload(void **state)
{
	static const char *const names[] = {"sm/upcut-1/times-1", "sm/upcut-half/times-1",
					    "sm/upcut-1000/times-1"};
	const struct oci_descriptor small = fixture_layer(1000);
	struct buf log = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct oci_target *target = target_of(&server, names[i]);
		struct diag why = {0};

		(void)fixture_log(&server, &log);
		assert_ok(put(target, &small, 1000, 0, &why), &why);
		(void)fixture_log(&server, &log);
		if (count_of(buf_string(&log), "\"POST\"") != 2 ||
		    count_of(buf_string(&log), "\"PUT\"") != 2)
			fail_msg("%s: %s", names[i], buf_string(&log));
		oci_target_close(target);
	}
	buf_release(&log);
}

/* A token that expires in the middle of a push costs another one. */
static void an_upload_goes_on_with_a_new_token(void **state)
{
	const struct oci_descriptor large = fixture_layer(2000000), small = fixture_layer(1000);
	struct oci_target *target = target_of(&server, "u/auth-bearer/stale-1");
	struct oci_target *other = target_of(&server, "v/auth-bearer/stale-1");
	struct stream stream = {0};
	struct oci_transfer transfer = {.open = stream_open, .context = &stream, .retry_ms = 1};
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	stream.size = large.size;
	assert_ok(oci_transfer_send(target, &large, &transfer, &why), &why);
	assert_int_equal(2, count_of(fixture_log(&server, &log), "/token?"));
	stream.size = small.size;
	assert_ok(oci_transfer_send(other, &small, &transfer, &why), &why);
	assert_int_equal(2, count_of(fixture_log(&server, &log), "/token?"));
	oci_target_close(target);
	oci_target_close(other);
	target = target_of(&server, "w/auth-basic/stale-9");
	stream.size = large.size;
	assert_int_equal(-EACCES, oci_transfer_send(target, &large, &transfer, &why));
	oci_target_close(target);
	buf_release(&log);
}

/* One that is refused may have expired; the next one, fetched for that, has not. */
static void a_registry_that_refuses_each_token_is_not_asked_for_ever(void **state)
{
	static const char *const names[] = {"x/auth-bearer/stale-99",
					    "x/auth-bearer/stale-99/small"};
	const struct oci_descriptor large = fixture_layer(2000000), small = fixture_layer(1000);
	struct buf log = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct oci_descriptor *blob = i == 0 ? &large : &small;
		struct stream stream = {.size = blob->size};
		struct oci_transfer transfer = {
			.open = stream_open, .context = &stream, .retry_ms = 1};
		struct oci_target *target = target_of(&server, names[i]);
		struct diag why = {0};

		(void)fixture_log(&server, &log);
		assert_int_equal(-EACCES, oci_transfer_send(target, blob, &transfer, &why));
		assert_non_null(strstr(why.text, "UNAUTHORIZED: who are you"));
		if (i == 0)
			assert_non_null(strstr(why.text, "refuses the token"));
		(void)fixture_log(&server, &log);
		assert_int_equal(2, count_of(buf_string(&log), "/token?"));
		assert_int_equal(2, count_of(buf_string(&log), "\"PUT\""));
		oci_target_close(target);
	}
	buf_release(&log);
}

static void a_manifest_that_was_changed_on_the_way_is_noticed(void **state)
{
	struct oci_target *good = target_of(&server, "good:v1");
	struct oci_target *bad = target_of(&server, "x/put-wrong:v1");
	struct diag why = {0};

	(void)state;
	assert_ok(put_manifest(good, DIGEST_SHA256, "a/b", true, &why), &why);
	assert_int_equal(-EBADMSG, put_manifest(bad, DIGEST_SHA256, "a/b", true, &why));
	assert_int_equal(-EUCLEAN,
			 put_manifest(good, DIGEST_SHA256, "a/b\r\nX-Evil: 1", true, &why));
	oci_target_close(good);
	oci_target_close(bad);
}

/* An index that lists it so would lead nowhere if it had another name. */
static void a_manifest_is_put_under_the_digest_it_is_known_by(void **state)
{
	struct oci_target *target = target_of(&server, "good:v1");
	struct oci_target *bad = target_of(&server, "x/put-wrong:v1");
	struct digest wrong = {.algorithm = DIGEST_SHA512};
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	(void)fixture_log(&server, &log);
	assert_ok(put_manifest(target, DIGEST_SHA512, "a/b", false, &why), &why);
	/* sha512sum of "{}" */
	assert_non_null(
		strstr(fixture_log(&server, &log),
		       "/manifests/sha512:27c74670adb75075fad058d5ceaf7b20c4e7786c83bae8a32f62"
		       "6f9782af34c9a33c2046ef60fd2a7878d378e29fec851806bbd9a67878f3a9f1cda4830"
		       "763fd\""));
	assert_int_equal(-EBADMSG, put_manifest(bad, DIGEST_SHA512, "a/b", false, &why));
	assert_int_equal(-EBADMSG, oci_target_put_manifest(target, &wrong, SPAN_LITERAL("{}"),
							   "a/b", false, &why));
	oci_target_close(target);
	oci_target_close(bad);
	buf_release(&log);
}

static void file_read(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ret->size = 0;
	assert_true(fd >= 0);
	assert_int_equal(0, fd_read_all(fd, 1 << 24, ret));
	(void)close(fd);
}

/* The file of a digest in the layout. */
static void blob_read(const char *digest, struct buf *ret)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/layout/blobs/sha256/%s", folder, digest + 7);
	file_read(path, ret);
}

/* The n-th digest that the manifest names: the config, then the layers. */
static bool digest_at(struct buf *manifest, size_t n, struct oci_descriptor *ret)
{
	const char *at = buf_string(manifest);

	for (;; n--) {
		at = strstr(at, "\"sha256:");
		if (!at)
			return false;
		at++;
		if (n == 0)
			break;
	}
	assert_int_equal(0, oci_digest_parse(span_of(at, 71), &ret->digest));
	at = strstr(at, "\"size\": ");
	assert_non_null(at);
	ret->size = strtoull(at + 8, NULL, 10);
	return true;
}

/* Layout -> skopeo -> registry -> us -> registry under another name -> skopeo -> layout. */
static void skopeo_and_we_see_the_same(void **state)
{
	struct registry_options options = {.credentials = NULL};
	char digest[80] = "", type[MEDIA_TYPE_SIZE_MAX], text[OCI_DIGEST_SIZE_MAX], path[8192];
	struct buf file = {0}, manifest = {0}, bytes = {0};
	struct oci_descriptor blob = {0};
	struct oci_source *source;
	struct oci_target *target;
	struct diag why = {0};
	FILE *pipe;

	(void)state;
	need_registry();
	need("skopeo", has_skopeo, "there is no skopeo");
	(void)snprintf(path, sizeof(path), "python3 %s %s/layout",
		       source_path("tests/tools/oci-layout.py"), folder);
	pipe = popen(path, "re"); /* NOLINT: words of our own */
	assert_non_null(pipe);
	assert_non_null(fgets(digest, sizeof(digest), pipe));
	assert_int_equal(0, pclose(pipe));
	digest[71] = '\0';
	run("skopeo --insecure-policy copy -q --dest-tls-verify=false oci:%s/layout:test "
	    "docker://127.0.0.1:%d/theirs:1",
	    folder, real[0].port);

	source = fixture_source(&real[0], "theirs:1", &options);
	assert_ok(oci_source_manifest(source, NULL, &manifest, type, &why), &why);
	blob_read(digest, &file);
	assert_true(span_equal(buf_span(&file), buf_span(&manifest)));
	assert_string_equal("application/vnd.oci.image.manifest.v1+json", type);

	target = target_of(&real[1], "ours:1");
	for (size_t i = 0; digest_at(&manifest, i, &blob); i++) {
		struct reader reader;
		uint8_t part[10000];
		ssize_t got;

		assert_ok(oci_source_blob(source, &blob, 0, &reader, &why), &why);
		bytes.size = 0;
		while ((got = reader_read(&reader, part, sizeof(part), &why)) > 0)
			assert_int_equal(0, buf_append(&bytes, part, (size_t)got));
		assert_ok((int)got, &why);
		reader_close(&reader);
		blob_read(oci_digest_text(&blob.digest, text), &file);
		assert_true(span_equal(buf_span(&file), buf_span(&bytes)));

		/* From one registry into the other. */
		assert_ok(oci_source_blob(source, &blob, 0, &reader, &why), &why);
		assert_ok(oci_target_put_blob(target, &blob, &reader, &why), &why);
		reader_close(&reader);
	}
	assert_ok(sha_of(DIGEST_SHA256, buf_span(&manifest), &blob.digest, &why), &why);
	assert_ok(oci_target_put_manifest(target, &blob.digest, buf_span(&manifest), type, true,
					  &why),
		  &why);
	oci_source_close(source);
	oci_target_close(target);

	run("skopeo --insecure-policy copy -q --src-tls-verify=false --src-creds user:pw "
	    "docker://127.0.0.1:%d/ours@%s oci:%s/back:test",
	    real[1].port, digest, folder);
	run("diff -r %s/layout/blobs %s/back/blobs", folder, folder);
	buf_release(&file);
	buf_release(&manifest);
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_pushed_is_there),
		cmocka_unit_test(a_blob_is_mounted_from_another_repository),
		cmocka_unit_test(what_is_not_as_promised_is_not_pushed),
		cmocka_unit_test(without_a_password_nothing_is_pushed),
		cmocka_unit_test(registries_that_misbehave_are_refused),
		cmocka_unit_test(an_upload_elsewhere_gets_no_credentials),
		cmocka_unit_test(a_large_blob_that_breaks_on_the_way_is_worth_another_try),
		cmocka_unit_test(an_upload_goes_on_where_it_broke),
		cmocka_unit_test(a_small_blob_that_breaks_on_the_way_is_sent_to_another_upload),
		cmocka_unit_test(an_upload_goes_on_with_a_new_token),
		cmocka_unit_test(a_registry_that_refuses_each_token_is_not_asked_for_ever),
		cmocka_unit_test(a_manifest_that_was_changed_on_the_way_is_noticed),
		cmocka_unit_test(a_manifest_is_put_under_the_digest_it_is_known_by),
		cmocka_unit_test(skopeo_and_we_see_the_same),
	};

	return cmocka_run_group_tests_name("oci/registry_push", tests, start, stop);
}

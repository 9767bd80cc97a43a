/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What is written, read again by our own source; tests/e2e/storage.bats has podman read it.
 */
#include "made.h"

#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/reference.h"
#include "oci/source.h"
#include "oci/storage.h"
#include "oci/storage_write.h"

#define OCI "application/vnd.oci.image."
#define ARCHIVE "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static const char config[] =
	"{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" ARCHIVE "\"]}}";

/* An image whose layer is told apart by what its diff_id is, so that our reader takes it. */
static struct storage_entry entry_of(const char *name, const char *bytes, struct buf *manifest)
{
	struct storage_entry entry = {
		.name = name,
		.config = made_descriptor(span_of_string(bytes)).digest,
		.config_bytes = span_of_string(bytes),
		.created = "2024-01-02T03:04:05.678Z",
		.size = 12345,
	};

	manifest->size = 0;
	assert_int_equal(0,
			 buf_printf(manifest,
				    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI
				    "config.v1+json\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{"
				    "\"mediaType\":\"" OCI "layer.v1.tar\",\"digest\":\"" ARCHIVE
				    "\",\"size\":7}]}",
				    made_digest(span_of_string(bytes)), strlen(bytes)));
	entry.manifest_bytes = buf_span(manifest);
	entry.manifest = made_descriptor(buf_span(manifest)).digest;
	assert_int_equal(0, oci_digest_parse(SPAN_LITERAL(ARCHIVE), &entry.layer));
	return entry;
}

static void put(const char *folder, const struct storage_entry *entry)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct diag why = {0};

	assert_true(fd >= 0);
	assert_ok(storage_entry_put(fd, entry, &why), &why);
	(void)close(fd);
}

static int open_image(const char *folder, const char *name, struct oci_source **ret)
{
	struct oci_reference reference;
	struct diag why = {0};
	char text[512], *own = NULL;
	int r;

	(void)snprintf(text, sizeof(text), "containers-storage:[overlay@%s]%s", folder, name);
	assert_ok(oci_reference_parse(text, &reference, &why), &why);
	r = storage_open(&reference, ret, &own, &why);
	oci_reference_release(&reference);
	free(own);
	return r;
}

static const char *path_of(const char *folder, const char *below, const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s/%s", folder, below, name);
	return path;
}

static json_t *list_of(const char *folder, const char *name)
{
	json_error_t error;
	json_t *list = json_load_file(made_path(folder, name), JSON_REJECT_DUPLICATES, &error);

	assert_non_null(list);
	return list;
}

static void an_image_is_read_again(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX], diff[STORAGE_DIFF_SIZE_MAX];
	char link[64] = "";
	struct buf manifest = {0}, bytes = {0};
	struct storage_entry entry = entry_of("localhost/it:1", config, &manifest);
	struct oci_source *source = NULL;
	struct diag why = {0};
	struct stat stat_of_diff, stat_of_link;
	json_t *layers;
	int fd;

	(void)state;
	made_folder(folder);
	put(folder, &entry);
	assert_int_equal(0, open_image(folder, "localhost/it:1", &source));
	assert_ok(oci_source_manifest(source, NULL, &bytes, media_type, &why), &why);
	assert_true(span_equal(buf_span(&manifest), buf_span(&bytes)));
	oci_source_close(source);

	/* podman mounts by the short name */
	assert_int_equal(0,
			 stat(made_path(folder, storage_entry_diff(&entry, diff)), &stat_of_diff));
	*strrchr(diff, '/') = '\0';
	fd = open(path_of(folder, diff, "link"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(26, fd_read(fd, link, sizeof(link) - 1));
	(void)close(fd);
	assert_int_equal(0, stat(path_of(folder, "overlay/l", link), &stat_of_link));
	assert_int_equal(stat_of_diff.st_ino, stat_of_link.st_ino);
	layers = list_of(folder, "overlay-layers/layers.json");
	assert_int_equal(
		12345, json_integer_value(json_object_get(json_array_get(layers, 0), "diff-size")));
	json_decref(layers);
	buf_release(&bytes);
	buf_release(&manifest);
	made_remove(folder);
}

static void again_it_replaces_and_takes_the_name(void **state)
{
	char folder[FOLDER_SIZE];
	struct buf manifest = {0}, other_manifest = {0};
	struct storage_entry entry = entry_of("localhost/it:1", config, &manifest);
	struct storage_entry other = entry_of("localhost/it:1", "{\"rootfs\":{}}", &other_manifest);
	json_t *images;

	(void)state;
	made_folder(folder);
	put(folder, &entry);
	put(folder, &entry);
	images = list_of(folder, "overlay-images/images.json");
	assert_int_equal(1, json_array_size(images));
	json_decref(images);
	put(folder, &other);
	images = list_of(folder, "overlay-images/images.json");
	assert_int_equal(2, json_array_size(images));
	assert_int_equal(0, json_array_size(json_object_get(json_array_get(images, 0), "names")));
	assert_int_equal(1, json_array_size(json_object_get(json_array_get(images, 1), "names")));
	json_decref(images);
	buf_release(&manifest);
	buf_release(&other_manifest);
	made_remove(folder);
}

/* Go would refuse all of the list. */
static void a_time_that_is_none_is_left_out(void **state)
{
	static const char *const good[] = {"2024-01-02T03:04:05Z",
					   "2024-01-02T03:04:05.123456789Z"};
	static const char *const bad[] = {"",
					  "2024-01-02",
					  "2024-01-02T03:04:05",
					  "yesterday",
					  NULL,
					  "2024-01-02T03:04:05.Z",
					  "2024-01-02T03:04:05+01:00",
					  "2024-01-02T03:04:05ZZ",
					  "x\"y",
					  "2024-01-02T03:04:05.0000000000Z",
					  "2024-01-02 03:04:05Z"};
	char folder[FOLDER_SIZE];
	struct buf manifest = {0};
	struct storage_entry entry = entry_of("localhost/it:1", config, &manifest);

	(void)state;
	made_folder(folder);
	for (size_t i = 0; i < 2 + sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *images;

		entry.created = i < 2 ? good[i] : bad[i - 2];
		put(folder, &entry);
		images = list_of(folder, "overlay-images/images.json");
		assert_string_equal(
			i < 2 ? good[i] : "1970-01-01T00:00:00Z",
			json_string_value(json_object_get(json_array_get(images, 0), "created")));
		json_decref(images);
	}
	buf_release(&manifest);
	made_remove(folder);
}

static void a_list_that_makes_no_sense_stays(void **state)
{
	char folder[FOLDER_SIZE];
	struct buf manifest = {0};
	struct storage_entry entry = entry_of("localhost/it:1", config, &manifest);
	struct diag why = {0};
	int fd;

	(void)state;
	made_folder(folder);
	made_file(folder, "overlay-images/images.json", SPAN_LITERAL("{}"));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(-EUCLEAN, storage_entry_put(fd, &entry, &why));
	assert_non_null(strstr(why.text, "images.json"));
	(void)close(fd);
	buf_release(&manifest);
	made_remove(folder);
}

/* In a child, which must not go on with our tests. */
static void put_or_exit(const char *folder, const struct storage_entry *entry)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct diag why = {0};

	if (fd < 0 || storage_entry_put(fd, entry, &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		_exit(1);
	}
	(void)close(fd);
}

/* Writers of images of their own: none of them is lost. */
static void several_write_at_a_time(void **state)
{
	enum { WRITERS = 4, IMAGES = 8 };
	char folder[FOLDER_SIZE];
	pid_t writers[WRITERS];
	json_t *list;
	int status;

	(void)state;
	made_folder(folder);
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = fork();
		assert_true(writers[i] >= 0);
		for (int j = 0; writers[i] == 0 && j < IMAGES; j++) {
			struct buf manifest = {0};
			char name[32], bytes[256];
			struct storage_entry entry;

			(void)snprintf(name, sizeof(name), "localhost/it:%d", i * IMAGES + j);
			(void)snprintf(bytes, sizeof(bytes), "%.*s,\"x\":%d}",
				       (int)strlen(config) - 1, config, i * IMAGES + j);
			entry = entry_of(name, bytes, &manifest);
			put_or_exit(folder, &entry);
			buf_release(&manifest);
		}
		if (writers[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(writers[i], waitpid(writers[i], &status, 0));
		assert_int_equal(0, status);
	}
	list = list_of(folder, "overlay-images/images.json");
	assert_int_equal(WRITERS * IMAGES, json_array_size(list));
	json_decref(list);
	list = list_of(folder, "overlay-layers/layers.json");
	assert_int_equal(WRITERS * IMAGES, json_array_size(list));
	json_decref(list);
	made_remove(folder);
}

/* That podman holds, and by what is in it podman knows of our writing. */
static void the_lock_is_waited_for_and_marked(void **state)
{
	static const char *const paths[] = {"overlay-images/images.lock",
					    "overlay-layers/layers.lock"};
	char folder[FOLDER_SIZE];
	struct buf manifest = {0};
	struct storage_entry entry = entry_of("localhost/it:1", config, &manifest);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	uint8_t before[65], after[65];

	(void)state;
	made_folder(folder);
	put(folder, &entry);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(made_path(folder, paths[i]), O_RDWR | O_CLOEXEC);
		pid_t writer;
		int status;

		assert_true(fd >= 0);
		assert_int_equal(64, pread(fd, before, sizeof(before), 0));
		assert_int_equal(0, fcntl(fd, F_OFD_SETLK, &lock));
		writer = fork();
		assert_true(writer >= 0);
		if (writer == 0) {
			/* ours by inheritance, if it stayed open */
			(void)close(fd);
			put_or_exit(folder, &entry);
			_exit(0);
		}
		(void)usleep(100000);
		assert_int_equal(0, waitpid(writer, &status, WNOHANG));
		(void)close(fd);
		assert_int_equal(writer, waitpid(writer, &status, 0));
		assert_int_equal(0, status);
		fd = open(made_path(folder, paths[i]), O_RDONLY | O_CLOEXEC);
		assert_int_equal(64, pread(fd, after, sizeof(after), 0));
		(void)close(fd);
		assert_memory_not_equal(before, after, 64);
	}
	buf_release(&manifest);
	made_remove(folder);
}

static int mode_check(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	mode_t wanted = kind == FTW_D ? 0755 : 0644;

	(void)where;
	if (kind != FTW_SL && (stat->st_mode & 07777) != wanted)
		fail_msg("%s has mode %o", path, stat->st_mode & 07777);
	return 0;
}

static void the_umask_hides_nothing(void **state)
{
	char folder[FOLDER_SIZE];
	struct buf manifest = {0};
	struct storage_entry entry = entry_of("localhost/it:1", config, &manifest);
	mode_t before;

	(void)state;
	made_folder(folder);
	assert_int_equal(0, chmod(folder, 0755));
	before = umask(0077);
	put(folder, &entry);
	(void)umask(before);
	assert_int_equal(0, nftw(folder, mode_check, 16, FTW_PHYS));
	buf_release(&manifest);
	made_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_read_again),
		cmocka_unit_test(again_it_replaces_and_takes_the_name),
		cmocka_unit_test(a_time_that_is_none_is_left_out),
		cmocka_unit_test(several_write_at_a_time),
		cmocka_unit_test(the_lock_is_waited_for_and_marked),
		cmocka_unit_test(the_umask_hides_nothing),
		cmocka_unit_test(a_list_that_makes_no_sense_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

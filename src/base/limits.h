/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * limits.h - how much of anything we take, and why
 *
 * Limits of a format carry its section; ours carry the reason.
 */
#ifndef LAMINA_BASE_LIMITS_H
#define LAMINA_BASE_LIMITS_H

/* composefs dump format, "Limits". */
#define NAME_SIZE_MAX 255              /* NAME_MAX of Linux, bytes */
#define SYMLINK_SIZE_MAX 4095          /* PATH_MAX without the NUL */
#define PAYLOAD_SIZE_MAX 4095          /* the same */
#define XATTR_KEY_SIZE_MAX 255         /* XATTR_NAME_MAX of Linux */
#define XATTR_VALUE_SIZE_MAX 65535     /* XATTR_SIZE_MAX less one: the on-disk field has 16 bits */
#define XATTR_NODE_SIZE_MAX 32767      /* sum of (7 + key + value) + 12 of one inode */
#define XATTR_LINE_SIZE_MAX 65535      /* text of all xattrs of one dump line */
#define INLINE_SIZE_MAX 5000           /* content kept in the image */
#define EXTERNAL_SIZE_MAX (1ULL << 53) /* 1024 chunks of 8 TiB */

/* Images of version 2: what composefs-rs takes of its own, and one chunk. */
#define V2_INLINE_SIZE_MAX 512
#define V2_SYMLINK_SIZE_MAX 1024
#define V2_EXTERNAL_SIZE_MAX (1ULL << 43)

/* A regular file up to this size goes into the image, a larger one into the store (mkcomposefs
 * DIR). */
#define INLINE_SIZE_DEFAULT 64

#define DEPTH_MAX 2048 /* PATH_MAX / 2: nothing deeper can be named in one call */

/*
 * Lookups of a path that a rename or a mount somewhere in the system cut short: openat2(2) says so
 * of paths with "..". Two in a row are rare, and so many are somebody's intention.
 */
#define OPEN_AGAIN_MAX 128

/*
 * One dump line: escaped inline content (4 * 5000), payload (4 * 4095), path (4 * PATH_MAX), xattrs
 * (65535) and numbers fit with room to spare.
 */
#define DUMP_LINE_SIZE_MAX (256 * 1024)

/* meta.json of a repository: the known one has 300 bytes; room for features to come. */
#define META_SIZE_MAX (64 * 1024)

/*
 * A mount record: four paths of 4095 bytes, each six where JSON escapes them, and two id maps of
 * 340 extents of 35 bytes. No more records than the kernel has mounts (fs.mount-max).
 */
#define RECORD_SIZE_MAX (256 * 1024)
#define RECORD_COUNT_MAX 100000

/*
 * A manifest or an index of OCI: the distribution specification asks registries for 4 MiB, and so
 * do containers/image and Docker's own. A config has no such number; the same.
 */
#define MANIFEST_SIZE_MAX (4 * 1024 * 1024)

/*
 * JSON of that size made of the smallest values would cost a hundred times as much memory once it
 * is read: "{}," is three bytes and some 250 in a tree. An index of 4 MiB that consists of
 * descriptors has less than 200,000 values. OCI's own documents are six deep; what vendors put
 * beside them has room.
 */
#define DOCUMENT_VALUE_COUNT_MAX (256 * 1024)
#define DOCUMENT_CONTAINER_COUNT_MAX (64 * 1024) /* objects and arrays among them */
#define DOCUMENT_DEPTH_MAX 64

/*
 * What a config lists: variables, arguments, volumes, ports, labels. An instruction of a build
 * makes one, and Docker has 127 layers; generated configs have some hundred labels. Each variable
 * is compared with all before it.
 */
#define CONFIG_LIST_MAX 4096

/*
 * Layers of an image. Docker refuses the 128th, overlayfs mounts 500; flattened ones cost a merge
 * each, and a thousand and one of them are no image but a test of patience.
 */
#define LAYER_COUNT_MAX 1024
/*
 * Manifests of an index that is copied as a whole: official images have ten platforms, with an
 * attestation each; an index in an index is rare, deeper nobody goes.
 */
#define COPY_MANIFEST_MAX 1024
#define INDEX_DEPTH_MAX 4
/* Names in the stream of a manifest or a config: layers, blobs kept beside them, some images. */
#define LINK_COUNT_MAX (2 * LAYER_COUNT_MAX + 64)

/*
 * An archive that holds images: 64,000 files are a hundred images of many layers; names are a
 * sha512 in hex and some directories.
 */
#define ARCHIVE_MEMBER_MAX (64 * 1024)
#define ARCHIVE_NAME_MAX 1024
/* One that is compressed is unpacked to disk first: more than any image has, less than disks. */
#define ARCHIVE_PLAIN_SIZE_MAX (1ULL << 37)

/*
 * The images or the layers of another engine's store, in one document: 20,000 of them, which is a
 * host that builds all day and forgets to prune. Values and objects are four times those of other
 * documents: here they hold long names.
 */
#define STORAGE_LIST_SIZE_MAX (16 * MANIFEST_SIZE_MAX)
#define STORAGE_LIST_VALUE_FACTOR 4
#define STORAGE_ROOT_MAX 64                 /* stores that are searched: more than anybody mounts */
#define STORAGE_CONF_SIZE_MAX (1024 * 1024) /* hand-written: 20 KiB, comments included */
/*
 * What a store keeps of an archive, to put it together again. A line has a header of tar with its
 * extension, as base64, or up to 1 MiB of what follows the archive. In all: the headers of
 * LAYER_ENTRY_MAX files.
 */
#define TAR_SPLIT_LINE_SIZE_MAX MANIFEST_SIZE_MAX
#define TAR_SPLIT_SIZE_MAX ((uint64_t)16 * 1024 * 1024 * 1024)

/*
 * What a user types for an image: a path of PATH_MAX, brackets with two more of them, and a name of
 * 255 + 255 + 128 bytes with a digest.
 */
#define REFERENCE_SIZE_MAX (16 * 1024)

/*
 * A splitstream. As many objects as there are files in an image that is copied into memory; as much
 * inline as that many tar members of 1 KiB. The names of references come out of a manifest or a
 * config of MANIFEST_SIZE_MAX, where each takes nearly as much; the shortest entry that a pull
 * makes has 73 bytes.
 */
#define SPLITSTREAM_OBJECT_MAX ((size_t)4 * 1024 * 1024)
#define SPLITSTREAM_INLINE_MAX ((uint64_t)4 * 1024 * 1024 * 1024)
#define SPLITSTREAM_NAMED_SIZE_MAX ((size_t)2 * MANIFEST_SIZE_MAX)
#define SPLITSTREAM_REFERENCE_MAX (SPLITSTREAM_NAMED_SIZE_MAX / 64)
#define SPLITSTREAM_PIECE_SIZE ((size_t)128 * 1024) /* a block of zstd */
/* log2 of the window: what every level of zstd but the "ultra" ones asks for; level 3 takes 21. */
#define SPLITSTREAM_WINDOW_LOG_MAX 23

/*
 * A layer. zstd itself takes a window of 2^27 bytes unless it is told to take more, which is memory
 * for each layer that is pulled at a time.
 */
#define LAYER_ZSTD_WINDOW_LOG_MAX 27
/*
 * What comes out of a blob: gzip can make a thousand bytes of one, zstd more. Programs and texts
 * become five times as large, ten where they are repetitive; what is within LAYER_FREE_SIZE, a
 * disk can stand.
 */
#define LAYER_RATIO_MAX 200
#define LAYER_FREE_SIZE ((uint64_t)1024 * 1024 * 1024)
/*
 * Files of a layer, or of an archive that is imported, which have holes, with those filled: a hole
 * costs its maker twenty bytes, and us the hashing of its zeros, some ten minutes for a TiB where
 * the CPU has instructions for it. A file of ext4 ends at 16 TiB. What a blob may grow to is the
 * limit below that; its size is only a promise, which says nothing where it is a lie.
 */
#define SPARSE_SIZE_MAX ((uint64_t)1024 * 1024 * 1024 * 1024)
/*
 * A file of this size or more has to fit into what the disk has free before any of it is written: a
 * header can promise 8 EiB. Smaller ones come in a second, and fail as soon; to ask for each of a
 * million files is a system call each.
 */
#define ROOM_CHECK_SIZE_MIN ((uint64_t)64 * 1024 * 1024)
/*
 * A layer that makes no sense is read on for so many bytes, to tell whether it is the one that was
 * promised or another. The size is a promise of who made it: there may be no end to it.
 */
#define LAYER_BLAME_SIZE_MAX ((uint64_t)64 * 1024 * 1024)
/*
 * An archive that the user names, compressed or not: nobody promised how large it is, and more than
 * this no file system of a machine has.
 */
#define IMPORT_TAR_SIZE_MAX ((uint64_t)1024 * 1024 * 1024 * 1024)
/* As many as a splitstream has objects; a directory costs as much as a file. */
#define LAYER_ENTRY_MAX ((uint64_t)4 * 1024 * 1024)
/*
 * An image, all of its layers merged: directories that no entry describes count, too, of which a
 * path can imply two thousand. Twice what a layer may have, so that a large image can be updated.
 * In memory a file takes 300 bytes with its name, which a layer that replaces it takes once more.
 */
#define MERGE_ENTRY_MAX (2 * LAYER_ENTRY_MAX)
#define MERGE_MEMORY_MAX ((uint64_t)3 * 1024 * 1024 * 1024)
/*
 * The pieces of a sparse file, 4 MiB of memory: a file system with holes at every other block of 4
 * KiB makes as many of 2 GiB. All headers but those of pax 1.0 hold less anyhow. Files of a layer:
 * each has a name in its splitstream.
 */
#define TAR_SPARSE_SEGMENT_MAX (256 * 1024)
#define LAYER_SPARSE_MAX (SPLITSTREAM_REFERENCE_MAX / 2)
/* A pax header or a GNU long name: what Go's archive/tar takes, and so every engine. */
#define TAR_EXTENSION_SIZE_MAX (1024 * 1024)

/*
 * A layer's table of contents: containers/storage takes 150 MiB. 2 million values are 130,000 files
 * with what an entry has, or half a million chunks, and half a GiB of memory while they are read. A
 * layer with more is pulled as any other. Compressed it is a tenth; what takes more is none.
 */
#define TOC_SIZE_MAX ((size_t)128 * 1024 * 1024)
#define TOC_VALUE_FACTOR 8
#define TOC_PACKED_SIZE_MAX ((size_t)64 * 1024 * 1024)
/*
 * Where to fetch the contents of a whole image from: 4 million files, as many as its image may have
 * in memory, with two chunks each are 800 MB.
 */
#define LAZY_CONTENTS_MAX ((size_t)4 * 1024 * 1024)
#define LAZY_TABLE_SIZE_MAX ((size_t)1 << 30)
/* Small files of one gzip member: its writer begins another after some 64 KiB. */
#define TOC_SKIP_MAX (16 * 1024 * 1024)

/*
 * A header of HTTP: libcurl takes lines of 100 KiB and any number of them; those of registries and
 * their clouds have 4 KiB, of which most is one signed URL. Redirects: browsers follow 20,
 * registries need 2.
 */
#define HTTP_HEADERS_SIZE_MAX (64 * 1024)
#define HTTP_REDIRECTS_MAX 10
/*
 * A connection that brings less than this while we wait for it is given up: a modem has 5 KiB/s.
 * The server may think for ten times as long about what it was sent, a blob to put together.
 */
#define HTTP_RATE_MIN 1024 /* bytes a second */
#define HTTP_STALL_TIMEOUT_MS 30000
#define HTTP_CONNECT_TIMEOUT_MS 30000
/* Certificates of one host: the system's own bundle of all has 220 KiB. */
#define CERTIFICATES_SIZE_MAX (8 * 1024 * 1024)

/* auth.json: an entry has 200 bytes, identity tokens of some clouds 5 KiB; hundreds of registries.
 */
#define AUTH_FILE_SIZE_MAX (1024 * 1024)
/* What a credential helper says: a name, and one such token. */
#define HELPER_ANSWER_SIZE_MAX (64 * 1024)
/* What a token server answers: a signed token of up to 20 KiB, sometimes twice. */
#define TOKEN_ANSWER_SIZE_MAX (256 * 1024)
#define TOKEN_COUNT_MAX 64 /* a client holds: one for each scope that was asked for */

/* registries.conf: hand-written; the largest known, of short names, has 10 KiB. */
#define REGISTRIES_CONF_SIZE_MAX (1024 * 1024)
#define REGISTRIES_COUNT_MAX 1000
#define MIRRORS_COUNT_MAX 32 /* each is asked before the registry itself is */

/*
 * What fails for the network's or the server's sake is tried again so many times without progress,
 * after waits that double: 0.25 to 4 s, 8 s in all. A blob that brought a MiB has made progress;
 * one that is sent from its beginning each time has only so many beginnings. A server that asks for
 * more patience than this (Retry-After) is taken at its word: it fails.
 */
#define RETRY_MAX 5
#define RETRY_FIRST_MS 250
#define RETRY_LONGEST_MS 4000
#define RETRY_AFTER_MAX_S 60
#define RETRY_PROGRESS_MIN (1024 * 1024)
#define RANGE_IGNORED_MAX 3
/* What a registry says about a failure: one message, in which some repeat the manifest. */
#define REGISTRY_ERROR_SIZE_MAX (64 * 1024)
/* A blob that is kept in memory while it is pushed, so that it can be sent again: configs are. */
#define PUSH_BUFFER_SIZE_MAX (1024 * 1024)
#define PUSH_SESSIONS_MAX 64 /* uploads that broke and may go on: as many as jobs that send */

/* An image of metadata only: 2^32 blocks is the format's limit, this is what we accept to map. */
#define IMAGE_SIZE_MAX (1ULL << 40)
/*
 * An image that others may change is copied into memory first, which cannot be swapped out in
 * containers without swap: this is a tree of 4 million files, and what a machine of today can
 * spare.
 */
#define IMAGE_COPY_MAX (1ULL << 30)

/* /proc/self/mountinfo: 100,000 mounts, the kernel's default fs.mount-max, of 600 bytes each. */
#define MOUNTINFO_SIZE_MAX (64 * 1024 * 1024)

/* /etc/subuid: 65,535 users, all that 2^32 ids give 65,536 to, with lines of 64 bytes. */
#define SUBIDS_SIZE_MAX (4 * 1024 * 1024)

/*
 * passwd and group files of an image: 1 MiB is 15,000 users. A line of 64 KiB is a group with some
 * thousand members; NGROUPS_MAX of Linux is 65,536, what a container's first process gets is less.
 */
#define PASSWD_SIZE_MAX (1024 * 1024)
#define PASSWD_LINE_SIZE_MAX (64 * 1024)
#define PASSWD_GROUP_COUNT_MAX 256

/*
 * File contexts of a SELinux policy: Fedora's have 6,000 patterns in 400 KiB, which make 400,000
 * parts of 12 bytes. The work of matching is counted in parts that are looked at, some nanoseconds
 * each: labelling a whole system takes some millions. What is remembered between texts is 10 MiB
 * for such a policy.
 */
#define SELINUX_FILE_SIZE_MAX (8 * 1024 * 1024)
#define SELINUX_LINE_SIZE_MAX (64 * 1024)
#define PATTERN_NODE_MAX (4 * 1024 * 1024)
#define PATTERN_DEPTH_MAX 100
#define PATTERN_REPEAT_MAX 1000
#define PATTERN_WORK_MAX (1ULL << 31)
#define PATTERN_CACHE_SIZE ((size_t)64 * 1024 * 1024)

/* A seccomp profile: podman's and docker's have 20 KiB, 450 system calls and thirty rules. */
#define SECCOMP_PROFILE_SIZE_MAX (1024 * 1024)

/* /etc/nsswitch.conf: a line for each of some twenty databases, and comments. */
#define NSSWITCH_SIZE_MAX (64 * 1024)

#endif

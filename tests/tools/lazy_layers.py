# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Layers with a table of contents, made of plain archives: zstd:chunked and eStargz.

Written from containers/storage, pkg/chunked ("FileMetadata", "ZstdChunkedFooterData") and stargz-snapshotter,
docs/estargz.md; nothing of lamina is used. Each function gives the blob and the annotations of its descriptor.
"""
import base64
import datetime
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import zlib

CHUNK = 50_000  # bytes of a file; real writers have 64 KiB by content, or 4 MiB
TYPES = {tarfile.REGTYPE: "reg", tarfile.LNKTYPE: "hardlink", tarfile.SYMTYPE: "symlink", tarfile.DIRTYPE: "dir",
         tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "-"], input=data, stdout=subprocess.PIPE, check=True).stdout


def time_text(mtime):
    whole = int(mtime // 1)
    text = datetime.datetime.fromtimestamp(whole, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = ("%.9f" % (float(mtime) - whole))[1:].rstrip("0").rstrip(".")
    return text + fraction + "Z"


def metadata(member):
    """What both formats say of an entry, but for its contents. Directories end in a slash, as in the archive."""
    result = {"type": TYPES[member.type], "name": member.name + ("/" if member.isdir() else ""), "mode": member.mode,
              "uid": member.uid, "gid": member.gid,
              "modtime": time_text(float(member.pax_headers.get("mtime", member.mtime)))}
    if member.linkname:
        result["linkName"] = member.linkname
    if member.isdev():
        result["devMajor"], result["devMinor"] = member.devmajor, member.devminor
    xattrs = {key[len("SCHILY.xattr."):]: base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
              for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")}
    if xattrs:
        result["xattrs"] = xattrs
    return result


def files_of(data):
    """Each entry with its contents, and where they are in the archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            contents = data[member.offset_data:member.offset_data + member.size] if member.isreg() else b""
            yield member, contents


def pieces(contents):
    return [contents[at:at + CHUNK] for at in range(0, len(contents), CHUNK)]


def lied(entries, lie):
    """Say something of the largest file that is not true."""
    files = [e for e in entries if e["type"] == "reg" and e.get("size")]
    if lie and files:
        victim = max(files, key=lambda e: e["size"])
        victim[lie] = {"digest": digest(b"something else"), "size": victim["size"] + 1,
                       "offset": victim.get("offset", 0) + 1 << 40}[lie]
    return entries


def zstd_chunked(data, lie=None):
    blob, entries, at = b"", [], 0
    for member, contents in files_of(data):
        entry = metadata(member)
        entries.append(entry)
        if not contents:
            continue
        blob += zstd(data[at:member.offset_data])
        entry.update(size=len(contents), digest=digest(contents), offset=len(blob))
        parts = pieces(contents)
        for i, part in enumerate(parts):
            chunk = entry if i == 0 else {"type": "chunk", "name": entry["name"], "chunkOffset": i * CHUNK}
            if i > 0:
                entries.append(chunk)
            if len(parts) > 1:
                chunk.update(chunkSize=len(part), offset=len(blob), chunkDigest=digest(part))
                if part.count(0) == len(part):
                    chunk["chunkType"] = "zeros"
            blob += zstd(part)
        entry["endOffset"] = len(blob)
        at = member.offset_data + len(contents)
    blob += zstd(data[at:])
    table = json.dumps({"version": 1, "entries": lied(entries, lie)}).encode()
    packed = zstd(table)
    annotations = {"io.github.containers.zstd-chunked.manifest-checksum": digest(packed),
                   "io.github.containers.zstd-chunked.manifest-position":
                       "%d:%d:%d:1" % (len(blob) + 8, len(packed), len(table))}
    footer = b"".join(n.to_bytes(8, "little") for n in (len(blob) + 8, len(packed), len(table), 1, 0, 0, 0))
    for frame in packed, footer + b"GNUlInUx":
        blob += b"\x50\x2a\x4d\x18" + len(frame).to_bytes(4, "little") + frame
    return blob, annotations


def member_of(data):
    return gzip.compress(data, mtime=0)


def estargz(data, lie=None, inner=False):
    """inner: files of one chunk follow each other in one member, as --estargz-min-chunk-size has it.

    The archive is another than data, since the table is a file of it: returned third.
    """
    end = max((member.offset_data + (member.size + 511) // 512 * 512 for member, _ in files_of(data)), default=0)
    blob, entries, at, pending, start = b"", [], 0, b"", 0
    for member, contents in files_of(data):
        entry = metadata(member)
        entries.append(entry)
        if not contents:
            continue
        pending += data[at:member.offset_data]
        entry.update(size=len(contents), digest=digest(contents))
        for i, part in enumerate(pieces(contents)):
            chunk = entry if i == 0 else {"type": "chunk", "name": entry["name"], "chunkOffset": i * CHUNK}
            if i > 0:
                entries.append(chunk)
            if not (inner and len(contents) <= CHUNK and len(pending) < 20_000):
                blob += member_of(pending)
                pending = b""
            chunk.update(offset=len(blob), chunkDigest=digest(part))
            if pending:
                chunk["innerOffset"] = len(pending)
            if (i + 1) * CHUNK < len(contents):
                chunk["chunkSize"] = len(part)
            pending += part
        at = member.offset_data + len(contents)
    blob += member_of(pending + data[at:end])
    table = json.dumps({"version": 1, "entries": lied(entries, lie)}, indent="\t").encode()
    info = tarfile.TarInfo("stargz.index.json")
    info.size = len(table)
    tail = info.tobuf(tarfile.USTAR_FORMAT) + table + b"\0" * (-len(table) % 512) + b"\0" * 1024
    place = len(blob)
    blob += member_of(tail)
    blob += (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + (26).to_bytes(2, "little") + b"SG" + (22).to_bytes(2, "little") +
             b"%016xSTARGZ" % place + b"\1\0\0\xff\xff" + b"\0" * 8)
    return blob, {"containerd.io/snapshot/stargz/toc.digest": digest(table)}, data[:end] + tail


def check(blob, data):
    """Whatever reads the blob as a whole gets the archive."""
    reader, plain = zlib.decompressobj(31), b""
    while blob:
        plain += reader.decompress(blob)
        blob, reader = reader.unused_data, zlib.decompressobj(31)
    assert plain == data

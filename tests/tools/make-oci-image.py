#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Write small OCI layouts whose bytes are the same on every machine.

make-oci-image.py DIR [--name TAG] [--compression none|gzip|gzip-members|zstd|zstd-frames|mixed]
                      [--docker] [--variant N] [--platforms P,P...] [--layers N] [--size BYTES]
                      [--bootable] [--lie digest|size|offset] [--program FILE]
make-oci-image.py DIR --compression zstd-chunked|estargz|estargz-inner|lazy ...   (lazy: by turns, with plain gzip)

The default image has four layers with what layers can have: long names, hard and symbolic links,
xattrs, odd times and owners, whiteouts and opaque directories before and behind what they speak of.
--variant changes the last layer only. --layers N makes N layers of one file each instead, of --size
bytes, which compress to half of it. Layers with a table of contents have one more, with a file that is mostly zeros, below the
others; --lie makes their tables say what is not so of their largest file. --program adds a layer with that in /usr/bin, and a user web. --bootable adds a layer with a kernel and a SELinux policy. Prints the
digest of the manifest, or of the index when there are several platforms.
"""

import argparse
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

sys.dont_write_bytecode = True
import lazy_layers  # noqa: E402

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entry(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, uid=0, gid=0, mtime=1000, target="", xattrs=None,
          device=(0, 0)):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid, info.mtime = kind, mode, uid, gid, mtime
    info.size, info.linkname = len(data), target
    info.devmajor, info.devminor = device
    info.pax_headers = {"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
    return info, data


def directory(name, mode=0o755, **more):
    return entry(name, tarfile.DIRTYPE, mode=mode, **more)


def tar(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def content(seed, size):
    """Bytes that do not compress to nothing, the same every time."""
    out = bytearray()
    block = seed.encode()
    while len(out) < size:
        block = hashlib.sha256(block).digest()
        out += block.hex().encode()
    return bytes(out[:size])


def base():
    long = "usr/share/" + "/".join(["a-rather-long-directory-name"] * 6)
    yield directory("./", mode=0o700, mtime=5)
    yield directory("usr/", mtime=1000, xattrs={"user.note": "dropped"})
    yield directory("usr/bin/", mtime=1001.25)
    yield entry("usr/bin/tool", data=content("tool", 200_000), mode=0o755, mtime=1002.5)
    yield entry("usr/bin/setuid", data=content("setuid", 70), mode=0o4755)
    yield entry("usr/bin/link", tarfile.LNKTYPE, target="usr/bin/tool")
    yield entry("usr/bin/symlink", tarfile.SYMTYPE, target="tool", mode=0o777, mtime=1003)
    yield directory("usr/share/")
    parts = long.split("/")
    for i in range(3, len(parts) + 1):
        yield directory("/".join(parts[:i]) + "/")
    yield entry(long + "/file-with-a-long-name", data=content("long", 5000), uid=1000, gid=100)
    yield entry("usr/share/note", data=b"64 bytes or less\n", xattrs={"user.note": "dropped"})
    yield entry("bin", tarfile.SYMTYPE, target="usr/bin", mode=0o777)
    yield directory("etc/")
    yield entry("etc/gone", data=b"removed by a later layer\n")
    yield entry("etc/kept", data=content("kept", 300))
    yield entry("etc/dir-becomes-file/below", data=b"x")
    yield entry("etc/file-becomes-dir", data=b"x")
    yield directory("run/", mtime=7)
    yield entry("run/lock", data=b"")
    yield directory("var/")
    yield directory("var/cache/", uid=6, gid=7)
    yield entry("var/cache/old", data=content("old", 1000))
    yield directory("var/cache/older/")
    yield entry("var/cache/older/oldest", data=b"old\n")
    yield directory("var/spool/", mode=0o1777)
    yield entry("var/spool/gone-before", data=b"x")
    yield entry("var/fifo", tarfile.FIFOTYPE, mode=0o600)


def second():
    yield directory("etc/", mode=0o750)
    yield entry("etc/.wh.gone")
    yield entry("etc/.wh.never-there")
    yield entry("etc/dir-becomes-file", data=b"a file now\n")
    yield directory("etc/file-becomes-dir/")
    yield entry("etc/file-becomes-dir/inside", data=content("inside", 100))
    yield directory("var/cache/", uid=8, gid=9, mtime=2000)
    yield entry("var/cache/.wh..wh..opq")
    yield entry("var/cache/new", data=content("new", 1000))


def third(variant):
    # what its own layer has stays, though the opaque mark comes behind it
    yield entry("var/spool/fresh", data=content("fresh", 200))
    yield entry("var/spool/.wh..wh..opq")
    yield entry("usr/share/note", data=b"changed\n", mtime=3000)
    yield entry("usr/bin/third", tarfile.LNKTYPE, target="usr/bin/tool")
    yield entry("etc/variant", data=content(f"variant {variant}", 400))


def holes():
    yield directory("usr/")
    yield directory("usr/share/")
    yield entry("usr/share/holes", data=content("before", 60_000) + bytes(400_000) + content("behind", 1000))
    yield entry("usr/share/zeros", data=bytes(200_000))


def bootable():
    files = "etc/selinux/targeted/contexts/files/"
    yield directory("boot/", mtime=1)
    yield entry("boot/kernel", data=content("kernel", 5000))
    yield directory("sysroot/", mode=0o700)
    yield entry("sysroot/ostree", data=b"x")
    yield entry("lib64", tarfile.SYMTYPE, target="usr/lib64", mode=0o777)
    yield directory("usr/lib64/")
    yield entry("usr/lib64/libc.so.6", data=content("libc", 1000))
    yield entry("etc/selinux/config", data=b"# SELINUXTYPE=none\nSELINUXTYPE=targeted\n")
    yield entry(files + "file_contexts", data=(
        b"/.*\ts_u:o_r:default_t:s0\n/usr(/.*)?\ts_u:o_r:usr_t:s0\n/usr/lib(/.*)?\ts_u:o_r:lib_t:s0\n"
        b"/usr/(.*/)?[^/]*link\t-l\ts_u:o_r:link_t:s0\n/usr/bin/third -- s_u:o_r:third_t:s0\n/run(/.*)?\t<<none>>\n"))
    yield entry(files + "file_contexts.subs_dist", data=b"/usr/lib64 /usr/lib\n")


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, mtime=0), "+gzip"
    if how == "gzip-members":
        middle = len(data) // 2
        return gzip.compress(data[:middle], mtime=0) + gzip.compress(data[middle:], mtime=0), "+gzip"
    if how == "zstd":
        return zstd(data), "+zstd"
    if how == "zstd-frames":
        middle = len(data) // 3
        skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"skip!"
        return zstd(data[:middle]) + skippable + zstd(data[middle:]), "+zstd"
    return data, ""


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "-"], input=data, stdout=subprocess.PIPE, check=True).stdout


def compress_lazy(data, how, lie):
    """The blob, the end of its media type, its annotations, and the archive that it is."""
    if how == "zstd-chunked":
        blob, annotations = lazy_layers.zstd_chunked(data, lie)
        return blob, "+zstd", annotations, data
    if how in ("estargz", "estargz-inner"):
        blob, annotations, data = lazy_layers.estargz(data, lie, how == "estargz-inner")
        lazy_layers.check(blob, data)
        return blob, "+gzip", annotations, data
    return *compress(data, how), None, data


class Layout:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data, media_type):
        (self.path / "blobs/sha256" / digest(data).split(":")[1]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def image(self, tars, how, docker, platform, lie):
        kinds = {"mixed": ["gzip", "zstd", "none", "zstd-frames", "gzip-members"],
                 "lazy": ["zstd-chunked", "estargz", "gzip", "estargz-inner"]}.get(how, [how])
        layers = []
        for i, data in enumerate(tars):
            blob, suffix, annotations, tars[i] = compress_lazy(data, kinds[i % len(kinds)], lie)
            kind = DOCKER + "image.rootfs.diff.tar" + suffix.replace("+", ".") if docker \
                else OCI + "layer.v1.tar" + suffix
            layers.append(self.blob(blob, kind))
            if annotations:
                layers[-1]["annotations"] = annotations
        os_name, architecture, *variant = platform.split("/")
        history = [{"created": "2024-01-02T03:04:05Z", "created_by": f"layer {i}"} for i in range(len(tars))]
        history.insert(1, {"created_by": "ENV A=b", "comment": "no layer", "empty_layer": True})
        config = {
            "created": "2024-01-02T03:04:05Z", "architecture": architecture, "os": os_name,
            "config": {"Env": ["PATH=/usr/bin", "A=b"], "Entrypoint": ["/usr/bin/tool"], "Cmd": ["--help"],
                       "User": "1000:100", "WorkingDir": "/usr", "Labels": {"org.example.note": "a label"},
                       "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/var/cache": {}}, "StopSignal": "SIGTERM"},
            "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in tars]},
            "history": history,
        }
        if variant:
            config["variant"] = variant[0]
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER + "distribution.manifest.v2+json" if docker else OCI + "manifest.v1+json",
            "config": self.blob(json.dumps(config).encode(),
                                DOCKER + "container.image.v1+json" if docker else OCI + "config.v1+json"),
            "layers": layers,
        }
        descriptor = self.blob(json.dumps(manifest).encode(), manifest["mediaType"])
        descriptor["platform"] = {"os": os_name, "architecture": architecture}
        if variant:
            descriptor["platform"]["variant"] = variant[0]
        return descriptor

    def add(self, descriptor, name):
        index = self.path / "index.json"
        document = json.loads(index.read_text()) if index.exists() else {"schemaVersion": 2, "manifests": []}
        descriptor = {key: value for key, value in descriptor.items() if key != "platform"}
        if name:
            descriptor["annotations"] = {"org.opencontainers.image.ref.name": name}
        document["manifests"].append(descriptor)
        index.write_text(json.dumps(document))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--name")
    parser.add_argument("--compression", default="gzip")
    parser.add_argument("--docker", action="store_true")
    parser.add_argument("--variant", default="0")
    parser.add_argument("--platforms", default="linux/" + host())
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--bootable", action="store_true")
    parser.add_argument("--lie")
    parser.add_argument("--program", type=pathlib.Path)
    options = parser.parse_args()

    layout = Layout(options.directory)
    images = []
    for platform in options.platforms.split(","):
        suffix = "" if "," not in options.platforms else " " + platform
        if options.layers:
            tars = [tar([directory("usr/"), entry(f"usr/file-{i}{suffix.replace('/', '-')}", data=content(str(i), options.size))])
                    for i in range(options.layers)]
        else:
            tars = [tar(base()), tar(second()), tar([]), tar(third(options.variant + suffix))]
        if options.compression in ("zstd-chunked", "estargz", "estargz-inner", "lazy") and not options.layers:
            tars.insert(0, tar(holes()))
        if options.program:
            tars.append(tar([entry("usr/bin/" + options.program.name, data=options.program.read_bytes(), mode=0o755),
                             entry("etc/passwd", data=b"web:x:33:330::/srv:/bin/sh\n" + b"#" * 100)]))
        if options.bootable:
            tars.append(tar(bootable()))
        images.append(layout.image(tars, options.compression, options.docker, platform, options.lie))
    result = images[0]
    if len(images) > 1:
        kind = DOCKER + "distribution.manifest.list.v2+json" if options.docker else OCI + "index.v1+json"
        result = layout.blob(json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": images}).encode(), kind)
    layout.add(result, options.name)
    print(result["digest"])


def host():
    machine = subprocess.run(["uname", "-m"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


main()

# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Group "pull": an image of one gzip layer from a registry on loopback, against skopeo with umoci, and podman.

Each takes the image as far as its file tree is there: ours into the repository, with the EROFS image; umoci's and
podman's as unpacked files. An updated image, which changes one of two layers, is what a pull takes the second time.
"""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

from building import compare

TITLES = {"lamina": "the program that is measured", "skopeo and umoci": "skopeo copy to a layout, umoci unpack",
          "podman": "podman pull, overlay driver"}
NEEDED = ("docker-registry", "skopeo", "tar", "gzip")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def write_blob(layout, data):
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def hash_file(path):
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else \
            hashlib.sha256(source.read()).hexdigest()


def make_layer(layout, tree, paths):
    """A gzip layer of these files; gives (descriptor, diff_id)."""
    tar = layout / "layer.tar"
    names = "".join(path + "\0" for path in paths).encode("utf-8", "surrogateescape")
    subprocess.run(["tar", "-C", str(tree), "--null", "--no-recursion", "--sort=none", "-cf", str(tar), "-T", "-"],
                   input=names, check=True)
    diff_id = "sha256:" + hash_file(tar)
    compressed = layout / "layer.gz"
    with open(compressed, "wb") as out:
        subprocess.run(["gzip", "-6", "-n", "-c", str(tar)], check=True, stdout=out)
    digest = hash_file(compressed)
    size = compressed.stat().st_size
    compressed.rename(layout / "blobs" / "sha256" / digest)
    tar.unlink()
    return {"mediaType": LAYER, "digest": "sha256:" + digest, "size": size}, diff_id


def make_layout(layout, layers):
    """An OCI layout with image v1 of the first layer, and v2 of all; a layer is (root, paths)."""
    (layout / "blobs" / "sha256").mkdir(parents=True)
    made = [make_layer(layout, root, paths) for root, paths in layers]
    manifests = []
    for name, count in (("v1", 1), ("v2", len(made))):
        config = write_blob(layout, json.dumps(
            {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/sh"]},
             "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in made[:count]]}}).encode())
        manifest = write_blob(layout, json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG, **config},
             "layers": [descriptor for descriptor, _ in made[:count]]}).encode())
        manifests.append({"mediaType": MANIFEST, **manifest,
                          "annotations": {"org.opencontainers.image.ref.name": name}})
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def choose_files(root, count, total):
    """So many regular files below root/usr in about so many bytes, with their directories before them.

    Which ones depends on their names alone: an image of a distribution has small and large ones, text and programs.
    """
    found = []
    for place, _, names in os.walk(root / "usr"):
        for name in names:
            path = os.path.join(place, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                short = os.path.relpath(path, root)
                found.append((hashlib.sha256(os.fsencode(short)).digest(), short, status.st_size))
    found.sort()
    chosen, size = [], 0
    for _, short, bytes_ in found[:count]:
        if size + bytes_ <= total:
            chosen.append(short)
            size += bytes_
    folders = set()
    for short in chosen:
        folders.update(str(folder) for folder in pathlib.PurePath(short).parents)
    return sorted(folders - {"."}) + sorted(chosen)


class Registry:
    """docker-registry with one repository, on a free port of the loopback device."""

    def __init__(self, program, work):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % found.getsockname()[1]
        settings = work / "registry.yml"
        settings.write_text(json.dumps({
            "version": "0.1", "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(work / "registry")}},
            "http": {"addr": self.address}}))
        self.process = subprocess.Popen([program, "serve", str(settings)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(200):
            try:
                socket.create_connection(tuple([self.address.split(":")[0], int(self.address.split(":")[1])])).close()
                return
            except OSError:
                time.sleep(0.05)
        raise OSError("the registry does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def commands_of(programs, address, work):
    """{name: function of the run's number}; each makes its folders anew: ext4 is slower where much was removed."""
    image = f"docker://{address}/bench/image:"
    found = {"lamina": lambda n, tag="v1": [
        "sh", "-c", 'sync; [ -d "$1" ] || "$0" init --repo "$1" >/dev/null; "$0" pull -q --tls-verify=false --repo "$1" "$2" t',
        programs["lamina"], str(work / f"repo-{n}"), image + tag]}
    if shutil.which("umoci"):
        found["skopeo and umoci"] = lambda n, tag="v1": [
            "sh", "-c", 'sync; skopeo copy -q --src-tls-verify=false "$1" "oci:$0:t" && umoci unpack --image "$0:t" "$0.$2"',
            str(work / f"layout-{n}"), image + tag, tag]
    if shutil.which("podman"):
        found["podman"] = lambda n, tag="v1": [
            "sh", "-c", 'sync; exec podman --root "$0" --runroot "$0.run" --storage-driver overlay pull -q --tls-verify=false "$1"',
            str(work / f"podman-{n}"), image + tag]
    return found


def measure(samples, rounds, programs, sets, facts):
    """Gives the names of the contenders that ran and {name: why not}."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        return {}, {"pull": "no " + ", ".join(missing)}
    root, tree = pathlib.Path("/"), pathlib.Path(facts["tree"]["tree"])
    layout = sets.make_oci(lambda new: make_layout(new, [
        (root, choose_files(root, sets.sizes["layer_files"], sets.sizes["layer_bytes"])), (tree, ["large"])]))
    with tempfile.TemporaryDirectory(prefix="work-", dir=sets.folder) as folder:
        work = pathlib.Path(folder)
        with Registry(shutil.which("docker-registry"), work) as registry:
            for tag in ("v1", "v2"):
                subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:{tag}",
                                f"docker://{registry.address}/bench/image:{tag}"], check=True)
            commands = commands_of(programs, registry.address, work)
            compare(programs["drivers"], samples, "pull an image", commands, min(rounds, 3), group="pull")
            compare(programs["drivers"], samples, "pull it again with one layer more",
                    {name: lambda n, c=command: c(n, "v2") for name, command in commands.items()}, min(rounds, 3),
                    group="pull")
    return {name: TITLES[name] for name in commands}, \
        {name: f"no {name.split()[-1]} in $PATH" for name in TITLES if name not in commands}

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""oci-layout.py DIR: an OCI image layout with one image of two layers, the same each time, under the
name "test". Prints the digest of its manifest."""
import gzip
import hashlib
import io
import json
import os
import random
import sys
import tarfile

top = sys.argv[1]
numbers = random.Random(1)


def put(data):
    digest = hashlib.sha256(data).hexdigest()
    os.makedirs(top + "/blobs/sha256", exist_ok=True)
    with open(top + "/blobs/sha256/" + digest, "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def layer(names, size):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = size
            tar.addfile(entry, io.BytesIO(numbers.randbytes(size)))
    raw = buffer.getvalue()
    blob = put(gzip.compress(raw, 1, mtime=0))
    blob["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
    return blob, "sha256:" + hashlib.sha256(raw).hexdigest()


def put_json(value, media_type):
    blob = put(json.dumps(value, sort_keys=True).encode())
    blob["mediaType"] = media_type
    return blob


layers = [layer(["usr/bin/a", "usr/bin/b"], 1500000), layer(["etc/c"], 1000)]
config = put_json({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/usr/bin/a"]},
                   "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]}},
                  "application/vnd.oci.image.config.v1+json")
manifest = put_json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                     "config": config, "layers": [blob for blob, _ in layers]},
                    "application/vnd.oci.image.manifest.v1+json")
print(manifest["digest"])
manifest["annotations"] = {"org.opencontainers.image.ref.name": "test"}
with open(top + "/index.json", "w") as file:
    json.dump({"schemaVersion": 2, "manifests": [manifest]}, file)
with open(top + "/oci-layout", "w") as file:
    json.dump({"imageLayoutVersion": "1.0.0"}, file)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""A registry that means harm: the repository's name says how. Prints its port, and serves until its stdin
ends, on 127.0.0.1 or the address that is the first argument.

The image is a good one but for what KINDS says, and all digests are right where they can be.
"""
import gzip
import hashlib
import http.server
import io
import json
import socketserver
import sys
import tarfile
import threading
import time

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
PLAIN = b"x" * 65536


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(kind, data):
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


def layer_tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = 5000
        tar.addfile(entry, io.BytesIO(b"y" * 5000))
    return out.getvalue()


def bomb():
    """An archive that ends, and more than a GiB of zeros behind it, in members of gzip that are small."""
    return gzip.compress(layer_tar()) + gzip.compress(bytes(64 << 20)) * 20


def promise():
    """The header of a file of an EiB."""
    entry = tarfile.TarInfo("huge")
    entry.size = 1 << 60
    return entry.tobuf(format=tarfile.GNU_FORMAT)


class Image:
    """What a kind makes of the good image: blobs by digest, and the manifest."""

    def __init__(self, kind):
        plain = layer_tar()
        layer = {"gzip-bomb": bomb, "layer-huge": promise}.get(kind, lambda: plain)()
        config = json.dumps({"os": "linux", "architecture": "amd64",
                             "rootfs": {"type": "layers", "diff_ids": [digest(plain)]}}).encode()
        if kind == "config-duplicate-keys":
            config = config[:-1] + b',"os":"linux"}'
        layers = [descriptor(LAYER_TYPE + ("+gzip" if kind == "gzip-bomb" else ""), layer)]
        document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE,
                    "config": descriptor("application/vnd.oci.image.config.v1+json", config), "layers": layers}
        if kind in ("size-lie", "layer-huge"):
            layers[0]["size"] = 1 << 62
        if kind == "layers-2000":
            document["layers"] = layers * 2000
        text = json.dumps(document)
        if kind == "layers-million":
            text = text.replace('"layers": [', '"layers": [' + (json.dumps(layers[0]) + ",") * 1000000)
        if kind == "values-million":
            text = text[:-1] + ',"x":[' + ",".join(["0"] * 1000000) + "]}"
        if kind == "deep":
            text = text[:-1] + ',"x":' + "[" * 10000 + "]" * 10000 + "}"
        if kind == "duplicate-keys":
            text = text[:-1] + ',"layers":[]}'
        if kind == "json-100m":
            text = text[:-1] + ',"x":"' + "x" * (100 << 20) + '"}'
        self.manifest = text.encode()
        self.blobs = {digest(config): config, digest(layer): layer}
        if kind == "layer-digest":
            self.blobs[digest(layer)] = layer.replace(b"yyy", b"yyz", 1)
        if kind == "config-digest":
            self.blobs[digest(config)] = config.replace(b"linux", b"linus", 1)
        self.layer = digest(layer)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    images = {}

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def leave(self, place):
        self.say(307, b"", [("Location", place)])

    def endless(self, status=200, part=PLAIN, wait=0):
        self.send_response(status)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        while True:
            self.wfile.write(part)
            time.sleep(wait)

    def harm_anything(self, kind):
        """What can be done to any answer, whatever was asked for. True: it was done."""
        port = self.server.server_address[1]
        if kind == "header-endless":
            self.send_response(200)
            while True:
                self.send_header("X", "x" * 8000)
                self.flush_headers()
        elif kind == "not-http":
            self.wfile.write(b"\0\1\2 what is this\r\n" * 100)
            self.close_connection = True
        elif kind == "error-endless":
            self.endless(404)
        elif kind == "error-escapes":
            self.say(403, b'{"errors":[{"code":"DENIED","message":"\\u001b[2J\\n\\nlamina: all is well"}]}')
        elif kind == "challenge-file":
            self.say(401, b"", [("WWW-Authenticate", 'Bearer realm="file:///etc/passwd",service="x"')])
        elif kind == "token-endless":
            self.say(401, b"", [("WWW-Authenticate", 'Bearer realm="http://127.0.0.1:%d/token"' % port)])
        else:
            return False
        return True

    def manifest(self, kind, image):
        headers = [("Content-Type", MANIFEST_TYPE)]
        if kind == "manifest-endless":
            self.endless(200, b" " * 65536)
        elif kind == "manifest-slow":
            self.endless(200, b" ", 0.1)
        elif kind == "manifest-digest":
            self.say(200, image.manifest, [*headers, ("Docker-Content-Digest", digest(b"x"))])
        elif kind == "manifest-gzip":
            self.say(200, gzip.compress(bytes(64 << 20)), [*headers, ("Content-Encoding", "gzip")])
        elif kind == "manifest-file":
            self.leave("file:///etc/passwd")
        elif kind == "manifest-loop":
            self.leave(self.path)
        elif kind == "manifest-inside":
            self.leave("http://127.0.0.1:%s/v2/good/manifests/latest" % self.server.inside)
        else:
            self.say(200, image.manifest, headers)

    def blob(self, kind, image, name):
        data = image.blobs.get(name)
        if data is None:
            return self.say(404, b"{}")
        if name != image.layer:
            return self.say(200, data)
        if kind == "layer-slow":
            return self.endless(200, data[:1], 0.1)
        if kind == "layer-endless":
            return self.endless()
        if kind == "layer-huge":
            return self.endless(200, data + PLAIN)
        if kind == "layer-file":
            return self.leave("file:///etc/passwd")
        if kind == "layer-inside":
            return self.leave("http://127.0.0.1:%s/v2/good/blobs/%s" % (self.server.inside, name))
        if kind == "size-lie":
            return self.endless()
        return self.say(200, data)

    def answer(self):
        if self.path.startswith("/token"):
            return self.endless()
        parts = self.path.split("?")[0].split("/")
        if len(parts) < 5:
            return self.say(200, b"{}")
        kind = parts[2]
        if self.harm_anything(kind):
            return None
        image = self.images.get(kind) or self.images.setdefault(kind, Image(kind))
        return self.manifest(kind, image) if parts[3] == "manifests" else self.blob(kind, image, parts[4])

    def do_GET(self):
        try:
            self.answer()
        except OSError:
            self.close_connection = True

    do_HEAD = do_POST = do_GET


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def main():
    server = Server((sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1", 0), Handler)
    server.inside = sys.argv[2] if len(sys.argv) > 2 else "1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""A registry that serves the images of OCI layouts below a folder, as a file in it says. Prints its port, and serves
until its stdin ends. Binds 127.0.0.1 only.

  layout-registry.py FOLDER [PORT]

FOLDER/NAME is the layout of repository NAME; its only image has any tag. FOLDER/how, looked at for each blob, has words:
  whole        Range is ignored
  silent       nothing is answered
  broken       500
  parts        404 where all of a blob is asked for
  cut=N        the connection ends after N bytes of body
  wrong        each byte of a part of a blob is another
FOLDER/log gets a line for each answer: "manifest|blob DIGEST FIRST-END SENT".
"""
import http.server
import json
import pathlib
import socketserver
import sys
import threading
import time

folder = pathlib.Path(sys.argv[1])
lock = threading.Lock()


def how():
    try:
        words = (folder / "how").read_text().split()
    except FileNotFoundError:
        words = []
    return dict(word.partition("=")[::2] for word in words)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):
        pass

    def note(self, *words):
        with lock, open(folder / "log", "a") as log:
            print(*words, file=log)

    def say(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        words = self.path.split("/")
        if self.path == "/v2/":
            return self.say(200, b"{}")
        name, kind, what = "/".join(words[2:-2]), words[-2], words[-1]
        layout = folder / name
        if not layout.is_dir():
            return self.say(404, b"{}")
        if kind == "manifests":
            return self.manifest(layout, what)
        try:
            blob = (layout / "blobs/sha256" / what.partition(":")[2]).read_bytes()
        except FileNotFoundError:
            return self.say(404, b"{}")
        return self.blob(what, blob)

    def manifest(self, layout, what):
        if not what.startswith("sha256:"):
            what = json.loads((layout / "index.json").read_text())["manifests"][-1]["digest"]
        text = (layout / "blobs/sha256" / what.partition(":")[2]).read_bytes()
        self.note("manifest", what, "0-%d" % len(text), len(text))
        self.say(200, text, [("Content-Type", json.loads(text)["mediaType"]), ("Docker-Content-Digest", what)])

    def blob(self, what, blob):
        does = how()
        if "silent" in does:
            time.sleep(60)
            self.close_connection = True
            return
        if "broken" in does:
            return self.say(500, b"{}")
        if "parts" in does and "Range" not in self.headers and len(blob) > 2000:
            return self.say(404, b"{}")
        first, end, status, headers = 0, len(blob), 200, []
        asked = self.headers.get("Range")
        if asked and "whole" not in does:
            low, high = asked.partition("=")[2].split("-")
            first, end, status = int(low), min(int(high) + 1, end) if high else end, 206
            headers = [("Content-Range", "bytes %d-%d/%d" % (first, end - 1, len(blob)))]
        part = blob[first:end]
        if "wrong" in does and status == 206:
            part = bytes(byte ^ 1 for byte in part)
        self.note("blob", what, "%d-%d" % (first, end), len(part))
        if "cut" in does:
            self.send_response(status)
            for header in (*headers, ("Content-Length", str(len(part)))):
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(part[:int(does["cut"])])
            self.close_connection = True
            return
        self.say(status, part, headers)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def main():
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""A web server that behaves as its URLs say, badly above all. Prints its port, and serves until its
stdin ends. Binds 127.0.0.1 only.

  http-fixture.py [CERT KEY [AUTHORITY]]

HTTPS with CERT; clients' certificates of AUTHORITY are taken.

  /echo                 the request as JSON
  /bytes/N              N bytes, those of pattern(); honours Range. And, as a query:
      cut=K                 close after K bytes of body, each time
      times=T               cut and status only at the first T requests of this URL
      range=ignore|wrong    200 and everything; 206 for another range
      length=N|none         another Content-Length, or none (the end is the end)
      rate=R                bytes a second, one at a time
      status=S              that status, with &retry_after=
  /redirect?to=URL      302, or &status=
  /loop                 redirects to itself
  /headers?size=N       one header of N bytes; count= of them
  /endless              bytes without end
  /garbage              not HTTP
  /challenge?www=V      401 with WWW-Authenticate: V, for each www
  /token?answer=A       A, with &status=
  /silent               takes the request, says nothing
  /v2/...               a registry, see Registry
  /log                  JSON: what was asked for since the last time, with the bytes of body sent
"""
import hashlib
import http.server
import json
import random
import socket
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse

lock = threading.Lock()
log = []
answering = set()  # handlers, from the request to the end of the response
NOTE_SECONDS = 5
counts = {}
sessions = {}  # uploads: by path, what came


def pattern(start, end):
    """Byte i is the low byte of a multiplicative hash of i: any shift is noticed."""
    return bytes(((i * 2654435761) >> 13) & 255 for i in range(start, end))


PATTERN = pattern(0, 1 << 16) * 2


def pattern_fast(start, size):
    """pattern(), with a period of 64 KiB."""
    start &= (1 << 16) - 1
    return PATTERN[start:start + size]


def pattern_all(size):
    return (PATTERN[:1 << 16] * (size // (1 << 16) + 1))[:size]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):
        pass

    def note(self, sent):
        with lock:
            self.is_noted = True
            log.append({"method": self.command, "path": self.path, "sent": sent,
                        "headers": {k.lower(): v for k, v in self.headers.items()}})

    def say(self, status, body=b"", headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def echo(self, query):
        body = self.body()
        self.note(0)
        self.say(200, json.dumps({
            "method": self.command, "path": self.path, "size": len(body),
            "peer": bool(isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert()),
            "body": body[:1000].decode("latin-1"), "sum": sum(body),
            "headers": {k.lower(): v for k, v in self.headers.items()}}).encode())

    def bytes(self, query):
        """Sends, and notes how much; what is left of a response is the connection's end."""
        size = int(urllib.parse.urlparse(self.path).path.rsplit("/", 1)[1])
        self.serve(query, size)

    def serve(self, query, size, headers=()):
        with lock:
            seen = counts[self.path] = counts.get(self.path, 0) + 1
        is_bad = seen <= int(query.get("times", 1 << 30))
        if "status" in query and is_bad:
            self.note(0)
            extra = [("Retry-After", query["retry_after"])] if "retry_after" in query else []
            return self.say(int(query["status"]), b"{}", extra)
        start, status, stop = 0, 200, size
        asked = self.headers.get("Range")
        if asked and query.get("range") != "ignore":
            first, last = asked.split("=")[1].split("-")
            start, status = int(first), 206
            stop = min(int(last) + 1, size) if last else size
            if query.get("range") == "wrong":
                start = max(start - 1, 0)
            if start >= size:
                self.note(0)
                return self.say(416)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, stop - 1, size))
        length = query.get("length", str(stop - start))
        if length != "none":
            self.send_header("Content-Length", length)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return self.note(0)
        end = stop
        if "cut" in query and is_bad:
            end = min(end, start + int(query["cut"]))
        if length not in ("none", str(stop - start)):
            end = min(end, start + int(length))
        self.send_range(start, end, float(query["rate"]) if "rate" in query else 0)

    def send_range(self, start, end, rate):
        at = start
        try:
            while at < end:
                part = pattern_fast(at, 1 if rate else min(end - at, 1 << 16))
                self.wfile.write(part)
                at += len(part)
                if rate:
                    time.sleep(1 / rate)
        except OSError:
            pass
        self.note(at - start)

    def redirect(self, query):
        self.body()
        self.note(0)
        self.say(int(query.get("status", 302)), b"", [("Location", query["to"])])

    def loop(self, query):
        self.note(0)
        self.say(302, b"", [("Location", "/loop")])

    def headers_(self, query):
        self.note(0)
        self.send_response(200)
        try:
            for i in range(int(query.get("count", 1))):
                self.send_header("X-Big-%d" % i, "x" * int(query["size"]))
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:
            pass
        self.close_connection = True

    def endless(self, query):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.send_range(0, 1 << 40, 0)

    def garbage(self, query):
        self.note(0)
        self.wfile.write(b"\0\1\2 this is not HTTP\r\n" * 10)
        self.close_connection = True

    def challenge(self, query):
        self.note(0)
        values = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)["www"]
        self.say(401, b"{}", [("WWW-Authenticate", value) for value in values])

    def token(self, query):
        text = self.body().decode()
        self.note(text)
        self.say(int(query.get("status", 200)), query["answer"].encode())

    # A registry: the repository's name says how it behaves, "x/size-3000/cut-100/times-2". Keys that
    # begin with m are about manifests, the others about blobs, as in /bytes; and
    #   size-N            of the one layer
    #   have-no           no blob is there
    #   cut-random        at another place each time
    #   to-HOW            the blob is redirected: to file, to blob, to other.PORT of 127.0.0.1, to
    #                     basic.PORT or bearer.PORT, which want a password or a token
    #   auth-bearer|basic wants a token, or a password (user:pw)
    #   stale-N           the first N requests with a body find their token expired
    #   mdigest-wrong     Docker-Content-Digest of something else
    #   mbody-wrong       another manifest than was asked for
    #   msize-N           a manifest of N bytes
    #   up-HOW            an upload leads to a file, nowhere, or to other.PORT, to the repository "guard"
    #                     there; status-S with times-T when it is put
    #   upcut-N           the connection ends after N bytes of a blob that is put and has as many, with times-T;
    #                     upcut-half: after half of any blob, rounded up. What came is kept
    #   upload-S          status S for a blob that is put, with times-T
    #   kept-no           of an upload that broke nothing is known; kept-N: N + 1 bytes, it is said
    #   patch-S           status S where an upload goes on
    #   put-wrong         a manifest that was put has another Docker-Content-Digest
    def registry(self, _query):
        path = urllib.parse.urlparse(self.path).path[len("/v2/"):]
        if not path:
            self.note(0)
            return self.say(200, b"{}")
        name, kind, what = path.rsplit("/", 2)
        if kind == "uploads":
            name = name.rsplit("/", 1)[0]
        how = dict(part.split("-", 1) for part in name.split("/") if "-" in part)
        if not self.is_welcome(name, how):
            return None
        if kind == "uploads":
            return self.upload(name, how)
        if self.command == "PUT":
            text = self.body()
            self.note(0)
            headers = [("Docker-Content-Digest", digest(b"x" if how.get("put") == "wrong" else text))]
            return self.say(201, b"", headers)
        return self.manifest(how, what) if kind == "manifests" else self.blob(how, what)

    def is_welcome(self, name, how):
        wanted = {"bearer": "Bearer good", "basic": "Basic dXNlcjpwdw=="}.get(how.get("auth"))
        with lock:
            seen = counts[name] = counts.get(name, 0) + (self.command in ("PUT", "PATCH"))
        is_stale = self.command in ("PUT", "PATCH") and seen <= int(how.get("stale", 0))
        if not wanted or (self.headers.get("Authorization") == wanted and not is_stale):
            return True
        self.body()
        self.note(0)
        challenge = "Basic realm=x"
        if how["auth"] == "bearer":
            challenge = ('Bearer realm="http://127.0.0.1:%d/token?answer=%%7B%%22token%%22:%%22good%%22%%7D",'
                         'service="s",scope="repository:%s:pull"'
                         % (self.server.server_address[1], name))
        self.say(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}',
                 [("WWW-Authenticate", challenge)])
        return False

    def manifest(self, how, what):
        query = {key[1:]: value for key, value in how.items() if key[0] == "m"}
        size = int(how.get("size", 300000))
        layer = pattern_all(size)
        config = b"{}"
        text = json.dumps({"schemaVersion": 2, "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": size, "digest": digest(layer)}],
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2,
                       "digest": digest(config)}}).encode()
        if query.get("body") == "wrong":
            text += b" "
        text += b" " * (int(query.get("size", 0)) - len(text))
        headers = [("Content-Type", "application/vnd.oci.image.manifest.v1+json; charset=utf-8"),
                   ("Docker-Content-Digest", digest(b"x" if query.get("digest") == "wrong" else text))]
        if what == "missing":
            self.note(0)
            return self.say(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no \u001b[31m such"}]}')
        with lock:
            seen = counts[self.path] = counts.get(self.path, 0) + 1
        is_bad = seen <= int(query.get("times", 1 << 30))
        if "status" in query and is_bad:
            self.note(0)
            return self.say(int(query["status"]), b"{}",
                            [("Retry-After", query["wait"])] if "wait" in query else [])
        if "to" in query:
            return self.leave(query["to"])
        if "cut" in query and is_bad:
            self.note(0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text[:int(query["cut"])])
            self.close_connection = True
            return None
        self.note(len(text))
        return self.say(200, text, headers)

    def upload(self, name, how):
        url = urllib.parse.urlparse(self.path)
        wanted = dict(urllib.parse.parse_qsl(url.query)).get("digest")
        with lock:
            seen = counts[name, wanted] = counts.get((name, wanted), 0) + (self.command == "PUT")
            held = sessions.setdefault(url.path, bytearray())
        is_bad = self.command == "PUT" and seen <= int(how.get("times", 1 << 30))
        size = int(self.headers.get("Content-Length", 0))
        cut = (size + 1) // 2 if how.get("upcut") == "half" else int(how.get("upcut", size + 1))
        if is_bad and 0 < cut <= size:
            held += self.rfile.read(cut)
            self.note(0)
            self.close_connection = True
            return None
        got = self.body()
        self.note(0)
        if self.command == "GET":
            kept = how.get("kept", max(len(held) - 1, 0))
            return self.say(404) if kept == "no" else self.say(
                204, b"", [("Location", url.path), ("Range", "0-%s" % kept)])
        if self.command == "PATCH":
            if "patch" in how or self.headers["Content-Range"].split("-")[0] != str(len(held)):
                return self.say(int(how.get("patch", 416)))
            held += got
            return self.say(202, b"", [("Location", url.path + "?state=c")])
        if self.command == "POST":
            with lock:
                place = "%s%d" % (url.path, len(sessions))
                sessions[place] = bytearray()
            kind, _, port = how.get("up", "").partition(".")
            there = "http://127.0.0.1:%s/v2/guard/auth-basic/blobs/uploads/1" % port
            answer = {"file": [("Location", "file:///tmp/x")], "nowhere": [],
                     "other": [("Location", there)]}.get(
                kind, [("Location", place + "?state=a%20b")])
            return self.say(202, b"", answer)
        if self.command == "DELETE":
            return self.say(204)
        status = how.get("upload", how.get("status"))
        if status and is_bad:
            return self.say(int(status), b"{}")
        return self.say(201 if wanted == digest(held + got) else 400, b"{}")

    def leave(self, to):
        self.note(0)
        kind, _, port = to.partition(".")
        there = "http://127.0.0.1:" + port
        places = {"file": "file:///etc/passwd", "other": there + "/bytes/300000",
                  "loop": self.path, "blob": "/bytes/300000?cut=250000",
                  "basic": there + "/challenge?www=Basic%20realm%3Dx",
                  "bearer": there + "/challenge?www=Bearer%20realm%3D%22%2Ftoken%3Fanswer%3Dx%22"}
        return self.say(307, b"", [("Location", places[kind])])

    def blob(self, how, what):
        size = int(how.get("size", 300000))
        if how.get("have") == "no":
            self.note(0)
            return self.say(404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"none such"}]}')
        if what == digest(b"{}"):
            self.note(2)
            return self.say(200, b"{}")
        if "to" in how:
            return self.leave(how["to"])
        if how.get("cut") == "random":
            how["cut"] = str(random.randrange(size // 2))
        if "wait" in how:
            how["retry_after"] = how["wait"]
        if "endless" in how:
            return self.endless(how)
        return self.serve(how, size)

    def silent(self, query):
        self.note(0)
        time.sleep(20)
        self.close_connection = True

    def log(self, query):
        """A client may have its answer before what was sent is noted: wait for that."""
        end = time.monotonic() + NOTE_SECONDS
        while time.monotonic() < end and any(not handler.is_noted for handler in list(answering)):
            time.sleep(0.001)
        with lock:
            text = json.dumps(log).encode()
            log.clear()
        self.say(200, text)

    def dispatch(self):
        self.is_noted = urllib.parse.urlparse(self.path).path == "/log"
        answering.add(self)
        try:
            return self.answer()
        finally:
            answering.discard(self)

    def answer(self):
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        name = url.path.split("/")[1]
        if name == "v2":
            return self.registry(query)
        method = getattr(self, {"headers": "headers_"}.get(name, name or "-"), None)
        if name in ("echo", "bytes", "redirect", "loop", "headers", "endless", "garbage", "silent",
                    "challenge", "token", "log"):
            return method(query)
        self.note(0)
        self.say(404, b"{}")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = dispatch


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def main():
    server = Server(("127.0.0.1", 0), Handler)
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        if len(sys.argv) > 3:
            context.load_verify_locations(sys.argv[3])
            context.verify_mode = ssl.CERT_OPTIONAL
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()

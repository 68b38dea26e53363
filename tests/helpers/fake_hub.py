"""The part of a Hugging Face server that bundles need, in this process: repositories in memory, on localhost."""

import base64
import hashlib
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


class Hub:
    """Repositories by name, their files by path; `private` names those that were made private, `closed` those that this
    user may not make; `log` the requests."""

    def __init__(self):
        self.repositories, self.private, self.closed, self.log, self.address = {}, set(), set(), [], ""

    def answer(self, method, path, body):
        """Status, headers and content of a request."""
        self.log.append(f"{method} {path}")
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return _json({"errors": [], "warnings": []})
        if match := re.fullmatch(
            r"/api/models/([^/]+/[^/]+)/(preupload|commit|tree|revision|paths-info)/[^/]+.*", path
        ):
            return self._api(match[1], match[2], body)
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)", path):
            return self._api(match[1], "revision", body)
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.*)", path):
            return self._file(match[1], match[2])
        return 404, {}, b"{}"

    def _create(self, asked):
        name = f"{asked.get('organization', 'me')}/{asked['name']}"
        if name in self.closed:
            return _json({"error": "You don't have the rights to create a model under this namespace"}, 403)
        if name in self.repositories:
            return _json({"error": "exists", "url": f"{self.address}/{name}"}, 409)
        self.repositories[name] = {}
        if asked.get("private") or asked.get("visibility") == "private":
            self.private.add(name)
        return _json({"url": f"{self.address}/{name}"})

    def _api(self, name, what, body):
        files = self.repositories.get(name)
        if files is None:
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        if what == "preupload":
            asked = json.loads(body)["files"]
            return _json({"files": [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked
            ]})  # fmt: skip
        if what == "commit":
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return _json(
                {"success": True, "commitOid": COMMIT, "commitUrl": f"{self.address}/{name}/commit/{COMMIT}"}
            )
        if what == "tree":
            return _json([_entry(path, data) for path, data in files.items()])
        if what == "paths-info":
            asked = re.findall(r"[\w./@-]+/[\w./-]+", unquote(body.decode()))
            return _json([_entry(path, data) for path, data in files.items() if path in asked])
        about = {"id": name, "modelId": name, "sha": COMMIT, "private": name in self.private, "tags": []}
        return _json(about | {"siblings": [{"rfilename": path} for path in files]})

    def _file(self, name, path):
        if name not in self.repositories:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        data = self.repositories[name].get(path)
        if data is None:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, b""
        etag = hashlib.sha256(data).hexdigest()
        return 200, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "none"}, data


def _entry(path, data):
    return {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}


def _json(value, status=200):
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


@contextmanager
def serving():
    """A hub, and its address."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = hub.answer(self.command, unquote(urlsplit(self.path).path), body)
            self.send_response(status)
            for key, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = _serve  # noqa: N815  # as the standard library names them

        def log_message(self, *words):
            del words

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub, hub.address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

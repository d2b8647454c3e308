"""A stand-in for the Hugging Face hub on 127.0.0.1: repositories of whole files by commit, in memory."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Hub(ThreadingHTTPServer):
    """The server.

    Attributes:
        private: Whether each repository was made private.
        commits: Files of each commit, by name.
        asked: Paths that were asked for, in order.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.private: dict[str, bool] = {}
        self.commits: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, code: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def answer_json(self, content: object) -> None:
        self.answer(200, json.dumps(content).encode(), Content_Type="application/json")

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        if path == "/api/repos/create":
            asked = json.loads(content)
            name = f"{asked.get('organization', 'me')}/{asked['name']}"
            self.server.private.setdefault(name, asked.get("private", asked.get("visibility") == "private"))
            self.answer_json({"url": f"{self.server.endpoint}/{name}"})
        elif path == "/api/validate-yaml":
            self.answer_json({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            files = json.loads(content)["files"]
            self.answer_json(
                {"files": [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in files]}
            )
        elif path.endswith("/commit/main"):
            lines = [json.loads(line) for line in content.splitlines()]
            files = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            commit = hashlib.sha1(content).hexdigest()
            self.server.commits[commit] = files
            name = path.removeprefix("/api/models/").removesuffix("/commit/main")
            self.answer_json({"commitUrl": f"{self.server.endpoint}/{name}/commit/{commit}", "commitOid": commit})
        else:
            self.answer(404)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        name = path.removeprefix("/api/models/")
        if name != path and name in self.server.private:
            self.answer_json({"id": name, "private": self.server.private[name]})
            return
        found = re.fullmatch(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<commit>[0-9a-f]{40})/(?P<name>.+)", path)
        content = self.server.commits.get(found["commit"], {}).get(found["name"]) if found else None
        if found is None or found["repository"] not in self.server.private:
            self.answer(404, X_Error_Code="RepoNotFound")
        elif content is None:
            self.answer(404, X_Error_Code="EntryNotFound")
        else:
            digest = hashlib.sha256(content).hexdigest()
            self.answer(200, content, ETag=f'"{digest}"', X_Repo_Commit=found["commit"])

    do_HEAD = do_GET  # noqa: N815 (the server's own name)


@contextmanager
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

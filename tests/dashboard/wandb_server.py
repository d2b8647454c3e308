"""A server on this machine that answers as W&B's does, just enough to take a run, and keeps all that it was sent."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PROJECT = {"id": "p", "name": "ecgmm", "entity": {"id": "e", "name": "someone"}}


def _files(names: list[str], base: str) -> list[dict[str, Any]]:
    return [{"name": name, "uploadUrl": f"{base}/upload/{name}", "uploadHeaders": []} for name in names]


def _artifact_files(given: dict[str, Any], base: str) -> dict[str, Any]:
    names = [file["name"] for file in given["input"]["artifactFiles"]]
    nodes = [file | {"storagePath": file["name"], "artifact": {"id": "a"}} for file in _files(names, base)]
    return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}


def _run(given: dict[str, Any], _: str) -> dict[str, Any]:
    run = {"id": "r", "name": given["name"], "displayName": "r", "config": "{}", "historyLineCount": 0}
    return {"upsertBucket": {"bucket": run | {"project": _PROJECT}, "inserted": True}}


_ANSWERS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "UpsertBucket": _run,
    "RunResumeStatus": lambda *_: {"model": None},
    "Viewer": lambda *_: {"viewer": {"id": "u", "entity": "someone", "username": "someone", "flags": "{}"}},
    "ServerFeaturesQuery": lambda *_: {"serverInfo": {"features": []}},
    "ArtifactType": lambda *_: {"project": None},
    "CreateArtifact": lambda *_: {
        "createArtifact": {"artifact": {"id": "a", "state": "PENDING", "artifactSequence": {"id": "s"}}}
    },
    "CreateArtifactFiles": _artifact_files,
    "CreateArtifactManifest": lambda _, base: {
        "createArtifactManifest": {"artifactManifest": {"id": "m", "file": _files(["manifest"], base)[0]}}
    },
    "CommitArtifact": lambda *_: {"commitArtifact": {"artifact": {"id": "a", "digest": "d"}}},
    "CreateRunFiles": lambda given, base: {
        "createRunFiles": {"runID": "r", "uploadHeaders": [], "files": _files(given["files"], base)}
    },
}


@contextmanager
def wandb_server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Serve; yields the address and what came, by number and name of the request: address, headers and body."""
    came: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found: dict[str, Any] = {}
            if self.path == "/graphql":
                question = json.loads(body)
                operation = re.findall(r"(?:query|mutation)\s+(\w+)", question["query"])[0]
                base, given = f"http://{self.headers['Host']}", question.get("variables") or {}
                found = {"data": _ANSWERS[operation](given, base) if operation in _ANSWERS else {}}
            name = operation if found else self.path
            came[f"{len(came)} {name}"] = f"{self.path}\n{self.headers}\n".encode() + body
            answer = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = _take  # noqa: N815 (the names that the base class calls)

        def log_message(self, format: str, *_: Any) -> None:
            """Nothing on the console."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Nothing: W&B drops connections that it no longer needs."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", came
        server.shutdown()

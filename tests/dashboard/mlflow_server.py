"""Stand-in for an MLflow server on this machine: keeps all that it is sent, and knows the runs that were created."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@contextmanager
def mlflow_server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Its address, and what came by number, method and path: headers, query and body in one."""
    came: dict[str, bytes] = {}
    runs: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            place = urlsplit(self.path).path
            told = f"{self.path} {unquote(self.path)} {self.headers}".encode() + body
            came[f"{len(came)} {self.command} {place}"] = told
            content = json.dumps(self.reply(place.rpartition("mlflow/")[2], body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def reply(self, call: str, body: bytes) -> dict[str, Any]:
            if call == "experiments/get-by-name":
                return {"experiment": {"experiment_id": "1", "name": "ecgmm", "lifecycle_stage": "active"}}
            if call == "runs/create":
                info = {
                    "run_id": "r1",
                    "run_uuid": "r1",
                    "experiment_id": "1",
                    "artifact_uri": "mlflow-artifacts:/1/r1",
                }
                runs.append({"info": info | {"status": "RUNNING", "lifecycle_stage": "active"}, "data": {}})
                return {"run": runs[-1]}
            if call == "runs/search":
                return {"runs": runs}
            return {"run": runs[-1]} if call == "runs/get" else {"run_info": runs[-1]["info"] if runs else {}}

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815 (the names that the server calls)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()

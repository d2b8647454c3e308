"""The page as a web application: a form, and the answer to what it sends, made anew each time and kept nowhere."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ecgmm.errors import UserError
from ecgmm.plots.page import templates
from ecgmm.runs.loading import SavedModel
from ecgmm.serving.answer import answer_of
from ecgmm.serving.examples import Example
from ecgmm.serving.forms import MOST_BYTES, MOST_FILES, read_form

HOSTS = ["127.0.0.1", "localhost"]
"""Names under which the page may be asked for: a page of another name that leads here is refused (DNS rebinding)."""
_EMPTY = {"example": "", "report": "", "class": ""}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def application(
    model: SavedModel, examples: Sequence[Example], coverage: float, folder: Path, synthetic: bool
) -> Starlette:
    """Make the application.

    Args:
        model: Answers.
        examples: Records to choose from.
        coverage: Of the conformal sets.
        folder: Where files of a request lie until it is answered.
        synthetic: Whether the model was trained on simulated records, which the page then says.
    """
    page = templates(Path(__file__).parent, {}).get_template("page.html.jinja")
    one_at_a_time = Lock()  # of several requests: the model has all threads of the machine to itself

    def rendered(status: int = 200, **shown: Any) -> Response:
        shown = {"answer": None, "error": "", **shown, "fields": {**_EMPTY, **shown.get("fields", {})}}
        content = page.render(
            synthetic=synthetic,
            facts=_facts(model),
            classes=model.facts.class_names,
            examples=examples,
            looks_at=_looks_at(model),
            **shown,
        )
        return HTMLResponse(content, status, _HEADERS)

    async def form(_: Request) -> Response:
        return rendered()

    async def answered(request: Request) -> Response:
        _refuse_foreign(request)
        files, fields = await _parts(request)

        def work() -> Mapping[str, Any]:
            with one_at_a_time, tempfile.TemporaryDirectory(dir=folder) as place:
                return _without_folder(place, lambda: _answer(files, fields, Path(place)))

        try:
            return rendered(answer=await run_in_threadpool(work), fields=fields)
        except UserError as error:
            return rendered(400, error=str(error), fields=fields)

    def _answer(files: Sequence[tuple[str, bytes]], fields: Mapping[str, str], place: Path) -> Mapping[str, Any]:
        records = {example.name: example.record for example in examples}
        return answer_of(model, read_form(files, fields, place, records, model.facts.class_names), coverage)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return rendered(error.status_code, error=error.detail)

    routes = [Route("/", form), Route("/answer", answered, methods=["POST"])]
    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: refused})


async def _parts(request: Request) -> tuple[list[tuple[str, bytes]], dict[str, str]]:
    """Files and fields of a form.

    Raises:
        HTTPException: If it is larger than the page takes.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MOST_BYTES:
        raise HTTPException(413, f"a form may have {MOST_BYTES >> 20} MB and must say how large it is; give one record")
    async with request.form(max_files=MOST_FILES, max_fields=8) as form:
        given = [part for part in form.getlist("files") if isinstance(part, UploadFile) and part.filename]
        files = [(str(part.filename), await part.read()) for part in given]
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return files, fields


def _refuse_foreign(request: Request) -> None:
    """Refuse a form that a page of another origin has sent.

    Raises:
        HTTPException: With the reason.
    """
    origin = request.headers.get("origin")
    if origin not in (None, f"{request.url.scheme}://{request.url.netloc}"):
        raise HTTPException(403, "the form was sent by another page; open this page itself")


def _without_folder(folder: str, work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What ``work`` returns; in a sentence that it raises, files are named as they were sent."""
    try:
        return work()
    except UserError as error:
        error.args = tuple(str(part).replace(f"{folder}/", "") for part in error.args)
        raise


def _facts(model: SavedModel) -> dict[str, str]:
    facts = model.facts
    return {
        "Method": model.method.name,
        "Classes": ", ".join(facts.class_names),
        "Labels": facts.labels,
        "Signal": f"{facts.store.n_times / facts.store.rate_hz:g} s at {facts.store.rate_hz:g} Hz",
    }


def _looks_at(model: SavedModel) -> str:
    names = {"ecg": "the ECG", "text": "the report"}
    return " and ".join(names[name] for name in model.method.inputs_at_test) or "neither the ECG nor the report"

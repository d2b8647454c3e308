"""The demonstration page answers for one record, keeps nothing, and listens to this machine alone."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ecgmm.errors import ConfigError
from ecgmm.predicting.prediction import predict_record
from ecgmm.runs.loading import SavedModel, load_model
from ecgmm.serving import forms
from ecgmm.serving.app import application
from ecgmm.serving.examples import FINDINGS, Example, make_examples
from ecgmm.serving.server import bound
from tests.data.preparation.test_single_record import beats
from tests.data.trees import write_record
from tests.patience import HUNG_S, process_of

REPORT = "Left bundle branch block. Sinus rhythm"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "run"


@pytest.fixture
def model(command: Callable[..., int], quick_settings: list[str], run: Path) -> SavedModel:
    if not run.exists():
        settings = [*quick_settings, "trainer.max_epochs=1", "method=gated_fusion", f"hydra.run.dir={run}"]
        assert command("train", *settings) == 0
    return load_model(run)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    return make_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture
def page(model: SavedModel, examples: list[Example], tmp_path: Path) -> TestClient:
    folder = tmp_path / "requests"
    folder.mkdir()
    return TestClient(application(model, examples, 0.9, folder, synthetic=True), base_url="http://127.0.0.1")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    write_record(tmp_path / "40689238", beats(0))
    return tmp_path / "40689238"


def sent(record: Path, name: str | None = None) -> list[tuple[str, tuple[str, bytes]]]:
    parts = [record.with_suffix(ending) for ending in (".hea", ".dat")]
    return [("files", (name or part.name, part.read_bytes())) for part in parts]


def test_there_is_an_example_of_each_finding_with_a_report(examples: list[Example]) -> None:
    assert len(examples) == len(FINDINGS)
    assert all(example.report and example.record.with_suffix(".hea").exists() for example in examples)


def test_a_record_gets_the_answer_of_predict_with_a_sheet_and_is_forgotten(
    page: TestClient, model: SavedModel, record: Path, tmp_path: Path
) -> None:
    answer = page.post("/answer", files=sent(record), data={"report": REPORT})
    assert answer.status_code == 200
    expected = predict_record(model, record, REPORT)
    for name, share in expected.probabilities.items():
        assert re.search(rf'scope="row">{name}</th>.*<td>{share:.3f}</td>', answer.text)
    assert all(note.replace("'", "&#39;") in answer.text for note in expected.notes)
    assert f"the weight {expected.gate:.2f}" in answer.text
    assert answer.text.count("data:image/png;base64,") == 1
    assert "without “left bundle branch block”" in answer.text
    assert not list((tmp_path / "requests").iterdir())


def test_an_example_and_a_class_can_be_chosen(page: TestClient, examples: list[Example]) -> None:
    answer = page.post("/answer", data={"example": examples[0].name, "class": "HYP"}, files=[("none", b"")])
    assert answer.status_code == 200
    assert "Integrated gradients for HYP" in answer.text
    assert "Not a medical device" in answer.text


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("../../etc/x.hea", {}, "letters, digits"),
        ("x.hea", {}, "two files have one name"),
        (None, {"example": "simulated: infarct"}, "take one of the two away"),
        (None, {"class": "QQQ"}, "there is no class"),
        (None, {"example": "other"}, "there is no example"),
        (None, {"report": "a" * 20_001}, "at most 20,000"),
    ],
)
def test_what_is_no_record_is_answered_by_a_sentence(
    page: TestClient, record: Path, name: str | None, fields: dict[str, str], said: str
) -> None:
    answer = page.post("/answer", files=sent(record, name), data=fields)
    assert answer.status_code == 400
    assert said in answer.text


def test_nothing_given_is_said_and_so_is_a_record_that_cannot_be_read(
    page: TestClient, record: Path, tmp_path: Path
) -> None:
    assert "nothing is given" in page.post("/answer", data={}, files=[("none", b"")]).text
    header = record.with_suffix(".hea")
    header.write_text(header.read_text().replace("40689238.dat", "../40689238.dat"))
    answer = page.post("/answer", files=sent(record))
    assert answer.status_code == 400
    assert str(tmp_path) not in answer.text


def test_only_this_page_of_this_machine_is_answered(page: TestClient, record: Path) -> None:
    assert page.get("/", headers={"host": "evil.example"}).status_code == 400
    assert page.post("/answer", files=sent(record), headers={"origin": "http://evil.example"}).status_code == 403
    assert page.post("/answer", content=iter([b"x"])).status_code == 413
    too_long = {"content-length": str(forms.MOST_BYTES + 1)}
    assert page.post("/answer", content=b"", headers=too_long).status_code == 413
    form = page.get("/")
    assert "default-src 'none'" in form.headers["content-security-policy"]
    assert form.headers["cache-control"] == "no-store"
    assert "SYNTHETIC" in form.text


def test_it_listens_at_a_local_address_and_says_when_a_port_is_taken() -> None:
    with bound(0) as listening:
        host, port = listening.getsockname()
        assert host == "127.0.0.1"
        listening.listen()
        with pytest.raises(ConfigError, match=f"port {port} cannot be had"):
            bound(port)


@pytest.fixture
def address(model: SavedModel, run: Path) -> Iterator[str]:
    """Address of the page, served by the command in a process of its own, which ends by an interrupt."""
    assert model.facts
    arguments = [sys.executable, "-m", "ecgmm.serve", f"run='{run}'", "port=0"]
    with process_of(arguments, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        lines = iter(server.stdout.readline, "")
        yield next(found.group() for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
        server.send_signal(signal.SIGINT)
        assert server.wait(HUNG_S) == 130


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed here")
def test_in_a_browser_the_keyboard_alone_leads_to_an_answer(address: str, record: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 390, "height": 800})
        asked: list[str] = []
        faults: list[str] = []
        view.on("request", lambda request: asked.append(request.url))
        view.on("console", lambda message: faults.append(message.text))
        view.goto(address)
        view.get_by_label("Or an example").focus()
        view.keyboard.type("simulated: con")
        view.keyboard.press("Tab")
        expect(view.get_by_label("Report", exact=True)).to_be_focused()
        view.keyboard.type(REPORT)
        view.keyboard.press("Tab")
        view.keyboard.press("Tab")
        view.keyboard.press("Enter")
        expect(view.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
        expect(view.get_by_role("img", name=re.compile("Twelve-lead ECG"))).to_be_attached()
        expect(view.get_by_role("note")).to_contain_text("Not a medical device")
        assert view.evaluate("document.documentElement.scrollWidth") <= 390
        view.get_by_label("Files of one record").set_input_files([record.with_suffix(e) for e in (".hea", ".dat")])
        view.get_by_label("Or an example").select_option("")
        view.get_by_role("button", name="Answer").click()
        expect(view.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
        assert not [url for url in asked if not url.startswith((address, "data:"))]
        assert not faults
        browser.close()

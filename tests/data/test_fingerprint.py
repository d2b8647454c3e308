import json
import shutil
from pathlib import Path

from ecgmm.data.store import Store


def test_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path, tiny_store: Path) -> None:
    moved = shutil.copytree(tiny_store, tmp_path / "moved")
    original = Store.open(tiny_store).fingerprint
    manifest = json.loads((moved / "manifest.json").read_text())
    manifest["parameters"]["root"] = "/somewhere/else"
    (moved / "manifest.json").write_text(json.dumps(manifest))
    assert Store.open(moved).fingerprint == original
    manifest["parameters"]["limit_mv"] = 9.0
    (moved / "manifest.json").write_text(json.dumps(manifest))
    assert Store.open(moved).fingerprint != original

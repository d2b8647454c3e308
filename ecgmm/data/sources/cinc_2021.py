"""Training data of the PhysioNet/CinC challenges of 2020 and 2021: headers that say everything, and no table.

Eight collections under ``training/``, each in folders ``g1``, ``g2``, ... of a ``.hea`` and a ``.mat`` per recording;
age, sex and diagnoses (SNOMED CT codes) are comments of the headers. Rates are 257, 500 and 1000 Hz. There are no
reports. Source: Reyna et al., Will Two Do?, Computing in Cardiology 48 (2021);
https://physionet.org/content/challenge-2021/1.0.3/, and challenge-2020/1.0.2, which has six of the collections.
"""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ecgmm.data.sources.drops import BadRecordError
from ecgmm.data.sources.index_tables import INTEGER, check_index, read_values
from ecgmm.data.sources.labels.cinc_2021 import RECORD_NAME, SNOMED_CODES
from ecgmm.data.sources.leakage import ANNOTATOR
from ecgmm.data.sources.side_by_side import side_by_side
from ecgmm.data.sources.source import EVIDENCE_PREFIX, DataConfig, SourceIndex
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.tree_reading import is_tree_folder, plain_file, tree_sha256, walk_tree
from ecgmm.data.sources.wfdb16 import read_text
from ecgmm.data.store.persons import as_age
from ecgmm.errors import DataError, printable
from ecgmm.files import read_bounded
from ecgmm.progress import run_with_progress
from ecgmm.settings.targets_data import CINC_COLLECTIONS

log = logging.getLogger(__name__)

_PTB_XL = "ptb-xl"
_ONE_RECORD_EACH = ("chapman_shaoxing", "ningbo")
"""Collections whose publishers say that each record is of another patient."""
_PER_COLLECTION = 1_000_000
"""Ids of a collection's records are its place among ``CINC_COLLECTIONS`` and the number in the name, as in 6000017 for
``HR00017``; those of patients, where they are known, lie beyond them all."""
_PATIENTS = 100_000_000
_NAME = re.compile(r"[A-Z]{1,3}(\d{1,6})", re.ASCII)
_COMMENT = re.compile(r"^[ \t]*#[ \t]*(Age|Sex|Dx)[ \t]*:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
_CODE = re.compile(r"\d{6,18}", re.ASCII)  # a SNOMED CT identifier
_OLDEST_YEARS, _OVER_89 = 120, 300  # PTB-XL writes 300 above 89
_UNKNOWN = ("", "nan", "unknown", "-1")
_SEXES = {"male": "male", "m": "male", "female": "female", "f": "female"}
_MOST_LIST_BYTES = 1 << 24
_EVERY = 1000


@dataclass(kw_only=True)
class Cinc2021(DataConfig):
    """Settings of the challenge's training data.

    Attributes:
        collections: Collections to read; None takes all that the tree has.
        ptb_xl_csv: PTB-XL's ``ptbxl_database.csv``, which knows the patients of the collection ``ptb-xl``; None takes
            each of its records for a patient of its own.
    """

    collections: list[str] | None
    ptb_xl_csv: str | None

    @property
    def text_origin(self) -> str:
        """Those who made the diagnoses; there is no text."""
        return ANNOTATOR

    def read_index(self) -> SourceIndex:
        """Read every header of the collections.

        Raises:
            DataError: If the tree has none of them, or ``ptb_xl_csv`` cannot be used.
        """
        root = self.root_path
        folders = _folders(root, self.collections)
        listed = [(name, path) for name, folder in folders for path in _records(root, folder)]
        tree = TreeFiles(f"{root}/", self.follow_links)
        facts: list[Facts] = []

        def chunks() -> Iterator[int]:
            for start in range(0, len(listed), _EVERY):
                part = listed[start : start + _EVERY]
                facts.extend(side_by_side(partial(read_facts, tree=tree), [path for _, path in part], self.readers))
                yield len(part)

        run_with_progress(chunks(), len(listed), "descriptions")
        frame = _frame(listed, facts)
        csv_sha256 = {}
        unknown = {name for name, _ in folders} - {*_ONE_RECORD_EACH}
        if self.ptb_xl_csv is not None:
            unknown -= {_PTB_XL}
            file = Path(self.ptb_xl_csv).expanduser()
            frame = _with_patients(frame, file)
            csv_sha256[file.name] = tree_sha256(file)
        if unknown:
            log.warning(
                "%s: the tree does not say which records are of one patient; each counts as a patient of its own",
                ", ".join(name for name in CINC_COLLECTIONS if name in unknown),
            )
        kept, dropped = check_index(frame)
        return SourceIndex(kept, dropped, None, csv_sha256 | _digest(frame), _unreadable(facts))

    def parameters(self) -> dict[str, Any]:
        """Settings as for every source; the path of PTB-XL's table is absolute."""
        path = self.ptb_xl_csv
        return super().parameters() | {"ptb_xl_csv": None if path is None else str(Path(path).expanduser().absolute())}


class Facts(NamedTuple):
    """Facts that the comments of a header hold.

    Attributes:
        age: Years, 300 for all above 89; None where it is not known.
        sex: ``female`` or ``male``; None where it is not known.
        codes: Distinct SNOMED CT codes of ``Dx`` in their order, between commas; None where there are none.
        unreadable: Fields that hold something else.
    """

    age: float | None
    sex: str | None
    codes: str | None
    unreadable: tuple[str, ...]


def read_facts(record: str, tree: TreeFiles) -> Facts:
    """Read the comments of the header of a record of a tree; the header pass says what is wrong with it, if anything.

    Args:
        record: Path below the root, without extension.
        tree: The tree.
    """
    try:
        tree.check_folder(record)
        tree.check_file(f"{record}.hea")
        return facts_of(read_text(f"{tree.root}{record}.hea"))
    except BadRecordError:
        return Facts(None, None, None, ())


def facts_of(header: str) -> Facts:
    """Facts in the text of a header."""
    fields: dict[str, str] = dict(_COMMENT.findall(header))
    age, sex = _age(fields.get("Age", "")), _SEXES.get(fields.get("Sex", "").lower())
    written = [code.strip() for code in fields.get("Dx", "").split(",")]
    codes = [code for code in dict.fromkeys(written) if _CODE.fullmatch(code)]
    bad = {
        "Age": age is None and fields.get("Age", "").lower() not in _UNKNOWN,
        "Sex": sex is None and fields.get("Sex", "").lower() not in _UNKNOWN,
        "Dx": any(code.lower() not in _UNKNOWN and not _CODE.fullmatch(code) for code in written),
    }
    return Facts(age, sex, ",".join(codes) or None, tuple(name for name, is_bad in bad.items() if is_bad))


def _age(text: str) -> float | None:
    try:
        age = float(text)
    except ValueError:
        return None
    return age if 0 <= age <= _OLDEST_YEARS or age == _OVER_89 else None


def _folders(root: Path, chosen: list[str] | None) -> list[tuple[str, Path]]:
    """Name and folder of each collection that is asked for and there."""
    base = root / "training" if is_tree_folder(root / "training") else root
    there = [(name, base / name) for name in CINC_COLLECTIONS if is_tree_folder(base / name)]
    missing = sorted({*(chosen or [])} - {name for name, _ in there})
    if not there or missing:
        wanted = ", ".join(missing or CINC_COLLECTIONS)
        raise DataError(
            f"{printable(base)} has no folder {wanted}; set data.root to the folder that holds training/, with the"
            " folders of the collections as PhysioNet publishes them"
        )
    return [(name, folder) for name, folder in there if chosen is None or name in chosen]


def _records(root: Path, folder: Path) -> list[str]:
    """Paths below the root, without extension: the headers that are there, and what ``RECORDS`` of a folder names."""
    found: set[str] = set()
    for here, files in walk_tree(folder):
        below = here.relative_to(root).as_posix()
        found |= {f"{below}/{name[:-4]}" for name in files if name.endswith(".hea")}
        if "RECORDS" in files:
            with plain_file(here / "RECORDS") as file:
                text = read_bounded(file, _MOST_LIST_BYTES).decode("ascii", "replace")
            found |= {f"{below}/{name}" for name in text.split() if _NAME.fullmatch(name)}
    return sorted(found)


def _frame(listed: list[tuple[str, str]], facts: list[Facts]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "path": pl.Series([path for _, path in listed], dtype=pl.String),
            "site": pl.Series([name for name, _ in listed], dtype=pl.String),
            "age": pl.Series([fact.age for fact in facts], dtype=pl.Float64),
            "sex": pl.Series([fact.sex for fact in facts], dtype=pl.String),
            f"{EVIDENCE_PREFIX}{SNOMED_CODES}": pl.Series([fact.codes for fact in facts], dtype=pl.String),
        }
    )
    name = pl.col("path").str.extract(r"([^/]*)$")
    first = pl.col("site").replace_strict(
        {one: place * _PER_COLLECTION for place, one in enumerate(CINC_COLLECTIONS, 1)}
    )
    number = name.str.extract(f"^{_NAME.pattern}$").cast(pl.Int64)
    return frame.with_columns(
        record=first + number,
        patient=first + number,
        time=pl.lit(None, dtype=pl.Datetime("us")),  # the headers' times are those of the files, or of no clock at all
        statements=pl.lit([], dtype=pl.List(pl.String)),
        age=as_age(pl.col("age")),
        contradicts=False,
    ).with_columns(name.alias(f"{EVIDENCE_PREFIX}{RECORD_NAME}"))


def _with_patients(frame: pl.DataFrame, file: Path) -> pl.DataFrame:
    """The frame with the patients of PTB-XL, whose records have the number of its ``ecg_id``."""
    kinds = {"ecg_id": INTEGER, "patient_id": INTEGER}
    table = read_values(file, kinds, "set data.ptb_xl_csv to PTB-XL's ptbxl_database.csv, or to null").frame
    first = (CINC_COLLECTIONS.index(_PTB_XL) + 1) * _PER_COLLECTION
    known = table.drop_nulls().unique("ecg_id").select(record=pl.col("ecg_id") + first, known="patient_id")
    joined = frame.join(known, on="record", how="left", maintain_order="left")
    return joined.with_columns(patient=pl.coalesce(_PATIENTS + pl.col("known"), "patient")).drop("known")


def _digest(frame: pl.DataFrame) -> dict[str, str]:
    """Digest of all that the headers say, in place of that of a table."""
    content = frame.select("path", "site", "age", "sex", f"{EVIDENCE_PREFIX}{SNOMED_CODES}").write_csv()
    return {"comments of headers": hashlib.sha256(content.encode()).hexdigest()}


def _unreadable(facts: list[Facts]) -> dict[str, int]:
    counts = Counter(name for fact in facts for name in fact.unreadable)
    return {f"headers {name}": counts[name] for name in ("Age", "Sex", "Dx") if counts[name]}

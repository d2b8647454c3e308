"""Checklist of TRIPOD+AI (Collins et al., BMJ 2024;385:e078378): where a card answers each item, or why it does not.

The 27 items with their 52 parts stand in ``tripod_ai.csv``, in our own short words; the published list is the one that
counts. No part is ticked because a heading of its name exists.
"""

import csv
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from ecgmm.reporting.table2_sections import Section

REFERENCE = "Collins et al., TRIPOD+AI statement, BMJ 2024;385:e078378"
_FILE = Path(__file__).with_name("tripod_ai.csv")


def checklist(titles: Collection[str]) -> Section:
    """Table of the items.

    Args:
        titles: Headings of the card that have content; an item whose section is not among them is not reported.
    """
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [_line(row, titles) for row in rows]
    counts = Counter(line[2].partition(":")[0].partition(";")[0] for line in lines)
    counted = ", ".join(f"{counts[status]} {status}" for status in ("answered", "partly", "not reported"))
    return Section(f"{len(lines)} parts of 27 items: {counted}", ("Item", "What is asked", "Answer"), lines)


def _line(row: dict[str, str], titles: Collection[str]) -> tuple[str, str, str]:
    if not row["section"]:
        return row["item"], row["topic"], f"not reported: {row['why']}"
    if row["section"] not in titles:
        return row["item"], row["topic"], f"not reported: this run has nothing for the section {row['section']}"
    where = f"{row['status']}; see {row['section']}"
    return row["item"], row["topic"], f"{where} ({row['why']})" if row["why"] else where

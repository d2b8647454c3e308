"""Values that many settings share, and how settings of one node depend on one another."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecgmm.leads import N_LEADS
from ecgmm.settings.kinds import Relation, Value, choice, from_data, many, nullable, number, optional, path, text, whole

SEED = whole(0, 2**32 - 1)
COUNT = whole(1, 1_000_000_000)
WIDTH = whole(1, 16_384)
LAYERS = whole(1, 200)
HEADS = whole(1, 256)
SHARE = number(0, 1)
SHARE_BELOW_ONE = number(0, 1, below=True)
WEIGHT = number(0, 1e6)
SECONDS = number(0, 600, above=True)
MILLIVOLTS = number(0, 1000)
LEAD_MEAN_MV = from_data(
    many(number(-1000, 1000), f"{N_LEADS} numbers from -1000 to 1000", least=N_LEADS, most=N_LEADS)
)
LEAD_STD_MV = from_data(many(MILLIVOLTS, f"{N_LEADS} numbers from 0 to 1000", least=N_LEADS, most=N_LEADS))
RATES_HZ = (500, 250, 100)
RATE_HZ = choice(*RATES_HZ)
VOCABULARY = from_data(whole(1, 10_000_000))
N_CLASSES = from_data(whole(1, 100_000))
FINDINGS = from_data(whole(0, 100_000))
SPLITS = ("train", "val", "test")
ADAPTATIONS = ("batch_norm", "exchange_rate", "label_shift")
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
"""Coverages for which a model keeps sets: a few numbers, where any coverage would take the scores of all patients."""
EXPLANATIONS = ("integrated_gradients", "occlusion")
"""Ways to attribute an answer to its inputs."""
TABLE_ENDINGS = (".csv", ".parquet", ".json")
SHEET_FORMATS = ("pdf", "png")
TABLE_FILE = replace(
    path(),
    words=f"a path that ends with one of {', '.join(TABLE_ENDINGS)}",
    fits=lambda value: path().fits(value) and value.endswith(TABLE_ENDINGS),
)
FILE_NAME = Value(
    "a name of letters, digits, ., _, =, + and -, which begins with a letter or digit",
    lambda value: isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w.=+-]{0,99}", value, re.ASCII) is not None,
    "text",
)
LIMIT_MV = number(0.1, 1000)
HIGHPASS_HZ = nullable(number(0.01, 250))
COMPLETE_LEADS = optional(choice("none", "laws", "learned"))
BATCH = whole(1, 100_000)
EPOCHS = whole(1, 100_000)
LEARNING_RATE = number(0, 1000)
MAX_TOKENS = whole(1, 100_000)


def _is_class_map(value: Any) -> bool:
    if isinstance(value, Mapping):
        return len(value) > 0 and all(text().fits(name) for pair in value.items() for name in pair)
    return path().fits(value)


CLASS_MAP = Value("classes of the model by class of the store, such as {SR: NORM}, or a file", _is_class_map, null=True)


def divides(heads: str, width: str) -> Relation:
    """The width is a multiple of the heads."""

    def relation(node: Mapping[str, Any]) -> tuple[str, str] | None:
        if node[width] % node[heads] == 0:
            return None
        return heads, f"a divisor of {width}, which is {node[width]}"

    return relation


def same_length(first: str, second: str) -> Relation:
    """Two lists are equally long."""

    def relation(node: Mapping[str, Any]) -> tuple[str, str] | None:
        if len(node[first]) == len(node[second]):
            return None
        return first, f"as long as {second}, which has {len(node[second])}"

    return relation

"""The keys of each command, as ``conf/<entry>.yaml`` and its groups name them, in the order of the check."""

from dataclasses import replace

from ecgmm.leads import LEADS
from ecgmm.settings.disturbances import KINDS
from ecgmm.settings.entries_train import DATA, EVALUATION, LABELS, PATHS, TASK, TEXT, TRAIN
from ecgmm.settings.kinds import (
    Built,
    Group,
    Named,
    Spec,
    Value,
    choice,
    flag,
    many,
    nullable,
    number,
    path,
    text,
    whole,
)
from ecgmm.settings.ranges import (
    ADAPTATIONS,
    CLASS_MAP,
    COVERAGES,
    EXPLANATIONS,
    FILE_NAME,
    RATE_HZ,
    RATES_HZ,
    SEED,
    SHEET_FORMATS,
    SPLITS,
    TABLE_FILE,
)

_STORE_RATES_HZ = many(RATE_HZ, f"different rates of {', '.join(map(str, RATES_HZ))}, such as [500,100]", distinct=True)
_CONNECTION = Built(("ecgmm.data.download.site.Connection",))
_MEASURED: dict[str, Spec] = {  # finished runs, and the records that they meet
    "run": path(),
    "store": nullable(path()),
    "data": replace(DATA, null=True),
    "split": choice(*SPLITS, "all"),
    "shared_patients": choice("refuse", "drop"),
    "paths": PATHS,
}
_REPORT = Value("a text", lambda value: isinstance(value, str), "text", null=True)

ENTRIES: dict[str, Group] = {
    "train": TRAIN,
    "prepare": Group({"paths": PATHS, "data": DATA, "rates_hz": _STORE_RATES_HZ}),
    "evaluate": Group(
        {
            **_MEASURED,
            "task": replace(TASK, null=True),
            "labels": replace(LABELS, null=True),
            "classes": Group({"map": CLASS_MAP}),
            "leads": nullable(many(choice(*LEADS), f"different leads of {', '.join(LEADS)}", distinct=True)),
            "allow_leaky": flag(),
            "recalibrate": nullable(number(0, 1, above=True, below=True)),
            "recalibration_seed": SEED,
            "recalibrate_by": choice("temperature", "vector"),
            "adapt": nullable(many(choice(*ADAPTATIONS), f"different ones of {', '.join(ADAPTATIONS)}", distinct=True)),
            "conformal": nullable(number(0, 1, above=True, below=True)),
            "name": nullable(FILE_NAME),
        }
    ),
    "robustness": Group(
        {
            **_MEASURED,
            "kinds": nullable(
                many(
                    choice(*KINDS), "different kinds of the suite, such as [foreign_report,only_lead_ii]", distinct=True
                )
            ),
            "strengths": many(whole(1, 5), "different strengths from 1 to 5, such as [1,3,5]", most=5, distinct=True),
            "seed": SEED,
            "allow_leaky": flag(),
            "n_resamples": whole(1, 100_000),
            "out": nullable(path()),
            "n_jobs": whole(1, 1024),
        }
    ),
    "written_reports": Group(
        {
            **_MEASURED,
            "n_resamples": whole(1, 100_000),
            "n_shown": whole(0, 1000),
            "out": nullable(path()),
        }
    ),
    "retrieval": Group(
        {
            **_MEASURED,
            "pool": whole(2, 100_000),
            "n_pools": whole(1, 100_000),
            "n_resamples": whole(1, 100_000),
            "seed": SEED,
            "out": nullable(path()),
        }
    ),
    "zero_shot": Group(
        {
            **_MEASURED,
            "labels": replace(LABELS, null=True),
            "task": replace(TASK, null=True),
            "least_cases": whole(2, 1_000_000),
            "n_draws": whole(0, 1000),
            "n_resamples": whole(1, 100_000),
            "out": nullable(path()),
        }
    ),
    "predict": Group(
        {
            "run": path(),
            "record": nullable(path()),
            "report": _REPORT,
            "records": nullable(path()),
            "root": nullable(path()),
            "out": nullable(TABLE_FILE),
            "coverage": choice(*COVERAGES),
            "sheets": nullable(path()),
            "sheet_format": choice(*SHEET_FORMATS),
            "n_processes": nullable(whole(1, 4096)),
        }
    ),
    "explain": Group(
        {
            "run": path(),
            "record": nullable(path()),
            "report": _REPORT,
            "class": nullable(text()),
            "by": choice(*EXPLANATIONS),
            "sanity": flag(),
            "seed": SEED,
            "out": path(),
        }
    ),
    "serve": Group({"run": path(), "port": whole(0, 65_535), "coverage": choice(*COVERAGES)}),
    "export": Group(
        {
            "run": path(),
            "format": choice("onnx", "torch", "bundle"),
            "out": path(),
            "report_words": choice("refuse", "keep"),
            "paths": PATHS,
        }
    ),
    "verify": Group({"store": nullable(path()), "run": nullable(path())}),
    "audit": Group(
        {
            "seed": SEED,
            "paths": PATHS,
            "data": DATA,
            "task": TASK,
            "labels": LABELS,
            "text": TEXT,
            "evaluation": EVALUATION,
        }
    ),
    "statements": Group({"file": path()}),
    "suspicious_labels": Group({"folder": path(), "n_shown": whole(0, 1000), "paths": PATHS}),
    "agreement": Group({"paths": PATHS, "data": DATA}),
    "download": Group(
        {
            "subset": nullable(whole(1, 10**9)),
            "url": nullable(text()),
            "connection": _CONNECTION,
            "paths": PATHS,
            "data": DATA,
            "sources": Named(Group({"url": text(), "licence": text(), "cite": text()})),
        }
    ),
}

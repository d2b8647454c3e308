"""MLflow: one run a job, in an experiment a project, at a server or in ``<run directory>/mlflow``."""

import json
import logging
import math
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ecgmm.dashboard import content as dashboard_content
from ecgmm.dashboard.destination import About, Results
from ecgmm.data.sources.source import flatten

_RUN_ID = "ecgmm.run_id"
_LONGEST_VALUE = 500  # of a parameter; servers of MLflow 1 and 2 take no more
_AT_ONCE = 100  # parameters or metrics in one message: the least that a server must take is 100 and 1000


class MlflowRun:
    """Destination of ``logger=mlflow``.

    Args:
        about: The run that begins. One that goes on continues its MLflow run.
        logger: The setting ``logger``.
    """

    def __init__(self, about: About, logger: Mapping[str, Any]) -> None:
        # Read when MLflow is imported: its makers would else get reports of use, and the console its advice.
        off = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_CONFIGURE_LOGGING": "false"}
        os.environ |= off | {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # ours below, which needs no database packages
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(math.ceil(logger.get("start_timeout_s", 10))))
        from mlflow import MlflowClient

        for name in ("mlflow", "urllib3.connectionpool"):  # their advice, and each attempt; ours is the one line
            logging.getLogger(name).setLevel(logging.ERROR)
        self._step = 0
        address = logger["tracking_uri"] or (about.directory / "mlflow").as_uri()
        self._client = MlflowClient(tracking_uri=address)
        experiment = self._experiment(logger["project"])
        begun = self._client.search_runs([experiment], f"tags.`{_RUN_ID}` = '{about.run_id}'", max_results=1)
        if begun:
            self._id = begun[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
            return
        tags = {_RUN_ID: about.run_id, "group": about.group, "tags": ", ".join(about.tags)}
        self._id = self._client.create_run(experiment, tags=tags, run_name=about.name).info.run_id
        self._send(params=_params({name: part for name, part in about.config.items() if name != "facts"}))
        self._client.log_dict(self._id, dict(about.config), "config.json")

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Send numbers of a training step."""
        from mlflow.entities import Metric

        self._step, now_ms = max(self._step, step), round(time.time() * 1000)
        finite = {_key(key): float(value) for key, value in numbers.items() if math.isfinite(value)}
        # A number is a file of that path: calibration_slope and calibration_slope/NORM cannot both be there.
        means = {key for key in finite if any(other.startswith(f"{key}/") for other in finite)}
        named = {f"{key}_macro" if key in means else key: value for key, value in finite.items()}
        self._send(metrics=[Metric(key, value, now_ms, step) for key, value in named.items()])

    def send_results(self, results: Results) -> None:
        """Send metrics, facts and figures."""
        self.log(dashboard_content.numbers_of_test(results.frame, results.metrics), self._step)
        self._client.log_dict(self._id, dashboard_content.shown_facts(results.facts), "facts.json")
        for file in dashboard_content.sent_figures(results.figures).values():
            self._client.log_artifact(self._id, str(file), "figures")

    def finish(self, exit_code: int) -> None:
        """Close the run."""
        self._client.set_terminated(self._id, "FINISHED" if exit_code == 0 else "FAILED")

    def _experiment(self, name: str) -> str:
        """Id of an experiment, which is made where there is none."""
        from mlflow.exceptions import MlflowException

        known = self._client.get_experiment_by_name(name)
        if known is None:
            with suppress(MlflowException):  # another job of a sweep was faster
                return str(self._client.create_experiment(name))
            known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id)

    def _send(self, **lists: list[Any]) -> None:
        for name, entries in lists.items():
            for first in range(0, len(entries), _AT_ONCE):
                self._client.log_batch(self._id, **{name: entries[first : first + _AT_ONCE]})


def _params(settings: Mapping[str, Any]) -> list[Any]:
    from mlflow.entities import Param

    leaves = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in flatten(dict(settings)).items()
    }
    return [Param(_key(key), value[:_LONGEST_VALUE]) for key, value in leaves.items()]


def _key(name: str) -> str:
    """A name as MLflow takes it; those of the user's own classes may hold other signs."""
    return re.sub(r"[^\w\-. /:]", "_", name)

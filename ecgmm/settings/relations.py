"""How settings of different groups depend on one another."""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from inspect import signature
from typing import Any

from ecgmm.settings.kinds import Relation
from ecgmm.settings.targets_models import ROBUST_CRITERIA


def _loss_of_the_task(task: Mapping[str, Any]) -> tuple[str, str] | None:
    fitting = {"single_label": "torch.nn.CrossEntropyLoss", "multi_label": "torch.nn.BCEWithLogitsLoss"}
    criterion = task["criterion"]
    if criterion["_target_"] in ROBUST_CRITERIA:
        fits = criterion["task"] == task["name"]
        return None if fits else ("task.criterion.task", f"{task['name']}, as task.name is")
    if criterion["_target_"] == fitting[task["name"]]:
        return None
    return "task.criterion._target_", f"{fitting[task['name']]} where task.name is {task['name']}; choose task=..."


def _one_class_a_record(task: Mapping[str, Any]) -> tuple[str, str] | None:
    if task["name"] != "single_label" or task["selection"] != "all":
        return None
    return "task.selection", "exactly_one or priority for a task of one class a record (task=multilabel takes all)"


def _highpass_below_half_the_rate(waveform: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str, str] | None:
    highpass_hz, rate_hz = waveform["highpass_hz"], data["rate_hz"]
    if highpass_hz is None or highpass_hz < rate_hz / 2:
        return None
    return "waveform.highpass_hz", f"below {rate_hz / 2:g}, half of data.rate_hz"


def _trials_are_not_shown(measured_split: str, page: bool, logger: Mapping[str, Any]) -> tuple[str, str] | None:
    """Pages, figures and dashboards of a run are of its test split."""
    if measured_split == "test":
        return None
    if page:
        return "page", "false where measured_split=val, since a page shows the test split"
    return None if logger["kind"] == "none" else ("logger.kind", "none where measured_split=val (logger=none)")


def _half_precision_on_a_cpu(trainer: Mapping[str, Any]) -> tuple[str, str] | None:
    if trainer["accelerator"] != "cpu" or trainer["precision"] != "16-mixed":
        return None
    return "trainer.precision", "mixed_16, bf16-mixed or 32-true on a CPU"


def _shift_within_the_window(augmentation: Mapping[str, Any] | None, data: Mapping[str, Any]) -> tuple[str, str] | None:
    length_s = data["window"]["length_s"]
    if augmentation is None or augmentation["shift_s"] < length_s:
        return None
    return "augmentation.shift_s", f"below data.window.length_s, which is {length_s:g}"


def _layers_for_the_window(method: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Each layer of the convolutional encoder halves time, and something must be left."""
    encoder = method.get("ecg_encoder", {})
    if "stem_hz" not in encoder:
        return None
    n_times = round(data["window"]["length_s"] * data["rate_hz"])
    stride = max(1, round(encoder["rate_hz"] / encoder["stem_hz"]))
    left = (n_times - 1) // stride + 1
    for _ in encoder["channels"]:
        left //= 2
    if left:
        return None
    return "ecg_encoder.channels", f"a shorter list: so many layers leave nothing of {n_times} samples"


def _places_for_the_window(method: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str, str] | None:
    """The encoder of single leads has a learned place for each stretch of the window, and a stretch fits into it."""
    encoder, length_s = method.get("ecg_encoder", {}), data["window"]["length_s"]
    if "max_segments" not in encoder:
        return None
    segment_s = encoder["tokeniser"]["segment_s"]
    if segment_s > length_s:
        key = "method.ecg_encoder.tokeniser.segment_s"
        return key, f"at most data.window.length_s, which is {length_s:g}"
    if encoder["max_segments"] >= int(length_s / segment_s + 1e-9):
        return None
    key = "method.ecg_encoder.max_segments"
    return key, f"at least {int(length_s / segment_s + 1e-9)}, data.window.length_s in stretches of {segment_s:g} s"


def _labels_of_training_patients(train_fraction: float, label_fraction: float | None) -> tuple[str, str] | None:
    if label_fraction is None or label_fraction <= train_fraction:
        return None
    return "label_fraction", f"at most train_fraction, which is {train_fraction:g}"


def _numbered_devices_are_gpus(trainer: Mapping[str, Any]) -> tuple[str, str] | None:
    if trainer["accelerator"] != "cpu" or not isinstance(trainer["devices"], list):
        return None
    return "trainer.devices", "their number on a CPU"


def _one_source_of_weights(init: Mapping[str, Any]) -> tuple[str, str] | None:
    if init["run"] is not None and init["weights"] is not None:
        return "init.weights", "null where init.run is given: weights come from a run or from a file"
    if init["run"] is not None:
        return None if init["prefix"] is None else ("init.prefix", "null for a run, whose names are ours")
    # A sweep of init.run against null leaves init.parts as they are.
    given = [key for key in init if key not in ("run", "weights", "parts") and init[key] not in (None, False)]
    if init["weights"] is None and given:
        return f"init.{given[0]}", "left as it is where neither init.run nor init.weights gives weights"
    return None


def _one_way_of_learning_on(init: Mapping[str, Any]) -> tuple[str, str] | None:
    given = [key for key in ("lr", "lr_scale", "layer_decay") if init[key] is not None]
    if init["freeze"] and given:
        return f"init.{given[0]}", "null where init.freeze is true: what is frozen does not learn"
    if init["lr"] is not None and init["lr_scale"] is not None:
        return "init.lr_scale", "null where init.lr is given"
    return None


def _installed_logger(logger: Mapping[str, Any]) -> tuple[str, str] | None:
    kind = logger["kind"]  # the name of the package and of the extra too; W&B is no extra
    if kind not in ("tensorboard", "mlflow") or find_spec(kind) is not None:
        return None
    return "logger.kind", f"none or wandb while {kind} is not installed: run pip install 'ecgmm[{kind}]'"


def _experiment_of_mlflow(logger: Mapping[str, Any]) -> tuple[str, str] | None:
    nameless = logger["kind"] == "mlflow" and logger["project"] is None
    return ("logger.project", "a name, since every run of MLflow is in an experiment") if nameless else None


def _a_folder_for_each_store(data: Mapping[str, Any], rates_hz: Sequence[int]) -> tuple[str, str] | None:
    if data["store"] is None or len(rates_hz) == 1:
        return None
    return "data.store", "null where rates_hz has several: each store has a folder of its own below paths.stores"


def _of_groups(relation: Callable[..., tuple[str, str] | None]) -> Relation:
    """The relation of a whole composition that looks at the groups which the parameters of a function name."""
    names = tuple(signature(relation).parameters)
    return lambda values: relation(*(values[name] for name in names))


RELATIONS: dict[str, Sequence[Relation]] = {
    "train": [
        _of_groups(relation)
        for relation in (
            _loss_of_the_task,
            _one_class_a_record,
            _highpass_below_half_the_rate,
            _half_precision_on_a_cpu,
            _labels_of_training_patients,
            _trials_are_not_shown,
            _numbered_devices_are_gpus,
            _shift_within_the_window,
            _layers_for_the_window,
            _places_for_the_window,
            _one_source_of_weights,
            _one_way_of_learning_on,
            _installed_logger,
            _experiment_of_mlflow,
        )
    ],
    "prepare": [_of_groups(_a_folder_for_each_store)],
    "audit": [_of_groups(_loss_of_the_task), _of_groups(_one_class_a_record)],
}

"""From composed settings and an open store to what is trained, without Hydra and without changing the settings."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import lightning
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from torch import nn

from ecgmm.building import construct
from ecgmm.data.batches.choices import Loading, ReportTokeniser, TargetChoice, TextChoice, TrainingPart
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.store.splits import SPLITS
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.models.method import Method, Stage
from ecgmm.models.text_bank import TextBank
from ecgmm.runs.directory import config_digest
from ecgmm.runs.loading import build_preparation
from ecgmm.runs.saved_model import Waveform
from ecgmm.text.closed import known_statements
from ecgmm.text.coded import Reports
from ecgmm.text.rarity import MIN_PATIENTS
from ecgmm.text.tokenise import StatementVocabulary
from ecgmm.training.task import DiagnosisTask
from ecgmm.training.trainers import (
    StageTrainer,
    TrainerChoice,
    build_trainers,
    refuse_unsharded,
    stages_of,
)

if TYPE_CHECKING:
    from ecgmm.data.batches.label_noise import LabelNoise
    from ecgmm.training.corruption import PairCorruption
    from ecgmm.training.initial_weights import InitialWeights


@dataclass(frozen=True)
class Setup:
    """Data and settings of one run, before anything is built that learns.

    Attributes:
        datamodule: Records, targets and texts.
        settings: Resolved settings, plain Python, with the facts of the store; what ``config.yaml`` holds.
        digest: Of all that decides the run's numbers, see ``config_digest``.
        started_s: When it was begun, by the monotonic clock.
        initial: Where the weights to begin with come from; None for random ones.
    """

    datamodule: EcgReportDataModule
    settings: dict[str, Any]
    digest: str
    started_s: float
    initial: "InitialWeights | None"

    @property
    def texts(self) -> TextBank:
        """Words that the method is bound to."""
        data = self.datamodule
        statements = data.statement_vocabulary.statements
        described = own_descriptions(data.labels.label_set, self.settings["task"]["selection"])
        max_tokens = self.settings["text"]["max_tokens"]
        heard = data.heard_tokens
        return TextBank(data.targets.class_names, statements, data.tokeniser, max_tokens, described, heard)

    @property
    def waveform(self) -> Waveform:
        """Settings of the preparation of waveforms."""
        return Waveform.model_validate(self.settings["waveform"])

    @cached_property
    def signal(self) -> Mapping[str, Any]:
        """Manifest of the store, with what preparation learns from the training records where it learns any."""
        data = self.datamodule
        if self.waveform.complete_leads != "learned":
            return data.store.manifest
        from ecgmm.training.lead_covariance import lead_covariance_mv2

        plain = build_preparation(data.store.manifest, self.waveform.model_copy(update={"complete_leads": "none"}))
        return {
            **data.store.manifest,
            "lead_covariance_mv2": lead_covariance_mv2(data.store, data.rows["train"], plain),
        }

    def fresh_method(self) -> Method:
        """Build the method, bound to its words, with the weights that it begins with; seeds all random generators.

        From then on the batches of the data hold what the method looks at.

        Raises:
            ConfigError: If the initial weights do not fit the method.
            DataError: If they are damaged.
        """
        lightning.seed_everything(self.settings["seed"], workers=True, verbose=False)
        method = build_method(self.settings["method"], self.texts)
        self.datamodule.with_waveforms = method.looks_at_waveforms
        if self.initial is not None:
            self.initial.put_into(method, self.texts, self.datamodule.store)
        return method

    def task_of(self, method: Method) -> DiagnosisTask:
        """Put method, preparation, augmentation and optimizer together.

        Raises:
            ConfigError: If ``compile=true`` and the method has nothing to compile, or layers are to learn differently
                and the method says none.
        """
        settings = self.settings
        optimizer = construct(settings["optimizer"], **fused_unless_chosen(settings["optimizer"]))
        if settings.get("decayed") == "matrices":
            from ecgmm.training.learning_rates import sparing_vectors

            optimizer = sparing_vectors(optimizer)
        if self.initial is not None:
            from ecgmm.training.learning_rates import with_own_rates

            optimizer = with_own_rates(optimizer, method, settings["init"], settings["optimizer"]["lr"])
        if settings["compile"]:
            from ecgmm.training.compiling import compile_encoder

            compile_encoder(method)
        preparation = build_preparation(self.signal, self.waveform)
        augmentation = None if settings["augmentation"] is None else construct(settings["augmentation"])
        if augmentation is not None and preparation.completion is not None:
            from ecgmm.signal.completion import CompletedAfter  # only where leads are completed

            augmentation = CompletedAfter(augmentation, preparation.completion)
        return DiagnosisTask(
            method,
            preparation,
            augmentation,
            optimizer,
            settings["warmup_fraction"],
            self.datamodule.targets.class_names,
            settings["task"]["name"],
            settings["seed"],
            corruption=self._corruption(),
            group_dro=self._group_dro(),
        )

    def _corruption(self) -> "PairCorruption | None":
        if self.settings["corruption"] is None:
            return None
        corruption: PairCorruption = construct(self.settings["corruption"])
        if not corruption.contradict_report:
            return corruption
        from ecgmm.training.contradiction import Contradictions  # only where reports are contradicted

        text = self.settings["text"]
        return replace(corruption, contradict=Contradictions(self.datamodule, text["policy"], text["max_tokens"]))

    def _group_dro(self) -> nn.Module | None:
        if self.settings["domains"]["column"] is None:
            return None
        from ecgmm.training.group_dro import group_dro  # only where training knows domains

        return group_dro(self.settings["domains"], self.datamodule)

    def stages_of(self, method: Method) -> tuple[Stage, ...]:
        """Stages that the method goes through."""
        return stages_of(method, self.settings["stages"])

    @property
    def trainer_choice(self) -> TrainerChoice:
        """Settings of the Trainers."""
        names = ("trainer", "pretrain_epochs", "checkpoint_minutes", "profile", "ema_decay")
        return TrainerChoice(**{name: self.settings[name] for name in names})

    def trainers_of(self, method: Method, directory: Path) -> list[StageTrainer]:
        """Build a Trainer for each stage, which keep their files in a run directory."""
        refuse_unsharded(self.trainer_choice, method)
        return build_trainers(self.trainer_choice, self.stages_of(method), directory)


def fused_unless_chosen(optimizer: Mapping[str, Any]) -> dict[str, bool]:
    """Choose one kernel for the whole optimizer, a quarter of the time of many, unless settings choose.

    In 16 bits it also leaves out the steps of gradients that are not finite by itself; otherwise the host asks for each
    step, and waits for a GPU.
    """
    return {} if {"fused", "foreach"} & set(optimizer) else {"fused": True}


def set_up(config: DictConfig | Mapping[str, Any], store: Store) -> Setup:
    """Choose the data of a run and resolve its settings.

    Args:
        config: The composition of ``conf/train.yaml``, whose interpolations are not resolved yet; not changed.
        store: An open store.

    Raises:
        ConfigError: If the store does not hold what the settings ask for.
        DataError: If the initial weights cannot be read.
    """
    started_s = time.monotonic()
    asked = resolved(config, {})
    labels = open_labels(store, asked["labels"]["name"], construct(asked["data"]).label_settings_with(asked["labels"]))
    if asked["task"]["targets"] == "soft":
        refuse_certain(labels)
    described = own_descriptions(labels.label_set, asked["task"]["selection"])
    datamodule = EcgReportDataModule(
        store,
        TargetChoice(
            labels,
            asked["task"]["selection"],
            asked["labels"]["priority"],
            asked["task"]["targets"],
            label_noise=label_noise_of(asked["label_noise"]),
            modalities=asked["task"].get("modalities", "any"),
            held_out=None if asked["held_out"] is None else part_of(asked["held_out"]),
            splits=SPLITS if asked.get("measured_split") != "val" else ("train", "val"),
        ),
        text_choice(asked["text"], described=[text for texts in described.values() for text in texts]),
        Loading(asked["batch_size"], asked["sampling"], asked["prefetch"], asked["data"]["residency"]),
        asked["seed"],
        TrainingPart(asked["train_fraction"], asked.get("fraction_seed"), asked.get("label_fraction")),
        None if asked["quality"] is None else construct(asked["quality"]),
    )
    settings = resolved(config, datamodule.facts())
    own = [labels.digest] if "own" in labels.made_from else []  # of a file that may change while its path does not
    initial = _initial_weights(settings["init"])
    data = "+".join([store.fingerprint, *own])
    digest = config_digest(settings, data, None if initial is None else initial.digested)
    return Setup(datamodule, settings, digest, started_s, initial)


def refuse_certain(labels: LabelTable) -> None:
    """Refuse soft targets of labels that are all certain: they would be hard ones under another name.

    Raises:
        ConfigError: If no label has a certainty between 0 and 1.
    """
    if not ((labels.values > 0) & (labels.values < 1)).any():
        raise ConfigError(
            f"task.targets=soft trains with the certainty of labels, and labels={labels.label_set.name} of this store"
            " are all certain (0 or 1); set task.targets=hard, or criterion=label_smoothing"
        )


def label_noise_of(settings: Mapping[str, Any]) -> "LabelNoise | None":
    """What makes labels wrong, from the setting ``label_noise``; None where nothing does."""
    if settings["kind"] == "none":
        return None
    from ecgmm.data.batches.label_noise import LabelNoise  # only where labels are made wrong

    return LabelNoise(**settings)


def part_of(text: str) -> tuple[int, int]:
    """Numbers k and n of the setting ``held_out``, such as ``1/4``."""
    number, of = map(int, text.split("/"))
    return number, of


def _initial_weights(init: Mapping[str, Any]) -> "InitialWeights | None":
    if init["run"] is None and init["weights"] is None:
        return None
    from ecgmm.training.initial_weights import initial_weights  # only where a run begins with given weights

    return initial_weights(init)


def resolved(config: DictConfig | Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Composed settings as plain values, in which ``${from_data....}`` are facts of the store.

    Args:
        config: The composition; not changed.
        facts: As ``EcgReportDataModule.facts`` gives them; those that are not given stay null.
    """
    composed = OmegaConf.to_container(config) if OmegaConf.is_config(config) else dict(config)
    filled = OmegaConf.merge(composed, {"from_data": dict(facts)})
    return cast(dict[str, Any], OmegaConf.to_container(filled, resolve=True))


def own_descriptions(label_set: LabelSet, selection: str) -> dict[str, tuple[str, ...]]:
    """The user's own descriptions of the classes that a task tells apart; no is described as "no ..."."""
    described = dict(label_set.described)
    classes = label_set.answers(selection)
    if len(classes) > len(label_set.classes):
        described[classes[0]] = tuple(f"no {text}" for text in label_set.descriptions[classes[1]])
    return described


def text_choice(text: Mapping[str, Any], min_patients: int = MIN_PATIENTS, described: Sequence[str] = ()) -> TextChoice:
    """What is seen of reports, from the setting ``text``, in a vocabulary that is learnt from the training reports.

    Args:
        text: The setting.
        min_patients: Words and statements of fewer training patients stay out of the vocabularies.
        described: The user's own descriptions of classes, whose words belong to the vocabulary.
    """
    tokeniser = construct(text["tokeniser"])  # or a function that learns it
    closed = text["vocabulary"] == "closed"

    def vocabularies(reports: Reports, patients: NDArray[Any]) -> tuple[ReportTokeniser, StatementVocabulary]:
        ready = not callable(tokeniser)
        chosen = {"closed": closed, "min_patients": min_patients, "described": described}
        learnt = tokeniser if ready else tokeniser(reports, patients, **chosen)
        if closed:
            return learnt, StatementVocabulary(known_statements())
        return learnt, StatementVocabulary.train(reports, patients, min_patients)

    return TextChoice(text["policy"], text["max_tokens"], vocabularies, text.get("at_test", "report"))


def build_method(method: Mapping[str, Any], texts: TextBank) -> Method:
    """Build a method of the setting ``method``, with fresh weights from torch's global generator, and bind it."""
    built: Method = construct(method)
    built.bind(texts)
    return built

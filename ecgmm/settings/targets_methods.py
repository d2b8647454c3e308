"""Settings of methods: what ``model.json`` names first."""

from collections.abc import Mapping
from typing import Any

from ecgmm.settings.kinds import Built, Spec, Target, choice, flag, many, nullable, number, optional, text, whole
from ecgmm.settings.ranges import (
    FINDINGS,
    HEADS,
    N_CLASSES,
    RATE_HZ,
    SHARE_BELOW_ONE,
    VOCABULARY,
    WEIGHT,
    WIDTH,
    divides,
)
from ecgmm.settings.targets_encoders import DROPOUT, ECG_ENCODER, TRANSFORMER
from ecgmm.settings.targets_models import (
    CONSISTENCY,
    CRITERION,
    DETECTOR,
    GATE,
    HEADS_OF_CLASSES,
    LANGUAGE_MODEL,
    SIMILARITY,
    TASK_NAME,
    TEXT_ENCODER,
)

_METHOD: dict[str, Spec] = {"criterion": CRITERION, "n_classes": N_CLASSES}
_ECG: dict[str, Spec] = {"ecg_encoder": ECG_ENCODER}
_TEXT: dict[str, Spec] = {"text_encoder": TEXT_ENCODER}
_SHARED: dict[str, Spec] = {"shared_dim": WIDTH}
_PAIRS: dict[str, Spec] = {  # older runs have no weight, and unseen classes of time_frequency alone
    "unseen_classes": optional(many(text(), "different classes, such as [MI]", least=0, distinct=True)),
    "pair_weight": optional(WEIGHT),
}


def _heads_of_the_encoder(node: Mapping[str, Any]) -> tuple[str, str] | None:
    width = node["ecg_encoder"]["width"]
    return None if width % node["n_heads"] == 0 else ("n_heads", f"a divisor of ecg_encoder.width, which is {width}")


def _heads_of_the_embedding(node: Mapping[str, Any]) -> tuple[str, str] | None:
    dim = node["ecg_encoder"]["dim"]
    return None if dim % node["n_heads"] == 0 else ("n_heads", f"a divisor of ecg_encoder.dim, which is {dim}")


def _one_dim(node: Mapping[str, Any]) -> tuple[str, str] | None:
    dim = node["ecg_encoder"]["dim"]
    for part in ("text_encoder", "frequency_encoder"):
        if part in node and node[part]["dim"] != dim:
            return f"{part}.dim", f"that of the waveform's embedding (ecg_encoder.dim), which is {dim}"
    return None


_METHODS: dict[str, Target] = {
    "bag_of_statements.BagOfStatements": Target(
        {**_METHOD, "n_statements": VOCABULARY, "inverse_penalty": number(1e-6, 1e6)}
    ),
    "concat.Concat": Target(
        {**_ECG, **_TEXT, **_METHOD, **DROPOUT, "half_weight": optional(WEIGHT)}, (_one_dim,)
    ),  # older runs have no half_weight
    "cross_modal_transformer.CrossModalTransformer": Target(
        {
            **_ECG,
            **_TEXT,
            **_METHOD,
            "n_findings": FINDINGS,
            "transformer": Built(("ecgmm.models.transformer_shape.TransformerShape",)),
            "max_ecg_tokens": whole(1, 10_000),
            "findings_weight": WEIGHT,
        }
    ),
    "ecg_clip.EcgClip": Target({**_ECG, **_TEXT, **_METHOD, **_SHARED, **_PAIRS}, (_one_dim,)),
    "ecg_doctor.EcgDoctor": Target(
        {
            **_ECG,
            "language_model": LANGUAGE_MODEL,
            "criterion": CRITERION,
            "n_findings": FINDINGS,
            "rate_hz": RATE_HZ,
            "queries": Built(("ecgmm.models.methods.ecg_doctor.ReaderShape",)),
            "findings_weight": WEIGHT,
            "measurements_weight": WEIGHT,
        }
    ),
    "ecg_only.EcgOnly": Target({**_ECG, **_METHOD, **DROPOUT}),
    "ecg_random.EcgRandom": Target({**_ECG, **_METHOD, **DROPOUT}),
    "evidence_fusion.EvidenceFusion": Target(
        {
            **_ECG,
            **_TEXT,
            "heads": HEADS_OF_CLASSES,
            "detector": DETECTOR,
            "criterion": CRITERION,
            "task": TASK_NAME,
            "half_weight": WEIGHT,
            "exchange_rate": nullable(number(0, 1, above=True, below=True)),
        },
        (_one_dim,),
    ),
    "fg_clep.FgClep": Target(
        {
            **_ECG,
            **_TEXT,
            **_METHOD,
            **_SHARED,
            "n_heads": HEADS,
            "similarity": SIMILARITY,
            "least_similarity": number(-1, 1),
            **_PAIRS,
        },
        (_one_dim, divides("n_heads", "shared_dim")),
    ),
    "gated_fusion.GatedFusion": Target(
        {**_ECG, **_TEXT, "gate": GATE, "consistency": CONSISTENCY, **_METHOD, **DROPOUT, "lambda_cons": WEIGHT},
        (_one_dim,),
    ),
    "k_merl.KMerl": Target(
        {
            "ecg_encoder": Built(("ecgmm.models.ecg_encoders.lead_tokens.LeadTokens",)),
            **_TEXT,
            **_METHOD,
            **TRANSFORMER,
            "feedforward_width": WIDTH,
            **_PAIRS,
        },
        (_heads_of_the_encoder,),
    ),
    "majority.Majority": Target(_METHOD),
    "masked_reconstruction.MaskedReconstruction": Target(
        {
            "ecg_encoder": Built(("ecgmm.models.ecg_encoders.patch_tokens.PatchTokens",)),
            "decoder": Built(("ecgmm.models.transformer_shape.TransformerShape",)),
            **_METHOD,
            "mask_ratio": SHARE_BELOW_ONE,
            "target": choice("normalised", "signal"),
            "reconstruction_weight": WEIGHT,
            **DROPOUT,
        }
    ),
    "mean.Mean": Target({**_ECG, **_TEXT, **_METHOD, **DROPOUT}, (_one_dim,)),
    "meit.Meit": Target(
        {
            **_ECG,
            "language_model": LANGUAGE_MODEL,
            "criterion": CRITERION,
            "report_in_prompt": flag(),
            "report_weight": WEIGHT,
            "layer_norm": flag(),
        }
    ),
    "merl.Merl": Target(
        {
            **_ECG,
            **_TEXT,
            **_METHOD,
            "n_heads": HEADS,
            "temperature": number(1e-3, 100),
            "view_dropout": SHARE_BELOW_ONE,
            "uni_modal_weight": WEIGHT,
            **_PAIRS,
        },
        (_one_dim, _heads_of_the_embedding),
    ),
    "sigmoid_caption.SigmoidCaption": Target(
        {
            **_ECG,
            **_TEXT,
            "writer": Built(("ecgmm.models.report_writer.ReportWriter",)),
            **_METHOD,
            "n_queries": whole(1, 10_000),
            "n_heads": HEADS,
            "caption_weight": WEIGHT,
            **_PAIRS,
        },
        (_one_dim, _heads_of_the_embedding),
    ),
    "text_only.TextOnly": Target({**_TEXT, **_METHOD, **DROPOUT}),
    "time_frequency.TimeFrequency": Target(
        {
            **_ECG,
            "frequency_encoder": Built(("ecgmm.models.ecg_encoders.spectrogram.SpectrogramResNet",)),
            **_TEXT,
            **_METHOD,
            "n_context": whole(1, 1000),
            **_PAIRS,
            "time_frequency_weight": WEIGHT,
        },
        (_one_dim,),
    ),
}
METHOD = Built(tuple(f"ecgmm.models.methods.{name}" for name in _METHODS))

METHOD_TARGETS: dict[str, Target] = {f"ecgmm.models.methods.{name}": target for name, target in _METHODS.items()}

"""Settings of methods, of their parts, and of what reads text: what ``model.json`` names."""

from collections.abc import Mapping
from typing import Any

from ecgmm.leads import N_LEADS
from ecgmm.settings.kinds import (
    Built,
    Relation,
    Spec,
    Target,
    choice,
    flag,
    many,
    nullable,
    number,
    optional,
    path,
    text,
    whole,
)
from ecgmm.settings.ranges import (
    FINDINGS,
    HEADS,
    LAYERS,
    N_CLASSES,
    RATE_HZ,
    SECONDS,
    SHARE_BELOW_ONE,
    VOCABULARY,
    WEIGHT,
    WIDTH,
    divides,
    same_length,
)
from ecgmm.settings.targets_encoders import PUBLISHED_ENCODER_TARGETS

ECG_ENCODER = Built(
    (
        "ecgmm.models.ecg_encoders.convolutional.Convolutional",
        "ecgmm.models.ecg_encoders.resnet1d.ResNet1d",
        *PUBLISHED_ENCODER_TARGETS,
    )
)
TEXT_ENCODER = Built(
    (
        "ecgmm.models.text_encoders.attention_pooling.AttentionPooling",
        "ecgmm.models.text_encoders.transformer.Transformer",
    )
)
_TASK_NAME = choice("single_label", "multi_label")
GATE = Built(("ecgmm.models.fusion.ScalarGate", "ecgmm.models.fusion.VectorGate", "ecgmm.models.fusion.MeanGate"))
CONSISTENCY = Built(
    (
        *(f"ecgmm.models.losses.{name}Consistency" for name in ("Squared", "Orthogonal", "Cosine")),
        *(f"ecgmm.models.class_consistency.{name}Consistency" for name in ("Class", "Weighted")),
    )
)
HEADS_OF_CLASSES = Built(("ecgmm.models.evidence.OwnHeads", "ecgmm.models.evidence.SharedHead"))
DETECTOR = Built(("ecgmm.models.evidence.PairDetector",), null=True)
ROBUST_CRITERIA = tuple(
    f"ecgmm.models.criteria.{name}" for name in ("LabelSmoothing", "GeneralisedCrossEntropy", "ForwardCorrection")
)
CRITERION = Built(("torch.nn.CrossEntropyLoss", "torch.nn.BCEWithLogitsLoss", *ROBUST_CRITERIA))
LANGUAGE_MODEL = Built(("ecgmm.models.language_model.LanguageModel",))
ARCHITECTURE = Built(("transformers.BertConfig", "transformers.GPT2Config", "transformers.LlamaConfig"))
TOKENISER = Built(("ecgmm.text.tokenise.WordTokeniser.train", "ecgmm.text.tokenise.TransformerTokeniser"))
LEAD_TOKENISER = Built(
    (
        "ecgmm.models.ecg_encoders.lead_tokens.ConvolutionalSegments",
        "ecgmm.models.ecg_encoders.lead_tokens.LinearPatches",
    )
)
SIMILARITY = Built(
    ("ecgmm.models.report_similarity.StatementOverlap", "ecgmm.models.report_similarity.FrozenEmbeddings")
)
CHANNELS = many(WIDTH, "1 to 20 whole numbers from 1 to 16384, such as [32,64]", most=20)
_KERNEL = whole(1, 999)
_OPTIONAL_LAYERS = optional(LAYERS)


def _stretches_of_a_sample(name: str) -> "tuple[Any, ...]":
    """A stretch of so many seconds holds a sample or more."""

    def relation(node: Mapping[str, Any]) -> tuple[str, str] | None:
        least = 1 / node["rate_hz"]
        return None if node[name] >= least else (name, f"at least {least:g}, one sample at {node['rate_hz']} Hz")

    return (relation,)


def _frequencies_of_the_window(node: Mapping[str, Any]) -> tuple[str, str] | None:
    most, least = node["rate_hz"] / 2, 1 / node["window_s"]
    if least <= node["max_hz"] <= most:
        return None
    return "max_hz", f"from {least:g}, the first frequency of window_s, to {most:g}, half of rate_hz"


def _windows_without_gaps(node: Mapping[str, Any]) -> tuple[str, str] | None:
    return None if node["hop_s"] <= node["window_s"] else ("hop_s", f"at most window_s, which is {node['window_s']:g}")


def _one_width(node: Mapping[str, Any]) -> tuple[str, str] | None:
    width = node["tokeniser"]["width"]
    return None if node["width"] == width else ("width", f"that of its tokeniser, which is {width}")


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


def _heads_divide(heads: str, n_heads: int, width: str, n_wide: int) -> Relation:
    """As ``divides``, for keys that may be left out for these numbers of the transformers library."""

    def relation(node: Mapping[str, Any]) -> tuple[str, str] | None:
        return divides(heads, width)({heads: n_heads, width: n_wide, **node})

    return relation


def _one_learning_model(node: Mapping[str, Any]) -> tuple[str, str] | None:
    if node["name_or_path"] is not None or node["config"] is not None:
        return None
    return "name_or_path", "a hub name or a folder, or config say what is built in its place"


_CRITERION: dict[str, Spec] = {"task": choice("single_label", "multi_label")}
_METHOD: dict[str, Spec] = {"criterion": CRITERION, "n_classes": N_CLASSES}
_ECG: dict[str, Spec] = {"ecg_encoder": ECG_ENCODER}
_TEXT: dict[str, Spec] = {"text_encoder": TEXT_ENCODER}
_DROPOUT: dict[str, Spec] = {"dropout": SHARE_BELOW_ONE}
_SHARED: dict[str, Spec] = {"shared_dim": WIDTH}
_UNSEEN: dict[str, Spec] = {  # older runs have it of time_frequency alone
    "unseen_classes": optional(many(text(), "different classes, such as [MI]", least=0, distinct=True))
}
_TRANSFORMER: dict[str, Spec] = {"n_layers": LAYERS, "n_heads": HEADS, **_DROPOUT}

_METHODS: dict[str, Target] = {
    "bag_of_statements.BagOfStatements": Target(
        {**_METHOD, "n_statements": VOCABULARY, "inverse_penalty": number(1e-6, 1e6)}
    ),
    "concat.Concat": Target(
        {**_ECG, **_TEXT, **_METHOD, **_DROPOUT, "half_weight": optional(WEIGHT)}, (_one_dim,)
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
    "ecg_clip.EcgClip": Target({**_ECG, **_TEXT, **_METHOD, **_SHARED, **_UNSEEN}, (_one_dim,)),
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
    "ecg_only.EcgOnly": Target({**_ECG, **_METHOD, **_DROPOUT}),
    "ecg_random.EcgRandom": Target({**_ECG, **_METHOD, **_DROPOUT}),
    "evidence_fusion.EvidenceFusion": Target(
        {
            **_ECG,
            **_TEXT,
            "heads": HEADS_OF_CLASSES,
            "detector": DETECTOR,
            "criterion": CRITERION,
            "task": _TASK_NAME,
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
            **_UNSEEN,
        },
        (_one_dim, divides("n_heads", "shared_dim")),
    ),
    "gated_fusion.GatedFusion": Target(
        {**_ECG, **_TEXT, "gate": GATE, "consistency": CONSISTENCY, **_METHOD, **_DROPOUT, "lambda_cons": WEIGHT},
        (_one_dim,),
    ),
    "k_merl.KMerl": Target(
        {
            "ecg_encoder": Built(("ecgmm.models.ecg_encoders.lead_tokens.LeadTokens",)),
            **_TEXT,
            **_METHOD,
            **_TRANSFORMER,
            "feedforward_width": WIDTH,
            **_UNSEEN,
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
            **_DROPOUT,
        }
    ),
    "mean.Mean": Target({**_ECG, **_TEXT, **_METHOD, **_DROPOUT}, (_one_dim,)),
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
            **_UNSEEN,
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
            **_UNSEEN,
        },
        (_one_dim, _heads_of_the_embedding),
    ),
    "text_only.TextOnly": Target({**_TEXT, **_METHOD, **_DROPOUT}),
    "time_frequency.TimeFrequency": Target(
        {
            **_ECG,
            "frequency_encoder": Built(("ecgmm.models.ecg_encoders.spectrogram.SpectrogramResNet",)),
            **_TEXT,
            **_METHOD,
            "n_context": whole(1, 1000),
            **_UNSEEN,
            "time_frequency_weight": WEIGHT,
        },
        (_one_dim,),
    ),
}
METHOD = Built(tuple(f"ecgmm.models.methods.{name}" for name in _METHODS))

MODEL_TARGETS: dict[str, Target] = {
    **{f"ecgmm.models.methods.{name}": target for name, target in _METHODS.items()},
    "ecgmm.models.class_consistency.ClassConsistency": Target({"task": _TASK_NAME}),
    "ecgmm.models.class_consistency.WeightedConsistency": Target({"task": _TASK_NAME}),
    "ecgmm.models.evidence.OwnHeads": Target({"dim": WIDTH, "n_classes": N_CLASSES, **_DROPOUT}),
    "ecgmm.models.evidence.SharedHead": Target({"dim": WIDTH, "n_classes": N_CLASSES, **_DROPOUT}),
    "ecgmm.models.evidence.PairDetector": Target(
        {"dim": WIDTH, "shared_dim": WIDTH, "weight": WEIGHT, "hidden_dim": optional(whole(0, 16_384))}
    ),
    "ecgmm.models.ecg_encoders.convolutional.Convolutional": Target(
        {
            "dim": WIDTH,
            "rate_hz": RATE_HZ,
            "channels": CHANNELS,
            "stem_kernel_s": number(0, 10),
            "stem_hz": number(0.1, 500),
            "kernel_size": _KERNEL,
            "dropout": SHARE_BELOW_ONE,
        }
    ),
    "ecgmm.models.ecg_encoders.resnet1d.ResNet1d": Target(
        {"dim": WIDTH, "depth": choice(18, 34), "width": whole(1, 2048), "dropout": SHARE_BELOW_ONE}
    ),
    "ecgmm.models.ecg_encoders.spectrogram.SpectrogramResNet": Target(
        {
            "dim": WIDTH,
            "rate_hz": RATE_HZ,
            "window_s": SECONDS,
            "hop_s": SECONDS,
            "max_hz": number(0, 250),
            "hidden_sizes": CHANNELS,
            "depths": many(LAYERS, "1 to 20 whole numbers from 1 to 200, such as [1,1]", most=20),
            "dropout": SHARE_BELOW_ONE,
        },
        (
            *_stretches_of_a_sample("window_s"),
            *_stretches_of_a_sample("hop_s"),
            _windows_without_gaps,
            _frequencies_of_the_window,
            same_length("depths", "hidden_sizes"),
        ),
    ),
    "ecgmm.models.ecg_encoders.lead_tokens.LeadTokens": Target(
        {
            "tokeniser": LEAD_TOKENISER,
            "max_segments": whole(1, 10_000),
            "width": WIDTH,
            **_TRANSFORMER,
            "feedforward_width": WIDTH,
            "most_leads_out": whole(0, N_LEADS - 1),
            "segments_out": SHARE_BELOW_ONE,
        },
        (_one_width, divides("n_heads", "width")),
    ),
    "ecgmm.models.ecg_encoders.patch_tokens.PatchTokens": Target(
        {"tokeniser": LEAD_TOKENISER, "width": WIDTH, **_TRANSFORMER, "feedforward_width": WIDTH},
        (_one_width, divides("n_heads", "width")),
    ),
    "ecgmm.models.ecg_encoders.lead_tokens.ConvolutionalSegments": Target(
        {
            "rate_hz": RATE_HZ,
            "segment_s": SECONDS,
            "width": WIDTH,
            "channels": CHANNELS,
            "stem_kernel_s": number(0, 10),
            "stem_hz": number(0.1, 500),
            "kernel_size": _KERNEL,
            "batch_norm": flag(),
        }
    ),
    "ecgmm.models.ecg_encoders.lead_tokens.LinearPatches": Target(
        {"rate_hz": RATE_HZ, "segment_s": SECONDS, "width": WIDTH}, _stretches_of_a_sample("segment_s")
    ),
    "ecgmm.models.criteria.LabelSmoothing": Target({**_CRITERION, "smoothing": SHARE_BELOW_ONE}),
    "ecgmm.models.criteria.GeneralisedCrossEntropy": Target({**_CRITERION, "q": number(0, 1, above=True)}),
    "ecgmm.models.criteria.ForwardCorrection": Target(
        {**_CRITERION, "n_classes": N_CLASSES, "most_wrong": SHARE_BELOW_ONE}
    ),
    "ecgmm.models.fusion.MeanGate": Target({}),
    "ecgmm.models.fusion.ScalarGate": Target({"dim": WIDTH}),
    "ecgmm.models.fusion.VectorGate": Target({"dim": WIDTH}),
    "ecgmm.models.losses.CosineConsistency": Target({}),
    "ecgmm.models.losses.OrthogonalConsistency": Target({}),
    "ecgmm.models.losses.SquaredConsistency": Target({}),
    "ecgmm.models.language_model.LanguageModel": Target(
        {
            "name_or_path": nullable(path()),
            "vocabulary_size": VOCABULARY,
            "config": Built(ARCHITECTURE.names, null=True),
            "lora_rank": nullable(whole(1, 4096)),
            "lora_alpha": optional(whole(1, 100_000)),
            "lora_dropout": optional(SHARE_BELOW_ONE),
        },
        (_one_learning_model,),
    ),
    "ecgmm.models.report_writer.ReportWriter": Target(
        {"vocabulary_size": VOCABULARY, "width": WIDTH, **_TRANSFORMER}, (divides("n_heads", "width"),)
    ),
    "ecgmm.models.report_similarity.FrozenEmbeddings": Target(
        {"text_encoder": Built(("ecgmm.models.text_encoders.transformer.Transformer",))}
    ),
    "ecgmm.models.report_similarity.StatementOverlap": Target({"n_statements": VOCABULARY}),
    "ecgmm.models.text_encoders.attention_pooling.AttentionPooling": Target(
        {"vocabulary_size": VOCABULARY, "dim": WIDTH, **_DROPOUT}
    ),
    "ecgmm.models.text_encoders.transformer.Transformer": Target(
        {
            "name_or_path": nullable(path()),
            "vocabulary_size": VOCABULARY,
            "dim": WIDTH,
            "trainable_layers": nullable(whole(0, 200)),
            "dropout": SHARE_BELOW_ONE,
            "config": Built(ARCHITECTURE.names, null=True),
        },
        (_one_learning_model,),
    ),
    "ecgmm.models.methods.ecg_doctor.ReaderShape": Target(
        {"n_queries": whole(1, 10_000), "width": WIDTH, **_TRANSFORMER, "bottleneck": flag()},
        (divides("n_heads", "width"),),
    ),
    "ecgmm.models.transformer_shape.TransformerShape": Target(
        {"width": WIDTH, **_TRANSFORMER}, (divides("n_heads", "width"),)
    ),
    "ecgmm.text.tokenise.TransformerTokeniser": Target({"name_or_path": path()}),
    "ecgmm.text.tokenise.WordTokeniser.train": Target(
        {"min_frequency": whole(1, 10**9), "max_vocabulary": whole(4, 10_000_000), "glossary": flag()}, partial=True
    ),
    "transformers.BertConfig": Target(
        {
            "vocab_size": VOCABULARY,
            **{name: optional(WIDTH) for name in ("hidden_size", "max_position_embeddings")},
            "intermediate_size": optional(whole(1, 65_536)),
            "num_hidden_layers": _OPTIONAL_LAYERS,
            "num_attention_heads": optional(HEADS),
        },
        (_heads_divide("num_attention_heads", 12, "hidden_size", 768),),
    ),
    "transformers.GPT2Config": Target(
        {
            "vocab_size": VOCABULARY,
            **{name: optional(WIDTH) for name in ("n_embd", "n_positions")},
            "n_layer": _OPTIONAL_LAYERS,
            "n_head": optional(HEADS),
        },
        (_heads_divide("n_head", 12, "n_embd", 768),),
    ),
    "transformers.LlamaConfig": Target(
        {
            "vocab_size": VOCABULARY,
            **{name: optional(WIDTH) for name in ("hidden_size", "head_dim")},
            "max_position_embeddings": optional(whole(1, 10_000_000)),
            "intermediate_size": optional(whole(1, 65_536)),
            "num_hidden_layers": _OPTIONAL_LAYERS,
            **{name: optional(HEADS) for name in ("num_attention_heads", "num_key_value_heads")},
            "initializer_range": optional(number(0, 10, above=True)),
            "tie_word_embeddings": optional(flag()),
        },
        (_heads_divide("num_attention_heads", 32, "hidden_size", 4096),),
    ),
}

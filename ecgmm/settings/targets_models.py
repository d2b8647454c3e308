"""Settings of what methods are built of, but for waveform encoders: fusion, losses, and what reads and writes text."""

from collections.abc import Mapping
from typing import Any

from ecgmm.settings.kinds import Built, Relation, Spec, Target, choice, flag, nullable, number, optional, path, whole
from ecgmm.settings.ranges import HEADS, LAYERS, N_CLASSES, SHARE_BELOW_ONE, VOCABULARY, WEIGHT, WIDTH, divides
from ecgmm.settings.targets_encoders import DROPOUT, TRANSFORMER

TASK_NAME = choice("single_label", "multi_label")
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
_CRITERION: dict[str, Spec] = {"task": choice("single_label", "multi_label")}
TEXT_ENCODER = Built(
    (
        "ecgmm.models.text_encoders.attention_pooling.AttentionPooling",
        "ecgmm.models.text_encoders.transformer.Transformer",
    )
)
LANGUAGE_MODEL = Built(("ecgmm.models.language_model.LanguageModel",))
ARCHITECTURE = Built(("transformers.BertConfig", "transformers.GPT2Config", "transformers.LlamaConfig"))
TOKENISER = Built(("ecgmm.text.tokenise.WordTokeniser.train", "ecgmm.text.tokenise.TransformerTokeniser"))
SIMILARITY = Built(
    ("ecgmm.models.report_similarity.StatementOverlap", "ecgmm.models.report_similarity.FrozenEmbeddings")
)
_OPTIONAL_LAYERS = optional(LAYERS)


def _heads_divide(heads: str, n_heads: int, width: str, n_wide: int) -> Relation:
    """As ``divides``, for keys that may be left out for these numbers of the transformers library."""

    def relation(node: Mapping[str, Any]) -> tuple[str, str] | None:
        return divides(heads, width)({heads: n_heads, width: n_wide, **node})

    return relation


def _one_learning_model(node: Mapping[str, Any]) -> tuple[str, str] | None:
    if node["name_or_path"] is not None or node["config"] is not None:
        return None
    return "name_or_path", "a hub name or a folder, or config say what is built in its place"


MODEL_TARGETS: dict[str, Target] = {
    "ecgmm.models.class_consistency.ClassConsistency": Target({"task": TASK_NAME}),
    "ecgmm.models.class_consistency.WeightedConsistency": Target({"task": TASK_NAME}),
    "ecgmm.models.evidence.OwnHeads": Target({"dim": WIDTH, "n_classes": N_CLASSES, **DROPOUT}),
    "ecgmm.models.evidence.SharedHead": Target({"dim": WIDTH, "n_classes": N_CLASSES, **DROPOUT}),
    "ecgmm.models.evidence.PairDetector": Target(
        {"dim": WIDTH, "shared_dim": WIDTH, "weight": WEIGHT, "hidden_dim": optional(whole(0, 16_384))}
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
    "ecgmm.models.methods.ecg_doctor.ReaderShape": Target(
        {"n_queries": whole(1, 10_000), "width": WIDTH, **TRANSFORMER, "bottleneck": flag()},
        (divides("n_heads", "width"),),
    ),
    "ecgmm.models.transformer_shape.TransformerShape": Target(
        {"width": WIDTH, **TRANSFORMER}, (divides("n_heads", "width"),)
    ),
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
        {"vocabulary_size": VOCABULARY, "width": WIDTH, **TRANSFORMER}, (divides("n_heads", "width"),)
    ),
    "ecgmm.models.report_similarity.FrozenEmbeddings": Target(
        {"text_encoder": Built(("ecgmm.models.text_encoders.transformer.Transformer",))}
    ),
    "ecgmm.models.report_similarity.StatementOverlap": Target({"n_statements": VOCABULARY}),
    "ecgmm.models.text_encoders.attention_pooling.AttentionPooling": Target(
        {"vocabulary_size": VOCABULARY, "dim": WIDTH, **DROPOUT}
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

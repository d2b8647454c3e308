"""Names and shapes of the weights in public files, and tiny encoders that take files of the same form.

No public list of names was found, so each is derived from the module code of a repository, at the commit named below.
Sizes default to the published ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ecgmm.models.ecg_encoders.ecg_fm import EcgFm
from ecgmm.models.ecg_encoders.ecg_founder import EcgFounder
from ecgmm.models.ecg_encoders.hubert_ecg import HubertEcg
from ecgmm.models.ecg_encoders.merl import Merl
from ecgmm.models.ecg_encoders.window_encoder import WindowEncoder

Shapes = Mapping[str, tuple[int, ...]]
LEAD_MEAN_MV = [0.01 * lead - 0.05 for lead in range(12)]
LEAD_STD_MV = [0.1 + 0.05 * lead for lead in range(12)]
INPUT: dict[str, Any] = {"rate_hz": 100, "lead_mean_mv": LEAD_MEAN_MV, "lead_std_mv": LEAD_STD_MV, "dropout": 0.1}
FOUNDER: dict[str, Any] = {"stem_channels": 4, "channels": [4, 8], "depths": [1, 2], "group_width": 2}
HUBERT: dict[str, Any] = {"width": 32, "n_layers": 2, "n_heads": 2, "conv_channels": 8}
FM: dict[str, Any] = {"width": 32, "n_layers": 2, "n_heads": 2, "conv_channels": 8}
KINDS = ("merl", "ecg_founder", "hubert_ecg", "ecg_fm")


def tiny(kind: str, dim: int = 16, rate_hz: int = 100) -> WindowEncoder:
    """The encoder at a tiny size, not training."""
    torch.manual_seed(0)
    given = {"dim": dim, **INPUT, "rate_hz": rate_hz}
    encoder: WindowEncoder
    match kind:
        case "merl":
            encoder = Merl(**given, width=4)
        case "ecg_founder":
            encoder = EcgFounder(**given, **FOUNDER)
        case "hubert_ecg":
            encoder = HubertEcg(**given, **HUBERT)
        case _:
            encoder = EcgFm(**given, **FM)
    return encoder.eval()


def tiny_shapes(kind: str) -> Shapes:
    """What a public file of the tiny size would hold."""
    match kind:
        case "merl":
            return merl_shapes(width=4)
        case "ecg_founder":
            return founder_shapes(4, [4, 8], [1, 2], 2, n_classes=3)
        case "hubert_ecg":
            return hubert_shapes(32, 2, conv=8, projected=4, codebooks=(5,))
        case _:
            return fm_shapes(32, 2, conv=8, projected=4)


def random_state(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    """Random weights of these shapes; variances are positive and counts whole."""
    generator = torch.Generator().manual_seed(seed)
    state = {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in shapes.items()}
    for name in state:
        if name.endswith(("running_var", "original0", "weight_g")):
            state[name] = state[name].abs() + 0.5
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
    return state


def _norm(name: str, n: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}.{part}", (n,)) for part in ("weight", "bias", "running_mean", "running_var"))
    yield f"{name}.num_batches_tracked", ()


def _affine(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def merl_shapes(width: int = 64) -> Shapes:
    """``res18_..._encoder.pth``: cheliu-computation/MERL-ICML2024 at 38799b7, utils/resnet1d.py (``ResNet18``)."""
    shapes = [("conv1.weight", (width, 12, 7)), *_norm("bn1", width)]
    n_in = width
    for stage in range(1, 5):
        n_out = width * 2 ** (stage - 1)
        for block in range(2):
            at = f"layer{stage}.{block}"
            shapes += [(f"{at}.conv1.weight", (n_out, n_in, 3)), *_norm(f"{at}.bn1", n_out)]
            shapes += [(f"{at}.conv2.weight", (n_out, n_out, 3)), *_norm(f"{at}.bn2", n_out)]
            if n_in != n_out:
                shapes += [(f"{at}.shortcut.0.weight", (n_out, n_in, 1)), *_norm(f"{at}.shortcut.1", n_out)]
            n_in = n_out
    return dict([*shapes, *_affine("linear", 10, 8 * width)])


def founder_shapes(
    stem: int = 64,
    channels: Sequence[int] = (64, 160, 160, 400, 400, 1024, 1024),
    depths: Sequence[int] = (2, 2, 2, 3, 3, 4, 4),
    group_width: int = 16,
    n_classes: int = 150,
    n_leads: int = 12,
) -> Shapes:
    """``12_lead_ECGFounder.pth`` below ``state_dict``: PKUDigitalHealth/ECGFounder at 04edac7, net1d.py, sizes as in
    finetune_model.py."""
    shapes = [*_affine("first_conv.conv", stem, n_leads, 16), *_norm("first_bn", stem)]
    n_in = stem
    for stage, (n_out, n) in enumerate(zip(channels, depths, strict=True)):
        for block in range(n):
            at = f"stage_list.{stage}.block_list.{block}"
            shapes += [*_norm(f"{at}.bn1", n_in), *_affine(f"{at}.conv1.conv", n_out, n_in, 1)]
            shapes += [*_norm(f"{at}.bn2", n_out), *_affine(f"{at}.conv2.conv", n_out, group_width, 16)]
            shapes += [*_norm(f"{at}.bn3", n_out), *_affine(f"{at}.conv3.conv", n_out, n_out, 1)]
            shapes += [*_affine(f"{at}.se_fc1", n_out // 2, n_out), *_affine(f"{at}.se_fc2", n_out, n_out // 2)]
            n_in = n_out
    return dict([*shapes, *_affine("dense", n_classes, n_in)])


def hubert_shapes(
    width: int = 768,
    n_layers: int = 12,
    conv: int = 512,
    projected: int = 256,
    codebooks: Sequence[int] = (100,),
) -> Shapes:
    """``model.safetensors`` of Edoardo-BS/hubert-ecg-*: Edoar-do/HuBERT-ECG at affe1f9, code/hubert_ecg.py with the
    sizes of code/pretrain.py, over the names of HuBERT in ``transformers``."""
    shapes: list[tuple[str, tuple[int, ...]]] = [("masked_spec_embed", (width,))]
    for layer, kernel in enumerate((10, 3, 3, 2, 2)):
        shapes.append((f"feature_extractor.conv_layers.{layer}.conv.weight", (conv, conv if layer else 1, kernel)))
    shapes += _affine("feature_extractor.conv_layers.0.layer_norm", conv)
    shapes += [*_affine("feature_projection.layer_norm", conv)]
    shapes += _affine("feature_projection.projection", width, conv)
    at = "encoder.pos_conv_embed.conv"
    shapes += [(f"{at}.bias", (width,)), (f"{at}.parametrizations.weight.original0", (1, 1, 128))]
    shapes += [(f"{at}.parametrizations.weight.original1", (width, width // 16, 128))]
    shapes += _affine("encoder.layer_norm", width)
    for layer in range(n_layers):
        at = f"encoder.layers.{layer}"
        for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
            shapes += _affine(f"{at}.attention.{part}", width, width)
        shapes += [*_affine(f"{at}.layer_norm", width), *_affine(f"{at}.final_layer_norm", width)]
        shapes += _affine(f"{at}.feed_forward.intermediate_dense", 4 * width, width)
        shapes += _affine(f"{at}.feed_forward.output_dense", width, 4 * width)
    for book, size in enumerate(codebooks):
        shapes += _affine(f"final_proj.{book}", projected, width)
        shapes.append((f"label_embedding.{book}.weight", (size, projected)))
    return dict(shapes)


def fm_shapes(width: int = 768, n_layers: int = 12, conv: int = 256, projected: int = 256) -> Shapes:
    """``mimic_iv_ecg_physionet_pretrained.pt`` below ``model``: Jwoo5/fairseq-signals at 6b9e137, in its models:
    transformer.py, ecg_transformer.py, wav2vec2/wav2vec2.py, sizes as in examples/w2v_cmsc/config/pretraining."""
    shapes: list[tuple[str, tuple[int, ...]]] = [("mask_emb", (width,)), *_affine("encoder.layer_norm", width)]
    for layer in range(n_layers):
        at = f"encoder.layers.{layer}"
        for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
            shapes += _affine(f"{at}.self_attn.{part}", width, width)
        shapes += [*_affine(f"{at}.self_attn_layer_norm", width), *_affine(f"{at}.final_layer_norm", width)]
        shapes += [*_affine(f"{at}.fc1", 4 * width, width), *_affine(f"{at}.fc2", width, 4 * width)]
    for layer in range(4):
        shapes.append((f"feature_extractor.conv_layers.{layer}.0.weight", (conv, conv if layer else 12, 2)))
    shapes += _affine("feature_extractor.conv_layers.0.2", conv)
    shapes += _affine("post_extract_proj", width, conv)
    shapes += [("conv_pos.pos_conv.0.bias", (width,))]
    shapes += [("conv_pos.pos_conv.0.parametrizations.weight.original0", (1, 1, 128))]
    shapes += [("conv_pos.pos_conv.0.parametrizations.weight.original1", (width, width // 16, 128))]
    shapes += [*_affine("layer_norm", conv), ("quantizer.vars", (1, 640, projected // 2))]
    shapes += [*_affine("quantizer.weight_proj", 640, conv), *_affine("project_q", projected, projected)]
    return dict([*shapes, *_affine("final_proj", projected, width)])

"""FG-CLEP: soft targets, tags with features of the waveform, and the check that drops the wrong ones."""

import pytest
import torch
from torch import Tensor
from transformers import BertConfig

from ecgmm.models.methods.fg_clep import FgClep
from ecgmm.models.report_similarity import FrozenEmbeddings, StatementOverlap
from ecgmm.models.tags import Tags, validated
from ecgmm.models.text_encoders.transformer import Transformer
from ecgmm.types import Batch
from tests.models.building import STATEMENTS, TEXTS, VOCABULARY, batch_of, build, rows_of


def built() -> FgClep:
    method = build("fg_clep")
    assert isinstance(method, FgClep)
    return method


@pytest.fixture
def tags() -> Tags:
    tags = Tags()
    tags.bind(TEXTS)
    return tags


def names(tags: Tags) -> list[str]:
    """Every tag in words."""
    pairs = zip(tags.token_ids, tags.token_mask, strict=True)
    return [TEXTS.tokeniser.decode(ids[mask].tolist()) for ids, mask in pairs]


def id_of(*statements: str) -> Tensor:
    return torch.from_numpy(VOCABULARY.encode([list(statements)])).long()


def test_tags_are_the_statements_and_then_what_findings_look_like(tags: Tags) -> None:
    assert tags.n_statements == len(STATEMENTS)
    assert names(tags)[3] == "left bundle branch block"
    added = names(tags)[tags.n_statements :]
    assert len(added) == len(set(added))
    assert "wide qrs" in added


def test_the_dictionary_adds_what_a_stated_finding_looks_like(tags: Tags) -> None:
    features = names(tags)[tags.n_statements :]
    added = tags.added(id_of("sinus rhythm", "left bundle branch block"))[0]
    assert added[features.index("wide qrs")]
    assert not tags.added(id_of("normal ecg"))[0, features.index("wide qrs")]


def test_unknown_statements_and_padding_are_no_tags(tags: Tags) -> None:
    ids = torch.tensor([[0, 1, 0]])
    assert not tags.stated(ids).any()
    assert not tags.added(ids).any()
    assert tags.stated(id_of("atrial fibrillation", "prolonged qt interval"))[0].nonzero().flatten().tolist() == [4, 8]


def test_a_planted_wrong_tag_is_dropped_and_a_right_one_stays() -> None:
    p_e = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    p_features = torch.tensor([[0.9, 0.1], [-1.0, 0.2]])  # the first fits record 0, the second neither
    added = torch.tensor([[True, True], [False, True]])
    # cosines of record 0: 0.994 and -0.981; of record 1: 0.110 and 0.196
    assert validated(added, p_e, p_features, 0.5).tolist() == [[True, False], [False, False]]
    assert validated(added, p_e, p_features, 0.15).tolist() == [[True, False], [False, True]]


def test_the_method_drops_a_planted_tag_that_contradicts_the_waveform(monkeypatch: pytest.MonkeyPatch) -> None:
    method, batch = built(), rows_of(batch_of("single_label"), torch.tensor([3]))
    monkeypatch.setattr(method.tags, "features_of_statement", torch.ones_like(method.tags.features_of_statement))
    features = method.project_text(*method.tags.features)
    towards_first = features[:1].detach()
    kept = method.tags_of(batch, towards_first)[0, method.tags.n_statements :]
    against = method.tags_of(batch, -towards_first)[0, method.tags.n_statements :]
    assert kept[0]
    assert not against[0]
    assert method.tags_of(batch, -towards_first)[0, : method.tags.n_statements].sum() == 3  # statements always stay


def test_overlap_of_statements_by_hand() -> None:
    ids = torch.tensor([[2, 3, 0], [3, 2, 0], [2, 5, 1], [1, 0, 0]])
    tokens = torch.tensor([[1, 2], [2, 1], [1, 5], [9, 9]])
    found = StatementOverlap(8)(batch_with(ids, tokens))
    # counts (1,1,0), (1,1,0), (1,0,1), none: cosines 1, 1/2, 0; an unknown report is like itself
    expected = torch.tensor([[1, 1, 0.5, 0], [1, 1, 0.5, 0], [0.5, 0.5, 1, 0], [0, 0, 0, 1]])
    torch.testing.assert_close(found, expected)


def batch_with(statement_ids: Tensor, token_ids: Tensor) -> Batch:
    batch = rows_of(batch_of("single_label"), torch.arange(len(statement_ids)))
    return batch._replace(
        statement_ids=statement_ids, token_ids=token_ids, token_mask=torch.ones_like(token_ids, dtype=torch.bool)
    )


def test_frozen_embeddings_never_learn_and_know_equal_reports() -> None:
    config = BertConfig(
        vocab_size=400, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    similarity = FrozenEmbeddings(Transformer(None, 400, 8, None, 0.5, config)).train()
    assert not [name for name, parameter in similarity.named_parameters() if parameter.requires_grad]
    batch = rows_of(batch_of("single_label"), torch.tensor([0, 1, 0, 2]))
    found = similarity(batch)
    torch.testing.assert_close(found, similarity(batch))
    torch.testing.assert_close(found, found.T)
    torch.testing.assert_close(found.diagonal(), torch.ones(4))
    torch.testing.assert_close(found[0, 2], torch.tensor(1.0))


def test_a_tag_sees_another_part_of_the_waveform_than_another_tag() -> None:
    method, batch = built().eval(), batch_of("single_label")
    features = method.ecg_encoder.features(batch.waveforms).transpose(1, 2)
    queries = method.project_text(*method.tags.features)[:2]
    found = method.fine_similarity(features, queries)
    assert found.shape == (len(features), 2)
    assert not torch.allclose(found[:, 0], found[:, 1])
    alone = method.fine_similarity(features[:1], queries[1:])
    torch.testing.assert_close(alone[0, 0], found[0, 1])


def test_pairs_are_only_made_of_records_that_have_both() -> None:
    method = built()
    batch = batch_of("single_label", complete=False)
    both = batch.has_waveform & batch.has_report
    batch = rows_of(batch, both.long().argsort(descending=True, stable=True))  # so that both draw the same tags
    kept = rows_of(batch, batch.has_waveform & batch.has_report)
    output, of_kept = method.eval()(batch), method.eval()(kept)
    torch.manual_seed(1)
    whole = method.pair_losses(output, batch)
    torch.manual_seed(1)
    torch.testing.assert_close(whole, method.pair_losses(of_kept, kept))


def test_records_without_any_tag_still_have_a_coarse_loss() -> None:
    method, batch = built(), batch_of("single_label")
    unknown = batch._replace(statement_ids=torch.ones_like(batch.statement_ids))
    losses = method.pair_losses(method(unknown), unknown)
    assert losses["coarse"] > 0
    assert losses["fine"] == 0

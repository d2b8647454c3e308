"""K-MERL: any subset of leads, findings and classes as queries, and the two losses of pre-training."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ecgmm.models.ecg_encoders.lead_tokens import LinearPatches
from ecgmm.models.methods.k_merl import KMerl
from ecgmm.models.text_encoders.transformer import Transformer
from tests.models.building import CLASSES, FROM_DATA, N_CLASSES, N_RECORDS, batch_of, build, rows_of
from tests.models.test_lead_tokens import Disturbed

BERT = (
    "{_target_: transformers.BertConfig, vocab_size: 2000, hidden_size: 16, num_hidden_layers: 1, "
    "num_attention_heads: 2, intermediate_size: 16}"
)


def built(*overrides: str) -> KMerl:
    method = build("k_merl", "single_label", 0, *overrides)
    assert isinstance(method, KMerl)
    return method


def with_leads(leads: list[int]) -> Tensor:
    """Waveforms of the batch in some leads, exact zeros in the others."""
    kept = torch.isin(torch.arange(12), torch.tensor(leads)).unsqueeze(-1)
    return batch_of("single_label").waveforms * kept


@pytest.mark.parametrize("leads", [[0, 1, 2, 3, 4, 5], [1, 7], [9]])
def test_masked_leads_have_no_influence_on_the_output(leads: list[int]) -> None:
    method = built().eval()
    batch = batch_of("single_label")._replace(waveforms=with_leads(leads))
    output = method(batch)
    method.ecg_encoder.tokeniser = Disturbed(method.ecg_encoder.tokeniser)
    disturbed = method(batch)
    assert torch.equal(disturbed.logits, output.logits)
    assert torch.equal(disturbed.extra["findings"], output.extra["findings"])
    assert torch.equal(disturbed.ecg_embedding, output.ecg_embedding)


def test_every_single_lead_and_none_gives_finite_logits() -> None:
    method, batch = built().eval(), batch_of("single_label")
    by_lead = [method(batch._replace(waveforms=with_leads([lead]))).logits for lead in range(12)]
    assert all(logits.isfinite().all() for logits in by_lead)
    assert not torch.allclose(by_lead[0], by_lead[1])
    without = method(batch._replace(waveforms=with_leads([]))).logits
    assert without.isfinite().all()
    torch.testing.assert_close(without, without[:1].expand(N_RECORDS, N_CLASSES))


def test_leads_are_left_out_in_training_only() -> None:
    method, batch = built(), batch_of("single_label")
    assert not torch.allclose(method.train()(batch).logits, method(batch).logits)
    assert torch.equal(method.eval()(batch).logits, method(batch).logits)


def test_classes_and_findings_are_asked_by_the_same_decoder() -> None:
    method, batch = built().eval(), batch_of("single_label")
    output = method(batch)
    assert output.extra["findings"].shape == (N_RECORDS, FROM_DATA["n_findings"])
    tokens = method.ecg_encoder(batch.waveforms, batch.has_waveform)
    queries = method.class_prompts(method.text_encoder)
    assert queries.shape == (len(CLASSES), method.text_encoder.dim)
    (asked,) = method.ask(tokens, queries)
    torch.testing.assert_close(method.class_scale() * asked, output.logits)
    (swapped,) = method.ask(tokens, queries.flip(0))  # a logit belongs to its words and not to its place
    torch.testing.assert_close(swapped.flip(1), asked, atol=1e-5, rtol=1e-4)


def test_findings_loss_is_binary_cross_entropy_of_what_the_reports_state() -> None:
    method, batch = built().eval(), batch_of("single_label", complete=False)
    output = method(batch)
    losses = method.losses(output, batch)
    both = batch.has_waveform & batch.has_report
    stated = method.stated_findings(batch.statement_ids[both])
    expected = binary_cross_entropy_with_logits(output.extra["findings"][both], stated)
    torch.testing.assert_close(losses["findings"], expected)
    together = losses["cls"] + losses["contrastive"] + losses["findings"]  # all weigh the same
    torch.testing.assert_close(method.total_loss(losses), together)


def test_pairs_are_only_made_of_records_that_have_both() -> None:
    method, batch = built().eval(), batch_of("single_label", complete=False)
    kept = rows_of(batch, batch.has_waveform & batch.has_report)
    torch.testing.assert_close(
        method.pair_losses(method(batch), batch), method.pair_losses(method(kept), kept), atol=1e-5, rtol=1e-4
    )


def test_a_repeated_report_is_no_negative_of_itself() -> None:
    method, batch = built().eval(), rows_of(batch_of("single_label"), torch.arange(5))
    twice = rows_of(batch, torch.tensor([0, 1, 2, 3, 4, 0]))
    once = method.pair_losses(method(batch), batch)["contrastive"]
    torch.testing.assert_close(method.pair_losses(method(twice), twice)["contrastive"], once)


def test_base_size_has_linear_patches_and_a_text_tower_that_stays_as_it_is() -> None:
    # The encoder that is not used is named because its settings are those of tiny encoders in all tests.
    method = built("size=base", "ecg_encoder=conv", "text_encoder.name_or_path=null", f"text_encoder.config={BERT}")
    assert isinstance(method.ecg_encoder.tokeniser, LinearPatches)
    assert isinstance(method.text_encoder, Transformer)
    learnt = {name for name, parameter in method.text_encoder.named_parameters() if parameter.requires_grad}
    assert learnt == {"linear.weight", "linear.bias"}
    batch = batch_of("single_label")
    method.total_loss(method.losses(method.train()(batch), batch)).backward()
    assert method.text_encoder.linear.weight.grad is not None
    assert all(parameter.grad is None for parameter in method.text_encoder.model.parameters())

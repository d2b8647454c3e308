"""Class prompts and stated findings: which words they are, and what is made of them."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts, StatedFindings
from ecgmm.text.glossary import CLASS_TEMPLATES, class_descriptions
from ecgmm.types import UNKNOWN_ID
from tests.models.building import CLASSES, STATEMENTS, TEXTS, TOKENISER, batch_of

WITHOUT_STATEMENTS = replace(TEXTS, statements=())


def prompts_for(*class_names: str, templates: tuple[str, ...] = CLASS_TEMPLATES) -> ClassPrompts:
    prompts = ClassPrompts()
    prompts.bind(replace(TEXTS, class_names=class_names), templates)
    return prompts


def test_every_description_stands_in_every_template() -> None:
    prompts = prompts_for(*CLASSES)
    written = [
        TOKENISER.decode(ids[mask].tolist()) for ids, mask in zip(prompts.token_ids, prompts.token_mask, strict=True)
    ]
    expected = {
        (index, template.format(description).replace("-", " - "))
        for index, name in enumerate(CLASSES)
        for description in class_descriptions(name)
        for template in CLASS_TEMPLATES
    }
    assert set(zip(prompts.class_of_prompt.tolist(), written, strict=True)) == expected
    assert len(written) == len(expected)


def test_vocabulary_knows_every_word_of_the_prompts() -> None:
    assert not (prompts_for("NORM", "MI", "STTC", "CD", "HYP").token_ids == UNKNOWN_ID).any()


def test_class_is_the_mean_direction_of_its_prompts_by_hand() -> None:
    prompts = prompts_for("SR", "AFIB", templates=("{}", "ecg showing {}"))  # one description each
    lengths = prompts.token_mask.sum(dim=1)
    assert lengths.tolist() == [2, 4, 2, 4]

    def encode(token_ids: Tensor, token_mask: Tensor) -> Tensor:
        assert torch.equal(token_ids, prompts.token_ids)
        assert torch.equal(token_mask, prompts.token_mask)
        return torch.tensor([[2.0, 0.0], [3.0, 4.0], [0.0, 9.0], [0.0, 1.0]])

    # Directions (1, 0) and (0.6, 0.8) have the mean (0.8, 0.4), which has the direction (2, 1).
    with torch.autocast("cpu", torch.bfloat16):
        classes = prompts(encode)
    torch.testing.assert_close(classes, torch.tensor([[2 / math.sqrt(5), 1 / math.sqrt(5)], [0.0, 1.0]]))


def test_prompts_are_bound_anew_and_not_saved() -> None:
    prompts = prompts_for("NORM")
    assert not prompts.state_dict()
    prompts.bind(replace(TEXTS, class_names=("SR",)), templates=("{}",))
    assert prompts.class_of_prompt.tolist() == [0]


def findings_of(texts: TextBank) -> StatedFindings:
    findings = StatedFindings()
    findings.bind(texts)
    return findings


def test_findings_of_a_report_are_those_of_its_statements() -> None:
    findings = findings_of(TEXTS)
    ids = {statement: index for index, statement in enumerate(STATEMENTS, start=UNKNOWN_ID + 1)}
    reports = [["sinus bradycardia", "anterior infarct, acute"], ["atrial fibrillation"], []]
    table = torch.zeros(3, 4, dtype=torch.int64)
    for row, report in zip(table, reports, strict=True):
        row[: len(report)] = torch.tensor([ids[statement] for statement in report], dtype=torch.int64)
    stated = findings(table)
    named = [{findings.names[column] for column in row.nonzero().flatten().tolist()} for row in stated]
    assert named == [{"sinus bradycardia", "myocardial infarct anterior"}, {"atrial fibrillation"}, set()]
    assert set(stated.flatten().tolist()) == {0.0, 1.0}
    assert not findings(torch.full((1, 2), UNKNOWN_ID)).any()


def test_findings_loss_by_hand() -> None:
    findings = findings_of(TEXTS)
    batch = batch_of("single_label", complete=False)  # records 0 and 1 have no report
    logits = torch.zeros(len(batch.rows), len(findings.names))
    logits[:2] = 100.0
    torch.testing.assert_close(findings.loss(logits, batch), torch.tensor(math.log(2)))
    sure = findings(batch.statement_ids) * 200 - 100
    torch.testing.assert_close(findings.loss(sure, batch), torch.tensor(0.0))
    sure[5] *= -1  # all F answers of one of ten reports wrong by 100
    torch.testing.assert_close(findings.loss(sure, batch), torch.tensor(10.0))


def test_findings_loss_over_nothing_is_zero() -> None:
    batch = batch_of("single_label")
    without_report = batch._replace(has_report=torch.zeros_like(batch.has_report))
    for texts, records in ((TEXTS, without_report), (WITHOUT_STATEMENTS, batch)):
        findings = findings_of(texts)
        ids = records.statement_ids if texts.statements else torch.zeros_like(records.statement_ids)
        logits = torch.zeros(len(ids), len(findings.names), requires_grad=True)
        loss = findings.loss(logits, records._replace(statement_ids=ids))
        loss.backward()
        assert loss == 0
        assert logits.grad is not None
        assert not logits.grad.any()

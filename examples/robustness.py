"""What a trained model makes of missing, damaged and wrong input (SYNTHETIC data)."""

# %% The run of ``train_and_read.py``.
import numpy as np
import polars as pl
import torch
from sklearn.metrics import roc_auc_score

import ecgmm
from ecgmm.leads import LEADS
from ecgmm.types import MISSING_SAMPLE, Batch

store = ecgmm.prepare("synthetic", rate_hz=100, n_patients=300)
short = {"recipe": "quick", "trainer__max_epochs": 4, "evaluation__n_resamples": 200}
run = ecgmm.train(store, method="gated_fusion", **short)
batch = run.batches(store, "test", size=10_000).first()


# %% Ways in which input goes wrong. A batch is a tuple of tensors; its waveforms are int16 [B, 12, T] in store steps.
def without_report(batch: Batch) -> Batch:
    """No report at all."""
    nobody = torch.zeros_like(batch.has_report)
    return batch._replace(has_report=nobody, token_mask=torch.zeros_like(batch.token_mask))


def with_the_report_of_another(batch: Batch) -> Batch:
    """Each record with the report of the next."""
    moved = {
        name: getattr(batch, name).roll(1, 0) for name in ("token_ids", "token_mask", "statement_ids", "has_report")
    }
    return batch._replace(**moved)


def with_limb_leads_only(batch: Batch) -> Batch:
    """The six chest leads are missing."""
    waveforms = batch.waveforms.clone()
    waveforms[:, LEADS.index("V1") :] = MISSING_SAMPLE
    return batch._replace(waveforms=waveforms)


def with_arms_exchanged(batch: Batch) -> Batch:
    """Electrodes of the arms exchanged: I turns round, II and III change places, aVR and aVL too."""
    order = [LEADS.index(lead) for lead in ("I", "III", "II", "aVL", "aVR", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")]
    waveforms = batch.waveforms[:, order].clone()
    there = waveforms[:, 0] != MISSING_SAMPLE
    waveforms[:, 0] = torch.where(there, -waveforms[:, 0], waveforms[:, 0])
    return batch._replace(waveforms=waveforms)


# %% Macro AUROC and the mean weight of the waveform under each.
def measured(name: str, changed: Batch) -> dict[str, float | str]:
    """Macro one-vs-rest AUROC over the classes that are there, and the mean gate."""
    output = run.model(changed)
    probabilities, labels = output.logits.softmax(1).numpy(), changed.labels.numpy()
    present = [k for k in range(probabilities.shape[1]) if 0 < (labels == k).sum() < len(labels)]
    auroc = np.mean([roc_auc_score(labels == k, probabilities[:, k]) for k in present])
    return {"input": name, "auroc": float(auroc), "gate": float(output.gate.mean())}


changes = (without_report, with_the_report_of_another, with_limb_leads_only, with_arms_exchanged)
rows = [measured("as it is", batch), *(measured(change.__name__, change(batch)) for change in changes)]
print(pl.DataFrame(rows))

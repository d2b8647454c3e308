"""Tags of reports: their statements, and features of the waveform that a rule dictionary adds to them."""

import torch
from torch import Tensor, nn

from ecgmm.models.contrastive import cosine
from ecgmm.models.text_bank import TextBank
from ecgmm.text.findings import stated
from ecgmm.text.glossary import waveform_features
from ecgmm.types import UNKNOWN_ID


class Tags(nn.Module):
    """All tags of a vocabulary, statements first, then features, as token ids; and which record has which.

    Reports rarely say what a finding looks like. The rule dictionary (``waveform_features.csv``) adds it to every
    report that states the finding, in the place of the language model of Li et al. (arXiv 2505.11939).

    Attributes:
        token_ids: int64 ``[G, N]``, G tags.
        token_mask: bool ``[G, N]``.
        n_statements: Tags that are statements; the others are features.
        features_of_statement: bool ``[statement ids, G - n_statements]``, what the dictionary adds.
    """

    token_ids: Tensor
    token_mask: Tensor
    features_of_statement: Tensor
    n_statements: int

    def bind(self, texts: TextBank) -> None:
        """Look up the features of the statements of ``texts`` and write all tags in tokens."""
        added = [
            [feature for finding in stated(statement) for feature in waveform_features(finding.name)]
            for statement in texts.statements
        ]
        features = sorted({feature for of_statement in added for feature in of_statement})
        table = torch.zeros(len(added) + UNKNOWN_ID + 1, len(features), dtype=torch.bool)
        for row, of_statement in enumerate(added, start=UNKNOWN_ID + 1):
            table[row, [features.index(feature) for feature in of_statement]] = True
        ids, mask = texts.encode([*texts.statements, *features])
        self.n_statements = len(texts.statements)
        self.register_buffer("token_ids", ids, persistent=False)
        self.register_buffer("token_mask", mask, persistent=False)
        self.register_buffer("features_of_statement", table, persistent=False)

    @property
    def features(self) -> tuple[Tensor, Tensor]:
        """Token ids and mask of the features."""
        return self.token_ids[self.n_statements :], self.token_mask[self.n_statements :]

    def stated(self, statement_ids: Tensor) -> Tensor:
        """Which statements stand in each report: ids ``[B, S]`` to bool ``[B, n_statements]``; unknown ones in none."""
        present = torch.zeros(len(statement_ids), len(self.features_of_statement), device=statement_ids.device)
        present.scatter_(1, statement_ids, 1.0)
        return present[:, UNKNOWN_ID + 1 :].bool()

    def added(self, statement_ids: Tensor) -> Tensor:
        """Which features the dictionary adds to each report: ids ``[B, S]`` to bool ``[B, G - n_statements]``."""
        return self.features_of_statement[statement_ids].any(dim=1)


def validated(added: Tensor, p_e: Tensor, p_features: Tensor, least_similarity: float) -> Tensor:
    """Drop added features that the waveform does not resemble.

    Args:
        added: bool ``[B, F]``.
        p_e: Waveforms in the shared space ``[B, D]``.
        p_features: Features in the shared space ``[F, D]``.
        least_similarity: Cosine from which an added feature stays.

    Returns:
        bool ``[B, F]``.
    """
    return added & (cosine(p_e.detach(), p_features.detach()) >= least_similarity)

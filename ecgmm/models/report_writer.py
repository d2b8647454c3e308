"""Small causal decoder that writes a report while it looks at tokens of a waveform."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear, pad

from ecgmm.models.transformer_shape import TransformerShape, sinusoids


class ReportWriter(nn.Module):
    """Transformer that predicts each token of a report from those before it and from the waveform.

    Source: the multimodal decoder of CoCa (Yu et al., arXiv 2205.01917, section 3.2). One token of its own stands
    before a report and ends it. The word embeddings are the output weights too.

    Args:
        vocabulary_size: Number of token ids that the tokeniser gives out.
        width: Width of the tokens.
        n_layers: Layers, each of self-attention and of attention to the waveform.
        n_heads: Attention heads of each layer; divides ``width``.
        dropout: Dropout in the layers.
    """

    def __init__(self, vocabulary_size: int, width: int, n_layers: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.border = vocabulary_size
        self.words = nn.Embedding(vocabulary_size + 1, width)
        nn.init.normal_(self.words.weight, std=width**-0.5)
        self.decoder = TransformerShape(width, n_layers, n_heads, dropout).decoder()

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        return [["words"], *([f"decoder.layers.{place}"] for place in range(len(self.decoder.layers)))]

    def next_token_logits(self, token_ids: Tensor, seen: Tensor) -> Tensor:
        """Score what follows each token.

        Args:
            token_ids: int64 ``[B, N]``, the first of which is ``border``.
            seen: Tokens of the waveforms ``[B, M, width]``.

        Returns:
            ``[B, N, vocabulary_size + 1]``.
        """
        n = token_ids.shape[1]
        words = self.words(token_ids) * self.width**0.5 + sinusoids(n, self.width, token_ids.device)
        later = torch.ones(n, n, dtype=torch.bool, device=token_ids.device).triu(1)
        # Told, because torch would look at the mask to find out, for which the host waits.
        states = self.decoder(words, seen, tgt_mask=later, tgt_is_causal=True)
        return linear(states, self.words.weight)

    def forward(self, token_ids: Tensor, token_mask: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Score reports under the model.

        Args:
            token_ids: int64 ``[B, N]``, right-padded.
            token_mask: bool ``[B, N]``, True at real tokens.
            seen: Tokens of the waveforms ``[B, M, width]``.

        Returns:
            Negative log-likelihood of each report and its end, summed over its tokens, and the number of these tokens;
            float32 ``[B]``, both 0 for a report without tokens.
        """
        lengths = token_mask.sum(dim=1, keepdim=True)
        logits = self.next_token_logits(pad(token_ids, (1, 0), value=self.border), seen)
        place = torch.arange(logits.shape[1], device=logits.device)
        targets = torch.where(place == lengths, self.border, pad(token_ids, (0, 1)))
        counts = ((place <= lengths) & (lengths > 0)).float()
        nll = cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
        return (nll * counts).sum(dim=1), counts.sum(dim=1)

    def write(self, seen: Tensor, max_tokens: int) -> list[int]:
        """Write the report of one waveform, always with the likeliest token.

        Args:
            seen: Its tokens ``[1, M, width]``.
            max_tokens: Most tokens to write.

        Returns:
            Token ids, without the end.
        """
        written = [self.border]
        for _ in range(max_tokens):
            ids = torch.tensor([written], device=seen.device)
            token = int(self.next_token_logits(ids, seen)[0, -1].argmax())
            if token == self.border:
                break
            written.append(token)
        return written[1:]

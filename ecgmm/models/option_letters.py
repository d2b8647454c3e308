"""Multiple choice for language models: a question that names every class with a letter, and the letters as answers."""

import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.models.language_model import LanguageModel
from ecgmm.models.text_bank import TextBank
from ecgmm.text.glossary import ANSWER, OPTION_LETTERS, QUESTION


class OptionLetters(nn.Module):
    """Asks for a class and reads the answer from the next token's logits.

    The logit of a class is its letter's, less that of the question's first token, which ends every text that stands
    before the question and so stands for no answer. Softmax over the classes is then the model's distribution over the
    letters, and the sigmoid of one is the probability of its letter against none: classes of a multi-label task do not
    compete.

    Attributes:
        question: int64 ``[Q]``, tokens of the question, its options and the beginning of the answer.
        letters: int64 ``[K]``, the token that answers with each class.
    """

    question: Tensor
    letters: Tensor

    def bind(self, texts: TextBank) -> None:
        """Write the question about the classes of ``texts``.

        Raises:
            ConfigError: If there are more classes than letters, or the tokeniser has no single token for a letter.
        """
        n_classes = len(texts.class_names)
        if n_classes > len(OPTION_LETTERS):
            raise ConfigError(
                f"{n_classes} classes are more than the {len(OPTION_LETTERS)} letters with which a language model "
                "answers; choose labels with at most 26 classes, such as labels=superclass."
            )
        chosen = list(zip(OPTION_LETTERS, texts.class_names, strict=False))
        options = " , ".join(f"{letter} : {texts.descriptions(name)[0]}" for letter, name in chosen)
        # Read behind the words that stand before it: many tokenisers write a letter after a space otherwise than alone.
        before = texts.pieces(ANSWER)
        answers = [texts.pieces(f"{ANSWER} {letter}") for letter, _ in chosen]
        letters = torch.stack([answer[-1] for answer in answers])
        if {len(answer) for answer in answers} != {len(before) + 1} or len(letters.unique()) < n_classes:
            raise ConfigError(
                "the tokeniser does not write each of the letters A to Z as one token of its own, so they cannot be "
                "answers; use the tokeniser of the language model (pretrained=...) or text.tokeniser.glossary=true."
            )
        self.register_buffer("question", texts.pieces(f"{QUESTION} {options} {ANSWER}"), persistent=False)
        self.register_buffer("letters", letters, persistent=False)

    def forward(self, language_model: LanguageModel, states: Tensor) -> Tensor:
        """Read the answer: states ``[B, width]`` of the question's last token to float32 logits ``[B, K]``."""
        candidates = torch.cat([self.letters, self.question[:1]])
        logits = language_model.next_token_logits(states, candidates).float()
        return logits[:, :-1] - logits[:, -1:]

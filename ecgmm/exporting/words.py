"""Words of training reports in a model: what keeps a bundle in the house."""

from typing import NamedTuple

from ecgmm.runs.loading import SavedModel
from ecgmm.text.closed import known_statements
from ecgmm.text.tokenise import StatementVocabulary, TransformerTokeniser, WordTokeniser

_WITH_WORDS = ("text_encoder", "language_model")
_WITH_STATEMENTS = ("n_statements", "n_findings")


class Vocabularies(NamedTuple):
    """The vocabularies of a model that leaves its run.

    Attributes:
        tokeniser: Tokeniser of the reports.
        statements: Vocabulary of their statements.
        n_words: Words in them that stand in no packaged table and in no description of a class: of training reports.
        n_statements: Statements of that kind.
    """

    tokeniser: WordTokeniser | TransformerTokeniser
    statements: StatementVocabulary
    n_words: int
    n_statements: int


def vocabularies_to_give(model: SavedModel) -> Vocabularies:
    """Vocabularies of a model, of which those that its method has no part for give way to those of the packaged tables.

    A tokeniser of the ``transformers`` library came with its own model and counts as nobody's reports.
    """
    described = [text for texts in model.facts.descriptions.values() for text in texts]
    closed = WordTokeniser.train([], [], glossary=True, closed=True, described=described)
    parts = model.facts.method.keys()
    tokeniser = closed if parts.isdisjoint(_WITH_WORDS) else model.tokeniser
    statements = StatementVocabulary(known_statements()) if parts.isdisjoint(_WITH_STATEMENTS) else model.statements
    own_words = tokeniser.words.keys() if isinstance(tokeniser, WordTokeniser) else set()
    return Vocabularies(
        tokeniser,
        statements,
        n_words=len(own_words - closed.words.keys()),
        n_statements=len(set(statements.statements) - set(known_statements())),
    )

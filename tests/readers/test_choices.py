"""What a reader may choose is what is computed."""

from fibrolens.explain.patterns import PATTERNS
from fibrolens.readers.choices import CHOICES, CONFIDENCES, NAMES


def test_readers_choose_among_the_patterns_that_are_computed():
    assert NAMES == PATTERNS
    assert list(CONFIDENCES) == [1, 2, 3, 4, 5]


def test_the_words_name_neither_stage_nor_disease():
    words = " ".join(f"{choice.title} {choice.sentence}" for choice in CHOICES).lower()
    assert not any(word in words for word in ("f0", "f4", "fibrosis", "cirrhosis", "healthy", "normal"))

"""Whole verbs on damaged input: a status of the contract, and nothing left of what was refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.judge import FINDING, VALID, judged
from tests.fuzz.targets import VERBS
from tests.fuzz.test_readers import FEW
from tests.fuzz.valid import InvalidResultError
from tests.fuzz.verbs import _require_whole

from fibrolens.errors import InputError


@pytest.fixture(scope="module", params=VERBS, ids=[verb.name for verb in VERBS])
def verb(request):
    return request.param


@pytest.fixture(scope="module")
def sound(verb):
    return verb.seeds()


@pytest.fixture(scope="module")
def read(verb, tmp_path_factory):
    return verb.reader(tmp_path_factory.mktemp(verb.name))


def test_sound_input_is_done(read, sound):
    assert judged(read, sound[0]).outcome == VALID


@pytest.mark.filterwarnings("default")  # whatever a library warns of, the user gets a result or a sentence
@settings(FEW, max_examples=8, deadline=None)
@given(number=st.integers(0, 2**32))
def test_damaged_input_is_done_or_refused(verb, read, sound, number):
    verdict = judged(read, verb.mutated(sound, 0, number))
    assert verdict.outcome != FINDING, f"{verdict.key}\n{verdict.told}"


def test_what_a_verb_must_not_leave_is_seen(tmp_path):
    (tmp_path / ".scan.partial").mkdir()
    with pytest.raises(InvalidResultError, match="status 3 leaves"):
        _require_whole(tmp_path, (3, "refused"))
    (tmp_path / ".scan.partial").rmdir()
    with pytest.raises(InputError, match="refused"):
        _require_whole(tmp_path, (3, "refused"))
    with pytest.raises(InvalidResultError, match="a defect"):
        _require_whole(None, (1, "a defect"))

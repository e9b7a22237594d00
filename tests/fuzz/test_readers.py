"""Whatever a file holds, a reader returns a valid result or raises one of our errors; here for some damaged inputs.

``python -m tests.fuzz`` does the same for as many as one has time for; what it found is under ``regressions``.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.judge import FINDING, VALID, judged
from tests.fuzz.targets import ALL, TARGETS

REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*/*"))
#: The same inputs in every run; a second or two for each reader.
FEW = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=10_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module", params=ALL, ids=[target.name for target in ALL])
def target(request):
    return request.param


@pytest.fixture(scope="module")
def sound(target):
    return target.seeds()


@pytest.fixture(scope="module")
def read(target, tmp_path_factory):
    return target.reader(tmp_path_factory.mktemp(target.name))


def test_sound_inputs_are_read(read, sound):
    assert [judged(read, content).outcome for content in sound] == [VALID] * len(sound)


@FEW
@given(number=st.integers(0, 2**32))
def test_inputs_that_were_damaged_by_kind_are_read_or_refused(target, read, sound, number):
    verdict = judged(read, target.mutated(sound, 0, number))
    assert verdict.outcome != FINDING, f"{verdict.key}\n{verdict.told}"


@FEW
@given(data=st.data())
def test_changed_and_missing_bytes_are_read_or_refused(read, sound, data):
    content = bytearray(data.draw(st.sampled_from(sound)))
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=5)):
        content[at] = byte
    verdict = judged(read, bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert verdict.outcome != FINDING, f"{verdict.key}\n{verdict.told}"


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_is_found_no_more(path, tmp_path):
    verdict = judged(TARGETS[path.parent.name].reader(tmp_path), path.read_bytes())
    assert verdict.outcome != FINDING, f"{verdict.key}\n{verdict.told}"

"""Weights are what their card pins, or they are refused."""

import json

import pytest
from tests.transport.conftest import write_plan_text

from fibrolens.errors import ModelError
from fibrolens.output import file_sha256
from fibrolens.transport.verify import verify
from fibrolens.weights import shipped


@pytest.mark.parametrize("name", ["lfs", "vnet"])
def test_the_shipped_weights_are_those_of_both_cards(name):
    found = verify(shipped(name))
    page = (shipped(name) / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "weights.safetensors" in found
    for file, sha256 in found.items():
        assert sha256 == file_sha256(shipped(name) / file)
        assert f"SHA-256 of `{file}`: `{sha256}`" in page


def test_a_file_of_weights_stands_for_its_folder(toy):
    assert verify(toy / "weights.safetensors") == verify(toy)
    assert set(verify(toy)) == {"weights.safetensors", "plan.json", "domain.safetensors"}


@pytest.mark.parametrize("name", ["weights.safetensors", "domain.safetensors"])
def test_one_changed_bit_is_found(toy, name):
    content = bytearray((toy / name).read_bytes())
    content[-1] ^= 1
    (toy / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} is not the file that card\.json pins"):
        verify(toy)


@pytest.mark.parametrize("pin", ["weights_sha256", "domain_sha256"])
def test_a_card_that_pins_nothing_is_refused(toy, pin):
    card = json.loads((toy / "card.json").read_text())
    del card[pin]
    (toy / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=rf"card\.json lacks {pin}"):
        verify(toy)


def test_weights_of_another_plan_are_refused(toy, organs):
    (toy / "plan.json").write_bytes((organs / "plan.json").read_bytes())
    with pytest.raises(ModelError, match=r"plan\.json is not the file that card\.json pins"):
        verify(toy)
    write_plan_text(toy, (organs / "plan.json").read_text())
    with pytest.raises(ModelError, match=r"does not fit its plan\.json"):
        verify(toy)


def test_a_card_for_people_that_tells_another_hash_is_refused(toy):
    told = verify(toy)["weights.safetensors"]
    (toy / "MODEL_CARD.md").write_text(f"- SHA-256 of `weights.safetensors`: `{told}`.\n")
    verify(toy)
    (toy / "MODEL_CARD.md").write_text(f"- SHA-256 of `weights.safetensors`: `{'0' * 64}`.\n")
    with pytest.raises(ModelError, match=r"MODEL_CARD\.md tells another SHA-256"):
        verify(toy)


@pytest.mark.parametrize("content", ["[]", '{"grid": 1}', "no JSON"])
def test_a_plan_that_is_none_is_refused(toy, content):
    (toy / "plan.json").write_text(content)
    with pytest.raises(ModelError, match=r"plan\.json"):
        verify(toy)


def test_a_plan_that_asks_for_more_memory_than_there_is_is_refused(toy):
    plan = json.loads((toy / "plan.json").read_text())
    plan["network"]["channels"] = [65536] * 4
    write_plan_text(toy, json.dumps(plan))
    with pytest.raises(ModelError, match=r"does not fit its plan\.json"):
        verify(toy)


def test_a_card_for_people_that_is_no_text_is_refused(toy):
    (toy / "MODEL_CARD.md").write_bytes(b"\xff\xfe bad")
    with pytest.raises(ModelError, match=r"MODEL_CARD\.md cannot be read as text"):
        verify(toy)

import pytest
import torch
from safetensors.torch import save_file
from tests.full_disk import full_disk

from fibrolens.errors import ModelError
from fibrolens.tensorfile import load_checked, memory_of, remember, save_checked, under

TENSORS = {"a.x": torch.arange(6.0).reshape(2, 3), "b.x": torch.zeros(2, dtype=torch.int64)}


@pytest.fixture
def path(tmp_path):
    save_checked(TENSORS, tmp_path / "kept.safetensors", {"step": "7"})
    return tmp_path / "kept.safetensors"


def test_a_file_gives_back_tensors_and_texts_and_leaves_nothing_beside_it(path):
    tensors, about = load_checked(path)
    assert about == {"step": "7"}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert list(path.parent.iterdir()) == [path]


def test_no_byte_can_change_unnoticed(path):
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(ModelError, match="damaged"):
            load_checked(path)


def test_a_file_of_tensors_alone_does_not_vouch_for_itself(path):
    save_file(TENSORS, path)
    with pytest.raises(ModelError, match="the checksum is wrong"):
        load_checked(path)


def test_a_file_that_cannot_be_written_is_an_error_of_the_disk_and_the_one_before_stays(path):
    before = path.read_bytes()

    with full_disk(), pytest.raises(OSError, match="File too large"):
        save_checked(TENSORS, path, {"step": "8"})

    assert path.read_bytes() == before


def test_tensors_are_found_by_the_beginning_of_their_names():
    assert under("b.", TENSORS).keys() == {"x"}


def test_an_optimiser_goes_on_with_what_another_one_kept():
    ends = []
    for stop in (False, True):
        weight = torch.nn.Parameter(torch.ones(3))
        optimiser = torch.optim.AdamW([weight], lr=0.1)
        for step in range(3):
            if stop and step == 2:
                kept = memory_of(optimiser)
                optimiser = torch.optim.AdamW([weight], lr=0.1)
                remember(optimiser, kept)
            weight.grad = torch.tensor([1.0, -2.0, step])
            optimiser.step()
        ends.append(weight.detach())
    assert torch.equal(*ends)

import pytest
import torch

from fibrolens.errors import UsageError
from fibrolens.output import write_manifest
from fibrolens.study.begin import begin, digest

RUN = {"command": "train", "seed": 1}
OTHER = {"command": "train", "seed": 2}


def test_a_new_folder_is_begun_and_gone_on_with_until_its_manifest_stands(tmp_path):
    out = tmp_path / "out"
    assert begin(out, RUN) is False
    (out / "half").write_text("work")
    assert begin(out, RUN) is False
    assert (out / "half").is_file()
    write_manifest(out, RUN, {})
    assert begin(out, RUN) is True


def test_another_run_is_refused_unless_it_may_be_overwritten(tmp_path):
    begin(tmp_path / "out", OTHER)
    with pytest.raises(UsageError, match="other inputs"):
        begin(tmp_path / "out", RUN)
    assert begin(tmp_path / "out", RUN, overwrite=True) is False


def test_the_result_of_another_command_is_never_removed(tmp_path):
    begin(tmp_path / "out", OTHER | {"command": "study"})
    with pytest.raises(UsageError):
        begin(tmp_path / "out", RUN, overwrite=True)


def test_the_digest_depends_on_names_and_values():
    one = digest({"a": torch.ones(2), "b": torch.zeros(2)})
    assert one == digest({"b": torch.zeros(2), "a": torch.ones(2)})
    assert one != digest({"a": torch.zeros(2), "b": torch.ones(2)})
    assert digest(None) is None

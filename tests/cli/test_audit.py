import pytest

from fibrolens.cli import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give the folder of a study"),
        (["study", "--plan", "other"], "--plan says what --known-truth trains"),
        (["--known-truth", "--seeds", "0"], "--seeds must be at least 1"),
        (["study", "--scans", "0"], "--scans must be at least 1"),
        (["study", "--seed", "-1"], "--seed must be from 0"),
        (["nowhere"], "nowhere is not a complete study"),
    ],
)
def test_wrong_use_is_a_sentence_and_status_2_and_writes_nothing(tmp_path, capsys, arguments, words):
    assert main(["audit", *arguments, "--out", str(tmp_path / "audit")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "audit").exists()

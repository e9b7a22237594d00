import argparse

import pytest

from fibrolens import cli
from fibrolens.cli.population import add_population, population


@pytest.mark.parametrize(("options", "sentence"), [
    (["--prevalence", "10"], "--prevalence must lie between 0 and 1, such as 0.1 for 10 %; it is 10."),
    (["--prevalence", "0.2", "--prevalence", "0"], "it is 0."),
    (["--prevalence", "nan"], "it is nan."),
    (["--stage-mix", "0.5", "0.1", "0.1", "0.1", "0.1"], "they add up to 0.9."),
    (["--stage-mix", "1.2", "-0.2", "0", "0", "0"], "none below 0"),
    (["--stage-mix", "nan", "0", "0", "0", "1"], "they add up to nan."),
    (["--prevalence", "0.2", "--packet", "p.json"], "belong to the evaluation of a study"),
])  # fmt: skip
def test_shares_that_are_none_are_wrong_use(tmp_path, capsys, options, sentence):
    assert cli.main(["evaluate", str(tmp_path), *options]) == 2
    assert sentence in capsys.readouterr().err


def test_the_user_s_prevalences_take_the_place_of_the_usual_ones():
    parser = argparse.ArgumentParser()
    add_population(parser)
    assert population(parser.parse_args([])).prevalences == (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
    mix = ["--stage-mix", "0.5", "0.2", "0.1", "0.1", "0.1"]
    found = population(parser.parse_args(["--prevalence", "0.3", "--prevalence", "0.02", *mix]))
    assert found.prevalences == (0.02, 0.3)
    assert found.mix == (0.5, 0.2, 0.1, 0.1, 0.1)

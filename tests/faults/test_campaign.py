"""A campaign of faults makes every trial once, goes on where it was interrupted, and knows what went wrong."""

import json

import pytest
from benchmarks.faults.campaign import Campaign, Records, Trial, in_turns, is_good


def trials(fault, *names):
    return iter([Trial(fault, "stage", name, dict) for name in names])


def test_trials_come_in_turns_until_all_are_made():
    found = in_turns(trials("a", "1", "2", "3"), trials("b", "1"), trials("c"))

    assert [(trial.fault, trial.what) for trial in found] == [("a", "1"), ("b", "1"), ("a", "2"), ("a", "3")]


def test_what_was_tried_is_known_to_the_next_campaign_and_names_no_place(tmp_path):
    trial = Trial("kill", "stage", "chain 0", dict)
    records = Records(tmp_path / "faults.jsonl", tmp_path)

    records.add(trial, {"kills": [{"said": f"{tmp_path}/stage/x.json"}, {}], "end": {"differs": []}})

    again = Records(tmp_path / "faults.jsonl", tmp_path)
    assert again.has(trial)
    assert not again.has(Trial("kill", "stage", "chain 1", dict))
    assert (again.kills("stage"), again.kills("study")) == (2, 0)
    assert json.loads((tmp_path / "faults.jsonl").read_text())["kills"][0] == {"said": "stage/x.json"}


def test_kills_that_were_made_before_are_not_made_again(tmp_path):
    records = Records(tmp_path / "faults.jsonl", tmp_path)
    records.add(Trial("kill", "stage", "chain 0", dict), {"kills": [{}], "end": {"differs": []}})

    assert list(Campaign({}, tmp_path, {"stage": 1}, ("kill",), 0).run(records)) == []


@pytest.mark.parametrize(
    "row",
    [
        {"end": {"differs": ["a.json"]}},
        {"differs": ["a.json"]},
        {"kills": [{"halves": ["a.json"]}], "end": {"differs": []}},
        {"kills": [{"orphans": 1}], "end": {"differs": []}},
        {"halves": ["a.json"], "end": {"differs": []}},
        {"clear": False, "end": {"differs": []}},
        {"sound": False},
    ],
)
def test_nothing_wrong_is_taken_for_good(row):
    assert not is_good(row)
    assert is_good({"kills": [{"halves": []}], "halves": [], "clear": True, "end": {"differs": []}})

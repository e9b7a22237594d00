"""Packets of several hospitals into one folder."""

import csv
import json

import pytest
from tests.evaluate.hospitals import hospital, packet_file, three_hospitals

from fibrolens.errors import UsageError
from fibrolens.evaluate.packet import Disclosure
from fibrolens.report.pooled import warnings
from fibrolens.study.merge import merge


@pytest.fixture(scope="module")
def packets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packets")
    values = {f"h{h}s{n}": 100.0 + n for h in range(3) for n in range(300)}
    paths = [folder / f"{n}.json" for n in range(3)]
    for number, cases in enumerate(three_hospitals(0, 80)):
        site = "<North> & South" if number == 1 else None
        packet_file(cases, paths[number], None, Disclosure(site=site), {"spleen_volume_ml": values})
    return paths


@pytest.fixture(scope="module")
def merged(packets, tmp_path_factory):
    out = tmp_path_factory.mktemp("merged") / "out"
    assert merge(packets, out)
    return out


def test_the_folder_holds_figures_tables_page_and_manifest(merged):
    names = {str(path.relative_to(merged)) for path in merged.rglob("*") if path.is_file()}
    tables = {f"tables/{name}.csv" for name in ("hospitals", "performance", "at_half", "calibration", "markers")}
    figures = {f"figures/{name}.{kind}" for name in ("forest", "calibration") for kind in ("png", "svg")}
    assert names == {"pooled.json", "report.html", "manifest.json"} | tables | figures


def test_the_page_says_what_it_is_and_escapes_names(merged):
    page = (merged / "report.html").read_text()
    assert "Research use only" in page
    assert "External validation" in page
    assert "&lt;North&gt; &amp; South" in page
    assert "3 hospitals say little of how much hospitals differ" in page
    assert "http" not in page.split("base64")[0]


def test_scans_without_a_result_and_alarms_are_warned_of(merged):
    pooled = json.loads((merged / "pooled.json").read_text())
    pooled["sites"][0] |= {"source": {"not_staged": 12}, "shortcuts": {"level": "alarm"}}
    told = " ".join(warnings(pooled))
    assert "Hospital 1: 12 scans of its table have no result" in told
    assert "Hospital 1: its shortcut audit raised the alarm" in told


def test_the_table_of_areas_is_that_of_pooled_json(merged):
    pooled = json.loads((merged / "pooled.json").read_text())
    with (merged / "tables" / "performance.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    (found,) = [row for row in rows if (row["threshold"], row["hospital"]) == ("F>=2", "all scans together")]
    assert float(found["auc"]) == pytest.approx(pooled["thresholds"]["F>=2"]["pooled"]["auc"], abs=1e-8)
    assert len([row for row in rows if row["threshold"] == "F4"]) == 6


def test_the_same_packets_need_nothing_again_and_others_ask(packets, merged, tmp_path):
    before = (merged / "manifest.json").read_bytes()
    assert not merge(packets, merged)
    assert (merged / "manifest.json").read_bytes() == before
    with pytest.raises(UsageError, match="overwrite"):
        merge(packets[:2], merged)


def test_same_packets_give_the_same_bytes(packets, merged, tmp_path):
    merge(packets, tmp_path / "again")
    for path in merged.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            assert (tmp_path / "again" / path.relative_to(merged)).read_bytes() == path.read_bytes()


def test_a_threshold_that_nobody_gives_and_sides_that_do_not_overlap_still_make_a_page(tmp_path):
    paths = [tmp_path / f"{n}.json" for n in range(2)]
    for number, path in enumerate(paths):
        cases = [case for case in hospital(40 + number, 150) if case.stages == (0,)]
        sure = [c for c in hospital(50 + number, 200) if c.stages == (2,) and c.probabilities[0] < 0.05]
        packet_file([c for c in cases if c.probabilities[0] > 0.3] + sure[:6], path, disclosure=Disclosure(least=3))
    merge(paths, tmp_path / "out")
    pooled = json.loads((tmp_path / "out" / "pooled.json").read_text())["thresholds"]
    assert pooled["F4"]["pooled"] is None
    assert pooled["F>=2"]["random_effects"]["auc"] is None
    assert "no hospital gives this threshold" in (tmp_path / "out" / "report.html").read_text()

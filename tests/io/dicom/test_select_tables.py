"""The choice over every CT study of real index tables (TCGA-LIHC and three more collections), and what it comes to."""

import csv
import gzip
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from fibrolens.io.dicom.phase_names import phase_by_name
from fibrolens.io.dicom.record import SeriesRecord
from fibrolens.io.dicom.select import select
from fibrolens.io.dicom.selection import Selection

LIHC, ALL = "tcga_lihc_ct_series_with_ishak.csv", "idc_liver_collections_series.csv.gz"


def choices(path: Path) -> list[Selection]:
    """The selection of each study in a table."""
    opener = gzip.open if path.suffix == ".gz" else open
    studies = defaultdict(list)
    with opener(path, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["Modality"] == "CT":
                studies[row["StudyInstanceUID"]].append(record(row))
    return [select(records) for records in studies.values()]


def record(row: dict[str, str]) -> SeriesRecord:
    """A row of the index as a record: no positions, times or kernels, so the descriptions must do."""
    return SeriesRecord(
        uid=row["SeriesInstanceUID"],
        number=int(float(row["SeriesNumber"])) if row["SeriesNumber"] else None,
        description=row["SeriesDescription"],
        images=int(row["instanceCount"]),
        study=row["StudyDescription"],
        body_part=row["BodyPartExamined"],
        manufacturer=row["Manufacturer"],
    )


@pytest.fixture(params=[LIHC, ALL])
def selections(request, shared_data):
    return choices(shared_data / "tables" / request.param)


def test_every_series_has_a_verdict_and_no_study_two_choices(selections):
    for selection in selections:
        assert sum(row.chosen for row in selection.rows) == (selection.chosen is not None)
        assert all(row.chosen or row.verdict.startswith("not chosen: ") for row in selection.rows)


def test_where_one_axial_series_is_called_portal_venous_it_is_the_choice(selections):
    told = 0
    for selection in selections:
        called = [row for row in selection.rows if phase_by_name(row.description) == "portal"]
        sensible = [row for row in called if not row.verdict.endswith(("not axial", "rendering", "itself"))]
        if len(sensible) == 1:
            told += 1
            assert selection.chosen in sensible
    assert told > 40


def test_nothing_that_says_another_phase_plane_or_purpose_is_chosen(selections):
    for row in filter(None, (selection.chosen for selection in selections)):
        assert phase_by_name(row.description) in ("portal", "several", "enhanced", "")
        assert row.orientation in ("axial", "unknown")
        assert row.images >= 20


def test_what_the_tables_come_to(shared_data):
    """Two thirds of the studies are settled without pixels; of the others the organs would have to tell."""
    found = Counter()
    for selection in choices(shared_data / "tables" / ALL):
        open_phase = any("its phase is not known" in row.verdict for row in selection.rows)
        found["chosen" if selection.chosen else "organs" if open_phase else "none"] += 1
    assert sum(found.values()) == 652
    assert found["chosen"] > 380
    assert found["none"] < 80

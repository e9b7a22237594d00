"""A source as a cohort on disk."""

import json
from itertools import product

import pytest
from tests.source_files import put_ct, put_labels, put_table, put_workbook

from fibrolens.cohort.check import check_cohort, check_values
from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.catalogue import SOURCES
from fibrolens.cohort.sources.importing import ImportOptions, import_source
from fibrolens.cohort.sources.outcome import outcome
from fibrolens.cohort.table import read_cohort
from fibrolens.errors import InputError, OutputError, UsageError
from fibrolens.io import read_labels

AMOS, LITS, MSD = SOURCES["amos"], SOURCES["lits"], SOURCES["msd_liver"]


def put_amos(root, *numbers):
    for number in numbers:
        put_ct(root / "imagesTr" / f"amos_{number}.nii.gz", int(number))
        put_labels(root / "labelsTr" / f"amos_{number}.nii.gz", 6, 1, 8)
    return Given(root)


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_cohort_passes_the_check_with_masks_split_by_the_set_s_numbers(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001", "0002", "0507")
    import_source(AMOS, given, tmp_path / "out" / "cohort.csv")
    rows = check_cohort(tmp_path / "out" / "cohort.csv")
    assert [row.values["exclude"] for row in rows] == ["", "", "MR, not CT"]
    assert rows[0].stages == (0, 1, 2, 3, 4)
    assert rows[0].values["image"] == "../amos22/imagesTr/amos_0001.nii.gz"
    labels = read_labels(tmp_path / "amos22" / "labelsTr" / "amos_0001.nii.gz").array
    assert (read_labels(rows[0].liver_mask).array == (labels == 6)).all()
    assert (read_labels(rows[0].spleen_mask).array == (labels == 1)).all()


def test_the_provenance_tells_source_mapping_and_counts_but_no_path_of_this_machine(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001", "0507")
    imported = import_source(AMOS, given, tmp_path / "cohort.csv")
    text = (tmp_path / "cohort.provenance.json").read_text()
    told = json.loads(text)
    assert told == imported.provenance
    assert str(tmp_path) not in text
    assert told["source"]["licence"].startswith("CC BY 4.0")
    assert told["mapping"]["checked"] == "not checked against the original files"
    assert (told["cases"], told["in_the_study"], told["excluded"]) == (2, 1, {"MR, not CT": 1})
    assert "not checked against the original files" in outcome(imported)


def test_a_second_import_changes_nothing_and_another_needs_leave(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001")
    out = tmp_path / "out" / "cohort.csv"
    import_source(AMOS, given, out)
    before = files(out.parent)
    times = [path.stat().st_mtime_ns for path in sorted(out.parent.rglob("*.csv"))]
    import_source(AMOS, given, out)
    assert files(out.parent) == before
    assert [path.stat().st_mtime_ns for path in sorted(out.parent.rglob("*.csv"))] == times
    put_amos(tmp_path / "amos22", "0002")
    with pytest.raises(UsageError, match="use --overwrite"):
        import_source(AMOS, given, out)
    assert files(out.parent) == before
    import_source(AMOS, given, out, ImportOptions(overwrite=True))
    assert len(read_cohort(out)) == 2
    (tmp_path / "amos22" / "imagesTr" / "amos_0001.nii.gz").unlink()
    import_source(AMOS, given, out, ImportOptions(overwrite=True))
    assert sorted(path.name for path in (out.parent / "cohort_masks").iterdir()) == [
        "amos_0002_liver.nii.gz", "amos_0002_spleen.nii.gz",
    ]  # fmt: skip


def test_somebody_else_s_table_is_not_replaced(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001")
    (tmp_path / "cohort.csv").write_text("mine\n")
    with pytest.raises(UsageError, match="holds something else"):
        import_source(AMOS, given, tmp_path / "cohort.csv")
    assert (tmp_path / "cohort.csv").read_text() == "mine\n"
    assert not (tmp_path / "cohort.provenance.json").exists()


def test_damaged_and_foreign_labels_exclude_their_row_with_a_note(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001", "0002", "0003")
    (tmp_path / "amos22" / "labelsTr" / "amos_0001.nii.gz").write_bytes(b"nothing")
    put_labels(tmp_path / "amos22" / "labelsTr" / "amos_0002.nii.gz", 6, 99)
    put_labels(tmp_path / "amos22" / "labelsTr" / "amos_0003.nii.gz", 1)
    told = import_source(AMOS, given, tmp_path / "cohort.csv").provenance
    assert told["excluded"] == {"label file cannot be used": 2, "no liver in the label file": 1}
    assert len(told["notes"]) == 2
    assert "which AMOS22 does not have" in told["notes"][1]


def test_without_masks_the_rows_of_a_segmentation_set_serve_nobody(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001")
    told = import_source(AMOS, given, tmp_path / "cohort.csv", ImportOptions(masks=False)).provenance
    assert told["in_the_study"] == 0
    assert not (tmp_path / "cohort_masks").exists()


def test_lits_and_the_decathlon_are_the_same_cases_under_one_patient(tmp_path):
    for number in (3, 4):
        put_ct(tmp_path / "msd" / "imagesTr" / f"liver_{number}.nii.gz", number)
        put_labels(tmp_path / "msd" / "labelsTr" / f"liver_{number}.nii.gz", 1, 2)
    put_ct(tmp_path / "lits" / "volume-4.nii", 4)
    put_labels(tmp_path / "lits" / "segmentation-4.nii", 1, 2)
    import_source(LITS, Given(tmp_path / "lits"), tmp_path / "lits.csv")
    alone = import_source(MSD, Given(tmp_path / "msd"), tmp_path / "msd.csv")
    assert alone.kin == ("lits.csv",)
    assert "lits.csv beside it holds the same cases; --beside says which rows" in outcome(alone)
    beside = ImportOptions(beside=(tmp_path / "lits.csv",), exclude_shared=True, overwrite=True)
    told = import_source(MSD, Given(tmp_path / "msd"), tmp_path / "msd.csv", beside)
    assert told.kin == ()
    rows = read_cohort(tmp_path / "msd.csv")
    assert [row.values["same_case"] for row in rows] == ["", "lits.csv: lits_4"]
    assert [row.values["exclude"] for row in rows] == ["", "same case in another cohort"]
    assert rows[1].patient_id == read_cohort(tmp_path / "lits.csv")[0].patient_id
    assert told.provenance["beside"] == [{"source": "lits", "table": "lits.csv"}]
    assert "same case in lits.csv: 1" in outcome(told)
    assert "msd_liver_4,lits.csv,lits_4,case of the same set" in (tmp_path / "msd.shared.csv").read_text()


def test_copies_in_a_cohort_of_one_s_own_are_found_by_their_values(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001", "0002")
    own = put_ct(tmp_path / "own" / "x.nii.gz", 2)
    row = {"patient_id": "p", "scan_id": "mine", "image": own.name, "stage": "F2"}
    table = put_table(tmp_path / "own" / "own.csv", [row])
    import_source(AMOS, given, tmp_path / "cohort.csv", ImportOptions(beside=(table,)))
    assert [row.values["same_case"] for row in read_cohort(tmp_path / "cohort.csv")] == ["", "own.csv: mine"]


def test_tables_alone_show_the_mapping(tmp_path):
    row = {"TCIA_ID": "HCC_001", "age": 71, "Sex": 1, "Evidence_of_cirh": 0}
    book = put_workbook(tmp_path / "b.xlsx", [row])
    imported = import_source(SOURCES["hcc_tace_seg"], Given(None, (book,)), tmp_path / "cohort.csv")
    (line,) = check_values(tmp_path / "cohort.csv")
    assert (line.stage_name, line.values["exclude"], line.values["reference"]) == ("F0|F1|F2|F3", "no image found", "")
    assert imported.provenance["source_values"] == [{"value": "Evidence_of_cirh 0", "stage": "F0|F1|F2|F3", "cases": 1}]
    assert "give their folder with --from" in outcome(imported)


def test_a_case_that_a_table_names_twice_is_refused(tmp_path):
    rows = [{"study id": "AC1", "cirrhosis": 1}, {"study id": "AC1", "cirrhosis": 0}]
    with pytest.raises(InputError, match="name merlin_ac1 twice"):
        import_source(SOURCES["merlin"], Given(None, (put_table(tmp_path / "t.csv", rows),)), tmp_path / "c.csv")


def test_the_real_ct_of_chaos_is_a_control_that_passes_the_check(tmp_path, shared_data):
    place = tmp_path / "chaos" / "Train_Sets" / "CT" / "3"
    place.mkdir(parents=True)
    (place / "DICOM_anon").symlink_to(shared_data / "chaos_ct3" / "DICOM_anon")
    import_source(SOURCES["chaos"], Given(tmp_path / "chaos"), tmp_path / "cohort.csv")
    (row,) = check_cohort(tmp_path / "cohort.csv")
    assert (row.scan_id, row.stages, row.is_control) == ("chaos_ct_3", (0,), True)


@pytest.mark.parametrize(("name", "given"), list(product(SOURCES, ["empty", "other", "gone", "wrong table"])))
def test_no_source_takes_what_is_not_its_own_and_nothing_is_written(tmp_path, name, given):
    folder = tmp_path / given
    if given != "gone":
        folder.mkdir()
    tables = ()
    if given == "other":
        put_ct(folder / "scan.nii.gz")
    elif given == "wrong table":
        tables = (put_table(tmp_path / "t.csv", [{"a": 1, "b": 2}]),)
        put_ct(folder / "scan.nii.gz")
    before = files(tmp_path)
    with pytest.raises(InputError) as refused:
        import_source(SOURCES[name], Given(folder, tables), tmp_path / "new" / "cohort.csv")
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")
    assert files(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_names_that_are_no_table_and_places_that_cannot_be_written(tmp_path):
    given = put_amos(tmp_path / "amos22", "0001")
    with pytest.raises(UsageError, match=r"such as cohort.csv"):
        import_source(AMOS, given, tmp_path / "folder")
    with pytest.raises(UsageError, match="cannot stand under --beside and --out"):
        import_source(AMOS, given, tmp_path / "a.csv", ImportOptions(beside=(tmp_path / "a.csv",)))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        import_source(AMOS, given, tmp_path / "file" / "cohort.csv")

"""TCGA-LIHC: the real table where it is at hand, and a miniature of it."""

from collections import Counter

import pytest
from tests.source_files import index_row, put_series, put_table

from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.clinical import Remarks
from fibrolens.cohort.sources.tcga_blood import albumin_g_dl, inr, platelets
from fibrolens.cohort.sources.tcga_lihc import ishak_stages, read
from fibrolens.errors import InputError

NOT = "[Not Available]"


def patient(number: int, score: str, **cells: str) -> dict[str, str]:
    return {
        "bcr_patient_uuid": "x", "bcr_patient_barcode": f"TCGA-DD-A00{number}", "gender": "MALE",
        "height_cm_at_diagnosis": "170", "weight_kg_at_diagnosis": "70",
        "history_other_malignancy": "No", "history_neoadjuvant_treatment": "No",
        "history_hepato_carcinoma_risk_factors": "Alcohol consumption|Hepatitis B",
        "definitive_surgical_procedure": "Lobectomy", "child_pugh_classification": "A",
        "alpha_fetoprotien_at_procurement": "12", "platelet_count_preresection": "187",
        "prothrombin_time_INR_at_procurement": "1.1", "serum_albumin_preresection": "4.2",
        "serum_albumin_norm_range_upper": "5.2", "ishak_fibrosis_score": score, "age_at_diagnosis": "60",
        "tissue_source_site": "DD", **cells,
    }  # fmt: skip


def biotab(path, *rows):
    """Rows under the three header lines of a BCR biotab."""
    header = dict.fromkeys(rows[0])
    second = {name: {"ishak_fibrosis_score": "liver_fibrosis_ishak_score_category"}.get(name, name) for name in header}
    return put_table(path, [second, dict.fromkeys(header, "CDE_ID:1"), *rows], "\t")


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("0 - No Fibrosis", (0,)),
        ("1,2 - Portal Fibrosis", (1,)),
        ("3,4 - Fibrous Speta", (2, 3)),
        ("3,4 - Fibrous Septa", (2, 3)),
        ("5 - Nodular Formation and Incomplete Cirrhosis", (4,)),
        ("6 - Established Cirrhosis", (4,)),
        ("[Not Available]", ()),
        ("[Unknown]", ()),
        ("Not Reported", ()),
        ("", ()),
    ],
)
def test_ishak_categories_in_both_spellings(text, stages):
    assert ishak_stages(text) == stages


@pytest.mark.parametrize("text", ["7 - More", "4", "F3", "3 - Fibrous Septa"])
def test_other_words_are_no_ishak_category(text):
    with pytest.raises(ValueError, match=r"\w"):
        ishak_stages(text)


def test_units_of_blood_values_are_told_by_value_and_normal_range():
    remarks = Remarks()

    def albumin(value, upper="5.2"):
        return albumin_g_dl({"serum_albumin_preresection": value, "serum_albumin_norm_range_upper": upper}, remarks)

    assert [albumin("4.2"), albumin("44", "50"), albumin("5200", "5100"), albumin("0.4", "0.5")] == [4.2, 4.4, 5.2, 4.0]
    assert [albumin("8"), albumin(NOT)] == [None, None]
    ratio = [inr({"prothrombin_time_INR_at_procurement": text}, remarks) for text in ("1.3", "2.0", "10.2", NOT)]
    assert ratio == [1.3, 2.0, None, None]
    counts = [platelets({"platelet_count_preresection": text}, remarks) for text in ("187", "209000", NOT)]
    assert counts == [187.0, 209.0, None]
    assert remarks.sentences == (
        "INR above 5 taken as a prothrombin time in seconds and left empty: 1 row",
        "albumin above 10 taken as g/L and divided by 10: 1 row",
        "albumin above 1000 taken as mg/dL and divided by 1000: 1 row",
        "albumin left empty, not within 1 to 6 g/dL: 1 row",
        "albumin whose own normal range ends below 1 multiplied by 10: 1 row",
        "platelets above 2000 taken as per microlitre and divided by 1000: 1 row",
    )


def test_a_miniature_gives_stages_images_and_reasons(tmp_path):
    table = biotab(
        tmp_path / "clinical.txt",
        patient(1, "3,4 - Fibrous Septa"),
        patient(2, "6 - Established Cirrhosis", definitive_surgical_procedure="Total Hepatectomy with Transplant"),
        patient(3, "[Unknown]"),
        patient(4, "0 - No Fibrosis"),
        patient(5, "0 - No Fibrosis"),
    )
    index = put_table(
        tmp_path / "index.csv",
        [
            index_row("TCGA-DD-A001", "1.2.1", "P.Venous 3.0 B40f", PatientAge="061Y"),
            index_row("TCGA-DD-A001", "1.2.2", "Arterial 3.0 B40f"),
            index_row("TCGA-DD-A002", "1.2.3", "PV Abd"),
            index_row("TCGA-DD-A003", "1.2.4", "PV Abd"),
            index_row("TCGA-DD-A004", "1.2.5", "Arterial"),
        ],
    )
    image = put_series(tmp_path / "dicom" / "tcga_lihc" / "TCGA-DD-A001" / "1.2.3", "1.2.1", slices=60)
    reading = read(Given(tmp_path / "dicom", (index, table)))
    told = {case.patient_id[-1]: (case.stages, case.image, case.exclude) for case in reading.cases}
    assert told == {
        "1": ((2, 3), image, ""),
        "2": ((4,), None, "no image found"),
        "3": ((), None, "no Ishak score"),
        "4": ((0,), None, "no CT series in portal venous phase"),
        "5": ((0,), None, "no CT series"),
    }
    first, second = reading.cases[:2]
    expected = {
        "reference": "histology", "phase": "portal venous", "age": "61", "sex": "M", "bmi": "24.2", "site": "DD",
        "aetiology": "alcohol + hepatitis B", "specimen": "resection", "platelets": "187", "afp": "12",
        "series_uid": "1.2.1",
    }  # fmt: skip
    assert expected.items() <= dict(first.values).items()
    assert second.values["specimen"] == "transplantation"
    assert len(reading.side[0].rows) == 5


def test_a_table_of_the_genomic_data_commons_serves_too(tmp_path):
    row = {"case_submitter_id": "TCGA-2V-A95S", "ishak_fibrosis_score": "3,4 - Fibrous Septa"}
    (case,) = read(Given(None, (put_table(tmp_path / "clinical.tsv", [row], "\t"),))).cases
    assert (case.stages, case.values["site"], case.exclude) == ((2, 3), "2V", "no image found")


def test_a_patient_may_stand_twice_with_one_score_but_not_with_two(tmp_path):
    twice = biotab(tmp_path / "a.txt", patient(1, "0 - No Fibrosis"), patient(1, "0 - No Fibrosis"))
    assert len(read(Given(None, (twice,))).cases) == 1
    two = biotab(tmp_path / "b.txt", patient(1, "0 - No Fibrosis"), patient(1, "6 - Established Cirrhosis"))
    with pytest.raises(InputError, match="TCGA-DD-A001 has two Ishak scores"):
        read(Given(None, (two,)))


def test_other_tables_are_refused(tmp_path):
    unknown = biotab(tmp_path / "a.txt", patient(1, "9 - Something"))
    with pytest.raises(InputError, match="TCGA-DD-A001 has the Ishak score '9 - Something'"):
        read(Given(None, (unknown,)))
    nobody = put_table(tmp_path / "b.txt", [{"bcr_patient_barcode": "P1", "ishak_fibrosis_score": ""}], "\t")
    with pytest.raises(InputError, match="holds no TCGA patient"):
        read(Given(None, (nobody,)))
    with pytest.raises(InputError, match="has no column ishak_fibrosis_score"):
        read(Given(None, (put_table(tmp_path / "c.txt", [{"bcr_patient_barcode": "P1", "age": ""}], "\t"),)))
    with pytest.raises(InputError, match="No TCGA-LIHC clinical table is given"):
        read(Given())


def test_the_real_table_has_the_published_counts(shared_data):
    tables = shared_data / "tables"
    clinical, index = tables / "tcga_lihc_clinical_patient.txt", tables / "idc_liver_collections_series.csv.gz"
    reading = read(Given(None, (clinical, index)))
    values = Counter((case.source_value[:3], case.stages) for case in reading.cases)
    assert values == {
        ("0 -", (0,)): 76, ("1,2", (1,)): 31, ("3,4", (2, 3)): 30, ("5 -", (4,)): 9, ("6 -", (4,)): 72,
        ("[No", ()): 99, ("[Un", ()): 60,
    }  # fmt: skip
    assert Counter(case.exclude for case in reading.cases)["no Ishak score"] == 159
    assert {
        "platelets above 2000 taken as per microlitre and divided by 1000: 32 rows",
        "albumin above 10 taken as g/L and divided by 10: 4 rows",
        "albumin above 1000 taken as mg/dL and divided by 1000: 1 row",
        "INR above 5 taken as a prothrombin time in seconds and left empty: 90 rows",
    } <= set(reading.notes)
    assert max(float(case.values["platelets"] or 0) for case in reading.cases) == 608.0
    with_ct = [case for case in reading.cases if case.values["series_uid"]]
    scored = [case for case in with_ct if case.stages]
    assert (len(with_ct), len(scored)) == (66, 58)
    assert Counter(case.stages for case in scored) == {(0,): 32, (4,): 17, (1,): 5, (2, 3): 4}


def test_the_real_index_gives_one_series_per_patient_with_a_reason_for_each(shared_data):
    tables = shared_data / "tables"
    given = Given(
        None, tuple(tables / name for name in ("tcga_lihc_clinical_patient.txt", "tcga_lihc_ct_series_with_ishak.csv"))
    )
    (side,) = read(given).side
    at = side.columns.index
    assert len(side.rows) == 777
    assert all(row[at("reason")] for row in side.rows)
    taken = Counter(row[at("patient_id")] for row in side.rows if row[at("chosen")] == "yes")
    assert len(taken) == 66
    assert set(taken.values()) == {1}

"""An exported case holds the whole case and nobody's name."""

import json
import shutil

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from tests.deidentify.conftest import KEY, contents, stage_into
from tests.dicom_objects import array_at, complaints
from tests.planted import DAY, FILE_NAME, UIDS, WORD

from fibrolens.deidentify import deidentify_case
from fibrolens.deidentify.key import Key
from fibrolens.errors import InputError, UsageError
from fibrolens.io import read_volume, write_nifti

pytestmark = pytest.mark.slow  # a whole CT with every element of the standard is staged and exported


def told(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_nothing_planted_is_in_any_byte_of_the_export(case):
    assert WORD.search((case.source / f"{FILE_NAME}_0001.dcm").read_bytes())  # the search finds what is there
    old = told(case.results)
    secrets = [*case.uids, DAY, "Planted", FILE_NAME, str(case.source), case.source.name, old["input"]["sha256"]]
    secrets += [old["scan_id"], *(entry["sop_instance_uid"] for entry in old["dicom"].values())]
    files = dict(contents(case.export))
    assert len(files) > 70
    for name, content in files.items():
        assert not WORD.search(name.encode()), name
        assert (found := WORD.search(content)) is None, (name, found)
        assert UIDS.search(content) is None, name
        assert [secret for secret in secrets if secret.encode() in content] == [], name


def test_the_export_holds_what_the_result_held(case):
    def names(folder):
        return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}

    exported = names(case.export)
    assert names(case.results) <= exported
    assert {f"ct/{n:04d}.dcm" for n in range(1, 59)} == exported - names(case.results)
    old, new = told(case.results), told(case.export)
    for part in ("stage", "attention", "markers", "quality", "model"):
        assert new[part] == old[part]
    for name in ("labels", "map", "maps/F0", "maps/F4"):
        was, now = (nib.load(folder / f"{name}.nii.gz") for folder in (case.results, case.export))
        assert (np.asarray(was.dataobj) == np.asarray(now.dataobj)).all()
        assert (was.affine == now.affine).all()


def test_the_result_speaks_of_the_exported_ct(case):
    ct, content = read_volume(case.export / "ct"), told(case.export)
    assert (read_volume(case.source).array == ct.array).all()
    assert ct.get("sha256") == content["input"]["sha256"]
    assert ct.get("series_uid") == content["input"]["series_uid"]
    assert ct.get("scan_id") == content["scan_id"]
    assert content["input"]["path"] == "ct"
    for entry in content["dicom"].values():
        data = dcmread(case.export / entry["file"], stop_before_pixels=True)
        assert (data.SOPInstanceUID, data.SeriesInstanceUID) == (entry["sop_instance_uid"], entry["series_uid"])


def test_every_object_is_valid_and_marked(case):
    files = [case.export / "ct" / "0001.dcm", *sorted((case.export / "dicom").iterdir())]
    assert len(files) == 6
    for path in files:
        assert complaints(path) == []
        data = dcmread(path)
        assert data.PatientIdentityRemoved == "YES"
        assert data.LongitudinalTemporalInformationModified == "REMOVED"
        assert "PS3.15" in data.DeidentificationMethod
        codes = [item.CodeValue for item in data.DeidentificationMethodCodeSequence]
        assert codes == (["113100"] if path.parent.name == "ct" else ["113100", "113104", "113105"])
        assert data.get("BurnedInAnnotation", "NO") == "NO"
        assert (data.StudyDate, data.StudyTime, data.AccessionNumber, data.PatientBirthDate) == ("", "", "", "")
        assert str(data.PatientName) == data.PatientID == KEY.pseudonym("Q00100021X", "Q00100020X")


def test_references_hold_between_all_files(case):
    slices = [dcmread(p, stop_before_pixels=True) for p in sorted((case.export / "ct").iterdir())]
    instances, series = {d.SOPInstanceUID for d in slices}, {d.SeriesInstanceUID for d in slices}
    assert (len(instances), len(series)) == (58, 1)
    seg = hd.seg.segread(case.export / "dicom" / "seg.dcm")
    assert {s for _, s, _ in seg.get_source_image_uids()} == series
    assert {i for _, _, i in seg.get_source_image_uids()} <= instances
    assert seg.FrameOfReferenceUID == slices[0].FrameOfReferenceUID
    parametric = dcmread(case.export / "dicom" / "map.dcm", stop_before_pixels=True)
    for frame in parametric.PerFrameFunctionalGroupsSequence:
        for item in frame.DerivationImageSequence[0].SourceImageSequence:
            assert item.ReferencedSOPInstanceUID in instances
    report = hd.sr.srread(case.export / "dicom" / "report.dcm")
    organ = report.content.get_volumetric_roi_measurement_groups()[0]
    assert organ.referenced_segment[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == seg.SOPInstanceUID
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0]
    assert evidence.StudyInstanceUID == slices[0].StudyInstanceUID == seg.StudyInstanceUID
    named = {i.ReferencedSOPInstanceUID for s in evidence.ReferencedSeriesSequence for i in s.ReferencedSOPSequence}
    assert instances <= named


def test_organs_lie_where_they_did(case):
    ct = read_volume(case.export / "ct")
    labels = np.asarray(nib.load(case.export / "labels.nii.gz").dataobj).transpose(2, 1, 0)
    seg = hd.seg.segread(case.export / "dicom" / "seg.dcm")
    for number in (1, 2):
        volume = seg.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
        assert (np.nan_to_num(array_at(volume, ct)) == (labels == number)).all()


def test_the_report_still_tells_the_stage(case):
    groups = hd.sr.srread(case.export / "dicom" / "report.dcm").content
    found = {item.name.value: item.value for item in groups.get_image_measurement_groups()[0].get_measurements()}
    for name, p in told(case.export)["stage"]["probabilities"].items():
        assert found[f"p_{name.lower()}"] == p


def test_the_same_key_gives_the_same_files_and_is_not_done_twice(case, tmp_path):
    again = deidentify_case(case.source, case.results, tmp_path / "again", KEY)
    assert not again.unchanged
    first, second = (dict(contents(folder)) for folder in (case.export, tmp_path / "again"))
    del first["manifest.json"], second["manifest.json"]
    assert first == second
    assert deidentify_case(case.source, case.results, tmp_path / "again", KEY).unchanged
    with pytest.raises(UsageError, match="--overwrite"):
        deidentify_case(case.source, case.results, tmp_path / "again", Key.fresh())
    other = deidentify_case(case.source, case.results, tmp_path / "again", Key.fresh(), overwrite=True)
    assert other.scan_id != again.scan_id


def test_another_ct_or_a_changed_result_is_refused(case, rendering, tmp_path):
    other = tmp_path / "other.nii.gz"
    write_nifti(rendering.hu, other)
    with pytest.raises(InputError, match="not the CT that this result was made from"):
        deidentify_case(other, case.results, tmp_path / "out", KEY)
    changed = shutil.copytree(case.results, tmp_path / "changed")
    (changed / "report.html").write_text("something else")
    with pytest.raises(InputError, match=r"report\.html is missing or has changed"):
        deidentify_case(case.source, changed, tmp_path / "out", KEY)
    with pytest.raises(InputError, match="no complete folder of fibrolens stage"):
        deidentify_case(case.source, tmp_path, tmp_path / "out", KEY)
    assert not (tmp_path / "out").exists()


def test_words_burned_into_pixels_are_refused_and_nothing_is_left(case, rendering, tmp_path):
    source = tmp_path / "burned"
    source.mkdir()
    for path in sorted(case.source.iterdir()):
        data = dcmread(path)
        data.BurnedInAnnotation = "YES"
        data.save_as(source / path.name)
    results = stage_into(tmp_path / "staged", source, rendering.labels)
    with pytest.raises(InputError, match="burned into its pixels"):
        deidentify_case(source, results, tmp_path / "out", KEY)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["burned", "staged"]


def test_a_nifti_file_with_a_telling_name_header_and_masks(rendering, tmp_path):
    source, mask = tmp_path / "QAAAAAAAAX_Wernicke.nii.gz", tmp_path / "QBBBBBBBBX.nii.gz"
    write_nifti(rendering.hu, source)
    write_nifti(rendering.hu.with_array((rendering.hu.array > 50).astype(np.uint8)), mask)
    header = nib.load(source)
    header.header["descrip"] = b"QCCCCCCCCX"
    header.header["aux_file"] = b"QDDDDDDDDX"
    header.header["db_name"] = b"QEEEEEEEEX"
    header.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Q99999999X"))
    nib.save(header, source)
    from fibrolens.masks import OwnMasks  # noqa: PLC0415

    results = stage_into(
        tmp_path / "staged", source, rendering.labels, masks=OwnMasks(mask, None, None, None), force=True
    )
    assert WORD.search((results / "result.json").read_bytes())
    exported = deidentify_case(source, results, tmp_path / "out", KEY)
    for name, content in contents(tmp_path / "out"):
        assert (found := WORD.search(content)) is None, (name, found)
        assert b"Wernicke" not in content
    content = told(tmp_path / "out")
    assert exported.scan_id == content["scan_id"] != told(results)["scan_id"]
    assert content["masks"]["liver"]["name"] == "own liver mask"
    ct = read_volume(tmp_path / "out" / "ct.nii.gz")
    assert (ct.array == rendering.hu.array).all()
    assert ct.get("sha256") == content["input"]["sha256"]

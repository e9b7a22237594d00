"""The CTs of a batch: from the command line, from a manifest, and which shard does which."""

from pathlib import Path

import pytest

from fibrolens.cases import MOST_PROBLEMS, Case, Manifest, Shard, as_cases, check_scan_id, is_single
from fibrolens.errors import CohortError, InputError, UsageError


@pytest.fixture
def written(tmp_path):
    def write(text, name="list.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_a_text_has_a_path_per_line_relative_to_its_folder(written, tmp_path):
    manifest = Manifest(written("# all of 2024\nct/a.nii.gz\n\n  /data/b b.nii.gz  \r\nc,d.nrrd", "list.txt"))
    paths = [tmp_path / "ct" / "a.nii.gz", Path("/data/b b.nii.gz"), tmp_path / "c,d.nrrd"]
    assert list(manifest) == [Case(path) for path in paths]
    assert len(manifest) == 3
    assert list(manifest) == list(manifest)


def test_a_table_has_images_and_perhaps_scan_ids(written, tmp_path):
    manifest = Manifest(written('\ufeffscan_id, image ,site\ns1,"a, b.nii",x\n,,\n,b.nii\n'))
    assert list(manifest) == [Case(tmp_path / "a, b.nii", "s1"), Case(tmp_path / "b.nii")]


def test_a_cohort_will_do_and_its_excluded_rows_are_left_out(written, tmp_path):
    table = "patient_id,scan_id,image,stage,exclude\np1,s1,a.nii,F0,\np2,s2,,,no CT\np3,s3,c.nii,F4,\n"
    assert [case.scan_id for case in Manifest(written(table))] == ["s1", "s3"]


def test_every_line_that_cannot_be_used_is_named(written):
    path = written("image,scan_id\na.nii,s1\n,s2\nb.nii,a/b\nc.nii,S1\nd.nii,\nd.nii,\n")
    with pytest.raises(CohortError) as told:
        Manifest(path)
    text = str(told.value)
    assert "list.csv has 4 problems" in text
    assert "line 3: image is empty" in text
    assert "line 4: The scan id 'a/b' cannot name a folder" in text
    assert "line 5: scan_id S1 stands in line 2 already" in text
    assert "line 7: d.nii stands in line 6 already" in text


def test_a_file_that_is_wrong_throughout_is_not_read_to_its_end(written):
    with pytest.raises(CohortError, match=f"has {MOST_PROBLEMS} problems"):
        Manifest(written("image,scan_id\n" + "a.nii,/\n" * 1000))


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("", "list.txt", "names no CT"),
        ("image\n", "list.csv", "names no CT"),
        ("path\na.nii\n", "list.csv", "no column image"),
        ("image;scan_id\na.nii;s1\n", "list.csv", "commas between"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(written, text, name, told):
    with pytest.raises(InputError, match=told):
        Manifest(written(text, name))


def test_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "ct.nii.gz").write_bytes(bytes(range(256)))
    for path in (tmp_path / "ct.nii.gz", tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="cannot be read as a manifest"):
            Manifest(path)


def test_shards_share_out_all_cases_by_position():
    cases = [Case(Path(str(number))) for number in range(10)]
    shards = [Shard.parse(cases, f"{number}/3") for number in (1, 2, 3)]
    assert [[int(case.path.name) for case in shard] for shard in shards] == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
    assert [len(shard) for shard in shards] == [4, 3, 3]
    assert (len(Shard(cases, 12, 12)), list(Shard(cases, 12, 12))) == (0, [])


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "1/3/5", "-1/3", "1.0/3", ""])
def test_a_shard_is_one_of_n(text):
    with pytest.raises(UsageError, match="1/N to N/N"):
        Shard.parse([], text)


def test_paths_become_cases_and_cases_stay(written):
    assert as_cases([Path("a")], "x") == [Case(Path("a"), "x")]
    manifest = Manifest(written("a\n", "list.txt"))
    assert as_cases(manifest) is manifest
    assert not is_single(manifest)
    assert is_single([Path("a")])


@pytest.mark.parametrize("scan_id", ["", ".", "..", "a/b", "a\\b", ".hidden", "a\nb", "x" * 200])
def test_scan_id_that_cannot_name_a_folder_is_refused(scan_id):
    with pytest.raises(UsageError, match="cannot name a folder"):
        check_scan_id(scan_id)

"""Which pictures are drawn of a scan, and what they show."""

import pickle

from fibrolens.report.pictures import Pictures, draw_here


def pictures_of(staged, *skip):
    maps = [staged.predicted_map, staged.recommended_map]
    return Pictures.of(staged.to_dict(), (staged.ct, staged.labels), maps, skip)


def test_each_map_has_an_overlay_and_a_strip_and_the_first_one_frames(staged):
    pictures = pictures_of(staged)
    assert (len(pictures.overlays), len(pictures.strips)) == (2, 2)
    assert pictures.frames.top == pictures.overlays[0].top == pictures.strips[0].top
    asked, recommended = (sheet.captions for sheet in pictures.overlays)
    assert asked.title.startswith(f"{staged.scan_id}: predicted {staged.stage.predicted} (p = 0.")
    assert asked.title.endswith("3D Grad-CAM at conv4")
    assert recommended.title.endswith("at conv2")
    assert staged.scan_id not in pictures.frames.captions.title
    assert asked.note == f"Weights trained on {staged.model.trained_on}."


def test_what_is_skipped_is_not_drawn(staged):
    assert pictures_of(staged, "dicom").frames is None
    only_frames = pictures_of(staged, "report")
    assert only_frames.frames is not None
    assert only_frames.overlays == only_frames.strips == ()
    drawn = pictures_of(staged, "report", "dicom").draw()
    assert (drawn.overlays, drawn.strips, drawn.frames) == ((), (), None)


def test_they_are_drawn_here_once(staged):
    drawn = draw_here(pictures_of(staged, "dicom"))
    assert drawn() is drawn()
    assert [picture[:4] for picture in drawn().overlays + drawn().strips] == [b"\x89PNG"] * 4


def test_they_are_complete_without_the_volumes(staged):
    pictures = pictures_of(staged)
    cuts = [*pictures.frames.cuts, *(cut for strip in pictures.strips for cut in strip.cuts)]
    cuts += [cut for sheet in pictures.overlays for cut in (*sheet.axial, *sheet.central)]
    sent = pickle.dumps(pictures)
    assert len(sent) < 1.1 * sum(cut.ct.nbytes + cut.map.nbytes + cut.labels.nbytes for cut in cuts)
    assert pickle.loads(sent).draw().overlays == pictures.draw().overlays  # noqa: S301 - made two lines above
